use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use wsspec_wire::close_code::NORMAL;
use wsspec_wire::{FrameHeader, Opcode};

use crate::case::Grade;
use crate::driver::{Conclusion, Driver, Opened, Outbox};
use crate::event::Event;
use crate::step::Step;
use crate::words::{close, ping, text};

mod prediction;
mod randomness;

/// What is asked about the masking keys of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether they differ.
    Repeats,
    /// Whether there are any: the key 0 masks nothing.
    Zero,
    /// Whether they look random.
    Randomness,
    /// Whether a simple generator made them.
    Predictable,
    /// Whether they depend on the payload.
    SamePayload,
    /// Whether control frames have keys of their own.
    Control,
    /// Whether the fragments of one message, which a command asks for, have.
    Fragments,
}

impl Question {
    const fn rounds(self) -> usize {
        match self {
            Self::Repeats | Self::Zero => 512,
            Self::Randomness => 1024,
            // The state of the Mersenne Twister has 624 words.
            Self::Predictable => 1300,
            Self::SamePayload => 32,
            Self::Control => 64,
            Self::Fragments => 1,
        }
    }

    /// How many answers are awaited at a time. Of several Pings the latest alone may be answered.
    const fn at_a_time(self) -> usize {
        match self {
            Self::Control | Self::Fragments => 1,
            _ => 16,
        }
    }
}

/// What is sent.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.rounds();
        match self {
            Self::Control => write!(f, "{rounds} pings and a Close frame"),
            Self::Fragments => f.write_str("a command for a message in 64 fragments"),
            Self::SamePayload => write!(f, "{rounds} equal text messages"),
            _ => write!(f, "{rounds} text messages of 16 octets"),
        }
    }
}

/// Makes a client send frames, collects their masking keys, and judges them.
#[derive(Clone, Debug)]
pub struct MaskingKeys {
    question: Question,
    sent: usize,
    answered: usize,
    keys: Vec<u32>,
}

/// All answers have to be there by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// More keys are not kept, if the client answers in many small fragments.
const MOST_KEYS: usize = 4096;
/// The frames that the command asks for.
const FRAGMENTS: usize = 64;
/// What is sent if all messages are to be equal.
const SAME: &str = "the same message";

impl MaskingKeys {
    /// Collects what this question needs.
    pub const fn asking(question: Question) -> Self {
        Self { question, sent: 0, answered: 0, keys: Vec::new() }
    }

    fn send_next(&mut self, out: &mut Outbox) {
        let number = self.sent;
        self.sent += 1;
        let frame = match self.question {
            Question::Control => ping(format!("key test {number:07}")),
            Question::SamePayload => text(SAME),
            Question::Fragments => text("!sendfrag 4096 64"),
            _ => text(format!("key test {number:07}")),
        };
        out.push(frame.into());
    }

    fn judge(&self) -> Conclusion {
        let keys = &self.keys;
        let found = match self.question {
            Question::Fragments if keys.len() < FRAGMENTS => {
                let text = format!("the message came in {} frames, not in {FRAGMENTS}", keys.len());
                return Conclusion::new(Grade::Unimplemented, text);
            }
            Question::Repeats | Question::Control | Question::Fragments => repeated(keys, 1),
            Question::SamePayload => repeated(keys, 0).or_else(|| taken_from_payload(keys)),
            Question::Zero => zero(keys),
            Question::Randomness => randomness::deviation(keys),
            Question::Predictable => {
                prediction::generator(keys).map(|how| format!("each key follows from those before it: {how}"))
            }
        };
        match found {
            None => Conclusion::new(Grade::Ok, format!("{} keys were looked at", keys.len())),
            Some(text) if self.question == Question::Randomness => Conclusion::new(Grade::NonStrict, text),
            Some(text) => Conclusion::new(Grade::Failed, text),
        }
    }
}

impl Driver for MaskingKeys {
    fn open(&mut self, _opened: &Opened, out: &mut Outbox) {
        for _ in 0..self.question.at_a_time() {
            self.send_next(out);
        }
        out.push(Step::CloseAfter(PATIENCE));
    }

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let is_answer = match event {
            Event::Message { .. } => self.question != Question::Control,
            Event::Pong(_) => self.question == Question::Control,
            Event::Elapsed(_) => false,
        };
        let rounds = self.question.rounds();
        if !is_answer || self.answered == rounds {
            return;
        }
        self.answered += 1;
        if self.sent < rounds {
            self.send_next(out);
        }
        if self.answered == rounds {
            if self.question != Question::Control {
                out.conclude(self.judge());
            }
            out.push(close(NORMAL).into());
        }
    }

    fn frame(&mut self, header: &FrameHeader, _payload: &[u8], out: &mut Outbox) {
        if let Some(key) = header.mask.filter(|_| self.keys.len() < MOST_KEYS) {
            self.keys.push(u32::from_be_bytes(key));
        }
        let is_last = header.opcode == Opcode::CLOSE && self.answered == self.question.rounds();
        if is_last && self.question == Question::Control {
            out.conclude(self.judge());
        }
    }

    fn unfinished(&self) -> Conclusion {
        let (answered, rounds) = (self.answered, self.question.rounds());
        let text = match answered == rounds {
            true => "the Close frame was not answered".to_owned(),
            false => format!("{answered} of {rounds} were answered"),
        };
        Conclusion::new(Grade::Failed, text)
    }

    fn largest_message(&self) -> usize {
        SAME.len()
    }
}

