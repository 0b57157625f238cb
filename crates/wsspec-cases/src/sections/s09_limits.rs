//! 9.*: large messages, many fragments, small writes, and many round trips.

use std::time::Duration;

use crate::drivers::{EchoLoop, SingleEcho};
use crate::prelude::*;
use crate::step::{FrameSpec, MessageSpec, Payload};

const LENGTH: Rule = Rule::must(Rfc6455, "5.2", "a payload length takes up to 63 bits");
const FRAGMENTS: Rule = Rule::must(Rfc6455, "5.4", "a message may come in any number of fragments");
const STREAM: Rule = Rule::must(Rfc6455, "5.2", "a frame may come in any pieces: TCP keeps no boundaries");
const LIMITS: Rule =
    Rule::may(Rfc6455, "10.4", "an implementation may set its own limits on the size of messages");

const TEXT_UNIT: &[u8] = b"BAsd7&jh23";
const BINARY_UNIT: &[u8] = &[0x00, 0xfe, 0x23, 0xfa, 0xf0];

const COMES_BACK: &str = "The message comes back unchanged in time.";
const ALL_COME_BACK: &str = "Every message comes back unchanged, all of them in time.";

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const LENGTHS: [usize; 6] = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const FRAGMENT_LENGTHS: [usize; 9] = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const PIECES: [usize; 6] = [64, 128, 256, 512, 1024, 2048];
/// Payload length and seconds for a thousand round trips.
const ROUND_TRIPS: [(usize, u64); 6] = [(0, 60), (16, 60), (64, 60), (256, 120), (1024, 240), (4096, 480)];

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(9, "Limits and performance");
    large_messages(&mut s);
    many_fragments(&mut s);
    small_writes(&mut s);
    round_trips(&mut s);
}

fn large_messages(s: &mut Declaration<'_>) {
    s.rules([LENGTH, LIMITS]);

    s.group(1, "Large text messages in one frame");
    for (n, len) in (1..).zip(LENGTHS) {
        let time = if len < MIB { secs(10) } else { secs(100) };
        single_echo(s, format!("9.1.{n}"), "large", " in one frame", text(repeat(TEXT_UNIT, len)), time);
    }

    s.group(2, "Large binary messages in one frame");
    for (n, len) in (1..).zip(LENGTHS) {
        let time = if len <= 4 * MIB { secs(10) } else { secs(100) };
        single_echo(s, format!("9.2.{n}"), "large", " in one frame", binary(repeat(BINARY_UNIT, len)), time);
    }
}

fn many_fragments(s: &mut Declaration<'_>) {
    s.rules([FRAGMENTS, LENGTH, LIMITS]);

    s.group(3, "Text messages of 4 MiB in fragments");
    for (n, of) in (1..).zip(FRAGMENT_LENGTHS) {
        in_fragments(s, format!("9.3.{n}"), of, text(repeat(b"*", 4 * MIB)));
    }

    s.group(4, "Binary messages of 4 MiB in fragments");
    for (n, of) in (1..).zip(FRAGMENT_LENGTHS) {
        let unit: &[u8] = if n == 1 { &[0xfe] } else { b"*" };
        in_fragments(s, format!("9.4.{n}"), of, binary(repeat(unit, 4 * MIB)));
    }
}

fn in_fragments(s: &mut Declaration<'_>, id: String, of: usize, message: FrameSpec) {
    let (slug, how) = (format!("fragments-{of}"), format!(" in fragments of {of} octets"));
    single_echo(s, id, &slug, &how, message.in_fragments_of(of), secs(100));
}

fn small_writes(s: &mut Declaration<'_>) {
    s.rules([STREAM, LENGTH, LIMITS]);

    s.group(5, "Text messages of 1 MiB in small writes");
    for (n, of) in (1..).zip(PIECES) {
        in_pieces(s, format!("9.5.{n}"), of, text(repeat(TEXT_UNIT, MIB)));
    }

    s.group(6, "Binary messages of 1 MiB in small writes");
    for (n, of) in (1..).zip(PIECES) {
        in_pieces(s, format!("9.6.{n}"), of, binary(repeat(BINARY_UNIT, MIB)));
    }
}

fn in_pieces(s: &mut Declaration<'_>, id: String, of: usize, message: FrameSpec) {
    let (slug, how) = (format!("pieces-{of}"), format!(", handed to the network {of} octets at a time"));
    single_echo(s, id, &slug, &how, message.chop(of), secs(1000));
}

fn single_echo(
    s: &mut Declaration<'_>,
    id: String,
    slug: &str,
    how: &str,
    message: impl Into<MessageSpec>,
    time: Duration,
) {
    let message = message.into();
    let (kind, len) = (message.opcode.name(), Payload::len(&message.payload));
    let words = format!("A {kind} message of {}{how}", size(len, " KiB", " MiB"));
    s.case(id, format!("{slug}-{kind}-{}", size(len, "k", "m")), words.clone())
        .expect(COMES_BACK)
        .drive(words, move || SingleEcho::of(message.clone(), time))
        .within(time)
        .measure_time()
        .quiet()
        .close(we_close([NORMAL]));
}

fn size(len: usize, kib: &str, mib: &str) -> String {
    if len < MIB { format!("{}{kib}", len / KIB) } else { format!("{}{mib}", len / MIB) }
}

fn round_trips(s: &mut Declaration<'_>) {
    s.rules([LENGTH]);

    s.group(7, "A thousand text messages, one after the other");
    for (n, (len, seconds)) in (1..).zip(ROUND_TRIPS) {
        thousand_echoes(s, format!("9.7.{n}"), text(repeat(b"*", len)), secs(seconds));
    }

    s.group(8, "A thousand binary messages, one after the other");
    for (n, (len, seconds)) in (1..).zip(ROUND_TRIPS) {
        thousand_echoes(s, format!("9.8.{n}"), binary(repeat(&[0xfe], len)), secs(seconds));
    }
}

fn thousand_echoes(s: &mut Declaration<'_>, id: String, message: FrameSpec, time: Duration) {
    let (kind, len) = (message.opcode.name(), Payload::len(&message.payload));
    let words = format!("1000 {kind} messages of {len} octets, each sent when the one before has come back");
    s.case(id, format!("thousand-{kind}-{len}"), words.clone())
        .expect(ALL_COME_BACK)
        .drive(words, move || EchoLoop::of(message.clone(), 1000, time))
        .within(time)
        .measure_time()
        .quiet()
        .close(we_close([NORMAL]));
}
