//! 18.6 to 18.8: the end of TCP, with a closing handshake and without, and the time that closing takes.

use crate::prelude::*;
use crate::step::Step;

use super::{ANSWER, CLEAN_TCP, FAILED, LOST, MIB, SERVER_ENDS};

const ENDS: &str = "The peer ends TCP, too, with a Close frame or without. Nothing comes back.";
/// How soon TCP has to be ended, and when at the latest.
const END: EndOfTcp = EndOfTcp::Within(secs(5), secs(30));

pub(super) fn declare(s: &mut Declaration<'_>) {
    fin(s);
    fin_with_more(s);
    many_resets(s);
    behind_the_closing_handshake(s);
    unread_data(s);
    time_to_answer(s);
}

fn fin(s: &mut Declaration<'_>) {
    s.group(6, "The end of TCP without a Close frame").rules([LOST]);
    let beginnings: [(&str, &str, &str, Vec<Step>); 4] = [
        ("18.6.1", "fin", "The end of TCP while nothing is under way", vec![]),
        (
            "18.6.2",
            "fin-in-a-header",
            "The first octet of a text frame, then the end of TCP",
            vec![Step::Octets(vec![0x81].into())],
        ),
        (
            "18.6.3",
            "fin-in-a-payload",
            "Three of the five octets of a text frame, then the end of TCP",
            vec![text("Hel").announcing(5).into()],
        ),
        (
            "18.6.4",
            "fin-in-a-message",
            "The first fragment of a text message, then the end of TCP",
            vec![text("Hel").not_final().into()],
        ),
    ];
    for (id, slug, title, steps) in beginnings {
        s.case(id, slug, title)
            .closing_by_script()
            .expect(ENDS)
            .send_all(steps)
            .half_close()
            .await_(Awaited::EndOfTcp, secs(30))
            .ends([])
            .tcp(END);
    }
}

fn fin_with_more(s: &mut Declaration<'_>) {
    s.case("18.6.5", "rst-behind-a-message", "A text message, then a RST; then another connection")
        .expect("The peer serves the next connection, and what belonged to the first is freed.")
        .each_of(2, "a text message and a RST; then a text message", |n, case| match n {
            0 => {
                case.called("A text message, then a RST")
                    .send(text("x"))
                    .reset()
                    .fail_after(secs(1))
                    .only_plays();
            }
            _ => {
                case.called("A text message on the next connection").is_served();
            }
        })
        .footprint(Footprint::ComesBack);

    s.case("18.6.6", "fin-behind-a-message", "A text message, then the end of TCP")
        .closing_by_script()
        .expect("The peer ends TCP, too. Whether the message comes back before is told.")
        .send(text("x"))
        .half_close()
        .await_(Awaited::EndOfTcp, secs(30))
        .ends([message("x")])
        .tcp(END);

    s.rules([ANSWER]);
    s.case("18.6.7", "fin-behind-a-close", "A Close frame and the end of TCP at once")
        .expect("The Close frame is answered, and TCP is ended.")
        .send(close(NORMAL))
        .half_close()
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]).or_fails());
}

fn many_resets(s: &mut Declaration<'_>) {
    s.rules([LOST]);
    s.case(
        "18.6.8",
        "500-resets",
        "500 connections that end with a RST as soon as they are open, and one that is used",
    )
    .of_servers()
    .expect("The peer serves the last one, and what belonged to the others is freed.")
    .each_of(
        501,
        "a RST as soon as the connection is open; on the last one a text message",
        |n, case| match n {
            500 => {
                case.called("A text message behind 500 connections that were reset").is_served();
            }
            _ => {
                case.called("A RST as soon as the connection is open")
                    .reset()
                    .fail_after(secs(1))
                    .only_plays();
            }
        },
    )
    .footprint(Footprint::ComesBack)
    .many();
}

fn behind_the_closing_handshake(s: &mut Declaration<'_>) {
    s.group(7, "The end of TCP behind a Close frame").rules([SERVER_ENDS]);
    s.case("18.7.1", "server-ends-tcp-at-once", "A Close frame; the time from its answer to the end of TCP")
        .of_servers()
        .closing_by_script()
        .expect("The server ends TCP within 1 s.")
        .send(close(NORMAL))
        .await_(Awaited::Close, secs(3))
        .await_(Awaited::EndOfTcp, secs(3))
        .closes(Closes::with([NORMAL]))
        .tcp(EndOfTcp::Within(secs(1), secs(3)));

    s.rules([CLEAN_TCP, SERVER_ENDS]);
    s.case("18.7.2", "server-ends-tcp-with-fin", "A Close frame; how TCP is ended behind the answer")
        .of_servers()
        .closing_by_script()
        .expect("The server ends TCP first, with FIN and not with RST.")
        .send(close(NORMAL))
        .await_(Awaited::Close, secs(3))
        .await_(Awaited::EndOfTcp, secs(3))
        .closes(Closes::with([NORMAL]))
        .tcp(EndOfTcp::Within(secs(3), secs(3)));

    s.rules([CLEAN_TCP, FAILED]);
    s.case(
        "18.7.3",
        "data-behind-a-violation",
        "A frame with the opcode 3 and 1 MiB of data; only 1 s later is read what comes back",
    )
    .expect("The Close frame of the peer can be read; nothing else comes back.")
    .stop_reading()
    .send(frame(3, "x"))
    .send(binary(counting(MIB)))
    .wait(secs(1))
    .resume_reading()
    .fail_after(secs(5))
    .fails(Fails::with([PROTOCOL_ERROR]));
}

fn unread_data(s: &mut Declaration<'_>) {
    s.rules([CLEAN_TCP, ANSWER]);
    s.case(
        "18.7.4",
        "close-behind-unread-data",
        "Eight messages of 1 MiB and a Close frame; what comes back is read 1 s later",
    )
    .quiet()
    .expect("All messages come back, then the answer to the Close frame.")
    .stop_reading()
    .send_all((0..8).map(|_| binary(counting(MIB))))
    .send(close(NORMAL))
    .wait(secs(1))
    .resume_reading()
    .fail_after(secs(20))
    .closes(Closes::with([NORMAL]).after_messages(8).within(secs(20)));
}

fn time_to_answer(s: &mut Declaration<'_>) {
    s.group(8, "The time that closing takes").rules([ANSWER]);
    s.case("18.8.1", "prompt-answer", "A Close frame while nothing else is under way")
        .expect("The answer comes within 250 ms.")
        .send(close(NORMAL))
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]).within(millis(250)));

    s.case(
        "18.8.2",
        "close-behind-slow-reading",
        "16 messages of 1 MiB and a Close frame to a peer whose echoes are read 2 s later",
    )
    .quiet()
    .expect("The Close frame is answered between two messages; after how many is told.")
    .stop_reading()
    .send_all((0..16).map(|_| binary(counting(MIB))))
    .send(close(NORMAL))
    .wait(secs(2))
    .resume_reading()
    .fail_after(secs(30))
    .closes(Closes::with([NORMAL]).after_any_messages().within(secs(30)));
}
