use wsspec_cases::{Accept, Case, Driver, Event, Expected, Received};

use crate::wire_log::{LogKind, Snippet, WireLog};

/// What came, as far as judging can need it.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) list: Vec<Event>,
    /// The number in the log of the frame that had come last, for each of them.
    pub(super) numbers: Vec<Option<usize>>,
    pub(super) dropped: u64,
    /// How many events are kept.
    limit: usize,
    /// How many octets of each payload the run has to see.
    largest: usize,
    /// How many octets of each payload are kept.
    kept: usize,
}

impl Events {
    /// What is kept beyond the longest accepted list and the largest accepted payload, so that a report can
    /// show the excess.
    const MORE_EVENTS: usize = 32;
    const MORE_OCTETS: usize = 1024;

    pub(super) fn new(case: &Case, driver: Option<&dyn Driver>) -> Self {
        let most = case.expected().count();
        let largest = case.expected().map(Expected::len).max().unwrap_or(0) + Self::MORE_OCTETS;
        let (largest, kept) = match driver {
            Some(driver) => (driver.largest_message() + Self::MORE_OCTETS, Snippet::KEPT),
            None => (largest, largest),
        };
        let limit = most + Self::MORE_EVENTS;
        Self { list: Vec::new(), numbers: Vec::new(), dropped: 0, limit, largest, kept }
    }

    pub(super) const fn largest_payload(&self) -> usize {
        self.largest
    }

    pub(super) fn push(&mut self, event: &Event, number: Option<usize>) {
        if self.list.len() == self.limit {
            self.dropped += 1;
            return;
        }
        self.list.push(match event {
            Event::Message { binary, payload } => {
                Event::Message { binary: *binary, payload: self.cut(payload) }
            }
            Event::Pong(payload) => Event::Pong(self.cut(payload)),
            Event::Elapsed(tag) => Event::Elapsed(tag),
        });
        self.numbers.push(number);
    }

    /// The entry of the log with which each of them came.
    pub(super) fn entries(&self, log: &WireLog) -> Vec<Option<usize>> {
        let over =
            |kind: &LogKind, of: &str| matches!(kind, LogKind::WaitEnded { tag: Some(tag) } if *tag == of);
        let entry = |(event, number): (&Event, &Option<usize>)| match event {
            Event::Elapsed(tag) => log.entries.iter().position(|entry| over(&entry.kind, tag)),
            Event::Message { .. } | Event::Pong(_) => number.and_then(|number| log.index(number)),
        };
        self.list.iter().zip(&self.numbers).map(entry).collect()
    }

    /// Whether exactly these events came.
    pub(super) fn are(&self, accept: &Accept) -> bool {
        self.dropped == 0 && accept.is_met_by(&self.list)
    }

    fn cut(&self, payload: &Received) -> Received {
        let kept = if payload.kept.len() <= self.kept {
            payload.kept.clone()
        } else {
            // A copy, so that the whole payload does not stay in memory behind it.
            bytes::Bytes::copy_from_slice(&payload.kept[..self.kept])
        };
        Received { kept, len: payload.len }
    }
}
