//! `wsspec.toml`: what is not typed may stand there. A value comes from the command line, else from a `WSSPEC_…`
//! variable, else from the profile, else from the file, else it is the usual one.
//!
//! The keys are the long names of the options: [`keys`] takes them from the definition of the command line, and
//! [`layers`] hands the values back to it as its defaults. So a new option is a new key at once.

mod file;
mod keys;
mod layers;
mod schema;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, CommandFactory, FromArgMatches as _};

pub use self::file::{ConfigFile, TargetTable};
pub use self::keys::Keys;
pub use self::layers::{Layers, Origin, Setting, odd_variables};
pub use self::schema::schema;
use crate::cli::{Cli, Command, RunArgs};
use crate::errors::Problem;
use crate::text::did_you_mean;

/// The name of the file that is looked for, in the current folder and all above it.
pub const FILE: &str = "wsspec.toml";

/// Why there is no command line.
#[derive(Debug)]
pub enum Mistake {
    /// A wrong option, or `--help`.
    Usage(clap::Error),
    /// A wrong file or variable.
    Config(Problem),
}

impl From<clap::Error> for Mistake {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<Problem> for Mistake {
    fn from(problem: Problem) -> Self {
        Self::Config(problem)
    }
}

/// Reads the command line, and under it environment and file.
///
/// # Errors
/// An option, a variable or the file is wrong.
pub fn parse(args: &[OsString]) -> Result<Cli, Mistake> {
    let explained = explained(args);
    let args = explained.as_deref().unwrap_or(args);
    let typed = Cli::command().try_get_matches_from(args)?;
    let Some((name, sub)) = typed.subcommand() else { return Ok(Cli::from_arg_matches(&typed)?) };
    if !layers::is_configurable(name) {
        return Ok(Cli::from_arg_matches(&typed)?);
    }
    let layers = load(&typed)?;
    let command = layers.apply(Cli::command(), name, sub)?;
    let matches = command.clone().try_get_matches_from(args)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    match &mut cli.command {
        Some(Command::Run(run)) => complete(run, &layers, &command, sub)?,
        Some(Command::Serve(serve)) => serve.warnings = odd_variables(&layers.keys),
        _ => {}
    }
    Ok(cli)
}

/// `help WORD` of what is no command, nor near one, is `explain WORD`.
fn explained(args: &[OsString]) -> Option<Vec<OsString>> {
    let [program, help, word] = args else { return None };
    let word = word.to_str().filter(|word| help == "help" && !word.starts_with('-'))?;
    let command = Cli::command();
    let names = command.get_subcommands().flat_map(|sub| sub.get_name_and_visible_aliases());
    did_you_mean(word, names).is_empty().then(|| vec![program.clone(), "explain".into(), word.into()])
}

/// The file that was named or found, with the profile that was chosen.
///
/// # Errors
/// E18: the file or a variable is wrong, or there is no such profile.
pub fn load(typed: &ArgMatches) -> Result<Layers, Problem> {
    let keys = Keys::of(&Cli::command());
    let named =
        given::<PathBuf>(typed, "config").or_else(|| std::env::var_os("WSSPEC_CONFIG").map(PathBuf::from));
    let path = named.or_else(find);
    let file = path.map(|path| ConfigFile::read(&path, &keys)).transpose()?;
    let profile = given::<String>(typed, "profile").or_else(|| std::env::var("WSSPEC_PROFILE").ok());
    Layers::new(keys, file, profile.filter(|name| !name.is_empty()))
}

fn given<T: Clone + Send + Sync + 'static>(typed: &ArgMatches, id: &str) -> Option<T> {
    let inside = typed.subcommand().and_then(|(_, sub)| sub.try_get_one::<T>(id).ok().flatten());
    inside.or_else(|| typed.try_get_one::<T>(id).ok().flatten()).cloned()
}

/// The nearest file, written relative to the current folder.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut way = PathBuf::new();
    for folder in here.ancestors() {
        if folder.join(FILE).is_file() {
            return Some(way.join(FILE));
        }
        way.push("..");
    }
    None
}

/// What of the file is no option: the cases, and the servers under test.
fn complete(
    run: &mut RunArgs,
    layers: &Layers,
    command: &clap::Command,
    typed: &ArgMatches,
) -> Result<(), Mistake> {
    run.config = layers.file.as_ref().map(|file| file.path.display().to_string());
    run.profile = layers.profile.clone();
    run.config_named = run.profile.is_some() || layers::is_typed(typed, "config");
    run.settings = layers.settings("run")?;
    let ids = typed.ids().map(clap::Id::as_str);
    run.typed = ids.filter(|id| layers::is_typed(typed, id)).map(str::to_owned).collect();
    run.cases = layers.cases(typed);
    run.warnings = layers.file.as_ref().map(|file| file.warnings.clone()).unwrap_or_default();
    run.warnings.extend(odd_variables(&layers.keys));
    if let Some(file) = layers.file.as_ref().filter(|_| !layers::is_typed(typed, "exec")) {
        let targets = file.targets.iter().map(|target| layers.target(target, command, typed));
        run.targets = targets.collect::<Result<_, _>>()?;
    }
    Ok(())
}
