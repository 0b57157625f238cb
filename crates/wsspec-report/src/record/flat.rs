//! How lines of the wire log and events are read: every field that any kind has, then the kind. Serde's own way
//! to read such unions goes through a tree of values, which takes most of the time that a large record takes.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::Untrusted;
use crate::record::{Dir, EventRecord, Happening, LogLine, Near, Payload};

/// A text that stays where it was read, unless it holds escapes.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// A line of the wire log.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    i: usize,
    us: u64,
    #[serde(borrow)]
    k: Text<'a>,
    dir: Option<Dir>,
    data: Option<Payload>,
    #[serde(default)]
    sync: bool,
    op: Option<u8>,
    fin: Option<bool>,
    rsv: Option<u8>,
    #[serde(borrow)]
    mask: Option<Text<'a>>,
    wire: Option<Hex>,
    unit: Option<u64>,
    chop: Option<usize>,
    delay_us: Option<u64>,
    tag: Option<String>,
    on: Option<bool>,
    why: Option<Untrusted>,
    end: Option<String>,
}

/// A field of this kind is missing, or has no value of its kind.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    #[error("missing field `{0}`")]
    Missing(&'static str),
    #[error("a masking key is eight hex digits")]
    Mask,
    #[error("unknown event `{0}`")]
    Event(String),
}

impl TryFrom<Line<'_>> for LogLine {
    type Error = Flaw;

    fn try_from(line: Line<'_>) -> Result<Self, Flaw> {
        Ok(Self { i: line.i, us: line.us, what: happening(line)? })
    }
}

fn happening(line: Line<'_>) -> Result<Happening, Flaw> {
    let delay_us = line.delay_us.ok_or(Flaw::Missing("delay_us"));
    Ok(match &*line.k {
        "octets" => Happening::Octets {
            dir: line.dir.ok_or(Flaw::Missing("dir"))?,
            data: line.data.ok_or(Flaw::Missing("data"))?,
            sync: line.sync,
        },
        "frame" => Happening::Frame {
            dir: line.dir.ok_or(Flaw::Missing("dir"))?,
            op: line.op.ok_or(Flaw::Missing("op"))?,
            fin: line.fin.ok_or(Flaw::Missing("fin"))?,
            rsv: line.rsv.ok_or(Flaw::Missing("rsv"))?,
            mask: line.mask.map(|key| unhex_key(&key).ok_or(Flaw::Mask)).transpose()?,
            data: line.data.ok_or(Flaw::Missing("data"))?,
            wire: line.wire.ok_or(Flaw::Missing("wire"))?.0,
            unit: line.unit,
            chop: line.chop,
            sync: line.sync,
        },
        "wait" => Happening::Wait { delay_us: delay_us?, tag: line.tag },
        "wait-end" => Happening::WaitEnd { tag: line.tag },
        "fail-timer" => Happening::FailTimer { delay_us: delay_us? },
        "fail-timer-fired" => Happening::FailTimerFired,
        "close-timer" => Happening::CloseTimer { delay_us: delay_us? },
        "close-timer-fired" => Happening::CloseTimerFired,
        "recording" => Happening::Recording { on: line.on.ok_or(Flaw::Missing("on"))? },
        "failed" => Happening::Failed { why: line.why.ok_or(Flaw::Missing("why"))? },
        "tcp" => Happening::Tcp { end: line.end.ok_or(Flaw::Missing("end"))? },
        _ => Happening::Unknown,
    })
}

/// An event that a case is judged by.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    binary: Option<bool>,
    data: Option<Payload>,
    differs_at: Option<u64>,
    near: Option<Box<Near>>,
    tag: Option<String>,
    for_us: Option<u64>,
}

impl TryFrom<Event<'_>> for EventRecord {
    type Error = Flaw;

    fn try_from(event: Event<'_>) -> Result<Self, Flaw> {
        let data = event.data.ok_or(Flaw::Missing("data"));
        Ok(match &*event.event {
            "message" => Self::Message {
                binary: event.binary.ok_or(Flaw::Missing("binary"))?,
                data: data?,
                differs_at: event.differs_at,
                near: event.near,
            },
            "pong" => Self::Pong { data: data? },
            "elapsed" => Self::Elapsed {
                tag: event.tag.ok_or(Flaw::Missing("tag"))?,
                for_us: event.for_us.unwrap_or_default(),
            },
            other => return Err(Flaw::Event(other.to_owned())),
        })
    }
}

/// Octets that are written as pairs of hex digits.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        unhex(&text).map(Self).ok_or_else(|| D::Error::custom("octets are written as pairs of hex digits"))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks() else { return None };
    let mut octets = Vec::with_capacity(pairs.len());
    for pair in pairs {
        octets.push(octet(*pair)?);
    }
    Some(octets)
}

fn unhex_key(text: &str) -> Option<[u8; 4]> {
    let (pairs, []) = text.as_bytes().as_chunks() else { return None };
    let [a, b, c, d] = *pairs else { return None };
    Some([octet(a)?, octet(b)?, octet(c)?, octet(d)?])
}

fn octet([high, low]: [u8; 2]) -> Option<u8> {
    Some(digit(high)? << 4 | digit(low)?)
}

const fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_in_both_cases_and_never_by_half() {
        assert_eq!(unhex("001Fff"), Some(vec![0, 0x1f, 0xff]));
        assert_eq!((unhex("0"), unhex("zz"), unhex("")), (None, None, Some(vec![])));
    }

    #[test]
    fn a_missing_field_is_named() {
        let read = |json: &str| serde_json::from_str::<LogLine>(json).unwrap_err().to_string();
        assert!(read(r#"{"i":1,"us":2,"k":"tcp"}"#).contains("missing field `end`"));
        let frame = r#""k":"frame","dir":"tx","op":1,"fin":true,"rsv":0,"data":{"len":0},"wire":"8100""#;
        for key in ["00", "0011223", "001122334g", "0011223g"] {
            let message = read(&format!(r#"{{"i":1,"us":2,{frame},"mask":"{key}"}}"#));
            assert!(message.contains("eight hex digits"), "{message}");
        }
        let event = serde_json::from_str::<EventRecord>(r#"{"event":"weather"}"#).unwrap_err().to_string();
        assert!(event.contains("unknown event `weather`"));
    }
}
