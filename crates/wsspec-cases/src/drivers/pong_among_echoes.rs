use std::time::Duration;

use wsspec_wire::close_code::NORMAL;

use crate::case::Grade;
use crate::driver::{Conclusion, Driver, Opened, Outbox};
use crate::event::Event;
use crate::step::Step;
use crate::words::{close, ping, secs};

/// Sends messages and a Ping without reading what comes back, then reads: after how many echoes the Pong comes is
/// told. The echoes are counted, not compared.
#[derive(Clone, Debug)]
pub struct PongAmongEchoes {
    messages: Vec<Step>,
    echoes: u64,
    ponged_after: Option<u64>,
}

/// So long the echoes are left unread.
const UNREAD: Duration = secs(2);
/// All answers have to be there by then.
const PATIENCE: Duration = secs(60);
const PING: &str = "slow";

impl PongAmongEchoes {
    /// A Ping behind these messages.
    pub fn behind(messages: impl IntoIterator<Item = Step>) -> Self {
        Self { messages: messages.into_iter().collect(), echoes: 0, ponged_after: None }
    }
}

impl Driver for PongAmongEchoes {
    fn open(&mut self, _opened: &Opened, out: &mut Outbox) {
        out.push(Step::StopReading);
        out.steps.extend(self.messages.iter().cloned());
        out.push(ping(PING).into());
        out.push(Step::Wait { duration: UNREAD, tag: None });
        out.push(Step::ResumeReading);
        out.push(Step::CloseAfter(PATIENCE));
    }

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let sent = self.messages.len() as u64;
        match event {
            Event::Message { .. } => self.echoes += 1,
            Event::Pong(payload) if payload.kept == PING => {
                self.ponged_after.get_or_insert(self.echoes);
            }
            Event::Pong(_) | Event::Elapsed(_) => {}
        }
        if let Some(before) = self.ponged_after
            && self.echoes >= sent
        {
            let text = format!("the Pong came after {before} of {sent} echoes");
            out.conclude(Conclusion::new(Grade::Informational, text));
            out.push(close(NORMAL).into());
        }
    }

    fn unfinished(&self) -> Conclusion {
        let (echoes, sent) = (self.echoes, self.messages.len());
        let pong = if self.ponged_after.is_some() { "the Pong" } else { "no Pong" };
        Conclusion::new(Grade::Failed, format!("{echoes} of {sent} echoes and {pong} came"))
    }

    fn largest_message(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::words::binary;

    fn message() -> Event {
        Event::Message { binary: true, payload: Bytes::new().into() }
    }

    fn pong(payload: &'static str) -> Event {
        Event::Pong(Bytes::from_static(payload.as_bytes()).into())
    }

    #[test]
    fn the_place_of_the_pong_is_told() {
        let mut driver = PongAmongEchoes::behind([binary("a").into(), binary("b").into()]);
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        assert_eq!(out.steps[0], Step::StopReading);
        for event in [message(), pong("another"), pong(PING)] {
            driver.event(&event, &mut out);
            assert_eq!(out.conclusion, None);
        }
        driver.event(&message(), &mut out);
        let text = "the Pong came after 1 of 2 echoes";
        assert_eq!(out.conclusion, Some(Conclusion::new(Grade::Informational, text)));
    }

    #[test]
    fn a_missing_pong_fails() {
        let mut driver = PongAmongEchoes::behind([binary("a").into()]);
        driver.event(&message(), &mut Outbox::default());
        let text = "1 of 1 echoes and no Pong came";
        assert_eq!(driver.unfinished(), Conclusion::new(Grade::Failed, text));
    }
}
