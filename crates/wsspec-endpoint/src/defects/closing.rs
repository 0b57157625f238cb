//! The end of a connection (RFC 6455 sections 5.5.1, 7.1 and 7.4).

use wsspec_wire::{FrameHeader, LengthForm, Opcode, encode_close};

use super::frame::{Frame, Item};
use super::part::Part::{Config, Ends, Meets, Sends, Takes};
use super::part::{Cx, Part, Take};
use super::{Deviation, both, client, server};
use crate::{Role, State, Time, Transmit, Violation};

const CLOSE: &str = "RFC 6455 5.5.1";
const CODES: &str = "RFC 6455 7.4";
const FAILING: &str = "RFC 6455 7.1.7";
const TCP: &str = "RFC 6455 7.1.1";
const STATE: &str = "RFC 6455 7.1.5";

/// Close frames whose header is lawful are looked at when they are whole.
pub(super) fn closes(_: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    let lawful = header.fin && header.rsv.is_none() && header.length_form == LengthForm::Bits7;
    if header.opcode == Opcode::CLOSE && lawful && header.length < 126 { Take::Whole } else { Take::Stream }
}

pub(super) fn code_of(frame: &Frame) -> Option<u16> {
    let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
    code.filter(|_| frame.is(Opcode::CLOSE))
}

fn set_code(frame: &mut Frame, code: u16) {
    let reason = frame.payload.get(2..).unwrap_or_default().to_vec();
    frame.payload = encode_close(Some(code), &reason);
}

/// Close frames with codes from `FIRST` to `LAST` are answered with their code.
const fn accepts<const FIRST: u16, const LAST: u16>() -> [Part; 3] {
    [
        Meets(closes),
        Takes(|cx, mut frame, frames| {
            if let Some(code) = code_of(&frame).filter(|code| (FIRST..=LAST).contains(code)) {
                cx.memory.count = code.into();
                cx.memory.flag = true;
                set_code(&mut frame, 1000);
            }
            frames.push(frame);
        }),
        Sends(|cx, mut frame, out| {
            if frame.is(Opcode::CLOSE) && cx.memory.flag {
                set_code(&mut frame, cx.memory.count as u16);
            }
            out.push(frame.into());
        }),
    ]
}

/// Close frames with codes from `FIRST` to `LAST` fail the connection.
const fn refuses<const FIRST: u16, const LAST: u16>() -> [Part; 2] {
    [
        Meets(closes),
        Takes(|_, mut frame, frames| {
            if code_of(&frame).is_some_and(|code| (FIRST..=LAST).contains(&code)) {
                set_code(&mut frame, 0);
            }
            frames.push(frame);
        }),
    ]
}

fn close(frame: Frame, out: &mut Vec<Item>, alter: fn(&mut Frame)) {
    let mut frame = frame;
    if frame.is(Opcode::CLOSE) {
        alter(&mut frame);
    }
    out.push(frame.into());
}

/// A Close frame that is sent, with this body.
const fn answers<const CODE: u16>() -> [Part; 1] {
    [Sends(|_, frame, out| close(frame, out, |frame| set_code(frame, CODE)))]
}

const ECHOES_AFTER_CLOSE: [Part; 3] = [
    Meets(|cx, header| {
        cx.memory.flag |= header.opcode == Opcode::CLOSE;
        let ended = (cx.memory.flag || cx.state != State::Open) && header.opcode.is_data();
        if ended { Take::Whole } else { Take::Stream }
    }),
    Takes(|cx, frame, _| {
        let (opcode, payload) = (frame.opcode, frame.payload);
        cx.say(Frame::new(opcode, payload));
    }),
    // So that there is time for it.
    Ends(|_, end, out| out.push(Item::after(Time::from_millis(300), end))),
];

const ANSWERS_AFTER_FAILING: [Part; 3] = [
    Meets(|cx, header| if cx.failed && header.opcode == Opcode::PING { Take::Whole } else { Take::Stream }),
    Takes(|cx, frame, frames| match cx.failed {
        true => cx.say(Frame::new(Opcode::PONG, frame.payload)),
        false => frames.push(frame),
    }),
    Ends(|_, end, out| out.push(Item::after(Time::from_millis(300), end))),
];

