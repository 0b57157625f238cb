//! A message that is put together from parts of frames.

use wsspec_wire::{FrameHeader, MaskingKey, Opcode, Utf8Validator, apply_mask, copy_masked};

use crate::deflate::Deflate;
use crate::{Violation, pool};

/// Octets kept free in front of a message's payload, so that the header of its echo can be put there.
pub(crate) const HEADROOM: usize = FrameHeader::MAX_LEN;

/// Memory is set aside for the announced length of a frame only as far as this, or as this many times what
/// was really received.
const TRUSTED_LENGTH: usize = 64 << 10;
const TRUSTED_FACTOR: usize = 16;

/// How much is copied before it is unmasked.
const UNMASK_CHUNK: usize = 1 << 10;

/// Compressed payloads up to this length are unmasked on the stack.
const SHORT: usize = 256;

/// How many times its compressed length a message is expected to have, in memory set aside for it.
const EXPECTED_RATIO: usize = 4;

/// A message that is not complete.
#[derive(Debug)]
pub(crate) struct PartialMessage {
    pub(crate) opcode: Opcode,
    pub(crate) compressed: bool,
    pub(crate) fragments: u32,
    pub(crate) utf8: Utf8Validator,
    /// [`HEADROOM`], then the payload so far, then octets of no meaning.
    octets: Vec<u8>,
    /// The length of all but the last.
    len: usize,
}

impl PartialMessage {
    /// A message of which a frame of that length is announced. One that does not last has memory that goes from message
    /// to message, however short it is.
    pub(crate) fn new(opcode: Opcode, compressed: bool, announced: u64, lasts: bool) -> Self {
        let announced = announced.min(TRUSTED_LENGTH as u64) as usize;
        let expected = if compressed { announced * EXPECTED_RATIO } else { announced }.min(TRUSTED_LENGTH);
        let mut octets = match lasts {
            true => pool::take_used(HEADROOM + expected),
            false => pool::take_used(pool::LEAST.max(HEADROOM + expected)),
        };
        pool::put(&mut octets, 0, &[0; HEADROOM]);
        Self { opcode, compressed, fragments: 0, utf8: Utf8Validator::new(), octets, len: HEADROOM }
    }

    /// How many octets of payload have come.
    pub(crate) fn payload_len(&self) -> usize {
        self.len - HEADROOM
    }

    /// The payload behind its first `start` octets.
    pub(crate) fn payload_from(&mut self, start: usize) -> &mut [u8] {
        &mut self.octets[HEADROOM + start..self.len]
    }

    /// Checks text behind the first `start` octets of the payload.
    pub(crate) fn check_text_from(&mut self, start: usize) -> Result<(), Violation> {
        Ok(self.utf8.feed(&self.octets[HEADROOM + start..self.len])?)
    }

    /// Gives the memory away, with all that is in it.
    pub(crate) fn recycle(self) {
        pool::give_back(self.octets);
    }

    /// [`HEADROOM`] and the payload.
    pub(crate) fn into_octets(mut self) -> Vec<u8> {
        self.octets.truncate(self.len);
        self.octets
    }

