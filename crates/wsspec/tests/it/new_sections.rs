//! Sections 14 to 22 over TCP, with the built-in endpoint on the other side, in both roles.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::tempdir;

use crate::program::{Done, command, finish_within};
use crate::tester::free_port;

/// 17.1.18 waits for half a minute; the cases of @slow, which wait longer, are left out, too.
const WITHOUT: [&str; 2] = ["--exclude", "17.1.18"];
/// What repeats a thousand times, or has thousands of connections, does so a few times.
const FEW: [&str; 2] = ["--volume-messages", "5"];
const LIMIT: Duration = Duration::from_secs(300);

/// Verdict and sentence of each case; what failed in company is tried once more alone, and that counts.
fn verdicts(folder: &Path) -> BTreeMap<String, (String, String)> {
    let text = std::fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cases = lines.filter(|line| line["t"] == "case");
    let word = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    cases.map(|case| (word(&case, "id"), (word(&case, "verdict"), word(&case, "summary")))).collect()
}

fn assert_passes(done: &Done, folder: &Path, least: usize) -> BTreeMap<String, (String, String)> {
    assert_eq!(done.code, 0, "{done:#?}");
    let verdicts = verdicts(folder);
    assert!(verdicts.len() >= least, "{}", verdicts.len());
    for (id, (verdict, summary)) in &verdicts {
        assert!(matches!(&verdict[..], "pass" | "info"), "{id}: {verdict}: {summary}");
    }
    verdicts
}

#[test]
fn the_endpoint_passes_the_new_sections_as_a_server() {
    let folder = tempdir().unwrap();
    let echo = format!("{} echo 127.0.0.1:{{port}}", env!("CARGO_BIN_EXE_wsspec"));
    let args = [&["run", "@frames", "@many", "-j", "16", "--exec", &echo][..], &WITHOUT, &FEW].concat();
    let done = finish_within(command(folder.path(), &args), LIMIT);
    let verdicts = assert_passes(&done, folder.path(), 340);
    let summary = |id: &str| verdicts[id].1.clone();
    let (memory, freed) = (summary("15.3.12"), summary("18.6.8"));
    if cfg!(target_os = "linux") {
        assert!(memory.contains("Its process: it grew by"), "{memory}");
        assert!(freed.contains("descriptors before"), "{freed}");
    }
}

/// A client runs its cases one after the other: the sections run side by side.
#[test]
fn the_endpoint_passes_the_new_sections_as_a_client() {
    let sections = [("14", 15), ("15", 40), ("16", 55), ("17", 35), ("18", 60), ("21", 55), ("22", 20)];
    thread::scope(|threads| {
        for (section, least) in sections {
            threads.spawn(move || serve(section, least));
        }
    });
}

fn serve(section: &str, least: usize) {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let echo = format!("{} echo --connect {{url}} --agent us", env!("CARGO_BIN_EXE_wsspec"));
    let cases = format!("{section}.*");
    let slow = ["--exclude", "@slow"];
    let args = [&["serve", "--port", &port, &cases, "--exec", &echo][..], &WITHOUT, &FEW, &slow].concat();
    let done = finish_within(command(folder.path(), &args), LIMIT);
    assert_passes(&done, folder.path(), least);
}
