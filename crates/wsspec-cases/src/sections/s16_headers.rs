//! 16.*: reserved bits, opcodes and control frames, beyond sections 2 to 5.

use crate::prelude::*;

const RSV: Rule = Rule::must(
    Rfc6455,
    "5.2",
    "the reserved bits are zero unless a negotiated extension gives them a meaning; a receiver that finds \
     one set fails the connection",
);
const OPCODES: Rule =
    Rule::must(Rfc6455, "5.2", "opcodes 3 to 7 and 11 to 15 are reserved; a receiver fails the connection");
const CONTROL: Rule =
    Rule::must(Rfc6455, "5.5", "a control frame is not fragmented and has a payload of at most 125 octets");
const SEQUENCE: Rule = Rule::must(
    Rfc6455,
    "5.4",
    "a fragmented message is a first frame without FIN, continuation frames, and a last one with FIN",
);
const UTF8: Rule = Rule::must(Rfc6455, "5.6", "the payload of a text message is UTF-8");
const UNASKED: Rule = Rule::may(Rfc6455, "5.5.3", "a Pong may be sent unasked, and needs no answer");

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(16, "Reserved bits, opcodes, control frames");
    watched(&mut s);
}

fn watched(s: &mut Declaration<'_>) {
    s.group(7, "Headers of the peer").rules([RSV]);
    s.case("16.7.1", "watch-reserved-bits", "The reserved bits of every frame that comes in the whole run")
        .expect("RSV2 and RSV3 are never set; RSV1 only where permessage-deflate was negotiated.")
        .watch(["frame.rsv"]);

    s.rules([CONTROL]);
    s.case("16.7.2", "watch-control-frames", "Every control frame that comes in the whole run")
        .expect("It has FIN, and a payload of at most 125 octets.")
        .watch(["frame.control.fin", "frame.control.length"]);

    s.rules([OPCODES]);
    s.case("16.7.3", "watch-opcodes", "The opcode of every frame that comes in the whole run")
        .expect("It is one of 0, 1, 2, 8, 9 and 10.")
        .watch(["frame.opcode"]);

    s.rules([SEQUENCE]);
    s.case("16.7.4", "watch-fragments", "The order of all data frames that come in the whole run")
        .expect("A message is begun, continued and ended, and only then the next one is begun.")
        .watch(["frame.continuation", "frame.interleaved"]);

    s.rules([UTF8, UNASKED]);
    s.case("16.7.5", "watch-text", "Every text message and every Pong that comes in the whole run")
        .expect("Every text message is UTF-8. Pongs that nobody asked for are told.")
        .watch(["text.utf8"])
        .tell_of(["pong.unasked"]);
}
