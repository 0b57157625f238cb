//! Several results as one: shards of a run, or runs of several implementations.

use std::collections::{BTreeMap, BTreeSet};

use crate::Untrusted;
use crate::record::{CaseRecord, EndRecord, NotRun, Report};
use crate::summary::Counts;

/// More slices than these are no slices of one run: a record may say anything.
const MOST_SLICES: u32 = 10_000;

/// One report of all of them. Of a case that several have, the last one stands.
///
/// What one shard did not run and another one did is no longer missing. None if there is no report.
pub fn merge(reports: impl IntoIterator<Item = Report>) -> Option<Report> {
    let mut reports = reports.into_iter();
    let mut merged = reports.next()?;
    let mut unseen = BTreeMap::new();
    count_unseen(&merged, &mut unseen);
    let mut slices = Slices::default();
    slices.add(&merged);
    let mut ends = vec![merged.end.take()];
    for other in reports {
        count_unseen(&other, &mut unseen);
        slices.add(&other);
        let Report { run, cases, end, torn, .. } = other;
        for target in run.targets {
            if !merged.run.targets.contains(&target) {
                merged.run.targets.push(target);
            }
        }
        for set in run.set {
            if !merged.run.set.contains(&set) {
                merged.run.set.push(set);
            }
        }
        merged.run.unredacted |= run.unredacted;
        merged.run.strict |= run.strict;
        merged.run.flaky |= run.flaky;
        merged.run.fixed |= run.fixed;
        merged.torn |= torn;
        merged.cases.extend(cases);
        ends.push(end);
    }
    let agents = names(&merged);
    merged.cases = last_of_each(merged.cases, &agents);
    merged.run.selected = largest_selection(&merged, &unseen) + slices.missing_cases();
    merged.end = end(&merged, ends, slices.missing());
    Some(merged)
}

/// Which slices of a run there are (`--slice 1/3`).
#[derive(Default)]
struct Slices {
    /// By how many there should be: their numbers.
    there: BTreeMap<u32, BTreeSet<u32>>,
    /// A part was no slice: it has everything.
    whole: bool,
    /// Cases of the smallest one.
    smallest: Option<u64>,
}

impl Slices {
    fn add(&mut self, part: &Report) {
        let Some((number, of)) = slice(&part.run.argv) else {
            self.whole = true;
            return;
        };
        self.there.entry(of).or_default().insert(number);
        self.smallest = Some(self.smallest.unwrap_or(u64::MAX).min(part.run.selected));
    }

    /// `slice 2/3 is missing`
    fn missing(&self) -> Option<String> {
        let absent = self.there.iter().flat_map(|(of, there)| {
            (1..=*of).filter(|number| !there.contains(number)).map(move |number| format!("{number}/{of}"))
        });
        let absent: Vec<String> = absent.filter(|_| !self.whole).collect();
        match &absent[..] {
            [] => None,
            [one] => Some(format!("slice {one} is missing")),
            more => Some(format!("the slices {} are missing", more.join(", "))),
        }
    }

    /// How many cases are missing with them, at least.
    fn missing_cases(&self) -> u64 {
        let each = self.smallest.filter(|_| !self.whole).unwrap_or(0);
        let missing = self.there.iter().map(|(of, there)| u64::from(*of) - there.len() as u64);
        missing.map(|slices| slices * each).sum()
    }
}

/// The slice that a command line asks for.
fn slice(argv: &[String]) -> Option<(u32, u32)> {
    let behind = |word: &String| word.strip_prefix("--slice=").map(str::to_owned);
    let pair = argv.windows(2).find(|pair| pair[0] == "--slice").map(|pair| pair[1].clone());
    let text = pair.or_else(|| argv.iter().find_map(behind))?;
    let (number, of) = text.split_once('/')?;
    let (number, of) = (number.parse().ok()?, of.parse().ok()?);
    (1..=of).contains(&number).then_some((number, of)).filter(|_| of <= MOST_SLICES)
}

/// Adds what a part without an end was to run and has no result of, by agent.
fn count_unseen(part: &Report, unseen: &mut BTreeMap<Untrusted, u64>) {
    if part.end.is_some() {
        return;
    }
    for agent in part.agents() {
        let seen = part.of_agent(agent).count() as u64;
        *unseen.entry(agent.clone()).or_default() += part.run.selected.saturating_sub(seen);
    }
}

fn names(report: &Report) -> Vec<String> {
    report.agents().into_iter().map(|agent| agent.raw().to_owned()).collect()
}

