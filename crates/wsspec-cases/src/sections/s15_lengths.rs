//! 15.*: how lengths are written, and lengths that lie.

use crate::prelude::*;
use LengthForm::{Bits16, Bits64};

const SHORTEST: Rule = Rule::must(Rfc6455, "5.2", "the length is written in the shortest form");
const TOP_BIT: Rule = Rule::must(
    Rfc6455,
    "5.2",
    "the most significant bit of a length of 64 bits is 0, so that 2^63-1 is the most",
);
const LIMITS: Rule = Rule::must(
    Rfc6455,
    "10.4",
    "an endpoint that limits the size of frames and messages protects itself from larger ones",
);
const LENGTHS: Rule = Rule::must(
    Rfc6455,
    "5.2",
    "a length has 7, 16 or 64 bits; those of more than one octet come highest first",
);
const PIECES: Rule =
    Rule::must(Rfc6455, "5.4", "nothing depends on how the octets of frames were handed over");

const REFUSED: &str = "The connection is failed, and nothing comes back.";
const ECHOED: &str = "The message comes back.";
const ALL_ECHOED: &str = "Every message comes back, in order.";
const BINDS_SENDER: &str = "the rule binds the sender only";
const AS_A_CLOSE: &str = "the Close frame was taken as if it were lawful";
/// The body of a Close frame with the code 1000.
const CLOSE_1000: &[u8] = &[0x03, 0xe8];
const MIB: usize = 1 << 20;

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(15, "Lengths");
    long_forms(&mut s);
    long_forms_of_other_frames(&mut s);
    top_bit(&mut s);
    sums(&mut s);
    promises(&mut s);
    cut_lengths(&mut s);
    borders(&mut s);
    of_the_peer(&mut s);
    pieces(&mut s);
}

fn long_forms(s: &mut Declaration<'_>) {
    s.group(1, "Lengths that could be shorter").rules([SHORTEST]);
    for (id, bits, form) in [("15.1.1", 16, Bits16), ("15.1.2", 64, Bits64)] {
        s.case(
            id,
            format!("text-in-{bits}-bits"),
            format!("A text message whose length 5 is written with {bits} bits"),
        )
        .expect(REFUSED)
        .send(text("Hello").length_in(form))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_delivers([message("Hello")], BINDS_SENDER));
    }
    for (id, len, bits, form) in
        [("15.1.3", 125, 16, Bits16), ("15.1.4", 126, 64, Bits64), ("15.1.5", 65535, 64, Bits64)]
    {
        let title = format!("A binary message whose length {len} is written with {bits} bits");
        s.case(id, format!("{len}-in-{bits}-bits"), title)
            .expect(REFUSED)
            .send(binary(counting(len)).length_in(form))
            .fail_after(secs(2))
            .fails(Fails::with([PROTOCOL_ERROR]).or_delivers([binary_message(counting(len))], BINDS_SENDER));
    }
}

fn long_forms_of_other_frames(s: &mut Declaration<'_>) {
    s.case("15.1.6", "ping-in-16-bits", "A ping whose length 5 is written with 16 bits")
        .expect(REFUSED)
        .send(ping("Hello").length_in(Bits16))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_delivers([ponged("Hello")], BINDS_SENDER));

    s.case("15.1.7", "close-in-16-bits", "A Close frame whose length 2 is written with 16 bits")
        .expect("The connection is failed; the frame does not count as the start of a closing handshake.")
        .send(close_frame(CLOSE_1000).length_in(Bits16))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_answers(AS_A_CLOSE));

    s.case("15.1.8", "empty-in-64-bits", "An empty text message whose length is written with 64 bits")
        .expect(REFUSED)
        .send(text("").length_in(Bits64))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_delivers([message("")], BINDS_SENDER));

    s.case(
        "15.1.9",
        "fragment-in-16-bits",
        "A message whose second fragment has its length 2 written with 16 bits",
    )
    .expect(REFUSED)
    .send(text("Hel").not_final())
    .send(continuation("lo").length_in(Bits16))
    .fail_after(secs(2))
    .fails(Fails::with([PROTOCOL_ERROR]).or_delivers([message("Hello")], BINDS_SENDER));
}

fn top_bit(s: &mut Declaration<'_>) {
    s.group(2, "Lengths beyond 63 bits").rules([TOP_BIT]);
    for (id, slug, name, length) in
        [("15.2.1", "length-2-63", "2^63", 1 << 63), ("15.2.2", "length-2-64-less-1", "2^64-1", u64::MAX)]
    {
        s.case(id, slug, format!("The header of a binary frame of {name} octets"))
            .expect("The connection is failed without waiting for payload.")
            .echoes_first()
            .send(binary("").claiming(length))
            .waits_for_the_rest([PROTOCOL_ERROR, MESSAGE_TOO_BIG]);
    }

    s.case("15.2.3", "length-2-63-and-5", "A text frame of 2^63+5 octets, of which the first five come")
        .expect("The connection is failed: the top bit is not left out of the length.")
        .echoes_first()
        .send(text("Hello").claiming(1 << 63 | 5))
        .waits_for_the_rest([PROTOCOL_ERROR, MESSAGE_TOO_BIG]);

    s.case(
        "15.2.4",
        "length-minus-5",
        "The header of a binary frame of 2^64-5 octets, then a text message and a ping",
    )
    .expect("The connection is failed, and what follows is not read as frames.")
    .echoes_first()
    .send(binary("").claiming(u64::MAX - 4))
    .send(text("x"))
    .send(ping("y"))
    .waits_for_the_rest([PROTOCOL_ERROR, MESSAGE_TOO_BIG]);

    s.case("15.2.5", "ping-of-2-63", "The header of a ping of 2^63 octets")
        .expect(REFUSED)
        .echoes_first()
        .send(ping("").claiming(1 << 63))
        .waits_for_the_rest([PROTOCOL_ERROR]);
}

