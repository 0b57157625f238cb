//! What led users astray: advice that was none, facts that were not so, and results that nobody could find again.

use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::command;
use crate::program::wsspec;
use crate::secure::{echo, files};
use crate::tester::{Tester, free_port};
use crate::wording::{fact, said};

const ECHO: &str = concat!(env!("CARGO_BIN_EXE_wsspec"), " echo 127.0.0.1:{port}");

#[test]
fn a_server_that_does_not_end_tcp_was_never_ready() {
    let server = format!("{ECHO} --defect close-unanswered-tcp-open");
    let folder = tempdir().unwrap();
    let args = ["run", "7.1.1", "--no-confirm", "--ready-timeout", "10s", "--exec", &server];
    let done = wsspec(folder.path(), &args);
    assert!(done.code == 1 && done.out.contains("FAIL 7.1.1"), "{done:#?}");
}

#[test]
fn the_cases_of_a_run_were_nowhere_after_one_of_them_had_been_repeated() {
    let folder = tempdir().unwrap();
    let server = format!("{ECHO} --defect orphan-as-text");
    let run = |cases: &[&str]| {
        wsspec(folder.path(), &[&["run", "--no-confirm", "--exec", &server], cases].concat())
    };
    assert_eq!(run(&["5.9", "1.1.1", "2.1"]).code, 1);
    assert_eq!(run(&["5.9"]).code, 1);
    let lost = wsspec(folder.path(), &["show", "2.1"]);
    assert_eq!(fact(&said(&lost, 4, "E29"), "try"), "wsspec show 2.1 --from wsspec-out/results.1.jsonl");
    let found = wsspec(folder.path(), &["show", "2.1", "--from", "wsspec-out/results.1.jsonl"]);
    assert!(found.code == 0 && found.out.contains("2.1"), "{found:#?}");
    let created = wsspec(folder.path(), &["baseline", "create", "--reason", "x"]);
    let words: Vec<&str> = created.err.split_whitespace().collect();
    let note = "the last run has 1 result, the one before 3: --from wsspec-out/results.1.jsonl";
    assert!(created.code == 0 && words.join(" ").contains(note), "{created:#?}");
}

#[test]
fn the_backend_was_proposed_as_the_server_and_was_green() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let backend = format!("127.0.0.1:{}", port + 1);
    let proxy = format!("ws://127.0.0.1:{port}");
    let run = |url: &str| wsspec(folder.path(), &["run", url, "--backend", &backend, "5.9"]);
    let absent = run(&proxy);
    absent.expect_error(3, "E01");
    assert!(!absent.err.contains("does speak WebSocket"), "{absent:#?}");
    run(&format!("ws://{backend}")).expect_error(2, "E27");
}

#[test]
fn another_server_of_the_run_was_proposed_in_the_place_of_one_that_is_gone() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let _server = Peer::at(port, |_| Manner::Echo);
    let urls = [port, port + 1].map(|port| format!("ws://127.0.0.1:{port}"));
    let done = wsspec(folder.path(), &["run", &urls[0], &urls[1], "1.1.1"]);
    done.expect_error(3, "E01");
    assert!(!done.err.contains("does speak WebSocket"), "{done:#?}");
}

#[test]
fn results_of_which_most_is_missing_were_compared_and_green() {
    let folder = tempdir().unwrap();
    let server = Peer::always(Manner::Echo);
    for out in ["one", "two"] {
        let args = ["run", &server.url(), "1.1.1", "6.4.1", "6.4.2", "-j", "1", "--order", "id"];
        let cut = wsspec(folder.path(), &[&args[..], &["--time-budget", "200ms", "-o", out]].concat());
        assert_eq!(cut.code, 6, "{cut:#?}");
    }
    let done = wsspec(folder.path(), &["diff", "one", "two"]);
    assert!(done.code == 6 && done.out.contains("no regression"), "{done:#?}");
}

#[test]
fn a_budget_that_cost_no_case_was_told_with_none_of_them() {
    let folder = tempdir().unwrap();
    let server = Peer::always(Manner::Echo);
    let done = wsspec(folder.path(), &["run", &server.url(), "6.4.1", "--time-budget", "300ms"]);
    assert!(done.code == 0 && !done.err.contains("0 cases"), "{done:#?}");
    assert!(done.err.contains("the time budget is used up, and no case was left"), "{done:#?}");
}

