//! Decompresses messages of permessage-deflate, RFC 7692 section 7.2.2.

use thiserror::Error;
use zlib_rs::{Inflate, InflateFlush, Status};

use crate::deflate::{TAIL, WindowBits};

/// The largest window of DEFLATE. References further back do not exist, whatever window was agreed.
const WINDOW: usize = 32 * 1024;

/// The least and most output prepared for at once.
const CHUNK: std::ops::RangeInclusive<usize> = 256..=64 * 1024;

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
    /// The message ends with a final block but lacks the 00 that must follow it (RFC 7692 section 7.2.3.4).
    /// All of it was decoded, and decoding can go on with the next message.
    #[error("the message lacks the 00 after its final DEFLATE block")]
    MissingOctetAfterFinalBlock,
}

/// Decompresses the messages of one direction.
///
/// The window is kept from message to message; call [`Self::reset`] after each of them where context
/// takeover is off. After an error every call fails with it, until [`Self::reset`]; only a missing octet after a
/// final block spoils nothing.
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
    /// Whether the last octet consumed was the end of a final block.
    after_final_block: bool,
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
            after_final_block: false,
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
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Some(octet) = self.held {
            if out.len() >= limit {
                return Ok(Inflated { consumed: 0, limit_reached: true });
            }
            out.push(octet);
            self.held = None;
        }
        let result = self.inflate(octets, limit, out);
        self.failed = result.err();
        result
    }

    /// Ends a message: checks that the tail left out by the sender fits, which makes no output of its own.
    ///
    /// If the limit is reached, call again once there is room, or give up.
    ///
    /// # Errors
    ///
    /// Any [`InflateError`].
    pub fn finish_message(&mut self, limit: usize, out: &mut Vec<u8>) -> Result<Inflated, InflateError> {
        let rest = self.feed(&[], limit, out)?;
        if rest.limit_reached {
            return Ok(rest);
        }
        let result = self.take_tail();
        self.consumed = 0;
        self.failed = result.err().filter(|error| *error != InflateError::MissingOctetAfterFinalBlock);
        result.map(|()| rest)
    }

    /// Forgets everything, as if new.
    pub fn reset(&mut self) {
        self.stream.reset(false);
        self.window.clear();
        self.held = None;
        self.consumed = 0;
        self.after_final_block = false;
        self.failed = None;
    }

    fn inflate(&mut self, octets: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<Inflated, InflateError> {
        let mut rest = octets;
        // Output from here on is not yet in the window.
        let mut fresh = out.len();
        let limit_reached = loop {
            let start = out.len();
            // One octet more than allowed shows whether there is more, and is held back.
            let allowed = limit.saturating_add(1).saturating_sub(start);
            if allowed == 0 {
                break true;
            }
            let room = (rest.len() * 4).clamp(*CHUNK.start(), *CHUNK.end()).min(allowed);
            out.resize(start + room, 0);
            let step = self.step(rest, &mut out[start..], InflateFlush::NoFlush);
            out.truncate(start + step.written);
            rest = &rest[step.consumed..];
            if step.status? == Status::StreamEnd {
                self.window.push(&out[fresh..]);
                fresh = out.len();
                self.go_on_after_final_block();
                self.after_final_block = rest.is_empty();
            } else if step.written < room {
                break false;
            }
            if out.len() > limit {
                break true;
            }
        };
        self.window.push(&out[fresh..]);
        if out.len() > limit {
            self.held = out.pop();
        }
        Ok(Inflated { consumed: octets.len() - rest.len(), limit_reached })
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], flush: InflateFlush) -> Step {
        let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(input, output, flush);
        let consumed = self.stream.total_in() - before_in;
        self.consumed += consumed;
        if consumed > 0 {
            self.after_final_block = false;
        }
        let reason = self.stream.error_message().unwrap_or("invalid data");
        Step {
            consumed: consumed as usize,
            written: (self.stream.total_out() - before_out) as usize,
            status: status.map_err(|_| InflateError::Invalid { offset: self.consumed, reason }),
        }
    }

    /// The library takes a final block for the end of all; begin a stream that remembers what was before.
    fn go_on_after_final_block(&mut self) {
        self.stream.reset(false);
        for part in self.window.parts() {
            let result = self.stream.set_dictionary(part);
            debug_assert!(result.is_ok(), "a raw stream takes any dictionary");
        }
    }

    /// Feeds the tail and looks whether it ends a block, by asking to stop where a block ends: exactly behind
    /// the tail, and again behind an empty stored block, which changes nothing.
    fn take_tail(&mut self) -> Result<(), InflateError> {
        if self.after_final_block {
            return Err(InflateError::MissingOctetAfterFinalBlock);
        }
        let mut octets = &TAIL_AND_EMPTY_BLOCK[..];
        for expected in [TAIL.len(), octets.len() - TAIL.len()] {
            let step = self.step(octets, &mut [0], InflateFlush::Block);
            let ends_here = step.consumed == expected && step.written == 0 && step.status == Ok(Status::Ok);
            if !ends_here {
                return Err(InflateError::UnexpectedEnd);
            }
            octets = &octets[expected..];
        }
        Ok(())
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

    #[test]
    fn the_examples_of_rfc_7692_are_understood() {
        let mut inflater = Inflater::new(15).unwrap();
        for message in [
            &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00][..],
            &[0xF2, 0x00, 0x11, 0x00, 0x00],
            &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
            &[0xF2, 0x00, 0x11, 0x00, 0x00],
        ] {
            let mut out = Vec::new();
            let fed = inflater.feed(message, 100, &mut out).unwrap();
            assert_eq!(fed, Inflated { consumed: message.len(), limit_reached: false });
            inflater.finish_message(100, &mut out).unwrap();
            assert_eq!(out, b"Hello");
        }
    }
}
