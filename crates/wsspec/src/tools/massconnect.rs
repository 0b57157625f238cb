//! Many connections: opened in batches, held until all are there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use wsspec_endpoint::{ClientRequest, Config, Connection, Event};

use crate::errors::{ErrorCode, Problem};
use crate::net::Stream;
use crate::net::client::{ConnectError, Secure, dial, resolve};
use crate::net::session::Session;
use crate::net::socket::Address;
use crate::signals::raised;
use crate::target::Target;

/// For one connection: TCP, TLS and the opening handshake.
const LIMIT: Duration = Duration::from_secs(10);
/// Failures in a row with no connection between, after which the server is given up.
const HOPELESS: u32 = 200;

/// Files that are open besides the connections.
#[cfg(unix)]
const OTHER_FILES: u64 = 32;

/// How to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many connections.
    pub connections: u32,
    /// How many are started at a time.
    pub batch: u32,
    /// Between two batches.
    pub batch_delay: Duration,
    /// Before a failed connection is tried again.
    pub retry_delay: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections that were open at the same time in the end.
    pub open: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// From the first attempt to the last connection.
    pub took: Duration,
    /// How long the opening handshakes took, shortest first.
    pub times: Vec<Duration>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl Tally {
    /// The time that this share (0 to 1) of the handshakes did not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        let place = (self.times.len().saturating_sub(1) as f64 * share).round() as usize;
        self.times.get(place).copied().unwrap_or_default()
    }
}

/// A server to connect to.
#[derive(Clone)]
pub struct Crowd {
    target: Target,
    addresses: Vec<Address>,
    secure: Option<Secure>,
}

impl Crowd {
    /// Looks up where the server is.
    ///
    /// # Errors
    /// Its name cannot be resolved.
    pub async fn new(target: Target, secure: Option<Secure>) -> Result<Self, ConnectError> {
        let addresses = resolve(&target, LIMIT).await?;
        Ok(Self { target, addresses, secure })
    }

    /// Whether this process may have so many open files.
    ///
    /// # Errors
    /// E25: it may not.
    #[cfg(unix)]
    pub fn check_limit(connections: u32) -> Result<(), Problem> {
        use rustix::process::{Resource, getrlimit};
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        if u64::from(connections) + OTHER_FILES <= limit {
            return Ok(());
        }
        let what = format!("cannot open {connections} connections: the limit of open files is {limit}");
        Err(Problem::new(ErrorCode::E25, what)
            .fact("try", format!("ulimit -n {}", (u64::from(connections) + OTHER_FILES).next_power_of_two()))
            .fact("or", format!("no more than {} connections", limit.saturating_sub(OTHER_FILES))))
    }

    /// Whether this process may have so many open files.
    ///
    /// # Errors
    /// Never: this system has no such limit.
    #[cfg(not(unix))]
    pub fn check_limit(_connections: u32) -> Result<(), Problem> {
        Ok(())
    }

    /// Opens all connections, closes them again, and says how it went. `tell` hears how many are open.
    ///
    /// Ends early when `stop` becomes true, or when nothing but failures came for long.
    pub async fn run(self, pace: Pace, stop: watch::Receiver<bool>, mut tell: impl FnMut(u32)) -> Tally {
        let started = Instant::now();
        let (report, mut reports) = mpsc::channel(1024);
        let (release, released) = watch::channel(false);
        let crowd = Arc::new(self);
        let starting = tokio::spawn(start(crowd, pace, report, released));
        let mut tally = Tally::default();
        let mut in_a_row = 0;
        let mut stopped = stop;
        while tally.open < pace.connections && in_a_row < HOPELESS {
            let result = tokio::select! {
                result = reports.recv() => result,
                () = raised(&mut stopped) => break,
            };
            match result {
                None => break,
                Some(Ok(time)) => {
                    in_a_row = 0;
                    tally.open += 1;
                    tally.times.push(time);
                    tell(tally.open);
                }
                Some(Err(error)) => {
                    in_a_row += 1;
                    tally.failed += 1;
                    tally.last_error = Some(error);
                }
            }
        }
        tally.took = started.elapsed();
        tally.times.sort();
        release.send_replace(true);
        drop(reports);
        let _ = starting.await;
        tally
    }

