//! 18.*: closing, beyond section 7: who closes, with what, when, and how TCP ends.

mod commanded;
mod frames;
mod tcp;

use crate::prelude::*;

const ANSWER: Rule =
    Rule::must(Rfc6455, "5.5.1", "a Close is answered with a Close unless one has been sent before");
const LAST: Rule = Rule::must(Rfc6455, "5.5.1", "an endpoint sends no data frame behind its Close");
const BODY: Rule =
    Rule::must(Rfc6455, "5.5.1", "the payload of a Close, if any, begins with a code of two octets");
const REASON: Rule = Rule::must(Rfc6455, "5.5.1", "what follows the code of a Close is UTF-8");
const NOT_UTF8: Rule = Rule::must(Rfc6455, "8.1", "text that is no UTF-8 fails the connection");
const REGISTERED: Rule =
    Rule::must(Rfc6455, "7.4.2", "codes from 1000 to 2999 mean what the specification and its registry say");
const RESERVED: Rule =
    Rule::must(Rfc6455, "7.4.1", "1005, 1006 and 1015 are for the API and stand in no Close frame");
const UNUSED: Rule = Rule::must(Rfc6455, "7.4.2", "codes below 1000 are not used");
const BEYOND: Rule = Rule::may(Rfc6455, "7.4.2", "of codes from 5000 on nothing is said");
const FAILED: Rule =
    Rule::must(Rfc6455, "7.1.7", "an endpoint that fails the connection processes no more data");
const SHORT: Rule = Rule::must(Rfc6455, "5.5", "a control frame has a payload of at most 125 octets");
const DISCARD: Rule = Rule::may(Rfc6455, "1.4", "what comes behind a Close is discarded");
const START: Rule = Rule::must(
    Rfc6455,
    "7.1.2",
    "an endpoint starts the closing handshake with a Close frame that carries the code and the reason that it \
     is given",
);
const API: Rule = Rule::must(
    Rfc6455,
    "7.1.5",
    "the close code is that of the first Close frame that came; without a code 1005, without a Close frame 1006",
);
const SERVER_ENDS: Rule =
    Rule::must(Rfc6455, "5.5.1", "behind both Close frames the server ends TCP immediately");
const CLIENT_WAITS: Rule = Rule::should(
    Rfc6455,
    "7.1.1",
    "a client waits until the server ends TCP, though not for longer than it finds reasonable",
);
const CLEAN_TCP: Rule =
    Rule::should(Rfc6455, "7.1.1", "TCP is ended such that the peer can read all that was sent");
const LOST: Rule = Rule::must(Rfc6455, "7.2.1", "a client whose connection is lost fails the connection");
const IDLE: Rule = Rule::may(Rfc6455, "7.3", "an endpoint may close whenever it likes");
const PING: Rule = Rule::must(Rfc6455, "5.5.2", "a Ping is answered unless a Close has come");
const ROLES: Rule = Rule::may(
    Rfc6455,
    "7.4.1",
    "1010 is for clients that miss an extension, 1011 for servers that meet an unexpected condition",
);

const ANSWERED: &str = "The Close frame is answered, and TCP is ended.";
const FAILS: &str = "The connection is failed; the code does not come back.";
/// The body of a Close frame with the code 1000.
const CLOSE_1000: &[u8] = &[0x03, 0xe8];
const MIB: usize = 1 << 20;

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(18, "Closing, beyond section 7");
    codes(&mut s);
    bodies(&mut s);
    reasons_that_are_no_text(&mut s);
    commanded::declare(&mut s);
    frames::declare(&mut s);
    tcp::declare(&mut s);
    watched(&mut s);
    idle(&mut s);
}

