//! A case of several connections against a server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use wsspec_cases::{Case, Series};
use wsspec_engine::{Outcome, Resources, Taken, TesterRole, Together, Verdict, unreachable};
use wsspec_report::record::TlsRecord;

use super::attempt::{Agent, Conditions, Played, connect, converse};
use crate::net::client::ConnectError;
use crate::sut::procfs::held;
use crate::tools::massconnect::Crowd;

/// Of connections that are open at the same time so many are opened at a time: listeners have short queues.
const OPENING: usize = 16;
/// How often the process of the server is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// For memory and descriptors to come back when all connections are gone.
const SETTLE: Duration = Duration::from_secs(5);

impl Conditions {
    /// All connections of a case, one after the other or at the same time; the TLS is that of the first.
    pub(super) async fn play_series(
        &self,
        agent: &Agent,
        case: &'static Case,
        series: &'static Series,
    ) -> Result<Played, ConnectError> {
        let started = Instant::now();
        let mut together = Together::new(case);
        let numbers = series.numbers(self.settings.loop_count);
        let witness = agent.process.filter(|_| series.footprint.is_some()).and_then(Witness::of);
        let tls = if series.at_once {
            self.at_once(agent, case, &numbers, &mut together).await
        } else {
            self.in_turn(agent, case, &numbers, &mut together).await?
        };
        if let Some(witness) = witness {
            together.took(witness.settle().await);
        }
        Ok(Played { outcome: together.conclude(TesterRole::Client), tls, started })
    }

    async fn in_turn(
        &self,
        agent: &Agent,
        case: &'static Case,
        numbers: &[u32],
        together: &mut Together<'_>,
    ) -> Result<Option<TlsRecord>, ConnectError> {
        let started = Instant::now();
        let mut tls = None;
        let limit = self.case_timeout.unwrap_or(case.time_limit.mul_f64(self.settings.time_scale));
        for &number in numbers {
            let part = case.part(number);
            let outcome = match connect(agent, self.settings.open_timeout).await {
                Ok(stream) => {
                    tls = tls.or_else(|| stream.tls());
                    converse(stream, agent, &part, &self.settings, self.case_timeout).await
                }
                Err(error) if together.tried() == 0 => return Err(error),
                Err(error) => gone(&part, &error),
            };
            together.add(number, &part, outcome);
            if together.is_decided() {
                break;
            }
            if started.elapsed() >= limit {
                let (tried, all) = (together.tried(), numbers.len());
                let why =
                    format!("Of {all} connections {tried} were over in {}.", crate::text::duration(limit));
                together.cut_short(Verdict::Timeout, why);
                break;
            }
        }
        Ok(tls)
    }

    async fn at_once(
        &self,
        agent: &Agent,
        case: &'static Case,
        numbers: &[u32],
        together: &mut Together<'_>,
    ) -> Option<TlsRecord> {
        let connections = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        if let Err(problem) = Crowd::check_limit(connections) {
            together.cut_short(Verdict::Error, problem.headline().to_owned());
            return None;
        }
        let mut tls = None;
        let opening = Arc::new(Semaphore::new(OPENING));
        let mut running = JoinSet::new();
        for &number in numbers {
            let (agent, settings, limit) = (agent.clone(), self.settings.clone(), self.case_timeout);
            let opening = opening.clone();
            running.spawn(async move {
                let part = case.part(number);
                let permit = opening.acquire_owned().await;
                let stream = connect(&agent, settings.open_timeout).await;
                drop(permit);
                let (outcome, tls) = match stream {
                    Ok(stream) => {
                        let tls = stream.tls();
                        (converse(stream, &agent, &part, &settings, limit).await, tls)
                    }
                    Err(error) => (gone(&part, &error), None),
                };
                (number, part, outcome, tls)
            });
        }
        while let Some(ended) = running.join_next().await {
            // A defect of the tester in one connection is one of the case.
            let (number, part, outcome, its_tls) =
                ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            together.add(number, &part, outcome);
            tls = tls.or(its_tls);
        }
        tls
    }
}

/// The server took connections before, and takes this one no more.
fn gone(part: &Case, error: &ConnectError) -> Outcome {
    let outcome = unreachable(part, TesterRole::Client, error.to_string());
    Outcome { verdict: Verdict::Fail, ..outcome }
}

/// Looks at the process of the server.
struct Witness {
    group: i32,
    before: Resources,
    most: watch::Receiver<Resources>,
    looking: JoinHandle<()>,
}

impl Witness {
    /// Looks from now on; `None` if there is nothing to be seen.
    fn of(group: i32) -> Option<Self> {
        let before = held(group)?;
        let (told, most) = watch::channel(before);
        let looking = tokio::spawn(async move {
            while let Some(now) = held(group) {
                told.send_modify(|most| {
                    most.octets = most.octets.max(now.octets);
                    most.descriptors = most.descriptors.max(now.descriptors);
                });
                sleep(LOOK).await;
            }
        });
        Some(Self { group, before, most, looking })
    }

    /// What it took, when it had time to give it back.
    async fn settle(self) -> Taken {
        let (before, most) = (self.before, *self.most.borrow());
        self.looking.abort();
        let deadline = Instant::now() + SETTLE;
        loop {
            let after = held(self.group).unwrap_or(before);
            let taken = Taken { before, most, after };
            if taken.came_back() || Instant::now() >= deadline {
                return taken;
            }
            sleep(LOOK).await;
        }
    }
}
