//! Sections 14 to 22 over TCP, with the built-in endpoint on the other side, in both roles: every case of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::tempdir;
use wsspec_cases::{Roles, suite};

use crate::program::{Done, command, finish_within};
use crate::tester::free_port;

/// What waits for half a minute and longer; it does so for a twentieth of the time.
const SLOW: [&str; 4] = ["17.1.18", "@slow", "--timeout-scale", "0.05"];
const WITHOUT_SLOW: [&str; 4] = ["--exclude", "17.1.18", "--exclude", "@slow"];
/// What repeats a thousand times, or has thousands of connections, does so a few times.
const FEW: [&str; 2] = ["--volume-messages", "5"];
const LIMIT: Duration = Duration::from_secs(300);
const SECTIONS: [&str; 7] = ["14.*", "15.*", "16.*", "17.*", "18.*", "21.*", "22.*"];
/// Up to here the cases are those of the reference suite.
const LAST_OLD_SECTION: u16 = 13;

/// Verdict and sentence of each case.
type Verdicts = BTreeMap<String, (String, String)>;

/// What failed in company is tried once more alone, and that counts.
fn verdicts(folder: &Path) -> Verdicts {
    let text = std::fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cases = lines.filter(|line| line["t"] == "case");
    let word = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    cases.map(|case| (word(&case, "id"), (word(&case, "verdict"), word(&case, "summary")))).collect()
}

fn passed(done: &Done, folder: &Path) -> Verdicts {
    assert_eq!(done.code, 0, "{done:#?}");
    let verdicts = verdicts(folder);
    for (id, (verdict, summary)) in &verdicts {
        assert!(matches!(&verdict[..], "pass" | "info"), "{id}: {verdict}: {summary}");
    }
    verdicts
}

/// All of these together are every case that the suite has behind the reference's, unless the tester must have the
/// other role.
fn assert_complete(all: Vec<Verdicts>, other: Roles) {
    let run: BTreeSet<String> = all.into_iter().flatten().map(|(id, _)| id).collect();
    let new = suite().cases().iter().filter(|case| case.id.section() > LAST_OLD_SECTION);
    let known = new.filter(|case| case.roles != other).map(|case| case.id.to_string());
    assert_eq!(run, known.collect());
}

#[test]
fn the_endpoint_passes_the_new_sections_as_a_server() {
    let all = thread::scope(|threads| {
        let most = [&SECTIONS[..], &["-j", "16"], &WITHOUT_SLOW].concat();
        let runs = [most, SLOW.to_vec()].map(|cases| threads.spawn(move || run(&cases)));
        runs.map(|run| run.join().unwrap())
    });
    let summary = |id: &str| all[0][id].1.clone();
    let (memory, freed, contexts) = (summary("15.3.12"), summary("18.6.8"), summary("22.7.1"));
    if cfg!(target_os = "linux") {
        assert!(memory.contains("Its process: its memory grew by"), "{memory}");
        assert!(freed.contains("descriptors before"), "{freed}");
        assert!(contexts.contains("octets for each connection"), "{contexts}");
    }
    assert_complete(all.into(), Roles::Server);
}

fn run(cases: &[&str]) -> Verdicts {
    let folder = tempdir().unwrap();
    let echo = format!("{} echo 127.0.0.1:{{port}}", env!("CARGO_BIN_EXE_wsspec"));
    let args = [&["run", "--exec", &echo][..], cases, &FEW].concat();
    passed(&finish_within(command(folder.path(), &args), LIMIT), folder.path())
}

/// A client runs its cases one after the other: the sections run side by side.
#[test]
fn the_endpoint_passes_the_new_sections_as_a_client() {
    let all = thread::scope(|threads| {
        let sections = SECTIONS.map(|section| [&[section][..], &WITHOUT_SLOW].concat());
        let parts = sections.into_iter().chain([SLOW.to_vec()]);
        let runs: Vec<_> = parts.map(|cases| threads.spawn(move || serve(&cases))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_complete(all, Roles::Client);
}

fn serve(cases: &[&str]) -> Verdicts {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let echo = format!("{} echo --connect {{url}} --agent us", env!("CARGO_BIN_EXE_wsspec"));
    let args = [&["serve", "--port", &port, "--exec", &echo][..], cases, &FEW].concat();
    passed(&finish_within(command(folder.path(), &args), LIMIT), folder.path())
}

/// A server with a defect, in one case: verdict and sentence.
#[cfg(target_os = "linux")]
fn run_with_defect(id: &str, defect: &str) -> (String, String) {
    let folder = tempdir().unwrap();
    let echo = format!("{} echo 127.0.0.1:{{port}} --defect {defect}", env!("CARGO_BIN_EXE_wsspec"));
    let args = ["run", id, "--no-confirm", "--exit-zero", "--exec", &echo];
    let done = finish_within(command(folder.path(), &args), LIMIT);
    assert_eq!(done.code, 0, "{done:#?}");
    verdicts(folder.path())[id].clone()
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_grows_fails_though_its_answers_are_right() {
    let promises = thread::spawn(|| run_with_defect("15.3.12", "memory-of-the-length"));
    let resets = thread::spawn(|| run_with_defect("18.6.8", "connections-kept"));
    let contexts = thread::spawn(|| run_with_defect("22.7.1", "connections-kept"));
    let (verdict, summary) = promises.join().unwrap();
    assert_eq!(verdict, "fail", "{summary}");
    assert!(summary.contains("memory to grow by less than 64.0 MiB"), "{summary}");
    let (verdict, summary) = resets.join().unwrap();
    assert_eq!(verdict, "fail", "{summary}");
    assert!(summary.contains("memory and descriptors to come back"), "{summary}");
    // This one only tells.
    let (_, summary) = contexts.join().unwrap();
    let octets = summary.split(" octets for each connection").next().unwrap().rsplit(' ').next().unwrap();
    assert!(octets.parse::<u64>().unwrap() > 256 << 10, "{summary}");
}
