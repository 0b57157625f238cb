//! What waits to be written.

use std::collections::VecDeque;

use bytes::Bytes;
use wsspec_wire::FrameHeader;

use crate::{Transmit, pool};

/// The tail is handed over and a new one begun when it is longer than this, so that it is not moved while it
/// grows.
const TAIL_SIZE: usize = 64 << 10;

/// What is done with TCP when everything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    CloseTcp,
    Abort,
}

impl From<Ending> for Transmit {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::CloseTcp => Self::CloseTcp,
            Ending::Abort => Self::Abort,
        }
    }
}

/// Octets to be written, in order, and what is to be done with TCP after them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Finished pieces.
    ready: VecDeque<Bytes>,
    /// Small frames are collected here, so that many of them are one write.
    tail: Vec<u8>,
    /// What comes after all octets.
    ending: Option<Ending>,
    /// Octets in `ready`.
    ready_len: usize,
    /// Whether anything was handed over since the last [`Outbox::take_progress`].
    progress: bool,
}

impl Outbox {
    /// The buffer to append frames to.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        if self.tail.len() >= TAIL_SIZE {
            self.finish_tail();
        }
        &mut self.tail
    }

    /// The buffer to append a frame to, with room for its payload. About `more` octets of other frames will
    /// follow.
    pub(crate) fn tail_for(&mut self, payload: usize, more: usize) -> &mut Vec<u8> {
        let (tail, len) = self.tail_over(payload, more);
        tail.truncate(len);
        tail
    }

    /// The same, and how many octets of it count: what is there behind them is to be written over, or cut off.
    pub(crate) fn tail_over(&mut self, payload: usize, more: usize) -> (&mut Vec<u8>, usize) {
        let frame = FrameHeader::MAX_LEN + payload;
        if self.tail.len() + frame > TAIL_SIZE {
            self.finish_tail();
        }
        let len = self.tail.len();
        if self.tail.capacity() - len < frame {
            pool::grow(&mut self.tail, len, frame.max((frame + more).min(TAIL_SIZE)));
        }
        (&mut self.tail, len)
    }

    /// Appends a piece of its own.
    pub(crate) fn push(&mut self, octets: Bytes) {
        self.finish_tail();
        self.ready_len += octets.len();
        self.ready.push_back(octets);
    }

    /// Nothing is written after this.
    pub(crate) fn end_with(&mut self, ending: Ending) {
        self.ending = Some(ending);
    }

    /// Forgets everything that was not handed over.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next thing to do.
    pub(crate) fn next(&mut self) -> Option<Transmit> {
        let next = self.next_octets().map(Transmit::Octets).or_else(|| self.ending.take().map(Ending::into));
        self.progress |= next.is_some();
        next
    }

    /// Whether anything was handed over since the last call.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// Octets that were not handed over yet.
    pub(crate) fn len(&self) -> usize {
        self.ready_len + self.tail.len()
    }

    /// Whether nothing at all is left to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0 && self.ending.is_none()
    }

    /// Octets of memory in use.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.ready.capacity() * size_of::<Bytes>() + self.ready_len + self.tail.capacity()
    }

    fn next_octets(&mut self) -> Option<Bytes> {
        if let Some(octets) = self.ready.pop_front() {
            self.ready_len -= octets.len();
            return Some(octets);
        }
        self.ready = VecDeque::new();
        if self.tail.is_empty() { None } else { Some(pool::into_bytes(std::mem::take(&mut self.tail))) }
    }

    fn finish_tail(&mut self) {
        if !self.tail.is_empty() {
            let octets = std::mem::take(&mut self.tail);
            self.ready_len += octets.len();
            self.ready.push_back(pool::into_bytes(octets));
        }
    }
}
