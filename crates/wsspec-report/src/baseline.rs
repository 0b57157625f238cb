//! Expected verdicts: what is known to be wrong, what is worse than that, and what has become better.
//!
//! The file that they are written in is read by the program; the matching is here.

use std::collections::BTreeSet;

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;

use crate::Untrusted;
use crate::glob;
use crate::record::{CaseRecord, Excuse, Report, Standing};
use crate::summary;

/// The entries of a baseline file, in order; the first one that matches a case counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// What is expected.
    pub entries: Vec<Entry>,
}

/// Cases that are known not to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Ids or patterns such as `6.4.*`.
    pub cases: Vec<String>,
    /// A pattern for the name of the implementation; none: any.
    pub agent: Option<String>,
    /// What is accepted.
    pub verdict: Tolerated,
    /// Why, for people.
    pub reason: String,
    /// Where it is tracked.
    pub issue: Option<String>,
    /// The last day on which it counts, `2026-12-31`.
    pub until: Option<String>,
}

/// The verdict that an entry accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerated {
    /// Non-strict.
    NonStrict,
    /// Non-strict and fail.
    Fail,
    /// Non-strict, fail and timeout.
    Timeout,
    /// Sometimes so, sometimes so; never stale.
    Flaky,
    /// Whatever comes, a crash too; never stale.
    Any,
}

impl Tolerated {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::NonStrict, Self::Fail, Self::Timeout, Self::Flaky, Self::Any];

    /// The word in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NonStrict => "non-strict",
            Self::Fail => "fail",
            Self::Timeout => "timeout",
            Self::Flaky => "flaky",
            Self::Any => "any",
        }
    }

    /// The value with this word; none if there is none.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tolerated| tolerated.word() == word)
    }

    /// Up to which gravity verdicts are accepted.
    const fn limit(self) -> u8 {
        match self {
            Self::NonStrict => 1,
            Self::Fail => 2,
            Self::Timeout | Self::Flaky => 3,
            Self::Any => 4,
        }
    }

    /// The worst verdict that is accepted.
    const fn worst(self) -> Verdict {
        match self {
            Self::NonStrict => Verdict::NonStrict,
            Self::Fail => Verdict::Fail,
            Self::Timeout | Self::Flaky => Verdict::Timeout,
            Self::Any => Verdict::Crash,
        }
    }

    const fn is_open(self) -> bool {
        matches!(self, Self::Flaky | Self::Any)
    }
}

/// How bad a verdict is; none if the case was not judged.
const fn gravity(verdict: Verdict) -> Option<u8> {
    match verdict {
        Verdict::Pass | Verdict::Info | Verdict::NotApplicable => Some(0),
        Verdict::NonStrict => Some(1),
        Verdict::Fail => Some(2),
        Verdict::Timeout => Some(3),
        Verdict::Crash => Some(4),
        Verdict::Error => Some(5),
        Verdict::Skipped | Verdict::NotRun => None,
    }
}

/// What the comparison with the baseline found about its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Entries, by their place, and the cases of theirs that are better than they say.
    pub stale: Vec<(usize, Vec<String>)>,
    /// The same, where the case is better for one implementation, and another needs the entry still.
    pub needed: Vec<(usize, Vec<String>)>,
    /// Entries that match no case of the run.
    pub unused: Vec<usize>,
    /// Entries that no longer count.
    pub expired: Vec<usize>,
}

impl Baseline {
    /// Sets how every case stands against the entries. `today` is a date such as `2026-11-21`.
    ///
    /// With `strict`, a non-strict verdict that no entry accepts is unexpected too.
    pub fn apply(&self, report: &mut Report, today: &str, strict: bool) -> Findings {
        for case in &mut report.cases {
            self.compare(case, today, strict);
        }
        self.findings(report, today)
    }

    /// Sets how one case stands against the entries.
    pub fn compare(&self, case: &mut CaseRecord, today: &str, strict: bool) {
        let entry = self.entry_for(case, today).map(|place| &self.entries[place]);
        let standing = standing(case, entry, strict);
        case.known = entry.filter(|_| standing == Some(Standing::Known)).map(Entry::excuse);
        case.outcome = standing;
    }

