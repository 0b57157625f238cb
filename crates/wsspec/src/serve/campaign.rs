//! When a server that is to run once is done, and why.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use wsspec_cases::CaseId;

use super::book::{Book, Brief};
use super::notice::Notice;
use crate::exit_code::ExitCode;

/// After the last case of the last agent: it may still ask for reports, or another one may come.
const SETTLE: Duration = Duration::from_secs(1);

/// The same for a driver that this process has started, while it runs and has not asked for reports; and for processes of
/// cases, of which the last ones may be about to end.
const DRIVEN_SETTLE: Duration = Duration::from_secs(10);

/// Why a server ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every agent that came is through.
    Through,
    /// No case was asked for; with how what was started has ended, if it has.
    NoClient(Option<String>),
    /// An agent stopped half way, for this reason.
    Stalled(String),
    /// A client or a page asked for it.
    Asked,
    /// Ctrl-C or SIGTERM.
    Interrupted(ExitCode),
}

/// What was seen so far.
#[derive(Clone, Debug)]
pub struct Campaign {
    selected: Vec<CaseId>,
    patience: Duration,
    last: Instant,
    /// The agents that came, and whether they have asked for their reports since.
    through: HashMap<String, bool>,
    /// Reports that were asked for and are not written yet: a client waits for them.
    unwritten: u32,
    /// A page has said that it is done.
    page_done: bool,
    /// What goes through the cases was started here.
    pub driven: bool,
    /// Connections without a request.
    pub idle_connections: u32,
    /// Requests that were refused.
    pub refused: u32,
}

impl Campaign {
    /// Nothing has happened yet. A client may be silent for `patience`.
    pub fn new(selected: Vec<CaseId>, patience: Duration, now: Instant) -> Self {
        Self {
            selected,
            patience,
            last: now,
            through: HashMap::new(),
            unwritten: 0,
            page_done: false,
            driven: false,
            idle_connections: 0,
            refused: 0,
        }
    }

    /// Something happened.
    pub fn note(&mut self, notice: &Notice, now: Instant) {
        match notice {
            Notice::NoRequest { .. } => {
                self.idle_connections += 1;
                return;
            }
            Notice::Refused { .. } => self.refused += 1,
            Notice::ReportsAsked { agent, .. } => {
                // Names that run no case are without number.
                if let Some(through) = self.through.get_mut(agent) {
                    *through = true;
                }
                self.unwritten += 1;
            }
            Notice::ReportsWritten | Notice::ReportsFailed(_) => {
                self.unwritten = self.unwritten.saturating_sub(1);
            }
            Notice::CaseStarted { agent, .. } => {
                self.through.insert(agent.clone(), false);
            }
            Notice::PageDone => self.page_done = true,
            _ => {}
        }
        self.last = now;
    }

