//! The modes of `wstest` that test nothing, and testees against testers.

use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use wsspec_wire::Opcode;

use crate::peer::{Manner, Peer};
use crate::program::{finish, wait};
use crate::tester::{Tester, free_port, wstest};
use crate::visitor::{Visitor, get};

const SPEC: &str =
    r#"{"url": "URL", "outdir": "out", "cases": ["1.*", "2.*", "5.*", "6.4.*", "7.*", "12.1.1", "13.3.1"]}"#;

#[test]
fn the_testee_client_runs_all_cases_and_passes_them() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::fuzzing_server(folder.path(), SPEC);
    let done =
        finish(wstest(folder.path(), &["-m", "testeeclient", "-w", &tester.url(""), "-i", "My Agent/1"]));
    assert_eq!(done.code, 0, "{done:#?}");
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(lines[0], "Getting case count ..");
    assert!(lines[1].starts_with("Ok, will run ") && lines[1].ends_with(" cases"), "{done:#?}");
    assert!(
        lines[2].starts_with("Running test case 1/")
            && lines[2].contains("as user agent My Agent/1 on peer tcp4:")
    );
    let index: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/index.json")).unwrap()).unwrap();
    for (id, entry) in index["My Agent/1"].as_object().unwrap() {
        let fine = ["OK", "INFORMATIONAL"];
        assert!(fine.contains(&entry["behavior"].as_str().unwrap()), "{id} {entry}");
        assert!(fine.contains(&entry["behaviorClose"].as_str().unwrap()), "{id} {entry}");
    }
}

#[test]
fn testee_and_echo_servers_echo() {
    let folder = TempDir::new().unwrap();
    for mode in ["testeeserver", "echoserver"] {
        let (port, page) = (free_port(), free_port());
        let uri = format!("ws://127.0.0.1:{port}");
        let command = wstest(folder.path(), &["-m", mode, "-w", &uri, "-u", &page.to_string()]);
        let _server = Tester::start(command, port, "listening on");
        let mut visitor = Visitor::ask(port, "/");
        visitor.tell(Opcode::BINARY, &[0, 255]);
        assert_eq!(visitor.frame(), Some((Opcode::BINARY, vec![0, 255])));
        if mode == "echoserver" {
            let (head, html) = get(page, "/", "");
            assert!(head.starts_with("HTTP/1.1 200 ") && html.contains("<html"), "{head}");
        } else {
            assert!(std::net::TcpStream::connect(("127.0.0.1", page)).is_err());
        }
    }
}

#[test]
fn the_echo_client_sends_back_what_the_server_sends() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::fuzzing_server(folder.path(), SPEC);
    let uri = tester.url("/runCase?case=1&agent=echo");
    let done = finish(wstest(folder.path(), &["-m", "echoclient", "-w", &uri]));
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(
        crate::visitor::control(tester.port, "/getCaseStatus?case=1&agent=echo"),
        r#"{"behavior":"OK"}"#
    );
}

#[test]
fn a_broadcast_reaches_all_clients() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let uri = format!("ws://127.0.0.1:{port}");
    let server = wstest(folder.path(), &["-m", "broadcastserver", "-w", &uri, "-u", "0"]);
    let _server = Tester::start(server, port, "listening on");
    let mut one = Tester::start(
        wstest(folder.path(), &["-m", "broadcastclient", "-w", &uri, "-i", "one"]),
        0,
        "received:  ",
    );
    let mut two = Tester::start(
        wstest(folder.path(), &["-m", "broadcastclient", "-w", &uri, "-i", "two"]),
        0,
        "received:  ",
    );
    for client in [&mut one, &mut two] {
        client.wait_for("received:  hello from one");
        client.wait_for("received:  hello from two");
        client.wait_for("received:  tick ");
    }
}

#[test]
fn many_connections_are_opened_at_the_pace_of_the_spec() {
    let folder = TempDir::new().unwrap();
    let server = Peer::always(Manner::Echo);
    let spec = serde_json::json!({
        "options": { "connections": 60, "batchsize": 20, "batchdelay": 5, "retrydelay": 5 },
        "servers": [
            { "name": "first", "uri": server.url(), "desc": "one" },
            { "name": "second", "uri": server.url(), "desc": "the reference never came so far" },
        ],
    });
    std::fs::write(folder.path().join("massconnect.json"), spec.to_string()).unwrap();
    let done = finish(wstest(folder.path(), &["-m", "massconnect"]));
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(done.out.matches("60 open in ").count(), 2, "{done:#?}");

    let nobody = spec.to_string().replace(&server.url(), &format!("ws://127.0.0.1:{}", free_port()));
    std::fs::write(folder.path().join("massconnect.json"), nobody).unwrap();
    let done = finish(wstest(folder.path(), &["-m", "massconnect"]));
    assert_eq!(done.code, 6, "{done:#?}");
    assert!(done.err.contains("0 of 60 connections: connection refused"), "{done:#?}");
}

#[test]
fn test_vectors_go_to_stdout_or_into_a_file() {
    let folder = TempDir::new().unwrap();
    let printed = finish(wstest(folder.path(), &["-m", "serializer"]));
    let list: Vec<Value> = serde_json::from_str(&printed.out).unwrap();
    assert!(list.iter().any(|item| item["name"] == "INVOCATION"), "{printed:#?}");
    let done = finish(wstest(folder.path(), &["-m", "serializer", "-o", "vectors.json"]));
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("vectors.json")).unwrap().trim(),
        printed.out.trim()
    );
}

#[test]
fn modes_that_need_an_address_say_so() {
    let folder = TempDir::new().unwrap();
    for mode in
        ["testeeserver", "testeeclient", "echoserver", "echoclient", "broadcastserver", "broadcastclient"]
    {
        let done = finish(wstest(folder.path(), &["-m", mode]));
        assert!(done.code == 1 && done.err.contains("error[E27]"), "{done:#?}");
    }
    let uri = format!("ws://127.0.0.1:{}", free_port());
    finish(wstest(folder.path(), &["-m", "testeeclient", "-w", &uri])).expect_error(3, "E01");
}

#[test]
fn wsspec_wstest_is_the_same_program() {
    let folder = TempDir::new().unwrap();
    let mut command = crate::program::command(folder.path(), &["wstest", "--mode=serializer"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let done = wait(command.spawn().unwrap(), Instant::now());
    assert!(done.code == 0 && done.out.contains("HELLO") && done.took < Duration::from_secs(30), "{done:#?}");
}
