//! What a connection wants written, on its way to the socket.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf as _, Bytes};
use wsspec_endpoint::{Connection, Transmit};

/// No more is read while this much waits to be written.
pub(super) const HIGH_WATER: usize = 256 << 10;
/// The most pieces that are written at once.
pub(super) const SLICES: usize = 16;

/// Octets to be written, and what follows them.
#[derive(Default)]
pub(super) struct Outflow {
    pieces: VecDeque<Bytes>,
    /// Octets in `pieces`.
    len: usize,
    then: Option<Then>,
}

/// What follows once everything is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Fin,
    Abort,
}

impl Outflow {
    /// Takes what the connection wants written, up to the high-water mark.
    pub(super) fn fill(&mut self, connection: &mut Connection) {
        while self.then.is_none() && self.len < HIGH_WATER {
            match connection.poll_transmit() {
                None => break,
                Some(Transmit::Octets(octets)) => {
                    self.len += octets.len();
                    self.pieces.push_back(octets);
                }
                Some(Transmit::CloseTcp) => self.then = Some(Then::Fin),
                Some(Transmit::Abort) => self.then = Some(Then::Abort),
            }
        }
    }

    /// Octets that wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether no octets wait.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The first pieces; how many they are. The system takes a single one faster than a list.
    pub(super) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> usize {
        for (slice, octets) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(octets);
        }
        self.pieces.len().min(SLICES)
    }

    /// Takes note of octets that were written.
    pub(super) fn advance(&mut self, mut written: usize) {
        self.len -= written;
        while let Some(first) = self.pieces.front_mut() {
            if first.len() > written {
                return first.advance(written);
            }
            written -= first.len();
            self.pieces.pop_front();
        }
    }

    /// Forgets what cannot be written any more.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.len = 0;
    }

    /// What is to be done now that everything is written.
    pub(super) fn take_then(&mut self) -> Option<Then> {
        if self.pieces.is_empty() { self.then.take() } else { None }
    }

    /// An idle connection needs no memory for it.
    pub(super) fn release(&mut self) {
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
        }
    }
}
