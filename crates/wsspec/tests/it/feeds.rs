//! `--format`: data on stdout, line by line while the run goes on.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;
use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, command, wsspec};
use crate::tester::free_port;
use crate::whole_run::Echo;

const CASES: [&str; 3] = ["1.1.1", "1.1.2", "2.1"];

/// The cases, as a tester that is a client and as one that is a server.
fn both(form: &str) -> [Done; 2] {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    let run = [&["run", &server.url, "--format", form][..], &CASES].concat();
    let client = format!("{} echo --connect {{url}} --agent us", env!("CARGO_BIN_EXE_wsspec"));
    let port = free_port().to_string();
    let serve = ["serve", "--port", &port, "--exec", &client, "--format", form];
    let done = [wsspec(folder.path(), &run), wsspec(folder.path(), &[&serve[..], &CASES].concat())];
    for done in &done {
        assert_eq!(done.code, 0, "{form} {done:#?}");
        let text = if form == "human" { &done.out } else { &done.err };
        assert!(text.contains("3 run in "), "{form} {done:#?}");
    }
    done
}

#[test]
fn text_for_people_is_on_stdout_unless_that_holds_data() {
    for done in both("human") {
        assert!(!done.err.contains("run in"), "{done:#?}");
    }
    for done in both("none") {
        assert_eq!(done.out, "", "{done:#?}");
    }
}

#[test]
fn lines_are_a_case_each() {
    for done in both("lines") {
        let lines: Vec<Vec<&str>> = done.out.lines().map(|line| line.split('\t').collect()).collect();
        assert!(lines.len() == 3 && lines.iter().all(|line| line.len() == 5), "{done:#?}");
        assert!(lines.iter().any(|line| line[..3] == ["pass", "2.1", "ping-empty"]), "{done:#?}");
    }
}

#[test]
fn dots_are_a_sign_each() {
    for done in both("dots") {
        assert_eq!(done.out, "...\n", "{done:#?}");
    }
}

#[test]
fn json_is_the_record() {
    for done in both("json") {
        let lines: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<&str> = lines.iter().map(|line| line["t"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["run", "case", "case", "case", "end"], "{done:#?}");
    }
}

#[test]
fn tap_is_a_point_each_and_a_plan() {
    for done in both("tap") {
        let lines: Vec<&str> = done.out.lines().collect();
        assert_eq!((lines[0], lines[4], lines.len()), ("TAP version 14", "1..3", 5), "{done:#?}");
        assert!((1..=3).all(|n| lines[n].starts_with(&format!("ok {n} - "))), "{done:#?}");
    }
}

/// A process that is killed at the end.
struct Running(Child, Lines<BufReader<ChildStdout>>);

impl Running {
    fn start(folder: &Path, args: &[&str]) -> Self {
        let mut child = command(folder, args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self(child, lines)
    }

    /// The next line, while the process runs.
    fn line(&mut self) -> String {
        let line = self.1.next().unwrap().unwrap();
        assert!(self.0.try_wait().unwrap().is_none(), "{line:?} came at the end");
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The forms, and what a line about case 1.1.1 holds; a line stands before it.
const FORMS: [(&str, bool, &str); 3] =
    [("tap", true, "ok 1 - 1.1.1 "), ("json", true, r#""id":"1.1.1""#), ("lines", false, "pass\t1.1.1\t")];

#[test]
fn cases_are_told_while_the_run_goes_on() {
    let folder = tempdir().unwrap();
    for (form, header, mark) in FORMS {
        // Two connections look at the peer, the third is that of the first case; the others hang.
        let peer = Peer::start(|n| if n < 3 { Manner::Echo } else { Manner::Answer(b"", Then::Silence) });
        let url = peer.url();
        let slow = ["-j", "1", "--order", "id", "--open-timeout", "50s", "--no-confirm"];
        let args = [&["run", &url, "1.1.1", "1.1.2", "--format", form][..], &slow].concat();
        let mut running = Running::start(folder.path(), &args);
        if header {
            running.line();
        }
        let line = running.line();
        assert!(line.contains(mark), "{form}: {line}");
    }
}

#[test]
fn cases_are_told_while_the_server_serves() {
    for (form, header, mark) in FORMS {
        let folder = tempdir().unwrap();
        let port = free_port().to_string();
        let args = ["serve", "--port", &port, "1.1.1", "--format", form];
        let mut running = Running::start(folder.path(), &args);
        let url = format!("ws://127.0.0.1:{port}");
        let client = || wsspec(folder.path(), &["echo", "--connect", &url, "--agent", "us"]);
        while client().code != 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        if header {
            running.line();
        }
        let line = running.line();
        assert!(line.contains(mark) && line.contains("us"), "{form}: {line}");
    }
}
