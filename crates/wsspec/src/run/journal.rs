//! Everything that happens in a run, written down and shown as it happens.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;
use wsspec_cases::{Case, CaseId, suite};
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::baseline::Baseline;
use wsspec_report::record::{CaseRecord, Line, Standing};
use wsspec_report::summary::Cause;

use super::attempt::Agent;
use super::conclude::counts;
use super::forecast::Forecast;
use super::order::expected_time;
use super::plan::{Limits, Rating};
use super::record_file::RecordFile;
use super::schedule::{Job, Listener, Restarted, Slow, Stop};
use crate::cli::{FailOn, Progress};
use crate::outputs::feed::Feed;
use crate::terminal::keys::{self, Wishes};
use crate::terminal::lines::Remark;
use crate::terminal::{Console, detail, failure, lines};

/// The verdicts that stand, and the record on disk.
pub struct Journal<'a> {
    console: &'a Console,
    feed: Feed<'a>,
    record: RecordFile,
    agents: &'a [Agent],
    selected: usize,
    results: BTreeMap<(usize, CaseId), Brief>,
    /// Since when, and whether it has been said that they are slow.
    running: BTreeMap<(CaseId, usize), (Instant, bool)>,
    /// Failures that have been shown and are going to be tried again.
    suspects: BTreeMap<(usize, CaseId), Verdict>,
    patience: Patience,
    said_slow: usize,
    last_line: Instant,
    wishes: Wishes,
    keys: Option<keys::Listener>,
    stops: BTreeMap<usize, Stop>,
    defects: Vec<CaseId>,
    bar: Option<ProgressBar>,
    /// When the bar was told last what it shows.
    told_bar: Option<Instant>,
    tenths: usize,
    /// The first case of each cause, and how many have been shown.
    causes: BTreeMap<(Untrusted, String), (CaseId, usize)>,
    expected: Option<Expected<'a>>,
    fail_on: FailOn,
    forecast: Forecast,
}

/// How long a case may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Any case.
    pub limit: Option<Duration>,
    /// What the limit of each case is multiplied by.
    pub scale: f64,
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

/// After this time a case that usually takes less is called slow; so many are.
const SLOW: Duration = Duration::from_secs(2);
const SAID_SLOW: usize = 5;
/// Lines of the server's log that the key `s` shows.
const LOG_LINES: usize = 20;
/// While much happens the bar is told at this distance: what it shows is found by looking at all cases.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// A log that is silent for longer makes some CI services end the job.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Cases of one cause that are shown while the run goes on.
const SAID_OF_A_CAUSE: usize = 4;
/// At this one it is said that there are more.
const LAST_OF_A_CAUSE: usize = SAID_OF_A_CAUSE + 1;

/// A verdict that stands, in short.
#[derive(Clone, Copy, Debug)]
pub struct Brief {
    /// The verdict.
    pub verdict: Verdict,
    /// It was another one at first.
    pub flaky: bool,
    /// How it stands against the baseline, if there is one.
    pub standing: Option<Standing>,
    /// The baseline accepts it, or what it was at first.
    pub excused: bool,
}

impl Brief {
    /// A record in short.
    pub fn of(record: &CaseRecord) -> Self {
        let flaky = record.outcome == Some(Standing::Flaky);
        Self { verdict: record.verdict, flaky, standing: record.outcome, excused: record.known.is_some() }
    }
}

impl<'a> Journal<'a> {
    /// A journal for so many cases, those of all agents together.
    pub fn new(
        console: &'a Console,
        record: RecordFile,
        agents: &'a [Agent],
        selected: usize,
        rating: Rating,
    ) -> Self {
        let with_bar = console.progress == Progress::Bar && console.level > -2;
        let bar = with_bar.then(|| progress_bar(selected, console.style.width));
        console.set_bar(bar.clone());
        let wishes = Wishes::default();
        let keys = bar.is_some().then(|| keys::Listener::start(wishes.clone()));
        Self {
            console,
            feed: Feed::new(console, agents.len() > 1, rating.strictness()),
            record,
            agents,
            selected,
            results: BTreeMap::new(),
            running: BTreeMap::new(),
            suspects: BTreeMap::new(),
            patience: Patience { limit: None, scale: 1.0 },
            said_slow: 0,
            last_line: Instant::now(),
            wishes,
            keys,
            stops: BTreeMap::new(),
            defects: Vec::new(),
            bar,
            told_bar: None,
            tenths: 0,
            causes: BTreeMap::new(),
            expected: None,
            fail_on: rating.fail_on,
            forecast: Forecast::default(),
        }
    }

