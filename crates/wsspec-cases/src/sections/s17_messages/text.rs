//! 17.2.*: text as UTF-8, beyond section 6.

use crate::drivers::{AllCharacters, PingsAnswered};
use crate::prelude::*;
use crate::sections::s06_utf8;

const UTF8: Rule = Rule::must(Rfc6455, "5.6", "the payload of a text message is UTF-8");
const INVALID: Rule =
    Rule::must(Rfc6455, "8.1", "a receiver fails the connection when a text message is no UTF-8");
const FRAGMENTS: Rule = Rule::must(
    Rfc6455,
    "5.6",
    "a fragment of a text message may end inside a character: the message as a whole is UTF-8",
);
const OCTETS: Rule = Rule::must(Rfc6455, "5.6", "the payload of a binary message is any octets");

const ECHOED: &str = "The message comes back, whole.";
const REFUSED: &str = "The connection is failed, and nothing comes back.";
const SOONER_OR_LATER: &str =
    "The connection is failed: by the octet that is wrong, or at the latest when the message is complete.";
/// The first two octets of the three of a euro sign.
const CUT: &[u8] = &[0xe2, 0x82];
const MIB: usize = 1 << 20;

pub(super) fn declare(s: &mut Declaration<'_>) {
    odd_characters(s);
    cut_short(s);
    sooner_or_later(s);
    at_offsets(s);
    fresh_starts(s);
    everything(s);
}

fn odd_characters(s: &mut Declaration<'_>) {
    s.rules([UTF8]);
    s.case("17.2.1", "byte-order-mark", "A text message that begins with U+FEFF, the byte order mark")
        .expect("The message comes back with all its octets.")
        .send(text("\u{feff}x"))
        .fail_after(secs(2))
        .ok([message("\u{feff}x")])
        .close(we_close([NORMAL]));

    s.case("17.2.2", "nul", "A text message with U+0000 between two letters, then one of 1000 of them")
        .expect("Both messages come back: the character ends nothing.")
        .send(text("a\0b"))
        .send(text(repeat(&[0], 1000)))
        .fail_after(secs(2))
        .ok([message("a\0b"), message(repeat(&[0], 1000))])
        .close(we_close([NORMAL]));

    let steps = || {
        vec![
            text([0xf0].to_vec()).not_final().into(),
            ping("1").into(),
            continuation([0x9f].to_vec()).not_final().into(),
            ping("2").into(),
            continuation([0x98].to_vec()).not_final().into(),
            ping("3").into(),
            continuation([0x80].to_vec()).into(),
        ]
    };
    let title = "A text message of one character in four fragments, with pings between them";
    s.rules([FRAGMENTS]);
    s.case("17.2.3", "character-in-fragments", title)
        .expect("The message comes back. The last ping is answered; of the others as many as the peer likes.")
        .drive(format!("{title}; waits for the answers"), move || {
            PingsAnswered::among(steps(), [message("\u{1f600}")])
        })
        .within(secs(15))
        .driver_judges();
}

fn cut_short(s: &mut Declaration<'_>) {
    s.rules([INVALID]);
    s.case(
        "17.2.4",
        "ends-inside-a-character",
        "A text message that ends inside a character, with an empty fragment",
    )
    .expect(REFUSED)
    .send(text(CUT).not_final())
    .send(continuation(""))
    .fail_after(secs(2))
    .fails(Fails::with([INVALID_PAYLOAD]));

    s.case(
        "17.2.5",
        "letter-inside-a-character",
        "A text message of which the second fragment breaks a character off",
    )
    .expect(REFUSED)
    .send(text(CUT).not_final())
    .send(continuation("a"))
    .fail_after(secs(2))
    .fails(Fails::with([INVALID_PAYLOAD]));
}

fn sooner_or_later(s: &mut Declaration<'_>) {
    s.case("17.2.6", "wrong-first-fragment", "A fragment that is no UTF-8, and 2 s later an empty last one")
        .expect(SOONER_OR_LATER)
        .send(text([0xff].to_vec()).not_final())
        .wait_noting(secs(2), "late")
        .send(continuation(""))
        .fail_after(secs(2))
        .fails(Fails::with([INVALID_PAYLOAD]).or_later_than("late"));

    s.case(
        "17.2.7",
        "wrong-in-a-frame",
        "A text frame of 1 MiB whose third octet is no UTF-8; the rest comes 2 s later",
    )
    .expect(SOONER_OR_LATER)
    .send(text(b"aa\xff".to_vec()).announcing(MIB as u64))
    .wait_noting(secs(2), "late")
    .data(repeat(b"a", MIB - 3))
    .fail_after(secs(5))
    .fails(Fails::with([INVALID_PAYLOAD]).or_later_than("late"));

    s.rules([FRAGMENTS]);
    s.case(
        "17.2.8",
        "pause-inside-a-character",
        "A text message in two fragments, 5 s apart, that cut a character",
    )
    .expect("The message comes back: what is no UTF-8 yet may become it.")
    .send(text(CUT).not_final())
    .wait(secs(5))
    .send(continuation([0xac].to_vec()))
    .fail_after(secs(2))
    .ok([message("€")])
    .close(we_close([NORMAL]));
}

