//! `wsspec run` on a terminal: keys, Ctrl-C, and Ctrl-C again.
#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use regex::Regex;
use tempfile::tempdir;

use crate::peer::{Manner, Peer};
use crate::program::{command, wait};
use crate::server;

/// Runs a command on a terminal of its own; what is written to its stdin are keys.
fn on_a_terminal(folder: &Path, columns: &str, words: &[&str]) -> Option<Child> {
    Some(terminal(folder, columns, words)?.spawn().unwrap())
}

fn terminal(folder: &Path, columns: &str, words: &[&str]) -> Option<Command> {
    let line = shell_words::join([&[env!("CARGO_BIN_EXE_wsspec")], words].concat());
    let mut script = Command::new(wsspec_testkit::program(&["script"])?);
    script.args(["-qfec", &line, "typescript"]).current_dir(folder).env_clear();
    script
        .env("PATH", std::env::var("PATH").unwrap())
        .env("TERM", "xterm")
        .env("LANG", "C.UTF-8")
        .env("COLUMNS", columns);
    script.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    Some(script)
}

/// Waits until the file holds this text.
#[track_caller]
fn wait_for(file: &Path, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let seen = || String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
    while !seen().contains(text) {
        assert!(Instant::now() < deadline, "no {text:?} in {}", seen());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn keys_show_failures_in_full_pause_and_show_the_log() {
    let folder = tempdir().unwrap();
    let exec = server::command("echo");
    // The waits of the second case keep the run busy until it is told to end.
    let words =
        ["run", "--exec", &exec, "1.1.1", "6.4.1", "-j", "1", "--order", "id", "--timeout-scale", "100"];
    let Some(mut child) = on_a_terminal(folder.path(), "80", &words) else { return };
    let seen = folder.path().join("typescript");
    let mut keys = child.stdin.take().unwrap();
    let mut press = |key: &str| keys.write_all(key.as_bytes()).unwrap();
    wait_for(&seen, "1/2");
    press("f");
    wait_for(&seen, "failures are shown in full (f: in short)");
    press("p");
    wait_for(&seen, "paused; running cases come to their end (p: go on)");
    press("p");
    wait_for(&seen, "going on (p: pause)");
    press("s");
    wait_for(&seen, "Z listening on 127.0.0.1:");
    press("\x03");
    let deadline = Instant::now() + Duration::from_secs(30);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(Instant::now() < deadline, "Ctrl-C ends the run"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(130));
    wait_for(&seen, "exit 130");
}

#[test]
fn the_key_f_shows_a_failure_in_full_while_others_run() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Defective(&["ping-unanswered"]));
    let words = ["run", &peer.url(), "2.1", "6.4.1", "-j", "1", "--order", "id", "--timeout-scale", "5"];
    let Some(mut child) = on_a_terminal(folder.path(), "80", &words) else { return };
    let seen = folder.path().join("typescript");
    let mut keys = child.stdin.take().unwrap();
    wait_for(&seen, "running: 2.1");
    keys.write_all(b"f").unwrap();
    wait_for(&seen, "failures are shown in full (f: in short)");
    wait_for(&seen, "   expected   ");
    wait_for(&seen, "running: 6.4.1");
    let screen = String::from_utf8_lossy(&std::fs::read(&seen).unwrap()).into_owned();
    assert!(screen.contains("   again    wsspec run ") && !screen.contains("cause 1 of 1"), "{screen}");
    keys.write_all(b"\x03").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn keys_did_nothing_while_failures_were_tried_again() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Defective(&["ping-unanswered"]));
    let words = ["run", &peer.url(), "2.1", "--timeout-scale", "0.3"];
    let Some(mut child) = on_a_terminal(folder.path(), "80", &words) else { return };
    let seen = folder.path().join("typescript");
    wait_for(&seen, "2.1 (again)");
    child.stdin.as_mut().unwrap().write_all(b"s").unwrap();
    wait_for(&seen, "(--exec)");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// What was to be seen while the second case runs: each line once, however often it was drawn.
