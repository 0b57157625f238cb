//! One case against one implementation, once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use wsspec_cases::{Accept, Case, CaseId, Level, Play};
use wsspec_engine::{
    CaseRun, Check, ClientOpening, Found, NeverOpened, Outcome, Settings, TesterRole, Verdict, Wanted,
    Watched, judge, passive_outcomes, unreachable,
};
use wsspec_report::record::{BackendRecord, CaseMeta, CaseRecord, Redaction, TlsRecord};

use wsspec_wire::{RequestHead, close_code};

use super::order::expected_time;
use super::plan::RunPlan;
use super::schedule::Job;
use crate::fault;
use crate::net::Stream;
use crate::net::capture::Capture;
use crate::net::client::{ConnectError, Secure, dial_captured};
use crate::net::legs::Legs;
use crate::net::pump;
use crate::net::socket::Address;
use crate::outputs::{self, args::Trace};
use crate::sut::{Death, Life, Sut};

/// What a case gets beyond its own limit before it is cut off from outside.
const GRACE: Duration = Duration::from_secs(30);
/// A connection that is refused is tried again after these times: a server may be busy for a moment.
const RETRIES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(200),
    Duration::from_millis(700),
];

/// A process that ends may show it later than its connections do, by so much; on slow machines by more.
const DEATH_SHOWS: Duration = Duration::from_millis(100);

/// Statuses of servers that are busy (RFC 6585 section 4, RFC 9110 section 15.6.4).
const TOO_MANY_REQUESTS: u16 = 429;
const UNAVAILABLE: u16 = 503;

/// An implementation that is ready to be tested.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name in all reports, unique.
    pub name: String,
    /// The address as it is printed.
    pub url: String,
    /// The address to be typed again.
    pub address: String,
    /// It negotiates permessage-deflate.
    pub deflate: bool,
    /// It is the built-in endpoint, whose address is gone after the run.
    pub built_in: bool,
    /// Where it is.
    pub addresses: Vec<Address>,
    /// TLS, if its address asks for that.
    pub secure: Option<Secure>,
    /// What is said in the opening handshake.
    pub opening: ClientOpening,
    /// The options that say how it is spoken to, and started.
    pub again: Vec<String>,
    /// Connections at a time.
    pub at_a_time: usize,
    /// Small writes go out at once.
    pub no_delay: bool,
    /// What keeps it running, if the tester has started it.
    pub sut: Option<Arc<Sut>>,
    /// The number of its process, while it runs a case, if the tester has started it.
    pub process: Option<i32>,
    /// Where the octets of its connections are captured.
    pub capture: Option<Arc<Capture>>,
    /// Its connections to the tester's own server, if it is a proxy before that.
    pub legs: Option<Arc<Legs>>,
}

/// What all attempts share.
#[derive(Debug)]
pub struct Conditions {
    pub(super) settings: Settings,
    pub(super) case_timeout: Option<Duration>,
    redaction: Redaction,
    trace: Trace,
    repeat: Vec<String>,
    command: Option<Vec<String>>,
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
    /// The process of the implementation ended meanwhile; the record is of what was seen until then.
    Died(Box<CaseRecord>, Box<Death>),
}

/// A case that was played.
pub(super) struct Played {
    pub(super) outcome: Outcome,
    pub(super) tls: Option<TlsRecord>,
    /// When its connection was there.
    pub(super) started: Instant,
}

impl Conditions {
    /// The conditions of this run.
    pub fn new(plan: &RunPlan, started: Instant) -> Self {
        Self {
            case_timeout: plan.limits.case_timeout,
            trace: plan.trace,
            command: plan.command.clone(),
            ..Self::with(plan.settings.clone(), plan.redaction.clone(), plan.repeat.clone(), started)
        }
    }

    /// Conditions without a limit beyond those of the cases.
    pub fn with(settings: Settings, redaction: Redaction, repeat: Vec<String>, started: Instant) -> Self {
        Self { settings, case_timeout: None, redaction, trace: Trace::All, repeat, command: None, started }
    }

    /// Runs a case once. `number` is its place in the suite, from 1.
    pub async fn attempt(&self, agent: &Agent, case: &'static Case, number: u32, attempt: u32) -> Attempt {
        let _running = fault::Running::new(case.id);
        fault::provoked(&case.id.to_string());
        let up = match &agent.sut {
            Some(sut) => sut.up(Some(&case.id.to_string())).await.map(|life| life.map(|life| (sut, life))),
            None => Ok(None),
        };
        // A process of its own may have had to start for the case.
        let meta = self.meta(number, attempt, self.repro(agent, &[case.id]));
        match up {
            Err(_) => Attempt::Gone,
            Ok(None) => self.once(agent, case, meta).await,
            Ok(Some((sut, life))) => self.in_life(agent, case, meta, sut, life).await,
        }
    }

