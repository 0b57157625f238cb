//! After the last case: the end of the record, the reports, the summary, the exit status.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::time::Instant;
use wsspec_cases::suite;
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::baseline::Findings;
use wsspec_report::record::{CaseRecord, EndRecord, Line, NotRun, Report, Standing, read_file};
use wsspec_report::sanitise::shell::posix;
use wsspec_report::summary::{AgentSummary, Counts, causes};

use super::attempt::{Agent, now};
use super::folder::{Folder, RESULTS, unwritable};
use super::journal::{Brief, Journal};
use super::plan::RunPlan;
use super::schedule::{Deaths, Stop};
use crate::baseline::{self, Complaint};
use crate::cli::FailOn;
use crate::clock::Clocks;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::outputs::ci;
use crate::select;
use crate::signals::Signals;
use crate::sut::last_words;
use crate::sut::plan::Restart;
use crate::terminal::opening::row_at;
use crate::terminal::{Console, failure, lines, summary};
use crate::text::{self, wrap};

/// Causes that are printed in full; the rest is in the report.
const BLOCKS: usize = 10;

/// The end of a run.
pub(super) struct End<'a> {
    pub(super) plan: &'a RunPlan,
    pub(super) agents: &'a [Agent],
    pub(super) folder: &'a Folder,
    pub(super) console: &'a Console,
    pub(super) signals: &'a Signals,
    pub(super) started: Instant,
    pub(super) clocks: Clocks,
    /// An earlier record of more results, which was kept.
    pub(super) larger: Option<(PathBuf, u64)>,
    /// What the servers left behind.
    pub(super) leaks: Vec<String>,
}

