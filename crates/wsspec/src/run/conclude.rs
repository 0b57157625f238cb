//! After the last case: the end of the record, the reports, the summary, the exit status.

use std::collections::BTreeMap;

use anyhow::Result;
use tokio::time::Instant;
use wsspec_cases::suite;
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, EndRecord, Line, NotRun, Report, read};

use super::attempt::{Agent, now};
use super::folder::{Folder, RESULTS, unwritable};
use super::journal::{Brief, Journal};
use super::plan::RunPlan;
use super::schedule::Stop;
use crate::cli::FailOn;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::signals::Signals;
use crate::terminal::lines::Remark;
use crate::terminal::{Console, failure, lines, summary};
use crate::text;

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
}

impl End<'_> {
    /// Writes and prints everything that follows from the record.
    pub(super) fn conclude(&self, mut journal: Journal<'_>) -> Result<ExitCode> {
        let not_run = self.not_run(&journal);
        let stops = journal.stops().clone();
        let code = self.exit_code(&journal, !not_run.is_empty());
        journal.write(&Line::End(self.end_record(&journal, &not_run, code)));
        for case in journal.defects() {
            self.console
                .warn(format!("error: wsspec itself failed in case {case}; please report it with {RESULTS}"));
        }
        if let Some(error) = journal.take_write_error() {
            return Err(unwritable(&self.plan.out, &error).into());
        }
        let results = self.folder.file(RESULTS);
        let octets = std::fs::read(&results).map_err(|error| unwritable(&self.plan.out, &error))?;
        let report = read(&octets)?;
        let written = super::write_reports::write(self.folder, &report);
        self.print(&report, &not_run, &stops);
        if let Err(error) = written {
            self.console.warn(unwritable(&self.plan.out, &error).to_string());
            return Ok(self.last_line(&report, code.worst(ExitCode::Incomplete)));
        }
        Ok(self.last_line(&report, code))
    }

    fn not_run(&self, journal: &Journal<'_>) -> Vec<NotRun> {
        let missing = |agent: usize| -> Vec<String> {
            let without =
                self.plan.cases.iter().filter(|case| !journal.results().contains_key(&(agent, case.id)));
            without.map(|case| case.id.to_string()).collect()
        };
        let all = self.agents.iter().enumerate();
        all.map(|(place, agent)| NotRun { agent: agent.name.as_str().into(), cases: missing(place) })
            .filter(|not_run| !not_run.cases.is_empty())
            .collect()
    }

    fn exit_code(&self, journal: &Journal<'_>, missing: bool) -> ExitCode {
        let failed = journal.results().values().any(|brief| counts(*brief, self.plan.rating.fail_on));
        let errors = journal.results().values().any(|brief| brief.verdict == Verdict::Error);
        let mut code = if failed && !self.plan.rating.exit_zero { ExitCode::Failed } else { ExitCode::Ok };
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

    fn end_record(&self, journal: &Journal<'_>, not_run: &[NotRun], code: ExitCode) -> EndRecord {
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for brief in journal.results().values() {
            *totals.entry(brief.verdict.word().to_owned()).or_default() += 1;
        }
        let missing: usize = not_run.iter().map(|agent| agent.cases.len()).sum();
        if missing > 0 {
            totals.insert(Verdict::NotRun.word().to_owned(), missing as u64);
        }
        let verdicts = journal.results().values().map(|brief| brief.verdict);
        EndRecord {
            finished: now(),
            duration_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            complete: not_run.is_empty(),
            exit: i32::from(code.number()),
            totals,
            rating: summary::Rating::of(verdicts, missing > 0).word().to_owned(),
            not_run: not_run.to_vec(),
            reason: journal.stops().values().next().map(|stop| Untrusted::from(reason(stop))),
        }
    }

    fn print(&self, report: &Report, not_run: &[NotRun], stops: &BTreeMap<usize, Stop>) {
        let page = self.folder.file("report.html").display().to_string();
        let style = self.console.style;
        self.print_causes(report, &page);
        for (place, agent) in self.agents.iter().enumerate() {
            let name = Untrusted::from(agent.name.as_str());
            let records: Vec<&CaseRecord> = report.of_agent(&name).collect();
            let missing =
                not_run.iter().find(|other| other.agent == name).map_or(0, |other| other.cases.len());
            self.console.say(0, "");
            self.console.say(0, summary::agent(&agent.name, &records, missing, suite(), style));
            if let Some(stop) = stops.get(&place) {
                self.console.warn(explain_stop(stop, agent, not_run, &name));
            }
        }
        self.print_where(report, &page);
    }

    fn print_where(&self, report: &Report, page: &str) {
        let left_out: Vec<String> =
            report.run.not_selected.iter().map(|(set, cases)| format!("{set} {cases}")).collect();
        if !left_out.is_empty() {
            self.console.say(0, format!("   not chosen  {}   (--set all)", left_out.join(", ")));
        }
        self.console.say(0, format!("\n   report   {page}"));
        self.console.say(0, format!("   data     {}", self.folder.file(RESULTS).display()));
        if report.cases.iter().any(|record| record.verdict.is_failure()) {
            self.console.say(0, "   again    wsspec run --last-failed");
        }
    }

    fn print_causes(&self, report: &Report, page: &str) {
        let failures = report.cases.iter().filter(|record| record.verdict.is_failure());
        let causes = failure::causes(failures);
        let style = self.console.style;
        for (place, cause) in causes.iter().take(BLOCKS).enumerate() {
            if self.console.level < 0 {
                let several = self.agents.len() > 1;
                self.console.say(-1, lines::case(cause.first, &Remark::Found, several, style));
                continue;
            }
            let left = format!("cause {} of {}", place + 1, causes.len());
            let right = text::count(cause.others.len() + 1, "case");
            self.console.say(0, format!("\n{}", style.rule(&left, &right)));
            self.console.say(0, failure::block(cause, page, style));
        }
        if causes.len() > BLOCKS {
            self.console.say(0, format!("\n{} more causes: see the report", causes.len() - BLOCKS));
        }
    }

    fn last_line(&self, report: &Report, code: ExitCode) -> ExitCode {
        let flaky = Some(wsspec_report::record::Standing::Flaky);
        let briefs: Vec<Brief> = report
            .cases
            .iter()
            .map(|record| Brief { verdict: record.verdict, flaky: record.outcome == flaky })
            .collect();
        let counts = lines::counts(&briefs).replace("   ", ", ");
        let took = text::duration(self.started.elapsed());
        self.console.say(-1, format!("\n{} run in {took}: {counts}   {code}", briefs.len()));
        code
    }
}

