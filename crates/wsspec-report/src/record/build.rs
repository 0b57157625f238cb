//! From the outcome of a case to its record.

use std::time::Duration;

use wsspec_cases::{Case, Event, Expected, FirstToClose};
use wsspec_engine::{
    LogKind, NeverOpened, Observation, Outcome, RoundTrips, TcpEnd, TesterRole, Traffic, WireStats,
};
use wsspec_wire::{Opcode, Rsv};

use crate::Untrusted;
use crate::record::case::{
    AcceptRecord, CaseRecord, CheckRecord, Clause, EventRecord, Near, Role, RuleRecord, SeenIn,
    UnreachedRecord,
};
use crate::record::connection::{
    AgentLog, AutobahnRecord, CloseRecord, CloseRuleRecord, HandshakeRecord, MeasuresRecord,
    NeverOpenedRecord, RoundTripsRecord, StatsRecord, TlsRecord, TrafficRecord,
};
use crate::record::{Payload, Redaction, cause, log, redact};

/// The most octets of a payload that are recorded.
const PAYLOAD_LIMIT: usize = 256;
/// So many octets are recorded on each side of a difference further behind.
const NEAR: usize = 32;
/// The most octets of a request or response head that are recorded.
const HEAD_LIMIT: usize = 16 * 1024;

/// What the outcome itself does not know.
#[derive(Clone, Debug, Default)]
pub struct CaseMeta {
    /// The place of the case in the list of all cases, from 1; 0 if it is in no list.
    pub number: u32,
    /// When the case started: UTC, ISO 8601 with milliseconds, such as `2026-11-21T10:14:02.113Z`.
    pub started: String,
    /// From the start of the run to the start of the case.
    pub since_start: Duration,
    /// 1, or more if the case was repeated.
    pub attempt: u32,
    /// The command that runs the case again: the arguments, the program's name first.
    pub repro: Vec<String>,
    /// What the implementation wrote to its log while the case ran.
    pub log: Option<AgentLog>,
    /// What TLS came to, if there is TLS.
    pub tls: Option<TlsRecord>,
}

