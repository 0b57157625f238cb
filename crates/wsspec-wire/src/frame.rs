//! Frame headers, RFC 6455 section 5.2: any header that the octets can express.

use crate::mask::MaskingKey;
use crate::opcode::Opcode;

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
const LENGTH_BITS: u8 = 0x7F;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// The three reserved bits of a frame, RFC 6455 section 5.2.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Debug)]
pub struct Rsv(u8);

impl Rsv {
    /// No reserved bit set.
    pub const NONE: Self = Self(0);
    /// RSV1; permessage-deflate marks compressed messages with it (RFC 7692 section 7.2).
    pub const RSV1: Self = Self(4);
    /// RSV2.
    pub const RSV2: Self = Self(2);
    /// RSV3.
    pub const RSV3: Self = Self(1);

    /// Takes the low three bits: 4 is RSV1, 2 is RSV2, 1 is RSV3; the others are ignored.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0x07)
    }

    /// The bits as a number, 0 to 7.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all bits of `other` are set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no bit is set.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// How the payload length is written, RFC 6455 section 5.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum LengthForm {
    /// In the second octet; 0 to 125.
    Bits7,
    /// In two further octets, announced by 126.
    Bits16,
    /// In eight further octets, announced by 127.
    Bits64,
}

impl LengthForm {
    /// The shortest form that can hold `len`; senders must use it.
    #[must_use]
    pub const fn minimal(len: u64) -> Self {
        match len {
            0..=125 => Self::Bits7,
            126..=0xFFFF => Self::Bits16,
            _ => Self::Bits64,
        }
    }

    /// Octets behind the second octet of the header.
    const fn extra_octets(self) -> usize {
        match self {
            Self::Bits7 => 0,
            Self::Bits16 => 2,
            Self::Bits64 => 8,
        }
    }

    const fn of_second_octet(octet: u8) -> Self {
        match octet & LENGTH_BITS {
            LENGTH_16 => Self::Bits16,
            LENGTH_64 => Self::Bits64,
            _ => Self::Bits7,
        }
    }
}

/// The header of a frame: everything in front of the payload, RFC 6455 section 5.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Whether this is the last fragment of its message.
    pub fin: bool,
    /// The reserved bits.
    pub rsv: Rsv,
    /// The opcode.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked.
    pub mask: Option<MaskingKey>,
    /// The announced payload length in octets. Decoded values may exceed 2^63 - 1.
    pub length: u64,
    /// How the length is written.
    pub length_form: LengthForm,
}

impl FrameHeader {
    /// The longest header in octets.
    pub const MAX_LEN: usize = 14;

    /// An unmasked final frame without reserved bits and with the shortest length form.
    #[must_use]
    pub const fn new(opcode: Opcode, length: u64) -> Self {
        let length_form = LengthForm::minimal(length);
        Self { fin: true, rsv: Rsv::NONE, opcode, mask: None, length, length_form }
    }

