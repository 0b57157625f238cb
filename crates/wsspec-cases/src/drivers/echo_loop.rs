use std::time::Duration;

use wsspec_wire::Opcode;
use wsspec_wire::close_code::NORMAL;

use super::difference::Difference;
use super::windows::Windows;
use crate::case::{Grade, Text};
use crate::data::DataSet;
use crate::driver::{Conclusion, Driver, Opened, Outbox};
use crate::event::Event;
use crate::step::{MessageSpec, Step};
use crate::words::close;

/// Sends messages one after the other, each when the echo of the one before has come, then closes.
#[derive(Clone, Debug)]
pub struct EchoLoop {
    source: Source,
    /// The message whose echo is awaited.
    message: MessageSpec,
    count: u32,
    echoed: u32,
    within: Duration,
    /// An echo of the right type and length with other octets in it.
    altered: Option<Altered>,
    done: bool,
}

/// Where the next message comes from.
#[derive(Clone, Debug)]
enum Source {
    /// Always the same one.
    Same,
    /// A data set, that many units a message, over permessage-deflate.
    Data { windows: Windows, units: usize, largest: usize },
}

/// The first echo that was altered.
#[derive(Clone, Copy, Debug)]
struct Altered {
    number: u32,
    difference: Difference,
}

impl EchoLoop {
    /// The same message again and again. All echoes together have that much time.
    pub fn of(message: impl Into<MessageSpec>, count: u32, within: Duration) -> Self {
        let message = message.into();
        Self { source: Source::Same, message, count, echoed: 0, within, altered: None, done: false }
    }

    /// Windows of a data set, each of that many characters (text) or octets (binary), compressed.
    pub fn over(data: DataSet, units: usize, count: u32, within: Duration) -> Self {
        let opcode = if data.is_text() { Opcode::TEXT } else { Opcode::BINARY };
        let message = MessageSpec {
            opcode,
            payload: "".into(),
            fragment: None,
            chop: None,
            compress: true,
            window: None,
        };
        let largest = if data.is_text() { units.saturating_mul(4) } else { units };
        let source = Source::Data { windows: Windows::over(data), units, largest };
        Self { source, ..Self::of(message, count, within) }
    }

    /// Send every message in fragments of that many octets.
    pub fn in_fragments_of(mut self, octets: Option<usize>) -> Self {
        self.message.fragment = octets;
        self
    }

    fn send_next(&mut self, out: &mut Outbox) {
        if let Source::Data { windows, units, .. } = &mut self.source {
            let window = windows.next(*units);
            self.message.payload = window.octets().into();
            self.message.window = Some(window);
        }
        out.push(self.message.clone().into());
    }

    fn finish(&mut self, conclusion: Conclusion, out: &mut Outbox) {
        self.done = true;
        out.conclude(conclusion);
        out.push(close(NORMAL).into());
    }

    /// All echoes came. The reference suite passes an altered one where it looks at the length only.
    fn finished(&self) -> Conclusion {
        match self.altered {
            None => Conclusion::new(Grade::Ok, format!("All {} echoes came in time.", self.count)),
            Some(altered) => {
                Conclusion { reference_grade: Some(Grade::Ok), ..altered.conclusion(self.count) }
            }
        }
    }
}

impl Altered {
    fn conclusion(&self, count: u32) -> Conclusion {
        let Self { number, difference } = self;
        Conclusion::new(Grade::Failed, format!("Echo {number} of {count} is not the message: {difference}."))
    }
}

