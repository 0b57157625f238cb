//! Frames as the recorder sees them. It reads them itself, so that a fault of wsspec-wire cannot hide here.

use std::fmt;
use std::io::Read;

/// More than any case sends in one frame; memory is set aside only for what has arrived.
const PAYLOAD_LIMIT: u64 = 64 << 20;

/// A frame without its masking key.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    /// FIN, RSV1 to RSV3 and opcode.
    pub(super) first: u8,
    masked: bool,
    /// How many bits hold the length: 7, 16 or 64.
    length_bits: u8,
    length: u64,
    /// Unmasked; shorter than the length if the connection ended within it.
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// Reads the next frame; `None` where the connection ends (or times out) between frames or in a header.
    pub(super) fn read(input: &mut impl Read) -> Option<Self> {
        let [first, second] = array(input)?;
        let (length_bits, length) = match second & 0x7f {
            126 => (16, u64::from(u16::from_be_bytes(array(input)?))),
            127 => (64, u64::from_be_bytes(array(input)?)),
            length => (7, u64::from(length)),
        };
        let masked = second & 0x80 != 0;
        let key: [u8; 4] = if masked { array(input)? } else { [0; 4] };
        let mut payload = Vec::new();
        // An end or a time limit leaves what has arrived.
        let _ = input.take(length.min(PAYLOAD_LIMIT)).read_to_end(&mut payload);
        for (octet, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *octet ^= key;
        }
        Some(Self { first, masked, length_bits, length, payload })
    }

    /// FIN.
    pub(super) fn fin(&self) -> bool {
        self.first & 0x80 != 0
    }

    /// The opcode.
    pub(super) fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    /// Whether RSV1 to RSV3 are zero, the payload is all there, and a control frame has the form of one.
    pub(super) fn is_lawful(&self) -> bool {
        let whole = self.payload.len() as u64 == self.length;
        let control = self.opcode() >= 8;
        let known = matches!(self.opcode(), 0..=2 | 8..=10);
        whole && known && self.first & 0x70 == 0 && !(control && (!self.fin() || self.length > 125))
    }

    /// The octets of a frame with this first octet, masked if there is a key.
    pub(super) fn encode(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
        let mask_bit = if key.is_some() { 0x80 } else { 0 };
        let mut out = vec![first];
        match payload.len() {
            short @ 0..126 => out.push(mask_bit | short as u8),
            medium @ 126..0x1_0000 => {
                out.push(mask_bit | 126);
                out.extend((medium as u16).to_be_bytes());
            }
            long => {
                out.push(mask_bit | 127);
                out.extend((long as u64).to_be_bytes());
            }
        }
        out.extend(key.into_iter().flatten());
        let key = key.unwrap_or_default();
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key));
        out
    }
}

/// One line that is equal exactly if the octets are (long payloads: if their hashes are).
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = if self.masked { "masked" } else { "unmasked" };
        write!(f, "{:02x} {mask} {} bits: {} octets ", self.first, self.length_bits, self.length)?;
        if self.payload.len() as u64 != self.length {
            write!(f, "of which {} came ", self.payload.len())?;
        }
        if self.payload.len() > 125 {
            return write!(f, "hash {:016x}", fnv1a(&self.payload));
        }
        self.payload.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

fn fnv1a(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}

fn array<const N: usize>(input: &mut impl Read) -> Option<[u8; N]> {
    let mut octets = [0; N];
    input.read_exact(&mut octets).ok().map(|()| octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_frame_reads_as_its_payload() {
        let octets = Frame::encode(0x81, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(octets, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]); // RFC 6455, 5.7
        let frame = Frame::read(&mut octets.as_slice()).unwrap();
        assert_eq!(frame.to_string(), "81 masked 7 bits: 5 octets 48656c6c6f");
        assert!(frame.is_lawful());
    }

    #[test]
    fn what_is_cut_off_shows_as_such() {
        let octets = Frame::encode(0x82, &[7; 300], None);
        let frame = Frame::read(&mut &octets[..10]).unwrap();
        assert_eq!(frame.to_string(), "82 unmasked 16 bits: 300 octets of which 6 came 070707070707");
        assert!(!frame.is_lawful());
        assert_eq!(Frame::read(&mut &octets[..3]), None);
    }

    #[test]
    fn a_longer_form_than_needed_is_seen() {
        let frame = Frame::read(&mut [0x89, 126, 0, 1, 0x61].as_slice()).unwrap();
        assert_eq!(frame.to_string(), "89 unmasked 16 bits: 1 octets 61");
    }

    #[test]
    fn one_octet_changes_the_hash() {
        let mut payload = vec![0; 70_000];
        let before = Frame::read(&mut Frame::encode(0x82, &payload, None).as_slice()).unwrap().to_string();
        payload[69_999] = 1;
        let after = Frame::read(&mut Frame::encode(0x82, &payload, None).as_slice()).unwrap().to_string();
        assert_ne!(before, after);
    }
}
