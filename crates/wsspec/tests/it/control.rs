//! The control addresses of `wsspec serve`, and what it does with clients that misbehave.

use std::collections::BTreeMap;
use std::time::Duration;

use tempfile::TempDir;
use wsspec_wire::Opcode;

use crate::program::wsspec;
use crate::tester::{Tester, free_port};
use crate::visitor::{Visitor, closed, control, get};

/// Index and content of `index.json`.
fn index(folder: &TempDir) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.path().join("wsspec-out/index.json")).unwrap()).unwrap()
}

#[test]
fn a_client_can_be_led_through_its_cases_by_number_and_by_id() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "2.1", "3.2", "--once"]);
    let port = tester.port;
    assert_eq!(control(port, "/getCaseCount"), "3");
    let info: serde_json::Value = serde_json::from_str(&control(port, "/getCaseInfo?case=2")).unwrap();
    assert_eq!(info["id"], "2.1");
    assert!(info["description"].as_str().unwrap().len() > 10);
    Visitor::ask(port, "/runCase?case=1&agent=my%20lib%2F1").echo();
    Visitor::ask(port, "/runCase?casetuple=2.1&agent=my%20lib%2F1").echo();
    let status = control(port, "/getCaseStatus?case=1&agent=my%20lib%2F1");
    assert_eq!(status, r#"{"behavior":"OK"}"#);
    // This client does not look at reserved bits: case 3.2 fails.
    Visitor::ask(port, "/runCase?case=3&agent=my%20lib%2F1").echo();
    closed(port, "/updateReports?agent=my%20lib%2F1");
    let index = index(&folder);
    assert_eq!(index["my lib/1"]["2.1"]["behavior"], "OK");
    assert_eq!(index["my lib/1"]["3.2"]["behavior"], "FAILED");
    assert_eq!(index["my lib/1"]["1.1.1"]["reportfile"], "my_lib_1_case_1_1_1.json");
    let done = tester.end();
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(done.out.contains("3/3") && done.out.contains("exit 1 (failed)"), "{done:#?}");
}

#[test]
fn a_status_is_waited_for_and_agents_do_not_disturb_each_other() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "1.1.2", "2.1"]);
    let port = tester.port;
    let waiting = std::thread::spawn(move || control(port, "/getCaseStatus?casetuple=2.1&agent=b"));
    std::thread::sleep(Duration::from_millis(100));
    assert!(!waiting.is_finished(), "there is no result yet");
    let clients: Vec<_> = ["a", "b"]
        .into_iter()
        .flat_map(|agent| (1..=3).map(move |case| (agent, case)))
        .map(|(agent, case)| {
            std::thread::spawn(move || {
                Visitor::ask(port, &format!("/runCase?case={case}&agent={agent}")).echo()
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert_eq!(waiting.join().unwrap(), r#"{"behavior":"OK"}"#);
    closed(port, "/updateReports?agent=a");
    let index = index(&folder);
    for agent in ["a", "b"] {
        assert_eq!(index[agent].as_object().unwrap().len(), 3, "{index}");
    }
}

/// Drivers end when they are connected there, and the next line of a script reads the reports.
#[test]
fn the_handshake_for_reports_was_answered_before_they_were_written() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.*"]);
    let cases: u32 = control(tester.port, "/getCaseCount").parse().unwrap();
    for case in 1..=cases {
        Visitor::ask(tester.port, &format!("/runCase?case={case}&agent=a")).echo();
    }
    let visitor = Visitor::ask(tester.port, "/updateReports?agent=a");
    let there = index(&folder)["a"].as_object().unwrap().len();
    assert_eq!((visitor.status(), there), (101, 16));
}

#[test]
fn reports_were_written_and_the_server_stopped_for_a_request_that_was_refused() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    let without_key = "GET /updateReports?agent=a&shutdownOnComplete=true HTTP/1.1\r\nHost: localhost\r\n\
                       Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert_eq!(Visitor::send(tester.port, without_key.as_bytes()).status(), 400);
    assert_eq!(control(tester.port, "/getCaseCount"), "1", "the server is still there");
    assert!(!tester.terminate().out.contains("Reports are already in"));

    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    closed(tester.port, "/updateReports?agent=a&shutdownOnComplete=true");
    let done = tester.end();
    assert!(done.code == 4 && done.out.contains("Reports are already in"), "{done:#?}");
}

#[test]
fn wrong_requests_are_answered_and_told() {
    let folder = TempDir::new().unwrap();
    let mut tester = Tester::serve(folder.path(), &["1.1.1"]);
    let port = tester.port;
    for resource in
        ["/runCase?case=2&agent=a", "/runCase?case=1", "/runCase?casetuple=9.9.9&agent=a", "/getCaseInfo"]
    {
        let visitor = Visitor::ask(port, resource);
        assert_eq!(visitor.status(), 400, "{resource}");
        assert!(visitor.body().starts_with("wsspec: "), "{resource}");
    }
    let line = tester.wait_for_part("refused");
    assert!(
        line.contains("refused 127.0.0.1: /runCase needs ?case=N&agent=NAME, N from 1 to 1; got case=2"),
        "{line}"
    );
    // Heads without an end, octets that are no HTTP, nothing at all: none of it stops the server.
    assert_eq!(Visitor::send(port, &[b'x'; 20_000]).status(), 431);
    assert_eq!(Visitor::send(port, &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0]).status(), 400);
    drop(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
    assert_eq!(control(port, "/getCaseCount"), "1");
}

#[test]
fn requests_that_are_refused_were_told_one_by_one_without_end() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["-E", "id(1.1.1) or id(1.1.2)"]);
    assert_eq!(control(tester.port, "/getCaseCount"), "2", "what the filter leaves");
    for _ in 0..30 {
        assert_eq!(Visitor::ask(tester.port, "/runCase?case=9&agent=a").status(), 400);
    }
    let done = tester.terminate();
    assert_eq!(done.out.matches("refused 127.0.0.1").count(), 8, "{done:#?}");
    assert!(done.out.contains("30 requests were refused"), "{done:#?}");
    assert!(done.out.lines().any(|line| line.starts_with("0 run in ") && !line.contains(':')), "{done:#?}");
}

