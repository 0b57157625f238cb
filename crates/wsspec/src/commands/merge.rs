//! `wsspec merge`: the parts of a run, or runs of several implementations, as one result.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use wsspec_report::merge::merge;
use wsspec_report::record::{Line, Report};
use wsspec_report::summary::AgentSummary;

use super::report::write_all;
use crate::exit_code::ExitCode;
use crate::results;
use crate::run::folder::{Folder, RESULTS, unwritable};
use crate::terminal::{Console, lines};
use crate::text::count;

/// `wsspec merge`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MergeArgs {
    /// Results, as files or as folders with results.jsonl; of a case that several have, the last one counts
    #[arg(value_name = "DIR|FILE", required = true)]
    pub parts: Vec<PathBuf>,
    /// Write the result and its reports to this folder
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  wsspec merge part1 part2 part3 -o all     of wsspec run --slice 1/3 -o part1 ...
  wsspec merge libA libB -o comparison      two implementations side by side";

/// Writes one result and its reports. Ends with 6 if slices or cases are missing, whatever the verdicts are.
///
/// # Errors
/// E18: a part cannot be read. E21: the folder cannot be written.
pub fn run(args: &MergeArgs, console: &Console) -> Result<ExitCode> {
    let parts = args.parts.iter().map(|part| results::read(part)).collect::<Result<Vec<_>, _>>()?;
    let cases: usize = parts.iter().map(|part| part.cases.len()).sum();
    let Some(mut merged) = merge(parts) else { return Ok(ExitCode::Empty) };
    merged.run.out = Some(args.out.display().to_string());
    let repeated = cases - merged.cases.len();
    if repeated > 0 {
        console.note(format!("note: {} in several parts; the last one counts", count(repeated, "result")));
    }
    results::warn_incomplete(&merged, console);
    let folder = Folder::open(&args.out)?;
    let written = folder.stream(RESULTS, |out| write_record(&merged, out));
    written.map_err(|error| unwritable(&args.out, &error))?;
    for summary in AgentSummary::all(&merged) {
        let name = lines::agent_name(summary.agent.raw());
        console.say(0, format!("{name}   {}   {}", count(ran(&summary), "case"), summary.rating));
    }
    write_all(&merged, None, &args.out, console)?;
    // Part of a run is missing: a job that puts the parts together must not be green.
    Ok(if merged.is_complete() { ExitCode::Ok } else { ExitCode::Incomplete })
}

fn ran(summary: &AgentSummary<'_>) -> usize {
    usize::try_from(summary.counts.ran()).unwrap_or(usize::MAX)
}

/// Writes `results.jsonl` of a report.
fn write_record(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", Line::Run(report.run.clone()).to_json())?;
    for case in &report.cases {
        writeln!(out, "{}", case.read_whole()?.to_json())?;
    }
    report.end.iter().try_for_each(|end| writeln!(out, "{}", Line::End(end.clone()).to_json()))
}
