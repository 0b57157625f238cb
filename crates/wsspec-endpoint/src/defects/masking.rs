//! Masks and their keys (RFC 6455 sections 5.1, 5.3 and 10.3).

use wsspec_wire::{FrameHeader, Opcode};

use super::frame::Mask;
use super::part::Part::{Config, Keys, Meets, Sends, Takes, Unmasks};
use super::part::{Cx, Take};
use super::{Deviation, client, server};
use crate::Violation;

const MASKS: &str = "RFC 6455 5.1";
const UNMASKS: &str = "RFC 6455 5.3";
const KEYS: &str = "RFC 6455 10.3";

/// Masks are taken as they come.
fn as_the_role_asks(cx: &Cx<'_>, header: &mut FrameHeader) -> Take {
    header.mask = match cx.role {
        crate::Role::Server => header.mask.or(Some([0; 4])),
        crate::Role::Client => None,
    };
    Take::Stream
}

fn in_control(cx: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.opcode.is_control() { as_the_role_asks(cx, header) } else { Take::Stream }
}

fn in_data(cx: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.opcode.is_data() { as_the_role_asks(cx, header) } else { Take::Stream }
}

fn in_continuation(cx: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.opcode.is_continuation() { as_the_role_asks(cx, header) } else { Take::Stream }
}

fn in_empty(cx: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if header.length == 0 { as_the_role_asks(cx, header) } else { Take::Stream }
}

fn behind_the_first(cx: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    let first = std::mem::replace(&mut cx.memory.flag, true);
    if first { as_the_role_asks(cx, header) } else { Take::Stream }
}

/// Masks once more, as if it had not been unmasked, from octet `from` on.
fn mask_again(frame: &mut super::frame::Frame, from: usize) {
    if let Mask::Key(key) = frame.mask {
        for (index, octet) in frame.payload.iter_mut().enumerate().skip(from) {
            *octet ^= key[index % 4];
        }
    }
}

fn whole(_: &mut Cx<'_>, _: &mut FrameHeader) -> Take {
    Take::Whole
}

