//! Heads end at the same octet in any pieces, keep within the limit and lose no line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsspec_fuzz::pieces;
use wsspec_wire::{HeadBuffer, HeadProgress, Headers, RequestHead, ResponseHead, is_valid_key};

const LIMIT: usize = 300;

/// How it ended, how many octets of the input belong to the head, and the head.
fn collect<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (&'static str, usize, Vec<u8>) {
    let mut buffer = HeadBuffer::new(LIMIT);
    for piece in pieces {
        let before = buffer.octets().len();
        match buffer.feed(piece) {
            HeadProgress::Complete { consumed } => {
                return ("complete", before + consumed, buffer.octets().to_vec());
            }
            HeadProgress::TooLarge => return ("too large", LIMIT, buffer.octets().to_vec()),
            HeadProgress::Incomplete => assert_eq!(buffer.octets().len(), before + piece.len()),
        }
    }
    ("incomplete", buffer.octets().len(), buffer.octets().to_vec())
}

fn lines_kept(headers: &Headers) -> usize {
    let line_ends = |raw: &[u8]| raw.iter().filter(|&&octet| octet == b'\n').count();
    headers.malformed.len() + headers.iter().map(|field| 1 + line_ends(&field.raw)).sum::<usize>()
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let (sizes, octets) = input;
    let at_once = collect([octets].into_iter());
    assert_eq!(at_once.2, octets[..at_once.1]);
    assert_eq!(collect(pieces(octets, sizes)), at_once);

    let request = RequestHead::parse(octets);
    let response = ResponseHead::parse(octets);
    assert_eq!(request.raw, octets);
    assert_eq!(request.headers, response.headers);
    assert!(response.status.is_none_or(|status| status < 1000));
    let lines = octets.split(|&octet| octet == b'\n').skip(1);
    let lines = lines.take_while(|line| !matches!(*line, b"" | b"\r")).count();
    assert_eq!(lines_kept(&request.headers), lines);
    if let Some(key) = request.headers.get("Sec-WebSocket-Key") {
        assert!(!is_valid_key(key) || key.len() == 24);
    }
});
