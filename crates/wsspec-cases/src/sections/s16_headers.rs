//! 16.*: reserved bits, opcodes and control frames, beyond sections 2 to 5.

use crate::drivers::{PingsAnswered, PongAmongEchoes};
use crate::event::Expected;
use crate::prelude::*;
use crate::step::Step;

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

const BETWEEN: Rule =
    Rule::must(Rfc6455, "5.4", "control frames between the fragments of a message are handled");
const ANSWER: Rule = Rule::must(Rfc6455, "5.5.2", "a Ping is answered with a Pong unless a Close has come");
const SAME_PAYLOAD: Rule = Rule::must(Rfc6455, "5.5.3", "a Pong carries the application data of its Ping");
const LATEST: Rule =
    Rule::may(Rfc6455, "5.5.3", "with several Pings outstanding, the latest alone may be answered");
const WAITS: Rule = Rule::must(Rfc6455, "4.1", "a client waits for the response before it sends data");
const SOON: Rule = Rule::should(Rfc6455, "5.5.2", "a Ping is answered as soon as is practical");

const REFUSED: &str = "The connection is failed, and nothing comes back.";
const NO_CLOSE: &str =
    "The connection is failed; the frame does not count as the start of a closing handshake.";
const AS_A_CLOSE: &str = "the Close frame was taken as if it were lawful";
const BY_HEADER: &str =
    "The connection is failed: by the header, or at the latest when the payload has come.";
/// The body of a Close frame with the code 1000.
const CLOSE_1000: &[u8] = &[0x03, 0xe8];
const MIB: usize = 1 << 20;

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(16, "Reserved bits, opcodes, control frames");
    reserved_bits(&mut s);
    reserved_bits_at_once(&mut s);
    opcodes(&mut s);
    opcodes_with_more(&mut s);
    long_control_frames(&mut s);
    long_control_headers(&mut s);
    fragmented_control_frames(&mut s);
    pings(&mut s);
    pings_and_large_messages(&mut s);
    pings_behind_unread_data(&mut s);
    pongs(&mut s);
    watched(&mut s);
}

/// RSV1 to RSV3: the number that frames have them by, and their place in a row of three cases.
const BITS: [(u8, u8); 3] = [(1, 4), (2, 2), (3, 1)];

fn reserved_bits(s: &mut Declaration<'_>) {
    s.group(1, "Reserved bits").rules([RSV]);
    for (n, bits) in BITS {
        s.case(
            format!("16.1.{n}"),
            format!("ping-rsv{n}"),
            format!("A ping with RSV{n} set, then a text message"),
        )
        .expect(REFUSED)
        .send(ping("rsv").rsv(bits))
        .send(text("x"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));
    }
    for (n, bits) in BITS {
        let id = format!("16.1.{}", 3 + n);
        s.case(id, format!("pong-rsv{n}"), format!("A pong with RSV{n} set, then a text message"))
            .expect(REFUSED)
            .send(pong("rsv").rsv(bits))
            .send(text("x"))
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }
    for (n, bits) in BITS {
        let id = format!("16.1.{}", 6 + n);
        s.case(
            id,
            format!("fragment-rsv{n}"),
            format!("A text message whose second fragment has RSV{n} set"),
        )
        .expect(REFUSED)
        .send(text("a").not_final())
        .send(continuation("b").rsv(bits))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));
    }
    for (n, bits) in BITS {
        let id = format!("16.1.{}", 9 + n);
        s.case(id, format!("close-rsv{n}"), format!("A Close frame with the code 1000 and RSV{n} set"))
            .expect(NO_CLOSE)
            .send(close_frame(CLOSE_1000).rsv(bits))
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]).or_answers(AS_A_CLOSE));
    }
}

fn reserved_bits_at_once(s: &mut Declaration<'_>) {
    s.case("16.1.13", "empty-rsv1", "An empty text message with RSV1 set")
        .expect(REFUSED)
        .send(text("").rsv(4))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));

    s.case(
        "16.1.14",
        "first-fragment-rsv1",
        "The first fragment of a text message, with RSV1 set, and no more",
    )
    .expect("The connection is failed without waiting for the rest of the message.")
    .send(text("a").not_final().rsv(4))
    .fail_after(secs(2))
    .fails(Fails::with([PROTOCOL_ERROR]));

    s.case("16.1.15", "header-rsv3", "The header of a text frame of 65535 octets, with RSV3 set")
        .expect(BY_HEADER)
        .send(text("").rsv(1).announcing(65535))
        .wait_noting(secs(2), "late")
        .data(repeat(b"*", 65535))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_later_than("late"));
}

