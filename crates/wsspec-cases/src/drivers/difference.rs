use std::fmt;

use wsspec_wire::Opcode;

use crate::event::Received;
use crate::step::MessageSpec;

/// In what an echo differs from its message: the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Text came back as binary, or binary as text.
    Type { came_binary: bool },
    /// More octets came back, or fewer.
    Length { sent: usize, came: u64 },
    /// Other octets, from this one on.
    Content { from: usize },
}

impl Difference {
    /// Compares what was sent with what came.
    pub(super) fn between(sent: &MessageSpec, binary: bool, echo: &Received) -> Option<Self> {
        let len = sent.payload.len();
        if binary != (sent.opcode == Opcode::BINARY) {
            Some(Self::Type { came_binary: binary })
        } else if echo.len != len as u64 {
            Some(Self::Length { sent: len, came: echo.len })
        } else {
            sent.payload.first_difference(&echo.kept).map(|from| Self::Content { from })
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { came_binary: true } => write!(f, "a binary message came back instead of text"),
            Self::Type { came_binary: false } => write!(f, "a text message came back instead of binary"),
            Self::Length { sent, came } => write!(f, "{came} octets came back instead of {sent}"),
            Self::Content { from } => write!(f, "what came back differs from octet {from} on"),
        }
    }
}