pub(super) const DEFECTS: &[Deviation] = &[
    server(
        "unmasked-accepted",
        MASKS,
        "takes frames that are not masked",
        &[Meets(|cx, header| as_the_role_asks(cx, header))],
    ),
    server(
        "unmasked-control-accepted",
        MASKS,
        "takes control frames that are not masked",
        &[Meets(in_control)],
    ),
    server("unmasked-data-accepted", MASKS, "takes messages that are not masked", &[Meets(in_data)]),
    server(
        "unmasked-continuation-accepted",
        MASKS,
        "takes continuations that are not masked",
        &[Meets(in_continuation)],
    ),
    server(
        "unmasked-empty-accepted",
        MASKS,
        "takes frames without payload that are not masked",
        &[Meets(in_empty)],
    ),
    server(
        "unmasked-later-accepted",
        MASKS,
        "looks only at the mask of the first frame",
        &[Meets(behind_the_first)],
    ),
    server(
        "unmasked-skipped",
        MASKS,
        "does not look at frames that are not masked",
        &[Meets(|_, header| if header.mask.is_none() { Take::Skip } else { Take::Stream })],
    ),
    client(
        "masked-accepted",
        MASKS,
        "takes frames that are masked",
        &[Meets(|cx, header| as_the_role_asks(cx, header))],
    ),
    client("masked-control-accepted", MASKS, "takes control frames that are masked", &[Meets(in_control)]),
    client("masked-data-accepted", MASKS, "takes messages that are masked", &[Meets(in_data)]),
    client(
        "masked-continuation-accepted",
        MASKS,
        "takes continuations that are masked",
        &[Meets(in_continuation)],
    ),
    client(
        "masked-empty-accepted",
        MASKS,
        "takes frames without payload that are masked",
        &[Meets(in_empty)],
    ),
    client(
        "masked-with-0-accepted",
        MASKS,
        "takes frames that are masked with the key 0",
        &[Meets(|cx, header| match header.mask {
            Some([0, 0, 0, 0]) => as_the_role_asks(cx, header),
            _ => Take::Stream,
        })],
    ),
    client(
        "masked-skipped",
        MASKS,
        "does not look at frames that are masked",
        &[Meets(|_, header| if header.mask.is_some() { Take::Skip } else { Take::Stream })],
    ),
    server(
        "mask-begins-anew-with-each-read",
        UNMASKS,
        "begins the masking key anew with each read",
        &[Unmasks(|_, key, _, _| (0, key))],
    ),
    server(
        "mask-of-first-frame",
        UNMASKS,
        "unmasks all frames with the key of the first",
        &[Unmasks(|memory, key, offset, _| {
            if memory.octets.is_empty() {
                memory.octets = key.to_vec();
            }
            let first = [memory.octets[0], memory.octets[1], memory.octets[2], memory.octets[3]];
            ((offset % 4) as usize, first)
        })],
    ),
    server(
        "mask-goes-on",
        UNMASKS,
        "goes on in the masking key where the frame before ended",
        &[Unmasks(|memory, key, _, len| {
            let at = memory.count % 4;
            memory.count += len as u64;
            (at as usize, key)
        })],
    ),
    server(
        "mask-key-reversed",
        UNMASKS,
        "unmasks with the octets of the key in the wrong order",
        &[Unmasks(|_, key, offset, _| ((offset % 4) as usize, [key[3], key[2], key[1], key[0]]))],
    ),
    server(
        "mask-tail-kept",
        UNMASKS,
        "unmasks four octets at a time, and leaves the last ones masked",
        &[
            Meets(whole),
            Takes(|_, mut frame, frames| {
                let tail = frame.payload.len() / 4 * 4;
                mask_again(&mut frame, tail);
                frames.push(frame);
            }),
        ],
    ),
    server(
        "mask-behind-64-kib-kept",
        UNMASKS,
        "unmasks the first 65536 octets of a frame",
        &[
            Meets(|_, header| if header.length > 65536 { Take::Whole } else { Take::Stream }),
            Takes(|_, mut frame, frames| {
                mask_again(&mut frame, 65536);
                frames.push(frame);
            }),
        ],
    ),
    server(
        "mask-of-ping-kept",
        UNMASKS,
        "does not unmask Pings",
        &[
            Meets(|_, header| if header.opcode == Opcode::PING { Take::Whole } else { Take::Stream }),
            Takes(|_, mut frame, frames| {
                mask_again(&mut frame, 0);
                frames.push(frame);
            }),
        ],
    ),
    server(
        "mask-key-0-refused",
        UNMASKS,
        "refuses frames that are masked with the key 0",
        &[Meets(|_, header| match header.mask {
            Some([0, 0, 0, 0]) => Take::Fail(Violation::NotMasked),
            _ => Take::Stream,
        })],
    ),
    server(
        "mask-key-ends-at-0",
        UNMASKS,
        "takes a 0 in the masking key for its end",
        &[Unmasks(|_, key, offset, _| {
            let len = key.iter().position(|octet| *octet == 0).unwrap_or(4);
            let mut cut = [0; 4];
            cut[..len].copy_from_slice(&key[..len]);
            ((offset % 4) as usize, cut)
        })],
    ),
    server(
        "mask-key-signed",
        UNMASKS,
        "unmasks with the lower seven bits of the key",
        &[Unmasks(|_, key, offset, _| ((offset % 4) as usize, key.map(|octet| octet & 0x7f)))],
    ),
    server(
        "server-masks",
        MASKS,
        "masks what it sends",
        &[Sends(|_, mut frame, out| {
            frame.mask = Mask::Key([1, 2, 3, 4]);
            out.push(frame.into());
        })],
    ),
    server(
        "server-masks-pong",
        MASKS,
        "masks its Pongs",
        &[Sends(|_, mut frame, out| {
            if frame.is(Opcode::PONG) {
                frame.mask = Mask::Key([1, 2, 3, 4]);
            }
            out.push(frame.into());
        })],
    ),
    server(
        "server-masks-close",
        MASKS,
        "masks its Close frames",
        &[Sends(|_, mut frame, out| {
            if frame.is(Opcode::CLOSE) {
                frame.mask = Mask::Key([1, 2, 3, 4]);
            }
            out.push(frame.into());
        })],
    ),
    client(
        "client-unmasked",
        MASKS,
        "does not mask what it sends",
        &[Sends(|_, mut frame, out| {
            frame.mask = Mask::None;
            out.push(frame.into());
        })],
    ),
    client(
        "client-unmasked-pong",
        MASKS,
        "does not mask its Pongs",
        &[Sends(|_, mut frame, out| {
            if frame.is(Opcode::PONG) {
                frame.mask = Mask::None;
            }
            out.push(frame.into());
        })],
    ),
    client(
        "client-unmasked-close",
        MASKS,
        "does not mask its Close frames",
        &[Sends(|_, mut frame, out| {
            if frame.is(Opcode::CLOSE) {
                frame.mask = Mask::None;
            }
            out.push(frame.into());
        })],
    ),
    client(
        "client-unmasked-empty",
        MASKS,
        "does not mask frames without payload",
        &[Sends(|_, mut frame, out| {
            if frame.payload.is_empty() {
                frame.mask = Mask::None;
            }
            out.push(frame.into());
        })],
    ),
    client("keys-0", KEYS, "masks with the key 0", &[Keys(|_, _| [0; 4])]),
    client(
        "keys-constant",
        KEYS,
        "masks all frames with the same key",
        &[Keys(|_, _| [0x37, 0xfa, 0x21, 0x3d])],
    ),
    client(
        "keys-counted",
        KEYS,
        "masks with keys that count up",
        &[Keys(|memory, _| {
            memory.count += 1;
            (memory.count as u32).to_be_bytes()
        })],
    ),
    client(
        "keys-twice",
        KEYS,
        "masks two frames with each key",
        &[Keys(|memory, fresh| {
            memory.flag = !memory.flag;
            if memory.flag {
                memory.octets = fresh.to_vec();
                return fresh;
            }
            [memory.octets[0], memory.octets[1], memory.octets[2], memory.octets[3]]
        })],
    ),
    client(
        "keys-of-one-octet",
        KEYS,
        "masks with keys of four equal octets",
        &[Keys(|_, fresh| [fresh[0]; 4])],
    ),
    client(
        "keys-of-seven-bits",
        KEYS,
        "masks with keys whose octets have no top bit",
        &[Keys(|_, fresh| fresh.map(|octet| octet & 0x7f))],
    ),
    client(
        "keys-with-odds",
        KEYS,
        "masks with keys in which three of four bits are 0",
        &[Keys(|memory, fresh| {
            let before = std::mem::replace(&mut memory.octets, fresh.to_vec());
            match before[..] {
                [a, b, c, d] => [fresh[0] & a, fresh[1] & b, fresh[2] & c, fresh[3] & d],
                _ => fresh,
            }
        })],
    ),
    client(
        "keys-predictable",
        KEYS,
        "masks with the numbers of a linear congruential generator",
        &[Keys(|memory, _| {
            memory.count = (memory.count as u32).wrapping_mul(1_664_525).wrapping_add(1_013_904_223).into();
            (memory.count as u32).to_be_bytes()
        })],
    ),
    client(
        "keys-stepped",
        KEYS,
        "masks with keys of which each is the one before and a constant",
        &[Keys(|memory, _| {
            memory.count = u64::from((memory.count as u32).wrapping_add(0x9e37_79b9));
            (memory.count as u32).to_be_bytes()
        })],
    ),
    client(
        "keys-0-at-times",
        KEYS,
        "masks every eighth frame with the key 0",
        &[Keys(|memory, fresh| {
            memory.count += 1;
            if memory.count.is_multiple_of(8) { [0; 4] } else { fresh }
        })],
    ),
    client(
        "keys-of-fixed-seed",
        KEYS,
        "begins every connection with the same masking keys",
        &[Config(|config| config.seed = [7; 32])],
    ),
];
