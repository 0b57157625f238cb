//! What becomes of the cases when the process that is tested ends.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use wsspec_cases::{CaseId, Level};
use wsspec_engine::{Behavior, BehaviorClose, Found, Verdict, Wanted};
use wsspec_report::record::{AgentLog, CaseRecord, CheckRecord, Dir, Happening};

use super::super::attempt::Attempt;
use super::{Ended, Job, Listener, Scheduler};
use crate::sut::plan::Restart;
use crate::sut::{Death, Down, Life, RESTARTS, last_words};
use crate::text;

/// A case that ran, not alone, when the process ended.
pub(super) struct Disturbed {
    job: Job,
    record: Box<CaseRecord>,
    death: Death,
}

/// Whom a death is put down to.
#[derive(Clone, Copy, Debug)]
enum Blame {
    /// The only case that ran.
    Alone,
    /// One of so many; the process died of none of them when it ran alone.
    Among(usize),
    /// The case that had just ended.
    Afterwards,
}

/// The deaths of one implementation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deaths {
    /// The cases, and how the process ended.
    pub cases: Vec<(String, String)>,
    /// The last lines of the log before the last one.
    pub lines: Vec<String>,
    /// The lives after which it was started again.
    restarted: Vec<u32>,
    /// How many of them ended while several cases ran.
    shared: u32,
}

/// A process that died and is running again.
#[derive(Clone, Debug)]
pub struct Restarted {
    /// How it ended.
    pub how: String,
    /// From its start until it was ready.
    pub took: Duration,
    /// How many cases were running when it died.
    pub in_flight: usize,
    /// How many times it died of one case, and how often it may.
    pub number: u32,
    /// The limit of that.
    pub of: u32,
    /// How many times it died while several cases ran.
    pub shared: u32,
    /// The last lines that it had printed.
    pub lines: Vec<String>,
    /// The case that follows, as far as that is known.
    pub next: Option<CaseId>,
}

impl<L: Listener> Scheduler<'_, L> {
    /// The process ended while a case ran. If no other case ran, it is what the process died of.
    pub(super) async fn died(&mut self, job: Job, record: Box<CaseRecord>, death: Death) {
        let alone = death.in_flight <= 1;
        if alone {
            self.charge(job.agent, record, &death, Blame::Alone);
        } else {
            self.agents[job.agent].disturbed.push(Disturbed { job, record, death: death.clone() });
        }
        self.restart(job.agent, &death).await;
    }

    /// The verdict on a case that the process died of.
    fn charge(&mut self, agent: usize, record: Box<CaseRecord>, death: &Death, blame: Blame) {
        let began = self.conditions.began(&record);
        let record = verdict(*record, death, began, blame);
        self.agents[agent].deaths.note(&record, death);
        self.listener.attempted(agent, &record);
        self.settle(agent, &record);
    }

    /// A death that no case has answered for is put down to the case that ended last.
    pub(super) async fn charge_last(&mut self, agent: usize) {
        let Some(sut) = self.agents[agent].agent.sut.clone() else { return };
        for death in sut.unclaimed().await {
            if let Some(record) = self.agents[agent].last.take() {
                self.charge(agent, record, &death, Blame::Afterwards);
            }
            self.restart(agent, &death).await;
        }
    }

    /// Starts the process again, once for each death, as far as that is allowed.
    async fn restart(&mut self, agent: usize, death: &Death) {
        let state = &mut self.agents[agent];
        let Some(sut) = state.agent.sut.clone() else { return };
        // With a process for every case, the next case starts its own.
        let each = sut.plan().restart == Restart::Case;
        if state.stop.is_some() || !state.deaths.is_new(death) || each {
            return;
        }
        let mut interrupt = self.interrupt.clone();
        let up = tokio::select! {
            up = sut.up(None) => up,
            _ = interrupt.wait_for(|stop| *stop) => return,
        };
        match up {
            Ok(life) => {
                let state = &self.agents[agent];
                let restarted = Restarted::new(death, life.as_deref(), state.next, &state.deaths);
                self.listener.restarted(agent, &restarted);
                // One at a time, it is clear whom to blame.
                if restarted.shared > 1 {
                    self.agents[agent].at_a_time = 1;
                }
            }
            Err(Down) => self.gone(agent),
        }
    }

    /// Runs the cases again, alone, that ran side by side when the process died. If it dies of none of them, the
    /// first one has to answer: a death is never green.
    pub(super) async fn repeat_disturbed(&mut self, agent: usize) {
        let mut disturbed = std::mem::take(&mut self.agents[agent].disturbed);
        disturbed.sort_by_key(|disturbed| disturbed.death.life);
        for group in disturbed.chunk_by(|a, b| a.death.life == b.death.life) {
            let died_again = self.repeat_group(agent, group).await;
            let first = &group[0];
            if !died_again {
                let blame = Blame::Among(first.death.in_flight);
                self.charge(agent, first.record.clone(), &first.death, blame);
            }
        }
    }

    /// Whether the process died of one of them.
    async fn repeat_group(&mut self, agent: usize, group: &[Disturbed]) -> bool {
        let mut died = false;
        for Disturbed { job, .. } in group {
            if self.agents[agent].stop.is_some() || *self.interrupt.borrow() {
                break;
            }
            let tested = self.agents[agent].agent.clone();
            let mut interrupt = self.interrupt.clone();
            self.listener.started(agent, job.case);
            let again = tokio::select! {
                again = self.conditions.attempt(&tested, job.case, job.number, 1) => again,
                _ = interrupt.wait_for(|stop| *stop) => break,
            };
            self.agents[agent].running += 1;
            died |= matches!(again, Attempt::Died(..));
            self.ended(Ended { job: *job, attempt: again, crowded: false }, &mut VecDeque::new()).await;
        }
        died
    }
}

