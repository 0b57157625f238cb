//! How text is checked, by validators with faults of their own (RFC 6455 section 8.1, RFC 3629).

use wsspec_wire::Opcode;

use super::part::Part::{Says, Text};
use super::{Deviation, both};
use crate::Violation;

/// A way to check text.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextCheck {
    pub(super) when: When,
    /// More octets than needed for a character are taken.
    pub(super) overlong: bool,
    /// Halves of surrogate pairs are taken.
    pub(super) surrogates: bool,
    /// Characters beyond U+10FFFF are taken.
    pub(super) beyond: bool,
    /// Characters of five and six octets are taken.
    pub(super) long: bool,
    /// Octets that continue no character are taken.
    pub(super) lone: bool,
    /// Binary messages are checked, too.
    pub(super) binary: bool,
    /// Characters that are refused.
    pub(super) refuses: fn(u32) -> bool,
}

/// When it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// With each octet.
    Always,
    /// With each octet, but not whether the last character is whole.
    NotTheEnd,
    /// When the message is complete.
    MessageEnd,
    /// When a frame is complete, each frame as a text of its own.
    EachFrame,
    /// With each octet; what is known of a character is forgotten at the end of a frame.
    Forgetful,
    /// With each octet of the first frame; those that follow are not checked.
    FirstFrame,
    /// Only messages of one frame are checked.
    Unfragmented,
    /// Only that many octets of the message.
    First(usize),
    Never,
}

/// As the RFC has it.
pub(super) const STRICT: TextCheck = TextCheck {
    when: When::Always,
    overlong: false,
    surrogates: false,
    beyond: false,
    long: false,
    lone: false,
    binary: false,
    refuses: |_| false,
};

const UNCHECKED: TextCheck = TextCheck { when: When::Never, ..STRICT };

/// A check under way.
#[derive(Debug)]
pub(super) struct Checker {
    check: TextCheck,
    decoder: Decoder,
    seen: usize,
    frames: u32,
    failed: bool,
}

impl Checker {
    pub(super) fn new(check: TextCheck) -> Self {
        Self { check, decoder: Decoder::default(), seen: 0, frames: 0, failed: false }
    }

    /// More of the text.
    pub(super) fn feed(&mut self, octets: &[u8]) -> Result<(), Violation> {
        let first = self.frames == 0;
        let octets = match self.check.when {
            When::Never => &[],
            When::FirstFrame if !first => &[],
            When::First(limit) => &octets[..octets.len().min(limit.saturating_sub(self.seen))],
            _ => octets,
        };
        self.seen += octets.len();
        self.failed |= !octets.iter().all(|&octet| self.decoder.take(octet, &self.check));
        let at_once = matches!(
            self.check.when,
            When::Always | When::NotTheEnd | When::Forgetful | When::FirstFrame | When::First(_)
        );
        if at_once { self.verdict() } else { Ok(()) }
    }

    /// A frame is complete.
    pub(super) fn end_frame(&mut self, is_last: bool) -> Result<(), Violation> {
        self.frames += 1;
        match self.check.when {
            When::EachFrame => {
                self.failed |= self.decoder.missing > 0;
                self.verdict()
            }
            When::Forgetful => {
                self.decoder = Decoder { forgetful: true, ..Decoder::default() };
                Ok(())
            }
            When::Unfragmented if is_last && self.frames == 1 => self.finish(),
            When::Always | When::MessageEnd if is_last => self.finish(),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), Violation> {
        self.failed |= self.decoder.missing > 0;
        self.verdict()
    }

    fn verdict(&self) -> Result<(), Violation> {
        if self.failed { Err(Violation::InvalidUtf8 { offset: self.seen as u64 }) } else { Ok(()) }
    }
}

/// Where in a character it stands.
#[derive(Debug, Default)]
struct Decoder {
    /// Octets of the character that are still to come.
    missing: u8,
    /// Its first octet, until the second has come.
    lead: Option<u8>,
    code: u32,
    /// The rest of a character that was forgotten may come first.
    forgetful: bool,
}

impl Decoder {
    /// Whether the text may go on with this octet.
    fn take(&mut self, octet: u8, check: &TextCheck) -> bool {
        if self.forgetful && octet & 0xc0 == 0x80 {
            return true;
        }
        self.forgetful = false;
        if self.missing == 0 {
            return self.begin(octet, check);
        }
        let fits = octet & 0xc0 == 0x80 && self.second_fits(octet, check);
        self.missing -= 1;
        self.code = self.code << 6 | u32::from(octet & 0x3f);
        fits && !(self.missing == 0 && (check.refuses)(self.code))
    }

