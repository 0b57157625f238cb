use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use wsspec_wire::FrameHeader;

use crate::Untrusted;
use crate::record::Payload;

/// One entry of the wire log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number; checks point at it.
    pub i: usize,
    /// Microseconds since the start of the connection.
    pub us: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// From the tester's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dir {
    /// Sent by the tester.
    Tx,
    /// Received from the peer.
    Rx,
}

/// What a line of the wire log tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "kebab-case")]
pub enum Happening {
    /// A read or a write.
    Octets {
        /// Which way.
        dir: Dir,
        /// The octets.
        data: Payload,
        /// Written on its own.
        #[serde(default, skip_serializing_if = "is_false")]
        sync: bool,
    },
    /// A frame.
    Frame {
        /// Which way.
        dir: Dir,
        /// The opcode.
        op: u8,
        /// FIN.
        fin: bool,
        /// RSV1 to RSV3 as a number, 4 is RSV1.
        rsv: u8,
        /// The masking key.
        #[serde(with = "hex_option", default, skip_serializing_if = "Option::is_none")]
        mask: Option<[u8; 4]>,
        /// The payload, unmasked.
        data: Payload,
        /// The header and as much of the payload as was kept, as on the wire.
        #[serde(with = "hex_octets")]
        wire: Vec<u8>,
        /// The payload repeats its first so many octets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<u64>,
        /// Written in pieces of this size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chop: Option<usize>,
        /// Written on its own.
        #[serde(default, skip_serializing_if = "is_false")]
        sync: bool,
    },
    /// The script waits for so many microseconds.
    Wait {
        /// How long.
        delay_us: u64,
        /// Its name.
        tag: Option<String>,
    },
    /// The wait ran out.
    WaitEnd {
        /// Its name.
        tag: Option<String>,
    },
    /// The timer that fails the connection was armed.
    FailTimer {
        /// For so long.
        delay_us: u64,
    },
    /// It fired.
    FailTimerFired,
    /// The timer that closes the connection was armed.
    CloseTimer {
        /// For so long.
        delay_us: u64,
    },
    /// It fired.
    CloseTimerFired,
    /// Octets and frames are recorded from here on, or no more.
    Recording {
        /// From here on.
        on: bool,
    },
    /// The tester failed the connection.
    Failed {
        /// Why.
        why: Untrusted,
    },
    /// TCP ended.
    Tcp {
        /// Who ended it: `peer-fin`, `peer-rst` or `wsspec`.
        end: String,
    },
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Happening {
    /// The header of a frame, read from its octets.
    pub fn header(&self) -> Option<FrameHeader> {
        match self {
            Self::Frame { wire, .. } => FrameHeader::decode(wire).map(|(header, _)| header),
            _ => None,
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Octets in lower-case hex, without separators.
pub(crate) fn hex(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len() * 2);
    octets.iter().for_each(|octet| push_hex(&mut out, *octet));
    out
}

/// Appends an octet as two digits.
pub(crate) fn push_hex(out: &mut String, octet: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for digit in [octet >> 4, octet & 15] {
        out.push(char::from(DIGITS[usize::from(digit)]));
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks(2) {
        out.push(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    }
    Some(out)
}

mod hex_octets {
    use super::*;

    pub(super) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text).ok_or_else(|| D::Error::custom("octets are written as pairs of hex digits"))
    }
}

mod hex_option {
    use super::*;

    pub(super) fn serialize<S: Serializer>(key: &Option<[u8; 4]>, serializer: S) -> Result<S::Ok, S::Error> {
        key.map(|key| hex(&key)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[u8; 4]>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let key = unhex(&text).and_then(|octets| octets.try_into().ok());
        key.map(Some).ok_or_else(|| D::Error::custom("a masking key is eight hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways() {
        assert_eq!(hex(&[0, 0x1f, 0xff]), "001fff");
        assert_eq!(unhex("001Fff"), Some(vec![0, 0x1f, 0xff]));
        assert_eq!((unhex("0"), unhex("zz")), (None, None));
    }

    #[test]
    fn unknown_happenings_are_read_as_such() {
        let line: LogLine = serde_json::from_str(r#"{"i":1,"us":2,"k":"quantum","x":3}"#).unwrap();
        assert_eq!(line, LogLine { i: 1, us: 2, what: Happening::Unknown });
    }
}
