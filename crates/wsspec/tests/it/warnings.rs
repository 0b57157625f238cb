//! Every warning, provoked; W01 is in `dying`, W08 in `config`, W10 in `packets`.

use std::process::{Command, Stdio};

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, command, finish, wsspec};
use crate::tester::Tester;
use crate::visitor::{Visitor, closed};
use crate::whole_run::Echo;

#[track_caller]
fn warns(done: &Done, code: &str, says: &str) {
    let mark = format!("warning[{code}]");
    let notes = done.notes();
    let lines: Vec<&str> = notes.lines().filter(|line| line.contains(&mark)).collect();
    assert!(lines.len() == 1 && lines[0].contains(says), "{done:#?}");
}

#[test]
fn every_warning_has_a_page() {
    let folder = tempdir().unwrap();
    for number in 1..=13 {
        let done = wsspec(folder.path(), &["explain", &format!("W{number:02}")]);
        assert!(done.code == 0 && done.out.lines().count() >= 3, "{done:#?}");
        assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{done:#?}");
    }
}

#[test]
fn w02_a_server_that_takes_no_connection_while_others_are_open() {
    let folder = tempdir().unwrap();
    // The look before the first case needs two connections, one after the other gets an answer; then it is full.
    let peer = Peer::start(|n| match n {
        3..=5 => Manner::Answer(b"", Then::Silence),
        _ => Manner::Echo,
    });
    let run = ["run", &peer.url(), "1.1.*", "-j", "8", "--open-timeout", "500ms"];
    let done = wsspec(folder.path(), &run);
    assert_eq!(done.code, 0, "{done:#?}");
    warns(&done, "W02", "one at a time from now on");
}

#[test]
fn w03_two_servers_of_one_name() {
    let folder = tempdir().unwrap();
    let peers = [Peer::always(Manner::Echo), Peer::always(Manner::Echo)];
    let [one, other] = peers.each_ref().map(Peer::url);
    let done = wsspec(folder.path(), &["run", &one, &other, "1.1.1", "--agent", "1=lib", "--agent", "2=lib"]);
    assert_eq!(done.code, 0, "{done:#?}");
    warns(&done, "W03", "\"lib\"");
    assert!(done.out.contains("lib (2)"), "{done:#?}");
    let done = wsspec(folder.path(), &["run", &one, &other, "1.1.1", "--agent", "same"]);
    assert!(done.out.contains("same (2)") && done.err.contains("W03"), "one name is that of both: {done:#?}");
}

#[test]
fn w03_two_clients_of_one_name() {
    let folder = tempdir().unwrap();
    let tester = Tester::serve(folder.path(), &["9.7.1", "--volume-messages", "50"]);
    let visit = || Visitor::ask(tester.port, "/runCase?case=1&agent=lib");
    let (one, other) = (visit(), visit());
    one.echo();
    other.echo();
    let done = tester.terminate();
    warns(&done, "W03", "lib runs 9.7.1 twice at once:");
    assert!(done.err.contains("two clients of one name?"), "{done:#?}");
}

#[test]
fn w04_a_job_summary_that_cannot_be_written() {
    let folder = tempdir().unwrap();
    let mut run = command(folder.path(), &["run", "1.1.1"]);
    run.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", folder.path());
    let done = finish(run);
    assert_eq!(done.code, 0, "{done:#?}");
    warns(&done, "W04", "cannot add to the job summary");
}

#[test]
fn w05_secrets_that_are_recorded() {
    let folder = tempdir().unwrap();
    let server = Echo::start(folder.path());
    let run = ["run", &server.url, "1.1.1", "-H", "Authorization: hunter2hunter2", "--redact", "none"];
    let done = wsspec(folder.path(), &run);
    assert_eq!(done.code, 0, "{done:#?}");
    warns(&done, "W05", "keep the files to yourself");
    let record = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(record.contains("hunter2hunter2") && record.contains(r#""unredacted":true"#));
    let tester = Tester::serve(folder.path(), &["1.1.1", "--redact", "none"]);
    warns(&tester.terminate(), "W05", "keep the files to yourself");
}

#[test]
fn w06_reports_that_cannot_be_written() {
    let folder = tempdir().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    Visitor::ask(tester.port, "/runCase?case=1&agent=lib").echo();
    let out = folder.path().join("wsspec-out");
    std::fs::remove_dir_all(&out).unwrap();
    // A folder that is gone would be made again.
    std::fs::write(&out, "").unwrap();
    closed(tester.port, "/updateReports?agent=lib");
    warns(&tester.terminate(), "W06", "the reports cannot be written");
}

/// A public address of documentation (RFC 5737), on a loopback device of its own.
#[cfg(target_os = "linux")]
#[test]
fn w07_a_public_address() {
    const ADDRESS: &str = "198.51.100.7";
    let folder = tempdir().unwrap();
    let alone = |script: &str| {
        let mut command = Command::new("unshare");
        let script = format!("ip link set lo up && ip addr add {ADDRESS}/32 dev lo && {script}");
        command.args(["-rn", "sh", "-c", &script]).current_dir(folder.path()).stdin(Stdio::null());
        command
    };
    if !alone("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return wsspec_testkit::skip("a network of its own (unshare -rn)");
    }
    let program = env!("CARGO_BIN_EXE_wsspec");
    let server = format!("{program} echo {ADDRESS}:{{port}}");
    let run = format!("{program} run 'ws://{ADDRESS}:{{port}}' 1.1.1 --exec '{server}'");
    let done = finish(alone(&run));
    assert_eq!(done.code, 0, "{done:#?}");
    warns(&done, "W07", ADDRESS);
}

#[test]
fn w07_is_not_for_other_words_for_this_machine() {
    let folder = tempdir().unwrap();
    let port = Echo::start(folder.path());
    for host in ["0.0.0.0", "[::ffff:127.0.0.1]"] {
        let done = wsspec(folder.path(), &["run", &format!("ws://{host}:{}", port.port()), "1.1.1"]);
        assert!(done.code == 0 && !done.err.contains("W07"), "{done:#?}");
    }
}

#[test]
fn w09_a_variable_without_effect() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("wsspec.toml"), "schema = 1\n").unwrap();
    for (args, code) in [(&["config", "check"][..], 0), (&["config", "show"], 0), (&["run", "1.1.1"], 0)] {
        let mut check = command(folder.path(), args);
        check.env("WSSPEC_JOBZ", "2").env("WSSPEC_PORT", "1");
        let done = finish(check);
        assert_eq!(done.code, code, "{done:#?}");
        warns(&done, "W09", "WSSPEC_JOBZ has no effect; did you mean WSSPEC_JOBS?");
    }
}

#[test]
fn w11_a_server_that_does_not_tell_its_name() {
    let folder = tempdir().unwrap();
    let peer = Peer::always(Manner::Echo);
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.1.1"]);
    assert_eq!(done.code, 0, "{done:#?}");
    warns(&done, "W11", "the server tells no name and is called");
    assert!(done.err.contains(&format!("\n  {}   (--agent NAME)", peer.address)), "{done:#?}");
    let named = wsspec(folder.path(), &["run", &peer.url(), "1.1.1", "--agent", "lib"]);
    assert!(named.code == 0 && !named.err.contains("W11"), "{named:#?}");
}

/// The wall clock, an hour ahead from 300 ms after it was first looked at.
const JUMPING_CLOCK: &str = r#"
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
unsafe extern "C" { fn syscall(number: i64, ...) -> i64; }
#[repr(C)] pub struct Time { seconds: i64, nanoseconds: i64 }
const NUMBER: i64 = if cfg!(target_arch = "x86_64") { 228 } else { 113 };
static FIRST: AtomicI64 = AtomicI64::new(0);
#[unsafe(no_mangle)] pub unsafe extern "C" fn clock_gettime(clock: i32, time: *mut Time) -> i32 {
    unsafe {
        let done = syscall(NUMBER, clock, time);
        if clock == 0 {
            let mut steady = Time { seconds: 0, nanoseconds: 0 };
            syscall(NUMBER, 1, &mut steady as *mut Time);
            let now = steady.seconds * 1000 + steady.nanoseconds / 1_000_000;
            let first = FIRST.compare_exchange(0, now, Relaxed, Relaxed).err().unwrap_or(now);
            if now - first > 300 { (*time).seconds += 3600; }
        }
        done as i32
    }
}
"#;

