//! `cargo xtask test`: everything that has to pass before a change is taken.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::process::run;
use crate::repository;

const STEPS: &[&[&str]] = &[
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    // The strict endpoint alone: in the workspace it is always built with its defects.
    &["clippy", "-p", "wsspec-endpoint", "--all-targets", "--", "-D", "warnings"],
    &["test", "--workspace", "--locked"],
];

/// The step of the recipes that installs, from this repository in place of the one that they name. Behind the tests, since
/// what is built for it takes the place of the program that they start.
const INSTALL: &[&str] = &[
    "install",
    "--locked",
    "--debug",
    "--target-dir=target",
    "--path=crates/wsspec",
    "--no-track",
    "--root",
];

/// Formatting, lints, all tests (those of xtask include `cargo xtask tidy`), and an installation; the first fault ends it.
pub(crate) fn run_all() -> Result<ExitCode> {
    for step in STEPS {
        println!("cargo {}", step.join(" "));
        run(Command::new("cargo").args(*step).current_dir(repository()))?;
    }
    install()?;
    Ok(ExitCode::SUCCESS)
}

/// Both programs have to be where `cargo install` puts them, and to start.
fn install() -> Result<()> {
    let root = tempfile::tempdir()?;
    println!("cargo {} FOLDER", INSTALL.join(" "));
    run(Command::new("cargo").args(INSTALL).arg(root.path()).current_dir(repository()))?;
    for (program, version) in [("wsspec", "--version"), ("wstest", "-a")] {
        let program = root.path().join("bin").join(program);
        let output = Command::new(&program).arg(version).output();
        let output = output.with_context(|| format!("cannot start {}", program.display()))?;
        let told = String::from_utf8_lossy(&output.stdout);
        let right = output.status.success() && told.contains(env!("CARGO_PKG_VERSION"));
        ensure!(right, "{} {version} tells {told:?}, {}", program.display(), output.status);
    }
    Ok(())
}