/// Tells of repeated keys, unless there are that many at most, and no key came three times.
fn repeated(keys: &[u32], chance: usize) -> Option<String> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for key in keys {
        *counts.entry(*key).or_default() += 1;
    }
    let repeats = keys.len() - counts.len();
    let (key, times) = counts.into_iter().max_by_key(|(_, times)| *times)?;
    let suspicious = repeats > chance || times > 2;
    suspicious.then(|| format!("{repeats} of {} keys came before; {key:08x} came {times} times", keys.len()))
}

fn zero(keys: &[u32]) -> Option<String> {
    let zeros = keys.iter().filter(|key| **key == 0).count();
    (zeros > 1).then(|| format!("{zeros} of {} keys are 0, which masks nothing", keys.len()))
}

fn taken_from_payload(keys: &[u32]) -> Option<String> {
    let (beginning, _) = SAME.as_bytes().split_first_chunk()?;
    let found = keys.contains(&u32::from_be_bytes(*beginning));
    found.then(|| "a key is the beginning of the payload".to_owned())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// What is concluded of a client whose frames have these keys.
    fn verdict(question: Question, mut key: impl FnMut(u32) -> u32) -> Conclusion {
        let mut driver = MaskingKeys::asking(question);
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        let opcode = if question == Question::Control { Opcode::PONG } else { Opcode::TEXT };
        for number in 0..question.rounds() {
            let frame =
                FrameHeader { mask: Some(key(number as u32).to_be_bytes()), ..FrameHeader::new(opcode, 16) };
            driver.frame(&frame, &[], &mut out);
            let payload = Bytes::new().into();
            driver.event(
                &if question == Question::Control {
                    Event::Pong(payload)
                } else {
                    Event::Message { binary: false, payload }
                },
                &mut out,
            );
        }
        let last = FrameHeader { mask: Some(key(9999).to_be_bytes()), ..FrameHeader::new(Opcode::CLOSE, 2) };
        driver.frame(&last, &[], &mut out);
        let sent = out.steps.iter().filter(|step| matches!(step, Step::Send(_))).count();
        assert_eq!(sent, question.rounds());
        out.conclusion.expect("a conclusion")
    }

    /// Good enough to look random, and the same in every run.
    fn random(number: u32) -> u32 {
        let mut x = u64::from(number).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 29)) >> 16) as u32
    }

    const ALL: [Question; 6] = [
        Question::Repeats,
        Question::Zero,
        Question::Randomness,
        Question::Predictable,
        Question::SamePayload,
        Question::Control,
    ];

    #[test]
    fn random_keys_pass_every_question() {
        for question in ALL {
            let conclusion = verdict(question, random);
            assert_eq!(conclusion.grade, Grade::Ok, "{question:?}: {}", conclusion.text);
        }
    }

    #[test]
    fn one_key_for_all_is_found() {
        for question in [Question::Repeats, Question::SamePayload, Question::Control] {
            assert_eq!(verdict(question, |_| 0x37fa_213d).grade, Grade::Failed, "{question:?}");
        }
        assert_eq!(verdict(Question::Zero, |_| 0).grade, Grade::Failed);
        assert_eq!(verdict(Question::Zero, |n| n / 2).grade, Grade::Failed);
        assert_eq!(verdict(Question::Randomness, |_| 0).grade, Grade::NonStrict);
    }

    #[test]
    fn two_equal_keys_may_be_chance() {
        assert_eq!(verdict(Question::Repeats, |n| random(n.max(1))).grade, Grade::Ok);
        assert_eq!(verdict(Question::Repeats, |n| random(n.max(2))).grade, Grade::Failed);
        assert_eq!(verdict(Question::Zero, |n| random(n) * u32::from(n != 7)).grade, Grade::Ok);
    }

    #[test]
    fn a_key_taken_from_the_payload_is_found() {
        let from_payload = |n| if n == 3 { u32::from_be_bytes(*b"the ") } else { random(n) };
        assert_eq!(verdict(Question::SamePayload, from_payload).grade, Grade::Failed);
    }

    #[test]
    fn the_close_frame_needs_its_own_key() {
        let close_like_the_first = |n| random(if n == 9999 { 0 } else { n });
        assert_eq!(verdict(Question::SamePayload, close_like_the_first).grade, Grade::Ok);
        assert_eq!(verdict(Question::Control, close_like_the_first).grade, Grade::Ok, "two may be chance");
        assert_eq!(
            verdict(Question::Control, |n| random(if n == 9999 { 0 } else { n.max(1) })).grade,
            Grade::Ok
        );
    }

    #[test]
    fn who_does_not_answer_fails() {
        let driver = MaskingKeys::asking(Question::Repeats);
        assert_eq!(driver.unfinished(), Conclusion::new(Grade::Failed, "0 of 512 were answered"));
    }
}
