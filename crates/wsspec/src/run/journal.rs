//! Everything that happens in a run, written down and shown as it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use wsspec_cases::{Case, CaseId};
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::baseline::Baseline;
use wsspec_report::record::{CaseRecord, Line, Standing};

use super::attempt::Agent;
use super::schedule::{Listener, Restarted, Stop};
use crate::cli::Progress;
use crate::outputs;
use crate::terminal::lines::Remark;
use crate::terminal::{Console, detail, lines};

/// The verdicts that stand, and the record on disk.
pub struct Journal<'a> {
    console: &'a Console,
    file: File,
    agents: &'a [Agent],
    selected: usize,
    results: BTreeMap<(usize, CaseId), Brief>,
    running: BTreeSet<(CaseId, usize)>,
    stops: BTreeMap<usize, Stop>,
    defects: Vec<CaseId>,
    write_error: Option<io::Error>,
    bar: Option<ProgressBar>,
    tenths: usize,
    /// The first case of each cause, and how many have been shown.
    causes: BTreeMap<(Untrusted, String), (CaseId, usize)>,
    expected: Option<Expected<'a>>,
}

/// What the verdicts are compared with.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The entries.
    pub baseline: &'a Baseline,
    /// The current day.
    pub today: &'a str,
    /// A verdict that is not strict is unexpected too.
    pub strict: bool,
}

/// Cases of one cause that are shown while the run goes on.
const SAID_OF_A_CAUSE: usize = 4;

/// A verdict that stands, in short.
#[derive(Clone, Copy, Debug)]
pub struct Brief {
    /// The verdict.
    pub verdict: Verdict,
    /// It was another one at first.
    pub flaky: bool,
    /// How it stands against the baseline, if there is one.
    pub standing: Option<Standing>,
}

impl Brief {
    /// A record in short.
    pub fn of(record: &CaseRecord) -> Self {
        let flaky = record.outcome == Some(Standing::Flaky);
        Self { verdict: record.verdict, flaky, standing: record.outcome }
    }
}

impl<'a> Journal<'a> {
    /// A journal for so many cases of each agent.
    pub fn new(console: &'a Console, file: File, agents: &'a [Agent], cases: usize) -> Self {
        let selected = cases * agents.len();
        let bar = (console.progress == Progress::Bar && console.level > -2).then(|| progress_bar(selected));
        console.set_bar(bar.clone());
        Self {
            console,
            file,
            agents,
            selected,
            results: BTreeMap::new(),
            running: BTreeSet::new(),
            stops: BTreeMap::new(),
            defects: Vec::new(),
            write_error: None,
            bar,
            tenths: 0,
            causes: BTreeMap::new(),
            expected: None,
        }
    }

    /// Compares all verdicts with these.
    pub fn expect(mut self, expected: Option<Expected<'a>>) -> Self {
        self.expected = expected;
        self
    }

    /// The record with how it stands against the baseline.
    fn compared(&self, record: &CaseRecord) -> CaseRecord {
        let mut record = record.clone();
        if let Some(Expected { baseline, today, strict }) = self.expected {
            baseline.compare(&mut record, today, strict);
        }
        record
    }

    /// Appends a line to the record and hands it to the operating system.
    pub fn write(&mut self, line: &Line) {
        let mut json = line.to_json();
        outputs::tell_line(&json, self.console);
        json.push('\n');
        if let Err(error) = self.file.write_all(json.as_bytes()) {
            self.write_error.get_or_insert(error);
        }
    }

    /// What stands, by agent and case.
    pub fn results(&self) -> &BTreeMap<(usize, CaseId), Brief> {
        &self.results
    }

    /// Why agents were stopped.
    pub fn stops(&self) -> &BTreeMap<usize, Stop> {
        &self.stops
    }

    /// The cases in which wsspec itself failed.
    pub fn defects(&self) -> &[CaseId] {
        &self.defects
    }

