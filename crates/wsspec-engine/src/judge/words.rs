//! What was expected and what was found, taken from the case and from what was seen.

use wsspec_cases::{Accept, Case, Event, Expected, FirstToClose, Payload, Received};
use wsspec_wire::ResponseHead;

use crate::Time;
use crate::found::{self, Found, Sight, Wanted};
use crate::observation::{NeverOpened, Observation, TcpEnd};
use crate::wire_log::LogKind;

/// How many characters of a text are shown; a third of it of other octets.
const SHOWN: usize = 40;

/// How many events came as the accepted outcome has them.
pub(super) fn common_prefix(accept: &Accept, observation: &Observation) -> usize {
    let pairs = accept.events.iter().zip(&observation.events);
    pairs.take_while(|(expected, event)| expected.matches(event)).count()
}

/// The first difference from an accepted outcome: what was expected, and what was seen.
pub(super) fn difference(case: &Case, accept: &Accept, observation: &Observation) -> (Wanted, Found) {
    let at = common_prefix(accept, observation);
    // Who ended the connection by itself, after a wait that it should not have outlasted, was late.
    let was_late = matches!(observation.events.get(at), Some(Event::Elapsed(_)));
    let had_failed = failed_by_peer(observation) && !was_late;
    let expected = match accept.events.get(at) {
        Some(event) => Wanted::Event { event: wanted_sight(case, event), place: at as u64 + 1 },
        None if case.close.first == FirstToClose::Peer && !had_failed => Wanted::failing(),
        None if at == 0 => Wanted::Events { first: Vec::new(), count: 0 },
        None => Wanted::NothingAfter { count: accept.events.len() as u64 },
    };
    let observed = match (observation.events.get(at), accept.events.get(at)) {
        (Some(event), Some(wanted)) => found_against(case, event, wanted),
        (Some(event), None) => Found::event(sight(case, event)),
        (None, _) => ending(observation),
    };
    (expected, observed)
}

