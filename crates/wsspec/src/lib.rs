//! The command `wsspec`, and everything of it that touches the world: sockets, clocks, files, the terminal.
//!
//! The way of a run: [`cli`] reads what was typed, [`run::plan`] makes a plan of it, [`run::schedule`] decides
//! which case runs when, [`net::pump`] drives it over TCP, [`run::journal`] writes and shows what happened.
#![expect(clippy::disallowed_methods, reason = "this is the crate that owns clock, files and environment")]

mod address;
pub mod baseline;
pub mod cli;
mod clock;
pub mod commands;
pub mod config;
mod debug_log;
mod deviations;
pub mod errors;
pub mod exit_code;
mod fault;
pub mod filter;
pub mod glossary;
pub mod load;
mod memory;
pub mod net;
pub mod outputs;
pub mod peer_args;
mod probe;
mod repro;
pub mod results;
pub mod run;
pub mod select;
pub mod serve;
pub mod signals;
pub mod sut;
pub mod target;
pub mod terminal;
pub mod text;
pub mod tls_args;
mod toml_file;
pub mod tools;
mod typed;
mod web;
pub mod wstest;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;

use wsspec_report::record::Redaction;

use crate::cli::{Cli, Command};
use crate::config::Mistake;
use crate::errors::Problem;
use crate::exit_code::ExitCode;
use crate::outputs::args::Ci;
use crate::outputs::{ci, file};
use crate::target::Target;
use crate::terminal::Console;

/// The process: reads the command line, does what it says, and says how it ended.
pub fn main() -> std::process::ExitCode {
    fault::watch();
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli = match config::parse(&args) {
        Ok(cli) => cli,
        Err(Mistake::Config(problem)) => {
            let console = Console::new(&cli::Global::default());
            return explain_error(&problem.into(), ci::service(Ci::Auto), &console).into();
        }
        Err(Mistake::Usage(message)) => {
            // Help goes to stdout and is no error; a wrong flag goes to stderr and is one.
            let message = without_secrets(with_suggestion(message, &args));
            let _ = message.print();
            if !message.use_stderr() {
                return ExitCode::Ok.into();
            }
            let console = Console::new(&cli::Global::default());
            console.warn(ExitCode::Usage.to_string());
            ci::publish_problem(ci::service(Ci::Auto), &message.render().to_string(), &console);
            return ExitCode::Usage.into();
        }
    };
    // It lasts as long as the process: the thread that tells what a server does may outlive the command.
    let console: &'static Console = Box::leak(Box::new(Console::new(&cli.global)));
    let log = cli.global.log.as_deref().map_or(Ok(()), |path| {
        file::make_folder(path, out(&cli), console)?;
        debug_log::start(path)
    });
    let code = match fault::guard(|| log.map_err(Into::into).and_then(|()| dispatch(&cli, console))) {
        Ok(code) => code,
        Err(error) => explain_error(&error, service(&cli), console),
    };
    let code = fault::tell(code, service(&cli), console);
    log::info!("{code}");
    code.into()
}

/// Names the commands that were meant where the parser of the command line finds none that is near, and all of a
/// command that has commands of its own.
fn with_suggestion(mut message: clap::Error, args: &[OsString]) -> clap::Error {
    use clap::error::{ContextKind, ContextValue};
    let Some(ContextValue::String(typed)) = message.get(ContextKind::InvalidSubcommand) else {
        return message;
    };
    let root = Cli::command();
    let before = args.iter().take_while(|word| *word != typed.as_str());
    let above = before.fold(&root, |above, word| above.find_subcommand(word).unwrap_or(above));
    let names: Vec<&str> = above.get_subcommands().map(clap::Command::get_name).collect();
    let near = text::did_you_mean(typed, names.iter().copied());
    let near: Vec<String> = near.into_iter().map(str::to_owned).collect();
    if above.get_name() != root.get_name() {
        let above = above.get_name();
        let mut tips = vec![format!("the commands of {above}: {}", names.join(" "))];
        // The others of these commands take no address.
        if above == "load" && Target::looks_like(typed) {
            let again = typed::with_command(&names);
            tips.extend(again.map(|again| format!("one of them comes first: {again}")));
        }
        let tips = tips.into_iter().map(Into::into).collect();
        message.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    if !near.is_empty() {
        message.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(near));
    }
    message
}

