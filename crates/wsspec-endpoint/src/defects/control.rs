//! Pings, Pongs and the form of control frames (RFC 6455 section 5.5).

use wsspec_wire::{FrameHeader, LengthForm, Opcode};

use super::frame::{Frame, Item};
use super::part::Part::{Meets, Says, Sends, Takes};
use super::part::{Cx, Take};
use super::{Deviation, both};
use crate::Violation;

const FORM: &str = "RFC 6455 5.5";
const PING: &str = "RFC 6455 5.5.2";
const PONG: &str = "RFC 6455 5.5.3";

/// A control frame that is too long is looked at.
fn long(_: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.opcode.is_control() && header.length > 125 { Take::Whole } else { Take::Stream }
}

fn refused<const OPCODE: u8, const LENGTH: u64>(_: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.opcode.bits() == OPCODE && header.length == LENGTH {
        Take::Fail(Violation::ControlTooLong(header.opcode))
    } else {
        Take::Stream
    }
}

fn fin_of<const OPCODE: u8>(_: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    header.fin |= header.opcode.bits() == OPCODE;
    Take::Stream
}

/// A Pong, altered.
fn pong(frame: Frame, out: &mut Vec<Item>, alter: fn(&mut Frame)) {
    let mut frame = frame;
    if frame.is(Opcode::PONG) {
        alter(&mut frame);
    }
    out.push(frame.into());
}

