//! 17.*: how messages are put together from fragments, and text as UTF-8 beyond section 6.

mod text;

use crate::prelude::*;

const ASSEMBLE: Rule = Rule::must(
    Rfc6455,
    "5.4",
    "a message may come in any number of fragments, of any size; its type is that of the first one",
);
const NOT_BETWEEN: Rule = Rule::must(
    Rfc6455,
    "5.4",
    "the fragments of one message are not mixed with those of another: until FIN only opcode 0 follows",
);
const NOTHING_OPEN: Rule =
    Rule::must(Rfc6455, "5.4", "a frame with opcode 0 continues a message that was begun, and nothing else");
const ENDS: Rule = Rule::must(
    Rfc6455,
    "6.2",
    "a message ends with the frame that has FIN; the data frame behind it begins another one",
);
const CONTROL_BETWEEN: Rule =
    Rule::must(Rfc6455, "5.4", "control frames between the fragments of a message are handled");
const LOST: Rule =
    Rule::must(Rfc6455, "7.2.1", "an endpoint whose TCP connection is lost closes its own side");
const ANSWER_CLOSE: Rule = Rule::must(Rfc6455, "5.5.1", "a Close frame is answered with a Close frame");

const REFUSED: &str = "The connection is failed, and nothing comes back.";
const ECHOED: &str = "The message comes back, whole.";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(17, "Messages and text");
    s.group(1, "Messages from fragments");
    mixed(&mut s);
    orphans(&mut s);
    in_turn(&mut s);
    many_fragments(&mut s);
    sizes(&mut s);
    endless(&mut s);
    broken_off(&mut s);
    s.group(2, "Text");
    text::declare(&mut s);
}

fn mixed(s: &mut Declaration<'_>) {
    s.rules([ASSEMBLE]);
    s.case("17.1.1", "binary-fragments", "A binary message in two fragments of octets that are no UTF-8")
        .expect("The message comes back as binary.")
        .send(binary([0x00].to_vec()).not_final())
        .send(continuation([0xff].to_vec()))
        .fail_after(secs(2))
        .ok([binary_message([0x00, 0xff].to_vec())])
        .close(we_close([NORMAL]));

    s.rules([NOT_BETWEEN]);
    let mixed = [
        (
            "17.1.2",
            "binary-in-text",
            "A binary message behind the first fragment of a text",
            text("a"),
            binary("b"),
        ),
        (
            "17.1.3",
            "text-in-binary",
            "A text message behind the first fragment of a binary",
            binary("a"),
            text("b"),
        ),
        (
            "17.1.4",
            "binary-in-binary",
            "A binary message behind the first fragment of another",
            binary("a"),
            binary("b"),
        ),
    ];
    for (id, slug, title, first, second) in mixed {
        s.case(id, slug, title)
            .expect(REFUSED)
            .send(first.not_final())
            .send(second)
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }

    s.case("17.1.5", "two-first-fragments", "The first fragments of two text messages, then a continuation")
        .expect(REFUSED)
        .send(text("a").not_final())
        .send(text("b").not_final())
        .send(continuation("c"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));

    s.case(
        "17.1.6",
        "text-in-text-behind-a-ping",
        "The first fragment of a text, a ping, a text message, a continuation",
    )
    .expect("The ping is answered, and the connection is failed.")
    .send(text("a").not_final())
    .send(ping(""))
    .send(text("b"))
    .send(continuation("c"))
    .fail_after(secs(2))
    .fails(Fails::with([PROTOCOL_ERROR]).after([ponged("")]));
}

fn orphans(s: &mut Declaration<'_>) {
    s.rules([NOTHING_OPEN]);
    let orphans = [
        (
            "17.1.7",
            "orphan-not-final",
            "A continuation without FIN as the first frame",
            continuation("a").not_final(),
        ),
        ("17.1.8", "orphan-empty", "An empty continuation with FIN as the first frame", continuation("")),
    ];
    for (id, slug, title, orphan) in orphans {
        s.case(id, slug, title)
            .expect("The connection is failed at once.")
            .send(orphan)
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }
}

fn in_turn(s: &mut Declaration<'_>) {
    s.rules([ENDS, ASSEMBLE]);
    s.case(
        "17.1.9",
        "types-in-turn",
        "Text in two fragments, binary in one frame, binary in two fragments, an empty text",
    )
    .expect("The four messages come back, each with its own type.")
    .send(text("a").not_final())
    .send(continuation("b"))
    .send(binary("c"))
    .send(binary("d").not_final())
    .send(continuation("e"))
    .send(text(""))
    .fail_after(secs(2))
    .ok([message("ab"), binary_message("c"), binary_message("de"), message("")])
    .close(we_close([NORMAL]));

    s.rules([ASSEMBLE]);
    s.case("17.1.10", "empty-binary-fragments", "A binary message in three empty fragments")
        .expect("An empty binary message comes back.")
        .send(binary("").not_final())
        .send(continuation("").not_final())
        .send(continuation(""))
        .fail_after(secs(2))
        .ok([binary_message("")])
        .close(we_close([NORMAL]));

    let fragment = |n| match n {
        0 => text("").not_final(),
        19 => continuation("abc"),
        _ if n % 2 == 0 => continuation("").not_final(),
        _ => continuation("abc").not_final(),
    };
    s.case(
        "17.1.11",
        "empty-and-short-fragments",
        "A text message in 20 fragments, in turn empty and of three octets",
    )
    .expect(ECHOED)
    .send_all((0..20).map(fragment))
    .fail_after(secs(2))
    .ok([message("abc".repeat(10))])
    .close(we_close([NORMAL]));
}

