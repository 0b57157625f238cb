//! What a run leaves that could not start: what was asked for by name says so, and the record of an earlier run stays
//! what it is.

use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{EndRecord, NotRun, Report, Role, RunRecord, Target};

use super::attempt::now;
use super::conclude::worst_rating;
use super::folder::{Folder, RESULTS};
use super::peer::PeerPlan;
use super::plan::RunPlan;
use super::run_record;
use crate::errors::Problem;
use crate::outputs::feed;
use crate::terminal::Console;

/// Writes a run of which no case was run to the files that were asked for by name and to stdout, if that holds data.
pub(super) fn tell(problem: Problem, plan: &RunPlan, folder: &Folder, console: &Console) -> Problem {
    let report = report(plan, &problem);
    feed::tell(&report, console);
    if let Err(unwritten) = plan.outputs.write(&report, None) {
        console.warn(unwritten.to_string());
    }
    if !folder.file(RESULTS).exists() {
        return problem;
    }
    let there = plan.out.display();
    problem.fact("note", format!("what is in {there} is of an earlier run"))
}

fn report(plan: &RunPlan, problem: &Problem) -> Report {
    let targets: Vec<Target> = plan.peers.iter().map(|peer| target(peer, plan)).collect();
    let cases: Vec<String> = plan.cases_for(false).map(|case| case.id.to_string()).collect();
    let not_run: Vec<NotRun> =
        targets.iter().map(|target| NotRun { agent: target.agent.clone(), cases: cases.clone() }).collect();
    let missing: usize = not_run.iter().map(|agent| agent.cases.len()).sum();
    let end = EndRecord {
        finished: now(),
        duration_us: 0,
        complete: false,
        exit: i32::from(problem.exit().number()),
        totals: [(Verdict::NotRun.word().to_owned(), missing as u64)].into(),
        rating: String::new(),
        not_run,
        reason: Some(Untrusted::from(plan.redaction.text(problem.headline()))),
    };
    let run = RunRecord { targets, ..run_record(plan, &[], &[]) };
    let mut report = Report { run, cases: Vec::new(), end: Some(end), torn: false, stored: None };
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
