//! A run in numbers: verdicts, sections, causes and the overall rating.

use std::collections::BTreeMap;
use std::fmt;

use wsspec_cases::{CaseId, Level};
use wsspec_engine::Verdict;

use crate::Untrusted;
use crate::record::{CaseRecord, Clause, Report, Standing, verdict_order};
use crate::story::{cause_fault, cause_name, cause_sentence};

/// Which rule [`Rating`] follows; it changes when the rule does.
pub const RATING_RULE: u32 = 1;

/// How many cases have which verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; 10]);

impl Counts {
    /// Counts verdicts.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a CaseRecord>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.add(case.verdict, 1);
        }
        counts
    }

    /// How many have this verdict.
    pub fn get(&self, verdict: Verdict) -> u64 {
        self.0[place(verdict)]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Fail, timeout and crash.
    pub fn failures(&self) -> u64 {
        self.get(Verdict::Fail) + self.get(Verdict::Timeout) + self.get(Verdict::Crash)
    }

    /// How many ran.
    pub fn ran(&self) -> u64 {
        self.total() - self.get(Verdict::Skipped) - self.get(Verdict::NotRun)
    }

    /// The verdicts that occur, in the order in which reports list them.
    pub fn present(&self) -> Vec<(Verdict, u64)> {
        verdict_order()
            .into_iter()
            .map(|verdict| (verdict, self.get(verdict)))
            .filter(|(_, n)| *n > 0)
            .collect()
    }

    /// By word, for the `end` record.
    pub fn by_word(&self) -> BTreeMap<String, u64> {
        self.present().into_iter().map(|(verdict, number)| (verdict.word().to_owned(), number)).collect()
    }

    fn add(&mut self, verdict: Verdict, number: u64) {
        self.0[place(verdict)] += number;
    }
}

fn place(verdict: Verdict) -> usize {
    verdict_order().iter().position(|one| *one == verdict).unwrap_or(0)
}

/// The overall rating of one implementation (rating rule 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rating {
    /// No failure, and nothing non-strict.
    Strict,
    /// No failure; not strict because of these cases.
    Conformant(Vec<CaseId>),
    /// At least one failure.
    NotConformant {
        /// How many cases failed.
        failures: u64,
        /// In how many groups.
        causes: usize,
    },
    /// No failure, but not everything ran.
    Incomplete {
        /// How many cases did not run or could not be run.
        missing: u64,
    },
}

impl Rating {
    /// The word in the `end` record.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Conformant(_) => "conformant",
            Self::NotConformant { .. } => "not-conformant",
            Self::Incomplete { .. } => "incomplete",
        }
    }

    /// Which of several ratings stands for all: the largest.
    pub const fn gravity(&self) -> u8 {
        match self {
            Self::Strict => 0,
            Self::Conformant(_) => 1,
            Self::Incomplete { .. } => 2,
            Self::NotConformant { .. } => 3,
        }
    }

    /// The word for people.
    pub const fn headline(&self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Conformant(_) => "conformant",
            Self::NotConformant { .. } => "not conformant",
            Self::Incomplete { .. } => "incomplete",
        }
    }

    /// Why.
    pub fn reason(&self) -> String {
        match self {
            Self::Strict => "every MUST and every SHOULD kept".to_owned(),
            Self::Conformant(ids) => format!("not strict because of {}", id_list(ids, 6)),
            // What is known has no cause here.
            Self::NotConformant { failures, causes: 0 } => plural(*failures, "MUST failure"),
            Self::NotConformant { failures, causes } => {
                format!("{}, {}", plural(*failures, "MUST failure"), plural(*causes as u64, "cause"))
            }
            Self::Incomplete { missing } => format!("{} without a verdict", plural(*missing, "case")),
        }
    }
}

/// What the rule says, printed next to the rating.
pub const RATING_TEXT: &str = "strict: no failure and nothing non-strict; conformant: no failure; \
    not conformant: a MUST broken, a timeout or a crash; incomplete: no failure, but cases did not run";

