//! The opening handshake (RFC 6455 section 4), as far as it concerns the connection.

mod client;
mod grammar;
mod server;

use rand_chacha::rand_core::Rng as _;
use wsspec_wire::{HeadBuffer, HeadProgress, encode_key};

use crate::commands::COMMANDS;
use crate::connection::{Connection, Phase};
use crate::deflate::Deflate;
use crate::{ClientRequest, Event, InvalidRequest, Opened, RequestViolation, ResponseViolation, Role, Time};

/// Interim responses that a client takes before the final one.
const MAX_INTERIM: u8 = 4;

/// A handshake that is not finished.
#[derive(Debug)]
pub(crate) struct Handshake {
    head: HeadBuffer,
    /// A client's request; a server has none.
    asked: Option<client::Asked>,
    interim: u8,
}

impl Handshake {
    pub(crate) fn server(max_head_size: usize) -> Self {
        Self { head: HeadBuffer::new(max_head_size), asked: None, interim: 0 }
    }
}

/// What the octets of a head amount to.
enum Head {
    Incomplete,
    TooLarge,
    Garbage,
    /// The head is complete after so many octets of the input.
    Complete(usize),
}

impl Handshake {
    fn feed(&mut self, octets: &[u8]) -> Head {
        let before = self.head.octets().len();
        let progress = self.head.feed(octets);
        if grammar::cannot_be_head(&self.head.octets()[before..]) {
            return Head::Garbage;
        }
        match progress {
            HeadProgress::Incomplete => Head::Incomplete,
            HeadProgress::TooLarge => Head::TooLarge,
            HeadProgress::Complete { consumed } => Head::Complete(consumed),
        }
    }
}

impl Connection {
    /// Queues the opening request.
    pub(crate) fn start_client(&mut self, request: ClientRequest) -> Result<(), InvalidRequest> {
        let mut nonce = [0; 16];
        self.keys().fill_bytes(&mut nonce);
        let key = encode_key(nonce);
        let octets = client::write(&request, &key, &self.config)?;
        self.outbox.tail().extend_from_slice(&octets);
        self.phase = Phase::Handshake(Box::new(Handshake {
            head: HeadBuffer::new(self.config.max_head_size),
            asked: Some(client::Asked::new(&key, request)),
            interim: 0,
        }));
        Ok(())
    }

    /// Takes octets of the head; what follows it in the same segment is already frames.
    pub(crate) fn receive_head(&mut self, octets: &[u8], now: Time) {
        let Phase::Handshake(handshake) = &mut self.phase else { return };
        let limit = self.config.max_head_size;
        match (handshake.feed(octets), self.config.role) {
            (Head::Incomplete, _) => {}
            (Head::Complete(consumed), Role::Server) => self.judge_request(&octets[consumed..], now),
            (Head::Complete(consumed), Role::Client) => self.judge_response(&octets[consumed..], now),
            (Head::TooLarge, Role::Server) => self.refuse(RequestViolation::TooLarge { limit }, now),
            (Head::TooLarge, Role::Client) => self.fail(ResponseViolation::TooLarge { limit }.into(), now),
            (Head::Garbage, Role::Server) => {
                self.refuse(RequestViolation::Malformed("control character"), now);
            }
            (Head::Garbage, Role::Client) => {
                self.fail(ResponseViolation::Malformed("control character").into(), now);
            }
        }
    }

    fn judge_request(&mut self, rest: &[u8], now: Time) {
        let Phase::Handshake(handshake) = &self.phase else { return };
        match server::judge(handshake.head.octets(), &self.config) {
            Ok(acceptance) => {
                self.outbox.tail().extend_from_slice(&acceptance.response);
                self.open(acceptance.opened, now);
                self.receive(rest, now);
            }
            Err(violation) => self.refuse(violation, now),
        }
    }

    /// Answers the opening request with an HTTP error, and ends the connection.
    pub(crate) fn refuse(&mut self, violation: RequestViolation, now: Time) {
        let Phase::Handshake(handshake) = &self.phase else { return };
        let response = server::write_refusal(&violation, handshake.head.octets());
        self.outbox.tail().extend_from_slice(&response);
        self.fail(violation.into(), now);
    }

    fn judge_response(&mut self, rest: &[u8], now: Time) {
        let Phase::Handshake(handshake) = &mut self.phase else { return };
        let Some(asked) = &handshake.asked else { return };
        match client::judge(handshake.head.octets(), asked, &self.config) {
            Ok(client::Verdict::Opened(opened)) => {
                self.open(opened, now);
                self.receive(rest, now);
            }
            Ok(client::Verdict::Interim) if handshake.interim < MAX_INTERIM => {
                handshake.interim += 1;
                handshake.head = HeadBuffer::new(self.config.max_head_size);
                self.receive_head(rest, now);
            }
            Ok(client::Verdict::Interim) => self.fail(ResponseViolation::TooManyInterim.into(), now),
            Err(violation) => self.fail(violation.into(), now),
        }
    }

    fn open(&mut self, opened: Opened, now: Time) {
        if let (Some(agreement), Some(config)) = (&opened.deflate, &self.config.deflate) {
            self.deflate = Some(Box::new(Deflate::new(self.config.role, agreement, config)));
        }
        if self.config.commands && opened.subprotocol.as_deref() == Some(COMMANDS) {
            self.take_commands();
        }
        self.phase = Phase::Open;
        self.deadline = None;
        self.keepalive.heard(now);
        self.events.push_back(Event::Open(Box::new(opened)));
    }
}
