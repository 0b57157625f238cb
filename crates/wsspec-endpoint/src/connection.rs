//! The connection: its state, what comes in, what goes out.

use std::collections::VecDeque;
use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::close::Closing;
use crate::commands::Commander;
use crate::deflate::Deflate;
use crate::handshake::Handshake;
use crate::keepalive::{Due, Keepalive};
use crate::outbox::Outbox;
use crate::receive::Incoming;
use crate::{ClientRequest, Config, End, Event, Time, Transmit};

/// Where a connection is in its life (RFC 6455 sections 4.1 and 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The opening handshake is not done.
    Connecting,
    /// Messages can be sent.
    Open,
    /// A Close frame was sent, or the connection has failed; TCP has not ended.
    Closing,
    /// TCP has ended.
    Closed,
}

/// What is to be done with what comes in.
#[derive(Debug)]
pub(crate) enum Phase {
    /// It belongs to the opening handshake.
    Handshake(Box<Handshake>),
    /// It is frames, which may be answered.
    Open,
    /// It is frames; this endpoint has sent its Close frame.
    CloseSent,
    /// It is ignored; a client waits for the server to drop TCP.
    AwaitingEnd,
    /// It is ignored; this endpoint has sent its FIN.
    Draining,
    /// Nothing can come.
    Closed,
}

impl Phase {
    pub(crate) fn receives_frames(&self) -> bool {
        matches!(self, Self::Open | Self::CloseSent)
    }
}

/// One end of a WebSocket connection.
///
/// It does no input or output and has no clock. The caller
///
/// 1. gives it what was read ([`handle_input`](Self::handle_input)), that reading ended
///    ([`handle_end`](Self::handle_end)), or that the time of [`poll_timeout`](Self::poll_timeout) has come
///    ([`handle_timeout`](Self::handle_timeout));
/// 2. takes events from [`poll_event`](Self::poll_event) until there are none, and reacts to them;
/// 3. does what [`poll_transmit`](Self::poll_transmit) says until it says nothing more;
///
/// and drops the TCP connection when [`state`](Self::state) is [`State::Closed`] and there is nothing left to
/// do. A caller that stops reading while [`buffered_amount`](Self::buffered_amount) is high bounds the memory
/// that a peer can make it use.
#[derive(Debug)]
pub struct Connection {
    pub(crate) config: Arc<Config>,
    pub(crate) phase: Phase,
    /// When the current phase must have ended.
    pub(crate) deadline: Option<Time>,
    pub(crate) keepalive: Keepalive,
    pub(crate) incoming: Incoming,
    pub(crate) outbox: Outbox,
    pub(crate) events: VecDeque<Event>,
    pub(crate) deflate: Option<Box<Deflate>>,
    /// Nothing, as long as nobody closes.
    pub(crate) closing: Option<Box<Closing>>,
    pub(crate) commander: Option<Box<Commander>>,
    /// Source of the nonce and the masking keys.
    keys: Option<Box<ChaCha12Rng>>,
}

impl Connection {
    /// A server, which waits for the opening request.
    pub fn server(config: impl Into<Arc<Config>>, now: Time) -> Self {
        let config = config.into();
        let handshake = Handshake::server(config.max_head_size);
        Self::new(config, Phase::Handshake(Box::new(handshake)), now)
    }

    /// A client, which begins with the opening request.
    ///
    /// A request that must not be sent ends the connection at once, with the violation
    /// [`InvalidRequest`](crate::InvalidRequest) and no octet sent.
    pub fn client(config: impl Into<Arc<Config>>, request: ClientRequest, now: Time) -> Self {
        let config = config.into();
        let handshake = Handshake::server(config.max_head_size);
        let mut connection = Self::new(config, Phase::Handshake(Box::new(handshake)), now);
        if let Err(invalid) = connection.start_client(request) {
            connection.withdraw(invalid.into());
        }
        connection
    }

