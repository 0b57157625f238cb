//! Quirks: what an endpoint may do, and few do.

use wsspec_wire::{BlockType, DeflateWriter, Opcode, Rsv, encode_close};

use super::closing::{closes, code_of};
use super::deflate::deflater;
use super::frame::{Frame, Item};
use super::head::Head;
use super::part::Cx;
use super::part::Part::{self, Config, Deflates, Ends, HeadIn, HeadOut, Idle, Meets, Sends, Takes, Text};
use super::text::{STRICT, TextCheck, When};
use super::{Deviation, both, client, server};
use crate::{Time, Transmit};

const FRAGMENTS: &str = "RFC 6455 5.4";
const CONTROL: &str = "RFC 6455 5.5";
const CLOSE: &str = "RFC 6455 5.5.1";
const PING: &str = "RFC 6455 5.5.2";
const PONG: &str = "RFC 6455 5.5.3";
const CODES: &str = "RFC 6455 7.4.1";
const TCP: &str = "RFC 6455 7.1.1";
const STREAM: &str = "RFC 9293 3.8";
const FIELDS: &str = "RFC 9110 5";
const EXTENSIONS: &str = "RFC 6455 9.1";
const DEFLATE: &str = "RFC 7692 7.2.1";
const CONTEXT: &str = "RFC 7692 7.1.1";
const WINDOW: &str = "RFC 7692 7.1.2";

const EXTENSIONS_FIELD: &str = "Sec-WebSocket-Extensions";

/// Fragments of `size` octets, and no more than 64 of them.
fn fragments(frame: Frame, size: usize) -> Vec<Frame> {
    let mut frames = vec![frame];
    while let Some(last) = frames.pop() {
        if last.payload.len() <= size || frames.len() == 63 {
            frames.push(last);
            break;
        }
        frames.extend(last.split(size));
    }
    frames
}

/// Data frames in fragments of that size.
fn in_fragments<const SIZE: usize>(_: &mut Cx<'_>, frame: Frame, out: &mut Vec<Item>) {
    if frame.is_data() {
        out.extend(fragments(frame, SIZE).into_iter().map(Item::from));
    } else {
        out.push(frame.into());
    }
}

/// A control frame comes before each message.
fn before_message(frame: Frame, out: &mut Vec<Item>, control: Frame) {
    if frame.opcode.is_data() {
        out.push(control.into());
    }
    out.push(frame.into());
}

/// A control frame comes in the middle of each message.
fn in_message(frame: Frame, out: &mut Vec<Item>, control: Frame) {
    if frame.is_data() && frame.payload.len() > 1 {
        let [first, last] = frame.split(1);
        out.extend([first, control, last].map(Item::from));
    } else {
        out.push(frame.into());
    }
}

/// Octets in pieces of that size, some of them 1 ms apart.
fn in_pieces<const SIZE: usize>(cx: &mut Cx<'_>, frame: Frame, out: &mut Vec<Item>) {
    cx.memory.count += 1;
    let pieces = if cx.memory.count > 8 { 0 } else { 32 };
    out.extend(frame.in_pieces(SIZE, pieces));
}

/// The body of the Close frame that is sent.
fn close(frame: Frame, out: &mut Vec<Item>, body: Option<Vec<u8>>) {
    let payload = match body {
        Some(body) if frame.is(Opcode::CLOSE) => body,
        _ => frame.payload.clone(),
    };
    out.push(Frame { payload, ..frame }.into());
}

/// The code of the Close frame that came is kept.
const CLOSE_SEEN: [Part; 2] = [
    Meets(closes),
    Takes(|cx, frame, frames| {
        cx.memory.flag = true;
        cx.memory.count = code_of(&frame).map_or(0, u64::from);
        frames.push(frame);
    }),
];

/// Whether a frame answers a lawful Close frame: it has its code.
fn answers(cx: &Cx<'_>, frame: &Frame) -> bool {
    cx.memory.flag && frame.is(Opcode::CLOSE) && code_of(frame).map_or(0, u64::from) == cx.memory.count
}

