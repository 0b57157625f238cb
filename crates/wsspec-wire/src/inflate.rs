//! Decompresses messages of permessage-deflate, RFC 7692 section 7.2.2.

use thiserror::Error;
use zlib_rs::{Inflate, InflateFlush, Status};

use crate::deflate::WindowBits;

/// The largest window of DEFLATE. References further back do not exist, whatever window was agreed.
const WINDOW: usize = 32 * 1024;

/// The least and most octets of output prepared for at once.
const LEAST_ROOM: usize = 256;
const MOST_ROOM: usize = 64 * 1024;

/// The tail and an empty stored block.
const TAIL_AND_EMPTY_BLOCK: [u8; 9] = [0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0xFF, 0xFF];

/// How far [`Inflater::feed`] got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inflated {
    /// How many octets of the input were consumed; all of it, unless the limit was reached.
    pub consumed: usize,
    /// Whether there is more output than the limit allows.
    pub limit_reached: bool,
}

/// Octets that are not a compressed message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InflateError {
    /// The octets are not DEFLATE.
    #[error("not DEFLATE within the first {offset} octets of the message: {reason}")]
    Invalid {
        /// How many octets of this message were read when it was found.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The message does not end where the left-out tail 00 00 FF FF belongs.
    #[error("the message ends inside a DEFLATE block")]
    UnexpectedEnd,
    /// The message ends behind a complete block, not with the octet that begins the left-out tail: it is
    /// empty, or the 00 behind a final block is missing, or the tail was kept (RFC 7692 sections 7.2.1 and
    /// 7.2.3.4). All of it was decoded, and decoding can go on with the next message.
    #[error("the message ends with a complete DEFLATE block instead of a flush")]
    MissingFlush,
}

/// Decompresses the messages of one direction.
///
/// The window is kept from message to message; call [`Self::reset`] after each of them where context
/// takeover is off. After an error every call fails with it, until [`Self::reset`]; only a missing flush spoils
/// nothing.
///
/// A final block (`BFINAL` 1) does not end anything: what follows, in this message or the next, begins at the
/// next octet and may refer to what was before (RFC 7692 section 7.2.3.4).
///
/// References further back than the agreed window, but not further than 32 KiB, are decoded.
pub struct Inflater {
    stream: Inflate,
    /// What a stream that follows a final block may refer to.
    window: Window,
    /// An octet of output that had no room.
    held: Option<u8>,
    /// Octets of this message consumed.
    consumed: u64,
    failed: Option<InflateError>,
}

impl Inflater {
    /// A decompressor for messages compressed with a window of 2^`window_bits` octets.
    ///
    /// # Errors
    ///
    /// [`WindowBits`] outside 8 to 15.
    pub fn new(window_bits: u8) -> Result<Self, WindowBits> {
        WindowBits::check(window_bits)?;
        Ok(Self {
            stream: Inflate::new(false, window_bits),
            window: Window::default(),
            held: None,
            consumed: 0,
            failed: None,
        })
    }

