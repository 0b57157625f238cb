//! 5.*: messages in fragments, control frames between them, and continuations of nothing.

use crate::prelude::*;
use crate::step::FrameSpec;

const FRAGMENTS: Rule = Rule::must(
    Rfc6455,
    "5.4",
    "a message may come in any number of fragments: the first with FIN clear and the opcode of the message, \
     the others with opcode 0, the last with FIN set",
);
const CONTROL_WHOLE: Rule = Rule::must(Rfc6455, "5.5", "a control frame is not fragmented");
const CONTROL_BETWEEN: Rule =
    Rule::must(Rfc6455, "5.4", "control frames between the fragments of a message are handled");
const ANSWER: Rule = Rule::must(Rfc6455, "5.5.2", "a Ping is answered with a Pong");
const NOTHING_OPEN: Rule =
    Rule::must(Rfc6455, "5.4", "a frame with opcode 0 continues a message that was begun, and nothing else");
const NOT_BETWEEN: Rule = Rule::must(
    Rfc6455,
    "5.4",
    "the fragments of one message are not mixed with those of another: until FIN only opcode 0 follows",
);

const F1: &str = "fragment1";
const F2: &str = "fragment2";
const F3: &str = "fragment3";
const F4: &str = "fragment4";
const F5: &str = "fragment5";
const ORPHAN: &str = "non-continuation payload";
const NO_ECHO: &str = "The connection is failed, and nothing comes back.";

/// How a row of frames is handed to the network.
#[derive(Clone, Copy)]
enum Pace {
    Burst,
    FrameByFrame,
    OctetByOctet,
}

use Pace::{Burst, FrameByFrame, OctetByOctet};

impl Pace {
    fn of(self, frame: FrameSpec) -> FrameSpec {
        match self {
            Burst => frame,
            FrameByFrame => frame.sync(),
            OctetByOctet => frame.chop(1),
        }
    }

    const fn slug(self) -> &'static str {
        match self {
            Burst => "",
            FrameByFrame => "-by-frame",
            OctetByOctet => "-by-octet",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Burst => "",
            FrameByFrame => ", each frame pushed on its own",
            OctetByOctet => ", handed to the network octet by octet",
        }
    }
}

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(5, "Fragmentation");
    control_frames_in_fragments(&mut s);
    messages_in_fragments(&mut s);
    pings_between_fragments(&mut s);
    continuations_of_nothing(&mut s);
    messages_inside_messages(&mut s);
    pings_and_pauses(&mut s);
}

fn control_frames_in_fragments(s: &mut Declaration<'_>) {
    s.rules([CONTROL_WHOLE]);

    s.case("5.1", "ping-fragmented", "A ping in two fragments")
        .expect(NO_ECHO)
        .send(ping(F1).not_final())
        .send(continuation(F2))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));

    s.case("5.2", "pong-fragmented", "A pong in two fragments")
        .expect(NO_ECHO)
        .send(pong(F1).not_final())
        .send(continuation(F2))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));
}

fn messages_in_fragments(s: &mut Declaration<'_>) {
    s.rules([FRAGMENTS]);

    for (id, pace) in [("5.3", Burst), ("5.4", FrameByFrame), ("5.5", OctetByOctet)] {
        let title = format!("A text message in two fragments{}", pace.words());
        s.case(id, format!("two-fragments{}", pace.slug()), title)
            .expect("The message comes back as a whole.")
            .send(pace.of(text(F1).not_final()))
            .send(pace.of(continuation(F2)))
            .close_after(secs(1))
            .ok([message("fragment1fragment2")])
            .close(we_close([NORMAL]));
    }
}

fn pings_between_fragments(s: &mut Declaration<'_>) {
    s.rules([CONTROL_BETWEEN, ANSWER]);

    for (id, pace) in [("5.6", Burst), ("5.7", FrameByFrame), ("5.8", OctetByOctet)] {
        let title = format!("A text message in two fragments, with a ping between them{}", pace.words());
        s.case(id, format!("ping-between-fragments{}", pace.slug()), title)
            .expect("A pong comes back at once, then the message.")
            .send(pace.of(text(F1).not_final()))
            .send(pace.of(ping("ping payload")))
            .send(pace.of(continuation(F2)))
            .close_after(secs(1))
            .ok([ponged("ping payload"), message("fragment1fragment2")])
            .close(we_close([NORMAL]));
    }
}

