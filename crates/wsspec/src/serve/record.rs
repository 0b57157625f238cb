//! What is known of a case goes into the record and the book.

use tokio::time::Instant;
use wsspec_cases::{Case, suite};
use wsspec_report::record::{CaseMeta, CaseRecord, Line};
use wsspec_report::story::cause_sentence;

use super::Shared;
use super::book::Brief;
use super::notice::Notice;
use super::series::Over;
use crate::outputs;
use crate::run::attempt::now;

/// Puts the outcome of a case into the record. `from` is where the log of the client began.
pub(super) fn settle(shared: &Shared, agent: &str, over: Over, from: u64) {
    let Over { case, outcome, meta } = over;
    let plan = &shared.plan;
    shared.book.watched(agent, case.id, outcome.observation.watched.clone());
    let mut record = CaseRecord::from_outcome(agent, case, &outcome, meta, &plan.redaction);
    outputs::trim(&mut record, plan.trace);
    record.log = plan.log.since(from, record.verdict);
    enter(shared, agent, record);
}

/// Puts a verdict into the record and the book, and tells it.
pub(super) fn enter(shared: &Shared, agent: &str, mut record: CaseRecord) {
    if let Some(expected) = &shared.plan.expected {
        expected.compare(&mut record);
    }
    let (case, brief) = (record.id, Brief::of(&record));
    let summary = cause_sentence(&record).raw().to_owned();
    shared.fit(&mut record);
    shared.ledger.write(Line::Case(Box::new(record)));
    shared.book.end(agent, case, Some(brief.clone()));
    shared.tell(Notice::CaseEnded { agent: agent.to_owned(), case, brief, summary });
}

/// What the record of a case says beyond its outcome.
pub(super) fn meta(shared: &Shared, case: &Case, started: Instant, attempt: u32) -> CaseMeta {
    CaseMeta {
        number: number(case),
        started: now(),
        since_start: started.duration_since(shared.started),
        attempt,
        repro: shared.plan.repro.iter().cloned().chain([case.id.to_string()]).collect(),
        log: None,
        tls: None,
    }
}

/// The place of a case in the list of all cases, from 1.
fn number(case: &Case) -> u32 {
    let place = suite().cases().binary_search_by_key(&case.id, |other| other.id);
    place.map_or(0, |place| u32::try_from(place + 1).unwrap_or(0))
}
