//! Octets in short: what repeats, and which frames they are.

use wsspec_wire::{FrameDecoder, FrameHeader, Opcode, Token};

use crate::record::Role;

/// The longest unit that is looked for, and how much of it makes it worth while.
const LONGEST_UNIT: usize = 64;
const WORTH: usize = 512;
/// Octets on one line.
const LINE: usize = 32;

/// Octets, so many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The unit.
    pub(super) octets: Vec<u8>,
    /// How often.
    pub(super) times: usize,
}

/// The octets in pieces of at most a line each, long repetitions found.
pub(super) fn pieces(octets: &[u8]) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while at < octets.len() {
        match repetition(&octets[at..]) {
            Some((unit, times)) => {
                lines(&octets[plain..at], &mut out);
                out.push(Piece { octets: octets[at..at + unit].to_vec(), times });
                at += unit * times;
                plain = at;
            }
            None => at += 1,
        }
    }
    lines(&octets[plain..], &mut out);
    out
}

fn lines(octets: &[u8], out: &mut Vec<Piece>) {
    out.extend(octets.chunks(LINE).map(|line| Piece { octets: line.to_vec(), times: 1 }));
}

/// A unit that the octets begin with again and again: its length, and how often.
fn repetition(octets: &[u8]) -> Option<(usize, usize)> {
    if octets.len() < WORTH {
        return None;
    }
    (1..=LONGEST_UNIT).find_map(|unit| {
        // Most units are out after the first few octets.
        let same = octets[unit..].iter().zip(octets).take_while(|(a, b)| a == b).count();
        let times = 1 + same / unit;
        (unit * times >= WORTH && times > 1).then_some((unit, times))
    })
}

/// What each of these writes is: `the request`, `Text fin=0, length 9`, `payload, 4 octets`. A frame may have begun in
/// an earlier one.
pub(super) fn labels<'a>(writes: impl Iterator<Item = &'a [u8]>, role: Role) -> Vec<String> {
    let head = match role {
        Role::Server => "the request",
        Role::Client => "the response",
    };
    let mut decoder = FrameDecoder::new();
    let label = |(place, octets): (usize, &[u8])| {
        if place > 0 {
            return label(octets, &mut decoder);
        }
        match octets.windows(4).position(|four| four == b"\r\n\r\n").map(|end| &octets[end + 4..]) {
            None | Some([]) => head.to_owned(),
            Some(behind) => format!("{head}, {}", label(behind, &mut decoder)),
        }
    };
    writes.enumerate().map(label).collect()
}

fn label(octets: &[u8], decoder: &mut FrameDecoder) -> String {
    let mut input = octets.to_vec();
    let mut rest = input.as_mut_slice();
    let (mut frames, mut payload) = (Vec::new(), 0);
    while let (consumed, Some(token)) = decoder.next(rest) {
        rest = &mut rest[consumed..];
        match token {
            Token::Header(header) => frames.push(frame(&header)),
            Token::Payload { len, .. } => payload += len,
            Token::FrameEnd => {}
        }
    }
    match frames.as_slice() {
        [] if payload > 0 => format!("payload, {payload} octets"),
        [] => format!("a part of a header, {} octets", octets.len()),
        [one] => one.clone(),
        [one, ..] => format!("{one}, and {} more", frames.len() - 1),
    }
}

fn frame(header: &FrameHeader) -> String {
    let name = match header.opcode {
        Opcode::CONTINUATION => "Continuation".to_owned(),
        Opcode::TEXT => "Text".to_owned(),
        Opcode::BINARY => "Binary".to_owned(),
        Opcode::CLOSE => "Close".to_owned(),
        Opcode::PING => "Ping".to_owned(),
        Opcode::PONG => "Pong".to_owned(),
        other => format!("opcode {}", other.bits()),
    };
    let rsv = if header.rsv.is_none() { String::new() } else { format!(" rsv={}", header.rsv.bits()) };
    format!("{name} fin={}{rsv}, length {}", u8::from(header.fin), header.length)
}
