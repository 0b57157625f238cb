//! The vocabulary of the case files: nouns are functions, modifiers are methods.
//!
//! `text("Hello").rsv(2)` is a frame, `close(1000)` starts the closing handshake, `message("Hello")` is an
//! event that an accepted outcome names, `peer_fails([1002])` says how the connection has to end. Nothing
//! here refuses anything: every frame can be written down, lawful or not.

use std::time::Duration;

use bytes::Bytes;
use wsspec_wire::{LengthForm, Opcode, Rsv};

use crate::close_rule::{CloseRule, FirstToClose};
use crate::event::Expected;
use crate::step::{CloseSpec, FrameSpec, Length, Masking, MessageSpec, Payload, Step};

/// A Text frame, the whole of its message.
pub fn text(payload: impl Into<Payload>) -> FrameSpec {
    FrameSpec::new(Opcode::TEXT, payload)
}

/// A Binary frame, the whole of its message.
pub fn binary(payload: impl Into<Payload>) -> FrameSpec {
    FrameSpec::new(Opcode::BINARY, payload)
}

/// A Continuation frame, the last of its message.
pub fn continuation(payload: impl Into<Payload>) -> FrameSpec {
    FrameSpec::new(Opcode::CONTINUATION, payload)
}

/// A Ping.
pub fn ping(payload: impl Into<Payload>) -> FrameSpec {
    FrameSpec::new(Opcode::PING, payload)
}

/// A Pong.
pub fn pong(payload: impl Into<Payload>) -> FrameSpec {
    FrameSpec::new(Opcode::PONG, payload)
}

/// A Close frame outside the closing handshake: a mere frame with opcode 8.
pub fn close_frame(payload: impl Into<Payload>) -> FrameSpec {
    FrameSpec::new(Opcode::CLOSE, payload)
}

/// A frame with any opcode; the low four bits count.
pub fn frame(opcode: u8, payload: impl Into<Payload>) -> FrameSpec {
    FrameSpec::new(Opcode::new(opcode), payload)
}

/// The unit, repeated and cut to `len` octets.
pub fn repeat(unit: &'static [u8], len: usize) -> Payload {
    Payload::Repeat { unit: Bytes::from_static(unit), len }
}

/// The octets 0 to 250, repeated and cut to `len` octets: no buffer has a multiple of that size, so that what
/// gets out of place is seen.
pub fn counting(len: usize) -> Payload {
    static UNIT: [u8; 251] = {
        let mut unit = [0; 251];
        let mut n = 0;
        while n < unit.len() {
            unit[n] = n as u8;
            n += 1;
        }
        unit
    };
    repeat(&UNIT, len)
}

/// The start of the closing handshake, with this code.
pub fn close(code: u16) -> CloseSpec {
    CloseSpec { code: Some(code), reason: Bytes::new() }
}

/// The start of the closing handshake, without a code.
pub fn close_without_code() -> CloseSpec {
    CloseSpec::default()
}

/// Whole seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Thousandths of a second.
pub const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A text message came.
pub fn message(payload: impl Into<Payload>) -> Expected {
    Expected::Message { binary: false, payload: payload.into() }
}

/// A binary message came.
pub fn binary_message(payload: impl Into<Payload>) -> Expected {
    Expected::Message { binary: true, payload: payload.into() }
}

/// A Pong came.
pub fn ponged(payload: impl Into<Payload>) -> Expected {
    Expected::Pong(payload.into())
}

/// The wait with this tag ran out.
pub fn elapsed(tag: &'static str) -> Expected {
    Expected::Elapsed(tag)
}

/// The tester starts the closing handshake, and it ends cleanly. The peer may close with these codes.
pub fn we_close(codes: impl Into<Vec<u16>>) -> CloseRule {
    CloseRule::new(FirstToClose::Tester, codes.into())
}

/// The peer fails the connection, with one of these codes or none.
pub fn peer_fails(codes: impl Into<Vec<u16>>) -> CloseRule {
    CloseRule::new(FirstToClose::Peer, codes.into()).need_not_be_clean()
}

impl FrameSpec {
    /// A lawful frame, the last of its message.
    pub fn new(opcode: Opcode, payload: impl Into<Payload>) -> Self {
        Self {
            opcode,
            fin: true,
            rsv: Rsv::NONE,
            mask: Masking::ByRole,
            length: Length::Minimal,
            payload: payload.into(),
            chop: None,
            sync: false,
            torn: false,
        }
    }

    /// More fragments of the message follow: FIN is clear.
    pub fn not_final(mut self) -> Self {
        self.fin = false;
        self
    }

    /// The reserved bits as one number: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub fn rsv(mut self, bits: u8) -> Self {
        self.rsv = Rsv::new(bits);
        self
    }

    /// The header announces this length; the payload is only the beginning.
    pub fn announcing(mut self, length: u64) -> Self {
        self.length = Length::Claimed(LengthForm::minimal(length), length);
        self
    }

    /// The length is written in this form, the shortest one or not.
    pub fn length_in(mut self, form: LengthForm) -> Self {
        self.length = Length::Form(form);
        self
    }

    /// The header announces this length with 64 bits, all of them free; the payload is what it is.
    pub fn claiming(mut self, length: u64) -> Self {
        self.length = Length::Claimed(LengthForm::Bits64, length);
        self
    }

    /// Masked with this key, whoever the tester is.
    pub fn masked_with(mut self, key: [u8; 4]) -> Self {
        self.mask = Masking::Key(key);
        self
    }

    /// Not masked, whoever the tester is.
    pub fn unmasked(mut self) -> Self {
        self.mask = Masking::None;
        self
    }

    /// Hand the octets to the network that many at a time.
    pub fn chop(mut self, octets: usize) -> Self {
        self.chop = Some(octets);
        self
    }

    /// Cut one octet before and one behind the end of the header; the rest shares a write with what follows.
    pub fn torn(mut self) -> Self {
        self.torn = true;
        self
    }

    /// Push the frame onto the wire on its own before the next one.
    pub fn sync(mut self) -> Self {
        self.sync = true;
        self
    }

    /// A message with this payload: in one frame, unless the tester is told to fragment what it sends.
    pub fn as_message(self) -> MessageSpec {
        self.into()
    }

    /// A message with this payload, in frames of that many octets each.
    pub fn in_fragments_of(self, octets: usize) -> MessageSpec {
        MessageSpec { fragment: Some(octets), ..MessageSpec::from(self) }
    }
}

/// A message in one frame, unless the tester is told to fragment what it sends.
impl From<FrameSpec> for MessageSpec {
    fn from(frame: FrameSpec) -> Self {
        Self {
            opcode: frame.opcode,
            payload: frame.payload,
            fragment: None,
            chop: frame.chop,
            compress: true,
            window: None,
        }
    }
}

impl CloseSpec {
    /// What follows the code: text, or octets that are none.
    pub fn reason(mut self, octets: impl Into<Bytes>) -> Self {
        self.reason = octets.into();
        self
    }
}

impl From<FrameSpec> for Step {
    fn from(frame: FrameSpec) -> Self {
        Self::Send(frame)
    }
}

impl From<MessageSpec> for Step {
    fn from(message: MessageSpec) -> Self {
        Self::SendMessage(message)
    }
}

impl From<CloseSpec> for Step {
    fn from(close: CloseSpec) -> Self {
        Self::Close(close)
    }
}
