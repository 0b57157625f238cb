//! Failures are tried again, alone: neither a busy machine nor other connections are held against the implementation.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use wsspec_engine::{Found, Verdict};
use wsspec_report::record::{CaseRecord, Standing};
use wsspec_report::story::cause_sentence;

use super::super::attempt::Attempt;
use super::super::order::Phase;
use super::{Job, Listener, Scheduler, Slow, is_hang};

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

/// What became of the suspects so far.
#[derive(Default)]
struct Trial {
    /// Those that failed again, by cause.
    believed: HashMap<Option<String>, usize>,
    /// Neglected ones that passed alone, while it is open what that means.
    pending: Vec<(Suspect, Box<CaseRecord>)>,
    /// One of them made a fresh process hang, and all others with it.
    hung: bool,
}

/// How a case ended that was tried again.
enum Again {
    /// It failed each time, or was not tried to the end; that is settled.
    Settled { failed: bool, hung: bool },
    /// It passed.
    Passed(Suspect, Box<CaseRecord>),
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

    /// Tries each failure again while nothing else runs.
    pub(super) async fn confirm(&mut self, phase: &mut Phase) {
        for agent in 0..self.agents.len() {
            self.repeat_disturbed(agent).await;
            let suspects = std::mem::take(&mut self.agents[agent].suspects);
            let (red, doubtful): (Vec<_>, Vec<_>) =
                suspects.into_iter().partition(|suspect| suspect.record.verdict.is_red());
            let mut trial = Trial::default();
            for suspect in red {
                self.try_suspect(agent, suspect, &mut trial).await;
            }
            let excused = self.acquit_pending(agent, trial);
            for suspect in doubtful {
                self.try_doubtful(agent, suspect, excused).await;
            }
        }
        phase.retain(|job| self.agents[job.agent].stop.is_none());
    }

    async fn try_suspect(&mut self, agent: usize, suspect: Suspect, trial: &mut Trial) {
        let cause = suspect.record.cause.clone();
        if trial.believes(&cause) || self.is_over(agent) {
            return self.settle_unconfirmed(agent, suspect);
        }
        match self.try_again(suspect).await {
            Again::Settled { failed, hung } => {
                *trial.believed.entry(cause).or_default() += usize::from(failed);
                trial.hung |= hung;
            }
            Again::Passed(suspect, record) if suspect.neglected => trial.pending.push((suspect, record)),
            Again::Passed(suspect, record) => self.acquit(agent, &suspect, record, Some(Standing::Flaky)),
        }
    }

    /// Cases that got nothing beside others, and pass alone: a few are noise, many show that connections are served
    /// one after the other, or that another case made all hang. Says whether to be late beside others is excused.
    fn acquit_pending(&mut self, agent: usize, trial: Trial) -> bool {
        if trial.pending.len() >= NEGLECTED && !trial.hung {
            self.slow(agent, Slow::Neglects);
        }
        let excused = trial.hung || self.agents[agent].at_a_time == 1;
        let standing = if excused { None } else { Some(Standing::Flaky) };
        for (suspect, record) in trial.pending {
            self.acquit(agent, &suspect, record, standing);
        }
        excused
    }

    /// What was not strict beside other connections may be strict alone, if these are neglected.
    async fn try_doubtful(&mut self, agent: usize, suspect: Suspect, excused: bool) {
        if !excused || self.is_over(agent) {
            return self.settle(agent, &suspect.record);
        }
        if let Again::Passed(suspect, record) = self.try_again(suspect).await {
            self.acquit(agent, &suspect, record, None);
        }
    }

    fn is_over(&self, agent: usize) -> bool {
        self.agents[agent].stop.is_some() || *self.interrupt.borrow()
    }

    /// Plays a case again until it does not fail, as often as is asked for. What hangs is tried with a fresh process, if
    /// the tester can start one.
    async fn try_again(&mut self, suspect: Suspect) -> Again {
        let Job { agent, case, number } = suspect.job;
        let tested = self.agents[agent].agent.clone();
        let mut interrupt = self.interrupt.clone();
        let (mut retry, mut fresh) = (1, self.renew(agent).await);
        while retry <= self.limits.retries {
            self.listener.started(agent, case);
            let again = tokio::select! {
                again = self.conditions.attempt(&tested, case, number, retry + 1) => again,
                _ = interrupt.wait_for(|stop| *stop) => break,
            };
            self.charge_last(agent).await;
            self.take_down(&suspect.job, &again);
            match again {
                Attempt::Died(record, death) => {
                    self.died(suspect.job, record, *death).await;
                    return Again::Settled { failed: true, hung: false };
                }
                Attempt::Gone => {
                    self.gone(agent);
                    break;
                }
                Attempt::NotOpened(record) | Attempt::Judged(record, _) if !record.verdict.is_red() => {
                    return Again::Passed(suspect, record);
                }
                Attempt::NotOpened(record) | Attempt::Judged(record, _) => {
                    self.agents[agent].stuck = is_hang(&record);
                    if is_hang(&record) && !fresh && self.renew(agent).await {
                        fresh = true;
                        continue;
                    }
                    self.listener.attempted(agent, &record);
                    if retry == self.limits.retries {
                        self.settle(agent, &record);
                        return Again::Settled { failed: true, hung: is_hang(&record) && fresh };
                    }
                    retry += 1;
                }
            }
        }
        self.settle_unconfirmed(agent, suspect);
        Again::Settled { failed: false, hung: false }
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
    /// Whether a failure of this cause need not be tried again.
    fn believes(&self, cause: &Option<String>) -> bool {
        let same = self.believed.get(cause).is_some_and(|same| *same >= BELIEVED_OF_A_CAUSE);
        same || self.believed.values().sum::<usize>() >= BELIEVED_AFTER
    }
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
