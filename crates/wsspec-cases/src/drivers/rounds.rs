use std::collections::VecDeque;
use std::time::Duration;

use wsspec_wire::close_code::NORMAL;
use wsspec_wire::{FrameHeader, Inspection};

use crate::case::Grade;
use crate::driver::{Conclusion, Driver, Opened, Outbox};
use crate::event::{Event, Expected};
use crate::step::Step;
use crate::words::close;

/// One message, or what stands for one, and its echo; or a Ping and its Pong.
#[derive(Clone, Debug)]
pub struct Round {
    /// What is sent.
    pub send: Vec<Step>,
    /// What has to come back.
    pub echo: Expected,
}

/// What was seen of the messages of the peer.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many messages came back.
    pub echoes: usize,
    /// How many octets of payload they had on the wire.
    pub wire_octets: u64,
    /// How many octets they are.
    pub octets: u64,
    /// Of each compressed one, what its DEFLATE blocks say.
    pub inspections: Vec<Inspection>,
}

/// Sends messages and wants their echoes, one after the other or all at once; then says what was seen of
/// them.
#[derive(Clone, Debug)]
pub struct Rounds {
    rounds: VecDeque<Round>,
    at_once: bool,
    within: Duration,
    finding: fn(&Seen) -> Conclusion,
    seen: Seen,
}

impl Rounds {
    /// More rounds are a loop, which may be run shorter.
    const LOOP: usize = 100;

    /// Each message is sent when the echo of the one before has come; all echoes have that much time.
    pub fn of(rounds: impl IntoIterator<Item = Round>, within: Duration) -> Self {
        let rounds = rounds.into_iter().collect();
        Self { rounds, at_once: false, within, finding: all_came, seen: Seen::default() }
    }

    /// All messages are sent before the first echo is waited for.
    pub fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// When all echoes are there, what was seen is judged.
    pub fn finding(mut self, finding: fn(&Seen) -> Conclusion) -> Self {
        self.finding = finding;
        self
    }

    fn send_next(&mut self, out: &mut Outbox) {
        match self.rounds.front() {
            Some(_) if self.at_once => {}
            Some(round) => out.steps.extend(round.send.iter().cloned()),
            None => self.end((self.finding)(&self.seen), out),
        }
    }

    fn end(&mut self, conclusion: Conclusion, out: &mut Outbox) {
        self.rounds.clear();
        out.conclude(conclusion);
        out.push(close(NORMAL).into());
    }
}

fn all_came(seen: &Seen) -> Conclusion {
    Conclusion::new(Grade::Ok, format!("All {} echoes came", seen.echoes))
}

