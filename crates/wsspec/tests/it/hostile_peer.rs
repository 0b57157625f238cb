//! Peers that echo at first and then misbehave: verdicts, never a hang, never green.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::peer::{Manner, Peer, Then};
use crate::program::{Done, wsspec};

/// Connections that preflight opens.
pub(crate) const PREFLIGHT: usize = 2;

/// Defects with many causes of failure.
const MANY: &[&str] = &[
    "rsv1-accepted",
    "rsv2-accepted",
    "rsv3-accepted",
    "opcodes-as-text",
    "orphan-skipped",
    "length-125-refused",
    "close-codes-accepted",
    "close-code-1003-refused",
    "ping-answered-with-text",
    "ping-too-long-answered",
    "fragment-empty-refused",
    "utf8-noncharacters-refused",
    "interleaved-skipped",
];

/// Runs a few cases of which each meets this manner.
fn run(manner: Manner, args: &[&str]) -> (Done, Vec<Value>) {
    let folder = tempdir().unwrap();
    let peer = Peer::start(move |n| if n < PREFLIGHT { Manner::Echo } else { manner });
    let url = peer.url();
    let done = wsspec(folder.path(), &[&["run", &url], args].concat());
    (done, record(folder.path()))
}

pub(crate) fn record(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("wsspec-out/results.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn verdicts(record: &[Value]) -> Vec<&str> {
    record.iter().filter(|line| line["t"] == "case").map(|line| line["verdict"].as_str().unwrap()).collect()
}

#[test]
fn an_endless_frame_is_a_failure() {
    let claim = Manner::Upgrade(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Then::Silence);
    let (done, record) = run(claim, &["1.1.1", "1.2.1"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(
        verdicts(&record).iter().all(|verdict| *verdict == "fail" || *verdict == "timeout"),
        "{record:#?}"
    );
    assert_eq!(record.last().unwrap()["exit"], 1);
}

#[test]
fn a_flood_is_a_failure() {
    for octets in [&b"\x89\x00"[..], b"\x81\x05flood", b"\x01\x01x", b"\xff\xff\xff\xff"] {
        let (done, record) = run(Manner::Upgrade(octets, Then::Repeat), &["1.1.2", "2.1", "--no-confirm"]);
        assert_eq!(done.code, 1, "{done:#?}");
        assert!(!verdicts(&record).contains(&"pass"), "{record:#?}");
    }
}

/// Cases that a peer has to refuse, and two that it has to echo.
#[test]
fn no_flood_and_no_silence_makes_a_new_case_green() {
    let cases = ["15.1.1", "17.1.1", "17.1.4", "17.2.1", "--no-confirm"];
    let attacks: [(&[u8], Then); 4] = [
        (b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Then::Silence),
        (b"\x81\x05flood", Then::Repeat),
        (b"\xff\xff\xff\xff", Then::Repeat),
        (b"", Then::Silence),
    ];
    for (octets, then) in attacks {
        let (done, record) = run(Manner::Upgrade(octets, then), &cases);
        assert_eq!(done.code, 1, "{done:#?}");
        let verdicts = verdicts(&record);
        assert_eq!(verdicts.len(), 4, "{record:#?}");
        let red = |verdict: &&str| ["fail", "timeout"].contains(verdict);
        assert!(verdicts.iter().all(red), "{octets:?}: {verdicts:?}");
    }
}

#[test]
fn a_peer_that_drops_after_the_upgrade_fails() {
    let (done, record) = run(Manner::Upgrade(b"", Then::Close), &["1.1.2"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_eq!(verdicts(&record).last(), Some(&"fail"));
}

#[test]
fn a_server_that_refuses_in_the_middle_of_a_run_leaves_cases_that_could_not_be_run() {
    let refusals: [(&[u8], Then, &str); 3] = [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater", Then::Close, "the server answered 503 Busy"),
        (b"HTTP/1.1 429 Too Many Requests\r\n\r\n", Then::Close, "the server answered 429 Too Many Requests"),
        (b"", Then::Close, "the peer ended TCP during the opening handshake"),
    ];
    for (octets, then, why) in refusals {
        let (done, record) = run(Manner::Answer(octets, then), &["1.1.2", "1.1.3"]);
        assert_eq!(done.code, 6, "{done:#?}");
        let verdicts = verdicts(&record);
        assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == "error"), "{record:#?}");
        let case = record.iter().find(|line| line["t"] == "case").unwrap();
        assert_eq!(case["autobahn"]["behavior"], "FAILED", "what scripts of the reference suite read");
        let told = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("INCOMPLETE") && told.contains(why), "{done:#?}");
        assert!(!done.out.contains("NOT CONFORMANT") && !done.out.contains("MUST"), "{done:#?}");
        let told = [done.out.contains("+  HTTP/1.1 503 Busy"), done.out.contains("body \"later\"")];
        assert_eq!(told, [octets.contains(&b'5'); 2], "{done:#?}");
    }
}

#[test]
fn a_server_that_refuses_once_is_asked_again() {
    let folder = tempdir().unwrap();
    let refusal = Manner::Answer(b"HTTP/1.1 503 Busy\r\n\r\n", Then::Close);
    let peer = Peer::start(move |n| if n == PREFLIGHT { refusal } else { Manner::Echo });
    let done = wsspec(folder.path(), &["run", &peer.url(), "1.1.2"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(verdicts(&record(folder.path())), ["error", "pass"]);
}

#[test]
fn an_answer_that_is_no_lawful_upgrade_is_a_failure() {
    let wrong = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
    let (done, record) = run(Manner::Answer(wrong, Then::Close), &["1.1.2"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_eq!(verdicts(&record).last(), Some(&"fail"));
}

#[test]
fn a_peer_that_stalls_again_and_again_is_given_up() {
    let args = ["1.1.*", "--max-hangs", "2", "--open-timeout", "200ms"];
    let (done, record) = run(Manner::Answer(b"", Then::Silence), &args);
    done.expect_error(6, "E14");
    let end = record.last().unwrap();
    assert_eq!((&end["complete"], &end["exit"]), (&Value::from(false), &Value::from(6)));
    assert!(!end["not_run"][0]["cases"].as_array().unwrap().is_empty(), "{end:#?}");
}

#[test]
fn a_case_that_fails_once_and_passes_alone_is_flaky() {
    let folder = tempdir().unwrap();
    let peer = Peer::start(|n| match n {
        PREFLIGHT => Manner::Upgrade(b"", Then::Close),
        _ => Manner::Echo,
    });
    let run = |more: &[&str]| wsspec(folder.path(), &[&["run", &peer.url(), "1.1.2"], more].concat());
    let done = run(&["--fail-on", "flaky"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let record = record(folder.path());
    assert_eq!(verdicts(&record), ["fail", "pass"], "each attempt is recorded");
    let cases: Vec<_> = record.iter().filter(|line| line["t"] == "case").collect();
    assert_eq!((&cases[0]["outcome"], &cases[1]["outcome"]), (&Value::Null, &"flaky".into()));
    assert_eq!((&cases[0]["attempt"], &cases[1]["attempt"]), (&1.into(), &2.into()));
    assert!(done.out.contains("flaky") && done.out.contains("at first: "), "{done:#?}");
    assert!(done.out.contains("STRICT: 1 flaky"), "{done:#?}");
    let forms: [&[&str]; 4] = [
        &["show", "flaky"],
        &["report", "--junit", "-"],
        &["report", "--md", "-"],
        &["report", "--format", "tap"],
    ];
    for words in forms {
        let told = wsspec(folder.path(), words);
        assert!(told.out.contains("flaky") && told.out.contains("at first: "), "{words:?}: {told:#?}");
    }
    assert_eq!(run(&[]).code, 0, "the peer behaves by now");
}

#[test]
fn a_run_that_was_red_for_flaky_cases_had_a_green_badge_and_no_failed_case() {
    let folder = tempdir().unwrap();
    let run = |more: &[&str]| {
        let peer = Peer::start(|n| match n {
            PREFLIGHT => Manner::Upgrade(b"", Then::Close),
            _ => Manner::Echo,
        });
        wsspec(folder.path(), &[&["run", &peer.url(), "1.1.2"], more].concat()).code
    };
    let file = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    let files = || [file("wsspec-out/failed.txt"), file("wsspec-out/badge.json")];
    assert_eq!(run(&["--fail-on", "flaky", "--badge", "b.svg"]), 1);
    let [failed, badge] = files();
    assert!(failed == "1.1.2\n" && badge.contains("\"1 flaky\"") && badge.contains("\"red\""), "{badge}");
    assert_eq!(file("b.json"), badge);
    assert_eq!(wsspec(folder.path(), &["report"]).code, 0);
    assert_eq!(files(), [failed, badge], "the record tells for what the run failed");
    assert_eq!(run(&[]), 0);
    let [failed, badge] = files();
    assert!(failed.is_empty() && badge.contains("\"strict\""), "{badge}");
}

#[test]
fn a_failure_is_tried_once_more_alone_and_then_believed() {
    let (done, record) = run(Manner::Upgrade(b"", Then::Close), &["1.1.2", "1.1.3"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert_eq!(verdicts(&record), ["fail"; 4]);
    let cases: Vec<&Value> = record.iter().filter(|line| line["t"] == "case").collect();
    let (again, first): (Vec<&Value>, Vec<&Value>) = cases.iter().partition(|case| case["attempt"] == 2);
    assert_eq!((first.len(), again.len()), (2, 2));
    let span = |case: &Value| {
        let start = case["started_us"].as_u64().unwrap();
        (start, start + case["duration_us"].as_u64().unwrap())
    };
    let last = first.iter().map(|case| span(case).1).max().unwrap();
    assert!(again.iter().all(|case| span(case).0 >= last), "{record:#?}");
    assert!(span(again[1]).0 >= span(again[0]).1, "{record:#?}");
}

/// When one case of each of two implementations was tried again, the first one first: both fail for they hear nothing.
fn tried_again(servers: [usize; 2], first_silent: usize) -> [std::ops::Range<u64>; 2] {
    let silent = move |n| if n < first_silent { Manner::Echo } else { Manner::Upgrade(b"", Then::Silence) };
    let (peers, folder) = (servers.map(|_| Peer::start(silent)), tempdir().unwrap());
    let urls = servers.map(|which| peers[which].url());
    let done = wsspec(folder.path(), &["run", &urls[0], &urls[1], "1.1.2"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let record = record(folder.path());
    let number = |case: &Value, name: &str| case[name].as_u64().unwrap();
    let again = cases(&record).filter(|case| case["attempt"] == 2);
    let mut spans: Vec<_> = again
        .map(|case| {
            let start = number(case, "started_us");
            start..start + number(case, "duration_us")
        })
        .collect();
    spans.sort_by_key(|span| span.start);
    spans.try_into().unwrap_or_else(|spans| panic!("{spans:?}: {record:#?}"))
}

#[test]
fn failures_of_several_servers_are_tried_again_at_the_same_time_each_alone_at_its_own() {
    let [first, second] = tried_again([0, 1], PREFLIGHT);
    assert!(second.start < first.end, "{first:?} {second:?}");
    let [first, second] = tried_again([0, 0], 2 * PREFLIGHT);
    assert!(second.start >= first.end, "one server: {first:?} {second:?}");
}

#[test]
fn a_failure_is_tried_again_until_it_passes_as_often_as_asked_for() {
    for (retries, code, last) in [("2", 0, "pass"), ("1", 1, "fail"), ("0", 1, "fail")] {
        let folder = tempdir().unwrap();
        let peer = Peer::start(|n| match n {
            PREFLIGHT | 3 => Manner::Upgrade(b"", Then::Close),
            _ => Manner::Echo,
        });
        let done = wsspec(folder.path(), &["run", &peer.url(), "1.1.2", "--retries", retries]);
        assert_eq!(done.code, code, "{done:#?}");
        let record = record(folder.path());
        let found = verdicts(&record);
        assert_eq!(found.last(), Some(&last), "--retries {retries}");
        assert_eq!(found.len(), retries.parse::<usize>().unwrap() + 1, "{found:?}");
    }
}

#[test]
fn a_server_that_opens_all_connections_and_serves_one_of_them_at_a_time_is_judged_as_if_alone() {
    let (done, record) = run(Manner::EchoInTurn, &["@core"]);
    assert!(
        done.err.contains("warning[W02]") && done.err.contains("answered late, or not at all"),
        "{done:#?}"
    );
    let last: HashMap<&str, &Value> =
        cases(&record).map(|case| (case["id"].as_str().unwrap(), case)).collect();
    let strict = |case: &&Value| ["pass", "info"].contains(&case["verdict"].as_str().unwrap());
    let wrong: Vec<_> = last.values().filter(|case| !strict(case) || !case["outcome"].is_null()).collect();
    assert!(last.len() == 247 && wrong.is_empty(), "{wrong:#?}");
    let late = cases(&record).filter(|case| case["attempt"] == 1 && !strict(case)).count();
    assert!(late >= 5, "it is late beside other connections: {late}");
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn three_failures_of_each_cause_and_twenty_in_all_are_confirmed_and_the_others_believed() {
    let (done, record) = run(Manner::Defective(MANY), &["@core"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(!done.err.contains("W02"), "{done:#?}");
    let failed = |attempt: u64| {
        let mut causes = HashMap::<&str, usize>::new();
        for case in
            cases(&record).filter(|case| case["attempt"] == attempt && case["verdict"] != "non-strict")
        {
            if let Some(cause) = case["cause"].as_str() {
                *causes.entry(cause).or_default() += 1;
            }
        }
        causes
    };
    let (first, again) = (failed(1), failed(2));
    assert!(first.values().map(|failures| *failures.min(&3)).sum::<usize>() > 20, "{first:?}");
    assert!(again.values().all(|failures| *failures <= 3), "{again:?}");
    assert_eq!(again.values().sum::<usize>(), 20, "{again:?}");
}

fn cases(record: &[Value]) -> impl Iterator<Item = &Value> {
    record.iter().filter(|line| line["t"] == "case")
}
