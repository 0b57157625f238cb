//! `cargo xtask bench`: what the tester and the endpoint cost, side by side with others on one machine.

mod echo;
mod growth;
mod limits;
mod machine;
mod measure;
mod micro;
mod page;
mod sizes;
mod suite;
mod suite_table;
mod table;

pub(crate) use echo::SOCKETIFY;

use std::process::ExitCode;

use anyhow::Result;

use crate::install::InstallArgs;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The reference suite and wsspec against the same servers: wall and CPU time, memory
    Suite(suite::Args),
    /// The built-in endpoint beside the fastest libraries: echo throughput, latency, memory
    Echo(echo::Args),
    /// The cells of the last `echo` that are below 1.0 once more, beside the peer that was better, with profiles
    Short(echo::ShortArgs),
    /// Masking, UTF-8, frame headers and DEFLATE beside memcpy
    Micro(Common),
    /// What the last `suite` and `echo` reached of what is possible
    Limits(Common),
    /// How the tester's cost grows with cases, agents, jobs, message size, and implementations in a report
    Growth(growth::Args),
    /// All of them, as they are run by default: about 65 min, and half an hour more if the reference is measured too
    All(AllArgs),
}

/// Options of `cargo xtask bench all`.
#[derive(clap::Args)]
pub(crate) struct AllArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    suite: suite::Choice,
}

/// Options of every benchmark.
#[derive(Clone, clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) install: InstallArgs,
    /// Run what is measured at this priority: below 0 other work on the machine disturbs less (needs the right to)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) nice: Option<i8>,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    pub(crate) write_docs: bool,
}

/// Runs what was asked for.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match &args.what {
        What::Suite(args) => suite::run(args)?,
        What::Echo(args) => echo::run(args)?,
        What::Short(args) => echo::run_short(args)?,
        What::Micro(common) => micro::run(common)?,
        What::Growth(args) => growth::run(args)?,
        What::Limits(common) => limits::run(common)?,
        What::All(AllArgs { common, suite }) => {
            micro::run(common)?;
            growth::run(&growth::Args::new(common))?;
            echo::run(&echo::Args::new(common))?;
            if common.write_docs {
                echo::run_short(&echo::ShortArgs::new(common))?;
            }
            suite::run(&suite::Args::new(common, suite))?;
            limits::run(common)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
