//! `run --exec`: servers that the tester starts, and all the ways in which they do not do what they should.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::hostile_peer::record;
use crate::program::{Done, command, finish, wait, wsspec};
use crate::server;
use crate::tester::free_port;

/// A run of a few cases against a server that behaves like this.
fn run(folder: &Path, manner: &str, more: &[&str]) -> Done {
    let exec = server::command(manner);
    let mut args = vec!["run", "--exec", &exec, "--no-confirm"];
    args.extend_from_slice(more);
    wsspec(folder, &args)
}

/// The last verdict on each case, by id.
fn verdicts(folder: &Path) -> Vec<(String, String)> {
    let mut all = std::collections::BTreeMap::new();
    for line in record(folder).iter().filter(|line| line["t"] == "case") {
        all.insert(line["id"].as_str().unwrap().to_owned(), line["verdict"].as_str().unwrap().to_owned());
    }
    all.into_iter().collect()
}

fn count(folder: &Path, verdict: &str) -> usize {
    verdicts(folder).iter().filter(|(_, other)| other == verdict).count()
}

fn case(folder: &Path, id: &str) -> Value {
    record(folder).into_iter().rev().find(|line| line["id"] == id).unwrap()
}

pub(crate) fn is_running(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

#[test]
fn a_server_is_started_tested_and_stopped() {
    let folder = tempdir().unwrap();
    let script =
        format!("sh -c 'echo pid $$; exec {} echo 127.0.0.1:$WSSPEC_PORT'", env!("CARGO_BIN_EXE_wsspec"));
    let done = wsspec(folder.path(), &["run", "--exec", &script, "1.*", "2.*", "3.*"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("ready in") && !done.err.contains("LEAK"), "{done:#?}");
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    let pid = log.lines().find_map(|line| line.split_once(" pid ")).unwrap().1;
    assert!(!is_running(pid), "{log}");
    let again = case(folder.path(), "2.1")["repro"].to_string();
    assert!(again.contains("ws://127.0.0.1:{port}") && again.contains("--exec"), "{again}");
}

#[test]
fn placeholders_and_variables_say_where_to_listen() {
    let folder = tempdir().unwrap();
    let echo = env!("CARGO_BIN_EXE_wsspec");
    let script = format!(
        "sh -c 'echo $1 $2 $WSSPEC_URL $COLOUR $PWD; exec {echo} echo $2:$0' {{port}} {{url}} {{host}}"
    );
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let args = ["run", "ws://127.0.0.1:{port}/a?b=c", "1.1.1", "--exec", &script, "--exec-env", "COLOUR=red"];
    let done = wsspec(folder.path(), &[&args[..], &["--exec-cwd", inside.to_str().unwrap()]].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    let line = log.lines().next().unwrap();
    assert!(line.contains(" ws://127.0.0.1:") && line.contains("/a?b=c 127.0.0.1 ws://127.0.0.1:"), "{line}");
    assert!(line.contains(" red ") && line.ends_with("/inside"), "{line}");
}

#[test]
fn every_sign_of_readiness_is_understood() {
    for ready in ["ws", "tcp", "http:/health", "log:(?i)LISTENING on .*:\\d+", "fd", "after:1s"] {
        let folder = tempdir().unwrap();
        let done = run(folder.path(), "echo", &["1.1.1", "--ready", ready]);
        assert_eq!(done.code, 0, "{ready}: {done:#?}");
        assert!(done.out.contains(&format!("({})", ready.replace("after:1s", "after:1000ms"))), "{done:#?}");
    }
    for ready in ["http:/nothing", "log:^nothing$"] {
        let folder = tempdir().unwrap();
        let done = run(folder.path(), "echo", &["1.1.1", "--ready", ready, "--ready-timeout", "700ms"]);
        done.expect_error(3, "E19");
    }
}

#[test]
fn a_case_that_kills_the_server_is_a_crash_and_the_run_goes_on() {
    let folder = tempdir().unwrap();
    // 4.1.1 sends opcode 3; one case at a time, so that it is plain which one it was.
    let done = run(folder.path(), "echo", &["1.1.*", "4.1.1", "2.1", "-j", "1", "--order", "id"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_eq!(count(folder.path(), "crash"), 1);
    let crashed = record(folder.path()).into_iter().rev().find(|line| line["verdict"] == "crash").unwrap();
    let marked = &crashed["checks"][0]["event"];
    let line = crashed["events"].as_array().unwrap().iter().find(|line| line["i"] == *marked);
    assert_eq!(line.expect("the frame that it died of")["dir"], "tx", "{crashed}");
    assert_eq!(count(folder.path(), "pass"), 9, "{:?}", verdicts(folder.path()));
    let record = case(folder.path(), "4.1.1");
    let summary = record["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("exited: signal 6 (SIGABRT), ") && summary.contains(" after octet "),
        "{summary}"
    );
    assert!(record["log"]["text"].as_str().unwrap().contains("which nobody expected"), "{record:#}");
    assert!(done.out.contains("DIED       4.1.1") && done.out.contains("restarted in "), "{done:#?}");
    assert!(done.out.contains("(restart 1 of 3)") && done.out.contains("| connection has sent"), "{done:#?}");
    assert_eq!(record["autobahn"]["behavior"], "FAILED");
}

#[test]
fn a_death_that_the_baseline_knows_was_a_restart_and_nothing_more() {
    let folder = tempdir().unwrap();
    let known = "schema = 1\n[[expect]]\ncases = [\"4.1.1\"]\nverdict = \"any\"\nreason = \"opcode 3\"\n";
    std::fs::write(folder.path().join("known.toml"), known).unwrap();
    let cases = ["1.1.1", "4.1.1", "2.1", "-j", "1", "--order", "id", "--baseline", "known.toml"];
    let done = run(folder.path(), "echo", &cases);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(
        done.out.contains("  known      4.1.1") && done.out.contains("| connection has sent"),
        "{done:#?}"
    );
}

#[test]
fn a_line_of_progress_stood_between_a_death_and_its_last_words() {
    let folder = tempdir().unwrap();
    let cases = ["1.1.1", "4.1.1", "5.1", "-j", "1", "--order", "id"];
    let done = run(folder.path(), "echo", &cases);
    let told: Vec<&str> =
        done.out.lines().skip_while(|line| !line.starts_with("  DIED       4.1.1")).collect();
    let words = told.iter().position(|line| line.trim_start().starts_with("| connection has sent"));
    let words = words.unwrap_or_else(|| panic!("{done:#?}"));
    assert!(told[..words].iter().all(|line| !line.starts_with('[')), "{done:#?}");
    assert!(told[words..].iter().any(|line| line.starts_with("[ 66%]")), "{done:#?}");
}

/// A server that writes a line about each connection: where in the log it stands is known of every case.
#[test]
fn every_case_keeps_its_part_of_the_log_and_failures_keep_the_text() {
    let folder = tempdir().unwrap();
    let done =
        run(folder.path(), "echo", &["1.1.*", "4.1.1", "-j", "1", "--order", "id", "--restart", "case"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    let mut behind = 0;
    for id in ["1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.1.5", "1.1.6", "1.1.7", "1.1.8", "4.1.1"] {
        let part = case(folder.path(), id)["log"].clone();
        let place = |end: &str| usize::try_from(part[end].as_u64().unwrap()).unwrap();
        let (from, to) = (place("from"), place("to"));
        assert!(behind <= from && from <= to && to <= log.len(), "{id}: {part}");
        behind = to;
        let text = part["text"].as_str().unwrap();
        assert_eq!(text.is_empty(), id != "4.1.1", "{id}: {part}");
        assert!(text.is_empty() || log[from..to] == *text, "{id}: {part}");
    }
}

#[test]
fn a_crash_among_many_cases_is_put_down_to_the_right_one() {
    let folder = tempdir().unwrap();
    let done = run(folder.path(), "echo", &["1.1.*", "4.1.1", "2.*"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let crashed: Vec<_> =
        verdicts(folder.path()).into_iter().filter(|(_, verdict)| verdict == "crash").collect();
    assert_eq!(crashed, [("4.1.1".to_owned(), "crash".to_owned())], "{done:#?}");
}

#[test]
fn a_server_killed_after_50_of_247_cases_is_restarted_and_red() {
    let folder = tempdir().unwrap();
    let script =
        format!("sh -c 'echo pid $$; exec {} echo 127.0.0.1:$WSSPEC_PORT'", env!("CARGO_BIN_EXE_wsspec"));
    let mut run = command(folder.path(), &["run", "@core", "--exec", &script, "--order", "id"]);
    let started = Instant::now();
    let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    kill_after(50, folder.path(), &|| {
        let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
        log.lines().find_map(|line| line.split_once(" pid ")).unwrap().1.to_owned()
    });
    let done = wait(child, started);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_eq!(count(folder.path(), "crash"), 1, "{done:#?}");
    assert_eq!(verdicts(folder.path()).len(), 247, "{done:#?}");
    assert!(done.out.contains("signal 9 (SIGKILL)") && done.out.contains("restarted in"), "{done:#?}");
}

#[test]
fn a_server_killed_after_50_of_247_cases_without_exec_leaves_the_rest_not_run() {
    let folder = tempdir().unwrap();
    let port = free_port().to_string();
    let address = format!("127.0.0.1:{port}");
    let mut echo = command(folder.path(), &["echo", &address]).stdout(Stdio::null()).spawn().unwrap();
    while std::net::TcpStream::connect(&address).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut run = command(folder.path(), &["run", &address, "@core", "--order", "id", "-j", "1"]);
    let started = Instant::now();
    let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    kill_after(50, folder.path(), &|| echo.id().to_string());
    echo.wait().unwrap();
    let done = wait(child, started);
    assert_eq!(done.code, 6, "{done:#?}");
    assert!(done.err.contains("error[E15]"), "{done:#?}");
    let record = record(folder.path());
    let end = record.last().unwrap();
    let not_run = end["not_run"][0]["cases"].as_array().unwrap().len();
    assert_eq!(not_run + verdicts(folder.path()).len(), 247, "{end:#}");
    assert!(not_run > 100 && done.err.contains(&format!("{not_run} cases not run")), "{done:#?}");
    assert_eq!((&end["complete"], &end["exit"]), (&Value::from(false), &Value::from(6)));
}

#[test]
fn wsspec_killed_half_way_leaves_what_is_finished() {
    let folder = tempdir().unwrap();
    let mut run = command(folder.path(), &["run", "@core", "--order", "id", "-j", "1"]);
    let started = Instant::now();
    let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id().to_string();
    kill_after(123, folder.path(), &|| pid.clone());
    wait(child, started);
    let finished = verdicts(folder.path()).len();
    let done = wsspec(folder.path(), &["report"]);
    assert_eq!(done.code, 6, "{done:#?}");
    assert!(done.err.contains("INCOMPLETE"), "{done:#?}");
    assert!((120..247).contains(&finished), "{finished}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join("wsspec-out").join(name)).unwrap();
    let page = read("report.html");
    let rows = page.matches(" data-size=").count();
    assert!(
        page.contains("INCOMPLETE") && rows == finished,
        "what is finished is shown: {rows} of {finished}"
    );
    let index: Value = serde_json::from_str(&read("index.json")).unwrap();
    assert_eq!(index.as_object().unwrap().values().next().unwrap().as_object().unwrap().len(), finished);
    let junit = read("junit.xml");
    assert!(junit.contains(&format!("tests=\"{}\" ", finished + 1)) && junit.contains("errors=\"1\""));
    let summary = read("summary.md");
    let told: Vec<&str> = summary.lines().filter(|line| line.starts_with("| this run |")).collect();
    assert!(told.len() == 1 && told[0].ends_with(&format!("| {} |", 247 - finished)), "{summary}");
}

/// Kills a process as soon as so many cases are in the record.
fn kill_after(cases: usize, folder: &Path, pid: &dyn Fn() -> String) {
    let results = folder.join("wsspec-out/results.jsonl");
    let deadline = Instant::now() + Duration::from_secs(40);
    let finished = || std::fs::read_to_string(&results).unwrap_or_default().lines().count() > cases;
    while !finished() {
        assert!(Instant::now() < deadline, "the run does not get on");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(std::process::Command::new("kill").args(["-KILL", &pid()]).status().unwrap().success());
}

#[test]
fn a_server_that_dies_again_and_again_is_given_up() {
    let folder = tempdir().unwrap();
    // Three connections are needed before the first case.
    let done = run(folder.path(), "die-after=4", &["1.1.*", "2.*", "-j", "1", "--order", "id"]);
    done.expect_error(6, "E15");
    assert!(done.err.contains("died 4 times; giving up") && done.err.contains("--restart case"), "{done:#?}");
    assert!(done.err.contains("| thread 'conn-4' panicked"), "{done:#?}");
    assert_eq!(count(folder.path(), "crash"), 4, "{:?}", verdicts(folder.path()));
}

#[test]
fn e15_was_80_columns_wide_on_every_terminal() {
    let folder = tempdir().unwrap();
    let exec = server::command("die-after=4");
    let args = ["run", "1.1.*", "2.*", "-j", "1", "--order", "id", "--exec", &exec];
    let mut run = command(folder.path(), &args);
    run.env("COLUMNS", "60");
    finish(run).expect_width("E15", 60);
}

#[test]
fn restart_never_ends_with_the_first_death() {
    let folder = tempdir().unwrap();
    let args = ["1.1.1", "4.1.1", "5.1", "5.2", "-j", "1", "--order", "id", "--restart", "never"];
    let done = run(folder.path(), "echo", &args);
    done.expect_error(6, "E15");
    assert_eq!(case(folder.path(), "4.1.1")["verdict"], "crash");
    assert_eq!(
        record(folder.path()).last().unwrap()["not_run"][0]["cases"],
        serde_json::json!(["5.1", "5.2"])
    );
}

#[test]
fn restart_case_starts_a_process_for_every_case() {
    let folder = tempdir().unwrap();
    let done = run(folder.path(), "echo", &["1.1.1", "4.1.*", "1.1.2", "--restart", "case"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_eq!(
        count(folder.path(), "crash"),
        5,
        "one death disturbs nothing else: {:?}",
        verdicts(folder.path())
    );
    assert_eq!(count(folder.path(), "pass"), 2);
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    assert!(log.matches("listening on").count() >= 8, "one for the look before the first case: {log}");
    for id in ["1.1.1", "1.1.2", "4.1.1", "4.1.5"] {
        assert!(log.contains(&format!("started for case {id}\n")), "{id}: {log}");
    }
}

#[test]
fn a_server_that_dies_between_cases_is_red_too() {
    let folder = tempdir().unwrap();
    let done = run(folder.path(), "die-between=3", &["1.1.*", "-j", "1", "--order", "id"]);
    assert!(done.code == 1 || done.code == 6, "{done:#?}");
    assert!(count(folder.path(), "crash") >= 1, "{:?}\n{done:#?}", verdicts(folder.path()));
    assert!(done.out.contains("exit status 0"), "{done:#?}");
}

#[test]
fn a_server_that_fails_a_connection_and_dies_of_it_a_moment_later_is_red_by_that_case() {
    let folder = tempdir().unwrap();
    // Later than is waited for, but on slow machines.
    let args = ["1.1.*", "4.1.1", "2.1", "4.2.1", "--timeout-scale", "20"];
    let done = run(folder.path(), "die-later=150", &args);
    assert_eq!(done.code, 1, "{done:#?}");
    let red: Vec<_> = verdicts(folder.path()).into_iter().filter(|(_, verdict)| verdict != "pass").collect();
    let died = |id: &str| (id.to_owned(), "crash".to_owned());
    assert_eq!(red, [died("4.1.1"), died("4.2.1")], "{done:#?}");
    let summary = case(folder.path(), "4.2.1")["summary"].to_string();
    assert!(summary.contains("exit status 7, ") && !summary.contains(" 0.0 ms after"), "{summary}");
}

#[test]
fn a_server_that_hangs_is_started_again_and_only_the_case_that_it_hangs_of_is_red() {
    let folder = tempdir().unwrap();
    // 1.1.2 and 1.2.2 send 125 octets, and all others another number.
    let exec = server::command("hang-at=125");
    let done = wsspec(folder.path(), &["run", "--exec", &exec, "1.*", "2.1", "2.2", "2.3"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let red: Vec<_> = verdicts(folder.path()).into_iter().filter(|(_, verdict)| verdict != "pass").collect();
    let hung = |id: &str| (id.to_owned(), "timeout".to_owned());
    assert_eq!(red, [hung("1.1.2"), hung("1.2.2")], "{done:#?}");
    assert!(
        done.err.contains("warning[W02]") && done.err.contains("hangs, and is started again"),
        "{done:#?}"
    );
    assert!(!done.out.contains("flaky"), "{done:#?}");
}

#[test]
fn a_command_that_sends_the_server_into_the_background_is_told_so() {
    let folder = tempdir().unwrap();
    let exec = format!("sh -c '{} & sleep 0.3'", server::command("echo"));
    let done = wsspec(folder.path(), &["run", "--exec", &exec, "6.4.1", "--ready", "tcp"]);
    assert!(done.code != 0, "{done:#?}");
    let told = [done.out.as_str(), &done.err].concat().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("keep the server in the foreground"), "{done:#?}");
}

#[test]
fn a_server_that_takes_no_connections_any_more_is_a_crash_though_it_runs() {
    let folder = tempdir().unwrap();
    let done =
        run(folder.path(), "deaf-after=5", &["1.1.*", "-j", "1", "--order", "id", "--restart", "never"]);
    assert!(count(folder.path(), "crash") >= 1, "{:?}\n{done:#?}", verdicts(folder.path()));
    let told = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("it did not take connections any more"), "{done:#?}");
    assert!(done.code == 1 || done.code == 6, "{done:#?}");
}

#[test]
fn a_server_that_is_not_ready_is_one_error_with_its_output() {
    let folder = tempdir().unwrap();
    let done = run(folder.path(), "other-port", &["1.1.1", "--ready-timeout", "1s"]);
    done.expect_error(3, "E19");
    assert!(
        done.err.contains("still running, pid ") && done.err.contains("TCP connect refused "),
        "{done:#?}"
    );
    assert!(done.err.contains("<- another port than "), "{done:#?}");
    assert!(done.err.contains("pass the port on:") && done.err.contains("use the fixed one:"), "{done:#?}");

    let script = "sh -c 'echo \"error: a value is required for --port\" >&2; exit 101'";
    let done = wsspec(folder.path(), &["run", "--exec", script]);
    done.expect_error(3, "E19");
    // How and when stands in a line of its own where it is too long.
    assert!(done.err.contains("ended at once") && done.err.contains("exit status 101, "), "{done:#?}");
    assert!(done.err.contains("| error: a value is required for --port"), "{done:#?}");
    assert!(done.took < Duration::from_secs(30), "an early end of the process ends the wait: {done:#?}");
}

#[test]
fn a_taken_port_is_not_tested_by_mistake() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let mut echo = command(folder.path(), &["echo", &address]).stdout(Stdio::null()).spawn().unwrap();
    while std::net::TcpStream::connect(&address).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let done = wsspec(folder.path(), &["run", &address, "1.1.1", "--exec", "sleep 60"]);
    let reused = wsspec(folder.path(), &["run", &address, "1.1.1", "--exec", "sleep 60", "--reuse"]);
    echo.kill().unwrap();
    echo.wait().unwrap();
    done.expect_error(3, "E16");
    assert!(done.err.contains(&format!("port {port} is already in use")), "{done:#?}");
    assert!(
        !cfg!(target_os = "linux") || done.err.contains(&format!("process {} \"wsspec\"", echo.id())),
        "{done:#?}"
    );
    assert_eq!(reused.code, 0, "{reused:#?}");
    assert!(reused.out.contains("not started"), "{reused:#?}");
}

#[test]
fn what_does_not_end_is_killed_and_named() {
    let folder = tempdir().unwrap();
    let deaf = format!("sh -c 'trap \"\" TERM; exec {}'", server::command("echo"));
    let args = ["run", "1.1.1", "--stop", "SIGTERM,200ms", "--exec"];
    let done = wsspec(folder.path(), &[&args[..], &[&deaf]].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(
        done.notes().contains("LEAK: ") && done.notes().contains("did not end within 200 ms of SIGTERM"),
        "{done:#?}"
    );

    let quiet = wsspec(folder.path(), &[&args[..], &[&deaf, "-q"]].concat());
    assert!(quiet.code == 0 && !quiet.err.contains("LEAK"), "-q asks for one line: {quiet:#?}");

    let parent = format!("sh -c '(trap \"\" TERM; sleep 61) & exec {}'", server::command("echo"));
    let done = wsspec(folder.path(), &[&args[..], &[&parent]].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.notes().contains("was left behind"), "{done:#?}");
    let notes = done.notes();
    let leak = notes.lines().find_map(|line| line.strip_prefix("LEAK: ")).unwrap();
    let end = record(folder.path()).pop().unwrap();
    assert_eq!(end["leaks"][0], leak, "it was in no field of the record: {end}");
    assert!(wsspec(folder.path(), &["show"]).notes().contains(&format!("LEAK: {leak}\n")));
    let page = std::fs::read_to_string(folder.path().join("wsspec-out/index.html")).unwrap();
    let fact = page.split("did not end<").nth(1).unwrap_or_default();
    assert!(fact.contains("was left behind"), "and not among the facts of the run");
    let pid = done.err.split("(process ").nth(1).unwrap().split(')').next().unwrap();
    assert!(!is_running(pid), "the whole group is stopped: {done:#?}");
}

#[test]
fn hostile_text_in_the_log_is_harmless_everywhere() {
    let folder = tempdir().unwrap();
    let done = run(folder.path(), "hostile-text", &["1.1.1", "4.1.1", "-vv"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let shown = wsspec(folder.path(), &["show", "4.1.1", "-vv"]);
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    for text in [&done.out, &done.err, &shown.out, &log] {
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text}");
    }
    let page = std::fs::read_to_string(folder.path().join("wsspec-out/report.html")).unwrap();
    assert!(!page.contains("<script>alert(1)"));
    assert!(shown.out.contains("which nobody expected"), "{shown:#?}");
}

#[test]
fn secrets_of_the_environment_stay_out_of_all_files() {
    let folder = tempdir().unwrap();
    let exec = server::command("echo");
    let args = ["run", "--exec", &exec, "1.1.1", "4.1.1", "--exec-env", "SECRET=env:TOKEN"];
    let mut run = command(folder.path(), &args);
    run.env("TOKEN", "hunter2hunter2");
    let done = finish(run);
    assert_eq!(done.code, 1, "{done:#?}");
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    assert!(log.contains("the secret is [redacted 14 bytes]"), "{log}");
    for entry in std::fs::read_dir(folder.path().join("wsspec-out")).unwrap() {
        let text = String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()).into_owned();
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_port_without_a_server_is_a_mistake() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["run", "ws://127.0.0.1:{port}", "1.1.1"]);
    done.expect_error(2, "E27");
    let done = wsspec(folder.path(), &["run", "a:1", "b:2", "--exec", "true"]);
    done.expect_error(2, "E27");
}

#[test]
fn what_is_said_of_a_server_that_ends_before_it_is_ready_fits_80_columns() {
    let folder = tempdir().unwrap();
    let done = wsspec(folder.path(), &["run", "--exec", "sh -c 'sleep 1.1; exit 7'", "1.1.1"]);
    done.expect_error(3, "E19");
    assert!(
        done.err.contains("ended before it was ready") && done.err.contains("exit status 7, "),
        "{done:#?}"
    );
    assert!(done.err.lines().all(|line| line.chars().count() <= 80), "{done:#?}");
}

#[test]
fn a_command_without_the_port_was_told_to_wait_longer() {
    let folder = tempdir().unwrap();
    let args = ["run", "1.1.1", "--exec", "sleep 60", "--ready-timeout", "300ms"];
    let done = wsspec(folder.path(), &args);
    done.expect_error(3, "E19");
    let told = done.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("waited ready=ws on port "), "{done:#?}");
    for part in [
        "why the command has no {port}: the server has to listen on $WSSPEC_PORT",
        "try pass the port on: --exec 'sleep 60 {port}'",
        "or use the fixed one: ws://127.0.0.1:PORT as the address",
    ] {
        assert!(told.contains(part), "{part}: {done:#?}");
    }
}

#[test]
fn commands_to_repeat_hold_no_secret_and_run() {
    let folder = tempdir().unwrap();
    let run = |args: &[&str], token: Option<&str>| {
        let mut command = command(folder.path(), args);
        command.envs(token.map(|token| ("TOKEN", token)));
        finish(command)
    };
    let program = env!("CARGO_BIN_EXE_wsspec");
    let server = format!("{program} echo 127.0.0.1:{{port}} --defect ping-empty-unanswered");
    let url = "ws://127.0.0.1:{port}/?token=s3cret";
    let header = "Authorization: Bearer s3cret";
    let args = ["run", url, "2.1", "--exec", &server, "-H", header, "--no-echo-check", "--no-confirm"];
    let done = run(&args, None);
    assert_eq!(done.code, 1, "{done:#?}");
    let text = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(!text.contains("s3cret") && text.contains("Authorization: Bearer env:TOKEN"), "{text}");
    let again = done.out.split("again ").nth(1).unwrap().split("\n   why").next().unwrap();
    let words = shell_words::split(&again.replace("\n            ", " ")).unwrap();
    let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    assert!(words.contains(&"ws://127.0.0.1:{port}/?token=env:TOKEN"), "{words:?}");
    assert_eq!(run(&words, Some("s3cret")).code, 1, "{words:?}");
    let text = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let last = run(&["run", "--last-failed", "--no-confirm"], None);
    last.expect_error(2, "E18");
    assert!(last.err.contains("no variable TOKEN"), "{last:#?}");
}
