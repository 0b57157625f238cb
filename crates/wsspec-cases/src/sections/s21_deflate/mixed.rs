//! 21.4.* and 21.5.*: compressed messages among other frames, and how the peer compresses.

use wsspec_wire::DeflateWriter;

use super::{HELLO, deflated, echoes};
use crate::case::Grade;
use crate::data::{Dice, json};
use crate::deflate::DeflatePlan;
use crate::driver::Conclusion;
use crate::drivers::{Round, Rounds, Seen};
use crate::prelude::*;
use crate::profile::{Closes, Fails};
use crate::step::{MessageSpec, Step};

const EITHER: Rule = Rule::must(
    Rfc7692,
    "6",
    "RSV1 says of each message whether it is compressed: both kinds may come where permessage-deflate was \
     agreed on",
);
const INJECTED: Rule = Rule::must(
    Rfc6455,
    "5.4",
    "control frames may come between the fragments of a message, and are answered there; other messages may not",
);
const CLOSE: Rule =
    Rule::must(Rfc6455, "5.5.1", "a Close frame is answered, also inside a fragmented message");
const BLOCKS: Rule = Rule::must(Rfc7692, "7.2.1", "a compressed message is a whole number of DEFLATE blocks");
const FIRST_ONLY: Rule =
    Rule::must(Rfc7692, "6.1", "RSV1 is never set on control frames or on later fragments of a message");
const WHOLE: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "a compressed payload with 00 00 ff ff behind it is DEFLATE, whole blocks that inflate to the message",
);
const TAIL: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "a sender takes 00 00 ff ff off the end; if it stays, the next message is not understood",
);
const EMPTY: Rule = Rule::must(
    Rfc7692,
    "7.2.1",
    "a compressed empty message has a payload: the octet that is left of an empty block without its tail",
);
const RATIO: Rule = Rule::may(Rfc7692, "6", "an endpoint chooses for each message whether it compresses it");

pub(super) fn declare(s: &mut Declaration<'_>) {
    s.group(4, "Compressed messages among other frames");
    both_kinds(s);
    inside_a_message(s);
    in_one_go(s);
    s.group(5, "How the peer compresses");
    by_the_peer(s);
}

fn both_kinds(s: &mut Declaration<'_>) {
    s.rules([EITHER]);
    echoes(
        s.case("21.4.1", "deflate-between-plain", "A message, one that is compressed, one that is not")
            .expect("All three come back.")
            .send(text("a"))
            .send(deflated(HELLO))
            .send(text("b")),
        [message("a"), message("Hello"), message("b")],
    );

    let title = "500 messages of up to 4096 letters, about half of them compressed";
    s.case("21.4.2", "deflate-by-coin", title)
        .expect("Every message comes back.")
        .deflate(DeflatePlan::plain())
        .drive(format!("{title}, each sent when the one before has come back"), || {
            Rounds::of(by_coin(500), secs(30))
        })
        .within(secs(30))
        .close(we_close([NORMAL]));

    echoes(
        s.case("21.4.3", "deflate-plain-fragments", "A fragmented message that is not compressed")
            .expect("The message comes back.")
            .send(text("Hel").not_final())
            .send(continuation("lo")),
        [message("Hello")],
    );
}

fn by_coin(count: usize) -> Vec<Round> {
    let mut dice = Dice::new(214);
    let round = |_| {
        let count = dice.below(4097);
        let words = dice.letters(count);
        let sent = MessageSpec { compress: dice.one_in(2), ..text(words.clone()).into() };
        Round { send: vec![sent.into()], echo: message(words) }
    };
    (0..count).map(round).collect()
}

fn inside_a_message(s: &mut Declaration<'_>) {
    s.rules([INJECTED]);
    echoes(
        s.case(
            "21.4.4",
            "deflate-control-inside",
            "A ping and a pong between the fragments of a compressed message",
        )
        .expect("The ping is answered with its payload as it is; the message comes back.")
        .send(deflated(&HELLO[..2]).not_final())
        .send(ping("p"))
        .send(continuation(&HELLO[2..4]).not_final())
        .send(pong(""))
        .send(continuation(&HELLO[4..])),
        [ponged("p"), message("Hello")],
    )
    .pongs_anywhere();

    s.rules([CLOSE]);
    s.case("21.4.5", "deflate-close-inside", "A close inside a compressed message")
        .expect("The close is answered; the message, which has no end, does not come back.")
        .deflate(DeflatePlan::plain())
        .send(deflated(&HELLO[..3]).not_final())
        .send(close(NORMAL))
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]));

    s.rules([INJECTED]);
    s.case("21.4.6", "deflate-message-inside", "A message inside a compressed message")
        .expect("The connection is failed, and nothing comes back.")
        .deflate(DeflatePlan::plain())
        .send(deflated(&HELLO[..3]).not_final())
        .send(text("x"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));
}

