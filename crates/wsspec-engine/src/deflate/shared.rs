use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use wsspec_cases::data::Window;

/// Compressed windows of data sets, for all runs of a process. Several cases send the same messages: what one
/// has compressed, the others take, as long as they are not far behind.
///
/// It makes nothing different on the wire but which of several right forms of a message goes out.
#[derive(Debug, Default)]
pub struct SharedWindows {
    kept: Mutex<Kept>,
}

/// On what the compressed form of a window depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Compressed {
    pub(super) window: Window,
    /// How many octets before the window may be referred to.
    pub(super) before: usize,
    pub(super) window_bits: u8,
    pub(super) level: u8,
}

#[derive(Debug, Default)]
struct Kept {
    messages: HashMap<Compressed, Arc<OnceLock<Bytes>>>,
    /// In the order in which they were made, with their sizes.
    made: VecDeque<(Compressed, usize)>,
    octets: usize,
}

impl SharedWindows {
    /// How many octets are kept.
    const KEPT: usize = 24 << 20;

    /// The message for this key; it is made if nobody has made it. Who asks while it is being made, waits.
    pub(super) fn get(&self, key: Compressed, make: impl FnOnce() -> Bytes) -> Bytes {
        let place = self.lock().messages.entry(key).or_default().clone();
        let mut made = false;
        let message = place.get_or_init(|| {
            made = true;
            make()
        });
        if made {
            self.lock().keep(key, message.len());
        }
        message.clone()
    }

    /// What a panic left behind is still right: a message is there or is not.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, key: Compressed, octets: usize) {
        self.made.push_back((key, octets));
        self.octets += octets;
        while self.octets > SharedWindows::KEPT
            && let Some((oldest, octets)) = self.made.pop_front()
        {
            self.messages.remove(&oldest);
            self.octets -= octets;
        }
    }
}

#[cfg(test)]
mod tests {
    use wsspec_cases::data::DataSet;

    use super::*;

    fn key(from: usize) -> Compressed {
        let window = Window { data: DataSet::Json, from, len: 1 };
        Compressed { window, before: 0, window_bits: 15, level: 6 }
    }

    #[test]
    fn no_more_is_kept_than_the_limit_and_the_oldest_goes_first() {
        let shared = SharedWindows::default();
        let quarter = Bytes::from(vec![0; SharedWindows::KEPT / 4]);
        for from in 0..6 {
            shared.get(key(from), || quarter.clone());
        }
        assert!(shared.lock().octets <= SharedWindows::KEPT);
        shared.get(key(5), || panic!("it is there"));
        let mut made = false;
        shared.get(key(0), || {
            made = true;
            quarter.clone()
        });
        assert!(made, "the oldest is gone");
        assert_eq!(shared.lock().messages.len(), 4);
    }
}
