//! 6.*: text that is UTF-8, text that is none, and how soon that is noticed.

mod samples;

use crate::prelude::*;
use samples::Sample;

const UTF8: Rule = Rule::must(Rfc6455, "5.6", "the payload of a text message, taken as a whole, is UTF-8");
const NOT_UTF8: Rule = Rule::must(Rfc6455, "8.1", "text that is no UTF-8 fails the connection");
const FRAGMENTS: Rule =
    Rule::must(Rfc6455, "5.4", "fragments may be empty, and may end inside a code point of the text");

const GREETING: &str = "Hello-µ@ßöäüàá-UTF-8!!";
const WORD: &str = "κ\u{1f79}σμε";

/// A word, a surrogate and more text: U+D800 has no place in UTF-8.
const WITH_SURROGATE: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
/// The octets that would be U+110000, beyond the last code point.
const BEYOND: &[u8] = b"\xf4\x90\x80\x80";
const REST: &str = "edited";

const COMES_BACK: &str = "The message comes back unchanged.";
const FAILS: &str = "The connection is failed with code 1007 or without a code, and nothing comes back.";
const FAILS_AT_ONCE: &str =
    "The connection is failed as soon as the octets that cannot be UTF-8 have come, before the rest is sent.";
const NO_MOMENT_SET: &str =
    "the RFC sets no moment for it: to fail when the message is complete conforms too";

pub(crate) fn declare(suite: &mut Suite) {
    let mut s = suite.section(6, "UTF-8");
    empty_fragments(&mut s);
    multi_octet_characters(&mut s);
    surrogate_inside(&mut s);
    noticed_at_once(&mut s);
    for (number, title, samples) in samples::groups() {
        s.group(number, title);
        for (n, sample) in (1..).zip(samples) {
            whole_message(&mut s, format!("6.{number}.{n}"), sample);
        }
    }
}

fn empty_fragments(s: &mut Declaration<'_>) {
    s.group(1, "Text with empty frames").rules([FRAGMENTS]);

    s.case("6.1.1", "text-empty", "A text message without payload")
        .expect("An empty text message comes back.")
        .send(text(""))
        .close_after(secs(1))
        .ok([message("")])
        .close(we_close([NORMAL]));

    s.case("6.1.2", "fragments-empty", "A text message in three fragments, all of them empty")
        .expect("One empty text message comes back.")
        .send(text("").not_final())
        .send(continuation("").not_final())
        .send(continuation(""))
        .close_after(secs(1))
        .ok([message("")])
        .close(we_close([NORMAL]));

    s.case("6.1.3", "fragments-empty-around", "A text message in three fragments, the outer ones empty")
        .expect("A text message with the payload of the fragment in the middle comes back.")
        .send(text("").not_final())
        .send(continuation("middle frame payload").not_final())
        .send(continuation(""))
        .close_after(secs(1))
        .ok([message("middle frame payload")])
        .close(we_close([NORMAL]));
}

fn multi_octet_characters(s: &mut Declaration<'_>) {
    s.group(2, "UTF-8, whole and in fragments").rules([UTF8, FRAGMENTS]);

    s.case("6.2.1", "utf8-one-frame", "Text with characters of one and two octets, in one frame")
        .expect(COMES_BACK)
        .send(text(GREETING).as_message())
        .close_after(secs(1))
        .ok([message(GREETING)])
        .close(we_close([NORMAL]));

    let (first, second) = GREETING.split_at("Hello-µ@ßöä".len());
    s.case(
        "6.2.2",
        "utf8-cut-between-characters",
        "The same text in two fragments, cut between two characters",
    )
    .expect(COMES_BACK)
    .send(text(first).not_final())
    .send(continuation(second))
    .close_after(secs(1))
    .ok([message(GREETING)])
    .close(we_close([NORMAL]));

    s.case(
        "6.2.3",
        "utf8-octet-fragments",
        "The same text in fragments of one octet, cut inside characters too",
    )
    .expect(COMES_BACK)
    .send(text(GREETING).in_fragments_of(1))
    .close_after(secs(1))
    .ok([message(GREETING)])
    .close(we_close([NORMAL]));

    s.case("6.2.4", "utf8-greek-octet-fragments", "A Greek word in fragments of one octet")
        .expect(COMES_BACK)
        .send(text(WORD).in_fragments_of(1))
        .close_after(secs(1))
        .ok([message(WORD)])
        .close(we_close([NORMAL]));
}

