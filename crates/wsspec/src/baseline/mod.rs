//! The file of expected verdicts: reading it, judging a run by it, and keeping it up to date.

mod edit;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;
use wsspec_report::baseline::{Entry, Findings, unexpected};
use wsspec_report::record::{CaseRecord, Report, Standing};
use wsspec_report::summary::id_list;

pub use self::edit::{Changes, Update};
pub use self::file::BaselineFile;
use crate::errors::{ErrorCode, Problem};
use crate::terminal::Console;
use crate::terminal::lines::agent_name;
use crate::text::count;

/// The name of the file if no other is given.
pub const FILE: &str = "wsspec.baseline.toml";

/// How a complaint about the last day of an entry says so.
const EXPIRED: &str = " expired on ";

/// Today, as the files write it.
pub fn today() -> String {
    jiff::Zoned::now().date().to_string()
}

/// What is wrong with the entries, a line each: `wsspec.baseline.toml:7   6.4.3 is listed as fail but passes now`.
pub fn complaints(file: &BaselineFile, findings: &Findings, report: Option<&Report>) -> Vec<String> {
    let place = |at: usize| format!("{}:{}", file.path.display(), file.lines[at]);
    let entry = |at: usize| &file.baseline.entries[at];
    let stale = findings.stale.iter().map(|(at, ids)| {
        let is = if ids.len() == 1 { "is" } else { "are" };
        let now = report.map_or_else(|| format!("{is} better now"), |report| now(report, entry(*at), ids));
        format!("{}   {} {is} listed as {} but {now}", place(*at), ids.join(" "), entry(*at).verdict.word())
    });
    let expired = findings.expired.iter().map(|at| {
        let until = entry(*at).until.as_deref().unwrap_or_default();
        format!("{}   the entry for {}{EXPIRED}{until}", place(*at), file.typed[*at].join(" "))
    });
    stale.chain(expired).collect()
}

/// `pass now`, or `are better now for mylib` where that is one of several implementations; with its cases, as in
/// `for mylib (2.1)`, where they are not all of these.
fn now(report: &Report, entry: &Entry, ids: &[String]) -> String {
    let is_fixed = |case: &&CaseRecord| {
        case.outcome == Some(Standing::Fixed) && ids.contains(&case.id.to_string()) && entry.matches(case)
    };
    let fixed: Vec<&CaseRecord> = report.cases.iter().filter(is_fixed).collect();
    let passes = fixed.iter().all(|case| case.verdict == Verdict::Pass);
    let now = match (passes, ids.len()) {
        (true, 1) => "passes now",
        (true, _) => "pass now",
        (false, 1) => "is better now",
        (false, _) => "are better now",
    };
    match report.agents().len() {
        0 | 1 => now.to_owned(),
        _ => format!("{now} for {}", names(&fixed, ids.len())),
    }
}

/// The implementations of these cases, each with its own where they are not all.
fn names(cases: &[&CaseRecord], all: usize) -> String {
    let mut of: BTreeMap<String, BTreeSet<CaseId>> = BTreeMap::new();
    for case in cases {
        of.entry(agent_name(case.agent.raw())).or_default().insert(case.id);
    }
    let name = |(name, ids): (String, BTreeSet<CaseId>)| match ids.len() == all {
        true => name,
        false => format!("{name} ({})", Vec::from_iter(ids.iter().map(CaseId::to_string)).join(" ")),
    };
    of.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// E24, if there is anything to complain about.
pub fn problem(complaints: &[String], path: &Path) -> Option<Problem> {
    const LINES: usize = 5;
    if complaints.is_empty() {
        return None;
    }
    let what = match complaints.len() {
        1 => "1 baseline entry is wrong".to_owned(),
        number => format!("{number} baseline entries are wrong"),
    };
    let mut lines: Vec<String> = complaints.iter().take(LINES).cloned().collect();
    if complaints.len() > LINES {
        lines.push(format!("and {} more: wsspec baseline check", complaints.len() - LINES));
    }
    let file = if path == Path::new(FILE) { String::new() } else { format!(" --file {}", path.display()) };
    let expired = complaints.iter().filter(|line| line.contains(EXPIRED)).count();
    let problem = Problem::new(ErrorCode::E24, what).list(lines);
    let fixed = format!("wsspec baseline update --only-fixed{file}     then commit the file");
    let later =
        format!("wsspec baseline update --reason TEXT{file}     (expired ones go, what fails gets TEXT)");
    Some(match expired {
        0 => problem.fact("try", fixed),
        _ if expired < complaints.len() => problem.fact("try", fixed).fact("try", later),
        _ => problem.fact("try", later).fact("or", "a later day in until, where the reason still holds"),
    })
}

/// Prints what is unexpected, and which entries are wrong: a note, or an error if they have to be right.
pub fn tell(report: &Report, complaints: &[String], file: &BaselineFile, strict: bool, console: &Console) {
    let causes = unexpected(report);
    let ids: Vec<CaseId> = causes.iter().flat_map(|cause| cause.ids()).collect();
    if !ids.is_empty() {
        let (number, causes) = (ids.len(), count(causes.len(), "cause"));
        console.say(-1, format!("\n{number} unexpected: {} ({causes})", id_list(&ids, 12)));
    }
    if let Some(problem) = problem(complaints, &file.path) {
        if strict {
            console.problem(&problem);
        } else {
            let text = format!("{problem:width$}", width = console.style.width);
            console.note(text.replacen("error[", "note[", 1));
        }
    }
}

/// The path that was typed, or the usual one.
pub fn path(typed: Option<&PathBuf>) -> PathBuf {
    typed.cloned().unwrap_or_else(|| PathBuf::from(FILE))
}
