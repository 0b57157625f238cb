//! What each client has run: verdicts, and who waits for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use wsspec_cases::CaseId;
use wsspec_engine::{Verdict, Watched};
use wsspec_report::record::{CaseRecord, Standing};

/// More agents are refused.
pub const AGENTS_LIMIT: usize = 64;

/// A verdict in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The native verdict.
    pub verdict: Verdict,
    /// The reference's word for the behaviour.
    pub behavior: &'static str,
    /// The name of the group of failures.
    pub cause: Option<String>,
    /// How it stands against the baseline, if there is one.
    pub standing: Option<Standing>,
}

impl Brief {
    /// The short form of a record.
    pub fn of(record: &CaseRecord) -> Self {
        let cause = record.cause.clone();
        let behavior = record.autobahn.behavior.word();
        Self { verdict: record.verdict, behavior, cause, standing: record.outcome }
    }

    /// Whether it is told as a failure: what the baseline lists as it is, is not.
    pub fn is_bad(&self) -> bool {
        self.verdict.is_red() && self.standing != Some(Standing::Known)
    }
}

/// Nothing but the verdict is known.
impl From<Verdict> for Brief {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, behavior: "", cause: None, standing: None }
    }
}

/// The verdicts of all agents.
#[derive(Debug)]
pub struct Book {
    pages: Mutex<Pages>,
    visited: AtomicBool,
    /// Connections that have asked for a case and are not over.
    visits: AtomicU32,
    changed: watch::Sender<u64>,
}

/// A connection that has asked for a case; it is over when this is dropped.
#[derive(Debug)]
pub struct Visiting<'a>(&'a Book);

impl Drop for Visiting<'_> {
    fn drop(&mut self) {
        self.0.visits.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Pages {
    order: Vec<String>,
    /// The agents of which a case ran twice at once.
    twins: BTreeSet<String>,
    /// By how many observations the passive cases of an agent were judged.
    judged: HashMap<String, u32>,
    by_agent: HashMap<String, BTreeMap<CaseId, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    running: u32,
    attempts: u32,
    brief: Option<Brief>,
    watched: Option<Watched>,
    /// How often something was seen in passing.
    seen: u32,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            pages: Mutex::default(),
            visited: AtomicBool::new(false),
            visits: AtomicU32::new(0),
            changed: watch::Sender::new(0),
        }
    }
}

/// What came of the wish to run a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The so many-th attempt, from 1, of an agent that is new or not.
    Attempt {
        /// Counted from 1.
        number: u32,
        /// The agent had run nothing before.
        new_agent: bool,
        /// The case runs already, and did so for no other case of this agent: there may be two clients of one name.
        twin: bool,
    },
    /// There are too many agents.
    TooManyAgents,
}

