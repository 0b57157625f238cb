//! 7.*: the closing handshake: its order, its payload, its codes.

use crate::prelude::*;

const ANSWER: Rule =
    Rule::must(Rfc6455, "5.5.1", "a Close is answered with a Close unless one has been sent before");
const NOTHING_AFTER: Rule = Rule::must(Rfc6455, "5.5.1", "nothing is sent after a Close");
const IGNORE_AFTER: Rule = Rule::may(Rfc6455, "1.4", "what comes after a Close is discarded");
const UNFINISHED: Rule = Rule::must(Rfc6455, "5.4", "a message is delivered when its last fragment has come");
const ECHO: Rule = Rule::should(Rfc6455, "5.5.1", "the answer to a Close typically repeats its code");
const BODY: Rule =
    Rule::must(Rfc6455, "5.5.1", "the payload of a Close, if any, begins with a code of two octets");
const SHORT: Rule = Rule::must(Rfc6455, "5.5", "a control frame has a payload of at most 125 octets");
const REASON: Rule = Rule::must(Rfc6455, "5.5.1", "what follows the code of a Close is UTF-8");
const NOT_UTF8: Rule = Rule::must(Rfc6455, "8.1", "text that is no UTF-8 fails the connection");
const CODES: Rule = Rule::must(
    Rfc6455,
    "7.4.1",
    "the codes that are defined for it may stand in a Close, and no reserved one",
);
const RANGES: Rule = Rule::must(
    Rfc6455,
    "7.4.2",
    "codes from 3000 to 4999 are for libraries and applications; below 1000 there are none, and those from \
     1000 to 2999 that are not defined stand in no Close",
);
const BEYOND: Rule = Rule::may(Rfc6455, "7.4.2", "of codes from 5000 on nothing is said");

/// The codes that may stand in a Close: defined ones, then the borders of what is free.
const LAWFUL: [u16; 13] = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
/// The codes that may not: not in use, reserved, meant for the API only, or not defined.
const UNLAWFUL: [u16; 9] = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

const WITH_SURROGATE: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";

const ANSWERED: &str = "The close frame is answered with code 1000 or none, and TCP is closed.";
const ANSWERED_ONCE: &str =
    "The close frame is answered once, with code 1000 or none; what follows it is not looked at.";
const FAILS: &str = "The connection is failed, with code 1002 or none.";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(7, "Closing");
    order(&mut s);
    payload(&mut s);
    reason_that_is_no_text(&mut s);
    lawful_codes(&mut s);
    unlawful_codes(&mut s);
    codes_beyond(&mut s);
}

fn order(s: &mut Declaration<'_>) {
    s.group(1, "Order of frames").rules([ANSWER, NOTHING_AFTER]);

    s.case("7.1.1", "close-after-message", "A text message, and a close once it has come back")
        .expect("The message comes back, then the close frame is answered with code 1000 or none.")
        .send(text("Hello World!"))
        .fail_after(secs(1))
        .ok([message("Hello World!")])
        .close(we_close([NORMAL]).wrong_code_fails());

    s.rules([ANSWER, IGNORE_AFTER]);
    s.case("7.1.2", "second-close-frame", "A close, then a second, empty close frame")
        .expect(ANSWERED_ONCE)
        .send(close(NORMAL))
        .send(close_frame(""))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.rules([NOTHING_AFTER, IGNORE_AFTER]);
    s.case("7.1.3", "ping-after-close", "A close, then a ping")
        .expect("The close frame is answered with code 1000 or none; no pong.")
        .send(close(NORMAL))
        .send(ping(""))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.case("7.1.4", "text-after-close", "A close, then a text message")
        .expect("The close frame is answered with code 1000 or none; the message does not come back.")
        .send(close(NORMAL))
        .send(text("Hello World!"))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.rules([ANSWER, UNFINISHED, IGNORE_AFTER]);
    s.case(
        "7.1.5",
        "close-between-fragments",
        "The first fragment of a text message, then a close, then the last fragment",
    )
    .expect("The close frame is answered with code 1000 or none; the message does not come back.")
    .send(text("fragment1").not_final())
    .send(close(NORMAL))
    .send(continuation("fragment2"))
    .fail_after(secs(1))
    .ok([])
    .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.rules([IGNORE_AFTER]);
    s.case(
        "7.1.6",
        "close-behind-large-message",
        "A text message of 262144 octets, then a small one, then a close and a ping",
    )
    .expect("Both messages may still come back, or the closing handshake may come first.")
    .send(text(repeat(b"BAsd7&jh23", 262_144)))
    .send(text("Hello World!"))
    .send(close(NORMAL))
    .send(ping(""))
    .fail_after(secs(1))
    .ok([message("Hello World!")])
    .non_strict([], "the closing handshake came before the small message was echoed")
    .close(we_close([NORMAL]).stays_open())
    .informational("how much is echoed before the closing handshake is the implementation's own choice");
}

