//! The reports that follow from a record, as files.

use std::io;

use wsspec_report::compat::{self, Names};
use wsspec_report::html;
use wsspec_report::record::Report;

use super::folder::Folder;

/// Writes all reports into the folder: the reference's files, and one page that holds everything.
///
/// # Errors
/// The folder cannot be written to any more.
pub fn write(folder: &Folder, report: &Report) -> io::Result<()> {
    let names = Names::of(report.cases.iter().map(|case| &case.agent));
    for case in report.cases.iter().filter(|case| compat::is_reported(case)) {
        folder.write(&names.file(case, "json"), compat::case_json(case).as_bytes())?;
    }
    folder.write("index.json", compat::index_json(&report.cases).as_bytes())?;
    for page in html::folder(report) {
        folder.write(&page.name, page.content.as_bytes())?;
    }
    match html::report(report) {
        Ok(page) => folder.write("report.html", page.as_bytes()),
        // The folder of pages, whose index says the same, has no limit.
        Err(too_large) => folder.write("report.html", pointer(&too_large).as_bytes()),
    }
}

fn pointer(why: &html::TooLarge) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><title>wsspec</title><p>{why}: <a href=index.html>index.html</a>"
    )
}
