//! The direct command mode of the reference: a client says in JSON what the server sends to it.
//!
//! `["sendframe", {…}]`, `["sendframes", [{…}, …]]`, `["echo", {…}]` and `["close", {…}]`. It is played like any
//! case: the commands become the steps that scripts are made of.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use wsspec_cases::{
    Case, CloseSpec, Conclusion, Driver, Event, FrameSpec, Grade, Masking, MessageSpec, Opened, Outbox,
    Payload, Play, Step, suite,
};
use wsspec_wire::{Opcode, Rsv};

/// A command is no longer than this many octets.
const COMMAND_LIMIT: usize = 1 << 20;
/// What one command makes the server send is no longer than this.
const PAYLOAD_LIMIT: usize = 16 << 20;
/// So long a client can command the server.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// The case in which the client commands.
pub(super) fn case() -> Case {
    let play = || -> Box<dyn Driver> { Box::new(Commands) };
    Case {
        play: Play::Drive(Arc::new(play), "The client says what is sent.".into()),
        deflate: None,
        accepts: Vec::new(),
        time_limit: TIME_LIMIT,
        ..suite().cases()[0].clone()
    }
}

struct Commands;

impl Driver for Commands {
    fn open(&mut self, _opened: &Opened, _out: &mut Outbox) {}

    fn event(&mut self, event: &Event, out: &mut Outbox) {
        let Event::Message { binary: false, payload } = event else { return };
        if !payload.is_whole() {
            return out.push(refusal("the command is too long"));
        }
        match steps(&payload.kept) {
            Ok(steps) => out.steps.extend(steps),
            Err(why) => out.push(refusal(why)),
        }
    }

    fn unfinished(&self) -> Conclusion {
        Conclusion::new(Grade::Informational, "The client commanded.")
    }

    fn largest_message(&self) -> usize {
        COMMAND_LIMIT
    }
}

fn refusal(why: &'static str) -> Step {
    CloseSpec {
        code: Some(wsspec_wire::close_code::POLICY_VIOLATION),
        reason: Bytes::from_static(why.as_bytes()),
    }
    .into()
}

fn steps(command: &[u8]) -> Result<Vec<Step>, &'static str> {
    let (name, options): (String, Value) =
        serde_json::from_slice(command).map_err(|_| "a command is a JSON list: [NAME, OPTIONS]")?;
    let one = || options.as_object().ok_or("the options are a JSON object");
    match name.as_str() {
        "sendframe" => Ok(vec![frame(one()?)?.into()]),
        "sendframes" => {
            options.as_array().ok_or("the options are a list of objects")?.iter().map(one_of).collect()
        }
        "echo" => Ok(vec![Step::SendMessage(message(one()?)?)]),
        "close" => Ok(vec![close(one()?)?.into()]),
        _ => Err("the commands are sendframe, sendframes, echo and close"),
    }
}

/// A frame of a list stands there as `{…}`, or as `["sendframe", {…}]`.
fn one_of(item: &Value) -> Result<Step, &'static str> {
    let options = item.as_array().and_then(|pair| pair.get(1)).unwrap_or(item);
    Ok(frame(options.as_object().ok_or("a frame is a JSON object")?)?.into())
}

fn frame(options: &Map<String, Value>) -> Result<FrameSpec, &'static str> {
    let bits = |key, most: u64| number(options, key, most);
    let opcode = bits("opcode", 15)?.ok_or("a frame needs an opcode from 0 to 15")?;
    Ok(FrameSpec {
        fin: flag(options, "fin").unwrap_or(true),
        rsv: Rsv::new(bits("rsv", 7)?.unwrap_or(0) as u8),
        mask: mask(options)?,
        chop: bits("chopsize", PAYLOAD_LIMIT as u64)?.filter(|size| *size > 0).map(|size| size as usize),
        sync: flag(options, "sync").unwrap_or(false),
        ..FrameSpec::new(Opcode::new(opcode as u8), payload(options)?)
    })
}

fn message(options: &Map<String, Value>) -> Result<MessageSpec, &'static str> {
    let opcode = if flag(options, "binary").unwrap_or(false) { Opcode::BINARY } else { Opcode::TEXT };
    Ok(FrameSpec::new(opcode, payload(options)?).into())
}

