//! Failures are tried again, each alone at its server: other connections are not held against the implementation.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use wsspec_engine::{Found, Verdict};
use wsspec_report::record::{CaseRecord, Standing};
use wsspec_report::story::cause_sentence;

use super::super::attempt::{Agent, Attempt};
use super::super::order::Phase;
use super::{Job, Listener, Scheduler, Slow, TICK, is_hang};
use crate::net::socket::Address;

/// When so many cases have failed again, it is not the noise of a busy machine: the others are believed.
const BELIEVED_AFTER: usize = 20;
/// When so many that look the same have failed again, the others of that look are believed.
const BELIEVED_OF_A_CAUSE: usize = 3;
/// When so many cases got nothing in time beside others, and pass alone, the implementation serves a connection at a
/// time.
const NEGLECTED: usize = 5;
/// A failure so shortly before the implementation was gone is taken for what killed it.
const DEATH_WINDOW: Duration = Duration::from_secs(2);

/// A result that may be owed to what else ran.
pub(super) struct Suspect {
    job: Job,
    record: Box<CaseRecord>,
    ended: Instant,
    /// Whether other connections were open, and all that is wrong is that nothing came in time.
    neglected: bool,
}

/// The suspects of one implementation, and what became of them so far.
struct Trial {
    agent: usize,
    /// Those that failed, the quickest first: where all fail alike, only these are waited for.
    red: VecDeque<Suspect>,
    /// Those that were not strict.
    doubtful: VecDeque<Suspect>,
    /// The one that is being tried.
    tried: Option<Tried>,
    /// The one that is to be tried once more.
    again: Option<Tried>,
    /// Those that failed again, by cause.
    believed: HashMap<Option<String>, usize>,
    /// Neglected ones that passed alone, while it is open what that means.
    pending: Vec<(Suspect, Box<CaseRecord>)>,
    /// One of them made a fresh process hang, and all others with it.
    hung: bool,
    /// Whether to be late beside others is excused, once that is known.
    excused: Option<bool>,
}

/// A suspect that is tried again.
struct Tried {
    suspect: Suspect,
    retry: u32,
    /// It met a process that had just been started.
    fresh: bool,
}

impl Suspect {
    pub(super) fn new(job: Job, record: Box<CaseRecord>, crowded: bool) -> Self {
        let neglected = crowded && nothing_came(&record);
        Self { job, record, ended: Instant::now(), neglected }
    }
}

