//! `cargo xtask first-minute`: what a newcomer does, with a stopwatch. Not part of the tests: it measures.
//!
//! A fresh clone is built and installed as the README says; then the steps to the first failure that can be read
//! are timed. The build depends on the machine and on what cargo has cached; the limit of 60 s is for the rest,
//! which is what someone sees who installs a built program.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

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
    let mut total = Duration::ZERO;
    // The demo finds its bugs: that is exit status 1.
    for (words, exit) in
        [(&[][..], 0), (&["demo"], 1), (&["show"], 0), (&["explain", "5.9"], 0), (&["report"], 0)]
    {
        let started = Instant::now();
        let output = Command::new(&program)
            .args(words)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let took = started.elapsed();
        total += took;
        println!("{:>7.2} s   wsspec {}", took.as_secs_f64(), words.join(" "));
        if output.status.code() != Some(exit) {
            bail!("wsspec {}: {}", words.join(" "), output.status);
        }
        if words == ["show"] && !String::from_utf8_lossy(&output.stdout).contains("observed") {
            bail!("no failure can be read");
        }
    }
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
