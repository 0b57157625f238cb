//! Notices on their way to the terminal: so many at most, however slowly it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::notice::Notice;

/// More are left out, and counted.
const MOST: usize = 1024;

/// Where notices go in.
#[derive(Clone, Debug)]
pub struct Sender {
    queue: mpsc::Sender<Notice>,
    left_out: Arc<AtomicU64>,
}

/// Where they come out.
#[derive(Debug)]
pub struct Receiver {
    queue: mpsc::Receiver<Notice>,
    left_out: Arc<AtomicU64>,
}

/// An empty queue.
pub fn queue() -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel(MOST);
    let left_out = Arc::new(AtomicU64::new(0));
    (Sender { queue: sender, left_out: left_out.clone() }, Receiver { queue: receiver, left_out })
}

impl Sender {
    /// Hands in a notice, if there is room.
    pub fn send(&self, notice: &Notice) {
        if self.queue.try_send(notice.clone()).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Receiver {
    /// Waits for the next notice.
    pub async fn recv(&mut self) -> Option<Notice> {
        self.queue.recv().await
    }

    /// The next notice, if it is there.
    pub fn try_recv(&mut self) -> Option<Notice> {
        self.queue.try_recv().ok()
    }

    /// How many were left out since this was last told; nothing while there are others to be read.
    pub fn left_out(&self) -> Option<u64> {
        let has_caught_up = self.queue.is_empty();
        has_caught_up.then(|| self.left_out.swap(0, Ordering::Relaxed)).filter(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn notices_that_nobody_read_piled_up() {
        let (sender, mut receiver) = queue();
        for _ in 0..MOST + 3 {
            sender.send(&Notice::Asked);
        }
        assert_eq!(receiver.left_out(), None, "others come first");
        assert_eq!(std::iter::from_fn(|| receiver.try_recv()).count(), MOST);
        assert_eq!(receiver.left_out(), Some(3));
        assert_eq!(receiver.left_out(), None, "once is enough");
        sender.send(&Notice::Asked);
        assert!(receiver.recv().await.is_some(), "there is room again");
    }
}
