//! After the last connection: the end of the record, the reports, the summary, the exit status.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use anyhow::Result;
use tokio::time::Instant;
use wsspec_cases::{CaseId, suite};
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{EndRecord, Line, NotRun, Report};
use wsspec_report::summary::Counts;

use super::Shared;
use super::book::Brief;
use super::campaign::{Campaign, Ended};
use super::ledger::Ledger;
use crate::baseline::{self, BaselineFile};
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::fault;
use crate::outputs::{Outputs, ci};
use crate::run::attempt::now;
use crate::run::conclude::{counts, look_at, print_causes, print_last_line, worst_rating};
use crate::run::folder::{Folder, RESULTS, unwritable};
use crate::run::journal;
use crate::run::plan::Rating;
use crate::run::write_reports::{write_failed, write_untested};
use crate::sut::last_words;
use crate::terminal::{Console, summary};
use crate::text::{self, count};

/// How the user finds out what a command lacks.
const BY_HAND: &str = "the command by hand, with the address of   wsspec serve   in place of {url}";

/// The end of a server.
pub struct End<'a> {
    /// What happened.
    pub shared: &'a Shared,
    /// What was waited for.
    pub campaign: &'a Campaign,
    /// Why it ended.
    pub ended: &'a Ended,
    /// What makes it a failure.
    pub rating: Rating,
    /// What is known not to pass.
    pub baseline: Option<&'a BaselineFile>,
    /// What is written beyond record and reports.
    pub outputs: &'a Outputs,
    /// The name of the client, if it has one before it comes.
    pub agent: &'a str,
    /// Where it listened.
    pub listened: &'a [SocketAddr],
}

