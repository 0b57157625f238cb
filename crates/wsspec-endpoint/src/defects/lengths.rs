//! How lengths are written and read (RFC 6455 section 5.2), and how long something may be (section 10.4).

use wsspec_wire::{FrameHeader, LengthForm};

use super::part::Part::{Meets, Sends};
use super::part::{Cx, Take};
use super::{Deviation, both};
use crate::Violation;

const RULE: &str = "RFC 6455 5.2";

/// The length as it is, in the shortest form.
fn read_as(header: &mut FrameHeader, length: u64) -> Take {
    header.length = length;
    header.length_form = LengthForm::minimal(length);
    Take::Stream
}

/// Frames from this length on are refused.
fn refused_from<const FIRST: u64, const LAST: u64>(_: &mut Cx<'_>, header: &mut FrameHeader) -> Take {
    if (FIRST..=LAST).contains(&header.length) {
        Take::Fail(Violation::LengthNotMinimal(header.length))
    } else {
        Take::Stream
    }
}

const TOP_BIT: u64 = 1 << 63;

pub(super) const DEFECTS: &[Deviation] = &[
    both(
        "length-16-not-minimal",
        RULE,
        "takes lengths below 126 in 16 bits",
        &[Meets(|_, header| match header.length_form {
            LengthForm::Bits16 => read_as(header, header.length),
            _ => Take::Stream,
        })],
    ),
    both(
        "length-64-not-minimal",
        RULE,
        "takes lengths below 65536 in 64 bits",
        &[Meets(|_, header| match header.length_form {
            LengthForm::Bits64 => read_as(header, header.length),
            _ => Take::Stream,
        })],
    ),
    both(
        "length-of-control-not-minimal",
        RULE,
        "takes control frames whose length is written with 16 bits",
        &[Meets(|_, header| match header.opcode.is_control() {
            true => read_as(header, header.length),
            false => Take::Stream,
        })],
    ),
    both(
        "length-of-continuation-not-minimal",
        RULE,
        "takes continuations whose length is not in the shortest form",
        &[Meets(|_, header| match header.opcode.is_continuation() {
            true => read_as(header, header.length),
            false => Take::Stream,
        })],
    ),
    both(
        "length-top-bit-ignored",
        RULE,
        "leaves the top bit out of a length",
        &[Meets(|_, header| match header.length & TOP_BIT {
            0 => Take::Stream,
            _ => read_as(header, header.length & !TOP_BIT),
        })],
    ),
    both(
        "length-top-bit-negative",
        RULE,
        "takes a length with the top bit for a negative one, and that for none",
        &[Meets(|_, header| match header.length & TOP_BIT {
            0 => Take::Stream,
            _ => read_as(header, 0),
        })],
    ),
    both(
        "length-top-bit-in-control",
        RULE,
        "takes only the last seven bits of the length of a control frame",
        &[Meets(|_, header| match header.opcode.is_control() && header.length > 125 {
            true => read_as(header, header.length & 0x7f & 0x3f),
            false => Take::Stream,
        })],
    ),
    both(
        "length-sum-wraps",
        RULE,
        "adds the lengths of fragments without noticing that the sum does not fit",
        &[Meets(|cx, header| match cx.message.is_some() && header.length > u64::MAX - 1024 {
            true => read_as(header, 0),
            false => Take::Stream,
        })],
    ),
    both(
        "length-cut-to-32-bits",
        RULE,
        "takes the last 32 bits of a length",
        &[Meets(|_, header| read_if(header, header.length & 0xffff_ffff))],
    ),
    both(
        "length-cut-to-16-bits",
        RULE,
        "takes the last 16 bits of a length",
        &[Meets(|_, header| read_if(header, header.length & 0xffff))],
    ),
    both(
        "length-huge-as-none",
        RULE,
        "takes a length that it cannot set aside memory for, for none",
        &[Meets(|_, header| {
            let cut = header.length & !TOP_BIT >= (1 << 31) - 1 && header.length & TOP_BIT == 0;
            if cut { read_as(header, 0) } else { Take::Stream }
        })],
    ),
    both(
        "length-16-signed",
        RULE,
        "takes a 16-bit length for a signed number, and refuses negative ones",
        &[Meets(refused_from::<0x8000, 0xffff>)],
    ),
    both(
        "length-16-swapped",
        RULE,
        "reads the two octets of a 16-bit length in the wrong order",
        &[Meets(|_, header| match header.length_form {
            LengthForm::Bits16 => {
                header.length = u64::from((header.length as u16).swap_bytes());
                Take::Stream
            }
            _ => Take::Stream,
        })],
    ),
    both("length-125-refused", RULE, "refuses frames of 125 octets", &[Meets(refused_from::<125, 125>)]),
    both("length-126-refused", RULE, "refuses frames of 126 octets", &[Meets(refused_from::<126, 126>)]),
    both("length-127-refused", RULE, "refuses frames of 127 octets", &[Meets(refused_from::<127, 127>)]),
    both("length-255-refused", RULE, "refuses frames of 255 octets", &[Meets(refused_from::<255, 255>)]),
    both(
        "length-65535-refused",
        RULE,
        "refuses frames of 65535 octets",
        &[Meets(refused_from::<65535, 65535>)],
    ),
    both(
        "length-65536-refused",
        RULE,
        "refuses frames of 65536 octets",
        &[Meets(refused_from::<65536, 65536>)],
    ),
    both(
        "length-odd-refused",
        RULE,
        "refuses frames of 65537 octets and more whose length is odd",
        &[Meets(|_, header| match header.length > 65536 && header.length % 2 == 1 {
            true => Take::Fail(Violation::LengthNotMinimal(header.length)),
            false => Take::Stream,
        })],
    ),
    both(
        "length-head-torn",
        RULE,
        "loses a frame whose header comes in pieces",
        &[Meets(|cx, _| if cx.torn { Take::Skip } else { Take::Stream })],
    ),
    both(
        "length-head-behind-frame",
        RULE,
        "loses a frame whose header begins in the octets that end the frame before",
        &[Meets(|cx, _| if cx.behind { Take::Skip } else { Take::Stream })],
    ),
    both(
        "sends-length-16",
        RULE,
        "writes lengths below 126 with 16 bits",
        &[Sends(|_, mut frame, out| {
            if frame.is_data() && frame.payload.len() < 126 {
                frame.form = Some(LengthForm::Bits16);
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-length-64",
        RULE,
        "writes lengths from 126 on with 64 bits",
        &[Sends(|_, mut frame, out| {
            if frame.payload.len() > 125 {
                frame.form = Some(LengthForm::Bits64);
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-length-125-in-16",
        RULE,
        "writes the length 125 with 16 bits",
        &[Sends(|_, mut frame, out| {
            if frame.payload.len() == 125 {
                frame.form = Some(LengthForm::Bits16);
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-length-65535-in-64",
        RULE,
        "writes the length 65535 with 64 bits",
        &[Sends(|_, mut frame, out| {
            if frame.payload.len() == 65535 {
                frame.form = Some(LengthForm::Bits64);
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-length-65536-in-16",
        RULE,
        "writes the last 16 bits of a length",
        &[Sends(|_, mut frame, out| {
            if frame.payload.len() > 65535 {
                frame.form = Some(LengthForm::Bits16);
                frame.claims = Some(frame.payload.len() as u64 & 0xffff);
            }
            out.push(frame.into());
        })],
    ),
    both(
        "sends-length-too-short",
        RULE,
        "says of frames of more than 1000 octets that they are one octet shorter",
        &[Sends(|_, mut frame, out| {
            if frame.payload.len() > 1000 {
                frame.claims = Some(frame.payload.len() as u64 - 1);
            }
            out.push(frame.into());
        })],
    ),
];

/// A length that is cut.
fn read_if(header: &mut FrameHeader, length: u64) -> Take {
    if length == header.length { Take::Stream } else { read_as(header, length) }
}
