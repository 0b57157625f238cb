//! Compressed messages: what was deflated is inflated, whatever the pieces, windows and limits.

mod support;

use proptest::prelude::*;
use support::{chop, cuts};
use wsspec_wire::{DeflateInspector, Deflater, InflateError, Inflater};

/// Payloads that repeat nearby and far away, and payloads that do not repeat.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let word =
        prop::sample::select(vec![&b"window"[..], b"frame", b" ", b"\r\n", b"aaaaaaaaaaaaaaaa", b"0123"]);
    let repetitive = (prop::collection::vec(word, 0..60), 0_usize..200);
    prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 1..200),
        (any::<u64>(), 0_usize..100_000).prop_map(|(seed, len)| noise(seed, len)),
        repetitive.prop_map(|(words, times)| words.concat().repeat(times)),
        (any::<u64>(), 1_usize..40_000).prop_map(|(seed, len)| noise(seed, len).repeat(2)),
    ]
}

/// Octets that do not compress (xorshift).
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let octet = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(octet).take(len).collect()
}

fn deflate(deflater: &mut Deflater, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflater.message(payload, &mut out);
    out
}

/// Inflates pieces; hands out no more than `limit` octets at a time.
fn inflate<'a>(
    inflater: &mut Inflater,
    pieces: impl Iterator<Item = &'a [u8]>,
    limit: usize,
) -> Result<Vec<u8>, InflateError> {
    let (mut all, mut out) = (Vec::new(), Vec::new());
    for mut piece in pieces {
        loop {
            let fed = inflater.feed(piece, limit, &mut out)?;
            assert!(out.len() <= limit);
            assert!(fed.limit_reached || fed.consumed == piece.len());
            piece = &piece[fed.consumed..];
            all.append(&mut out);
            if !fed.limit_reached {
                break;
            }
        }
    }
    assert!(!inflater.finish_message(limit, &mut out)?.limit_reached);
    assert!(out.is_empty(), "the tail has no output");
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn messages_come_back_in_any_window_and_pieces(
        (window_bits, level) in (8_u8..=15, 0_u8..=9),
        payloads in prop::collection::vec(payload(), 1..5),
        takeover: bool,
        cuts in cuts(),
        limit in prop_oneof![1_usize..200, 1000_usize..200_000],
    ) {
        let mut deflater = Deflater::new(window_bits, level).unwrap();
        let mut inflater = Inflater::new(window_bits).unwrap();
        for payload in payloads {
            let compressed = deflate(&mut deflater, &payload);
            prop_assert!(!compressed.is_empty());
            let inflated = inflate(&mut inflater, chop(&compressed, &cuts), limit).unwrap();
            prop_assert!(inflated == payload);
            if !takeover {
                deflater.reset();
                inflater.reset();
            }
        }
    }

    #[test]
    fn references_keep_within_the_window(
        (window_bits, level) in (8_u8..=15, 0_u8..=9),
        payloads in prop::collection::vec(payload(), 1..4),
    ) {
        let mut deflater = Deflater::new(window_bits, level).unwrap();
        let mut inspector = DeflateInspector::new();
        for payload in payloads {
            let mut out = Vec::new();
            let seen = inspector.message(&deflate(&mut deflater, &payload), usize::MAX, &mut out).unwrap();
            prop_assert!(seen.longest_distance <= 1 << window_bits, "{seen:?} with {window_bits} bits");
            prop_assert!(out == payload);
        }
    }

    #[test]
    fn a_message_may_be_compressed_in_parts(payloads in prop::collection::vec(payload(), 1..4), cuts in cuts()) {
        let mut deflater = Deflater::new(12, 6).unwrap();
        let mut inflater = Inflater::new(12).unwrap();
        for payload in payloads {
            let mut compressed = Vec::new();
            for part in chop(&payload, &cuts) {
                deflater.update(part, &mut compressed);
            }
            deflater.finish_message(&mut compressed);
            let inflated = inflate(&mut inflater, [&compressed[..]].into_iter(), usize::MAX).unwrap();
            prop_assert!(inflated == payload);
        }
    }

    #[test]
    fn the_window_outlives_final_blocks(payload in payload(), cuts in cuts()) {
        let mut deflater = Deflater::new(15, 9).unwrap();
        let mut inflater = Inflater::new(15).unwrap();
        for _ in 0..3 {
            let compressed = deflate(&mut deflater, &payload);
            // An empty final block of fixed codes in front of the message, which begins at the next octet.
            let with_final_block = [&[0x03, 0x00], &compressed[..]].concat();
            let inflated = inflate(&mut inflater, chop(&with_final_block, &cuts), 1000).unwrap();
            prop_assert!(inflated == payload);
        }
    }

    #[test]
    fn damaged_messages_end_in_an_error_or_in_output(
        payload in payload(), damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4), cuts in cuts(),
    ) {
        let mut compressed = deflate(&mut Deflater::new(15, 6).unwrap(), &payload);
        for (at, octet) in damage {
            let at = at % compressed.len();
            compressed[at] ^= octet;
        }
        let at_once = inflate(&mut Inflater::new(15).unwrap(), [&compressed[..]].into_iter(), 1000);
        let in_pieces = inflate(&mut Inflater::new(15).unwrap(), chop(&compressed, &cuts), 70_000);
        prop_assert_eq!(at_once.is_ok(), in_pieces.is_ok());
        if let Ok(inflated) = at_once {
            prop_assert!(in_pieces.is_ok_and(|in_pieces| in_pieces == inflated));
            let mut inspected = Vec::new();
            prop_assert!(DeflateInspector::new().message(&compressed, usize::MAX, &mut inspected).is_ok());
            prop_assert!(inspected == inflated);
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    const LIMIT: usize = 100_000;
    let bomb = deflate(&mut Deflater::new(15, 9).unwrap(), &vec![0; 64 * 1024 * 1024]);
    let mut inflater = Inflater::new(15).unwrap();
    let mut out = Vec::new();
    let fed = inflater.feed(&bomb, LIMIT, &mut out).unwrap();
    assert!(fed.limit_reached);
    assert_eq!(out.len(), LIMIT);
    assert!(fed.consumed < bomb.len() / 100, "{} of {} octets read", fed.consumed, bomb.len());
    assert!(out.capacity() < 3 * LIMIT);
}

#[test]
fn context_takeover_shortens_what_was_sent_before() {
    let payload = noise(1, 5000);
    let mut deflater = Deflater::new(15, 6).unwrap();
    let first = deflate(&mut deflater, &payload).len();
    assert!(deflate(&mut deflater, &payload).len() < first / 10);
    deflater.reset();
    assert_eq!(deflate(&mut deflater, &payload).len(), first);
}

#[test]
fn a_reset_inflater_has_no_window() {
    let mut deflater = Deflater::new(15, 6).unwrap();
    let first = deflate(&mut deflater, b"Hello, hello, hello");
    let second = deflate(&mut deflater, b"Hello, hello, hello");
    let mut inflater = Inflater::new(15).unwrap();
    inflate(&mut inflater, [&first[..]].into_iter(), 100).unwrap();
    inflater.reset();
    let error = inflate(&mut inflater, [&second[..]].into_iter(), 100).unwrap_err();
    assert!(matches!(error, InflateError::Invalid { .. }), "{error}");
}

/// An empty final block, and the 00 of a flush.
const FINAL_BLOCK: [u8; 3] = [0x03, 0x00, 0x00];

#[test]
fn references_reach_back_32_kib_through_final_blocks() {
    let payload = noise(7, 32_768);
    let stored = deflate(&mut Deflater::new(15, 0).unwrap(), &payload);
    // Three octets from 32768 octets before.
    let reference = [0x02, 0xDE, 0xFF, 0x0F, 0x00];
    for piece in [1000, stored.len()] {
        let mut inflater = Inflater::new(15).unwrap();
        inflate(&mut inflater, stored.chunks(piece), 50_000).unwrap();
        inflate(&mut inflater, FINAL_BLOCK.chunks(3), 50_000).unwrap();
        assert_eq!(inflate(&mut inflater, reference.chunks(5), 10).unwrap(), payload[..3]);
    }
}

#[test]
fn a_final_block_does_not_bring_back_what_reset_dropped() {
    let mut deflater = Deflater::new(15, 6).unwrap();
    let [first, second] = [deflate(&mut deflater, b"Hello"), deflate(&mut deflater, b"Hello")];
    let mut inflater = Inflater::new(15).unwrap();
    inflate(&mut inflater, first.chunks(100), 100).unwrap();
    inflater.reset();
    inflate(&mut inflater, FINAL_BLOCK.chunks(3), 100).unwrap();
    assert!(inflate(&mut inflater, second.chunks(100), 100).is_err());
}
