//! permessage-deflate: what is sent and what is taken (RFC 7692 sections 6 and 7.2).

use wsspec_wire::deflate::Deflater;
use wsspec_wire::{BlockType, DeflateInspector, DeflateWriter, Opcode, Rsv};

use super::deflate::{Decompressor, Inflated, deflater};
use super::frame::Item;
use super::part::Part::{Deflates, Inflates, Meets, Sends};
use super::part::Take;
use super::{Deviation, both};
use crate::Violation;

const FRAMES: &str = "RFC 7692 6";
const PAYLOAD: &str = "RFC 7692 7.2.1";
const INFLATING: &str = "RFC 7692 7.2.2";
const CONTEXT: &str = "RFC 7692 7.1.1";
const WINDOW: &str = "RFC 7692 7.1.2";

const INVALID: Inflated = Inflated::Fails(Violation::InvalidDeflate);

fn message(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflater.message(message, &mut out);
    out
}

/// The first octet of a payload tells what its first block is: BFINAL, then two bits of type.
fn begins_with(octets: &[u8], kind: u8) -> bool {
    octets.first().is_some_and(|first| first >> 1 & 3 == kind)
}

/// Refuses messages of which the first block is of that kind.
fn refuses_type<const KIND: u8>(deflate: &mut Decompressor, octets: &[u8]) -> Inflated {
    // An octet with nothing but the type is what is left of an empty block: every message ends so.
    if begins_with(octets, KIND) && octets.len() > 1 { INVALID } else { deflate.lawful(octets) }
}

/// The distances of a message in a window of all that came before.
fn longest_distance(deflate: &mut Decompressor, octets: &[u8]) -> (u32, u32, u32) {
    let inspector = deflate.inspector.get_or_insert_with(DeflateInspector::new);
    let found = inspector.message(octets, 16 << 20, &mut Vec::new());
    found.map_or((0, 0, 0), |found| (found.longest_distance, found.reach_before_message, found.last_blocks))
}

/// Inflates in a window that is smaller than agreed.
fn window_of<const OCTETS: u32>(deflate: &mut Decompressor, octets: &[u8]) -> Inflated {
    let (distance, ..) = longest_distance(deflate, octets);
    if distance > OCTETS { INVALID } else { deflate.lawful(octets) }
}

