//! Opening handshakes: heads and extension lists survive writing and reading, and nothing panics.

mod support;

use proptest::prelude::*;
use support::{chop, cuts};
use wsspec_wire::{
    Extension, HeadBuffer, HeadProgress, Param, ParamValue, RequestHead, ResponseHead, encode_key,
    is_valid_key, parse_extensions, write_request, write_response,
};

const TOKEN: &str = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}";

fn param() -> impl Strategy<Value = Param> {
    let value = (TOKEN, any::<bool>()).prop_map(|(text, quoted)| ParamValue { text, quoted });
    (TOKEN, prop::option::of(value)).prop_map(|(name, value)| Param { name, value })
}

fn extensions() -> impl Strategy<Value = Vec<Extension>> {
    let extension = (TOKEN, prop::collection::vec(param(), 0..4));
    prop::collection::vec(extension.prop_map(|(name, params)| Extension { name, params }), 1..5)
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((TOKEN, "([!-~]([ -~]{0,10}[!-~])?)?"), 0..6)
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (&name[..], &value[..])).collect()
}

/// Feeds the pieces; the head, and how many octets of all pieces belong to it.
fn collect<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<(Vec<u8>, usize)> {
    let mut buffer = HeadBuffer::new(10_000);
    let mut before = 0;
    for piece in pieces {
        match buffer.feed(piece) {
            HeadProgress::Complete { consumed } => {
                return Some((buffer.octets().to_vec(), before + consumed));
            }
            HeadProgress::Incomplete => before += piece.len(),
            HeadProgress::TooLarge => panic!("within the limit"),
        }
    }
    None
}

proptest! {
    #[test]
    fn extensions_are_read_as_written(extensions in extensions(), split in 0_usize..5) {
        let elements: Vec<String> = extensions.iter().map(Extension::to_string).collect();
        let (first, second) = elements.split_at(split.min(elements.len()));
        let values = [first.join(", "), second.join(",")];
        prop_assert_eq!(parse_extensions(values.iter().map(String::as_bytes)), Ok(extensions));
    }

    #[test]
    fn broken_extension_lists_are_told_where(octets in prop::collection::vec("[a,;=\"\\\\ \u{e9}]{0,12}", 1..4)) {
        let values: Vec<&[u8]> = octets.iter().map(String::as_bytes).collect();
        if let Err(error) = parse_extensions(values.iter().copied()) {
            prop_assert!(error.offset <= values[error.value].len());
        }
    }

    #[test]
    fn a_request_is_read_as_written(target in "/[!-~]{0,20}", headers in headers()) {
        let head = RequestHead::parse(&write_request(&target, &borrowed(&headers)));
        prop_assert_eq!(&head.target, target.as_bytes());
        prop_assert!(head.headers.malformed.is_empty());
        let read = head.headers.iter().map(|field| (&field.name[..], &field.value[..]));
        prop_assert!(read.eq(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))));
    }

    #[test]
    fn a_response_is_read_as_written(status in 0_u16..1000, reason in "[!-~]?[ -~]{0,10}", headers in headers()) {
        let head = ResponseHead::parse(&write_response(status, &reason, &borrowed(&headers)));
        prop_assert_eq!(head.status, Some(status));
        prop_assert_eq!(head.reason, reason.as_bytes());
        prop_assert_eq!(head.headers.iter().count(), headers.len());
    }

    #[test]
    fn a_head_ends_at_the_same_octet_in_any_pieces(head in "[ab \r\n]{0,30}", cuts in cuts()) {
        let octets = head.as_bytes();
        let at_once = collect([octets].into_iter());
        if let Some((collected, consumed)) = &at_once {
            prop_assert_eq!(&collected[..], &octets[..*consumed]);
        }
        prop_assert_eq!(collect(chop(octets, &cuts)), at_once);
    }

    #[test]
    fn every_line_of_a_head_is_kept(octets in "[ab: \t\r\n\u{e9}]{0,60}") {
        let head = RequestHead::parse(octets.as_bytes());
        prop_assert_eq!(&head.raw, octets.as_bytes());
        let lines = octets.split('\n').skip(1).map(|line| line.strip_suffix('\r').unwrap_or(line));
        let lines = lines.take_while(|line| !line.is_empty()).count();
        let fields: usize = head.headers.iter().map(|field| field.raw.split(|&octet| octet == b'\n').count()).sum();
        prop_assert_eq!(fields + head.headers.malformed.len(), lines);
    }

    #[test]
    fn any_nonce_makes_a_valid_key(nonce: [u8; 16]) {
        prop_assert!(is_valid_key(encode_key(nonce).as_bytes()));
    }
}
