use std::time::Duration;

use bytes::Bytes;
use wsspec_cases::{Accept, Case, Event, Expected, Grade, Level, Received, suite};
use wsspec_engine::{
    Behavior, BehaviorClose, Check, CloseRecord, Direction, Found, HandshakeRecord, LogEntry, LogKind,
    Observation, Outcome, Sight, Snippet, TesterRole, Verdict, Wanted, WireLog, WireStats,
};
use wsspec_wire::{FrameHeader, Opcode};

use super::*;
use crate::samples;

const REQUEST: &[u8] = b"GET /?token=abc HTTP/1.1\r\nHost: h\r\nCookie: id=7\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 101 \r\nSet-Cookie: id=8\r\n\r\n";

/// A case of the suite that accepts one message and wants the peer to close.
fn case() -> Case {
    let case = suite().get("5.15".parse().unwrap()).unwrap().clone();
    let hello = Expected::Message { binary: false, payload: "Hello".into() };
    let accepts =
        vec![Accept { grade: Grade::Ok, events: vec![hello], because: "".into(), pongs_anywhere: false }];
    Case { accepts, ..case }
}

fn entry(at: u64, kind: LogKind) -> LogEntry {
    LogEntry { at: Duration::from_micros(at), kind }
}

fn chunk(direction: Direction, octets: &'static [u8]) -> LogKind {
    let data = Snippet { kept: Bytes::from_static(octets), len: octets.len() as u64, sha256: None };
    LogKind::Octets { direction, data, sync: false }
}

fn observation() -> Observation {
    let header = FrameHeader { mask: Some([1, 2, 3, 4]), ..FrameHeader::new(Opcode::TEXT, 5) };
    let frame = LogKind::Frame {
        direction: Direction::Tx,
        header,
        payload: Snippet { kept: Bytes::from_static(b"Hello"), len: 5, sha256: None },
        unit: None,
        chop: None,
        sync: false,
    };
    let nothing = wsspec_engine::unreachable(&case(), TesterRole::Client, String::new()).observation;
    Observation {
        handshake: HandshakeRecord {
            request: REQUEST.to_vec(),
            response: RESPONSE.to_vec(),
            status: Some(101),
            took: Some(Duration::from_millis(3)),
            ..HandshakeRecord::default()
        },
        events: vec![Event::Message { binary: false, payload: Received::from(Bytes::from_static(b"Help!")) }],
        close: CloseRecord { remote_code: Some(1000), ..CloseRecord::default() },
        log: WireLog {
            entries: vec![
                entry(1, chunk(Direction::Tx, REQUEST)),
                entry(2, chunk(Direction::Rx, &RESPONSE[..30])),
                entry(3, chunk(Direction::Rx, &RESPONSE[30..])),
                entry(4, frame),
            ],
            dropped: 0,
        },
        stats: WireStats { rx_octets: [(30, 1), (4, 2)].into(), ..WireStats::default() },
        duration: Duration::from_millis(20),
        ..nothing
    }
}

fn outcome() -> Outcome {
    Outcome {
        id: "5.15".parse().unwrap(),
        verdict: Verdict::Fail,
        summary: "It went on.".to_owned(),
        checks: vec![Check {
            id: "events",
            level: Level::Must,
            section: "RFC 6455 section 5.4".to_owned(),
            reached: true,
            ok: false,
            expected: Wanted::other("Text \"Hello\""),
            observed: Found::event(Sight::Text { shown: "\"Help!\"".to_owned() }),
            entry: Some(3),
            header: None,
            seen_in: None,
        }],
        not_reached: vec![Check {
            id: "close.tcp",
            level: Level::Should,
            section: "RFC 6455 section 7.1.1".to_owned(),
            reached: false,
            ok: true,
            expected: Wanted::other("the server to end TCP first"),
            observed: Found::other(""),
            entry: None,
            header: None,
            seen_in: None,
        }],
        behavior: Behavior::Failed,
        behavior_close: BehaviorClose::WrongCode,
        result: "different".to_owned(),
        result_close: "wrong code".to_owned(),
        observation: observation(),
    }
}

fn record() -> CaseRecord {
    let meta = CaseMeta { number: 59, started: "2026-11-21T10:14:02.113Z".to_owned(), ..CaseMeta::default() };
    CaseRecord::from_outcome("mylib", &case(), &outcome(), meta, &Redaction::default())
}

#[test]
fn an_outcome_becomes_a_line_and_comes_back() {
    let line = Line::Case(Box::new(record()));
    let json = line.to_json();
    assert!(!json.contains('\n'));
    let unreached = r#""not_reached":[{"id":"close.tcp","level":"should","rfc":"6455#7.1.1","expected":"the server to end TCP first"}]"#;
    assert!(json.contains(unreached), "{json}");
    assert_eq!(Line::from_json(json.as_bytes()).unwrap(), Some(line));
}

