//! What scripts for the reference suite depend on, line by line: command line, spec files, addresses, files, stdout.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use wsspec_wire::Opcode;

use crate::peer::{Manner, Peer};
use crate::program::{Done, finish};
use crate::tester::{Tester, free_port, wstest};
use crate::visitor::{Visitor, closed, control, get};

fn run(folder: &TempDir, args: &[&str]) -> Done {
    finish(wstest(folder.path(), args))
}

/// Writes `fuzzingclient.json` for one server and these cases.
fn client_spec(folder: &TempDir, server: &Value, cases: &[&str]) {
    let spec = json!({ "outdir": "./reports/servers", "servers": [server], "cases": cases,
        "exclude-cases": [""], "exclude-agent-cases": {} });
    std::fs::write(folder.path().join("fuzzingclient.json"), spec.to_string()).unwrap();
}

fn echo() -> Peer {
    Peer::start(|_| Manner::Echo)
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref())
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn json_of(folder: &TempDir, path: &str) -> Value {
    serde_json::from_str(&read(folder.path().join(path))).unwrap()
}

// Command line.

#[test]
fn long_options_with_and_without_equals_sign_and_a_spec_relative_to_the_folder() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    client_spec(&folder, &json!({ "agent": "A", "url": format!("ws://{}", server.address) }), &["1.1.1"]);
    std::fs::rename(folder.path().join("fuzzingclient.json"), folder.path().join("my.json")).unwrap();
    for args in
        [&["--mode", "fuzzingclient", "--spec", "my.json"][..], &["--mode=fuzzingclient", "--spec=my.json"]]
    {
        let done = run(&folder, args);
        assert_eq!(done.code, 0, "{done:#?}");
        assert_eq!(json_of(&folder, "reports/servers/index.json")["A"]["1.1.1"]["behavior"], "OK");
    }
}

#[test]
fn without_a_spec_the_file_of_the_mode_is_used_and_written_if_absent() {
    let folder = TempDir::new().unwrap();
    // The default spec tests port 9001, where nobody listens as far as this test can know; all that counts is the file.
    let done = run(&folder, &["-m", "massconnect", "-s", "absent.json"]);
    assert_ne!(done.code, 0, "a spec that was named has to exist");
    assert!(!folder.path().join("absent.json").exists());
    let server = echo();
    client_spec(&folder, &json!({ "agent": "A", "url": format!("ws://{}", server.address) }), &["1.1.1"]);
    assert_eq!(run(&folder, &["-m", "fuzzingclient"]).code, 0, "./fuzzingclient.json is used");

    let empty = TempDir::new().unwrap();
    let mut command = wstest(empty.path(), &["-m", "fuzzingserver", "-u", "0"]);
    // An address that cannot be bound ends the server at once, after the spec was written.
    command.env("WSSPEC_BIND", "203.0.113.1");
    let done = finish(command);
    assert_ne!(done.code, 0, "{done:#?}");
    assert!(done.out.contains("Auto-generating spec file 'fuzzingserver.json'"), "{done:#?}");
    let written = json_of(&empty, "fuzzingserver.json");
    assert_eq!((&written["url"], &written["cases"]), (&json!("ws://127.0.0.1:9001"), &json!(["*"])));
}

#[test]
fn without_servers_the_address_of_w_is_tested_and_the_agent_names_itself() {
    let folder = TempDir::new().unwrap();
    let nameless = echo();
    let spec = json!({ "outdir": "out", "servers": [], "cases": ["1.1.1"] });
    std::fs::write(folder.path().join("fuzzingclient.json"), spec.to_string()).unwrap();
    let url = format!("ws://{}", nameless.address);
    assert_eq!(run(&folder, &["--mode", "fuzzingclient", "-w", &url]).code, 0);
    assert_eq!(json_of(&folder, "out/index.json")["UnknownServer"]["1.1.1"]["behavior"], "OK");
}