#[cfg(target_os = "linux")]
#[test]
fn w12_a_clock_that_jumps() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("clock.rs"), JUMPING_CLOCK).unwrap();
    let mut build = Command::new("rustc");
    build.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "clock.rs"]);
    if !build.current_dir(folder.path()).output().is_ok_and(|built| built.status.success()) {
        return wsspec_testkit::skip("a rustc that makes shared libraries");
    }
    let mut run = command(folder.path(), &["run", "1.1.1", "7.7.1", "6.4.1"]);
    run.env("LD_PRELOAD", folder.path().join("libclock.so"));
    let done = finish(run);
    assert_eq!(done.code, 0, "{done:#?}");
    warns(&done, "W12", "the clock jumped forward by ");
    // Between the two looks at the clocks some time goes by.
    assert!(["59 min 59 s", "60 min 0 s"].iter().any(|hour| done.err.contains(hour)), "{done:#?}");
}

#[test]
fn w13_a_pattern_of_a_spec_that_means_another_thing_than_it_seems() {
    let folder = tempdir().unwrap();
    let spec = r#"{"outdir": "r", "servers": [], "cases": ["1*"], "exclude-cases": ["9"]}"#;
    std::fs::write(folder.path().join("spec.json"), spec).unwrap();
    let done = wsspec(folder.path(), &["config", "migrate", "spec.json"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(done.err.matches("warning[W13]").count(), 2, "one for each pattern: {done:#?}");
    assert!(done.err.lines().all(|line| line.chars().count() <= 60), "{done:#?}");
}
