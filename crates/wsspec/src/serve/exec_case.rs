//! `--exec-case`: one process per case, so that the author of a client writes no loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use wsspec_cases::Case;
use wsspec_engine::{Behavior, BehaviorClose, Outcome, TesterRole, Verdict, unreachable};
use wsspec_report::record::CaseRecord;

use super::book::Start;
use super::notice::Notice;
use super::{Shared, record, route};
use crate::errors::Problem;
use crate::signals::raised;
use crate::sut::command::{CommandLine, Value};
use crate::sut::process::{Process, StopRule, in_words};
use crate::text;

/// The status with which a client says that it does not support a case.
const NOT_SUPPORTED: i32 = 127;
/// A process that has not connected for so long is ended: some take their time to start.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// Processes that end sooner cost little, connected or not.
const COSTLY: Duration = Duration::from_secs(5);
/// So many costly processes in a row are enough if no process has ever connected, and so many if one has.
const VAIN_FROM_THE_START: u32 = 2;
const VAIN_LATER: u32 = 5;
/// After its case a process may go on for so long.
const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// What is started for every case.
pub struct ExecCase {
    /// The command.
    pub command: CommandLine,
    /// The name of the client in the reports.
    pub agent: String,
    /// The address of the server, such as `ws://127.0.0.1:9001`.
    pub base: String,
    /// Processes at a time.
    pub jobs: usize,
    /// How long a process may take to connect.
    pub patience: Duration,
    /// The costly processes since the last one that connected.
    pub vain: AtomicU32,
    /// Becomes true when no process is needed any more.
    pub stop: watch::Sender<bool>,
}