#[test]
fn a_server_that_has_no_name_in_the_spec_is_called_by_its_server_header() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    // Any server with that header does; this one takes commands, and echoes nothing.
    let named = Tester::fuzzing_server(other.path(), SPEC);
    let spec = json!({ "outdir": "out", "servers": [], "cases": ["7.1.1"] });
    std::fs::write(folder.path().join("fuzzingclient.json"), spec.to_string()).unwrap();
    assert_eq!(run(&folder, &["--mode=fuzzingclient", "-w", &named.url("/")]).code, 0);
    let index = json_of(&folder, "out/index.json");
    let agent = format!("wsspec/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(index.as_object().unwrap().keys().collect::<Vec<_>>(), [&agent]);
}

#[test]
fn every_option_of_the_reference_is_taken() {
    let folder = TempDir::new().unwrap();
    let short =
        ["-m", "serializer", "-d", "-i", "x", "-k", "k", "-c", "c", "-u", "0", "-t", "y", "-w", "ws://h"];
    let long =
        ["--mode=serializer", "--debug", "--ident=x", "--key=k", "--cert=c", "--webport=0", "--wsuri=ws://h"];
    let written =
        ["--mode", "serializer", "--outfile", "o.json", "--ident", "x", "--webport", "0", "-s", "none.json"];
    for args in [&short[..], &long, &written] {
        let done = run(&folder, args);
        assert_eq!(done.code, 0, "{args:?} {done:#?}");
    }
    assert!(folder.path().join("o.json").exists());
    for args in [&["--help"][..], &["-a"], &["--autobahnversion"]] {
        assert_eq!(run(&folder, args).code, 0, "{args:?}");
    }
}

#[test]
fn a_usage_error_is_explained_and_has_the_status_1() {
    let folder = TempDir::new().unwrap();
    for args in [&[][..], &["-m", "nonsense"], &["-m"], &["--nonsense"]] {
        let done = run(&folder, args);
        assert_eq!(done.code, 1, "{args:?} {done:#?}");
        assert!(!done.err.is_empty(), "{args:?}");
    }
    let modes = run(&folder, &["-m", "nonsense"]);
    for mode in ["fuzzingclient", "fuzzingserver", "testeeserver", "testeeclient", "echoserver", "echoclient"]
    {
        assert!(modes.err.contains(mode), "{modes:#?}");
    }
    let version = run(&folder, &["-a"]);
    assert_eq!(version.code, 0);
    assert!(version.out.contains("wsspec "), "{version:#?}");
}

#[test]
fn a_finished_run_ends_with_0_whatever_the_verdicts_unless_asked_otherwise() {
    let folder = TempDir::new().unwrap();
    // A server that never answers: the case fails.
    let server = Peer::start(|_| Manner::Upgrade(b"", crate::peer::Then::Close));
    client_spec(&folder, &json!({ "agent": "A", "url": format!("ws://{}", server.address) }), &["1.1.2"]);
    let done = run(&folder, &["-m", "fuzzingclient"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(json_of(&folder, "reports/servers/index.json")["A"]["1.1.2"]["behavior"], "FAILED");
    assert_eq!(run(&folder, &["-m", "fuzzingclient", "--strict-exit"]).code, 1);
    let mut command = wstest(folder.path(), &["-m", "fuzzingclient"]);
    command.env("WSSPEC_STRICT_EXIT", "1");
    assert_eq!(finish(command).code, 1);
}

#[test]
fn a_dead_server_is_never_green() {
    let folder = TempDir::new().unwrap();
    let url = format!("ws://127.0.0.1:{}", free_port());
    client_spec(&folder, &json!({ "agent": "A", "url": url }), &["1.1.*"]);
    let done = run(&folder, &["-m", "fuzzingclient"]);
    assert_eq!(done.code, 3, "{done:#?}");
    assert!(done.out.contains(&format!("Connection to {url} failed (")), "{done:#?}");
    assert!(done.err.contains("8 cases not run for A"), "{done:#?}");
    assert_eq!(read(folder.path().join("reports/servers/index.json")).trim(), "{}");
    let mut command = wstest(folder.path(), &["-m", "fuzzingclient"]);
    command.env("WSSPEC_WSTEST_BUGCOMPAT", "1");
    assert_eq!(finish(command).code, 0, "as the reference, for those who insist");

    let dying = Peer::start(|n| if n < 3 { Manner::Echo } else { Manner::Leave });
    client_spec(&folder, &json!({ "agent": "A", "url": format!("ws://{}", dying.address) }), &["1.1.*"]);
    let done = run(&folder, &["-m", "fuzzingclient"]);
    assert_eq!(done.code, 6, "{done:#?}");
    assert!(done.err.contains("cases not run for A"), "{done:#?}");
}

#[test]
fn a_server_that_listened_a_moment_after_its_script_had_begun_was_dead() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    client_spec(&folder, &json!({ "agent": "A", "url": format!("ws://127.0.0.1:{port}") }), &["1.1.1"]);
    let late = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(1800));
        Peer::at(port, |_| Manner::Echo)
    });
    let done = run(&folder, &["-m", "fuzzingclient"]);
    drop(late.join().unwrap());
    assert_eq!(done.code, 0, "{done:#?}");
}