    /// Octets of memory in use.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.octets.capacity()
    }

    /// Where octets of a frame of which `announced` are still to come can be read to. [`Self::fill`] tells how
    /// many were.
    pub(crate) fn room(&mut self, announced: u64, most: usize) -> &mut [u8] {
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let trusted = TRUSTED_LENGTH.max(self.len.saturating_mul(TRUSTED_FACTOR));
        if self.octets.capacity() - self.len < announced.min(TRUSTED_LENGTH) {
            pool::grow(&mut self.octets, self.len, announced.min(trusted));
        }
        let end = self.len + announced.min(self.octets.capacity() - self.len).min(most);
        if self.octets.len() < end {
            self.octets.resize(end, 0);
        }
        &mut self.octets[self.len..end]
    }

    /// Takes as many octets as were read to the [`Self::room`].
    pub(crate) fn fill(&mut self, octets: usize) {
        self.len = self.octets.len().min(self.len + octets);
    }

    /// Takes a part of the payload of a frame, masked with `key` from its octet `offset` on, of which `announced`
    /// octets are still to come.
    pub(crate) fn take(&mut self, key: Option<MaskingKey>, offset: u64, part: &[u8], announced: u64) {
        self.reserve(part.len(), announced);
        // A chunk is a multiple of the key's length, so this holds for each of them.
        let offset = (offset % 4) as usize;
        for chunk in part.chunks(UNMASK_CHUNK) {
            let start = self.len;
            pool::put(&mut self.octets, start, chunk);
            self.len += chunk.len();
            if let Some(key) = key {
                apply_mask(key, offset, &mut self.octets[start..self.len]);
            }
        }
    }

    fn reserve(&mut self, part: usize, announced: u64) {
        let trusted = TRUSTED_LENGTH.max((self.len + part).saturating_mul(TRUSTED_FACTOR));
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        pool::grow(&mut self.octets, self.len, announced.min(trusted).max(part));
    }

    /// Takes a part of the payload of a compressed frame, behind its first `offset` octets.
    pub(crate) fn inflate(
        &mut self,
        deflate: &mut Deflate,
        frame: &FrameHeader,
        offset: u64,
        part: &[u8],
        limit: u64,
    ) -> Result<(), Violation> {
        self.reserve_inflated(part.len(), frame.length - offset);
        let (key, offset) = (frame.mask.unwrap_or_default(), (offset % 4) as usize);
        if part.len() <= SHORT {
            let mut plain = [0; SHORT];
            let plain = &mut plain[..part.len()];
            plain.copy_from_slice(part);
            apply_mask(key, offset, plain);
            return self.inflate_plain(deflate, plain, limit);
        }
        let mut plain = pool::take(part.len());
        copy_masked(key, offset, part, &mut plain);
        let inflated = self.inflate_plain(deflate, &plain, limit);
        pool::give_back(plain);
        inflated
    }

    /// Makes room for all that a frame of which `announced` octets are left will become, so that nothing is moved when
    /// the rest of it comes; as far as this part shows that it is no empty promise.
    fn reserve_inflated(&mut self, part: usize, announced: u64) {
        let trusted = self.len + 2 * part * EXPECTED_RATIO;
        let announced = usize::try_from(announced).unwrap_or(usize::MAX).saturating_mul(EXPECTED_RATIO);
        pool::grow(&mut self.octets, self.len, announced.min(trusted));
    }

    fn inflate_plain(&mut self, deflate: &mut Deflate, plain: &[u8], limit: u64) -> Result<(), Violation> {
        match deflate.inflate(plain, in_memory(limit), &mut self.octets, &mut self.len)? {
            true => Ok(()),
            false => Err(Violation::MessageTooBig { limit }),
        }
    }

    /// Ends a compressed message.
    pub(crate) fn finish_inflating(&mut self, deflate: &mut Deflate, limit: u64) -> Result<(), Violation> {
        match deflate.finish(in_memory(limit), &mut self.octets, &mut self.len)? {
            true => Ok(()),
            false => Err(Violation::MessageTooBig { limit }),
        }
    }
}

/// The length of a buffer that holds a message of at most `limit` octets.
fn in_memory(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(HEADROOM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_a_compressed_frame_is_made_as_far_as_some_of_it_has_come() {
        let mut message = PartialMessage::new(Opcode::TEXT, true, 64 << 20, true);
        message.reserve_inflated(1 << 10, 64 << 20);
        assert!(message.memory() <= 128 << 10);
        message.reserve_inflated(256 << 10, 64 << 20);
        assert!(message.memory() <= 3 << 20, "{}", message.memory());
    }

    #[test]
    fn nothing_is_moved_when_the_rest_of_a_compressed_frame_comes() {
        let mut message = PartialMessage::new(Opcode::TEXT, true, 300 << 10, true);
        message.reserve_inflated(256 << 10, 300 << 10);
        let memory = message.memory();
        message.len += 3 * (256 << 10);
        message.reserve_inflated(44 << 10, 44 << 10);
        assert_eq!(message.memory(), memory);
    }
}
