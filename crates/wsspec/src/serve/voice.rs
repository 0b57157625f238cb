//! What `wsspec serve` prints while it serves.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Zoned;
use tokio::time::Instant;
use wsspec_cases::CaseId;
use wsspec_report::Untrusted;

use super::Shared;
use super::book::Brief;
use super::notice::Notice;
use crate::run::journal;
use crate::terminal::{Console, Style, lines};
use crate::text::{count, wrap};

/// Between two lines about the progress of one agent.
const EVERY: Duration = Duration::from_secs(10);

/// So many refused requests are told one by one; of the rest it is told how many they were.
const REFUSED: u64 = 8;

/// Prints notices.
pub struct Voice<'a> {
    console: &'a Console,
    /// When each agent was last told of, and with how many cases.
    last: HashMap<String, (Instant, usize)>,
    refused: u64,
}

/// What is said of two clients of one name, here and in `wstest`.
pub(crate) fn twin(agent: &str, case: CaseId) -> String {
    let agent = lines::agent_name(agent);
    format!(
        "warning[W03]: {agent} runs {case} twice at once:\n  two clients of one name? The later result counts;\n  \
         ?agent=NAME tells them apart"
    )
}

impl<'a> Voice<'a> {
    /// Nothing has been printed yet.
    pub fn new(console: &'a Console) -> Self {
        Self { console, last: HashMap::new(), refused: 0 }
    }

    /// Says what is not about the clients.
    pub fn warn(&self, text: &str) {
        self.console.note(text);
    }

    /// Prints what people want to know of it.
    pub fn tell(&mut self, notice: &Notice, shared: &Shared) {
        match notice {
            Notice::AgentCame { agent, peer } => {
                self.last.insert(agent.clone(), (Instant::now(), 0));
                self.say(
                    0,
                    format!("{:<24} from {}   started", lines::agent_name(agent), peer.ip().to_canonical()),
                );
            }
            Notice::CaseEnded { agent, case, brief, summary } => {
                let level = if brief.verdict.is_red() { 0 } else { 1 };
                let verdict = format!("{:<10} {case}", Style::label(brief.verdict));
                let found = Untrusted::from(summary.as_str()).for_terminal(300);
                let found = if brief.verdict.is_red() { found.as_str() } else { "" };
                self.say_more(level, &format!("{:<24} {verdict}", lines::agent_name(agent)), found);
                self.progress(agent, shared);
            }
            Notice::CaseSkipped { agent, case } => {
                self.say(1, format!("{:<24} {:<10} {case}", lines::agent_name(agent), "skipped"));
            }
            Notice::ReportsAsked { agent, .. } => self.counts(agent, shared),
            Notice::ReportsFailed(why) => {
                self.console.warn(format!("warning[W06]: the reports cannot be written: {why}"))
            }
            Notice::Refused { peer, why } => {
                self.refused += 1;
                let level = if self.refused <= REFUSED { 0 } else { 1 };
                let why = Untrusted::from(why.as_str()).for_terminal(160);
                self.say(level, format!("refused {}: {why}", peer.ip()));
                if self.refused == REFUSED {
                    self.say(0, "further requests that are refused are counted (-v tells each)");
                }
            }
            Notice::Twin { agent, case } => self.console.warn(twin(agent, *case)),
            Notice::ProcessNote(note) => self.console.warn(format!("note: {note}")),
            Notice::StopAsked => self.say(0, "a client asks the server to stop"),
            Notice::CaseStarted { .. }
            | Notice::ReportsWritten
            | Notice::Asked
            | Notice::Commands { .. }
            | Notice::NoRequest { .. }
            | Notice::PageDone => {}
        }
    }

    /// Tells what was not told yet.
    pub fn end(&mut self, shared: &Shared) {
        for (agent, verdicts) in shared.book.agents() {
            if self.last.get(&agent).is_none_or(|(_, told)| *told != verdicts.len()) {
                self.counts(&agent, shared);
            }
        }
        if self.refused > REFUSED {
            self.say(0, format!("{} were refused", count(self.refused as usize, "request")));
        }
    }

    fn progress(&mut self, agent: &str, shared: &Shared) {
        if self.last.get(agent).is_none_or(|(last, _)| last.elapsed() >= EVERY) {
            self.counts(agent, shared);
        }
    }

    fn counts(&mut self, agent: &str, shared: &Shared) {
        let all = shared.book.agents();
        let Some((_, verdicts)) = all.iter().find(|(name, _)| name == agent) else { return };
        let plain = |brief: &Brief| journal::Brief { verdict: brief.verdict, flaky: false, standing: None };
        let briefs: Vec<journal::Brief> = verdicts.values().map(plain).collect();
        let counts = lines::counts(&briefs);
        let total = shared.selected();
        self.say(0, format!("{:<24} {}/{total}   {counts}", lines::agent_name(agent), briefs.len()));
        self.last.insert(agent.to_owned(), (Instant::now(), briefs.len()));
    }

    /// A line, and below it what was found.
    fn say_more(&self, level: i8, line: &str, more: &str) {
        const INDENT: usize = 11;
        let width = self.console.style.width.saturating_sub(INDENT).max(20);
        let more: String = wrap(more, width).iter().map(|line| format!("\n{:INDENT$}{line}", "")).collect();
        self.say(level, format!("{line}{more}"));
    }

    fn say(&self, level: i8, text: impl AsRef<str>) {
        self.console.say(level, format!(" {}  {}", Zoned::now().strftime("%H:%M:%S"), text.as_ref()));
    }
}