#[test]
fn a_client_at_the_printed_address_waited_without_end() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    for (resource, why) in [
        ("/", "/ is no address here: /getCaseCount first"),
        ("/nosuch", "/nosuch is no address here: /getCaseCount first"),
        ("/getCaseStatus?case=1&agent=x", "1.1.1 was not run by x: /runCase?case=1&agent="),
    ] {
        let mut visitor = Visitor::ask(tester.port, resource);
        assert_eq!(visitor.status(), 101);
        let (opcode, payload) = visitor.frame().unwrap();
        assert_eq!((opcode, &payload[..2]), (Opcode::CLOSE, &1008_u16.to_be_bytes()[..]), "{resource}");
        assert!(String::from_utf8_lossy(&payload[2..]).starts_with(why), "{resource}: {payload:?}");
    }
    let done = tester.terminate();
    assert!(done.out.contains("refused 127.0.0.1: /nosuch is no address here"), "{done:#?}");
    assert!(done.out.contains("refused 127.0.0.1: 1.1.1 was not run by x"), "{done:#?}");
}

#[test]
fn commands_are_taken_where_their_subprotocol_was_asked_for() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    let mut visitor = Visitor::ask_with(tester.port, "/", "Sec-WebSocket-Protocol: wst.cmd\r\n");
    assert!(visitor.head.contains("Sec-WebSocket-Protocol: wst.cmd"), "{}", visitor.head);
    visitor.tell(Opcode::TEXT, br#"["echo", {"payload": "ab"}]"#);
    assert_eq!(visitor.frame(), Some((Opcode::TEXT, b"ab".to_vec())));
}

#[test]
fn the_server_is_stopped_by_drivers_and_not_by_pages() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "1.1.2"]);
    let port = tester.port;
    let page = Visitor::ask_with(port, "/stopServer", "Origin: http://evil.example\r\n");
    assert_eq!(page.status(), 403);
    let resource = "/updateReports?agent=a&shutdownOnComplete=true";
    let page = Visitor::ask_with(port, resource, "Origin: http://evil.example\r\n");
    assert_eq!(page.status(), 403);
    Visitor::ask(port, "/runCase?case=1&agent=a").echo();
    closed(port, "/stopServer");
    let done = tester.end();
    assert_eq!(done.code, 6, "a case was not run: {done:#?}");
    assert_eq!(index(&folder)["a"]["1.1.1"]["behavior"], "OK");
}

#[test]
fn the_page_is_for_browsers_and_plain_text_for_curl() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "2.1"]);
    let port = tester.port;
    let (head, text) = get(port, "/", "Accept: */*\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("text/plain"), "{head}");
    assert!(text.lines().count() <= 8 && text.contains("/runCase?case=N&agent=NAME"), "{text}");
    let (head, html) = get(port, "/", "Accept: text/html\r\n");
    assert!(head.contains("default-src 'none'") && head.contains("frame-ancestors 'none'"), "{head}");
    assert!(head.contains("nosniff") && !head.contains("unsafe-inline"), "{head}");
    assert!(html.starts_with("<!doctype html>"), "{html}");
    for path in ["/page.js", "/page.css", "/api/cases", "/api/results"] {
        let (head, _) = get(port, path, "");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}");
        for header in ["no-referrer", "Opener-Policy: same-origin", "no-store", "frame-ancestors 'none'"] {
            assert!(head.contains(header), "{path}: {header}: {head}");
        }
    }
    let (_, cases) = get(port, "/api/cases", "");
    let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
    assert_eq!(cases["cases"].as_array().unwrap().len(), 2);
    for path in ["/reports/../fuzzingserver.json", "/etc/passwd", "/cwd/x", "/reports/agent.log", "/nothing"]
    {
        assert!(get(port, path, "").0.starts_with("HTTP/1.1 404 "), "{path}");
    }
    let rebound = Visitor::send(port, b"GET / HTTP/1.1\r\nHost: evil.example:9001\r\n\r\n");
    assert_eq!(rebound.status(), 421);
}

