//! Peers that echo at first and then misbehave: verdicts, never a hang, never green.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, wsspec};

/// Connections that preflight opens.
const PREFLIGHT: usize = 2;

/// Runs a few cases of which each meets this manner.
fn run(manner: Manner, args: &[&str]) -> (Done, Vec<Value>) {
    let folder = tempdir().unwrap();
    let peer = Peer::start(move |n| if n < PREFLIGHT { Manner::Echo } else { manner });
    let url = peer.url();
    let done = wsspec(folder.path(), &[&["run", &url], args].concat());
    (done, record(folder.path()))
}

pub(crate) fn record(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn verdicts(record: &[Value]) -> Vec<&str> {
    record.iter().filter(|line| line["t"] == "case").map(|line| line["verdict"].as_str().unwrap()).collect()
}

#[test]
fn an_endless_frame_is_a_failure() {
    let claim = Manner::Upgrade(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Then::Silence);
    let (done, record) = run(claim, &["1.1.1", "1.2.1"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(
        verdicts(&record).iter().all(|verdict| *verdict == "fail" || *verdict == "timeout"),
        "{record:#?}"
    );
    assert_eq!(record.last().unwrap()["exit"], 1);
}

#[test]
fn a_flood_is_a_failure() {
    for octets in [&b"\x89\x00"[..], b"\x81\x05flood", b"\x01\x01x", b"\xff\xff\xff\xff"] {
        let (done, record) = run(Manner::Upgrade(octets, Then::Repeat), &["1.1.2", "2.1", "--no-confirm"]);
        assert_eq!(done.code, 1, "{done:#?}");
        assert!(!verdicts(&record).contains(&"pass"), "{record:#?}");
    }
}

#[test]
fn a_peer_that_drops_after_the_upgrade_fails() {
    let (done, record) = run(Manner::Upgrade(b"", Then::Close), &["1.1.2"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_eq!(verdicts(&record).last(), Some(&"fail"));
}

#[test]
fn refusals_in_the_middle_are_failures_of_the_case() {
    let refusal = Manner::Answer(b"HTTP/1.1 503 Busy\r\n\r\n", Then::Close);
    let (done, record) = run(refusal, &["1.1.2", "1.1.3"]);
    assert_ne!(done.code, 0, "{done:#?}");
    assert!(!verdicts(&record).contains(&"pass"), "{record:#?}");
}

#[test]
fn a_peer_that_stalls_again_and_again_is_given_up() {
    let args = ["1.1.*", "--max-hangs", "2", "--open-timeout", "200ms"];
    let (done, record) = run(Manner::Answer(b"", Then::Silence), &args);
    done.expect_error(6, "E14");
    let end = record.last().unwrap();
    assert_eq!((&end["complete"], &end["exit"]), (&Value::from(false), &Value::from(6)));
    assert!(!end["not_run"][0]["cases"].as_array().unwrap().is_empty(), "{end:#?}");
}