/// The last record of every case, agents in this order, cases in the order of their ids.
fn last_of_each(cases: Vec<CaseRecord>, agents: &[String]) -> Vec<CaseRecord> {
    let mut last = BTreeMap::new();
    for case in cases {
        let place = agents.iter().position(|agent| agent == case.agent.raw());
        last.insert((place, case.id), case);
    }
    last.into_values().collect()
}

fn largest_selection(report: &Report, unseen: &BTreeMap<Untrusted, u64>) -> u64 {
    let of_agent =
        |agent| report.of_agent(agent).count() as u64 + unseen.get(agent).copied().unwrap_or_default();
    report.agents().into_iter().map(of_agent).max().unwrap_or(0)
}

/// How the whole ended: none if a part did not come to its end.
fn end(report: &Report, ends: Vec<Option<EndRecord>>, missing: Option<String>) -> Option<EndRecord> {
    let ends: Vec<EndRecord> = ends.into_iter().collect::<Option<_>>()?;
    let ran = |not_run: &NotRun, id: &String| {
        report.of_agent(&not_run.agent).any(|case| case.id.to_string() == *id)
    };
    let mut not_run: Vec<NotRun> = ends.iter().flat_map(|end| end.not_run.clone()).collect();
    for missing in &mut not_run {
        let kept = missing.cases.iter().filter(|id| !ran(missing, id)).cloned().collect();
        missing.cases = kept;
    }
    not_run.retain(|missing| !missing.cases.is_empty());
    let summaries = crate::summary::AgentSummary::all(report);
    let worst = summaries.iter().max_by_key(|summary| summary.rating.gravity());
    Some(EndRecord {
        finished: ends.iter().map(|end| end.finished.clone()).max().unwrap_or_default(),
        duration_us: ends.iter().map(|end| end.duration_us).sum(),
        complete: missing.is_none()
            && not_run.is_empty()
            && ends.iter().all(|end| end.complete || !end.not_run.is_empty()),
        exit: ends.iter().map(|end| end.exit).max().unwrap_or(0),
        totals: Counts::of(&report.cases).by_word(),
        rating: worst.map_or("", |summary| summary.rating.word()).to_owned(),
        not_run,
        leaks: ends.iter().flat_map(|end| end.leaks.clone()).collect(),
        reason: missing.map(Untrusted::from).or_else(|| ends.into_iter().find_map(|end| end.reason)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed, report};

    #[test]
    fn shards_become_one_report() {
        let first = report(vec![passed("b", "1.1.1"), passed("a", "2.9")]);
        let second = report(vec![failed("a", "5.15"), passed("a", "1.1.1")]);
        let merged = merge([first, second]).unwrap();
        let order: Vec<_> = merged.cases.iter().map(|c| format!("{} {}", c.agent.raw(), c.id)).collect();
        assert_eq!(order, ["b 1.1.1", "a 1.1.1", "a 2.9", "a 5.15"]);
        let end = merged.end.as_ref().unwrap();
        assert_eq!((end.totals["pass"], end.totals["fail"], end.rating.as_str()), (3, 1, "not-conformant"));
        assert_eq!(merged.run.selected, 3);
        assert!(merged.is_complete());
    }

    #[test]
    fn what_another_shard_ran_is_not_missing() {
        let mut first = report(vec![passed("a", "1.1.1")]);
        let missing = |cases: &[&str]| {
            vec![NotRun { agent: "a".into(), cases: cases.iter().map(|id| (*id).to_owned()).collect() }]
        };
        let end = first.end.as_mut().unwrap();
        (end.complete, end.not_run) = (false, missing(&["1.1.2", "1.1.3"]));
        let second = report(vec![passed("a", "1.1.2")]);
        let merged = merge([first.clone(), second]).unwrap();
        assert_eq!(merged.end.as_ref().unwrap().not_run, missing(&["1.1.3"]));
        assert!(!merged.is_complete());
        let third = report(vec![passed("a", "1.1.2"), passed("a", "1.1.3")]);
        assert!(merge([first, third]).unwrap().is_complete());
    }

    #[test]
    fn a_part_without_an_end_leaves_the_whole_without_one() {
        let mut first = report(vec![passed("a", "1.1.1")]);
        (first.end, first.run.selected) = (None, 5);
        let merged = merge([first, report(vec![passed("a", "1.1.2")])]).unwrap();
        assert!(merged.end.is_none());
        let rating = crate::summary::AgentSummary::all(&merged)[0].rating.to_string();
        assert_eq!(rating, "incomplete: 4 cases without a verdict");
        assert!(merge([]).is_none());
    }
}
