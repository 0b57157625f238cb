use serde::{Deserialize, Serialize, Serializer};
use wsspec_wire::FrameHeader;

use crate::Untrusted;
use crate::record::{Payload, flat};

/// One entry of the wire log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "flat::Line<'_>")]
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
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "k", rename_all = "kebab-case")]
pub enum Happening {
    /// A read or a write.
    Octets {
        /// Which way.
        dir: Dir,
        /// The octets.
        data: Payload,
        /// Written on its own.
        #[serde(skip_serializing_if = "is_false")]
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
        #[serde(serialize_with = "write_hex_option", skip_serializing_if = "Option::is_none")]
        mask: Option<[u8; 4]>,
        /// The payload, unmasked.
        data: Payload,
        /// The header and as much of the payload as was kept, as on the wire.
        #[serde(serialize_with = "write_hex")]
        wire: Vec<u8>,
        /// The payload repeats its first so many octets.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<u64>,
        /// Written in pieces of this size.
        #[serde(skip_serializing_if = "Option::is_none")]
        chop: Option<usize>,
        /// Written on its own.
        #[serde(skip_serializing_if = "is_false")]
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
    Unknown,
}

impl Happening {
    /// Whether it is a frame of which only the beginning went over the wire, or was logged as one: the rest of its
    /// payload was streamed, or never came.
    pub fn is_begun_only(&self) -> bool {
        let Self::Frame { data, .. } = self else { return false };
        self.header().is_some_and(|header| header.length > data.len())
    }

    /// How many octets of a frame went over the wire, with its header.
    pub fn frame_octets(&self) -> Option<u64> {
        let Self::Frame { wire, data, .. } = self else { return None };
        Some((wire.len() as u64).saturating_add(data.len()).saturating_sub(data.kept().len() as u64))
    }

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
    let mut out = Vec::with_capacity(octets.len() * 2);
    for octet in octets {
        out.extend_from_slice(&digits(*octet));
    }
    String::from_utf8(out).expect("digits are ASCII")
}

/// The two digits of an octet.
pub(crate) const fn digits(octet: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(octet >> 4) as usize], DIGITS[(octet & 15) as usize]]
}

fn write_hex<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(octets))
}

fn write_hex_option<S: Serializer>(key: &Option<[u8; 4]>, serializer: S) -> Result<S::Ok, S::Error> {
    key.map(|key| hex(&key)).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_written_as_hex() {
        assert_eq!(hex(&[0, 0x1f, 0xff]), "001fff");
    }

    #[test]
    fn unknown_happenings_are_read_as_such() {
        let line: LogLine = serde_json::from_str(r#"{"i":1,"us":2,"k":"quantum","x":3}"#).unwrap();
        assert_eq!(line, LogLine { i: 1, us: 2, what: Happening::Unknown });
    }
}