fn close(options: &Map<String, Value>) -> Result<CloseSpec, &'static str> {
    let code = number(options, "code", u16::MAX.into())?.map(|code| code as u16);
    Ok(CloseSpec { code, reason: text(options, "reason")?.unwrap_or_default() })
}

/// The payload, repeated or cut to `payload_len`.
fn payload(options: &Map<String, Value>) -> Result<Payload, &'static str> {
    let unit = text(options, "payload")?.unwrap_or_default();
    match number(options, "payload_len", PAYLOAD_LIMIT as u64)? {
        Some(len) if !unit.is_empty() => Ok(Payload::Repeat { unit, len: len as usize }),
        _ => Ok(unit.into()),
    }
}

/// Four octets in hex, or true for a key of zeros; a server does not mask otherwise.
fn mask(options: &Map<String, Value>) -> Result<Masking, &'static str> {
    match options.get("mask") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(Masking::ByRole),
        Some(Value::Bool(true)) => Ok(Masking::Key([0; 4])),
        Some(Value::String(hex)) if hex.len() == 8 => {
            let key = u32::from_str_radix(hex, 16).map_err(|_| "a mask is 8 hexadecimal digits")?;
            Ok(Masking::Key(key.to_be_bytes()))
        }
        Some(_) => Err("a mask is 8 hexadecimal digits, or true"),
    }
}

fn text(options: &Map<String, Value>, key: &str) -> Result<Option<Bytes>, &'static str> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Bytes::from(text.clone().into_bytes()))),
        Some(_) => Err("payload and reason are text"),
    }
}

fn flag(options: &Map<String, Value>, key: &str) -> Option<bool> {
    options.get(key)?.as_bool()
}

fn number(options: &Map<String, Value>, key: &str, most: u64) -> Result<Option<u64>, &'static str> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_u64().filter(|number| *number <= most).map(Some).ok_or("a number is out of range")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: &str) -> Vec<Step> {
        steps(command.as_bytes()).unwrap()
    }

    #[test]
    fn every_option_of_a_frame_counts() {
        let command = r#"["sendframe", {"opcode": 9, "payload": "ab", "payload_len": 5, "fin": false, "rsv": 5,
            "mask": "01020304", "chopsize": 2, "sync": true}]"#;
        let frame = FrameSpec {
            fin: false,
            rsv: Rsv::new(5),
            mask: Masking::Key([1, 2, 3, 4]),
            chop: Some(2),
            sync: true,
            ..FrameSpec::new(Opcode::PING, Bytes::from_static(b"ababa"))
        };
        assert_eq!(told(command), [Step::Send(frame)]);
        assert_eq!(
            told(r#"["sendframe", {"opcode": 1}]"#),
            [FrameSpec::new(Opcode::TEXT, Bytes::new()).into()]
        );
    }

    #[test]
    fn frames_echoes_and_closes_are_told() {
        let frames = [FrameSpec::new(Opcode::TEXT, "a"), FrameSpec::new(Opcode::PING, "")].map(Step::from);
        assert_eq!(
            told(r#"["sendframes", [{"opcode": 1, "payload": "a"}, ["sendframe", {"opcode": 9}]]]"#),
            frames
        );
        let echo = Step::SendMessage(FrameSpec::new(Opcode::TEXT, "xyx").into());
        assert_eq!(told(r#"["echo", {"payload": "xy", "payload_len": 3}]"#), [echo]);
        let close = CloseSpec { code: Some(1001), reason: Bytes::from_static(b"bye") };
        assert_eq!(told(r#"["close", {"code": 1001, "reason": "bye"}]"#), [Step::Close(close)]);
        assert_eq!(told(r#"["close", {}]"#), [Step::Close(CloseSpec::default())]);
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for command in [
            "",
            "nonsense",
            "[]",
            r#"["sendframe"]"#,
            r#"["sendframe", {}]"#,
            r#"["sendframe", {"opcode": 16}]"#,
            r#"["sendframe", {"opcode": 1, "payload_len": 99999999999}]"#,
            r#"["sendframe", {"opcode": 1, "payload": 7}]"#,
            r#"["sendframe", {"opcode": 1, "mask": "xyz"}]"#,
            r#"["explode", {}]"#,
        ] {
            assert!(steps(command.as_bytes()).is_err(), "{command}");
        }
    }
}
