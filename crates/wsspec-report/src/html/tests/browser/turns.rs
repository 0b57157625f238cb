//! Which browsers run at a time: two Chromiums, or one Firefox, which takes too long beside others to be waited for.

use std::sync::{Condvar, Mutex, PoisonError};

const ROOM: usize = 2;

static FREE: Mutex<usize> = Mutex::new(ROOM);
static FREED: Condvar = Condvar::new();

/// The room that a browser takes, until it is dropped.
pub(super) struct Turn(usize);

impl Turn {
    /// Waits until there is room for one more.
    pub(super) fn beside_another() -> Self {
        Self::take(1)
    }

    /// Waits until there is no other.
    pub(super) fn alone() -> Self {
        Self::take(ROOM)
    }

    fn take(room: usize) -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = FREED.wait_while(free, |free| *free < room).unwrap_or_else(PoisonError::into_inner);
        *free -= room;
        Self(room)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *FREE.lock().unwrap_or_else(PoisonError::into_inner) += self.0;
        FREED.notify_all();
    }
}
