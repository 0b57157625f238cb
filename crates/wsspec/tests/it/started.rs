//! Clients that the tester starts: a process per case, a driver, a browser.
#![cfg(unix)]

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::exec::is_running;
use crate::program::{Done, command, finish, wsspec};
use crate::tester::{Tester, free_port};
use crate::visitor::{closed, silent};

fn serve(folder: &Path, args: &[&str]) -> Done {
    let port = free_port().to_string();
    let mut all = vec!["serve", "--port", &port];
    all.extend_from_slice(args);
    wsspec(folder, &all)
}

/// Verdicts by case, from the record.
fn verdicts(folder: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cases = lines.filter(|line| line["t"] == "case");
    let mut all: Vec<(String, String)> = cases
        .map(|case| (case["id"].as_str().unwrap().to_owned(), case["verdict"].as_str().unwrap().to_owned()))
        .collect();
    all.sort();
    all
}

fn pair(id: &str, verdict: &str) -> (String, String) {
    (id.to_owned(), verdict.to_owned())
}

/// A client for one case: the echo client of `wstest`.
fn client() -> String {
    format!("{} -m echoclient -w {{url}}", env!("CARGO_BIN_EXE_wstest"))
}

#[test]
fn a_process_per_case_needs_no_loop() {
    let folder = TempDir::new().unwrap();
    let args = ["1.1.*", "2.*", "3.2", "--agent", "my client", "-j", "4", "--exec-case", &client()];
    let done = serve(folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    let verdicts = verdicts(folder.path());
    assert_eq!(verdicts.len(), 8 + 11 + 1, "{verdicts:?}");
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "pass"), "{verdicts:?}");
    assert!(done.out.contains("my client") && done.out.contains("exit 0 (ok)"), "{done:#?}");
}

