//! The system under test, if the tester starts it: command, readiness, log, crashes, restarts, and its end.
//!
//! [`Sut`] keeps a server running. Each start of it is a [`Life`]; a case runs in one life, and learns at its end
//! whether the server died meanwhile.

pub mod command;
pub mod explain;
pub mod leaks;
mod life;
pub mod log;
pub mod plan;
pub mod process;
pub(crate) mod procfs;
pub mod ready;

pub use wsspec_report::story::last_words;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use wsspec_report::record::Redaction;

use self::command::{Surroundings, Value};
use self::leaks::Leaks;
use self::life::Running;
pub use self::life::{Death, Life};
use self::log::{LOG, Log};
use self::plan::{ExecPlan, Restart};
use self::process::{Leftovers, PASSED};
use self::ready::{FD_VARIABLE, Look, Ready, ReadyPipe, Seen};
use crate::errors::Problem;
use crate::net::client::resolve;
use crate::net::socket::Address;
use crate::run::folder::unwritable;
use crate::run::peer::PeerPlan;
use crate::target::Target;

/// A server that dies more often than this, each time of one case, is not started again.
pub const RESTARTS: u32 = 3;
/// The same for deaths that no single case can be blamed for.
const SHARED_RESTARTS: u32 = 10;
/// For looking up the host of the address.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);
/// A process that ends may show it later than its connections do, by so much.
const DEATH_SHOWS: Duration = Duration::from_secs(1);

/// A server under test, kept running.
#[derive(Debug)]
pub struct Sut {
    plan: ExecPlan,
    /// Address, TLS and opening handshake; the port may be another one in each life.
    peer: PeerPlan,
    /// Whether an echo belongs to being ready.
    echo: bool,
    log: Arc<Log>,
    state: tokio::sync::Mutex<State>,
    /// The lives that have ended, until somebody asks.
    ended: Mutex<Vec<Arc<Life>>>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    lives: u32,
    /// Deaths while at most one case ran, and others.
    deaths: u32,
    shared_deaths: u32,
    leaks: Leaks,
    /// It was started again and did not come up, for this reason.
    not_back: Option<String>,
}

/// The server is not started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down;

impl Sut {
    /// Starts the server and waits until it is ready. `place` counts the servers of a run from 0; with `append`
    /// its log is continued.
    ///
    /// # Errors
    /// E16: the port is taken. E19: it is not ready in time, or ends at once. E21: its log cannot be written.
    /// E31: it cannot be started.
    pub async fn launch(
        plan: ExecPlan,
        peer: PeerPlan,
        echo: bool,
        out: &Path,
        place: usize,
        redaction: &Redaction,
        append: bool,
    ) -> Result<Self, Problem> {
        let name = if place == 0 { LOG.to_owned() } else { format!("agent.{}.log", place + 1) };
        let log =
            Log::create(out, &name, redaction.clone(), append).map_err(|error| unwritable(out, &error))?;
        let sut = Self {
            plan,
            peer,
            echo,
            log: Arc::new(log),
            state: tokio::sync::Mutex::default(),
            ended: Mutex::default(),
        };
        let mut state = sut.state.lock().await;
        if !sut.is_there_already().await? {
            sut.start(&mut state, None).await?;
        }
        drop(state);
        Ok(sut)
    }

