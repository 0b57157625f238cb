//! 1.*: whole messages of every length that the header writes differently.

use crate::prelude::*;
use crate::step::{FrameSpec, Payload};

const LENGTH: Rule = Rule::must(
    Rfc6455,
    "5.2",
    "the payload length is 7 bits, or 16 bits after the value 126, or 64 bits after the value 127, \
     in network byte order, and always in the shortest form",
);
const WHOLE: Rule = Rule::must(Rfc6455, "5.4", "an unfragmented message is a single frame with FIN set");

/// Payload lengths, with the octets that are handed to the network at once.
const LENGTHS: [(usize, Option<usize>); 8] = [
    (0, None),
    (125, None),
    (126, None),
    (127, None),
    (128, None),
    (65_535, None),
    (65_536, None),
    (65_536, Some(997)),
];

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(1, "Framing");
    s.rules([LENGTH, WHOLE]);

    s.group(1, "Text messages in one frame");
    for (n, (len, chop)) in (1..).zip(LENGTHS) {
        let payload = repeat(b"*", len);
        lengths(&mut s, format!("1.1.{n}"), text(payload.clone()), chop).ok([message(payload)]);
    }

    s.group(2, "Binary messages in one frame");
    for (n, (len, chop)) in (1..).zip(LENGTHS) {
        let payload = repeat(&[0xfe], len);
        lengths(&mut s, format!("1.2.{n}"), binary(payload.clone()), chop).ok([binary_message(payload)]);
    }
}

/// One frame, sent whole or in pieces; the echo has as much time as the length asks for.
fn lengths<'s>(
    s: &'s mut Declaration<'_>,
    id: String,
    frame: FrameSpec,
    chop: Option<usize>,
) -> &'s mut Case {
    let kind = frame.opcode.name();
    let len = Payload::len(&frame.payload);
    let (suffix, pieces) = match chop {
        Some(n) => ("-in-pieces", format!(", handed to the network {n} octets at a time")),
        None => ("", String::new()),
    };
    let slug = format!("{kind}-of-{len}{suffix}");
    let time = if len < 65_535 { secs(1) } else { secs(10) };
    s.case(id, slug, format!("A {kind} message of {len} octets in one frame{pieces}"))
        .expect("The message comes back unchanged.")
        .send(FrameSpec { chop, ..frame })
        .fail_after(time)
        .close(we_close([NORMAL]))
}
