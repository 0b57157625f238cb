//! Text: the streaming validator agrees with an octet-wise machine, whatever the pieces.

mod support;

use proptest::prelude::*;
use support::{chop, cuts};
use wsspec_wire::Utf8Validator;

/// What may follow: the ranges of table 3-7 of the Unicode standard, octet by octet.
#[derive(Clone, Copy, PartialEq)]
enum Machine {
    Start,
    /// One octet in this range, and then so many more continuation octets.
    Expect {
        low: u8,
        high: u8,
        then: u8,
    },
}

impl Machine {
    fn step(self, octet: u8) -> Option<Self> {
        let expect = |low, high, then| Some(Self::Expect { low, high, then });
        match self {
            Self::Expect { low, high, then } if (low..=high).contains(&octet) => match then {
                0 => Some(Self::Start),
                _ => expect(0x80, 0xBF, then - 1),
            },
            Self::Expect { .. } => None,
            Self::Start => match octet {
                0x00..=0x7F => Some(Self::Start),
                0xC2..=0xDF => expect(0x80, 0xBF, 0),
                0xE0 => expect(0xA0, 0xBF, 1),
                0xED => expect(0x80, 0x9F, 1),
                0xE1..=0xEF => expect(0x80, 0xBF, 1),
                0xF0 => expect(0x90, 0xBF, 2),
                0xF1..=0xF3 => expect(0x80, 0xBF, 2),
                0xF4 => expect(0x80, 0x8F, 2),
                _ => None,
            },
        }
    }
}

/// The index of the offending octet, or the end of a text cut inside a sequence.
fn offender(text: &[u8]) -> Option<u64> {
    let mut machine = Machine::Start;
    for (index, &octet) in text.iter().enumerate() {
        match machine.step(octet) {
            Some(next) => machine = next,
            None => return Some(index as u64),
        }
    }
    (machine != Machine::Start).then_some(text.len() as u64)
}

/// Feeds the pieces; an error must come with the piece that has the offending octet.
fn validate<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<u64> {
    let mut validator = Utf8Validator::new();
    let mut fed = 0;
    for piece in pieces {
        let so_far = fed..fed + piece.len() as u64;
        fed = so_far.end;
        if let Err(error) = validator.feed(piece) {
            assert!(so_far.contains(&error.offset), "{} found in {so_far:?}", error.offset);
            assert_eq!(validator.finish(), Err(error));
            return Some(error.offset);
        }
    }
    validator.finish().err().map(|error| error.offset)
}

/// Mostly UTF-8, with octets that are likely to break it.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => any::<String>().prop_map(String::into_bytes),
        4 => "[ -~]{0,80}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..3),
        1 => prop::sample::select(vec![0x80, 0xBF, 0xC1, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5]).prop_map(|octet| vec![octet]),
    ];
    (prop::collection::vec(piece, 0..5), 0_usize..4).prop_map(|(pieces, cut)| {
        let mut text = pieces.concat();
        text.truncate(text.len() - cut.min(text.len()));
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_offending_octet_is_found_in_any_pieces(text in text(), cuts in cuts()) {
        let expected = offender(&text);
        prop_assert_eq!(expected.is_none(), std::str::from_utf8(&text).is_ok());
        prop_assert_eq!(validate(chop(&text, &cuts)), expected);
        prop_assert_eq!(validate(text.chunks(1)), expected);
    }
}

#[test]
fn every_short_sequence_is_judged_like_the_machine() {
    for first in 0x80..=0xFF {
        for second in 0..=0xFF {
            for rest in [&b""[..], b"\x80", b"\x80\x80", b"A", b"\x80A", b"\xC2", b"\x80\xC2"] {
                let text = [&[first, second], rest].concat();
                assert_eq!(validate(text.chunks(1)), offender(&text), "{text:02X?} octet by octet");
                assert_eq!(validate([&text[..]].into_iter()), offender(&text), "{text:02X?} at once");
            }
        }
    }
}
