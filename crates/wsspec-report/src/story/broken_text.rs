//! Where the texts of a case stop being UTF-8, also in the middle of fragmented messages.

use std::collections::BTreeMap;

use wsspec_wire::{Opcode, Rsv, Utf8Validator};

use super::units::count;
use crate::record::{CaseRecord, Dir, Happening, Payload};

/// Where a text stops being UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// The offset in the payload of the frame; its length if the message ends inside a character.
    pub at: usize,
    /// The offset in the message.
    pub in_message: u64,
    /// The octet; none if the message ends inside a character.
    pub octet: Option<u8>,
}

impl Break {
    /// `no UTF-8 from offset 11 of the message on: ed`
    pub fn words(&self) -> String {
        let place = count(self.in_message);
        match self.octet {
            Some(octet) => format!("no UTF-8 from offset {place} of the message on: {octet:02x}"),
            None => format!("the message ends inside a character, at offset {place}"),
        }
    }
}

/// The frames with which texts stop being UTF-8, by their line. Nothing is said of messages that are compressed, or of
/// which a frame says so where it must not, or of which not every octet was kept.
pub fn broken_texts(case: &CaseRecord) -> BTreeMap<usize, Break> {
    let mut ways = [Way::default(), Way::default()];
    let mut found = BTreeMap::new();
    let mut next = None;
    for line in &case.events {
        if next.is_some_and(|next| next != line.i) {
            ways = [Way::default(), Way::default()];
        }
        next = Some(line.i + 1);
        let Happening::Frame { dir, op, fin, rsv, data, .. } = &line.what else { continue };
        if Opcode::new(*op).is_control() {
            continue;
        }
        let way = &mut ways[usize::from(*dir == Dir::Rx)];
        let is_plain = !Rsv::new(*rsv).contains(Rsv::RSV1);
        if *op != 0 || !is_plain {
            way.text = (Opcode::new(*op) == Opcode::TEXT && is_plain).then(Text::default);
        }
        if let Some(broken) = way.frame(*fin, data) {
            found.insert(line.i, broken);
        }
    }
    found
}

/// One direction.
#[derive(Default)]
struct Way {
    /// The text message that has begun, as long as nothing is wrong with it.
    text: Option<Text>,
}

#[derive(Default)]
struct Text {
    validator: Utf8Validator,
    /// Octets of it before this frame.
    before: u64,
}

impl Way {
    fn frame(&mut self, fin: bool, data: &Payload) -> Option<Break> {
        let mut text = self.text.take()?;
        let octets = data.kept();
        if let Err(error) = text.validator.feed(octets) {
            let at = usize::try_from(error.offset.saturating_sub(text.before)).unwrap_or(usize::MAX);
            return Some(Break { at, in_message: error.offset, octet: octets.get(at).copied() });
        }
        if data.is_cut() {
            return None;
        }
        text.before += octets.len() as u64;
        if fin {
            let end = text.before;
            return (!text.validator.is_at_boundary()).then_some(Break {
                at: octets.len(),
                in_message: end,
                octet: None,
            });
        }
        self.text = Some(text);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{frame, log, passed};

    fn told(frames: &[(Opcode, bool, &[u8])]) -> Vec<(usize, Break)> {
        let mut case = passed("a", "6.4.1");
        let entry =
            |(opcode, fin, octets): &(Opcode, bool, &[u8])| (1, frame(Dir::Tx, *opcode, *fin, octets));
        case.events = log(frames.iter().map(entry).collect());
        broken_texts(&case).into_iter().collect()
    }

    #[test]
    fn the_octet_is_found_also_behind_a_character_that_is_cut_by_frames() {
        let (text, more) = (Opcode::TEXT, Opcode::CONTINUATION);
        let found =
            told(&[(text, false, b"a\xce"), (more, false, b"\xba\xf4"), (more, true, b"\x90\x80\x80b")]);
        assert_eq!(found, [(2, Break { at: 0, in_message: 4, octet: Some(0x90) })]);
        assert_eq!(found[0].1.words(), "no UTF-8 from offset 4 of the message on: 90");
        assert_eq!(told(&[(text, false, b"a\xce"), (more, true, b"\xba")]), []);
        assert_eq!(told(&[(Opcode::BINARY, true, b"\xff")]), []);
    }

    #[test]
    fn a_text_that_ends_inside_a_character_is_told() {
        let found = told(&[(Opcode::TEXT, true, b"a\xce")]);
        assert_eq!(found, [(0, Break { at: 2, in_message: 2, octet: None })]);
        assert_eq!(found[0].1.words(), "the message ends inside a character, at offset 2");
    }
}