impl<L: Listener> Scheduler<'_, L> {
    /// A verdict that stands, or is to be tried again. What is not strict is tried only once it is known that the
    /// implementation neglects connections.
    pub(super) fn judged(&mut self, suspect: Suspect) {
        let Suspect { job, record, neglected, .. } = &suspect;
        let is_red = record.verdict.is_red();
        let doubtful = *neglected && record.verdict == Verdict::NonStrict;
        if self.limits.retries == 0 || !(is_red || doubtful) {
            return self.settle(job.agent, record);
        }
        if is_red {
            self.listener.suspected(job.agent, record);
        }
        self.agents[job.agent].suspects.push(suspect);
    }

    /// Tries each failure again while nothing else runs at its server.
    pub(super) async fn confirm(&mut self, phase: &mut Phase) {
        let mut trials = Vec::new();
        for agent in 0..self.agents.len() {
            self.repeat_disturbed(agent).await;
            trials.push(Trial::new(agent, std::mem::take(&mut self.agents[agent].suspects)));
        }
        self.hold(trials, phase.confirmed_at_a_time).await;
        phase.retain(|job| self.agents[job.agent].stop.is_none());
    }

    /// Holds all trials, so many of them at a time, and one after the other where they share a server.
    async fn hold(&mut self, mut trials: Vec<Trial>, at_a_time: usize) {
        let mut interrupt = self.interrupt.clone();
        let mut running = JoinSet::new();
        let mut tick = tokio::time::interval(TICK);
        loop {
            for at in 0..trials.len() {
                if running.len() < at_a_time && self.is_free(&trials, at) {
                    self.try_next(&mut trials[at], at, &mut running).await;
                }
            }
            tokio::select! {
                ended = running.join_next() => match ended {
                    None => return,
                    Some(Ok((at, attempt))) => self.tried(&mut trials[at], attempt).await,
                    Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                },
                _ = tick.tick() => self.listener.tick(),
                _ = interrupt.wait_for(|stop| *stop) => {
                    running.shutdown().await;
                    for trial in &mut trials {
                        if let Some(Tried { suspect, .. }) = trial.tried.take().or(trial.again.take()) {
                            self.settle_unconfirmed(trial.agent, suspect);
                        }
                    }
                }
            }
        }
    }

    /// Whether nothing is tried at the server of this trial.
    fn is_free(&self, trials: &[Trial], at: usize) -> bool {
        let agent = |trial: &Trial| &self.agents[trial.agent].agent;
        let mut busy = trials.iter().filter(|trial| trial.tried.is_some());
        busy.all(|trial| !share_server(agent(trial), agent(&trials[at])))
    }

    /// Starts what is to be tried next, if anything is. What hangs is tried with a fresh process, if the tester can start
    /// one.
    async fn try_next(&mut self, trial: &mut Trial, at: usize, running: &mut JoinSet<(usize, Attempt)>) {
        let tried = match trial.again.take() {
            Some(tried) => tried,
            None => {
                let Some(suspect) = self.next_suspect(trial) else { return };
                Tried { suspect, retry: 1, fresh: self.renew(trial.agent).await }
            }
        };
        let Job { agent, case, number } = tried.suspect.job;
        let (tested, conditions) = (self.agents[agent].agent.clone(), self.conditions.clone());
        let attempt = tried.retry + 1;
        self.listener.started(agent, case);
        running.spawn(async move { (at, conditions.attempt(&tested, case, number, attempt).await) });
        trial.tried = Some(tried);
    }

    /// The next one that is to be tried. What need not be, or cannot be any more, is settled.
    fn next_suspect(&mut self, trial: &mut Trial) -> Option<Suspect> {
        while let Some(suspect) = trial.red.pop_front() {
            if !(trial.believes(&suspect.record.cause) || self.is_over(trial.agent)) {
                return Some(suspect);
            }
            self.settle_unconfirmed(trial.agent, suspect);
        }
        let excused = match trial.excused {
            Some(excused) => excused,
            None => self.acquit_pending(trial),
        };
        // What was not strict beside other connections may be strict alone, if these are neglected.
        while let Some(suspect) = trial.doubtful.pop_front() {
            if excused && !self.is_over(trial.agent) {
                return Some(suspect);
            }
            self.settle(trial.agent, &suspect.record);
        }
        None
    }

    /// Cases that got nothing beside others, and pass alone: a few are noise, many show that connections are served
    /// one after the other, or that another case made all hang. Says whether to be late beside others is excused.
    fn acquit_pending(&mut self, trial: &mut Trial) -> bool {
        let pending = std::mem::take(&mut trial.pending);
        if pending.len() >= NEGLECTED && !trial.hung {
            self.slow(trial.agent, Slow::Neglects);
        }
        let excused = trial.hung || self.agents[trial.agent].at_a_time == 1;
        let standing = if excused { None } else { Some(Standing::Flaky) };
        for (suspect, record) in pending {
            self.acquit(trial.agent, &suspect, record, standing);
        }
        trial.excused = Some(excused);
        excused
    }

    fn is_over(&self, agent: usize) -> bool {
        self.agents[agent].stop.is_some() || *self.interrupt.borrow()
    }

    /// What a suspect came to that was tried again.
    async fn tried(&mut self, trial: &mut Trial, attempt: Attempt) {
        let (agent, Some(tried)) = (trial.agent, trial.tried.take()) else { return };
        self.charge_last(agent).await;
        self.take_down(&tried.suspect.job, &attempt);
        match attempt {
            Attempt::Died(record, death) => {
                trial.failed(&tried.suspect, false);
                self.died(tried.suspect.job, record, *death).await;
            }
            Attempt::Gone => {
                self.gone(agent);
                self.settle_unconfirmed(agent, tried.suspect);
            }
            Attempt::NotOpened(record) | Attempt::Judged(record, _) if record.verdict.is_red() => {
                self.failed_again(trial, tried, &record).await;
            }
            Attempt::NotOpened(record) | Attempt::Judged(record, _) => {
                self.passed(trial, tried.suspect, record);
            }
        }
    }

    /// It is tried until it does not fail, as often as is asked for.
    async fn failed_again(&mut self, trial: &mut Trial, tried: Tried, record: &CaseRecord) {
        let (agent, hangs) = (trial.agent, is_hang(record));
        self.agents[agent].stuck = hangs;
        if hangs && !tried.fresh && self.renew(agent).await {
            trial.again = Some(Tried { fresh: true, ..tried });
            return;
        }
        self.listener.attempted(agent, record);
        if tried.retry < self.limits.retries {
            trial.again = Some(Tried { retry: tried.retry + 1, ..tried });
            return;
        }
        trial.failed(&tried.suspect, hangs && tried.fresh);
        self.settle(agent, record);
    }

    fn passed(&mut self, trial: &mut Trial, suspect: Suspect, record: Box<CaseRecord>) {
        if !suspect.record.verdict.is_red() {
            self.acquit(trial.agent, &suspect, record, None);
        } else if suspect.neglected {
            trial.pending.push((suspect, record));
        } else {
            self.acquit(trial.agent, &suspect, record, Some(Standing::Flaky));
        }
    }

    /// The verdict of a case that did not fail when it ran alone: it is flaky, or stands as if it had run alone at
    /// once.
    fn acquit(
        &mut self,
        agent: usize,
        suspect: &Suspect,
        mut record: Box<CaseRecord>,
        how: Option<Standing>,
    ) {
        if how == Some(Standing::Flaky) {
            record.outcome = how;
            record.summary = at_first(&suspect.record).into();
        }
        self.listener.attempted(agent, &record);
        self.settle(agent, &record);
    }

    /// A failure that cannot be confirmed stands. Shortly before the implementation was gone, it is what it
    /// died of.
    fn settle_unconfirmed(&mut self, agent: usize, mut suspect: Suspect) {
        let gone_at = self.agents[agent].gone_at;
        if gone_at.is_some_and(|gone_at| suspect.ended + DEATH_WINDOW > gone_at) {
            suspect.record.verdict = Verdict::Crash;
            suspect.record.summary = "the implementation was gone after this case".into();
            self.listener.attempted(agent, &suspect.record);
        }
        self.settle(agent, &suspect.record);
    }
}

