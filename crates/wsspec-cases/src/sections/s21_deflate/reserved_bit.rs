//! 21.1.*: RSV1 where it has no place.

use super::{HELLO, deflated};
use crate::deflate::DeflatePlan;
use crate::prelude::*;
use crate::profile::Fails;

const FIRST_ONLY: Rule = Rule::must(
    Rfc7692,
    "6.1",
    "RSV1 stands on the first frame of a compressed message and nowhere else; a receiver that finds it on a \
     later fragment or on a control frame fails the connection",
);
const OTHERS: Rule = Rule::must(
    Rfc6455,
    "5.2",
    "permessage-deflate gives a meaning to RSV1 alone; a receiver that finds another reserved bit set fails \
     the connection",
);
const NOT_AGREED: Rule = Rule::must(
    Rfc6455,
    "5.2",
    "RSV1 is zero if no extension that uses it was agreed on; a receiver that finds it set fails the connection",
);

pub(super) fn declare(s: &mut Declaration<'_>) {
    s.group(1, "RSV1 where it has no place");
    later_fragments(s);
    control_frames(s);
    other_bits(s);
    not_agreed(s);
}

fn later_fragments(s: &mut Declaration<'_>) {
    s.rules([FIRST_ONLY]);
    fails(
        s.case("21.1.1", "rsv1-on-both-fragments", "A compressed message with RSV1 on both fragments")
            .expect("The connection is failed, and the message does not come back.")
            .send(deflated(&HELLO[..3]).not_final())
            .send(continuation(&HELLO[3..]).rsv(4)),
    );

    fails(
        s.case(
            "21.1.2",
            "rsv1-on-second-fragment",
            "A message that is not compressed, with RSV1 on its second fragment",
        )
        .expect("The connection is failed, and nothing comes back.")
        .send(text("a").not_final())
        .send(continuation(HELLO).rsv(4)),
    );
}

fn control_frames(s: &mut Declaration<'_>) {
    fails(
        s.case("21.1.3", "rsv1-ping", "A ping with RSV1 set and a compressed payload")
            .expect("The connection is failed; no pong.")
            .send(ping(HELLO).rsv(4)),
    );

    fails(
        s.case("21.1.4", "rsv1-pong", "A pong with RSV1 set and a compressed payload")
            .expect("The connection is failed.")
            .send(pong(HELLO).rsv(4)),
    );

    fails(
        s.case("21.1.5", "rsv1-close", "A close frame with RSV1 set")
            .expect("The connection is failed; the frame does not start a closing handshake.")
            .send(close_frame(b"\x03\xe8".to_vec()).rsv(4)),
    );
}

fn other_bits(s: &mut Declaration<'_>) {
    s.rules([OTHERS]);
    for (id, bits, slug, bit) in
        [("21.1.6", 6, "deflate-with-rsv2", "RSV2"), ("21.1.7", 5, "deflate-with-rsv3", "RSV3")]
    {
        fails(
            s.case(id, slug, format!("A compressed text message that has {bit} set as well"))
                .expect("The connection is failed, and nothing comes back.")
                .send(deflated(HELLO).rsv(bits)),
        );
    }

    s.rules([FIRST_ONLY]);
    fails(
        s.case(
            "21.1.8",
            "rsv1-ping-inside-message",
            "A ping with RSV1 set between the fragments of a compressed message",
        )
        .expect("The connection is failed; no pong, and no message.")
        .send(deflated(&HELLO[..3]).not_final())
        .send(ping("").rsv(4))
        .send(continuation(&HELLO[3..])),
    );
}

fn not_agreed(s: &mut Declaration<'_>) {
    s.rules([NOT_AGREED]);
    s.case(
        "21.1.9",
        "rsv1-not-agreed-binary",
        "A binary message with RSV1 set, permessage-deflate not agreed on",
    )
    .expect("The connection is failed, and nothing comes back.")
    .send(super::deflated_binary(HELLO))
    .fail_after(secs(2))
    .fails(Fails::with([PROTOCOL_ERROR]));
    s.case(
        "21.1.10",
        "rsv1-not-agreed-fragment",
        "The first fragment of a text message with RSV1 set, permessage-deflate not agreed on",
    )
    .expect("The connection is failed at once: the rest of the message need not come.")
    .send(deflated(&HELLO[..3]).not_final())
    .fail_after(secs(2))
    .fails(Fails::with([PROTOCOL_ERROR]));
}

/// permessage-deflate is agreed on, and what is sent breaks a rule of framing.
fn fails(case: &mut Case) -> &mut Case {
    case.deflate(DeflatePlan::plain()).fail_after(secs(2)).fails(Fails::with([PROTOCOL_ERROR]))
}
