use std::time::Duration;

use bytes::Bytes;
use wsspec_wire::{LengthForm, MaskingKey, Opcode, Rsv};

use crate::data::Window;

/// What the tester does next. Steps happen in order, as soon as the connection is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Send one frame, lawful or not.
    Send(FrameSpec),
    /// Send a message, in one frame or in fragments.
    SendMessage(MessageSpec),
    /// More payload of the frame whose header was sent last; the masking key goes on where it stood.
    Data(Payload),
    /// Octets as they are, masked by nobody.
    Octets(Bytes),
    /// Start the closing handshake (once; RFC 6455 7.1.2).
    Close(CloseSpec),
    /// Go on after that time, and record the event `Elapsed` if a tag is given.
    Wait {
        /// How long.
        duration: Duration,
        /// The name that the event gets.
        tag: Option<&'static str>,
    },
    /// Arm a timer and go on: when it fires and the connection is not closed, fail the connection.
    FailAfter(Duration),
    /// Arm a timer and go on: when it fires and the connection is not closed, send an empty Close frame.
    CloseAfter(Duration),
    /// The steps before wrote the tester's Close frame as mere octets, with this code: the closing handshake has
    /// begun.
    ClosingBegan(Option<u16>),
    /// Go on when this has come.
    Await(Await),
    /// Answer the last Ping that came.
    AnswerPing,
    /// Read nothing from here on: what the peer sends fills its buffers.
    StopReading,
    /// Read again.
    ResumeReading,
    /// Send FIN: nothing more will be sent, reading goes on.
    HalfClose,
    /// The closing handshake is complete: a server ends TCP, a client waits until the server has.
    EndByRole,
    /// End TCP, as a server does when the closing handshake is complete.
    EndTcp,
    /// Drop TCP with a RST.
    Reset,
}

/// Something that has to come before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Await {
    /// What has to come.
    pub what: Awaited,
    /// How long the tester waits for it. Then it fails the connection, or goes on.
    pub within: Duration,
    /// The next step follows also if nothing comes.
    pub perhaps: bool,
}

/// What a step can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The peer's Close frame.
    Close,
    /// A Ping.
    Ping,
    /// So many messages, counted from the open connection.
    Messages(u64),
    /// The peer's end of TCP.
    EndOfTcp,
}

/// One frame; every octet of it is a field, and every field has the lawful default.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameSpec {
    /// The opcode, 0 to 15.
    pub opcode: Opcode,
    /// FIN.
    pub fin: bool,
    /// RSV1 to RSV3.
    pub rsv: Rsv,
    /// Whether and with which key the payload is masked.
    pub mask: Masking,
    /// How the length is written.
    pub length: Length,
    /// What follows the header.
    pub payload: Payload,
    /// Hand the octets of the frame to the network that many at a time.
    pub chop: Option<usize>,
    /// Push every write on its own before the next.
    pub sync: bool,
    /// Hand over the header without its last octet together with what is left of the frame before, then that octet
    /// with the first of the payload, then the rest with what follows.
    pub torn: bool,
}

/// The masking of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// As the role of the tester asks: a client masks with a fresh key, a server does not (RFC 6455 5.1).
    ByRole,
    /// With this key, whatever the role.
    Key(MaskingKey),
    /// Not at all, whatever the role.
    None,
}

/// The length field of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The true length in the shortest form (RFC 6455 5.2).
    Minimal,
    /// The true length in this form.
    Form(LengthForm),
    /// This length, true or not, in this form.
    Claimed(LengthForm, u64),
}

/// A message, sent in one frame or in fragments.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSpec {
    /// Text or binary.
    pub opcode: Opcode,
    /// The payload before compression.
    pub payload: Payload,
    /// The size of the fragments in octets (of what goes on the wire); `None`: one frame.
    pub fragment: Option<usize>,
    /// Hand the octets of each frame to the network that many at a time.
    pub chop: Option<usize>,
    /// Compress if permessage-deflate was agreed.
    pub compress: bool,
    /// The payload is this window of a data set: its compressed form may be shared with other runs.
    pub window: Option<Window>,
}

/// The Close frame that starts the closing handshake. The body is free: it may be unlawful.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseSpec {
    /// The two octets of the code; `None`: they are not sent.
    pub code: Option<u16>,
    /// What follows the code.
    pub reason: Bytes,
}

/// Octets, written down or made when needed. Cloning is cheap.
#[derive(Clone, Debug)]
pub enum Payload {
    /// These octets.
    Bytes(Bytes),
    /// The unit, repeated and cut to the length.
    Repeat {
        /// What is repeated; not empty unless `len` is 0.
        unit: Bytes,
        /// The length in octets.
        len: usize,
    },
}

impl Payload {
    /// The length in octets.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Repeat { len, .. } => *len,
        }
    }

    /// Whether there is no octet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All octets in one piece.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Repeat { unit, len } => {
                let mut octets = unit.repeat(len.div_ceil(unit.len().max(1)));
                octets.truncate(*len);
                octets.into()
            }
        }
    }

    /// Whether the octets are exactly these.
    pub fn equals(&self, octets: &[u8]) -> bool {
        self.len() == octets.len() && self.begins_with(octets)
    }

    /// Where the octets begin to differ from these, as far as both reach.
    pub fn first_difference(&self, octets: &[u8]) -> Option<usize> {
        let octets = &octets[..octets.len().min(self.len())];
        if self.begins_with(octets) {
            return None;
        }
        let (Self::Bytes(unit) | Self::Repeat { unit, .. }) = self;
        octets.iter().zip(unit.iter().cycle()).position(|(theirs, ours)| theirs != ours)
    }

    /// The octets are no more than these. What repeats a unit is itself, moved on by that unit.
    fn begins_with(&self, octets: &[u8]) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.starts_with(octets),
            Self::Repeat { unit, .. } => {
                let (first, rest) = octets.split_at(unit.len().min(octets.len()));
                unit.starts_with(first) && octets.starts_with(rest)
            }
        }
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.equals(&other.to_bytes())
    }
}

impl<T: Into<Bytes>> From<T> for Payload {
    fn from(octets: T) -> Self {
        Self::Bytes(octets.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_unit_is_compared_without_being_written_out() {
        let payload = Payload::Repeat { unit: Bytes::from_static(b"abc"), len: 8 };
        assert_eq!(payload.to_bytes(), &b"abcabcab"[..]);
        assert_eq!(payload, Payload::from("abcabcab"));
        for other in ["", "abcabca", "abcabcabc", "abcabxab", "xbcabcab", "abcabcax"] {
            assert!(!payload.equals(other.as_bytes()), "{other}");
        }
        assert_eq!(payload.first_difference(b"abcabxab"), Some(5));
        assert_eq!(payload.first_difference(b"abc"), None, "as far as both reach");
        assert_eq!(Payload::from("abc").first_difference(b"abd"), Some(2));
        assert_eq!(Payload::Repeat { unit: Bytes::new(), len: 0 }.to_bytes(), Bytes::new());
    }
}