fn opcodes(s: &mut Declaration<'_>) {
    s.group(2, "Reserved opcodes").rules([OPCODES]);
    for (n, opcode) in (1..).zip(3..=7) {
        let title = format!("A fragment with the opcode {opcode}, then a continuation");
        s.case(format!("16.2.{n}"), format!("opcode-{opcode}-not-final"), title)
            .expect(REFUSED)
            .send(frame(opcode, "x").not_final())
            .send(continuation("y"))
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }
    for (n, opcode) in (6..).zip((3..=7).chain(11..=15)) {
        let title = format!("A frame with the opcode {opcode} between two fragments of a text message");
        let payload = if opcode < 8 { "x" } else { "" };
        s.case(format!("16.2.{n}"), format!("opcode-{opcode}-in-a-message"), title)
            .expect(REFUSED)
            .send(text("a").not_final())
            .send(frame(opcode, payload))
            .send(continuation("b"))
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }
}

fn opcodes_with_more(s: &mut Declaration<'_>) {
    let worse = [
        (
            "16.2.16",
            "opcode-11-of-126",
            "A frame with the opcode 11 and 126 octets",
            frame(11, counting(126)),
        ),
        (
            "16.2.17",
            "opcode-11-not-final",
            "A frame with the opcode 11 without FIN",
            frame(11, "").not_final(),
        ),
        ("16.2.18", "opcode-11-rsv1", "A frame with the opcode 11 and RSV1 set", frame(11, "").rsv(4)),
    ];
    for (id, slug, title, frame) in worse {
        s.case(id, slug, title)
            .expect(REFUSED)
            .send(frame)
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }

    s.case("16.2.19", "header-opcode-3", "The header of a frame with the opcode 3 and one octet")
        .expect(BY_HEADER)
        .send(frame(3, "").announcing(1))
        .wait_noting(secs(2), "late")
        .data("x")
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_later_than("late"));
}

fn long_control_frames(s: &mut Declaration<'_>) {
    s.group(3, "Long control frames").rules([CONTROL]);
    let long_close = [CLOSE_1000, &[b'*'; 65534]].concat();
    let long = [
        ("16.3.1", "pong-of-126", "A pong of 126 octets", pong(counting(126))),
        ("16.3.2", "ping-of-65535", "A ping of 65535 octets", ping(counting(65535))),
        ("16.3.3", "ping-of-65536", "A ping of 65536 octets", ping(counting(65536))),
        ("16.3.4", "pong-of-1-mib", "A pong of 1 MiB", pong(counting(MIB))),
        ("16.3.5", "close-of-65536", "A Close frame with a reason of 65534 octets", close_frame(long_close)),
    ];
    for (id, slug, title, frame) in long {
        s.case(id, slug, title)
            .expect(REFUSED)
            .send(frame)
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }
}

fn long_control_headers(s: &mut Declaration<'_>) {
    let headers =
        [("16.3.6", "ping", ping("")), ("16.3.7", "pong", pong("")), ("16.3.8", "close", close_frame(""))];
    for (id, name, frame) in headers {
        s.case(id, format!("header-of-{name}-126"), format!("The header of a {name} of 126 octets"))
            .expect(BY_HEADER)
            .send(frame.announcing(126))
            .wait_noting(secs(2), "late")
            .data(repeat(&[0x03, 0xe8], 126))
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]).or_later_than("late"));
    }

    s.case(
        "16.3.9",
        "ping-of-126-in-a-message",
        "A ping of 126 octets between two fragments of a text message",
    )
    .expect(REFUSED)
    .send(text("a").not_final())
    .send(ping(counting(126)))
    .send(continuation("b"))
    .fail_after(secs(2))
    .fails(Fails::with([PROTOCOL_ERROR]));
}

