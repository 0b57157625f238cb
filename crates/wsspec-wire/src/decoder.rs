//! Splits a stream of octets into frames as they arrive, without ever keeping payload.

use crate::frame::FrameHeader;
use crate::mask::apply_mask;

/// What [`FrameDecoder::next`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token {
    /// A frame begins. Its header's last octet was the last octet consumed.
    Header(FrameHeader),
    /// A piece of the payload: the `len` octets at the start of the input, all consumed by this call and
    /// already unmasked in place if the frame is masked. Never empty.
    Payload {
        /// The length of the piece in octets.
        len: usize,
        /// How many octets of this payload came before.
        offset: u64,
    },
    /// The frame is complete. No octets are consumed.
    FrameEnd,
}

/// Splits a stream of octets into frames.
///
/// Every frame yields one [`Token::Header`], any number of [`Token::Payload`] and one [`Token::FrameEnd`].
/// At most one header (14 octets) is kept inside; payload stays in the caller's buffer.
///
/// ```
/// use wsspec_wire::{FrameDecoder, Token};
///
/// let mut octets = *b"\x81\x05Hello";
/// let mut decoder = FrameDecoder::new();
/// let mut rest = &mut octets[..];
/// let mut text = Vec::new();
/// while let (consumed, Some(token)) = decoder.next(rest) {
///     let (taken, after) = rest.split_at_mut(consumed);
///     if let Token::Payload { .. } = token {
///         text.extend_from_slice(taken);
///     }
///     rest = after;
/// }
/// assert_eq!(text, b"Hello");
/// ```
#[derive(Clone, Debug, Default)]
pub struct FrameDecoder {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The first `len` octets of a header have been seen.
    Header { octets: [u8; FrameHeader::MAX_LEN], len: usize },
    /// Inside a frame, `offset` octets of payload have been seen.
    Payload { header: FrameHeader, offset: u64 },
}

impl State {
    const START: Self = Self::Header { octets: [0; FrameHeader::MAX_LEN], len: 0 };
}

impl Default for State {
    fn default() -> Self {
        Self::START
    }
}

impl FrameDecoder {
    /// A decoder in front of the first octet of a frame.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next token from the start of `input`: how many octets were consumed, and the token.
    ///
    /// Call it again with the rest of the input until it returns no token; then all octets are consumed and
    /// more are needed.
    pub fn next(&mut self, input: &mut [u8]) -> (usize, Option<Token>) {
        match &mut self.state {
            State::Header { octets, len } => {
                let (consumed, header) = read_header(octets, len, input);
                if let Some(header) = header {
                    self.state = State::Payload { header, offset: 0 };
                }
                (consumed, header.map(Token::Header))
            }
            State::Payload { header, offset } if *offset == header.length => {
                self.state = State::START;
                (0, Some(Token::FrameEnd))
            }
            State::Payload { .. } if input.is_empty() => (0, None),
            State::Payload { header, offset } => {
                let (len, token) = read_payload(header, offset, input);
                (len, Some(token))
            }
        }
    }

    /// Whether the next octet begins a frame.
    #[must_use]
    pub fn is_at_frame_start(&self) -> bool {
        matches!(self.state, State::Header { len: 0, .. })
    }
}

/// Takes header octets from `input`, behind the `len` that are kept in `octets`.
fn read_header(
    octets: &mut [u8; FrameHeader::MAX_LEN],
    len: &mut usize,
    input: &[u8],
) -> (usize, Option<FrameHeader>) {
    if *len == 0
        && let Some((header, consumed)) = FrameHeader::decode(input)
    {
        return (consumed, Some(header));
    }
    let mut consumed = 0;
    for &octet in input {
        octets[*len] = octet;
        *len += 1;
        consumed += 1;
        if let Some((header, _)) = FrameHeader::decode(&octets[..*len]) {
            return (consumed, Some(header));
        }
    }
    (consumed, None)
}

/// Takes as much payload as `input` has; both are known not to be at their end.
fn read_payload(header: &FrameHeader, offset: &mut u64, input: &mut [u8]) -> (usize, Token) {
    let remaining = header.length - *offset;
    let len = usize::try_from(remaining).map_or(input.len(), |remaining| remaining.min(input.len()));
    if let Some(key) = header.mask {
        apply_mask(key, (*offset % 4) as usize, &mut input[..len]);
    }
    let token = Token::Payload { len, offset: *offset };
    *offset += len as u64;
    (len, token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opcode::Opcode;

    #[test]
    fn an_empty_frame_has_a_header_and_an_end() {
        let mut decoder = FrameDecoder::new();
        let header = FrameHeader::new(Opcode::PING, 0);
        assert_eq!(decoder.next(&mut [0x89, 0x00]), (2, Some(Token::Header(header))));
        assert_eq!(decoder.next(&mut []), (0, Some(Token::FrameEnd)));
        assert_eq!(decoder.next(&mut []), (0, None));
        assert!(decoder.is_at_frame_start());
    }

    #[test]
    fn payload_is_unmasked_at_its_offset() {
        let mut decoder = FrameDecoder::new();
        let mut octets = *b"\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58";
        assert_eq!(decoder.next(&mut octets[..9]).0, 6);
        assert_eq!(decoder.next(&mut octets[6..9]), (3, Some(Token::Payload { len: 3, offset: 0 })));
        assert_eq!(decoder.next(&mut octets[9..9]), (0, None));
        assert_eq!(decoder.next(&mut octets[9..]), (2, Some(Token::Payload { len: 2, offset: 3 })));
        assert_eq!(&octets[6..], b"Hello");
    }

    #[test]
    fn a_header_may_come_octet_by_octet() {
        let mut decoder = FrameDecoder::new();
        let header = FrameHeader { mask: Some([1, 2, 3, 4]), ..FrameHeader::new(Opcode::BINARY, 1 << 40) };
        let (mut octets, len) = header.encode_array();
        assert_eq!(len, FrameHeader::MAX_LEN);
        for octet in &mut octets[..13] {
            assert_eq!(decoder.next(std::slice::from_mut(octet)), (1, None));
            assert!(!decoder.is_at_frame_start());
        }
        assert_eq!(decoder.next(&mut octets[13..]), (1, Some(Token::Header(header))));
    }
}