impl End<'_> {
    /// Writes and prints everything that follows from the record.
    pub(super) async fn conclude(&self, mut journal: Journal<'_>) -> Result<ExitCode> {
        let not_run = self.not_run(&journal);
        for case in journal.defects() {
            self.console.warn(format!("error: wsspec itself failed in case {case}"));
        }
        self.plan.settings.shared.clear();
        journal.record_file().restore();
        let record = File::open(journal.record_file().path());
        let record = record.map_err(|error| unwritable(&self.plan.out, &error))?;
        let mut report = read_file(record)?;
        let findings = self.findings(&report);
        let complaints = self.complaints(&findings, &report);
        let code = self.exit_code(&journal, !not_run.is_empty(), !complaints.is_empty());
        let end = self.end_record(&mut report, &journal, not_run, code);
        journal.write(&Line::End(end));
        let trouble = journal.record_file().take_trouble();
        let kept = journal.record_file().path().to_owned();
        let written = match trouble {
            Some(error) => Err(unwritable(&self.plan.out, &error).fact("kept", kept.display().to_string())),
            None => self.write(&report),
        };
        let written = written.map_err(|problem| problem.fact("look", look_at(&kept)));
        self.print(&report, journal.stops(), written.as_deref().ok()).await;
        self.print_baseline(&report, &complaints);
        journal.feed().end(report.end.as_ref());
        let service = ci::service(self.plan.outputs.args.ci.unwrap_or_default());
        let out = &self.plan.out;
        let stale = self.plan.baseline.as_ref().map(|file| baseline::stale(file, &findings, out));
        let stale = stale.unwrap_or_default();
        ci::publish(service, &report, self.plan.outputs.strictness, &stale, None, out, self.console);
        let code = match written {
            Ok(_) => code,
            Err(problem) => {
                self.console.problem(&problem);
                code.worst(ExitCode::Incomplete)
            }
        };
        self.clocks.warning().into_iter().for_each(|warning| self.console.note(warning));
        print_last_line(&report, self.started, code, self.console);
        Ok(code)
    }

    /// Writes all reports; those that were asked for by name.
    fn write(&self, report: &Report) -> Result<Vec<PathBuf>, Problem> {
        super::write_reports::write(self.folder, report, None)
            .map_err(|error| unwritable(&self.plan.out, &error))?;
        self.plan.outputs.write(report, Some(&self.plan.out))
    }

    /// What is wrong with the baseline, after this run.
    fn findings(&self, report: &Report) -> Findings {
        let file = self.plan.baseline.as_ref();
        file.map(|file| file.baseline.findings(report, &baseline::today())).unwrap_or_default()
    }

    fn complaints(&self, findings: &Findings, report: &Report) -> Vec<Complaint> {
        let file = self.plan.baseline.as_ref();
        file.map(|file| baseline::complaints(file, findings, Some(report))).unwrap_or_default()
    }

    fn print_baseline(&self, report: &Report, complaints: &[Complaint]) {
        let Some(file) = &self.plan.baseline else { return };
        let strict = self.plan.rating.strict_baseline;
        baseline::tell(report, complaints, file, &self.plan.out, strict, self.console);
    }

    fn not_run(&self, journal: &Journal<'_>) -> Vec<NotRun> {
        let missing = |agent: usize| -> Vec<String> {
            let name = &self.agents[agent].name;
            let wanted = self
                .plan
                .cases_for(self.agents[agent].deflate)
                .filter(|case| !self.plan.exclusions.excludes(name, case.id));
            let without = wanted.filter(|case| !journal.results().contains_key(&(agent, case.id)));
            without.map(|case| case.id.to_string()).collect()
        };
        let all = self.agents.iter().enumerate();
        all.map(|(place, agent)| NotRun { agent: agent.name.as_str().into(), cases: missing(place) })
            .filter(|not_run| !not_run.cases.is_empty())
            .collect()
    }

    fn exit_code(&self, journal: &Journal<'_>, missing: bool, stale: bool) -> ExitCode {
        let rating = self.plan.rating;
        let failed = journal.results().values().any(|brief| counts(*brief, rating.fail_on));
        let errors = journal.results().values().any(|brief| brief.verdict == Verdict::Error);
        let mut code = if failed { ExitCode::Failed } else { ExitCode::Ok };
        if stale && rating.strict_baseline {
            code = code.worst(ExitCode::Stale);
        }
        if rating.exit_zero {
            code = ExitCode::Ok;
        }
        // `--fail-fast` leaves cases out on purpose: the failure is what counts.
        let on_purpose =
            journal.stops().values().all(|stop| *stop == Stop::FailFast) && !journal.stops().is_empty();
        if !journal.defects().is_empty() {
            code = ExitCode::Internal;
        }
        if errors || missing && !(on_purpose && failed) {
            code = code.worst(ExitCode::Incomplete);
        }
        self.signals.exit_code().map_or(code, |signal| code.worst(signal))
    }

    /// The last line of the record, put into the report too.
    fn end_record(
        &self,
        report: &mut Report,
        journal: &Journal<'_>,
        not_run: Vec<NotRun>,
        code: ExitCode,
    ) -> EndRecord {
        let mut totals = Counts::of(&report.cases).by_word();
        let missing: usize = not_run.iter().map(|agent| agent.cases.len()).sum();
        if missing > 0 {
            totals.insert(Verdict::NotRun.word().to_owned(), missing as u64);
        }
        let mut end = EndRecord {
            finished: now(),
            duration_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            complete: not_run.is_empty(),
            exit: i32::from(code.number()),
            totals,
            rating: String::new(),
            not_run,
            reason: journal.stops().values().next().map(|stop| Untrusted::from(reason(stop))),
            leaks: self.leaks.iter().map(|leak| Untrusted::from(leak.as_str())).collect(),
        };
        // The rating looks at what was not run.
        report.end = Some(end.clone());
        end.rating = worst_rating(report);
        report.end = Some(end.clone());
        end
    }

    /// `written`: the files that were asked for by name, unless the reports could not be written.
    async fn print(&self, report: &Report, stops: &BTreeMap<usize, Stop>, written: Option<&[PathBuf]>) {
        let page = self.folder.file("report.html").display().to_string();
        print_causes(report, &page, self.plan.rating.fail_on, self.console);
        for agent in self.agents {
            let name = Untrusted::from(agent.name.as_str());
            self.console.say(0, "");
            self.console.say(0, summary::agent(report, &name, suite(), self.console.style));
        }
        if written.is_some() {
            self.print_where(report, &page);
        }
        for path in written.unwrap_or_default() {
            self.console
                .say(0, format!("   written  {}", self.console.style.path(&path.display().to_string(), "")));
        }
        for (place, stop) in stops {
            let text = explain_stop(stop, &self.agents[*place], report, self.console.style.width).await;
            self.console.warn(format!("\n{text}"));
        }
    }

    /// ` -o DIR`, unless the folder is the usual one.
    fn folder_option(&self, option: &str) -> String {
        match self.plan.out.to_str() {
            Some("wsspec-out") | None => String::new(),
            Some(out) => format!(" {}", posix(&[option.to_owned(), out.to_owned()])),
        }
    }

    fn print_where(&self, report: &Report, page: &str) {
        let deflate = self.agents.iter().any(|agent| agent.deflate);
        if let Some(text) = summary::not_chosen(&report.run, deflate, self.plan.by_default) {
            let lines = wrap(&text, self.console.style.width.saturating_sub(15).max(20));
            self.console.say(0, format!("   not chosen  {}", lines.join("\n               ")));
        }
        let open = format!("wsspec report --open{}", self.folder_option("--from"));
        let width = "   report   ".len() + page.chars().count() + 6 + open.chars().count();
        let gap = if width <= self.console.style.width { "      " } else { "\n            " };
        self.console.say(0, format!("\n   report   {}{gap}{open}", self.console.style.path(page, "")));
        self.console.say(0, format!("   data     {}", self.folder.file(RESULTS).display()));
        if let Some((path, results)) = &self.larger {
            let results = text::count(usize::try_from(*results).unwrap_or(usize::MAX), "result");
            let parts = [path.display().to_string(), format!("{results}, of the run before")];
            let parts = parts.each_ref().map(String::as_str);
            self.console.say(0, row_at(12, "   kept", &parts, self.console.style));
        }
        for sut in self.agents.iter().filter_map(|agent| agent.sut.as_ref()) {
            self.console.say(0, format!("   log      {}", sut.log().path().display()));
        }
        let fail_on = self.plan.rating.fail_on;
        if report.cases.iter().any(|record| record.verdict.is_red() || counts(Brief::of(record), fail_on)) {
            let strict = if fail_on == FailOn::Should { " --strict" } else { "" };
            let out = self.folder_option("-o");
            self.console.say(0, format!("   again    wsspec run --last-failed{strict}{out}"));
        } else if !report.is_complete() {
            self.console.say(0, format!("   again    wsspec {}", posix(&report.run.argv)));
        }
    }
}