#[test]
fn the_status_127_means_that_a_case_is_not_supported() {
    let folder = TempDir::new().unwrap();
    let script = format!(
        "case $WSSPEC_CASE in 2.1) exit 127;; *) exec {} -m echoclient -w $0;; esac",
        env!("CARGO_BIN_EXE_wstest")
    );
    let command = format!("sh -c '{script}' {{url}}");
    let done = serve(folder.path(), &["1.1.1", "2.1", "--exec-case", &command]);
    assert_eq!(done.code, 0, "n/a is no failure: {done:#?}");
    assert_eq!(verdicts(folder.path()), [pair("1.1.1", "pass"), pair("2.1", "n/a")]);
    let index = std::fs::read_to_string(folder.path().join("wsspec-out/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let entry = &index["client"]["2.1"];
    assert_eq!(
        (entry["behavior"].as_str(), entry["behaviorClose"].as_str()),
        (Some("UNIMPLEMENTED"), Some("OK"))
    );
}

#[test]
fn processes_of_which_none_connects_are_no_success_though_all_say_127() {
    let folder = TempDir::new().unwrap();
    let done = serve(folder.path(), &["1.1.*", "--exec-case", "sh -c 'exec ./no_such_client $0' {url}"]);
    assert!(done.code == 4 && done.err.contains("error[E22]") && done.err.contains("127"), "{done:#?}");
    assert!(!done.out.contains("STRICT"), "{done:#?}");
    let index = std::fs::read_to_string(folder.path().join("wsspec-out/index.json")).unwrap();
    assert_eq!(index.matches("\"behavior\": \"FAILED\"").count(), 8, "{index}");
}

#[test]
fn a_process_that_dies_after_its_case_is_told() {
    let folder = TempDir::new().unwrap();
    let script = format!("{} -m echoclient -w $0; kill -9 $$", env!("CARGO_BIN_EXE_wstest"));
    let done = serve(folder.path(), &["1.1.1", "--exec-case", &format!("sh -c '{script}' {{url}}")]);
    assert_eq!(done.code, 0, "its case was fine: {done:#?}");
    assert!(done.err.contains("the client of 1.1.1 ended with signal 9"), "{done:#?}");
    let driver = format!("sh -c '{} -m testeeclient -w $0; exit 3' {{url}}", env!("CARGO_BIN_EXE_wstest"));
    let done = serve(folder.path(), &["1.1.1", "--exec", &driver]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(done.err.contains("the driver ended with exit status 3"), "{done:#?}");
}

#[test]
fn results_of_an_earlier_run_do_not_stand_for_one_without_a_client() {
    let folder = TempDir::new().unwrap();
    assert_eq!(serve(folder.path(), &["1.1.1", "--exec-case", &client()]).code, 0);
    assert_eq!(serve(folder.path(), &["1.1.1", "--exec", "true"]).code, 4);
    let read = |name: &str| -> Value {
        let octets = std::fs::read(folder.path().join("wsspec-out").join(name)).unwrap();
        serde_json::from_slice(&octets).unwrap()
    };
    let index = read("index.json");
    let case = &index["client"]["1.1.1"];
    assert_eq!(case["behavior"], "FAILED", "scripts look for this word: {index}");
    assert_eq!(read(case["reportfile"].as_str().unwrap())["behavior"], "FAILED");
}

#[test]
fn a_client_that_dies_fails_and_one_that_does_not_connect_leaves_its_case_without_a_verdict() {
    let folder = TempDir::new().unwrap();
    let command =
        "sh -c 'if [ $WSSPEC_CASE = 1.1.1 ]; then echo before the end; kill -9 $$; else exit 3; fi'";
    let done = serve(folder.path(), &["1.1.1", "1.1.2", "--exec-case", command]);
    assert_eq!(done.code, 6, "{done:#?}");
    assert_eq!(verdicts(folder.path()), [pair("1.1.1", "crash"), pair("1.1.2", "error")]);
    let told = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = "The connection was not opened: the client ended with exit status 3 and did not connect";
    assert!(told.contains(why), "{done:#?}");
    assert!(told.contains("log | before the end") && !told.contains("MUST RFC"), "{done:#?}");
    assert!(done.out.contains("exit status 3") && done.out.contains("signal 9"), "{done:#?}");
    let log = std::fs::read_to_string(folder.path().join("wsspec-out/agent.log")).unwrap();
    assert!(log.ends_with("Z before the end\n") && log.lines().count() == 1, "{log}");
    let results = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    let crashed = results.lines().find(|line| line.contains("\"crash\"")).unwrap();
    assert!(crashed.contains("before the end"), "its last words are in the record: {crashed}");
}

#[test]
fn a_command_that_cannot_be_started_is_one_error() {
    let folder = TempDir::new().unwrap();
    let done = serve(folder.path(), &["1.1.1", "--exec-case", "./no-such-client {url}"]);
    assert!(done.code == 3 && done.err.contains("error[E31]"), "{done:#?}");
    let done = serve(folder.path(), &["1.1.1", "--exec", "'unclosed {url}"]);
    assert!(done.code == 3 && done.err.contains("a quote is not closed"), "{done:#?}");
}

#[test]
fn a_driver_is_started_once_and_its_end_is_the_end() {
    let folder = TempDir::new().unwrap();
    let driver = format!("{} -m testeeclient -w {{url}} -i driver", env!("CARGO_BIN_EXE_wstest"));
    let done = serve(folder.path(), &["1.1.*", "7.1.*", "--exec", &driver]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(verdicts(folder.path()).len(), 8 + 6);

    let done = serve(folder.path(), &["1.1.*", "--exec", "true"]);
    assert!(done.code == 4 && done.err.contains("error[E22]"), "a driver that runs nothing: {done:#?}");
    let half = format!("{} -m echoclient -w {{url}}/runCase?case=1&agent=half", env!("CARGO_BIN_EXE_wstest"));
    let done = serve(folder.path(), &["1.1.*", "--exec", &half]);
    assert!(done.code == 6 && done.err.contains("the driver ended with exit status 0"), "{done:#?}");
}

#[test]
fn the_endpoint_is_a_client_under_test_too() {
    let folder = TempDir::new().unwrap();
    let driver = format!("{} echo --connect {{url}} --agent us", env!("CARGO_BIN_EXE_wsspec"));
    let args = ["1.*", "2.*", "5.*", "6.2.*", "9.1.1", "12.1.1", "13.3.1", "13.6.1", "--exec", &driver];
    let done = serve(folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(verdicts(folder.path()).iter().all(|(_, verdict)| verdict == "pass"), "{done:#?}");
}

#[test]
fn the_endpoint_ran_all_cases_in_the_process_of_each() {
    let folder = TempDir::new().unwrap();
    let command = format!("{} echo --connect {{url}}", env!("CARGO_BIN_EXE_wsspec"));
    // 18.1.10 has several connections.
    let cases = ["1.1.1", "2.*", "5.1", "18.1.10", "--agent", "mine"];
    let done = serve(folder.path(), &[&cases[..], &["--exec-case", &command]].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    let verdicts = verdicts(folder.path());
    assert_eq!(verdicts.len(), 1 + 11 + 1 + 1, "each once, by one agent: {verdicts:?}");
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "pass"), "{verdicts:?}");
    assert!(!done.out.contains("wsspec-endpoint/"), "{done:#?}");
    assert!(done.out.contains(" 14/14 "), "the last counts are told: {done:#?}");
}

#[test]
fn a_client_whose_case_there_is_not_says_so() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    let done = wsspec(folder.path(), &["echo", "--connect", &tester.url("/runCase?case=2&agent=a")]);
    assert!(done.code == 3 && done.err.contains("error[E07]"), "{done:#?}");
    let done = wsspec(folder.path(), &["echo", "--connect", &tester.url("/runCase?case=1&agent=a")]);
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn an_address_in_the_script_of_a_shell_is_one_word() {
    let folder = TempDir::new().unwrap();
    let client = client();
    for script in
        [client.clone(), client.replace("{url}", "\\\"{url}\\\""), client.replace("{url}", "$WSSPEC_URL")]
    {
        let done = serve(folder.path(), &["1.1.1", "2.1", "--exec-case", &format!("sh -c \"{script}\"")]);
        assert_eq!(done.code, 0, "{script}: {done:#?}");
    }
}

#[test]
fn a_driver_that_asks_for_nothing_says_why_in_its_last_words() {
    let folder = TempDir::new().unwrap();
    let done = serve(folder.path(), &["1.1.*", "--exec", "sh -c 'echo no such host; exit 3' {url}"]);
    done.expect_error(4, "E22");
    assert!(done.err.contains("the driver ended with exit status 3 and had asked for no case"), "{done:#?}");
    assert!(done.err.contains("output   | no such host"), "{done:#?}");
    assert!(done.took < std::time::Duration::from_secs(20), "{done:#?}");
}

#[test]
fn processes_that_ask_for_nothing_were_a_run_cut_short() {
    let folder = TempDir::new().unwrap();
    let done = serve(folder.path(), &["1.1.*", "--exec-case", "sh -c 'echo no such host; exit 3' {url}"]);
    done.expect_error(4, "E22");
    assert!(done.err.contains("error[E22]: no process has connected"), "{done:#?}");
    let got = "got      8 processes; with 1.1.1, the client ended with exit status 3 and did\n";
    assert!(done.err.contains(got) && done.err.contains("output   | no such host"), "{done:#?}");
    assert!(!done.out.contains("STRICT") && !done.out.contains("INCOMPLETE"), "{done:#?}");
    let record = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(record.lines().last().unwrap().contains("\"exit\":4"), "{record}");
}

#[test]
fn ctrl_c_before_any_process_had_connected_was_taken_for_no_client() {
    let folder = TempDir::new().unwrap();
    let command = "sh -c 'if [ $WSSPEC_CASE = 1.1.1 ]; then exit 3; fi; sleep 60' {url}";
    let mut tester = Tester::serve(folder.path(), &["1.1.*", "-j", "1", "--exec-case", command]);
    tester.wait_for_part("1.1.1");
    let done = tester.interrupt();
    assert_eq!(done.code, 130, "{done:#?}");
    assert!(!done.err.contains("E22") && done.out.contains("exit 130 (interrupted)"), "{done:#?}");
    let record = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(record.lines().last().unwrap().contains("\"exit\":130"), "{record}");
}

#[test]
fn a_file_that_could_not_be_written_was_forgotten_where_no_client_came() {
    let folder = TempDir::new().unwrap();
    let driver = "sh -c 'rm -r made; touch made'";
    let done = serve(folder.path(), &["1.1.1", "--junit", "made/x.xml", "--exec", driver]);
    assert_eq!(done.code, 6, "{done:#?}");
    assert!(done.err.contains("error[E21]") && done.err.contains("error[E22]"), "{done:#?}");
    assert!(done.err.ends_with("exit 6 (incomplete)\n"), "{done:#?}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_driver_left_behind_was_told_without_its_word_and_not_recorded() {
    let folder = TempDir::new().unwrap();
    let client = format!("{} -m testeeclient -w {{url}}", env!("CARGO_BIN_EXE_wstest"));
    let driver = format!("sh -c 'setsid sleep 30 & exec {client}'");
    let args = ["1.1.1", "--exec", &driver];
    let done = serve(folder.path(), &args);
    assert_eq!(done.code, 0, "{done:#?}");
    let leak = done.err.lines().find_map(|line| line.strip_prefix("LEAK: sleep (process ")).unwrap();
    let (process, what) = leak.split_once(')').unwrap();
    assert_eq!(what, " was left behind");
    let record = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    let end: Value = serde_json::from_str(record.lines().last().unwrap()).unwrap();
    assert_eq!(end["leaks"][0], format!("sleep (process {process}) was left behind"));
    let quiet = serve(folder.path(), &[&args[..], &["-q"]].concat());
    assert!(quiet.code == 0 && !quiet.err.contains("LEAK"), "-q asks for one line: {quiet:#?}");
}

/// The lines that name what was left behind, as they are told and as the record has them.
fn leaks(folder: &Path, done: &Done) -> (Vec<String>, Vec<String>) {
    let notes = done.notes();
    let told = notes.lines().filter_map(|line| line.strip_prefix("LEAK: "));
    let record = std::fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    let end: Value = serde_json::from_str(record.lines().last().unwrap()).unwrap();
    let recorded = end["leaks"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned());
    (told.map(str::to_owned).collect(), recorded.collect())
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_process_of_a_case_left_behind_was_not_named() {
    let folder = TempDir::new().unwrap();
    let client = format!("{} -m echoclient -w $0", env!("CARGO_BIN_EXE_wstest"));
    let command = format!("sh -c 'sleep 61 & exec {client}' {{url}}");
    let done = serve(folder.path(), &["1.1.*", "2.1", "2.2", "-j", "4", "--exec-case", &command]);
    assert_eq!(done.code, 0, "{done:#?}");
    let (told, recorded) = leaks(folder.path(), &done);
    assert_eq!(told, recorded, "{done:#?}");
    assert_eq!(told.len(), 8 + 1, "not a line for each of ten cases: {done:#?}");
    assert_eq!(told[8], "2 more did not end as they should");
    for line in &told[..8] {
        let (case, what) = line.split_once(": sleep (process ").unwrap();
        assert!(case.starts_with("1.1.") || case.starts_with("2."), "{line}");
        let (process, what) = what.split_once(") ").unwrap();
        assert_eq!(what, "was left behind");
        assert!(!is_running(process), "it is ended, too: {line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn processes_of_cases_that_ran_at_ctrl_c_were_killed_and_not_named() {
    let folder = TempDir::new().unwrap();
    let deaf = "sh -c 'if [ $WSSPEC_CASE = 1.1.1 ]; then exit 3; fi; trap \"\" TERM; echo waits; \
                while :; do sleep 1; done' {url}";
    let tester = Tester::serve(folder.path(), &["1.1.*", "-j", "2", "--exec-case", deaf]);
    let log = folder.path().join("wsspec-out/agent.log");
    while std::fs::read_to_string(&log).unwrap_or_default().matches(" waits").count() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let done = tester.interrupt();
    assert_eq!(done.code, 130, "{done:#?}");
    let (told, recorded) = leaks(folder.path(), &done);
    assert_eq!(told, recorded, "{done:#?}");
    for case in ["1.1.2: sh (process ", "1.1.3: sh (process "] {
        let is_it = |line: &&String| {
            line.starts_with(case) && line.ends_with(" did not end within 2.00 s of SIGTERM; it was killed")
        };
        assert_eq!(told.iter().filter(is_it).count(), 1, "{done:#?}");
    }
}

/// `serve` that drives clients which fall silent in the middle of their cases: so many of them are there.
fn silence(folder: &Path, exec: &str, command: &str, clients: usize) -> Tester {
    let args = ["1.1.1", "1.1.2", "1.1.3", "-j", "2", "--timeout-scale", "20", exec, command];
    let tester = Tester::serve(folder, &args);
    let log = folder.join("wsspec-out/agent.log");
    while std::fs::read_to_string(&log).unwrap_or_default().matches(" silent\n").count() < clients {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    tester
}

#[track_caller]
fn nothing_was_judged(folder: &Path, done: &Done) {
    assert!(done.out.contains("\n0 run in ") && done.out.contains(" 3 not run "), "{done:#?}");
    let record = std::fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap_or_default();
    assert!(!record.contains("\"t\":\"case\""), "{record}");
}

#[test]
fn clients_that_were_ended_in_the_middle_of_a_case_failed_it() {
    let driver = silent("/runCase?case=1&agent=z");
    for (exec, command, clients) in [("--exec-case", silent(""), 2), ("--exec", driver, 1)] {
        for (stop, code) in [("ctrl-c", 130), ("term", 143), ("stop", 6)] {
            let folder = TempDir::new().unwrap();
            let tester = silence(folder.path(), exec, &command, clients);
            let done = match stop {
                "ctrl-c" => tester.interrupt(),
                "term" => tester.terminate(),
                _ => {
                    closed(tester.port, "/stopServer");
                    tester.end()
                }
            };
            assert_eq!(done.code, code, "{exec} {stop}: {done:#?}");
            nothing_was_judged(folder.path(), &done);
        }
    }
}

#[test]
fn a_note_on_the_process_of_each_case_was_told() {
    let folder = TempDir::new().unwrap();
    let script = format!("{} -m echoclient -w $0; kill -9 $$", env!("CARGO_BIN_EXE_wstest"));
    let command = format!("sh -c '{script}' {{url}}");
    let done = serve(folder.path(), &["1.1.*", "2.1", "2.2", "-j", "4", "--exec-case", &command]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(done.err.matches("ended with signal 9").count(), 8, "{done:#?}");
    assert!(done.err.contains("note: further notes on processes are counted\n"), "{done:#?}");
    assert!(done.err.contains("note: 10 notes in all on processes\n"), "{done:#?}");
}

#[test]
fn a_process_that_could_not_connect_to_a_server_that_ends_is_no_error() {
    let folder = TempDir::new().unwrap();
    let late = "if [ $WSSPEC_CASE = 1.1.2 ]; then echo is silent; sleep 1; exit 3; fi";
    let command = format!("sh -c \"{late}; exec {}\"", silent(""));
    let done = silence(folder.path(), "--exec-case", &command, 2).interrupt();
    assert_eq!(done.code, 130, "{done:#?}");
    nothing_was_judged(folder.path(), &done);
}

#[test]
fn notes_of_serve_were_wider_than_the_terminal() {
    let client = format!("{} -m echoclient -w", env!("CARGO_BIN_EXE_wstest"));
    let lasting = format!("sh -c '{client} $0; sleep 9' {{url}}");
    let half = format!("{client} {{url}}/runCase?case=1&agent=half");
    let lasts = "note: the client of 1.1.1 did not end within 2s and was stopped, after its case";
    let left = "note: the driver ended with exit status 0; what is finished is kept";
    for (exec, client, cases, note) in
        [("--exec-case", lasting, "1.1.1", lasts), ("--exec", half, "1.1.*", left)]
    {
        let folder = TempDir::new().unwrap();
        let port = free_port().to_string();
        let mut serve = command(folder.path(), &["serve", "--port", &port, cases, exec, &client]);
        serve.env("COLUMNS", "60");
        let done = finish(serve);
        assert!(done.notes().contains(note), "{done:#?}");
        assert!(done.err.lines().all(|line| line.chars().count() <= 60), "{done:#?}");
    }
}

#[test]
fn a_client_that_ignores_the_signal_after_its_case_was_not_named() {
    let folder = TempDir::new().unwrap();
    let client = format!("{} -m echoclient -w $0", env!("CARGO_BIN_EXE_wstest"));
    let command = format!("sh -c 'trap \"\" TERM; {client}; sleep 61; sleep 61' {{url}}");
    let done = serve(folder.path(), &["1.1.1", "--exec-case", &command]);
    assert_eq!(done.code, 0, "its case was fine: {done:#?}");
    assert!(done.err.contains("note: the client of 1.1.1 did not end within 2s"), "{done:#?}");
    let (told, recorded) = leaks(folder.path(), &done);
    assert_eq!(told, recorded);
    assert!(told[0].starts_with("1.1.1: sh (process "), "{told:?}");
    assert!(told[0].ends_with("did not end within 2.00 s of SIGTERM; it was killed"), "{told:?}");
}
