//! A defect of wsspec itself ends with 70 and leaves a file for a report.
#![cfg(debug_assertions)]

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::program::{Done, command, finish, wsspec};
use crate::tester::{Tester, free_port};

/// Runs `wsspec`, which panics where it is told to; temporary files go to `tmp`.
fn panicking(folder: &Path, place: &str, args: &[&str]) -> Done {
    fs::create_dir_all(folder.join("tmp")).unwrap();
    let mut run = command(folder, args);
    run.env("WSSPEC_PANIC", place).env("TMPDIR", folder.join("tmp"));
    finish(run)
}

/// The file that was written among the temporary ones.
fn among_temporary_files(folder: &Path) -> Option<String> {
    let mut folders = fs::read_dir(folder.join("tmp")).unwrap();
    folders.find_map(|entry| fs::read_to_string(entry.unwrap().path().join("fault.txt")).ok())
}

#[test]
fn a_panic_in_a_case_left_nothing_to_report() {
    let folder = tempdir().unwrap();
    let secret = ["-H", "Authorization: Bearer hunter2", "--redact", "hunter3", "--agent", "hunter3"];
    let done = panicking(folder.path(), "1.1.2", &[&["run", "1.1.1", "1.1.2"][..], &secret].concat());
    assert_eq!(done.code, 70, "{done:#?}");
    let file = fs::read_to_string(folder.path().join("wsspec-out/fault.txt")).unwrap();
    for part in [
        concat!("wsspec ", env!("CARGO_PKG_VERSION"), ", "),
        "\ncommand  ",
        " run 1.1.1 1.1.2 -H 'Authorization: ",
        "\nfailed   a panic was asked for in 1.1.2\n",
        "\nat       crates/wsspec/src/fault.rs:",
        "\ncases    1.1.",
        "attempt.rs:",
    ] {
        assert!(file.contains(part), "{part}: {file}");
    }
    assert!(!file.contains("hunter"), "{file}");
    for part in [
        "error: wsspec itself failed: a panic was asked for in 1.1.2\n",
        "  at       ",
        "  cases    ",
        "  file     wsspec-out/fault.txt: please attach it to a report\n",
        "  report   ",
        "\nexit 70 (internal)\n",
    ] {
        assert!(done.err.contains(part), "{part}: {done:#?}");
    }
    assert!(!done.err.contains("RUST_BACKTRACE"), "{done:#?}");
    let results = fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(results.lines().last().unwrap().contains("\"exit\":70"), "{results}");
    assert!(results.contains("\"id\":\"1.1.1\""), "the other case has a verdict");

    assert_eq!(wsspec(folder.path(), &["run", "1.1.1"]).code, 0);
    assert!(!folder.path().join("wsspec-out/fault.txt").exists(), "it is not that of the next run");
}

#[test]
fn without_redaction_the_file_still_holds_no_header_of_authorization() {
    let folder = tempdir().unwrap();
    let args = ["run", "1.1.1", "--redact", "none", "-H", "Authorization: Bearer hunter2"];
    assert_eq!(panicking(folder.path(), "1.1.1", &args).code, 70);
    let file = fs::read_to_string(folder.path().join("wsspec-out/fault.txt")).unwrap();
    assert!(file.contains("Authorization: ") && !file.contains("hunter2"), "{file}");
}

#[test]
fn a_panic_outside_of_cases_had_a_status_that_is_not_documented() {
    let folder = tempdir().unwrap();
    let done = panicking(folder.path(), "command", &["list", "1.1.1"]);
    assert_eq!(done.code, 70, "{done:#?}");
    let file = among_temporary_files(folder.path()).expect("there is no output folder");
    assert!(file.contains("a panic was asked for in command") && file.contains("lib.rs"), "{file}");
    assert!(done.err.contains("/fault.txt: please attach"), "{done:#?}");
}

#[test]
fn what_cannot_be_written_to_the_output_folder_goes_to_the_temporary_files() {
    let folder = tempdir().unwrap();
    fs::create_dir_all(folder.path().join("wsspec-out/fault.txt/in-the-way")).unwrap();
    let done = panicking(folder.path(), "1.1.1", &["run", "1.1.1"]);
    assert_eq!(done.code, 70, "{done:#?}");
    assert!(among_temporary_files(folder.path()).unwrap().contains("in 1.1.1"), "{done:#?}");
}

#[test]
fn a_server_goes_on_after_a_panic_in_a_case_and_ends_with_70() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let number = port.to_string();
    let args = ["serve", "--port", &number, "1.1.1", "1.1.2", "--once", "--idle-timeout", "5s"];
    let mut serve = command(folder.path(), &args);
    serve.env("WSSPEC_PANIC", "1.1.1");
    let tester = Tester::start(serve, port, "POST http");
    let client = ["echo", "--connect", &tester.url(""), "--agent", "a"];
    wsspec(folder.path(), &client);
    let done = tester.end();
    assert_eq!(done.code, 70, "{done:#?}");
    let file = fs::read_to_string(folder.path().join("wsspec-out/fault.txt"));
    let file = file.unwrap_or_else(|error| panic!("{error}: {done:#?}"));
    assert!(file.contains("cases    1.1.1\n"), "{file}");
    let results = fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(results.lines().last().unwrap().contains("\"exit\":70"), "{results}");
}