    /// What is going to be run, and how much at a time.
    pub fn plan(mut self, jobs: &[Job], limits: &Limits) -> Self {
        self.forecast = Forecast::of(jobs, limits);
        self
    }

    /// Compares all verdicts with these.
    pub fn expect(mut self, expected: Option<Expected<'a>>) -> Self {
        self.expected = expected;
        self
    }

    /// How long cases may take.
    pub fn patient(mut self, patience: Patience) -> Self {
        self.patience = patience;
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
        self.feed.json(&json);
        json.push('\n');
        self.record.append(&json);
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

    /// The record on disk.
    pub fn record_file(&mut self) -> &mut RecordFile {
        &mut self.record
    }

    /// What stdout holds if that is data.
    pub fn feed(&self) -> &Feed<'a> {
        &self.feed
    }

    /// Takes the bar away.
    pub fn clear_bar(&mut self) {
        self.keys = None;
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
        if self.wishes.detail() && record.verdict.is_red() {
            let cause = Cause { key: "", cases: vec![record] };
            self.console.say(0, failure::block(&cause, "", style));
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
        let bad = !known && (record.verdict.is_red() || counts(Brief::of(record), self.fail_on));
        if !bad && record.outcome != Some(Standing::Flaky) {
            // A restart is told, too.
            let died = record.verdict == Verdict::Crash;
            return if died { Some(Remark::Found) } else { verbose.then_some(Remark::Took) };
        }
        let Some(cause) = &record.cause else { return Some(Remark::Found) };
        let (first, said) =
            self.causes.entry((record.agent.clone(), cause.clone())).or_insert((record.id, 0));
        *said += 1;
        match *said {
            1 => Some(Remark::Found),
            2..=SAID_OF_A_CAUSE => Some(Remark::Like(*first)),
            LAST_OF_A_CAUSE if !verbose => Some(Remark::More(*first)),
            _ => verbose.then_some(Remark::Like(*first)),
        }
    }

    fn show_progress(&mut self) {
        let done = self.results.len();
        self.follow();
        let tenths = done * 10 / self.selected.max(1);
        if self.console.progress == Progress::Lines && tenths > self.tenths {
            self.tenths = tenths;
            self.say_progress();
        }
    }

    /// Shows what has happened, unless that was done a moment ago; then the next tick does it.
    fn follow(&mut self) {
        if self.told_bar.is_none_or(|told| told.elapsed() >= BAR_EVERY) {
            self.show_bar();
        }
    }

    fn show_bar(&mut self) {
        self.told_bar = Some(Instant::now());
        let Some(bar) = &self.bar else { return };
        bar.set_position(self.results.len() as u64);
        bar.set_prefix(format!("{} s{}", bar.elapsed().as_secs(), self.time_left()));
        bar.set_message(self.status());
    }

    /// `, about 2 s left`, once that can be told.
    fn time_left(&self) -> String {
        let left = self.forecast.left(Instant::now()).filter(|_| self.console.style.width >= NARROW);
        match left.unwrap_or_default().as_secs_f64().ceil() {
            seconds if seconds < 2.0 => String::new(),
            seconds => format!(", about {seconds:.0} s left"),
        }
    }

    fn say_progress(&mut self) {
        self.last_line = Instant::now();
        let (done, counts) = (self.results.len(), self.counts());
        let percent = done * 100 / self.selected.max(1);
        self.console.say(0, format!("[{percent:>3}%] {done:>3}/{}   {counts}", self.selected));
    }

    /// `223 ok   3 FAIL   2 to repeat`
    fn counts(&self) -> String {
        let mut parts = vec![lines::counts(self.results.values())];
        if !self.suspects.is_empty() {
            parts.push(format!("{} to repeat", self.suspects.len()));
        }
        parts.retain(|part| !part.is_empty());
        parts.join("   ")
    }

    /// Says once of a case that it takes longer than such cases do.
    fn say_slow(&mut self) {
        let (console, patience) = (self.console, self.patience);
        for ((id, _), (since, said)) in &mut self.running {
            let Some(case) = suite().get(*id) else { continue };
            let usual = expected_time(case);
            let is_slow = since.elapsed() >= SLOW && usual < SLOW && !*said;
            if is_slow && self.said_slow < SAID_SLOW {
                *said = true;
                self.said_slow += 1;
                let limit = patience.limit.unwrap_or(case.time_limit.mul_f64(patience.scale));
                console.say(0, lines::slow(&[id.to_string()], SLOW, limit, console.style));
            }
        }
    }

    /// Does what keys asked for.
    fn obey(&self) {
        for text in self.wishes.take_said() {
            self.console.say(0, format!("  {text}"));
        }
        if self.wishes.take_log() {
            self.say_log();
        }
    }

    /// Shows the end of the logs of the servers that wsspec started.
    fn say_log(&self) {
        let logs: Vec<_> = self.agents.iter().filter_map(|agent| agent.sut.as_ref()).collect();
        if logs.is_empty() {
            self.console.say(0, "  the server was not started by wsspec (--exec), so its log is not here");
        }
        for sut in logs {
            let octets = std::fs::read(sut.log().path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&octets).into_owned();
            let last: Vec<&str> = text.lines().rev().take(LOG_LINES).collect();
            for line in last.into_iter().rev() {
                self.console.say(0, format!("  | {}", Untrusted::from(line).for_terminal(200)));
            }
        }
    }

    fn status(&self) -> String {
        let name = |(id, agent): &(CaseId, usize)| match self.suspects.contains_key(&(*agent, *id)) {
            true => format!("{id} (again)"),
            false => id.to_string(),
        };
        let counts = self.counts();
        let room = self.console.style.width.saturating_sub(counts.chars().count() + 1);
        let parts = [counts, running(self.running.keys().map(name), room)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("   ")
    }
}

impl Listener for Journal<'_> {
    fn started(&mut self, agent: usize, case: &'static Case) {
        log::debug!("{} begins, server {}", case.id, agent + 1);
        // That it is slow has been said when it failed.
        let is_repeated = self.suspects.contains_key(&(agent, case.id));
        self.running.insert((case.id, agent), (Instant::now(), is_repeated));
        self.forecast.started((agent, case.id), Instant::now());
        self.follow();
    }

    fn attempted(&mut self, agent: usize, record: &CaseRecord) {
        self.running.remove(&(record.id, agent));
        let took = Duration::from_micros(record.duration_us);
        log::debug!(
            "{} {} after {took:?}, server {}, attempt {}",
            record.id,
            record.verdict.word(),
            agent + 1,
            record.attempt
        );
        let record = self.compared(record);
        self.write(&Line::Case(Box::new(record)));
    }

    fn suspected(&mut self, agent: usize, record: &CaseRecord) {
        let record = self.compared(record);
        self.suspects.insert((agent, record.id), record.verdict);
        self.forecast.suspected((agent, record.id), Duration::from_micros(record.duration_us));
        self.show_case(&record);
        self.follow();
    }

    fn settled(&mut self, agent: usize, record: &CaseRecord) {
        let record = self.compared(record);
        let shown = self.suspects.remove(&(agent, record.id));
        self.forecast.settled((agent, record.id));
        self.results.insert((agent, record.id), Brief::of(&record));
        self.feed.case(&record);
        if shown != Some(record.verdict) || record.outcome == Some(Standing::Flaky) {
            self.show_case(&record);
        }
        self.show_progress();
    }

    fn is_news(&self, record: &CaseRecord) -> bool {
        self.compared(record).outcome != Some(Standing::Known)
    }

    fn tick(&mut self) {
        self.obey();
        self.say_slow();
        self.show_bar();
        if self.console.progress == Progress::Lines && self.last_line.elapsed() >= LINE_EVERY {
            self.say_progress();
        }
    }

    fn holds(&self) -> bool {
        self.wishes.pause()
    }

    fn slowed(&mut self, agent: usize, why: Slow) {
        let name = lines::agent_name(&self.agents[agent].name);
        let what = match why {
            Slow::Refuses => "did not open a connection while others were open",
            Slow::Neglects => "answered late, or not at all, while other connections were open",
            Slow::Hangs => "hangs, and is started again",
        };
        self.console.note(format!("warning[W02]: {name} {what}; one at a time from now on"));
    }

    fn defect(&mut self, agent: usize, case: &'static Case) {
        self.running.remove(&(case.id, agent));
        self.forecast.settled((agent, case.id));
        self.defects.push(case.id);
    }

    fn restarted(&mut self, _agent: usize, restarted: &Restarted) {
        self.console.say(0, lines::restarted(restarted, self.console.style));
    }

    fn stopped(&mut self, agent: usize, why: &Stop) {
        self.forecast.stopped(agent);
        self.stops.insert(agent, why.clone());
    }
}

/// `running: 6.4.2 6.4.3 +3` in so many columns, the gap before it included; nothing where not one has room.
fn running(names: impl ExactSizeIterator<Item = String>, room: usize) -> String {
    const SHOWN: usize = 5;
    let all = names.len();
    let mut text = "running:".to_owned();
    for (place, name) in names.take(SHOWN).enumerate() {
        let behind = if place + 1 < all { " +99".len() } else { 0 };
        if "   ".len() + text.len() + 1 + name.len() + behind > room {
            return if place == 0 { String::new() } else { format!("{text} +{}", all - place) };
        }
        text.push_str(&format!(" {name}"));
    }
    match all {
        0 => String::new(),
        1..=SHOWN => text,
        _ => format!("{text} +{}", all - SHOWN),
    }
}

/// Below this width the time that is left is not told.
const NARROW: usize = 50;

/// Two lines that fit into this width.
fn progress_bar(total: usize, width: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    // The bar gives way to ` [] 1024/1024  100%   599 s, about 999 s left`.
    let room = width.saturating_sub(if width < NARROW { 30 } else { 48 }).clamp(6, 40);
    let template = format!(" [{{bar:{room}}}] {{pos}}/{{len}}  {{percent}}%   {{prefix}}\n {{wide_msg}}");
    let style = ProgressStyle::with_template(&template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Global;

    #[test]
    fn each_start_looked_at_all_cases_of_the_run() {
        let console = Console::new(&Global { progress: Progress::Bar, ..Global::default() });
        let record = RecordFile::new(tempfile::tempfile().unwrap(), "results.jsonl".into());
        let rating = Rating { fail_on: FailOn::Must, exit_zero: false, strict_baseline: false };
        let mut journal = Journal::new(&console, record, &[], 3, rating);
        let bar = journal.bar.clone().unwrap();
        let start = |journal: &mut Journal<'_>, id: &str| {
            journal.started(0, suite().get(id.parse().unwrap()).unwrap());
            bar.message()
        };
        assert_eq!(start(&mut journal, "1.1.1"), "running: 1.1.1");
        // A moment ago, however slow this machine is.
        journal.told_bar = Some(Instant::now() + LINE_EVERY);
        assert_eq!(start(&mut journal, "1.1.2"), "running: 1.1.1");
        journal.tick();
        assert_eq!(bar.message(), "running: 1.1.1 1.1.2");
        journal.told_bar = None;
        assert_eq!(start(&mut journal, "1.1.3"), "running: 1.1.1 1.1.2 1.1.3");
    }

    #[test]
    fn the_cases_that_run_were_cut_in_the_middle_of_a_word() {
        let told = |number: usize, room| running((0..number).map(|n| format!("6.4.{n}")), room);
        assert_eq!(told(8, 80), "running: 6.4.0 6.4.1 6.4.2 6.4.3 6.4.4 +3");
        assert_eq!(told(2, 80), "running: 6.4.0 6.4.1");
        assert_eq!(told(8, 30), "running: 6.4.0 6.4.1 +6");
        assert_eq!(told(1, 17), "running: 6.4.0");
        assert_eq!([told(0, 80), told(8, 12)], ["", ""]);
        for room in 0..80 {
            assert!(told(40, room).len() + 3 <= room.max(3), "{room}");
        }
    }
}
