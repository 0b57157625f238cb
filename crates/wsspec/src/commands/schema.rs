//! `wsspec schema`: the form of what programs read.

use anyhow::Result;
use clap::{Args, CommandFactory as _, ValueEnum};

use crate::cli::Cli;
use crate::config;
use crate::exit_code::ExitCode;
use crate::terminal::Console;

/// `wsspec schema`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SchemaArgs {
    /// Of which output
    #[arg(value_name = "OUTPUT", default_value = "results")]
    pub output: Output,
}

/// The outputs that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A line of results.jsonl, and of --format json
    Results,
    /// `wsspec list --format json`
    List,
    /// `wsspec load --format json`
    Load,
    /// wsspec.toml, for editors that complete and check it
    Config,
}

const EXAMPLES: &str = "\
Examples:
  wsspec schema results > results.schema.json
  wsspec schema list
  wsspec schema config > wsspec.schema.json";

impl Output {
    /// The schema (JSON Schema 2020-12).
    pub fn schema(self) -> String {
        match self {
            Self::Results => include_str!("../../../../docs/schemas/results.schema.json").to_owned(),
            Self::List => include_str!("../../../../docs/schemas/list.schema.json").to_owned(),
            Self::Load => include_str!("../../../../docs/schemas/load.schema.json").to_owned(),
            Self::Config => format!("{:#}\n", config::schema(&Cli::command())),
        }
    }
}

/// Prints the schema.
///
/// # Errors
/// None that is expected.
pub fn run(args: &SchemaArgs, console: &Console) -> Result<ExitCode> {
    console.data(&args.output.schema());
    Ok(ExitCode::Ok)
}