fn fragmented_control_frames(s: &mut Declaration<'_>) {
    s.group(4, "Fragmented control frames").rules([CONTROL]);
    s.case("16.4.1", "close-in-fragments", "A Close frame without FIN, then a continuation")
        .expect(NO_CLOSE)
        .send(close_frame(CLOSE_1000).not_final())
        .send(continuation("x"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_answers(AS_A_CLOSE));

    for (id, name, frame) in [("16.4.2", "ping", ping("")), ("16.4.3", "pong", pong(""))] {
        s.case(id, format!("{name}-not-final"), format!("A {name} without FIN, and no more"))
            .expect("The connection is failed without waiting for the rest.")
            .send(frame.not_final())
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]));
    }

    s.case("16.4.4", "close-not-final", "A Close frame without FIN, and no more")
        .expect(NO_CLOSE)
        .send(close_frame(CLOSE_1000).not_final())
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_answers(AS_A_CLOSE));

    s.case(
        "16.4.5",
        "ping-not-final-in-a-message",
        "A ping without FIN between two fragments of a text message",
    )
    .expect(REFUSED)
    .send(text("a").not_final())
    .send(ping("p").not_final())
    .send(continuation("b"))
    .fail_after(secs(2))
    .fails(Fails::with([PROTOCOL_ERROR]));
}

fn pings(s: &mut Declaration<'_>) {
    s.group(5, "Pings and pongs").rules([ANSWER, SAME_PAYLOAD, LATEST]);
    let thousand = || {
        let pings = (0..1000).map(|n| ping(format!("ping {n}")).into());
        pings.chain([text("x").into()]).collect()
    };
    answered(
        s,
        "16.5.1",
        "1000-pings",
        "1000 pings at once, then a text message",
        thousand,
        message("x"),
        true,
    );

    let between = || {
        let fragment = |n: u32| match n {
            0 => text("*").not_final(),
            99 => continuation("*"),
            _ => continuation("*").not_final(),
        };
        (0..100).flat_map(|n| [fragment(n).into(), ping(format!("ping {n}")).into()]).collect()
    };
    let title = "A text message in 100 fragments with a ping behind each";
    answered(s, "16.5.2", "ping-behind-each-fragment", title, between, message(repeat(b"*", 100)), true);

    let odd = || {
        vec![
            ping(repeat(&[0], 125)).into(),
            Step::Wait { duration: millis(300), tag: None },
            ping(repeat(&[0xff], 125)).into(),
            Step::Wait { duration: millis(300), tag: None },
            text([0xe2, 0x82].to_vec()).not_final().into(),
            ping([0xc3, 0x28, 0xff].to_vec()).into(),
            continuation([0xac].to_vec()).into(),
        ]
    };
    let title = "Pings of zeros, of ones, and one that is no UTF-8 inside a character of a text message";
    answered(s, "16.5.3", "pings-of-any-octets", title, odd, message("€"), false);
}

/// Pings of which not each has to be answered, but the last one.
fn answered(
    s: &mut Declaration<'_>,
    id: &str,
    slug: &'static str,
    title: &'static str,
    steps: fn() -> Vec<Step>,
    echo: Expected,
    flood: bool,
) {
    let expected =
        "The message comes back. The last ping is answered; of the others as many as the peer likes.";
    let too_many = " A peer that limits pings may end the connection with 1008.";
    s.case(id, slug, title)
        .expect(if flood { format!("{expected}{too_many}") } else { expected.to_owned() })
        .drive(format!("{title}; waits for the answers"), move || {
            let driver = PingsAnswered::among(steps(), [echo.clone()]);
            if flood { driver.or_too_many() } else { driver }
        })
        .within(secs(15))
        .driver_judges();
}

fn pings_behind_unread_data(s: &mut Declaration<'_>) {
    s.rules([ANSWER, SOON]);
    s.case(
        "16.5.5",
        "ping-behind-unread-data",
        "16 messages of 1 MiB and a ping to a peer whose echoes are read 2 s later",
    )
    .quiet()
    .expect("The pong comes between two messages; after how many is told.")
    .drive("16 messages of 1 MiB and a ping; reads 2 s later, for 60 s at most", || {
        PongAmongEchoes::behind((0..16).map(|_| binary(counting(MIB)).into()))
    })
    .within(secs(62))
    .driver_judges();
}