pub(super) const DEFECTS: &[Deviation] = &[
    both(
        "close-unanswered",
        CLOSE,
        "does not answer Close frames",
        &[Sends(|_, frame, out| {
            if !frame.is(Opcode::CLOSE) {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "close-unanswered-tcp-open",
        CLOSE,
        "neither answers Close frames nor ends TCP",
        &[
            Sends(|_, frame, out| {
                if !frame.is(Opcode::CLOSE) {
                    out.push(frame.into());
                }
            }),
            Ends(|_, _, _| {}),
        ],
    ),
    both(
        "close-empty-unanswered",
        CLOSE,
        "does not answer Close frames without a code",
        &[Meets(|_, header| {
            if header.opcode == Opcode::CLOSE && header.length == 0 { Take::Skip } else { Take::Stream }
        })],
    ),
    both(
        "close-answered-with-text",
        CLOSE,
        "answers Close frames with text",
        &[Sends(|_, frame, out| {
            close(frame, out, |frame| *frame = Frame::new(Opcode::TEXT, *b"bye"));
        })],
    ),
    both(
        "close-answered-twice",
        CLOSE,
        "answers Close frames twice",
        &[Sends(|_, frame, out| {
            if frame.is(Opcode::CLOSE) {
                out.push(frame.clone().into());
            }
            out.push(frame.into());
        })],
    ),
    both(
        "close-followed-by-echo",
        CLOSE,
        "sends messages back that come after a Close frame",
        &ECHOES_AFTER_CLOSE,
    ),
    both(
        "close-answered-late",
        CLOSE,
        "takes five seconds to answer a Close frame",
        &[Sends(|_, frame, out| {
            let late = if frame.is(Opcode::CLOSE) { Time::from_secs(5) } else { Time::ZERO };
            out.push(Item::after(late, frame));
        })],
    ),
    both(
        "close-followed-by-data",
        CLOSE,
        "sends a message after its Close frame",
        &[Sends(|_, frame, out| {
            let closes = frame.is(Opcode::CLOSE);
            out.push(frame.into());
            if closes {
                out.push(Frame::new(Opcode::TEXT, *b"and another thing").into());
            }
        })],
    ),
    both(
        "close-code-swapped",
        CLOSE,
        "sends the octets of a code in the wrong order",
        &[Sends(|_, frame, out| {
            close(frame, out, |frame| {
                if frame.payload.len() > 1 {
                    frame.payload.swap(0, 1)
                }
            });
        })],
    ),
    both(
        "close-code-of-one-octet",
        CLOSE,
        "sends Close frames with a body of one octet",
        &[Sends(|_, frame, out| {
            close(frame, out, |frame| frame.payload = vec![3]);
        })],
    ),
    both("close-code-999-sent", CODES, "sends Close frames with the code 999", &answers::<999>()),
    both(
        "close-code-1002-answered",
        CODES,
        "answers every Close frame with the code 1002",
        &answers::<1002>(),
    ),
    both("close-code-1004-sent", CODES, "sends Close frames with the code 1004", &answers::<1004>()),
    both("close-code-1005-sent", CODES, "sends Close frames with the code 1005", &answers::<1005>()),
    both("close-code-1006-sent", CODES, "sends Close frames with the code 1006", &answers::<1006>()),
    both("close-code-1015-sent", CODES, "sends Close frames with the code 1015", &answers::<1015>()),
    both(
        "close-reason-not-text",
        CLOSE,
        "sends a reason that is no UTF-8",
        &[Sends(|_, frame, out| {
            close(frame, out, |frame| frame.payload = encode_close(Some(1000), b"\xce\xba\xe1\xbd"));
        })],
    ),
    both(
        "close-reason-too-long",
        CLOSE,
        "sends a reason of 124 octets",
        &[Sends(|_, frame, out| {
            close(frame, out, |frame| frame.payload = encode_close(Some(1000), &[b'x'; 124]));
        })],
    ),
    both(
        "close-without-fin",
        CLOSE,
        "sends Close frames without FIN",
        &[Sends(|_, frame, out| {
            close(frame, out, |frame| frame.fin = false);
        })],
    ),
    both(
        "close-body-of-one-accepted",
        CLOSE,
        "takes Close frames with a body of one octet",
        &[
            Meets(closes),
            Takes(|_, mut frame, frames| {
                if frame.payload.len() == 1 {
                    frame.payload = encode_close(Some(1000), b"");
                }
                frames.push(frame);
            }),
        ],
    ),
    both(
        "close-reason-unchecked",
        CLOSE,
        "takes reasons that are no UTF-8",
        &[
            Meets(closes),
            Takes(|_, mut frame, frames| {
                frame.payload.truncate(2);
                frames.push(frame);
            }),
        ],
    ),
    both(
        "close-empty-refused",
        CLOSE,
        "refuses Close frames without a code",
        &[Meets(|_, header| {
            let empty = header.opcode == Opcode::CLOSE && header.length == 0;
            if empty { Take::Fail(Violation::CloseBodyTooShort) } else { Take::Stream }
        })],
    ),
    both(
        "close-reason-refused",
        CLOSE,
        "refuses Close frames with a reason",
        &[Meets(|_, header| {
            let long = header.opcode == Opcode::CLOSE && header.length > 2;
            if long { Take::Fail(Violation::CloseReason) } else { Take::Stream }
        })],
    ),
    both(
        "close-longest-refused",
        CLOSE,
        "refuses Close frames with a reason of 123 octets",
        &[Meets(|_, header| {
            let long = header.opcode == Opcode::CLOSE && header.length == 125;
            if long { Take::Fail(Violation::CloseReason) } else { Take::Stream }
        })],
    ),
    both("close-code-0-accepted", CODES, "takes the code 0", &accepts::<0, 0>()),
    both("close-code-999-accepted", CODES, "takes the code 999", &accepts::<999, 999>()),
    both("close-code-1004-accepted", CODES, "takes the code 1004", &accepts::<1004, 1004>()),
    both("close-code-1005-accepted", CODES, "takes the code 1005", &accepts::<1005, 1005>()),
    both("close-code-1006-accepted", CODES, "takes the code 1006", &accepts::<1006, 1006>()),
    both("close-code-1016-accepted", CODES, "takes the code 1016", &accepts::<1016, 1016>()),
    both("close-code-1100-accepted", CODES, "takes the code 1100", &accepts::<1100, 1100>()),
    both("close-code-2000-accepted", CODES, "takes the code 2000", &accepts::<2000, 2000>()),
    both("close-code-2999-accepted", CODES, "takes the code 2999", &accepts::<2999, 2999>()),
    both("close-codes-accepted", CODES, "takes every code", &accepts::<0, 65535>()),
    both("close-code-1000-refused", CODES, "refuses the code 1000", &refuses::<1000, 1000>()),
    both("close-code-1001-refused", CODES, "refuses the code 1001", &refuses::<1001, 1001>()),
    both("close-code-1003-refused", CODES, "refuses the code 1003", &refuses::<1003, 1003>()),
    both("close-code-1007-refused", CODES, "refuses the code 1007", &refuses::<1007, 1007>()),
    both("close-code-1008-refused", CODES, "refuses the code 1008", &refuses::<1008, 1008>()),
    both("close-code-1009-refused", CODES, "refuses the code 1009", &refuses::<1009, 1009>()),
    both("close-code-1010-refused", CODES, "refuses the code 1010", &refuses::<1010, 1010>()),
    both("close-code-1011-refused", CODES, "refuses the code 1011", &refuses::<1011, 1011>()),
    both("close-code-3000-refused", CODES, "refuses the codes 3000 to 3998", &refuses::<3000, 3998>()),
    both("close-code-3999-refused", CODES, "refuses the code 3999", &refuses::<3999, 3999>()),
    both("close-code-4000-refused", CODES, "refuses the codes 4000 to 4998", &refuses::<4000, 4998>()),
    both("close-code-4999-refused", CODES, "refuses the code 4999", &refuses::<4999, 4999>()),
    both(
        "fails-silently",
        FAILING,
        "neither closes nor ends TCP when a rule is broken",
        &[
            Sends(|cx, frame, out| {
                if !(cx.failed && frame.is(Opcode::CLOSE)) {
                    out.push(frame.into());
                }
            }),
            Ends(|cx, end, out| {
                if !cx.failed {
                    out.push(end.into());
                }
            }),
        ],
    ),
    both("fails-and-answers", FAILING, "answers Pings after it failed a connection", &ANSWERS_AFTER_FAILING),
    both(
        "fails-with-code-of-the-other",
        CODES,
        "fails connections with a code that only the other role has a use for",
        &[Sends(|cx, mut frame, out| {
            if cx.failed && frame.is(Opcode::CLOSE) {
                let code = if cx.role == Role::Server { 1010 } else { 1011 };
                frame.payload = encode_close(Some(code), b"");
            }
            out.push(frame.into());
        })],
    ),
    both(
        "fails-with-1000",
        CODES,
        "fails connections with the code 1000",
        &[Sends(|cx, mut frame, out| {
            if cx.failed && frame.is(Opcode::CLOSE) {
                frame.payload = encode_close(Some(1000), b"");
            }
            out.push(frame.into());
        })],
    ),
    both(
        "fails-with-message",
        FAILING,
        "sends a message when it fails a connection",
        &[Sends(|cx, frame, out| {
            if cx.failed && frame.is(Opcode::CLOSE) {
                out.push(Frame::new(Opcode::TEXT, frame.payload.get(2..).unwrap_or_default()).into());
            }
            out.push(frame.into());
        })],
    ),
    server("tcp-left-open", TCP, "does not end TCP after the closing handshake", &[Ends(|_, _, _| {})]),
    server(
        "tcp-reset",
        TCP,
        "resets TCP instead of ending it",
        &[Ends(|_, _, out| out.push(Transmit::Abort.into()))],
    ),
    both(
        "tcp-ended-before-close",
        TCP,
        "ends TCP before its Close frame goes out",
        &[Sends(|_, frame, out| match frame.is(Opcode::CLOSE) {
            true => out.push(Transmit::CloseTcp.into()),
            false => out.push(frame.into()),
        })],
    ),
    both(
        "tcp-ended-after-message",
        TCP,
        "ends TCP behind its first message",
        &[Sends(|_, frame, out| {
            let message = frame.is_data();
            out.push(frame.into());
            if message {
                out.push(Transmit::CloseTcp.into());
            }
        })],
    ),
    both(
        "tcp-ended-on-ping",
        TCP,
        "ends TCP when a Ping comes",
        &[Sends(|_, frame, out| match frame.is(Opcode::PONG) {
            true => out.push(Transmit::CloseTcp.into()),
            false => out.push(frame.into()),
        })],
    ),
    client(
        "api-code-1000-for-none",
        STATE,
        "says 1000 of a Close frame without a code",
        &[Config(|config| {
            for closed in config.last_closed.iter_mut().filter(|closed| closed.code == 1005) {
                closed.code = 1000;
            }
        })],
    ),
    client(
        "api-code-1000-for-lost",
        STATE,
        "says 1000 of a connection that ended without a Close frame",
        &[Config(|config| {
            for closed in config.last_closed.iter_mut().filter(|closed| closed.code == 1006) {
                closed.code = 1000;
            }
        })],
    ),
    client(
        "api-always-clean",
        "RFC 6455 7.1.4",
        "says of every connection that it was closed cleanly",
        &[Config(|config| config.last_closed.iter_mut().for_each(|closed| closed.clean = true))],
    ),
    client(
        "api-reason-lost",
        "RFC 6455 7.1.6",
        "says nothing of the reason of a Close frame",
        &[Config(|config| config.last_closed.iter_mut().for_each(|closed| closed.reason.clear()))],
    ),
];
