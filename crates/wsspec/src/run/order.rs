//! What may run beside what, and what comes first.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use wsspec_cases::{Case, Driver, Play, Step};

use super::plan::Limits;
use super::schedule::Job;
use crate::cli::Order;

/// Waits from this length on leave the peer idle.
const LONG_WAIT: Duration = Duration::from_millis(500);

/// Jobs that run side by side.
#[derive(Default)]
pub(super) struct Phase {
    /// In the order in which they are started.
    pub(super) jobs: VecDeque<Job>,
    /// So many of them at a time.
    pub(super) at_a_time: usize,
    /// So many failures are tried again at a time, at as many servers.
    pub(super) confirmed_at_a_time: usize,
    /// These follow, one at a time, as soon as all others that run only wait.
    pub(super) delicate: VecDeque<Job>,
}

impl Phase {
    fn of(jobs: Vec<Job>, at_a_time: usize) -> Self {
        Self { jobs: jobs.into(), at_a_time, confirmed_at_a_time: 1, delicate: VecDeque::new() }
    }

    /// Whether there is nothing left to be started.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.delicate.is_empty()
    }

    /// Drops the jobs that are not to be run any more.
    pub(super) fn retain(&mut self, stays: impl Fn(&Job) -> bool) {
        self.jobs.retain(&stays);
        self.delicate.retain(&stays);
    }
}

/// All jobs, phase by phase.
pub(super) fn phases(jobs: Vec<Job>, limits: &Limits, order: Order, seed: u64) -> Vec<Phase> {
    let sorted = |jobs, at_a_time| Phase::of(sort(jobs, order, seed), at_a_time);
    if limits.jobs == 1 {
        return vec![sorted(jobs, 1)]; // nothing disturbs anything
    }
    let (timed, others): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| runs_alone(job.case));
    let (heavy, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|job| is_heavy(job.case));
    let (streams, large): (Vec<_>, Vec<_>) = heavy.into_iter().partition(|job| data(job.case).is_some());
    let (delicate, light): (Vec<_>, Vec<_>) = others.into_iter().partition(|job| is_delicate(job.case));
    vec![
        Phase {
            confirmed_at_a_time: limits.jobs,
            delicate: sort(delicate, order, seed).into(),
            ..sorted(light, limits.jobs)
        },
        sorted(timed, 1),
        sorted(large, limits.heavy_jobs),
        sorted(streams, limits.stream_jobs),
    ]
}

/// Whether a case does nothing for most of its time.
pub(super) fn is_waiting(case: &Case) -> bool {
    matches!(case.play, Play::Script(_)) && expected_time(case) >= LONG_WAIT
}

/// Whether nothing else may run meanwhile: times are measured, or what the process of the peer takes, or there is room
/// for few other connections.
fn runs_alone(case: &Case) -> bool {
    case.measures.time || case.series().is_some()
}

/// Whether a case moves so many octets that it would disturb others, and be disturbed.
fn is_heavy(case: &Case) -> bool {
    case.measures.quiet || matches!(case.play, Play::Drive(..))
}

/// Whether the verdict hangs on what the peer does between two writes: a peer that is busy with other
/// connections gets them as one.
fn is_delicate(case: &Case) -> bool {
    let apart = |step: &Step| match step {
        Step::Send(frame) => frame.sync || frame.chop == Some(1),
        _ => false,
    };
    case.accepts.len() > 1 && matches!(&case.play, Play::Script(steps) if steps.iter().any(apart))
}

fn sort(mut jobs: Vec<Job>, order: Order, seed: u64) -> Vec<Job> {
    jobs.sort_by_key(|job| (job.case.id, job.agent));
    match order {
        Order::Id => {}
        Order::Random => jobs.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed)),
        Order::SlowFirst => jobs.sort_by_cached_key(|job| slow_first(job.case)),
    }
    jobs
}

/// How long a case takes with a good implementation: the waits of its script; of driven cases, their limit.
pub fn expected_time(case: &Case) -> Duration {
    match &case.play {
        Play::Drive(..) => case.time_limit,
        Play::Script(steps) => steps
            .iter()
            .map(|step| match step {
                Step::Wait { duration, .. } => *duration,
                _ => Duration::ZERO,
            })
            .sum(),
        Play::Passive(_) => Duration::ZERO,
        Play::Series(series) => {
            let longest = case.parts(Some(3)).map(|part| expected_time(&part)).max().unwrap_or_default();
            if series.at_once { longest } else { longest * series.count }
        }
    }
}

/// Of driven cases with the same limit, those with the largest messages take longest. Those that send the same
/// messages come together: what one has compressed, the next can take.
fn slow_first(case: &Case) -> impl Ord + use<> {
    let largest = driver(case).map_or(0, |driver| driver.largest_message());
    (Reverse((expected_time(case), largest)), data(case))
}

