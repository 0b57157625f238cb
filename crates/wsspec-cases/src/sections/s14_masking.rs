//! 14.*: masking, the frames that lack it and those that have it.

use crate::drivers::{MaskingKeys, Question};
use crate::prelude::*;

const FROM_CLIENT: Rule =
    Rule::must(Rfc6455, "5.1", "a server fails the connection when a frame comes that is not masked");
const FROM_SERVER: Rule =
    Rule::must(Rfc6455, "5.1", "a client fails the connection when a frame comes that is masked");
const UNMASK: Rule = Rule::must(
    Rfc6455,
    "5.3",
    "octet i of the payload is masked with octet i modulo 4 of the key that stands in the header of its frame",
);
const BY_ROLE: Rule =
    Rule::must(Rfc6455, "5.1", "a client masks every frame that it sends, a server masks none");
const UNPREDICTABLE: Rule = Rule::must(
    Rfc6455,
    "5.3",
    "each frame has a new masking key from a strong source of entropy: nobody can tell it from earlier ones",
);

/// The key of the examples in the RFC.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const ZERO: [u8; 4] = [0; 4];
/// The body of a Close frame with the code 1000.
const CLOSE_1000: &[u8] = &[0x03, 0xe8];
const REFUSED: &str = "The connection is failed, and nothing comes back.";
const ECHOED: &str = "The message comes back.";
const ALL_ECHOED: &str = "Every message comes back, in order.";
const AS_A_CLOSE: &str = "the Close frame was taken as if it were lawful";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(14, "Masking");
    unmasked_to_servers(&mut s);
    unmasked_among_masked(&mut s);
    masked_to_clients(&mut s);
    keys_and_lengths(&mut s);
    pieces(&mut s);
    many_frames(&mut s);
    of_the_peer(&mut s);
}

fn unmasked_to_servers(s: &mut Declaration<'_>) {
    s.group(1, "Unmasked frames to a server").rules([FROM_CLIENT]);
    unmasked(s, "14.1.1", "unmasked-text", "A text message that is not masked", text("Hello"));
    unmasked(s, "14.1.2", "unmasked-ping", "A ping that is not masked", ping(""));

    s.case("14.1.3", "unmasked-close", "A Close frame that is not masked")
        .of_servers()
        .expect("The connection is failed; the frame does not count as the start of a closing handshake.")
        .send(close_frame(CLOSE_1000).unmasked())
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_answers(AS_A_CLOSE));

    s.case("14.1.4", "unmasked-pong", "A pong that is not masked, and a masked text message 100 ms later")
        .of_servers()
        .expect(REFUSED)
        .send(pong("").unmasked())
        .wait(millis(100))
        .send(text("x"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));

    let title = "A binary message of 128 octets that is not masked";
    unmasked(s, "14.1.5", "unmasked-binary-128", title, binary(counting(128)));
    unmasked(s, "14.1.6", "unmasked-empty", "An empty text message that is not masked", text(""));
}

/// One frame for which a server fails the connection.
fn unmasked(s: &mut Declaration<'_>, id: &str, slug: &'static str, title: &'static str, frame: FrameSpec) {
    s.case(id, slug, title)
        .of_servers()
        .expect(REFUSED)
        .send(frame.unmasked())
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));
}

fn unmasked_among_masked(s: &mut Declaration<'_>) {
    s.case("14.1.7", "unmasked-last-fragment", "A message whose second fragment is not masked")
        .of_servers()
        .expect(REFUSED)
        .send(text("ab").not_final())
        .send(continuation("c").unmasked())
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));

    s.case("14.1.8", "unmasked-first-fragment", "A message whose first fragment is not masked")
        .of_servers()
        .expect(REFUSED)
        .send(text("ab").not_final().unmasked())
        .send(continuation("c"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));

    s.case("14.1.9", "unmasked-second-of-three", "Three text messages, of which the second is not masked")
        .of_servers()
        .expect("The first message comes back, then the connection is failed; the third is not looked at.")
        .send(text("1"))
        .send(text("2").unmasked())
        .send(text("3"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).after([message("1")]));

    s.case("14.1.10", "unmasked-header", "The header of a text frame of 65535 octets that is not masked")
        .of_servers()
        .expect("The connection is failed: by the header, or at the latest when the payload has come.")
        .send(text("").announcing(65535).unmasked())
        .wait_noting(secs(2), "late")
        .data(repeat(b"*", 65535))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_later_than("late"));
}

