//! What failed last time: the last record, and the ones kept beside it for the cases that it does not hold.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use wsspec_cases::CaseId;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Report};

use super::conclude::counts;
use super::folder::{RESULTS, numbered};
use super::journal::Brief;
use crate::cli::FailOn;
use crate::errors::Problem;
use crate::results;
use crate::text::count;

/// The newest result of each case of each implementation.
#[derive(Debug)]
pub(super) struct Before {
    /// They, in the frame of the last record.
    pub(super) report: Report,
    /// The records, each with the number of cases that were taken from it.
    sources: Vec<(PathBuf, usize)>,
    /// All of them came to their end.
    pub(super) complete: bool,
}

impl Before {
    /// Reads the record, and those kept beside it. With addresses only implementations at these count, if there are any.
    ///
    /// # Errors
    /// E18: there is none, or it is none.
    pub(super) fn read(path: &Path, addresses: &[String]) -> Result<Self, Problem> {
        let path = results::file(path);
        let mut report = results::read(&path)?;
        let kept = (1..=u8::MAX).map(|number| numbered(&path, number));
        let kept = kept.filter(|_| path.ends_with(RESULTS)).take_while(|path| path.exists());
        // One that cannot be read, as of another version, has nothing to say.
        let older: Vec<(PathBuf, Report)> =
            kept.filter_map(|path| results::read(&path).ok().map(|report| (path, report))).collect();
        let meant = meant(std::iter::once(&report).chain(older.iter().map(|(_, report)| report)), addresses);
        report.cases.retain(|case| meant.contains(&case.agent));
        let mut known: HashSet<(Untrusted, CaseId)> = report.cases.iter().map(key).collect();
        let mut before =
            Self { complete: report.is_complete(), sources: vec![(path, report.cases.len())], report };
        for (path, older) in older {
            let complete = older.is_complete();
            let new = |case: &CaseRecord| meant.contains(&case.agent) && known.insert(key(case));
            let cases: Vec<CaseRecord> = older.cases.into_iter().filter(new).collect();
            before.complete &= complete || cases.is_empty();
            before.sources.push((path, cases.len()));
            before.report.cases.extend(cases);
        }
        Ok(before)
    }

    /// The results that make a run fail.
    pub(super) fn failed(&self, fail_on: FailOn) -> impl Iterator<Item = &CaseRecord> {
        self.report.cases.iter().filter(move |case| failed(case, fail_on))
    }

    /// Which records the failures are taken from.
    pub(super) fn told(&self, fail_on: FailOn) -> Vec<String> {
        let mut rest = self.report.cases.as_slice();
        let mut told = Vec::new();
        for (path, cases) in &self.sources {
            let (own, others) = rest.split_at(*cases);
            let failures = own.iter().filter(|case| failed(case, fail_on)).count();
            if failures > 0 {
                told.push(format!("note: last failed: {} in {}", count(failures, "result"), path.display()));
            }
            rest = others;
        }
        told
    }

    /// The last record.
    pub(super) fn path(&self) -> &Path {
        &self.sources[0].0
    }
}

/// The implementations at these addresses, or those of the newest record; without addresses all.
fn meant<'a>(reports: impl Iterator<Item = &'a Report> + Clone, addresses: &[String]) -> HashSet<Untrusted> {
    let is_at = |url: Option<&String>| url.is_some_and(|url| addresses.contains(url));
    let targets = reports.clone().flat_map(|report| &report.run.targets);
    let there: HashSet<Untrusted> =
        targets.filter(|target| is_at(target.url.as_ref())).map(|target| target.agent.clone()).collect();
    if !there.is_empty() {
        return there;
    }
    let reports = reports.take(if addresses.is_empty() { usize::MAX } else { 1 });
    reports.flat_map(Report::agents).cloned().collect()
}

fn key(case: &CaseRecord) -> (Untrusted, CaseId) {
    (case.agent.clone(), case.id)
}

/// Whether a result makes a run fail.
pub(super) fn failed(case: &CaseRecord, fail_on: FailOn) -> bool {
    case.verdict.is_red() || counts(Brief::of(case), fail_on)
}