fn at_offsets(s: &mut Declaration<'_>) {
    s.rules([INVALID]);
    s.case("17.2.9", "wrong-last-of-1-mib", "A text message of 1 MiB whose last octet is no UTF-8")
        .expect(REFUSED)
        .send(text(repeat(b"a", MIB - 1)).announcing(MIB as u64))
        .data([0x80].to_vec())
        .fail_after(secs(5))
        .fails(Fails::with([INVALID_PAYLOAD]));

    const LEN: usize = 65536;
    for (number, offset) in (10..).zip([4095, 4096, 16383, LEN - 1]) {
        let mut octets = vec![b'a'; LEN];
        octets[offset] = 0xff;
        let title = format!("A text message of 64 KiB whose octet {offset} is no UTF-8");
        s.case(format!("17.2.{number}"), format!("wrong-octet-{offset}"), title)
            .expect(REFUSED)
            .send(text(octets))
            .fail_after(secs(2))
            .fails(Fails::with([INVALID_PAYLOAD]));
    }

    s.rules([UTF8]);
    for (number, border) in (14..).zip([16, 32, 64, 4096]) {
        let payload = format!("{}\u{1f600}{}", "a".repeat(border - 2), "a".repeat(border));
        let title = format!("A text message with a character of four octets across the border at {border}");
        s.case(format!("17.2.{number}"), format!("character-across-{border}"), title)
            .expect(ECHOED)
            .send(text(payload.clone()))
            .fail_after(secs(2))
            .ok([message(payload)])
            .close(we_close([NORMAL]));
    }
}

fn fresh_starts(s: &mut Declaration<'_>) {
    s.rules([FRAGMENTS, OCTETS]);
    let title =
        "A text message that cuts a character, a binary message that is no UTF-8, another text message";
    s.case("17.2.18", "text-binary-text", title)
        .expect("The three messages come back: each is looked at anew.")
        .send(text([0xc3].to_vec()).not_final())
        .send(continuation([0xa9].to_vec()))
        .send(binary(repeat(&[0xff], 100)))
        .send(text("ü"))
        .fail_after(secs(2))
        .ok([message("é"), binary_message(repeat(&[0xff], 100)), message("ü")])
        .close(we_close([NORMAL]));

    s.rules([FRAGMENTS]);
    s.case(
        "17.2.19",
        "ping-inside-a-character",
        "A ping inside a character, with the octet that the text lacks",
    )
    .expect("A pong with that octet comes back, then the message.")
    .send(text([0xc3].to_vec()).not_final())
    .send(ping([0xa9].to_vec()))
    .send(continuation([0xa9].to_vec()))
    .fail_after(secs(2))
    .ok([ponged([0xa9].to_vec()), message("é")])
    .pongs_anywhere()
    .close(we_close([NORMAL]));

    s.rules([OCTETS]);
    let wrong = s06_utf8::wrong_octets();
    s.case(
        "17.2.20",
        "binary-of-all-wrong-text",
        "A binary message of all the octets of section 6 that are no UTF-8",
    )
    .expect(ECHOED)
    .send(binary(wrong.clone()))
    .fail_after(secs(2))
    .ok([binary_message(wrong)])
    .close(we_close([NORMAL]));
}

/// 65,536 texts: those that are UTF-8 by their first octet, the others one by one. What begins with `!` would be a
/// command to a peer that obeys them, and is left out where it is UTF-8.
fn pairs_of_octets(s: &mut Declaration<'_>) {
    let all = (0..=u16::MAX).map(u16::to_be_bytes);
    let (valid, invalid): (Vec<_>, Vec<_>) = all.partition(|pair| std::str::from_utf8(pair).is_ok());
    let valid: Vec<[u8; 2]> = valid.into_iter().filter(|pair| pair[0] != b'!').collect();
    let valid: Vec<Vec<[u8; 2]>> =
        valid.chunk_by(|one, other| one[0] == other[0]).map(<[_]>::to_vec).collect();
    let connections = (valid.len() + invalid.len()) as u32;
    s.case("17.2.22", "all-pairs-of-octets", "Every two octets as a text message of their own")
        .expect("Those that are UTF-8 come back; each of the others fails its connection.")
        .each_of(
            connections,
            "the texts that are UTF-8, by their first octet; then one that is none",
            move |n, case| {
                let n = n as usize;
                if let Some(texts) = valid.get(n) {
                    case.called(format!(
                        "All texts of two octets that begin with {:02x} and are UTF-8",
                        texts[0][0]
                    ))
                    .send_all(texts.iter().map(|pair| text(pair.to_vec())))
                    .fail_after(secs(5))
                    .ok(texts.iter().map(|pair| message(pair.to_vec())).collect::<Vec<_>>())
                    .close(we_close([NORMAL]));
                    return;
                }
                let pair = invalid[n - valid.len()];
                case.called(format!("A text message of the octets {:02x} {:02x}", pair[0], pair[1]))
                    .send(text(pair.to_vec()))
                    .fail_after(secs(2))
                    .fails(Fails::with([INVALID_PAYLOAD]));
            },
        )
        .many();
}

fn everything(s: &mut Declaration<'_>) {
    s.rules([UTF8]);
    s.case("17.2.21", "all-characters", "Every Unicode scalar value, in text messages of 64 KiB")
        .expect("Every message comes back.")
        .drive("all 1112064 characters in messages of 64 KiB, one after the other", AllCharacters::new)
        .within(secs(65))
        .driver_judges();

    s.rules([INVALID, UTF8]);
    pairs_of_octets(s);

    s.rules([INVALID]);
    s.case(
        "17.2.23",
        "surrogates-in-fragments",
        "The halves of a surrogate pair in two fragments, 2 s apart",
    )
    .expect(SOONER_OR_LATER)
    .send(text([0xed, 0xa0, 0xbd].to_vec()).not_final())
    .wait_noting(secs(2), "late")
    .send(continuation([0xed, 0xb8, 0x80].to_vec()))
    .fail_after(secs(2))
    .fails(Fails::with([INVALID_PAYLOAD]).or_later_than("late"));
}
