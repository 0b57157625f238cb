//! 21.3.*: payloads that are not DEFLATE, or not the text that they have to be.

use super::{HELLO, deflated, deflated_binary, echoes};
use crate::deflate::DeflatePlan;
use crate::prelude::*;
use crate::profile::Fails;

const DATA: Rule = Rule::must(
    Rfc7692,
    "7.2.2",
    "a receiver inflates what was compressed; a payload that is not DEFLATE has no message, and nothing may \
     be delivered for it",
);
const CUT: Rule = Rule::must(
    Rfc7692,
    "7.2.2",
    "a receiver inflates what was compressed and delivers nothing else; that it notices a missing end is asked for \
     nowhere",
);
const UTF8: Rule = Rule::must(
    Rfc6455,
    "8.1",
    "a text that is not UTF-8 after inflating makes the receiver fail the connection",
);
const BINARY: Rule = Rule::must(Rfc6455, "5.6", "the payload of a binary message is any octets");

/// A text with a surrogate, which no UTF-8 has: `ce ba ed a0 80`.
const SURROGATE: &[u8] = b"\x3a\xb7\xeb\xed\x82\x06\x00\x00";

/// (id, slug, what is wrong, the payload)
type Malformed = (&'static str, &'static str, &'static str, &'static [u8]);

const MALFORMED: [Malformed; 6] = [
    ("21.3.1", "deflate-block-type-3", "a block of the reserved type 3", b"\x06"),
    (
        "21.3.2",
        "deflate-stored-length",
        "a stored block whose length and complement do not agree",
        b"\x00\x05\x00\x34\x12\x48\x65\x6c\x6c\x6f",
    ),
    (
        "21.3.3",
        "deflate-before-beginning",
        "a match that reaches back before the first octet",
        b"\x4a\x04\x42\x00\x00",
    ),
    ("21.3.4", "deflate-length-code-286", "a length code that does not exist", b"\x4a\x1c\x03\x00"),
    ("21.3.5", "deflate-distance-code-30", "a distance code that does not exist", b"\x4a\x04\x3e\x00\x00"),
    (
        "21.3.6",
        "deflate-oversubscribed-codes",
        "code lengths that make more codes than there are",
        b"\x04\xe0\x93\x24\x49\x92\x24\x49\x92\x00",
    ),
];

const WRAPPED: [Malformed; 3] = [
    (
        "21.3.9",
        "deflate-zlib-wrapped",
        "the header and checksum of zlib around it",
        b"\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5",
    ),
    (
        "21.3.10",
        "deflate-gzip-wrapped",
        "the header and checksum of gzip around it",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xf3\x48\xcd\xc9\xc9\x07\x00\x82\x89\xd1\xf7\x05\x00\x00\x00",
    ),
    ("21.3.11", "deflate-ones", "64 octets with all bits set", &[0xff; 64]),
];

pub(super) fn declare(s: &mut Declaration<'_>) {
    s.group(3, "Payloads that are not DEFLATE or not UTF-8").rules([DATA]);
    MALFORMED.into_iter().for_each(|malformed| declare_malformed(s, malformed));
    s.rules([CUT]);
    cut_off(s);
    s.rules([DATA]);
    WRAPPED.into_iter().for_each(|malformed| declare_malformed(s, malformed));
    not_utf8(s);
    between(s);
}

fn declare_malformed(s: &mut Declaration<'_>, (id, slug, what, payload): Malformed) {
    fails(
        s.case(id, slug, format!("A compressed message with {what}"))
            .expect("The connection is failed, and nothing comes back.")
            .send(deflated(payload)),
    );
}

fn cut_off(s: &mut Declaration<'_>) {
    s.case("21.3.7", "deflate-cut-off", "The text \"Hello\" without its last three octets")
        .expect(
            "The connection is failed: the message ends inside a block. To deliver \"Helh\", which is what it holds, is not \
             strict.",
        )
        .deflate(DeflatePlan::plain())
        .send(deflated(&HELLO[..4]))
        .fail_after(secs(2))
        .fails(
            Fails::with([INVALID_PAYLOAD, PROTOCOL_ERROR])
                .or_delivers([message("Helh")], "an inflater need not notice that the end is missing"),
        );

    s.case(
        "21.3.8",
        "deflate-octet-missing",
        "A payload without its last octet, then a message that is lawful",
    )
    .expect("The first message breaks the sender's rules: it comes back, or the connection is failed.")
    .deflate(DeflatePlan::plain())
    .send(deflated(&HELLO[..6]))
    .send(deflated(HELLO))
    .fail_after(secs(2))
    .tolerates([message("Hello"), message("Hello")], [PROTOCOL_ERROR, INVALID_PAYLOAD]);
}

fn not_utf8(s: &mut Declaration<'_>) {
    s.rules([UTF8]);
    no_text(
        s.case("21.3.12", "deflate-surrogate", "A compressed text with a surrogate")
            .expect("The connection is failed, and nothing comes back.")
            .send(deflated(SURROGATE)),
    );

    no_text(
        s.case("21.3.13", "deflate-cut-character", "A compressed text that ends inside a character")
            .expect("The connection is failed, and nothing comes back.")
            .send(deflated(b"\x3a\xb7\xeb\xe1\x5e\x00\x00".to_vec())),
    );

    s.rules([BINARY]);
    echoes(
        s.case("21.3.14", "deflate-surrogate-binary", "A compressed binary message that is no text")
            .expect("The message comes back.")
            .send(deflated_binary(SURROGATE)),
        [binary_message(b"\xce\xba\xed\xa0\x80".to_vec())],
    );

    s.rules([UTF8]);
    s.case(
        "21.3.15",
        "deflate-surrogate-fragment",
        "A compressed text that is no UTF-8 in its first fragment",
    )
    .expect("The connection is failed at once, or when the last fragment has come.")
    .deflate(DeflatePlan::plain())
    .send(deflated([SURROGATE, b"\x00\x00\xff\xff"].concat()).not_final())
    .wait_noting(secs(2), "late")
    .send(continuation(HELLO))
    .fail_after(secs(2))
    .fails(Fails::with([INVALID_PAYLOAD]).or_later_than("late"));

    echoes(
        s.case("21.3.16", "deflate-octets-no-utf8", "A text whose compressed octets are no UTF-8")
            .expect("The text comes back: only what is inflated has to be UTF-8.")
            .send(deflated(HELLO)),
        [message("Hello")],
    );
}

fn between(s: &mut Declaration<'_>) {
    s.rules([DATA]);
    fails(
        s.case("21.3.17", "deflate-garbage-fragment", "Garbage in the second of three fragments")
            .expect("The connection is failed, and nothing comes back.")
            .send(deflated(&HELLO[..3]).not_final())
            .send(continuation([0xff; 16].to_vec()).not_final())
            .send(continuation(&HELLO[3..])),
    );
}

fn fails(case: &mut Case) -> &mut Case {
    let codes = [INVALID_PAYLOAD, PROTOCOL_ERROR];
    case.deflate(DeflatePlan::plain()).fail_after(secs(2)).fails(Fails::with(codes))
}

fn no_text(case: &mut Case) -> &mut Case {
    case.deflate(DeflatePlan::plain()).fail_after(secs(2)).fails(Fails::with([INVALID_PAYLOAD]))
}