    fn new(config: Arc<Config>, phase: Phase, now: Time) -> Self {
        Self {
            phase,
            deadline: Some(now.saturating_add(config.handshake_timeout)),
            keepalive: Keepalive::default(),
            incoming: Incoming::default(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            deflate: None,
            closing: None,
            commander: None,
            keys: None,
            config,
        }
    }

    /// Where the connection is in its life.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Handshake(_) => State::Connecting,
            Phase::Open => State::Open,
            Phase::CloseSent | Phase::AwaitingEnd | Phase::Draining => State::Closing,
            Phase::Closed => State::Closed,
        }
    }

    /// Octets that wait to be taken by [`poll_transmit`](Self::poll_transmit).
    pub fn buffered_amount(&self) -> usize {
        self.outbox.len()
    }

    /// Whether the rest of a compressed message is to come. To inflate what is there takes as long as a peer needs to
    /// send more.
    pub fn is_inflating(&self) -> bool {
        self.incoming.message.as_ref().is_some_and(|message| message.compressed)
    }

    /// Takes octets that were read.
    pub fn handle_input(&mut self, octets: &[u8], now: Time) {
        self.keepalive.heard(now);
        match self.phase {
            Phase::Handshake(_) => self.receive_head(octets, now),
            Phase::Open | Phase::CloseSent => self.receive(octets, now),
            Phase::AwaitingEnd | Phase::Draining => self.drain(octets),
            Phase::Closed => {}
        }
    }

    /// Takes note that nothing more can be read.
    pub fn handle_end(&mut self, how: End, _now: Time) {
        if !matches!(self.phase, Phase::Closed) {
            self.end(how);
        }
    }

    /// Takes note of the time. It is not an error to call this too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        if matches!(self.phase, Phase::Open) {
            match self.keepalive.due(&self.config, now) {
                Due::Nothing => {}
                Due::Ping => self.answer_silence(now),
                Due::GiveUp => self.give_up(now),
            }
        } else if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.time_out(now);
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() && self.events.capacity() > 0 {
            self.events = VecDeque::new();
        }
        event
    }

    /// The next thing to do with the TCP connection.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outbox.next()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.phase {
            Phase::Open => self.keepalive.deadline(&self.config),
            _ => self.deadline,
        }
    }

    /// The parameters of permessage-deflate, while the event that tells them was not taken.
    #[cfg(feature = "defects")]
    pub(crate) fn agreed_deflate(&self) -> Option<crate::DeflateAgreement> {
        self.events.iter().find_map(|event| match event {
            Event::Open(opened) => opened.deflate,
            _ => None,
        })
    }

    pub(crate) fn keys(&mut self) -> &mut ChaCha12Rng {
        let seed = self.config.seed;
        self.keys.get_or_insert_with(|| Box::new(ChaCha12Rng::from_seed(seed)))
    }

    /// Frees what is of no use after the last frame.
    pub(crate) fn release(&mut self) {
        self.incoming = Incoming::default();
        self.deflate = None;
    }

    fn answer_silence(&mut self, now: Time) {
        self.keepalive.pinged(now);
        // The connection is open and the payload short, so this cannot fail.
        let _ = self.ping(b"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    fn open_server(echo: bool) -> Connection {
        let mut server = Connection::server(Config { echo, ..Config::server([0; 32]) }, Time::ZERO);
        server.handle_input(REQUEST, Time::ZERO);
        settle(&mut server);
        server
    }

    fn settle(connection: &mut Connection) {
        while connection.poll_event().is_some() || connection.poll_transmit().is_some() {}
    }

    #[test]
    fn idle_connections_hold_next_to_nothing() {
        assert!(size_of::<Connection>() <= 320, "{}", size_of::<Connection>());
        for echo in [false, true] {
            let mut server = open_server(echo);
            server.handle_input(b"\x81\x85\0\0\0\0Hello\x89\x80\0\0\0\0", Time::ZERO);
            server.handle_input(b"\x01\x85\0\0\0\0Hel", Time::ZERO);
            server.handle_input(b"lo\x80\x80\0\0\0\0", Time::ZERO);
            settle(&mut server);
            assert!(matches!(server.phase, Phase::Open));
            assert_eq!(server.events.capacity(), 0);
            assert_eq!(server.outbox.memory(), 0);
            assert_eq!(server.incoming.memory(), 0);
            assert!(server.keys.is_none() && server.deflate.is_none());
        }
    }

    #[test]
    fn memory_is_set_aside_for_what_comes_not_for_what_is_announced() {
        let mut server = open_server(false);
        // A frame of 64 MiB is announced.
        server.handle_input(b"\x82\xff\0\0\0\0\x04\0\0\0\0\0\0\0", Time::ZERO);
        assert!(server.incoming.memory() <= 128 << 10);
        for kibibytes in 1..1024 {
            server.handle_input(&[0; 1024], Time::ZERO);
            assert!(server.incoming.memory() <= (kibibytes << 10) * 40 + (128 << 10));
        }
    }
}
