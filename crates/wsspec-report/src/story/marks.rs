//! What stands beside frames that were sent and are to be seen.

use wsspec_engine::Found;

use super::breach::sent_breach;
use super::timeline::{Row, Side};
use crate::record::{CaseRecord, CheckRecord};

/// The marks of a case.
#[derive(Clone, Debug)]
pub struct FrameMarks {
    breach: Option<(usize, String)>,
    outcome: &'static str,
}

impl FrameMarks {
    /// Those of a case.
    pub fn of(case: &CaseRecord) -> Self {
        let breach = sent_breach(case).map(|(at, what)| (at, what.mark()));
        Self { breach, outcome: outcome_of_sent(case) }
    }

    /// Of a frame that breaks a rule, which; of another one that is to be seen, what became of it.
    pub fn of_row(&self, row: &Row<'_>) -> Option<&str> {
        let breach = self.breach.as_ref().filter(|(at, _)| row.side == Side::Sent && *at == row.line.i);
        let is_seen = row.side == Side::Sent && (row.is_deviation || row.is_telling);
        breach.map(|(_, what)| what.as_str()).or_else(|| is_seen.then_some(self.outcome))
    }
}

/// What became of a frame that was sent and is marked.
fn outcome_of_sent(case: &CaseRecord) -> &'static str {
    if case.first_failed().is_some_and(CheckRecord::is_alive) {
        "the last it got"
    } else if is_silent(case) {
        "not answered"
    } else {
        "answered otherwise"
    }
}

/// Whether what is wrong is that something did not come.
fn is_silent(case: &CaseRecord) -> bool {
    let found = case.first_failed().and_then(|check| check.found.as_deref());
    found.is_some_and(|found| {
        matches!(
            found,
            Found::StayedOpen { .. }
                | Found::NoAnswer
                | Found::TcpForAnswer { .. }
                | Found::TcpEnded { .. }
                | Found::Silence
                | Found::Events { count: 0, .. }
        )
    })
}
