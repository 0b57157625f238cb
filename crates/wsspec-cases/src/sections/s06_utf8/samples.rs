//! The texts of 6.5 to 6.23: what UTF-8 is (RFC 3629) and what it is not, from border to border.

/// A payload that is UTF-8 or is not.
pub(super) struct Sample {
    pub(super) octets: Vec<u8>,
    pub(super) slug: String,
    pub(super) what: String,
    pub(super) is_utf8: bool,
}

fn utf8(octets: impl Into<Vec<u8>>, slug: impl Into<String>, what: impl Into<String>) -> Sample {
    Sample { octets: octets.into(), slug: slug.into(), what: what.into(), is_utf8: true }
}

fn not_utf8(octets: impl Into<Vec<u8>>, slug: impl Into<String>, what: impl Into<String>) -> Sample {
    Sample { is_utf8: false, ..utf8(octets, slug, what) }
}

/// Number, title and samples of each group, in order.
pub(super) fn groups() -> [(u16, &'static str, Vec<Sample>); 19] {
    [
        (5, "Characters of one to four octets", characters()),
        (6, "The beginnings of a word, octet by octet", beginnings()),
        (7, "The first code point of each length", first_of_each_length()),
        (8, "The first sequences of five and six octets", first_beyond()),
        (9, "The last code point of each length", last_of_each_length()),
        (10, "The last sequences of four, five and six octets", last_beyond()),
        (11, "Code points at the borders", borders()),
        (12, "Continuation octets without a lead", continuations()),
        (13, "Lead octets without continuation", leads()),
        (14, "Sequences without their last octet", incomplete()),
        (15, "Incomplete sequences in a row", vec![incomplete_in_a_row()]),
        (16, "Octets that occur nowhere in UTF-8", impossible()),
        (17, "The slash in more octets than it needs", overlong_slash()),
        (18, "The last sequences that are too long for their code point", overlong_last()),
        (19, "NUL in more octets than it needs", overlong_nul()),
        (20, "Surrogates", surrogates()),
        (21, "Pairs of surrogates", surrogate_pairs()),
        (22, "Code points that are no characters", noncharacters()),
        (23, "The end of the Basic Multilingual Plane", specials()),
    ]
}

const WORD: &str = "κ\u{1f79}σμε";

fn characters() -> Vec<Sample> {
    vec![
        utf8("hello$world", "utf8-length-1", "words with U+0024 between them, one octet"),
        utf8("hello¢world", "utf8-length-2", "words with U+00A2 between them, two octets"),
        utf8("hello€world", "utf8-length-3", "words with U+20AC between them, three octets"),
        utf8("hello𤭢world", "utf8-length-4", "words with U+24B62 between them, four octets"),
        utf8(WORD, "utf8-greek-word", "a Greek word with characters of two and three octets"),
    ]
}

/// Four of the five characters have two octets, the second one has three.
fn beginnings() -> Vec<Sample> {
    let beginning = |end: usize| {
        let slug = format!("utf8-first-{end}-octets");
        let octets = &WORD.as_bytes()[..end];
        if WORD.is_char_boundary(end) {
            utf8(octets, slug, format!("the first {end} octets of a Greek word, whole characters"))
        } else {
            not_utf8(octets, slug, format!("the first {end} octets of a Greek word, the last character cut"))
        }
    };
    (1..=WORD.len()).map(beginning).collect()
}

fn first_of_each_length() -> Vec<Sample> {
    vec![
        utf8("\0", "utf8-first-of-1", "U+0000, the first code point of one octet"),
        utf8("\u{80}", "utf8-first-of-2", "U+0080, the first code point of two octets"),
        utf8("\u{800}", "utf8-first-of-3", "U+0800, the first code point of three octets"),
        utf8("\u{10000}", "utf8-first-of-4", "U+10000, the first code point of four octets"),
    ]
}

fn first_beyond() -> Vec<Sample> {
    vec![
        not_utf8(b"\xf8\x88\x80\x80\x80", "utf8-first-of-5", "the first sequence of five octets"),
        not_utf8(b"\xfc\x84\x80\x80\x80\x80", "utf8-first-of-6", "the first sequence of six octets"),
    ]
}

fn last_of_each_length() -> Vec<Sample> {
    vec![
        utf8("\u{7f}", "utf8-last-of-1", "U+007F, the last code point of one octet"),
        utf8("\u{7ff}", "utf8-last-of-2", "U+07FF, the last code point of two octets"),
        utf8("\u{ffff}", "utf8-last-of-3", "U+FFFF, the last code point of three octets"),
        utf8("\u{10ffff}", "utf8-last-of-4", "U+10FFFF, the last code point of four octets"),
    ]
}

fn last_beyond() -> Vec<Sample> {
    vec![
        not_utf8(
            b"\xf7\xbf\xbf\xbf",
            "utf8-beyond-of-4",
            "the last sequence of four octets, beyond U+10FFFF",
        ),
        not_utf8(b"\xfb\xbf\xbf\xbf\xbf", "utf8-last-of-5", "the last sequence of five octets"),
        not_utf8(b"\xfd\xbf\xbf\xbf\xbf\xbf", "utf8-last-of-6", "the last sequence of six octets"),
    ]
}

fn borders() -> Vec<Sample> {
    vec![
        utf8("\u{d7ff}", "utf8-before-surrogates", "U+D7FF, the last code point before the surrogates"),
        utf8("\u{e000}", "utf8-after-surrogates", "U+E000, the first code point after the surrogates"),
        utf8("\u{fffd}", "utf8-replacement-character", "U+FFFD, the replacement character"),
        utf8("\u{10ffff}", "utf8-last-code-point", "U+10FFFF, the last code point"),
        not_utf8(b"\xf4\x90\x80\x80", "utf8-beyond-last-code-point", "the octets that would be U+110000"),
    ]
}

fn continuations() -> Vec<Sample> {
    let alternating = |count: usize| {
        let octets: Vec<u8> = [0x80, 0xbf].into_iter().cycle().take(count).collect();
        let slug = format!("utf8-continuations-{count}");
        not_utf8(octets, slug, format!("{count} continuation octets, 0x80 and 0xbf in turn"))
    };
    let mut samples = vec![
        not_utf8([0x80], "utf8-continuation-80", "the first continuation octet, 0x80"),
        not_utf8([0xbf], "utf8-continuation-bf", "the last continuation octet, 0xbf"),
    ];
    samples.extend((2..=6).map(alternating));
    let all: Vec<u8> = (0x80..=0xbe).collect();
    samples.push(not_utf8(
        all,
        "utf8-continuations-all",
        "the continuation octets from 0x80 to 0xbe in a row",
    ));
    samples
}

fn leads() -> Vec<Sample> {
    let spaced = |first: u8, last: u8, length: usize| {
        let octets: Vec<u8> = (first..=last).flat_map(|lead| [lead, b' ']).collect();
        let what = format!("leads of {length} octets, {first:#x} to {last:#x}, with a space after each");
        not_utf8(octets, format!("utf8-leads-of-{length}"), what)
    };
    vec![
        spaced(0xc0, 0xde, 2),
        spaced(0xe0, 0xee, 3),
        spaced(0xf0, 0xf6, 4),
        spaced(0xf8, 0xfa, 5),
        spaced(0xfc, 0xfc, 6),
    ]
}

/// Sequences of two to six octets, the last octet missing: first the lowest ones, then the highest.
const INCOMPLETE: [&[u8]; 10] = [
    b"\xc0",
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
];

fn incomplete() -> Vec<Sample> {
    let of = |octets: &'static [u8], which: &str| {
        let length = octets.len() + 1;
        let what = format!("the {which} sequence of {length} octets without its last octet");
        not_utf8(octets, format!("utf8-{which}-of-{length}-incomplete"), what)
    };
    let (lowest, highest) = INCOMPLETE.split_at(5);
    let lowest = lowest.iter().map(|octets| of(octets, "lowest"));
    lowest.chain(highest.iter().map(|octets| of(octets, "highest"))).collect()
}

