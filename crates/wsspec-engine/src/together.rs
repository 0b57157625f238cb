//! The verdict on a case of several connections, from the outcomes of each.

use std::time::Duration;

use wsspec_cases::{Case, Footprint, Level};

use crate::found::{Found, Wanted};
use crate::invariants::Watched;
use crate::judge::{places, unreachable};
use crate::observation::TesterRole;
use crate::outcome::{Check, Outcome, Verdict};

/// After so many connections that failed the rest is not tried: it would look the same.
const FAILURES: u32 = 10;
/// What comes back of memory: all but a fifth, and what a process keeps anyway.
const KEPT: u64 = 16 << 20;
/// What comes back of descriptors: all but so many.
const DESCRIPTORS: u64 = 2;

/// Takes the outcomes of the connections of a case, one by one, and keeps the worst. Its size does not depend on
/// how many there are.
#[derive(Debug)]
pub struct Together<'c> {
    case: &'c Case,
    worst: Option<Worst>,
    tried: u32,
    like_it: u32,
    failed: u32,
    watched: Watched,
    duration: Duration,
    taken: Option<Taken>,
    cut_short: Option<(Verdict, String)>,
}

#[derive(Debug)]
struct Worst {
    number: u32,
    title: String,
    outcome: Outcome,
}

/// What the process of the peer took: before the first connection, at most meanwhile, and some time afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Before the first connection.
    pub before: Resources,
    /// At most, while there were connections.
    pub most: Resources,
    /// When they were all gone.
    pub after: Resources,
}

/// What a process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Octets of memory (resident).
    pub octets: u64,
    /// Open file descriptors.
    pub descriptors: u64,
}

impl Taken {
    /// Whether memory and descriptors are back to what they were, nearly.
    pub const fn came_back(&self) -> bool {
        let kept = self.before.octets + self.before.octets / 5 + KEPT;
        self.after.octets <= kept && self.after.descriptors <= self.before.descriptors + DESCRIPTORS
    }
}

impl<'c> Together<'c> {
    /// No connection so far.
    pub fn new(case: &'c Case) -> Self {
        Self {
            case,
            worst: None,
            tried: 0,
            like_it: 0,
            failed: 0,
            watched: Watched::default(),
            duration: Duration::ZERO,
            taken: None,
            cut_short: None,
        }
    }

    /// How many outcomes there are.
    pub const fn tried(&self) -> u32 {
        self.tried
    }

    /// What connection `number`, counted from 0, came to; `part` is what was played on it.
    pub fn add(&mut self, number: u32, part: &Case, mut outcome: Outcome) {
        self.tried += 1;
        self.failed += u32::from(outcome.verdict.is_failure());
        let took = outcome.observation.duration;
        let at_once = self.case.series().is_some_and(|series| series.at_once);
        self.duration = if at_once { self.duration.max(took) } else { self.duration + took };
        let watched = std::mem::take(&mut outcome.observation.watched);
        let known = self.worst.as_ref().map(|worst| worst.outcome.verdict);
        self.like_it += u32::from(known == Some(outcome.verdict));
        let is_worst = known.is_none_or(|known| severity(outcome.verdict) > severity(known));
        if is_worst {
            // The log is that of the worst connection.
            self.watched = std::mem::take(&mut self.watched).without_places();
        }
        self.watched.merge(if is_worst { watched } else { watched.without_places() });
        if is_worst {
            self.like_it = 0;
            self.worst = Some(Worst { number, title: part.title.to_string(), outcome });
        }
    }

    /// What the process of the peer took meanwhile.
    pub fn took(&mut self, taken: Taken) {
        self.taken = Some(taken);
    }

    /// Not all connections were tried, for this reason, which is the verdict unless one of them failed.
    pub fn cut_short(&mut self, verdict: Verdict, why: impl Into<String>) {
        self.cut_short = Some((verdict, why.into()));
    }

    /// Whether further connections would change nothing.
    pub fn is_decided(&self) -> bool {
        let worst = self.worst.as_ref().map(|worst| worst.outcome.verdict);
        self.failed >= FAILURES || matches!(worst, Some(Verdict::NotApplicable | Verdict::Error))
    }