#[test]
fn verdicts_come_as_events_and_reports_can_be_fetched() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1"]);
    let port = tester.port;
    let mut events = Visitor::send(port, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    events.wait_for(b": hello\n\n");
    let events = std::thread::spawn(move || events.body());
    Visitor::ask(port, "/runCase?case=1&agent=%3Cscript%3Ealert(1)%3C%2Fscript%3E%0a%0adata:%20x").echo();
    closed(port, "/updateReports?agent=x");
    let (head, json) = get(port, "/reports/index.json", "");
    assert!(head.contains("application/json") && json.contains("\"1.1.1\""), "{head}{json}");
    let (head, html) = get(port, "/report", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(!html.contains("<script>alert(1)"), "the name of the agent is escaped");
    closed(port, "/stopServer");
    let events = events.join().unwrap();
    let verdict = events.lines().skip_while(|line| *line != "event: verdict").nth(1).unwrap();
    let verdict: serde_json::Value = serde_json::from_str(verdict.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((verdict["case"].as_str(), verdict["verdict"].as_str()), (Some("1.1.1"), Some("pass")));
}

#[test]
fn pages_were_not_told_what_the_baseline_knows() {
    let folder = TempDir::new().unwrap();
    let entry = "[[expect]]\ncases = [\"1.1.1\", \"3.2\"]\nverdict = \"fail\"\nreason = \"known\"\n";
    std::fs::write(folder.path().join("b.toml"), format!("schema = 1\n{entry}")).unwrap();
    let cases = ["1.1.1", "2.1", "3.2", "3.3"];
    let tester = Tester::serve(folder.path(), &[&cases[..], &["--baseline", "b.toml"]].concat());
    let port = tester.port;
    let mut events = Visitor::send(port, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    events.wait_for(b": hello\n\n");
    let events = std::thread::spawn(move || events.body());
    // This client does not look at reserved bits.
    for case in 1..=4 {
        Visitor::ask(port, &format!("/runCase?case={case}&agent=a")).echo();
        control(port, &format!("/getCaseStatus?case={case}&agent=a"));
    }
    let (_, results) = get(port, "/api/results", "");
    closed(port, "/stopServer");
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let outcomes = ["fixed", "expected", "known", "unexpected"];
    for (case, outcome) in cases.iter().zip(outcomes) {
        assert_eq!(results["agents"][0]["outcomes"][case], outcome, "{case}: {results}");
    }
    assert_eq!(results["agents"][0]["verdicts"]["3.2"], "fail", "the verdict stays what it is");
    let events = events.join().unwrap();
    let verdicts = events.split("event: verdict\ndata: ").skip(1).map(|event| event.lines().next().unwrap());
    let verdicts = verdicts.map(|data| serde_json::from_str::<serde_json::Value>(data).unwrap());
    let told: Vec<String> = verdicts.map(|verdict| verdict["outcome"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, outcomes, "{events}");
}

#[test]
fn no_client_and_a_client_that_stops_half_way_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let port = free_port().to_string();
    let nobody = wsspec(folder.path(), &["serve", "--port", &port, "--once", "--idle-timeout", "300ms"]);
    assert_eq!(nobody.code, 4, "{nobody:#?}");
    assert!(nobody.err.contains("error[E22]") && nobody.err.contains("--bind 0.0.0.0"), "{nobody:#?}");

    let tester = Tester::serve(folder.path(), &["1.1.1", "1.1.2", "--once", "--idle-timeout", "500ms"]);
    Visitor::ask(tester.port, "/runCase?case=1&agent=a").echo();
    let done = tester.end();
    assert_eq!(done.code, 6, "{done:#?}");
    assert!(done.err.contains("unfinished: a"), "{done:#?}");
    let results = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    assert!(results.contains("\"not_run\":[{\"agent\":\"a\",\"cases\":[\"1.1.2\"]}]"), "{results}");
}

/// Some of 21.5 are judged by what is seen in all others.
#[test]
fn passive_cases_were_written_twice_and_not_counted() {
    let folder = TempDir::new().unwrap();
    let args = ["1.1.1", "21.5.*", "--redact", "hush", "--agent", "hush"];
    let tester = Tester::serve(folder.path(), &args);
    let asked: usize = control(tester.port, "/getCaseCount").parse().unwrap();
    for case in 1..=asked {
        Visitor::ask(tester.port, &format!("/runCase?case={case}&agent=a")).echo();
        if case == 1 || case == asked {
            closed(tester.port, "/updateReports?agent=a");
        }
    }
    closed(tester.port, "/updateReports?agent=a&shutdownOnComplete=true");
    let done = tester.end();
    assert_eq!(done.code, 0, "{done:#?}");
    let results = std::fs::read_to_string(folder.path().join("wsspec-out/results.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut attempts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["t"] == "case") {
        let ids = attempts.entry(line["id"].to_string()).or_default();
        ids.push(line["attempt"].as_u64().unwrap_or(1));
    }
    let selected = attempts.len();
    let passive = attempts.values().filter(|attempts| **attempts == [1, 2]).count();
    assert_eq!(passive, selected - asked, "once after each part of the client's run: {attempts:#?}");
    assert!(passive > 0 && done.out.contains(&format!("waiting for clients, {selected} cases")), "{done:#?}");
    assert!(done.out.contains(&format!(" {selected}/{selected} ")), "{done:#?}");
    assert_eq!(lines[0]["selected"], selected);
    let argv = lines[0]["argv"].to_string();
    assert!(argv.contains("--agent") && !argv.contains("hush"), "secrets of the command line: {argv}");
}

#[test]
fn a_port_in_use_is_an_error_of_its_own() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    wsspec(folder.path(), &["serve", "--port", &port]).expect_error(3, "E16");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_server_and_keeps_what_is_finished() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "1.1.2"]);
    Visitor::ask(tester.port, "/runCase?case=2&agent=a").echo();
    let done = tester.terminate();
    assert_eq!(done.code, 143, "{done:#?}");
    assert_eq!(index(&folder)["a"]["1.1.2"]["behavior"], "OK");
}

/// Without a word of the client: verdict and file of a case are there when its connection is.
#[test]
fn the_files_of_a_case_are_there_after_the_case() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "2.1"]);
    for (case, id) in [(1, "1.1.1"), (2, "2.1")] {
        Visitor::ask(tester.port, &format!("/runCase?case={case}&agent=a")).echo();
        control(tester.port, &format!("/getCaseStatus?case={case}&agent=a"));
        let file = folder.path().join(format!("wsspec-out/a_case_{}.json", id.replace('.', "_")));
        wait_until(|| file.exists() && index_has(&folder, "a", id));
    }
    wait_until(|| folder.path().join("wsspec-out/report.html").exists());
}

