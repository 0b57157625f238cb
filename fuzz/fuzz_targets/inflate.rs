//! Messages are inflated to the same octets in any pieces and with any limit, which is never exceeded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsspec_fuzz::pieces;
use wsspec_wire::{InflateError, Inflater};

/// The most output of a message that is looked at.
const MOST: usize = 1 << 20;

/// Inflates a message, `limit` octets at a time: the output, and how the message ended.
fn inflate<'a>(
    inflater: &mut Inflater,
    pieces: impl Iterator<Item = &'a [u8]>,
    limit: usize,
) -> (Vec<u8>, Result<(), InflateError>) {
    let (mut all, mut out) = (Vec::new(), Vec::new());
    for mut piece in pieces {
        loop {
            let result = inflater.feed(piece, limit, &mut out);
            assert!(out.len() <= limit);
            all.append(&mut out);
            match result {
                Err(error) => return (all, Err(error)),
                Ok(_) if all.len() >= MOST => return (all, Ok(())),
                Ok(fed) if fed.limit_reached => piece = &piece[fed.consumed..],
                Ok(fed) => {
                    assert_eq!(fed.consumed, piece.len());
                    break;
                }
            }
        }
    }
    let result = inflater.finish_message(limit, &mut out);
    assert!(out.is_empty());
    (all, result.map(|inflated| assert!(!inflated.limit_reached)))
}

fuzz_target!(|input: (u16, &[u8], Vec<&[u8]>)| {
    let (limit, sizes, messages) = input;
    let mut at_once = Inflater::new(15).expect("15 window bits");
    let mut in_pieces = Inflater::new(8).expect("8 window bits");
    for message in messages {
        let (expected, end) = inflate(&mut at_once, [message].into_iter(), MOST);
        let limit = usize::from(limit).max(1);
        let (output, pieces_end) = inflate(&mut in_pieces, pieces(message, sizes), limit);
        assert_eq!(output[..output.len().min(MOST)], expected[..expected.len().min(MOST)]);
        if expected.len() >= MOST {
            return;
        }
        assert_eq!(pieces_end.is_ok(), end.is_ok());
        if end.is_err_and(|error| error != InflateError::MissingFlush) {
            return;
        }
    }
});
