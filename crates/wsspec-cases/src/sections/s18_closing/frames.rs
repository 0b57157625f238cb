//! 18.5: a Close frame among other frames.

use crate::prelude::*;
use crate::step::Step;

use super::{ANSWER, ANSWERED, CLEAN_TCP, CLOSE_1000, DISCARD, LAST, MIB};

const LOOKS_NO_FURTHER: &str = "The Close frame is answered; what follows it is not looked at.";

pub(super) fn declare(s: &mut Declaration<'_>) {
    behind_the_close(s);
    before_the_close(s);
}

fn behind_the_close(s: &mut Declaration<'_>) {
    s.group(5, "A Close frame among other frames").rules([ANSWER, DISCARD]);
    s.case("18.5.1", "opcode-3-behind-close", "A Close frame and a frame with the opcode 3 at once")
        .expect(LOOKS_NO_FURTHER)
        .send(close(NORMAL))
        .send(frame(3, "x"))
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]));

    s.rules([CLEAN_TCP, ANSWER, DISCARD]);
    s.case("18.5.2", "10-mib-behind-close", "A Close frame and a text message of 10 MiB at once")
        .expect("The answer can be read, and then the end of TCP.")
        .send(close(NORMAL))
        .send(text(repeat(b"*", 10 * MIB)))
        .fail_after(secs(10))
        .closes(Closes::with([NORMAL]));

    s.rules([ANSWER, DISCARD]);
    s.case("18.5.3", "noise-behind-close", "A Close frame and four octets ff at once")
        .expect(LOOKS_NO_FURTHER)
        .send(close(NORMAL))
        .send(Step::Octets(vec![0xff; 4].into()))
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]));

    s.case("18.5.4", "text-and-close", "A text message and a Close frame at once")
        .expect("The message comes back, then the Close frame is answered.")
        .send(text("x"))
        .send(close(NORMAL))
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]).perhaps_after([message("x")]));
}

fn before_the_close(s: &mut Declaration<'_>) {
    s.rules([ANSWER]);
    s.case("18.5.5", "close-octet-by-octet", "A Close frame, octet by octet")
        .expect(ANSWERED)
        .send(close_frame(CLOSE_1000).chop(1))
        .closing_began(NORMAL)
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]));

    s.rules([super::LOST]);
    s.case(
        "18.5.6",
        "close-without-its-payload",
        "The header of a Close frame of two octets, and 2 s later the end of TCP",
    )
    .closing_by_script()
    .expect("The peer ends TCP, too, with a Close frame or without.")
    .send(close_frame("").announcing(2))
    .wait(secs(2))
    .half_close()
    .await_(Awaited::EndOfTcp, secs(30))
    .ends([])
    .tcp(EndOfTcp::Within(secs(5), secs(30)));

    s.rules([ANSWER, LAST]);
    s.case(
        "18.5.7",
        "close-in-a-large-message",
        "The first fragment of a message, 1 MiB, then a Close frame and the last fragment",
    )
    .expect("The Close frame is answered, and nothing comes back of the message.")
    .send(binary(counting(MIB)).not_final())
    .send(close(NORMAL))
    .send(continuation(""))
    .fail_after(secs(5))
    .closes(Closes::with([NORMAL]));

    s.case("18.5.8", "two-closes", "Two Close frames at once")
        .closing_by_script()
        .expect("One answer comes, and TCP is ended.")
        .send(close(NORMAL))
        .send(close_frame(CLOSE_1000))
        .await_(Awaited::Close, secs(3))
        .wait(millis(300))
        .end_by_role()
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]));
}
