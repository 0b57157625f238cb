//! The reports that follow from a record, as files.

use std::io;

use wsspec_report::compat::{self, Names};
use wsspec_report::record::Report;

use super::folder::Folder;

/// Writes all reports into the folder.
///
/// # Errors
/// The folder cannot be written to any more.
pub(super) fn write(folder: &Folder, report: &Report) -> io::Result<()> {
    let names = Names::of(report.cases.iter().map(|case| &case.agent));
    for case in report.cases.iter().filter(|case| compat::is_reported(case)) {
        folder.write(&names.file(case, "json"), compat::case_json(case).as_bytes())?;
    }
    folder.write("index.json", compat::index_json(&report.cases).as_bytes())
}