#[test]
fn the_record_names_cause_difference_and_counts() {
    let record = record();
    assert_eq!(record.cause.as_deref(), Some("events@6455#5.4/different"));
    assert!(matches!(record.received[0], EventRecord::Message { differs_at: Some(3), .. }));
    assert_eq!((record.stats.rx_octets, record.stats.kept), (38, 4));
    assert_eq!((record.close.first.as_str(), record.close.remote), ("peer", Some(1000)));
    let Happening::Frame { wire, .. } = &record.events[3].what else { panic!("no frame") };
    assert_eq!(wire[..6], [0x81, 0x85, 1, 2, 3, 4]);
    assert_eq!(record.events[3].what.header().unwrap().length, 5);
}

#[test]
fn what_stands_around_a_difference_far_behind_is_recorded() {
    let mut sent = vec![b'a'; 70_000];
    let wanted = Expected::Message { binary: false, payload: sent.clone().into() };
    sent[65_536] = 0;
    let mut outcome = outcome();
    let came = Event::Message { binary: false, payload: Received::from(Bytes::from(sent)) };
    outcome.observation.events = vec![came];
    let mut case = case();
    case.accepts[0].events = vec![wanted];
    let record =
        CaseRecord::from_outcome("mylib", &case, &outcome, CaseMeta::default(), &Redaction::default());
    let EventRecord::Message { differs_at: Some(65_536), near: Some(near), .. } = &record.received[0] else {
        panic!("{:?}", record.received)
    };
    assert_eq!((near.from, near.expected.len(), near.observed.kept()[32]), (65_504, 64, 0));
    let line = Line::Case(Box::new(record));
    assert_eq!(Line::from_json(line.to_json().as_bytes()).unwrap(), Some(line));
}

#[test]
fn secrets_reach_neither_heads_nor_wire_log() {
    let json = Line::Case(Box::new(record())).to_json();
    for secret in ["abc", "id=7", "id=8"] {
        assert!(!json.contains(secret), "{secret} in {json}");
    }
    let record = record();
    assert_eq!(record.handshake.redacted, 3);
    let Happening::Octets { data, .. } = &record.events[1].what else { panic!("no octets") };
    assert_eq!((data.kept(), data.len()), (&b"HTTP/1.1 101 \r\nSet-Cookie: ***"[..], 30));
}

fn file(cases: &[CaseRecord], end: bool) -> String {
    let report = samples::report(cases.to_vec());
    let mut lines = vec![Line::Run(report.run)];
    lines.extend(report.cases.into_iter().map(|case| Line::Case(Box::new(case))));
    lines.extend(report.end.filter(|_| end).map(Line::End));
    lines.iter().map(|line| line.to_json() + "\n").collect()
}

#[test]
fn a_file_is_read_back_sorted_and_repeated_cases_replace_the_first_try() {
    let cases = [
        samples::passed("b", "2.10"),
        samples::passed("a", "2.9"),
        samples::failed("b", "2.9"),
        samples::passed("b", "2.9"),
    ];
    let report = read(file(&cases, true)).unwrap();
    let order: Vec<_> = report.cases.iter().map(|c| format!("{} {}", c.agent.raw(), c.id)).collect();
    assert_eq!(order, ["b 2.9", "b 2.10", "a 2.9"]);
    assert_eq!(report.cases[0].verdict, Verdict::Pass);
    assert!(report.is_complete() && !report.torn);
}

#[test]
fn files_without_an_end_and_with_a_torn_last_line_are_incomplete() {
    let whole = file(&[samples::passed("a", "1.1.1"), samples::passed("a", "1.1.2")], false);
    assert!(!read(&whole).unwrap().is_complete());
    let torn = read(&whole[..whole.len() - 40]).unwrap();
    assert!(torn.torn && torn.cases.len() == 1 && !torn.is_complete());
}

#[test]
fn files_that_hold_no_results_are_refused() {
    let whole = file(&[samples::passed("a", "1.1.1")], true);
    let damaged = whole.replacen("\"t\":\"case\"", "\"t\":\"case", 1);
    assert!(matches!(read(damaged), Err(RecordError::Line { number: 2, .. })));
    assert!(matches!(read("\n"), Err(RecordError::Empty)));
    assert!(matches!(read("hello\n"), Err(RecordError::Line { number: 1, .. })));
    let headless: String = whole.lines().skip(1).map(|line| line.to_owned() + "\n").collect();
    assert!(matches!(read(headless), Err(RecordError::NoRun)));
    let other = whole.replacen("results/1", "results/2", 1);
    assert!(matches!(read(other), Err(RecordError::Schema(_))));
}

/// Batches are of 2 MiB and more.
#[test]
fn lines_of_several_batches_keep_their_order_and_their_numbers() {
    let summary = "a".repeat(3 << 19);
    let of = |n| CaseRecord {
        id: format!("1.1.{n}").parse().unwrap(),
        summary: summary.as_str().into(),
        ..record()
    };
    let cases: Vec<CaseRecord> = (1..=7).map(of).collect();
    let json = file(&cases, true);
    let read_back = read(&json).unwrap();
    assert!(read_back.cases == cases && read_back.end.is_some() && !read_back.torn);
    let mut lines: Vec<&str> = json.lines().collect();
    lines[6] = "{";
    assert!(matches!(read(lines.join("\n")), Err(RecordError::Line { number: 7, .. })));
}