// Spec files.

#[test]
fn a_spec_that_cannot_be_read_says_where() {
    let folder = TempDir::new().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("fuzzingclient.json"), text).unwrap();
    write("{\n   \"servers\": [],\n   \"cases\": [\"1.1.*\",]\n}");
    let done = run(&folder, &["-m", "fuzzingclient"]);
    assert_eq!(done.code, 2, "{done:#?}");
    assert!(
        done.err.contains("(line 3, column 21)") && done.err.contains("a comma before \"]\""),
        "{done:#?}"
    );
    write("{\"servers\": [], \"casez\": [\"*\"]}");
    let done = run(&folder, &["-m", "fuzzingclient"]);
    assert!(done.code == 2 && done.err.contains("did you mean \"cases\"?"), "{done:#?}");
    write("{\"servers\": [{\"url\": \"ws://127.0.0.1:1\"}], \"cases\": [\"99.*\"]}");
    let done = run(&folder, &["-m", "fuzzingclient"]);
    assert!(done.code == 2 && done.err.contains("error[E17]") && done.took.as_secs() < 5, "{done:#?}");
}

#[test]
fn unknown_keys_unknown_exclusions_and_old_options_do_no_harm() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    let spec = json!({
        "enable-ssl": false, "webport": 8080, "outdir": "deep/er/out",
        "options": { "failByDrop": false, "version": 18, "allowHixie76": true },
        "servers": [{ "agent": "A/1 | x", "url": format!("ws://{}", server.address), "options": { "version": 18 } }],
        "cases": ["1.1.1", "1.1.1", "8.*", "2.1"], "exclude-cases": ["", "11.*", "8.1", "1[1-4].*"],
        "exclude-agent-cases": { "A*": ["2.1"] },
    });
    std::fs::write(folder.path().join("fuzzingclient.json"), spec.to_string()).unwrap();
    let done = run(&folder, &["-m", "fuzzingclient"]);
    assert_eq!(done.code, 0, "{done:#?}");
    for key in ["enable-ssl", "webport", "allowHixie76"] {
        assert!(done.err.contains(key), "{key}: {done:#?}");
    }
    let index = json_of(&folder, "deep/er/out/index.json");
    assert_eq!(index["A/1 | x"].as_object().unwrap().keys().collect::<Vec<_>>(), ["1.1.1"], "{index}");
    assert!(
        done.out.contains("Skipping test case 2.1 for agent A/1 | x by test configuration!"),
        "{done:#?}"
    );
}

#[test]
fn two_servers_of_one_name_are_kept_apart() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    let entry = json!({ "agent": "A", "url": format!("ws://{}", server.address) });
    let spec = json!({ "outdir": "out", "servers": [entry, entry], "cases": ["1.1.1", "2.1"],
        "exclude-agent-cases": { "A": ["2.*"] } });
    std::fs::write(folder.path().join("fuzzingclient.json"), spec.to_string()).unwrap();
    let done = run(&folder, &["-m", "fuzzingclient", "-w", "ws://127.0.0.1:1"]);
    assert_eq!(done.code, 0);
    assert!(done.err.contains("two servers are called \"A\"; the later one is \"A (2)\""), "{done:#?}");
    assert!(done.err.contains("-w ws://127.0.0.1:1 has no effect"), "{done:#?}");
    let index = json_of(&folder, "out/index.json");
    assert_eq!(index.as_object().unwrap().keys().collect::<Vec<_>>(), ["A", "A (2)"]);
    let excluded = index["A (2)"].get("2.1").is_none() && index["A"].get("2.1").is_none();
    assert!(excluded, "exclusions go by the name in the spec: {index}");
}

