//! Records for the tests of this crate: one case per verdict, as a real run would leave them.

use std::io;
use std::sync::Mutex;

use wsspec_cases::{Grade, Level};
use wsspec_engine::{Behavior, BehaviorClose, Found, Sight, Verdict, Wanted};
use wsspec_wire::{FrameHeader, Opcode, copy_masked};

use crate::record::{
    AcceptRecord, AutobahnRecord, BackendRecord, CaseRecord, CertificateRecord, CheckRecord, Clause,
    CloseRecord, CloseRuleRecord, Dir, EndRecord, EventRecord, HandshakeRecord, Happening, LogLine,
    MeasuresRecord, NeverOpenedRecord, Payload, Report, Role, RoundTripsRecord, RuleRecord, RunRecord,
    SCHEMA, StatsRecord, Target, TlsRecord, TrafficRecord,
};

pub(crate) const REQUEST: &str = "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
pub(crate) const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nServer: mylib/2.3\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub(crate) fn text_event(text: &str) -> EventRecord {
    EventRecord::Message {
        binary: false,
        data: Payload::new(text.as_bytes(), 256),
        differs_at: None,
        near: None,
    }
}

/// A frame as the tester, a client, sends it, or as it comes back.
pub(crate) fn frame(dir: Dir, opcode: Opcode, fin: bool, payload: &[u8]) -> Happening {
    let mask = (dir == Dir::Tx).then_some([0x37, 0xfa, 0x21, 0x3d]);
    let header = FrameHeader { fin, mask, ..FrameHeader::new(opcode, payload.len() as u64) };
    let mut wire = Vec::new();
    header.encode(&mut wire);
    copy_masked(mask.unwrap_or_default(), 0, payload, &mut wire);
    let data = Payload::new(payload, 256);
    let op = opcode.bits();
    Happening::Frame { dir, op, fin, rsv: 0, mask, data, wire, unit: None, chop: None, sync: false }
}

fn octets(dir: Dir, octets: &[u8]) -> Happening {
    Happening::Octets { dir, data: Payload::new(octets, 256), sync: false }
}

/// Numbers the entries; times are in microseconds.
pub(crate) fn log(entries: Vec<(u64, Happening)>) -> Vec<LogLine> {
    entries.into_iter().enumerate().map(|(i, (us, what))| LogLine { i, us, what }).collect()
}

fn check(id: &str, level: Level, ok: bool, expected: &str, observed: &str) -> CheckRecord {
    CheckRecord {
        id: id.to_owned(),
        level,
        rfc: Clause::parse("6455#5.4"),
        ok,
        expected: expected.into(),
        observed: observed.into(),
        wanted: (!ok).then(|| Box::new(Wanted::other(expected))),
        found: (!ok).then(|| Box::new(Found::other(observed))),
        event: None,
        header: None,
        case: None,
    }
}

/// A case that passed: one text message came back.
pub(crate) fn passed(agent: &str, id: &str) -> CaseRecord {
    CaseRecord {
        agent: agent.into(),
        id: id.parse().unwrap(),
        slug: format!("text-{}", id.replace('.', "-")),
        section: id.split('.').next().unwrap().to_owned(),
        number: 1,
        title: "Send a text message.".to_owned(),
        expectation: "The message comes back, then the closing handshake.".to_owned(),
        rules: vec![RuleRecord {
            rfc: Clause::parse("6455#5.6").unwrap(),
            level: Level::Must,
            summary: "a text message carries UTF-8".to_owned(),
        }],
        verdict: Verdict::Pass,
        outcome: None,
        known: None,
        cause: None,
        summary: "The message came back.".into(),
        role: Role::Server,
        started: "2026-11-21T10:14:02.113Z".to_owned(),
        started_us: 812_345,
        duration_us: 2_345,
        attempt: 1,
        checks: vec![check("events", Level::Must, true, "Text \"Hello\"", "Text \"Hello\"")],
        not_reached: Vec::new(),
        accepts: vec![AcceptRecord {
            grade: Grade::Ok,
            events: vec![text_event("Hello")],
            because: String::new(),
        }],
        received: vec![text_event("Hello")],
        received_dropped: 0,
        close_rule: CloseRuleRecord { by_tester: true, codes: vec![1000], clean: true, ..Default::default() },
        close: clean_close(),
        handshake: opened(),
        events: log(vec![
            (10, octets(Dir::Tx, REQUEST.as_bytes())),
            (3000, octets(Dir::Rx, RESPONSE.as_bytes())),
            (3010, frame(Dir::Tx, Opcode::TEXT, true, b"Hello")),
            (3700, frame(Dir::Rx, Opcode::TEXT, true, b"Hello")),
            (3800, frame(Dir::Tx, Opcode::CLOSE, true, &1000_u16.to_be_bytes())),
            (4300, frame(Dir::Rx, Opcode::CLOSE, true, &1000_u16.to_be_bytes())),
            (4400, Happening::Tcp { end: "peer-fin".to_owned() }),
        ]),
        stats: stats(),
        traffic: TrafficRecord {
            tx_app: 5,
            tx_ws: 5,
            tx_wire: 19,
            tx_messages: 1,
            tx_frames: 1,
            ..Default::default()
        },
        round_trips: None,
        measures: MeasuresRecord::default(),
        log: None,
        backend: None,
        autobahn: AutobahnRecord {
            behavior: Behavior::Ok,
            behavior_close: BehaviorClose::Ok,
            result: "Actual events match at least one expected.".into(),
            result_close: "Connection was properly closed".into(),
        },
        repro: ["wsspec", "run", "ws://127.0.0.1:9001", id, "-vvv", "--seed", "7f3a91"]
            .map(str::to_owned)
            .to_vec(),
        short: false,
        rest: None,
    }
}

