use std::collections::VecDeque;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use wsspec_wire::FrameHeader;

use crate::Time;

/// What happened on the wire, in order, bounded: the first entries and the last ones are kept.
#[derive(Clone, Debug, Default)]
pub struct WireLog {
    /// The entries that were kept, in order of time.
    pub entries: Vec<LogEntry>,
    /// How many were dropped between the first and the last ones.
    pub dropped: u64,
}

impl WireLog {
    /// How many of the first entries are kept, and how many of the last ones.
    pub const KEPT: usize = 128;

    /// Where the gap is, as an index of `entries`, if entries were dropped.
    pub const fn gap(&self) -> Option<usize> {
        if self.dropped > 0 { Some(Self::KEPT) } else { None }
    }

    /// Where the entry is, as an index of `entries`, that was made as this one, counted from 0; none if it was dropped.
    pub(crate) fn index(&self, number: usize) -> Option<usize> {
        let dropped = usize::try_from(self.dropped).unwrap_or(usize::MAX);
        let index = if number < Self::KEPT { Some(number) } else { number.checked_sub(dropped) };
        index.filter(|&index| index < self.entries.len() && (number < Self::KEPT || index >= Self::KEPT))
    }

    /// The entry that was made as this one. If it was dropped, the last one before the gap; if it never came, the
    /// last of all.
    fn nearest(&self, number: usize) -> Option<usize> {
        let last = self.entries.len().checked_sub(1)?;
        let instead = if number > self.number(last) { last } else { last.min(Self::KEPT - 1) };
        Some(self.index(number).unwrap_or(instead))
    }

    /// The number of an entry: those that were dropped are counted, so that a gap shows in the numbers.
    pub fn number(&self, index: usize) -> usize {
        match self.gap() {
            Some(gap) if index >= gap => {
                index.saturating_add(usize::try_from(self.dropped).unwrap_or(usize::MAX))
            }
            _ => index,
        }
    }

    /// The first frame that was received from this entry on, counted from 0.
    /// If there is none, what stands there.
    pub(crate) fn received_from(&self, number: usize) -> Option<usize> {
        let nearest = self.nearest(number)?;
        let received =
            |entry: &LogEntry| matches!(entry.kind, LogKind::Frame { direction: Direction::Rx, .. });
        let frame = self
            .index(number)
            .and_then(|from| self.entries[from..].iter().position(received).map(|place| from + place));
        Some(frame.unwrap_or(nearest))
    }
}

/// A wire log that is being written. An entry costs the same however many came before.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogBook {
    first: Vec<LogEntry>,
    last: VecDeque<LogEntry>,
    dropped: u64,
}

impl LogBook {
    /// How many entries were made.
    pub(crate) fn count(&self) -> usize {
        let dropped = usize::try_from(self.dropped).unwrap_or(usize::MAX);
        dropped.saturating_add(self.first.len() + self.last.len())
    }

    /// Adds an entry, and drops one from the middle if there are too many.
    pub(crate) fn push(&mut self, at: Time, kind: LogKind) {
        let entry = LogEntry { at, kind };
        if self.first.len() < WireLog::KEPT {
            self.first.push(entry);
            return;
        }
        if self.last.len() == WireLog::KEPT {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(entry);
    }
}

impl From<LogBook> for WireLog {
    fn from(book: LogBook) -> Self {
        let LogBook { first: mut entries, last, dropped } = book;
        entries.extend(last);
        Self { entries, dropped }
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// When, since the start of the connection.
    pub at: Time,
    /// What.
    pub kind: LogKind,
}

/// From the tester's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received from the peer.
    Rx,
    /// Sent by the tester.
    Tx,
}

/// The kinds of entries.
#[derive(Clone, Debug)]
pub enum LogKind {
    /// A read or a write.
    Octets {
        /// Which way.
        direction: Direction,
        /// The first octets and the length.
        data: Snippet,
        /// Written on its own.
        sync: bool,
    },
    /// A frame.
    Frame {
        /// Which way.
        direction: Direction,
        /// The header as it was on the wire.
        header: FrameHeader,
        /// The first octets of the unmasked payload, and its length.
        payload: Snippet,
        /// The payload repeats its first so many octets.
        unit: Option<u64>,
        /// Written in pieces of this size.
        chop: Option<usize>,
        /// Written on its own.
        sync: bool,
    },
    /// The script waits.
    WaitStarted {
        /// For so long.
        delay: Time,
        /// Its name.
        tag: Option<&'static str>,
    },
    /// The wait ran out.
    WaitEnded {
        /// Its name.
        tag: Option<&'static str>,
    },
    /// The timer that fails the connection was armed.
    FailTimerArmed(Time),
    /// It fired.
    FailTimerFired,
    /// The timer that closes the connection was armed.
    CloseTimerArmed(Time),
    /// It fired.
    CloseTimerFired,
    /// Octets are recorded from here on, or no more.
    Recording(bool),
    /// The tester failed the connection for this reason.
    Failed(String),
    /// TCP ended.
    TcpEnd(crate::TcpEnd),
}

/// The beginning of some octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The first octets, at most [`Snippet::KEPT`].
    pub kept: Bytes,
    /// How many there were.
    pub len: u64,
    /// The SHA-256 of all of them: of the payloads of frames that were not kept whole.
    pub sha256: Option<[u8; 32]>,
}

impl Snippet {
    /// The most octets that are kept.
    pub const KEPT: usize = 256;

    /// The beginning of these octets.
    pub fn of(octets: &[u8]) -> Self {
        let kept = &octets[..octets.len().min(Self::KEPT)];
        Self { kept: Bytes::copy_from_slice(kept), len: octets.len() as u64, sha256: None }
    }
}

/// A snippet of octets that come piece by piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snipping {
    kept: Vec<u8>,
    len: u64,
    hash: Option<Sha256>,
}

impl Snipping {
    /// So many octets are to come. They are hashed if they are logged and too many to be kept.
    pub(crate) fn new(length: u64, logged: bool) -> Self {
        let hash = (logged && length > Snippet::KEPT as u64).then(Sha256::new);
        Self { hash, ..Self::default() }
    }

    pub(crate) fn add(&mut self, octets: &[u8]) {
        let room = Snippet::KEPT - self.kept.len();
        self.kept.extend_from_slice(&octets[..octets.len().min(room)]);
        self.len += octets.len() as u64;
        self.hash.iter_mut().for_each(|hash| hash.update(octets));
    }

    pub(crate) fn finish(self) -> Snippet {
        let sha256 = self.hash.map(|hash| hash.finalize().into());
        Snippet { kept: self.kept.into(), len: self.len, sha256 }
    }
}
