//! Two results of one implementation, case by case.

use std::time::Duration;

use crate::Untrusted;
use crate::record::{AcceptRecord, CaseRecord, Report};
use wsspec_cases::{CaseId, Grade};
use wsspec_engine::Verdict;

/// A case that took less than this longer is not called slower.
const SLOWER_BY: Duration = Duration::from_millis(100);
/// Shorter times say nothing about noise.
const TELLING: Duration = Duration::from_millis(1);
/// Fewer cases do not either.
const TELLING_CASES: usize = 8;

/// What is different.
#[derive(Debug)]
pub struct Difference<'a> {
    /// Cases with a verdict in both results.
    pub common: usize,
    /// Other verdicts, the worst first.
    pub changes: Vec<Change<'a>>,
    /// Cases with a verdict in the old result only.
    pub only_old: Vec<CaseId>,
    /// Cases with a verdict in the new result only.
    pub only_new: Vec<&'a CaseRecord>,
    /// Cases that took half as long again as before, or longer, and more than noise explains: first what took
    /// most.
    pub slower: Vec<Slower>,
    /// By how much the time of a case usually differs, as a fraction; none if there are too few to tell.
    pub noise: Option<f64>,
}

/// Cases that changed in the same way.
#[derive(Debug)]
pub struct Change<'a> {
    /// For better or worse.
    pub way: Way,
    /// The verdict that they had.
    pub old: Verdict,
    /// The verdict that they have.
    pub new: Verdict,
    /// The cases, in the order of their ids, as they are now.
    pub cases: Vec<&'a CaseRecord>,
}

/// The implementations to compare: those of the same name, or the only one of each.
pub fn pairs<'a>(old: &'a Report, new: &'a Report) -> Vec<(&'a Untrusted, &'a Untrusted)> {
    let (before, now) = (old.agents(), new.agents());
    if let ([before], [now]) = (before.as_slice(), now.as_slice()) {
        return vec![(*before, *now)];
    }
    let same = |agent: &&'a Untrusted| before.iter().copied().find(|other| other == agent);
    now.into_iter().filter_map(|agent| Some((same(&agent)?, agent))).collect()
}

/// In which direction a verdict changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// A regression.
    Worse,
    /// Neither, as from `pass` to `n/a`.
    Other,
    /// Neither: which of two lawful things the peer does hangs on its own timing.
    Race,
    /// An improvement.
    Better,
}

/// A case that takes longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slower {
    /// The case.
    pub id: CaseId,
    /// How long it took.
    pub old: Duration,
    /// How long it takes.
    pub new: Duration,
}

impl Slower {
    /// How much longer it took, as a fraction.
    pub fn growth(&self) -> f64 {
        self.new.as_secs_f64() / self.old.as_secs_f64().max(1e-6) - 1.0
    }
}

/// The median of how much times differ, up or down. What took next to no time says nothing.
fn noise(pairs: &[(Duration, Duration)]) -> Option<f64> {
    let told = pairs.iter().filter(|(old, new)| *old >= TELLING && *new >= TELLING);
    let ratio = |(old, new): &(Duration, Duration)| new.as_secs_f64() / old.as_secs_f64();
    let mut changes: Vec<f64> = told.map(|pair| ratio(pair).max(1.0 / ratio(pair)) - 1.0).collect();
    changes.sort_by(f64::total_cmp);
    (changes.len() >= TELLING_CASES).then(|| changes[changes.len() / 2])
}

