//! A connection that asks for a case: the case is played and judged.

use std::time::Duration;

use tokio::time::Instant;
use wsspec_cases::CaseId;
use wsspec_engine::{CaseRun, Observation, Verdict, judge};
use wsspec_report::record::CaseMeta;

use super::{GRACE, Visit};
use crate::fault;
use crate::net::{Transport, pump};
use crate::serve::Shared;
use crate::serve::book::{Brief, Start};
use crate::serve::control::Control;
use crate::serve::limits::FULL;
use crate::serve::notice::Notice;
use crate::serve::record::{meta, settle};
use crate::serve::request::Request;
use crate::serve::route::Job;
use crate::serve::series::Over;

impl Visit {
    /// Plays the case that is asked for, unless there is no room for it.
    pub(super) async fn run<T: Transport>(&self, stream: T, request: Request, job: Job) {
        let shared = &self.shared;
        let (agent, id) = (job.agent.clone(), job.case.id);
        let _visit = shared.book.visit();
        if !shared.has_room().await {
            let refusal = self.refusal(507, "Insufficient Storage", FULL.to_owned());
            return refusal.answer(stream).await;
        }
        shared.goes_on(&agent, Some(id));
        let Start::Attempt { number, new_agent, twin } = shared.book.start(&agent, id) else {
            return self.refuse(stream, 503, "Service Unavailable", "too many agents".to_owned()).await;
        };
        let _ending = Ending { shared, agent: &agent, id, _running: fault::Running::new(id) };
        if twin {
            shared.tell(Notice::Twin { agent: agent.clone(), case: id });
        }
        if new_agent {
            shared.tell(Notice::AgentCame { agent: agent.clone(), peer: self.peer });
        }
        shared.tell(Notice::CaseStarted { agent: agent.clone(), case: id, peer: self.peer });
        if shared.plan.exclusions.excludes(&agent, id) {
            return self.skip(stream, &request, job).await;
        }
        fault::provoked(&id.to_string());
        let from = shared.plan.log.position();
        let tls = self.tls.clone();
        let meta = CaseMeta { tls, ..meta(shared, job.case, self.started, number) };
        let over = match shared.begun.next(&agent, job.case, shared.plan.settings.loop_count, &meta) {
            Some(number) => self.play(stream, request, &job, number, meta).await,
            None => {
                self.take_and_close(stream, &request).await;
                None
            }
        };
        match over {
            Some(over) => settle(shared, &agent, over, from),
            None => shared.book.end(&agent, id, None),
        }
    }

    async fn play<T: Transport>(
        &self,
        stream: T,
        mut request: Request,
        job: &Job,
        number: u32,
        meta: CaseMeta,
    ) -> Option<Over> {
        let plan = &self.shared.plan;
        let part = job.case.part(number);
        let run = CaseRun::server(&part, &request.head, plan.settings.clone());
        let limit = part.time_limit.mul_f64(plan.settings.time_scale) + GRACE;
        let outcome = judge(&part, drive(stream, run, &mut request.rest, limit).await);
        match job.case.series() {
            None => Some(Over { case: job.case, outcome, meta }),
            Some(_) => self.shared.begun.ended(&job.agent, number, &part, outcome),
        }
    }

    /// The connection is taken and closed at once, and no result is kept.
    async fn skip<T: Transport>(&self, stream: T, request: &Request, job: Job) {
        let shared = &self.shared;
        let brief = Brief { behavior: "UNIMPLEMENTED", ..Brief::from(Verdict::Skipped) };
        shared.book.end(&job.agent, job.case.id, Some(brief));
        shared.tell(Notice::CaseSkipped { agent: job.agent, case: job.case.id });
        self.take_and_close(stream, request).await;
    }

    async fn take_and_close<T: Transport>(&self, stream: T, request: &Request) {
        let subprotocols = self.shared.plan.settings.spoken();
        if let Some(control) = Control::open(stream, request, &subprotocols).await {
            control.close().await;
        }
    }
}

/// A case that is under way. Nobody waits for one that a defect has ended.
struct Ending<'a> {
    shared: &'a Shared,
    agent: &'a str,
    id: CaseId,
    _running: fault::Running,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.book.end(self.agent, self.id, None);
        }
    }
}

/// Plays a case whose request has been read, together with the octets behind it.
pub(super) async fn drive<T: Transport>(
    stream: T,
    mut run: CaseRun<'_>,
    rest: &mut [u8],
    limit: Duration,
) -> Observation {
    let started = Instant::now();
    if !rest.is_empty() {
        run.handle_input(rest, Duration::ZERO);
    }
    pump::drive(stream, run, started, limit).await
}
