//! How long the record may become: a client may ask for cases without end.

use std::sync::atomic::{AtomicBool, Ordering};

use wsspec_report::record::CaseRecord;

use super::Shared;
use super::notice::Notice;

/// What is said where no further case is run.
pub(super) const FULL: &str =
    "the record is full: end the server and start it again with another folder (-o DIR)";

/// Sizes of `results.jsonl`, in octets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Above it, records of further cases are short.
    pub short: u64,
    /// Above it, no further case is run.
    pub full: u64,
}

/// 1 and 2 GiB: 64 agents can run all cases once before anything is left out.
impl Default for Limits {
    fn default() -> Self {
        Self { short: 1 << 30, full: 2 << 30 }
    }
}

/// What was told of the size of the record: each thing once.
#[derive(Debug, Default)]
pub(super) struct Told {
    short: AtomicBool,
    full: AtomicBool,
}

impl Shared {
    /// Whether the record has room for one more case. Waits while much is still to be written.
    pub(super) async fn has_room(&self) -> bool {
        self.ledger.keep_up().await;
        let has_room = self.ledger.size() < self.plan.limits.full;
        if !has_room && !self.told.full.swap(true, Ordering::Relaxed) {
            self.tell(Notice::RecordFull);
        }
        has_room
    }

    /// Shortens the record of a case if the record of the run has grown long.
    pub(super) fn fit(&self, record: &mut CaseRecord) {
        if self.ledger.size() < self.plan.limits.short {
            return;
        }
        record.shorten();
        if !self.told.short.swap(true, Ordering::Relaxed) {
            self.tell(Notice::RecordLong);
        }
    }
}
