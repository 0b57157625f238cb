//! Payloads for people, in pieces: what is the same, what differs, what is no UTF-8.

use super::units::{count, plural, spaced_hex};
use crate::Untrusted;
use crate::record::{Near, Payload};

/// Octets of what is the same that are shown on each side of a difference.
const AROUND: usize = 16;

/// What a piece of a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Nothing to say about it.
    Plain,
    /// Another one stands in its place on the other side.
    Differs,
    /// Octets in hex that are no UTF-8, in a text.
    Broken,
    /// Words about what is not shown.
    Aside,
}

/// A piece of a payload, or words around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// Its text.
    pub text: Untrusted,
}

/// Pieces in a row.
pub type Spans = Vec<Span>;

pub(super) fn span(kind: SpanKind, text: impl Into<Untrusted>) -> Span {
    Span { kind, text: text.into() }
}

/// A payload; text in quotes if it is meant as text or is some, else hex.
pub(super) fn tell(data: &Payload, is_text: bool, limit: usize) -> Spans {
    let form = Form::of(is_text, &[data]);
    let end = form.cut(data.kept(), limit);
    let mut out = form.quoted(form.spans(&data.kept()[..end], SpanKind::Plain));
    if (end as u64) < data.len() {
        out.push(span(SpanKind::Aside, format!("… ({})", plural(data.len(), "octet"))));
    }
    out
}

/// Two payloads that are not the same.
pub(super) struct Compared {
    pub(super) expected: Spans,
    pub(super) observed: Spans,
    /// Where they differ, and how.
    pub(super) note: String,
}

/// Compares what is known of two payloads; `near`: octets around a difference behind what was kept.
pub(super) fn compare(
    expected: &Payload,
    observed: &Payload,
    is_text: bool,
    near: Option<&Near>,
    limit: usize,
) -> Compared {
    let form = Form::of(is_text, &[expected, observed]);
    let sides = match near {
        Some(near) => [
            Side { from: near.from, kept: near.expected.kept(), len: expected.len() },
            Side { from: near.from, kept: near.observed.kept(), len: observed.len() },
        ],
        None => [expected, observed].map(|data| Side { from: 0, kept: data.kept(), len: data.len() }),
    };
    let same = common(sides[0].kept.iter(), sides[1].kept.iter());
    let rest = sides.each_ref().map(|side| &side.kept[same..]);
    let is_whole = sides.iter().all(Side::is_whole);
    // Excerpts of the same length from messages of the same length stand octet for octet beside each other.
    let is_aligned = sides[0].len == sides[1].len && rest[0].len() == rest[1].len();
    let tail = if is_whole || is_aligned { common(rest[0].iter().rev(), rest[1].iter().rev()) } else { 0 };
    let spans = |side: &Side<'_>| form.around(side, same, tail, limit);
    let note = note(&sides, same);
    Compared { expected: spans(&sides[0]), observed: spans(&sides[1]), note }
}

/// What is known of one of the two.
struct Side<'a> {
    /// The offset of what is kept.
    from: u64,
    kept: &'a [u8],
    /// The length of the whole.
    len: u64,
}

impl Side<'_> {
    const fn is_whole(&self) -> bool {
        self.from == 0 && self.kept.len() as u64 == self.len
    }

    fn at(&self, place: usize) -> u64 {
        self.from.saturating_add(place as u64)
    }
}

fn common<'a>(a: impl Iterator<Item = &'a u8>, b: impl Iterator<Item = &'a u8>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

/// `differs at offset 3 of 5: expected 6c, got 70`
fn note([expected, observed]: &[Side<'_>; 2], same: usize) -> String {
    let at = observed.at(same);
    let (place, lengths) = (count(at), [expected.len, observed.len]);
    match (expected.kept.get(same), observed.kept.get(same)) {
        (Some(wanted), Some(got)) => {
            format!(
                "differs at offset {place} of {}: expected {wanted:02x}, got {got:02x}",
                count(observed.len)
            )
        }
        _ if lengths[1] < lengths[0] && at == lengths[1] => {
            format!("ends at offset {place}: {} missing", plural(lengths[0] - at, "octet"))
        }
        _ if lengths[1] > lengths[0] && at == lengths[0] => {
            format!("goes on at offset {place}: {} too many", plural(lengths[1] - at, "octet"))
        }
        _ => format!("the same up to offset {place}, where what was kept ends"),
    }
}

/// How payloads are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Hex,
}

