//! One start of a server, until its end.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use wsspec_engine::Verdict;
use wsspec_report::record::AgentLog;

use super::log::Log;
use super::process::{Leftovers, Process, StopRule, in_words};
use super::procfs;
use crate::net::socket::Address;
use crate::target::Target;

/// Lines of the log that are kept of a death.
const LAST_LINES: usize = 100;

/// For the last words of a process, and for the end of its children.
const COLLECT_LIMIT: Duration = Duration::from_secs(3);

/// What is said of a command that ends while processes that it started go on: it may have sent the server into the
/// background.
const IN_BACKGROUND: &str = " while what it had started still ran: keep the server in the foreground";

/// One start of a server.
#[derive(Debug)]
pub struct Life {
    /// Counts from 1.
    pub number: u32,
    /// Where it listens.
    pub target: Target,
    /// The same, resolved.
    pub addresses: Vec<Address>,
    /// The command, placeholders filled in.
    pub words: Vec<String>,
    log: Arc<Log>,
    from: u64,
    ready_in: OnceLock<Duration>,
    cases: AtomicUsize,
    claimed: AtomicBool,
    /// It is to end without being asked politely.
    hurried: AtomicBool,
    /// The process has ended; what it printed is being collected.
    ending: watch::Sender<bool>,
    died: watch::Sender<Option<Death>>,
    stop: Notify,
    kill: Notify,
    pid: OnceLock<i32>,
}

/// The end of a life that nobody had asked for.
#[derive(Clone, Debug)]
pub struct Death {
    /// The life, by its number.
    pub life: u32,
    /// How: `exit status 101`, `signal 11 (SIGSEGV)`.
    pub how: String,
    /// When.
    pub at: Instant,
    /// How many cases were running.
    pub in_flight: usize,
    /// The last lines of the log.
    pub lines: Vec<String>,
    /// The same, with where they stand in the log.
    pub log: Option<AgentLog>,
}

/// A case that runs in a life.
#[derive(Debug)]
pub(crate) struct Stint {
    life: Arc<Life>,
    from: u64,
}

/// A life and what watches over it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) life: Arc<Life>,
    watcher: Option<JoinHandle<Leftovers>>,
}

impl Life {
    pub(super) fn new(
        number: u32,
        target: Target,
        addresses: Vec<Address>,
        words: Vec<String>,
        from: u64,
        log: Arc<Log>,
    ) -> Self {
        Self {
            number,
            target,
            addresses,
            words,
            log,
            from,
            ready_in: OnceLock::new(),
            cases: AtomicUsize::new(0),
            claimed: AtomicBool::new(false),
            hurried: AtomicBool::new(false),
            ending: watch::Sender::new(false),
            died: watch::Sender::new(None),
            stop: Notify::new(),
            kill: Notify::new(),
            pid: OnceLock::new(),
        }
    }

    pub(super) fn is_ready(&self, after: Duration) {
        let _ = self.ready_in.set(after);
    }

    /// From its start until it was ready.
    pub fn ready_in(&self) -> Duration {
        self.ready_in.get().copied().unwrap_or_default()
    }

    /// The number of its process.
    pub fn pid(&self) -> i32 {
        self.pid.get().copied().unwrap_or_default()
    }

    /// How it died, if it has.
    pub fn death(&self) -> Option<Death> {
        self.died.borrow().clone()
    }

    /// Becomes some with the death.
    pub fn died(&self) -> watch::Receiver<Option<Death>> {
        self.died.subscribe()
    }

    /// The last lines of the log that were written so far, at most so many; lines of blanks say nothing.
    pub fn lines(&self, most: usize) -> Vec<String> {
        self.lines_since(self.from, most)
    }

    fn lines_since(&self, from: u64, most: usize) -> Vec<String> {
        let mut lines = self.log.tail(from, usize::MAX);
        lines.retain(|line| !line.trim().is_empty());
        lines.drain(..lines.len().saturating_sub(most));
        lines
    }

    /// No case runs in it any more.
    pub(super) fn is_over(&self) -> bool {
        self.cases.load(Ordering::Acquire) == 0
    }

