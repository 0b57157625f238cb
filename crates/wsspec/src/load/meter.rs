//! The instruments that all connections of a load share.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::measured::{histogram, record};

/// The peer pauses when nothing comes for longer than this although something is due.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Counts and times of messages.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) times: Histogram<u64>,
    pub(super) uncorrected: Histogram<u64>,
    pub(super) echoes: u64,
    pub(super) octets: u64,
    /// Echoes that are not what was sent.
    pub(super) wrong: u64,
    /// Messages whose echo did not come.
    pub(super) unanswered: u64,
    /// Connections that the peer ended.
    pub(super) lost: u32,
    pub(super) pauses: u64,
    pub(super) longest_pause: Duration,
    started: Instant,
    /// When nothing was sent any more, and the last echo had come.
    ended: Instant,
    in_flight: u64,
    /// Since when something is due and nothing has come.
    waiting_since: Instant,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// When it was to be sent.
    pub(super) due: Instant,
    /// When it was sent.
    pub(super) at: Instant,
}

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            times: histogram(),
            uncorrected: histogram(),
            echoes: 0,
            octets: 0,
            wrong: 0,
            unanswered: 0,
            lost: 0,
            pauses: 0,
            longest_pause: Duration::ZERO,
            started: now,
            ended: now,
            in_flight: 0,
            waiting_since: now,
        }
    }

    /// A message was sent.
    pub(super) fn sent(&mut self, now: Instant) {
        if self.in_flight == 0 {
            self.waiting_since = now;
        }
        self.in_flight += 1;
    }

    /// The echo of a message has come.
    pub(super) fn echoed(&mut self, message: Sent, octets: usize, same: bool, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let waited = now.saturating_duration_since(self.waiting_since);
        if waited > PAUSE {
            self.pauses += 1;
            self.longest_pause = self.longest_pause.max(waited);
        }
        self.waiting_since = now;
        if !same {
            self.wrong += 1;
            return;
        }
        self.echoes += 1;
        self.ended = self.ended.max(now);
        self.octets += octets as u64;
        record(&mut self.times, now.saturating_duration_since(message.due));
        record(&mut self.uncorrected, now.saturating_duration_since(message.at));
    }

    /// Nothing more is sent.
    pub(super) fn stopped(&mut self, now: Instant) {
        self.ended = self.ended.max(now);
    }

    /// From the beginning until nothing was sent any more, and the last echo had come.
    pub(super) fn took(&self) -> Duration {
        self.ended - self.started
    }

    /// So many messages will have no echo.
    pub(super) fn given_up(&mut self, messages: usize) {
        self.in_flight = self.in_flight.saturating_sub(messages as u64);
        self.unanswered += messages as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn times_count_from_when_a_message_was_due() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let message = Sent { due: start, at: start + 40 * MS };
        meter.sent(message.at);
        meter.echoed(message, 16, true, start + 41 * MS);
        assert_eq!((meter.echoes, meter.octets), (1, 16));
        assert!((40_900_000..41_100_000).contains(&meter.times.max()), "{}", meter.times.max());
        assert!((900_000..1_100_000).contains(&meter.uncorrected.max()), "{}", meter.uncorrected.max());
    }

    #[test]
    fn a_pause_is_time_without_an_echo_while_one_is_due() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let at = |ms: u32| start + ms * MS;
        let echo = |meter: &mut Meter, sent, now| {
            meter.echoed(Sent { due: at(sent), at: at(sent) }, 1, true, at(now));
        };
        // Nothing is due for the first 100 ms.
        meter.sent(at(100));
        echo(&mut meter, 100, 105);
        assert_eq!(meter.pauses, 0);
        meter.sent(at(110));
        meter.sent(at(120));
        echo(&mut meter, 110, 160);
        echo(&mut meter, 120, 161);
        assert_eq!((meter.pauses, meter.longest_pause), (1, 50 * MS));
    }

    #[test]
    fn a_wrong_echo_is_no_echo() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.sent(start);
        meter.echoed(Sent { due: start, at: start }, 5, false, start + MS);
        meter.sent(start);
        meter.given_up(1);
        assert_eq!((meter.wrong, meter.unanswered, meter.echoes, meter.times.len()), (1, 1, 0, 0));
    }
}