    /// The length of the encoded header in octets, 2 to [`Self::MAX_LEN`].
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        2 + self.length_form.extra_octets() + if self.mask.is_some() { 4 } else { 0 }
    }

    /// Appends the encoded header to `out`.
    ///
    /// The length form is used as it is; a length too great for it is cut to its low bits.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len();
        // A copy of fixed length is faster than one of just the octets that count.
        out.extend_from_slice(&self.encode_number().to_be_bytes());
        out.truncate(end);
    }

    /// The encoded header without allocation: the octets and how many of them count. See [`Self::encode`].
    #[must_use]
    pub fn encode_array(&self) -> ([u8; Self::MAX_LEN], usize) {
        let mut octets = [0; Self::MAX_LEN];
        octets.copy_from_slice(&self.encode_number().to_be_bytes()[..Self::MAX_LEN]);
        (octets, self.encoded_len())
    }

    /// The encoded header as the most significant octets of a number.
    fn encode_number(&self) -> u128 {
        let fin = if self.fin { FIN } else { 0 };
        let mask = if self.mask.is_some() { MASK } else { 0 };
        let (short_length, long_length) = match self.length_form {
            LengthForm::Bits7 => (self.length as u8 & LENGTH_BITS, 0),
            LengthForm::Bits16 => (LENGTH_16, u128::from(self.length as u16) << 96),
            LengthForm::Bits64 => (LENGTH_64, u128::from(self.length) << 48),
        };
        let first_two = [fin | self.rsv.bits() << 4 | self.opcode.bits(), mask | short_length];
        let key = u32::from_be_bytes(self.mask.unwrap_or_default());
        u128::from(u16::from_be_bytes(first_two)) << 112
            | long_length
            | u128::from(key) << (80 - 8 * self.length_form.extra_octets())
    }

    /// Decodes the header at the start of `input`: the header and its length in octets.
    ///
    /// `None` means that more octets are needed; there is no octet string that is not a header.
    #[must_use]
    pub fn decode(input: &[u8]) -> Option<(Self, usize)> {
        let (&[first, second], rest) = input.split_first_chunk()?;
        let length_form = LengthForm::of_second_octet(second);
        let (length, rest) = match length_form {
            LengthForm::Bits7 => (u64::from(second & LENGTH_BITS), rest),
            LengthForm::Bits16 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            LengthForm::Bits64 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
        };
        let (mask, rest) = if second & MASK == 0 {
            (None, rest)
        } else {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(*key), rest)
        };
        let (rsv, opcode) = (Rsv::new(first >> 4), Opcode::new(first));
        let header = Self { fin: first & FIN != 0, rsv, opcode, mask, length, length_form };
        Some((header, input.len() - rest.len()))
    }

    /// Whether the length is written in the shortest form, as RFC 6455 section 5.2 demands.
    #[must_use]
    pub fn is_minimal(&self) -> bool {
        self.length_form == LengthForm::minimal(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(header: FrameHeader) -> Vec<u8> {
        let mut out = Vec::new();
        header.encode(&mut out);
        assert_eq!(out.len(), header.encoded_len());
        out
    }

    #[test]
    fn the_examples_of_rfc_6455_come_out() {
        let key = [0x37, 0xFA, 0x21, 0x3D];
        let text = FrameHeader::new(Opcode::TEXT, 5);
        assert_eq!(encoded(text), [0x81, 0x05]);
        assert_eq!(encoded(FrameHeader { mask: Some(key), ..text }), [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D]);
        let fragment = FrameHeader { fin: false, length: 3, ..text };
        assert_eq!(encoded(fragment), [0x01, 0x03]);
        assert_eq!(encoded(FrameHeader::new(Opcode::BINARY, 256)), [0x82, 0x7E, 0x01, 0x00]);
        let long = encoded(FrameHeader::new(Opcode::BINARY, 65536));
        assert_eq!(long, [0x82, 0x7F, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00]);
    }

    #[test]
    fn every_length_form_can_be_forced() {
        let forced = |length_form, length| {
            encoded(FrameHeader { length_form, length, ..FrameHeader::new(Opcode::PING, 0) })
        };
        assert_eq!(forced(LengthForm::Bits16, 5), [0x89, 0x7E, 0x00, 0x05]);
        assert_eq!(forced(LengthForm::Bits64, 5), [0x89, 0x7F, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(forced(LengthForm::Bits64, u64::MAX)[2..], [0xFF; 8]);
        assert_eq!(forced(LengthForm::Bits16, 0x1_2345), [0x89, 0x7E, 0x23, 0x45], "cut to 16 bits");
        assert_eq!(forced(LengthForm::Bits7, 0x83), [0x89, 0x03], "cut to 7 bits, the mask bit stays clear");
    }

    #[test]
    fn the_shortest_form_changes_at_126_and_65536() {
        for (length, form) in [
            (125, LengthForm::Bits7),
            (126, LengthForm::Bits16),
            (65535, LengthForm::Bits16),
            (65536, LengthForm::Bits64),
        ] {
            assert_eq!(LengthForm::minimal(length), form);
            assert!(FrameHeader::new(Opcode::TEXT, length).is_minimal());
        }
        let (wasteful, _) = FrameHeader::decode(&[0x82, 0x7E, 0x00, 0x7D]).unwrap();
        assert!(!wasteful.is_minimal());
    }

    #[test]
    fn reserved_bits_are_told_apart() {
        for (octet, rsv) in [(0xC1, Rsv::RSV1), (0xA1, Rsv::RSV2), (0x91, Rsv::RSV3), (0x81, Rsv::NONE)] {
            let (header, len) = FrameHeader::decode(&[octet, 0]).unwrap();
            assert_eq!((header.rsv, len), (rsv, 2));
        }
        assert!(Rsv::new(6).contains(Rsv::RSV2) && !Rsv::new(6).contains(Rsv::RSV3));
    }
}
