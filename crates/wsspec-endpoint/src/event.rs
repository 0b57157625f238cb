//! What an endpoint reports, and what it wants sent.

use bytes::Bytes;
use wsspec_wire::Opcode;

use crate::{DeflateAgreement, Violation};

/// Something that happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The opening handshake is done; messages can be sent.
    Open(Box<Opened>),
    /// A whole message was received.
    Message(Message),
    /// A Ping was received. It has been answered.
    Ping(Bytes),
    /// A Pong was received.
    Pong(Bytes),
    /// The peer's Close frame was received. It has been answered.
    CloseReceived {
        /// The status code, if the frame had one.
        code: Option<u16>,
        /// The reason, empty if the frame had none.
        reason: String,
    },
    /// The connection has ended. This is the last event.
    Closed(Box<Closed>),
}

/// What the opening handshake agreed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// The resource name that the client asked for.
    pub target: String,
    /// The subprotocol in use.
    pub subprotocol: Option<String>,
    /// The parameters of permessage-deflate, if it is in use.
    pub deflate: Option<DeflateAgreement>,
}

/// A message: text or binary. Text is always valid UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    opcode: Opcode,
    payload: Bytes,
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self { opcode: Opcode::TEXT, payload: Bytes::from(text.into().into_bytes()) }
    }

    /// A binary message.
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self { opcode: Opcode::BINARY, payload: payload.into() }
    }

    /// The caller has checked that a text is valid UTF-8.
    pub(crate) fn checked(opcode: Opcode, payload: Bytes) -> Self {
        Self { opcode, payload }
    }

    /// [`Opcode::TEXT`] or [`Opcode::BINARY`].
    pub fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// True for a text message.
    pub fn is_text(&self) -> bool {
        self.opcode == Opcode::TEXT
    }

    /// The text, if it is a text message.
    pub fn as_text(&self) -> Option<&str> {
        if self.is_text() { std::str::from_utf8(&self.payload).ok() } else { None }
    }

    /// The octets.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The octets.
    pub fn into_payload(self) -> Bytes {
        self.payload
    }
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// TCP ended after the closing handshake was complete (RFC 6455 section 7.1.4).
    pub clean: bool,
    /// Status code of the Close frame received, 1005 if it had none, 1006 if no Close frame was received
    /// (RFC 6455 section 7.1.5).
    pub code: u16,
    /// Reason in the Close frame received (RFC 6455 section 7.1.6).
    pub reason: String,
    /// Status code of the Close frame sent, 1005 if it had none, 1006 if no Close frame was sent.
    pub sent_code: u16,
    /// The rule that the peer broke, if this endpoint failed the connection.
    pub violation: Option<Violation>,
    /// The timer that ran out, if one ended the connection.
    pub timed_out: Option<Timer>,
}

/// The timers that can end a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The opening handshake took too long.
    Handshake,
    /// The peer did not answer the Close frame.
    Close,
    /// The peer did not end TCP.
    TcpClose,
    /// Nothing was received after a Ping.
    Pong,
}

/// What the caller is asked to do with the TCP connection, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transmit {
    /// Write these octets.
    Octets(Bytes),
    /// Send FIN and keep reading until the peer's FIN, so that the peer can read what was sent: a socket
    /// closed with unread input would answer it with RST (RFC 6455 section 7.1.1).
    CloseTcp,
    /// Drop the connection with RST.
    Abort,
}

/// How the peer's side of TCP ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// FIN: orderly end of the stream.
    Fin,
    /// RST, or any other error.
    Reset,
}