impl Book {
    /// A connection asks for a case.
    pub fn visit(&self) -> Visiting<'_> {
        self.visited.store(true, Ordering::Relaxed);
        self.visits.fetch_add(1, Ordering::Relaxed);
        Visiting(self)
    }

    /// Whether any connection has asked for a case.
    pub fn is_visited(&self) -> bool {
        self.visited.load(Ordering::Relaxed)
    }

    /// A case starts.
    pub fn start(&self, agent: &str, case: CaseId) -> Start {
        let mut pages = self.lock();
        let new_agent = !pages.by_agent.contains_key(agent);
        if new_agent && pages.order.len() == AGENTS_LIMIT {
            return Start::TooManyAgents;
        }
        if new_agent {
            pages.order.push(agent.to_owned());
        }
        let entry = pages.by_agent.entry(agent.to_owned()).or_default().entry(case).or_default();
        let runs_already = entry.running > 0;
        entry.running += 1;
        entry.attempts += 1;
        let number = entry.attempts;
        self.changed.send_modify(|version| *version += 1);
        let twin = runs_already && pages.twins.insert(agent.to_owned());
        Start::Attempt { number, new_agent, twin }
    }

    /// A case has ended, with a verdict unless it was skipped.
    pub fn end(&self, agent: &str, case: CaseId, brief: Option<Brief>) {
        let mut pages = self.lock();
        let entry = pages.by_agent.entry(agent.to_owned()).or_default().entry(case).or_default();
        entry.running = entry.running.saturating_sub(1);
        entry.brief = brief.or(entry.brief.take());
        drop(pages);
        self.changed.send_modify(|version| *version += 1);
    }

    /// What was seen in passing while a case ran.
    pub fn watched(&self, agent: &str, case: CaseId, watched: Watched) {
        let mut pages = self.lock();
        if let Some(entry) = pages.by_agent.get_mut(agent).and_then(|page| page.get_mut(&case)) {
            entry.watched = Some(watched);
            entry.seen += 1;
        }
    }

    /// Whether more was seen in passing than what the passive cases of an agent were judged by.
    pub fn is_news(&self, agent: &str) -> bool {
        let mut pages = self.lock();
        let entries = pages.by_agent.get(agent).into_iter().flat_map(BTreeMap::values);
        let seen: u32 = entries.map(|entry| entry.seen).sum();
        seen > 0 && pages.judged.insert(agent.to_owned(), seen) != Some(seen)
    }

    /// What was seen in passing in all cases of an agent.
    pub fn all_watched(&self, agent: &str) -> Vec<(CaseId, Watched)> {
        let pages = self.lock();
        let page = pages.by_agent.get(agent).into_iter().flatten();
        page.filter_map(|(id, entry)| Some((*id, entry.watched.clone()?))).collect()
    }

    /// The verdict of a case, as soon as it has one and no new attempt is running.
    pub async fn verdict(&self, agent: &str, case: CaseId) -> Brief {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(brief) = self.settled(agent, case) {
                return brief;
            }
            // The sender lives as long as the book.
            let _ = changed.changed().await;
        }
    }

    fn settled(&self, agent: &str, case: CaseId) -> Option<Brief> {
        let pages = self.lock();
        let entry = pages.by_agent.get(agent)?.get(&case)?;
        if entry.running > 0 { None } else { entry.brief.clone() }
    }

    /// Whether the case was ever started.
    pub fn started(&self, agent: &str, case: CaseId) -> bool {
        self.lock().by_agent.get(agent).is_some_and(|page| page.contains_key(&case))
    }

    /// Waits until the case was started at least once.
    pub async fn begun(&self, agent: &str, case: CaseId) {
        let mut changed = self.changed.subscribe();
        while !self.started(agent, case) {
            let _ = changed.changed().await;
        }
    }

    /// Waits until the agent has no case running.
    pub async fn idle(&self, agent: &str) {
        self.idle_in(agent, |_| true).await;
    }

    /// Waits until the agent has none of these cases running.
    pub async fn idle_in(&self, agent: &str, of: impl Fn(CaseId) -> bool) {
        let mut changed = self.changed.subscribe();
        let runs = |(id, entry): (&CaseId, &Entry)| of(*id) && entry.running > 0;
        while self.lock().by_agent.get(agent).is_some_and(|page| page.iter().any(runs)) {
            let _ = changed.changed().await;
        }
    }

    /// A number that grows with every verdict.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// All agents in the order in which they came, with their verdicts.
    pub fn agents(&self) -> Vec<(String, BTreeMap<CaseId, Brief>)> {
        let pages = self.lock();
        let verdicts = |page: &BTreeMap<CaseId, Entry>| {
            page.iter().filter_map(|(id, entry)| Some((*id, entry.brief.clone()?))).collect()
        };
        pages.order.iter().map(|agent| (agent.clone(), verdicts(&pages.by_agent[agent]))).collect()
    }

    /// Whether a case is running, or waits until it may.
    pub fn is_busy(&self) -> bool {
        let is_running =
            || self.lock().by_agent.values().flat_map(BTreeMap::values).any(|entry| entry.running > 0);
        self.visits.load(Ordering::Relaxed) > 0 || is_running()
    }

    /// The cases of an agent that are running.
    pub fn running_of(&self, agent: &str) -> Vec<CaseId> {
        let pages = self.lock();
        let page = pages.by_agent.get(agent).into_iter().flatten();
        page.filter(|(_, entry)| entry.running > 0).map(|(id, _)| *id).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn brief(verdict: Verdict) -> Brief {
        Brief { behavior: "OK", ..verdict.into() }
    }

    fn id(text: &str) -> CaseId {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_verdict_is_waited_for_also_while_a_case_is_repeated() {
        let book = Arc::new(Book::default());
        let other = book.clone();
        let waiting = tokio::spawn(async move { other.verdict("a", id("1.1.1")).await });
        assert_eq!(book.start("a", id("1.1.1")), Start::Attempt { number: 1, new_agent: true, twin: false });
        book.end("a", id("1.1.1"), Some(brief(Verdict::Fail)));
        assert_eq!(waiting.await.unwrap().verdict, Verdict::Fail);

        assert_eq!(book.start("a", id("1.1.1")), Start::Attempt { number: 2, new_agent: false, twin: false });
        let early = tokio::time::timeout(Duration::from_millis(20), book.verdict("a", id("1.1.1"))).await;
        assert!(early.is_err(), "the old verdict does not count while the case is running again");
        book.end("a", id("1.1.1"), Some(brief(Verdict::Pass)));
        assert_eq!(book.verdict("a", id("1.1.1")).await.verdict, Verdict::Pass);
    }

    #[test]
    fn what_was_seen_after_the_reports_in_a_case_that_had_begun_before_was_not_judged() {
        let book = Book::default();
        let see = || book.watched("a", id("1.1.1"), Watched::default());
        assert!(!book.is_news("a"), "nothing was seen");
        book.start("a", id("1.1.1"));
        see();
        book.start("a", id("1.1.1"));
        assert!(book.is_news("a"));
        assert!(!book.is_news("a"), "once is enough");
        see();
        assert!(book.is_news("a"), "the second attempt has ended");
    }

    #[test]
    fn agents_are_kept_in_order_and_not_more_than_a_few() {
        let book = Book::default();
        for number in 0..AGENTS_LIMIT {
            book.start(&format!("agent {}", 100 - number), id("1.1.1"));
        }
        assert_eq!(book.start("one more", id("1.1.1")), Start::TooManyAgents);
        assert_eq!(
            book.start("agent 100", id("1.1.2")),
            Start::Attempt { number: 1, new_agent: false, twin: false }
        );
        assert_eq!(book.agents()[1].0, "agent 99");
        assert!(book.is_busy());
        book.end("agent 100", id("1.1.1"), None);
        assert_eq!(book.running_of("agent 100"), [id("1.1.2")]);
    }
}
