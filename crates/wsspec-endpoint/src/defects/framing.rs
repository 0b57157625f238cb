//! Reserved bits, opcodes and fragments (RFC 6455 sections 5.2 and 5.4).

use wsspec_wire::{FrameHeader, Opcode, Rsv};

use super::frame::{Frame, Item};
use super::part::Part::{Config, Meets, Says, Sends, Takes};
use super::part::{Cx, Part, Take};
use super::{Deviation, both};
use crate::Violation;

/// What a rule of framing says against.
const REFUSED: Take = Take::Fail(Violation::OrphanContinuation);

/// These bits mean nothing, wherever they are.
fn without<const BITS: u8>(cx: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    let compressed = cx.deflate && header.opcode.is_data() && header.rsv == Rsv::RSV1;
    if !compressed {
        header.rsv = Rsv::new(header.rsv.bits() & !BITS);
    }
    Take::Stream
}

/// Reserved bits mean nothing in frames with that opcode.
fn without_in<const OPCODE: u8>(cx: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.opcode.bits() == OPCODE { without::<7>(cx, header) } else { Take::Stream }
}

/// A frame with that opcode is not looked at.
fn skip<const OPCODE: u8>(_: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.opcode.bits() == OPCODE { Take::Skip } else { Take::Stream }
}

/// A frame with one of the opcodes from `FIRST` to `LAST` is taken for one with `AS`.
fn taken_for<const FIRST: u8, const LAST: u8, const AS: u8>(
    _: &mut Cx<'_>,
    header: &mut FrameHeader,
) -> Take {
    if (FIRST..=LAST).contains(&header.opcode.bits()) {
        header.opcode = Opcode::new(AS);
    }
    Take::Stream
}

fn is_orphan(cx: &Cx<'_>, header: &FrameHeader) -> bool {
    header.opcode.is_continuation() && cx.message.is_none()
}

fn is_interleaved(cx: &Cx<'_>, header: &FrameHeader) -> bool {
    header.opcode.is_data() && cx.message.is_some()
}

/// An empty last fragment ends the message that is not complete.
fn end_message(cx: &Cx<'_>, frames: &mut Vec<Frame>) {
    if cx.message.is_some() {
        frames.push(Frame::new(Opcode::CONTINUATION, []));
    }
}

/// Frames wait until the message is complete.
const CONTROL_WAITS: [Part; 2] = [
    Meets(|cx, header| match cx.message {
        Some(_) => Take::Whole,
        None if header.opcode.is_data() && !header.fin => Take::Whole,
        None => Take::Stream,
    }),
    Takes(|cx, frame, frames| {
        if frame.opcode.is_control() {
            return cx.memory.frames.push(frame);
        }
        let ends = frame.fin;
        frames.push(frame);
        if ends {
            frames.append(&mut cx.memory.frames);
        }
    }),
];

const BITS: &str = "RFC 6455 5.2";
const OPCODES: &str = "RFC 6455 5.2";
const FRAGMENTS: &str = "RFC 6455 5.4";