/// Another code in Close frames that fail the connection.
const fn fails_with<const CODE: u16>() -> [Part; 1] {
    [Sends(|cx, frame, out| {
        let body = cx.failed.then(|| encode_close(Some(CODE), b""));
        close(frame, out, body);
    })]
}

/// A stored block of all octets, as many as it takes, and the flush.
fn stored(message: &[u8]) -> Vec<u8> {
    let mut out = DeflateWriter::new();
    for part in message.chunks(65535) {
        out.stored(part, false);
    }
    out.flush().finish()
}

fn on_extensions(head: &mut Head, change: impl FnOnce(&mut String)) {
    if let Some(value) = head.get(EXTENSIONS_FIELD) {
        change(value);
    }
}

pub(super) const QUIRKS: &[Deviation] = &[
    both(
        "fragments-of-1",
        FRAGMENTS,
        "sends messages in fragments of one octet",
        &[Sends(in_fragments::<1>)],
    ),
    both(
        "fragments-of-125",
        FRAGMENTS,
        "sends messages in fragments of 125 octets",
        &[Sends(in_fragments::<125>)],
    ),
    both(
        "fragments-of-4096",
        FRAGMENTS,
        "sends messages in fragments of 4096 octets",
        &[Sends(in_fragments::<4096>)],
    ),
    both(
        "fragment-empty-first",
        FRAGMENTS,
        "begins each message with an empty fragment",
        &[Sends(|_, frame, out| match frame.is_data() {
            true => out.extend(frame.split(0).map(Item::from)),
            false => out.push(frame.into()),
        })],
    ),
    both(
        "fragment-empty-last",
        FRAGMENTS,
        "ends each message with an empty fragment",
        &[Sends(|_, frame, out| {
            let len = frame.payload.len();
            match frame.is_data() {
                true => out.extend(frame.split(len).map(Item::from)),
                false => out.push(frame.into()),
            }
        })],
    ),
    both(
        "fragments-empty",
        FRAGMENTS,
        "puts three empty fragments into each message",
        &[Sends(|_, frame, out| {
            if !frame.is_data() {
                return out.push(frame.into());
            }
            let half = frame.payload.len() / 2;
            let [first, last] = frame.split(half);
            out.push(first.into());
            let empty = Frame { fin: false, ..Frame::new(Opcode::CONTINUATION, []) };
            out.extend((0..3).map(|_| Item::from(empty.clone())));
            out.push(last.into());
        })],
    ),
    both(
        "fragments-apart",
        FRAGMENTS,
        "takes 100 ms between two fragments of its first messages",
        &[Sends(|cx, frame, out| {
            cx.memory.count += 1;
            if !frame.is_data() || cx.memory.count > 4 {
                return out.push(frame.into());
            }
            let half = frame.payload.len() / 2;
            let [first, last] = frame.split(half);
            out.extend([Item::from(first), Item::after(Time::from_millis(100), last)]);
        })],
    ),
    both(
        "ping-before-message",
        PING,
        "sends a Ping before each message",
        &[Sends(|_, frame, out| {
            before_message(frame, out, Frame::new(Opcode::PING, *b"are you there?"));
        })],
    ),
    both(
        "ping-of-125",
        PING,
        "sends a Ping of 125 octets before each message",
        &[Sends(|_, frame, out| {
            before_message(frame, out, Frame::new(Opcode::PING, [0xff; 125]));
        })],
    ),
    both(
        "ping-empty",
        PING,
        "sends an empty Ping before each message",
        &[Sends(|_, frame, out| {
            before_message(frame, out, Frame::new(Opcode::PING, []));
        })],
    ),
    both(
        "ping-in-message",
        FRAGMENTS,
        "sends a Ping between the fragments of its messages",
        &[Sends(|_, frame, out| {
            in_message(frame, out, Frame::new(Opcode::PING, *b"inside"));
        })],
    ),
    both(
        "pong-unasked",
        PONG,
        "sends a Pong that nobody asked for before each message",
        &[Sends(|_, frame, out| {
            before_message(frame, out, Frame::new(Opcode::PONG, *b"I am here"));
        })],
    ),
    both(
        "pong-in-message",
        FRAGMENTS,
        "sends a Pong that nobody asked for between the fragments of its messages",
        &[Sends(|_, frame, out| {
            in_message(frame, out, Frame::new(Opcode::PONG, []));
        })],
    ),
    both(
        "pongs-for-last",
        PONG,
        "answers only the last of several Pings that come together",
        &[Sends(|cx, frame, out| {
            if !(frame.is(Opcode::PONG) && cx.next == Some(Opcode::PONG)) {
                out.push(frame.into());
            }
        })],
    ),
    both(
        "pong-late",
        PING,
        "takes 300 ms for its first Pongs",
        &[Sends(|cx, frame, out| {
            cx.memory.count += u64::from(frame.is(Opcode::PONG));
            let late = frame.is(Opcode::PONG) && cx.memory.count < 4;
            out.push(Item::after(Time::from_millis(if late { 300 } else { 0 }), frame));
        })],
    ),
    both(
        "ping-at-close",
        CONTROL,
        "sends a Ping before its Close frame",
        &[Sends(|_, frame, out| {
            if frame.is(Opcode::CLOSE) {
                out.push(Frame::new(Opcode::PING, *b"last").into());
            }
            out.push(frame.into());
        })],
    ),
    both(
        "message-late",
        "RFC 6455 6.2",
        "takes 300 ms for its first messages",
        &[Sends(|cx, frame, out| {
            cx.memory.count += u64::from(frame.is_data());
            let late = frame.is_data() && cx.memory.count < 4;
            out.push(Item::after(Time::from_millis(if late { 300 } else { 0 }), frame));
        })],
    ),
    both("octet-by-octet", STREAM, "writes octet by octet", &[Sends(in_pieces::<1>)]),
    both("three-octets-at-a-time", STREAM, "writes three octets at a time", &[Sends(in_pieces::<3>)]),
    both(
        "close-late",
        CLOSE,
        "takes 700 ms to answer a Close frame",
        &[Sends(|_, frame, out| {
            let late = if frame.is(Opcode::CLOSE) { 700 } else { 0 };
            out.push(Item::after(Time::from_millis(late), frame));
        })],
    ),
    both(
        "close-without-code",
        CLOSE,
        "answers Close frames without a code",
        &[
            CLOSE_SEEN[0],
            CLOSE_SEEN[1],
            Sends(|cx, frame, out| {
                let body = answers(cx, &frame).then(Vec::new);
                close(frame, out, body);
            }),
        ],
    ),
    both(
        "close-with-1000",
        CODES,
        "answers every lawful Close frame with the code 1000",
        &[
            CLOSE_SEEN[0],
            CLOSE_SEEN[1],
            Sends(|cx, frame, out| {
                let body = answers(cx, &frame).then(|| encode_close(Some(1000), b""));
                close(frame, out, body);
            }),
        ],
    ),
    both(
        "close-with-reason",
        CLOSE,
        "adds a reason to its Close frames",
        &[
            CLOSE_SEEN[0],
            CLOSE_SEEN[1],
            Sends(|cx, frame, out| {
                let code = code_of(&frame).filter(|_| answers(cx, &frame));
                let body = code.map(|code| encode_close(Some(code), "as you like, à bientôt".as_bytes()));
                close(frame, out, body);
            }),
        ],
    ),
    both(
        "close-with-longest-reason",
        CLOSE,
        "adds a reason of 123 octets to its Close frames",
        &[
            CLOSE_SEEN[0],
            CLOSE_SEEN[1],
            Sends(|cx, frame, out| {
                let code = code_of(&frame).filter(|_| answers(cx, &frame));
                let body = code.map(|code| encode_close(Some(code), "\u{20ac}".repeat(41).as_bytes()));
                close(frame, out, body);
            }),
        ],
    ),
    both(
        "fails-without-code",
        CLOSE,
        "fails connections with a Close frame without a code",
        &[Sends(|cx, frame, out| {
            let body = cx.failed.then(Vec::new);
            close(frame, out, body);
        })],
    ),
    both("fails-with-1002", CODES, "fails connections with the code 1002 only", &fails_with::<1002>()),
    both("fails-with-1008", CODES, "fails connections with the code 1008 only", &fails_with::<1008>()),
    both("fails-with-1011", CODES, "fails connections with the code 1011 only", &fails_with::<1011>()),
    both(
        "fails-without-close",
        "RFC 6455 7.1.7",
        "fails connections by ending TCP, without a Close frame",
        &[Sends(|cx, frame, out| match frame.is(Opcode::CLOSE) && cx.failed {
            true => out.push(Transmit::CloseTcp.into()),
            false => out.push(frame.into()),
        })],
    ),
    both(
        "utf8-at-the-end",
        "RFC 6455 8.1",
        "checks text when the message is complete",
        &[Text(TextCheck { when: When::MessageEnd, ..STRICT })],
    ),
    both(
        "closes-when-idle",
        "RFC 6455 7.3",
        "closes connections that are idle for a minute",
        &[Idle(Time::from_secs(60))],
    ),
    both(
        "closes-after-last-echo",
        "RFC 6455 7.3",
        "closes the connection itself, six seconds after the last message",
        &[Idle(Time::from_secs(6))],
    ),
    both(
        "pings-when-idle",
        PING,
        "sends a Ping after 500 ms of silence",
        &[Config(|config| {
            config.ping_interval = Some(Time::from_millis(500));
            config.pong_timeout = Time::from_secs(300);
        })],
    ),
    server(
        "tcp-late",
        TCP,
        "ends TCP 500 ms after its Close frame",
        &[Ends(|_, end, out| {
            out.push(Item::after(Time::from_millis(500), end));
        })],
    ),
    client(
        "tcp-at-once",
        TCP,
        "ends TCP itself, 100 ms after its Close frame",
        &[Sends(|_, frame, out| {
            let closes = frame.is(Opcode::CLOSE);
            out.push(frame.into());
            if closes {
                out.push(Item::after(Time::from_millis(100), Transmit::CloseTcp));
            }
        })],
    ),
    both(
        "limit-16-mib",
        "RFC 6455 10.4",
        "takes no message of more than 16 MiB",
        &[Config(|config| {
            config.max_message_size = 16 << 20;
        })],
    ),
    both(
        "fields-lower-case",
        FIELDS,
        "writes the names of header fields in lower case",
        &[HeadOut(|head| {
            head.fields.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        })],
    ),
    both(
        "fields-upper-case",
        FIELDS,
        "writes the names of header fields in upper case",
        &[HeadOut(|head| {
            head.fields.iter_mut().for_each(|(name, _)| name.make_ascii_uppercase());
        })],
    ),
    both(
        "fields-reversed",
        FIELDS,
        "writes the header fields in the opposite order",
        &[HeadOut(|head| head.fields.reverse())],
    ),
    both(
        "fields-with-spaces",
        FIELDS,
        "puts spaces and tabs around the values of header fields",
        &[HeadOut(|head| {
            head.fields.iter_mut().for_each(|(_, value)| *value = format!("  \t{value} \t "));
        })],
    ),
    both(
        "fields-added",
        FIELDS,
        "adds header fields that nobody knows",
        &[HeadOut(|head| {
            head.fields.insert(0, ("X-Powered-By".to_owned(), "patience".to_owned()));
            head.fields.push(("X-Empty".to_owned(), String::new()));
            head.fields.push(("Cache-Control".to_owned(), "no-store".to_owned()));
        })],
    ),
    both(
        "fields-long",
        FIELDS,
        "adds a header field of 4096 octets",
        &[HeadOut(|head| {
            head.fields.push(("X-Long".to_owned(), "x".repeat(4096)));
        })],
    ),
    server(
        "cookies",
        FIELDS,
        "sets two cookies in its response",
        &[HeadOut(|head| {
            head.fields.push(("Set-Cookie".to_owned(), "a=1; Path=/".to_owned()));
            head.fields.push(("Set-Cookie".to_owned(), "b=2; Path=/".to_owned()));
        })],
    ),
    both(
        "upgrade-mixed-case",
        "RFC 6455 4.1",
        "writes the values of Upgrade and Connection in mixed case",
        &[HeadOut(|head| {
            head.set("Upgrade", "WebSocket");
            head.set("Connection", "upgRADE");
        })],
    ),
    both(
        "connection-list",
        "RFC 6455 4.1",
        "names more than Upgrade in Connection",
        &[HeadOut(|head| {
            head.set("Connection", "keep-alive, Upgrade");
        })],
    ),
    server(
        "reason-phrase",
        "RFC 9112 4",
        "has a reason phrase of its own",
        &[HeadOut(|head| {
            head.start = "HTTP/1.1 101 Web Socket Protocol Handshake".to_owned();
        })],
    ),
    server(
        "reason-phrase-empty",
        "RFC 9112 4",
        "has no reason phrase",
        &[HeadOut(|head| {
            head.start = "HTTP/1.1 101 ".to_owned();
        })],
    ),
    client(
        "origin",
        "RFC 6455 4.1",
        "says where it comes from, and who it is",
        &[HeadOut(|head| {
            head.set("Origin", "https://example.org");
            head.set("User-Agent", "quirk/1.0");
            head.set("Cookie", "a=1; b=2");
        })],
    ),
    client(
        "extension-unknown-offered",
        EXTENSIONS,
        "offers an extension that nobody knows, before the others",
        &[HeadOut(|head| match head.get(EXTENSIONS_FIELD) {
            Some(value) => *value = format!("x-nobody-knows; size=\"4\", {value}"),
            None => head.set(EXTENSIONS_FIELD, "x-nobody-knows; size=\"4\""),
        })],
    ),
    client(
        "deflate-offered-twice",
        EXTENSIONS,
        "offers permessage-deflate a second time, without parameters",
        &[HeadOut(|head| {
            on_extensions(head, |value| value.push_str(", permessage-deflate"));
        })],
    ),
    both(
        "extension-in-two-fields",
        EXTENSIONS,
        "has an empty element in the list of extensions",
        &[HeadOut(|head| {
            on_extensions(head, |value| *value = format!(", {value}"));
        })],
    ),
    both(
        "extension-parameter-quoted",
        EXTENSIONS,
        "puts the values of parameters in quotes",
        &[HeadOut(|head| {
            on_extensions(head, |value| {
                for bits in 8..=15 {
                    *value =
                        value.replace(&format!("_window_bits={bits}"), &format!("_window_bits=\"{bits}\""));
                }
            });
        })],
    ),
    server(
        "deflate-declined",
        EXTENSIONS,
        "declines permessage-deflate",
        &[HeadIn(|head| head.remove(EXTENSIONS_FIELD))],
    ),
    server(
        "deflate-server-takeover-declined",
        CONTEXT,
        "announces that it does not take over context",
        &[Config(|config| {
            config.deflate.iter_mut().for_each(|deflate| deflate.server_no_context_takeover = true);
        })],
    ),
    server(
        "deflate-client-takeover-declined",
        CONTEXT,
        "asks the client not to take over context",
        &[Config(|config| {
            config.deflate.iter_mut().for_each(|deflate| deflate.client_no_context_takeover = true);
        })],
    ),
    server(
        "deflate-smaller-windows",
        WINDOW,
        "agrees to windows of 10 bits",
        &[Config(|config| {
            if let Some(deflate) = &mut config.deflate {
                (deflate.server_max_window_bits, deflate.client_max_window_bits) = (10, Some(10));
            }
        })],
    ),
    both(
        "deflate-context-dropped",
        CONTEXT,
        "compresses each message on its own, though it need not",
        &[Deflates(|deflate, message| {
            deflate.deflater.reset();
            Some(deflate.lawful(message))
        })],
    ),
    both(
        "deflate-context-dropped-at-times",
        CONTEXT,
        "forgets its window behind every third message",
        &[Deflates(|deflate, message| {
            if deflate.count % 3 == 2 {
                deflate.deflater.reset();
            }
            Some(deflate.lawful(message))
        })],
    ),
    both(
        "deflate-window-of-8-bits",
        WINDOW,
        "compresses with a smaller window than agreed",
        &[Deflates(|deflate, message| {
            if deflate.count == 0 {
                deflate.deflater = deflater(8, 6);
            }
            Some(deflate.lawful(message))
        })],
    ),
    both(
        "deflate-level-9",
        DEFLATE,
        "compresses with all effort",
        &[Config(|config| {
            config.deflate.iter_mut().for_each(|deflate| deflate.level = 9);
        })],
    ),
    both("deflate-never", "RFC 7692 6", "compresses no message, though it may", &[Deflates(|_, _| None)]),
    both(
        "deflate-second-only",
        "RFC 7692 6",
        "compresses every second message",
        &[Deflates(
            |deflate, message| {
                if deflate.count.is_multiple_of(2) { None } else { Some(deflate.lawful(message)) }
            },
        )],
    ),
    both(
        "deflate-large-only",
        "RFC 7692 6",
        "compresses messages from 1024 octets on",
        &[Config(|config| {
            config.deflate.iter_mut().for_each(|deflate| deflate.min_size = 1024);
        })],
    ),
    both("deflate-stored", DEFLATE, "sends stored blocks", &[Deflates(|_, message| Some(stored(message)))]),
    both(
        "deflate-fixed",
        DEFLATE,
        "sends literals with the fixed codes",
        &[Deflates(|_, message| {
            let mut out = DeflateWriter::new();
            out.block(BlockType::Fixed, false).literals(message).end_of_block().flush();
            Some(out.finish())
        })],
    ),
    both(
        "deflate-blocks-of-100",
        DEFLATE,
        "sends a stored block for each 100 octets",
        &[Deflates(|_, message| {
            let mut out = DeflateWriter::new();
            message.chunks(100).for_each(|part| {
                out.stored(part, false);
            });
            Some(out.flush().finish())
        })],
    ),
    both(
        "deflate-empty-blocks",
        DEFLATE,
        "begins each message with three empty blocks",
        &[Deflates(|_, message| {
            let mut out = DeflateWriter::new();
            out.stored(b"", false).block(BlockType::Fixed, false).end_of_block().stored(b"", false);
            message.chunks(65535).for_each(|part| {
                out.stored(part, false);
            });
            Some(out.flush().finish())
        })],
    ),
    both(
        "deflate-final-blocks",
        "RFC 7692 7.2.3.4",
        "sends each message in a final block",
        &[Deflates(|_, message| {
            let mut out = DeflateWriter::new();
            out.block(BlockType::Fixed, true).literals(message).end_of_block();
            let mut octets = out.finish();
            octets.push(0);
            Some(octets)
        })],
    ),
    both(
        "deflate-in-fragments",
        "RFC 7692 6.1",
        "sends compressed messages in fragments of one octet",
        &[Sends(|cx, frame, out| match frame.rsv {
            Rsv::RSV1 => in_fragments::<1>(cx, frame, out),
            _ => out.push(frame.into()),
        })],
    ),
];
