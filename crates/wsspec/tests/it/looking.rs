//! What can be done with results later, without the implementation: show, report, merge, diff.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::program::{Done, wsspec};

/// The record of a real run: 1.1.2 passed; 2.5, 5.15 and 5.16 failed, the last two of one cause.
const RECORD: &str = include_str!("../../src/terminal/testdata/results.jsonl");

fn with_record(record: &str) -> TempDir {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("wsspec-out")).unwrap();
    fs::write(folder.path().join("wsspec-out/results.jsonl"), record).unwrap();
    folder
}

/// All lines but the last.
fn without_end() -> String {
    RECORD.lines().filter(|line| !line.starts_with(r#"{"t":"end""#)).map(|line| format!("{line}\n")).collect()
}

fn ok(folder: &Path, args: &[&str]) -> Done {
    let done = wsspec(folder, args);
    assert_eq!(done.code, 0, "{done:#?}");
    done
}

#[test]
fn show_prints_the_block_of_a_case() {
    let folder = with_record(RECORD);
    let done = ok(folder.path(), &["show", "5.15"]);
    for part in ["FAIL 5.15", "5.16 looks the same", "observed", "wsspec-out/report.html#5.15"] {
        assert!(done.out.contains(part), "{part}: {}", done.out);
    }
    let frames = ok(folder.path(), &["show", "5.15", "-vvv"]).out;
    let octets = ok(folder.path(), &["show", "5.15", "--hex"]).out;
    assert!(done.out.len() < frames.len() && frames.len() < octets.len());
    assert!(ok(folder.path(), &["show", "text-of-125"]).out.starts_with("ok 1.1.2"));
}

#[test]
fn show_prints_all_failures_by_cause() {
    let folder = with_record(RECORD);
    let done = ok(folder.path(), &["show", "--from", "wsspec-out/results.jsonl"]);
    assert!(done.out.contains("cause 2 of 2") && !done.out.contains("1.1.2"), "{done:#?}");
    let none = ok(folder.path(), &["show", "--agent", "nobody"]);
    assert!(none.out.contains("no failure in 0 results"), "{none:#?}");
}

#[test]
fn show_says_what_is_not_there() {
    let folder = with_record(RECORD);
    wsspec(folder.path(), &["show", "7.1.1"]).expect_error(4, "E29");
    wsspec(folder.path(), &["show", "99.1"]).expect_error(2, "E17");
    wsspec(folder.path(), &["show", "--from", "nowhere"]).expect_error(2, "E18");
}

#[test]
fn reports_are_written_again() {
    let folder = with_record(RECORD);
    let done = ok(folder.path(), &["report"]);
    assert!(done.err.is_empty() && done.out.contains("not conformant"), "{done:#?}");
    let page = fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
    assert!(page.contains("mylib/2.3") && !page.contains("INCOMPLETE"));
    ok(folder.path(), &["report", "--html", "new/page.html", "--html-dir", "pages"]);
    assert_eq!(fs::read_to_string(folder.path().join("new/page.html")).unwrap(), page);
    assert!(folder.path().join("pages/index.html").exists());
    ok(folder.path(), &["report", "--from", "wsspec-out/results.jsonl", "-o", "other"]);
    assert!(folder.path().join("other/index.json").exists());
}

#[test]
fn a_run_that_was_killed_is_reported_as_incomplete() {
    let unfinished = without_end();
    let torn = &unfinished[..unfinished.len() - 100];
    for record in [&unfinished, torn] {
        let folder = with_record(record);
        let done = ok(folder.path(), &["report"]);
        assert!(done.err.contains("INCOMPLETE"), "{done:#?}");
        assert_eq!(done.err.contains("cut off"), record == torn, "{done:#?}");
        let page = fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
        assert!(page.contains("INCOMPLETE") && page.contains("5.15"));
    }
}
