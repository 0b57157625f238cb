//! Records of earlier runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use wsspec_cases::{CaseId, suite};
use wsspec_report::record::{self, CaseRecord, RecordError, Report};

use crate::errors::{ErrorCode, Problem};
use crate::filter::Filter;
use crate::run::folder::{RESULTS, USUAL, numbered};
use crate::sut::process::leak;
use crate::terminal::Console;
use crate::terminal::failure::shell;
use crate::terminal::lines::agent_name;
use crate::text::did_you_mean;

/// Where a record is: the file itself, or the one in a folder.
pub fn file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(RESULTS) } else { path.to_owned() }
}

/// What names results in a command, if they are not the usual ones: ` --from other`.
pub fn from_option(path: &Path) -> String {
    match path == Path::new(USUAL) {
        true => String::new(),
        false => format!(" --from {}", shell(&[path.display().to_string()])),
    }
}

/// Reads a record, or the one in a folder: of each case what lists show. The rest is read again where it is needed.
///
/// # Errors
/// E18: there is none, or it is none.
pub fn read(path: &Path) -> Result<Report, Problem> {
    let path = file(path);
    let problem = |why: String, advice: &str| {
        Problem::new(ErrorCode::E18, format!("cannot read the results in {}", path.display()))
            .fact("why", why)
            .advise(advice)
    };
    let run = "wsspec run ws://127.0.0.1:9001   (it writes wsspec-out/results.jsonl)";
    let file = File::open(&path).map_err(|error| problem(crate::text::io_error(&error), run))?;
    rereadable(file).map_err(RecordError::from).and_then(record::read_file).map_err(|error| {
        let advice = match error {
            RecordError::Schema(_) => "a newer version of wsspec   (wsspec --version tells this one)",
            RecordError::Line { .. } => "another copy of the file: a run writes whole lines only",
            RecordError::NoRun => "the results.jsonl that a run has written, from its first line on",
            RecordError::Empty | RecordError::Io(_) => run,
        };
        problem(error.to_string(), advice)
    })
}

/// The records of earlier runs that were kept beside this one, the last one first.
pub fn kept(path: &Path) -> impl Iterator<Item = PathBuf> {
    let file = file(path);
    (1..=u8::MAX).map(move |number| numbered(&file, number)).take_while(|kept| kept.exists())
}

/// Refuses the name of an implementation that the results do not hold.
///
/// # Errors
/// E29.
pub fn check_agent(report: &Report, agent: &str, advice: &str) -> Result<(), Problem> {
    let known: Vec<&str> = report.agents().into_iter().map(|agent| agent.raw()).collect();
    if known.contains(&agent) {
        return Ok(());
    }
    let shown: Vec<String> = known.iter().map(|agent| agent_name(agent)).collect();
    let problem = Problem::new(ErrorCode::E29, format!("the results hold no {agent:?}"));
    let near = did_you_mean(agent, known);
    let problem =
        if near.is_empty() { problem } else { problem.fact("meant", format!("{}?", near.join(", "))) };
    Err(problem.fact("known", shown.join(", ")).fact("try", advice))
}

/// The file; of what can be read only once, such as a pipe, a copy.
fn rereadable(mut file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let mut copy = tempfile::tempfile()?;
    io::copy(&mut file, &mut copy)?;
    copy.rewind()?;
    Ok(copy)
}

/// For each result whether a filter is true for it. One of a case that this version does not know is left out.
pub fn matching(filter: &Filter, report: &Report) -> Vec<bool> {
    let mut of_case: BTreeMap<CaseId, Vec<&CaseRecord>> = BTreeMap::new();
    for record in &report.cases {
        of_case.entry(record.id).or_default().push(record);
    }
    let is_meant = |record: &CaseRecord| {
        let case = suite().get(record.id);
        case.is_some_and(|case| filter.matches_result(case, record, &of_case[&record.id]))
    };
    report.cases.iter().map(is_meant).collect()
}

/// Says it if not everything ran that was selected.
pub fn warn_incomplete(report: &Report, console: &Console) {
    incomplete(report).into_iter().for_each(|why| console.note(why));
}

/// The same where there are several results.
pub fn warn_incomplete_at(path: &Path, report: &Report, console: &Console) {
    incomplete(report).into_iter().for_each(|why| console.note(format!("{}: {why}", path.display())));
}

/// Says which processes that wsspec had started did not end as they should, or were left behind.
pub fn warn_leaks(report: &Report, console: &Console) {
    let leaks = report.end.iter().flat_map(|end| &end.leaks);
    leaks.for_each(|line| console.note(leak(line.raw())));
}

fn incomplete(report: &Report) -> Option<String> {
    if report.end.is_none() {
        let torn = if report.torn { "; its last record is cut off" } else { "" };
        return Some(format!("INCOMPLETE: this run did not come to its end{torn}"));
    }
    let reason = report.end.as_ref().and_then(|end| end.reason.as_ref());
    let why = reason.map_or_else(String::new, |why| format!(": {}", why.for_terminal(200)));
    (!report.is_complete()).then(|| format!("INCOMPLETE: not every selected case ran{why}"))
}
