//! A buffer to read to.

use bytes::Bytes;

use crate::pool;

/// Where the octets begin. What the kernel copies often begins with a page, and copies to addresses that differ
/// little from those of the source modulo the page size are several times slower on some processors.
const PAGE: usize = 4 << 10;

/// Memory to read to, and the octets that were read. One is enough for all connections of a thread.
#[derive(Debug, Default)]
pub struct Buffer {
    memory: Vec<u8>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// Where up to `size` octets can be read to; the buffer is empty then. [`Self::fill`] tells how many were read.
    pub fn room(&mut self, size: usize) -> &mut [u8] {
        self.len = 0;
        if self.memory.len() < self.start + size {
            self.memory = pool::take_used(PAGE + size);
            self.start = self.memory.as_ptr().align_offset(PAGE).min(PAGE);
            self.memory.resize(self.memory.capacity(), 0);
        }
        &mut self.memory[self.start..self.start + size]
    }

    /// Says how many octets were read to the [`Self::room`].
    pub fn fill(&mut self, octets: usize) {
        self.len = octets.min(self.memory.len() - self.start);
    }

    /// The octets that were read.
    pub fn octets(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }

    pub(crate) fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.len]
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Gives the memory away. It is used again when nobody has a part of the octets any more.
    pub(crate) fn share(&mut self) -> Bytes {
        let Self { memory, start, len } = std::mem::take(self);
        pool::into_bytes(memory).slice(start..start + len)
    }
}

impl From<&[u8]> for Buffer {
    fn from(octets: &[u8]) -> Self {
        let mut buffer = Self::default();
        buffer.room(octets.len()).copy_from_slice(octets);
        buffer.fill(octets.len());
        buffer
    }
}