fn clean_close() -> CloseRecord {
    CloseRecord {
        first: "wsspec".to_owned(),
        local: Some(1000),
        remote: Some(1000),
        clean: true,
        tcp: Some("peer-fin".to_owned()),
        closed_by_wsspec: true,
        ..Default::default()
    }
}

fn opened() -> HandshakeRecord {
    HandshakeRecord {
        request: Payload::new(REQUEST.as_bytes(), 16384),
        response: Payload::new(RESPONSE.as_bytes(), 16384),
        status: Some(101),
        agent: Some("mylib/2.3".into()),
        took_us: Some(3000),
        tls: Some(TlsRecord {
            version: "1.3".to_owned(),
            cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
            alpn: Some("http/1.1".into()),
            certificate: Some("5f".repeat(32)),
            holder: Some(CertificateRecord {
                subject: "CN=mylib test".into(),
                issuer: "CN=mylib CA, O=Example".into(),
                names: vec!["localhost".into(), "127.0.0.1".into()],
                not_before: "2026-01-01T00:00:00Z".to_owned(),
                not_after: "2027-01-01T00:00:00Z".to_owned(),
            }),
        }),
        ..Default::default()
    }
}

pub(crate) fn round_trips() -> RoundTripsRecord {
    RoundTripsRecord {
        count: 1000,
        min_us: 38,
        mean_us: 64,
        p50_us: 55,
        p90_us: 96,
        p99_us: 410,
        max_us: 1873,
        histogram: vec![(50, 311), (100, 608), (200, 61), (500, 14), (1000, 0), (2000, 6)],
    }
}

fn stats() -> StatsRecord {
    StatsRecord {
        tx_octets: 178,
        rx_octets: 140,
        tx_chunks: [(8, 1), (11, 1), (159, 1)].into(),
        rx_chunks: [(4, 1), (7, 1), (129, 1)].into(),
        tx_frames: [(1, 1), (8, 1)].into(),
        rx_frames: [(1, 1), (8, 1)].into(),
        unsent_frames: [].into(),
        kept: 7,
        dropped: 0,
    }
}

/// A case that failed: a continuation was accepted while no message was open.
pub(crate) fn failed(agent: &str, id: &str) -> CaseRecord {
    let close_code = check("close.code", Level::Should, false, "1002", "none");
    let mut events = check(
        "events",
        Level::Must,
        false,
        "the agent fails the connection and does not deliver \"fragment4\"",
        "Text \"fragment4\" came back; the connection stayed open 1.00 s",
    );
    events.event = Some(4);
    events.wanted = Some(Box::new(Wanted::Failing { codes: Vec::new() }));
    events.found = Some(Box::new(Found::event(Sight::Text { shown: "\"fragment4\"".to_owned() })));
    CaseRecord {
        slug: "orphan-continuation".to_owned(),
        number: 59,
        title: "A continuation frame arrives while no message is open.".to_owned(),
        expectation: "The connection is failed at the orphaned continuation frame.".to_owned(),
        rules: vec![RuleRecord {
            rfc: Clause::parse("6455#5.4").unwrap(),
            level: Level::Must,
            summary: "a continuation frame continues a message that has begun".to_owned(),
        }],
        verdict: Verdict::Fail,
        cause: Some("events@6455#5.4/extra".to_owned()),
        summary: "Text \"fragment4\" was echoed; the agent had to fail the connection.".into(),
        duration_us: 1_020_311,
        checks: vec![events, close_code],
        accepts: vec![
            AcceptRecord {
                grade: Grade::Ok,
                events: vec![text_event("fragment1fragment2")],
                because: String::new(),
            },
            AcceptRecord {
                grade: Grade::NonStrict,
                events: vec![],
                because: "the library may fail the connection before the application has echoed".to_owned(),
            },
        ],
        received: vec![text_event("fragment1fragment2"), text_event("fragment4")],
        close_rule: CloseRuleRecord { codes: vec![1002], ..Default::default() },
        close: CloseRecord {
            first: "wsspec".to_owned(),
            local: Some(1001),
            tcp: Some("wsspec".to_owned()),
            closed_by_wsspec: true,
            failed_by_wsspec: true,
            dropped_by_wsspec: true,
            not_clean_reason: Some("the peer did not answer the Close frame".into()),
            close_timeout: true,
            ..Default::default()
        },
        events: log(vec![
            (10, octets(Dir::Tx, REQUEST.as_bytes())),
            (3000, octets(Dir::Rx, RESPONSE.as_bytes())),
            (3000, frame(Dir::Tx, Opcode::TEXT, false, b"fragment1")),
            (3010, frame(Dir::Tx, Opcode::CONTINUATION, true, b"fragment2")),
            (3010, frame(Dir::Tx, Opcode::CONTINUATION, false, b"fragment3")),
            (3010, frame(Dir::Tx, Opcode::TEXT, true, b"fragment4")),
            (3020, Happening::FailTimer { delay_us: 1_000_000 }),
            (3610, frame(Dir::Rx, Opcode::TEXT, true, b"fragment1fragment2")),
            (3740, frame(Dir::Rx, Opcode::TEXT, true, b"fragment4")),
            (1_003_020, Happening::FailTimerFired),
            (1_003_030, frame(Dir::Tx, Opcode::CLOSE, true, &1001_u16.to_be_bytes())),
            (2_003_040, Happening::Tcp { end: "wsspec".to_owned() }),
        ]),
        backend: None,
        autobahn: AutobahnRecord {
            behavior: Behavior::Failed,
            behavior_close: BehaviorClose::Failed,
            result: "Actual events differ from any expected.".into(),
            result_close: "The connection was failed by the wrong endpoint".into(),
        },
        ..passed(agent, id)
    }
}