    /// The results that are expected where these came: what an entry says, otherwise that a case is in order.
    pub fn expected(&self, report: &Report, today: &str, strict: bool) -> Report {
        let mut expected = report.clone();
        self.apply(&mut expected, today, strict);
        for case in &mut expected.cases {
            let says = self.entry_for(case, today).map(|place| self.entries[place].verdict);
            if matches!(case.outcome, Some(Standing::Unexpected | Standing::Fixed)) {
                case.verdict = says.map_or(Verdict::Pass, Tolerated::worst);
            }
        }
        expected
    }

    /// The place of the entry that counts for a case.
    pub fn entry_for(&self, case: &CaseRecord, today: &str) -> Option<usize> {
        self.entries.iter().position(|entry| !entry.has_expired(today) && entry.matches(case))
    }

    /// What cases that have been compared say about the entries.
    pub fn findings(&self, report: &Report, today: &str) -> Findings {
        let mut seen = vec![false; self.entries.len()];
        let mut better = vec![BTreeSet::new(); self.entries.len()];
        let mut held = better.clone();
        for case in &report.cases {
            let Some(place) = self.entry_for(case, today) else { continue };
            seen[place] = true;
            match case.outcome {
                Some(Standing::Fixed) => better[place].insert(case.id),
                Some(Standing::Known | Standing::Unexpected) => held[place].insert(case.id),
                _ => continue,
            };
        }
        let split = better.into_iter().zip(&held).map(|(better, held)| -> (Vec<CaseId>, Vec<CaseId>) {
            better.into_iter().partition(|id| !held.contains(id))
        });
        let (stale, needed): (Vec<_>, Vec<_>) = split.unzip();
        let expired: Vec<usize> =
            (0..self.entries.len()).filter(|at| self.entries[*at].has_expired(today)).collect();
        Findings {
            stale: with_cases(stale),
            needed: with_cases(needed),
            unused: (0..seen.len()).filter(|at| !seen[*at] && !expired.contains(at)).collect(),
            expired,
        }
    }
}

impl Entry {
    /// Whether the entry is about the case.
    pub fn matches(&self, case: &CaseRecord) -> bool {
        let id = case.id.to_string();
        let of_agent = self.agent.as_ref().is_none_or(|agent| glob::matches(agent, case.agent.raw()));
        of_agent && self.cases.iter().any(|pattern| glob::matches(pattern, &id))
    }

    /// Whether its last day is over.
    pub fn has_expired(&self, today: &str) -> bool {
        self.until.as_deref().is_some_and(|until| until < today)
    }

    fn excuse(&self) -> Excuse {
        Excuse { reason: self.reason.clone(), issue: self.issue.clone() }
    }
}

/// The lists that are not empty, with the place of each.
fn with_cases(lists: Vec<Vec<CaseId>>) -> Vec<(usize, Vec<String>)> {
    let lists = lists.into_iter().map(|ids| Vec::from_iter(ids.iter().map(CaseId::to_string)));
    lists.enumerate().filter(|(_, ids)| !ids.is_empty()).collect()
}

fn standing(case: &CaseRecord, entry: Option<&Entry>, strict: bool) -> Option<Standing> {
    let gravity = gravity(case.verdict)?;
    let flaky = case.outcome == Some(Standing::Flaky);
    Some(match entry {
        Some(entry) if gravity > entry.verdict.limit() => Standing::Unexpected,
        Some(entry) if entry.verdict.is_open() && (gravity > 0 || flaky) => Standing::Known,
        Some(entry) if entry.verdict.is_open() => Standing::Expected,
        Some(entry) if gravity == entry.verdict.limit() => Standing::Known,
        Some(_) => Standing::Fixed,
        None if flaky => Standing::Flaky,
        None if gravity > 1 || (strict && gravity == 1) => Standing::Unexpected,
        None => Standing::Expected,
    })
}