fn masked_to_clients(s: &mut Declaration<'_>) {
    s.group(2, "Masked frames to a client").rules([FROM_SERVER]);
    masked(s, "14.2.1", "masked-text", "A text message that is masked", text("Hello"), KEY);
    masked(s, "14.2.2", "masked-ping", "A ping that is masked", ping(""), KEY);

    s.case("14.2.3", "masked-close", "A Close frame that is masked")
        .of_clients()
        .expect("The connection is failed; the frame does not count as the start of a closing handshake.")
        .send(close_frame(CLOSE_1000).masked_with(KEY))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_answers(AS_A_CLOSE));

    s.case("14.2.4", "masked-pong", "A pong that is masked, and a text message without mask 100 ms later")
        .of_clients()
        .expect(REFUSED)
        .send(pong("").masked_with(KEY))
        .wait(millis(100))
        .send(text("x"))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));

    let title = "An empty text message that is masked, with the key 0";
    masked(s, "14.2.5", "masked-empty", title, text(""), ZERO);

    s.case("14.2.6", "masked-last-fragment", "A message whose second fragment is masked")
        .of_clients()
        .expect(REFUSED)
        .send(text("ab").not_final())
        .send(continuation("c").masked_with(KEY))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));

    let title = "A text message that is masked with the key 0, which changes nothing";
    masked(s, "14.2.7", "masked-with-zero", title, text("Hello"), ZERO);

    s.case("14.2.8", "masked-header", "The header of a text frame of 65535 octets that is masked")
        .of_clients()
        .expect("The connection is failed: by the header, or at the latest when the payload has come.")
        .send(text("").announcing(65535).masked_with(KEY))
        .wait_noting(secs(2), "late")
        .data(repeat(b"*", 65535))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]).or_later_than("late"));
}

/// One frame for which a client fails the connection.
fn masked(
    s: &mut Declaration<'_>,
    id: &str,
    slug: &'static str,
    title: &'static str,
    frame: FrameSpec,
    key: [u8; 4],
) {
    s.case(id, slug, title)
        .of_clients()
        .expect(REFUSED)
        .send(frame.masked_with(key))
        .fail_after(secs(2))
        .fails(Fails::with([PROTOCOL_ERROR]));
}

fn keys_and_lengths(s: &mut Declaration<'_>) {
    s.group(3, "Keys and payloads").rules([UNMASK]);
    for (id, slug, title, key) in [
        ("14.3.1", "key-zero", "A text message, masked with the key 0", ZERO),
        ("14.3.2", "key-ones", "A text message, masked with a key whose bits are all set", [0xff; 4]),
    ] {
        s.case(id, slug, title)
            .of_servers()
            .expect(ECHOED)
            .send(text("Hello").masked_with(key))
            .fail_after(secs(2))
            .ok([message("Hello")])
            .close(we_close([NORMAL]));
    }

    s.case("14.3.3", "masked-lengths-0-to-33", "Binary messages of 0 to 33 octets, each with its own key")
        .of_servers()
        .expect(ALL_ECHOED)
        .send_all((0..=33).map(|len| binary(counting(len))))
        .fail_after(secs(2))
        .ok((0..=33).map(|len| binary_message(counting(len))).collect::<Vec<_>>())
        .close(we_close([NORMAL]));
}

fn pieces(s: &mut Declaration<'_>) {
    for (number, octets, name) in [(4, 1, "1 octet"), (5, 2, "2"), (6, 3, "3"), (7, 5, "5"), (8, 7, "7")] {
        let title = format!("A binary message of 1024 octets, handed to the network {name} at a time");
        s.case(format!("14.3.{number}"), format!("masked-in-pieces-of-{octets}"), title)
            .of_servers()
            .expect("The message comes back: the mask does not begin anew with each read.")
            .send(binary(counting(1024)).chop(octets))
            .fail_after(secs(10))
            .ok([binary_message(counting(1024))])
            .close(we_close([NORMAL]));
    }

    s.case(
        "14.3.9",
        "key-per-fragment",
        "A text message in fragments of 1, 2, 3 and 5 octets, each with its own key",
    )
    .of_servers()
    .expect("The message comes back: each fragment is unmasked with its own key, from its first octet on.")
    .send(text("a").not_final().masked_with([1, 2, 3, 4]))
    .send(continuation("bc").not_final().masked_with([5, 6, 7, 8]))
    .send(continuation("def").not_final().masked_with([9, 10, 11, 12]))
    .send(continuation("ghijk").masked_with([13, 14, 15, 16]))
    .fail_after(secs(2))
    .ok([message("abcdefghijk")])
    .close(we_close([NORMAL]));

    s.case(
        "14.3.10",
        "header-in-two",
        "Four messages whose header and key come in pieces of 2, 3, 4 and 5 octets",
    )
    .of_servers()
    .expect(ALL_ECHOED)
    .send_all((2..=5).map(|octets| text("Hello").chop(octets)))
    .fail_after(secs(2))
    .ok((2..=5).map(|_| message("Hello")).collect::<Vec<_>>())
    .close(we_close([NORMAL]));
}

