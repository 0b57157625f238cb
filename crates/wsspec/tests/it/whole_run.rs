//! Whole runs over TCP, with all their files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::tempdir;

use crate::program::{command, finish_within, wsspec};
use crate::tester::free_port;

fn index(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("wsspec-out/index.json")).unwrap()).unwrap()
}

#[test]
fn the_built_in_endpoint_passes_301_cases_and_gets_a_report() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["run", "@core", "@limits"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let index = index(folder.path());
    let agents = index.as_object().unwrap();
    let (agent, cases) = agents.iter().next().unwrap();
    assert_eq!((agents.len(), cases.as_object().unwrap().len()), (1, 301), "{agent}");
    for (id, entry) in cases.as_object().unwrap() {
        let informs = ["7.1.6", "7.13.1", "7.13.2"].contains(&id.as_str());
        let wanted = if informs { "INFORMATIONAL" } else { "OK" };
        assert_eq!((&entry["behavior"], &entry["behaviorClose"]), (&wanted.into(), &wanted.into()), "{id}");
        let file = entry["reportfile"].as_str().unwrap();
        assert!(folder.path().join("wsspec-out").join(file).exists(), "{file}");
    }
    let page = fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
    assert!(page.contains("Content-Security-Policy") && page.len() > 100_000, "{} octets", page.len());
    let record = fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(!record.contains("ws://127.0.0.1:0") && record.lines().count() >= 303);
    let again = r#""repro":["wsspec","run","1.1.1","-vvv""#;
    assert!(record.contains(again), "the address of the built-in endpoint is gone after the run");
}

/// All of the reference's cases in both roles; each case of sections 12 and 13 sends 2 messages instead of a
/// thousand (in full: `cargo xtask parity --sections all`).
#[test]
fn the_endpoint_passes_all_517_cases_in_both_roles_with_reduced_volume() {
    wsspec_testkit::notice(
        "sections 12 and 13 with 2 messages in each case; in full: cargo xtask parity --sections all",
    );
    let folder = tempdir().unwrap();
    let run = ["run", "@autobahn", "--volume-messages", "2"];
    let done = finish_within(command(folder.path(), &run), Duration::from_secs(300));
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("send 2: this is no full run"), "{done:#?}");
    assert_passes(&index(folder.path()));

    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let client = format!("{} echo --connect {{url}} --agent us", env!("CARGO_BIN_EXE_wsspec"));
    let serve = ["serve", "--port", &port, "@autobahn", "--volume-messages", "2", "--exec", &client];
    let done = finish_within(command(folder.path(), &serve), Duration::from_secs(300));
    assert_eq!(done.code, 0, "{done:#?}");
    assert_passes(&index(folder.path()));
}

fn assert_passes(index: &Value) {
    let (_, cases) = index.as_object().unwrap().iter().next().unwrap();
    assert_eq!(cases.as_object().unwrap().len(), 517);
    for (id, entry) in cases.as_object().unwrap() {
        let fine = |key: &str| matches!(entry[key].as_str(), Some("OK" | "INFORMATIONAL"));
        assert!(fine("behavior") && fine("behaviorClose"), "{id} {entry}");
    }
}

#[test]
fn several_addresses_are_several_agents() {
    let folder = tempdir().unwrap();
    let servers = [Echo::start(folder.path()), Echo::start(folder.path())];
    let [a, b] = servers.each_ref().map(|server| server.url.clone());
    let done =
        wsspec(folder.path(), &["run", &a, &b, "1.1.1", "7.1.1", "--agent", "1=left", "--agent", "2=right"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let index = index(folder.path());
    for agent in ["left", "right"] {
        let cases = index[agent].as_object().unwrap_or_else(|| panic!("no agent {agent}: {index}"));
        assert_eq!(cases.keys().collect::<Vec<_>>(), ["1.1.1", "7.1.1"]);
    }
}

/// A `wsspec echo` of its own.
pub(crate) struct Echo {
    child: Child,
    pub(crate) url: String,
}

impl Echo {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    pub(crate) fn start_with(folder: &Path, more: &[&str]) -> Self {
        let args = [&["echo", "127.0.0.1:0"], more].concat();
        let mut child = command(folder, &args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.contains("://")).unwrap_or_default().to_owned();
        assert!(!url.is_empty(), "no address in {line:?}");
        Self { child, url }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn delicate_cases_have_the_peer_for_themselves_but_for_cases_that_wait() {
    let folder = tempdir().unwrap();
    let done = wsspec(
        folder.path(),
        &["run", "1.*", "2.*", "3.*", "4.*", "6.4.*", "--order", "random", "--seed", "5"],
    );
    assert_eq!(done.code, 0, "{done:#?}");
    let spans = spans(folder.path());
    for delicate in spans.iter().filter(|(id, ..)| ["3.3", "3.4", "4.1.5", "4.2.5"].contains(&id.as_str())) {
        let beside = overlapping(&spans, delicate);
        assert!(beside.iter().all(|id| id.starts_with("6.4.")), "{} beside {beside:?}", delicate.0);
    }
    assert!(spans.iter().any(|one| overlapping(&spans, one).len() > 4), "the others overlap");
}

#[test]
fn nothing_runs_beside_a_timed_case() {
    let folder = tempdir().unwrap();
    let done =
        wsspec(folder.path(), &["run", "1.*", "6.4.*", "9.1.1", "9.3.1", "9.7.1", "--volume-messages", "20"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let spans = spans(folder.path());
    let timed: Vec<_> = spans.iter().filter(|(id, ..)| id.starts_with("9.")).collect();
    assert_eq!(timed.len(), 3);
    for case in timed {
        assert_eq!(overlapping(&spans, case), Vec::<String>::new(), "{}", case.0);
    }
}

/// The cases that ran at the same time as this one.
fn overlapping(spans: &[(String, u64, u64)], (id, from, to): &(String, u64, u64)) -> Vec<String> {
    let beside = spans.iter().filter(|(other, start, end)| other != id && start < to && from < end);
    beside.map(|(other, ..)| other.clone()).collect()
}

/// The cases of a record with their beginning and end in microseconds.
fn spans(folder: &Path) -> Vec<(String, u64, u64)> {
    let text = fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let span = |case: Value| {
        let start = case["started_us"].as_u64().unwrap();
        (case["id"].as_str().unwrap().to_owned(), start, start + case["duration_us"].as_u64().unwrap())
    };
    lines.filter(|line| line["t"] == "case").map(span).collect()
}
