//! Every case against every deviation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wsspec_cases::{Case, CaseId};
use wsspec_endpoint::{Deviation, Role};
use wsspec_engine::{Outcome, TesterRole, Verdict};

use crate::play::{Change, Player};

/// Which cases are played.
pub type Selection = fn(&Case) -> bool;

/// What one deviation did in one role of the endpoint.
#[derive(Clone, Debug)]
pub struct Row {
    /// The deviation.
    pub deviation: &'static Deviation,
    /// The role of the endpoint.
    pub role: Role,
    /// The cases whose verdict it changed.
    pub changes: BTreeMap<CaseId, Change>,
}

/// What every deviation did.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// In the order of the deviations, the server first.
    pub rows: Vec<Row>,
    /// The cases played, by the role of the endpoint.
    pub cases: Vec<(Role, CaseId, Verdict)>,
}

impl Matrix {
    /// Plays the cases against each of the deviations, on all cores.
    pub fn play(deviations: &[&'static Deviation], selection: Selection) -> Self {
        let roles = [Role::Server, Role::Client];
        let strict: Vec<Vec<(CaseId, Verdict)>> =
            parallel(&roles, |role| verdicts(*role, selection, &[]));
        let mut jobs = Vec::new();
        for deviation in deviations.iter().copied() {
            jobs.extend(roles.into_iter().filter(|role| deviation.roles.include(*role)).map(|role| (deviation, role)));
        }
        let rows = parallel(&jobs, |(deviation, role)| {
            let strict = &strict[usize::from(*role == Role::Client)];
            let now = verdicts(*role, selection, &[deviation]);
            let changes = strict.iter().zip(now).filter_map(|((id, strict), (_, now))| {
                Some((*id, Change::between(*strict, now)?))
            });
            Row { deviation, role: *role, changes: changes.collect() }
        });
        let cases = roles.into_iter().zip(strict).flat_map(|(role, verdicts)| {
            verdicts.into_iter().map(move |(id, verdict)| (role, id, verdict))
        });
        Self { rows, cases: cases.collect() }
    }
}

/// The verdicts on an endpoint in that role, the passive cases last.
fn verdicts(role: Role, selection: Selection, deviations: &[&'static Deviation]) -> Vec<(CaseId, Verdict)> {
    let player = Player::new(tester(role));
    let mut outcomes: Vec<Outcome> =
        player.connecting().filter(|case| selection(case)).map(|case| forget(player.play(case, deviations))).collect();
    let passive = player.judge_passive(&outcomes);
    outcomes.extend(passive);
    outcomes.into_iter().map(|outcome| (outcome.id, outcome.verdict)).collect()
}

/// Keeps what the passive cases need, not the traffic.
fn forget(mut outcome: Outcome) -> Outcome {
    outcome.observation.log.entries = Vec::new();
    outcome.observation.events = Vec::new();
    outcome
}

/// The tester that tests an endpoint in that role.
pub(crate) fn tester(role: Role) -> TesterRole {
    if role == Role::Server { TesterRole::Client } else { TesterRole::Server }
}

/// Does all jobs, on all cores; the results are in the order of the jobs.
fn parallel<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(jobs.len().max(1));
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(index) else { return done };
                done.push((index, work(job)));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker panicked")).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