impl ExecCase {
    /// Processes for a client of this name; the address is not known yet.
    pub fn new(command: CommandLine, agent: String, jobs: usize, time_scale: f64) -> Self {
        let patience = CONNECT_LIMIT.mul_f64(time_scale.max(1.0));
        Self {
            command,
            agent,
            base: String::new(),
            jobs,
            patience,
            vain: AtomicU32::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// Runs all cases, or as many as it takes to see that the processes do not connect. Says how it ended.
    ///
    /// # Errors
    /// The command cannot be started.
    pub async fn run(self: Arc<Self>, shared: Arc<Shared>) -> Result<String, Problem> {
        let exec = self;
        let room = Arc::new(Semaphore::new(exec.jobs.max(1)));
        let mut running = JoinSet::new();
        let mut closed = shared.stopped();
        for case in shared.plan.cases.clone() {
            let permit = tokio::select! {
                biased;
                () = raised(&mut closed) => break,
                permit = room.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
            };
            while let Some(ended) = running.try_join_next() {
                ended.expect("a case does not panic")?;
            }
            if let Some(why) = exec.is_vain(&shared) {
                exec.stop();
                running.join_all().await;
                return Ok(why);
            }
            let (exec, shared) = (exec.clone(), shared.clone());
            running.spawn(async move {
                let ended = exec.one(case, &shared).await;
                drop(permit);
                ended
            });
        }
        running.join_all().await.into_iter().collect::<Result<(), Problem>>()?;
        Ok(format!("the {} processes have ended", shared.plan.cases.len()))
    }

    /// Ends the processes that run; what does not end as it should is named.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether it is of no use to start more processes, and why.
    pub(super) fn is_vain(&self, shared: &Shared) -> Option<String> {
        let most = if shared.book.is_visited() { VAIN_LATER } else { VAIN_FROM_THE_START };
        let vain = self.vain.load(Ordering::Relaxed);
        (vain >= most).then(|| format!("{vain} processes in a row did not connect"))
    }

    /// Counts a process that has ended.
    pub(super) fn count(&self, has_connected: bool, took: Duration) {
        if has_connected {
            self.vain.store(0, Ordering::Relaxed);
        } else if took >= COSTLY.min(self.patience) {
            self.vain.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn one(&self, case: &'static Case, shared: &Shared) -> Result<(), Problem> {
        if shared.plan.exclusions.excludes(&self.agent, case.id) {
            return Ok(());
        }
        let id = case.id.to_string();
        let url = format!("{}/runCase?casetuple={id}&agent={}", self.base, route::encode(&self.agent));
        let values = [
            Value { placeholder: "{url}", variable: "WSSPEC_URL", value: &url },
            Value { placeholder: "{case}", variable: "WSSPEC_CASE", value: &id },
        ];
        let (from, started) = (shared.plan.log.position(), Instant::now());
        let mut process = self.command.start(&values, &shared.plan.log)?;
        let mut stop = self.stop.subscribe();
        let verdict = tokio::select! {
            verdict = self.watch(&mut process, case, shared) => verdict,
            () = raised(&mut stop) => None,
        };
        self.count(shared.book.started(&self.agent, case.id), started.elapsed());
        let rule = StopRule::default();
        for line in process.end(rule).await.lines(rule) {
            shared.leak(format!("{id}: {line}"));
        }
        // Nobody could connect to a server that ends.
        if let Some((verdict, why)) = verdict.filter(|_| !*shared.stopped().borrow()) {
            self.note(case, shared, (verdict, why), from);
        }
        Ok(())
    }

    /// Waits for the verdict and the end of the process, though not for ever. Returns a verdict of its own if the server
    /// has none.
    async fn watch(
        &self,
        process: &mut Process,
        case: &'static Case,
        shared: &Shared,
    ) -> Option<(Verdict, String)> {
        let judged = shared.book.verdict(&self.agent, case.id);
        tokio::pin!(judged);
        let ended = tokio::select! {
            _ = &mut judged => {
                let how = match timeout(EXIT_LIMIT, process.wait()).await {
                    Ok(Ok(status)) if status.code().is_none() => Some(format!("ended with {}", in_words(status))),
                    Ok(_) => None,
                    Err(_) => Some(format!("did not end within {EXIT_LIMIT:?} and was stopped")),
                };
                if let Some(how) = how {
                    shared.tell(Notice::ProcessNote(format!("the client of {} {how}, after its case", case.id)));
                }
                return None;
            }
            status = process.wait() => status,
            why = self.overdue(case, shared) => return Some((Verdict::Timeout, why)),
        };
        process.silence().await;
        let Ok(status) = ended else { return None };
        if status.code() == Some(NOT_SUPPORTED) {
            return Some((
                Verdict::NotApplicable,
                "the client says that it does not support the case".to_owned(),
            ));
        }
        // The connection may outlive the process for a moment.
        let closing = case.time_limit.mul_f64(shared.plan.settings.time_scale) + EXIT_LIMIT;
        let connected = shared.book.started(&self.agent, case.id);
        if connected && case.series().is_some() {
            let _ = timeout(closing, shared.book.idle_in(&self.agent, |id| id == case.id)).await;
            shared.abandon(&self.agent, |id| id == case.id);
        }
        if connected && timeout(closing, &mut judged).await.is_ok() {
            return None;
        }
        let crashed = status.code().is_none();
        // Nothing was seen of the case, so that nothing is broken that could be told.
        let verdict = if crashed { Verdict::Crash } else { Verdict::Error };
        Some((verdict, format!("the client ended with {} and did not connect", in_words(status))))
    }

    /// Waits until the process should have connected, and if it has, until its case should be over. Says what is missing.
    async fn overdue(&self, case: &Case, shared: &Shared) -> String {
        sleep(self.patience).await;
        if !shared.book.started(&self.agent, case.id) {
            return format!("the client did not connect within {}", text::duration(self.patience));
        }
        sleep(case.time_limit.mul_f64(shared.plan.settings.time_scale)).await;
        "the client did not come to the end of its case".to_owned()
    }

    /// Puts a verdict into the record that no connection has earned.
    fn note(&self, case: &'static Case, shared: &Shared, (verdict, why): (Verdict, String), from: u64) {
        let not_applicable = verdict == Verdict::NotApplicable;
        let outcome = Outcome { verdict, ..unreachable(case, TesterRole::Server, why) };
        let outcome = if not_applicable {
            Outcome {
                summary: "The client says that it does not support the case.".to_owned(),
                checks: Vec::new(),
                behavior: Behavior::Unimplemented,
                behavior_close: BehaviorClose::Ok,
                ..outcome
            }
        } else {
            outcome
        };
        let attempt = match shared.book.start(&self.agent, case.id) {
            Start::Attempt { number, .. } => number,
            Start::TooManyAgents => return,
        };
        let meta = record::meta(shared, case, Instant::now(), attempt);
        let mut record = CaseRecord::from_outcome(&self.agent, case, &outcome, meta, &shared.plan.redaction);
        record.log = shared.plan.log.since(from, record.verdict);
        record::enter(shared, &self.agent, record);
    }
}