impl Driver for EchoLoop {
    fn open(&mut self, opened: &Opened, out: &mut Outbox) {
        if matches!(self.source, Source::Data { .. }) && !opened.deflate {
            let text: Text = "permessage-deflate was not negotiated.".into();
            return self.finish(Conclusion::new(Grade::Unimplemented, text), out);
        }
        self.count = opened.loop_count.unwrap_or(self.count).max(1);
        out.push(Step::CloseAfter(self.within));
        self.send_next(out);
    }

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let Event::Message { binary, payload } = event else { return };
        if self.done {
            return;
        }
        self.echoed += 1;
        if let Some(difference) = Difference::between(&self.message, *binary, payload) {
            let altered = Altered { number: self.echoed, difference };
            let looked_at_by_reference = matches!(self.source, Source::Data { .. })
                || !matches!(difference, Difference::Content { .. });
            if looked_at_by_reference {
                return self.finish(altered.conclusion(self.count), out);
            }
            self.altered.get_or_insert(altered);
        }
        if self.echoed == self.count {
            self.finish(self.finished(), out);
        } else {
            self.send_next(out);
        }
    }

    fn unfinished(&self) -> Conclusion {
        let (echoed, count, seconds) = (self.echoed, self.count, self.within.as_secs());
        let text = format!("{echoed} of {count} echoes came within {seconds} seconds.");
        Conclusion::new(Grade::Failed, text)
    }

    fn largest_message(&self) -> usize {
        match self.source {
            Source::Same => self.message.payload.len(),
            Source::Data { largest, .. } => largest,
        }
    }

    fn data(&self) -> Option<DataSet> {
        match &self.source {
            Source::Same => None,
            Source::Data { windows, .. } => Some(windows.data()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::words::text;

    fn three() -> (EchoLoop, Outbox) {
        let mut driver = EchoLoop::of(text("abcd"), 1000, Duration::from_secs(60));
        let mut out = Outbox::default();
        driver.open(&Opened { loop_count: Some(3), ..Opened::default() }, &mut out);
        (driver, out)
    }

    fn echo(octets: &'static str) -> Event {
        Event::Message { binary: false, payload: Bytes::from_static(octets.as_bytes()).into() }
    }

    #[test]
    fn every_echo_asks_for_the_next_message_until_all_have_come() {
        let (mut driver, mut out) = three();
        for sent in 2..=4 {
            assert_eq!((out.steps.len(), &out.conclusion), (sent, &None));
            driver.event(&Event::Pong(Bytes::new().into()), &mut out);
            driver.event(&echo("abcd"), &mut out);
        }
        assert_eq!(out.steps.back(), Some(&close(NORMAL).into()));
        assert_eq!(out.conclusion.unwrap().grade, Grade::Ok);
    }

    #[test]
    fn an_altered_echo_fails_at_the_end_where_the_reference_passes_it() {
        let (mut driver, mut out) = three();
        for octets in ["abcd", "abxd", "abcd"] {
            driver.event(&echo(octets), &mut out);
        }
        let conclusion = out.conclusion.unwrap();
        assert_eq!((conclusion.grade, conclusion.reference_grade), (Grade::Failed, Some(Grade::Ok)));
        assert!(conclusion.text.contains("Echo 2 of 3") && conclusion.text.contains("octet 2"));
    }

    #[test]
    fn an_echo_of_another_length_fails_at_once() {
        let (mut driver, mut out) = three();
        driver.event(&echo("abc"), &mut out);
        driver.event(&echo("abcd"), &mut out);
        assert_eq!(out.steps.back(), Some(&close(NORMAL).into()));
        assert_eq!(
            out.conclusion.unwrap(),
            Conclusion::new(
                Grade::Failed,
                "Echo 1 of 3 is not the message: 3 octets came back instead of 4.",
            )
        );
    }

    #[test]
    fn an_altered_echo_of_data_fails_at_once() {
        let mut driver = EchoLoop::over(DataSet::Bitmap, 4, 1000, Duration::from_secs(60));
        let mut out = Outbox::default();
        driver.open(&Opened { deflate: true, ..Opened::default() }, &mut out);
        let altered = Event::Message { binary: true, payload: Bytes::from_static(&[1, 2, 3, 4]).into() };
        driver.event(&altered, &mut out);
        let conclusion = out.conclusion.unwrap();
        assert_eq!((conclusion.grade, conclusion.reference_grade), (Grade::Failed, None));
    }

    #[test]
    fn unfinished_says_how_far_it_came() {
        let (mut driver, mut out) = three();
        driver.event(&echo("abcd"), &mut out);
        assert_eq!(driver.unfinished().text, "1 of 3 echoes came within 60 seconds.");
    }
}