#[test]
fn origin_and_subprotocols_of_the_spec_reach_the_server() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    let entry = json!({ "agent": "A", "url": format!("ws://{}/x?y", server.address), "origin": "http://o.example",
        "protocols": ["p1", "p2"] });
    client_spec(&folder, &entry, &["1.1.1"]);
    run(&folder, &["-m", "fuzzingclient"]);
    let case = json_of(&folder, "reports/servers/a_case_1_1_1.json");
    let request = case["httpRequest"].as_str().unwrap();
    assert!(request.starts_with("GET /x?y HTTP/1.1"), "{request}");
    assert!(request.contains("Origin: http://o.example"), "{request}");
    assert!(request.contains("Sec-WebSocket-Protocol: p1, p2"), "{request}");
}

// The fuzzing server.

#[test]
fn a_port_that_is_taken_is_an_error_and_earlier_results_stay() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let spec = SPEC.replace("URL", &format!("ws://127.0.0.1:{port}"));
    std::fs::write(folder.path().join("fuzzingserver.json"), spec).unwrap();
    std::fs::create_dir_all(folder.path().join("reports/clients")).unwrap();
    std::fs::write(folder.path().join("reports/clients/index.json"), "{}").unwrap();
    run(&folder, &["-m", "fuzzingserver", "-u", "0"]).expect_error(3, "E16");
    assert_eq!(read(folder.path().join("reports/clients/index.json")), "{}");
}

const SPEC: &str = r#"{"url": "URL", "outdir": "./reports/clients", "cases": ["1.1.1", "2.1", "2.10"],
    "exclude-cases": [], "exclude-agent-cases": {"skipper*": ["2.1"]}}"#;

#[test]
fn every_address_of_the_fuzzing_server_answers_as_the_reference_does() {
    let folder = TempDir::new().unwrap();
    let mut tester = Tester::fuzzing_server(folder.path(), SPEC);
    let port = tester.port;
    assert_eq!(control(port, "/getCaseCount"), "3");
    for resource in ["/getCaseInfo?case=3", "/getCaseInfo?casetuple=2.10&x=y"] {
        let info: Value = serde_json::from_str(&control(port, resource)).unwrap();
        let keys: BTreeSet<_> = info.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["description", "id"].map(str::to_owned).into());
        assert_eq!(info["id"], "2.10");
    }
    Visitor::ask(port, "/runCase?case=1&agent=a").echo();
    let line = tester.wait_for("Running test case ID 1.1.1 for agent a from peer tcp4:127.0.0.1:");
    assert!(line.ends_with('\n'));
    Visitor::ask(port, "/runCase?casetuple=2.1&agent=a").echo();
    assert_eq!(control(port, "/getCaseStatus?case=2&agent=a"), r#"{"behavior":"OK"}"#);
    closed(port, "/updateReports?agent=a");
    tester.wait_for("Updating reports, requested by peer tcp4:127.0.0.1:");
    tester.wait_for("Report generation complete.");
    let index = json_of(&folder, "reports/clients/index.json");
    assert_eq!(index["a"]["2.1"]["behavior"], "OK", "the reports are there when /updateReports closes");
    closed(port, "/updateReports?agent=a&shutdownOnComplete=true");
    assert_eq!(tester.end().code, 0);
}

#[test]
fn wrong_requests_get_status_500_so_that_loops_end() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::fuzzing_server(folder.path(), SPEC);
    let mut case = 1;
    while Visitor::ask(tester.port, &format!("/runCase?case={case}&agent=loop")).status() != 500 {
        case += 1;
        assert!(case < 10, "the loop does not end");
    }
    assert_eq!(case, 4);
    for resource in [
        "/runCase?case=0&agent=a",
        "/runCase?case=x&agent=a",
        "/runCase?case=1",
        "/getCaseStatus?case=1",
        "/runCase?casetuple=9.9.9&agent=a",
        "/getCaseInfo",
        "/updateReports",
    ] {
        assert_eq!(Visitor::ask(tester.port, resource).status(), 500, "{resource}");
    }
}

