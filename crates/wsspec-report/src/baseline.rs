//! Expected verdicts: what is known to be wrong, what is worse than that, and what has become better.
//!
//! The file that they are written in is read by the program; the matching is here.

use std::collections::{BTreeMap, BTreeSet};

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

    /// The narrowest that accepts a verdict of this gravity.
    fn accepting(gravity: u8) -> Self {
        Self::ALL.into_iter().find(|tolerated| tolerated.limit() >= gravity).unwrap_or(Self::Any)
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
    /// Entries, by their place, and the cases of theirs that need none any more.
    pub stale: Vec<(usize, Vec<String>)>,
    /// The same, where the cases are better than the entry says and need one still: what that has to say.
    pub lower: Vec<(usize, Tolerated, Vec<String>)>,
    /// The same, where the case is better for one implementation, and another needs the entry as it is.
    pub needed: Vec<(usize, Vec<String>)>,
    /// Entries that match no case of the run.
    pub unused: Vec<usize>,
    /// Entries that no longer count.
    pub expired: Vec<usize>,
}

impl Baseline {
    /// Sets how every case stands against the entries. `today` is a date such as `2026-11-21`.
    pub fn apply(&self, report: &mut Report, today: &str) -> Findings {
        let strict = report.run.strict;
        for case in &mut report.cases {
            self.compare(case, today, strict);
        }
        self.findings(report, today)
    }

    /// Sets how one case stands against the entries.
    ///
    /// With `strict`, a non-strict verdict that no entry accepts is unexpected too.
    pub fn compare(&self, case: &mut CaseRecord, today: &str, strict: bool) {
        let entry = self.entry_for(case, today).map(|place| &self.entries[place]);
        let standing = standing(case, entry, strict);
        let is_known = matches!(standing, Some(Standing::Known | Standing::Flaky));
        case.known = entry.filter(|_| is_known).map(Entry::excuse);
        case.outcome = standing;
    }

    /// The results that are expected where these came: what an entry says, otherwise that a case is in order.
    pub fn expected(&self, report: &Report, today: &str) -> Report {
        let mut expected = report.clone();
        self.apply(&mut expected, today);
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
        let mut uses = vec![Use::default(); self.entries.len()];
        for case in &report.cases {
            if let Some(place) = self.entry_for(case, today) {
                uses[place].add(case);
            }
        }
        let mut found = Findings::default();
        for (at, (entry, used)) in self.entries.iter().zip(&uses).enumerate() {
            if entry.has_expired(today) {
                found.expired.push(at);
            } else if !used.seen {
                found.unused.push(at);
            }
            found.add(at, used, report.run.strict);
        }
        found
    }
}

/// What the cases of a run say about an entry.
#[derive(Clone, Debug, Default)]
struct Use {
    seen: bool,
    /// Cases that are better than it says, and how bad they are still.
    better: BTreeMap<CaseId, u8>,
    /// Cases that it is needed for as it is.
    held: BTreeSet<CaseId>,
}

impl Use {
    fn add(&mut self, case: &CaseRecord) {
        self.seen = true;
        match case.outcome {
            Some(Standing::Fixed) => {
                let worst = self.better.entry(case.id).or_default();
                *worst = gravity(case.verdict).unwrap_or_default().max(*worst);
            }
            // What is flaky was at first as bad as the entry says.
            Some(Standing::Known | Standing::Unexpected | Standing::Flaky) => {
                self.held.insert(case.id);
            }
            _ => {}
        }
    }
}

impl Findings {
    fn add(&mut self, at: usize, used: &Use, strict: bool) {
        let (mut stale, mut needed) = (Vec::new(), Vec::new());
        let mut lower: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for (id, gravity) in &used.better {
            let ids = match used.held.contains(id) {
                true => &mut needed,
                false if is_bad(*gravity, strict) => lower.entry(*gravity).or_default(),
                false => &mut stale,
            };
            ids.push(id.to_string());
        }
        let some = |ids: Vec<String>| (!ids.is_empty()).then_some((at, ids));
        self.stale.extend(some(stale));
        self.needed.extend(some(needed));
        self.lower.extend(lower.into_iter().map(|(gravity, ids)| (at, Tolerated::accepting(gravity), ids)));
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

/// Whether a case of this gravity is unexpected where no entry accepts it.
const fn is_bad(gravity: u8, strict: bool) -> bool {
    gravity > 1 || (strict && gravity == 1)
}

fn standing(case: &CaseRecord, entry: Option<&Entry>, strict: bool) -> Option<Standing> {
    let gravity = gravity(case.verdict)?;
    let flaky = case.outcome == Some(Standing::Flaky);
    Some(match entry {
        Some(entry) if gravity > entry.verdict.limit() => Standing::Unexpected,
        Some(entry) if entry.verdict.is_open() && (gravity > 0 || flaky) => Standing::Known,
        Some(entry) if entry.verdict.is_open() => Standing::Expected,
        Some(entry) if gravity == entry.verdict.limit() => Standing::Known,
        _ if flaky => Standing::Flaky,
        Some(_) => Standing::Fixed,
        None if is_bad(gravity, strict) => Standing::Unexpected,
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
mod tests;