impl End<'_> {
    /// Writes everything that follows from the record, and says how it ended, once all else is `told`; that may have made
    /// the exit status worse.
    ///
    /// # Errors
    /// E21: the folder cannot be written to. E22: there was no client.
    pub async fn conclude(
        &self,
        console: &Console,
        told: impl Future<Output = ExitCode>,
    ) -> Result<ExitCode> {
        let not_run = self.not_run();
        let shared = self.shared;
        let earlier = shared.ledger.read().await.map_err(|error| unwritable(shared.ledger.path(), &error))?;
        let findings = self.baseline.map(|file| file.baseline.findings(&earlier, &baseline::today()));
        let complaints = self.baseline.zip(findings.as_ref());
        let complaints =
            complaints.map(|(file, findings)| baseline::complaints(file, findings, Some(&earlier)));
        let complaints = complaints.unwrap_or_default();
        let code = self.exit_code(&earlier, &not_run, !complaints.is_empty());
        let leaks = shared.leaks().clone().into_lines();
        let (report, unwritten) =
            finish(&shared.ledger, not_run, code, shared.started, self.reason(), &leaks).await?;
        let captured = told.await;
        let nobody = self.nobody_came();
        if !report.cases.is_empty() && !nobody {
            self.print(&report, console);
        }
        if let Some(file) = self.baseline.filter(|_| !nobody) {
            let strict = self.rating.strict_baseline;
            baseline::tell(&report, &complaints, file, shared.ledger.path(), strict, console);
        }
        let code = self.write(&report, code, nobody, console).worst(captured);
        let code = unwritten.map_or(code, |problem| {
            console.problem(&problem);
            code.worst(ExitCode::Incomplete)
        });
        if nobody {
            return Err(self.untested(&report)?.exit_with(code).into());
        }
        if let Ended::Stalled(why) = self.ended {
            console.note(format!("note: {why}; what is finished is kept"));
        }
        print_last_line(&report, self.shared.started, code, console);
        Ok(code)
    }

    /// Writes and tells what was asked for besides.
    fn write(&self, report: &Report, code: ExitCode, nobody: bool, console: &Console) -> ExitCode {
        let folder = self.shared.ledger.path();
        let written = self.outputs.write(report, Some(folder));
        let service = ci::service(self.outputs.args.ci.unwrap_or_default());
        if !nobody {
            let findings = |file: &BaselineFile| file.baseline.findings(report, &baseline::today());
            let stale = self.baseline.map(|file| baseline::stale(file, &findings(file), folder));
            let (stale, strictness) = (stale.unwrap_or_default(), self.outputs.strictness);
            ci::publish(service, report, strictness, &stale, None, folder, console);
        }
        match written {
            Ok(_) => code,
            Err(problem) => {
                console.problem(&problem);
                code.worst(ExitCode::Incomplete)
            }
        }
    }

    /// Writes that nobody came, and says it; the record of an earlier run stays, and its page.
    fn untested(&self, report: &Report) -> Result<Problem, Problem> {
        let path = self.shared.ledger.path();
        let folder = Folder::open(path)?;
        let record = folder.file(RESULTS);
        let (is_untested, has_record) = (matches!(self.ended, Ended::NoClient(_)), record.exists());
        let written = if is_untested {
            write_untested(&folder, report, !has_record)
        } else {
            write_failed(&folder, [&self.nobody()], "No client asked for it.")
        };
        written.map_err(|error| unwritable(path, &error))?;
        let problem = self.no_client(report);
        if !is_untested || !has_record {
            return Ok(problem);
        }
        Ok(problem.fact("note", format!("{} and report.html are of an earlier run", record.display())))
    }

    /// Whose name would be known if anybody had come.
    fn nobody(&self) -> NotRun {
        NotRun { agent: self.agent.into(), cases: self.missing(&BTreeMap::new()) }
    }

    fn not_run(&self) -> Vec<NotRun> {
        if matches!(self.ended, Ended::NoClient(_)) {
            return vec![self.nobody()];
        }
        let agents = self.shared.book.agents().into_iter();
        let missing = agents
            .map(|(agent, verdicts)| NotRun { agent: agent.as_str().into(), cases: self.missing(&verdicts) });
        missing.filter(|agent| !agent.cases.is_empty()).collect()
    }

    /// The selected cases without a verdict.
    fn missing(&self, verdicts: &BTreeMap<CaseId, Brief>) -> Vec<String> {
        let plan = &self.shared.plan;
        let selected = plan.cases.iter().chain(&plan.passive).map(|case| case.id);
        selected.filter(|id| !verdicts.contains_key(id)).map(|id| id.to_string()).collect()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let agents = self.shared.book.agents().into_iter();
        agents.flat_map(|(_, verdicts)| verdicts.into_values().map(|brief| brief.verdict)).collect()
    }

    fn exit_code(&self, report: &Report, not_run: &[NotRun], stale: bool) -> ExitCode {
        let verdicts = self.verdicts();
        let failed = report.cases.iter().any(|case| counts(journal::Brief::of(case), self.rating.fail_on));
        let mut code = if failed { ExitCode::Failed } else { ExitCode::Ok };
        if stale && self.rating.strict_baseline {
            code = code.worst(ExitCode::Stale);
        }
        if self.rating.exit_zero {
            code = ExitCode::Ok;
        }
        let cut_short = !not_run.is_empty() && !matches!(self.ended, Ended::NoClient(_));
        if cut_short || verdicts.contains(&Verdict::Error) {
            code = code.worst(ExitCode::Incomplete);
        }
        if verdicts.is_empty() {
            code = code.worst(ExitCode::Empty);
        }
        // Its cases are errors, each, and that is no run which was cut short.
        if self.nobody_came() {
            code = ExitCode::Empty;
        }
        if fault::happened() {
            code = ExitCode::Internal;
        }
        match self.ended {
            Ended::Interrupted(signal) => code.worst(*signal),
            _ => code,
        }
    }

    /// There was time enough, and no client.
    fn nobody_came(&self) -> bool {
        match self.ended {
            Ended::NoClient(_) => true,
            Ended::Interrupted(_) => false,
            _ => self.nobody_connected(),
        }
    }

    /// No process of `--exec-case` has asked for its case, and none has crashed.
    fn nobody_connected(&self) -> bool {
        let verdicts = self.verdicts();
        let without = [Verdict::NotApplicable, Verdict::Error, Verdict::Timeout];
        !self.shared.book.is_visited()
            && !verdicts.is_empty()
            && verdicts.iter().all(|verdict| without.contains(verdict))
    }

    fn reason(&self) -> Option<&str> {
        match self.ended {
            Ended::Through | Ended::Asked => None,
            Ended::NoClient(how) => Some(how.as_deref().unwrap_or("no client connected")),
            Ended::Stalled(why) => Some(why),
            Ended::Interrupted(_) => Some("interrupted"),
        }
    }

    fn print(&self, report: &Report, console: &Console) {
        let folder = self.shared.ledger.path();
        let page = folder.join("report.html").display().to_string();
        let agents = report.agents();
        print_causes(report, &page, self.rating.fail_on, console);
        for name in &agents {
            console.say(0, "");
            console.say(0, summary::agent(report, name, suite(), console.style));
        }
        console.say(0, format!("\n   report   {page}"));
        console.say(0, format!("   data     {}", folder.join(RESULTS).display()));
    }

    /// What was started has ended before it asked for anything.
    fn left(&self, how: &str) -> Problem {
        self.last_words(Problem::new(ErrorCode::E22, format!("{how} and had asked for no case")), 4)
            .fact("usually", "it did not get the address: {url} in the command, or $WSSPEC_URL")
            .fact("or", "it is no loop over /runCase?case=N&agent=NAME: --exec-case starts it once per case")
            .advise(BY_HAND)
    }

    /// Adds the last lines that what was started has printed.
    fn last_words(&self, mut problem: Problem, most: usize) -> Problem {
        let lines = self.shared.plan.log.tail(0, 100);
        for (n, line) in last_words::worth_reading(&lines, most).into_iter().enumerate() {
            let line = Untrusted::from(line).for_terminal(60);
            problem = problem.fact(if n == 0 { "output" } else { "" }, format!("| {line}"));
        }
        problem
    }

    /// The processes of `--exec-case` have ended before they asked for their cases.
    fn unconnected(&self, report: &Report) -> Problem {
        let processes = count(self.verdicts().len(), "process");
        let problem = Problem::new(ErrorCode::E22, "no process has connected");
        let Some(case) = report.cases.iter().find(|case| case.verdict != Verdict::NotApplicable) else {
            return problem
                .fact(
                    "got",
                    format!("{processes} ended with exit status 127, which stands for: not supported"),
                )
                .fact("usually", "the shell did not find the command, which it tells by 127 as well")
                .advise("the command by hand, with an address in place of {url}");
        };
        let why = case.summary.for_terminal(200);
        let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why).trim_end_matches('.');
        // All of them say the same, most likely.
        let problem = self
            .last_words(problem.fact("got", format!("{processes}; with {}, {why}", case.id)), 2)
            .fact("usually", "it did not get the address: {url} in the command, or $WSSPEC_URL");
        let has_hung = case.verdict == Verdict::Timeout;
        let slow = has_hung.then_some("it starts slowly: --timeout-scale 4 waits four times as long");
        slow.into_iter().fold(problem, |problem, slow| problem.fact("or", slow)).advise(BY_HAND)
    }

    fn no_client(&self, report: &Report) -> Problem {
        let after = text::duration(self.shared.started.elapsed());
        let on: Vec<String> = self.listened.iter().map(ToString::to_string).collect();
        let on = on.join(" and ");
        let (reach, usually) = if self.listened.iter().all(|address| address.ip().is_loopback()) {
            ("this machine only", "the client is in a container or on another host: --bind 0.0.0.0")
        } else {
            ("other hosts can reach it", "the client connects to another address, or its packets are dropped")
        };
        let mut problem = Problem::new(ErrorCode::E22, format!("no client asked for a case within {after}"))
            .fact("waiting", format!("on {on} ({reach})"))
            .fact("usually", usually)
            .fact("or", "the client uses another port or path: it has to ask for /runCase?case=N&agent=NAME")
            .fact("try", "wsspec serve --once --exec-case './my_client {url}'   (no loop to write)");
        if let Ended::NoClient(Some(how)) = self.ended {
            problem = self.left(how);
        }
        if self.nobody_connected() {
            problem = self.unconnected(report);
        }
        let (idle, refused) = (self.campaign.idle_connections as usize, self.campaign.refused as usize);
        if idle > 0 {
            let health = "without a request (a health check?)";
            problem = problem.fact("seen", format!("{} {health}", count(idle, "TCP connection")));
        }
        if refused > 0 {
            problem = problem.fact("seen", format!("{} that could not be served", count(refused, "request")));
        }
        let log = self.shared.plan.log.path();
        if log.as_os_str().is_empty() { problem } else { problem.fact("log", log.display().to_string()) }
    }
}