fn sums(s: &mut Declaration<'_>) {
    s.rules([TOP_BIT, LIMITS]);
    s.case("15.2.6", "sum-wraps-to-0", "A fragment of 10 octets, then the header of one of 2^64-10 octets")
        .expect("The connection is failed: together the lengths are not 0.")
        .echoes_first()
        .send(binary(counting(10)).not_final())
        .send(continuation("").claiming(u64::MAX - 9))
        .waits_for_the_rest([PROTOCOL_ERROR, MESSAGE_TOO_BIG]);

    s.rules([LIMITS]);
    s.case(
        "15.2.7",
        "sum-beyond-63-bits",
        "A fragment of 16 octets, then the header of one of 2^63-1 octets",
    )
    .expect("The connection is failed, as no message can be that large; or the peer waits for the payload.")
    .send(binary(counting(16)).not_final())
    .send(continuation("").claiming(i64::MAX as u64))
    .wait_noting(secs(5), "open")
    .reset()
    .fail_after(secs(1))
    .fails(Fails::with([MESSAGE_TOO_BIG, PROTOCOL_ERROR]).or_waits("open"));

    s.rules([TOP_BIT]);
    s.case("15.2.8", "pong-of-2-64-less-1", "The header of a pong without FIN of 2^64-1 octets")
        .expect(REFUSED)
        .echoes_first()
        .send(pong("").not_final().claiming(u64::MAX))
        .waits_for_the_rest([PROTOCOL_ERROR]);
}

impl Case {
    /// The peer is alive: what it does afterwards is a reaction.
    fn echoes_first(&mut self) -> &mut Self {
        self.send(text("alive")).await_(Awaited::Messages(1), secs(2))
    }

    /// Behind a header that cannot be: failing the connection passes. RFC 6455 5.2 binds who writes the length; who
    /// reads it may wait for the payload, which never comes whole.
    fn waits_for_the_rest(&mut self, codes: impl Into<Vec<u16>>) -> &mut Self {
        let because =
            "RFC 6455 5.2 binds the sender of the length, and does not say what a receiver makes of it";
        let fails = Fails::with(codes).after([message("alive")]).or_waits_because("open", because);
        self.wait_noting(secs(2), "open").reset().fail_after(secs(1)).fails(fails)
    }
}

fn promises(s: &mut Declaration<'_>) {
    s.group(3, "Lengths that promise much").rules([LIMITS]);
    let promises: [(u64, &str); 8] = [
        ((1 << 63) - 1, "2^63-1"),
        ((1 << 53) + 1, "2^53+1"),
        (1 << 40, "2^40"),
        (1 << 32, "2^32"),
        ((1 << 32) - 1, "2^32-1"),
        ((1 << 32) - 14, "2^32-14"),
        (1 << 31, "2^31"),
        ((1 << 31) - 1, "2^31-1"),
    ];
    for (number, (length, name)) in (1..).zip(promises) {
        let slug = format!("promise-{}", name.replace('^', "-").replace('+', "-and-"));
        s.case(
            format!("15.3.{number}"),
            slug,
            format!("The header of a binary frame of {name} octets, and no payload"),
        )
        .expect("The connection is failed, as the message is too big; or the peer waits for the payload.")
        .send(binary("").announcing(length))
        .fail_after(secs(7))
        .wait_noting(secs(5), "open")
        .reset()
        .fails(too_big().or_waits("open"));
    }
}

/// Whoever refuses a lawful length says that it is too big; that it is against the policy, or an error, fits
/// as well.
fn too_big() -> Fails {
    Fails::with([MESSAGE_TOO_BIG, POLICY_VIOLATION, PROTOCOL_ERROR])
}