fn codes(s: &mut Declaration<'_>) {
    s.group(1, "Codes").rules([REGISTERED, ANSWER]);
    for (n, code) in (1..).zip([1012, 1013, 1014]) {
        let title = format!("A Close frame with the code {code}, which was registered after RFC 6455");
        s.case(format!("18.1.{n}"), format!("close-{code}"), title)
            .expect("The Close frame is answered with that code, with 1000 or with none.")
            .send(close(code))
            .fail_after(secs(5))
            .closes(Closes::with([code, NORMAL]).or_fails());
    }

    s.rules([RESERVED]);
    s.case("18.1.4", "close-1015", "A Close frame with the code 1015")
        .expect(FAILS)
        .send(close(1015))
        .fail_after(secs(5))
        .fails(Fails::with([PROTOCOL_ERROR]));

    s.rules([BEYOND]);
    for (n, code) in (5..).zip([5000, 65535]) {
        let title = format!("A Close frame with the code {code}, of which the RFC says nothing");
        s.case(format!("18.1.{n}"), format!("close-{code}"), title)
            .expect(
                "The connection is failed. An answer with another code or with that one is accepted, too.",
            )
            .send(close(code))
            .fail_after(secs(5))
            .fails(
                Fails::with([PROTOCOL_ERROR])
                    .or_echoes(code, "RFC 6455 7.4.2 says nothing of codes from 5000 on"),
            );
    }

    for (n, code, rule) in [(7, 0, UNUSED), (8, 1005, RESERVED), (9, 1006, RESERVED)] {
        s.rules([rule]);
        let title = format!("A Close frame with the code {code} and a reason");
        s.case(format!("18.1.{n}"), format!("close-{code}-with-reason"), title)
            .expect(FAILS)
            .send(close(code).reason("x"))
            .fail_after(secs(5))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }

    s.rules([REGISTERED, RESERVED, UNUSED, BEYOND]);
    s.case("18.1.10", "every-close-code", "A Close frame with each code from 0 to 5000, and with 65535")
        .expect("Codes that may be sent are answered, the others fail the connection.")
        .each_of(5002, "a Close frame with the code of that number, and last with 65535", |n, case| {
            let code = u16::try_from(n).ok().filter(|code| *code <= 5000).unwrap_or(u16::MAX);
            one_code(case.called(format!("A Close frame with the code {code}")).send(close(code)), code);
        })
        .many();
}

/// What becomes of a Close frame with this code.
fn one_code(case: &mut Case, code: u16) {
    case.fail_after(secs(5));
    match code {
        1000..=1003 | 1007..=1011 | 3000..=4999 => case.closes(Closes::with([code, NORMAL])),
        1012..=1014 => case.closes(Closes::with([code, NORMAL]).or_fails()),
        5000.. => case.fails(
            Fails::with([PROTOCOL_ERROR])
                .or_echoes(code, "RFC 6455 7.4.2 says nothing of codes from 5000 on"),
        ),
        _ => case.fails(Fails::with([PROTOCOL_ERROR])),
    };
}

fn bodies(s: &mut Declaration<'_>) {
    s.group(2, "What a Close frame says").rules([BODY]);
    for (n, octet) in [(1, 0x03), (2, 0x00)] {
        let title = format!("A Close frame whose payload is the octet {octet:02x}");
        s.case(format!("18.2.{n}"), format!("close-of-octet-{octet:02x}"), title)
            .expect("The connection is failed.")
            .send(close_without_code().reason(vec![octet]))
            .fail_after(secs(5))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }

    s.rules([ANSWER, SHORT, REASON]);
    s.case(
        "18.2.3",
        "longest-reason",
        "A Close frame with a reason of 123 octets, all of them parts of \"€\"",
    )
    .expect(ANSWERED)
    .send(close(NORMAL).reason("€".repeat(41)))
    .fail_after(secs(5))
    .closes(Closes::with([NORMAL]));
}