    fn begin(&mut self, octet: u8, check: &TextCheck) -> bool {
        (self.missing, self.code) = match octet {
            0..=0x7f => (0, octet.into()),
            0xc0..=0xdf => (1, (octet & 0x1f).into()),
            0x80..=0xbf => (0, octet.into()),
            0xe0..=0xef => (2, (octet & 0x0f).into()),
            0xf0..=0xf7 => (3, (octet & 0x07).into()),
            0xf8..=0xfb => (4, (octet & 0x03).into()),
            0xfc.. => (5, (octet & 0x01).into()),
        };
        self.lead = (self.missing > 0).then_some(octet);
        match octet {
            0x80..=0xbf => check.lone,
            0xf8..=0xfd => check.long,
            0xfe | 0xff => false,
            0xc0 | 0xc1 => check.overlong,
            0xf5..=0xf7 => check.beyond,
            _ => !(self.missing == 0 && (check.refuses)(self.code)),
        }
    }

    /// Where the character begins is known with its second octet.
    fn second_fits(&mut self, octet: u8, check: &TextCheck) -> bool {
        match self.lead.take() {
            Some(0xe0) => octet >= 0xa0 || check.overlong,
            Some(0xed) => octet < 0xa0 || check.surrogates,
            Some(0xf0) => octet >= 0x90 || check.overlong,
            Some(0xf4) => octet < 0x90 || check.beyond,
            _ => true,
        }
    }
}

const RULE: &str = "RFC 6455 8.1";

/// Some characters are refused.
const fn refusing(refuses: fn(u32) -> bool) -> TextCheck {
    TextCheck { refuses, ..STRICT }
}

const fn checked(when: When) -> TextCheck {
    TextCheck { when, ..STRICT }
}

pub(super) const DEFECTS: &[Deviation] = &[
    both("utf8-unchecked", RULE, "takes any octets for text", &[Text(UNCHECKED)]),
    both(
        "utf8-end-unchecked",
        RULE,
        "takes text that ends inside a character",
        &[Text(checked(When::NotTheEnd))],
    ),
    both(
        "utf8-each-frame",
        RULE,
        "refuses text whose fragments are no text each",
        &[Text(checked(When::EachFrame))],
    ),
    both(
        "utf8-forgets-at-fragment",
        RULE,
        "forgets the begun character at the end of a fragment",
        &[Text(checked(When::Forgetful))],
    ),
    both(
        "utf8-first-frame-only",
        RULE,
        "checks the first fragment of text only",
        &[Text(checked(When::FirstFrame))],
    ),
    both(
        "utf8-unfragmented-only",
        RULE,
        "checks only text that comes in one frame",
        &[Text(checked(When::Unfragmented))],
    ),
    both(
        "utf8-first-4096-only",
        RULE,
        "checks the first 4096 octets of text only",
        &[Text(checked(When::First(4096)))],
    ),
    both(
        "utf8-first-65535-only",
        RULE,
        "checks the first 65535 octets of text only",
        &[Text(checked(When::First(65535)))],
    ),
    both(
        "utf8-overlong",
        RULE,
        "takes characters that are written with more octets than needed",
        &[Text(TextCheck { overlong: true, ..STRICT })],
    ),
    both(
        "utf8-surrogates",
        RULE,
        "takes halves of surrogate pairs for characters",
        &[Text(TextCheck { surrogates: true, ..STRICT })],
    ),
    both(
        "utf8-beyond",
        RULE,
        "takes characters beyond U+10FFFF",
        &[Text(TextCheck { beyond: true, ..STRICT })],
    ),
    both(
        "utf8-five-octets",
        RULE,
        "takes characters of five and six octets",
        &[Text(TextCheck { long: true, ..STRICT })],
    ),
    both(
        "utf8-continuation-alone",
        RULE,
        "takes octets that continue a character where none was begun",
        &[Text(TextCheck { lone: true, ..STRICT })],
    ),
    both("utf8-null-refused", RULE, "refuses text with U+0000", &[Text(refusing(|code| code == 0))]),
    both("utf8-delete-refused", RULE, "refuses text with U+007F", &[Text(refusing(|code| code == 0x7f))]),
    both(
        "utf8-controls-refused",
        RULE,
        "refuses text with U+0080 to U+009F",
        &[Text(refusing(|code| matches!(code, 0x80..=0x9f)))],
    ),
    both(
        "utf8-mark-refused",
        RULE,
        "refuses text with a byte order mark",
        &[Text(refusing(|code| code == 0xfeff))],
    ),
    both(
        "utf8-private-refused",
        RULE,
        "refuses text with characters for private use",
        &[Text(refusing(|code| matches!(code, 0xe000..=0xf8ff)))],
    ),
    both(
        "utf8-replacement-refused",
        RULE,
        "refuses text with U+FFFD",
        &[Text(refusing(|code| code == 0xfffd))],
    ),
    both(
        "utf8-noncharacters-refused",
        RULE,
        "refuses text with noncharacters",
        &[Text(refusing(|code| code & 0xfffe == 0xfffe || matches!(code, 0xfdd0..=0xfdef)))],
    ),
    both(
        "utf8-noncharacters-beyond-refused",
        RULE,
        "refuses text with noncharacters beyond U+FFFF",
        &[Text(refusing(|code| code & 0xfffe == 0xfffe && code > 0xffff))],
    ),
    both(
        "utf8-astral-refused",
        RULE,
        "refuses text with characters beyond U+FFFF",
        &[Text(refusing(|code| code > 0xffff))],
    ),
    both(
        "utf8-not-ascii-refused",
        RULE,
        "refuses text with characters beyond U+007F",
        &[Text(refusing(|code| code > 0x7f))],
    ),
    both(
        "utf8-in-binary",
        "RFC 6455 5.6",
        "refuses binary messages that are no UTF-8",
        &[Text(TextCheck { binary: true, ..STRICT })],
    ),
    both(
        "utf8-replaced",
        RULE,
        "puts U+FFFD where text is no UTF-8",
        &[
            Text(UNCHECKED),
            Says(|_, mut frame, out| {
                if frame.is(Opcode::TEXT) {
                    frame.payload = String::from_utf8_lossy(&frame.payload).into_owned().into_bytes();
                }
                out.push(frame.into());
            }),
        ],
    ),
    both(
        "utf8-as-latin-1",
        RULE,
        "takes text for Latin-1, and sends that as UTF-8",
        &[
            Text(UNCHECKED),
            Says(|_, mut frame, out| {
                if frame.is(Opcode::TEXT) {
                    let text: String = frame.payload.iter().map(|&octet| char::from(octet)).collect();
                    frame.payload = text.into_bytes();
                }
                out.push(frame.into());
            }),
        ],
    ),
    both(
        "utf8-not-text-sent",
        RULE,
        "adds an octet to text that is no UTF-8",
        &[Says(|_, mut frame, out| {
            if frame.is(Opcode::TEXT) {
                frame.payload.push(0xff);
            }
            out.push(frame.into());
        })],
    ),
];
