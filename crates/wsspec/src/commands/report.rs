//! `wsspec report`: the reports of an earlier run once more, also of one that did not come to its end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;
use clap::Args;
use wsspec_report::record::Report;
use wsspec_report::strictness::Strictness;
use wsspec_report::summary::AgentSummary;
use wsspec_report::{html, pcap};

use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::filter::Filter;
use crate::outputs::args::{Ci, Format, OutputArgs};
use crate::outputs::{Outputs, ci, feed, file, wire};
use crate::results;
use crate::run::folder::{Folder, unwritable};
use crate::run::write_reports;
use crate::terminal::{Console, lines};
use crate::text;

/// `wsspec report`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// The results, as --from
    #[arg(value_name = "FILE|DIR", conflicts_with = "from")]
    pub results: Option<PathBuf>,
    /// The results, as a file or as the folder with results.jsonl
    #[arg(long, value_name = "FILE|DIR", default_value = "wsspec-out")]
    pub from: PathBuf,
    /// Write all reports to this folder [default, if nothing else is asked for: where the results are]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Open the page in the browser of this system
    #[arg(long)]
    pub open: bool,
    /// Reports.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Only results that this expression is true for, as in 'status(fail)'
    #[arg(short = 'E', long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// Let page and Markdown summary compare with these earlier results
    #[arg(long, value_name = "FILE|DIR")]
    pub against: Option<PathBuf>,
    /// Write packets with the octets that were recorded, for Wireshark
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  wsspec report                            all reports of wsspec-out again
  wsspec report old.jsonl -o old           of a file from elsewhere
  wsspec report --open                     and look at them
  wsspec report --html page.html           one file, to be sent to someone
  wsspec report --junit j.xml --badge b.svg
  wsspec report --pcap run.pcapng          packets for Wireshark
  wsspec report --md s.md --against main-out
  wsspec report -E 'status(fail)' --html f.html --open
  wsspec report --from main-out --format json
                                           the record on stdout
Exit status:
  6 if the run did not come to its end, or slices of it are missing, as of wsspec merge; verdicts do not count";

/// Writes the reports that were asked for. Ends with 6 if the run did not come to its end, whatever the verdicts are.
///
/// # Errors
/// E18: there are no results. E21: a report cannot be written.
pub fn run(args: &ReportArgs, console: &Console) -> Result<ExitCode> {
    args.output.check_stdout()?;
    let format = args.output.stdout();
    console.set_format(format);
    let from = args.results.as_ref().unwrap_or(&args.from);
    let mut outputs = Outputs { args: args.output.clone(), ..Outputs::default() };
    let mut report = results::read(from)?;
    outputs.strictness = Strictness::of(&report.run);
    if let Some(filter) = args.filter.as_deref().map(Filter::parse).transpose()? {
        let mut meant = results::matching(&filter, &report).into_iter();
        report.cases.retain(|_| meant.next() == Some(true));
    }
    if let Some(path) = &args.against {
        outputs.against = Some((path.display().to_string(), results::read(path)?));
    }
    results::warn_incomplete(&report, console);
    feed::tell(&report, console);
    for summary in AgentSummary::all(&report) {
        let name = lines::agent_name(summary.agent.raw());
        console.say(0, format!("{name}   {}", summary.rating));
    }
    let home = file::parent(&results::file(from)).to_owned();
    let only_named = args.output.names_files() || args.pcap.is_some() || format != Format::Human;
    let whole = args.out.clone().or_else(|| (!only_named).then(|| home.clone()));
    if let Some(out) = &whole {
        write_all(&report, outputs.against(), out, console)?;
    }
    if outputs.args.html == Some(None) {
        outputs.args.html = Some(Some(home.join("report.html")));
    }
    let out = whole.as_ref().unwrap_or(&home);
    outputs.make_folders(out, console)?;
    for path in outputs.write(&report, whole.as_deref())? {
        console.say(-1, format!("wrote {}", path.display()));
    }
    if let Some(path) = &args.pcap {
        file::make_folder(path, Some(out), console)?;
        wire::put(path, |out| pcap::write(&report, out))?;
        console.say(-1, format!("wrote {}", path.display()));
    }
    let service = args.output.ci.map_or(Ci::None, ci::service);
    let folder = whole.as_ref().unwrap_or(&home);
    ci::publish(service, &report, outputs.strictness, &[], outputs.against(), folder, console);
    if args.open {
        open(outputs.html().unwrap_or(&folder.join("report.html")))?;
    }
    let code = if report.is_complete() { ExitCode::Ok } else { ExitCode::Incomplete };
    // The process ends here: to give a large report back piece by piece takes a tenth of the time to write it.
    std::mem::forget(report);
    Ok(code)
}

/// Gives a page to the browser of this system.
///
/// # Errors
/// E31: there is none.
fn open(page: &Path) -> Result<(), Problem> {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let started = Command::new(program).arg(page).stdin(Stdio::null()).status();
    match started {
        // The explorer ends with 1 also when all is well.
        Ok(status) if status.success() || program == "explorer" => Ok(()),
        started => {
            let why = match started {
                Ok(status) => status.to_string(),
                Err(error) => text::io_error(&error),
            };
            Err(Problem::new(ErrorCode::E31, format!("cannot open {} in a browser", page.display()))
                .fact("tried", format!("{program}: {why}"))
                .advise("open the file by hand; it needs nothing but a browser")
                .exit_with(ExitCode::Usage))
        }
    }
}

/// Writes every report that a run writes.
///
/// # Errors
/// E21.
pub(super) fn write_all(
    report: &Report,
    against: Option<html::Against<'_>>,
    out: &Path,
    console: &Console,
) -> Result<(), Problem> {
    let folder = Folder::open(out)?;
    folder.remove_pages(&["json", "html"]);
    write_reports::write(&folder, report, against).map_err(|error| unwritable(out, &error))?;
    console.say(-1, format!("wrote {}", folder.file("report.html").display()));
    Ok(())
}
