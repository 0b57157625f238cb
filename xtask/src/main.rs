//! Maintenance commands of the repository: `cargo xtask COMMAND`.
#![expect(clippy::disallowed_methods, reason = "they start processes, open sockets, read files")]
#![expect(clippy::print_stdout, reason = "what they print is their result")]

mod bench;
mod case_sets;
mod check;
mod defects;
mod findings;
mod first_minute;
mod install;
mod octets;
mod parity;
mod peers;
mod process;
mod suite;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// Maintenance commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Run everything that has to pass before a change is taken: formatting, lints, tests
    Test(check::Args),
    /// Look for what no compiler and no lint finds: overlong files, machine paths, undeclared sections
    Tidy,
    /// Compare every verdict with the reference suite's, against real peers
    Parity(parity::Args),
    /// Compare every octet sent with the reference suite's
    Octets(octets::Args),
    /// Run the cases that the reference suite lacks against servers of others
    Findings(findings::Args),
    /// Play the suite against every defect and quirk of the built-in endpoint
    Defects(defects::Args),
    /// Time what a newcomer does, from a fresh clone to a failure that can be read
    FirstMinute(first_minute::Args),
    /// Measure what the tester and the endpoint cost, side by side with others
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Test(args) => check::run_all(&args),
        Command::Tidy => tidy::run(),
        Command::Parity(args) => parity::run(&args),
        Command::Octets(args) => octets::run(&args),
        Command::Findings(args) => findings::run(&args),
        Command::Defects(args) => defects::run(&args),
        Command::FirstMinute(args) => first_minute::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    done.unwrap_or_else(|error| {
        println!("error: {error:#}");
        ExitCode::from(2)
    })
}

/// The root folder of the repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

/// Where cargo puts its results.
fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}
