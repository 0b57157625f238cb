//! Which cases run, how the peer is found, and what becomes of earlier records.

use std::path::Path;

use tempfile::tempdir;

use crate::hostile_peer::record;
use crate::peer::{Manner, Peer};
use crate::program::wsspec;

fn ran(folder: &Path) -> Vec<String> {
    let cases = record(folder).into_iter().filter(|line| line["t"] == "case");
    cases.map(|case| case["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_host_can_be_given_an_address_and_a_family() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let port = peer.address.port();
    let url = format!("ws://no-such-host.invalid:{port}/");
    let fixed = format!("no-such-host.invalid:{port}:127.0.0.1");
    let done = wsspec(folder.path(), &["run", &url, "1.1.1", "--resolve", &fixed]);
    assert_eq!(done.code, 0, "{done:#?}");
    let request = record(folder.path())[1]["handshake"]["request"].to_string();
    assert!(request.contains(&format!("Host: no-such-host.invalid:{port}")), "{request}");

    let here = format!("ws://127.0.0.1:{port}");
    assert_eq!(wsspec(folder.path(), &["run", &here, "1.1.1", "-4"]).code, 0);
    let done = wsspec(folder.path(), &["run", &here, "1.1.1", "-6"]);
    done.expect_error(3, "E02");
    assert_eq!(wsspec(folder.path(), &["run", &here, "1.1.1", "-4", "-6"]).code, 2);
}

#[test]
fn a_server_that_discards_is_tested_by_what_needs_no_echo() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.*", "2.*", "3.1", "--mode", "discard"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("echo not tried"), "{done:#?}");
    let ran = ran(folder.path());
    assert!(!ran.contains(&"1.1.1".to_owned()) && ran.contains(&"2.1".to_owned()), "{ran:?}");
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.1.1", "--mode", "discard"]);
    done.expect_error(4, "E29");
}

#[test]
fn tls_can_be_required() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.1.1", "--require", "tls"]);
    done.expect_error(3, "E30");
}

#[test]
fn earlier_records_are_kept_or_continued_when_asked_for() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("wsspec-out");
    for case in ["1.1.1", "1.1.2", "1.1.3", "1.1.4"] {
        assert_eq!(wsspec(folder.path(), &["run", case, "--keep", "2"]).code, 0);
    }
    let first_case =
        |name: &str| std::fs::read_to_string(out.join(name)).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(first_case("results.jsonl").contains("\"1.1.4\""));
    assert!(first_case("results.1.jsonl").contains("\"1.1.3\""));
    assert!(first_case("results.2.jsonl").contains("\"1.1.2\""));
    assert!(!out.join("results.3.jsonl").exists());

    // The last line of a run that was killed is cut off; it is not continued.
    let mut text = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    text.push_str("{\"t\":\"case\",\"agent\"");
    std::fs::write(out.join("results.jsonl"), text).unwrap();
    assert_eq!(wsspec(folder.path(), &["run", "2.1", "--append"]).code, 0);
    let done = wsspec(folder.path(), &["show", "1.1.4", "2.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(ran(folder.path()), ["1.1.4", "2.1"]);
}

#[test]
fn sets_and_tags_choose() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["list", "-E", "set(quick) and not tag(close)", "--format", "ids"]);
    let ids: Vec<&str> = done.out.lines().collect();
    assert!(done.code == 0 && ids.len() > 20 && !ids.iter().any(|id| id.starts_with("7.")), "{done:#?}");
    let done = wsspec(folder.path(), &["run", "@quick", "-o", "quick"]);
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn the_last_failed_are_run_against_the_server_that_failed_them() {
    let folder = tempdir().unwrap();
    let run = |args: &[&str]| wsspec(folder.path(), &[&["run", "-o", "out"], args].concat());
    // It answers no Ping; the built-in endpoint, which is tested if no address is known, passes everything.
    let program = env!("CARGO_BIN_EXE_wsspec");
    let server = format!("{program} echo 127.0.0.1:{{port}} --defect ping-empty-unanswered");
    let first = run(&["2.1", "1.1.1", "2.2", "--exec", &server, "--agent", "mine", "--no-echo-check"]);
    assert_eq!(first.code, 1, "{first:#?}");
    assert!(first.out.contains("wsspec run --last-failed -o out"), "{first:#?}");
    let again = run(&["--last-failed"]);
    assert!(again.code == 1 && again.out.contains("mine"), "{again:#?}");
    let record = std::fs::read_to_string(folder.path().join("out/results.jsonl")).unwrap();
    let mut cases = record.lines().filter(|line| line.contains(r#""t":"case""#)).peekable();
    assert!(cases.peek().is_some() && cases.all(|case| case.contains(r#""id":"2.1""#)), "{record}");
}

#[test]
fn every_set_holds_what_its_name_says() {
    let folder = tempdir().unwrap();
    let ids = |set: &str| -> Vec<String> {
        let done = wsspec(folder.path(), &["list", &format!("@{set}"), "--format", "ids"]);
        assert_eq!(done.code, 0, "{done:#?}");
        done.out.lines().map(str::to_owned).collect()
    };
    for (set, cases) in [("core", 247), ("limits", 54), ("volume", 216), ("autobahn", 517)] {
        assert_eq!(ids(set).len(), cases, "{set}");
    }
    let is_within = |inner: &str, outer: &str| {
        let outer = ids(outer);
        ids(inner).iter().all(|id| outer.contains(id))
    };
    assert!(is_within("quick", "core") && is_within("core", "autobahn") && is_within("autobahn", "all"));
    let sections = ["21.", "22."];
    assert!(ids("deflate").iter().all(|id| sections.iter().any(|section| id.starts_with(section))));
    assert!(!ids("deflate").is_empty() && !ids("quick").is_empty());
}
