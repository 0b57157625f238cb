//! The `options` of spec files reach the tester: each shows in the files of a case.

use serde_json::{Value, json};
use tempfile::TempDir;
use wsspec_wire::Opcode;

use crate::peer::{Manner, Peer};
use crate::program::finish;
use crate::tester::{Tester, wstest};
use crate::visitor::{Visitor, closed};

/// The file of a case that a client played against `fuzzingserver` with these options.
fn served(options: &Value, case: &str, play: impl FnOnce(Visitor)) -> Value {
    let folder = TempDir::new().unwrap();
    let spec = json!({ "url": "URL", "outdir": "out", "cases": [case], "options": options });
    let tester = Tester::fuzzing_server(folder.path(), &spec.to_string());
    play(Visitor::ask(tester.port, "/runCase?case=1&agent=a"));
    closed(tester.port, "/updateReports?agent=a");
    file(&folder, case)
}

/// The same of a server that `fuzzingclient` tested.
fn tested(options: &Value, case: &str, manner: Manner) -> Value {
    let folder = TempDir::new().unwrap();
    let server = Peer::always(manner);
    let spec = json!({ "outdir": "out", "cases": [case], "options": options,
        "servers": [{ "agent": "a", "url": server.url() }] });
    std::fs::write(folder.path().join("fuzzingclient.json"), spec.to_string()).unwrap();
    let done = finish(wstest(folder.path(), &["-m", "fuzzingclient"]));
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(!done.err.contains("has no effect"), "{done:#?}");
    file(&folder, case)
}

fn file(folder: &TempDir, case: &str) -> Value {
    let path = folder.path().join(format!("out/a_case_{}.json", case.replace('.', "_")));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Opcode, payload length and masking key of the frames that the tester sent.
fn sent(file: &Value) -> Vec<(u64, u64, bool)> {
    let log = file["wirelog"].as_array().unwrap().iter();
    let frames = log.filter(|entry| entry[0] == "TF");
    frames.map(|e| (e[2].as_u64().unwrap(), e[1][0].as_u64().unwrap(), !e[5].is_null())).collect()
}

#[test]
fn messages_are_fragmented_to_auto_fragment_size() {
    let options = json!({ "autoFragmentSize": 10 });
    // This client does not put fragments together; what counts is what it got.
    let file = served(&options, "6.2.1", Visitor::echo);
    assert_eq!(sent(&file)[..3], [(1, 10, false), (0, 10, false), (0, 9, false)]);
    let file = tested(&options, "6.2.1", Manner::Echo);
    assert_eq!(file["behavior"], "OK");
    assert_eq!(sent(&file)[..3], [(1, 10, true), (0, 10, true), (0, 9, true)]);
    // What the case writes frame by frame stays as it is.
    assert_eq!(sent(&tested(&options, "1.1.2", Manner::Echo))[0], (1, 125, true));
}

#[test]
fn masking_is_as_the_options_say() {
    let masked = served(&json!({ "maskServerFrames": true }), "1.1.1", Visitor::echo);
    assert!(sent(&masked).iter().all(|(_, _, masked)| *masked), "{masked}");
    let bare = tested(&json!({ "maskClientFrames": false }), "1.1.1", Manner::Echo);
    assert_eq!(sent(&bare)[0], (1, 0, false));
    assert_eq!(bare["behavior"], "FAILED", "a server has to refuse that");
}

#[test]
fn times_and_closing_are_as_the_options_say() {
    // A client that never answers the Close frame.
    let silent = |mut visitor: Visitor| {
        let (_, payload) = visitor.frame().unwrap();
        visitor.tell(Opcode::TEXT, &payload);
        visitor.rest();
    };
    let file = served(&json!({ "closeHandshakeTimeout": 0.2 }), "1.1.1", silent);
    assert_eq!(file["wasCloseHandshakeTimeout"], true);
    assert!(file["duration"].as_u64().unwrap() < 900, "{}", file["duration"]);

    let closing = |mut visitor: Visitor| {
        visitor.tell(Opcode::CLOSE, b"\x0b\xb8bye");
        visitor.rest();
    };
    let file = served(&json!({ "echoCloseCodeReason": true }), "1.1.1", closing);
    assert_eq!((&file["localCloseCode"], &file["localCloseReason"]), (&json!(3000), &json!("bye")));
    let file = served(&json!({}), "1.1.1", closing);
    assert_eq!((&file["localCloseCode"], &file["localCloseReason"]), (&json!(1000), &Value::Null));

    let breaking = |mut visitor: Visitor| {
        visitor.tell(Opcode::new(3), b"");
        visitor.rest();
    };
    let file = served(&json!({ "failByDrop": true }), "1.1.1", breaking);
    assert_eq!((&file["localCloseCode"], &file["droppedByMe"]), (&Value::Null, &json!(true)));
    let file = served(&json!({}), "1.1.1", breaking);
    assert_eq!(file["localCloseCode"], 1002);
}

/// What `fuzzingserver` with these options answers.
fn asked(options: &Value, asks: impl FnOnce(u16)) {
    let folder = TempDir::new().unwrap();
    let spec = json!({ "url": "URL", "outdir": "out", "cases": ["1.1.1"], "options": options });
    asks(Tester::fuzzing_server(folder.path(), &spec.to_string()).port);
}

#[test]
fn connections_are_taken_as_the_options_say() {
    let from = |port, origin| {
        let header = format!("Origin: {origin}\r\n");
        Visitor::ask_with(port, "/getCaseCount", &header).status()
    };
    asked(&json!({ "allowedOrigins": ["http://a.test:*"] }), |port| {
        assert_eq!((from(port, "http://a.test"), from(port, "http://b.test")), (101, 403));
        assert_eq!(Visitor::ask(port, "/getCaseCount").status(), 101, "no page");
    });
    asked(&json!({ "maxConnections": 1 }), |port| {
        let first = Visitor::ask(port, "/runCase?case=1&agent=a");
        assert_eq!((first.status(), Visitor::ask(port, "/getCaseCount").status()), (101, 503));
    });
    let page = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    asked(&json!({ "webStatus": false }), |port| assert_eq!(Visitor::send(port, page).status(), 426));
    asked(&json!({}), |port| assert_eq!(Visitor::send(port, page).status(), 200));
}

#[test]
fn limits_of_size_are_as_the_options_say() {
    let file = served(&json!({ "maxMessagePayloadSize": 100 }), "1.1.2", Visitor::echo);
    assert_eq!((&file["behavior"], &file["localCloseCode"]), (&json!("FAILED"), &json!(1009)));
    let file = served(&json!({ "maxMessagePayloadSize": 125, "tcpNoDelay": false }), "1.1.2", Visitor::echo);
    assert_eq!(file["behavior"], "OK");
}