fn many_frames(s: &mut Declaration<'_>) {
    let alternating = || (0..64).map(|n| if n % 2 == 0 { "" } else { "abc" });
    s.case("14.3.11", "empty-and-short", "64 text messages at once, in turn empty and of three octets")
        .of_servers()
        .expect(ALL_ECHOED)
        .send_all(alternating().map(text))
        .fail_after(secs(2))
        .ok(alternating().map(message).collect::<Vec<_>>())
        .close(we_close([NORMAL]));

    let title = "A binary message of 65539 octets, handed to the network 4093 octets at a time";
    s.case("14.3.12", "masked-65539", title)
        .of_servers()
        .expect(ECHOED)
        .send(binary(counting(65539)).chop(4093))
        .fail_after(secs(10))
        .ok([binary_message(counting(65539))])
        .close(we_close([NORMAL]));

    let with_a_zero = (0..8).map(|n| {
        let mut key = [0x51 + n, 0xa2 + n, 0xc4 + n, 0xe8 + n];
        key[usize::from(n) % 4] = 0;
        text("Hello, world!").masked_with(key)
    });
    s.case("14.3.13", "keys-with-a-zero", "Eight text messages, masked with keys of which one octet is 0")
        .of_servers()
        .expect(ALL_ECHOED)
        .send_all(with_a_zero)
        .fail_after(secs(2))
        .ok(vec![message("Hello, world!"); 8])
        .close(we_close([NORMAL]));
}

fn of_the_peer(s: &mut Declaration<'_>) {
    s.group(4, "Masking of the peer").rules([BY_ROLE]);
    s.case("14.4.1", "watch-mask-bit", "The MASK bit of every frame that comes in the whole run")
        .expect("A client masks every frame, a server masks none.")
        .watch(["frame.mask"]);

    s.rules([UNPREDICTABLE]);
    keys(s, "14.4.2", "keys-differ", Question::Repeats, "No key comes twice; two equal ones may be chance.");
    keys(s, "14.4.3", "keys-not-zero", Question::Zero, "The key 0 comes at most once.");
    keys(s, "14.4.4", "keys-random", Question::Randomness, "The keys look as if each bit was tossed.");
    keys(s, "14.4.5", "keys-unpredictable", Question::Predictable, "No key follows from those before it.");
    s.case("14.4.6", "watch-first-keys", "The first masking keys of every connection of the whole run")
        .of_clients()
        .expect("No two connections begin with the same keys.")
        .watch([])
        .comparing_keys();

    keys(
        s,
        "14.4.7",
        "keys-and-payload",
        Question::SamePayload,
        "Equal messages look different on the wire.",
    );
    keys(s, "14.4.8", "keys-of-fragments", Question::Fragments, "Every fragment has its own key.")
        .commanded();
    keys(
        s,
        "14.4.9",
        "keys-of-control-frames",
        Question::Control,
        "Every Pong and the Close have keys of their own.",
    );
}

/// The keys of a client, and what is asked about them.
fn keys<'a>(
    s: &'a mut Declaration<'_>,
    id: &str,
    slug: &'static str,
    question: Question,
    expectation: &'static str,
) -> &'a mut Case {
    s.case(id, slug, format!("The masking keys of the answers to {question}"))
        .of_clients()
        .expect(expectation)
        .drive(format!("{question}, a few at a time; then looks at the keys"), move || {
            MaskingKeys::asking(question)
        })
        .within(secs(20))
        .driver_judges()
}
