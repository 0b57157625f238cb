//! The files of the reference suite, key for key, so that scripts which read them go on working.
//!
//! `index.json` with the verdicts, and one JSON file per case and agent. Their HTML companions are
//! made by [`crate::html`].

mod case;
mod json;
mod names;
mod wirelog;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Serialize, Serializer};
use wsspec_engine::Verdict;

use crate::record::CaseRecord;

pub use names::{Names, file_name};

/// One entry of `index.json`. The keys are in alphabetic order, as the reference writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IndexEntry<'a> {
    behavior: &'a str,
    behavior_close: &'a str,
    duration: u64,
    remote_close_code: Option<u16>,
    reportfile: String,
}

/// Writes `index.json`: agent, case id, verdict.
///
/// Cases that never ran are absent, as they are in the reference's file.
///
/// # Errors
/// It cannot be written.
pub fn write_index(cases: &[CaseRecord], out: impl io::Write) -> io::Result<()> {
    json::write(&Index { cases, names: &Names::of(cases.iter().map(|case| &case.agent)) }, out)
}

struct Index<'a> {
    cases: &'a [CaseRecord],
    names: &'a Names,
}

impl Serialize for Index<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reported = || self.cases.iter().filter(|case| is_reported(case));
        let agents: BTreeSet<&str> = reported().map(|case| case.agent.raw()).collect();
        serializer.collect_map(agents.into_iter().map(|agent| {
            let own = reported().filter(|case| case.agent.raw() == agent);
            (agent, own.map(|case| (case.id.to_string(), self.entry(case))).collect::<BTreeMap<_, _>>())
        }))
    }
}

impl<'a> Index<'a> {
    fn entry(&self, case: &'a CaseRecord) -> IndexEntry<'a> {
        IndexEntry {
            behavior: case.autobahn.behavior.word(),
            behavior_close: case.autobahn.behavior_close.word(),
            duration: duration_ms(case),
            remote_close_code: case.close.remote,
            reportfile: self.names.file(case, "json"),
        }
    }
}

/// The JSON file of one case and agent. The record is whole.
pub fn case_json(case: &CaseRecord) -> String {
    json::to_string(&case::CaseFile::from(case))
}

/// Whether the reference would have an entry for the case.
pub fn is_reported(case: &CaseRecord) -> bool {
    !matches!(case.verdict, Verdict::Skipped | Verdict::NotRun)
}

const fn duration_ms(case: &CaseRecord) -> u64 {
    case.duration_us / 1000
}
