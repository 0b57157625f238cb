//! What `wsspec serve` prints while it serves.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Zoned;
use tokio::time::Instant;
use wsspec_cases::CaseId;
use wsspec_report::Untrusted;

use super::notice::Notice;
use super::{Shared, standing};
use crate::sut::process::leak;
use crate::terminal::opening::row_at;
use crate::terminal::{Console, lines};
use crate::text::{count, wrap};

/// Between two lines about the progress of one agent.
const EVERY: Duration = Duration::from_secs(10);

/// An agent that has been silent for so long, with no case running, may not come back.
const QUIET: Duration = Duration::from_secs(2);

/// Columns for the time, and for the name of an agent.
const INDENT: usize = 11;
const NAME: usize = 21;

/// So many refused requests, or notes on processes, are told one by one; of the rest it is told how many they were.
const ONE_BY_ONE: u64 = 8;

/// Prints notices.
pub struct Voice<'a> {
    console: &'a Console,
    /// Clients may come until somebody ends the server.
    stays: bool,
    told: BTreeMap<String, Told>,
    has_reports: bool,
    refused: u64,
    notes: u64,
}

/// What was told of an agent.
struct Told {
    /// When its progress was told.
    at: Instant,
    /// When it was heard of.
    heard: Instant,
    /// A case has begun or ended since its progress was told.
    is_news: bool,
    /// How long it is silent when it may not come back. Of a client that is slow each time this is not told each time.
    quiet: Duration,
}

impl Told {
    fn new(now: Instant) -> Self {
        Self { at: now, heard: now, is_news: true, quiet: QUIET }
    }

    /// Whether there is something to tell again.
    fn is_due(&self, is_running: bool, now: Instant) -> bool {
        self.is_news && (self.is_quiet(is_running, now) || now.duration_since(self.at) >= EVERY)
    }

    fn is_quiet(&self, is_running: bool, now: Instant) -> bool {
        !is_running && now.duration_since(self.heard) >= self.quiet
    }

    fn told(&mut self, is_running: bool, now: Instant) {
        if self.is_quiet(is_running, now) {
            self.quiet *= 2;
        }
        (self.at, self.is_news) = (now, false);
    }

    fn heard(&mut self, now: Instant) {
        (self.heard, self.is_news) = (now, true);
    }
}

/// What is said of a record that has grown long, here and in `wstest`.
pub(crate) const RECORD_LONG: &str = "warning[W14]: results.jsonl has grown to 1 GiB:\n  \
     frames and logs of further cases are left out;\n  to keep them, start the server again with -o DIR";

/// The same of one that is full.
pub(crate) const RECORD_FULL: &str = "warning[W14]: results.jsonl has grown to 2 GiB:\n  \
     no further case is run;\n  end the server, and start it again with -o DIR";

/// What is said of two clients of one name, here and in `wstest`.
pub(crate) fn twin(agent: &str, case: CaseId) -> String {
    let agent = lines::agent_name(agent);
    format!(
        "warning[W03]: {agent} runs {case} twice at once:\n  two clients of one name? The later result counts;\n  \
         ?agent=NAME tells them apart"
    )
}

impl<'a> Voice<'a> {
    /// Nothing has been printed yet. The server ends by itself unless it `stays`.
    pub fn new(console: &'a Console, stays: bool) -> Self {
        Self { console, stays, told: BTreeMap::new(), has_reports: false, refused: 0, notes: 0 }
    }

    /// Prints what people want to know of it.
    pub fn tell(&mut self, notice: &Notice, shared: &Shared) {
        match notice {
            Notice::AgentCame { agent, peer } => {
                let from = format!("{} from {}", column(agent), peer.ip().to_canonical());
                self.row(&[&from, "started"]);
            }
            Notice::CaseStarted { agent, .. } => self.heard(agent),
            Notice::CaseEnded { agent, case, brief, summary } => {
                let level = if brief.is_bad() { 0 } else { 1 };
                let verdict = format!("{:<10} {case}", lines::label(brief.verdict, brief.standing));
                let found = Untrusted::from(summary.as_str()).for_terminal(300);
                let found = if brief.is_bad() { found.as_str() } else { "" };
                self.say_more(level, &format!("{} {verdict}", column(agent)), found);
                self.heard(agent);
            }
            Notice::CaseSkipped { agent, case } => {
                self.say(1, format!("{} {:<10} {case}", column(agent), "skipped"));
            }
            Notice::ReportsAsked { agent, .. } => self.counts(agent, shared),
            Notice::ReportsWritten => self.reports(shared),
            Notice::ReportsFailed(why) => {
                self.console.note(format!("warning[W06]: the reports cannot be written: {why}"))
            }
            Notice::Refused { peer, why } => {
                self.refused += 1;
                let level = if self.refused <= ONE_BY_ONE { 0 } else { 1 };
                let why = Untrusted::from(why.as_str()).for_terminal(160);
                self.say(level, format!("refused {}: {why}", peer.ip()));
                if self.refused == ONE_BY_ONE {
                    self.say(0, "further requests that are refused are counted (-v tells each)");
                }
            }
            Notice::RecordLong => self.console.warn(RECORD_LONG),
            Notice::RecordFull => self.console.warn(RECORD_FULL),
            Notice::Twin { agent, case } => self.console.warn(twin(agent, *case)),
            Notice::ProcessNote(note) => self.note(note),
            Notice::Leak(line) => self.console.aside(leak(line)),
            Notice::StopAsked => self.say(0, "a client asks the server to stop"),
            Notice::Asked | Notice::Commands { .. } | Notice::NoRequest { .. } | Notice::PageDone => {}
        }
    }

