//! How long a run is still going to take, as far as that is known: from what the cases to come wait for, and from how
//! fast those like them went.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use wsspec_cases::{Case, CaseId, Play};

use super::order::{Phase, expected_time, phases};
use super::plan::Limits;
use super::schedule::Job;
use crate::cli::Order;

/// A case of an implementation.
type Key = (usize, CaseId);

/// What is still to be run.
#[derive(Debug, Default)]
pub(super) struct Forecast {
    stretches: Vec<Stretch>,
    /// Failures that are going to be tried again, and how long they took.
    again: BTreeMap<Key, Duration>,
}

/// Cases that run side by side.
#[derive(Debug)]
struct Stretch {
    open: BTreeMap<Key, Open>,
    total: usize,
    at_a_time: usize,
    began: Option<Instant>,
}

/// A case that has not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// How long it waits; none if that is not what it takes.
    wait: Option<Duration>,
    since: Option<Instant>,
}

impl Forecast {
    /// Before the first case.
    pub(super) fn of(jobs: &[Job], limits: &Limits) -> Self {
        // Passive cases are judged at the end, by what was seen in all others.
        let jobs = jobs.iter().filter(|job| !job.case.is_passive()).copied();
        let phases = phases(jobs.collect(), limits, Order::Id, 0);
        Self { stretches: phases.iter().map(Stretch::of).collect(), again: BTreeMap::new() }
    }

    /// A case begins.
    pub(super) fn started(&mut self, key: Key, now: Instant) {
        for stretch in &mut self.stretches {
            if let Some(open) = stretch.open.get_mut(&key) {
                open.since = Some(now);
                stretch.began.get_or_insert(now);
            }
        }
    }

    /// It has failed, and is going to be tried again.
    pub(super) fn suspected(&mut self, key: Key, took: Duration) {
        self.settled(key);
        self.again.insert(key, took);
    }

    /// Its verdict stands.
    pub(super) fn settled(&mut self, key: Key) {
        self.again.remove(&key);
        for stretch in &mut self.stretches {
            stretch.open.remove(&key);
        }
    }

    /// The rest of an implementation's cases is not run.
    pub(super) fn stopped(&mut self, agent: usize) {
        self.again.retain(|(of, _), _| *of != agent);
        self.stretches.iter_mut().for_each(|stretch| stretch.open.retain(|(of, _), _| *of != agent));
    }

    /// How long it takes to the end; nothing while that cannot be told.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let mut open = self.stretches.iter().filter(|stretch| !stretch.open.is_empty());
        let current = open.next().map_or(Some(Duration::ZERO), |current| {
            let rate = current.rate(now)?;
            Some(current.waits(now).map_or(rate, |waits| waits.max(rate)))
        })?;
        let later = open.map(|stretch| stretch.waits(now)).sum::<Option<Duration>>()?;
        Some(current + later + self.repeats())
    }

    /// At each server one failure is tried again at a time.
    fn repeats(&self) -> Duration {
        let mut by_agent: BTreeMap<usize, Duration> = BTreeMap::new();
        for ((agent, _), took) in &self.again {
            *by_agent.entry(*agent).or_default() += *took;
        }
        by_agent.into_values().max().unwrap_or_default()
    }
}

impl Stretch {
    fn of(phase: &Phase) -> Self {
        let jobs = phase.jobs.iter().chain(&phase.delicate);
        let open: BTreeMap<Key, Open> =
            jobs.map(|job| ((job.agent, job.case.id), Open { wait: wait(job.case), since: None })).collect();
        Self { total: open.len(), open, at_a_time: phase.at_a_time.max(1), began: None }
    }

    /// What the cases wait for, if all of them do little else.
    fn waits(&self, now: Instant) -> Option<Duration> {
        let left = |open: &Open| {
            Some(open.wait?.saturating_sub(open.since.map_or(Duration::ZERO, |since| now - since)))
        };
        let waits = self.open.values().map(left).collect::<Option<Vec<_>>>()?;
        let longest = waits.iter().max().copied().unwrap_or_default();
        let room = u32::try_from(self.at_a_time).unwrap_or(u32::MAX);
        Some(longest.max(waits.iter().sum::<Duration>() / room))
    }

    /// What is left at the speed so far, once a tenth is done.
    fn rate(&self, now: Instant) -> Option<Duration> {
        let (left, done) = (self.open.len(), self.total - self.open.len());
        let elapsed = now - self.began.filter(|_| done * 10 >= self.total)?;
        Some(elapsed.mul_f64(left as f64 / done as f64))
    }
}

