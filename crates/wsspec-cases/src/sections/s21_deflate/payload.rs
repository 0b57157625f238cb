//! 21.2.*: every form of DEFLATE that RFC 7692 7.2.1 allows.

use bytes::Bytes;
use wsspec_wire::close_code::MESSAGE_TOO_BIG;
use wsspec_wire::{DeflateWriter, Deflater};

use super::{FINAL_HELLO, HELLO, HELLO_AGAIN, deflated, deflated_binary, echoes};
use crate::data::{Dice, json};
use crate::deflate::{DeflateNeed, DeflatePlan};
use crate::drivers::{Round, Rounds};
use crate::prelude::*;
use crate::profile::Tolerance;
use crate::step::{FrameSpec, MessageSpec};

const BLOCKS: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "a compressed message consists of any number of DEFLATE blocks of any type, and a receiver inflates them",
);
const FINAL: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "blocks may have BFINAL set or not; what follows a block with BFINAL begins at the next octet",
);
const EMPTY: Rule =
    Rule::must(Rfc7692, "7.2.3.6", "a compressed message or fragment of no octets is a lawful one");
const TAIL: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "a sender takes 00 00 ff ff off the end of the compressed payload, which then ends with the header of an \
     empty stored block",
);
const FRAGMENTS: Rule = Rule::must(
    Rfc7692,
    "6.1",
    "a message is compressed as a whole and then cut into fragments, anywhere; a receiver joins them and \
     inflates the whole",
);

pub(super) fn declare(s: &mut Declaration<'_>) {
    s.group(2, "Lawful payloads");
    blocks(s);
    empty(s);
    unusual_ends(s);
    several_final_blocks(s);
    fragments(s);
    large(s);
}

fn blocks(s: &mut Declaration<'_>) {
    s.rules([BLOCKS]);
    hello(s, "21.2.1", "deflate-fixed-block", "in one block with the fixed codes", HELLO);
    hello(
        s,
        "21.2.2",
        "deflate-stored-block",
        "in one stored block",
        b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
    );
    s.rules([FINAL]);
    hello(s, "21.2.3", "deflate-final-block", "in one final block", FINAL_HELLO);
    s.rules([BLOCKS]);
    hello(
        s,
        "21.2.4",
        "deflate-two-blocks",
        "in two blocks with the fixed codes, an empty stored one between them",
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
    );
    hello(
        s,
        "21.2.5",
        "deflate-mixed-blocks",
        "in three blocks: fixed codes, stored, fixed codes",
        b"\xf2\x48\x05\x00\x02\x00\xfd\xff\x6c\x6c\xca\x07\x00",
    );

    let json = json(8192);
    echoes(
        s.case("21.2.6", "deflate-dynamic-block", "8 KiB of text in blocks with codes of their own")
            .expect("The text comes back.")
            .send(deflated(dynamic(json.as_bytes()))),
        [message(json)],
    );
}

/// "Hello", compressed in one way or another.
fn hello(s: &mut Declaration<'_>, id: &str, slug: &'static str, how: &str, payload: &'static [u8]) {
    echoes(
        s.case(id, slug, format!("The text \"Hello\" {how}"))
            .expect("The text comes back.")
            .send(deflated(payload)),
        [message("Hello")],
    );
}

/// As a compressor makes it when it may take its time.
fn dynamic(octets: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    Deflater::new(15, 9).expect("a window of 15 bits").message(octets, &mut payload);
    payload
}

fn empty(s: &mut Declaration<'_>) {
    s.rules([EMPTY]);
    let forms: [(_, _, _, &[u8]); 3] = [
        ("21.2.7", "deflate-empty-stored", "as one octet, the header of a stored block", b"\x00"),
        ("21.2.8", "deflate-empty-fixed", "as an empty block with the fixed codes", b"\x02\x00"),
        ("21.2.9", "deflate-empty-final", "as an empty final block", b"\x03\x00\x00"),
    ];
    for (id, slug, how, payload) in forms {
        echoes(
            s.case(id, slug, format!("A compressed message of no octets {how}"))
                .expect("An empty message comes back.")
                .send(deflated(payload)),
            [message("")],
        );
    }

    s.rules([TAIL]);
    s.case(
        "21.2.10",
        "deflate-no-octets",
        "A compressed message without any payload, then one that is lawful",
    )
    .expect(
        "The first message breaks the sender's rules: it comes back empty, and then the second, or the connection is failed.",
    )
    .deflate(DeflatePlan::plain())
    .send(deflated(""))
    .send(deflated(HELLO))
    .fail_after(secs(2))
    .tolerates([message(""), message("Hello")], [PROTOCOL_ERROR, INVALID_PAYLOAD]);
}

