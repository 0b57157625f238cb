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

/// How much is unmasked at once before it is inflated.
const UNMASK_CHUNK: usize = 4 << 10;

/// A message that is not complete.
#[derive(Debug)]
pub(crate) struct PartialMessage {
    pub(crate) opcode: Opcode,
    pub(crate) compressed: bool,
    pub(crate) fragments: u32,
    pub(crate) utf8: Utf8Validator,
    /// [`HEADROOM`], then the payload so far.
    pub(crate) octets: Vec<u8>,
}

impl PartialMessage {
    pub(crate) fn new(opcode: Opcode, compressed: bool, announced: u64) -> Self {
        let expected = if compressed { 0 } else { announced.min(TRUSTED_LENGTH as u64) as usize };
        let mut octets = pool::take(HEADROOM + expected);
        octets.resize(HEADROOM, 0);
        Self { opcode, compressed, fragments: 0, utf8: Utf8Validator::new(), octets }
    }

    /// Makes room for a part of a frame of which `announced` octets are still to come.
    fn reserve(&mut self, part: usize, announced: u64) {
        let trusted = TRUSTED_LENGTH.max((self.octets.len() + part).saturating_mul(TRUSTED_FACTOR));
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if self.octets.capacity() - self.octets.len() < part {
            pool::reserve(&mut self.octets, announced.min(trusted).max(part));
        }
    }

    /// Makes room for octets of a frame of which `announced` are still to come, and says for how many.
    pub(crate) fn room(&mut self, announced: u64) -> usize {
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let trusted = TRUSTED_LENGTH.max(self.octets.len().saturating_mul(TRUSTED_FACTOR));
        if self.octets.capacity() - self.octets.len() < announced.min(TRUSTED_LENGTH) {
            pool::reserve(&mut self.octets, announced.min(trusted));
        }
        announced.min(self.octets.capacity() - self.octets.len())
    }

    /// Takes a part of the payload of a frame, masked with `key` from its octet `offset` on.
    pub(crate) fn take(&mut self, key: Option<MaskingKey>, offset: u64, part: &[u8], announced: u64) {
        self.reserve(part.len(), announced);
        match key {
            Some(key) => copy_masked(key, (offset % 4) as usize, part, &mut self.octets),
            None => self.octets.extend_from_slice(part),
        }
    }

    /// Takes a part of the payload of a compressed frame.
    pub(crate) fn inflate(
        &mut self,
        deflate: &mut Deflate,
        key: Option<MaskingKey>,
        offset: u64,
        part: &[u8],
        limit: u64,
    ) -> Result<(), Violation> {
        // A chunk is a multiple of the key's length, so this holds for each of them.
        let offset = (offset % 4) as usize;
        let mut plain = [0; UNMASK_CHUNK];
        for chunk in part.chunks(UNMASK_CHUNK) {
            let plain = &mut plain[..chunk.len()];
            plain.copy_from_slice(chunk);
            if let Some(key) = key {
                apply_mask(key, offset, plain);
            }
            if !deflate.inflate(plain, in_memory(limit), &mut self.octets)? {
                return Err(Violation::MessageTooBig { limit });
            }
        }
        Ok(())
    }
}

/// The length of a buffer that holds a message of at most `limit` octets.
pub(crate) fn in_memory(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(HEADROOM)
}
