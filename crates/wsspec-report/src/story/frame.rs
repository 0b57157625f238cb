use wsspec_wire::{CloseBody, Opcode};

use super::inflated::Compressed;
use super::units::{count, plural, spaced_hex};
use crate::Untrusted;
use crate::record::{Dir, Happening, Payload};

/// A frame in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameWords {
    /// `Text`, `Continuation`, `Close`, `Opcode 5`, ….
    pub name: String,
    /// `fin=0 rsv=2`; only what a reader has to know.
    pub flags: String,
    /// The payload, or the code and the reason of a Close frame.
    pub content: Untrusted,
}

impl FrameWords {
    /// The words for a frame of the log, with at most `limit` characters of its payload; `compressed` if it belongs to a
    /// compressed message.
    pub fn of(what: &Happening, limit: usize, compressed: Option<&Compressed>) -> Option<Self> {
        let Happening::Frame { op, fin, rsv, data, .. } = what else { return None };
        let opcode = Opcode::new(*op);
        let name = opcode_name(opcode);
        let content = match opcode {
            _ if compressed.is_some() => {
                compressed.map(|compressed| compressed.words(data.len(), limit)).unwrap_or_default()
            }
            Opcode::CLOSE => close_body(data, limit),
            Opcode::BINARY | Opcode::PING | Opcode::PONG => octets_preview(data, limit),
            _ => payload_preview(data, limit),
        };
        let header = what.header().filter(|_| matches!(what, Happening::Frame { dir: Dir::Rx, .. }));
        let missing = header.filter(|header| header.length > data.len());
        let content = match missing {
            Some(header) => {
                let (came, all) = (count(data.len()), plural(header.length, "octet"));
                Untrusted::from(format!("{}, {came} of {all} came", content.raw()))
            }
            None => content,
        };
        Some(Self { name, flags: flags(opcode, *fin, *rsv), content })
    }

    /// Everything on one line.
    pub fn line(&self) -> Untrusted {
        let parts = [self.name.as_str(), self.flags.as_str(), self.content.raw()];
        Untrusted::from(parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" "))
    }
}

/// `Text`, `Close`, …; `Opcode 5` for reserved ones.
pub fn opcode_name(opcode: Opcode) -> String {
    match opcode {
        Opcode::CONTINUATION => "Continuation".to_owned(),
        Opcode::TEXT => "Text".to_owned(),
        Opcode::BINARY => "Binary".to_owned(),
        Opcode::CLOSE => "Close".to_owned(),
        Opcode::PING => "Ping".to_owned(),
        Opcode::PONG => "Pong".to_owned(),
        reserved => format!("Opcode {}", reserved.bits()),
    }
}

fn flags(opcode: Opcode, fin: bool, rsv: u8) -> String {
    let mut flags = Vec::new();
    if !fin || !opcode.is_control() {
        flags.push(format!("fin={}", u8::from(fin)));
    }
    if rsv != 0 {
        flags.push(format!("rsv={rsv:03b}"));
    }
    flags.join(" ")
}

fn close_body(data: &Payload, limit: usize) -> Untrusted {
    let body = CloseBody::decode(data.kept());
    let code = match body.code {
        Some(code) => code.to_string(),
        None if data.is_empty() => return Untrusted::from("without a code"),
        None => return Untrusted::from(format!("with the body {}", spaced_hex(data.kept()))),
    };
    if body.reason.is_empty() {
        return Untrusted::from(code);
    }
    let reason = payload_preview(&Payload::beginning(body.reason, data.len() - 2, usize::MAX), limit);
    Untrusted::from(format!("{code} {}", reason.raw()))
}

/// The payload of a frame that carries no text: in hex also if control characters are in it.
pub(super) fn octets_preview(data: &Payload, limit: usize) -> Untrusted {
    match data.text() {
        Some(text) if !data.is_empty() && text.raw().contains(char::is_control) => hex_preview(data, limit),
        _ => payload_preview(data, limit),
    }
}

/// A payload in quotes if it is text, else in hex; cut, with its length, if it is long.
pub fn payload_preview(data: &Payload, limit: usize) -> Untrusted {
    if data.is_empty() {
        return Untrusted::from("\"\"");
    }
    match data.text() {
        Some(text) => text_preview(text.raw(), data, limit),
        None => hex_preview(data, limit),
    }
}

fn text_preview(text: &str, data: &Payload, limit: usize) -> Untrusted {
    let shown: String = text.chars().take(limit).collect();
    let cut = data.is_cut() || shown.len() < text.len();
    let tail = if cut { format!("… ({})", plural(data.len(), "octet")) } else { String::new() };
    Untrusted::from(format!("\"{shown}\"{tail}"))
}

fn hex_preview(data: &Payload, limit: usize) -> Untrusted {
    let shown = &data.kept()[..data.kept().len().min(limit.div_ceil(3).max(1))];
    let cut = (shown.len() as u64) < data.len();
    let tail = if cut { format!(" … ({})", plural(data.len(), "octet")) } else { String::new() };
    Untrusted::from(format!("{}{tail}", spaced_hex(shown)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Dir;
    use crate::samples;

    fn line(opcode: Opcode, fin: bool, payload: &[u8]) -> String {
        let frame = samples::frame(Dir::Rx, opcode, fin, payload);
        FrameWords::of(&frame, 20, None).unwrap().line().raw().to_owned()
    }

    #[test]
    fn frames_are_told_in_the_words_of_the_rfc() {
        assert_eq!(line(Opcode::TEXT, false, b"fragment1"), "Text fin=0 \"fragment1\"");
        assert_eq!(line(Opcode::BINARY, true, &[0xfe; 9]), "Binary fin=1 fe fe fe fe fe fe fe … (9 octets)");
        assert_eq!(
            line(Opcode::TEXT, true, &[b'*'; 300]),
            "Text fin=1 \"********************\"… (300 octets)"
        );
        assert_eq!(line(Opcode::PING, true, b""), "Ping \"\"");
        assert_eq!(line(Opcode::CLOSE, true, b"\x03\xeabad"), "Close 1002 \"bad\"");
        assert_eq!(line(Opcode::CLOSE, true, b""), "Close without a code");
        assert_eq!(line(Opcode::CLOSE, true, b"a"), "Close with the body 61");
        assert_eq!(line(Opcode::new(5), true, b"x"), "Opcode 5 fin=1 \"x\"");
    }
}