    /// A case has answered for the death.
    pub(super) fn is_claimed(&self) -> bool {
        self.claimed.load(Ordering::Acquire)
    }

    /// When it is ended, it is killed.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::Release);
    }

    pub(super) fn kill(&self) {
        self.kill.notify_one();
    }

    /// A case starts.
    pub(crate) fn begin(self: Arc<Self>) -> Stint {
        self.cases.fetch_add(1, Ordering::AcqRel);
        let from = self.log.position();
        Stint { life: self, from }
    }
}

impl Stint {
    /// How the server died, if it did while the case ran; a death may show a moment later than the end of the
    /// connection.
    pub(crate) async fn death(&self, patience: Duration) -> Option<Death> {
        let (mut ending, mut died) = (self.life.ending.subscribe(), self.life.died());
        if timeout(patience, ending.wait_for(|ending| *ending)).await.is_ok() {
            let _ = timeout(COLLECT_LIMIT, died.wait_for(Option::is_some)).await;
        }
        self.life.death()
    }

    /// The case answers for the death.
    pub(crate) fn claim(&self) {
        self.life.claimed.store(true, Ordering::Release);
    }

    /// Leaves out of the last words of a server what it had written before the case began.
    pub(crate) fn leave_out_earlier(&self, death: &mut Death) {
        death.lines = self.life.lines_since(self.from, LAST_LINES);
        let text = death.lines.join("\n").into();
        if let Some(log) = &mut death.log {
            log.from = self.from;
            log.text = text;
        }
    }

    /// What the server wrote to its log since the case began.
    pub(crate) fn log(&self, verdict: Verdict) -> Option<AgentLog> {
        self.life.log.since(self.from, verdict)
    }
}

impl Drop for Stint {
    fn drop(&mut self) {
        self.life.cases.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Running {
    /// Watches over a process until it ends or [`Running::end`] is called.
    pub(super) fn watch(life: Life, mut process: Process, rule: StopRule) -> Self {
        let life = Arc::new(life);
        let _ = life.pid.set(process.id());
        let watched = life.clone();
        let watcher = tokio::spawn(async move {
            let mut core = None;
            let how = tokio::select! {
                status = process.wait() => {
                    let dumped = status.as_ref().is_ok_and(|status| status.core_dumped());
                    core = if dumped { procfs::core_of(process.id()) } else { None };
                    let how = status.map_or_else(|_| "no exit status".to_owned(), in_words);
                    if process.has_children() { format!("{how}{IN_BACKGROUND}") } else { how }
                }
                () = watched.kill.notified() => "it was killed: it did not take connections any more".to_owned(),
                () = watched.stop.notified() => {
                    let hurried = watched.hurried.load(Ordering::Acquire);
                    return process.end(if hurried { rule.at_once() } else { rule }).await;
                }
            };
            let (at, in_flight) = (Instant::now(), watched.cases.load(Ordering::Acquire));
            log::debug!("process {} ended: {how}; {in_flight} cases were running", watched.pid());
            watched.ending.send_replace(true);
            process.silence().await;
            let left = process.end(rule.at_once()).await;
            watched.announce(how, core, at, in_flight);
            left
        });
        Self { life, watcher: Some(watcher) }
    }

    /// Ends the process, if it is still there.
    pub(super) async fn end(mut self) -> Leftovers {
        self.life.stop.notify_one();
        match self.watcher.take() {
            Some(watcher) => watcher.await.unwrap_or_default(),
            None => Leftovers::default(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.life.stop.notify_one();
    }
}

impl Life {
    fn announce(&self, how: String, core: Option<String>, at: Instant, in_flight: usize) {
        let lines = self.lines(LAST_LINES);
        let to = self.log.position();
        let text = lines.join("\n").into();
        let known = !lines.is_empty() || core.is_some();
        let log = AgentLog { from: self.from, to, text, core: core.map(Into::into) };
        let log = known.then_some(log);
        self.died.send_replace(Some(Death { life: self.number, how, at, in_flight, lines, log }));
    }
}
