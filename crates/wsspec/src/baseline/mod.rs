//! The file of expected verdicts: reading it, judging a run by it, and keeping it up to date.

mod edit;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wsspec_cases::CaseId;
use wsspec_report::baseline::{Findings, Tolerated, unexpected};
use wsspec_report::github::StaleEntry;
use wsspec_report::record::{CaseRecord, Report, Standing};
use wsspec_report::summary::id_list;

pub use self::edit::{Changes, Update};
pub use self::file::BaselineFile;
use crate::errors::{ErrorCode, Problem};
use crate::results;
use crate::run::folder::USUAL;
use crate::terminal::Console;
use crate::terminal::failure::shell;
use crate::terminal::lines::agent_name;
use crate::text::count;

/// The name of the file if no other is given.
pub const FILE: &str = "wsspec.baseline.toml";

/// Implementations that a complaint names.
const NAMES: usize = 3;

/// What is wrong with an entry, and what helps.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// `wsspec.baseline.toml:7   6.4.3 is listed as fail but passes now`
    pub line: String,
    remedy: Remedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// What is fixed goes.
    TakeOut,
    /// The entry says that less is accepted.
    Lower(Tolerated),
    /// The entry says who it is for.
    Name,
    /// What has expired goes, or gets a later day.
    Renew,
}

/// Today, as the files write it.
pub fn today() -> String {
    jiff::Zoned::now().date().to_string()
}

/// What is wrong with the entries.
pub fn complaints(file: &BaselineFile, findings: &Findings, report: Option<&Report>) -> Vec<Complaint> {
    let place = |at: usize| format!("{}:{}", file.path.display(), file.lines[at]);
    let entry = |at: usize| &file.baseline.entries[at];
    let better = |at: usize, ids: &[String], remedy| {
        let is = if ids.len() == 1 { "is" } else { "are" };
        let now = report.map_or_else(|| format!("{is} better now"), |report| now(report, file, at, ids));
        let (place, ids, word) = (place(at), ids.join(" "), entry(at).verdict.word());
        Complaint { line: format!("{place}   {ids} {is} listed as {word} but {now}"), remedy }
    };
    let expired = findings.expired.iter().map(|at| {
        let (until, cases) = (entry(*at).until.as_deref().unwrap_or_default(), file.typed[*at].join(" "));
        let line = format!("{}   the entry for {cases} expired on {until}", place(*at));
        Complaint { line, remedy: Remedy::Renew }
    });
    let stale = findings.stale.iter().map(|(at, ids)| better(*at, ids, Remedy::TakeOut));
    let lower = findings.lower.iter().map(|(at, verdict, ids)| better(*at, ids, Remedy::Lower(*verdict)));
    let needed = findings.needed.iter().map(|(at, ids)| better(*at, ids, Remedy::Name));
    stale.chain(lower).chain(needed).chain(expired).collect()
}

/// What is wrong with the entries, for a CI service. `folder` is where the results are.
pub fn stale(file: &BaselineFile, findings: &Findings, folder: &Path) -> Vec<StaleEntry> {
    let entry = |(at, cases): &(usize, Vec<String>)| StaleEntry {
        file: file.path.display().to_string(),
        line: file.lines[*at],
        cases: cases.clone(),
        is_needed: false,
        until: None,
        from: (folder != Path::new(USUAL)).then(|| folder.display().to_string()),
    };
    let needed = findings.needed.iter().map(|found| StaleEntry { is_needed: true, ..entry(found) });
    let expired = findings.expired.iter().map(|at| StaleEntry {
        cases: file.typed[*at].clone(),
        until: Some(file.baseline.entries[*at].until.clone().unwrap_or_default()),
        ..entry(&(*at, Vec::new()))
    });
    let lower = findings.lower.iter().map(|(at, _, cases)| entry(&(*at, cases.clone())));
    findings.stale.iter().map(entry).chain(lower).chain(needed).chain(expired).collect()
}

/// `pass now`, or `are better now for mylib, not for other` where there are several implementations; with its cases, as
/// in `for mylib (2.1)`, where they are not all of these.
fn now(report: &Report, file: &BaselineFile, at: usize, ids: &[String]) -> String {
    let today = today();
    let is_meant = |case: &&CaseRecord| {
        ids.contains(&case.id.to_string()) && file.baseline.entry_for(case, &today) == Some(at)
    };
    let meant: Vec<&CaseRecord> = report.cases.iter().filter(is_meant).collect();
    let which = |standings: &[Standing]| -> Vec<&CaseRecord> {
        let stands = |case: &&CaseRecord| case.outcome.is_some_and(|now| standings.contains(&now));
        meant.iter().copied().filter(stands).collect()
    };
    let fixed = which(&[Standing::Fixed]);
    let held = which(&[Standing::Known, Standing::Unexpected, Standing::Flaky]);
    let verdicts: BTreeSet<&str> = fixed.iter().map(|case| case.verdict.word()).collect();
    let verdict = verdicts.first().copied().filter(|_| verdicts.len() == 1).unwrap_or("better");
    let now = match (verdict, ids.len()) {
        ("pass", 1) => "passes now".to_owned(),
        ("pass", _) => "pass now".to_owned(),
        (word, 1) => format!("is {word} now"),
        (word, _) => format!("are {word} now"),
    };
    let names = |cases| names(cases, ids.len());
    match (report.agents().len(), held.is_empty()) {
        (0 | 1, _) => now,
        (_, true) => format!("{now} for {}", names(&fixed)),
        (_, false) => format!("{now} for {}, not for {}", names(&fixed), names(&held)),
    }
}

