//! Conversations for stand-alone scripts: as they were recorded, or made again from case and seed.

mod patient;
mod played;

use std::time::Duration;

use wsspec_report::record::{CaseRecord, Dir, HandshakeRecord, Happening, Payload, Role};
use wsspec_report::repro::Move;
use wsspec_wire::{RequestHead, accept_key};

pub(crate) use played::play;

/// Shorter gaps between writes are no pauses.
pub(crate) const PAUSE: Duration = Duration::from_millis(5);
/// Writes that have to reach the network on their own are so far apart.
pub(crate) const APART: Duration = Duration::from_millis(1);
/// Where a script puts the key that answers the key of its client.
const ACCEPT: &str = "@ACCEPT@";

/// What was sent, if the record holds all of it.
pub(crate) fn recorded(record: &CaseRecord) -> Option<Vec<Move>> {
    if record.stats.dropped > 0 || record.measures.quiet {
        return None;
    }
    let mut moves: Vec<Move> = Vec::new();
    let (mut heard, mut last) = (false, 0);
    for line in &record.events {
        let Happening::Octets { dir, data, sync } = &line.what else { continue };
        let since = Duration::from_micros(line.us.saturating_sub(last));
        last = line.us;
        if *dir == Dir::Rx {
            heard = true;
            continue;
        }
        let octets =
            if moves.is_empty() { whole(head(record)).or_else(|| whole(data))? } else { whole(data)? };
        let pause = if moves.is_empty() { Duration::ZERO } else { pause(since, *sync) };
        add(&mut moves, Move { pause, listen: std::mem::take(&mut heard), octets }, *sync);
    }
    (!moves.is_empty()).then_some(moves)
}

/// Adds a move, to the last one if nothing was between them. The head of the opening handshake stays alone.
fn add(moves: &mut Vec<Move>, step: Move, sync: bool) {
    let alone = sync || step.listen || !step.pause.is_zero() || moves.len() < 2;
    match moves.last_mut() {
        Some(last) if !alone => last.octets.extend(step.octets),
        _ => moves.push(step),
    }
}

fn pause(since: Duration, sync: bool) -> Duration {
    match since {
        since if since >= PAUSE => since,
        _ if sync => APART,
        _ => Duration::ZERO,
    }
}

fn whole(payload: &Payload) -> Option<Vec<u8>> {
    (!payload.is_cut() && !payload.is_empty()).then(|| payload.kept().to_vec())
}

/// The head that the tester sent.
pub(crate) fn head(record: &CaseRecord) -> &Payload {
    let HandshakeRecord { request, response, .. } = &record.handshake;
    if record.role == Role::Server { request } else { response }
}

/// A response that answers whatever key comes, if it answered this one.
pub(crate) fn answer_any_key(response: &mut Move, request: &[u8]) {
    let request = RequestHead::parse(request);
    let Some(key) = request.headers.get("Sec-WebSocket-Key") else { return };
    let accept = accept_key(key);
    let at = response.octets.windows(accept.len()).position(|part| part == accept.as_bytes());
    if let Some(at) = at {
        response.octets.splice(at..at + accept.len(), ACCEPT.bytes());
    }
}

/// Whether the record, as far as it goes, says the same of the octets behind the head.
pub(crate) fn agrees(record: &CaseRecord, moves: &[Move]) -> bool {
    let made: Vec<u8> = moves.iter().skip(1).flat_map(|step| step.octets.iter().copied()).collect();
    let sent = record.events.iter().filter_map(|line| match &line.what {
        Happening::Octets { dir: Dir::Tx, data, .. } => Some(data),
        _ => None,
    });
    let mut at = 0;
    for data in sent.skip(1) {
        let end = made.len().min(at + data.kept().len());
        if made[at.min(end)..end] != *data.kept() {
            return false;
        }
        if data.is_cut() || record.stats.dropped > 0 {
            return true;
        }
        at = end;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_joined_unless_something_is_between() {
        let mut moves = Vec::new();
        let step = |octets: &[u8]| Move { octets: octets.to_vec(), ..Move::default() };
        for octets in [&b"head"[..], b"a", b"b"] {
            add(&mut moves, step(octets), false);
        }
        add(&mut moves, Move { listen: true, ..step(b"c") }, false);
        add(&mut moves, Move { pause: APART, ..step(b"d") }, true);
        let octets: Vec<&[u8]> = moves.iter().map(|step| step.octets.as_slice()).collect();
        assert_eq!(octets, [&b"head"[..], b"ab", b"c", b"d"]);
    }

    #[test]
    fn the_accept_key_is_left_open() {
        let request = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let mut response =
            Move { octets: b"x: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n".to_vec(), ..Move::default() };
        answer_any_key(&mut response, request);
        assert_eq!(response.octets, b"x: @ACCEPT@\r\n");
        answer_any_key(&mut response, b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(response.octets, b"x: @ACCEPT@\r\n");
    }
}
