use std::collections::VecDeque;

use wsspec_wire::{FrameHeader, Inspection};

use crate::case::{Grade, Text};
use crate::data::DataSet;
use crate::event::Event;
use crate::step::Step;

/// What was agreed in the opening handshake, as far as a driver needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// permessage-deflate was negotiated.
    pub deflate: bool,
    /// The subprotocol, if one was agreed.
    pub subprotocol: Option<String>,
    /// Stands in for the number of round trips of a loop, for quick runs.
    pub loop_count: Option<u32>,
}

/// Control flow for the few cases that a list of steps cannot tell: sans-IO, emitting the same steps.
pub trait Driver: Send {
    /// The connection is open.
    fn open(&mut self, opened: &Opened, out: &mut Outbox);

    /// Something came from the peer or a wait ran out.
    fn event(&mut self, event: &Event, out: &mut Outbox);

    /// A frame came, whole; `payload` holds its first octets, unmasked.
    fn frame(&mut self, header: &FrameHeader, payload: &[u8], out: &mut Outbox) {
        let _ = (header, payload, out);
    }

    /// The message that comes next was compressed: what its DEFLATE blocks say. Not called for messages that
    /// are too large to be inspected.
    fn inspected(&mut self, inspection: &Inspection, out: &mut Outbox) {
        let _ = (inspection, out);
    }

    /// The verdict if the case ends before the driver concluded.
    fn unfinished(&self) -> Conclusion;

    /// The verdict if the peer ends the connection before the driver concluded, with this code if with a Close frame
    /// that has one.
    fn ended_by_peer(&self, _code: Option<u16>) -> Conclusion {
        self.unfinished()
    }

    /// The largest message in octets that the driver needs to see whole.
    fn largest_message(&self) -> usize;

    /// The data set whose windows it sends, if it does.
    fn data(&self) -> Option<DataSet> {
        None
    }
}

/// Where a driver puts its steps and its conclusion.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Steps still to be done, in order.
    pub steps: VecDeque<Step>,
    /// What the driver found; the first one stands.
    pub conclusion: Option<Conclusion>,
}

impl Outbox {
    /// Queue a step.
    pub fn push(&mut self, step: Step) {
        self.steps.push_back(step);
    }

    /// State the verdict. Later ones do not count.
    pub fn conclude(&mut self, conclusion: Conclusion) {
        self.conclusion.get_or_insert(conclusion);
    }
}

/// The verdict of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// The verdict by the RFC.
    pub grade: Grade,
    /// The verdict of the reference suite where it differs (its echo cases compare the length only).
    pub reference_grade: Option<Grade>,
    /// What was found, for people.
    pub text: Text,
    /// The sentence in files of the reference's format, which scripts look for, where it says less.
    pub reference_text: Option<Text>,
}

impl Conclusion {
    /// A conclusion on which the reference suite agrees.
    pub fn new(grade: Grade, text: impl Into<Text>) -> Self {
        Self { grade, reference_grade: None, text: text.into(), reference_text: None }
    }
}