    /// The first line of the record that could not be written.
    pub fn take_write_error(&mut self) -> Option<io::Error> {
        self.write_error.take()
    }

    /// Takes the bar away.
    pub fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            self.console.set_bar(None);
        }
    }

    fn show_case(&mut self, record: &CaseRecord) {
        let (level, style) = (self.console.level, self.console.style);
        if let Some(remark) = self.remark(record) {
            self.console.say(0, lines::case(record, &remark, self.agents.len() > 1, style));
        } else if self.console.progress == Progress::Dots && level >= 0 {
            self.console.dot(style.sign(record.verdict));
        }
        if level >= 3 || level == 2 && record.verdict != Verdict::Pass {
            self.console.say(2, detail::render(record, level, style));
        }
    }

    /// What is said about a case: of failures what was found, unless it has been said before; of others
    /// nothing without `-v`.
    fn remark(&mut self, record: &CaseRecord) -> Option<Remark> {
        let verbose = self.console.level > 0;
        let known = record.outcome == Some(Standing::Known);
        let bad = !known && (record.verdict.is_failure() || record.verdict == Verdict::Error);
        if !bad && record.outcome != Some(Standing::Flaky) {
            return verbose.then_some(Remark::Took);
        }
        let Some(cause) = &record.cause else { return Some(Remark::Found) };
        let (first, said) =
            self.causes.entry((record.agent.clone(), cause.clone())).or_insert((record.id, 0));
        *said += 1;
        match *said {
            1 => Some(Remark::Found),
            2..=SAID_OF_A_CAUSE => Some(Remark::Like(*first)),
            _ => verbose.then_some(Remark::Like(*first)),
        }
    }

    fn show_progress(&mut self) {
        let done = self.results.len();
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.set_message(self.status());
        }
        let tenths = done * 10 / self.selected.max(1);
        if self.console.progress == Progress::Lines && tenths > self.tenths {
            self.tenths = tenths;
            let counts = lines::counts(self.results.values());
            self.console.say(0, format!("[{:>3}%] {done:>3}/{}   {counts}", tenths * 10, self.selected));
        }
    }

    fn status(&self) -> String {
        let mut running: Vec<String> = self.running.iter().take(5).map(|(id, _)| id.to_string()).collect();
        if self.running.len() > running.len() {
            running.push(format!("+{}", self.running.len() - running.len()));
        }
        format!("{}   running: {}", lines::counts(self.results.values()), running.join(" "))
    }
}

impl Listener for Journal<'_> {
    fn started(&mut self, agent: usize, case: &'static Case) {
        self.running.insert((case.id, agent));
    }

    fn attempted(&mut self, agent: usize, record: &CaseRecord) {
        self.running.remove(&(record.id, agent));
        let record = self.compared(record);
        self.write(&Line::Case(Box::new(record)));
    }

    fn settled(&mut self, agent: usize, record: &CaseRecord) {
        let record = self.compared(record);
        self.results.insert((agent, record.id), Brief::of(&record));
        outputs::tell_case(&record, self.console);
        self.show_case(&record);
        self.show_progress();
    }

    fn is_news(&self, record: &CaseRecord) -> bool {
        self.compared(record).outcome != Some(Standing::Known)
    }

    fn slowed(&mut self, agent: usize) {
        let name = lines::agent_name(&self.agents[agent].name);
        self.console.note(format!(
            "warning[W02]: {name} did not open a connection while others were open; one at a time from now on"
        ));
    }

    fn defect(&mut self, agent: usize, case: &'static Case) {
        self.running.remove(&(case.id, agent));
        self.defects.push(case.id);
    }

    fn restarted(&mut self, _agent: usize, restarted: &Restarted) {
        self.console.say(0, lines::restarted(restarted));
    }

    fn stopped(&mut self, agent: usize, why: &Stop) {
        self.stops.insert(agent, why.clone());
    }
}

fn progress_bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    let style = ProgressStyle::with_template(" [{bar:40}] {pos}/{len}  {percent}%   {elapsed}\n {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