#[test]
fn the_command_that_repeats_a_case_lost_the_name() {
    let folder = tempdir().unwrap();
    let server = Peer::always(Manner::Defective(&["orphan-as-text"]));
    let done = wsspec(folder.path(), &["run", &server.url(), "5.9", "--no-confirm", "--agent", "mine"]);
    let again =
        done.out.lines().find(|line| line.trim_start().starts_with("again    wsspec run ws://")).unwrap();
    assert!(again.contains(" --agent mine"), "{done:#?}");
}

#[test]
fn another_name_was_advised_for_a_certificate_that_is_only_not_trusted() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let server = command(folder.path(), &["echo", "--tls", &address]);
    let _server = Tester::start(server, port, "listening on wss://");
    let done = wsspec(folder.path(), &["run", &format!("wss://{address}"), "1.1.1"]);
    done.expect_error(3, "E11");
    assert!(done.err.contains("--cacert cert.pem") && !done.err.contains("--sni"), "{done:#?}");
    let files = files();
    let (_server, url) = echo(&files);
    let other = wsspec(files.folder.path(), &["run", &url, "1.1.1"]);
    assert!(other.err.contains("--sni a.test") == other.err.contains("does not match"), "{other:#?}");
}

#[test]
fn a_variable_that_is_not_there_was_answered_with_other_headers() {
    let folder = tempdir().unwrap();
    let args = ["run", "ws://127.0.0.1:1", "1.1.1", "-H", "Authorization: Bearer env:NOPE"];
    let told = said(&wsspec(folder.path(), &args), 2, "E18");
    assert!(fact(&told, "try").starts_with("export NOPE=VALUE"), "{told:#?}");
}

#[test]
fn the_note_about_deflate_left_out_the_cases_that_watch() {
    let folder = tempdir().unwrap();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let server = command(folder.path(), &["echo", &address, "--no-deflate"]);
    let _server = Tester::start(server, port, "listening on ws://");
    let done = wsspec(folder.path(), &["run", &format!("ws://{address}"), "21.5.*", "21.1.1"]);
    assert!(done.out.contains("6 n/a") && done.err.contains("6 cases are n/a"), "{done:#?}");
}

#[test]
fn the_reason_of_a_close_that_came_for_the_echo_was_dropped() {
    let folder = tempdir().unwrap();
    let server = Peer::always(Manner::Upgrade(b"\x88\x14\x03\xf0origin not allowed", Then::Silence));
    let told = said(&wsspec(folder.path(), &["run", &server.url(), "1.1.1"]), 3, "E12");
    assert!(fact(&told, "got").starts_with("Close 1008 \"origin not allowed\""), "{told:#?}");
}

#[test]
fn a_key_that_is_no_option_of_a_target_was_said_to_be_one() {
    let folder = tempdir().unwrap();
    let target = "schema = 1\n[[target]]\nurl = \"ws://127.0.0.1:1\"\nbaseline = \"x.toml\"\n";
    std::fs::write(folder.path().join("wsspec.toml"), target).unwrap();
    let told = said(&wsspec(folder.path(), &["run"]), 2, "E18");
    assert!(fact(&told, "known").starts_with("url, headers"), "{told:#?}");
}

#[test]
fn the_command_that_repeats_a_case_of_a_client_lost_where_and_how_was_listened() {
    let files = files();
    let (cert, key) = (files.cert.to_str().unwrap(), files.key.to_str().unwrap());
    let client = concat!(env!("CARGO_BIN_EXE_wsspec"), " echo --connect {url} -k --defect orphan-as-text");
    let port = free_port().to_string();
    let how = ["--port", &port, "--cert", cert, "--key", key, "--timeout-scale", "3"];
    let args = [&["serve", "--once", "5.9", "--exec-case", client], &how[..]].concat();
    let done = wsspec(files.folder.path(), &args);
    let again = done.out.lines().find(|line| line.trim_start().starts_with("again    wsspec serve")).unwrap();
    for pair in how.chunks(2) {
        assert!(again.contains(&pair.join(" ")), "{pair:?}: {done:#?}");
    }
}

#[test]
fn a_second_case_of_repro_was_taken_for_an_address() {
    let done = wsspec(tempdir().unwrap().path(), &["repro", "5.15", "5.16"]);
    done.expect_error(2, "E27");
    assert!(done.out.is_empty() && done.err.contains("5.16 is a case"), "{done:#?}");
}

#[test]
fn words_that_a_run_prints_were_unknown_to_explain() {
    let words =
        ["known", "fixed", "expected", "unexpected", "strict", "conformant", "not conformant", "incomplete"];
    let done = wsspec(tempdir().unwrap().path(), &[&["explain"], &words[..]].concat());
    assert!(done.code == 0 && done.err.is_empty(), "{done:#?}");
}