pub(super) const DEFECTS: &[Deviation] =
    &[
        both(
            "ping-unanswered",
            PING,
            "does not answer Pings",
            &[Sends(|_, frame, out| {
                if !frame.is(Opcode::PONG) {
                    out.push(frame.into());
                }
            })],
        ),
        both(
            "ping-empty-unanswered",
            PING,
            "does not answer empty Pings",
            &[Sends(|_, frame, out| {
                if !(frame.is(Opcode::PONG) && frame.payload.is_empty()) {
                    out.push(frame.into());
                }
            })],
        ),
        both(
            "ping-answered-once",
            PING,
            "answers only the first Ping",
            &[Sends(|cx, frame, out| {
                let again = frame.is(Opcode::PONG) && std::mem::replace(&mut cx.memory.flag, true);
                if !again {
                    out.push(frame.into());
                }
            })],
        ),
        both(
            "ping-answered-with-ping",
            PING,
            "answers a Ping with a Ping",
            &[Sends(|_, frame, out| pong(frame, out, |frame| frame.opcode = Opcode::PING))],
        ),
        both(
            "ping-answered-with-text",
            PING,
            "answers a Ping with a text message",
            &[Sends(|_, frame, out| pong(frame, out, |frame| frame.opcode = Opcode::TEXT))],
        ),
        both(
            "ping-answered-twice",
            PONG,
            "answers a Ping twice",
            &[Sends(|_, frame, out| {
                if frame.is(Opcode::PONG) {
                    out.push(frame.clone().into());
                }
                out.push(frame.into());
            })],
        ),
        both(
            "ping-refused",
            PING,
            "refuses Pings",
            &[Meets(|_, header| match header.opcode {
                Opcode::PING => Take::Fail(Violation::ReservedOpcode(header.opcode)),
                _ => Take::Stream,
            })],
        ),
        both("ping-of-125-refused", FORM, "refuses Pings of 125 octets", &[Meets(refused::<9, 125>)]),
        both("ping-empty-refused", FORM, "refuses empty Pings", &[Meets(refused::<9, 0>)]),
        both(
            "ping-not-text-refused",
            PING,
            "refuses Pings whose payload is no UTF-8",
            &[
                Meets(|_, header| if header.opcode == Opcode::PING { Take::Whole } else { Take::Stream }),
                Takes(|_, mut frame, frames| {
                    if std::str::from_utf8(&frame.payload).is_err() {
                        frame.fin = false;
                    }
                    frames.push(frame);
                }),
            ],
        ),
        both(
            "pings-many-refused",
            PING,
            "refuses the tenth Ping",
            &[Meets(|cx, header| {
                cx.memory.count += u64::from(header.opcode == Opcode::PING);
                if cx.memory.count == 10 {
                    Take::Fail(Violation::ReservedOpcode(header.opcode))
                } else {
                    Take::Stream
                }
            })],
        ),
        both(
            "pong-empty",
            PONG,
            "answers Pings with empty Pongs",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| frame.payload.clear());
            })],
        ),
        both(
            "pong-truncated",
            PONG,
            "answers Pings with their first 16 octets",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| frame.payload.truncate(16));
            })],
        ),
        both(
            "pong-longest-truncated",
            PONG,
            "answers Pings with their first 124 octets",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| frame.payload.truncate(124));
            })],
        ),
        both(
            "pong-as-text",
            PONG,
            "puts U+FFFD into Pongs where the Ping is no UTF-8",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| {
                    let mut text = String::from_utf8_lossy(&frame.payload).into_owned().into_bytes();
                    text.truncate(125);
                    frame.payload = text;
                });
            })],
        ),
        both(
            "pong-up-to-0",
            PONG,
            "answers Pings up to their first octet 0",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| {
                    let end = frame.payload.iter().position(|octet| *octet == 0);
                    frame.payload.truncate(end.unwrap_or(frame.payload.len()));
                });
            })],
        ),
        both(
            "pong-of-first-ping",
            PONG,
            "answers all Pings with the payload of the first",
            &[Sends(|cx, mut frame, out| {
                if frame.is(Opcode::PONG) {
                    if !std::mem::replace(&mut cx.memory.flag, true) {
                        cx.memory.octets.clone_from(&frame.payload);
                    }
                    frame.payload.clone_from(&cx.memory.octets);
                }
                out.push(frame.into());
            })],
        ),
        both(
            "pongs-swapped",
            PONG,
            "answers two Pings in the wrong order",
            &[Sends(|cx, frame, out| {
                if frame.is(Opcode::PONG) && cx.memory.frames.is_empty() {
                    return cx.memory.frames.push(frame);
                }
                out.push(frame.into());
                out.extend(cx.memory.frames.drain(..).map(Item::from));
            })],
        ),
        both(
            "pong-damaged",
            PONG,
            "answers Pings with one bit changed",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| frame.payload.iter_mut().take(1).for_each(|octet| *octet ^= 1));
            })],
        ),
        both(
            "pong-fragmented",
            FORM,
            "sends Pongs without FIN",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| frame.fin = false);
            })],
        ),
        both(
            "pong-too-long",
            FORM,
            "sends Pongs of 126 octets",
            &[Sends(|_, frame, out| {
                pong(frame, out, |frame| frame.payload.resize(126, 0));
            })],
        ),
        both(
            "pong-unasked-refused",
            PONG,
            "refuses Pongs that it did not ask for",
            &[Meets(|_, header| match header.opcode {
                Opcode::PONG => Take::Fail(Violation::ReservedOpcode(header.opcode)),
                _ => Take::Stream,
            })],
        ),
        both(
            "pong-answered",
            PONG,
            "answers Pongs",
            &[Meets(|_, header| {
                if header.opcode == Opcode::PONG {
                    header.opcode = Opcode::PING;
                }
                Take::Stream
            })],
        ),
        both(
            "pong-echoed",
            PONG,
            "takes Pongs for messages",
            &[Meets(|cx, header| {
                if header.opcode == Opcode::PONG && cx.message.is_none() {
                    header.opcode = Opcode::BINARY;
                    header.fin = true;
                }
                Take::Stream
            })],
        ),
        both(
            "pongs-many-die",
            PONG,
            "drops TCP at the 100th Pong",
            &[Meets(|cx, header| {
                cx.memory.count += u64::from(header.opcode == Opcode::PONG);
                if cx.memory.count == 100 { Take::Die } else { Take::Stream }
            })],
        ),
        both(
            "ping-echoed",
            PING,
            "sends the payload of Pings as messages, too",
            &[Sends(|_, frame, out| {
                if frame.is(Opcode::PONG) {
                    out.push(Frame::new(Opcode::BINARY, frame.payload.clone()).into());
                }
                out.push(frame.into());
            })],
        ),
        both("ping-without-fin-accepted", FORM, "takes Pings without FIN", &[Meets(fin_of::<9>)]),
        both("pong-without-fin-accepted", FORM, "takes Pongs without FIN", &[Meets(fin_of::<10>)]),
        both("close-without-fin-accepted", FORM, "takes Close frames without FIN", &[Meets(fin_of::<8>)]),
        both(
            "control-without-fin-joined",
            FORM,
            "waits for the rest of control frames without FIN",
            &[Meets(|cx, header| {
                // What follows belongs to the frame, and all of it is forgotten.
                if cx.memory.flag && header.opcode.is_continuation() && cx.message.is_none() {
                    cx.memory.flag = !header.fin;
                    return Take::Skip;
                }
                if header.opcode.is_control() && !header.fin {
                    cx.memory.flag = true;
                    return Take::Skip;
                }
                Take::Stream
            })],
        ),
        both(
            "control-too-long-truncated",
            FORM,
            "takes the first 125 octets of control frames that are too long",
            &[
                Meets(long),
                Takes(|_, mut frame, frames| {
                    frame.payload.truncate(125);
                    frames.push(frame);
                }),
            ],
        ),
        both(
            "control-too-long-skipped",
            FORM,
            "does not look at control frames that are too long",
            &[Meets(|_, header| {
                if header.opcode.is_control() && header.length > 125 { Take::Skip } else { Take::Stream }
            })],
        ),
        both(
            "ping-too-long-answered",
            FORM,
            "answers Pings that are too long",
            &[
                Meets(long),
                Takes(|cx, frame, frames| match frame.opcode {
                    Opcode::PING => cx.say(Frame::new(Opcode::PONG, frame.payload)),
                    _ => frames.push(frame),
                }),
            ],
        ),
        both(
            "control-length-7-bits",
            FORM,
            "takes 126 and 127 for the length of a control frame",
            &[Meets(|_, header| {
                if header.opcode.is_control() && header.length_form != LengthForm::Bits7 {
                    header.length_form = LengthForm::Bits7;
                    header.length = 125;
                }
                Take::Stream
            })],
        ),
        both(
            "pings-of-its-own-too-long",
            FORM,
            "sends Pings of 126 octets before messages",
            &[Says(|_, frame, out| {
                if frame.opcode.is_data() {
                    out.push(Frame::new(Opcode::PING, [0; 126]).into());
                }
                out.push(frame.into());
            })],
        ),
        both(
            "pings-of-its-own-without-fin",
            FORM,
            "sends Pings without FIN before messages",
            &[Says(|_, frame, out| {
                if frame.opcode.is_data() {
                    out.push(Frame { fin: false, ..Frame::new(Opcode::PING, *b"ping") }.into());
                }
                out.push(frame.into());
            })],
        ),
    ];