/// Words that were typed are repeated in the message: an address may hold a secret.
fn without_secrets(mut message: clap::Error) -> clap::Error {
    use clap::error::ContextValue;
    let typed: Vec<_> = message
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(word) => Some((kind, word.clone())),
            _ => None,
        })
        .collect();
    for (kind, word) in typed {
        let word = typed::without_secrets(&[word], &Redaction::default()).concat();
        message.insert(kind, ContextValue::String(word));
    }
    message
}

fn dispatch(cli: &Cli, console: &'static Console) -> Result<ExitCode> {
    fault::provoked("command");
    let Some(command) = &cli.command else {
        console.say(-2, include_str!("short_help.txt").replace("{version}", env!("CARGO_PKG_VERSION")));
        return Ok(ExitCode::Ok);
    };
    match command {
        Command::Run(args) => runtime()?.block_on(commands::run::run(args, console)),
        Command::Serve(args) => runtime()?.block_on(commands::serve::run(args, console)),
        Command::Demo(args) => runtime()?.block_on(commands::demo::run(args, console)),
        Command::List(args) => commands::list::run(args, console),
        Command::Explain(args) => commands::explain::run(args, console),
        Command::Show(args) => commands::show::run(args, console),
        Command::Report(args) => commands::report::run(args, console),
        Command::Probe(args) => runtime()?.block_on(commands::probe::run(args, console)),
        Command::Baseline(args) => commands::baseline::run(args, console),
        Command::Repro(args) => commands::repro::run(args, console),
        Command::Schema(args) => commands::schema::run(args, console),
        Command::Merge(args) => commands::merge::run(args, console),
        Command::Diff(args) => commands::diff::run(args, console),
        Command::Config(args) => commands::config::run(args, load_config, console),
        Command::Completions(args) => commands::completions::completions(args, console),
        Command::Man(args) => commands::completions::man(args, console),
        Command::Echo(args) => echo_runtime(args.threads)?.block_on(commands::echo::run(args, console)),
        Command::Load(args) => runtime()?.block_on(load::run(args, console)),
        Command::Wstest { words } => {
            Ok(wstest::start(std::iter::once("wstest".into()).chain(words.iter().cloned())))
        }
    }
}

/// The configuration, for the command that shows it.
fn load_config() -> Result<config::Layers, Problem> {
    let matches = Cli::command().get_matches_from(std::env::args_os());
    config::load(&matches)
}

/// The runtime of `echo`.
fn echo_runtime(threads: Option<NonZeroUsize>) -> Result<tokio::runtime::Runtime> {
    match threads.map(NonZeroUsize::get) {
        None => runtime(),
        Some(1) => tokio::runtime::Builder::new_current_thread().enable_all().build().context(NO_RUNTIME),
        Some(threads) => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .context(NO_RUNTIME),
    }
}

const NO_RUNTIME: &str = "cannot start the runtime";

/// The runtime of all other commands that use sockets.
fn runtime() -> Result<tokio::runtime::Runtime> {
    memory::share_between_threads();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context(NO_RUNTIME)
}

/// The folder that the command is going to make.
fn out(cli: &Cli) -> Option<&Path> {
    match cli.command.as_ref()? {
        Command::Run(args) => Some(&args.out),
        Command::Serve(args) => Some(&args.out),
        Command::Demo(args) => Some(&args.out),
        Command::Report(args) => args.out.as_deref(),
        Command::Merge(args) => Some(&args.out),
        _ => None,
    }
}

/// The CI service that is told of an error.
fn service(cli: &Cli) -> Ci {
    let asked = match &cli.command {
        Some(Command::Run(args)) => args.output.ci,
        Some(Command::Serve(args)) => args.output.ci,
        Some(Command::Report(args)) => args.output.ci,
        _ => None,
    };
    ci::service(asked.unwrap_or_default())
}

/// Prints the error and returns its exit status. What is no [`Problem`] is a defect of wsspec, which is told at the end.
fn explain_error(error: &anyhow::Error, service: Ci, console: &Console) -> ExitCode {
    let Some(problem) = error.downcast_ref::<Problem>() else {
        fault::keep_error(error);
        return ExitCode::Internal;
    };
    let (text, code) = (format!("{problem:width$}", width = console.style.width), problem.exit());
    console.warn(format!("{text}\n{code}"));
    ci::publish_problem(service, &text, console);
    code
}
