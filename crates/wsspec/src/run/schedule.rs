//! Which case runs when: functional cases overlap, delicate ones run while the others only wait, timed ones run
//! alone, large volumes run apart, failures are confirmed alone.

mod confirm;
mod crash;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use wsspec_cases::{Case, CaseId};
use wsspec_engine::{Verdict, Watched};
use wsspec_report::record::CaseRecord;

use self::confirm::Suspect;
use self::crash::Disturbed;
pub use self::crash::{Deaths, Restarted};
use super::attempt::{Agent, Attempt, Conditions};
use super::order::{Phase, is_waiting, phases};
use super::plan::Limits;
use crate::cli::Order;
use crate::sut::plan::Restart;

/// A case that waits has sent what it sends before by then.
const SETTLED: Duration = Duration::from_millis(100);
/// How often the listener is told that time passes.
const TICK: Duration = Duration::from_millis(200);

/// Is told about everything that happens in a run.
pub trait Listener {
    /// A case is starting.
    fn started(&mut self, agent: usize, case: &'static Case);
    /// An attempt has ended; it is written down at once, also if another one follows.
    fn attempted(&mut self, agent: usize, record: &CaseRecord);
    /// A failure that is going to be tried again, alone.
    fn suspected(&mut self, _agent: usize, _record: &CaseRecord) {}
    /// A verdict that stands.
    fn settled(&mut self, agent: usize, record: &CaseRecord);
    /// Whether a failure counts for `--fail-fast`: what is known does not.
    fn is_news(&self, _record: &CaseRecord) -> bool {
        true
    }
    /// Time passes.
    fn tick(&mut self);
    /// No case is to be started for now.
    fn holds(&self) -> bool;
    /// The agent gets one connection at a time from now on.
    fn slowed(&mut self, agent: usize, why: Slow);
    /// wsspec itself failed in a case.
    fn defect(&mut self, agent: usize, case: &'static Case);
    /// The agent had died and is running again.
    fn restarted(&mut self, _agent: usize, _restart: &Restarted) {}
    /// The rest of the agent's cases is not run.
    fn stopped(&mut self, agent: usize, why: &Stop);
}

/// Why an agent gets one connection at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// It did not open a connection while others were open.
    Refuses,
    /// It did nothing, or too late, on connections while others were open.
    Neglects,
    /// It does nothing on any connection; the tester can start another one.
    Hangs,
}

/// Why cases were not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are refused.
    Gone,
    /// Its process has ended and is not started again.
    Died(Box<Deaths>),
    /// So many cases in a row got nothing.
    Hangs(Vec<String>),
    /// `--time-budget` is used up.
    Budget,
    /// `--fail-fast`.
    FailFast,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

/// The state of a run.
pub struct Scheduler<'a, L> {
    conditions: Arc<Conditions>,
    agents: Vec<AgentState>,
    limits: &'a Limits,
    deadline: Option<Instant>,
    interrupt: watch::Receiver<bool>,
    failures: u32,
    tasks: HashMap<Id, (Job, Instant)>,
    listener: &'a mut L,
}

struct AgentState {
    agent: Arc<Agent>,
    at_a_time: usize,
    running: usize,
    hanging: Vec<String>,
    /// What came last suggests that the server hangs.
    stuck: bool,
    stop: Option<Stop>,
    gone_at: Option<Instant>,
    suspects: Vec<Suspect>,
    /// Cases that ran while the process died, and not alone.
    disturbed: Vec<Disturbed>,
    deaths: Deaths,
    /// The case that follows, as far as that is known.
    next: Option<CaseId>,
    /// The case that ended last.
    last: Option<Box<CaseRecord>>,
    /// What was seen in passing, by case.
    watched: Vec<(CaseId, Watched)>,
}

/// A case to run for an agent.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// The index of the agent.
    pub agent: usize,
    /// The case.
    pub case: &'static Case,
    /// Its place in the suite, from 1.
    pub number: u32,
}

struct Ended {
    job: Job,
    attempt: Attempt,
    crowded: bool,
}

impl<'a, L: Listener> Scheduler<'a, L> {
    /// A run of these agents under these conditions.
    pub fn new(
        conditions: Conditions,
        agents: Vec<Agent>,
        limits: &'a Limits,
        interrupt: watch::Receiver<bool>,
        listener: &'a mut L,
    ) -> Self {
        let states = agents.into_iter().map(|agent| AgentState {
            at_a_time: agent.at_a_time,
            agent: Arc::new(agent),
            running: 0,
            hanging: Vec::new(),
            stuck: false,
            stop: None,
            gone_at: None,
            suspects: Vec::new(),
            disturbed: Vec::new(),
            deaths: Deaths::default(),
            next: None,
            last: None,
            watched: Vec::new(),
        });
        Self {
            conditions: Arc::new(conditions),
            agents: states.collect(),
            limits,
            deadline: limits.time_budget.map(|budget| Instant::now() + budget),
            interrupt,
            failures: 0,
            tasks: HashMap::new(),
            listener,
        }
    }

