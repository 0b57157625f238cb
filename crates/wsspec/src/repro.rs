//! Conversations for stand-alone scripts, made again from case and seed.

mod patient;
mod played;

use wsspec_report::record::{CaseRecord, Dir, Happening};
use wsspec_report::repro::Move;

pub(crate) use played::play;

/// Whether the record, as far as it goes, says the same of the octets behind the head.
pub(crate) fn agrees(record: &CaseRecord, moves: &[Move]) -> bool {
    let made: Vec<u8> = moves.iter().skip(1).flat_map(|step| step.octets.iter().copied()).collect();
    let sent = record.events.iter().filter_map(|line| match &line.what {
        Happening::Octets { dir: Dir::Tx, data, .. } => Some(data),
        _ => None,
    });
    let mut at = 0;
    for data in sent.skip(1) {
        let end = made.len().min(at + data.kept().len());
        if made[at.min(end)..end] != *data.kept() {
            return false;
        }
        if data.is_cut() || record.stats.dropped > 0 {
            return true;
        }
        at = end;
    }
    true
}