fn plural(number: u64, noun: &str) -> String {
    crate::story::units::plural(number, noun)
}

/// The first ids, and how many more there are.
pub fn id_list(ids: &[CaseId], most: usize) -> String {
    // The last one takes no more room than its number.
    let most = if ids.len() == most + 1 { ids.len() } else { most };
    let shown: Vec<String> = ids.iter().take(most).map(CaseId::to_string).collect();
    match ids.len().saturating_sub(most) {
        0 => shown.join(" "),
        more => format!("{} +{more} more", shown.join(" ")),
    }
}

/// Cases that went wrong in the same way.
#[derive(Clone, Debug)]
pub struct Cause<'a> {
    /// The name of the group.
    pub key: &'a str,
    /// The cases, in the order of the report.
    pub cases: Vec<&'a CaseRecord>,
}

impl Cause<'_> {
    /// What went wrong, in one sentence that fits all its cases.
    pub fn headline(&self) -> Untrusted {
        let [first, others @ ..] = self.cases.as_slice() else { return Untrusted::default() };
        if others.is_empty() {
            return cause_sentence(first);
        }
        let mut names: Vec<Untrusted> = Vec::new();
        for name in self.cases.iter().map(|case| cause_name(case)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match names.as_slice() {
            [one] => one.clone(),
            [one, other] => Untrusted::from(format!("{} {}", one.raw(), other.raw())),
            _ => cause_fault(first),
        }
    }

    /// How binding the broken rule is.
    pub fn level(&self) -> Level {
        let first = self.cases[0];
        first.first_failed().map_or_else(|| first.level(), |check| check.level)
    }

    /// Where the broken rule stands; if the cases broke different ones, what their checks have in common.
    pub fn clause(&self) -> Option<Clause> {
        let first = self.cases[0];
        let is_one = self.cases.iter().all(|case| case.clause() == first.clause());
        let check = first.first_failed().filter(|_| !is_one);
        check.map_or_else(|| first.clause(), |check| check.rfc.clone())
    }

    /// The worst verdict in the group.
    pub fn verdict(&self) -> Verdict {
        let failed = self.cases.iter().map(|case| case.verdict).find(|verdict| verdict.is_failure());
        failed.unwrap_or(self.cases[0].verdict)
    }

    /// Whether a case in it is a failure.
    pub fn is_failure(&self) -> bool {
        self.verdict().is_failure()
    }

    /// The ids, each once.
    pub fn ids(&self) -> Vec<CaseId> {
        let mut ids: Vec<CaseId> = self.cases.iter().map(|case| case.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The implementations that have it, each once.
    pub fn agents(&self) -> Vec<&Untrusted> {
        let mut agents: Vec<&Untrusted> = Vec::new();
        for case in &self.cases {
            if !agents.contains(&&case.agent) {
                agents.push(&case.agent);
            }
        }
        agents
    }
}

/// The causes of these cases: failures first, then by their number of cases.
pub fn causes<'a>(cases: impl IntoIterator<Item = &'a CaseRecord>) -> Vec<Cause<'a>> {
    let mut causes: Vec<Cause<'a>> = Vec::new();
    for case in cases {
        let Some(key) = case.cause.as_deref() else { continue };
        if case.outcome == Some(Standing::Known) {
            continue;
        }
        match causes
            .iter_mut()
            .find(|cause| cause.key == key && cause.is_failure() == case.verdict.is_failure())
        {
            Some(cause) => cause.cases.push(case),
            None => causes.push(Cause { key, cases: vec![case] }),
        }
    }
    causes.sort_by_key(|cause| (!cause.is_failure(), std::cmp::Reverse(cause.cases.len())));
    causes
}

