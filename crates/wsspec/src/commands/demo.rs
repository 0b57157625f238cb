//! `wsspec demo`: a run against the built-in endpoint with three bugs, for people who have nothing to test yet.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Parser as _};

use crate::cli::{Cli, Command, RunArgs};
use crate::exit_code::ExitCode;
use crate::run::plan::RunPlan;
use crate::signals::Signals;
use crate::terminal::Console;
use crate::text::wrap;

/// The bugs of the peer: one of pings, one of fragments, one of UTF-8.
const BUGS: [&str; 3] = ["ping-empty-unanswered", "orphan-as-text", "utf8-surrogates"];

/// `wsspec demo`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Run these cases only
    #[arg(value_name = "CASE")]
    pub cases: Vec<String>,
    /// Write record and reports to this folder
    #[arg(short, long, value_name = "DIR", default_value = "wsspec-out")]
    pub out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  wsspec demo             find the bugs; exit status 1, as for every server with bugs
  wsspec show             look at what was found
  wsspec demo 5.9 -vvv      one case again, with every frame
  wsspec demo -o demo-out   write to another folder";

/// Runs the core cases against a peer with bugs.
///
/// # Errors
/// As `run`.
pub async fn run(args: &DemoArgs, console: &Console) -> Result<ExitCode> {
    let intro = wrap("a peer with 3 bugs is started; this is what wsspec makes of it", console.style.width);
    console.say(0, format!("{}\n", intro.join("\n")));
    let code = crate::run::run(plan(args)?, console, &Signals::listen()).await?;
    if code == ExitCode::Failed && args.cases.is_empty() {
        console.say(0, next_steps(&args.out));
    }
    Ok(code)
}

fn plan(args: &DemoArgs) -> Result<RunPlan> {
    // What would be typed for `run` is long.
    let command = ["wsspec", "demo"].map(str::to_owned).to_vec();
    Ok(RunPlan { command: Some(command), ..RunPlan::new(&as_run(args)?)? })
}

/// What would be typed for `run`: the peer is a process of its own.
///
/// # Errors
/// The program or the folder has a name that is no text.
pub(crate) fn as_run(args: &DemoArgs) -> Result<RunArgs> {
    let program = std::env::args_os().next().and_then(|name| name.into_string().ok());
    let program = program.context("the name of the program is no text")?;
    let mut peer = format!("{} echo 127.0.0.1:{{port}}", shell_words::quote(&program));
    peer.extend(BUGS.map(|bug| format!(" --defect {bug}")));
    let out = args.out.to_str().context("the folder's name is no text")?;
    let words = ["wsspec", "run", "--exec", &peer, "--agent", "demo-peer", "-o", out, "--"];
    let cases =
        if args.cases.is_empty() { vec!["@core"] } else { args.cases.iter().map(String::as_str).collect() };
    match Cli::try_parse_from(words.into_iter().chain(cases))?.command {
        Some(Command::Run(args)) => Ok(*args),
        _ => unreachable!("`run` was parsed"),
    }
}

fn next_steps(out: &Path) -> String {
    let from = match out.to_str() {
        Some("wsspec-out") | None => String::new(),
        Some(out) => format!(" --from {out}"),
    };
    format!(
        "\nnow   wsspec show 5.9{from}\n      wsspec explain 5.9\n      wsspec report --open{from}\n\
         then  your own: wsspec run ws://HOST:PORT"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bugs_exist() {
        for bug in BUGS {
            assert!(wsspec_endpoint::deviation(bug).is_some(), "{bug}");
        }
    }
}
