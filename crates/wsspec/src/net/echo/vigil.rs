//! When a thread stays awake for the next event.

use std::time::Duration;

/// How long a thread stays awake for the next event before it sleeps: twice what it costs to be woken on a virtual
/// machine, whose processors are given back when they have nothing to do, and what a peer takes for 64 KiB.
pub(super) const AWAKE: Duration = Duration::from_micros(100);

/// So many times at most a thread then goes to sleep at once, because it stayed awake in vain.
const MOST_SKIPPED: u32 = 255;

/// Whether to stay awake for the next event. It is worth it where a peer answers at once. Where it is not, it is
/// tried ever more rarely: a server that has little to do sleeps.
#[derive(Default)]
pub(super) struct Vigil {
    /// How many times the thread is going to sleep at once.
    skip: u32,
    /// How many times it did so, or will, after it last stayed awake in vain.
    skipped: u32,
}

impl Vigil {
    /// Whether to stay awake this time.
    pub(super) fn is_worth_it(&mut self) -> bool {
        let is_worth_it = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        is_worth_it
    }

    /// There was an event in time.
    pub(super) fn was_worth_it(&mut self) {
        self.skipped = 0;
    }

    /// There was none.
    pub(super) fn was_in_vain(&mut self) {
        self.skipped = (2 * self.skipped + 1).min(MOST_SKIPPED);
        self.skip = self.skipped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often in so many waits a thread stays awake, if it always is in vain.
    fn vigils(vigil: &mut Vigil, waits: u32) -> u32 {
        let mut vigils = 0;
        for _ in 0..waits {
            if vigil.is_worth_it() {
                vigil.was_in_vain();
                vigils += 1;
            }
        }
        vigils
    }

    #[test]
    fn a_thread_that_stays_awake_in_vain_soon_does_not_any_more() {
        let mut vigil = Vigil::default();
        assert_eq!(vigils(&mut vigil, 256), 9 - 1);
        assert_eq!(vigils(&mut vigil, 256 * 100), 100);
    }

    #[test]
    fn a_thread_stays_awake_as_long_as_it_is_worth_it() {
        let mut vigil = Vigil::default();
        vigils(&mut vigil, 10_000);
        let until_it_tries = (0..).take_while(|_| !vigil.is_worth_it()).count();
        assert!(until_it_tries < 256);
        for _ in 0..1000 {
            vigil.was_worth_it();
            assert!(vigil.is_worth_it());
        }
        vigil.was_in_vain();
        assert!(!vigil.is_worth_it() && vigil.is_worth_it(), "once is soon forgiven");
    }
}