fn many_fragments(s: &mut Declaration<'_>) {
    s.case(
        "17.1.12",
        "10000-fragments",
        "A text message of 10000 octets at once, one in each fragment and none in the last",
    )
    .expect("The message comes back. A peer that limits the number of fragments may fail the connection.")
    .send(text(repeat(b"*", 10_000)).in_fragments_of(1))
    .close_after(secs(10))
    .tolerates([message(repeat(b"*", 10_000))], [POLICY_VIOLATION, MESSAGE_TOO_BIG])
    .grading(Tolerance::MayRefuse);

    let case = s.case(
        "17.1.13",
        "1000-slow-fragments",
        "A text message of 1000 octets, one in each fragment, 1 ms apart",
    );
    case.expect(ECHOED).send(text("*").not_final());
    for _ in 1..999 {
        case.wait(millis(1)).send(continuation("*").not_final());
    }
    case.wait(millis(1))
        .send(continuation("*"))
        .close_after(secs(5))
        .tolerates([message(repeat(b"*", 1000))], [POLICY_VIOLATION, MESSAGE_TOO_BIG])
        .grading(Tolerance::MayRefuse);
}

fn sizes(s: &mut Declaration<'_>) {
    s.case(
        "17.1.14",
        "fragments-at-the-borders",
        "A binary message in fragments of 125, 126, 65535 and 65536 octets",
    )
    .expect(ECHOED)
    .send(binary(repeat(b"*", 125)).not_final())
    .send(continuation(repeat(b"*", 126)).not_final())
    .send(continuation(repeat(b"*", 65535)).not_final())
    .send(continuation(repeat(b"*", 65536)))
    .fail_after(secs(5))
    .ok([binary_message(repeat(b"*", 125 + 126 + 65535 + 65536))])
    .close(we_close([NORMAL]));
}

fn endless(s: &mut Declaration<'_>) {
    const EMPTY: usize = 10_000;
    let title = "A text message in two fragments with 10000 empty ones between them";
    s.case("17.1.15", "10000-empty-fragments", title)
        .expect(
            "The message comes back, or the connection is failed because the message has too many fragments.",
        )
        .send(text("a").not_final())
        .send_all((0..EMPTY).map(|_| continuation("").not_final()))
        .send(continuation("b"))
        .close_after(secs(10))
        .tolerates([message("ab")], [POLICY_VIOLATION, MESSAGE_TOO_BIG]);

    s.rules([CONTROL_BETWEEN]);
    s.case(
        "17.1.16",
        "ping-between-by-octet",
        "A text message in two fragments with a ping between them, octet by octet",
    )
    .expect("A pong comes back, then the message.")
    .send(text("a").not_final().chop(1))
    .send(ping("p").chop(1))
    .send(continuation("b").chop(1))
    .fail_after(secs(5))
    .ok([ponged("p"), message("ab")])
    .pongs_anywhere()
    .close(we_close([NORMAL]));
}

fn broken_off(s: &mut Declaration<'_>) {
    s.rules([LOST]);
    s.case("17.1.17", "end-of-tcp-in-a-message", "The first fragment of a text message, then the end of TCP")
        .expect("The peer ends TCP, with a Close frame or without one. Nothing comes back.")
        .closing_by_script()
        .send(text("partial").not_final())
        .half_close()
        .await_(Awaited::EndOfTcp, secs(30))
        .ends([])
        .tcp(EndOfTcp::Within(secs(5), secs(30)));

    s.rules([ASSEMBLE]);
    s.case("17.1.18", "30-s-in-a-message", "A text message in two fragments, 30 s apart")
        .expect("The message comes back, or the peer closes because the message takes too long.")
        .send(text("a").not_final())
        .wait(secs(30))
        .send(continuation("b"))
        .close_after(secs(5))
        .tolerates([message("ab")], [NORMAL, GOING_AWAY, POLICY_VIOLATION]);

    s.rules([ANSWER_CLOSE]);
    s.case("17.1.19", "close-in-a-message", "The first fragment of a text message, then a Close frame")
        .expect("The Close frame is answered, and nothing comes back of the message.")
        .send(text("a").not_final())
        .send(close(NORMAL))
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]));
}