    /// With a fixed port, something else may listen there; says whether that is to be tested instead.
    async fn is_there_already(&self) -> Result<bool, Problem> {
        if self.plan.address.contains("{port}") {
            return Ok(false);
        }
        let (target, addresses) = self.locate(0).await?;
        if !ready::is_taken(&addresses).await {
            return Ok(false);
        }
        if self.plan.reuse { Ok(true) } else { Err(explain::port_taken(&target, &addresses)) }
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The plan.
    pub fn plan(&self) -> &ExecPlan {
        &self.plan
    }

    /// The current life; none if the server was there already.
    pub async fn life(&self) -> Option<Arc<Life>> {
        self.state.lock().await.running.as_ref().map(|running| running.life.clone())
    }

    /// The life that a case runs in. A server that has died is started again, as far as that is allowed. `case`
    /// is the one that is going to run.
    ///
    /// # Errors
    /// The server is down for good.
    pub async fn up(&self, case: Option<&str>) -> Result<Option<Arc<Life>>, Down> {
        let mut state = self.state.lock().await;
        if state.lives == 0 {
            return Ok(None);
        }
        let fresh = self.plan.restart == Restart::Case && case.is_some();
        if let Some(running) = state.running.take_if(|running| running.life.death().is_some()) {
            self.bury(&mut state, running).await;
        }
        // The one that was there before the first case knows of no case.
        if fresh && let Some(running) = state.running.take() {
            self.retire(&mut state, running).await;
        }
        if state.running.is_none() {
            if state.not_back.is_some() || !fresh && !self.may_restart(&state) {
                return Err(Down);
            }
            if let Err(problem) = self.start(&mut state, case).await {
                state.not_back = Some(problem.to_string());
                return Err(Down);
            }
        }
        Ok(state.running.as_ref().map(|running| running.life.clone()))
    }

    fn may_restart(&self, state: &State) -> bool {
        self.plan.restart != Restart::Never
            && state.deaths <= RESTARTS
            && state.shared_deaths <= SHARED_RESTARTS
    }

    /// Takes note of a death.
    async fn bury(&self, state: &mut State, running: Running) {
        if running.life.death().is_some_and(|death| death.in_flight > 1) {
            state.shared_deaths += 1;
        } else {
            state.deaths += 1;
        }
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(running.life.clone());
        let left = Leftovers { survived: None, ..running.end().await };
        state.leaks.extend(left.lines(self.plan.stop));
    }

    async fn retire(&self, state: &mut State, running: Running) {
        let life = running.life.clone();
        let died = life.death().is_some();
        let left = running.end().await;
        if died {
            self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(life);
        } else {
            state.leaks.extend(left.lines(self.plan.stop));
        }
    }

    /// Ends the life in which a case found nobody listening although the process was there.
    pub async fn end_life(&self, life: &Life) {
        life.kill();
        let mut died = life.died();
        let _ = timeout(Duration::from_secs(5), died.wait_for(Option::is_some)).await;
    }

    /// Ends a server that hangs, at once, so that the next case meets another one. Says whether it did.
    pub async fn renew(&self) -> bool {
        if self.plan.restart != Restart::Crash {
            return false;
        }
        let mut state = self.state.lock().await;
        let Some(running) = state.running.take_if(|running| running.life.death().is_none()) else {
            return false;
        };
        running.life.hurry();
        let left = Leftovers { survived: None, ..running.end().await };
        state.leaks.extend(left.lines(self.plan.stop));
        true
    }

    /// Deaths that no case has claimed, and none will: the server died between cases.
    pub async fn unclaimed(&self) -> Vec<Death> {
        let mut state = self.state.lock().await;
        if let Some(running) = state.running.take_if(|running| running.life.death().is_some()) {
            self.bury(&mut state, running).await;
        }
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let over: Vec<Arc<Life>> = ended.extract_if(.., |life| life.is_over()).collect();
        over.iter().filter(|life| !life.is_claimed()).filter_map(|life| life.death()).collect()
    }

    /// Why nobody answers any more, if that is the end of the server; it may show a moment later.
    pub async fn gone(&self) -> Option<Problem> {
        let life = self.life().await?;
        let death = life.clone().begin().death(DEATH_SHOWS).await?;
        Some(explain::ended_when_met(&self.plan, &life, &death))
    }

    /// Why it did not come up when it was started again, if it did not.
    pub async fn not_back(&self) -> Option<String> {
        self.state.lock().await.not_back.clone()
    }

    /// Ends the server. Returns what did not end as it should, in words.
    pub async fn stop(&self) -> Vec<String> {
        let mut state = self.state.lock().await;
        if let Some(running) = state.running.take() {
            self.retire(&mut state, running).await;
        }
        std::mem::take(&mut state.leaks).into_lines()
    }

    async fn start(&self, state: &mut State, case: Option<&str>) -> Result<(), Problem> {
        let started = Instant::now();
        let port = if self.plan.address.contains("{port}") { free_port()? } else { 0 };
        let (target, addresses) = self.locate(port).await?;
        let url = target.to_string();
        let port = target.port.to_string();
        let mut values = vec![
            Value { placeholder: "{port}", variable: "WSSPEC_PORT", value: &port },
            Value { placeholder: "{host}", variable: "WSSPEC_HOST", value: &target.host },
            Value { placeholder: "{url}", variable: "WSSPEC_URL", value: &url },
        ];
        let socket = target.via.unix.as_ref().map(|path| path.display().to_string());
        values.extend(socket.as_deref().map(|path| Value {
            placeholder: "{unix}",
            variable: "",
            value: path,
        }));
        values.extend(case.map(|case| Value { placeholder: "{case}", variable: "WSSPEC_CASE", value: case }));
        let (mut surroundings, mut pipe) = (self.plan.surroundings.clone(), None);
        if matches!(self.plan.ready, Ready::Fd) {
            pipe = Some(ready_pipe(&mut surroundings)?);
        }
        let from = self.log.position();
        let process = self.plan.command.start_in(&values, &self.log, &surroundings)?;
        ::log::debug!("process {} started for {url}", process.id());
        // The writing end is the process's alone.
        drop(surroundings);
        state.lives += 1;
        let words = self.plan.command.words(&values);
        let life = Life::new(state.lives, target.clone(), addresses.clone(), words, from, self.log.clone());
        let running = Running::watch(life, process, self.plan.stop);
        let peer = self.peer.clone().at(target);
        let look = Look {
            addresses: &addresses,
            secure: peer.secure.as_ref(),
            opening: &peer.opening,
            echo: self.echo,
            log: &self.log,
            from,
            pipe,
        };
        self.wait_ready(running, look, started).await.map(|running| state.running = Some(running))
    }

    async fn wait_ready(
        &self,
        running: Running,
        look: Look<'_>,
        started: Instant,
    ) -> Result<Running, Problem> {
        let mut seen = Seen::default();
        let mut died = running.life.died();
        let limit = timeout(self.plan.ready_timeout, self.plan.ready.wait(look, &mut seen));
        let in_time = tokio::select! {
            in_time = limit => in_time.is_ok(),
            _ = died.wait_for(Option::is_some) => false,
        };
        let life = running.life.clone();
        if in_time {
            life.is_ready(started.elapsed());
            ::log::debug!("process {} ready after {:?}", life.pid(), started.elapsed());
            return Ok(running);
        }
        if let Some(death) = life.death() {
            running.end().await;
            return Err(explain::ended_at_once(&self.plan, &life, &death, started.elapsed()));
        }
        let problem = explain::not_ready(&self.plan, &life, &seen);
        running.end().await;
        Err(problem)
    }

    /// The address with this port, and what it resolves to.
    async fn locate(&self, port: u16) -> Result<(Target, Vec<Address>), Problem> {
        let mut target = Target::parse(&self.plan.address.replace("{port}", &port.to_string()))?;
        target.via = self.peer.target.as_ref().map(|target| target.via.clone()).unwrap_or_default();
        match resolve(&target, LOOKUP_LIMIT).await {
            Ok(addresses) => Ok((target, addresses)),
            Err(error) => Err(explain::no_host(&target, &error)),
        }
    }
}

/// A port that is free right now.
fn free_port() -> Result<u16, Problem> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    port.map(|address| address.port()).map_err(|error| explain::no_free_port(&error))
}

fn ready_pipe(surroundings: &mut Surroundings) -> Result<ReadyPipe, Problem> {
    let made: io::Result<_> = ReadyPipe::new();
    let (pipe, writer) = made.map_err(|error| explain::no_pipe(&error))?;
    surroundings.variables.push((FD_VARIABLE.to_owned(), PASSED.to_string()));
    surroundings.descriptor = Some(Arc::new(writer));
    Ok(pipe)
}
