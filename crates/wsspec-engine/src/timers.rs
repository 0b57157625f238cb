use crate::Time;

/// What a timer is for. All but `Limit` run at most once at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The opening handshake has to be complete.
    Open,
    /// The step `Wait` is over.
    Wait,
    /// What the step `Await` waits for has to be there.
    Await,
    /// The step `FailAfter`.
    Fail,
    /// The step `CloseAfter`.
    CloseAfter,
    /// The peer's Close frame has to be there.
    Close,
    /// The server has to drop TCP, as it answered the tester's Close frame.
    Drop,
    /// The server has to drop TCP, as it closed first.
    Linger,
    /// What is left to send has to be gone.
    Flush,
    /// The case has to be over.
    Limit,
}

/// The timers that are armed. The earliest goes first; among equals the one armed first.
#[derive(Debug, Default)]
pub(crate) struct Timers(Vec<(Time, Timer)>);

impl Timers {
    pub(crate) fn arm(&mut self, at: Time, timer: Timer) {
        self.0.push((at, timer));
    }

    pub(crate) fn cancel(&mut self, timer: Timer) {
        self.0.retain(|&(_, armed)| armed != timer);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.0.iter().any(|&(_, armed)| armed == timer)
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.0.iter().map(|&(at, _)| at).min()
    }

    /// Takes the earliest timer that is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<Timer> {
        // `min_by_key` takes the first of equals, and the list is in the order of arming.
        let (index, _) = self.0.iter().enumerate().min_by_key(|(_, (at, _))| *at)?;
        (self.0[index].0 <= now).then(|| self.0.remove(index).1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_goes_first_and_among_equals_the_one_armed_first() {
        let second = Duration::from_secs;
        let mut timers = Timers::default();
        timers.arm(second(2), Timer::Limit);
        timers.arm(second(1), Timer::Close);
        timers.arm(second(1), Timer::Fail);
        assert_eq!(timers.next(), Some(second(1)));
        assert_eq!(timers.pop_due(Duration::ZERO), None);
        assert_eq!(timers.pop_due(second(3)), Some(Timer::Close));
        assert_eq!(timers.pop_due(second(3)), Some(Timer::Fail));
        assert_eq!(timers.pop_due(second(3)), Some(Timer::Limit));
        assert_eq!(timers.pop_due(second(3)), None);
    }
}
