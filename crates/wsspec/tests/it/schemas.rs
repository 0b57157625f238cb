//! The published schemas describe what is written: every line, and every member of it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::tempdir;

use crate::looking::RECORD;
use crate::peer::{Manner, Peer, Then};
use crate::program::{command, finish, wsspec};
use crate::tester::{Tester, free_port};

/// Python with a validator; `None`, and the test is skipped, where there is none to be had.
fn python() -> Option<PathBuf> {
    wsspec_testkit::python(&["jsonschema==4.26.0"])
}

/// Closes all objects of a schema: members that it does not know are errors then.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

const CHECK: &str = "
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
check = jsonschema.Draft202012Validator(schema)
for number, line in enumerate(open(sys.argv[2], encoding='utf-8'), 1):
    errors = list(check.iter_errors(json.loads(line)))
    for error in errors:
        for part in [error, *(error.context or [])]:
            print(number, part.json_path, part.message[:300])
    if errors:
        sys.exit(1)
";

/// Validates each line of a text against what `wsspec schema` prints.
#[track_caller]
fn assert_valid(output: &str, text: &str) {
    let Some(python) = python() else { return };
    let folder = tempdir().unwrap();
    let mut schema: Value = serde_json::from_str(&wsspec(folder.path(), &["schema", output]).out).unwrap();
    close(&mut schema);
    let (schema_file, lines) = (folder.path().join("schema.json"), folder.path().join("lines.json"));
    fs::write(&schema_file, schema.to_string()).unwrap();
    fs::write(&lines, text).unwrap();
    let mut command = Command::new(python);
    command.args(["-c", CHECK]).arg(schema_file).arg(lines);
    let done = finish(command);
    assert!(done.code == 0, "{}{}", done.out, done.err);
}

#[test]
fn every_line_of_a_run_is_as_the_schema_says() {
    let folder = tempdir().unwrap();
    let cases = ["1.1.*", "2.1", "5.15", "5.19", "6.4.1", "7.1.*", "7.13.1", "12.1.1", "13.1.1", "14.*"];
    let done = wsspec(folder.path(), &[&["run"][..], &cases].concat());
    assert!(done.code < 2, "{done:#?}");
    assert_valid("results", &fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap());
    assert_valid("results", RECORD);
    let short = RECORD.replace(r#""repro":"#, r#""short":true,"repro":"#);
    assert_ne!(short, RECORD);
    assert_valid("results", &short);
}

#[test]
fn lines_about_hostile_peers_and_clients_are_as_the_schema_says() {
    for manner in [
        Manner::Upgrade(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Then::Silence),
        Manner::Upgrade(b"\x88\x05\x03\xe8\xff\xfe\x00", Then::Close),
        Manner::Answer(b"HTTP/1.1 \xff\x1b[2J\r\n\r\n", Then::Close),
        Manner::DropAtOnce,
    ] {
        let folder = tempdir().unwrap();
        let peer = Peer::start(move |n| if n < 2 { Manner::Echo } else { manner });
        wsspec(folder.path(), &["run", &peer.url(), "1.1.1", "2.1", "--no-confirm"]);
        assert_valid("results", &fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap());
    }
    let folder = tempdir().unwrap();
    let driver = format!("{} echo --connect {{url}} --agent mine", env!("CARGO_BIN_EXE_wsspec"));
    wsspec(folder.path(), &["serve", "1.1.1", "5.15", "--once", "--port", "0", "--exec", &driver]);
    assert_valid("results", &fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap());
}

/// What `wsspec config init` writes, and the example of the documentation: TOML as JSON.
#[test]
fn files_of_configuration_are_as_the_schema_says() {
    let valid = serde_json::json!({
        "schema": 1,
        "run": { "set": ["core", "deflate"], "jobs": 8, "fail-on": "must", "exclude": ["7.13.*"], "strict": true },
        "target": [{ "agent": "mylib", "url": "ws://127.0.0.1:{port}/echo", "exec": "./echo {port}", "ready": "ws",
            "headers": { "Authorization": "env:WS_TOKEN" } }],
        "output": { "html": "report.html", "trace": "failures" },
        "profile": { "ci": { "jobs": 2, "junit": "junit.xml", "timeout-scale": 2.0 } },
    });
    assert_valid("config", &valid.to_string());
    if python().is_none() {
        return;
    }
    for (table, key, value) in [
        ("run", "job", Value::from(8)),
        ("run", "fail-on", Value::from("sometimes")),
        ("run", "strict", Value::from("yes")),
        ("output", "jobs", Value::from(1)),
    ] {
        let mut wrong = valid.clone();
        wrong[table][key] = value;
        let check = || assert_valid("config", &wrong.to_string());
        assert!(std::panic::catch_unwind(check).is_err(), "{table}.{key}");
    }
}

#[test]
fn lists_are_as_the_schema_says() {
    let done = wsspec(tempdir().unwrap().path(), &["list", "--format", "json"]);
    let list: Value = serde_json::from_str(&done.out).unwrap();
    assert!(list.as_array().unwrap().len() > 517);
    assert_valid("list", &list.to_string());
}

#[test]
fn loads_are_as_the_schema_says() {
    let folder = tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let _server = Tester::start(command(folder.path(), &["echo", &address]), 0, "listening on ");
    let url = format!("ws://{address}");
    let loads: [&[&str]; 3] = [
        &["connect", &url, "-n", "20", "--rate", "1000"],
        &["rtt", &url, "--rate", "200", "-n", "4", "--for", "200ms"],
        &["throughput", &url, "--in-flight", "2", "-n", "2", "--for", "100ms", "--threshold", "rate<0"],
    ];
    for load in loads {
        let done = wsspec(folder.path(), &[&["load"], load, &["--format", "json"]].concat());
        assert_eq!(done.code, i32::from(load[0] == "throughput"), "{done:#?}");
        assert_valid("load", &done.out);
    }
}

#[test]
fn a_schema_can_refuse() {
    if python().is_none() {
        return;
    }
    let wrong = RECORD.replace("\"verdict\":\"fail\"", "\"verdict\":\"bad\"");
    assert!(std::panic::catch_unwind(|| assert_valid("results", &wrong)).is_err());
    let more = RECORD.replace("\"t\":\"end\"", "\"t\":\"end\",\"undescribed\":1");
    assert!(std::panic::catch_unwind(|| assert_valid("results", &more)).is_err());
}