impl Form {
    /// Text that was meant as text stays text although some octets are none.
    fn of(is_text: bool, payloads: &[&Payload]) -> Self {
        let all_text = || payloads.iter().all(|data| std::str::from_utf8(data.kept()).is_ok());
        if is_text || all_text() { Self::Text } else { Self::Hex }
    }

    /// The octets that fit into so many characters, characters whole.
    fn cut(self, octets: &[u8], limit: usize) -> usize {
        let most = if self == Self::Hex { limit.div_ceil(3).max(1) } else { limit };
        self.back(octets, octets.len().min(most))
    }

    /// The start of the character in which this place is.
    fn back(self, octets: &[u8], place: usize) -> usize {
        let is_inside = |place: usize| octets.get(place).is_some_and(|octet| octet & 0xc0 == 0x80);
        let nearest = (place.saturating_sub(3)..=place).rev().find(|place| !is_inside(*place));
        if self == Self::Hex { place } else { nearest.unwrap_or(place) }
    }

    fn quoted(self, spans: Spans) -> Spans {
        if self == Self::Hex {
            return spans;
        }
        let quote = || span(SpanKind::Plain, "\"");
        [quote()].into_iter().chain(spans).chain([quote()]).collect()
    }

    fn spans(self, octets: &[u8], kind: SpanKind) -> Spans {
        if octets.is_empty() {
            return Vec::new();
        }
        if self == Self::Hex {
            return vec![span(kind, format!("{} ", spaced_hex(octets)))];
        }
        let mut out = Vec::new();
        for chunk in octets.utf8_chunks() {
            if !chunk.valid().is_empty() {
                out.push(span(kind, chunk.valid()));
            }
            if !chunk.invalid().is_empty() {
                out.push(span(SpanKind::Broken, spaced_hex(chunk.invalid())));
            }
        }
        out
    }

    /// The difference of one side with some of what is the same before and behind it.
    fn around(self, side: &Side<'_>, same: usize, tail: usize, limit: usize) -> Spans {
        let octets = side.kept;
        let middle = self.back(octets, same);
        let start = if middle > 2 * AROUND { self.back(octets, middle - AROUND) } else { 0 };
        // The end of the difference goes to the end of a character.
        let mut end = octets.len() - tail;
        while self == Self::Text && octets.get(end).is_some_and(|octet| octet & 0xc0 == 0x80) {
            end += 1;
        }
        let shown = middle + self.cut(&octets[middle..end], limit);
        let stop =
            if octets.len() - end > 2 * AROUND { self.back(octets, end + AROUND) } else { octets.len() };
        let aside = |number: u64, what: &str| {
            (number > 0).then(|| span(SpanKind::Aside, format!("… {} {what} … ", plural(number, "octet"))))
        };
        let mut out: Spans = aside(side.at(start), "the same").into_iter().collect();
        let mut inner = self.spans(&octets[start..middle], SpanKind::Plain);
        inner.extend(self.spans(&octets[middle..shown], SpanKind::Differs));
        if shown < end {
            inner.extend(aside((end - shown) as u64, "more"));
        }
        inner.extend(self.spans(&octets[end..stop], SpanKind::Plain));
        out.extend(self.quoted(inner));
        out.extend(aside((octets.len() - stop) as u64, "the same"));
        out.extend(aside(side.len.saturating_sub(side.at(octets.len())), "more"));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spans: &[Span]) -> String {
        let mark = |span: &Span| match span.kind {
            SpanKind::Plain => span.text.raw().to_owned(),
            SpanKind::Differs => format!("[{}]", span.text.raw()),
            SpanKind::Broken => format!("<{}>", span.text.raw()),
            SpanKind::Aside => format!("({})", span.text.raw().trim()),
        };
        spans.iter().map(mark).collect()
    }

