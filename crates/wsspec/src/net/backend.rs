//! The echo server behind a proxy that is tested: `--backend`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use wsspec_endpoint::{Closed, Config, Connection};

use super::capture::{Capture, Tapped};
use super::endpoint;
use super::legs::Legs;
use crate::commands::echo::echo_config;
use crate::errors::{ErrorCode, Problem};

/// Connections at a time.
const ROOM: usize = 10_000;
/// For connections to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// An echo server that lives as long as a run, gone when it is dropped.
pub struct Backend {
    address: SocketAddr,
    hall: Hall,
    stop: watch::Sender<bool>,
    door: JoinHandle<()>,
}

/// What all connections share.
#[derive(Clone, Debug, Default)]
struct Hall {
    capture: Arc<OnceLock<Arc<Capture>>>,
    tally: Arc<Mutex<Tally>>,
    legs: Arc<Legs>,
}

/// How the connections ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// With a closing handshake and the end of TCP.
    pub clean: u32,
    /// The backend failed the connection, because a rule was broken.
    pub failed: u32,
    /// In any other way.
    pub other: u32,
}

impl Backend {
    /// Listens at this address.
    ///
    /// # Errors
    /// E16: the address is taken, or not one of this host.
    pub async fn start(address: &str) -> Result<Self, Problem> {
        let cannot = |error: std::io::Error| {
            Problem::new(ErrorCode::E16, format!("cannot listen on {address} for the proxy"))
                .fact("why", crate::text::io_error(&error))
                .fact("try", "--backend 127.0.0.1:9101   and the same in the configuration of the proxy")
        };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let (stop, stopped) = watch::channel(false);
        let hall = Hall::default();
        let door = tokio::spawn(open_door(listener, hall.clone(), stopped));
        Ok(Self { address, hall, stop, door })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Captures what flows on all connections from now on.
    pub fn capture(&mut self, capture: Arc<Capture>) {
        let _ = self.hall.capture.set(capture);
    }

    /// The connections, for the cases to claim theirs.
    pub fn legs(&self) -> Arc<Legs> {
        self.hall.legs.clone()
    }

    /// Ends all connections. How they ended.
    pub async fn stop(mut self) -> Tally {
        let _ = self.stop.send(true);
        let _ = timeout(FAREWELL, &mut self.door).await;
        *self.hall.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// `backend        247 connections: 170 ended cleanly, 70 failed for a broken rule, 7 ended otherwise`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = crate::text::count((self.clean + self.failed + self.other) as usize, "connection");
        let Self { clean, failed, other } = self;
        write!(
            f,
            "backend        {all}: {clean} ended cleanly, {failed} failed for a broken rule, {other} otherwise"
        )
    }
}

impl Tally {
    fn add(&mut self, closed: Option<&Closed>) {
        match closed {
            Some(closed) if closed.violation.is_some() => self.failed += 1,
            Some(closed) if closed.clean => self.clean += 1,
            _ => self.other += 1,
        }
    }
}

async fn open_door(listener: TcpListener, hall: Hall, mut stopped: watch::Receiver<bool>) {
    let config: Arc<Config> = Arc::new(echo_config());
    let room = Arc::new(Semaphore::new(ROOM));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, say: give the open connections time to end.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let stream = Tapped::accepted(stream.into(), hall.capture.get()).watched_by(hall.legs.open());
        let connection = Connection::server(Arc::clone(&config), Duration::ZERO);
        let ended = endpoint::run(stream, connection, Instant::now(), stopped.clone());
        let tally = Arc::clone(&hall.tally);
        tokio::spawn(async move {
            let closed = ended.await;
            tally.lock().unwrap_or_else(PoisonError::into_inner).add(closed.as_ref());
            drop(permit);
        });
    }
    drop(listener);
    // When all permits are back, all connections are over.
    let _ = room.acquire_many(u32::try_from(ROOM).unwrap_or(u32::MAX)).await;
}