/// The implementations of these cases, each with its own where they are not all; the first of many.
fn names(cases: &[&CaseRecord], all: usize) -> String {
    let mut of: BTreeMap<String, BTreeSet<CaseId>> = BTreeMap::new();
    for case in cases {
        of.entry(agent_name(case.agent.raw())).or_default().insert(case.id);
    }
    let more = of.len().saturating_sub(NAMES);
    let name = |(name, ids): (String, BTreeSet<CaseId>)| match ids.len() == all {
        true => name,
        false => format!("{name} ({})", Vec::from_iter(ids.iter().map(CaseId::to_string)).join(" ")),
    };
    let shown = Vec::from_iter(of.into_iter().take(NAMES).map(name)).join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// E24, if there is anything to complain about.
///
/// `path` is the baseline, `from` where the results are.
pub fn problem(complaints: &[Complaint], path: &Path, from: &Path) -> Option<Problem> {
    const LINES: usize = 5;
    if complaints.is_empty() {
        return None;
    }
    let what = match complaints.len() {
        1 => "1 baseline entry is wrong".to_owned(),
        number => format!("{number} baseline entries are wrong"),
    };
    let file = format!("{}{}", file_option(path), results::from_option(from));
    let mut lines: Vec<String> = complaints.iter().take(LINES).map(|one| one.line.clone()).collect();
    if complaints.len() > LINES {
        lines.push(format!("and {} more: wsspec baseline check{file}", complaints.len() - LINES));
    }
    let has = |remedy| complaints.iter().any(|one| one.remedy == remedy);
    let mut problem = Problem::new(ErrorCode::E24, what).list(lines);
    let lower = |verdict: &Tolerated| has(Remedy::Lower(*verdict));
    let lower: Vec<&str> = Tolerated::ALL.iter().filter(|one| lower(one)).map(|one| one.word()).collect();
    if has(Remedy::TakeOut) || !lower.is_empty() {
        let fixed = format!("wsspec baseline update --only-fixed{file}     then commit the file");
        problem = problem.fact("try", fixed);
    }
    for word in lower {
        let entry = format!("verdict = \"{word}\" in the entry; without one the run fails");
        problem = problem.fact("or", entry);
    }
    if has(Remedy::Name) {
        problem = problem.advise("agent = \"NAME\" in the entry, for who needs it");
    }
    if has(Remedy::Renew) {
        let later = "(expired ones go, what fails gets TEXT)";
        problem = problem.fact("try", format!("wsspec baseline update --reason TEXT{file}     {later}"));
        if complaints.iter().all(|one| one.remedy == Remedy::Renew) {
            problem = problem.fact("or", "a later day in until, where the reason still holds");
        }
    }
    Some(problem)
}

/// Prints what is unexpected, and which entries are wrong: a note, or an error if they have to be right.
///
/// `folder` is where the results are.
pub fn tell(
    report: &Report,
    complaints: &[Complaint],
    file: &BaselineFile,
    folder: &Path,
    strict: bool,
    console: &Console,
) {
    let causes = unexpected(report);
    let ids: Vec<CaseId> = causes.iter().flat_map(|cause| cause.ids()).collect();
    if !ids.is_empty() {
        let (number, causes) = (ids.len(), count(causes.len(), "cause"));
        console.say(-1, format!("\n{number} unexpected: {} ({causes})", id_list(&ids, 12)));
    }
    if let Some(problem) = problem(complaints, &file.path, folder) {
        if strict {
            console.problem(&problem);
        } else {
            console.problem_as_note(&problem);
        }
    }
}

/// What names the file in a command, if it is not the usual one.
pub(crate) fn file_option(path: &Path) -> String {
    match path == Path::new(FILE) {
        true => String::new(),
        false => format!(" --file {}", shell(&[path.display().to_string()])),
    }
}

/// The path that was typed, or the usual one.
pub fn path(typed: Option<&PathBuf>) -> PathBuf {
    typed.cloned().unwrap_or_else(|| PathBuf::from(FILE))
}
