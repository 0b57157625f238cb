//! `run --spec`: the spec file of the reference's `fuzzingclient`, and the hint that names it.

use std::path::Path;

use serde_json::json;
use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{finish, wsspec};
use crate::tester::wstest;

fn write(folder: &Path, servers: &serde_json::Value, more: &str) {
    let text = format!(r#"{{"outdir": "reports/servers", "servers": {servers}{more}}}"#);
    std::fs::write(folder.join("fuzzingclient.json"), text).unwrap();
}

/// `1.1.*` against a server that echoes and one that ends every connection.
fn two_servers(folder: &Path, more: &str) -> [Peer; 2] {
    let peers = [Peer::always(Manner::Echo), Peer::always(Manner::Upgrade(b"", Then::Close))];
    let servers = json!([{ "agent": "good", "url": peers[0].url(), "origin": "https://a.test" },
        { "agent": "bad", "url": peers[1].url() }]);
    write(folder, &servers, more);
    peers
}

const CASES: &str = r#", "cases": ["1.1.*"], "exclude-cases": ["1.1.8", "1.1.7"]"#;
const RUN: [&str; 5] = ["run", "--spec", "fuzzingclient.json", "--no-echo-check", "--no-confirm"];

fn verdicts(folder: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder.join("reports/servers/results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    lines.filter(|line| line["t"] == "case").map(|line| (word(&line["agent"]), word(&line["id"]))).collect()
}

#[test]
fn a_spec_of_the_reference_is_run_with_exit_statuses() {
    let folder = tempdir().unwrap();
    let _peers = two_servers(folder.path(), CASES);
    let done = wsspec(folder.path(), &RUN);
    assert_eq!(done.code, 1, "{done:#?}");
    let all = verdicts(folder.path());
    assert_eq!(all.len(), 12, "{all:?}");
    assert!(all.iter().all(|(_, id)| id != "1.1.7"), "{all:?}");
    let record = std::fs::read_to_string(folder.path().join("reports/servers/results.jsonl")).unwrap();
    assert!(record.contains("Origin: https://a.test"), "the origin of the spec is sent");
    // What is typed is stronger.
    let mine = Peer::always(Manner::Echo);
    let done = wsspec(folder.path(), &[&RUN[..], &[&mine.url(), "2.1", "-o", "mine"]].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("1 run in"), "{done:#?}");
}

#[test]
fn what_is_excluded_for_one_server_is_run_for_the_other() {
    let folder = tempdir().unwrap();
    let more = format!(r#"{CASES}, "exclude-agent-cases": {{"ba*": ["1.1.*"]}}"#);
    let _peers = two_servers(folder.path(), &more);
    let done = wsspec(folder.path(), &RUN);
    assert_eq!(done.code, 0, "{done:#?}");
    let all = verdicts(folder.path());
    assert!(all.len() == 6 && all.iter().all(|(agent, _)| agent == "good"), "{all:?}");
}

#[test]
fn a_spec_that_names_no_server_needs_an_address() {
    let folder = tempdir().unwrap();
    write(folder.path(), &json!([]), CASES);
    wsspec(folder.path(), &RUN).expect_error(2, "E27");
    let peer = Peer::always(Manner::Echo);
    assert_eq!(wsspec(folder.path(), &[&RUN[..], &[&peer.url()]].concat()).code, 0);
    write(folder.path(), &json!([]), r#", "casez": ["*"]"#);
    let done = wsspec(folder.path(), &RUN);
    done.expect_error(2, "E18");
    assert!(done.err.contains("did you mean \"cases\"?"), "{done:#?}");
    std::fs::write(folder.path().join("fuzzingclient.json"), "").unwrap();
    wsspec(folder.path(), &RUN).expect_error(2, "E18");
    wsspec(folder.path(), &["run", "--spec", "missing.json"]).expect_error(2, "E18");
}

#[test]
fn the_hint_behind_a_compatible_run_names_commands_that_work() {
    let folder = tempdir().unwrap();
    let _peers = two_servers(folder.path(), CASES);
    let done = finish(wstest(folder.path(), &["-m", "fuzzingclient"]));
    let line =
        done.err.lines().find(|line| line.starts_with("hint: ")).unwrap_or_else(|| panic!("{done:#?}"));
    let command = line.trim_start_matches("hint: ").split("   ").next().unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--no-echo-check"]).collect();
    assert_eq!(words[..3], RUN[..3]);
    assert_eq!(wsspec(folder.path(), &words).code, 1);
    assert!(done.err.contains("wsspec config migrate fuzzingclient.json > wsspec.toml"), "{done:#?}");
    let mut quiet = wstest(folder.path(), &["-m", "fuzzingclient"]);
    quiet.env("WSSPEC_NO_HINTS", "1");
    assert!(!finish(quiet).err.contains("hint: "));
}