pub(super) const DEFECTS: &[Deviation] = &[
    both(
        "deflate-rsv1-missing",
        FRAMES,
        "compresses messages without saying so",
        &[Sends(|_, mut frame, out| {
            if frame.is_data() {
                frame.rsv = Rsv::NONE;
            }
            out.push(frame.into());
        })],
    ),
    both(
        "deflate-rsv1-on-all",
        FRAMES,
        "sends messages in two fragments and says of each that it is compressed",
        &[Sends(|_, frame, out| {
            if frame.rsv == Rsv::RSV1 && frame.payload.len() > 1 {
                let [first, mut last] = frame.split(1);
                last.rsv = Rsv::RSV1;
                out.extend([Item::from(first), last.into()]);
            } else {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "deflate-rsv1-on-last",
        FRAMES,
        "says only of the last fragment that the message is compressed",
        &[Sends(|_, frame, out| {
            if frame.rsv == Rsv::RSV1 && frame.payload.len() > 1 {
                let [mut first, mut last] = frame.split(1);
                (first.rsv, last.rsv) = (Rsv::NONE, Rsv::RSV1);
                out.extend([Item::from(first), last.into()]);
            } else {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "deflate-rsv1-uncompressed",
        FRAMES,
        "says of messages that are not compressed that they are",
        &[Deflates(|_, message| Some(message.to_vec()))],
    ),
    both(
        "deflate-control-compressed",
        FRAMES,
        "sets RSV1 in Pongs once compression is agreed on",
        &[Sends(|cx, mut frame, out| {
            if cx.deflate && frame.is(Opcode::PONG) {
                frame.rsv = Rsv::RSV1;
            }
            out.push(frame.into());
        })],
    ),
    both(
        "deflate-tail-kept",
        PAYLOAD,
        "does not remove the tail 00 00 ff ff",
        &[Deflates(|deflate, message| {
            let mut octets = deflate.lawful(message);
            octets.extend_from_slice(&[0, 0, 0xff, 0xff]);
            Some(octets)
        })],
    ),
    both(
        "deflate-flush-missing",
        PAYLOAD,
        "ends messages without an empty stored block",
        &[Deflates(|_, message| {
            let mut out = DeflateWriter::new();
            message.chunks(65535).for_each(|part| {
                out.stored(part, false);
            });
            Some(out.finish())
        })],
    ),
    both(
        "deflate-empty-without-payload",
        "RFC 7692 7.2.3.6",
        "sends empty messages without payload",
        &[Deflates(|deflate, message| {
            let octets = deflate.lawful(message);
            Some(if message.is_empty() { Vec::new() } else { octets })
        })],
    ),
    both(
        "deflate-last-octet-lost",
        PAYLOAD,
        "loses the last octet of a compressed message",
        &[Deflates(|deflate, message| {
            let mut octets = deflate.lawful(message);
            octets.pop();
            Some(octets)
        })],
    ),
    both(
        "deflate-with-zlib-header",
        PAYLOAD,
        "sends compressed messages with the header of zlib",
        &[Deflates(|deflate, message| {
            let mut octets = vec![0x78, 0x9c];
            octets.extend(deflate.lawful(message));
            Some(octets)
        })],
    ),
    both(
        "deflate-garbage",
        PAYLOAD,
        "sends blocks of the reserved type",
        &[Deflates(|_, _| {
            let mut out = DeflateWriter::new();
            out.block(BlockType::Reserved, false);
            Some(out.finish())
        })],
    ),
    both(
        "deflate-damaged",
        PAYLOAD,
        "changes a bit of each compressed message",
        &[Deflates(|deflate, message| {
            let mut octets = deflate.lawful(message);
            let middle = octets.len() / 2;
            octets[middle] ^= 0x10;
            Some(octets)
        })],
    ),
    both(
        "deflate-context-kept",
        CONTEXT,
        "refers to messages before, where that is excluded",
        &[Deflates(|deflate, text| Some(message(&mut deflate.deflater, text)))],
    ),
    both(
        "deflate-context-kept-once",
        CONTEXT,
        "refers to messages before, where that is excluded, every second time",
        &[Deflates(|deflate, text| {
            let octets = message(&mut deflate.deflater, text);
            if deflate.agreed.no_context_takeover && deflate.count % 2 == 1 {
                deflate.deflater.reset();
            }
            Some(octets)
        })],
    ),
    both(
        "deflate-window-15",
        WINDOW,
        "compresses with a window of 15 bits, whatever is agreed on",
        &[Deflates(|deflate, text| {
            if deflate.count == 0 {
                deflate.deflater = deflater(15, 6);
            }
            Some(deflate.lawful(text))
        })],
    ),
    both(
        "deflate-window-one-more",
        WINDOW,
        "compresses with a window of one bit more than agreed",
        &[Deflates(|deflate, text| {
            if deflate.count == 0 {
                deflate.deflater = deflater((deflate.agreed.window_bits + 1).min(15), 9);
            }
            Some(deflate.lawful(text))
        })],
    ),
    both(
        "deflate-distance-too-far",
        WINDOW,
        "refers to octets before the first",
        &[Deflates(|_, message| {
            let mut out = DeflateWriter::new();
            out.block(BlockType::Fixed, false)
                .matched(message.len().clamp(3, 258) as u16, 32768)
                .end_of_block()
                .flush();
            Some(out.finish())
        })],
    ),
    both(
        "deflate-from-own-context",
        CONTEXT,
        "starts anew with each message on its own side only: what it takes refers to nothing",
        &[Inflates(|deflate, octets| {
            let taken = deflate.lawful(octets);
            deflate.inflater.reset();
            taken
        })],
    ),
    both(
        "inflate-context-kept",
        CONTEXT,
        "takes references to messages before, where those are excluded, as garbage",
        &[Inflates(|deflate, octets| {
            // What was before is gone, what would be found there is not.
            let (message, done) = deflate.inflate(octets);
            if deflate.agreed.no_context_takeover {
                deflate.inflater.reset();
            }
            match done {
                Ok(()) => Inflated::Message(message),
                Err(_) => Inflated::Message(b"??????".to_vec()),
            }
        })],
    ),
    both(
        "inflate-errors-ignored",
        INFLATING,
        "takes what could be inflated for the message",
        &[Inflates(|deflate, octets| {
            let (message, done) = deflate.inflate(octets);
            if done.is_err() || deflate.agreed.no_context_takeover {
                deflate.inflater.reset();
            }
            Inflated::Message(message)
        })],
    ),
    both(
        "inflate-errors-empty",
        INFLATING,
        "takes what cannot be inflated for an empty message",
        &[Inflates(|deflate, octets| match deflate.lawful(octets) {
            Inflated::Message(message) => Inflated::Message(message),
            _ => {
                deflate.inflater.reset();
                Inflated::Message(Vec::new())
            }
        })],
    ),
    both(
        "inflate-not-at-all",
        INFLATING,
        "takes compressed messages as they are",
        &[Inflates(|_, octets| Inflated::Message(octets.to_vec()))],
    ),
    both(
        "inflate-last-octet-lost",
        INFLATING,
        "loses the last octet of what it inflates",
        &[Inflates(|deflate, octets| match deflate.lawful(octets) {
            Inflated::Message(mut message) => {
                message.pop();
                Inflated::Message(message)
            }
            other => other,
        })],
    ),
    both(
        "inflate-truncated-accepted",
        INFLATING,
        "takes messages that end inside a block",
        &[Inflates(|deflate, octets| {
            let (message, done) = deflate.inflate(octets);
            if done.is_err() || deflate.agreed.no_context_takeover {
                deflate.inflater.reset();
            }
            match done {
                Ok(()) | Err(wsspec_wire::InflateError::UnexpectedEnd) => Inflated::Message(message),
                Err(_) => INVALID,
            }
        })],
    ),
    both(
        "inflate-zlib-accepted",
        INFLATING,
        "takes messages with header and checksum of zlib",
        &[Inflates(|deflate, octets| match octets {
            [0x78, _, raw @ .., _, _, _, _] => deflate.lawful(raw),
            _ => deflate.lawful(octets),
        })],
    ),
    both(
        "inflate-gzip-accepted",
        INFLATING,
        "takes messages with header and checksum of gzip",
        &[Inflates(|deflate, octets| match octets {
            [0x1f, 0x8b, _, _, _, _, _, _, _, _, raw @ .., _, _, _, _, _, _, _, _] => deflate.lawful(raw),
            _ => deflate.lawful(octets),
        })],
    ),
    both(
        "inflate-final-ends",
        INFLATING,
        "does not look behind a final block",
        &[Inflates(|deflate, octets| {
            let (.., finals) = longest_distance(deflate, octets);
            match deflate.lawful(octets) {
                Inflated::Message(mut message) if finals > 0 => {
                    message.truncate(3);
                    Inflated::Message(message)
                }
                other => other,
            }
        })],
    ),
    both(
        "inflate-final-refused",
        INFLATING,
        "refuses final blocks",
        &[Inflates(|deflate, octets| {
            if octets.first().is_some_and(|first| first & 1 == 1) { INVALID } else { deflate.lawful(octets) }
        })],
    ),
    both(
        "inflate-final-ends-all",
        INFLATING,
        "can inflate nothing behind a message with a final block",
        &[Inflates(|deflate, octets| {
            if deflate.ended {
                return INVALID;
            }
            deflate.ended = octets.first().is_some_and(|first| first & 1 == 1);
            deflate.lawful(octets)
        })],
    ),
    both("inflate-stored-refused", INFLATING, "refuses stored blocks", &[Inflates(refuses_type::<0>)]),
    both(
        "inflate-fixed-refused",
        INFLATING,
        "refuses blocks with the fixed codes",
        &[Inflates(refuses_type::<1>)],
    ),
    both(
        "inflate-dynamic-refused",
        INFLATING,
        "refuses blocks with codes of their own",
        &[Inflates(refuses_type::<2>)],
    ),
    both(
        "inflate-empty-refused",
        INFLATING,
        "refuses compressed messages of one octet",
        &[Inflates(|deflate, octets| if octets.len() == 1 { INVALID } else { deflate.lawful(octets) })],
    ),
    both(
        "inflate-limit-4096",
        "RFC 6455 10.4",
        "cuts what it inflates at 4096 octets",
        &[Inflates(|deflate, octets| match deflate.lawful(octets) {
            Inflated::Message(mut message) => {
                message.truncate(4096);
                Inflated::Message(message)
            }
            other => other,
        })],
    ),
    both("inflate-window-256", WINDOW, "inflates with a window of 8 bits", &[Inflates(window_of::<256>)]),
    both(
        "inflate-window-16384",
        WINDOW,
        "inflates with a window of 14 bits",
        &[Inflates(window_of::<16384>)],
    ),
    both(
        "inflate-window-32767",
        WINDOW,
        "inflates with a window that is one octet too small",
        &[Inflates(window_of::<32767>)],
    ),
    both(
        "inflate-window-half",
        WINDOW,
        "inflates with a window of half the size agreed on",
        &[Inflates(|deflate, octets| {
            let (distance, ..) = longest_distance(deflate, octets);
            if distance > 1 << (deflate.agreed.window_bits - 1) { INVALID } else { deflate.lawful(octets) }
        })],
    ),
    both(
        "inflate-beyond-window-garbage",
        WINDOW,
        "takes zeros for what lies beyond the window agreed on",
        &[Inflates(|deflate, octets| {
            let (distance, ..) = longest_distance(deflate, octets);
            match deflate.lawful(octets) {
                Inflated::Message(message) if distance > 1 << deflate.agreed.window_bits => {
                    Inflated::Message(vec![b'0'; message.len()])
                }
                other => other,
            }
        })],
    ),
    both(
        "inflate-context-of-type",
        CONTEXT,
        "has windows of their own for text and binary",
        &[Meets(|cx, header| {
            if header.rsv == Rsv::RSV1 && header.opcode.is_data() {
                cx.memory.octets.push(header.opcode.bits());
                if let [.., before, now] = cx.memory.octets[..]
                    && before != now
                {
                    return Take::Fail(Violation::InvalidDeflate);
                }
            }
            Take::Stream
        })],
    ),
    both(
        "inflate-tail-after-each-fragment",
        INFLATING,
        "ends the message with each fragment",
        &[Meets(|cx, header| {
            if cx.deflate && header.opcode.is_continuation() && cx.memory.flag {
                return Take::Fail(Violation::InvalidDeflate);
            }
            if header.opcode.is_data() {
                cx.memory.flag = header.rsv == Rsv::RSV1 && !header.fin && header.length > 0;
            }
            Take::Stream
        })],
    ),
    both(
        "deflate-uncompressed-refused",
        FRAMES,
        "refuses messages that are not compressed once compression is agreed on",
        &[Meets(|cx, header| {
            let plain = cx.deflate && header.opcode.is_data() && header.rsv.is_none();
            if plain { Take::Fail(Violation::InvalidDeflate) } else { Take::Stream }
        })],
    ),
    both(
        "deflate-rsv1-skipped",
        FRAMES,
        "does not look at compressed messages in fragments",
        &[Meets(|cx, header| {
            if header.opcode.is_data() {
                cx.memory.flag = header.rsv == Rsv::RSV1 && !header.fin;
            }
            let skips = cx.memory.flag && !header.opcode.is_control();
            if skips { Take::Skip } else { Take::Stream }
        })],
    ),
    both(
        "deflate-rsv1-of-continuation-accepted",
        FRAMES,
        "takes RSV1 in continuations",
        &[Meets(|_, header| {
            if header.opcode.is_continuation() {
                header.rsv = Rsv::NONE;
            }
            Take::Stream
        })],
    ),
    both(
        "deflate-rsv1-of-control-accepted",
        FRAMES,
        "takes RSV1 in control frames",
        &[Meets(|_, header| {
            if header.opcode.is_control() && header.rsv == Rsv::RSV1 {
                header.rsv = Rsv::NONE;
            }
            Take::Stream
        })],
    ),
    both(
        "deflate-rsv2-accepted",
        FRAMES,
        "looks only at RSV1 once compression is agreed on",
        &[Meets(|cx, header| {
            if cx.deflate {
                header.rsv = Rsv::new(header.rsv.bits() & 4);
            }
            Take::Stream
        })],
    ),
    both(
        "deflate-not-agreed-accepted",
        FRAMES,
        "takes RSV1 where compression was not agreed on",
        &[Meets(|cx, header| {
            if !cx.deflate && header.opcode.is_data() {
                header.rsv = Rsv::new(header.rsv.bits() & 3);
            }
            Take::Stream
        })],
    ),
    both(
        "deflate-messages-10-die",
        INFLATING,
        "drops TCP at the tenth compressed message",
        &[Meets(|cx, header| {
            cx.memory.count += u64::from(header.rsv == Rsv::RSV1);
            if cx.memory.count == 10 { Take::Die } else { Take::Stream }
        })],
    ),
    both(
        "deflate-limit-1000",
        "RFC 6455 10.4",
        "takes no message that inflates to more than 1000 octets",
        &[Inflates(|deflate, octets| match deflate.lawful(octets) {
            Inflated::Message(message) if message.len() > 1000 => {
                Inflated::Fails(Violation::MessageTooBig { limit: 1000 })
            }
            other => other,
        })],
    ),
];
