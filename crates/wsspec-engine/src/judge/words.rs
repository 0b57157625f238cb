//! What was expected and what was seen, in words.

use wsspec_cases::{Accept, Case, Event, Expected, FirstToClose, Payload, Received};

use crate::observation::{Observation, TcpEnd};

/// How many octets of a payload are shown.
const SHOWN: usize = 40;
/// How many events of a list are shown.
const LISTED: usize = 5;

/// How many events came as the accepted outcome has them.
pub(super) fn common_prefix(accept: &Accept, observation: &Observation) -> usize {
    let pairs = accept.events.iter().zip(&observation.events);
    pairs.take_while(|(expected, event)| expected.matches(event)).count()
}

/// The first difference from an accepted outcome: what was expected, and what was seen.
pub(super) fn difference(case: &Case, accept: &Accept, observation: &Observation) -> (String, String) {
    let at = common_prefix(accept, observation);
    let place = |what: String| if at == 0 { what } else { format!("{what} as event {}", at + 1) };
    let expected = match accept.events.get(at) {
        Some(event) => place(expected(event)),
        None if case.close.first == FirstToClose::Peer => "the peer to fail the connection".into(),
        None if at == 0 => "no message and no pong".into(),
        None => format!("nothing after {} events", accept.events.len()),
    };
    let observed = match (observation.events.get(at), accept.events.get(at)) {
        (Some(event), Some(wanted)) => described_against(event, wanted),
        (Some(event), None) => described(event),
        (None, _) => ending(observation),
    };
    (expected, observed)
}

/// A list of events.
pub(super) fn events(events: &[Event]) -> String {
    if events.is_empty() {
        return "no message and no pong".into();
    }
    let mut list: Vec<String> = events.iter().take(LISTED).map(described).collect();
    if events.len() > LISTED {
        list.push(format!("and {} more", events.len() - LISTED));
    }
    list.join(", ")
}

/// A list of expected events.
pub(super) fn list(wanted: &[Expected]) -> String {
    let mut list: Vec<String> = wanted.iter().take(LISTED).map(expected).collect();
    if wanted.len() > LISTED {
        list.push(format!("and {} more", wanted.len() - LISTED));
    }
    list.join(", ")
}

fn expected(event: &Expected) -> String {
    match event {
        Expected::Message { binary, payload } => format!("{} {}", kind(*binary), wanted(payload)),
        Expected::Pong(payload) => format!("Pong {}", wanted(payload)),
        Expected::Elapsed(tag) => format!("the connection open at the end of wait {tag}"),
    }
}

fn described(event: &Event) -> String {
    match event {
        Event::Message { binary, payload } => format!("{} {}", kind(*binary), got(payload)),
        Event::Pong(payload) => format!("Pong {}", got(payload)),
        Event::Elapsed(tag) => format!("the connection still open at the end of wait {tag}"),
    }
}

/// An event, and where its payload leaves the one that was wanted.
fn described_against(event: &Event, expected: &Expected) -> String {
    let text = described(event);
    let payloads = match (event, expected) {
        (Event::Message { binary, payload: got }, Expected::Message { binary: same, payload: wanted })
            if binary == same =>
        {
            Some((got, wanted))
        }
        (Event::Pong(got), Expected::Pong(wanted)) => Some((got, wanted)),
        _ => None,
    };
    match payloads.map(|(got, wanted)| (first_difference(&got.kept, wanted), got.len, wanted.len())) {
        Some((Some(at), ..)) => format!("{text}, which differs from octet {at} on"),
        Some((None, got, wanted)) if got != wanted as u64 => {
            format!("{text}, which has {got} octets instead of {wanted}")
        }
        _ => text,
    }
}

fn first_difference(got: &[u8], wanted: &Payload) -> Option<usize> {
    let wanted = wanted.to_bytes();
    got.iter().zip(wanted.iter()).position(|(got, wanted)| got != wanted)
}

const fn kind(binary: bool) -> &'static str {
    if binary { "Binary" } else { "Text" }
}

fn wanted(payload: &Payload) -> String {
    match payload {
        Payload::Bytes(bytes) => octets(bytes, bytes.len() as u64),
        Payload::Repeat { unit, len } => {
            let begin: Vec<u8> = unit.iter().copied().cycle().take((*len).min(SHOWN + 1)).collect();
            octets(&begin, *len as u64)
        }
    }
}

fn got(payload: &Received) -> String {
    octets(&payload.kept, payload.len)
}

/// Text in quotation marks, other octets in hexadecimal; control characters are escaped.
fn octets(octets: &[u8], len: u64) -> String {
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
    let shown = match text {
        Some(text) => format!("\"{}", text.escape_debug()),
        None => begin.iter().map(|octet| format!("{octet:02X}")).collect(),
    };
    let quote = if text.is_some() { "\"" } else { "" };
    if cut { format!("{shown}...{quote} ({len} octets)") } else { format!("{shown}{quote}") }
}

/// How the connection ended.
pub(super) fn ending(observation: &Observation) -> String {
    let close = &observation.close;
    let seconds = observation.duration.as_secs_f64();
    if let Some(fault) = &observation.fault {
        format!("the tester had to fail the connection: {}", fault.text)
    } else if observation.ran_out {
        "the connection stayed open until the tester's timer ran out".into()
    } else if close.closed_by_me && close.was_close_handshake_timeout {
        "the tester closed, and the peer did not answer".into()
    } else if let (true, None, false, Some(how @ (TcpEnd::PeerFin | TcpEnd::PeerReset))) =
        (close.closed_by_me, close.remote_code, close.was_clean, close.tcp)
    {
        format!("the tester closed, and the peer {} without an answer", crate::words::tcp_end(how))
    } else if close.closed_by_me {
        format!("the tester closed after {seconds:.2} s")
    } else if close.remote_code.is_some() || close.was_clean {
        format!("the peer closed with {}", close_code(close.remote_code))
    } else {
        match close.tcp {
            Some(how @ (TcpEnd::PeerFin | TcpEnd::PeerReset)) => {
                format!("the peer {} without a Close frame", crate::words::tcp_end(how))
            }
            _ => "the tester ended TCP".into(),
        }
    }
}

/// A close code, with its name if it has one.
pub(super) fn close_code(code: Option<u16>) -> String {
    match code {
        None => "no close code".into(),
        Some(code) => match wsspec_wire::close_code::name(code) {
            Some(name) => format!("close code {code} ({name})"),
            None => format!("close code {code}"),
        },
    }
}

/// The codes that are accepted.
pub(super) fn codes(codes: &[u16]) -> String {
    let list: Vec<String> = codes.iter().map(ToString::to_string).collect();
    format!("close code {} or none", list.join(" or "))
}

/// For a case in which everything holds.
pub(super) fn passed(observation: &Observation) -> String {
    match &observation.conclusion {
        Some(conclusion) => conclusion.text.to_string(),
        None => format!("as expected: {}; {}", events(&observation.events), ending(observation)),
    }
}

/// A text as a sentence: a capital letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
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