fn incomplete_in_a_row() -> Sample {
    not_utf8(INCOMPLETE.concat(), "utf8-incomplete-in-a-row", "all ten incomplete sequences in a row")
}

fn impossible() -> Vec<Sample> {
    vec![
        not_utf8([0xfe], "utf8-octet-fe", "the octet 0xfe"),
        not_utf8([0xff], "utf8-octet-ff", "the octet 0xff"),
        not_utf8([0xfe, 0xfe, 0xff, 0xff], "utf8-octets-fe-ff", "the octets 0xfe 0xfe 0xff 0xff"),
    ]
}

/// The samples have two to six octets.
fn overlong<const N: usize>(octets: [&[u8]; N], slug: &str, what: &str) -> Vec<Sample> {
    let one = |octets: &[u8]| {
        let length = octets.len();
        not_utf8(octets, format!("utf8-{slug}-of-{length}"), format!("{what} in {length} octets"))
    };
    octets.into_iter().map(one).collect()
}

fn overlong_slash() -> Vec<Sample> {
    let octets: [&[u8]; 5] = [
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xf8\x80\x80\x80\xaf",
        b"\xfc\x80\x80\x80\x80\xaf",
    ];
    overlong(octets, "overlong-slash", "U+002F")
}

fn overlong_last() -> Vec<Sample> {
    let octets: [&[u8]; 5] = [
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf8\x87\xbf\xbf\xbf",
        b"\xfc\x83\xbf\xbf\xbf\xbf",
    ];
    overlong(octets, "overlong-last", "the last code point that has a shorter form,")
}

