//! The frame with which the tester breaks a rule on purpose.

use wsspec_wire::{CloseBody, FrameHeader, Opcode, Rsv};

use super::broken_text::broken_texts;
use super::units::count;
use crate::Untrusted;
use crate::record::{CaseRecord, Dir, Happening, Payload, Role};

/// The codes that a Close frame may carry, RFC 6455 section 7.4 and the registry.
const SENDABLE: [std::ops::RangeInclusive<u16>; 3] = [1000..=1003, 1007..=1014, 3000..=4999];
/// The most octets that a control frame may carry, RFC 6455 section 5.5.
const CONTROL: u64 = 125;

/// What the tester does wrong with a frame, because the case is about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentBreach {
    /// A frame after its Close frame.
    BehindClose,
    /// No masking key, though it is the client.
    NotMasked,
    /// A masking key, though it is the server.
    Masked,
    /// A continuation while no message is open.
    Orphan,
    /// The beginning of a message while another one is open.
    Interleaved,
    /// An opcode that is reserved.
    Opcode,
    /// Reserved bits that were not negotiated.
    Rsv(u8),
    /// The bit of permessage-deflate on a frame that does not begin a message.
    Rsv1,
    /// A control frame in fragments.
    ControlInFragments,
    /// A control frame with so many octets.
    LongControl(u64),
    /// A length that could be written shorter.
    LongLength,
    /// The body of a Close frame of one octet.
    HalfCode,
    /// A close code that may not be sent.
    CloseCode(u16),
    /// The reason of a Close frame is no UTF-8.
    Reason,
    /// A text message is no UTF-8.
    Text,
}

impl SentBreach {
    /// What stands beside the frame.
    pub fn mark(&self) -> String {
        match self {
            Self::BehindClose => "sent behind the Close frame".to_owned(),
            Self::NotMasked => "not masked".to_owned(),
            Self::Masked => "masked by a server".to_owned(),
            Self::Orphan => "nothing to continue".to_owned(),
            Self::Interleaved => "inside another message".to_owned(),
            Self::Opcode => "a reserved opcode".to_owned(),
            Self::Rsv(bits) => format!("RSV={bits:03b}, not negotiated"),
            Self::Rsv1 => "RSV1 has no place here".to_owned(),
            Self::ControlInFragments => "a control frame in fragments".to_owned(),
            Self::LongControl(octets) => format!("{} octets in a control frame", count(*octets)),
            Self::LongLength => "not the shortest length".to_owned(),
            Self::HalfCode => "half a close code".to_owned(),
            Self::CloseCode(code) => format!("{code} may not be sent"),
            Self::Reason => "the reason is no UTF-8".to_owned(),
            Self::Text => "this is no UTF-8".to_owned(),
        }
    }

    /// What is wrong, as the beginning of a sentence that fits all cases with the same breach.
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::BehindClose => "A frame behind the Close frame",
            Self::NotMasked => "A frame of a client without a mask",
            Self::Masked => "A masked frame of a server",
            Self::Orphan => "A continuation with no message open",
            Self::Interleaved => "A message that begins inside another one",
            Self::Opcode => "A frame with a reserved opcode",
            Self::Rsv(_) => "A frame with reserved bits that nobody negotiated",
            Self::Rsv1 => "A frame with RSV1 that does not begin a message",
            Self::ControlInFragments => "A control frame in fragments",
            Self::LongControl(_) => "A control frame of more than 125 octets",
            Self::LongLength => "A length that is not written in its shortest form",
            Self::HalfCode => "A Close frame with half a code",
            Self::CloseCode(_) => "A close code that may not be sent",
            Self::Reason => "A close reason that is no UTF-8",
            Self::Text => "Text that is no UTF-8",
        }
    }

    /// Whether the body of a Close frame is what is wrong.
    pub(super) const fn is_of_close(&self) -> bool {
        matches!(self, Self::HalfCode | Self::CloseCode(_) | Self::Reason)
    }

    /// The check that fails if the peer does the same, as an echo does that lets it pass.
    pub(super) const fn check(&self) -> &'static str {
        match self {
            Self::BehindClose => "close.data",
            Self::NotMasked | Self::Masked => "frame.mask",
            Self::Orphan => "frame.continuation",
            Self::Interleaved => "frame.interleaved",
            Self::Opcode => "frame.opcode",
            Self::Rsv(_) => "frame.rsv",
            Self::Rsv1 => "frame.rsv1",
            Self::ControlInFragments => "frame.control.fin",
            Self::LongControl(_) => "frame.control.length",
            Self::LongLength => "frame.length",
            Self::HalfCode => "close.body",
            Self::CloseCode(_) => "close.code.unlawful",
            Self::Reason => "close.utf8",
            Self::Text => "text.utf8",
        }
    }
}