/// The command that makes the reports of a record in another folder.
pub(crate) fn look_at(record: &Path) -> String {
    let words = ["wsspec", "report", "--from", &record.display().to_string(), "-o", "DIR"];
    posix(&words.map(str::to_owned))
}

/// Prints the failures, grouped by cause.
pub(crate) fn print_causes(report: &Report, page: &str, fail_on: FailOn, console: &Console) {
    if console.level < 0 {
        let is_told =
            |record: &CaseRecord| counts(Brief::of(record), fail_on) || record.verdict == Verdict::Error;
        summary::short(report, is_told, console.style).iter().for_each(|line| console.say(-1, line));
        return;
    }
    let is_news = |record: &&CaseRecord| {
        counts(Brief::of(record), fail_on)
            || record.verdict.is_red() && record.outcome != Some(Standing::Known)
    };
    let causes = causes(report.cases.iter().filter(is_news));
    let style = console.style;
    for (place, cause) in causes.iter().take(BLOCKS).enumerate() {
        let left = format!("cause {} of {}", place + 1, causes.len());
        let right = text::count(cause.cases.len(), "case");
        console.say(0, format!("\n{}", style.rule(&left, &right)));
        console.say(0, failure::block(cause, page, style));
    }
    if causes.len() > BLOCKS {
        let more = text::count(causes.len() - BLOCKS, "more cause");
        console.say(0, format!("\n{more}: see the report"));
    }
}

/// Prints the last line: counts, time and exit status.
pub(crate) fn print_last_line(report: &Report, started: Instant, code: ExitCode, console: &Console) {
    let briefs: Vec<Brief> = report.cases.iter().map(Brief::of).collect();
    let mut parts: Vec<String> = lines::counts(&briefs).split("   ").map(str::to_owned).collect();
    let missing: usize = report.end.iter().flat_map(|end| &end.not_run).map(|agent| agent.cases.len()).sum();
    if missing > 0 {
        parts.push(format!("{missing} not run"));
    }
    parts.retain(|part| !part.is_empty());
    let took = text::duration(started.elapsed());
    let counts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let ran = format!("{} run in {took}{counts}", briefs.len());
    let fits = ran.chars().count() + 3 + code.to_string().chars().count() <= console.style.width;
    if fits {
        console.say(-1, format!("\n{ran}   {code}"));
    } else {
        let lines = wrap(&ran, console.style.width.max(20)).join("\n");
        console.say(-1, format!("\n{lines}\n{code}"));
    }
}

/// The rating of the worst agent.
pub(crate) fn worst_rating(report: &Report) -> String {
    let order = ["strict", "conformant", "incomplete", "not-conformant"];
    let words = AgentSummary::all(report).into_iter().map(|summary| summary.rating.word());
    words.max_by_key(|word| order.iter().position(|known| known == word)).unwrap_or("incomplete").to_owned()
}

/// Whether a verdict makes the exit status 1. What the baseline lists does not.
pub(crate) fn counts(brief: Brief, fail_on: FailOn) -> bool {
    let fails = fail_on.strictness().fails(brief.verdict, brief.standing);
    fails && fail_on != FailOn::Never && !brief.excused
}

fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::Gone => "the implementation is gone",
        Stop::Died(_) => "the implementation died",
        Stop::Hangs(_) => "the implementation hangs",
        Stop::Budget => "the time budget is used up",
        Stop::FailFast => "enough cases have failed",
        Stop::Interrupted => "interrupted",
    }
}

