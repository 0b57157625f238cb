//! When messages are due, and who says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// So long at most until a pacer sees that it is to stop.
const NAP: Duration = Duration::from_millis(100);

/// Messages of all connections at even distances, the connections in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timetable {
    pub(super) started: Instant,
    /// Messages a second.
    pub(super) rate: f64,
    pub(super) connections: u64,
}

impl Timetable {
    /// When message `number` of a connection is due.
    pub(super) fn due(&self, connection: u64, number: u64) -> Instant {
        self.at(number * self.connections + connection)
    }

    fn at(&self, place: u64) -> Instant {
        self.started + Duration::from_secs_f64(place as f64 / self.rate)
    }
}

/// Wakes each connection when one of its messages is due. A thread of its own: the timers of the runtime tick once
/// in a millisecond, which would count as the peer's.
pub(super) struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Pacer {
    /// Wakes `sleepers` until `until`.
    pub(super) fn start(timetable: Timetable, until: Instant, sleepers: Vec<Arc<Notify>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            for place in 0.. {
                let due = timetable.at(place);
                if due >= until || !sleep_until(due, &stopped) {
                    return;
                }
                sleepers[(place % timetable.connections) as usize].notify_one();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whether the time came before the stop.
fn sleep_until(due: Instant, stopped: &AtomicBool) -> bool {
    loop {
        if stopped.load(Ordering::Relaxed) {
            return false;
        }
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(NAP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_turns() {
        let started = Instant::now();
        let timetable = Timetable { started, rate: 100.0, connections: 4 };
        let due = |connection, number| (timetable.due(connection, number) - started).as_millis();
        assert_eq!([due(0, 0), due(1, 0), due(3, 0), due(0, 1), due(1, 2)], [0, 10, 30, 40, 90]);
    }

    #[tokio::test]
    async fn every_sleeper_is_woken_when_its_turn_comes() {
        let started = Instant::now();
        let timetable = Timetable { started, rate: 200.0, connections: 3 };
        let sleepers: Vec<_> = (0..3).map(|_| Arc::new(Notify::new())).collect();
        let _pacer = Pacer::start(timetable, started + Duration::from_millis(15), sleepers.clone());
        for (place, sleeper) in sleepers.iter().enumerate() {
            sleeper.notified().await;
            assert!(started.elapsed() >= Duration::from_millis(5) * place as u32);
        }
    }

    #[test]
    fn a_pacer_that_is_dropped_stops() {
        let started = Instant::now();
        let timetable = Timetable { started, rate: 0.01, connections: 1 };
        let pacer =
            Pacer::start(timetable, started + Duration::from_secs(3600), vec![Arc::new(Notify::new())]);
        drop(pacer);
        assert!(started.elapsed() < Duration::from_secs(60));
    }
}