fn in_one_go(s: &mut Declaration<'_>) {
    s.rules([BLOCKS]);
    let title = "5000 compressed messages of 1 to 64 letters";
    s.case("21.4.7", "deflate-5000-at-once", title)
        .expect("Every message comes back, in order.")
        .deflate(DeflatePlan::plain())
        .drive(format!("{title}, all sent before the first one has come back"), || {
            Rounds::of(short_messages(5000), secs(30)).at_once()
        })
        .within(secs(30))
        .quiet()
        .close(we_close([NORMAL]));
}

fn short_messages(count: usize) -> Vec<Round> {
    let mut dice = Dice::new(2147);
    let round = |_| {
        let count = 1 + dice.below(64);
        let words = dice.letters(count);
        let payload = DeflateWriter::new().stored(words.as_bytes(), false).flush().finish();
        Round { send: vec![deflated(payload).into()], echo: message(words) }
    };
    (0..count).map(round).collect()
}

fn by_the_peer(s: &mut Declaration<'_>) {
    s.rules([FIRST_ONLY]);
    s.case("21.5.1", "watch-rsv1", "The compression bit of every frame that comes in the whole run")
        .expect("It is set on first frames of messages only, and never on control frames.")
        .watch(["frame.rsv1"])
        .where_compressed();

    s.rules([WHOLE]);
    s.case("21.5.2", "watch-deflate", "Every compressed message that comes in the whole run")
        .expect("It inflates as agreed, and ends where a block ends.")
        .watch(["deflate.data"])
        .where_compressed();

    s.rules([TAIL]);
    s.case("21.5.3", "watch-deflate-tail", "The end of every compressed message that comes in the whole run")
        .expect("The payload ends with what is left of an empty stored block without its 00 00 ff ff.")
        .watch(["deflate.end"])
        .where_compressed();

    s.rules([EMPTY]);
    s.case("21.5.4", "peer-compresses-nothing", "A compressed message of no octets, and how it comes back")
        .expect("If the echo is compressed, it has a payload.")
        .deflate(DeflatePlan::plain())
        .drive("Send an empty compressed message, and look at its echo", || {
            Rounds::of([echoed("")], secs(2)).finding(empty_echo)
        })
        .within(secs(2))
        .close(we_close([NORMAL]));

    s.rules([RATIO]);
    s.case("21.5.5", "peer-compression-ratio", "1 KiB and 64 KiB of JSON, and how well they are compressed")
        .expect("The messages come back. How large they are on the wire is told.")
        .deflate(DeflatePlan::plain())
        .drive("Send 1 KiB and then 64 KiB of JSON, and measure the echoes", || {
            Rounds::of([1024, 65_536].map(|octets| echoed(json(octets))), secs(5)).finding(ratio)
        })
        .within(secs(5))
        .close(we_close([NORMAL]));
}

/// A text that the tester compresses, and that comes back.
fn echoed(words: &'static str) -> Round {
    let sent: MessageSpec = text(words).into();
    Round { send: vec![Step::from(sent)], echo: message(words) }
}

fn empty_echo(seen: &Seen) -> Conclusion {
    match seen.inspections.len() {
        0 => Conclusion::new(Grade::Informational, "The echo of the empty message is not compressed"),
        _ => Conclusion::new(Grade::Ok, format!("The empty echo has {} octets of payload", seen.wire_octets)),
    }
}

fn ratio(seen: &Seen) -> Conclusion {
    let (octets, wire) = (seen.octets, seen.wire_octets);
    let text = match seen.inspections.len() {
        0 => "The peer compresses none of its messages".to_owned(),
        some => format!("The peer compresses {some} of {} messages: {octets} octets in {wire}", seen.echoes),
    };
    Conclusion::new(Grade::Informational, text)
}