fn cut_lengths(s: &mut Declaration<'_>) {
    s.rules([LENGTHS, LIMITS]);
    s.case(
        "15.3.9",
        "length-cut-to-32-bits",
        "A binary frame of 2^32+5 octets, of which five come, and some more a second later",
    )
    .expect("Nothing comes back: the length is not cut to 32 bits. The peer waits, or fails the connection.")
    .send(binary("Hello").claiming(1 << 32 | 5))
    .wait(secs(1))
    .send(text("x"))
    .wait_noting(secs(2), "open")
    .reset()
    .fail_after(secs(1))
    .fails(too_big().or_waits("open"));

    s.rules([LENGTHS]);
    s.case(
        "15.3.10",
        "length-cut-to-16-bits",
        "A text message of 65541 octets: five, and the rest a second later",
    )
    .expect("The whole message comes back: the length is not cut to 16 bits.")
    .send(text("*****").announcing(65541))
    .wait(secs(1))
    .data(repeat(b"*", 65536))
    .fail_after(secs(5))
    .ok([message(repeat(b"*", 65541))])
    .close(we_close([NORMAL]));

    s.rules([LIMITS]);
    s.case("15.3.11", "promise-in-a-fragment", "A fragment of 1 MiB, then the header of one of 2^62 octets")
        .expect("The connection is failed, as the message is too big; or the peer waits for the payload.")
        .send(binary(counting(MIB)).not_final())
        .send(continuation("").announcing(1 << 62))
        .fail_after(secs(7))
        .wait_noting(secs(5), "open")
        .reset()
        .fails(too_big().or_waits("open"));

    s.case(
        "15.3.12",
        "200-promises",
        "200 connections that promise 1 GiB each, and one that sends a message",
    )
    .of_servers()
    .expect("The message comes back. Memory is not taken for what is only promised: less than 64 MiB.")
    .each_of(
        201,
        "the header of a binary frame of 1 GiB for 10 s; on the last one a text message",
        |n, case| {
            if n == 200 {
                case.called("A text message while the other connections wait").wait(secs(5)).is_served();
                return;
            }
            case.called("The header of a binary frame of 1 GiB, and no payload")
                .send(binary("").announcing(1 << 30))
                .fail_after(secs(12))
                .wait_noting(secs(10), "open")
                .reset()
                .fails(too_big().or_waits("open"));
        },
    )
    .at_once()
    .footprint(Footprint::GrowsBy(64 << 20))
    .many();
}

fn borders(s: &mut Declaration<'_>) {
    s.group(4, "Lengths at borders").rules([LENGTHS]);
    let lengths = [1, 255, 256, 257, 32767, 32768, 65537, 131_071, 1_048_577];
    for (number, len) in (1..).zip(lengths) {
        s.case(
            format!("15.4.{number}"),
            format!("binary-of-{len}"),
            format!("A binary message, {len} octets long"),
        )
        .expect(ECHOED)
        .send(binary(counting(len)))
        .fail_after(secs(10))
        .ok([binary_message(counting(len))])
        .close(we_close([NORMAL]));
    }

    s.case("15.4.10", "wide-text-of-65535", "A text message of 65535 octets, three for each character")
        .expect(ECHOED)
        .send(text(repeat("€".as_bytes(), 65535)))
        .fail_after(secs(10))
        .ok([message(repeat("€".as_bytes(), 65535))])
        .close(we_close([NORMAL]));
}

fn of_the_peer(s: &mut Declaration<'_>) {
    s.group(5, "Lengths of the peer").rules([SHORTEST]);
    s.case("15.5.1", "watch-length-form", "The length of every frame that comes in the whole run")
        .expect("Every length is written in the shortest form.")
        .watch(["frame.length"]);

    let lengths = [125, 126, 65535, 65536];
    s.case("15.5.2", "echo-at-the-borders", "Binary messages of 125, 126, 65535 and 65536 octets")
        .expect("They come back, in one frame each or in fragments, and each length is in the shortest form.")
        .send_all(lengths.map(|len| binary(counting(len))))
        .fail_after(secs(10))
        .ok(lengths.map(|len| binary_message(counting(len))))
        .close(we_close([NORMAL]));
}

fn pieces(s: &mut Declaration<'_>) {
    s.group(6, "Headers in pieces").rules([PIECES]);
    for (id, len) in [("15.6.1", 300), ("15.6.2", 70000)] {
        let title = format!("A binary message of {len} octets whose header is handed over octet by octet");
        s.case(id, format!("header-by-octet-{len}"), title)
            .expect(ECHOED)
            .send(binary("").announcing(len as u64).chop(1))
            .data(counting(len))
            .fail_after(secs(5))
            .ok([binary_message(counting(len))])
            .close(we_close([NORMAL]));
    }

    s.case(
        "15.6.3",
        "torn-headers",
        "20 messages of 16 octets, cut an octet before and an octet behind the end of each header",
    )
    .expect(ALL_ECHOED)
    .send_all((0..20).map(|_| binary(counting(16)).torn()))
    .fail_after(secs(10))
    .ok((0..20).map(|_| binary_message(counting(16))).collect::<Vec<_>>())
    .close(we_close([NORMAL]));

    let lengths = || (0..1000).map(|n| n % 10);
    s.case("15.6.4", "1000-frames-at-once", "1000 binary messages of 0 to 9 octets, handed over at once")
        .expect(ALL_ECHOED)
        .send_all(lengths().map(|len| binary(counting(len))))
        .fail_after(secs(10))
        .ok(lengths().map(|len| binary_message(counting(len))).collect::<Vec<_>>())
        .close(we_close([NORMAL]));
}