fn drawn(seen: &str) -> String {
    let escapes = Regex::new(r"\x1b(\[[0-9;?]*[A-Za-z]|\]8;;[^\x1b]*\x1b\\)").unwrap();
    let times = Regex::new(r"\d+ s(, about \d+ s left)? *").unwrap();
    let text = escapes.replace_all(seen, "").into_owned();
    let mut lines: Vec<String> = Vec::new();
    for line in text.split(['\r', '\n']).skip_while(|line| !line.contains("running: 6.4.1")) {
        let line = times.replace_all(line.trim_end(), "TIME\n ").into_owned();
        if !line.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// Runners give their jobs terminals, and keep what is written there.
#[test]
fn a_bar_was_drawn_into_the_log_of_a_ci_service_that_sets_ci_only() {
    let folder = tempdir().unwrap();
    let Some(mut script) = terminal(folder.path(), "80", &["run", "1.1.1", "1.1.2"]) else { return };
    let mut child = script.env("CI", "1").spawn().unwrap();
    wait_for(&folder.path().join("typescript"), "exit 0");
    child.wait().unwrap();
    let seen = std::fs::read_to_string(folder.path().join("typescript")).unwrap();
    assert!(seen.contains("[100%]   2/2   2 ok") && !seen.contains("[=="), "{seen}");
    assert!(!seen.contains("::"), "nothing is annotated: {seen}");
}

#[test]
fn mock_up_a_bar_and_keys() {
    for columns in ["60", "80", "100"] {
        let folder = tempdir().unwrap();
        let words = ["run", "1.1.1", "6.4.1", "-j", "1", "--order", "id", "--timeout-scale", "100"];
        let Some(mut child) = on_a_terminal(folder.path(), columns, &words) else { return };
        let seen = folder.path().join("typescript");
        let mut keys = child.stdin.take().unwrap();
        wait_for(&seen, "running: 6.4.1");
        wait_for(&seen, "1/2");
        for (key, answer) in
            [("f", "(f: in short)"), ("p", "(p: go on)"), ("p", "(p: pause)"), ("s", "(--exec)")]
        {
            keys.write_all(key.as_bytes()).unwrap();
            wait_for(&seen, answer);
        }
        let screen = String::from_utf8_lossy(&std::fs::read(&seen).unwrap()).into_owned();
        keys.write_all(b"\x03").unwrap();
        child.wait().unwrap();
        let shown = drawn(&screen);
        let (before, _) = shown.split_once("(--exec)").unwrap();
        insta::assert_snapshot!(format!("bar_and_keys_{columns}"), before);
    }
}

#[test]
fn ctrl_c_again_leaves_at_once_and_takes_the_server_along() {
    let folder = tempdir().unwrap();
    // It does not end when it is asked to, and there is an hour until it is killed.
    let stubborn = format!(
        "sh -c 'trap \"\" TERM INT; echo pid $$; {} echo 127.0.0.1:$WSSPEC_PORT & wait; wait; sleep 3600'",
        env!("CARGO_BIN_EXE_wsspec")
    );
    let args = ["run", "--exec", &stubborn, "--stop", "SIGTERM,1h", "1.1.1", "6.4.1", "-j", "1"];
    let more = ["--order", "id", "--timeout-scale", "100"];
    let mut run = command(folder.path(), &[&args[..], &more].concat());
    let path = std::env::var("PATH").unwrap();
    let started = Instant::now();
    let child = run.env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let results = folder.path().join("wsspec-out/results.jsonl");
    wait_for(&results, r#""id":"1.1.1""#);
    let interrupt = || {
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    };
    interrupt();
    // The partial report is being written or the server is being asked to end.
    std::thread::sleep(Duration::from_millis(500));
    interrupt();
    let done = wait(child, started);
    assert_eq!(done.code, 130, "{done:#?}");
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    let pid = log.lines().find_map(|line| line.split_once(" pid ")).unwrap().1;
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "the server is gone: {state}");
    assert!(
        std::fs::read_to_string(results).unwrap().contains(r#""id":"1.1.1""#),
        "what is finished is kept"
    );
}