/// The first frame of the tester that no conforming endpoint sends: its line, and what is wrong with it. The tester
/// means it; how the implementation takes it is what the case is about.
pub fn sent_breach(case: &CaseRecord) -> Option<(usize, SentBreach)> {
    let texts = broken_texts(case);
    let mut state = State { is_open: false, closed: false, masked: case.role == Role::Server };
    let agreed = case.handshake.extensions.as_ref().map(Untrusted::raw);
    case.events.iter().find_map(|line| {
        let Happening::Frame { dir: Dir::Tx, data, .. } = &line.what else { return None };
        let header = line.what.header()?;
        let of_frame = state.breach(&header).or_else(|| of_header(&header, agreed));
        let found = of_frame.or_else(|| of_content(&header, data));
        let found = found.or_else(|| texts.get(&line.i).map(|_| SentBreach::Text));
        found.map(|found| (line.i, found))
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
    fn breach(&mut self, header: &FrameHeader) -> Option<SentBreach> {
        let is_data = !header.opcode.is_control();
        let (was_open, was_closed) = (self.is_open, self.closed);
        self.closed |= header.opcode == Opcode::CLOSE;
        if is_data {
            self.is_open = !header.fin && (was_open || header.opcode != Opcode::CONTINUATION);
        }
        if was_closed {
            Some(SentBreach::BehindClose)
        } else if header.mask.is_some() != self.masked {
            Some(if self.masked { SentBreach::NotMasked } else { SentBreach::Masked })
        } else if header.opcode == Opcode::CONTINUATION && !was_open {
            Some(SentBreach::Orphan)
        } else if is_data && header.opcode != Opcode::CONTINUATION && was_open {
            Some(SentBreach::Interleaved)
        } else {
            None
        }
    }
}

fn of_header(header: &FrameHeader, agreed: Option<&str>) -> Option<SentBreach> {
    if header.opcode.is_reserved() {
        Some(SentBreach::Opcode)
    } else if let Some(breach) = reserved_bits(header, agreed) {
        Some(breach)
    } else if header.opcode.is_control() && !header.fin {
        Some(SentBreach::ControlInFragments)
    } else if header.opcode.is_control() && header.length > CONTROL {
        Some(SentBreach::LongControl(header.length))
    } else if !header.is_minimal() {
        Some(SentBreach::LongLength)
    } else {
        None
    }
}

/// What is wrong with the reserved bits: permessage-deflate gives one of them a meaning (RFC 7692 section 6), and what another
/// extension means by them is not known here.
fn reserved_bits(header: &FrameHeader, agreed: Option<&str>) -> Option<SentBreach> {
    let bits = header.rsv.bits();
    let others = bits & !Rsv::RSV1.bits();
    match agreed {
        None => (bits != 0).then_some(SentBreach::Rsv(bits)),
        Some(extensions) if !extensions.contains("permessage-deflate") => None,
        Some(_) if others != 0 => Some(SentBreach::Rsv(others)),
        Some(_) => (bits != 0 && !header.opcode.is_data()).then_some(SentBreach::Rsv1),
    }
}

/// What is wrong with the body of a Close frame.
fn of_content(header: &FrameHeader, data: &Payload) -> Option<SentBreach> {
    if header.opcode != Opcode::CLOSE {
        return None;
    }
    let body = CloseBody::decode(data.kept());
    if body.malformed {
        return Some(SentBreach::HalfCode);
    }
    if let Some(code) = body.code.filter(|code| !SENDABLE.iter().any(|codes| codes.contains(code))) {
        return Some(SentBreach::CloseCode(code));
    }
    std::str::from_utf8(body.reason).is_err().then_some(SentBreach::Reason)
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
        sent_breach(&case).map(|(line, breach)| (line, breach.mark()))
    }

    #[test]
    fn the_frame_that_breaks_a_rule_is_found() {
        assert_eq!(sent_breach(&failed("a", "5.15")).unwrap().1, SentBreach::Orphan);
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

    /// A frame with these reserved bits.
    fn marked(opcode: Opcode, fin: bool, bits: u8, octets: &[u8]) -> Happening {
        let mut what = frame(Dir::Tx, opcode, fin, octets);
        if let Happening::Frame { rsv, wire, .. } = &mut what {
            *rsv = bits;
            wire[0] |= bits << 4;
        }
        what
    }

    #[test]
    fn the_bit_of_compression_where_it_has_no_place_was_not_named() {
        let (text, more, ping) = (Opcode::TEXT, Opcode::CONTINUATION, Opcode::PING);
        let sent = |frames: &[(Opcode, bool, u8)], extensions: Option<&str>| {
            let mut case = passed("a", "21.1.1");
            case.handshake.extensions = extensions.map(Into::into);
            let entry =
                |(opcode, fin, bits): &(Opcode, bool, u8)| (1, marked(*opcode, *fin, *bits, b"\xf2H\xcd"));
            case.events = log(frames.iter().map(entry).collect());
            sent_breach(&case)
        };
        let deflate = Some("permessage-deflate; server_no_context_takeover");
        assert_eq!(sent(&[(text, true, 4)], deflate), None);
        assert_eq!(sent(&[(text, false, 4), (more, true, 4)], deflate), Some((1, SentBreach::Rsv1)));
        assert_eq!(sent(&[(text, false, 4), (ping, true, 4)], deflate), Some((1, SentBreach::Rsv1)));
        assert_eq!(sent(&[(text, true, 6)], deflate), Some((0, SentBreach::Rsv(2))));
        assert_eq!(sent(&[(text, true, 4)], None), Some((0, SentBreach::Rsv(4))));
        assert_eq!(sent(&[(Opcode::BINARY, true, 7)], Some("x-other")), None);
    }

    #[test]
    fn the_octets_behind_a_misplaced_bit_were_told_to_be_no_utf_8() {
        let mut case = passed("a", "21.1.2");
        case.handshake.extensions = Some("permessage-deflate".into());
        let second = marked(Opcode::CONTINUATION, true, 4, b"\xf2H\xcd");
        case.events = log(vec![(1, frame(Dir::Tx, Opcode::TEXT, false, b"a")), (2, second)]);
        assert_eq!(sent_breach(&case), Some((1, SentBreach::Rsv1)));
        assert!(broken_texts(&case).is_empty());
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
