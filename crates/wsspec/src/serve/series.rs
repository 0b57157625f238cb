//! Cases of several connections of a client: it asks for the case as often as `/getCaseInfo` says.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wsspec_cases::{Case, CaseId};
use wsspec_engine::{Outcome, TesterRole, Together, Verdict};
use wsspec_report::record::CaseMeta;

/// The cases that were begun and lack connections, by agent.
#[derive(Debug, Default)]
pub struct Begun(Mutex<HashMap<(String, CaseId), Stage>>);

/// How far a case of several connections is.
#[derive(Debug)]
enum Stage {
    Begun(Box<Series>),
    /// It is over early, and so many connections may still come.
    Over(usize),
}

/// A case that was begun.
#[derive(Debug)]
struct Series {
    case: &'static Case,
    together: Together<'static>,
    /// The connections that are to come.
    left: std::vec::IntoIter<u32>,
    /// How many are under way.
    running: u32,
    /// Of the first connection.
    meta: CaseMeta,
}

/// A case that is over.
#[derive(Debug)]
pub struct Over {
    /// The case.
    pub case: &'static Case,
    /// What came of all its connections.
    pub outcome: Outcome,
    /// Of its first connection.
    pub meta: CaseMeta,
}

impl Begun {
    /// The client asks for the case: the number of the connection that this is, from 0; `None` if the case is over
    /// already. `most` as in [`wsspec_cases::Series::numbers`].
    pub fn next(&self, agent: &str, case: &'static Case, most: Option<u32>, meta: &CaseMeta) -> Option<u32> {
        let Some(series) = case.series() else { return Some(0) };
        let mut begun = self.lock();
        let key = (agent.to_owned(), case.id);
        let new = || Stage::Begun(Box::new(Series::new(case, series.numbers(most), meta.clone())));
        match begun.entry(key.clone()).or_insert_with(new) {
            Stage::Over(1) => begun.remove(&key).and(None),
            Stage::Over(more) => {
                *more -= 1;
                None
            }
            Stage::Begun(entry) => {
                entry.running += 1;
                // A client that asks more often than it has to gets the last one again.
                Some(entry.left.next().unwrap_or(series.count - 1))
            }
        }
    }

    /// A connection of the case is over; perhaps the case is, too.
    pub fn ended(&self, agent: &str, number: u32, part: &Case, outcome: Outcome) -> Option<Over> {
        let key = (agent.to_owned(), part.id);
        let mut begun = self.lock();
        let Some(Stage::Begun(series)) = begun.get_mut(&key) else { return None };
        series.running -= 1;
        series.together.add(number, part, outcome);
        let left = series.left.len();
        if series.running > 0 || left > 0 && !series.together.is_decided() {
            return None;
        }
        let Some(Stage::Begun(series)) = begun.remove(&key) else { return None };
        if left > 0 {
            begun.insert(key, Stage::Over(left));
        }
        Some(series.conclude())
    }

    /// The client goes on with something else: the cases that it has begun, of these, are over.
    pub fn abandoned(&self, agent: &str, of: impl Fn(CaseId) -> bool) -> Vec<Over> {
        let mut begun = self.lock();
        let idle = |stage: &Stage| !matches!(stage, Stage::Begun(series) if series.running > 0);
        let left = begun.extract_if(|(name, id), stage| name == agent && of(*id) && idle(stage));
        left.filter_map(|(_, stage)| {
            let Stage::Begun(mut series) = stage else { return None };
            let (tried, all) = (series.together.tried(), series.case.connections());
            let why = format!(
                "The case has {all} connections, as /getCaseInfo says, and the client asked for it {} only.",
                crate::text::count(tried as usize, "time")
            );
            series.together.cut_short(Verdict::NotApplicable, why);
            Some(series.conclude())
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, CaseId), Stage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn new(case: &'static Case, numbers: Vec<u32>, meta: CaseMeta) -> Self {
        Self { case, together: Together::new(case), left: numbers.into_iter(), running: 0, meta }
    }

    fn conclude(self: Box<Self>) -> Over {
        Over { case: self.case, outcome: self.together.conclude(TesterRole::Server), meta: self.meta }
    }
}