fn unusual_ends(s: &mut Declaration<'_>) {
    s.rules([FRAGMENTS]);
    echoes(
        s.case("21.2.11", "deflate-last-octet-apart", "A fragment for the last octet of the payload alone")
            .expect("The text comes back.")
            .send(deflated(&HELLO[..6]).not_final())
            .send(continuation(&HELLO[6..])),
        [message("Hello")],
    );

    s.rules([BLOCKS]);
    let mut behind_empty_blocks = b"\x00\x00\x00\xff\xff".repeat(3);
    behind_empty_blocks.extend_from_slice(HELLO);
    echoes(
        s.case("21.2.12", "deflate-empty-blocks", "The text \"Hello\" behind three empty stored blocks")
            .expect("The text comes back.")
            .send(deflated(behind_empty_blocks)),
        [message("Hello")],
    );

    let run = b"\x4a\x1c\x05\x00\x00".to_vec();
    echoes(
        s.case("21.2.13", "deflate-run", "259 times the same letter, as a match with itself")
            .expect("All letters come back.")
            .send(deflated(run)),
        [message("a".repeat(259))],
    );

    s.rules([TAIL]);
    let kept = b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff".to_vec();
    s.case(
        "21.2.14",
        "deflate-tail-kept",
        "A payload that still has its tail, then a message that is lawful",
    )
    .expect("The first message breaks the sender's rules: it comes back, or the connection is failed.")
    .deflate(DeflatePlan::plain())
    .send(deflated(kept))
    .send(deflated(HELLO))
    .fail_after(secs(2))
    .tolerates([message("Hello"), message("Hello")], [PROTOCOL_ERROR, INVALID_PAYLOAD]);
}

fn several_final_blocks(s: &mut Declaration<'_>) {
    s.rules([FINAL]);
    echoes(
        s.case("21.2.15", "deflate-after-final", "A message in a final block, then another message")
            .expect("Both come back: a final block does not end the connection's use of DEFLATE.")
            .send(deflated(FINAL_HELLO))
            .send(deflated(HELLO)),
        [message("Hello"), message("Hello")],
    );

    s.case("21.2.16", "deflate-refers-past-final", "A message in a final block, then one that refers to it")
        .expect(
            "The second message comes back, or the connection is failed: whether the window outlives a final \
                 block is left open.",
        )
        .deflate(DeflatePlan::plain().needing(DeflateNeed::Takeover))
        .send(deflated(FINAL_HELLO))
        .send(deflated(HELLO_AGAIN))
        .fail_after(secs(2))
        .tolerates([message("Hello"), message("Hello")], [PROTOCOL_ERROR, INVALID_PAYLOAD]);

    let forms: [(_, _, _, &[u8]); 2] = [
        (
            "21.2.17",
            "deflate-two-final-blocks",
            "two final blocks",
            b"\xf3\x48\xcd\x01\x00\xcb\xc9\x07\x00\x00",
        ),
        (
            "21.2.18",
            "deflate-final-then-more",
            "a final block and one that is not",
            b"\xf3\x48\xcd\x01\x00\xca\xc9\x07\x00",
        ),
    ];
    for (id, slug, how, payload) in forms {
        s.case(id, slug, format!("The text \"Hello\" in {how}"))
            .expect("The whole text comes back, not only what is in the first block.")
            .deflate(DeflatePlan::plain())
            .send(deflated(payload))
            .fail_after(secs(2))
            .tolerates([message("Hello")], [PROTOCOL_ERROR, INVALID_PAYLOAD])
            .grading(Tolerance::BetterNotRefuse("common inflaters end with the first final block".into()));
    }

    let round = || Round { send: vec![deflated(FINAL_HELLO).into()], echo: message("Hello") };
    let title = "100 messages, each in a final block";
    s.case("21.2.19", "deflate-final-100", title)
        .expect("Every message comes back.")
        .deflate(DeflatePlan::plain())
        .drive(format!("{title}, each sent when the one before has come back"), move || {
            Rounds::of((0..100).map(|_| round()), secs(10))
        })
        .within(secs(10))
        .close(we_close([NORMAL]));
}

