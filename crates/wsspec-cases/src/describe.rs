//! Steps and accepted outcomes as text: what `explain` and the report pages show.

use std::fmt;
use std::time::Duration;

use wsspec_wire::{FrameHeader, LengthForm, Opcode, encode_close};

use crate::case::{Accept, Case, Play};
use crate::event::Expected;
use crate::step::{Await, Awaited, CloseSpec, FrameSpec, Length, Masking, MessageSpec, Payload, Step};

/// How many octets of a payload are shown.
const SHOWN: usize = 48;

/// A step, told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepText {
    /// Such as `Text fin=0 "fragment1"`.
    pub words: String,
    /// The octets that go on the wire, in hex, before masking; long payloads are cut. `None` if the step
    /// sends nothing, or more than one frame.
    pub hex: Option<String>,
}

impl Case {
    /// What is sent, step by step. A driven case is told in one line.
    pub fn describe_steps(&self) -> Vec<StepText> {
        match &self.play {
            Play::Script(steps) => steps.iter().map(Step::describe).collect(),
            Play::Drive(_, words) => vec![StepText { words: words.to_string(), hex: None }],
            Play::Passive(_) => {
                vec![StepText { words: "watch the peer in all other cases".to_owned(), hex: None }]
            }
            Play::Series(_) => self.describe_series(),
        }
    }
}

impl Case {
    /// A series in one line, and its first and its last connection.
    fn describe_series(&self) -> Vec<StepText> {
        let Some(series) = self.series() else { return Vec::new() };
        let order = if series.at_once { "at once" } else { "one after the other" };
        let words = format!("{} connections, {order}: {}", series.count, series.words);
        let line = |words: String| StepText { words, hex: None };
        let mut lines = vec![line(words)];
        for number in [0, series.count - 1] {
            let part = self.part(number);
            lines.push(line(format!("connection {}: {}", number + 1, part.title)));
            lines.extend(part.describe_steps());
        }
        lines
    }
}

impl Step {
    /// The step in words and octets.
    pub fn describe(&self) -> StepText {
        let words = match self {
            Self::Send(frame) => frame.to_string(),
            Self::SendMessage(message) => message.to_string(),
            Self::Data(payload) => format!("more payload {payload}"),
            Self::Octets(octets) => format!("octets {}", hex(octets)),
            Self::Close(close) => close.to_string(),
            Self::Wait { duration, tag: None } => format!("wait {}", time(*duration)),
            Self::Wait { duration, tag: Some(tag) } => format!("wait {}, noted as {tag}", time(*duration)),
            Self::FailAfter(duration) => {
                format!("fail the connection if it is still open {} later", time(*duration))
            }
            Self::CloseAfter(duration) => {
                format!("close the connection if it is still open {} later", time(*duration))
            }
            Self::ClosingBegan(_) => "that was the Close frame: the closing handshake has begun".to_owned(),
            Self::Await(awaited) => awaited.to_string(),
            Self::AnswerPing => "Pong with the payload of the last Ping that came".to_owned(),
            Self::StopReading => "stop reading".to_owned(),
            Self::ResumeReading => "read again".to_owned(),
            Self::HalfClose => "send FIN".to_owned(),
            Self::EndByRole => "end TCP as the server, or wait until the server has ended it".to_owned(),
            Self::EndTcp => "end TCP".to_owned(),
            Self::Reset => "send RST".to_owned(),
        };
        StepText { words, hex: self.octets() }
    }

    fn octets(&self) -> Option<String> {
        match self {
            Self::Send(frame) => Some(frame_octets(&frame.header(), &frame.payload)),
            Self::SendMessage(MessageSpec { fragment: None, opcode, payload, .. }) => {
                Some(frame_octets(&FrameHeader::new(*opcode, payload.len() as u64), payload))
            }
            Self::Data(payload) => Some(payload_octets(payload)),
            Self::Octets(octets) => Some(payload_octets(&octets.clone().into())),
            Self::Close(close) => {
                let body = encode_close(close.code, &close.reason);
                Some(frame_octets(&FrameHeader::new(Opcode::CLOSE, body.len() as u64), &body.into()))
            }
            _ => None,
        }
    }
}

