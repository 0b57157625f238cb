//! Every case against every deviation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wsspec_cases::CaseId;
use wsspec_endpoint::{Deviation, Role};
use wsspec_engine::{Outcome, TesterRole, Verdict};

use crate::play::{Change, Player, Seen};

/// What one deviation did in one role of the endpoint.
#[derive(Clone, Debug)]
pub struct Row {
    /// The deviation.
    pub deviation: &'static Deviation,
    /// The role of the endpoint.
    pub role: Role,
    /// The cases whose verdict it changed.
    pub changes: BTreeMap<CaseId, Change>,
    /// The cases that fail only by our verdict, and not by that of the reference suite.
    pub blamed_by_us_alone: Vec<CaseId>,
    /// The cases whose pair of verdicts in the reference suite's words it changed.
    pub noticed_by_reference: Vec<CaseId>,
}

impl Row {
    pub(crate) fn new(deviation: &'static Deviation, role: Role, strict: &[Seen], now: &[Seen]) -> Self {
        let alone = |seen: &&Seen| seen.verdict.is_failure() && !seen.reference_fails;
        let blamed_by_us_alone = now.iter().filter(alone).map(|seen| seen.id).collect();
        let noticed = strict.iter().zip(now).filter(|(strict, now)| strict.reference != now.reference);
        let noticed_by_reference = noticed.map(|(_, now)| now.id).collect();
        let changes =
            strict.iter().zip(now).filter_map(|(strict, now)| Some((now.id, Change::between(strict, now)?)));
        Self { deviation, role, changes: changes.collect(), blamed_by_us_alone, noticed_by_reference }
    }

    /// The cases with that change.
    pub fn with(&self, change: Change) -> impl Iterator<Item = CaseId> {
        self.changes.iter().filter(move |(_, found)| **found == change).map(|(id, _)| *id)
    }

    /// Whether a case failed or was non-strict.
    pub fn is_caught(&self) -> bool {
        self.changes.values().any(|change| *change != Change::Told)
    }
}

/// What every deviation did in the light cases.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// In the order of the deviations, the server first.
    pub rows: Vec<Row>,
    /// The cases played, by the role of the endpoint, with the verdict on the strict one.
    pub cases: Vec<(Role, CaseId, Verdict)>,
}

impl Matrix {
    /// Plays the light cases against each of the deviations, on all cores.
    pub fn play(deviations: impl Iterator<Item = &'static Deviation>) -> Self {
        let roles = [Role::Server, Role::Client];
        let strict = roles.map(|role| verdicts(role, &[]));
        let in_roles = |deviation: &'static Deviation| {
            roles.into_iter().filter(|role| deviation.roles.include(*role)).map(move |role| (deviation, role))
        };
        let jobs: Vec<_> = deviations.flat_map(in_roles).collect();
        let rows = parallel(&jobs, |(deviation, role)| {
            let strict = &strict[usize::from(*role == Role::Client)];
            Row::new(deviation, *role, strict, &verdicts(*role, &[deviation]))
        });
        let cases = roles
            .into_iter()
            .zip(strict)
            .flat_map(|(role, verdicts)| verdicts.into_iter().map(move |seen| (role, seen.id, seen.verdict)));
        Self { rows, cases: cases.collect() }
    }
}

/// The verdicts of the light cases on an endpoint in that role, the passive ones last.
pub(crate) fn verdicts(role: Role, deviations: &[&'static Deviation]) -> Vec<Seen> {
    let player = Player::of(role);
    let mut outcomes: Vec<Outcome> =
        player.light().map(|case| without_traffic(player.play(case, deviations))).collect();
    let passive = player.judge_passive(&outcomes);
    outcomes.extend(passive);
    outcomes.iter().map(Seen::of).collect()
}

/// Keeps what the passive cases need.
fn without_traffic(mut outcome: Outcome) -> Outcome {
    outcome.observation.log.entries = Vec::new();
    outcome.observation.events = Vec::new();
    outcome
}

/// The tester that tests an endpoint in that role.
pub(crate) fn tester(role: Role) -> TesterRole {
    if role == Role::Server { TesterRole::Client } else { TesterRole::Server }
}

/// Does all jobs, on all cores; the results are in the order of the jobs.
pub(crate) fn parallel<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(jobs.len().max(1));
    let worker = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return done };
            done.push((index, work(job)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker panicked")).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
