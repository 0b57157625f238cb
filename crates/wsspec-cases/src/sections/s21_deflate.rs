//! 21.*: permessage-deflate, frames and payload, beyond section 12.

mod invalid;
mod mixed;
mod payload;
mod reserved_bit;

use crate::deflate::DeflatePlan;
use crate::event::Expected;
use crate::prelude::*;
use crate::step::{FrameSpec, Payload};

/// "Hello" in a block with the fixed codes, the example of RFC 7692 7.2.3.1.
pub(super) const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
/// "Hello" in a final block, and the octet behind it (RFC 7692 7.2.3.4).
const FINAL_HELLO: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
/// "Hello" again: an H, and a match that reaches back to the message before (RFC 7692 7.2.3.2).
pub(super) const HELLO_AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(21, "Compression: frames and payload");
    reserved_bit::declare(&mut s);
    payload::declare(&mut s);
    invalid::declare(&mut s);
    mixed::declare(&mut s);
}

/// A text message whose payload is compressed already.
pub(super) fn deflated(octets: impl Into<Payload>) -> FrameSpec {
    text(octets).rsv(4)
}

/// The same for a binary message.
pub(super) fn deflated_binary(octets: impl Into<Payload>) -> FrameSpec {
    binary(octets).rsv(4)
}

/// The steps are there: everything comes back.
fn echoes(case: &mut Case, messages: impl Into<Vec<Expected>>) -> &mut Case {
    case.deflate(DeflatePlan::plain()).fail_after(secs(2)).ok(messages).close(we_close([NORMAL]))
}
