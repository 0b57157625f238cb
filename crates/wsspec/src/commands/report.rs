//! `wsspec report`: the reports of an earlier run once more, also of one that did not come to its end.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use wsspec_report::html;
use wsspec_report::record::Report;
use wsspec_report::summary::AgentSummary;

use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::results;
use crate::run::folder::{Folder, unwritable};
use crate::run::write_reports;
use crate::terminal::{Console, lines};

/// `wsspec report`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// The results, as a file or as the folder with results.jsonl
    #[arg(long, value_name = "FILE|DIR", default_value = "wsspec-out")]
    pub from: PathBuf,
    /// Write all reports to this folder [default, if nothing else is asked for: where the results are]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write one HTML file that holds everything
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write a folder of HTML pages that need no JavaScript
    #[arg(long, value_name = "DIR")]
    pub html_dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  wsspec report                            all reports of wsspec-out again
  wsspec report --from old.jsonl -o old    of a file from elsewhere
  wsspec report --html page.html           one file, to be sent to someone";

/// Writes the reports that were asked for.
///
/// # Errors
/// E18: there are no results. E21: a report cannot be written.
pub fn run(args: &ReportArgs, console: &Console) -> Result<ExitCode> {
    let report = results::read(&args.from)?;
    results::warn_incomplete(&report, console);
    for summary in AgentSummary::all(&report) {
        let name = lines::agent_name(summary.agent.raw());
        console.say(0, format!("{name}   {}", summary.rating));
    }
    let only_html = args.html.is_some() || args.html_dir.is_some();
    let beside = || (!only_html).then(|| folder_of(&results::file(&args.from)));
    if let Some(out) = args.out.clone().or_else(beside) {
        write_all(&report, &out, console)?;
    }
    if let Some(file) = &args.html {
        write_file(&report, file, console)?;
    }
    if let Some(dir) = &args.html_dir {
        write_pages(&report, dir, console)?;
    }
    Ok(ExitCode::Ok)
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// Writes every report that a run writes.
///
/// # Errors
/// E21.
pub(super) fn write_all(report: &Report, out: &Path, console: &Console) -> Result<(), Problem> {
    let folder = Folder::open(out)?;
    write_reports::write(&folder, report).map_err(|error| unwritable(out, &error))?;
    console.say(-1, format!("wrote {}", folder.file("report.html").display()));
    Ok(())
}

fn write_file(report: &Report, file: &Path, console: &Console) -> Result<(), Problem> {
    let page = html::report(report).map_err(|too_large| {
        Problem::new(ErrorCode::E21, format!("cannot write {}", file.display()))
            .fact("why", too_large.to_string())
            .fact("try", "wsspec report --html-dir DIR")
    })?;
    let folder = Folder::open(&folder_of(file))?;
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| unwritable(file, &std::io::Error::other("it has no file name")))?;
    folder.write(name, page.as_bytes()).map_err(|error| unwritable(file, &error))?;
    console.say(-1, format!("wrote {}", file.display()));
    Ok(())
}

fn write_pages(report: &Report, dir: &Path, console: &Console) -> Result<(), Problem> {
    let folder = Folder::open(dir)?;
    for page in html::folder(report) {
        folder.write(&page.name, page.content.as_bytes()).map_err(|error| unwritable(dir, &error))?;
    }
    console.say(-1, format!("wrote {}", folder.file("index.html").display()));
    Ok(())
}
