//! Where in the log that shows which a check found.

use wsspec_cases::Expected;
use wsspec_wire::{FrameHeader, Opcode};

use crate::observation::{Observation, TcpEnd};
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
    let before = entries[..end].iter().rposition(asks);
    before.or_else(|| entries.iter().rposition(asks))
}

/// How the peer ended the connection, or what it should have ended it for.
pub(super) fn ending(observation: &Observation) -> Option<usize> {
    let by_peer = matches!(observation.close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
    let tcp = || end_of_tcp(observation).filter(|_| by_peer);
    close_frame(observation).or_else(tcp).or_else(|| stimulus(observation))
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

/// What a driver saw last before it decided: what came, or what was not answered.
pub(super) fn conclusion(observation: &Observation) -> Option<usize> {
    let silent = observation.ran_out || observation.close.was_close_handshake_timeout;
    let entries = &observation.log.entries;
    let is_close = |header: &FrameHeader| header.opcode == Opcode::CLOSE;
    let end = entries.iter().position(|entry| is_frame(entry, Direction::Tx, is_close));
    let end = end.unwrap_or(entries.len());
    let came = entries[..end].iter().rposition(|entry| is_frame(entry, Direction::Rx, |_| true));
    came.filter(|_| !silent).or_else(|| ending(observation))
}

pub(super) fn end_of_tcp(observation: &Observation) -> Option<usize> {
    observation.log.entries.iter().rposition(|entry| matches!(entry.kind, LogKind::TcpEnd(_)))
}

fn last(observation: &Observation, is_it: fn(&FrameHeader) -> bool, way: Direction) -> Option<usize> {
    observation.log.entries.iter().rposition(|entry| is_frame(entry, way, is_it))
}

fn is_frame(entry: &LogEntry, way: Direction, is_it: fn(&FrameHeader) -> bool) -> bool {
    matches!(&entry.kind, LogKind::Frame { direction, header, .. } if *direction == way && is_it(header))
}
