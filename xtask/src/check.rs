//! `cargo xtask test`: everything that has to pass before a change is taken.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use wsspec_testkit::{NO_SKIPS, SKIPS};

use crate::process::run;
use crate::repository;

/// How strict the tests are.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Tests whose tool is absent fail, and are not skipped (as with TESTKIT_NO_SKIPS=1)
    #[arg(long)]
    no_skips: bool,
}

const STEPS: &[&[&str]] = &[
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    // The strict endpoint alone: in the workspace it is always built with its defects.
    &["clippy", "-p", "wsspec-endpoint", "--all-targets", "--", "-D", "warnings"],
    &["test", "--workspace", "--locked"],
];

/// How many tests run at a time.
const THREADS: &str = "RUST_TEST_THREADS";

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
/// What was skipped is told at the end, whatever that is.
pub(crate) fn run_all(args: &Args) -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("skipped");
    let steps = || {
        for step in STEPS {
            println!("cargo {}", step.join(" "));
            let mut cargo = Command::new("cargo");
            cargo.args(*step).current_dir(repository()).env(SKIPS, &list).env(THREADS, threads());
            run(if args.no_skips { cargo.env(NO_SKIPS, "1") } else { &mut cargo })?;
        }
        install()
    };
    let done = steps();
    print!("{}", skipped(&std::fs::read_to_string(&list).unwrap_or_default()));
    done.map(|()| ExitCode::SUCCESS)
}

/// As many as the environment says, or two for each core: most tests wait for programs that they have started.
fn threads() -> OsString {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::env::var_os(THREADS).unwrap_or_else(|| (2 * cores).to_string().into())
}

/// What a list of skipped tests says, by what they lack.
fn skipped(list: &str) -> String {
    let mut by_tool: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (test, absent) in list.lines().filter_map(|line| line.split_once('\t')) {
        by_tool.entry(absent).or_default().insert(test);
    }
    let tests: BTreeSet<&&str> = by_tool.values().flatten().collect();
    if tests.is_empty() {
        return "no test was skipped\n".to_owned();
    }
    let mut told =
        format!("SKIPPED, in whole or in part: {} of the tests (--no-skips lets them fail)\n", tests.len());
    for (absent, tests) in &by_tool {
        told.push_str(&format!("  for want of {absent}:\n"));
        tests.iter().for_each(|test| told.push_str(&format!("    {test}\n")));
    }
    told
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

#[cfg(test)]
mod tests {
    use super::skipped;

    #[test]
    fn skipped_tests_stand_below_what_they_lack_once_each() {
        let list = "b::two\ttshark\na::one\ttshark\nb::two\ttshark\nc::three\tnpm package ws@7.2.1\n";
        let told = skipped(list);
        let lines: Vec<&str> = told.lines().collect();
        let [head, below @ ..] = lines.as_slice() else { panic!("{told}") };
        assert!(head.starts_with("SKIPPED") && head.contains(" 3 of the tests"), "{told}");
        let expected = [
            "  for want of npm package ws@7.2.1:",
            "    c::three",
            "  for want of tshark:",
            "    a::one",
            "    b::two",
        ];
        assert_eq!(below, expected);
        assert_eq!(skipped(""), "no test was skipped\n");
    }
}
