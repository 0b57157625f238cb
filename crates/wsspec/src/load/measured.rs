//! What a load came to.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::threshold::Threshold;

/// The longest time that is told apart from longer ones, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;
/// The shortest, in nanoseconds.
const SHORTEST: u64 = 1_000;
/// Times are kept to this many digits.
const DIGITS: u8 = 3;
/// What `rtt` and `connect` are given in: microseconds.
const US: f64 = 1e3;

/// A histogram of times in nanoseconds. It takes the same memory however many there are.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(SHORTEST, LONGEST, DIGITS).expect("the bounds are right")
}

/// Puts a time into a histogram.
pub(super) fn record(times: &mut Histogram<u64>, time: Duration) {
    times.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(LONGEST));
}

/// What was measured, for all kinds of load.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Of the opening handshakes, or from when a message was due to its echo; in nanoseconds.
    pub times: Histogram<u64>,
    /// Of messages: from when they were sent in fact to their echo.
    pub uncorrected: Histogram<u64>,
    /// What went wrong, and how often.
    pub errors: Vec<(&'static str, u64)>,
    /// Connections that are open in the end.
    pub open: u32,
    /// What counts towards the rate: connections opened, or echoes.
    pub done: u64,
    /// Octets of payload echoed.
    pub octets: u64,
    /// How long it took.
    pub took: Duration,
    /// Nothing came although something was due, for longer than [`PAUSE`](super::meter::PAUSE): how often.
    pub pauses: u64,
    /// The longest of them.
    pub longest_pause: Duration,
    /// The share of one core that this process took, where the system tells.
    pub cpu_share: Option<f64>,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            times: histogram(),
            uncorrected: histogram(),
            errors: Vec::new(),
            open: 0,
            done: 0,
            octets: 0,
            took: Duration::ZERO,
            pauses: 0,
            longest_pause: Duration::ZERO,
            cpu_share: None,
        }
    }
}

impl Measured {
    /// All that went wrong.
    pub fn errors(&self) -> u64 {
        self.errors.iter().map(|(_, count)| count).sum()
    }

    /// Connections or echoes a second.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// A load: what was asked for, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// `connect`, `rtt` or `throughput`.
    pub load: &'static str,
    /// The address.
    pub url: String,
    /// Connections asked for.
    pub connections: u32,
    /// Messages or connections a second asked for; none where it is as fast as it goes.
    pub asked_rate: Option<f64>,
    /// The length of a message.
    pub size: Option<u64>,
    /// Messages in flight on each connection.
    pub in_flight: Option<u32>,
    /// What was measured.
    pub measured: Measured,
    /// The limits.
    pub thresholds: Vec<Threshold>,
}

impl Outcome {
    /// Whether all thresholds hold.
    pub(super) fn holds(&self) -> bool {
        self.thresholds.iter().all(|threshold| threshold.holds(&self.measured))
    }

    /// For programs: `wsspec schema load`.
    pub(super) fn to_json(&self) -> Value {
        let measured = &self.measured;
        let thresholds: Vec<Value> = self.thresholds.iter().map(|threshold| {
            json!({ "limit": threshold.to_string(), "holds": threshold.holds(measured), "found": threshold.found(measured) })
        }).collect();
        let errors = measured.errors.iter().map(|(what, count)| ((*what).to_owned(), json!(count)));
        json!({
            "t": "load",
            "v": 1,
            "wsspec": env!("CARGO_PKG_VERSION"),
            "load": self.load,
            "url": self.url,
            "connections": { "asked": self.connections, "open": measured.open },
            "size": self.size,
            "in_flight": self.in_flight,
            "seconds": measured.took.as_secs_f64(),
            "rate": { "asked": self.asked_rate, "achieved": measured.rate() },
            "done": measured.done,
            "octets": measured.octets,
            "errors": errors.collect::<serde_json::Map<_, _>>(),
            "times_us": quantiles(&measured.times),
            "uncorrected_us": quantiles(&measured.uncorrected),
            "pauses": { "count": measured.pauses, "longest_us": measured.longest_pause.as_secs_f64() * 1e6 },
            "cpu_share": measured.cpu_share,
            "thresholds": thresholds,
            "holds": self.holds(),
        })
    }
}

/// The percentiles that are shown.
pub(super) const PERCENTILES: [(&str, f64); 5] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("p99.99", 99.99)];

/// Nothing where nothing was measured.
fn quantiles(times: &Histogram<u64>) -> Value {
    if times.is_empty() {
        return Value::Null;
    }
    let mut members = serde_json::Map::new();
    members.insert("count".to_owned(), json!(times.len()));
    members.insert("min".to_owned(), json!(times.min() as f64 / US));
    members.insert("mean".to_owned(), json!(times.mean() / US));
    for (name, percent) in PERCENTILES {
        members.insert(name.to_owned(), json!(times.value_at_percentile(percent) as f64 / US));
    }
    members.insert("max".to_owned(), json!(times.max() as f64 / US));
    Value::Object(members)
}