fn fragments(s: &mut Declaration<'_>) {
    s.rules([FRAGMENTS]);
    echoes(
        s.case("21.2.20", "deflate-in-single-octets", "The text \"Hello\" in seven fragments of one octet")
            .expect("The text comes back.")
            .send_all(cut(HELLO, 1)),
        [message("Hello")],
    );

    echoes(
        s.case("21.2.21", "deflate-empty-fragments", "An empty fragment, one with all, an empty fragment")
            .expect("The text comes back.")
            .send(deflated("").not_final())
            .send(continuation(HELLO).not_final())
            .send(continuation("")),
        [message("Hello")],
    );

    let long = json(65_536);
    echoes(
        s.case("21.2.22", "deflate-in-fragments-of-997", "64 KiB of text in fragments of 997 octets")
            .expect("The text comes back.")
            .send_all(cut(&dynamic(long.as_bytes()), 997)),
        [message(long)],
    );

    let mut stored = DeflateWriter::new().stored(b"Hel", false).finish();
    stored.extend_from_slice(b"\xca\xc9\x07\x00");
    echoes(
        s.case("21.2.23", "deflate-cut-inside-codes", "Fragments that end inside a length and inside a code")
            .expect("The text comes back.")
            .send(deflated(stored[..2].to_vec()).not_final())
            .send(continuation(stored[2..9].to_vec()).not_final())
            .send(continuation(stored[9..].to_vec())),
        [message("Hello")],
    );

    let smile = "\u{1f600}";
    let mut writer = DeflateWriter::new();
    let halves: Vec<u8> = [&smile.as_bytes()[..2], &smile.as_bytes()[2..]]
        .iter()
        .flat_map(|half| writer.stored(half, false).finish())
        .chain([0])
        .collect();
    echoes(
        s.case("21.2.24", "deflate-cut-inside-character", "A character whose halves come in two fragments")
            .expect("The character comes back: UTF-8 is a matter of the whole message.")
            .send(deflated(halves[..7].to_vec()).not_final())
            .send(continuation(halves[7..].to_vec())),
        [message(smile)],
    );
}

/// A compressed text message in frames of that many octets.
fn cut(payload: &[u8], octets: usize) -> Vec<FrameSpec> {
    let last = payload.len().div_ceil(octets) - 1;
    let frame = |(n, part): (usize, &[u8])| {
        let part = part.to_vec();
        let frame = if n == 0 { deflated(part) } else { continuation(part) };
        if n == last { frame } else { frame.not_final() }
    };
    payload.chunks(octets).enumerate().map(frame).collect()
}

fn large(s: &mut Declaration<'_>) {
    const MIB: usize = 1 << 20;
    s.rules([BLOCKS]);
    let noise: Bytes = Dice::new(21).octets(MIB).into();
    let zeros = repeat(b"\0", MIB);
    s.case(
        "21.2.25",
        "deflate-1-mib",
        "1 MiB that does not compress, then 1 MiB that compresses a thousand times",
    )
    .expect("Both come back, unless the implementation has a limit: then it closes with 1009.")
    .deflate(DeflatePlan::plain())
    .send(MessageSpec::from(binary(noise.clone())))
    .send(MessageSpec::from(binary(zeros.clone())))
    .fail_after(secs(10))
    .tolerates([binary_message(noise), binary_message(zeros)], [MESSAGE_TOO_BIG])
    .grading(Tolerance::MayRefuse);

    let octets: Vec<u8> = (0..=255).collect();
    let stored = DeflateWriter::new().stored(&octets, false).flush().finish();
    echoes(
        s.case("21.2.26", "deflate-binary", "All 256 octets in a compressed binary message")
            .expect("The message comes back, as binary.")
            .send(deflated_binary(stored)),
        [binary_message(octets)],
    );
}
