//! The reports that follow from a record, as files.

use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc::sync_channel;

use rayon::prelude::*;
use wsspec_cases::suite;
use wsspec_engine::{TesterRole, Verdict, unreachable};
use wsspec_report::badge::Badge;
use wsspec_report::compat::{self, Names};
use wsspec_report::record::{CaseMeta, CaseRecord, NotRun, Redaction, Report};
use wsspec_report::strictness::Strictness;
use wsspec_report::{Untrusted, html, junit, markdown};

use super::folder::{Folder, INDEX};
use crate::outputs;

/// Pages that are made and not yet written, at most.
const WAITING: usize = 16;

/// Writes all reports into the folder: the reference's files, one page that holds everything, what CI services
/// read, and lists of ids.
///
/// # Errors
/// The folder cannot be written to any more.
pub fn write(folder: &Folder, report: &Report, against: Option<html::Against<'_>>) -> io::Result<()> {
    let (files, page) =
        rayon::join(|| write_files(folder, report, against), || write_page(folder, report, against));
    files.and(page)?;
    report.check_read()
}

/// The page that holds everything.
fn write_page(folder: &Folder, report: &Report, against: Option<html::Against<'_>>) -> io::Result<()> {
    match outputs::write_page(&folder.file("report.html"), report, against) {
        Ok(()) => Ok(()),
        Err(html::Unwritten::Io(error)) => Err(error),
        // The folder of pages, whose index says the same, has no limit.
        Err(too_large) => folder.write("report.html", pointer(&too_large).as_bytes()),
    }
}

/// All files but the page that holds everything.
fn write_files(folder: &Folder, report: &Report, against: Option<html::Against<'_>>) -> io::Result<()> {
    let names = Names::of(report.cases.iter().map(|case| &case.agent));
    let json = |case: &CaseRecord| {
        compat::is_reported(case)
            .then(|| html::Page { name: names.file(case, "json"), content: compat::case_json(case) })
    };
    write_pages(folder, html::folder_beside(report, against, json))?;
    folder.stream(INDEX, |out| compat::write_index(&report.cases, out))?;
    write_for_ci(folder, report, against)
}

/// Writes many files, one after the other: threads that make files in the same folder wait for each other, awake.
fn write_pages(folder: &Folder, pages: impl ParallelIterator<Item = html::Page>) -> io::Result<()> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<html::Page>(WAITING);
        let write = |page: html::Page| folder.write_page(&page.name, page.content.as_bytes());
        let writer = scope.spawn(move || receiver.into_iter().try_for_each(write));
        // It fails when the writer has failed, which tells why.
        let _ = pages.try_for_each_with(sender, |sender, page| sender.send(page));
        writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer of the pages has failed")))
    })
}

fn write_for_ci(folder: &Folder, report: &Report, against: Option<html::Against<'_>>) -> io::Result<()> {
    write_verdict(folder, report, Some("report.html"), against)?;
    let non_strict = |case: &&CaseRecord| case.verdict == Verdict::NonStrict;
    write_ids(folder, "failed.txt", failed(report, Strictness::of(&report.run)))?;
    write_ids(folder, "non-strict.txt", report.cases.iter().filter(non_strict))
}

/// What failed, and what made the run fail besides.
pub(crate) fn failed(report: &Report, strictness: Strictness) -> impl Iterator<Item = &CaseRecord> {
    report.cases.iter().filter(move |case| case.verdict.is_failure() || strictness.fails_for(case))
}

/// Writes what tells CI services how a run ended; `page`: where its cases are shown.
fn write_verdict(
    folder: &Folder,
    report: &Report,
    page: Option<&str>,
    against: Option<html::Against<'_>>,
) -> io::Result<()> {
    let strictness = Strictness::of(&report.run);
    let options = junit::Options { strictness, report: page.map(str::to_owned) };
    let badge = Badge::of(report, strictness, false);
    folder.stream("junit.xml", |out| junit::write(report, &options, out))?;
    folder.write("summary.md", markdown::summary(report, strictness, against).as_bytes())?;
    folder.write("badge.svg", badge.svg().as_bytes())?;
    folder.write("badge.json", badge.json().as_bytes())
}

/// Writes all files of a run of which no case was run, but for the record and the page, if there are those of an earlier
/// run: they belong together, and everything else can be made of them again.
///
/// # Errors
/// The folder cannot be written to.
pub(crate) fn write_untested(folder: &Folder, report: &Report, with_page: bool) -> io::Result<()> {
    write_verdict(folder, report, None, None)?;
    let end = report.end.iter();
    let why = end.clone().find_map(|end| end.reason.as_ref()).map_or("", |why| why.raw());
    write_failed(folder, end.flat_map(|end| &end.not_run), why)?;
    write_pages(folder, html::folder_beside(report, None, |_| None))?;
    if with_page { write_page(folder, report, None) } else { Ok(()) }
}

/// Writes the reference's index, the files that it names, and the lists of ids, with the cases that were to run as failures.
/// Scripts look for these there and at nothing else: an empty index, or none, they take for a good one.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_failed<'a>(
    folder: &Folder,
    not_run: impl IntoIterator<Item = &'a NotRun>,
    why: &str,
) -> io::Result<()> {
    let failed = |agent: &NotRun, id: &String| {
        let case = id.parse().ok().and_then(|id| suite().get(id))?;
        let outcome = unreachable(case, TesterRole::Client, why.to_owned());
        let (meta, redaction) = (CaseMeta::default(), Redaction::default());
        let mut record = CaseRecord::from_outcome(agent.agent.raw(), case, &outcome, meta, &redaction);
        record.autobahn.result = Untrusted::from(format!("The case was not run. {why}"));
        Some(record)
    };
    let agents = not_run.into_iter();
    let cases = agents.flat_map(|agent| agent.cases.iter().filter_map(move |id| failed(agent, id)));
    let cases: Vec<CaseRecord> = cases.collect();
    let names = Names::of(cases.iter().map(|case| &case.agent));
    folder.remove_pages(&["json", "html"]);
    for case in &cases {
        folder.write_page(&names.file(case, "json"), compat::case_json(case).as_bytes())?;
    }
    write_ids(folder, "failed.txt", &cases)?;
    write_ids(folder, "non-strict.txt", [])?;
    folder.stream(INDEX, |out| compat::write_index(&cases, out))
}

/// A list of ids, as `run` takes them.
fn write_ids<'a>(
    folder: &Folder,
    name: &str,
    cases: impl IntoIterator<Item = &'a CaseRecord>,
) -> io::Result<()> {
    folder.write(name, id_lines(cases).as_bytes())
}

/// One id a line, each once.
pub(crate) fn id_lines<'a>(cases: impl IntoIterator<Item = &'a CaseRecord>) -> String {
    let ids: BTreeSet<_> = cases.into_iter().map(|case| case.id).collect();
    ids.iter().map(|id| format!("{id}\n")).collect()
}

fn pointer(why: &html::Unwritten) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><title>wsspec</title><p>{why}: <a href=index.html>index.html</a>"
    )
}
