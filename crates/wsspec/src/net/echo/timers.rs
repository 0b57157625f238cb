//! What is due when, for many connections.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Times at which connections are to be looked at. A time that has changed stays in here: whoever is looked at too
/// early asks again.
#[derive(Default)]
pub(super) struct Timers {
    /// In nanoseconds, with the keys of the connections.
    due: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Timers {
    /// Asks for the connection to be looked at by then, if `asked`, when it will be anyway, is not early enough.
    pub(super) fn ask(&mut self, key: usize, due: Option<Duration>, asked: &mut Option<Duration>) {
        if let Some(due) = due
            && asked.is_none_or(|asked| due < asked)
        {
            *asked = Some(due);
            self.due.push(Reverse((nanoseconds(due), key)));
        }
    }

    /// When a connection is to be looked at next.
    pub(super) fn next(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse((due, _))| Duration::from_nanos(*due))
    }

    /// A connection that is to be looked at now, and the time that was asked for.
    pub(super) fn expired(&mut self, now: Duration) -> Option<(usize, Duration)> {
        if self.next()? > now {
            return None;
        }
        self.due.pop().map(|Reverse((due, key))| (key, Duration::from_nanos(due)))
    }
}

/// A server does not run for more than the 584 years that fit.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_looked_at_when_it_first_asked_to_be() {
        let second = Duration::from_secs;
        let (mut timers, mut first, mut other) = (Timers::default(), None, None);
        timers.ask(1, Some(second(5)), &mut first);
        timers.ask(2, Some(second(3)), &mut other);
        timers.ask(1, Some(second(9)), &mut first);
        timers.ask(1, None, &mut first);
        assert_eq!((timers.next(), first), (Some(second(3)), Some(second(5))));
        assert_eq!(timers.expired(second(2)), None);
        assert_eq!(timers.expired(second(6)), Some((2, second(3))));
        assert_eq!(timers.expired(second(6)), Some((1, second(5))));
        assert_eq!((timers.expired(second(60)), timers.next()), (None, None));
    }
}
