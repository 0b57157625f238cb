//! What may run beside what, and what comes first.

use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use wsspec_cases::{Case, Play, Step};

use super::plan::Limits;
use super::schedule::Job;
use crate::cli::Order;

/// The jobs in the order in which they are started, and how many of them at a time.
pub(super) fn phases(jobs: Vec<Job>, limits: &Limits, order: Order, seed: u64) -> Vec<(Vec<Job>, usize)> {
    let mut phases = if limits.jobs == 1 {
        vec![(jobs, 1)] // nothing disturbs anything
    } else {
        let (timed, others): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.case.measures.time);
        let (heavy, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|job| is_heavy(job.case));
        let (delicate, light): (Vec<_>, Vec<_>) = others.into_iter().partition(|job| is_delicate(job.case));
        vec![(light, limits.jobs), (delicate, 1), (timed, 1), (heavy, limits.heavy_jobs)]
    };
    for (jobs, _) in &mut phases {
        sort(jobs, order, seed);
    }
    phases
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

fn sort(jobs: &mut [Job], order: Order, seed: u64) {
    jobs.sort_by_key(|job| (job.case.id, job.agent));
    match order {
        Order::Id => {}
        Order::Random => jobs.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed)),
        Order::SlowFirst => jobs.sort_by_key(|job| std::cmp::Reverse(expected_time(job.case))),
    }
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
}
