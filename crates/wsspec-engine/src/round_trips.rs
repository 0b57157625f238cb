use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Time;

/// How long echoes took: from the first frame of a message to the end of the next message that came. Of messages
/// that are sent together only the first one counts. Microseconds, to 1 %, in bounded memory.
#[derive(Clone, Debug)]
pub struct RoundTrips {
    times: Histogram<u32>,
    sent: Option<Time>,
}

impl RoundTrips {
    /// Longer times count as this one, in microseconds.
    const LONGEST: u64 = 3_600_000_000;

    /// A message begins to go out.
    pub(crate) fn sent(&mut self, now: Time) {
        self.sent.get_or_insert(now);
    }

    /// A message came.
    pub(crate) fn came(&mut self, now: Time) {
        if let Some(sent) = self.sent.take() {
            let took = u64::try_from(now.saturating_sub(sent).as_micros()).unwrap_or(u64::MAX);
            self.times.saturating_record(took.clamp(1, Self::LONGEST));
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.times.len()
    }

    /// The shortest.
    pub fn shortest(&self) -> Duration {
        Duration::from_micros(self.times.min())
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.times.max())
    }

    /// The mean.
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.times.mean() / 1e6)
    }

    /// What so many percent did not exceed.
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.times.value_at_percentile(percent).min(self.times.max()))
    }

    /// How many took at most so long, for bounds of 1, 2 and 5 times a power of ten, from the first to the last
    /// bound that has any.
    pub fn by_bound(&self) -> Vec<(Duration, u64)> {
        let mut counts = BTreeMap::<u64, u64>::new();
        for step in self.times.iter_recorded() {
            *counts.entry(bound(step.value_iterated_to())).or_default() += u64::from(step.count_at_value());
        }
        let ends = counts.keys().next().copied().zip(counts.keys().next_back().copied());
        let Some((first, last)) = ends else { return Vec::new() };
        let bounds = bounds().skip_while(|bound| *bound < first).take_while(|bound| *bound <= last);
        let row = |bound| (Duration::from_micros(bound), counts.get(&bound).copied().unwrap_or(0));
        bounds.map(row).collect()
    }
}

/// 1, 2 and 5 times every power of ten.
fn bounds() -> impl Iterator<Item = u64> {
    (0..=10).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)))
}

/// The lowest bound that is not below a time.
fn bound(time: u64) -> u64 {
    bounds().find(|bound| time <= *bound).unwrap_or(u64::MAX)
}

impl Default for RoundTrips {
    fn default() -> Self {
        let times = Histogram::new_with_bounds(1, Self::LONGEST, 2).expect("the bounds are lawful");
        Self { times, sent: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_the_first_frame_to_the_echo() {
        let mut trips = RoundTrips::default();
        let mut now = Duration::ZERO;
        for took in [30, 40, 45, 900] {
            trips.sent(now);
            trips.sent(now + Duration::from_micros(5));
            now += Duration::from_micros(took);
            trips.came(now);
        }
        trips.came(now);
        assert_eq!(trips.count(), 4, "a message that was not waited for is no round trip");
        assert_eq!((trips.shortest(), trips.percentile(50.0)), (micros(30), micros(40)));
        let rows: Vec<_> = trips.by_bound();
        assert_eq!(rows[0], (micros(50), 3));
        assert_eq!(rows.last(), Some(&(micros(1000), 1)));
        assert_eq!(rows.iter().map(|(_, count)| count).sum::<u64>(), 4);
    }

    fn micros(time: u64) -> Duration {
        Duration::from_micros(time)
    }
}