fn payload(s: &mut Declaration<'_>) {
    s.group(3, "The payload of a close frame").rules([ANSWER, BODY]);

    s.case("7.3.1", "close-empty", "A close frame without payload")
        .expect(ANSWERED)
        .send(close_without_code())
        .fail_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.rules([BODY]);
    s.case("7.3.2", "close-of-1", "A close frame with a payload of one octet")
        .expect(FAILS)
        .send(close_without_code().reason("a"))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([PROTOCOL_ERROR]).need_not_be_clean().wrong_code_fails().stays_open());

    s.rules([ANSWER, BODY]);
    s.case("7.3.3", "close-of-2", "A close frame with a code")
        .expect(ANSWERED)
        .send(close(NORMAL))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.case("7.3.4", "close-with-reason", "A close frame with a code and a reason")
        .expect(ANSWERED)
        .send(close(NORMAL).reason("Hello World!"))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.case(
        "7.3.5",
        "close-of-125",
        "A close frame with a code and a reason of 123 octets, the most that fits",
    )
    .expect(ANSWERED)
    .send(close(NORMAL).reason("*".repeat(123)))
    .fail_after(secs(1))
    .ok([])
    .close(we_close([NORMAL]).wrong_code_fails().stays_open());

    s.rules([SHORT]);
    s.case("7.3.6", "close-of-126", "A close frame with a code and a reason of 124 octets, one too many")
        .expect(FAILS)
        .send(close(NORMAL).reason("*".repeat(124)))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([PROTOCOL_ERROR]).need_not_be_clean().wrong_code_fails().stays_open());
}

fn reason_that_is_no_text(s: &mut Declaration<'_>) {
    s.group(5, "The reason").rules([REASON, NOT_UTF8]);
    s.case("7.5.1", "close-reason-not-utf8", "A close frame with a reason that has a surrogate in it")
        .expect("The connection is failed, with code 1007, 1002 or none.")
        .send(close(NORMAL).reason(WITH_SURROGATE))
        .fail_after(secs(1))
        .ok([])
        .close(
            we_close([PROTOCOL_ERROR, INVALID_PAYLOAD]).need_not_be_clean().wrong_code_fails().stays_open(),
        );
}

fn lawful_codes(s: &mut Declaration<'_>) {
    s.group(7, "Codes that may stand in a close frame");
    for (n, code) in (1..).zip(LAWFUL) {
        s.rules(if code < 3000 { [CODES, ANSWER, ECHO] } else { [RANGES, ANSWER, ECHO] });
        s.case(format!("7.7.{n}"), format!("close-code-{code}"), format!("A close with the code {code}"))
            .expect(format!("The close frame is answered with code {code}, 1000 or none."))
            .send(close(code))
            .fail_after(secs(1))
            .ok([])
            .close(we_close([NORMAL, code]).wrong_code_fails());
    }
}

fn unlawful_codes(s: &mut Declaration<'_>) {
    s.group(9, "Codes that may not stand in a close frame");
    for (n, code) in (1..).zip(UNLAWFUL) {
        s.rules(if (1004..=1006).contains(&code) { [CODES] } else { [RANGES] });
        s.case(
            format!("7.9.{n}"),
            format!("close-code-{code}"),
            format!("A close with the unlawful code {code}"),
        )
        .expect(FAILS)
        .send(close(code))
        .fail_after(secs(1))
        .ok([])
        .close(we_close([PROTOCOL_ERROR]).need_not_be_clean().wrong_code_fails());
    }
}

fn codes_beyond(s: &mut Declaration<'_>) {
    s.group(13, "Codes of which nothing is said").rules([BEYOND]);
    for (n, code) in (1..).zip([5000, 65_535]) {
        s.case(format!("7.13.{n}"), format!("close-code-{code}"), format!("A close with the code {code}"))
            .expect(format!("The connection ends, with code {code}, 1000, 1002 or none."))
            .send(close(code))
            .fail_after(secs(1))
            .ok([])
            .close(we_close([NORMAL, code, PROTOCOL_ERROR]).need_not_be_clean().stays_open())
            .informational("RFC 6455 says nothing of codes from 5000 on");
    }
}