pub(super) const DEFECTS: &[Deviation] = &[
    both("rsv1-accepted", BITS, "takes RSV1 where no extension gives it a meaning", &[Meets(without::<4>)]),
    both("rsv2-accepted", BITS, "takes frames with RSV2", &[Meets(without::<2>)]),
    both("rsv3-accepted", BITS, "takes frames with RSV3", &[Meets(without::<1>)]),
    both("rsv-accepted-in-text", BITS, "takes text frames with any reserved bits", &[Meets(without_in::<1>)]),
    both(
        "rsv-accepted-in-binary",
        BITS,
        "takes binary frames with any reserved bits",
        &[Meets(without_in::<2>)],
    ),
    both(
        "rsv-accepted-in-continuation",
        BITS,
        "takes continuations with any reserved bits",
        &[Meets(without_in::<0>)],
    ),
    both(
        "rsv-accepted-in-close",
        BITS,
        "takes Close frames with any reserved bits",
        &[Meets(without_in::<8>)],
    ),
    both("rsv-accepted-in-ping", BITS, "takes Pings with any reserved bits", &[Meets(without_in::<9>)]),
    both("rsv-accepted-in-pong", BITS, "takes Pongs with any reserved bits", &[Meets(without_in::<10>)]),
    both(
        "rsv-frame-skipped",
        BITS,
        "does not look at frames with RSV2 or RSV3",
        &[Meets(|_, header| if header.rsv.bits() & 3 != 0 { Take::Skip } else { Take::Stream })],
    ),
    both(
        "sends-rsv1",
        BITS,
        "sets RSV1 in its Pongs",
        &[Sends(|_, mut frame, out| {
            if frame.is(Opcode::PONG) {
                frame.rsv = Rsv::RSV1;
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-rsv2",
        BITS,
        "sets RSV2 in its messages",
        &[Sends(|_, mut frame, out| {
            if frame.opcode.is_data() {
                frame.rsv = Rsv::new(frame.rsv.bits() | 2);
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-rsv3",
        BITS,
        "sets RSV3 in its Close frames",
        &[Sends(|_, mut frame, out| {
            if frame.is(Opcode::CLOSE) {
                frame.rsv = Rsv::RSV3;
            }
            out.push(frame.into());
        })],
    ),
    both("opcode-3-skipped", OPCODES, "does not look at frames with opcode 3", &[Meets(skip::<3>)]),
    both("opcode-4-skipped", OPCODES, "does not look at frames with opcode 4", &[Meets(skip::<4>)]),
    both("opcode-5-skipped", OPCODES, "does not look at frames with opcode 5", &[Meets(skip::<5>)]),
    both("opcode-6-skipped", OPCODES, "does not look at frames with opcode 6", &[Meets(skip::<6>)]),
    both("opcode-7-skipped", OPCODES, "does not look at frames with opcode 7", &[Meets(skip::<7>)]),
    both("opcode-11-skipped", OPCODES, "does not look at frames with opcode 11", &[Meets(skip::<11>)]),
    both("opcode-12-skipped", OPCODES, "does not look at frames with opcode 12", &[Meets(skip::<12>)]),
    both("opcode-13-skipped", OPCODES, "does not look at frames with opcode 13", &[Meets(skip::<13>)]),
    both("opcode-14-skipped", OPCODES, "does not look at frames with opcode 14", &[Meets(skip::<14>)]),
    both("opcode-15-skipped", OPCODES, "does not look at frames with opcode 15", &[Meets(skip::<15>)]),
    both("opcodes-as-text", OPCODES, "takes the opcodes 3 to 7 for text", &[Meets(taken_for::<3, 7, 1>)]),
    both("opcodes-as-binary", OPCODES, "takes the opcodes 3 to 7 for binary", &[Meets(taken_for::<3, 7, 2>)]),
    both(
        "opcodes-as-ping",
        OPCODES,
        "takes the opcodes 11 to 15 for Pings",
        &[Meets(taken_for::<11, 15, 9>)],
    ),
    both(
        "opcodes-as-pong",
        OPCODES,
        "takes the opcodes 11 to 15 for Pongs",
        &[Meets(taken_for::<11, 15, 10>)],
    ),
    both(
        "opcodes-in-message-skipped",
        OPCODES,
        "does not look at reserved opcodes between the fragments of a message",
        &[Meets(
            |cx, header| {
                if header.opcode.is_reserved() && cx.message.is_some() { Take::Skip } else { Take::Stream }
            },
        )],
    ),
    both(
        "opcodes-checked-at-fin",
        OPCODES,
        "does not look at reserved opcodes in frames without FIN",
        &[Meets(
            |_, header| if header.opcode.is_reserved() && !header.fin { Take::Skip } else { Take::Stream },
        )],
    ),
    both(
        "sends-reserved-opcode",
        OPCODES,
        "sends text with opcode 3",
        &[Sends(|_, mut frame, out| {
            if frame.is(Opcode::TEXT) {
                frame.opcode = Opcode::new(3);
            }
            out.push(frame.into());
        })],
    ),
    both(
        "orphan-skipped",
        FRAGMENTS,
        "does not look at a continuation that continues nothing",
        &[Meets(|cx, header| if is_orphan(cx, header) { Take::Skip } else { Take::Stream })],
    ),
    both(
        "orphan-empty-skipped",
        FRAGMENTS,
        "does not look at an empty continuation that continues nothing",
        &[Meets(
            |cx, header| {
                if is_orphan(cx, header) && header.length == 0 { Take::Skip } else { Take::Stream }
            },
        )],
    ),
    both(
        "orphan-not-last-skipped",
        FRAGMENTS,
        "does not look at a continuation without FIN that continues nothing",
        &[Meets(|cx, header| if is_orphan(cx, header) && !header.fin { Take::Skip } else { Take::Stream })],
    ),
    both(
        "orphan-as-text",
        FRAGMENTS,
        "takes a continuation that continues nothing for text",
        &[Meets(|cx, header| {
            if is_orphan(cx, header) {
                header.opcode = Opcode::TEXT;
            }
            Take::Stream
        })],
    ),
    both(
        "interleaved-continues",
        FRAGMENTS,
        "takes a message inside another for a continuation",
        &[Meets(|cx, header| {
            if is_interleaved(cx, header) {
                header.opcode = Opcode::CONTINUATION;
            }
            Take::Stream
        })],
    ),
    both(
        "interleaved-same-type-continues",
        FRAGMENTS,
        "takes a message of the same type inside another for a continuation",
        &[Meets(|cx, header| {
            if cx.message == Some(header.opcode) {
                header.opcode = Opcode::CONTINUATION;
            }
            Take::Stream
        })],
    ),
    both(
        "interleaved-skipped",
        FRAGMENTS,
        "does not look at a message inside another",
        &[Meets(|cx, header| if is_interleaved(cx, header) { Take::Skip } else { Take::Stream })],
    ),
    both(
        "interleaved-ends",
        FRAGMENTS,
        "takes the begin of a message for the end of the one before",
        &[
            Meets(|cx, header| if is_interleaved(cx, header) { Take::Whole } else { Take::Stream }),
            Takes(|cx, frame, frames| {
                end_message(cx, frames);
                frames.push(frame);
            }),
        ],
    ),
    both(
        "fragments-echoed-alone",
        FRAGMENTS,
        "takes each fragment for a message",
        &[Meets(|cx, header| {
            if header.opcode.is_control() {
                return Take::Stream;
            }
            if header.opcode.is_continuation() && cx.memory.count > 0 {
                header.opcode = Opcode::BINARY;
            }
            cx.memory.count = u64::from(!header.fin);
            header.fin = true;
            Take::Stream
        })],
    ),
    both(
        "fragment-first-only",
        FRAGMENTS,
        "takes the first fragment for the message",
        &[Meets(|cx, header| {
            if header.opcode.is_data() && !header.fin {
                cx.memory.flag = true;
                header.fin = true;
            } else if header.opcode.is_continuation() && cx.memory.flag {
                cx.memory.flag = !header.fin;
                return Take::Skip;
            }
            Take::Stream
        })],
    ),
    both(
        "fragment-second-lost",
        FRAGMENTS,
        "loses the payload of a fragment that is neither first nor last",
        &[Meets(
            |_, header| {
                if header.opcode.is_continuation() && !header.fin { Take::Skip } else { Take::Stream }
            },
        )],
    ),
    both(
        "fragment-last-lost",
        FRAGMENTS,
        "loses the payload of the last fragment",
        &[
            Meets(
                |_, header| {
                    if header.opcode.is_continuation() && header.fin { Take::Whole } else { Take::Stream }
                },
            ),
            Takes(|_, mut frame, frames| {
                frame.payload.clear();
                frames.push(frame);
            }),
        ],
    ),
    both(
        "fragment-empty-refused",
        FRAGMENTS,
        "refuses empty fragments",
        &[Meets(|_, header| {
            let fragment = header.opcode.is_continuation() || header.opcode.is_data() && !header.fin;
            if fragment && header.length == 0 { REFUSED } else { Take::Stream }
        })],
    ),
    both(
        "fragment-empty-ends",
        FRAGMENTS,
        "takes an empty continuation for the end of the message",
        &[Meets(|_, header| {
            header.fin |= header.opcode.is_continuation() && header.length == 0;
            Take::Stream
        })],
    ),
    both(
        "fragments-16",
        FRAGMENTS,
        "refuses messages of more than 16 fragments",
        &[Config(|config| config.max_fragments = 16)],
    ),
    both(
        "fragments-refused",
        FRAGMENTS,
        "refuses fragments",
        &[Meets(|_, header| if header.opcode.is_data() && !header.fin { REFUSED } else { Take::Stream })],
    ),
    both(
        "fragments-binary-as-text",
        FRAGMENTS,
        "takes every message in fragments for text",
        &[Meets(|_, header| {
            if header.opcode.is_data() && !header.fin {
                header.opcode = Opcode::TEXT;
            }
            Take::Stream
        })],
    ),
    both(
        "control-in-message-refused",
        FRAGMENTS,
        "refuses control frames between the fragments of a message",
        &[Meets(
            |cx, header| {
                if header.opcode.is_control() && cx.message.is_some() { REFUSED } else { Take::Stream }
            },
        )],
    ),
    both(
        "control-in-message-skipped",
        FRAGMENTS,
        "does not look at control frames between the fragments of a message",
        &[Meets(
            |cx, header| {
                if header.opcode.is_control() && cx.message.is_some() { Take::Skip } else { Take::Stream }
            },
        )],
    ),
    both(
        "control-in-message-ends-it",
        FRAGMENTS,
        "takes a control frame between the fragments of a message for its end",
        &[
            Meets(|cx, header| {
                if header.opcode.is_control() && cx.message.is_some() { Take::Whole } else { Take::Stream }
            }),
            Takes(|cx, frame, frames| {
                end_message(cx, frames);
                frames.push(frame);
            }),
        ],
    ),
    both(
        "control-in-message-added",
        FRAGMENTS,
        "adds the payload of a control frame between the fragments of a message to it",
        &[Meets(|cx, header| {
            if header.opcode.is_control() && cx.message.is_some() {
                header.opcode = Opcode::CONTINUATION;
                header.fin = false;
            }
            Take::Stream
        })],
    ),
    both(
        "control-in-message-waits",
        FRAGMENTS,
        "looks at control frames between the fragments of a message only behind it",
        &CONTROL_WAITS,
    ),
    both(
        "sends-orphan",
        FRAGMENTS,
        "sends messages as continuations",
        &[Sends(|_, mut frame, out| {
            if frame.is_data() {
                frame.opcode = Opcode::CONTINUATION;
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-interleaved",
        FRAGMENTS,
        "sends text in two fragments of which each says that it is text",
        &[Sends(|_, frame, out| {
            if frame.is(Opcode::TEXT) && frame.payload.len() > 1 {
                let [first, mut last] = frame.split(1);
                last.opcode = Opcode::TEXT;
                out.extend([Item::from(first), last.into()]);
            } else {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "sends-no-fin",
        FRAGMENTS,
        "leaves out FIN in the last fragment of what it sends",
        &[Sends(|_, frame, out| {
            if frame.is_data() && frame.payload.len() > 1 {
                let [first, mut last] = frame.split(1);
                last.fin = false;
                out.extend([Item::from(first), last.into()]);
            } else {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "sends-message-in-fragments-mixed",
        FRAGMENTS,
        "sends the fragments of two messages mixed",
        &[Says(|cx, frame, out| {
            if !frame.is_data() || frame.payload.len() < 2 {
                return out.push(frame.into());
            }
            let [first, last] = frame.split(1);
            out.push(first.into());
            // The rest follows behind the first fragment of the next.
            out.extend(cx.memory.frames.drain(..).map(Item::from));
            cx.memory.frames.push(last);
        })],
    ),
];
