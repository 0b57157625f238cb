//! The four-bit opcode of a frame, RFC 6455 section 5.2.

use std::fmt;

/// The four-bit opcode of a frame (RFC 6455 section 5.2), defined or reserved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(u8);

impl Opcode {
    /// A further fragment of a message.
    pub const CONTINUATION: Self = Self(0x0);
    /// The first or only fragment of a text message.
    pub const TEXT: Self = Self(0x1);
    /// The first or only fragment of a binary message.
    pub const BINARY: Self = Self(0x2);
    /// The closing handshake.
    pub const CLOSE: Self = Self(0x8);
    /// A request for a Pong.
    pub const PING: Self = Self(0x9);
    /// The answer to a Ping, or a heartbeat nobody asked for.
    pub const PONG: Self = Self(0xA);

    /// Takes the low four bits; the others are ignored.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0x0F)
    }

    /// The opcode as a number, 0 to 15.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether this is a control opcode, defined or reserved: 8 to 15.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 >= 0x8
    }

    /// Whether a frame with this opcode begins a message: text or binary.
    #[must_use]
    pub const fn is_data(self) -> bool {
        matches!(self, Self::TEXT | Self::BINARY)
    }

    /// Whether this is the opcode of a continuation frame.
    #[must_use]
    pub const fn is_continuation(self) -> bool {
        matches!(self, Self::CONTINUATION)
    }

    /// Whether RFC 6455 leaves this opcode undefined: 3 to 7 and 11 to 15.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.0, 0x3..=0x7 | 0xB..=0xF)
    }

    /// The name in RFC 6455 section 5.2, or `reserved`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CONTINUATION => "continuation",
            Self::TEXT => "text",
            Self::BINARY => "binary",
            Self::CLOSE => "close",
            Self::PING => "ping",
            Self::PONG => "pong",
            _ => "reserved",
        }
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opcode_has_exactly_one_kind() {
        for bits in 0..16 {
            let opcode = Opcode::new(bits);
            let defined_control = opcode.is_control() && !opcode.is_reserved();
            let kinds = [opcode.is_continuation(), opcode.is_data(), defined_control, opcode.is_reserved()];
            assert_eq!(kinds.iter().filter(|&&kind| kind).count(), 1, "{opcode:?}");
            assert_eq!(opcode.bits(), bits);
        }
    }

    #[test]
    fn high_bits_are_ignored_and_debug_names_the_number() {
        assert_eq!(Opcode::new(0x81), Opcode::TEXT);
        assert_eq!(format!("{:?} {:?}", Opcode::PONG, Opcode::new(11)), "pong (10) reserved (11)");
    }
}
