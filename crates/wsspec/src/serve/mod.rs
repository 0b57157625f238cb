//! `wsspec serve`: the tester as a server, for clients and browsers under test.
//!
//! [`request`] reads the head of a request, [`route`] says what it asks for, [`connection`] does it. Verdicts go
//! into the [`book`] and through the [`ledger`] into files; what happens is told as [`notice`]s.

pub mod admission;
pub mod args;
pub mod book;
pub mod campaign;
pub mod client;
mod commands;
mod connection;
mod control;
pub mod end;
pub mod exec_case;
pub mod expected;
pub mod ledger;
pub mod limits;
pub mod notice;
pub mod queue;
mod record;
pub(crate) mod request;
pub mod route;
mod series;
mod standing;
pub mod stream;
pub mod teller;
#[cfg(test)]
mod tests;
pub mod voice;
mod writer;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use wsspec_cases::{Case, CaseId};
use wsspec_engine::{Settings, TesterRole, passive_outcomes};
use wsspec_report::record::{CaseRecord, Redaction};

use self::admission::Admission;
use self::book::{Book, Start};
use self::expected::Expected;
use self::ledger::Ledger;
use self::limits::Limits;
use self::notice::Notice;
use self::series::Begun;
use crate::net::capture::{Capture, Tapped};
use crate::net::tls::ServerTls;
use crate::net::tls_facts;
use crate::outputs::args::Trace;
use crate::sut::leaks::Leaks;
use crate::sut::log::Log;
use crate::wstest::AgentExclusions;

/// Connections beyond these wait.
const CONNECTIONS: usize = 1024;
/// For what is still open when the server ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// After that, for answers that are under way: the reports of many cases take their time.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// For the TLS handshake of a connection.
const TLS_LIMIT: Duration = Duration::from_secs(10);

/// What a server does, decided before it listens.
pub struct Plan {
    /// The cases; `case=N` counts in this list.
    pub cases: Vec<&'static Case>,
    /// Cases without a connection: judged at the end by what was seen in all others.
    pub passive: Vec<&'static Case>,
    /// What does not run for certain agents.
    pub exclusions: AgentExclusions,
    /// For the engine.
    pub settings: Settings,
    /// As the reference: errors are 500, other addresses take commands, anyone may stop the server.
    pub as_reference: bool,
    /// Each case is run by a process of its own, all with one name.
    pub process_per_case: bool,
    /// Which WebSocket connections are taken.
    pub admission: Admission,
    /// A plain request gets a page; otherwise it is told to upgrade (status 426).
    pub page: bool,
    /// TLS on every port.
    pub tls: Option<ServerTls>,
    /// Small writes go out at once.
    pub no_delay: bool,
    /// Names besides addresses and `localhost` under which the pages are served.
    pub hosts: Vec<String>,
    /// What allows a page in a browser to stop the server.
    pub token: String,
    /// The command that repeats a case, without case and agent.
    pub repro: Vec<String>,
    /// Secrets that no file may hold.
    pub redaction: Redaction,
    /// What the clients print that the tester starts.
    pub log: Arc<Log>,
    /// Of which cases frames and octets are recorded.
    pub trace: Trace,
    /// What is known not to pass.
    pub expected: Option<Expected>,
    /// How long the record may become.
    pub limits: Limits,
    /// The octets on the wire are captured.
    pub capture: Option<Arc<Capture>>,
}

/// What all connections share.
pub struct Shared {
    /// What was decided.
    pub plan: Plan,
    /// The verdicts.
    pub book: Book,
    /// Cases that lack connections.
    pub begun: Begun,
    /// The files.
    pub ledger: Ledger,
    /// When the server started.
    pub started: Instant,
    /// What was told of the size of the record.
    told: limits::Told,
    /// What was started and did not end as it should.
    leaks: Mutex<Leaks>,
    /// Where it listens, one address at least.
    listens: Vec<SocketAddr>,
    notices: broadcast::Sender<Notice>,
    voice: Box<dyn Fn(&Notice) + Send + Sync>,
    stop: watch::Sender<bool>,
    /// How many answers are under way.
    answering: watch::Sender<usize>,
}

impl Shared {
    /// Tells what happened: first to the terminal, then to all pages.
    pub fn tell(&self, notice: Notice) {
        log::debug!("{notice:?}");
        (self.voice)(&notice);
        // Nobody has to listen.
        let _ = self.notices.send(notice);
    }

    /// Takes note of a process that did not end as it should, and tells it if it is one of the first.
    pub fn leak(&self, line: String) {
        if self.leaks().add(line.clone()) {
            self.tell(Notice::Leak(line));
        }
    }

    /// What was started and did not end as it should.
    pub fn leaks(&self) -> MutexGuard<'_, Leaks> {
        self.leaks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address for clients on this machine: `ws://127.0.0.1:9001`.
    pub fn address(&self) -> String {
        let scheme = if self.plan.tls.is_some() { "wss" } else { "ws" };
        let mut address = self.listens[0];
        if address.ip().is_unspecified() {
            let loopback: IpAddr =
                if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
            address.set_ip(loopback);
        }
        format!("{scheme}://{address}")
    }

    /// All notices from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// The agent goes on to this case, or to its reports. What it has begun before is over, unless each case has a process of
    /// its own: these run side by side.
    pub fn goes_on(&self, agent: &str, to: Option<CaseId>) {
        if !self.plan.process_per_case {
            self.abandon(agent, |id| Some(id) != to);
        }
    }