impl<'a> Difference<'a> {
    /// Compares the results of one implementation.
    pub fn between(old: &[&'a CaseRecord], new: &[&'a CaseRecord]) -> Self {
        let find = |records: &[&'a CaseRecord], id| {
            records.iter().copied().find(|record| record.id == id && has_verdict(record))
        };
        let mut difference = Self {
            common: 0,
            changes: Vec::new(),
            only_old: Vec::new(),
            only_new: Vec::new(),
            slower: Vec::new(),
            noise: None,
        };
        let mut pairs = Vec::new();
        for now in new.iter().copied().filter(|record| has_verdict(record)) {
            match find(old, now.id) {
                Some(before) => {
                    pairs.push((duration(before), duration(now)));
                    difference.compare(before, now);
                }
                None => difference.only_new.push(now),
            }
        }
        let gone = old.iter().filter(|record| has_verdict(record) && find(new, record.id).is_none());
        difference.only_old = gone.map(|record| record.id).collect();
        difference.changes.sort_by_key(|change| change.way);
        difference.noise = noise(&pairs);
        let beyond = 3.0 * difference.noise.unwrap_or(0.0);
        difference.slower.retain(|slower| slower.growth() > beyond);
        difference.slower.sort_by_key(|slower| std::cmp::Reverse(slower.new));
        difference
    }

    /// How many groups of cases went this way, and how many cases.
    pub fn count(&self, way: Way) -> (usize, usize) {
        let groups = self.changes.iter().filter(|change| change.way == way);
        groups.fold((0, 0), |(groups, cases), change| (groups + 1, cases + change.cases.len()))
    }

    fn compare(&mut self, old: &'a CaseRecord, new: &'a CaseRecord) {
        self.common += 1;
        if old.verdict != new.verdict {
            self.add_change(old, new);
        } else if is_slower(old, new) {
            self.slower.push(Slower { id: new.id, old: duration(old), new: duration(new) });
        }
    }

    fn add_change(&mut self, old: &'a CaseRecord, new: &'a CaseRecord) {
        let way = way(old, new);
        let alike = |change: &&mut Change<'a>| {
            (change.way, change.old, change.new) == (way, old.verdict, new.verdict)
                && change.cases[0].cause == new.cause
        };
        if let Some(change) = self.changes.iter_mut().find(alike) {
            change.cases.push(new);
            return;
        }
        self.changes.push(Change { way, old: old.verdict, new: new.verdict, cases: vec![new] });
    }
}

fn way(old: &CaseRecord, new: &CaseRecord) -> Way {
    let early = match (old.verdict, new.verdict) {
        (Verdict::Pass, Verdict::NonStrict) => Some(new),
        (Verdict::NonStrict, Verdict::Pass) => Some(old),
        _ => None,
    };
    match harm(new.verdict).cmp(&harm(old.verdict)) {
        _ if early.is_some_and(ends_early) => Way::Race,
        std::cmp::Ordering::Greater => Way::Worse,
        std::cmp::Ordering::Equal => Way::Other,
        std::cmp::Ordering::Less => Way::Better,
    }
}

/// Whether a result is not strict for one reason only: the peer had sent the first part of what it sends otherwise when
/// the connection ended. Where messages that are to be echoed come together with what ends the connection, that is a
/// race inside the peer.
fn ends_early(record: &CaseRecord) -> bool {
    let record = record.whole();
    let of_grade = |grade| record.accepts.iter().filter(move |accept| accept.grade == grade);
    let is_part = |early: &AcceptRecord, whole: &AcceptRecord| {
        early.events.len() < whole.events.len() && whole.events.starts_with(&early.events)
    };
    let came = |early: &&AcceptRecord| !record.short && early.events.len() == record.received.len();
    record.checks.iter().filter(|check| !check.ok).count() <= 1
        && of_grade(Grade::NonStrict)
            .filter(came)
            .any(|early| of_grade(Grade::Ok).any(|whole| is_part(early, whole)))
}

pub(crate) const fn has_verdict(record: &CaseRecord) -> bool {
    !matches!(record.verdict, Verdict::Skipped | Verdict::NotRun)
}

const fn harm(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass | Verdict::Info | Verdict::NotApplicable | Verdict::Skipped | Verdict::NotRun => 0,
        Verdict::NonStrict => 1,
        Verdict::Fail | Verdict::Timeout | Verdict::Crash | Verdict::Error => 2,
    }
}

const fn duration(record: &CaseRecord) -> Duration {
    Duration::from_micros(record.duration_us)
}

fn is_slower(old: &CaseRecord, new: &CaseRecord) -> bool {
    let (old, new) = (duration(old), duration(new));
    new >= old + SLOWER_BY && new >= old.mul_f64(1.5)
}