    /// Decompresses the next part of a message and appends to `out`, until `out` has `limit` octets.
    ///
    /// If the limit is reached, call again with the input that was not consumed (also if that is empty) once
    /// there is room, or give up.
    ///
    /// # Errors
    ///
    /// [`InflateError::Invalid`]; `out` then has what was decoded before.
    pub fn feed(&mut self, octets: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<Inflated, InflateError> {
        let mut len = out.len();
        let fed = self.feed_over(octets, limit, out, &mut len);
        out.truncate(len);
        fed
    }

    /// Like [`Self::feed`], where only the first `len` octets of `out` count: what is there behind them is written
    /// over, and need not be cleared for that.
    ///
    /// # Errors
    ///
    /// As for [`Self::feed`].
    pub fn feed_over(
        &mut self,
        octets: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
        len: &mut usize,
    ) -> Result<Inflated, InflateError> {
        if *len + usize::from(self.held.is_some()) > limit {
            return Ok(Inflated { consumed: 0, limit_reached: true });
        }
        if let Some(held) = self.held.take() {
            out.truncate(*len);
            out.push(held);
            *len += 1;
        }
        let consumed = if self.failed.is_none() { self.inflate(octets, limit, out, len) } else { 0 };
        if *len > limit {
            *len -= 1;
            self.held = Some(out[*len]);
        }
        match (self.held, self.failed) {
            // What was decoded before an error comes first.
            (None, Some(error)) => Err(error),
            (held, _) => Ok(Inflated { consumed, limit_reached: held.is_some() }),
        }
    }

    /// Ends a message: checks that the tail left out by the sender fits, which makes no output of its own.
    ///
    /// If the limit is reached, call again once there is room, or give up.
    ///
    /// # Errors
    ///
    /// Any [`InflateError`].
    pub fn finish_message(&mut self, limit: usize, out: &mut Vec<u8>) -> Result<Inflated, InflateError> {
        let mut len = out.len();
        let finished = self.finish_message_over(limit, out, &mut len);
        out.truncate(len);
        finished
    }

    /// Like [`Self::finish_message`], where only the first `len` octets of `out` count.
    ///
    /// # Errors
    ///
    /// Any [`InflateError`].
    pub fn finish_message_over(
        &mut self,
        limit: usize,
        out: &mut Vec<u8>,
        len: &mut usize,
    ) -> Result<Inflated, InflateError> {
        // Without an octet held back there is no output left to make.
        if self.held.is_some() {
            let pending = self.feed_over(&[], limit, out, len)?;
            if pending.limit_reached {
                return Ok(pending);
            }
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.take_tail();
        self.consumed = 0;
        self.failed = result.err().filter(|error| *error != InflateError::MissingFlush);
        result.map(|()| Inflated { consumed: 0, limit_reached: false })
    }

    /// Forgets everything, as if new.
    pub fn reset(&mut self) {
        self.stream.reset(false);
        self.window.clear();
        self.held = None;
        self.consumed = 0;
        self.failed = None;
    }

    /// Inflates into `out` behind its first `len` octets, one octet beyond the limit if there is so much; that shows
    /// whether there is more. Returns how many octets were consumed.
    fn inflate(&mut self, octets: &[u8], limit: usize, out: &mut Vec<u8>, len: &mut usize) -> usize {
        let mut rest = octets;
        // Output from here on is not yet in the window.
        let mut fresh = *len;
        while *len <= limit {
            let wanted = rest.len().saturating_mul(4).clamp(LEAST_ROOM, MOST_ROOM);
            let room = wanted.max(out.len() - *len).min((limit - *len).saturating_add(1));
            if out.len() < *len + room {
                out.resize(*len + room, 0);
            }
            let step = self.step(rest, &mut out[*len..*len + room], InflateFlush::NoFlush);
            *len += step.written;
            rest = &rest[step.consumed..];
            match step.status {
                Ok(Status::StreamEnd) => {
                    self.window.push(&out[fresh..*len]);
                    fresh = *len;
                    self.restart();
                }
                Ok(_) if step.written == room || !rest.is_empty() => {}
                Ok(_) => break,
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        self.window.push(&out[fresh..*len]);
        octets.len() - rest.len()
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], flush: InflateFlush) -> Step {
        let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(input, output, flush);
        let consumed = self.stream.total_in() - before_in;
        self.consumed += consumed;
        let reason = self.stream.error_message().unwrap_or("invalid data");
        Step {
            consumed: consumed as usize,
            written: (self.stream.total_out() - before_out) as usize,
            status: status.map_err(|_| InflateError::Invalid { offset: self.consumed, reason }),
        }
    }

    /// Begins a DEFLATE stream that remembers the window; the library takes a final block for the end of all.
    fn restart(&mut self) {
        self.stream.reset(false);
        for part in self.window.parts() {
            let result = self.stream.set_dictionary(part);
            debug_assert!(result.is_ok(), "a raw stream takes any dictionary");
        }
    }

    /// Feeds the tail and looks whether it ends a block: asked to stop where a block ends, the library stops
    /// exactly behind the tail, and again behind the empty block, which changes nothing.
    fn take_tail(&mut self) -> Result<(), InflateError> {
        let scratch = &mut [0; TAIL_AND_EMPTY_BLOCK.len()];
        let tail = self.step(&TAIL_AND_EMPTY_BLOCK, scratch, InflateFlush::Block);
        match (tail.consumed, tail.written, tail.status) {
            (4, 0, Ok(_)) => {
                let empty = self.step(&TAIL_AND_EMPTY_BLOCK[4..], scratch, InflateFlush::Block);
                let is_clean = (empty.consumed, empty.written, empty.status) == (5, 0, Ok(Status::Ok));
                if is_clean { Ok(()) } else { Err(InflateError::UnexpectedEnd) }
            }
            // In front of a block the first octet is its header, the next four are the length of a stored
            // block, and the last four its first octets.
            (9, 4, Ok(_)) => {
                self.restart();
                Err(InflateError::MissingFlush)
            }
            _ => Err(InflateError::UnexpectedEnd),
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater")
            .field("consumed", &self.consumed)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// What one call of the library did.
struct Step {
    consumed: usize,
    written: usize,
    status: Result<Status, InflateError>,
}

/// The last 32 KiB of output, in a ring.
#[derive(Default)]
struct Window {
    octets: Vec<u8>,
    /// Where the next octet goes, once the ring is full.
    next: usize,
}

impl Window {
    fn push(&mut self, output: &[u8]) {
        let mut output = &output[output.len().saturating_sub(WINDOW)..];
        let (fill, rest) = output.split_at(output.len().min(WINDOW - self.octets.len()));
        self.octets.extend_from_slice(fill);
        output = rest;
        while !output.is_empty() {
            let (part, rest) = output.split_at(output.len().min(WINDOW - self.next));
            self.octets[self.next..self.next + part.len()].copy_from_slice(part);
            self.next = (self.next + part.len()) % WINDOW;
            output = rest;
        }
    }

    /// From the oldest to the newest.
    fn parts(&self) -> [&[u8]; 2] {
        let (newer, older) = self.octets.split_at(self.next);
        [older, newer]
    }

    fn clear(&mut self) {
        self.octets.clear();
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    const FINAL_HELLO: [u8; 8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00];
    /// "Hello", as a reference to the same text before.
    const HELLO_AGAIN: [u8; 5] = [0xF2, 0x00, 0x11, 0x00, 0x00];

    /// The message, or with the error what was decoded before.
    fn message(inflater: &mut Inflater, payload: &[u8]) -> Result<Vec<u8>, (InflateError, Vec<u8>)> {
        let mut out = Vec::new();
        let result = inflater.feed(payload, 1000, &mut out);
        match result.and_then(|_| inflater.finish_message(1000, &mut out)) {
            Ok(_) => Ok(out),
            Err(error) => Err((error, out)),
        }
    }

    #[test]
    fn the_examples_of_rfc_7692_are_understood() {
        let mut inflater = Inflater::new(15).unwrap();
        for payload in [
            &HELLO[..],
            &HELLO_AGAIN,
            &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            &FINAL_HELLO,
            &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ] {
            assert_eq!(message(&mut inflater, payload).unwrap(), b"Hello");
        }
        assert_eq!(message(&mut inflater, &[0x00]).unwrap(), b"");
    }

    #[test]
    fn a_final_block_ends_neither_message_nor_context() {
        let mut inflater = Inflater::new(15).unwrap();
        for payload in [&FINAL_HELLO[..], &HELLO_AGAIN, &FINAL_HELLO, &FINAL_HELLO, &HELLO_AGAIN] {
            assert_eq!(message(&mut inflater, payload).unwrap(), b"Hello");
        }
        let two_in_one = [0xF3, 0x48, 0xCD, 0x01, 0x00, 0xCB, 0xC9, 0x07, 0x00, 0x00];
        assert_eq!(message(&mut inflater, &two_in_one).unwrap(), b"Hello");
        let normal_block_behind = [0xF3, 0x48, 0xCD, 0x01, 0x00, 0xCA, 0xC9, 0x07, 0x00];
        assert_eq!(message(&mut inflater, &normal_block_behind).unwrap(), b"Hello");
    }

    #[test]
    fn a_missing_flush_is_told_and_spoils_nothing() {
        let tail_kept = [&HELLO[..], &[0x00, 0x00, 0xFF, 0xFF]].concat();
        for (payload, text) in [(&b""[..], &b""[..]), (&FINAL_HELLO[..7], b"Hello"), (&tail_kept, b"Hello")] {
            let mut inflater = Inflater::new(15).unwrap();
            assert_eq!(message(&mut inflater, payload), Err((InflateError::MissingFlush, text.to_vec())));
            assert_eq!(message(&mut inflater, &HELLO).unwrap(), b"Hello");
            assert_eq!(message(&mut inflater, payload), Err((InflateError::MissingFlush, text.to_vec())));
            assert_eq!(message(&mut inflater, &HELLO_AGAIN).unwrap(), b"Hello");
        }
    }

    #[test]
    fn a_message_cut_inside_a_block_is_told() {
        let stored = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F];
        for payload in [&HELLO[..6], &HELLO[..4], &HELLO[..1], &stored[..9], &stored[..7], &stored[..2]] {
            let mut inflater = Inflater::new(15).unwrap();
            let (error, _) = message(&mut inflater, payload).unwrap_err();
            assert_eq!(error, InflateError::UnexpectedEnd, "{payload:02X?}");
            assert_eq!(inflater.feed(&HELLO, 9, &mut Vec::new()), Err(error), "stays");
            inflater.reset();
            assert_eq!(message(&mut inflater, &HELLO).unwrap(), b"Hello");
        }
    }

    #[test]
    fn octets_that_are_not_deflate_are_told() {
        for payload in [
            &[0x06][..],                                                   // block type 3
            &[0x00, 0x05, 0x00, 0x34, 0x12],                               // stored length not confirmed
            &[0x4A, 0x04, 0x42, 0x00, 0x00],                               // refers to before the start
            &[0x4A, 0x1C, 0x03, 0x00],                                     // length code 286
            &[0x4A, 0x04, 0x3E, 0x00, 0x00],                               // distance code 30
            &[0x04, 0xE0, 0x93, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x00], // impossible code lengths
        ] {
            let mut inflater = Inflater::new(15).unwrap();
            let (error, _) = message(&mut inflater, payload).unwrap_err();
            let InflateError::Invalid { offset, reason } = error else { panic!("{error}: {payload:02X?}") };
            assert!((1..=payload.len() as u64).contains(&offset) && !reason.is_empty());
        }
    }

    #[test]
    fn output_stops_at_the_limit_and_goes_on_with_room() {
        let mut inflater = Inflater::new(15).unwrap();
        let mut out = Vec::new();
        let fed = inflater.feed(&HELLO, 3, &mut out).unwrap();
        assert!(fed.limit_reached);
        assert_eq!(out, b"Hel");
        assert!(inflater.finish_message(3, &mut out).unwrap().limit_reached);
        assert!(inflater.feed(&HELLO[fed.consumed..], 4, &mut out).unwrap().limit_reached);
        assert!(!inflater.finish_message(5, &mut out).unwrap().limit_reached);
        assert_eq!(out, b"Hello");
        assert_eq!(inflater.feed(&HELLO, 4, &mut out), Ok(Inflated { consumed: 0, limit_reached: true }));
        assert_eq!(out, b"Hello", "octets beyond the limit stay");
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let mut inflater = Inflater::new(15).unwrap();
        let mut out = Vec::new();
        let all = Inflated { consumed: HELLO.len(), limit_reached: false };
        assert_eq!(inflater.feed(&HELLO, 5, &mut out), Ok(all));
        assert!(!inflater.finish_message(5, &mut out).unwrap().limit_reached);
        assert_eq!(out, b"Hello");
    }

    #[test]
    fn what_was_decoded_before_an_error_comes_first() {
        // "a", and a reference to before the start.
        let payload = [0x4A, 0x04, 0x42, 0x00, 0x00];
        let mut inflater = Inflater::new(15).unwrap();
        let mut out = Vec::new();
        assert!(inflater.feed(&payload, 0, &mut out).unwrap().limit_reached);
        let error = inflater.feed(&[], 1, &mut out).unwrap_err();
        assert_eq!(out, b"a");
        assert_eq!(inflater.feed(&payload, 1, &mut out), Err(error));
    }

    #[test]
    fn window_bits_are_8_to_15() {
        for bits in 0..=u8::MAX {
            let expected = if (8..=15).contains(&bits) { None } else { Some(WindowBits(bits)) };
            assert_eq!(Inflater::new(bits).err(), expected);
        }
    }
}
