use bytes::Bytes;

use crate::step::Payload;

/// Something that happened while a case ran and that its outcome is judged by.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A whole message came (after reassembly and inflation).
    Message {
        /// Binary or text.
        binary: bool,
        /// What came.
        payload: Received,
    },
    /// A Pong came.
    Pong(Received),
    /// A [`Step::Wait`](crate::Step::Wait) with a tag ran out.
    Elapsed(&'static str),
}

/// Octets that came from the peer, kept up to a bound so that memory is bounded whatever is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The first octets, all of them if `kept.len() == len`.
    pub kept: Bytes,
    /// How many came.
    pub len: u64,
}

impl Received {
    /// Whether nothing was cut off.
    pub fn is_whole(&self) -> bool {
        self.kept.len() as u64 == self.len
    }
}

impl From<Bytes> for Received {
    fn from(kept: Bytes) -> Self {
        let len = kept.len() as u64;
        Self { kept, len }
    }
}

/// An event that an accepted outcome names.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// This message, exactly.
    Message {
        /// Binary or text.
        binary: bool,
        /// The content.
        payload: Payload,
    },
    /// A Pong with this payload.
    Pong(Payload),
    /// The wait with this tag ran out.
    Elapsed(&'static str),
}

impl Expected {
    /// Whether it is a Pong.
    pub const fn is_pong(&self) -> bool {
        matches!(self, Self::Pong(_))
    }

    /// How many octets of payload have to be seen to tell whether it came.
    pub fn len(&self) -> usize {
        match self {
            Self::Message { payload, .. } | Self::Pong(payload) => payload.len(),
            Self::Elapsed(_) => 0,
        }
    }

    /// Whether there is no payload.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the event is the expected one, to the octet.
    pub fn matches(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::Message { binary, payload }, Event::Message { binary: got, payload: received }) => {
                binary == got && received.is_whole() && payload.equals(&received.kept)
            }
            (Self::Pong(payload), Event::Pong(received)) => {
                received.is_whole() && payload.equals(&received.kept)
            }
            (Self::Elapsed(tag), Event::Elapsed(got)) => tag == got,
            _ => false,
        }
    }
}