fn overlong_nul() -> Vec<Sample> {
    let octets: [&[u8]; 5] = [
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf0\x80\x80\x80",
        b"\xf8\x80\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80\x80",
    ];
    overlong(octets, "overlong-nul", "U+0000")
}

/// A surrogate in the three octets that any other code point of its size has.
fn surrogate(code: u16) -> [u8; 3] {
    [0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]
}

fn surrogates() -> Vec<Sample> {
    let one = |code| {
        let what = format!("the surrogate U+{code:04X} alone");
        not_utf8(surrogate(code), format!("utf8-surrogate-{code:x}"), what)
    };
    [0xd800, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff].map(one).into()
}

fn surrogate_pairs() -> Vec<Sample> {
    let pair = |high, low| {
        let octets = [surrogate(high), surrogate(low)].concat();
        let what = format!("the surrogates U+{high:04X} and U+{low:04X}, each in three octets");
        not_utf8(octets, format!("utf8-surrogates-{high:x}-{low:x}"), what)
    };
    let highs = [0xd800, 0xdb7f, 0xdb80, 0xdbff];
    highs.into_iter().flat_map(|high| [0xdc00, 0xdfff].map(|low| pair(high, low))).collect()
}

/// The last two code points of each of the 17 planes: lawful UTF-8 all the same.
fn noncharacters() -> Vec<Sample> {
    let code_points = (0..=0x10_u32).flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff]);
    code_points.map(|code| code_point(code, "noncharacter", "which is no character")).collect()
}

fn specials() -> Vec<Sample> {
    let samples = (0xfff9..=0xffff_u32).map(|code| code_point(code, "special", "at the end of its plane"));
    samples.collect()
}

fn code_point(code: u32, slug: &str, what: &str) -> Sample {
    let character = char::from_u32(code).expect("no surrogate");
    utf8(character.to_string(), format!("utf8-{slug}-{code:x}"), format!("U+{code:04X}, {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_are_what_they_say() {
        for sample in groups().into_iter().flat_map(|(_, _, samples)| samples) {
            assert_eq!(std::str::from_utf8(&sample.octets).is_ok(), sample.is_utf8, "{}", sample.slug);
        }
    }
}
