//! One case against one implementation, once.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use wsspec_cases::{Case, CaseId};
use wsspec_engine::{
    CaseRun, ClientOpening, NeverOpened, Outcome, Settings, TesterRole, Watched, judge, passive_outcomes,
    unreachable,
};
use wsspec_report::record::{CaseMeta, CaseRecord, Redaction};

use super::plan::RunPlan;
use super::schedule::Job;
use crate::net::Stream;
use crate::net::client::{ConnectError, Secure, dial};
use crate::net::pump;
use crate::outputs::{self, args::Trace};

/// What a case gets beyond its own limit before it is cut off from outside.
const GRACE: Duration = Duration::from_secs(30);
/// A connection that is refused is tried again after these times: a server may be busy for a moment.
const RETRIES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(200),
    Duration::from_millis(700),
];

/// An implementation that is ready to be tested.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name in all reports, unique.
    pub name: String,
    /// The address as it is printed.
    pub url: String,
    /// It is the built-in endpoint, whose address is gone after the run.
    pub built_in: bool,
    /// Where it is.
    pub addresses: Vec<SocketAddr>,
    /// TLS, if its address asks for that.
    pub secure: Option<Secure>,
    /// What is said in the opening handshake.
    pub opening: ClientOpening,
    /// Connections at a time.
    pub at_a_time: usize,
    /// Small writes go out at once.
    pub no_delay: bool,
}

/// What all attempts share.
#[derive(Debug)]
pub struct Conditions {
    settings: Settings,
    case_timeout: Option<Duration>,
    redaction: Redaction,
    trace: Trace,
    repeat: Vec<String>,
    started: Instant,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Attempt {
    /// With a verdict, and with what was seen in passing.
    Judged(Box<CaseRecord>, Watched),
    /// The connection was not opened, which may be for the other connections at the same time.
    NotOpened(Box<CaseRecord>),
    /// Nobody listens any more.
    Gone,
}

impl Conditions {
    /// The conditions of this run.
    pub fn new(plan: &RunPlan, started: Instant) -> Self {
        Self {
            case_timeout: plan.limits.case_timeout,
            trace: plan.trace,
            ..Self::with(plan.settings.clone(), plan.redaction.clone(), plan.repeat.clone(), started)
        }
    }

    /// Conditions without a limit beyond those of the cases.
    pub fn with(settings: Settings, redaction: Redaction, repeat: Vec<String>, started: Instant) -> Self {
        Self { settings, case_timeout: None, redaction, trace: Trace::All, repeat, started }
    }

    /// Runs a case once. `number` is its place in the suite, from 1.
    pub async fn attempt(&self, agent: &Agent, case: &'static Case, number: u32, attempt: u32) -> Attempt {
        let meta = self.meta(number, attempt, self.repro(agent, &[case.id]));
        let outcome = match self.play(agent, case).await {
            Err(ConnectError::Refused(_)) => return Attempt::Gone,
            Err(error) => unreachable(case, TesterRole::Client, error.to_string()),
            Ok(outcome) => outcome,
        };
        let opened = is_opened(&outcome);
        let mut record = CaseRecord::from_outcome(&agent.name, case, &outcome, meta, &self.redaction);
        outputs::trim(&mut record, self.trace);
        if opened {
            Attempt::Judged(Box::new(record), outcome.observation.watched)
        } else {
            Attempt::NotOpened(Box::new(record))
        }
    }

    /// The records of cases without a connection, from what was seen in all others.
    pub fn judge_passive(&self, agent: &Agent, jobs: &[Job], seen: &[(CaseId, Watched)]) -> Vec<CaseRecord> {
        let cases: Vec<&Case> = jobs.iter().map(|job| job.case).collect();
        let outcomes = passive_outcomes(&cases, TesterRole::Client, seen);
        let record = |(job, outcome): (&Job, &Outcome)| {
            let first = seen.iter().find(|(_, watched)| watched.concerns(job.case)).map(|(id, _)| *id);
            let ids: Vec<CaseId> = first.into_iter().chain([job.case.id]).collect();
            let meta = self.meta(job.number, 1, self.repro(agent, &ids));
            CaseRecord::from_outcome(&agent.name, job.case, outcome, meta, &self.redaction)
        };
        jobs.iter().zip(&outcomes).map(record).collect()
    }

    fn meta(&self, number: u32, attempt: u32, repro: Vec<String>) -> CaseMeta {
        CaseMeta { number, started: now(), since_start: self.started.elapsed(), attempt, repro, log: None }
    }

    async fn play(&self, agent: &Agent, case: &'static Case) -> Result<Outcome, ConnectError> {
        let stream = self.connect(agent).await?;
        let _ = stream.set_nodelay(agent.no_delay);
        let started = Instant::now();
        let run = CaseRun::client(case, &agent.opening, self.settings.clone());
        let own_limit =
            self.settings.open_timeout + case.time_limit.mul_f64(self.settings.time_scale) + GRACE;
        let limit = self.case_timeout.unwrap_or(own_limit);
        Ok(judge(case, pump::drive(stream, run, started, limit).await))
    }

    async fn connect(&self, agent: &Agent) -> Result<Stream, ConnectError> {
        for pause in RETRIES {
            match dial(&agent.addresses, agent.secure.as_ref(), self.settings.open_timeout).await {
                Err(ConnectError::Refused(_)) => tokio::time::sleep(pause).await,
                other => return other,
            }
        }
        dial(&agent.addresses, agent.secure.as_ref(), self.settings.open_timeout).await
    }

    fn repro(&self, agent: &Agent, ids: &[CaseId]) -> Vec<String> {
        let address = Some(agent.url.clone()).filter(|_| !agent.built_in);
        let words = ["wsspec", "run"].map(str::to_owned).into_iter().chain(address);
        words.chain(ids.iter().map(ToString::to_string)).chain(self.repeat.iter().cloned()).collect()
    }
}

fn is_opened(outcome: &Outcome) -> bool {
    !matches!(
        outcome.observation.handshake.never_opened,
        Some(NeverOpened::TimedOut | NeverOpened::Dropped(_) | NeverOpened::Unreachable(_))
    )
}

/// `2026-11-21T10:14:02.113Z`
pub fn now() -> String {
    format!("{:.3}", Timestamp::now())
}
