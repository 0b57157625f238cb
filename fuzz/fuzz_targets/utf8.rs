//! The verdict is that of the standard library, and the offending octet is the same in any pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsspec_fuzz::pieces;
use wsspec_wire::{InvalidUtf8, Utf8Validator};

fn validate<'a>(mut pieces: impl Iterator<Item = &'a [u8]>) -> Result<(), InvalidUtf8> {
    let mut validator = Utf8Validator::new();
    pieces.try_for_each(|piece| validator.feed(piece))?;
    validator.finish()
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let (sizes, text) = input;
    let verdict = validate([text].into_iter());
    assert_eq!(verdict.is_ok(), std::str::from_utf8(text).is_ok());
    assert_eq!(validate(pieces(text, sizes)), verdict);
    assert_eq!(validate(text.chunks(1)), verdict);
    if let Err(error) = verdict {
        let before = &text[..error.offset as usize];
        let may_go_on =
            std::str::from_utf8(before).map_or_else(|error| error.error_len().is_none(), |_| true);
        assert!(may_go_on, "an earlier octet was the offending one");
    }
});