impl Deaths {
    fn note(&mut self, record: &CaseRecord, death: &Death) {
        self.cases.push((record.id.to_string(), death.how.clone()));
        self.lines.clone_from(&death.lines);
    }

    /// Whether the process has not been started again after this one.
    fn is_new(&mut self, death: &Death) -> bool {
        let is_new = !self.restarted.contains(&death.life);
        if is_new {
            self.restarted.push(death.life);
            self.shared += u32::from(death.in_flight > 1);
        }
        is_new
    }
}

impl Restarted {
    fn new(death: &Death, life: Option<&Life>, next: Option<CaseId>, deaths: &Deaths) -> Self {
        Self {
            how: format!("exited: {}", death.how),
            took: life.map(Life::ready_in).unwrap_or_default(),
            in_flight: death.in_flight,
            number: u32::try_from(deaths.restarted.len()).unwrap_or(u32::MAX) - deaths.shared,
            of: RESTARTS,
            shared: deaths.shared,
            lines: death.lines.clone(),
            next,
        }
    }
}

/// The name of the group of a death: how the process ended, and what it said last.
fn cause(death: &Death) -> String {
    let said = last_words::signature(&death.lines);
    let gap = if said.is_empty() { "" } else { "/" };
    format!("{}/{}{gap}{said}", CheckRecord::ALIVE, death.how)
}

/// The record of a case that has to answer for a death.
fn verdict(record: CaseRecord, death: &Death, began: Instant, blame: Blame) -> CaseRecord {
    let exited = format!("exited: {}", death.how);
    let observed = match blame {
        Blame::Alone => {
            format!("{exited}{}", after_sending(&record, death.at.saturating_duration_since(began)))
        }
        Blame::Among(cases) => format!(
            "{exited}, while this and {} ran; of none of them alone",
            text::count(cases.saturating_sub(1), "other case")
        ),
        Blame::Afterwards => format!("{exited}, after the end of this case and before the next"),
    };
    let check = CheckRecord {
        id: CheckRecord::ALIVE.to_owned(),
        level: Level::Must,
        rfc: None,
        ok: false,
        expected: "the process to keep running".into(),
        observed: observed.as_str().into(),
        wanted: Some(Box::new(Wanted::other("the process to keep running"))),
        found: Some(Box::new(Found::other(format!("the process {observed}")))),
        event: last_sent(&record).filter(|_| matches!(blame, Blame::Alone)).or_else(|| end_of_tcp(&record)),
        header: None,
        case: None,
    };
    let mut record = record;
    record.checks.insert(0, check);
    record.verdict = Verdict::Crash;
    record.outcome = None;
    record.cause = Some(cause(death));
    record.summary = observed.into();
    record.log = match (record.log, &death.log) {
        (Some(written), death) if !written.text.is_empty() => {
            Some(AgentLog { core: death.as_ref().and_then(|log| log.core.clone()), ..written })
        }
        (written, death) => death.clone().or(written),
    };
    record.autobahn.behavior = Behavior::Failed;
    record.autobahn.behavior_close = BehaviorClose::Failed;
    record
}

/// The line of the frame that the process got last.
fn last_sent(record: &CaseRecord) -> Option<usize> {
    let sent = |what: &Happening| matches!(what, Happening::Frame { dir: Dir::Tx, .. });
    record.events.iter().rfind(|line| sent(&line.what)).map(|line| line.i)
}

fn end_of_tcp(record: &CaseRecord) -> Option<usize> {
    record.events.iter().rfind(|line| matches!(line.what, Happening::Tcp { .. })).map(|line| line.i)
}

/// `, 2 ms after octet 14 was sent`, if anything was sent after the opening handshake.
/// The process lived for `life` from the beginning of the case on.
fn after_sending(record: &CaseRecord, life: Duration) -> String {
    let sent = |what: &Happening| matches!(what, Happening::Frame { dir: Dir::Tx, .. });
    let last = record.events.iter().filter(|line| sent(&line.what)).map(|line| line.us).max();
    // The end of its connection shows it best; the record's times begin with the handshake's end.
    let end =
        record.events.iter().rfind(|line| matches!(line.what, Happening::Tcp { .. })).map(|line| line.us);
    match last {
        Some(last) if record.traffic.tx_wire > 0 => {
            let gap = match end.filter(|end| *end >= last) {
                Some(end) => Duration::from_micros(end - last),
                None => life.saturating_sub(Duration::from_micros(last)),
            };
            format!(", {} after octet {} was sent", text::duration(gap), record.traffic.tx_wire)
        }
        _ => String::new(),
    }
}
