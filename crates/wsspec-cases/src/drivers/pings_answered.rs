use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use wsspec_wire::Opcode;
use wsspec_wire::close_code::{NORMAL, POLICY_VIOLATION};

use crate::case::Grade;
use crate::driver::{Conclusion, Driver, Opened, Outbox};
use crate::event::{Event, Expected, Received};
use crate::step::Step;
use crate::words::close;

/// Sends Pings among other frames, and asks for the answers that RFC 6455 5.5.3 asks for: not each Ping has
/// to be answered, but the last one has. What else is sent comes back in the order given.
#[derive(Clone, Debug)]
pub struct PingsAnswered {
    steps: Vec<Step>,
    pings: Vec<Ping>,
    /// The first Ping that came after the one that was answered last.
    next: usize,
    echoes: VecDeque<Expected>,
    oddity: Option<&'static str>,
    /// So many Pings at once may be too many.
    is_flood: bool,
}

/// A Ping that is sent.
#[derive(Clone, Debug)]
struct Ping {
    payload: Bytes,
    answered: bool,
}

/// All answers have to be there by then.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that a control frame carries (RFC 6455 5.5).
const LONGEST_PONG: usize = 125;

impl PingsAnswered {
    /// Sends these steps; the Pings among them have different payloads. These messages have to come back.
    pub fn among(steps: Vec<Step>, echoes: impl Into<VecDeque<Expected>>) -> Self {
        let ping = |step: &Step| match step {
            Step::Send(frame) if frame.opcode == Opcode::PING => {
                Some(Ping { payload: frame.payload.to_bytes(), answered: false })
            }
            _ => None,
        };
        let pings = steps.iter().filter_map(ping).collect();
        Self { steps, pings, next: 0, echoes: echoes.into(), oddity: None, is_flood: false }
    }

    /// The Pings are so many that the peer may end the connection.
    pub fn or_too_many(mut self) -> Self {
        self.is_flood = true;
        self
    }

    fn answered(&self) -> usize {
        self.pings.iter().filter(|ping| ping.answered).count()
    }

    /// Takes a Pong; an error says why no Ping can have asked for it.
    fn pong(&mut self, payload: &Received) -> Result<(), &'static str> {
        let place = self.pings.iter().position(|ping| payload.is_whole() && ping.payload == payload.kept);
        let place = place.ok_or("a Pong has a payload that no Ping had")?;
        if self.pings[place].answered {
            self.oddity = Some("a Ping was answered twice");
        } else if place < self.next {
            self.oddity = Some("an older Ping was answered after a newer one");
        }
        self.pings[place].answered = true;
        self.next = self.next.max(place + 1);
        Ok(())
    }

    fn message(&mut self, event: &Event) -> Result<(), &'static str> {
        let expected = self.echoes.pop_front().ok_or("more messages came than were sent")?;
        if expected.matches(event) { Ok(()) } else { Err("a message came back that is not the one sent") }
    }

    fn is_done(&self) -> bool {
        self.echoes.is_empty() && self.pings.last().is_none_or(|last| last.answered)
    }

    fn passed(&self) -> Conclusion {
        let (answered, all) = (self.answered(), self.pings.len());
        let text = format!("{answered} of {all} pings were answered, the last one among them");
        match self.oddity {
            None => Conclusion::new(Grade::Ok, text),
            Some(oddity) => Conclusion::new(Grade::NonStrict, format!("{oddity}; {text}")),
        }
    }
}

impl Driver for PingsAnswered {
    fn open(&mut self, _opened: &Opened, out: &mut Outbox) {
        out.push(Step::CloseAfter(PATIENCE));
        out.steps.extend(self.steps.drain(..));
    }

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let taken = match event {
            Event::Pong(payload) => self.pong(payload),
            Event::Message { .. } => self.message(event),
            Event::Elapsed(_) => return,
        };
        let conclusion = match taken {
            Err(why) => Conclusion::new(Grade::Failed, why),
            Ok(()) if self.is_done() => self.passed(),
            Ok(()) => return,
        };
        out.conclude(conclusion);
        out.push(close(NORMAL).into());
    }

    fn unfinished(&self) -> Conclusion {
        let text = match self.pings.last() {
            Some(last) if !last.answered => "the last ping was not answered",
            _ => "not every message came back",
        };
        Conclusion::new(Grade::Failed, text)
    }

    /// An endpoint may end a connection (RFC 6455 7.3); it should say so with a Close frame, and why.
    fn ended_by_peer(&self, code: Option<u16>) -> Conclusion {
        let (answered, all) = (self.answered(), self.pings.len());
        let text = format!("the peer ended the connection when {answered} of {all} pings were answered");
        match code {
            _ if !self.is_flood => self.unfinished(),
            Some(POLICY_VIOLATION) => Conclusion::new(Grade::Informational, text),
            Some(_) => {
                Conclusion::new(Grade::NonStrict, format!("{text}, and did not say that it were too many"))
            }
            None => Conclusion::new(Grade::NonStrict, format!("{text}, and did not say why")),
        }
    }

    fn largest_message(&self) -> usize {
        let len = |echo: &Expected| match echo {
            Expected::Message { payload, .. } | Expected::Pong(payload) => payload.len(),
            Expected::Elapsed(_) => 0,
        };
        self.echoes.iter().map(len).max().unwrap_or(0).max(LONGEST_PONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{message, ping, text};

    /// The verdict on Pongs with these payloads, and then the echo.
    fn verdict(pongs: &[&'static str]) -> (Grade, String) {
        let steps = vec![ping("a").into(), ping("b").into(), ping("c").into(), text("x").into()];
        let mut driver = PingsAnswered::among(steps, [message("x")]);
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        assert_eq!(out.steps.len(), 5);
        for pong in pongs {
            driver.event(&Event::Pong(Bytes::from_static(pong.as_bytes()).into()), &mut out);
        }
        driver.event(&Event::Message { binary: false, payload: Bytes::from_static(b"x").into() }, &mut out);
        let conclusion = out.conclusion.unwrap_or_else(|| driver.unfinished());
        (conclusion.grade, conclusion.text.into_owned())
    }

    #[test]
    fn the_last_ping_has_to_be_answered() {
        assert_eq!(verdict(&["a", "b", "c"]).0, Grade::Ok);
        assert_eq!(verdict(&["c"]).0, Grade::Ok);
        assert_eq!(verdict(&["b", "c"]).1, "2 of 3 pings were answered, the last one among them");
        assert_eq!(verdict(&["a", "b"]), (Grade::Failed, "the last ping was not answered".to_owned()));
    }

    #[test]
    fn pongs_beyond_the_rule_are_told() {
        assert_eq!(verdict(&["a", "a", "c"]).0, Grade::NonStrict);
        assert_eq!(verdict(&["b", "a", "c"]).0, Grade::NonStrict);
        assert_eq!(verdict(&["a", "d", "c"]).0, Grade::Failed);
        assert_eq!(verdict(&["a", "", "c"]).0, Grade::Failed);
    }

    #[test]
    fn the_messages_have_to_come_back() {
        let mut driver = PingsAnswered::among(vec![text("x").into()], [message("x")]);
        let mut out = Outbox::default();
        driver.event(&Event::Message { binary: true, payload: Bytes::from_static(b"x").into() }, &mut out);
        assert_eq!(out.conclusion.unwrap().grade, Grade::Failed);
        let driver = PingsAnswered::among(vec![text("x").into()], [message("x")]);
        assert_eq!(driver.unfinished().text, "not every message came back");
    }
}