/// The data set that a case sends window by window, as a number.
fn data(case: &Case) -> Option<usize> {
    Some(driver(case)?.data()? as usize)
}

fn driver(case: &Case) -> Option<Box<dyn Driver>> {
    match &case.play {
        Play::Drive(make, _) => Some(make()),
        Play::Script(_) | Play::Passive(_) | Play::Series(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_that_hang_on_a_pause_between_writes_run_alone() {
        let delicate = wsspec_cases::suite().cases().iter().filter(|case| is_delicate(case));
        let ids: Vec<String> = delicate.map(|case| case.id.to_string()).collect();
        assert_eq!(ids, ["3.3", "3.4", "4.1.5", "4.2.5"]);
    }

    #[test]
    fn cases_that_send_the_same_messages_follow_each_other_and_the_largest_come_first() {
        let case = |id: &str| wsspec_cases::suite().get(id.parse().unwrap()).unwrap();
        let mut cases =
            ["12.1.1", "12.1.10", "12.2.10", "12.2.15", "12.4.10", "12.5.10", "13.1.10"].map(case).to_vec();
        cases.sort_by_key(|case| slow_first(case));
        let ids: Vec<String> = cases.iter().map(|case| case.id.to_string()).collect();
        assert_eq!(ids, ["12.1.10", "13.1.10", "12.4.10", "12.2.10", "12.2.15", "12.5.10", "12.1.1"]);
    }

    /// The phases of all 517 cases of the reference suite.
    fn phases_of_all(jobs: usize) -> Vec<Phase> {
        let limits = Limits {
            jobs,
            heavy_jobs: 2,
            stream_jobs: 8,
            case_timeout: None,
            time_budget: None,
            max_hangs: 5,
            fail_fast: None,
            retries: 1,
        };
        let cases = wsspec_cases::suite().cases().iter().filter(|case| case.id.section() <= 13);
        let jobs = cases.map(|case| Job { agent: 0, case, number: 0 }).collect();
        phases(jobs, &limits, Order::SlowFirst, 0)
    }

    /// The same by id.
    fn all_phases(jobs: usize) -> Vec<(Vec<String>, usize)> {
        let ids = |jobs: VecDeque<Job>| jobs.iter().map(|job| job.case.id.to_string()).collect();
        phases_of_all(jobs)
            .into_iter()
            .flat_map(|phase| [(ids(phase.jobs), phase.at_a_time), (ids(phase.delicate), 1)])
            .collect()
    }

    #[test]
    fn functional_cases_overlap_and_those_that_wait_longest_come_first() {
        let phases = all_phases(64);
        let (light, at_a_time) = &phases[0];
        assert_eq!((light.len(), *at_a_time), (243, 64));
        let waits = light.iter().map(|id| {
            let case = wsspec_cases::suite().get(id.parse().unwrap()).unwrap();
            (expected_time(case), is_waiting(case))
        });
        let waits: Vec<_> = waits.collect();
        assert!(waits.is_sorted_by_key(|(time, _)| Reverse(*time)), "{waits:?}");
        assert!(waits[0].1 && !waits[60].1, "all that wait long are started at once");
    }

    #[test]
    fn large_cases_and_loops_run_apart_each_as_many_at_a_time_as_serves_them() {
        let sizes: Vec<_> = all_phases(64).iter().map(|(ids, at_a_time)| (ids.len(), *at_a_time)).collect();
        assert_eq!(sizes.iter().map(|(cases, _)| cases).sum::<usize>(), 517);
        let last = all_phases(64).into_iter().rfind(|(ids, _)| !ids.is_empty()).unwrap();
        assert_eq!((last.0.len(), last.1), (216, 8), "sections 12 and 13");
    }

    #[test]
    fn timed_cases_run_one_at_a_time_and_nothing_runs_beside_them() {
        let phases = all_phases(64);
        let timed = |id: &String| id.starts_with("9.");
        let (ids, at_a_time) = phases.iter().find(|(ids, _)| ids.iter().any(timed)).unwrap();
        assert!(ids.len() == 54 && ids.iter().all(timed), "{ids:?}");
        assert_eq!(*at_a_time, 1);
    }

    #[test]
    fn failures_of_timed_and_large_cases_are_tried_again_one_at_a_time() {
        let at_a_time: Vec<_> = phases_of_all(64).iter().map(|phase| phase.confirmed_at_a_time).collect();
        assert_eq!(at_a_time, [64, 1, 1, 1]);
        assert_eq!(phases_of_all(1)[0].confirmed_at_a_time, 1);
    }

    #[test]
    fn one_at_a_time_is_one_phase() {
        let phases = all_phases(1);
        assert_eq!((phases[0].0.len(), phases[0].1), (517, 1));
        assert!(phases[1..].iter().all(|(ids, _)| ids.is_empty()));
    }
}
