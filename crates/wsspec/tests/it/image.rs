//! The container image: what scripts rely on in the reference suite's. Building it needs a registry of images; what
//! is tried here is its text, and its command with its spec outside a container.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tester::{Tester, free_port, wstest};
use crate::visitor::{Visitor, get};

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).unwrap()
}

/// What stands behind a word in the last stage of the Dockerfile.
fn instruction(word: &str) -> String {
    let dockerfile = text("Dockerfile");
    let line = dockerfile.lines().rev().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {word} in the Dockerfile")).to_owned()
}

#[test]
fn command_folders_and_port_are_those_of_the_reference() {
    assert_eq!(
        serde_json::from_str::<Value>(&instruction("CMD")).unwrap(),
        json!(["wstest", "--mode", "fuzzingserver", "--spec", "/config/fuzzingserver.json"])
    );
    let volumes = serde_json::from_str::<Value>(&instruction("VOLUME")).unwrap();
    assert_eq!(volumes, json!(["/config", "/reports"]));
    assert_eq!(instruction("WORKDIR"), "/");
    assert!(instruction("EXPOSE").split(' ').any(|port| port == "9001"));
    assert!(instruction("FROM").starts_with("debian:"), "sh, bash, cat, touch and sleep have to be there");
    assert!(text("Dockerfile").contains("/opt/pypy/bin/wstest"), "the old path of the program");
}

#[cfg(unix)]
#[test]
fn the_command_serves_with_the_spec_of_the_image_and_ends_on_sigterm() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let spec = text("docker/fuzzingserver.json").replace("9001", &port.to_string());
    let spec = spec.replace("/reports", folder.path().join("reports").to_str().unwrap());
    std::fs::write(folder.path().join("fuzzingserver.json"), spec).unwrap();
    let words: Vec<String> = serde_json::from_str(&instruction("CMD")).unwrap();
    let words: Vec<String> =
        words.iter().map(|word| word.replace("/config", folder.path().to_str().unwrap())).collect();
    let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    // The image serves its page on 8080, which may be taken here.
    let mut command = wstest(folder.path(), &[&args[..], &["-u", "0"]].concat());
    command.env("WSSPEC_BIND", "127.0.0.1");
    let tester = Tester::start(command, port, "Ok, will run 517 test cases");
    assert!(get(port, "/", "Accept: */*\r\n").0.starts_with("HTTP/1.1 200 "), "a health check");
    Visitor::ask(port, "/runCase?case=1&agent=a").echo();
    let done = tester.terminate();
    assert_eq!(done.code, 0, "{done:#?}");
    let index = std::fs::read_to_string(folder.path().join("reports/clients/index.json")).unwrap();
    assert!(index.contains("1.1.1"), "{index}");
}