    fn compared(expected: &[u8], observed: &[u8]) -> [String; 3] {
        let [a, b] = [expected, observed].map(|octets| Payload::new(octets, 256));
        let both = compare(&a, &b, true, None, 40);
        [told(&both.expected), told(&both.observed), both.note]
    }

    #[test]
    fn what_is_the_same_before_and_behind_a_difference_is_collapsed() {
        let mut came = vec![b'a'; 200];
        let wanted = came.clone();
        came[100] = b'X';
        let [expected, observed, note] = compared(&wanted, &came);
        assert_eq!(
            observed,
            "(… 84 octets the same …)\"aaaaaaaaaaaaaaaa[X]aaaaaaaaaaaaaaaa\"(… 83 octets the same …)"
        );
        assert_eq!(expected, observed.replace('X', "a"));
        assert_eq!(note, "differs at offset 100 of 200: expected 61, got 58");
    }

    #[test]
    fn of_one_octet_that_differs_far_behind_no_more_than_that_is_marked() {
        let sent = Payload::beginning(&[b'*'; 256], 65_536, 256);
        let mut came = [b'*'; 64];
        came[32] = b'+';
        let [expected, observed] = [&[b'*'; 64], &came].map(|octets| Payload::new(octets, 64));
        let near = Near { from: 49_968, expected, observed };
        let both = compare(&sent, &sent, true, Some(&near), 40);
        let around = "*".repeat(32);
        let told = told(&both.observed);
        assert!(told.contains(&format!("\"{around}[+]{}\"", "*".repeat(31))), "{told}");
        assert!(told.ends_with("(… 15 504 octets more …)"), "{told}");
    }

    #[test]
    fn characters_stay_whole_and_octets_that_are_no_text_are_marked() {
        let [expected, observed, note] = compared("grün".as_bytes(), "gräu".as_bytes());
        assert_eq!((expected.as_str(), observed.as_str()), ("\"gr[ün]\"", "\"gr[äu]\""));
        assert_eq!(note, "differs at offset 3 of 5: expected bc, got a4");
        let broken = Payload::new(b"\xce\xba\xed\xa0\x80edited", 256);
        assert_eq!(told(&tell(&broken, true, 80)), "\"κ<ed><a0><80>edited\"");
        assert_eq!(told(&tell(&broken, false, 80)), "ce ba ed a0 80 65 64 69 74 65 64 ");
    }

    #[test]
    fn a_message_that_ends_early_or_goes_on_is_told_as_such() {
        assert_eq!(compared(b"Hello", b"Hel")[2], "ends at offset 3: 2 octets missing");
        let [_, observed, note] = compared(b"Hel", b"Hello");
        assert_eq!(
            (observed.as_str(), note.as_str()),
            ("\"Hel[lo]\"", "goes on at offset 3: 2 octets too many")
        );
        let [.., note] = compared(&[b'a'; 300], &[b'a'; 400]);
        assert_eq!(note, "the same up to offset 256, where what was kept ends");
    }

    #[test]
    fn a_difference_far_behind_is_shown_with_what_is_around_it() {
        let sent = Payload::beginning(&[b'a'; 256], 131_072, 256);
        let near = Near {
            from: 65_520,
            expected: Payload::new(&[b'b'; 48], 64),
            observed: Payload::new(&[&[b'b'; 16][..], &[0; 32]].concat(), 64),
        };
        let both = compare(&sent, &sent, true, Some(&near), 4);
        assert_eq!(both.note, "differs at offset 65 536 of 131 072: expected 62, got 00");
        assert_eq!(
            told(&both.observed),
            "(… 65 520 octets the same …)\"bbbbbbbbbbbbbbbb[\0\0\0\0](… 28 octets more …)\"(… 65 504 octets more …)"
        );
    }
}