#[cfg(test)]
mod tests {
    use crate::record::read;
    use crate::samples;

    use super::*;

    fn report() -> Report {
        read(include_str!("../../wsspec/src/terminal/testdata/results.jsonl")).unwrap()
    }

    fn refs(report: &Report) -> Vec<&CaseRecord> {
        report.cases.iter().collect()
    }

    fn ids(records: &[&CaseRecord]) -> Vec<String> {
        records.iter().map(|record| record.id.to_string()).collect()
    }

    #[test]
    fn a_result_does_not_differ_from_itself() {
        let report = report();
        let same = Difference::between(&refs(&report), &refs(&report));
        assert_eq!((same.common, same.changes.len(), same.slower.len()), (4, 0, 0));
    }

    #[test]
    fn regressions_with_one_cause_are_one_change() {
        let new = report();
        let mut old = report();
        for record in &mut old.cases {
            record.verdict = Verdict::Pass;
        }
        let worse = Difference::between(&refs(&old), &refs(&new));
        assert_eq!((worse.count(Way::Worse), worse.count(Way::Better)), ((2, 3), (0, 0)));
        assert_eq!(ids(&worse.changes[1].cases), ["5.15", "5.16"]);
        let better = Difference::between(&refs(&new), &refs(&old));
        assert_eq!(better.count(Way::Better).1, 3);
    }

    #[test]
    fn changes_among_failures_are_neither_worse_nor_better() {
        let (old, mut new) = (report(), report());
        let failed = new.cases.iter_mut().find(|record| record.verdict.is_failure()).unwrap();
        failed.verdict = Verdict::Timeout;
        assert_eq!(Difference::between(&refs(&old), &refs(&new)).count(Way::Other), (1, 1));
    }

    #[test]
    fn a_short_record_in_which_nothing_came_is_no_race() {
        let failed = samples::failed("a", "5.15");
        let mut new = samples::with_verdict(failed, Verdict::NonStrict, "It ended early.");
        new.checks.truncate(1);
        new.received.clear();
        let old = CaseRecord { verdict: Verdict::Pass, ..new.clone() };
        assert_eq!(Difference::between(&[&old], &[&new]).count(Way::Race), (1, 1));
        new.shorten();
        assert_eq!(Difference::between(&[&old], &[&new]).count(Way::Worse), (1, 1));
    }

    #[test]
    fn cases_without_a_verdict_are_in_one_result_only() {
        let (old, mut new) = (report(), report());
        new.cases[0].verdict = Verdict::NotRun;
        let gone = new.cases[0].id;
        new.cases.pop();
        let less = Difference::between(&refs(&old), &refs(&new));
        assert_eq!((less.common, less.only_old.len(), less.only_old[0]), (2, 2, gone));
        assert_eq!(Difference::between(&refs(&new), &refs(&old)).only_new.len(), 2);
    }

    #[test]
    fn what_all_times_do_is_noise() {
        let second = Duration::from_secs(1);
        let pairs = |factor: f64| vec![(second, second.mul_f64(factor)); TELLING_CASES];
        assert_eq!(noise(&pairs(2.0)), Some(1.0));
        assert_eq!(noise(&pairs(0.5)), Some(1.0));
        assert_eq!(noise(&pairs(1.0)[1..]), None);
        let slow = Slower { id: "1.1.1".parse().unwrap(), old: second, new: second.mul_f64(1.9) };
        assert!((slow.growth() - 0.9).abs() < 1e-9);
    }

    #[test]
    fn small_delays_are_noise() {
        let (mut old, mut new) = (report(), report());
        (old.cases[0].duration_us, new.cases[0].duration_us) = (1_000, 90_000);
        (old.cases[1].duration_us, new.cases[1].duration_us) = (580_000, 1_100_000);
        let slower = Difference::between(&refs(&old), &refs(&new)).slower;
        assert_eq!(slower.len(), 1);
        assert_eq!(slower[0].id, old.cases[1].id);
    }
}