    async fn open(&self) -> Result<Session<Stream>, String> {
        let stream =
            dial(&self.addresses, self.secure.as_ref(), LIMIT).await.map_err(|error| error.to_string())?;
        let request = ClientRequest::new(self.target.host_header(), &*self.target.resource);
        let connection = Connection::client(Config::client(rand::random()), request, Duration::ZERO);
        let mut session = Session::new(stream, connection, Instant::now());
        let opened = async {
            while let Some(event) = session.event().await {
                if let Event::Open(_) = event {
                    return true;
                }
            }
            false
        };
        match timeout(LIMIT, opened).await {
            Ok(true) => Ok(session),
            Ok(false) => Err("the opening handshake failed".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

/// One report for every attempt: how long it took, or what went wrong.
type Report = mpsc::Sender<Result<Duration, String>>;

async fn start(crowd: Arc<Crowd>, pace: Pace, report: Report, released: watch::Receiver<bool>) {
    let mut members = JoinSet::new();
    for number in 0..pace.connections {
        if number > 0 && number % pace.batch.max(1) == 0 {
            sleep(pace.batch_delay).await;
        }
        if *released.borrow() {
            break;
        }
        members.spawn(member(crowd.clone(), pace.retry_delay, report.clone(), released.clone()));
    }
    drop(report);
    members.join_all().await;
}

/// One connection: opened, held, closed.
async fn member(
    crowd: Arc<Crowd>,
    retry_delay: Duration,
    report: Report,
    mut released: watch::Receiver<bool>,
) {
    loop {
        let began = Instant::now();
        match crowd.open().await {
            Ok(mut session) => {
                let _ = report.send(Ok(began.elapsed())).await;
                tokio::select! {
                    () = async { while session.event().await.is_some() {} } => {}
                    () = raised(&mut released) => session.close(None).await,
                }
                return;
            }
            Err(error) => {
                if report.send(Err(error)).await.is_err() || *released.borrow() {
                    return;
                }
                sleep(retry_delay).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::echo::echo_config;
    use crate::net::echo::EchoServer;

    const PACE: Pace = Pace {
        connections: 40,
        batch: 10,
        batch_delay: Duration::from_millis(1),
        retry_delay: Duration::from_millis(1),
    };

    async fn crowd(port: u16) -> Crowd {
        let target = Target::parse(&format!("ws://127.0.0.1:{port}")).unwrap();
        Crowd::new(target, None).await.unwrap()
    }

    #[tokio::test]
    async fn all_connections_are_open_at_once() {
        let server = EchoServer::bind("127.0.0.1:0", echo_config(), 100).await.unwrap();
        let port = server.local_addr().unwrap().port();
        let (_keep, stop) = watch::channel(false);
        let serving = tokio::spawn(server.serve(stop.clone()));
        let mut heard = Vec::new();
        let tally = crowd(port).await.run(PACE, stop, |open| heard.push(open)).await;
        assert_eq!((tally.open, tally.failed, tally.times.len()), (40, 0, 40));
        assert_eq!(heard, (1..=40).collect::<Vec<_>>());
        assert!(tally.quantile(0.0) <= tally.quantile(0.5) && tally.quantile(0.5) <= tally.quantile(1.0));
        serving.abort();
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let (_keep, stop) = watch::channel(false);
        let tally = crowd(port).await.run(PACE, stop, |_| {}).await;
        assert_eq!((tally.open, tally.failed), (0, HOPELESS));
        assert!(tally.last_error.unwrap().contains("refused"));
    }
}