/// Whether the peer ended the connection by itself.
fn failed_by_peer(observation: &Observation) -> bool {
    let close = &observation.close;
    let by_peer = matches!(close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
    !close.closed_by_me && (close.remote_code.is_some() || by_peer)
}

/// What came.
pub(super) fn events(case: &Case, events: &[Event]) -> Found {
    let (first, count) = found::first(events, |event| sight(case, event));
    Found::Events { first, count }
}

/// What had to come.
pub(super) fn list(case: &Case, wanted: &[Expected]) -> Wanted {
    let (first, count) = found::first(wanted, |event| wanted_sight(case, event));
    Wanted::Events { first, count }
}

fn wanted_sight(case: &Case, event: &Expected) -> Sight {
    match event {
        Expected::Message { binary: true, payload } => Sight::Binary { shown: wanted(payload, true) },
        Expected::Message { payload, .. } => Sight::Text { shown: wanted(payload, false) },
        Expected::Pong(payload) => Sight::Pong { shown: wanted(payload, true) },
        Expected::Elapsed(tag) => Sight::StillOpen { for_us: waited(case, tag) },
    }
}

fn sight(case: &Case, event: &Event) -> Sight {
    match event {
        Event::Message { binary: true, payload } => Sight::Binary { shown: got(payload, true) },
        Event::Message { payload, .. } => Sight::Text { shown: got(payload, false) },
        Event::Pong(payload) => Sight::Pong { shown: got(payload, true) },
        Event::Elapsed(tag) => Sight::StillOpen { for_us: waited(case, tag) },
    }
}

/// How long the wait with this tag is, in microseconds; 0 if the case has none.
fn waited(case: &Case, tag: &str) -> u64 {
    case.noted_wait(tag).map_or(0, micros)
}

/// An event, and where its payload leaves the one that was wanted.
fn found_against(case: &Case, event: &Event, expected: &Expected) -> Found {
    let payloads = match (event, expected) {
        (Event::Message { binary, payload: got }, Expected::Message { binary: same, payload: wanted })
            if binary == same =>
        {
            Some((got, wanted))
        }
        (Event::Pong(got), Expected::Pong(wanted)) => Some((got, wanted)),
        _ => None,
    };
    let event = sight(case, event);
    let Some((got, wanted)) = payloads else { return Found::event(event) };
    match first_difference(&got.kept, wanted) {
        Some(at) => Found::Event { event, differs_at: Some(at as u64), lengths: None },
        None if got.len != wanted.len() as u64 => {
            Found::Event { event, differs_at: None, lengths: Some([got.len, wanted.len() as u64]) }
        }
        None => Found::event(event),
    }
}

fn first_difference(got: &[u8], wanted: &Payload) -> Option<usize> {
    let wanted = wanted.to_bytes();
    got.iter().zip(wanted.iter()).position(|(got, wanted)| got != wanted)
}

fn wanted(payload: &Payload, binary: bool) -> String {
    match payload {
        Payload::Bytes(bytes) => octets(bytes, bytes.len() as u64, binary),
        Payload::Repeat { unit, len } => {
            let begin: Vec<u8> = unit.iter().copied().cycle().take((*len).min(SHOWN + 1)).collect();
            octets(&begin, *len as u64, binary)
        }
    }
}

fn got(payload: &Received, binary: bool) -> String {
    octets(&payload.kept, payload.len, binary)
}

/// Text in quotation marks, other octets in hexadecimal: as they are told where frames are shown. `binary`: control
/// characters do not belong in it.
fn octets(octets: &[u8], len: u64, binary: bool) -> String {
    let begin = &octets[..octets.len().min(SHOWN)];
    let cut = len > begin.len() as u64;
    let text = match std::str::from_utf8(begin) {
        Ok(text) => Some(text),
        // A character may be cut in two.
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&begin[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let text = text.filter(|text| !(binary && text.contains(char::is_control)));
    let octets = if len == 1 { "octet" } else { "octets" };
    match text {
        Some(text) if cut => format!("\"{}\"… ({len} {octets})", visible(text)),
        Some(text) => format!("\"{}\"", visible(text)),
        None => {
            let shown: Vec<String> =
                begin.iter().take(SHOWN.div_ceil(3)).map(|octet| format!("{octet:02x}")).collect();
            let more =
                if (shown.len() as u64) < len { format!(" … ({len} {octets})") } else { String::new() };
            format!("{}{more}", shown.join(" "))
        }
    }
}

/// Control characters as the reports write them.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Why the connection was not opened, with the words of the status line.
pub(super) fn never_opened(why: &NeverOpened, observation: &Observation) -> String {
    let NeverOpened::Status(status) = why else { return crate::words::never_opened(why) };
    let reason = ResponseHead::parse(&observation.handshake.response).reason;
    let reason: String = String::from_utf8_lossy(&reason).chars().take(SHOWN).collect();
    format!("the server answered {status} {}", visible(&reason)).trim_end().to_owned()
}

/// How the connection ended.
pub(super) fn ending(observation: &Observation) -> Found {
    let close = &observation.close;
    let by_peer = match close.tcp {
        Some(TcpEnd::PeerFin) => Some(false),
        Some(TcpEnd::PeerReset) => Some(true),
        Some(TcpEnd::Tester) | None => None,
    };
    let unanswered = close.remote_code.is_none() && !close.was_clean;
    if let Some(fault) = &observation.fault {
        Found::FailedByTester { text: fault.text.clone() }
    } else if observation.ran_out {
        Found::StayedOpen { for_us: stayed_open(observation) }
    } else if close.closed_by_me && close.was_close_handshake_timeout {
        Found::NoAnswer
    } else if let (true, true, Some(reset)) = (close.closed_by_me, unanswered, by_peer) {
        Found::TcpForAnswer { reset }
    } else if close.closed_by_me {
        Found::TesterClosed { after_us: micros(observation.duration) }
    } else if !unanswered {
        Found::PeerClosed { code: close.remote_code }
    } else {
        by_peer.map_or(Found::TesterEndedTcp, |reset| Found::TcpEnded { reset })
    }
}

/// How long nothing ended the connection: since what it is about was sent, until the tester gave up.
fn stayed_open(observation: &Observation) -> u64 {
    let entries = &observation.log.entries;
    let fired = |kind: &LogKind| matches!(kind, LogKind::FailTimerFired | LogKind::CloseTimerFired);
    let given_up = entries.iter().find(|entry| fired(&entry.kind)).map(|entry| entry.at);
    let sent = super::places::stimulus(observation).and_then(|at| entries.get(at)).map(|entry| entry.at);
    match (sent, given_up) {
        (Some(sent), Some(given_up)) if given_up > sent => micros(given_up - sent),
        _ => micros(observation.duration),
    }
}

pub(super) fn micros(time: Time) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// For a case in which everything holds.
pub(super) fn passed(case: &Case, observation: &Observation) -> String {
    match &observation.conclusion {
        Some(conclusion) => conclusion.text.to_string(),
        None => format!("as expected: {}; {}", events(case, &observation.events), ending(observation)),
    }
}

/// A text as a sentence: a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    match characters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), characters.as_str()),
        None => String::new(),
    }
}

/// A sentence as a part of another one.
pub(super) fn clause(text: &str) -> String {
    text.trim_end_matches('.').to_string()
}
