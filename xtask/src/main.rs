//! Maintenance commands of the repository: `cargo xtask COMMAND`.

mod case_sets;
mod install;
mod octets;
mod parity;
mod peers;
mod process;
mod suite;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Maintenance commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Compare every verdict with the reference suite's, against real peers
    Parity(parity::Args),
    /// Compare every octet sent with the reference suite's
    Octets(octets::Args),
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Parity(args) => parity::run(&args),
        Command::Octets(args) => octets::run(&args),
    }
}

/// The root folder of the repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

/// Where cargo puts its results.
fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}
