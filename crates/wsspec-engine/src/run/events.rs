use wsspec_cases::{Accept, Case, Driver, Event, Expected, Received};

use crate::Time;
use crate::wire_log::Snippet;

/// What came, as far as judging can need it.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) list: Vec<Event>,
    pub(super) times: Vec<Time>,
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
        Self { list: Vec::new(), times: Vec::new(), dropped: 0, limit, largest, kept }
    }

    pub(super) const fn largest_payload(&self) -> usize {
        self.largest
    }

    pub(super) fn push(&mut self, event: &Event, now: Time) {
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
        self.times.push(now);
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
