use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::{Bytes, BytesMut};
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
    /// Where the next messages go. They are freed in the order in which they were made, so blocks leave no holes,
    /// as thousands of messages of all sizes among other memory would.
    block: BytesMut,
}

impl SharedWindows {
    /// How many octets are kept.
    const KEPT: usize = 24 << 20;
    /// So many octets of messages lie in one piece of memory.
    const BLOCK: usize = 1 << 20;

    /// The message for this key; it is made if nobody has made it. Who asks while it is being made, waits.
    pub(super) fn get<'a>(&self, key: Compressed, make: impl FnOnce() -> &'a [u8]) -> Bytes {
        let place = self.lock().messages.entry(key).or_default().clone();
        let message = place.get_or_init(|| {
            let octets = make();
            self.lock().keep(key, octets)
        });
        message.clone()
    }

    /// Forgets all messages: nothing is going to be sent any more.
    pub fn clear(&self) {
        *self.lock() = Kept::default();
    }

    /// What a panic left behind is still right: a message is there or is not.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, key: Compressed, octets: &[u8]) -> Bytes {
        self.made.push_back((key, octets.len()));
        self.octets += octets.len();
        while self.octets > SharedWindows::KEPT
            && let Some((oldest, octets)) = self.made.pop_front()
        {
            self.messages.remove(&oldest);
            self.octets -= octets;
        }
        if self.block.capacity() < octets.len() {
            self.block = BytesMut::with_capacity(SharedWindows::BLOCK.max(octets.len()));
        }
        self.block.extend_from_slice(octets);
        self.block.split().freeze()
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
        let quarter = vec![0; SharedWindows::KEPT / 4];
        for from in 0..6 {
            shared.get(key(from), || &quarter);
        }
        assert!(shared.lock().octets <= SharedWindows::KEPT);
        shared.get(key(5), || panic!("it is there"));
        let mut made = false;
        shared.get(key(0), || {
            made = true;
            &quarter
        });
        assert!(made, "the oldest is gone");
        assert_eq!(shared.lock().messages.len(), 4);
        shared.clear();
        assert!(shared.lock().messages.is_empty());
        assert_eq!(shared.lock().octets, 0);
    }

    #[test]
    fn messages_lie_side_by_side() {
        let shared = SharedWindows::default();
        let places: Vec<usize> =
            (0..4).map(|from| shared.get(key(from), || &[7; 100]).as_ptr() as usize).collect();
        assert!(places.is_sorted_by(|one, next| one + 100 == *next), "{places:?}");
    }
}