    /// Records those of these cases that the agent has begun and not ended.
    pub fn abandon(&self, agent: &str, of: impl Fn(CaseId) -> bool) {
        for over in self.begun.abandoned(agent, of) {
            record::settle(self, agent, over, self.plan.log.position());
        }
    }

    /// Records the passive cases of an agent as they stand now, unless that is done.
    pub fn judge_passive(&self, agent: &str) {
        if !self.book.is_news(agent) {
            return;
        }
        let outcomes =
            passive_outcomes(&self.plan.passive, TesterRole::Server, &self.book.all_watched(agent));
        for (case, outcome) in self.plan.passive.iter().zip(&outcomes) {
            let Start::Attempt { number, .. } = self.book.start(agent, case.id) else { continue };
            let meta = record::meta(self, case, self.started, number);
            let record = CaseRecord::from_outcome(agent, case, outcome, meta, &self.plan.redaction);
            record::enter(self, agent, record);
        }
    }

    /// After the last connection: what was begun is over, and what all cases are judged by is there.
    pub fn settle(&self) {
        for (agent, _) in self.book.agents() {
            self.abandon(&agent, |_| true);
            self.judge_passive(&agent);
        }
    }

    /// How many results are to come from each client.
    pub fn selected(&self) -> usize {
        self.plan.cases.len() + self.plan.passive.len()
    }

    /// The server does not end before a client has the answer that it waits for.
    fn answering(&self) -> Answering<'_> {
        self.answering.send_modify(|clients| *clients += 1);
        Answering(&self.answering)
    }

    /// Ends the server.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Becomes true when the server ends.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

/// A client that is being answered.
struct Answering<'a>(&'a watch::Sender<usize>);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|clients| *clients -= 1);
    }
}

/// A server, bound and not yet serving.
pub struct Server {
    listeners: Vec<TcpListener>,
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on all of these addresses. `voice` is told everything that happens.
    ///
    /// # Errors
    /// An address cannot be bound.
    pub async fn bind(
        addresses: &[SocketAddr],
        plan: Plan,
        ledger: Ledger,
        voice: impl Fn(&Notice) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.push(TcpListener::bind(address).await?);
        }
        let listens = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        let shared = Shared {
            listens,
            plan,
            book: Book::default(),
            begun: Begun::default(),
            ledger,
            started: Instant::now(),
            told: limits::Told::default(),
            leaks: Mutex::default(),
            notices: broadcast::Sender::new(4096),
            voice: Box::new(voice),
            stop: watch::Sender::new(false),
            answering: watch::Sender::new(0),
        };
        Ok(Self { listeners, shared: Arc::new(shared) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// A socket is gone.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// What all connections share.
    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Serves until [`Shared::stop`].
    pub async fn serve(self) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let doors =
            self.listeners.into_iter().map(|listener| door(listener, self.shared.clone(), room.clone()));
        doors.collect::<JoinSet<()>>().join_all().await;
    }
}

/// One listener: takes connections until the server ends. Who has connected by then is served to the end.
async fn door(listener: TcpListener, shared: Arc<Shared>, room: Arc<Semaphore>) {
    let mut stop = shared.stopped();
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            Some(_) = open.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        if let Some(accepted) = accepted {
            open.spawn(admit(accepted, shared.clone()));
        }
    }
    for accepted in queue(listener, &room) {
        open.spawn(admit(accepted, shared.clone()));
    }
    let all = async { while open.join_next().await.is_some() {} };
    if timeout(FAREWELL, all).await.is_err() {
        let mut answering = shared.answering.subscribe();
        let _ = timeout(ANSWER_LIMIT, answering.wait_for(|clients| *clients == 0)).await;
    }
}

async fn admit((stream, peer, permit): Accepted, shared: Arc<Shared>) {
    // Every write is a segment of its own, unless that is not wanted: chopped frames are part of the test.
    let _ = stream.set_nodelay(shared.plan.no_delay);
    let stream = Tapped::accepted(stream.into(), shared.plan.capture.as_ref());
    secure(stream, peer, shared).await;
    drop(permit);
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<Accepted> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(_) => {
            // Out of file descriptors, say: give the open connections time to end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Closes the listener. Returns the connections that the system had taken for it: they would be reset.
fn queue(listener: TcpListener, room: &Arc<Semaphore>) -> Vec<Accepted> {
    // The system is asked itself: the runtime may not have heard of a connection that has just come.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let next = || {
        let permit = room.clone().try_acquire_owned().ok()?;
        let (stream, peer) = listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer, permit))
    };
    std::iter::from_fn(next).collect()
}

/// Puts TLS on the connection if that was asked for.
async fn secure(stream: Tapped, peer: SocketAddr, shared: Arc<Shared>) {
    let Some(tls) = &shared.plan.tls else { return connection::serve(stream, None, peer, shared).await };
    match timeout(TLS_LIMIT, tls.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let facts = tls_facts(stream.get_ref().1, Some(tls.certificate()));
            connection::serve(stream, facts, peer, shared).await;
        }
        Ok(Err(error)) => {
            let why = format!("no TLS handshake: {}", crate::text::io_error(&error));
            shared.tell(Notice::Refused { peer, why });
        }
        Err(_) => shared.tell(Notice::NoRequest { peer }),
    }
}