/// The index may be missing, and is replaced as a whole.
fn index_has(folder: &TempDir, agent: &str, id: &str) -> bool {
    let octets = std::fs::read(folder.path().join("wsspec-out/index.json")).unwrap_or_default();
    let index: serde_json::Value = serde_json::from_slice(&octets).unwrap_or_default();
    index[agent][id]["behavior"] == "OK"
}

#[track_caller]
fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within 30 s");
}

#[test]
fn many_agents_run_their_cases_at_once() {
    const AGENTS: usize = 24;
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "1.2.1", "2.1", "--once"]);
    let port = tester.port;
    let clients: Vec<_> = (0..AGENTS)
        .map(|agent| {
            std::thread::spawn(move || {
                for case in 1..=3 {
                    Visitor::ask(port, &format!("/runCase?case={case}&agent=agent{agent}")).echo();
                }
                closed(port, &format!("/updateReports?agent=agent{agent}"));
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    let done = tester.end();
    assert_eq!(done.code, 0, "{done:#?}");
    let index = index(&folder);
    assert_eq!(index.as_object().unwrap().len(), AGENTS);
    for (agent, cases) in index.as_object().unwrap() {
        assert!(cases.as_object().unwrap().values().all(|case| case["behavior"] == "OK"), "{agent}");
        assert_eq!(cases.as_object().unwrap().len(), 3, "{agent}");
    }
}

#[test]
fn two_clients_of_one_name_at_once_are_told() {
    let folder = TempDir::new().unwrap();
    let tester = Tester::serve(folder.path(), &["1.1.1", "1.1.2", "--once"]);
    let first = Visitor::ask(tester.port, "/runCase?case=1&agent=a");
    Visitor::ask(tester.port, "/runCase?case=1&agent=a").echo();
    first.echo();
    Visitor::ask(tester.port, "/runCase?case=2&agent=a").echo();
    let done = tester.end();
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(done.err.matches("a runs 1.1.1 twice at once:").count(), 1, "{done:#?}");
}
