//! Many connections: opened in batches, held until all are there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use wsspec_endpoint::{ClientRequest, Config, Connection, DeflateConfig, Event};
use wsspec_report::story::grouped;

use crate::errors::{ErrorCode, Problem};
use crate::load::source::Sources;
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
    /// How long all are held once they are open.
    pub hold: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections that were open at the same time in the end.
    pub open: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Connections that the server ended.
    pub lost: u32,
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

    fn take(&mut self, news: News) {
        match news {
            News::Open(time) => {
                self.open += 1;
                self.times.push(time);
            }
            News::Failed(error) => {
                self.failed += 1;
                self.last_error = Some(error);
            }
            News::Lost => {
                self.open -= 1;
                self.lost += 1;
            }
        }
    }
}

/// A server to connect to.
#[derive(Clone)]
pub struct Crowd {
    addresses: Vec<Address>,
    secure: Option<Secure>,
    request: ClientRequest,
    deflate: bool,
    limit: Duration,
    sources: Option<Sources>,
    /// How many connections were begun.
    begun: Arc<AtomicU32>,
}

/// How many connections the local ports allow.
#[cfg(unix)]
fn ports_in_words() -> String {
    let ports = crate::load::local_ports().map_or_else(String::new, |ports| format!("{} ", grouped(ports)));
    format!("{ports}local ports per source address: --source 127.0.0.0/28")
}

impl Crowd {
    /// Looks up where the server is.
    ///
    /// # Errors
    /// Its name cannot be resolved.
    pub async fn new(target: Target, secure: Option<Secure>) -> Result<Self, ConnectError> {
        let addresses = resolve(&target, LIMIT).await?;
        let request = ClientRequest::new(target.host_header(), &*target.resource);
        let begun = Arc::default();
        Ok(Self { addresses, secure, request, deflate: false, limit: LIMIT, sources: None, begun })
    }

    /// Begins the connections at these addresses by turns.
    #[must_use]
    pub fn beginning_at(self, sources: Option<Sources>) -> Self {
        Self { sources, ..self }
    }

    /// Asks in this way, offers permessage-deflate or not, and waits so long for a connection.
    #[must_use]
    pub fn asking(self, request: ClientRequest, deflate: bool, limit: Duration) -> Self {
        Self { request, deflate, limit, ..self }
    }

    /// Lets this process have so many open files, if the system allows it. How many it may have then.
    ///
    /// # Errors
    /// E25: it may not.
    #[cfg(unix)]
    pub fn check_limit(connections: u32) -> Result<u64, Problem> {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limits = getrlimit(Resource::Nofile);
        let wanted = u64::from(connections) + OTHER_FILES;
        let hard = limits.maximum.unwrap_or(u64::MAX);
        if limits.current.is_some_and(|limit| limit < wanted) && wanted <= hard {
            limits.current = Some(wanted);
            // A system that does not let it be raised is one where it is too low.
            let _ = setrlimit(Resource::Nofile, limits);
        }
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        if wanted <= limit {
            return Ok(limit);
        }
        let (many, few) = (grouped(connections.into()), grouped(limit));
        let what = format!("cannot open {many} connections: the limit of open files is {few}");
        Err(Problem::new(ErrorCode::E25, what)
            .fact("try", format!("ulimit -Hn {0} && ulimit -n {0}   as root", wanted.next_power_of_two()))
            .fact("or", format!("no more than {} connections", grouped(limit.saturating_sub(OTHER_FILES))))
            .fact("also", ports_in_words()))
    }

    /// How many open files this process may have.
    ///
    /// # Errors
    /// Never: this system has no such limit.
    #[cfg(not(unix))]
    pub fn check_limit(_connections: u32) -> Result<u64, Problem> {
        Ok(u64::MAX)
    }

    /// Opens all connections, holds them, closes them again, and says how it went. `tell` hears of every change.
    ///
    /// Ends early when `stop` becomes true, or when nothing but failures came for long.
    pub async fn run(self, pace: Pace, stop: watch::Receiver<bool>, mut tell: impl FnMut(&Tally)) -> Tally {
        let started = Instant::now();
        let (report, mut reports) = mpsc::channel(1024);
        let (release, released) = watch::channel(false);
        let starting = tokio::spawn(start(Arc::new(self), pace, report, released));
        let mut tally = Tally::default();
        let mut in_a_row = 0;
        let mut stopped = stop;
        while tally.open + tally.lost < pace.connections && in_a_row < HOPELESS {
            let news = tokio::select! {
                news = reports.recv() => news,
                () = raised(&mut stopped) => break,
            };
            let Some(news) = news else { break };
            in_a_row = if matches!(news, News::Failed(_)) { in_a_row + 1 } else { 0 };
            tally.take(news);
            tell(&tally);
        }
        tally.took = started.elapsed();
        if in_a_row < HOPELESS && !pace.hold.is_zero() {
            let held = async {
                while let Some(news) = reports.recv().await {
                    tally.take(news);
                    tell(&tally);
                }
            };
            tokio::select! {
                _ = timeout(pace.hold, held) => {}
                () = raised(&mut stopped) => {}
            }
        }
        tally.times.sort();
        release.send_replace(true);
        drop(reports);
        let _ = starting.await;
        tally
    }

    /// Connects, and does the opening handshake.
    ///
    /// # Errors
    /// Why there is no connection, in words.
    pub async fn open(&self) -> Result<Session<Stream>, String> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let from = |sources: Sources| self.addresses.iter().map(|to| to.from(sources.of(number))).collect();
        let addresses: Vec<Address> = self.sources.map_or_else(|| self.addresses.clone(), from);
        let stream =
            dial(&addresses, self.secure.as_ref(), self.limit).await.map_err(|error| error.to_string())?;
        let deflate = self.deflate.then(DeflateConfig::default);
        let config = Config { deflate, ..Config::client(rand::random()) };
        let connection = Connection::client(config, self.request.clone(), Duration::ZERO);
        let mut session = Session::new(stream, connection, Instant::now());
        let opened = async {
            while let Some(event) = session.event().await {
                if let Event::Open(_) = event {
                    return true;
                }
            }
            false
        };
        match timeout(self.limit, opened).await {
            Ok(true) => Ok(session),
            Ok(false) => Err("the opening handshake failed".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

/// What became of an attempt, or of a connection.
enum News {
    /// It is open, after this time.
    Open(Duration),
    /// What went wrong.
    Failed(String),
    /// The server ended it.
    Lost,
}

type Report = mpsc::Sender<News>;

async fn start(crowd: Arc<Crowd>, pace: Pace, report: Report, released: watch::Receiver<bool>) {
    let mut members = JoinSet::new();
    let (began, batch) = (Instant::now(), pace.batch.max(1));
    for number in 0..pace.connections {
        if number > 0 && number % batch == 0 {
            sleep_until(began + pace.batch_delay * (number / batch)).await;
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
                let _ = report.send(News::Open(began.elapsed())).await;
                tokio::select! {
                    () = async { while session.event().await.is_some() {} } => {
                        let _ = report.send(News::Lost).await;
                    }
                    () = raised(&mut released) => session.close(None).await,
                }
                return;
            }
            Err(error) => {
                if report.send(News::Failed(error)).await.is_err() || *released.borrow() {
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
        hold: Duration::ZERO,
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
        let tally = crowd(port).await.run(PACE, stop, |tally| heard.push(tally.open)).await;
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