    /// Runs everything, as far as nothing stops it. Cases without a connection come last.
    pub async fn run(mut self, jobs: Vec<Job>, order: Order, seed: u64) {
        let (passive, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.case.is_passive());
        for phase in phases(jobs, self.limits, order, seed) {
            self.phase(phase).await;
        }
        for agent in 0..self.agents.len() {
            self.charge_last(agent).await;
            self.judge_passive(agent, &passive);
        }
    }

    /// What is to be judged by all cases is not judged by some.
    fn judge_passive(&mut self, agent: usize, passive: &[Job]) {
        let jobs: Vec<Job> = passive.iter().copied().filter(|job| job.agent == agent).collect();
        let state = &self.agents[agent];
        if state.stop.is_some() {
            return;
        }
        for record in self.conditions.judge_passive(&state.agent, &jobs, &state.watched) {
            self.listener.attempted(agent, &record);
            self.settle(agent, &record);
        }
    }

    async fn phase(&mut self, mut phase: Phase) {
        while !phase.is_empty() {
            self.overlap(&mut phase).await;
            self.confirm(&mut phase).await;
        }
    }

    /// Runs jobs side by side until none is left or enough of them have failed.
    async fn overlap(&mut self, phase: &mut Phase) {
        let mut running = JoinSet::new();
        let mut tick = tokio::time::interval(TICK);
        loop {
            self.renew_idle().await;
            while running.len() < phase.at_a_time && !self.enough_suspects() && !self.listener.holds() {
                let Some(job) = self.next(&mut phase.jobs).or_else(|| self.next_delicate(phase)) else {
                    break;
                };
                self.start(&mut running, job);
            }
            if running.is_empty() && (phase.is_empty() || !self.listener.holds()) {
                return;
            }
            let mut interrupt = self.interrupt.clone();
            let ended = tokio::select! {
                ended = running.join_next_with_id(), if !running.is_empty() => ended,
                _ = tick.tick() => {
                    self.listener.tick();
                    continue;
                }
                _ = interrupt.wait_for(|stop| *stop) => {
                    self.stop_all(&Stop::Interrupted);
                    phase.retain(|_| false);
                    return;
                }
            };
            match ended {
                None => return,
                Some(Ok((task, ended))) => {
                    self.tasks.remove(&task);
                    self.ended(ended, &mut phase.jobs).await;
                }
                Some(Err(error)) => self.defect(&error),
            }
        }
    }

    /// Starts servers again that hang, as far as no case runs in them.
    async fn renew_idle(&mut self) {
        for agent in 0..self.agents.len() {
            if self.agents[agent].running == 0 {
                self.renew(agent).await;
            }
        }
    }

    /// The next case is not to pay for the one that a server hangs of. Says whether it meets another process.
    async fn renew(&mut self, agent: usize) -> bool {
        let stuck = std::mem::take(&mut self.agents[agent].stuck);
        let Some(sut) = self.agents[agent].agent.sut.clone().filter(|_| stuck) else { return false };
        let renewed = sut.renew().await;
        if renewed {
            log::debug!("server {} hangs and is started again", agent + 1);
        }
        renewed
    }

    /// A case that panics is a defect of wsspec; the case stays without a verdict.
    fn defect(&mut self, error: &JoinError) {
        if let Some((job, _)) = self.tasks.remove(&error.id()) {
            self.agents[job.agent].running -= 1;
            self.listener.defect(job.agent, job.case);
        }
    }

    fn start(&mut self, running: &mut JoinSet<Ended>, job: Job) {
        let state = &mut self.agents[job.agent];
        state.running += 1;
        let crowded = state.running > 1;
        let (agent, conditions) = (state.agent.clone(), self.conditions.clone());
        self.listener.started(job.agent, job.case);
        let task = running.spawn(async move {
            let attempt = conditions.attempt(&agent, job.case, job.number, 1).await;
            Ended { job, attempt, crowded }
        });
        self.tasks.insert(task.id(), (job, Instant::now()));
    }

    /// The next job that wants the peer for itself, if the peer has nothing to do.
    fn next_delicate(&mut self, phase: &mut Phase) -> Option<Job> {
        let waits = |(job, since): &(Job, Instant)| is_waiting(job.case) && since.elapsed() >= SETTLED;
        let is_quiet = phase.jobs.is_empty() && self.tasks.values().all(waits);
        if is_quiet { self.next(&mut phase.delicate) } else { None }
    }