    /// The outcome of the whole case: that of the worst connection, and what concerns all of them.
    pub fn conclude(self, role: TesterRole) -> Outcome {
        let Some(Worst { number, title, outcome }) = self.worst else {
            let (verdict, why) = self.cut_short.unwrap_or((Verdict::Error, "no connection was tried".into()));
            return Outcome { verdict, summary: why.clone(), ..unreachable(self.case, role, why) };
        };
        let mut outcome = Outcome { id: self.case.id, ..outcome };
        outcome.observation.watched = self.watched;
        outcome.observation.duration = self.duration;
        let all = self.case.connections();
        let fine = matches!(outcome.verdict, Verdict::Pass | Verdict::Info);
        if !fine && outcome.verdict != Verdict::NotApplicable {
            let (number, like_it) = (number + 1, self.like_it);
            let others = if like_it == 0 { String::new() } else { format!(" ({like_it} more like it)") };
            let found = outcome.summary.trim_end_matches('.');
            outcome.summary = format!("Connection {number} of {all}, {title}: {found}{others}.");
        } else if fine {
            let found = outcome.summary.trim_end_matches('.');
            let each = if outcome.verdict == Verdict::Info { format!(": {found}") } else { String::new() };
            outcome.summary = format!("{} connections were as they have to be{each}.", self.tried);
        }
        if let Some(taken) = self.taken {
            settle(&mut outcome, self.case, self.tried, &taken);
        } else if self.case.series().is_some_and(|series| series.footprint.is_some()) && fine {
            outcome.summary.push_str(" What its process took was not to be seen.");
        }
        if let Some((verdict, why)) = self.cut_short.filter(|_| !outcome.verdict.is_failure()) {
            outcome.verdict = verdict;
            outcome.summary = why;
        }
        outcome
    }
}

/// What is worst. A peer that lacks what a case needs is told of that, unless it has failed before.
const fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass | Verdict::Skipped | Verdict::NotRun => 0,
        Verdict::Info => 1,
        Verdict::NonStrict => 2,
        Verdict::NotApplicable => 3,
        Verdict::Error => 4,
        Verdict::Fail | Verdict::Timeout | Verdict::Crash => 5,
    }
}

/// Adds what the process took to the outcome.
fn settle(outcome: &mut Outcome, case: &Case, connections: u32, taken: &Taken) {
    let Some(footprint) = case.series().and_then(|series| series.footprint) else { return };
    let check = footprint_check(footprint, case, connections, taken);
    let check = check.at(places::footprint(footprint, &outcome.observation));
    outcome.summary.push_str(&format!(" Its process: {}.", check.observed));
    if !check.ok && !outcome.verdict.is_failure() {
        outcome.verdict = Verdict::Fail;
        let told = format!("{}; expected {}", check.observed, check.expected);
        outcome.summary = crate::judge::sentence(&told);
    }
    outcome.checks.push(check);
}

fn footprint_check(footprint: Footprint, case: &Case, connections: u32, taken: &Taken) -> Check {
    let Taken { before, most, after } = *taken;
    let grown = most.octets.saturating_sub(before.octets);
    let mib = |octets: u64| format!("{:.1} MiB", octets as f64 / f64::from(1 << 20));
    let (ok, expected, observed) = match footprint {
        Footprint::GrowsBy(bound) => (
            grown < bound,
            format!("memory to grow by less than {}", mib(bound)),
            format!("its memory grew by {}", mib(grown)),
        ),
        Footprint::ComesBack => {
            let observed = format!(
                "it held {} and {} descriptors before, {} and {} afterwards",
                mib(before.octets),
                before.descriptors,
                mib(after.octets),
                after.descriptors
            );
            (taken.came_back(), "memory and descriptors to come back to what they were".to_owned(), observed)
        }
        Footprint::Told => {
            let each = grown / u64::from(connections.max(1));
            (true, "any memory".to_owned(), format!("it took {each} octets for each connection"))
        }
    };
    let section = case.rules.first().map_or_else(String::new, ToString::to_string);
    Check::new("footprint", Level::Must, section, ok).of(Wanted::other(expected), Found::other(observed))
}
