//! The reports that follow from a record, as files.

use std::collections::BTreeSet;
use std::io;

use rayon::prelude::*;
use wsspec_engine::Verdict;
use wsspec_report::badge::Badge;
use wsspec_report::compat::{self, Names};
use wsspec_report::record::{CaseRecord, Report};
use wsspec_report::{html, junit, markdown};

use super::folder::Folder;

/// Writes all reports into the folder: the reference's files, one page that holds everything, what CI services
/// read, and lists of ids.
///
/// # Errors
/// The folder cannot be written to any more.
pub fn write(folder: &Folder, report: &Report, against: Option<html::Against<'_>>) -> io::Result<()> {
    let names = Names::of(report.cases.iter().map(|case| &case.agent));
    let cases = report.cases.par_iter().filter(|case| compat::is_reported(case));
    cases.try_for_each(|case| {
        folder.write(&names.file(case, "json"), compat::case_json(&report.whole(case)).as_bytes())
    })?;
    folder.write("index.json", compat::index_json(&report.cases).as_bytes())?;
    let pages = html::folder_against(report, against);
    pages.try_for_each(|page| folder.write(&page.name, page.content.as_bytes()))?;
    write_for_ci(folder, report, against)?;
    match html::report_against(report, against) {
        Ok(page) => folder.write("report.html", page.as_bytes()),
        // The folder of pages, whose index says the same, has no limit.
        Err(too_large) => folder.write("report.html", pointer(&too_large).as_bytes()),
    }
}

fn write_for_ci(folder: &Folder, report: &Report, against: Option<html::Against<'_>>) -> io::Result<()> {
    let options = junit::Options { report: Some("report.html".to_owned()), ..junit::Options::default() };
    let badge = Badge::of(report, false);
    let junit = junit::junit(report, &options).map_err(io::Error::other)?;
    for (name, content) in [
        ("junit.xml", junit),
        ("summary.md", markdown::summary(report, against)),
        ("badge.svg", badge.svg()),
        ("badge.json", badge.json()),
        ("failed.txt", ids(report, |case| case.verdict.is_failure())),
        ("non-strict.txt", ids(report, |case| case.verdict == Verdict::NonStrict)),
    ] {
        folder.write(name, content.as_bytes())?;
    }
    Ok(())
}

/// One id a line, as `run` takes them.
fn ids(report: &Report, chosen: impl Fn(&CaseRecord) -> bool) -> String {
    let ids: BTreeSet<_> = report.cases.iter().filter(|case| chosen(case)).map(|case| case.id).collect();
    ids.iter().map(|id| format!("{id}\n")).collect()
}

fn pointer(why: &html::TooLarge) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><title>wsspec</title><p>{why}: <a href=index.html>index.html</a>"
    )
}