    /// The next job whose agent has room. Jobs of agents that were stopped are dropped.
    fn next(&mut self, queue: &mut VecDeque<Job>) -> Option<Job> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.stop_all(&Stop::Budget);
        }
        queue.retain(|job| self.agents[job.agent].stop.is_none());
        let place = queue.iter().position(|job| {
            let state = &self.agents[job.agent];
            state.running < state.at_a_time
        });
        queue.remove(place?)
    }

    async fn ended(&mut self, ended: Ended, queue: &mut VecDeque<Job>) {
        let Ended { job, attempt, crowded } = ended;
        let next = queue.iter().find(|next| next.agent == job.agent);
        self.agents[job.agent].next = next.map(|next| next.case.id);
        self.charge_last(job.agent).await;
        self.take_down(&job, &attempt);
        let state = &mut self.agents[job.agent];
        state.running -= 1;
        let crowded = crowded || state.running > 0;
        match attempt {
            Attempt::Gone => self.gone(job.agent),
            Attempt::Died(record, death) => self.died(job, record, *death).await,
            // Other connections were open at the same time: that alone may be why it got none.
            Attempt::NotOpened(_) if crowded => {
                self.slow(job.agent, Slow::Refuses);
                queue.push_front(job);
            }
            Attempt::NotOpened(record) | Attempt::Judged(record, _) => {
                self.count_hangs(&job, &record, crowded);
                self.listener.attempted(job.agent, &record);
                self.judged(Suspect::new(job, record, crowded));
            }
        }
    }

    /// From now on the agent gets one connection at a time, if it does not yet.
    fn slow(&mut self, agent: usize, why: Slow) {
        if self.agents[agent].at_a_time > 1 {
            self.agents[agent].at_a_time = 1;
            self.listener.slowed(agent, why);
        }
    }

    /// Keeps what was seen in passing.
    fn take_down(&mut self, job: &Job, attempt: &Attempt) {
        if let Attempt::Judged(record, watched) = attempt {
            let state = &mut self.agents[job.agent];
            state.watched.push((job.case.id, watched.clone()));
            state.last = state.agent.sut.as_ref().map(|_| record.clone());
        }
    }

    /// The implementation is not there any more.
    fn gone(&mut self, agent: usize) {
        let state = &mut self.agents[agent];
        if state.agent.sut.is_none() {
            state.gone_at.get_or_insert_with(Instant::now);
        }
        if state.stop.is_none() {
            let deaths = state.agent.sut.as_ref().map(|_| state.deaths.clone());
            let why = deaths.map_or(Stop::Gone, |deaths| Stop::Died(Box::new(deaths)));
            self.stop(agent, why);
        }
    }

    fn settle(&mut self, agent: usize, record: &CaseRecord) {
        self.listener.settled(agent, record);
        if record.verdict.is_failure() && self.listener.is_news(record) {
            self.failures += 1;
            if self.limits.fail_fast.is_some_and(|most| self.failures >= most) {
                self.stop_all(&Stop::FailFast);
            }
        }
    }

    /// Nothing on so many connections in a row is a peer that hangs, or one that serves a connection at a time: that
    /// shows when nothing else is open.
    fn count_hangs(&mut self, job: &Job, record: &CaseRecord, crowded: bool) {
        let state = &mut self.agents[job.agent];
        state.stuck = is_hang(record);
        if !state.stuck || (crowded && state.at_a_time == 1) {
            state.hanging.clear();
            return;
        }
        state.hanging.push(job.case.id.to_string());
        let most = self.limits.max_hangs as usize;
        if most == 0 || state.hanging.len() < most || state.stop.is_some() {
            return;
        }
        let cases = std::mem::take(&mut state.hanging);
        let can_restart = state.agent.sut.as_ref().is_some_and(|sut| sut.plan().restart == Restart::Crash);
        let why = if can_restart { Slow::Hangs } else { Slow::Neglects };
        match crowded {
            true => self.slow(job.agent, why),
            false => self.stop(job.agent, Stop::Hangs(cases)),
        }
    }

    fn enough_suspects(&self) -> bool {
        let suspects: usize = self.agents.iter().map(|state| state.suspects.len()).sum();
        self.limits.fail_fast.is_some_and(|most| self.failures as usize + suspects >= most as usize)
    }

    fn stop_all(&mut self, why: &Stop) {
        for agent in 0..self.agents.len() {
            if self.agents[agent].stop.is_none() {
                self.stop(agent, why.clone());
            }
        }
    }

    fn stop(&mut self, agent: usize, why: Stop) {
        self.listener.stopped(agent, &why);
        self.agents[agent].stop = Some(why);
    }
}

/// A peer that says anything at all does not hang: it only does not say what was expected.
fn is_hang(record: &CaseRecord) -> bool {
    record.verdict == Verdict::Timeout && record.stats.rx_frames.is_empty()
}