    /// Whether the server is done.
    pub fn check(&self, book: &Book, now: Instant) -> Option<Ended> {
        if book.is_busy() || self.unwritten > 0 {
            return None;
        }
        let quiet = now.duration_since(self.last);
        let agents = book.agents();
        if agents.is_empty() {
            let waited = self.page_done || quiet >= self.patience;
            return waited.then_some(Ended::NoClient(None));
        }
        let open: Vec<&str> = agents
            .iter()
            .filter(|(agent, verdicts)| !self.is_through(agent) && !self.has_all(verdicts))
            .map(|(agent, _)| agent.as_str())
            .collect();
        match open.as_slice() {
            _ if self.page_done => Some(Ended::Through),
            [] => {
                let asked = agents.iter().all(|(agent, _)| self.is_through(agent));
                let settle = if self.driven && !asked { DRIVEN_SETTLE } else { SETTLE };
                (quiet >= settle).then_some(Ended::Through)
            }
            _ if quiet < self.patience => None,
            open => Some(Ended::Stalled(format!(
                "no connection for {}; unfinished: {}",
                crate::text::duration(self.patience),
                open.iter()
                    .map(|agent| crate::terminal::lines::agent_name(agent))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// Whether every agent that came has a verdict for every case.
    pub fn is_complete(&self, book: &Book) -> bool {
        book.agents().iter().all(|(_, verdicts)| self.has_all(verdicts))
    }

    fn is_through(&self, agent: &str) -> bool {
        self.through.get(agent).is_some_and(|through| *through)
    }

    fn has_all(&self, verdicts: &BTreeMap<CaseId, Brief>) -> bool {
        self.selected.iter().all(|id| verdicts.contains_key(id))
    }
}

#[cfg(test)]
mod tests {
    use wsspec_engine::Verdict;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn id(text: &str) -> CaseId {
        text.parse().unwrap()
    }

    fn run(book: &Book, agent: &str, case: &str) {
        book.start(agent, id(case));
        let brief = Brief { behavior: "OK", ..Verdict::Pass.into() };
        book.end(agent, id(case), Some(brief));
    }

    fn started(agent: &str) -> Notice {
        let peer = "127.0.0.1:1".parse().unwrap();
        Notice::CaseStarted { agent: agent.to_owned(), case: id("1.1.1"), peer }
    }

    #[tokio::test]
    async fn it_ends_when_every_agent_has_run_everything() {
        let (book, start) = (Book::default(), Instant::now());
        let mut campaign = Campaign::new(vec![id("1.1.1"), id("1.1.2")], PATIENCE, start);
        run(&book, "a", "1.1.1");
        campaign.note(&started("a"), start);
        assert_eq!(campaign.check(&book, start + SETTLE), None, "a case is missing");
        run(&book, "a", "1.1.2");
        assert_eq!(campaign.check(&book, start + SETTLE / 2), None, "reports may be asked for");
        assert_eq!(campaign.check(&book, start + SETTLE), Some(Ended::Through));
        book.start("b", id("1.1.1"));
        assert_eq!(campaign.check(&book, start + PATIENCE * 2), None, "a case is running");
    }

    #[tokio::test]
    async fn a_case_that_waited_for_the_results_before_it_was_taken_for_silence() {
        let (book, start) = (Book::default(), Instant::now());
        let campaign = Campaign::new(vec![id("1.1.1"), id("1.1.2")], PATIENCE, start);
        run(&book, "a", "1.1.1");
        let visit = book.visit();
        assert_eq!(campaign.check(&book, start + PATIENCE), None);
        drop(visit);
        assert!(matches!(campaign.check(&book, start + PATIENCE), Some(Ended::Stalled(_))));
    }

    #[tokio::test]
    async fn a_driver_that_was_slow_to_ask_for_reports_found_nobody() {
        let (book, start) = (Book::default(), Instant::now());
        let mut campaign = Campaign::new(vec![id("1.1.1")], PATIENCE, start);
        campaign.driven = true;
        run(&book, "a", "1.1.1");
        campaign.note(&started("a"), start);
        assert_eq!(campaign.check(&book, start + SETTLE), None);
        assert_eq!(campaign.check(&book, start + DRIVEN_SETTLE), Some(Ended::Through), "it may run for ever");
        let peer = "127.0.0.1:1".parse().unwrap();
        campaign.note(&Notice::ReportsAsked { agent: "a".to_owned(), peer }, start);
        campaign.note(&Notice::ReportsWritten, start);
        assert_eq!(campaign.check(&book, start + SETTLE), Some(Ended::Through));
    }

    #[tokio::test]
    async fn a_driver_was_ended_while_the_reports_that_it_waited_for_were_written() {
        let (book, start) = (Book::default(), Instant::now());
        let mut campaign = Campaign::new(vec![id("1.1.1")], PATIENCE, start);
        run(&book, "a", "1.1.1");
        let peer = "127.0.0.1:1".parse().unwrap();
        campaign.note(&Notice::ReportsAsked { agent: "a".to_owned(), peer }, start);
        let written = start + SETTLE * 5;
        assert_eq!(campaign.check(&book, written), None);
        campaign.note(&Notice::ReportsWritten, written);
        assert_eq!(campaign.check(&book, written + SETTLE / 2), None, "the client has yet to hear of it");
        assert_eq!(campaign.check(&book, written + SETTLE), Some(Ended::Through));
    }

    #[tokio::test]
    async fn an_agent_that_asks_for_reports_is_through() {
        let (book, start) = (Book::default(), Instant::now());
        let mut campaign = Campaign::new(vec![id("1.1.1"), id("1.1.2")], PATIENCE, start);
        run(&book, "a", "1.1.1");
        campaign.note(&started("a"), start);
        let peer = "127.0.0.1:1".parse().unwrap();
        campaign.note(&Notice::ReportsAsked { agent: "a".to_owned(), peer }, start);
        campaign.note(&Notice::ReportsWritten, start);
        assert_eq!(campaign.check(&book, start + SETTLE), Some(Ended::Through));
        run(&book, "b", "1.1.1");
        assert_eq!(campaign.check(&book, start + SETTLE), None);
    }

    #[tokio::test]
    async fn names_that_ran_no_case_were_kept() {
        let start = Instant::now();
        let mut campaign = Campaign::new(vec![id("1.1.1")], PATIENCE, start);
        let peer = "127.0.0.1:1".parse().unwrap();
        (0..100).for_each(|n| campaign.note(&Notice::ReportsAsked { agent: n.to_string(), peer }, start));
        assert!(campaign.through.is_empty());
    }

    #[tokio::test]
    async fn silence_ends_it_with_a_reason() {
        let (book, start) = (Book::default(), Instant::now());
        let mut campaign = Campaign::new(vec![id("1.1.1"), id("1.1.2")], PATIENCE, start);
        let peer = "127.0.0.1:1".parse().unwrap();
        campaign.note(&Notice::NoRequest { peer }, start + PATIENCE / 2);
        assert_eq!(campaign.check(&book, start + PATIENCE / 2), None);
        assert_eq!(campaign.check(&book, start + PATIENCE), Some(Ended::NoClient(None)));
        assert_eq!(campaign.idle_connections, 1);
        run(&book, "a", "1.1.1");
        let Some(Ended::Stalled(why)) = campaign.check(&book, start + PATIENCE) else { panic!("it stalled") };
        assert!(why.ends_with("unfinished: a"), "{why}");
    }
}
