//! Compresses messages for permessage-deflate, RFC 7692 section 7.2.1.

use thiserror::Error;
use zlib_rs::{Deflate, DeflateFlush};

/// The end of every flushed DEFLATE stream, which permessage-deflate leaves out (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// All that remains of an empty message without its tail (RFC 7692 section 7.2.3.6).
const EMPTY_MESSAGE: u8 = 0x00;

/// The smallest window the compressor knows. It never looks back further than the window less 262 octets,
/// so the 512 octets of 9 bits also keep within the 256 octets of 8 bits.
const SMALLEST_WINDOW: u8 = 9;

const HIGHEST_LEVEL: u8 = 9;

/// The least and most octets of output prepared for at once.
const LEAST_ROOM: usize = 256;
const MOST_ROOM: usize = 64 * 1024;

/// A number of window bits outside 8 to 15, the range of RFC 7692 section 7.1.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("window bits must be 8 to 15, not {0}")]
pub struct WindowBits(pub u8);

impl WindowBits {
    pub(crate) const fn check(bits: u8) -> Result<u8, Self> {
        if matches!(bits, 8..=15) { Ok(bits) } else { Err(Self(bits)) }
    }
}

/// Compresses the messages of one direction.
///
/// The window is kept from message to message; call [`Self::reset`] after each of them where context
/// takeover is off.
pub struct Deflater {
    stream: Deflate,
    /// The size of the window in octets.
    window: usize,
    /// Whether the message has payload so far.
    begun: bool,
}

impl Deflater {
    /// A compressor with a window of 2^`window_bits` octets; `level` is 0 (store) to 9 (smallest), greater
    /// ones count as 9.
    ///
    /// # Errors
    ///
    /// [`WindowBits`] outside 8 to 15.
    pub fn new(window_bits: u8, level: u8) -> Result<Self, WindowBits> {
        let window_bits = WindowBits::check(window_bits)?.max(SMALLEST_WINDOW);
        let stream = Deflate::new(level.min(HIGHEST_LEVEL).into(), false, window_bits);
        Ok(Self { stream, window: 1 << window_bits, begun: false })
    }

    /// Appends a whole compressed message to `out`.
    pub fn message(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        appended(out, |out, len| self.message_over(payload, out, len));
    }

    /// Like [`Self::message`], where only the first `len` octets of `out` count: what is there behind them is written
    /// over, and need not be cleared for that.
    pub fn message_over(&mut self, payload: &[u8], out: &mut Vec<u8>, len: &mut usize) {
        self.begun |= !payload.is_empty();
        self.flush(payload, out, len);
    }

    /// Compresses the next part of a message; what is ready is appended to `out`.
    pub fn update(&mut self, part: &[u8], out: &mut Vec<u8>) {
        self.begun |= !part.is_empty();
        appended(out, |out, len| self.compress(part, DeflateFlush::NoFlush, out, len));
    }

    /// Ends a message: the rest of it is appended to `out`, without the tail.
    pub fn finish_message(&mut self, out: &mut Vec<u8>) {
        appended(out, |out, len| self.flush(&[], out, len));
    }

    /// Forgets the window, and a message that is not finished.
    pub fn reset(&mut self) {
        self.stream.reset();
        self.begun = false;
    }

    /// Forgets everything and takes these octets for the messages before: the next one may refer to the end of
    /// them, as far as the window reaches.
    pub fn reset_behind(&mut self, before: &[u8]) {
        self.reset();
        let window = &before[before.len().saturating_sub(self.window)..];
        // It fails only in the middle of a stream.
        let set = self.stream.set_dictionary(window);
        debug_assert!(set.is_ok(), "a fresh stream takes a window");
    }

