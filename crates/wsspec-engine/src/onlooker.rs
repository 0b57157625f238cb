//! A connection that is only watched, such as that of a proxy to the server behind it: nothing is judged.

use wsspec_wire::{FrameDecoder, FrameHeader, HeadBuffer, HeadProgress, RequestHead, ResponseHead, Token};

use crate::Time;
use crate::observation::TcpEnd;
use crate::wire_log::{Direction, LogBook, LogKind, Snippet, Snipping, WireLog};

/// The longest head that is kept, in octets.
const LONGEST_HEAD: usize = 16 * 1024;

/// Looks at a connection from the side of its server, and takes down what a case takes down of its own: octets, frames,
/// the end of TCP. Whatever flows, its size is bounded.
#[derive(Debug)]
pub struct Onlooker {
    request: Stream,
    response: Stream,
    log: LogBook,
    ended: bool,
}

/// What was seen of a connection.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The octets of the request head, cut at 16 KiB.
    pub request: Vec<u8>,
    /// The octets of the response head, cut at 16 KiB.
    pub response: Vec<u8>,
    /// What happened, from the side of the server.
    pub log: WireLog,
}

/// One direction of a connection.
#[derive(Debug)]
struct Stream {
    head: HeadBuffer,
    state: State,
    decoder: FrameDecoder,
    frame: Option<(FrameHeader, Snipping)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Frames,
    /// What comes is no WebSocket.
    Opaque,
}

impl Default for Onlooker {
    fn default() -> Self {
        Self { request: Stream::new(), response: Stream::new(), log: LogBook::default(), ended: false }
    }
}

impl Onlooker {
    /// Octets that the server received (`Rx`) or sent (`Tx`).
    pub fn octets(&mut self, direction: Direction, octets: &[u8], now: Time) {
        let data = Snippet::of(octets);
        self.log.push(now, LogKind::Octets { direction, data, sync: false });
        let rest = match direction {
            Direction::Rx => self.request.head(octets, |head| !RequestHead::parse(head).method.is_empty()),
            Direction::Tx => self.response.head(octets, |head| ResponseHead::parse(head).status == Some(101)),
        };
        let stream = if direction == Direction::Rx { &mut self.request } else { &mut self.response };
        if stream.state == State::Frames && rest < octets.len() {
            stream.frames(&mut octets[rest..].to_vec(), |header, payload| {
                let (unit, chop, sync) = (None, None, false);
                self.log.push(now, LogKind::Frame { direction, header, payload, unit, chop, sync });
            });
        }
    }

    /// TCP ended; only the first time counts. `Tester` is the side of the server.
    pub fn end(&mut self, how: TcpEnd, now: Time) {
        if !self.ended {
            self.ended = true;
            self.log.push(now, LogKind::TcpEnd(how));
        }
    }

    /// The `Sec-WebSocket-Key` of the request, if it has come.
    pub fn key(&self) -> Option<Vec<u8>> {
        let head = RequestHead::parse(self.request.head.octets());
        head.headers.get("Sec-WebSocket-Key").map(<[u8]>::to_vec)
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        Seen {
            request: self.request.head.octets().to_vec(),
            response: self.response.head.octets().to_vec(),
            log: WireLog::from(self.log.clone()),
        }
    }
}

impl Stream {
    fn new() -> Self {
        let head = HeadBuffer::new(LONGEST_HEAD);
        Self { head, state: State::Head, decoder: FrameDecoder::new(), frame: None }
    }

    /// Takes what belongs to the head: how many octets that are. Frames follow if the head is as it has to be.
    fn head(&mut self, octets: &[u8], opens: impl FnOnce(&[u8]) -> bool) -> usize {
        if self.state != State::Head {
            return 0;
        }
        match self.head.feed(octets) {
            HeadProgress::Incomplete => octets.len(),
            HeadProgress::TooLarge => {
                self.state = State::Opaque;
                octets.len()
            }
            HeadProgress::Complete { consumed } => {
                self.state = if opens(self.head.octets()) { State::Frames } else { State::Opaque };
                consumed
            }
        }
    }

    /// Tells of every frame that comes to its end.
    fn frames(&mut self, octets: &mut [u8], mut tell: impl FnMut(FrameHeader, Snippet)) {
        let mut rest = octets;
        while let (taken, Some(token)) = self.decoder.next(rest) {
            match token {
                Token::Header(header) => self.frame = Some((header, Snipping::new(header.length, true))),
                Token::Payload { len, .. } => {
                    if let Some((_, payload)) = &mut self.frame {
                        payload.add(&rest[..len]);
                    }
                }
                Token::FrameEnd => {
                    if let Some((header, payload)) = self.frame.take() {
                        tell(header, payload.finish());
                    }
                }
            }
            rest = &mut rest[taken..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: abc\r\n\r\n";

    fn kinds(seen: &Seen) -> Vec<String> {
        let kind = |kind: &LogKind| match kind {
            LogKind::Octets { direction, data, .. } => format!("{direction:?} {}", data.len),
            LogKind::Frame { direction, payload, .. } => {
                format!("{direction:?} frame {}", String::from_utf8_lossy(&payload.kept))
            }
            LogKind::TcpEnd(how) => format!("{how:?}"),
            other => format!("{other:?}"),
        };
        seen.log.entries.iter().map(|entry| kind(&entry.kind)).collect()
    }

    #[test]
    fn frames_of_both_directions_are_told_however_they_are_cut() {
        let mut onlooker = Onlooker::default();
        let (first, second) = REQUEST.split_at(20);
        onlooker.octets(Direction::Rx, first, Time::ZERO);
        assert_eq!(onlooker.key(), None);
        // Hello, masked with zeros, begins in the read with the end of the head.
        onlooker.octets(Direction::Rx, &[second, b"\x81\x85\0\0\0\0He"].concat(), Time::ZERO);
        onlooker.octets(Direction::Tx, b"HTTP/1.1 101 x\r\n\r\n\x89\x01x", Time::ZERO);
        onlooker.octets(Direction::Rx, b"llo", Time::ZERO);
        onlooker.end(TcpEnd::PeerFin, Time::ZERO);
        onlooker.end(TcpEnd::Tester, Time::ZERO);
        assert_eq!(onlooker.key(), Some(b"abc".to_vec()));
        let expected = ["Rx 20", "Rx 30", "Tx 21", "Tx frame x", "Rx 3", "Rx frame Hello", "PeerFin"];
        assert_eq!(kinds(&onlooker.seen()), expected);
    }

    #[test]
    fn a_refusal_and_a_head_without_end_hold_no_frames() {
        let mut onlooker = Onlooker::default();
        onlooker.octets(Direction::Tx, b"HTTP/1.1 400 x\r\n\r\n\x81\x01x", Time::ZERO);
        onlooker.octets(Direction::Rx, &vec![b'a'; LONGEST_HEAD + 1], Time::ZERO);
        onlooker.octets(Direction::Rx, b"\r\n\r\n\x81\x01x", Time::ZERO);
        assert_eq!(kinds(&onlooker.seen()), ["Tx 21", "Rx 16385", "Rx 7"]);
        (0..10_000).for_each(|_| onlooker.octets(Direction::Rx, b"x", Time::ZERO));
        assert_eq!(onlooker.seen().log.entries.len(), 2 * WireLog::KEPT);
    }
}
