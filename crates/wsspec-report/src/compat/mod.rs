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

use std::collections::BTreeMap;

use serde::Serialize;
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

/// `index.json`: agent, case id, verdict.
///
/// Cases that never ran are absent, as they are in the reference's file.
pub fn index_json(cases: &[CaseRecord]) -> String {
    let names = Names::of(cases.iter().map(|case| &case.agent));
    let mut index: BTreeMap<&str, BTreeMap<String, IndexEntry<'_>>> = BTreeMap::new();
    for case in cases.iter().filter(|case| is_reported(case)) {
        let entry = IndexEntry {
            behavior: case.autobahn.behavior.word(),
            behavior_close: case.autobahn.behavior_close.word(),
            duration: duration_ms(case),
            remote_close_code: case.close.remote,
            reportfile: names.file(case, "json"),
        };
        index.entry(case.agent.raw()).or_default().insert(case.id.to_string(), entry);
    }
    json::to_string(&index)
}

/// The JSON file of one case and agent.
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
