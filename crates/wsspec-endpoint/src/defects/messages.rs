//! What becomes of the messages themselves (RFC 6455 sections 5.4, 5.6 and 6.2).

use wsspec_wire::Opcode;

use super::frame::{Frame, Item};
use super::part::Part::{Meets, Says};
use super::part::Take;
use super::{Deviation, both};
use crate::Violation;

const DATA: &str = "RFC 6455 5.6";
const DELIVERY: &str = "RFC 6455 6.2";

/// A message, altered.
fn altered(frame: Frame, out: &mut Vec<Item>, alter: impl FnOnce(&mut Frame)) {
    let mut frame = frame;
    if frame.is_data() {
        alter(&mut frame);
    }
    out.push(frame.into());
}

/// An octet of the message is changed.
fn damage(frame: &mut Frame, at: usize) {
    if let Some(octet) = frame.payload.get_mut(at) {
        *octet ^= 1;
    }
}

pub(super) const DEFECTS: &[Deviation] = &[
    both(
        "message-lost",
        DELIVERY,
        "sends no message back",
        &[Says(|_, frame, out| {
            if !frame.is_data() {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "message-second-lost",
        DELIVERY,
        "loses every second message",
        &[Says(|cx, frame, out| {
            cx.memory.flag ^= frame.is_data();
            if !frame.is_data() || cx.memory.flag {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "message-tenth-lost",
        DELIVERY,
        "loses every tenth message",
        &[Says(|cx, frame, out| {
            cx.memory.count += u64::from(frame.is_data());
            if !frame.is_data() || !cx.memory.count.is_multiple_of(10) {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "message-empty-lost",
        DELIVERY,
        "loses empty messages",
        &[Says(|_, frame, out| {
            if !(frame.is_data() && frame.payload.is_empty()) {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "message-empty-refused",
        DATA,
        "refuses empty messages",
        &[Meets(|_, header| {
            let empty = header.fin && header.opcode.is_data() && header.length == 0;
            if empty { Take::Fail(Violation::OrphanContinuation) } else { Take::Stream }
        })],
    ),
    both(
        "message-twice",
        DELIVERY,
        "sends each message twice",
        &[Says(|_, frame, out| {
            if frame.is_data() {
                out.push(frame.clone().into());
            }
            out.push(frame.into());
        })],
    ),
    both(
        "messages-swapped",
        DELIVERY,
        "sends two messages in the wrong order",
        &[Says(|cx, frame, out| {
            if frame.is_data() && cx.memory.frames.is_empty() {
                return cx.memory.frames.push(frame);
            }
            out.push(frame.into());
            out.extend(cx.memory.frames.drain(..).map(Item::from));
        })],
    ),
    both(
        "message-binary-refused",
        DATA,
        "refuses binary messages",
        &[Meets(|_, header| match header.opcode {
            Opcode::BINARY => Take::Fail(Violation::ReservedOpcode(header.opcode)),
            _ => Take::Stream,
        })],
    ),
    both(
        "message-type-binary",
        DATA,
        "sends text as binary",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| frame.opcode = Opcode::BINARY);
        })],
    ),
    both(
        "message-type-text",
        DATA,
        "sends binary as text",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| frame.opcode = Opcode::TEXT);
        })],
    ),
    both(
        "message-type-of-first",
        DATA,
        "sends all messages with the type of the first",
        &[Says(|cx, frame, out| {
            let memory = &mut cx.memory;
            altered(frame, out, |frame| {
                if memory.octets.is_empty() {
                    memory.octets.push(frame.opcode.bits());
                }
                frame.opcode = Opcode::new(memory.octets[0]);
            });
        })],
    ),
    both(
        "message-first-octet-damaged",
        DELIVERY,
        "changes the first octet of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| damage(frame, 0));
        })],
    ),
    both(
        "message-octet-125-damaged",
        DELIVERY,
        "changes octet 125 of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| damage(frame, 125));
        })],
    ),
    both(
        "message-octet-4096-damaged",
        DELIVERY,
        "changes octet 4096 of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| damage(frame, 4096));
        })],
    ),
    both(
        "message-octet-65535-damaged",
        DELIVERY,
        "changes octet 65535 of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| damage(frame, 65535));
        })],
    ),
    both(
        "message-octet-1-mib-damaged",
        DELIVERY,
        "changes octet 1048576 of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| damage(frame, 1 << 20));
        })],
    ),
    both(
        "message-octets-swapped-at-4096",
        DELIVERY,
        "swaps two octets of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| {
                if frame.payload.len() > 4096 {
                    frame.payload.swap(4095, 4096);
                }
            });
        })],
    ),
    both(
        "message-last-octet-lost",
        DELIVERY,
        "loses the last octet of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| {
                frame.payload.pop();
            });
        })],
    ),
    both(
        "message-cut-at-65535",
        DELIVERY,
        "loses what is behind octet 65535 of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| frame.payload.truncate(65535));
        })],
    ),
    both(
        "message-cut-at-1-mib",
        DELIVERY,
        "loses what is behind the first MiB of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| frame.payload.truncate(1 << 20));
        })],
    ),
    both(
        "message-ends-at-0",
        DELIVERY,
        "takes the octet 0 for the end of a message",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| {
                let end = frame.payload.iter().position(|octet| *octet == 0);
                frame.payload.truncate(end.unwrap_or(frame.payload.len()));
            });
        })],
    ),
    both(
        "message-with-0",
        DELIVERY,
        "adds an octet 0 to text",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| {
                if frame.is(Opcode::TEXT) {
                    frame.payload.push(0);
                }
            });
        })],
    ),
    both(
        "message-byte-order-mark-lost",
        DELIVERY,
        "leaves out a byte order mark",
        &[Says(|_, frame, out| {
            altered(frame, out, |frame| {
                if frame.payload.starts_with("\u{feff}".as_bytes()) {
                    frame.payload.drain(..3);
                }
            });
        })],
    ),
    both(
        "message-of-before-added",
        DELIVERY,
        "keeps what is left of a longer message",
        &[Says(|cx, frame, out| {
            let memory = &mut cx.memory;
            altered(frame, out, |frame| {
                let rest = memory.octets.get(frame.payload.len()..).unwrap_or_default().to_vec();
                frame.payload.extend_from_slice(&rest);
                memory.octets.clone_from(&frame.payload);
            });
        })],
    ),
    both(
        "message-greeting",
        DELIVERY,
        "sends a message that nobody asked for",
        &[Says(|cx, frame, out| {
            if frame.is_data() && !std::mem::replace(&mut cx.memory.flag, true) {
                out.push(Frame::new(Opcode::TEXT, *b"hello").into());
            }
            out.push(frame.into());
        })],
    ),
    both(
        "messages-32-die",
        DELIVERY,
        "drops TCP at the 32nd message",
        &[Meets(|cx, header| {
            cx.memory.count += u64::from(header.opcode.is_data());
            if cx.memory.count == 32 { Take::Die } else { Take::Stream }
        })],
    ),
];