fn counts(brief: Brief, fail_on: FailOn) -> bool {
    match fail_on {
        FailOn::Never => false,
        FailOn::Must => brief.verdict.is_failure(),
        FailOn::Flaky => brief.verdict.is_failure() || brief.flaky,
        FailOn::Should => brief.verdict.is_failure() || brief.flaky || brief.verdict == Verdict::NonStrict,
    }
}

fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::Gone => "the implementation is gone",
        Stop::Hangs(_) => "the implementation hangs",
        Stop::Budget => "the time budget is used up",
        Stop::FailFast => "enough cases have failed",
        Stop::Interrupted => "interrupted",
    }
}

fn explain_stop(stop: &Stop, agent: &Agent, not_run: &[NotRun], name: &Untrusted) -> String {
    let missing = not_run.iter().find(|other| other.agent == *name).map_or(0, |other| other.cases.len());
    let missing = format!("{} not run, the report says so", text::count(missing, "case"));
    let shown = lines::agent_name(&agent.name);
    match stop {
        Stop::Gone => Problem::new(ErrorCode::E15, format!("{shown} does not take connections any more"))
            .fact("tried", format!("TCP connect to {}: refused", agent.url))
            .fact("stopped", missing)
            .fact("try", "look at the log of the server; the cases marked DIED ran last"),
        Stop::Hangs(cases) => {
            let what =
                format!("{shown} hangs: {} in a row got no answer in time", text::count(cases.len(), "case"));
            Problem::new(ErrorCode::E14, what)
                .fact("cases", cases.join(" "))
                .fact("stopped", format!("{missing} (--max-hangs)"))
                .fact("try", "-x '9.*'   or   --timeout-scale 4   on slow machines")
        }
        Stop::Budget | Stop::FailFast | Stop::Interrupted => {
            return format!("note: {}; {missing}", reason(stop));
        }
    }
    .to_string()
}
