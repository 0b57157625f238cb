//! The built-in endpoint as a peer that fails no connection.

use std::time::Duration;

use wsspec_endpoint::{Connection, End, Transmit};
use wsspec_wire::{FrameDecoder, HeadBuffer, HeadProgress, Opcode, Token};

/// An endpoint that leaves unlawful octets unanswered where the strict one fails the connection: all that a case would
/// send is sent.
#[derive(Debug)]
pub(super) struct Patient {
    endpoint: Connection,
    /// The response of a server, until it is complete.
    head: Option<HeadBuffer>,
    frames: FrameDecoder,
    /// In the frame by which the connection is failed.
    in_close: bool,
}

impl Patient {
    pub(super) fn server(endpoint: Connection) -> Self {
        Self { head: Some(HeadBuffer::new(64 << 10)), ..Self::client(endpoint) }
    }

    /// A client whose request has been taken.
    pub(super) fn client(endpoint: Connection) -> Self {
        Self { endpoint, head: None, frames: FrameDecoder::new(), in_close: false }
    }

    pub(super) fn handle_input(&mut self, octets: &[u8], now: Duration) {
        self.endpoint.handle_input(octets, now);
        while self.endpoint.poll_event().is_some() {}
    }

    pub(super) fn handle_end(&mut self, how: End, now: Duration) {
        self.endpoint.handle_end(how, now);
        while self.endpoint.poll_event().is_some() {}
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
    }

    /// Its timers are of no use once it has failed the connection.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.endpoint.poll_timeout().filter(|_| !self.endpoint.has_failed())
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let failed = self.endpoint.has_failed();
            match transmit {
                Transmit::Octets(octets) => {
                    let kept = self.without_failure(&octets, failed);
                    if !kept.is_empty() {
                        return Some(Transmit::Octets(kept.into()));
                    }
                }
                end if !failed => return Some(end),
                _ => {}
            }
        }
        None
    }

    /// The octets, without those of the Close frame of an endpoint that has failed the connection.
    fn without_failure(&mut self, octets: &[u8], failed: bool) -> Vec<u8> {
        let start = self.end_of_head(octets);
        let mut kept = octets[..start].to_vec();
        let mut rest = &octets[start..];
        // The decoder unmasks in place.
        let mut copy = rest.to_vec();
        let mut input = copy.as_mut_slice();
        while let (taken, Some(token)) = self.frames.next(input) {
            if let Token::Header(header) = token {
                self.in_close = failed && header.opcode == Opcode::CLOSE;
            }
            if !self.in_close {
                kept.extend_from_slice(&rest[..taken]);
            }
            (rest, input) = (&rest[taken..], &mut input[taken..]);
        }
        kept
    }

    fn end_of_head(&mut self, octets: &[u8]) -> usize {
        match self.head.as_mut().map(|head| head.feed(octets)) {
            None => 0,
            Some(HeadProgress::Complete { consumed }) => {
                self.head = None;
                consumed
            }
            Some(_) => octets.len(),
        }
    }
}
