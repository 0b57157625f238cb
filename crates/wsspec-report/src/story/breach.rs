//! The frame with which the tester breaks a rule on purpose.

use wsspec_wire::{CloseBody, FrameHeader, Opcode};

use super::broken_text::broken_texts;
use super::units::count;
use crate::record::{CaseRecord, Dir, Happening, Payload, Role};

/// The codes that a Close frame may carry, RFC 6455 section 7.4 and the registry.
const SENDABLE: [std::ops::RangeInclusive<u16>; 3] = [1000..=1003, 1007..=1014, 3000..=4999];
/// The most octets that a control frame may carry, RFC 6455 section 5.5.
const CONTROL: u64 = 125;

/// The first frame of the tester that no conforming endpoint sends: its line, and what is wrong with it. The tester
/// means it; how the implementation takes it is what the case is about.
pub fn sent_breach(case: &CaseRecord) -> Option<(usize, String)> {
    let texts = broken_texts(case);
    let mut state = State { is_open: false, closed: false, masked: case.role == Role::Server };
    let negotiated = case.handshake.extensions.is_some();
    case.events.iter().find_map(|line| {
        let Happening::Frame { dir: Dir::Tx, data, .. } = &line.what else { return None };
        let header = line.what.header()?;
        let of_frame = state.breach(&header).or_else(|| of_header(&header, negotiated));
        let told = of_frame.or_else(|| of_content(&header, data));
        let told = told.or_else(|| texts.get(&line.i).map(|_| "this is no UTF-8".to_owned()));
        told.map(|told| (line.i, told))
    })
}

/// What was sent before.
struct State {
    /// A message has begun and is not complete.
    is_open: bool,
    closed: bool,
    masked: bool,
}

impl State {
    fn breach(&mut self, header: &FrameHeader) -> Option<String> {
        let is_data = !header.opcode.is_control();
        let (was_open, was_closed) = (self.is_open, self.closed);
        self.closed |= header.opcode == Opcode::CLOSE;
        if is_data {
            self.is_open = !header.fin && (was_open || header.opcode != Opcode::CONTINUATION);
        }
        let told = if was_closed {
            "sent behind the Close frame"
        } else if header.mask.is_some() != self.masked {
            if self.masked { "not masked" } else { "masked by a server" }
        } else if header.opcode == Opcode::CONTINUATION && !was_open {
            "nothing to continue"
        } else if is_data && header.opcode != Opcode::CONTINUATION && was_open {
            "inside another message"
        } else {
            return None;
        };
        Some(told.to_owned())
    }
}

fn of_header(header: &FrameHeader, negotiated: bool) -> Option<String> {
    if header.opcode.is_reserved() {
        Some("a reserved opcode".to_owned())
    } else if !header.rsv.is_none() && !negotiated {
        Some(format!("RSV={:03b}, not negotiated", header.rsv.bits()))
    } else if header.opcode.is_control() && !header.fin {
        Some("a control frame in fragments".to_owned())
    } else if header.opcode.is_control() && header.length > CONTROL {
        Some(format!("{} octets in a control frame", count(header.length)))
    } else if !header.is_minimal() {
        Some("not the shortest length".to_owned())
    } else {
        None
    }
}

/// What is wrong with the body of a Close frame.
fn of_content(header: &FrameHeader, data: &Payload) -> Option<String> {
    if header.opcode != Opcode::CLOSE {
        return None;
    }
    let body = CloseBody::decode(data.kept());
    if body.malformed {
        return Some("half a close code".to_owned());
    }
    if let Some(code) = body.code.filter(|code| !SENDABLE.iter().any(|codes| codes.contains(code))) {
        return Some(format!("{code} may not be sent"));
    }
    std::str::from_utf8(body.reason).is_err().then(|| "the reason is no UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, frame, log, passed};

    type Frames<'a> = &'a [(Opcode, bool, &'a [u8])];

    fn told(frames: Frames<'_>) -> Option<(usize, String)> {
        let mut case = passed("a", "1.1.1");
        let entry =
            |(opcode, fin, octets): &(Opcode, bool, &[u8])| (1, frame(Dir::Tx, *opcode, *fin, octets));
        case.events = log(frames.iter().map(entry).collect());
        sent_breach(&case)
    }

    #[test]
    fn the_frame_that_breaks_a_rule_is_found() {
        assert_eq!(sent_breach(&failed("a", "5.15")).unwrap().1, "nothing to continue");
        let (text, more, ping, close) = (Opcode::TEXT, Opcode::CONTINUATION, Opcode::PING, Opcode::CLOSE);
        let long = [b'*'; 126];
        let cases: [(Frames<'_>, &str); 9] = [
            (&[(text, false, b"a"), (text, true, b"b")], "inside another message"),
            (&[(ping, false, b"")], "a control frame in fragments"),
            (&[(ping, true, &long)], "126 octets in a control frame"),
            (&[(Opcode::new(3), true, b"")], "a reserved opcode"),
            (&[(close, true, b"\x03")], "half a close code"),
            (&[(close, true, b"\x03\xed")], "1005 may not be sent"),
            (&[(close, true, b"\x03\xe8\xff")], "the reason is no UTF-8"),
            (&[(close, true, b"\x03\xe8"), (ping, true, b"")], "sent behind the Close frame"),
            (&[(text, false, b"a"), (more, true, b"\xff")], "this is no UTF-8"),
        ];
        for (frames, what) in cases {
            assert_eq!(told(frames), Some((frames.len() - 1, what.to_owned())));
        }
    }

    #[test]
    fn lawful_frames_are_not_marked() {
        let (text, more, ping, close) = (Opcode::TEXT, Opcode::CONTINUATION, Opcode::PING, Opcode::CLOSE);
        let frames: [(Opcode, bool, &[u8]); 5] = [
            (text, false, b"a\xce"),
            (ping, true, &[b'*'; 125]),
            (more, true, b"\xba"),
            (text, true, b""),
            (close, true, b"\x03\xe8bye"),
        ];
        assert_eq!(told(&frames), None);
    }
}
