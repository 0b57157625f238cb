//! Conversations as they were recorded.

use std::time::Duration;

use wsspec_cases::{Case, Play, Step};
use wsspec_wire::{RequestHead, accept_key};

use super::{End, Move, Script};
use crate::explain::close_rule;
use crate::record::{CaseRecord, Dir, HandshakeRecord, Happening, Payload, Report, Role};

/// How long a script waits for the peer behind its last octet.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Where a server is if nothing else is known.
const ADDRESS: (&str, u16) = ("127.0.0.1", 9001);

impl Script {
    /// The octets of the record; none if it does not hold all of them.
    pub fn recorded(report: &Report, record: &CaseRecord, case: &Case) -> Option<Self> {
        let mut moves = recorded(record)?;
        if record.role == Role::Client {
            answer_any_key(&mut moves[0], record.handshake.request.kept());
        }
        let target = report.run.targets.iter().find(|target| target.agent == record.agent);
        let place = target.and_then(|target| place(target.url.as_deref()?));
        let (host, port, tls) = place.unwrap_or((ADDRESS.0.to_owned(), ADDRESS.1, false));
        Some(Self {
            name: format!("{} {}", case.id, case.slug),
            title: case.title.to_string(),
            expected: expected(case),
            origin: "as recorded".to_owned(),
            role: record.role,
            host,
            port,
            tls,
            redacted: record.handshake.redacted > 0,
            moves,
            end: end_of(case),
            patience: PATIENCE,
        })
    }
}

/// What should come back, line by line.
pub fn expected(case: &Case) -> Vec<String> {
    let mut lines = vec![case.expectation.to_string()];
    lines.extend(case.accepts.iter().map(|accept| format!("accepted: {accept}")));
    lines.push(format!("close: {}", close_rule(case)));
    lines
}

/// What the script of a case ends with.
fn end_of(case: &Case) -> End {
    let Play::Script(steps) = &case.play else { return End::Close };
    match steps.iter().rev().find(|step| matches!(step, Step::HalfClose | Step::Reset)) {
        Some(Step::HalfClose) => End::Fin,
        Some(_) => End::Reset,
        None => End::Close,
    }
}

/// Host, port and whether there is TLS, of an address of a record.
fn place(url: &str) -> Option<(String, u16, bool)> {
    let (scheme, rest) = url.split_once("://")?;
    let tls = scheme.eq_ignore_ascii_case("wss");
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None if tls => 443,
        None => 80,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port, tls))
}

/// Shorter gaps between writes are no pauses.
const PAUSE: Duration = Duration::from_millis(5);
/// Writes that have to reach the network on their own are so far apart.
const APART: Duration = Duration::from_millis(1);
/// Where a script puts the key that answers the key of its client.
const ACCEPT: &str = "@ACCEPT@";

/// What was sent, if the record holds all of it.
pub(super) fn recorded(record: &CaseRecord) -> Option<Vec<Move>> {
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
pub fn add(moves: &mut Vec<Move>, step: Move, sync: bool) {
    let alone = sync || step.listen || !step.pause.is_zero() || moves.len() < 2;
    match moves.last_mut() {
        Some(last) if !alone => last.octets.extend(step.octets),
        _ => moves.push(step),
    }
}

/// The pause before a write so long after what was before it; `sync`: it has to reach the network on its own.
pub fn pause(since: Duration, sync: bool) -> Duration {
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
pub fn head(record: &CaseRecord) -> &Payload {
    let HandshakeRecord { request, response, .. } = &record.handshake;
    if record.role == Role::Server { request } else { response }
}

/// A response that answers whatever key comes, if it answered this one.
pub fn answer_any_key(response: &mut Move, request: &[u8]) {
    let request = RequestHead::parse(request);
    let Some(key) = request.headers.get("Sec-WebSocket-Key") else { return };
    let accept = accept_key(key);
    let at = response.octets.windows(accept.len()).position(|part| part == accept.as_bytes());
    if let Some(at) = at {
        response.octets.splice(at..at + accept.len(), ACCEPT.bytes());
    }
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

    #[test]
    fn the_place_of_a_server_is_read_from_its_address() {
        let at = |url| place(url).map(|(host, port, tls)| format!("{host} {port} {tls}"));
        assert_eq!(at("ws://127.0.0.1:9001/echo").as_deref(), Some("127.0.0.1 9001 false"));
        assert_eq!(at("wss://u:p@[::1]/?a=b:c").as_deref(), Some("::1 443 true"));
        assert_eq!(at("ws://host").as_deref(), Some("host 80 false"));
        assert_eq!((at("host"), at("ws://:80")), (None, None));
    }
}
