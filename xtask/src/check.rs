//! `cargo xtask test`: everything that has to pass before a change is taken.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process::run;
use crate::repository;

const STEPS: &[&[&str]] = &[
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    // The strict endpoint alone: in the workspace it is always built with its defects.
    &["clippy", "-p", "wsspec-endpoint", "--all-targets", "--", "-D", "warnings"],
    &["test", "--workspace", "--locked"],
];

/// Formatting, lints, and all tests (those of xtask include `cargo xtask tidy`); the first fault ends it.
pub(crate) fn run_all() -> Result<ExitCode> {
    for step in STEPS {
        println!("cargo {}", step.join(" "));
        run(Command::new("cargo").args(*step).current_dir(repository()))?;
    }
    Ok(ExitCode::SUCCESS)
}
