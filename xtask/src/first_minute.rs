//! `cargo xtask first-minute`: what a newcomer does, with a stopwatch. A test takes the same steps without one
//! (`acceptance::the_steps_of_the_first_minute_lead_to_a_failure_that_can_be_read`): speed is measured here alone.
//!
//! A fresh clone is built and installed as the README says; then the steps to the first failure that can be read
//! are timed. The build depends on the machine and on what cargo has cached; the limit of 60 s is for the rest,
//! which is what someone sees who installs a built program.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use wsspec_testkit::first_minute;

use crate::process;
use crate::repository;

const LIMIT: Duration = Duration::from_secs(60);

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Use this program instead of building one from a fresh clone
    #[arg(long, value_name = "PROGRAM")]
    wsspec: Option<std::path::PathBuf>,
}

/// Clones, installs, and times the first minute.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let program = match &args.wsspec {
        Some(program) => std::fs::canonicalize(program).context("there is no program at --wsspec")?,
        None => install(folder.path())?,
    };
    let steps = first_minute::walk(&program, folder.path()).map_err(anyhow::Error::msg)?;
    for (typed, took) in &steps {
        println!("{:>7.2} s   {typed}", took.as_secs_f64());
    }
    let total: Duration = steps.iter().map(|(_, took)| *took).sum();
    println!(
        "{:>7.2} s   from the first command to a failure that can be read and its page",
        total.as_secs_f64()
    );
    Ok(if total < LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Clones the repository and installs the program as the README says.
fn install(folder: &Path) -> Result<std::path::PathBuf> {
    let (clone, root) = (folder.join("wsspec"), folder.join("installed"));
    let step = |name: &str, command: &mut Command| {
        let started = Instant::now();
        process::run(command)?;
        println!("{:>7.2} s   {name}", started.elapsed().as_secs_f64());
        anyhow::Ok(())
    };
    step("git clone", Command::new("git").args(["clone", "--quiet"]).arg(repository()).arg(&clone))?;
    let install = ["install", "--quiet", "--locked", "--path", "crates/wsspec", "--root"];
    step("cargo install", Command::new("cargo").args(install).arg(&root).current_dir(&clone))?;
    Ok(root.join("bin/wsspec"))
}
