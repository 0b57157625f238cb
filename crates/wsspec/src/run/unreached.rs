//! What a run leaves that could not start: all files of the folder tell of it, in red, and so does what was asked for by
//! name; only the record of an earlier run stays what it is, and the page `report.html` of that.

use std::time::Duration;

use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{EndRecord, NotRun, Report, Role, RunRecord, Target};

use super::attempt::now;
use super::conclude::worst_rating;
use super::folder::{Folder, RESULTS, unwritable};
use super::peer::PeerPlan;
use super::plan::RunPlan;
use super::{run_record, write_reports};
use crate::errors::Problem;
use crate::outputs::feed;
use crate::terminal::Console;

/// Writes a run of which no case was run to the files of the folder that CI services read, to those that were asked for
/// by name, and to stdout, if that holds data.
pub(super) fn tell(
    problem: Problem,
    plan: &RunPlan,
    folder: &Folder,
    console: &Console,
    took: Duration,
) -> Problem {
    let report = report(plan, &problem, took);
    feed::tell(&report, console);
    let is_first = !folder.file(RESULTS).exists();
    let written = write_reports::write_untested(folder, &report, is_first);
    let written = written.map_err(|error| unwritable(&plan.out, &error));
    if let Err(unwritten) = written.and_then(|()| plan.outputs.write(&report, None)) {
        console.problem(&unwritten);
    }
    if is_first {
        return problem;
    }
    let record = folder.file(RESULTS).display().to_string();
    problem.fact("note", format!("{record} and report.html are of an earlier run"))
}

fn report(plan: &RunPlan, problem: &Problem, took: Duration) -> Report {
    let targets: Vec<Target> = plan.peers.iter().map(|peer| target(peer, plan)).collect();
    let cases: Vec<String> = plan.cases_for(false).map(|case| case.id.to_string()).collect();
    let not_run: Vec<NotRun> =
        targets.iter().map(|target| NotRun { agent: target.agent.clone(), cases: cases.clone() }).collect();
    let missing: usize = not_run.iter().map(|agent| agent.cases.len()).sum();
    let end = EndRecord {
        finished: now(),
        duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        complete: false,
        exit: i32::from(problem.exit().number()),
        totals: [(Verdict::NotRun.word().to_owned(), missing as u64)].into(),
        rating: String::new(),
        not_run,
        reason: Some(Untrusted::from(plan.redaction.text(&problem.to_string()))),
        leaks: Vec::new(),
    };
    let run = RunRecord { targets, selected: cases.len() as u64, ..run_record(plan, &[], &[]) };
    let mut report = Report { run, cases: Vec::new(), end: Some(end), torn: false };
    let rating = worst_rating(&report);
    report.end.iter_mut().for_each(|end| end.rating.clone_from(&rating));
    report
}

fn target(peer: &PeerPlan, plan: &RunPlan) -> Target {
    let address = peer.target.as_ref();
    let name = peer.name.clone().or_else(|| address.map(|target| target.fallback_name()));
    Target {
        agent: name.unwrap_or_else(|| "server".to_owned()).as_str().into(),
        url: address.map(|target| plan.redaction.text(&target.to_string())),
        role: Role::Server,
        deflate: None,
    }
}
