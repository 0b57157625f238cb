//! Any cutting of the input gives the same frames, and every header is encoded as it came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsspec_fuzz::pieces;
use wsspec_wire::{FrameDecoder, FrameHeader, Token};

/// A frame, its payload so far, and whether it is complete.
type Frame = (FrameHeader, Vec<u8>, bool);

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut decoder = FrameDecoder::new();
    let mut frames: Vec<Frame> = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut rest = &mut piece[..];
        while let (consumed, Some(token)) = decoder.next(rest) {
            let (taken, after) = rest.split_at_mut(consumed);
            match (token, frames.last_mut()) {
                (Token::Header(header), _) => frames.push((header, Vec::new(), false)),
                (Token::Payload { len, offset }, Some((_, payload, false))) => {
                    assert_eq!((len, offset), (taken.len(), payload.len() as u64));
                    payload.extend_from_slice(taken);
                }
                (Token::FrameEnd, Some((header, payload, complete @ false))) => {
                    assert_eq!(header.length, payload.len() as u64);
                    *complete = true;
                }
                (token, frame) => panic!("{token:?} after {frame:?}"),
            }
            rest = after;
        }
    }
    frames
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let (sizes, octets) = input;
    let frames = decode([octets].into_iter());
    assert_eq!(decode(pieces(octets, sizes)), frames);
    let mut rest = octets;
    for (header, payload, _) in frames {
        let (encoded, len) = header.encode_array();
        assert_eq!(rest[..len], encoded[..len]);
        rest = &rest[len + payload.len()..];
    }
});