/// The results of one implementation in numbers.
#[derive(Clone, Debug)]
pub struct AgentSummary<'a> {
    /// Its name.
    pub agent: &'a Untrusted,
    /// Its verdicts.
    pub counts: Counts,
    /// What went wrong.
    pub causes: Vec<Cause<'a>>,
    /// The overall rating.
    pub rating: Rating,
}

impl<'a> AgentSummary<'a> {
    /// The summary of one implementation of the report.
    pub fn of(report: &'a Report, agent: &'a Untrusted) -> Self {
        let cases: Vec<&CaseRecord> = report.of_agent(agent).collect();
        let counts = Counts::of(cases.iter().copied());
        let causes = causes(cases.iter().copied());
        let rating = rating(report, agent, &cases, &counts, &causes);
        Self { agent, counts, causes, rating }
    }

    /// One for each implementation.
    pub fn all(report: &'a Report) -> Vec<Self> {
        report.agents().into_iter().map(|agent| Self::of(report, agent)).collect()
    }
}

fn rating(
    report: &Report,
    agent: &Untrusted,
    cases: &[&CaseRecord],
    counts: &Counts,
    causes: &[Cause<'_>],
) -> Rating {
    let failures = counts.failures();
    if failures > 0 {
        let causes = causes.iter().filter(|cause| cause.is_failure()).count();
        return Rating::NotConformant { failures, causes };
    }
    let missing = missing(report, agent, counts);
    if missing > 0 {
        return Rating::Incomplete { missing };
    }
    let lesser = cases.iter().filter(|case| case.verdict == Verdict::NonStrict).map(|case| case.id);
    let lesser: Vec<CaseId> = lesser.collect();
    if lesser.is_empty() { Rating::Strict } else { Rating::Conformant(lesser) }
}

/// Cases of the agent that were asked for and have no verdict.
fn missing(report: &Report, agent: &Untrusted, counts: &Counts) -> u64 {
    counts.get(Verdict::Error) + counts.get(Verdict::NotRun) + report.not_run(agent) as u64
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.headline(), self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed, report, with_verdict};

    fn rated(report: &Report) -> String {
        AgentSummary::all(report)[0].rating.to_string()
    }

    #[test]
    fn the_rating_follows_its_rule() {
        assert_eq!(rated(&report(vec![passed("a", "1.1.1")])), "strict: every MUST and every SHOULD kept");
        let lesser = with_verdict(passed("a", "6.4.1"), Verdict::NonStrict, "late");
        assert_eq!(
            rated(&report(vec![passed("a", "1.1.1"), lesser])),
            "conformant: not strict because of 6.4.1"
        );
        let broken = report(vec![passed("a", "1.1.1"), failed("a", "5.15"), failed("a", "5.16")]);
        assert_eq!(rated(&broken), "not conformant: 2 MUST failures, 1 cause");
        let mut cut_short = report(vec![passed("a", "1.1.1")]);
        cut_short.end = None;
        cut_short.run.selected = 3;
        assert_eq!(rated(&cut_short), "incomplete: 2 cases without a verdict");
    }

    #[test]
    fn a_case_that_could_not_be_run_never_counts_as_a_pass() {
        let error = with_verdict(passed("a", "1.1.1"), Verdict::Error, "DNS");
        assert_eq!(rated(&report(vec![error])), "incomplete: 1 case without a verdict");
    }

    #[test]
    fn failures_with_one_cause_are_one_group() {
        let cases = [failed("a", "5.15"), failed("a", "5.16"), failed("b", "5.16"), passed("a", "1.1.1")];
        let causes = causes(&cases);
        assert_eq!(causes.len(), 1);
        assert_eq!(id_list(&causes[0].ids(), 1), "5.15 5.16");
        let three = [causes[0].ids(), vec!["5.17".parse().unwrap()]].concat();
        assert_eq!(id_list(&three, 1), "5.15 +2 more");
        assert_eq!(causes[0].agents().len(), 2);
        assert_eq!(causes[0].clause().unwrap().to_string(), "RFC 6455 section 5.4");
    }
}
