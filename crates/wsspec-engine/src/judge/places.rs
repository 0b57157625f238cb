//! Where in the log that shows which a check found; where nothing came, what it was due for.

use wsspec_cases::{Expected, Footprint};
use wsspec_wire::{FrameHeader, Opcode};

use crate::observation::{NeverOpened, Observation, TcpEnd, TesterRole};
use crate::wire_log::{Direction, LogEntry, LogKind};

/// The event at this place, if it is there.
pub(super) fn event(observation: &Observation, at: usize) -> Option<usize> {
    let excess = at < observation.events.len() || observation.events_dropped > 0;
    let entry = observation.event_entries.get(at).copied().flatten();
    entry.or_else(|| {
        last(observation, |header| header.opcode != Opcode::CLOSE, Direction::Rx).filter(|_| excess)
    })
}

/// What was sent and not answered as was wanted at this place.
pub(super) fn unanswered(observation: &Observation, wanted: &[Expected], at: usize) -> Option<usize> {
    let asks = match wanted.get(at) {
        Some(Expected::Pong(_)) => |header: &FrameHeader| header.opcode == Opcode::PING,
        Some(Expected::Message { .. }) => |header: &FrameHeader| header.fin && !header.opcode.is_control(),
        Some(Expected::Elapsed(_)) | None => return ending(observation),
    };
    let same = |one: &&Expected| std::mem::discriminant(*one) == std::mem::discriminant(&wanted[at]);
    let earlier = wanted[..at].iter().filter(same).count();
    let entries = observation.log.entries.iter().enumerate();
    let mut sent = entries.filter(|(_, entry)| is_frame(entry, Direction::Tx, asks));
    let asked = sent.nth(earlier).map(|(entry, _)| entry).filter(|_| observation.log.dropped == 0);
    asked.or_else(|| last(observation, asks, Direction::Tx)).or_else(|| stimulus(observation))
}

/// What was sent last before either side began to end the connection.
pub(super) fn stimulus(observation: &Observation) -> Option<usize> {
    let entries = &observation.log.entries;
    let ends = |entry: &LogEntry| {
        let given_up = matches!(
            entry.kind,
            LogKind::FailTimerFired | LogKind::CloseTimerFired | LogKind::Failed(_) | LogKind::TcpEnd(_)
        );
        given_up || is_frame(entry, Direction::Rx, |header| header.opcode == Opcode::CLOSE)
    };
    let end = entries.iter().position(ends).unwrap_or(entries.len());
    let asks = |entry: &LogEntry| is_frame(entry, Direction::Tx, |header| header.opcode != Opcode::PONG);
    let sent = |entry: &LogEntry| is_frame(entry, Direction::Tx, |_| true);
    let before = entries[..end].iter().rposition(asks);
    // A case may be about a Pong.
    before.or_else(|| entries[..end].iter().rposition(sent)).or_else(|| entries.iter().rposition(asks))
}

/// How the peer ended the connection, or what it should have ended it for.
pub(super) fn ending(observation: &Observation) -> Option<usize> {
    let by_peer = matches!(observation.close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
    let tcp = || end_of_tcp(observation).filter(|_| by_peer);
    close_frame(observation).or_else(tcp).or_else(|| stimulus(observation))
}

/// When the tester had waited long enough, or what it had waited for. A peer that answers its Close frame then does what it
/// has to.
pub(super) fn given_up(observation: &Observation) -> Option<usize> {
    let fired = |entry: &LogEntry| matches!(entry.kind, LogKind::FailTimerFired | LogKind::CloseTimerFired);
    let timer = observation.log.entries.iter().position(fired);
    timer.or_else(|| stimulus(observation))
}

/// The peer's Close frame.
pub(super) fn close_frame(observation: &Observation) -> Option<usize> {
    last(observation, |header| header.opcode == Opcode::CLOSE, Direction::Rx)
}

/// The tester's Close frame.
pub(super) fn sent_close(observation: &Observation) -> Option<usize> {
    last(observation, |header| header.opcode == Opcode::CLOSE, Direction::Tx)
}

/// What came behind the peer's Close frame.
pub(super) fn behind_the_close(observation: &Observation) -> Option<usize> {
    let entries = &observation.log.entries;
    let first = |header: &FrameHeader| header.opcode == Opcode::CLOSE;
    let close = entries.iter().position(|entry| is_frame(entry, Direction::Rx, first))?;
    let wrong = |header: &FrameHeader| header.opcode == Opcode::CLOSE || !header.opcode.is_control();
    let next = entries[close + 1..].iter().position(|entry| is_frame(entry, Direction::Rx, wrong));
    Some(next.map_or(close, |next| close + 1 + next))
}

/// What a driver saw last before it decided: what came, or what was not answered. Where that was not recorded, the entry
/// that says so.
pub(super) fn conclusion(observation: &Observation) -> Option<usize> {
    if observation.ran_out {
        return given_up(observation);
    }
    let entries = &observation.log.entries;
    let is_close = |header: &FrameHeader| header.opcode == Opcode::CLOSE;
    let end = entries.iter().position(|entry| is_frame(entry, Direction::Tx, is_close));
    let end = end.unwrap_or(entries.len());
    let came = entries[..end].iter().rposition(|entry| is_frame(entry, Direction::Rx, |_| true));
    let quiet = entries[..end].iter().rposition(is_quiet).filter(|_| observation.close.closed_by_me);
    let silent = observation.close.was_close_handshake_timeout;
    came.max(quiet).filter(|_| !silent).or_else(|| ending(observation))
}

/// What the tester sent last.
pub(super) fn last_sent(observation: &Observation) -> Option<usize> {
    last(observation, |_| true, Direction::Tx)
}

/// The header that keeps a connection from being opened.
pub(super) fn wrong_header(why: &NeverOpened) -> Option<&'static str> {
    if let NeverOpened::Invalid(what) = why { what.header } else { None }
}

