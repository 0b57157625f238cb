//! 4.*: opcodes that the RFC leaves for later.

use crate::prelude::*;
use crate::step::FrameSpec;

const UNKNOWN: Rule =
    Rule::must(Rfc6455, "5.2", "a receiver that finds an opcode it does not know fails the connection");

const BEFORE_ECHO: &str = "the connection may fail before the application has echoed the first message";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(4, "Opcodes");
    s.rules([UNKNOWN]);

    s.group(1, "Opcodes reserved for data frames: 3 to 7");
    alone(&mut s, "4.1.1", frame(3, ""));
    alone(&mut s, "4.1.2", frame(4, "reserved opcode payload"));
    between(&mut s, "4.1.3", frame(5, ""), None);
    between(&mut s, "4.1.4", frame(6, "Hello, world!"), None);
    between(&mut s, "4.1.5", frame(7, "Hello, world!"), Some(1));

    s.group(2, "Opcodes reserved for control frames: 11 to 15");
    alone(&mut s, "4.2.1", frame(11, ""));
    alone(&mut s, "4.2.2", frame(12, "reserved opcode payload"));
    between(&mut s, "4.2.3", frame(13, ""), None);
    between(&mut s, "4.2.4", frame(14, "Hello, world!"), None);
    between(&mut s, "4.2.5", frame(15, "Hello, world!"), Some(1));
}

/// The frame is all that is sent.
fn alone(s: &mut Declaration<'_>, id: &str, reserved: FrameSpec) {
    s.case(id, slug(&reserved), format!("A frame with the reserved opcode {}", told(&reserved)))
        .expect("The connection is failed, and nothing comes back.")
        .send(reserved)
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([PROTOCOL_ERROR]));
}

/// A message goes before the frame, a ping follows.
fn between(s: &mut Declaration<'_>, id: &str, reserved: FrameSpec, chop: Option<usize>) {
    let pieces = if chop.is_some() { ", handed to the network octet by octet" } else { "" };
    let told = told(&reserved);
    let title = format!("A text message, then a frame with the reserved opcode {told}, then a ping{pieces}");
    let send = |frame| FrameSpec { chop, ..frame };
    s.case(id, slug(&reserved), title)
        .expect("The message comes back, then the connection is failed; no pong.")
        .send(send(text("Hello, world!")))
        .send(send(reserved))
        .send(send(ping("")))
        .fail_after(secs(1))
        .ok([message("Hello, world!")])
        .non_strict([], BEFORE_ECHO)
        .close(peer_fails([PROTOCOL_ERROR]));
}

fn slug(frame: &FrameSpec) -> String {
    format!("opcode-{}", frame.opcode.bits())
}

fn told(frame: &FrameSpec) -> String {
    let payload = if frame.payload.is_empty() { "no" } else { "a" };
    format!("{} and {payload} payload", frame.opcode.bits())
}