/// The entries that accept a run as it is: one for each implementation, cause and verdict.
pub fn entries_for(report: &Report, reason: &str) -> Vec<Entry> {
    let mut entries: Vec<(Entry, Option<String>, Untrusted)> = Vec::new();
    for case in &report.cases {
        let Some(verdict) = tolerance(case.verdict) else { continue };
        let same = |(entry, cause, agent): &&mut (Entry, Option<String>, Untrusted)| {
            entry.verdict == verdict && *cause == case.cause && *agent == case.agent
        };
        match entries.iter_mut().find(same) {
            Some((entry, ..)) => entry.cases.push(case.id.to_string()),
            None => {
                let entry = Entry {
                    cases: vec![case.id.to_string()],
                    agent: Some(escaped(&case.agent)),
                    verdict,
                    reason: reason.to_owned(),
                    issue: None,
                    until: None,
                };
                entries.push((entry, case.cause.clone(), case.agent.clone()));
            }
        }
    }
    entries.into_iter().map(|(entry, ..)| entry).collect()
}

/// The narrowest entry that accepts the verdict; none if there is nothing to accept, or no reason to:
/// an error is no verdict on the implementation.
const fn tolerance(verdict: Verdict) -> Option<Tolerated> {
    match verdict {
        Verdict::NonStrict => Some(Tolerated::NonStrict),
        Verdict::Fail => Some(Tolerated::Fail),
        Verdict::Timeout => Some(Tolerated::Timeout),
        Verdict::Crash => Some(Tolerated::Any),
        _ => None,
    }
}

/// The name of an implementation as a pattern: the version at its end may change, and so may the port of one that
/// is called by its address.
fn escaped(agent: &Untrusted) -> String {
    if let Some((host, port)) = agent.raw().rsplit_once(':')
        && port.parse::<u16>().is_ok()
        && !host.is_empty()
        && !host.contains('*')
    {
        return format!("{host}:*");
    }
    match agent.raw().split_once('/') {
        Some((name, _)) if !name.is_empty() && !name.contains('*') => format!("{name}/*"),
        _ => agent.raw().to_owned(),
    }
}

/// The entries as a TOML file, with the first sentence of each cause as a comment.
pub fn to_toml(report: &Report, entries: &[Entry]) -> String {
    let mut out = String::from("schema = 1\n");
    for entry in entries {
        let case = report.cases.iter().find(|case| entry.matches(case));
        let comment = case.map(|case| format!("# {}\n", case.summary.for_terminal(100)));
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let cases: Vec<String> = entry.cases.iter().map(|id| quoted(id)).collect();
        out.push_str(&format!("\n{}[[expect]]\n", comment.unwrap_or_default()));
        out.push_str(&format!("cases   = [{}]\n", cases.join(", ")));
        if let Some(agent) = &entry.agent {
            out.push_str(&format!("agent   = {}\n", quoted(agent)));
        }
        out.push_str(&format!("verdict = {}\n", quoted(entry.verdict.word())));
        out.push_str(&format!("reason  = {}\n", quoted(&entry.reason)));
        if let Some(issue) = &entry.issue {
            out.push_str(&format!("issue   = {}\n", quoted(issue)));
        }
        if let Some(until) = &entry.until {
            out.push_str(&format!("until   = {}\n", quoted(until)));
        }
    }
    out
}