/// Ends the record: writes its last line and the reports, and returns what they were made from, and E21 if they could
/// not be written.
///
/// # Errors
/// E21: the record cannot be read.
pub async fn finish(
    ledger: &Ledger,
    not_run: Vec<NotRun>,
    code: ExitCode,
    started: Instant,
    reason: Option<&str>,
    leaks: &[String],
) -> Result<(Report, Option<Problem>), Problem> {
    let failed = |error: io::Error| unwritable(ledger.path(), &error);
    let mut report = ledger.read().await.map_err(failed)?;
    let mut totals = Counts::of(&report.cases).by_word();
    let missing: usize = not_run.iter().map(|agent| agent.cases.len()).sum();
    if missing > 0 {
        totals.insert(Verdict::NotRun.word().to_owned(), missing as u64);
    }
    let mut end = EndRecord {
        finished: now(),
        duration_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        complete: missing == 0 && !report.cases.is_empty(),
        exit: i32::from(code.number()),
        totals,
        rating: String::new(),
        not_run,
        reason: reason.map(Untrusted::from),
        leaks: leaks.iter().map(|line| Untrusted::from(line.as_str())).collect(),
    };
    // The rating looks at what was not run.
    report.end = Some(end.clone());
    end.rating = worst_rating(&report);
    report.end = Some(end.clone());
    ledger.write(Line::End(end));
    match ledger.reports().await {
        Ok(report) => Ok((report, None)),
        Err(error) => {
            let record = ledger.record().await;
            let (kept, look) = (record.display().to_string(), look_at(&record));
            Ok((report, Some(failed(error).fact("kept", kept).fact("look", look))))
        }
    }
}