#[test]
fn plain_http_gets_status_200_and_a_page_whatever_the_host_header_says() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::fuzzing_server(folder.path(), SPEC);
    for (path, host, accept) in [
        ("/", "127.0.0.1:9001", "text/html"),
        ("/", "localhost:53701", "text/html"),
        ("/runCase?case=1", "fuzzing-server", "text/html"),
        ("/", "ci.example.com:9001", "*/*"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n\r\n");
        let visitor = Visitor::send(tester.port, request.as_bytes());
        assert_eq!(visitor.status(), 200, "{path} {host}");
        assert!(visitor.body().contains("<html"), "{path} {host}");
    }
    // The handshake of a client behind a mapped port: its Host names another one.
    assert_eq!(Visitor::ask(tester.port, "/getCaseCount").status(), 101);
}

#[test]
fn other_addresses_take_commands() {
    let folder = TempDir::new().unwrap();
    let mut tester = Tester::fuzzing_server(folder.path(), SPEC);
    let mut visitor = Visitor::ask(tester.port, "/");
    assert_eq!(visitor.status(), 101);
    visitor.tell(Opcode::TEXT, br#"["sendframe", {"opcode": 1, "payload": "hello"}]"#);
    assert_eq!(visitor.frame(), Some((Opcode::TEXT, b"hello".to_vec())));
    visitor.tell(
        Opcode::TEXT,
        br#"["sendframes", [{"opcode": 9, "payload": "x"}, {"opcode": 1, "payload": "y"}]]"#,
    );
    assert_eq!(visitor.frame(), Some((Opcode::PING, b"x".to_vec())));
    assert_eq!(visitor.frame(), Some((Opcode::TEXT, b"y".to_vec())));
    visitor.tell(Opcode::TEXT, br#"["echo", {"payload": "ab", "payload_len": 5}]"#);
    assert_eq!(visitor.frame(), Some((Opcode::TEXT, b"ababa".to_vec())));
    visitor.tell(Opcode::TEXT, br#"["close", {"code": 1000, "reason": "bye"}]"#);
    assert_eq!(visitor.frame(), Some((Opcode::CLOSE, [&1000_u16.to_be_bytes()[..], b"bye"].concat())));
    visitor.tell(Opcode::CLOSE, &1000_u16.to_be_bytes());
    visitor.rest();
    tester.wait_for("Entering direct command mode for peer tcp4:");
}

#[test]
fn results_of_all_agents_add_up_and_excluded_cases_are_absent() {
    let folder = TempDir::new().unwrap();
    let mut tester = Tester::fuzzing_server(folder.path(), SPEC);
    for agent in ["one", "skipper%2F1"] {
        for case in 1..=3 {
            Visitor::ask(tester.port, &format!("/runCase?case={case}&agent={agent}")).echo();
        }
        closed(tester.port, &format!("/updateReports?agent={agent}"));
    }
    tester.wait_for("Skipping test case 2.1 for agent skipper/1 by test configuration!");
    let index = json_of(&folder, "reports/clients/index.json");
    let ids = |agent: &str| index[agent].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids("one"), ["1.1.1", "2.1", "2.10"]);
    assert_eq!(ids("skipper/1"), ["1.1.1", "2.10"]);
    let (_, report) = get(tester.port, "/cwd/reports/clients/index.html", "");
    assert!(report.contains("skipper/1"), "reports are served where scripts look for them");
    #[cfg(unix)]
    assert_eq!(tester.terminate().code, 0, "ended as the reference ends");
}

#[test]
fn the_page_has_a_port_of_its_own_as_well() {
    let folder = TempDir::new().unwrap();
    let (port, page) = (free_port(), free_port());
    let spec = SPEC.replace("URL", &format!("ws://127.0.0.1:{port}"));
    std::fs::write(folder.path().join("fuzzingserver.json"), spec).unwrap();
    let command = wstest(folder.path(), &["-m", "fuzzingserver", "-u", &page.to_string()]);
    let _tester = Tester::start(command, port, "Ok, will run 3 test cases for any clients connecting");
    let (head, html) = get(page, "/", "Accept: text/html\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && html.contains("<html"), "{head}");
    for path in ["/test_browser.html", "/cwd/"] {
        let (head, _) = get(page, path, "Accept: text/html\r\n");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path} {head}");
    }
}

#[test]
fn a_fuzzing_server_that_ran_nothing_is_never_green() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::fuzzing_server(folder.path(), SPEC);
    Visitor::ask(tester.port, "/runCase?case=1&agent=half").echo();
    closed(tester.port, "/updateReports?agent=half&shutdownOnComplete=true");
    let half = tester.end();
    assert_eq!(half.code, 0, "a client runs what it likes: {half:#?}");
    assert!(half.err.contains("2 cases not run for half"), "{half:#?}");

    let tester = Tester::fuzzing_server(folder.path(), SPEC);
    closed(tester.port, "/updateReports?agent=nobody&shutdownOnComplete=true");
    let none = tester.end();
    assert!(none.code == 4 && none.err.contains("no client has run a case"), "{none:#?}");
    let results = read(folder.path().join("reports/clients/index.json"));
    assert!(!results.contains("half"), "results of an earlier server are not those of this one: {results}");
}

// Files.

#[test]
fn index_json_has_the_form_of_the_reference_to_the_character() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    client_spec(
        &folder,
        &json!({ "agent": "B c", "url": format!("ws://{}", server.address) }),
        &["2.10", "1.1.1"],
    );
    assert_eq!(run(&folder, &["-m", "fuzzingclient"]).code, 0);
    let text = read(folder.path().join("reports/servers/index.json"));
    let durations: Vec<i64> = serde_json::from_str::<Value>(&text).unwrap()["B c"]
        .as_object()
        .unwrap()
        .values()
        .map(|entry| entry["duration"].as_i64().expect("whole milliseconds"))
        .collect();
    assert!(durations.iter().all(|duration| (0..60_000).contains(duration)), "{text}");
    let plain: String = text
        .lines()
        .map(|line| if line.contains("\"duration\"") { "            \"duration\": 0," } else { line })
        .fold(String::new(), |all, line| all + line + "\n");
    insta::assert_snapshot!(plain, @r#"
    {
       "B c": {
          "1.1.1": {
             "behavior": "OK",
             "behaviorClose": "OK",
                "duration": 0,
             "remoteCloseCode": 1000,
             "reportfile": "b_c_case_1_1_1.json"
          },
          "2.10": {
             "behavior": "OK",
             "behaviorClose": "OK",
                "duration": 0,
             "remoteCloseCode": 1000,
             "reportfile": "b_c_case_2_10.json"
          }
       }
    }
    "#);
}

#[test]
fn the_file_of_a_case_has_every_key_of_the_reference() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    client_spec(
        &folder,
        &json!({ "agent": "My Lib/1.0", "url": format!("ws://{}", server.address) }),
        &["7.1.2"],
    );
    run(&folder, &["-m", "fuzzingclient"]);
    let case = json_of(&folder, "reports/servers/my_lib_1_0_case_7_1_2.json");
    let keys: Vec<&String> = case.as_object().unwrap().keys().collect();
    let expected = "agent behavior behaviorClose case closedByMe createStats createWirelog description droppedByMe \
        duration expectation expected expectedClose failedByMe httpRequest httpResponse id isServer localCloseCode \
        localCloseReason received remoteCloseCode remoteCloseReason reportCompressionRatio reportTime result \
        resultClose rxFrameStats rxOctetStats started trafficStats txFrameStats txOctetStats wasClean \
        wasCloseHandshakeTimeout wasNotCleanReason wasOpenHandshakeTimeout wasServerConnectionDropTimeout wirelog";
    assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!((&case["id"], &case["isServer"]), (&json!("7.1.2"), &json!(false)));
    assert!(folder.path().join("reports/servers/my_lib_1_0_case_7_1_2.html").exists());
}