    /// Tells how far the agents are of which that was not told for long.
    pub fn tick(&mut self, shared: &Shared) {
        let now = Instant::now();
        let is_running = |agent: &str| !shared.book.running_of(agent).is_empty();
        let due = self.told.iter().filter(|(agent, told)| told.is_due(is_running(agent), now));
        for agent in due.map(|(agent, _)| agent.clone()).collect::<Vec<_>>() {
            self.counts(&agent, shared);
        }
    }

    /// Tells that so many notices were left out: how far the clients are is news then.
    pub fn left_out(&mut self, notices: u64, shared: &Shared) {
        self.say(0, format!("{} left out: this is read too slowly", count(notices as usize, "event")));
        shared.book.agents().iter().for_each(|(agent, _)| self.heard(agent));
    }

    /// Tells what was not told yet.
    pub fn end(&mut self, shared: &Shared) {
        for (agent, _) in shared.book.agents() {
            if self.told.get(&agent).is_none_or(|told| told.is_news) {
                self.counts(&agent, shared);
            }
        }
        if self.refused > ONE_BY_ONE {
            self.say(0, format!("{} were refused", count(self.refused as usize, "request")));
        }
        if self.notes > ONE_BY_ONE {
            self.console.note(format!("note: {} in all on processes", count(self.notes as usize, "note")));
        }
        if let Some(more) = shared.leaks().more() {
            self.console.aside(leak(&more));
        }
    }

    /// Tells it, unless there were many like it.
    fn note(&mut self, note: &str) {
        self.notes += 1;
        if self.notes <= ONE_BY_ONE {
            self.console.note(format!("note: {note}"));
        }
        if self.notes == ONE_BY_ONE {
            self.console.note("note: further notes on processes are counted");
        }
    }

    fn heard(&mut self, agent: &str) {
        let now = Instant::now();
        self.told.entry(agent.to_owned()).or_insert_with(|| Told::new(now)).heard(now);
    }

    /// `mylib-client/0.9      118/247   117 ok   1 FAIL (2.5)   running 5.1`
    fn counts(&mut self, agent: &str, shared: &Shared) {
        let all = shared.book.agents();
        let Some((_, verdicts)) = all.iter().find(|(name, _)| name == agent) else { return };
        let far = format!("{} {}/{}", column(agent), verdicts.len(), shared.selected());
        let running = shared.book.running_of(agent);
        let standing = standing::parts(verdicts, &running);
        let parts: Vec<&str> = std::iter::once(&far).chain(&standing).map(String::as_str).collect();
        self.row(&parts);
        let now = Instant::now();
        let told = self.told.entry(agent.to_owned()).or_insert_with(|| Told::new(now));
        told.told(!running.is_empty(), now);
    }

    /// Says once where the reports are while the server goes on.
    fn reports(&mut self, shared: &Shared) {
        if self.stays && !std::mem::replace(&mut self.has_reports, true) {
            let page = shared.ledger.path().join("report.html");
            let parts = ["Ctrl-C to stop.", &format!("Reports are already in {}.", page.display())];
            self.console.say(0, row_at(0, "", &parts, self.console.style));
        }
    }

    /// A line with the time before it; it goes on below if it is too wide.
    fn row(&self, parts: &[&str]) {
        self.console.say(0, row_at(INDENT, &time(), parts, self.console.style));
    }

    /// A line, and below it what was found.
    fn say_more(&self, level: i8, line: &str, more: &str) {
        let width = self.console.style.width.saturating_sub(INDENT).max(20);
        let more: String = wrap(more, width).iter().map(|line| format!("\n{:INDENT$}{line}", "")).collect();
        self.say(level, format!("{line}{more}"));
    }

    fn say(&self, level: i8, text: impl AsRef<str>) {
        self.console.say(level, format!("{:<INDENT$}{}", time(), text.as_ref()));
    }
}

/// ` 10:14:02`
fn time() -> String {
    Zoned::now().strftime(" %H:%M:%S").to_string()
}

fn column(agent: &str) -> String {
    format!("{:<NAME$}", lines::agent_name(agent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_long_record_fits_narrow_terminals() {
        for text in [RECORD_LONG, RECORD_FULL] {
            assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        }
    }

    #[test]
    fn how_far_a_client_was_stayed_untold_when_it_left_half_way() {
        let now = Instant::now();
        let told = Told::new(now);
        assert!(!told.is_due(false, now), "more may come at once");
        assert!(told.is_due(false, now + QUIET), "it has left");
        assert!(!told.is_due(true, now + QUIET), "it waits for a case that runs");
        assert!(told.is_due(true, now + EVERY), "a case that hangs is named");
        assert!(!Told { is_news: false, ..told }.is_due(false, now + EVERY), "once is enough");
    }

    #[test]
    fn each_case_of_a_client_that_starts_slowly_had_a_line_of_its_own() {
        let start = Instant::now();
        let (mut told, mut lines) = (Told::new(start), Vec::new());
        for tenth in 0..1000 {
            let now = start + Duration::from_millis(100) * tenth;
            // A case takes no time, and 2.5 s pass before the next one.
            if tenth % 25 == 0 {
                told.heard(now);
            }
            if told.is_due(false, now) {
                told.told(false, now);
                lines.push(now - start);
            }
        }
        assert_eq!(lines[0], QUIET, "it may have left");
        let apart = lines.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(apart.min() >= Some(EVERY), "{lines:?}");
        assert!(told.is_due(false, start + Duration::from_millis(101_600)), "it has left: {lines:?}");
    }
}
