//! Runs that end early: the implementation dies, or the user stops. What is finished is kept, and nothing is
//! green.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::hostile_peer::record;
use crate::peer::{Manner, Peer};
use crate::program::{command, finish, wait, wsspec};

#[test]
fn a_server_that_dies_half_way_is_never_green() {
    let folder = tempdir().unwrap();
    let peer = Peer::start(|n| if n < 12 { Manner::Echo } else { Manner::Leave });
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.*", "2.*", "-j", "2"]);
    done.expect_error(6, "E15");
    let record = record(folder.path());
    let end = record.last().unwrap();
    let not_run = end["not_run"][0]["cases"].as_array().unwrap().len();
    let finished = record.iter().filter(|line| line["t"] == "case").count();
    assert!(not_run > 0 && finished > 0 && not_run + finished >= 27, "{end:#?}");
    assert!(done.out.contains("INCOMPLETE") || done.out.contains("NOT CONFORMANT"), "{done:#?}");
}

#[test]
fn that_nobody_listens_any_more_was_80_columns_wide_on_every_terminal() {
    let folder = tempdir().unwrap();
    let peer = Peer::start(|n| if n < 12 { Manner::Echo } else { Manner::Leave });
    let mut run = command(folder.path(), &["run", &peer.url(), "1.*", "2.*", "-j", "2"]);
    run.env("COLUMNS", "60");
    finish(run).expect_width("E15", 60);
}

#[test]
fn a_server_with_one_connection_at_a_time_is_tested_all_the_same() {
    let folder = tempdir().unwrap();
    let mut echo = command(folder.path(), &["echo", "127.0.0.1:0", "--max-connections", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address = first_line(&mut echo);
    let done = wsspec(folder.path(), &["run", address.trim_start_matches("listening on "), "1.1.*", "2.*"]);
    echo.kill().unwrap();
    echo.wait().unwrap();
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("warning[W01]"), "{done:#?}");
}

fn first_line(child: &mut std::process::Child) -> String {
    use std::io::BufRead;
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished() {
    let folder = tempdir().unwrap();
    // The waits of 6.4 keep the run busy for seconds.
    let mut run =
        command(folder.path(), &["run", "1.*", "6.4.*", "-j", "1", "--order", "id", "--timeout-scale", "20"]);
    let started = Instant::now();
    let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let results = folder.path().join("wsspec-out/results.jsonl");
    let finished = || std::fs::read_to_string(&results).is_ok_and(|text| text.lines().count() > 5);
    while !finished() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let done = wait(child, started);
    assert_eq!(done.code, 130, "{done:#?}");
    let record = record(folder.path());
    let end = record.last().unwrap();
    assert_eq!((&end["complete"], &end["exit"]), (&Value::from(false), &Value::from(130)));
    assert!(folder.path().join("wsspec-out/index.json").exists(), "a partial report is written");
}

#[test]
fn a_time_budget_leaves_the_rest_not_run() {
    let folder = tempdir().unwrap();
    let args = ["run", "6.4.*", "1.*", "-j", "1", "--time-budget", "100ms"];
    let done = wsspec(folder.path(), &args);
    assert_eq!(done.code, 6, "{done:#?}");
    assert_eq!(record(folder.path()).last().unwrap()["complete"], false);
}
