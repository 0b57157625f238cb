//! `wsspec schema`: the form of what programs read.

use anyhow::Result;
use clap::{Args, ValueEnum};

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
}

const EXAMPLES: &str = "\
Examples:
  wsspec schema results > results.schema.json
  wsspec schema list";

impl Output {
    /// The schema (JSON Schema 2020-12).
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Results => include_str!("../../../../docs/schemas/results.schema.json"),
            Self::List => include_str!("../../../../docs/schemas/list.schema.json"),
        }
    }
}

/// Prints the schema.
///
/// # Errors
/// None that is expected.
pub fn run(args: &SchemaArgs, console: &Console) -> Result<ExitCode> {
    console.data(args.output.schema());
    Ok(ExitCode::Ok)
}
