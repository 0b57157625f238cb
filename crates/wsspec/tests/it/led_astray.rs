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
    run(&format!("ws://localhost:{}", port + 1)).expect_error(2, "E27");
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
    for more in
        [&["-H", "Authorization: Bearer env:NOPE"][..], &["--exec", "x", "--exec-env", "TOKEN=env:NOPE"]]
    {
        let args = [&["run", "ws://127.0.0.1:1", "1.1.1"], more].concat();
        let told = said(&wsspec(folder.path(), &args), 2, "E18");
        assert!(fact(&told, "try").starts_with("export NOPE=SECRET"), "{told:#?}");
    }
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
fn words_that_a_run_prints_were_unknown_to_explain() {
    let words =
        ["known", "fixed", "expected", "unexpected", "strict", "conformant", "not conformant", "incomplete"];
    let done = wsspec(tempdir().unwrap().path(), &[&["explain"], &words[..]].concat());
    assert!(done.code == 0 && done.err.is_empty(), "{done:#?}");
}

/// A server of a few lines of Python, of the standard library alone.
const SCRIPT: &str = r#"
import base64, hashlib, os, socket, struct, sys
how, port = sys.argv[1], int(sys.argv[2])
listener = socket.create_server(("127.0.0.1", port))
print("listening", flush=True)
def message(stream):
    head = stream.recv(2)
    length = head[1] & 127
    if length == 126: length = struct.unpack(">H", stream.recv(2))[0]
    mask, body = stream.recv(4), b""
    while len(body) < length: body += stream.recv(length - len(body))
    return head[0], bytes(octet ^ mask[n % 4] for n, octet in enumerate(body))
while True:
    stream = listener.accept()[0]
    request = b""
    while not request.endswith(b"\r\n\r\n"): request += stream.recv(1)
    path = request.split()[1]
    if how == "panic": print("panic: index out of range", flush=True); os._exit(9)
    if how == "404" and path != b"/ws":
        stream.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"); stream.close(); continue
    key = [line.split()[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")][0]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    try:
        while True:
            first, body = message(stream)
            if how == "noisy" and not body: print("a line of an earlier case", flush=True)
            if first & 15 == 0: os._exit(7)
            stream.sendall(bytes([first, len(body)]) + body)
            if first & 15 == 8: break
    except (OSError, IndexError, struct.error): pass
    stream.close()
"#;

/// Runs cases against the script.
fn scripted(how: &str, more: &[&str]) -> Option<crate::program::Done> {
    let python = wsspec_testkit::program(&["python3"])?;
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("server.py"), SCRIPT).unwrap();
    let server = format!("{} server.py {how} {{port}}", python.display());
    let args = [&["run", "--no-confirm", "--exec", &server], more].concat();
    Some(wsspec(folder.path(), &args))
}

#[test]
fn a_server_with_another_path_was_waited_for_to_the_end() {
    let Some(done) = scripted("404", &["1.1.1"]) else { return };
    done.expect_error(3, "E04");
    assert!(done.err.contains("/ws answered 101 just now"), "{done:#?}");
}

#[test]
fn a_server_that_died_at_the_first_look_was_said_to_want_tls() {
    let Some(done) = scripted("panic", &["1.1.1", "--ready", "log:listening"]) else { return };
    done.expect_error(3, "E19");
    assert!(
        done.err.contains("exit status 9") && done.err.contains("panic: index out of range"),
        "{done:#?}"
    );
}

#[test]
fn lines_of_an_earlier_case_were_the_last_words_of_a_crash() {
    let more = ["1.1.1", "5.3", "5.4", "-j", "1", "--order", "id"];
    let Some(done) = scripted("noisy", &more) else { return };
    assert!(done.code == 1 && done.out.contains("cause 1 of 1"), "{done:#?}");
    assert!(!done.out.contains("a line of an earlier case"), "{done:#?}");
}

#[test]
fn a_port_in_a_variable_stayed_a_placeholder() {
    let folder = tempdir().unwrap();
    let server = format!("sh -c '{} echo 127.0.0.1:$PORT'", env!("CARGO_BIN_EXE_wsspec"));
    let args = ["run", "1.1.1", "--exec", &server, "--exec-env", "PORT={port}"];
    let done = wsspec(folder.path(), &args);
    assert!(done.code == 0 && done.out.contains("1 ok"), "{done:#?}");
}

#[test]
fn what_no_shell_reads_was_not_told() {
    let folder = tempdir().unwrap();
    let run = |server: &str| wsspec(folder.path(), &["run", "1.1.1", "--exec", server]);
    let echo = env!("CARGO_BIN_EXE_wsspec");
    let as_variable = said(&run(&format!("PORT={{port}} {echo} echo")), 3, "E31");
    assert!(fact(&as_variable, "try").starts_with("env before it: env 'PORT={port}' "), "{as_variable:#?}");
    let unread = run(&format!("{echo} echo 127.0.0.1:$WSSPEC_PORT"));
    assert!(unread.code == 3 && unread.err.contains("note     no shell reads the command"), "{unread:#?}");
    let misspelt = run(&format!("{echo} echo 127.0.0.1:{{prot}}"));
    assert!(misspelt.err.contains("note     {prot} is none of {port}"), "{misspelt:#?}");
}

#[test]
fn lists_of_names_were_text_whatever_was_asked_for() {
    let folder = tempdir().unwrap();
    let list = |more: &[&str]| wsspec(folder.path(), &[&["list"], more].concat()).out;
    for what in ["--sets", "--sections", "--tags", "--clauses", "--defects", "--quirks"] {
        let entries: Vec<serde_json::Value> =
            serde_json::from_str(&list(&[what, "--format", "json"])).unwrap();
        let ids = list(&[what, "--format", "ids"]);
        let key = if matches!(what, "--defects" | "--quirks") { "id" } else { "name" };
        let named: Vec<&str> = entries.iter().map(|entry| entry[key].as_str().unwrap()).collect();
        assert!(named.len() > 2 && ids.lines().collect::<Vec<_>>() == named, "{what}: {ids}");
    }
}