/// The unexpected results in groups of one cause.
pub fn unexpected(report: &Report) -> Vec<summary::Cause<'_>> {
    summary::causes(report.cases.iter().filter(|case| case.outcome == Some(Standing::Unexpected)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed, report, with_verdict};

    fn entry(cases: &str, verdict: Tolerated) -> Entry {
        Entry {
            cases: vec![cases.to_owned()],
            agent: None,
            verdict,
            reason: "known".to_owned(),
            issue: Some("https://example.org/97".to_owned()),
            until: None,
        }
    }

    fn standings(entries: Vec<Entry>, cases: Vec<CaseRecord>) -> (Vec<Option<Standing>>, Findings) {
        let mut report = report(cases);
        let findings = Baseline { entries }.apply(&mut report, "2026-11-21", false);
        (report.cases.iter().map(|case| case.outcome).collect(), findings)
    }

    #[test]
    fn what_the_entry_says_is_known_worse_is_unexpected_better_is_fixed() {
        let cases = vec![
            failed("a", "5.15"),
            with_verdict(failed("a", "5.16"), Verdict::Crash, "died"),
            passed("a", "5.17"),
            with_verdict(passed("a", "5.18"), Verdict::NonStrict, "late"),
            failed("a", "6.1.1"),
            with_verdict(passed("a", "6.1.2"), Verdict::NotRun, "ended"),
        ];
        let (standings, findings) =
            standings(vec![entry("5.*", Tolerated::Fail), entry("9.*", Tolerated::Any)], cases);
        assert_eq!(
            standings,
            [
                Some(Standing::Known),
                Some(Standing::Unexpected),
                Some(Standing::Fixed),
                Some(Standing::Fixed),
                Some(Standing::Unexpected),
                None
            ]
        );
        assert_eq!(findings.stale, [(0, vec!["5.17".to_owned(), "5.18".to_owned()])]);
        assert_eq!((findings.unused, findings.expired), (vec![1], vec![]));
    }

    #[test]
    fn expired_entries_and_entries_of_other_agents_do_not_count() {
        let mut old = entry("5.15", Tolerated::Fail);
        old.until = Some("2026-11-20".to_owned());
        let mut other = entry("5.15", Tolerated::Fail);
        other.agent = Some("b*".to_owned());
        let (standings, findings) = standings(vec![old, other], vec![failed("a", "5.15")]);
        assert_eq!(standings, [Some(Standing::Unexpected)]);
        assert_eq!((findings.unused, findings.expired), (vec![1], vec![0]));
    }

    #[test]
    fn a_case_that_is_better_for_two_agents_was_listed_twice() {
        let cases = vec![passed("a", "5.15"), passed("b", "5.15"), passed("b", "5.16")];
        let (_, findings) = standings(vec![entry("5.*", Tolerated::Fail)], cases);
        assert_eq!(findings.stale, [(0, vec!["5.15".to_owned(), "5.16".to_owned()])]);
    }

    #[test]
    fn an_entry_that_another_implementation_still_needs_was_stale() {
        let cases = vec![
            passed("a", "5.15"),
            failed("b", "5.15"),
            passed("a", "5.16"),
            with_verdict(failed("b", "5.16"), Verdict::Crash, "died"),
            passed("a", "5.17"),
            passed("b", "5.17"),
        ];
        let (_, findings) = standings(vec![entry("5.*", Tolerated::Fail)], cases);
        assert_eq!(findings.stale, [(0, vec!["5.17".to_owned()])]);
        assert_eq!(findings.needed, [(0, vec!["5.15".to_owned(), "5.16".to_owned()])]);
    }

    #[test]
    fn flaky_entries_are_never_stale() {
        let (standings, findings) =
            standings(vec![entry("*", Tolerated::Flaky)], vec![failed("a", "5.15"), passed("a", "5.16")]);
        assert_eq!(standings, [Some(Standing::Known), Some(Standing::Expected)]);
        assert!(findings.stale.is_empty());
    }

    #[test]
    fn non_strict_is_unexpected_only_when_asked_for() {
        let mut report = report(vec![with_verdict(passed("a", "6.4.1"), Verdict::NonStrict, "late")]);
        Baseline::default().apply(&mut report, "2026-11-21", false);
        assert_eq!(report.cases[0].outcome, Some(Standing::Expected));
        Baseline::default().apply(&mut report, "2026-11-21", true);
        assert_eq!(report.cases[0].outcome, Some(Standing::Unexpected));
        assert_eq!(unexpected(&report).len(), 1);
    }

    #[test]
    fn versions_and_ports_may_change() {
        for (name, pattern) in [
            ("mylib/2.3", "mylib/*"),
            ("127.0.0.1:41873", "127.0.0.1:*"),
            ("a:b", "a:b"),
            ("lib", "lib"),
            ("*:1", "*:1"),
        ] {
            assert_eq!(escaped(&name.into()), pattern);
        }
    }

    #[test]
    fn a_new_baseline_accepts_the_run_that_it_was_made_from() {
        let mut report = report(vec![
            passed("mylib/2.3", "1.1.1"),
            failed("mylib/2.3", "5.15"),
            failed("mylib/2.3", "5.16"),
            with_verdict(failed("mylib/2.3", "6.3.2"), Verdict::Timeout, "a \u{1b}[31m \"quote\""),
        ]);
        let entries = entries_for(&report, "initial import");
        insta::assert_snapshot!(to_toml(&report, &entries));
        Baseline { entries }.apply(&mut report, "2026-11-21", true);
        assert!(unexpected(&report).is_empty());
        assert_eq!(report.cases[1].known.as_ref().unwrap().reason, "initial import");
    }
}