fn surrogate_inside(s: &mut Declaration<'_>) {
    s.group(3, "Text that is no UTF-8, whole and in fragments").rules([NOT_UTF8, UTF8]);

    s.case("6.3.1", "not-utf8-one-frame", "Text with a surrogate in it, in one frame")
        .expect(FAILS)
        .send(text(WITH_SURROGATE).as_message())
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([INVALID_PAYLOAD]).wrong_end_fails());

    s.case("6.3.2", "not-utf8-octet-fragments", "Text with a surrogate in it, in fragments of one octet")
        .expect(FAILS)
        .send(text(WITH_SURROGATE).in_fragments_of(1))
        .fail_after(secs(1))
        .ok([])
        .close(peer_fails([INVALID_PAYLOAD]).wrong_end_fails());
}

/// Each in three parts with a pause after the first and the second: the second makes the text invalid.
fn noticed_at_once(s: &mut Declaration<'_>) {
    s.group(4, "How soon text that is no UTF-8 is noticed").rules([NOT_UTF8, UTF8]);

    let word_and_lead = [WORD.as_bytes(), &BEYOND[..1]].concat();
    let rest_after_two = [&BEYOND[2..], REST.as_bytes()].concat();
    let length = (WORD.len() + BEYOND.len() + REST.len()) as u64;

    s.case(
        "6.4.1",
        "fail-fast-frame",
        "Text in three fragments with pauses between; the second is a code point beyond U+10FFFF",
    )
    .expect(FAILS_AT_ONCE)
    .send(text(WORD).not_final())
    .wait_noting(secs(1), "A")
    .send(continuation(BEYOND).not_final())
    .wait_noting(secs(1), "B")
    .send(continuation(REST))
    .fail_after(secs(1))
    .ok([elapsed("A")])
    .non_strict([elapsed("A"), elapsed("B")], NO_MOMENT_SET)
    .close(peer_fails([INVALID_PAYLOAD]).wrong_end_fails());

    s.case(
        "6.4.2",
        "fail-fast-octet",
        "Text in three fragments with pauses between; a code point beyond U+10FFFF is cut over all three",
    )
    .expect(FAILS_AT_ONCE)
    .send(text(word_and_lead.clone()).not_final())
    .wait_noting(secs(1), "A")
    .send(continuation(&BEYOND[1..2]).not_final())
    .wait_noting(secs(1), "B")
    .send(continuation(rest_after_two.clone()))
    .fail_after(secs(1))
    .ok([elapsed("A")])
    .non_strict([elapsed("A"), elapsed("B")], NO_MOMENT_SET)
    .close(peer_fails([INVALID_PAYLOAD]).wrong_end_fails());

    s.case(
        "6.4.3",
        "fail-fast-frame-in-pieces",
        "A fragment of text in three pieces with pauses between; the second is a code point beyond U+10FFFF",
    )
    .expect(FAILS_AT_ONCE)
    .send(text(WORD).announcing(length).not_final())
    .wait_noting(secs(1), "A")
    .data(BEYOND)
    .wait_noting(secs(1), "B")
    .data(REST)
    .send(continuation(""))
    .fail_after(secs(1))
    .ok([elapsed("A")])
    .non_strict([elapsed("A"), elapsed("B")], NO_MOMENT_SET)
    .close(peer_fails([INVALID_PAYLOAD]).wrong_end_fails());

    s.case(
        "6.4.4",
        "fail-fast-octet-in-pieces",
        "A fragment of text in three pieces with pauses between; a code point beyond U+10FFFF is cut over all three",
    )
    .expect(FAILS_AT_ONCE)
    .send(text(word_and_lead).announcing(length).not_final())
    .wait_noting(secs(1), "A")
    .data(&BEYOND[1..2])
    .wait_noting(secs(1), "B")
    .data(rest_after_two)
    .send(continuation(""))
    .fail_after(secs(1))
    .ok([elapsed("A")])
    .non_strict([elapsed("A"), elapsed("B")], NO_MOMENT_SET)
    .close(peer_fails([INVALID_PAYLOAD]).wrong_end_fails());
}

/// The sample is the payload of one text message.
fn whole_message(s: &mut Declaration<'_>, id: String, sample: Sample) {
    s.rules(if sample.is_utf8 { [UTF8, NOT_UTF8] } else { [NOT_UTF8, UTF8] });
    let title = format!("Text: {}", sample.what);
    let case = s.case(id, sample.slug, title);
    let case = case.send(text(sample.octets.clone()).as_message()).fail_after(millis(500));
    if sample.is_utf8 {
        case.expect(COMES_BACK).ok([message(sample.octets)]).close(we_close([NORMAL]));
    } else {
        case.expect(FAILS).ok([]).close(peer_fails([INVALID_PAYLOAD]).wrong_end_fails());
    }
}

/// The octets of all samples that are no UTF-8, one after the other.
pub(super) fn wrong_octets() -> Vec<u8> {
    let samples = samples::groups().into_iter().flat_map(|(_, _, samples)| samples);
    samples.filter(|sample| !sample.is_utf8).flat_map(|sample| sample.octets).collect()
}