fn reasons_that_are_no_text(s: &mut Declaration<'_>) {
    s.rules([REASON, NOT_UTF8]);
    let cut = [&[b'*'; 122][..], &[0xe2]].concat();
    let reasons: [(&str, &str, &str, Vec<u8>); 6] = [
        ("18.2.4", "longest-reason-cut", "a reason of 123 octets that ends inside a character", cut),
        ("18.2.5", "reason-ff", "the reason ff", vec![0xff]),
        ("18.2.6", "reason-overlong", "a reason with an overlong character", vec![0xc0, 0xaf]),
        ("18.2.7", "reason-surrogate", "a reason with a surrogate", vec![0xed, 0xa0, 0x80]),
        (
            "18.2.8",
            "reason-too-high",
            "a reason with a character beyond U+10FFFF",
            vec![0xf4, 0x90, 0x80, 0x80],
        ),
        ("18.2.9", "reason-stray-octet", "a reason that ends with a stray octet", b"ok\x80".to_vec()),
    ];
    for (id, slug, what, reason) in reasons {
        s.case(id, slug, format!("A Close frame with the code 1000 and {what}"))
            .expect("The connection is failed. What is sent back is UTF-8.")
            .send(close(NORMAL).reason(reason))
            .fail_after(secs(5))
            .fails(Fails::with([INVALID_PAYLOAD, PROTOCOL_ERROR]));
    }

    s.rules([ANSWER, REASON]);
    s.case("18.2.10", "reason-nul-and-bom", "A Close frame with a reason of a byte order mark and a NUL")
        .expect(ANSWERED)
        .send(close(NORMAL).reason("\u{feff}a\0b"))
        .fail_after(secs(5))
        .closes(Closes::with([NORMAL]));

    s.case(
        "18.2.11",
        "3000-with-longest-reason",
        "A Close frame with the code 3000 and a reason of 123 octets",
    )
    .expect("The Close frame is answered with that code, with 1000 or with none.")
    .send(close(3000).reason("*".repeat(123)))
    .fail_after(secs(5))
    .closes(Closes::with([3000, NORMAL]));

    s.case(
        "18.2.12",
        "close-in-three-pieces",
        "A Close frame in three pieces: header, first octet, and 200 ms later the second",
    )
    .expect(ANSWERED)
    .send(close_frame("").announcing(2).sync())
    .data(vec![0x03])
    .wait(millis(200))
    .data(vec![0xe8])
    .closing_began(NORMAL)
    .fail_after(secs(5))
    .closes(Closes::with([NORMAL]));
}

fn watched(s: &mut Declaration<'_>) {
    s.group(9, "Closes of the peer").rules([LAST]);
    s.case("18.9.1", "watch-one-close", "How many Close frames come in each connection of the run")
        .expect("One at most.")
        .watch(["close.again"]);

    s.case(
        "18.9.2",
        "watch-data-behind-close",
        "What comes behind the Close frame of the peer in the whole run",
    )
    .expect("No data frame.")
    .watch(["close.data"]);

    s.rules([BODY, REASON]);
    s.case("18.9.3", "watch-close-body", "The payload of every Close frame that comes in the whole run")
        .expect("It is empty, or a code and a reason, which is UTF-8 to its last octet.")
        .watch(["close.body", "close.utf8"]);

    s.rules([REGISTERED, RESERVED, UNUSED]);
    s.case("18.9.4", "watch-close-codes", "The code of every Close frame that comes in the whole run")
        .expect("It is one that may be sent. Codes from 5000 on are told.")
        .watch(["close.code.unlawful"])
        .tell_of(["close.code.beyond"]);

    s.rules([FAILED]);
    s.case(
        "18.9.5",
        "watch-failed-connections",
        "What comes behind a Close frame by which the peer failed the connection",
    )
    .expect("No Pong: what comes in is not processed any more.")
    .watch(["close.failed"]);

    s.rules([ROLES]);
    s.case("18.9.6", "watch-1010-and-1011", "Whether a server closes with 1010, or a client with 1011")
        .expect("It does not; if it does, that is told.")
        .watch([])
        .tell_of(["close.code.role"]);
}

fn idle(s: &mut Declaration<'_>) {
    s.group(10, "Idle connections").rules([IDLE]);
    let codes = [NORMAL, GOING_AWAY, POLICY_VIOLATION, INTERNAL_ERROR];
    s.case("18.10.1", "idle-for-2-minutes", "Nothing for 120 s, then a text message")
        .expect("The message comes back. A peer that closes before is told of.")
        .wait(secs(120))
        .send(text("x"))
        .close_after(secs(5))
        .tolerates([message("x")], codes)
        .grading(Tolerance::MayRefuse)
        .slow();

    s.rules([IDLE, PING]);
    s.case(
        "18.10.2",
        "unanswered-pings-for-2-minutes",
        "Nothing for 120 s, not even answers to Pings, then a text message",
    )
    .ignoring_pings()
    .expect("The message comes back, or the peer has closed before; which of both is told.")
    .wait(secs(120))
    .send(text("x"))
    .close_after(secs(5))
    .tolerates([message("x")], codes)
    .slow();
}