impl FrameSpec {
    /// The header as it goes on the wire, without the masking key.
    pub fn header(&self) -> FrameHeader {
        let true_length = self.payload.len() as u64;
        let (length_form, length) = match self.length {
            Length::Minimal => (LengthForm::minimal(true_length), true_length),
            Length::Form(form) => (form, true_length),
            Length::Claimed(form, length) => (form, length),
        };
        let header = FrameHeader::new(self.opcode, length);
        FrameHeader { fin: self.fin, rsv: self.rsv, length_form, ..header }
    }
}

/// `Text fin=0 "fragment1"`
impl fmt::Display for FrameSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fin={}", name(self.opcode), u8::from(self.fin))?;
        if !self.rsv.is_none() {
            write!(f, " rsv={}", self.rsv.bits())?;
        }
        write!(f, " {}", self.payload)?;
        match self.length {
            Length::Minimal => {}
            Length::Form(form) => write!(f, ", length in {}", bits(form))?,
            Length::Claimed(form, length) => write!(f, ", length {length} in {} announced", bits(form))?,
        }
        match self.mask {
            Masking::ByRole => {}
            Masking::Key(key) => write!(f, ", masked with {}", hex(&key))?,
            Masking::None => write!(f, ", not masked")?,
        }
        pieces(f, self.chop)?;
        if self.torn {
            write!(f, ", cut one octet before and one behind the end of its header")?;
        }
        if self.sync { write!(f, ", pushed on its own") } else { Ok(()) }
    }
}

/// `Text message "Hello" in fragments of 1 octet`
impl fmt::Display for MessageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} message {}", name(self.opcode), self.payload)?;
        if let Some(octets) = self.fragment {
            write!(f, " in fragments of {}", count(octets))?;
        }
        pieces(f, self.chop)
    }
}

/// `Close 1000 "reason"`
impl fmt::Display for CloseSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "Close {code}")?,
            None => write!(f, "Close without code")?,
        }
        if self.reason.is_empty() { Ok(()) } else { write!(f, " {}", Payload::from(self.reason.clone())) }
    }
}

/// Text in quotes, other octets in hex; long ones cut.
impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeat { unit, len } if *len > unit.len() => {
                write!(f, "{} repeated to {}", Self::from(unit.clone()), count(*len))
            }
            _ if self.len() > SHOWN => {
                let beginning = self.to_bytes().slice(..SHOWN);
                let cut = std::str::from_utf8(&beginning).map_or_else(|error| error.valid_up_to(), str::len);
                let beginning = if cut + 3 < SHOWN { beginning } else { beginning.slice(..cut) };
                write!(f, "{}… of {}", Self::from(beginning), count(self.len()))
            }
            _ => {
                let octets = self.to_bytes();
                match std::str::from_utf8(&octets) {
                    Ok(text) => write!(f, "{text:?}"),
                    Err(_) => write!(f, "{}", hex(&octets)),
                }
            }
        }
    }
}

/// `wait for the peer's Close frame, at most 2 s`
impl fmt::Display for Await {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wait for {}, at most {}", self.what, time(self.within))?;
        if self.perhaps { write!(f, ", and go on") } else { Ok(()) }
    }
}

/// `the peer's Close frame`
impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close => f.write_str("the peer's Close frame"),
            Self::Ping => f.write_str("a Ping"),
            Self::Messages(1) => f.write_str("a message"),
            Self::Messages(count) => write!(f, "{count} messages"),
            Self::EndOfTcp => f.write_str("the peer's end of TCP"),
        }
    }
}

/// `text message "Hello"`
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { binary: true, payload } => write!(f, "binary message {payload}"),
            Self::Message { binary: false, payload } => write!(f, "text message {payload}"),
            Self::Pong(payload) => write!(f, "pong {payload}"),
            Self::Elapsed(tag) => write!(f, "wait {tag} runs out"),
        }
    }
}

/// The events, one after the other.
impl fmt::Display for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<String> = self.events.iter().map(ToString::to_string).collect();
        if events.is_empty() { f.write_str("nothing") } else { f.write_str(&events.join(", then ")) }
    }
}

fn name(opcode: Opcode) -> String {
    if opcode.is_reserved() {
        return format!("opcode {}", opcode.bits());
    }
    let name = opcode.name();
    name[..1].to_uppercase() + &name[1..]
}

const fn bits(form: LengthForm) -> &'static str {
    match form {
        LengthForm::Bits7 => "7 bits",
        LengthForm::Bits16 => "16 bits",
        LengthForm::Bits64 => "64 bits",
    }
}

fn pieces(f: &mut fmt::Formatter<'_>, chop: Option<usize>) -> fmt::Result {
    match chop {
        Some(octets) => write!(f, ", in pieces of {}", count(octets)),
        None => Ok(()),
    }
}