/// A case whose connection never opened.
pub(crate) fn never_opened(agent: &str, id: &str) -> CaseRecord {
    CaseRecord {
        verdict: Verdict::Error,
        cause: Some("handshake/status-404".to_owned()),
        summary: "The server answered 404 Not Found.".into(),
        checks: vec![],
        received: vec![],
        handshake: HandshakeRecord {
            response: Payload::new(
                b"HTTP/1.1 404 Not Found\r\nServer: <script>alert(1)</script>\r\n\r\n",
                16384,
            ),
            status: Some(404),
            never_opened: Some(NeverOpenedRecord {
                kind: "status".to_owned(),
                text: "the response has the status 404".into(),
            }),
            took_us: None,
            ..opened()
        },
        close: CloseRecord { first: "none".to_owned(), ..Default::default() },
        events: log(vec![(10, octets(Dir::Tx, REQUEST.as_bytes()))]),
        backend: None,
        autobahn: AutobahnRecord {
            behavior: Behavior::Failed,
            behavior_close: BehaviorClose::Failed,
            result: "Actual events differ from any expected.".into(),
            result_close: "The connection never opened".into(),
        },
        ..passed(agent, id)
    }
}

/// The same case with another verdict.
pub(crate) fn with_verdict(record: CaseRecord, verdict: Verdict, summary: &str) -> CaseRecord {
    let is_wrong = verdict.is_failure() || verdict == Verdict::NonStrict;
    let cause = is_wrong.then(|| verdict.word().to_owned());
    CaseRecord { verdict, summary: summary.into(), cause, ..record }
}

/// A finished run of these cases.
pub(crate) fn report(cases: Vec<CaseRecord>) -> Report {
    let mut targets: Vec<Target> = Vec::new();
    for case in &cases {
        if targets.iter().all(|target| target.agent != case.agent) {
            let url = Some("ws://127.0.0.1:9001".to_owned());
            targets.push(Target { agent: case.agent.clone(), url, role: Role::Server, deflate: Some(true) });
        }
    }
    let run = RunRecord {
        schema: SCHEMA.to_owned(),
        tool: "0.1.0".to_owned(),
        catalog: "2026.11".to_owned(),
        started: "2026-11-21T10:14:02.113Z".to_owned(),
        argv: ["run", "ws://127.0.0.1:9001"].map(str::to_owned).to_vec(),
        seed: "7f3a91".to_owned(),
        set: vec!["core".to_owned()],
        selected: cases.len() as u64,
        rating_rule: 1,
        targets,
        ..Default::default()
    };
    let end = EndRecord {
        finished: "2026-11-21T10:14:12.001Z".to_owned(),
        duration_us: 9_600_000,
        complete: true,
        ..Default::default()
    };
    Report { run, cases, end: Some(end), ..Report::default() }
}

/// What went on behind a proxy in the case that passed.
pub(crate) fn backend() -> BackendRecord {
    let head = |text: &str| Payload::new(text.as_bytes(), 256);
    BackendRecord {
        by: "key".to_owned(),
        request: head(REQUEST),
        response: head(RESPONSE),
        redacted: 0,
        events: log(vec![
            (900, octets(Dir::Rx, REQUEST.as_bytes())),
            (3200, frame(Dir::Rx, Opcode::TEXT, true, b"Hello")),
            (3500, frame(Dir::Tx, Opcode::TEXT, true, b"Hello")),
            (4100, Happening::Tcp { end: "peer-fin".to_owned() }),
        ]),
        dropped: 0,
    }
}

/// A place in memory to write to, of which others see what was written.
pub(crate) struct Shared<'a>(pub(crate) &'a Mutex<Vec<u8>>);

impl io::Write for Shared<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