    /// Compresses the last part of a message and removes the tail.
    fn flush(&mut self, part: &[u8], out: &mut Vec<u8>, len: &mut usize) {
        if std::mem::take(&mut self.begun) {
            self.compress(part, DeflateFlush::SyncFlush, out, len);
            debug_assert!(out[..*len].ends_with(&TAIL), "a flush ends with an empty stored block");
            *len -= TAIL.len();
        } else {
            out.truncate(*len);
            out.push(EMPTY_MESSAGE);
            *len += 1;
        }
    }

    fn compress(&mut self, mut input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>, len: &mut usize) {
        loop {
            let room = (LEAST_ROOM + input.len() / 2).min(MOST_ROOM);
            if out.len() < *len + room {
                out.resize(*len + room, 0);
            }
            let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
            let result = self.stream.compress(input, &mut out[*len..*len + room], flush);
            let written = (self.stream.total_out() - before_out) as usize;
            input = &input[(self.stream.total_in() - before_in) as usize..];
            *len += written;
            debug_assert!(result.is_ok(), "a compressor with checked parameters does not fail");
            if input.is_empty() && written < room {
                return;
            }
        }
    }
}

/// Lets something write behind all that is there.
fn appended(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>, &mut usize)) {
    let mut len = out.len();
    write(out, &mut len);
    out.truncate(len);
}

impl std::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflater").field("begun", &self.begun).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_over_is_not_seen() {
        for payload in [&b""[..], b"Hello", &[7; 300_000]] {
            let mut deflater = Deflater::new(15, 1).unwrap();
            let expected = [b"head", &message(&mut deflater, payload)[..]].concat();
            deflater.reset();
            let (mut out, mut len) = (b"head and more that does not count".to_vec(), 4);
            deflater.message_over(payload, &mut out, &mut len);
            assert_eq!(out[..len], expected);
        }
    }

    fn message(deflater: &mut Deflater, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        deflater.message(payload, &mut out);
        out
    }

    #[test]
    fn the_examples_of_rfc_7692_come_out() {
        let mut deflater = Deflater::new(15, 6).unwrap();
        assert_eq!(message(&mut deflater, b"Hello"), [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
        assert_eq!(message(&mut deflater, b"Hello"), [0xF2, 0x00, 0x11, 0x00, 0x00], "takes over");
        deflater.reset();
        assert_eq!(message(&mut deflater, b"Hello"), [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
        assert_eq!(message(&mut deflater, b""), [0x00]);
    }

    #[test]
    fn reset_drops_an_unfinished_message() {
        let mut deflater = Deflater::new(15, 6).unwrap();
        deflater.update(b"Hel", &mut Vec::new());
        deflater.reset();
        assert_eq!(message(&mut deflater, b""), [0x00]);
        assert_eq!(message(&mut deflater, b"Hello"), [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
    }

    #[test]
    fn a_compressor_can_begin_behind_octets_that_it_has_not_compressed() {
        let before = (0..100_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect::<Vec<_>>();
        for bits in [8, 9, 12, 15] {
            let mut deflater = Deflater::new(bits, 6).unwrap();
            deflater.update(b"something else", &mut Vec::new());
            deflater.reset_behind(&before);
            let near = &before[before.len() - 200..];
            let short = message(&mut deflater, near);
            assert!(short.len() < 20, "{bits}: it refers to what was before: {} octets", short.len());
            let mut inflater = crate::Inflater::new(15).unwrap();
            for sent in [message(&mut Deflater::new(15, 6).unwrap(), &before), short] {
                let mut out = Vec::new();
                inflater.feed(&sent, 1 << 20, &mut out).unwrap();
                inflater.finish_message(1 << 20, &mut out).unwrap();
                assert!(before.ends_with(&out) && !out.is_empty(), "{bits}");
            }
        }
    }

    #[test]
    fn window_bits_are_8_to_15() {
        for bits in 0..=u8::MAX {
            let expected = if (8..=15).contains(&bits) { None } else { Some(WindowBits(bits)) };
            assert_eq!(Deflater::new(bits, u8::MAX).err(), expected);
        }
    }
}