#[test]
fn index_html_mentions_case_failed_twice_when_nothing_failed_and_has_a_head() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    client_spec(&folder, &json!({ "agent": "A", "url": format!("ws://{}", server.address) }), &["1.1.*"]);
    run(&folder, &["-m", "fuzzingclient"]);
    let html = read(folder.path().join("reports/servers/index.html"));
    assert_eq!(html.matches("case_failed").count(), 2);
    assert!(html.contains("<head>"), "{}", &html[..200.min(html.len())]);
}

/// Some scripts keep tables of these sentences.
#[test]
fn the_results_have_the_words_of_the_reference() {
    let folder = TempDir::new().unwrap();
    // A server that closes with 1001, whatever comes.
    let server = Peer::always(Manner::Upgrade(b"\x88\x02\x03\xe9", crate::peer::Then::Close));
    client_spec(
        &folder,
        &json!({ "agent": "A", "url": format!("ws://{}", server.address) }),
        &["3.3", "1.1.1"],
    );
    run(&folder, &["-m", "fuzzingclient"]);
    let file = |id: &str| json_of(&folder, &format!("reports/servers/a_case_{id}.json"));
    assert_eq!(file("3_3")["resultClose"], "The close code should have been 1002 or empty");
    assert_eq!(file("3_3")["behaviorClose"], "WRONG CODE");
}