fn pings_and_large_messages(s: &mut Declaration<'_>) {
    const FRAGMENTS: usize = 256;
    let fragment = |n: usize| {
        let payload = repeat(b"*", MIB / FRAGMENTS);
        let frame = if n == 0 { binary(payload) } else { continuation(payload) };
        if n + 1 == FRAGMENTS { frame } else { frame.not_final() }
    };
    let echo = || binary_message(repeat(b"*", MIB));
    s.rules([BETWEEN, ANSWER, SOON]);
    s.case(
        "16.5.4",
        "ping-in-a-large-message",
        "A message of 1 MiB in 256 fragments, with a ping and 2 s behind the 16th",
    )
    .expect("The pong comes before the rest of the message is sent; the message comes back.")
    .send_all((0..16).map(fragment))
    .send(ping("soon"))
    .wait_noting(secs(2), "pause")
    .send_all((16..FRAGMENTS).map(fragment))
    .close_after(secs(5))
    .ok([ponged("soon"), elapsed("pause"), echo()])
    .non_strict([elapsed("pause"), ponged("soon"), echo()], "the ping was answered behind the message only")
    .close(we_close([NORMAL]));
}

fn pongs(s: &mut Declaration<'_>) {
    s.rules([UNASKED, BETWEEN]);
    s.case(
        "16.5.6",
        "pong-in-a-message",
        "A pong that nobody asked for between two fragments of a text message",
    )
    .expect("The message comes back, and nothing else.")
    .send(text("a").not_final())
    .send(pong("u"))
    .send(continuation("b"))
    .fail_after(secs(2))
    .ok([message("ab")])
    .close(we_close([NORMAL]));

    s.rules([UNASKED]);
    s.case("16.5.7", "1000-pongs", "1000 pongs of 125 octets that nobody asked for, then a text message")
        .expect("The message comes back, and nothing else.")
        .send_all((0..1000).map(|_| pong(repeat(b"*", 125))))
        .send(text("x"))
        .fail_after(secs(5))
        .ok([message("x")])
        .close(we_close([NORMAL]));

    commanded_pings(s);

    s.rules([ANSWER]);
    s.case(
        "16.5.11",
        "ping-behind-the-response",
        "A ping that is written together with the response to the handshake",
    )
    .of_clients()
    .expect("A pong comes back: what stands behind the response is read as frames.")
    .send(ping("early"))
    .fail_after(secs(2))
    .ok([ponged("early")])
    .close(we_close([NORMAL]));
}

/// The peer pings because a command asks for it.
fn commanded_pings(s: &mut Declaration<'_>) {
    s.rules([UNASKED, SAME_PAYLOAD]);
    s.case(
        "16.5.8",
        "odd-pongs-to-its-ping",
        "The peer is told to ping; a pong with other data comes, then the right one twice, then a text",
    )
    .ignoring_pings()
    .expect("The message comes back: pongs that nobody asked for are lawful.")
    .command("!ping 1")
    .await_(Awaited::Ping, secs(2))
    .send(pong("another"))
    .answer_ping()
    .answer_ping()
    .send(text("x"))
    .fail_after(secs(5))
    .ok([message("x")])
    .close(we_close([NORMAL]));

    s.rules([ANSWER]);
    s.case(
        "16.5.9",
        "no-pong-to-its-ping",
        "The peer is told to ping and gets no answer; a text message comes 10 s later",
    )
    .ignoring_pings()
    .expect("The message comes back, or the peer has closed before; which of both is told.")
    .command("!ping 1")
    .await_(Awaited::Ping, secs(2))
    .wait(secs(10))
    .send(text("x"))
    .close_after(secs(5))
    .tolerates([message("x")], [NORMAL, GOING_AWAY, POLICY_VIOLATION, INTERNAL_ERROR]);

    s.rules([WAITS, ANSWER]);
    s.case("16.5.10", "ping-with-the-request", "A ping that is written together with the request")
        .of_servers()
        .with_the_request()
        .expect("A pong comes back behind the response, or the server refuses; what it does is told.")
        .send(ping("early"))
        .close_after(secs(2))
        .tolerates([ponged("early")], [PROTOCOL_ERROR])
        .informational("a client that does not wait for the response breaks a rule (RFC 6455 4.1)");
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
