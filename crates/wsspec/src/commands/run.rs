//! `wsspec run`.

use anyhow::Result;

use crate::cli::RunArgs;
use crate::exit_code::ExitCode;
use crate::run;
use crate::signals::Signals;
use crate::terminal::Console;
use crate::wstest;

/// Runs cases against servers.
///
/// # Errors
/// Something kept the run from starting, or its record from being written.
pub async fn run(args: &RunArgs, console: &Console) -> Result<ExitCode> {
    if let Some((text, code)) = run::plan::nothing_failed(args)? {
        console.say(-1, format!("{text}   {code}"));
        return Ok(code);
    }
    let plan = match &args.spec {
        Some(spec) => run::plan::RunPlan::new(&wstest::as_run(args, spec)?)?,
        None => run::plan::RunPlan::new(args)?,
    };
    run::run(plan, console, &Signals::listen()).await
}
