use std::time::Duration;

use bytes::Bytes;
use wsspec_wire::close_code::NORMAL;

use super::difference::Difference;
use crate::case::Grade;
use crate::driver::{Conclusion, Driver, Opened, Outbox};
use crate::event::Event;
use crate::step::{MessageSpec, Step};
use crate::words::{close, text};

/// Sends every Unicode scalar value there is, in text messages of 64 KiB, and waits for each echo.
#[derive(Clone, Debug, Default)]
pub struct AllCharacters {
    /// The first character that was not sent yet.
    next: Option<char>,
    sent: Option<MessageSpec>,
    echoed: usize,
}

/// The size of a message in octets, at most.
const LARGEST: usize = 64 * 1024;
/// All echoes have to be there by then.
const PATIENCE: Duration = Duration::from_secs(60);

impl AllCharacters {
    /// From U+0000 to U+10FFFF.
    pub const fn new() -> Self {
        Self { next: Some('\0'), sent: None, echoed: 0 }
    }

    fn send_next(&mut self, out: &mut Outbox) {
        let Some(first) = self.next else {
            out.conclude(Conclusion::new(Grade::Ok, format!("{} messages came back", self.echoed)));
            out.push(close(NORMAL).into());
            return;
        };
        let mut characters = first..=char::MAX;
        let mut payload = String::with_capacity(LARGEST);
        self.next = characters.find(|character| {
            let has_room = payload.len() + character.len_utf8() <= LARGEST;
            payload.extend(has_room.then_some(*character));
            !has_room
        });
        let message = MessageSpec::from(text(Bytes::from(payload)));
        self.sent = Some(message.clone());
        out.push(message.into());
    }
}

impl Driver for AllCharacters {
    fn open(&mut self, _opened: &Opened, out: &mut Outbox) {
        out.push(Step::CloseAfter(PATIENCE));
        self.send_next(out);
    }

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let (Event::Message { binary, payload }, Some(sent)) = (event, self.sent.take()) else { return };
        if let Some(difference) = Difference::between(&sent, *binary, payload) {
            let text = format!("message {} did not come back: {difference}", self.echoed + 1);
            out.conclude(Conclusion::new(Grade::Failed, text));
            out.push(close(NORMAL).into());
        } else {
            self.echoed += 1;
            self.send_next(out);
        }
    }

    fn unfinished(&self) -> Conclusion {
        Conclusion::new(Grade::Failed, format!("only {} messages came back", self.echoed))
    }

    fn largest_message(&self) -> usize {
        LARGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_value_is_sent_once() {
        let (mut driver, mut out) = (AllCharacters::new(), Outbox::default());
        driver.open(&Opened::default(), &mut out);
        let mut all = String::new();
        while out.conclusion.is_none() {
            let Some(Step::SendMessage(message)) = out.steps.pop_back() else { panic!("a message") };
            let payload = message.payload.to_bytes();
            assert!(payload.len() <= LARGEST);
            all.push_str(std::str::from_utf8(&payload).unwrap());
            driver.event(&Event::Message { binary: false, payload: payload.into() }, &mut out);
        }
        assert_eq!(out.conclusion.unwrap().grade, Grade::Ok);
        assert!(all.chars().eq('\0'..=char::MAX));
        assert_eq!(all.chars().count(), 1_112_064);
    }

    #[test]
    fn an_altered_echo_ends_it() {
        let (mut driver, mut out) = (AllCharacters::new(), Outbox::default());
        driver.open(&Opened::default(), &mut out);
        driver.event(&Event::Message { binary: false, payload: Bytes::from_static(b"\0").into() }, &mut out);
        assert_eq!(out.conclusion.unwrap().grade, Grade::Failed);
        assert_eq!(out.steps.pop_back(), Some(close(NORMAL).into()));
    }
}
