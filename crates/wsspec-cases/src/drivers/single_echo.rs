use std::time::Duration;

use wsspec_wire::close_code::{self, NORMAL};

use super::difference::Difference;
use crate::case::Grade;
use crate::driver::{Conclusion, Driver, Opened, Outbox};
use crate::event::Event;
use crate::step::{MessageSpec, Step};
use crate::words::close;

/// Sends one message, waits for its echo, closes.
#[derive(Clone, Debug)]
pub struct SingleEcho {
    message: MessageSpec,
    within: Duration,
    done: bool,
}

impl SingleEcho {
    /// One message, whose echo has that much time.
    pub fn of(message: impl Into<MessageSpec>, within: Duration) -> Self {
        Self { message: message.into(), within, done: false }
    }
}

impl Driver for SingleEcho {
    fn open(&mut self, _opened: &Opened, out: &mut Outbox) {
        out.push(self.message.clone().into());
        out.push(Step::CloseAfter(self.within));
    }

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let Event::Message { binary, payload } = event else { return };
        if self.done {
            return;
        }
        self.done = true;
        out.conclude(match Difference::between(&self.message, *binary, payload) {
            None => Conclusion::new(Grade::Ok, format!("The echo of {} octets came in time.", payload.len)),
            Some(difference) => failure(difference),
        });
        out.push(close(NORMAL).into());
    }

    /// People recognise this case by this very sentence, which scripts look for.
    fn unfinished(&self) -> Conclusion {
        let seconds = self.within.as_secs();
        Conclusion::new(Grade::Failed, format!("Did not receive message within {seconds} seconds."))
    }

    fn ended_by_peer(&self, code: Option<u16>) -> Conclusion {
        let Conclusion { grade, text, .. } = self.unfinished();
        let how = match code {
            None => "The peer ended the connection".to_owned(),
            Some(code) => match close_code::name(code) {
                Some(name) => format!("The peer closed with close code {code} ({name})"),
                None => format!("The peer closed with close code {code}"),
            },
        };
        Conclusion {
            reference_text: Some(text),
            ..Conclusion::new(grade, format!("{how} before the echo came."))
        }
    }

    fn largest_message(&self) -> usize {
        self.message.payload.len()
    }
}

/// The reference suite looks at the type and the length of the echo only.
fn failure(difference: Difference) -> Conclusion {
    let same_length = matches!(difference, Difference::Content { .. });
    Conclusion {
        reference_grade: same_length.then_some(Grade::Ok),
        ..Conclusion::new(Grade::Failed, format!("The echo is not the message: {difference}."))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::words::{binary, repeat, text};

    fn echo(binary: bool, octets: &'static [u8]) -> Event {
        Event::Message { binary, payload: Bytes::from_static(octets).into() }
    }

    fn verdict(event: &Event) -> Conclusion {
        let mut driver = SingleEcho::of(text("abcd"), Duration::from_secs(10));
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        driver.event(event, &mut out);
        assert_eq!(out.steps.back(), Some(&close(NORMAL).into()), "it closes whatever came");
        out.conclusion.expect("a conclusion")
    }

    #[test]
    fn only_the_same_message_passes() {
        assert_eq!(verdict(&echo(false, b"abcd")).grade, Grade::Ok);
        for (event, finding) in [
            (echo(true, b"abcd"), "binary message"),
            (echo(false, b"abc"), "3 octets came back instead of 4"),
            (echo(false, b"abxd"), "from octet 2 on"),
        ] {
            let conclusion = verdict(&event);
            assert_eq!(conclusion.grade, Grade::Failed);
            assert!(conclusion.text.contains(finding), "{}", conclusion.text);
        }
    }

    #[test]
    fn the_reference_verdict_looks_at_type_and_length_only() {
        assert_eq!(verdict(&echo(false, b"abxd")).reference_grade, Some(Grade::Ok));
        assert_eq!(verdict(&echo(false, b"abc")).reference_grade, None);
        assert_eq!(verdict(&echo(true, b"abxd")).reference_grade, None);
    }

    #[test]
    fn pongs_and_further_messages_change_nothing() {
        let mut driver = SingleEcho::of(binary(repeat(&[0], 3)), Duration::from_secs(100));
        let mut out = Outbox::default();
        driver.open(&Opened::default(), &mut out);
        driver.event(&Event::Pong(Bytes::new().into()), &mut out);
        assert!(out.conclusion.is_none());
        assert_eq!(driver.unfinished().text, "Did not receive message within 100 seconds.");
        let refused = driver.ended_by_peer(Some(1008));
        assert_eq!(
            refused.text,
            "The peer closed with close code 1008 (policy violation) before the echo came."
        );
        assert_eq!(refused.reference_text, Some(driver.unfinished().text));

        driver.event(&echo(true, &[0, 0, 0]), &mut out);
        let steps = out.steps.len();
        driver.event(&echo(true, &[1]), &mut out);
        assert_eq!((out.steps.len(), out.conclusion.unwrap().grade), (steps, Grade::Ok));
    }
}
