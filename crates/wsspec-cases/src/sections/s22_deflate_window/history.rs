use wsspec_wire::{BlockType, DeflateWriter};

use crate::data::Dice;
use crate::drivers::Round;
use crate::words::message;

use super::super::s21_deflate::deflated;

/// Writes compressed messages of which each match is chosen, and knows what they inflate to.
pub(super) struct History {
    /// All that was sent.
    letters: String,
    dice: Dice,
}

impl History {
    pub(super) fn new(seed: u64) -> Self {
        Self { letters: String::new(), dice: Dice::new(seed) }
    }

    /// A message of that many new letters, and behind them a match.
    pub(super) fn message(&mut self, new: usize, length: u16, distance: u16) -> Round {
        let start = self.letters.len();
        let letters = self.dice.letters(new);
        let mut writer = DeflateWriter::new();
        writer.stored(letters.as_bytes(), false);
        self.letters += &letters;
        writer.block(BlockType::Fixed, false).matched(length, distance).end_of_block();
        for _ in 0..length {
            let letter = self.letters.as_bytes()[self.letters.len() - usize::from(distance)];
            self.letters.push(letter.into());
        }
        let payload = writer.flush().finish();
        Round { send: vec![deflated(payload).into()], echo: message(self.letters[start..].to_owned()) }
    }

    /// Messages each of which ends with a match 20 to 32 KiB back, as soon as there is so much.
    pub(super) fn far_reaching(mut self, count: usize) -> Vec<Round> {
        let message = |_| {
            let new = self.dice.between(600, 4000);
            let far = self.dice.between(20 * 1024, 32 * 1024);
            let distance = far.min(self.letters.len() as i32 + new);
            let length = self.dice.between(3, 258);
            self.message(new as usize, length as u16, distance as u16)
        };
        (0..count).map(message).collect()
    }
}

#[cfg(test)]
mod tests {
    use wsspec_wire::DeflateInspector;

    use super::*;
    use crate::event::Expected;
    use crate::step::Step;

    /// Inflates the message; how far its matches reach, and how far before its beginning.
    fn inspect(inspector: &mut DeflateInspector, round: &Round) -> (u32, u32) {
        let [Step::Send(frame)] = &round.send[..] else { panic!("one frame") };
        let mut out = Vec::new();
        let payload = frame.payload.to_bytes();
        let seen = inspector.message(&payload, usize::MAX, &mut out).expect("it inflates");
        let Expected::Message { payload, .. } = &round.echo else { panic!("a message") };
        assert!(payload.equals(&out));
        (seen.longest_distance, seen.reach_before_message)
    }

    #[test]
    fn messages_inflate_to_what_is_expected() {
        let mut history = History::new(1);
        let mut inspector = DeflateInspector::new();
        assert_eq!(inspect(&mut inspector, &history.message(512, 258, 512)), (512, 0));
        assert_eq!(inspect(&mut inspector, &history.message(0, 258, 512)), (512, 512));
        assert_eq!(inspect(&mut inspector, &history.message(100, 3, 300)), (300, 200));
    }

    #[test]
    fn far_reaching_messages_reach_far() {
        let mut inspector = DeflateInspector::new();
        let rounds = History::new(2).far_reaching(100);
        let reach: Vec<u32> = rounds.iter().map(|round| inspect(&mut inspector, round).0).collect();
        assert!(reach[20..].iter().all(|&reach| (20_480..=32_768).contains(&reach)), "{reach:?}");
    }
}