/// How long a case waits with a good implementation. What moves many octets takes as long as that takes.
fn wait(case: &Case) -> Option<Duration> {
    let works = match &case.play {
        Play::Drive(..) => true,
        Play::Script(_) => case.measures.time && expected_time(case).is_zero(),
        Play::Passive(_) | Play::Series(_) => false,
    };
    (!works).then(|| expected_time(case))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A made schedule: stretches of cases that wait so many seconds each, so many at a time.
    fn made(stretches: &[(&[Option<u64>], usize)]) -> Forecast {
        let mut id = 0;
        let mut stretch = |(waits, at_a_time): &(&[Option<u64>], usize)| {
            let open: BTreeMap<Key, Open> = waits
                .iter()
                .map(|wait| {
                    id += 1;
                    (key(id), Open { wait: wait.map(Duration::from_secs), since: None })
                })
                .collect();
            Stretch { total: open.len(), open, at_a_time: *at_a_time, began: None }
        };
        Forecast { stretches: stretches.iter().map(&mut stretch).collect(), again: BTreeMap::new() }
    }

    fn key(id: usize) -> Key {
        (0, format!("1.1.{id}").parse().unwrap())
    }

    #[test]
    fn the_time_left_jumped_when_slow_cases_began() {
        // Ten that take no time, then four that wait 5 s each, alone.
        let mut forecast = made(&[(&[Some(0); 10], 10), (&[Some(5); 4], 1)]);
        let start = Instant::now();
        assert_eq!(forecast.left(start), None, "nothing has been seen");
        (1..=10).for_each(|id| forecast.started(key(id), start));
        forecast.settled(key(1));
        let told = forecast.left(start + SECOND / 10).unwrap();
        assert_eq!(told.as_secs(), 20, "the slow ones are counted before they begin: {told:?}");
        (2..=10).for_each(|id| forecast.settled(key(id)));
        let mut now = start + SECOND / 5;
        let mut last = told;
        for id in 11..=14 {
            forecast.started(key(id), now);
            now += SECOND * 5;
            forecast.settled(key(id));
            let left = forecast.left(now).unwrap();
            assert!(left + SECOND * 4 < last, "{left:?} after {last:?}");
            last = left;
        }
        assert_eq!(last, Duration::ZERO);
    }

    #[test]
    fn of_cases_whose_time_is_not_known_nothing_is_told_before_a_tenth_of_them_is_done() {
        let mut forecast = made(&[(&[Some(1); 2], 2), (&[None; 20], 2)]);
        let start = Instant::now();
        (1..=2).for_each(|id| forecast.started(key(id), start));
        forecast.settled(key(1));
        assert_eq!(forecast.left(start + SECOND), None, "what comes is not known");
        forecast.settled(key(2));
        (3..=6).for_each(|id| forecast.started(key(id), start + SECOND));
        forecast.settled(key(3));
        assert_eq!(forecast.left(start + SECOND * 2), None);
        forecast.settled(key(4));
        assert_eq!(forecast.left(start + SECOND * 3), Some(SECOND * 18));
    }

    #[test]
    fn what_is_repeated_counts_and_what_is_not_run_does_not() {
        let mut forecast = made(&[(&[Some(0); 4], 4)]);
        let start = Instant::now();
        (1..=4).for_each(|id| forecast.started(key(id), start));
        (1..=2).for_each(|id| forecast.suspected(key(id), SECOND * 3));
        (3..=4).for_each(|id| forecast.settled(key(id)));
        assert_eq!(forecast.left(start + SECOND), Some(SECOND * 6));
        forecast.settled(key(1));
        assert_eq!(forecast.left(start + SECOND), Some(SECOND * 3));
        forecast.stopped(0);
        assert_eq!(forecast.left(start + SECOND), Some(Duration::ZERO));
    }

    #[test]
    fn volume_has_no_known_time_and_waits_have() {
        let of = |id: &str| wait(wsspec_cases::suite().get(id.parse().unwrap()).unwrap());
        assert_eq!([of("12.1.1"), of("9.1.1")], [None, None]);
        assert_eq!(of("1.1.1"), Some(Duration::ZERO));
        assert!(of("6.4.2").unwrap() > SECOND);
    }
}