#[test]
fn only_the_old_verdicts_are_written() {
    let folder = TempDir::new().unwrap();
    // Cases of every kind against a server that closes at once, and one that refuses.
    for manner in [Manner::Upgrade(b"", crate::peer::Then::Close), Manner::DropAtOnce] {
        let server = Peer::start(move |_| manner);
        let cases = ["1.1.1", "2.1", "7.1.6", "7.13.1", "9.1.1", "12.1.1"];
        client_spec(&folder, &json!({ "agent": "A", "url": format!("ws://{}", server.address) }), &cases);
        let done = run(&folder, &["-m", "fuzzingclient"]);
        assert_eq!(done.code, 0, "{done:#?}");
        let index = json_of(&folder, "reports/servers/index.json");
        let entries = index["A"].as_object().unwrap();
        assert_eq!(entries.len(), cases.len());
        for (id, entry) in entries {
            let behaviors = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"];
            let closes = ["OK", "INFORMATIONAL", "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT", "FAILED"];
            assert!(behaviors.contains(&entry["behavior"].as_str().unwrap()), "{id} {entry}");
            assert!(closes.contains(&entry["behaviorClose"].as_str().unwrap()), "{id} {entry}");
        }
    }
}

// Stdout.

#[test]
fn the_lines_that_scripts_look_for_are_printed_at_once() {
    let folder = TempDir::new().unwrap();
    let server = echo();
    client_spec(
        &folder,
        &json!({ "agent": "A", "url": format!("ws://{}", server.address) }),
        &["1.1.1", "2.1"],
    );
    let done = run(&folder, &["-m", "fuzzingclient"]);
    for line in [
        "Using implicit spec file 'fuzzingclient.json'".to_owned(),
        "Ok, will run 2 test cases against 1 servers".to_owned(),
        format!("Running test case ID 1.1.1 for agent A from peer tcp4:{}", server.address),
        format!("Running test case ID 2.1 for agent A from peer tcp4:{}", server.address),
    ] {
        assert!(done.out.lines().any(|printed| printed == line), "{line}: {done:#?}");
    }
    // Piped output is not held back: the tester is running while these lines are read.
    let server = Tester::fuzzing_server(folder.path(), SPEC);
    assert_eq!(Visitor::ask(server.port, "/").status(), 101);
    let port = server.port;
    #[cfg(unix)]
    {
        let out = server.terminate().out;
        let greeting = |line: &str| {
            line.starts_with("Autobahn WebSocket ")
                && line.ends_with(&format!("Fuzzing Server (Port {port})"))
        };
        assert!(out.lines().any(greeting), "{out}");
        assert!(out.contains("Ok, will run 3 test cases for any clients connecting"), "{out}");
    }
}
