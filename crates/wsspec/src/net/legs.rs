//! The connections of a proxy to the server behind it, and which case each belongs to.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use wsspec_engine::{Direction, Onlooker, Seen, TcpEnd};

/// Connections that no case has claimed: the oldest are forgotten.
const UNCLAIMED: usize = 1024;
/// A proxy may end its connection to the server a little later than the one to the client.
const LINGERS: Duration = Duration::from_millis(500);

/// All connections of a proxy that no case has claimed yet.
///
/// A case claims the connection whose request has the case's own `Sec-WebSocket-Key`, which is random and which most
/// proxies pass on. Behind a proxy that makes up a key of its own, cases have to run one at a time: then it is the one
/// connection that was opened meanwhile.
#[derive(Debug, Default)]
pub struct Legs {
    unclaimed: Mutex<VecDeque<Arc<Leg>>>,
    one_at_a_time: AtomicBool,
}

/// One connection of a proxy to the server.
#[derive(Debug)]
pub struct Leg {
    opened: Instant,
    onlooker: Mutex<Onlooker>,
    over: watch::Sender<bool>,
}

/// A connection that a case has claimed.
#[derive(Debug)]
pub struct Claimed {
    /// What was seen of it.
    pub seen: Seen,
    /// When it was opened.
    pub opened: Instant,
    /// By which it was found: `key` or `time`.
    pub by: &'static str,
}

impl Legs {
    /// The proxy has opened a connection.
    pub(super) fn open(&self) -> Arc<Leg> {
        let (over, _) = watch::channel(false);
        let leg = Arc::new(Leg { opened: Instant::now(), onlooker: Mutex::default(), over });
        let mut unclaimed = lock(&self.unclaimed);
        if unclaimed.len() == UNCLAIMED {
            unclaimed.pop_front();
        }
        unclaimed.push_back(leg.clone());
        leg
    }

    /// No two cases are going to run at the same time.
    pub fn one_at_a_time(&self) {
        self.one_at_a_time.store(true, Ordering::Relaxed);
    }

    /// Whether the proxy has passed on this key.
    pub fn has_key(&self, key: &[u8]) -> bool {
        lock(&self.unclaimed).iter().any(|leg| leg.has_key(key))
    }

    /// The connection that belongs to the case which began its own at `since` and sent this key, when it is over or
    /// soon afterwards; none if that cannot be told.
    pub async fn claim(&self, key: &[u8], since: Instant) -> Option<Claimed> {
        let (leg, by) = self.take(key, since)?;
        let mut over = leg.over.subscribe();
        let _ = timeout(LINGERS, over.wait_for(|over| *over)).await;
        let seen = lock(&leg.onlooker).seen();
        Some(Claimed { seen, opened: leg.opened, by })
    }

    fn take(&self, key: &[u8], since: Instant) -> Option<(Arc<Leg>, &'static str)> {
        let mut unclaimed = lock(&self.unclaimed);
        let meanwhile = |leg: &Leg| leg.opened >= since;
        if let Some(at) = unclaimed.iter().rposition(|leg| meanwhile(leg) && leg.has_key(key)) {
            return unclaimed.remove(at).map(|leg| (leg, "key"));
        }
        let mut candidates = unclaimed.iter().enumerate().filter(|(_, leg)| meanwhile(leg));
        match (candidates.next(), candidates.next()) {
            (Some((at, _)), None) if self.one_at_a_time.load(Ordering::Relaxed) => {
                unclaimed.remove(at).map(|leg| (leg, "time"))
            }
            _ => None,
        }
    }
}

impl Leg {
    /// Octets flow.
    pub(super) fn octets(&self, direction: Direction, octets: &[u8]) {
        lock(&self.onlooker).octets(direction, octets, self.opened.elapsed());
    }

    /// One side ended TCP.
    pub(super) fn end(&self, how: TcpEnd) {
        lock(&self.onlooker).end(how, self.opened.elapsed());
    }

    /// The connection is gone.
    pub(super) fn over(&self) {
        self.end(TcpEnd::Tester);
        self.over.send_replace(true);
    }

    fn has_key(&self, key: &[u8]) -> bool {
        lock(&self.onlooker).key().is_some_and(|own| own == key)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(legs: &Legs, key: &str) -> Arc<Leg> {
        let leg = legs.open();
        let request = format!("GET / HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\n\r\n");
        leg.octets(Direction::Rx, request.as_bytes());
        leg.over();
        leg
    }

    #[tokio::test]
    async fn cases_at_the_same_time_get_their_own_connection_and_each_only_once() {
        let (legs, since) = (Legs::default(), Instant::now());
        ["one", "two", "one"].iter().for_each(|key| drop(opened(&legs, key)));
        assert!(legs.has_key(b"two") && !legs.has_key(b"three"));
        assert_eq!(legs.claim(b"two", since).await.map(|claimed| claimed.by), Some("key"));
        assert!(legs.claim(b"two", since).await.is_none(), "claimed");
        assert!(legs.claim(b"three", since).await.is_none(), "two are left, nobody knows which");
        assert_eq!(legs.claim(b"one", since).await.map(|claimed| claimed.by), Some("key"));
    }

    #[tokio::test]
    async fn behind_a_proxy_with_keys_of_its_own_the_only_connection_is_it() {
        let (legs, since) = (Legs::default(), Instant::now());
        drop(opened(&legs, "own"));
        assert!(legs.claim(b"mine", since).await.is_none(), "others may be running");
        legs.one_at_a_time();
        assert_eq!(legs.claim(b"mine", since).await.map(|claimed| claimed.by), Some("time"));
        drop(opened(&legs, "own"));
        assert!(legs.claim(b"mine", Instant::now()).await.is_none(), "it was opened before the case");
    }

    #[tokio::test]
    async fn connections_that_nobody_claims_are_forgotten() {
        let legs = Legs::default();
        (0..2 * UNCLAIMED).for_each(|_| drop(legs.open()));
        assert_eq!(lock(&legs.unclaimed).len(), UNCLAIMED);
    }
}