    /// Runs a case while an eye is kept on the process that is tested.
    async fn in_life(
        &self,
        agent: &Agent,
        case: &'static Case,
        meta: CaseMeta,
        sut: &Sut,
        life: Arc<Life>,
    ) -> Attempt {
        let stint = life.clone().begin();
        let shows = DEATH_SHOWS.mul_f64(self.settings.time_scale);
        let attempt = self.once(&agent.in_life(&life), case, meta.clone()).await;
        if matches!(attempt, Attempt::Gone) && stint.death(shows).await.is_none() {
            sut.end_life(&life).await;
        }
        let suspicious = !matches!(&attempt, Attempt::Judged(record, _) if is_calm(record));
        let patience = if suspicious { shows } else { Duration::ZERO };
        // What passes while other cases run has nothing to do with the death.
        let death = stint.death(patience).await.filter(|death| suspicious || death.in_flight <= 1);
        let verdict = match (&attempt, &death) {
            (Attempt::Judged(record, _), None) => record.verdict,
            _ => Verdict::Crash,
        };
        let log = stint.log(verdict);
        match (attempt, death) {
            (attempt, Some(mut death)) => {
                stint.claim();
                if death.in_flight <= 1 {
                    stint.leave_out_earlier(&mut death);
                }
                let mut record = attempt.into_record().unwrap_or_else(|| self.refused(agent, case, meta));
                record.log = log;
                Attempt::Died(record, Box::new(death))
            }
            (Attempt::Judged(mut record, watched), None) => {
                record.log = log;
                Attempt::Judged(record, watched)
            }
            (Attempt::NotOpened(mut record), None) => {
                record.log = log;
                Attempt::NotOpened(record)
            }
            (other, None) => other,
        }
    }

    fn refused(&self, agent: &Agent, case: &'static Case, meta: CaseMeta) -> Box<CaseRecord> {
        let outcome = unreachable(case, TesterRole::Client, "connections are refused".to_owned());
        Box::new(CaseRecord::from_outcome(&agent.name, case, &outcome, meta, &self.redaction))
    }

    async fn once(&self, agent: &Agent, case: &'static Case, meta: CaseMeta) -> Attempt {
        let since = Instant::now();
        let played = match case.series() {
            None => self.play(agent, case).await,
            Some(series) => self.play_series(agent, case, series).await,
        };
        let Played { outcome, tls, started } = match played {
            Err(ConnectError::Refused(_)) => return Attempt::Gone,
            Err(error) => {
                let outcome = unreachable(case, TesterRole::Client, error.to_string());
                Played { outcome, tls: None, started: since }
            }
            Ok(played) => played,
        };
        let backend = self.behind(agent, case, &outcome, [since, started]).await;
        let opened = is_opened(&outcome);
        let mut record = CaseRecord::from_outcome(&agent.name, case, &outcome, meta, &self.redaction);
        record.handshake.tls = tls;
        record.backend = backend.map(Box::new);
        outputs::trim(&mut record, self.trace);
        if opened {
            Attempt::Judged(Box::new(record), outcome.observation.watched)
        } else {
            Attempt::NotOpened(Box::new(record))
        }
    }

    /// What went on behind a proxy meanwhile. The connections of a series share their key: which is which is not told.
    async fn behind(
        &self,
        agent: &Agent,
        case: &Case,
        outcome: &Outcome,
        [since, started]: [Instant; 2],
    ) -> Option<BackendRecord> {
        let legs = agent.legs.as_ref().filter(|_| case.series().is_none())?;
        let request = RequestHead::parse(&outcome.observation.handshake.request);
        let claimed = legs.claim(request.headers.get("Sec-WebSocket-Key")?, since).await?;
        // On a busy machine the proxy may have opened its connection before this task went on.
        let micros = |from: Instant, to: Instant| {
            i64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(i64::MAX)
        };
        let after_us = micros(started, claimed.opened) - micros(claimed.opened, started);
        Some(BackendRecord::of(&claimed.seen, claimed.by, after_us, &self.redaction))
    }

    /// When a case of this run began.
    pub fn began(&self, record: &CaseRecord) -> Instant {
        self.started + Duration::from_micros(record.started_us)
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
        CaseMeta {
            number,
            started: now(),
            since_start: self.started.elapsed(),
            attempt,
            repro,
            log: None,
            tls: None,
        }
    }

    async fn play(&self, agent: &Agent, case: &Case) -> Result<Played, ConnectError> {
        let stream = connect(agent, self.settings.open_timeout).await?;
        let (tls, started) = (stream.tls(), Instant::now());
        let outcome = converse(stream, agent, case, &self.settings, self.case_timeout).await;
        Ok(Played { outcome, tls, started })
    }

    fn repro(&self, agent: &Agent, ids: &[CaseId]) -> Vec<String> {
        if let Some(command) = &self.command {
            let ids = ids.iter().map(ToString::to_string);
            return command.iter().cloned().chain(ids).chain(["-vvv".to_owned()]).collect();
        }
        let address = agent.address.clone();
        let words = ["wsspec", "run"].map(str::to_owned).into_iter();
        let words =
            words.chain(Some(address).filter(|_| !agent.built_in)).chain(ids.iter().map(ToString::to_string));
        words.chain(self.repeat.iter().cloned()).chain(agent.again.iter().cloned()).collect()
    }
}