impl CaseRecord {
    /// The record of an outcome. Secrets are replaced here, so that they never reach a file.
    pub fn from_outcome(
        agent: &str,
        case: &Case,
        outcome: &Outcome,
        meta: CaseMeta,
        redaction: &Redaction,
    ) -> Self {
        let seen = &outcome.observation;
        let received = received(case, seen);
        Self {
            agent: agent.into(),
            id: case.id,
            slug: case.slug.to_string(),
            section: case.id.section().to_string(),
            number: meta.number,
            title: case.title.to_string(),
            expectation: case.expectation.to_string(),
            rules: case.rules.iter().map(RuleRecord::from).collect(),
            verdict: outcome.verdict,
            outcome: None,
            known: None,
            cause: cause::of(case, outcome),
            summary: redaction.text(&outcome.summary).into(),
            role: if seen.role == TesterRole::Client { Role::Server } else { Role::Client },
            started: meta.started,
            started_us: micros(meta.since_start),
            duration_us: micros(seen.duration),
            attempt: meta.attempt.max(1),
            checks: outcome.checks.iter().map(|one| check(one, seen)).collect(),
            not_reached: outcome.not_reached.iter().map(unreached).collect(),
            accepts: case.accepts.iter().map(|one| accept(case, one, &seen.events, &received)).collect(),
            received,
            received_dropped: seen.events_dropped,
            close_rule: close_rule(case),
            close: close(seen),
            handshake: HandshakeRecord { tls: meta.tls, ..handshake(seen, redaction) },
            events: log::lines(log::Heads::of_case(seen, redaction), &seen.log),
            stats: stats(&seen.stats, seen),
            traffic: traffic(&seen.traffic),
            round_trips: seen.round_trips.as_ref().map(round_trips),
            measures: measures(case),
            log: meta.log,
            backend: None,
            autobahn: autobahn(outcome, redaction),
            repro: meta.repro.iter().map(|argument| redaction.text(argument)).collect(),
            short: false,
            rest: None,
        }
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl From<&wsspec_cases::Rule> for RuleRecord {
    fn from(rule: &wsspec_cases::Rule) -> Self {
        let rfc = Clause { rfc: rule.rfc.number(), section: rule.section.to_owned() };
        Self { rfc, level: rule.level, summary: rule.summary.to_owned() }
    }
}

fn check(check: &wsspec_engine::Check, seen: &Observation) -> CheckRecord {
    CheckRecord {
        id: check.id.to_owned(),
        level: check.level,
        rfc: Clause::parse(&check.section),
        ok: check.ok,
        expected: check.expected.to_string().into(),
        observed: check.observed.to_string().into(),
        wanted: (!check.ok).then(|| Box::new(check.expected.clone())),
        found: (!check.ok).then(|| Box::new(check.observed.clone())),
        event: match check.seen_in {
            Some(place) => place.number,
            None => check.entry.map(|at| seen.log.number(at)),
        },
        header: check.header.map(str::to_owned),
        case: check.seen_in.map(|place| SeenIn(place.case)),
    }
}

fn unreached(check: &wsspec_engine::Check) -> UnreachedRecord {
    UnreachedRecord {
        id: check.id.to_owned(),
        level: check.level,
        rfc: Clause::parse(&check.section),
        expected: check.expected.to_string().into(),
    }
}

fn accept(
    case: &Case,
    accept: &wsspec_cases::Accept,
    came: &[Event],
    received: &[EventRecord],
) -> AcceptRecord {
    let expected = |(place, event): (usize, &Expected)| match came.get(place) {
        // Large messages are not hashed twice.
        Some(same) if event.matches(same) => undisputed(&received[place]),
        _ => expected(case, event),
    };
    AcceptRecord {
        grade: accept.grade,
        events: accept.events.iter().enumerate().map(expected).collect(),
        because: accept.because.to_string(),
    }
}

fn expected(case: &Case, event: &Expected) -> EventRecord {
    let data = |payload: &wsspec_cases::Payload| Payload::new(&payload.to_bytes(), PAYLOAD_LIMIT);
    match event {
        Expected::Message { binary, payload } => {
            EventRecord::Message { binary: *binary, data: data(payload), differs_at: None, near: None }
        }
        Expected::Pong(payload) => EventRecord::Pong { data: data(payload) },
        Expected::Elapsed(tag) => elapsed(case, tag),
    }
}

/// What came as what was expected, of which it differs nowhere.
fn undisputed(received: &EventRecord) -> EventRecord {
    match received.clone() {
        EventRecord::Message { binary, data, .. } => {
            EventRecord::Message { binary, data, differs_at: None, near: None }
        }
        other => other,
    }
}

fn received(case: &Case, seen: &Observation) -> Vec<EventRecord> {
    let wanted = cause::closest(case, &seen.events).map_or(&[][..], |accept| &accept.events);
    let event = |(place, event)| received_event(case, event, hash_of_frame(seen, place), wanted.get(place));
    seen.events.iter().enumerate().map(event).collect()
}

/// The hash of the frame that an event came with, which is that of a message in one frame that is not compressed.
fn hash_of_frame(seen: &Observation, place: usize) -> Option<(u64, [u8; 32])> {
    let entry = &seen.log.entries[(*seen.event_entries.get(place)?)?];
    match &entry.kind {
        LogKind::Frame { header, payload, .. }
            if header.fin && header.opcode != Opcode::CONTINUATION && !header.rsv.contains(Rsv::RSV1) =>
        {
            payload.sha256.map(|hash| (payload.len, hash))
        }
        _ => None,
    }
}

fn elapsed(case: &Case, tag: &str) -> EventRecord {
    EventRecord::Elapsed { tag: tag.to_owned(), for_us: case.noted_wait(tag).map_or(0, micros) }
}

fn received_event(
    case: &Case,
    event: &Event,
    frame: Option<(u64, [u8; 32])>,
    wanted: Option<&Expected>,
) -> EventRecord {
    let data = |received: &wsspec_cases::Received| {
        let beginning = Payload::beginning(&received.kept, received.len, PAYLOAD_LIMIT);
        match frame {
            Some((len, hash)) if len == received.len => beginning.hashed(Some(&hash)),
            _ if received.is_whole() => Payload::new(&received.kept, PAYLOAD_LIMIT),
            _ => beginning,
        }
    };
    match event {
        Event::Message { binary, payload } => {
            let (differs_at, near) = wanted.map_or((None, None), |wanted| difference(wanted, &payload.kept));
            EventRecord::Message { binary: *binary, data: data(payload), differs_at, near }
        }
        Event::Pong(payload) => EventRecord::Pong { data: data(payload) },
        Event::Elapsed(tag) => elapsed(case, tag),
    }
}

/// The first octet that differs from the expected message, none if one is the beginning of the other; and what stands
/// around it if it lies behind what is recorded anyway.
fn difference(wanted: &Expected, got: &[u8]) -> (Option<u64>, Option<Box<Near>>) {
    let Expected::Message { payload, .. } = wanted else { return (None, None) };
    let Some(at) = payload.first_difference(got) else { return (None, None) };
    let from = at.saturating_sub(NEAR);
    let around = |octets: &[u8]| {
        let octets = &octets[from..octets.len().min(at + NEAR)];
        Payload::new(octets, NEAR * 2)
    };
    let near = (at >= PAYLOAD_LIMIT - NEAR).then(|| {
        let expected = around(&payload.to_bytes());
        Box::new(Near { from: from as u64, expected, observed: around(got) })
    });
    (Some(at as u64), near)
}

fn close_rule(case: &Case) -> CloseRuleRecord {
    let rule = &case.close;
    CloseRuleRecord {
        by_tester: rule.first == FirstToClose::Tester,
        codes: rule.codes.clone(),
        clean: rule.clean,
        wrong_code_fails: rule.wrong_code_fails,
        wrong_end_fails: rule.wrong_end_fails,
    }
}

fn close(seen: &Observation) -> CloseRecord {
    let close = &seen.close;
    let peer_closed = close.remote_code.is_some() || close.remote_reason.is_some();
    let first = match (close.closed_by_me, peer_closed) {
        (true, _) => "wsspec",
        (false, true) => "peer",
        (false, false) => "none",
    };
    let reason = |octets: &Option<Vec<u8>>| octets.as_ref().map(|octets| Payload::new(octets, PAYLOAD_LIMIT));
    CloseRecord {
        first: first.to_owned(),
        local: close.local_code,
        local_reason: reason(&close.local_reason),
        remote: close.remote_code,
        remote_reason: reason(&close.remote_reason),
        clean: close.was_clean,
        not_clean_reason: close.was_not_clean_reason.as_deref().map(Untrusted::from),
        tcp: close.tcp.map(tcp_end),
        closed_by_wsspec: close.closed_by_me,
        failed_by_wsspec: close.failed_by_me,
        dropped_by_wsspec: close.dropped_by_me,
        open_timeout: close.was_open_handshake_timeout,
        close_timeout: close.was_close_handshake_timeout,
        drop_timeout: close.was_server_connection_drop_timeout,
    }
}

pub(super) fn tcp_end(end: TcpEnd) -> String {
    match end {
        TcpEnd::PeerFin => "peer-fin",
        TcpEnd::PeerReset => "peer-rst",
        TcpEnd::Tester => "wsspec",
    }
    .to_owned()
}

fn handshake(seen: &Observation, redaction: &Redaction) -> HandshakeRecord {
    let record = &seen.handshake;
    let mut redacted = 0;
    let mut head = |octets: &[u8]| head(octets, redaction, &mut redacted);
    let (request, response) = (head(&record.request), head(&record.response));
    HandshakeRecord {
        request,
        response,
        body: body(&record.body, redaction),
        status: record.status,
        extensions: record.extensions.as_deref().map(Untrusted::from),
        subprotocol: record.subprotocol.as_deref().map(Untrusted::from),
        agent: record.agent.as_deref().map(Untrusted::from),
        never_opened: record.never_opened.as_ref().map(|why| never_opened(why, redaction)),
        took_us: record.took.map(micros),
        redacted,
        tls: None,
    }
}

/// The beginning of the body of a refusal, its secrets replaced.
fn body(octets: &[u8], redaction: &Redaction) -> Payload {
    Payload::new(&redact::replace(octets, &redaction.in_octets(octets)), HEAD_LIMIT)
}

/// A head with a mark in the place of each secret.
pub(super) fn head(octets: &[u8], redaction: &Redaction, redacted: &mut usize) -> Payload {
    let secrets = redaction.in_head(octets);
    *redacted += secrets.len();
    Payload::new(&redact::replace(octets, &secrets), HEAD_LIMIT)
}

fn never_opened(why: &NeverOpened, redaction: &Redaction) -> NeverOpenedRecord {
    let (kind, text) = match why {
        NeverOpened::TimedOut => ("timeout", "no complete response in time".to_owned()),
        NeverOpened::Dropped(TcpEnd::PeerReset) => ("dropped", "the peer reset the connection".to_owned()),
        NeverOpened::Dropped(_) => ("dropped", "TCP ended before the response was complete".to_owned()),
        NeverOpened::Status(status) => ("status", format!("the response has the status {status}")),
        NeverOpened::Invalid(what) => ("invalid", what.text.clone()),
        NeverOpened::NotHttp => ("not-http", "the first octets are no HTTP".to_owned()),
        NeverOpened::TooLarge => ("too-large", "the head is larger than the limit".to_owned()),
        NeverOpened::Unreachable(text) => ("unreachable", text.clone()),
    };
    NeverOpenedRecord { kind: kind.to_owned(), text: redaction.text(&text).into() }
}

fn stats(stats: &WireStats, seen: &Observation) -> StatsRecord {
    let octets = |chunks: &std::collections::BTreeMap<u64, u64>| {
        chunks.iter().fold(0_u64, |sum, (size, count)| sum.saturating_add(size.saturating_mul(*count)))
    };
    StatsRecord {
        tx_octets: octets(&stats.tx_octets),
        rx_octets: octets(&stats.rx_octets),
        tx_chunks: stats.tx_octets.clone(),
        rx_chunks: stats.rx_octets.clone(),
        tx_frames: stats.tx_frames.clone(),
        rx_frames: stats.rx_frames.clone(),
        unsent_frames: stats.unsent_frames.clone(),
        kept: seen.log.entries.len() as u64,
        dropped: seen.log.dropped,
    }
}

const fn traffic(traffic: &Traffic) -> TrafficRecord {
    TrafficRecord {
        tx_app: traffic.tx_app,
        tx_ws: traffic.tx_ws,
        tx_wire: traffic.tx_wire,
        tx_messages: traffic.tx_messages,
        tx_frames: traffic.tx_frames,
        rx_app: traffic.rx_app,
        rx_ws: traffic.rx_ws,
        rx_wire: traffic.rx_wire,
        rx_messages: traffic.rx_messages,
        rx_frames: traffic.rx_frames,
    }
}

fn round_trips(trips: &RoundTrips) -> RoundTripsRecord {
    let histogram = trips.by_bound().into_iter().map(|(bound, count)| (micros(bound), count));
    RoundTripsRecord {
        count: trips.count(),
        min_us: micros(trips.shortest()),
        mean_us: micros(trips.mean()),
        p50_us: micros(trips.percentile(50.0)),
        p90_us: micros(trips.percentile(90.0)),
        p99_us: micros(trips.percentile(99.0)),
        max_us: micros(trips.longest()),
        histogram: histogram.collect(),
    }
}

const fn measures(case: &Case) -> MeasuresRecord {
    let measures = case.measures;
    MeasuresRecord { time: measures.time, compression: measures.compression, quiet: measures.quiet }
}

fn autobahn(outcome: &Outcome, redaction: &Redaction) -> AutobahnRecord {
    AutobahnRecord {
        behavior: outcome.behavior,
        behavior_close: outcome.behavior_close,
        result: redaction.text(&outcome.result).into(),
        result_close: redaction.text(&outcome.result_close).into(),
    }
}