#[test]
fn octets_that_are_no_text_are_told_with_their_place() {
    let json = file(&[record()], true).replacen("It went on.", "\u{1}", 1).into_bytes();
    let at = json.iter().position(|octet| *octet == 1).unwrap();
    let mut broken = json.clone();
    broken[at] = 0xff;
    let column = at - json.iter().position(|octet| *octet == b'\n').unwrap();
    let Err(RecordError::Line { number: 2, source }) = read(broken) else { panic!("it was read") };
    assert!(source.column() >= column, "{source} instead of {column}");
}

#[test]
fn an_appended_run_adds_its_targets_and_needs_its_own_end() {
    let first = file(&[samples::passed("a", "1.1.1")], true);
    let second = file(&[samples::passed("b", "1.1.1")], false);
    let report = read(format!("{first}{second}")).unwrap();
    assert_eq!(report.agents().len(), 2);
    assert!(!report.is_complete());
}

#[test]
fn every_verdict_comes_back() {
    for verdict in verdict_order() {
        let record = samples::with_verdict(samples::never_opened("a", "1.1.1"), verdict, "x");
        let line = Line::Case(Box::new(record));
        assert_eq!(Line::from_json(line.to_json().as_bytes()).unwrap(), Some(line));
    }
}

#[test]
fn a_gap_in_the_wire_log_shows_in_the_numbers() {
    let mut outcome = outcome();
    let log = &mut outcome.observation.log;
    let entry = |at| LogEntry { at: Duration::from_micros(10 + at), kind: LogKind::FailTimerFired };
    log.entries.extend((0..2 * WireLog::KEPT as u64).map(entry));
    log.entries.drain(WireLog::KEPT..WireLog::KEPT + 4);
    log.dropped = 4;
    outcome.checks[0].entry = Some(WireLog::KEPT);
    let record =
        CaseRecord::from_outcome("mylib", &case(), &outcome, CaseMeta::default(), &Redaction::default());
    assert_eq!(record.events[WireLog::KEPT - 1].i, WireLog::KEPT - 1);
    assert_eq!(record.events[WireLog::KEPT].i, WireLog::KEPT + 4);
    assert_eq!(record.first_failed().unwrap().event, Some(WireLog::KEPT + 4));
    assert_eq!(record.stats.dropped, 4);
}

#[test]
fn a_failure_is_headed_by_its_first_failing_must() {
    let mut outcome = outcome();
    let milder = Check { id: "close.code", level: Level::Should, ..outcome.checks[0].clone() };
    outcome.checks.insert(0, milder);
    let record =
        CaseRecord::from_outcome("mylib", &case(), &outcome, CaseMeta::default(), &Redaction::default());
    assert_eq!(record.first_failed().unwrap().id, "events");
    assert!(record.cause.unwrap().starts_with("events@"));
}

/// A large message that was echoed in one frame, and what the engine hashed of that frame.
fn echoed(hash: [u8; 32], kept: &'static [u8]) -> (Case, Outcome) {
    let message = Bytes::from(vec![b'a'; 70_000]);
    let mut outcome = outcome();
    let payload = Snippet { kept: Bytes::from_static(kept), len: 70_000, sha256: Some(hash) };
    let header = FrameHeader::new(Opcode::TEXT, 70_000);
    let (direction, unit, chop, sync) = (Direction::Rx, None, None, false);
    let frame = LogKind::Frame { direction, header, payload, unit, chop, sync };
    outcome.observation.log.entries.push(entry(5, frame));
    outcome.observation.event_entries = vec![Some(4)];
    let came = Event::Message { binary: false, payload: Received::from(message.clone()) };
    outcome.observation.events = vec![came];
    let mut case = case();
    case.accepts[0].events = vec![Expected::Message { binary: false, payload: message.into() }];
    (case, outcome)
}

fn recorded(kept: &'static [u8], redaction: &Redaction) -> [Option<String>; 3] {
    let (case, outcome) = echoed([0xAB; 32], kept);
    let record = CaseRecord::from_outcome("mylib", &case, &outcome, CaseMeta::default(), redaction);
    let Happening::Frame { data: frame, .. } = &record.events[4].what else { panic!("no frame") };
    let EventRecord::Message { data: received, .. } = &record.received[0] else { panic!("no message") };
    let EventRecord::Message { data: expected, .. } = &record.accepts[0].events[0] else {
        panic!("no message")
    };
    assert_eq!((frame.len(), received.len(), expected.len()), (70_000, 70_000, 70_000));
    [frame, received, expected].map(|data| data.sha256().map(str::to_owned))
}

#[test]
fn what_is_cut_has_the_hash_of_all_and_it_is_made_once() {
    let hash = Some("ab".repeat(32));
    assert_eq!(recorded(&[b'a'; 256], &Redaction::default()), [hash.clone(), hash.clone(), hash]);
}

#[test]
fn no_hash_tells_whether_a_guess_at_a_secret_is_right() {
    let redaction = Redaction::default().value("s3cret");
    assert_eq!(recorded(b"s3cret", &redaction)[0], None);
}