async fn explain_stop(stop: &Stop, agent: &Agent, report: &Report, width: usize) -> String {
    let not_run =
        report.end.iter().flat_map(|end| &end.not_run).find(|other| other.agent.raw() == agent.name);
    let missing = text::count(not_run.map_or(0, |other| other.cases.len()), "case");
    let missing = format!("{missing} not run, the report says so");
    let shown = lines::agent_name(&agent.name);
    let problem = match stop {
        Stop::Gone => Problem::new(ErrorCode::E15, format!("{shown} does not take connections any more"))
            .fact("tried", format!("TCP connect to {}: refused", agent.url))
            .fact("stopped", missing)
            .advise("look at the log of the server; the cases marked DIED ran last"),
        Stop::Died(deaths) => died(deaths, agent, &missing).await,
        Stop::Hangs(cases) => {
            let what =
                format!("{shown} hangs: {} in a row got no answer in time", text::count(cases.len(), "case"));
            let large = cases.iter().all(|case| is_limit(case));
            let note = if large { "     (all large: a message limit?)" } else { "" };
            let problem = Problem::new(ErrorCode::E14, what)
                .fact("cases", format!("{}{note}", cases.join(" ")))
                .fact("stopped", format!("{missing} (--max-hangs)"));
            let problem = match agent.sut {
                Some(_) => problem,
                None => problem
                    .fact("perhaps", "since an earlier case: -j 1 shows the first without an answer")
                    .fact("", "--exec COMMAND lets wsspec start it again when it hangs"),
            };
            problem.fact("try", format!("{}   or   --timeout-scale 4   on slow machines", without(cases)))
        }
        Stop::FailFast | Stop::Budget if not_run.is_none() => {
            return format!("note: {}, and no case was left", reason(stop));
        }
        Stop::Budget | Stop::FailFast | Stop::Interrupted => {
            return format!("note: {}; {missing}", reason(stop));
        }
    };
    format!("{problem:width$}")
}

fn is_limit(case: &str) -> bool {
    let case = case.parse().ok().and_then(|id| suite().get(id));
    case.is_some_and(|case| select::SETS.iter().any(|set| set.name == "limits" && set.contains(case)))
}

/// The option that leaves these cases out: by their set, their group, their section, or one by one.
fn without(cases: &[String]) -> String {
    if cases.iter().all(|case| is_limit(case)) {
        return "-x @limits".to_owned();
    }
    let first: Vec<&str> = cases.first().map(|case| case.split('.').collect()).unwrap_or_default();
    let patterns = (1..first.len()).rev().map(|parts| format!("{}.", first[..parts].join(".")));
    match patterns.into_iter().find(|start| cases.iter().all(|case| case.starts_with(start))) {
        Some(start) => format!("-x '{start}*'"),
        None => cases.iter().map(|case| format!("-x {case}")).collect::<Vec<_>>().join(" "),
    }
}

/// E15 for a server that was started by wsspec.
async fn died(deaths: &Deaths, agent: &Agent, missing: &str) -> Problem {
    const LINES: usize = 5;
    let shown = lines::agent_name(&agent.name);
    let sut = agent.sut.as_ref();
    let not_back = match sut {
        Some(sut) => sut.not_back().await,
        None => None,
    };
    let never = sut.is_some_and(|sut| sut.plan().restart == Restart::Never);
    let what = match deaths.cases.len() {
        _ if not_back.is_some() => format!("{shown} died and did not come up again"),
        0 | 1 if never => format!("{shown} died, and --restart never was asked for"),
        0 => format!("{shown} died again and again while several cases ran; giving up"),
        times => format!("{shown} died {}; giving up", text::count(times, "time")),
    };
    let mut problem = Problem::new(ErrorCode::E15, what);
    if let Some((case, how)) = deaths.cases.last() {
        problem = problem.fact("last", format!("{how} during {case}"));
    }
    for (n, line) in last_words::worth_reading(&deaths.lines, LINES).into_iter().enumerate() {
        let line = Untrusted::from(line).for_terminal(120);
        problem = problem.fact(if n == 0 { "log" } else { "" }, format!("| {line}"));
    }
    let again: Vec<String> =
        not_back.iter().flat_map(|text| text.lines().take(4)).map(str::to_owned).collect();
    if !again.is_empty() {
        problem = problem.fact("then", again.join("\n"));
    }
    let cases: Vec<&str> = deaths.cases.iter().map(|(case, _)| case.as_str()).collect();
    let log = sut.map(|sut| sut.log().path().display().to_string()).unwrap_or_default();
    let words = ["wsspec", "run", agent.address.as_str()].into_iter().chain(cases.last().copied());
    let words = words.map(str::to_owned).chain(agent.again.iter().cloned());
    let again = posix(&words.chain(["--restart", "case"].map(str::to_owned)).collect::<Vec<_>>());
    problem
        .fact("all", format!("{}        full log: {log}", cases.join(" ")))
        .fact("stopped", missing)
        .fact("try", format!("{again}   one process per case"))
}
