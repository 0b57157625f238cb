//! A run, or a server, whose output folder is taken away, or can no longer be written to, loses no result.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::{TempDir, tempdir};

use crate::program::{Done, command, wait, wsspec};
use crate::tester::{Tester, free_port};
use crate::visitor::Visitor;

/// A run of 20 cases, of which the last takes 2 s, and what happens to its folder when the first are finished.
fn run_while(happens: impl Fn(&Path)) -> (TempDir, Done) {
    let folder = tempdir().unwrap();
    let out = folder.path().join("wsspec-out");
    std::fs::create_dir(folder.path().join("tmp")).unwrap();
    let mut run = command(folder.path(), &["run", "1.1.*", "2.*", "6.4.1", "-j", "1", "--order", "id"]);
    run.env("TMPDIR", folder.path().join("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let child = run.spawn().unwrap();
    let finished = || std::fs::read_to_string(out.join("results.jsonl")).unwrap_or_default().lines().count();
    while finished() < 5 {
        assert!(started.elapsed() < Duration::from_secs(40), "the run does not get on");
        std::thread::sleep(Duration::from_millis(2));
    }
    happens(&out);
    let done = wait(child, started);
    (folder, done)
}

/// What is told of the record that was rescued.
fn kept(done: &Done) -> PathBuf {
    let line = done.err.lines().find_map(|line| line.trim_start().strip_prefix("kept "));
    PathBuf::from(line.unwrap_or_else(|| panic!("it says where the results are: {done:#?}")).trim())
}

#[test]
fn a_folder_that_is_taken_away_during_the_run_is_made_again() {
    let (folder, done) = run_while(|out| std::fs::remove_dir_all(out).unwrap());
    assert_eq!(done.code, 0, "{done:#?}");
    let listed =
        wsspec(folder.path(), &["list", "--from", "wsspec-out", "-E", "status(pass)", "--format", "ids"]);
    assert_eq!(listed.out.lines().count(), 20, "{listed:#?}");
    assert!(folder.path().join("wsspec-out/report.html").exists());
}

#[test]
fn results_are_kept_among_the_temporary_files_where_the_folder_cannot_be_written_at_the_end() {
    let (folder, done) = run_while(|out| {
        std::fs::remove_dir_all(out).unwrap();
        std::fs::write(out, "in its place").unwrap();
    });
    done.expect_error(6, "E21");
    let record = kept(&done);
    assert!(record.starts_with(folder.path().join("tmp")), "{done:#?}");
    assert!(done.out.contains("20 run in ") && !done.out.contains("wsspec-out/report.html"), "{done:#?}");
    let from = record.to_str().unwrap();
    let look = done.err.lines().find_map(|line| line.trim_start().strip_prefix("look "));
    assert_eq!(look.unwrap().trim(), format!("wsspec report --from {from} -o DIR"));
    assert_eq!(wsspec(folder.path(), &["report", "--from", from, "-o", "again"]).code, 0);
    let results = std::fs::read_to_string(&record).unwrap();
    assert_eq!(results.lines().filter(|line| line.starts_with("{\"t\":\"case\"")).count(), 20);
    assert!(results.lines().last().unwrap().contains("\"t\":\"end\""), "{results}");
}

/// Takes the folder away from who may be writing to it.
fn take_away(out: &Path) {
    let started = Instant::now();
    while std::fs::remove_dir_all(out).is_err() {
        assert!(started.elapsed() < Duration::from_secs(40), "the folder stays");
    }
}

/// A server of which a client has run two of three cases, and what happens to its folder then.
fn serve_while(happens: impl Fn(&Path)) -> (TempDir, Done) {
    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tmp")).unwrap();
    let port = free_port();
    let number = port.to_string();
    let mut serve =
        command(folder.path(), &["serve", "--port", &number, "1.1.1", "1.1.2", "1.1.3", "--once"]);
    serve.env("TMPDIR", folder.path().join("tmp"));
    let tester = Tester::start(serve, port, "POST http");
    let echo = |case: u32| Visitor::ask(port, &format!("/runCase?case={case}&agent=a")).echo();
    echo(1);
    echo(2);
    let out = folder.path().join("wsspec-out");
    let written = || std::fs::read_to_string(out.join("results.jsonl")).unwrap_or_default().lines().count();
    let started = Instant::now();
    while written() < 3 {
        assert!(started.elapsed() < Duration::from_secs(40), "the record does not grow");
        std::thread::sleep(Duration::from_millis(2));
    }
    happens(&out);
    echo(3);
    (folder, tester.end())
}

#[test]
fn a_folder_that_is_taken_away_while_a_server_runs_is_made_again() {
    let (folder, done) = serve_while(take_away);
    assert_eq!(done.code, 0, "{done:#?}");
    let listed =
        wsspec(folder.path(), &["list", "--from", "wsspec-out", "-E", "status(pass)", "--format", "ids"]);
    assert_eq!(listed.out.lines().count(), 3, "{listed:#?}");
}

#[test]
fn results_of_a_server_were_lost_with_its_folder() {
    let (folder, done) = serve_while(|out| {
        take_away(out);
        std::fs::write(out, "in its place").unwrap();
    });
    assert!(done.code == 6 && done.err.contains("error[E21]"), "{done:#?}");
    assert!(done.out.contains("3 run in "), "the results are told all the same: {done:#?}");
    let record = kept(&done);
    assert!(record.starts_with(folder.path().join("tmp")), "{done:#?}");
    assert!(
        done.err.contains(&format!("look     wsspec report --from {} -o DIR", record.display())),
        "{done:#?}"
    );
    let results = std::fs::read_to_string(&record).unwrap();
    assert_eq!(results.lines().filter(|line| line.starts_with("{\"t\":\"case\"")).count(), 3);
    assert!(results.lines().last().unwrap().contains("\"t\":\"end\""), "{results}");
    assert_eq!(wsspec(folder.path(), &["report", "--from", record.to_str().unwrap(), "-o", "again"]).code, 0);
}