impl Driver for Rounds {
    fn open(&mut self, opened: &Opened, out: &mut Outbox) {
        if self.rounds.len() > Self::LOOP {
            let count = opened.loop_count.map_or(usize::MAX, |count| count as usize);
            self.rounds.truncate(count);
        }
        out.push(Step::CloseAfter(self.within));
        if self.at_once {
            out.steps.extend(self.rounds.iter().flat_map(|round| round.send.iter().cloned()));
        }
        self.send_next(out);
    }

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let wants_pong = matches!(self.rounds.front(), Some(Round { echo: Expected::Pong(_), .. }));
        let echo = match event {
            Event::Message { payload, .. } => Some(payload),
            Event::Pong(_) if wants_pong => None,
            Event::Pong(_) | Event::Elapsed(_) => return,
        };
        let Some(round) = self.rounds.pop_front() else { return };
        let number = self.seen.echoes + 1;
        if round.echo.matches(event) {
            self.seen.echoes += usize::from(echo.is_some());
            self.seen.octets += echo.map_or(0, |payload| payload.len);
            self.send_next(out);
        } else {
            let text = format!("Echo {number} is not the message: {} was sent", round.echo);
            self.end(Conclusion::new(Grade::Failed, text), out);
        }
    }

    fn frame(&mut self, header: &FrameHeader, _payload: &[u8], _out: &mut Outbox) {
        if !header.opcode.is_control() {
            self.seen.wire_octets += header.length;
        }
    }

    fn inspected(&mut self, inspection: &Inspection, _out: &mut Outbox) {
        // A peer that sends more than it was asked for needs no memory.
        if self.seen.inspections.len() < self.seen.echoes + self.rounds.len() {
            self.seen.inspections.push(inspection.clone());
        }
    }

    fn unfinished(&self) -> Conclusion {
        let (came, missing) = (self.seen.echoes, self.rounds.len());
        let text =
            format!("{came} echoes came, and {missing} did not come within {} s", self.within.as_secs());
        Conclusion::new(Grade::Failed, text)
    }

    fn ended_by_peer(&self, _code: Option<u16>) -> Conclusion {
        let (came, missing) = (self.seen.echoes, self.rounds.len());
        let text = format!("{came} echoes came, and {missing} did not: the peer ended the connection");
        Conclusion::new(Grade::Failed, text)
    }

    fn largest_message(&self) -> usize {
        let len = |round: &Round| match &round.echo {
            Expected::Message { payload, .. } | Expected::Pong(payload) => payload.len(),
            Expected::Elapsed(_) => 0,
        };
        self.rounds.iter().map(len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::words::{message, ping, ponged, secs, text};

    fn rounds(count: usize) -> Vec<Round> {
        let round = |n: usize| {
            let words = n.to_string();
            Round { send: vec![text(words.clone()).into()], echo: message(words) }
        };
        (0..count).map(round).collect()
    }

    fn echo(words: &str) -> Event {
        let payload = Bytes::copy_from_slice(words.as_bytes()).into();
        Event::Message { binary: false, payload }
    }

    #[test]
    fn a_message_waits_for_the_echo_of_the_one_before() {
        let mut driver = Rounds::of(rounds(2), secs(2));
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        assert_eq!(out.steps, [Step::CloseAfter(secs(2)), text("0").into()]);
        driver.event(&echo("0"), &mut out);
        assert_eq!(out.steps.back(), Some(&text("1").into()));
        assert_eq!(out.conclusion, None);
        driver.event(&echo("1"), &mut out);
        assert_eq!(out.steps.back(), Some(&close(NORMAL).into()));
        assert_eq!(out.conclusion.map(|conclusion| conclusion.grade), Some(Grade::Ok));
    }

    #[test]
    fn another_message_than_the_next_one_fails() {
        for at_once in [false, true] {
            let mut driver = Rounds { at_once, ..Rounds::of(rounds(2), secs(2)) };
            let mut out = Outbox::default();
            driver.open(&Opened::default(), &mut out);
            assert_eq!(out.steps.len(), if at_once { 3 } else { 2 });
            driver.event(&echo("1"), &mut out);
            let conclusion = out.conclusion.expect("a conclusion");
            assert_eq!(conclusion.grade, Grade::Failed);
            assert!(conclusion.text.contains("Echo 1"), "{}", conclusion.text);
        }
    }

    #[test]
    fn a_ping_waits_for_its_pong_and_is_no_echo() {
        let ping = Round { send: vec![ping("here").into()], echo: ponged("here") };
        let mut driver = Rounds::of([vec![ping], rounds(1)].concat(), secs(2));
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        let pong = Event::Pong(Bytes::from_static(b"here").into());
        driver.event(&pong, &mut out);
        assert_eq!(out.steps.back(), Some(&text("0").into()));
        driver.event(&pong, &mut out);
        assert_eq!((driver.seen.echoes, &out.conclusion), (0, &None));
        driver.event(&echo("0"), &mut out);
        assert_eq!(out.conclusion.expect("a conclusion").text, "All 1 echoes came");
    }

    #[test]
    fn only_loops_are_run_shorter() {
        for (count, runs) in [(Rounds::LOOP, Rounds::LOOP), (Rounds::LOOP + 1, 3)] {
            let mut driver = Rounds::of(rounds(count), secs(2));
            driver.open(&Opened { loop_count: Some(3), ..Opened::default() }, &mut Outbox::default());
            assert_eq!(driver.rounds.len(), runs);
            assert_eq!(driver.unfinished().grade, Grade::Failed);
        }
    }

    #[test]
    fn what_was_seen_is_judged() {
        let finding = |seen: &Seen| {
            let reach = seen.inspections.iter().map(|inspection| inspection.reach_before_message).max();
            Conclusion::new(Grade::Informational, format!("{reach:?} {}/{}", seen.wire_octets, seen.octets))
        };
        let mut driver = Rounds::of(rounds(1), secs(2)).finding(finding);
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        let far = Inspection { reach_before_message: 7, ..Inspection::default() };
        driver.inspected(&far, &mut out);
        driver.inspected(&Inspection { reach_before_message: 9, ..far }, &mut out);
        driver.frame(&FrameHeader::new(wsspec_wire::Opcode::TEXT, 3), b"", &mut out);
        driver.event(&echo("0"), &mut out);
        assert_eq!(out.conclusion.expect("a conclusion").text, "Some(7) 3/1");
    }
}