/// Opens TCP, and TLS if that is asked for.
pub(super) async fn connect(agent: &Agent, open_timeout: Duration) -> Result<Stream, ConnectError> {
    let dial =
        || dial_captured(&agent.addresses, agent.secure.as_ref(), open_timeout, agent.capture.as_ref());
    for pause in RETRIES {
        match dial().await {
            Err(ConnectError::Refused(_)) => tokio::time::sleep(pause).await,
            other => return other,
        }
    }
    dial().await
}

/// Plays a case on this connection.
pub(super) async fn converse(
    stream: Stream,
    agent: &Agent,
    case: &Case,
    settings: &Settings,
    case_timeout: Option<Duration>,
) -> Outcome {
    let _ = stream.set_nodelay(agent.no_delay);
    let started = Instant::now();
    let run = CaseRun::client(case, &agent.opening, settings.clone());
    let own_limit = settings.open_timeout + case.time_limit.mul_f64(settings.time_scale) + GRACE;
    let limit = case_timeout.unwrap_or(own_limit);
    let outcome = judge(case, pump::drive(stream, run, started, limit).await);
    let is_cut = case_timeout.is_some_and(|limit| limit < own_limit && started.elapsed() >= limit);
    let waits = if matches!(case.play, Play::Drive(..)) { Duration::ZERO } else { expected_time(case) };
    let enough = limit >= waits.mul_f64(settings.time_scale);
    if is_cut && !is_wrong(case, &outcome) { cut_short(outcome, limit, enough) } else { outcome }
}

/// Whether something came that must not, however long the case had gone on.
fn is_wrong(case: &Case, outcome: &Outcome) -> bool {
    let seen = &outcome.observation;
    let begins = |accept: &Accept| {
        let pairs = accept.events.iter().zip(&seen.events);
        seen.events.len() <= accept.events.len()
            && pairs.into_iter().all(|(wanted, came)| wanted.matches(came))
    };
    let differs = !case.accepts.is_empty() && !case.accepts.iter().any(begins);
    seen.fault.is_some() || !seen.breaches.is_empty() || differs
}

/// A case that the user's limit ended breaks no rule: it was too slow, or could not even have been `enough`.
fn cut_short(outcome: Outcome, limit: Duration, enough: bool) -> Outcome {
    let limit = crate::text::duration(limit);
    let (verdict, observed) = match enough {
        true => (Verdict::Timeout, format!("the case was not over after {limit} (--case-timeout)")),
        false => {
            let why = "less than it waits for by itself";
            (Verdict::Error, format!("the case was cut short after {limit} (--case-timeout), {why}"))
        }
    };
    let check = Check {
        id: "case.time",
        level: Level::Must,
        section: String::new(),
        reached: true,
        ok: false,
        expected: Wanted::other(format!("a case that is over within {limit}")),
        observed: Found::other(observed.as_str()),
        entry: outcome.checks.iter().find(|check| !check.ok).and_then(|check| check.entry),
        header: None,
        seen_in: None,
    };
    let mut letters = observed.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let summary = first.into_iter().chain(letters).chain(['.']).collect();
    Outcome { verdict, summary, checks: vec![check], ..outcome }
}

impl Agent {
    /// The same one where this life of it listens.
    fn in_life(&self, life: &Life) -> Self {
        let mut moved = self.clone();
        moved.process = Some(life.pid());
        moved.addresses.clone_from(&life.addresses);
        moved.opening.host = life.target.host_header();
        moved.url = life.target.to_string();
        moved
    }
}

impl Attempt {
    fn into_record(self) -> Option<Box<CaseRecord>> {
        match self {
            Self::Judged(record, _) | Self::NotOpened(record) | Self::Died(record, _) => Some(record),
            Self::Gone => None,
        }
    }
}

/// A case that passed, and whose connection ended as it should: nothing that the death of the peer could have
/// brought about, or bring about. Many a case wants the peer to drop the connection, and dying looks just like that;
/// a peer that fails the connection as it should may die of that a moment later.
fn is_calm(record: &CaseRecord) -> bool {
    let close = &record.close;
    let dropped = close.tcp.as_deref().is_some_and(|by| by.starts_with("peer")) && !close.clean;
    let failed = close.first == "peer" && close.remote != Some(close_code::NORMAL);
    !record.verdict.is_red() && !dropped && !failed
}

fn is_opened(outcome: &Outcome) -> bool {
    !matches!(
        outcome.observation.handshake.never_opened,
        Some(
            NeverOpened::TimedOut
                | NeverOpened::Dropped(_)
                | NeverOpened::Status(TOO_MANY_REQUESTS | UNAVAILABLE)
                | NeverOpened::Unreachable(_)
        )
    )
}

/// `2026-11-21T10:14:02.113Z`
pub fn now() -> String {
    format!("{:.3}", Timestamp::now())
}