fn count(octets: usize) -> String {
    if octets == 1 { "1 octet".to_owned() } else { format!("{octets} octets") }
}

fn time(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms.is_multiple_of(1000) { format!("{} s", ms / 1000) } else { format!("{ms} ms") }
}

fn frame_octets(header: &FrameHeader, payload: &Payload) -> String {
    let mut octets = Vec::new();
    header.encode(&mut octets);
    format!("{} {}", hex(&octets), payload_octets(payload)).trim_end().to_owned()
}

fn payload_octets(payload: &Payload) -> String {
    let shown = payload.to_bytes();
    if shown.len() <= SHOWN { hex(&shown) } else { format!("{} …", hex(&shown[..SHOWN])) }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::suite;
    use crate::words::*;

    fn told(id: &str) -> Vec<StepText> {
        suite().get(id.parse().unwrap()).unwrap().describe_steps()
    }

    fn step(words: &str, hex: Option<&str>) -> StepText {
        StepText { words: words.to_owned(), hex: hex.map(str::to_owned) }
    }

    #[test]
    fn a_script_reads_like_the_wire() {
        let expected = [
            step("Text fin=0 \"fragment1\"", Some("01 09 66 72 61 67 6d 65 6e 74 31")),
            step("Continuation fin=1 \"fragment2\"", Some("80 09 66 72 61 67 6d 65 6e 74 32")),
            step("Continuation fin=0 \"fragment3\"", Some("00 09 66 72 61 67 6d 65 6e 74 33")),
            step("Text fin=1 \"fragment4\"", Some("81 09 66 72 61 67 6d 65 6e 74 34")),
            step("fail the connection if it is still open 1 s later", None),
        ];
        assert_eq!(told("5.15"), expected);
    }

    #[test]
    fn every_field_of_a_frame_is_told() {
        let plain = text("Hi").rsv(6).chop(1).sync();
        assert_eq!(plain.to_string(), "Text fin=1 rsv=6 \"Hi\", in pieces of 1 octet, pushed on its own");
        let odd = FrameSpec {
            mask: Masking::Key([1, 2, 3, 4]),
            length: Length::Form(LengthForm::Bits64),
            ..frame(11, vec![0xff])
        };
        assert_eq!(odd.to_string(), "opcode 11 fin=1 ff, length in 64 bits, masked with 01 02 03 04");
        let bare = FrameSpec { mask: Masking::None, ..ping("").announcing(126) };
        assert_eq!(bare.to_string(), "Ping fin=1 \"\", length 126 in 16 bits announced, not masked");
        assert_eq!(Step::from(bare).describe().hex.unwrap(), "89 7e 00 7e");
    }

    #[test]
    fn closes_waits_and_messages_are_told() {
        assert_eq!(told("7.3.4")[0].words, "Close 1000 \"Hello World!\"");
        assert_eq!(told("7.3.2")[0], step("Close without code \"a\"", Some("88 01 61")));
        assert_eq!(told("6.4.1")[1].words, "wait 1 s, noted as A");
        assert_eq!(told("6.5.1")[1].words, "fail the connection if it is still open 500 ms later");
        assert_eq!(
            told("10.1.1")[0].words,
            "Text message \"*\" repeated to 65536 octets in fragments of 1300 octets"
        );
        assert_eq!(told("9.7.2")[0].hex, None);
    }

    #[test]
    fn long_payloads_are_cut_between_characters() {
        let text = "ä".repeat(40);
        assert_eq!(Payload::from(text.clone()).to_string(), format!("{:?}… of 80 octets", &text[..48]));
        let shifted = format!("x{text}");
        assert_eq!(Payload::from(shifted.clone()).to_string(), format!("{:?}… of 81 octets", &shifted[..47]));
        let octets = Payload::from(vec![0xff; 50]);
        assert_eq!(octets.to_string(), format!("{}… of 50 octets", vec!["ff"; 48].join(" ")));
    }

    #[test]
    fn accepted_outcomes_are_told() {
        let case = suite().get("5.6".parse().unwrap()).unwrap();
        assert_eq!(
            case.accepts[0].to_string(),
            "pong \"ping payload\", then text message \"fragment1fragment2\""
        );
        assert_eq!(suite().get("3.1".parse().unwrap()).unwrap().accepts[0].to_string(), "nothing");
    }
}