impl Trial {
    fn new(agent: usize, suspects: Vec<Suspect>) -> Self {
        let (mut red, doubtful): (Vec<_>, Vec<_>) =
            suspects.into_iter().partition(|suspect| suspect.record.verdict.is_red());
        red.sort_by_key(|suspect| suspect.record.duration_us);
        Self {
            agent,
            red: red.into(),
            doubtful: doubtful.into(),
            tried: None,
            again: None,
            believed: HashMap::new(),
            pending: Vec::new(),
            hung: false,
            excused: None,
        }
    }

    fn failed(&mut self, suspect: &Suspect, hung: bool) {
        *self.believed.entry(suspect.record.cause.clone()).or_default() += 1;
        self.hung |= hung;
    }

    /// Whether a failure of this cause need not be tried again.
    fn believes(&self, cause: &Option<String>) -> bool {
        let same = self.believed.get(cause).is_some_and(|same| *same >= BELIEVED_OF_A_CAUSE);
        same || self.believed.values().sum::<usize>() >= BELIEVED_AFTER
    }
}

/// Whether connections of both may meet: at one server, or behind two proxies.
fn share_server(one: &Agent, other: &Agent) -> bool {
    let is_same = |place: &Address| other.addresses.iter().any(|address| address.is_same_place(place));
    let legs = one.legs.as_ref().zip(other.legs.as_ref());
    one.addresses.iter().any(is_same) || legs.is_some_and(|(one, other)| Arc::ptr_eq(one, other))
}

/// Whether all that failed is that something was missing, or late.
fn nothing_came(record: &CaseRecord) -> bool {
    let mut failed = record.checks.iter().filter(|check| !check.ok).peekable();
    failed.peek().is_some()
        && failed
            .all(|check| check.id == "close.tcp" || check.found.as_deref().is_some_and(Found::is_absence))
}

/// What is said of a case that failed once.
fn at_first(failed: &CaseRecord) -> String {
    format!("Not so when it was run again alone; at first: {}", cause_sentence(failed).raw())
}