/// What keeps a connection from being opened: a line of the head of the peer, or how TCP ended before it was complete.
pub(super) fn never_opened(why: &NeverOpened, observation: &Observation) -> Option<usize> {
    match why {
        NeverOpened::TimedOut | NeverOpened::Dropped(_) => end_of_tcp(observation),
        NeverOpened::Status(_) | NeverOpened::NotHttp | NeverOpened::TooLarge => head(observation, None),
        NeverOpened::Invalid(what) => head(observation, what.header),
        NeverOpened::Unreachable(_) => None,
    }
}

/// The octets with this header of the peer's head, or with the first line. A header that is missing was due where the
/// head ends.
pub(super) fn head(observation: &Observation, header: Option<&str>) -> Option<usize> {
    let head = match observation.role {
        TesterRole::Client => &observation.handshake.response,
        TesterRole::Server => &observation.handshake.request,
    };
    let offset = header.map_or(0, |name| line_of(head, name).unwrap_or(head.len().saturating_sub(1)));
    let mut end = 0;
    let entries = observation.log.entries.iter();
    let mut chunks = entries.enumerate().filter_map(|(at, entry)| match &entry.kind {
        LogKind::Octets { direction: Direction::Rx, data, .. } => Some((at, data.len)),
        _ => None,
    });
    let holds = |&(_, len): &(usize, u64)| {
        end += len;
        end > offset as u64
    };
    chunks.find(holds).map(|(at, _)| at)
}

/// Where the line of a header begins.
fn line_of(head: &[u8], name: &str) -> Option<usize> {
    let is_it = |line: &[u8]| {
        let (start, end) = line.split_at(line.len().min(name.len()));
        start.eq_ignore_ascii_case(name.as_bytes()) && end.starts_with(b":")
    };
    let starts = head.windows(2).enumerate().filter(|(_, octets)| octets == b"\r\n").map(|(at, _)| at + 2);
    starts.into_iter().find(|&at| is_it(&head[at..]))
}

/// When the process of the peer was found to have taken too much: at the last octets that it had to keep, or when
/// all was over.
pub(crate) fn footprint(footprint: Footprint, observation: &Observation) -> Option<usize> {
    let over = end_of_tcp(observation);
    match footprint {
        Footprint::GrowsBy(_) => last_sent(observation).or(over),
        Footprint::ComesBack | Footprint::Told => over,
    }
}

/// Where the log of a case says that frames are not recorded, or how it ended: what shows where nothing else is left.
pub(super) fn otherwise(observation: &Observation) -> Option<usize> {
    let entries = &observation.log.entries;
    entries.iter().rposition(is_quiet).or_else(|| end_of_tcp(observation))
}

pub(super) fn end_of_tcp(observation: &Observation) -> Option<usize> {
    observation.log.entries.iter().rposition(|entry| matches!(entry.kind, LogKind::TcpEnd(_)))
}

fn is_quiet(entry: &LogEntry) -> bool {
    matches!(entry.kind, LogKind::Recording(false))
}

fn last(observation: &Observation, is_it: fn(&FrameHeader) -> bool, way: Direction) -> Option<usize> {
    observation.log.entries.iter().rposition(|entry| is_frame(entry, way, is_it))
}

fn is_frame(entry: &LogEntry, way: Direction, is_it: fn(&FrameHeader) -> bool) -> bool {
    matches!(&entry.kind, LogKind::Frame { direction, header, .. } if *direction == way && is_it(header))
}
