use crate::{Case, Play, Step};

impl Case {
    /// The largest message that goes either way, in octets.
    pub fn largest_message(&self) -> u64 {
        let octets = match &self.play {
            Play::Drive(driver, _) => driver().largest_message(),
            Play::Script(steps) => steps.iter().map(payload_of).max().unwrap_or(0),
            Play::Passive(_) => 0,
            Play::Series(_) => {
                return self.parts(Some(3)).map(|part| part.largest_message()).max().unwrap_or(0);
            }
        };
        octets as u64
    }
}

fn payload_of(step: &Step) -> usize {
    match step {
        Step::Send(frame) => frame.payload.len(),
        Step::SendMessage(message) => message.payload.len(),
        Step::Data(payload) => payload.len(),
        _ => 0,
    }
}
