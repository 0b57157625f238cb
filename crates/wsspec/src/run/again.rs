//! What a run without an address repeats: the implementations that failed in the run before.

use clap::Parser as _;

use super::before::Before;
use crate::cli::{Cli, Command, FailOn, RunArgs};
use crate::commands::demo;
use crate::errors::{ErrorCode, Problem};
use crate::target::Target;
use crate::typed;

/// Those with failures, each as if it were typed, from the commands that the record keeps to repeat a case.
///
/// # Errors
/// E27: the record says how none of them is reached.
pub(super) fn targets(before: &Before, fail_on: FailOn) -> Result<Vec<RunArgs>, Problem> {
    let mut targets: Vec<RunArgs> = Vec::new();
    for record in before.failed(fail_on) {
        let agent = record.agent.raw();
        if targets.iter().any(|target| target.agent == [agent]) {
            continue;
        }
        let Some(mut args) = as_run(&record.whole().repro) else { continue };
        args.words.retain(|word| Target::looks_like(word));
        args.agent = vec![agent.to_owned()];
        targets.push(args);
    }
    if before.failed(fail_on).next().is_some() && targets.is_empty() {
        return Err(Problem::new(ErrorCode::E27, "no address was given, and the last run had none")
            .fact("why", "it tested clients, or its record was written by another program")
            .fact("try", typed::with_operand("ws://HOST:PORT")));
    }
    Ok(targets)
}

/// A command that repeats a case, as one of `run`.
fn as_run(command: &[String]) -> Option<RunArgs> {
    match Cli::try_parse_from(command).ok()?.command? {
        Command::Run(args) => Some(*args),
        Command::Demo(args) => demo::as_run(&args).ok(),
        _ => None,
    }
}