fn continuations_of_nothing(s: &mut Declaration<'_>) {
    s.rules([NOTHING_OPEN]);

    for (id, pace) in [("5.9", Burst), ("5.10", FrameByFrame), ("5.11", OctetByOctet)] {
        let title = format!(
            "A continuation with FIN set and nothing to continue, then a text message{}",
            pace.words()
        );
        s.case(id, format!("stray-continuation{}", pace.slug()), title)
            .expect(NO_ECHO)
            .send(pace.of(continuation(ORPHAN)))
            .send(pace.of(text("Hello, world!")))
            .fail_after(secs(1))
            .ok([])
            .close(peer_fails([PROTOCOL_ERROR]));
    }

    for (id, pace) in [("5.12", Burst), ("5.13", FrameByFrame), ("5.14", OctetByOctet)] {
        let title = format!(
            "A continuation with FIN clear and nothing to continue, then a text message{}",
            pace.words()
        );
        s.case(id, format!("stray-open-continuation{}", pace.slug()), title)
            .expect(NO_ECHO)
            .send(pace.of(continuation(ORPHAN).not_final()))
            .send(pace.of(text("Hello, world!")))
            .fail_after(secs(1))
            .ok([])
            .close(peer_fails([PROTOCOL_ERROR]));
    }

    s.case(
        "5.15",
        "orphan-continuation",
        "A text message in two fragments, then a continuation of nothing, then a text message",
    )
    .expect("The first message comes back, then the connection is failed.")
    .send(text(F1).not_final())
    .send(continuation(F2))
    .send(continuation(F3).not_final())
    .send(text(F4))
    .fail_after(secs(1))
    .ok([message("fragment1fragment2")])
    .non_strict([], "the connection may fail before the application has echoed the first message")
    .close(peer_fails([PROTOCOL_ERROR]));

    let twice = |first: FrameSpec| {
        let row = vec![first, text(F2).not_final(), continuation(F3)];
        [row.clone(), row].concat()
    };
    s.case(
        "5.16",
        "open-continuation-first",
        "Twice: a continuation of nothing with FIN clear, then a text message in two fragments",
    )
    .expect(NO_ECHO)
    .send_all(twice(continuation(F1).not_final()))
    .fail_after(secs(1))
    .ok([])
    .close(peer_fails([PROTOCOL_ERROR]));

    s.case(
        "5.17",
        "continuation-first",
        "Twice: a continuation of nothing with FIN set, then a text message in two fragments",
    )
    .expect(NO_ECHO)
    .send_all(twice(continuation(F1)))
    .fail_after(secs(1))
    .ok([])
    .close(peer_fails([PROTOCOL_ERROR]));
}

fn messages_inside_messages(s: &mut Declaration<'_>) {
    s.rules([NOT_BETWEEN]);

    s.case("5.18", "text-inside-text", "A text message in two fragments, both with the opcode of text")
        .expect(NO_ECHO)
        .send(text(F1).not_final())
        .send(text(F2))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));
}

fn pings_and_pauses(s: &mut Declaration<'_>) {
    s.rules([FRAGMENTS, CONTROL_BETWEEN, ANSWER]);

    for (id, pace) in [("5.19", Burst), ("5.20", FrameByFrame)] {
        let title = format!(
            "A text message in five fragments, with two pings and a pause between them{}",
            pace.words()
        );
        s.case(id, format!("five-fragments-two-pings{}", pace.slug()), title)
            .expect("Each pong comes back as soon as its ping was sent, then the message.")
            .send(pace.of(text(F1).not_final()))
            .send(pace.of(continuation(F2).not_final()))
            .send(pace.of(ping("pongme 1!")))
            .wait(secs(1))
            .send(pace.of(continuation(F3).not_final()))
            .send(pace.of(continuation(F4).not_final()))
            .send(pace.of(ping("pongme 2!")))
            .send(pace.of(continuation(F5)))
            .close_after(secs(1))
            .ok([
                ponged("pongme 1!"),
                ponged("pongme 2!"),
                message("fragment1fragment2fragment3fragment4fragment5"),
            ])
            .close(we_close([NORMAL]));
    }
}
