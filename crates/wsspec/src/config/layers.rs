use std::ffi::OsString;
use std::fmt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches as _};

use super::Mistake;
use super::file::{ConfigFile, TargetTable};
use super::keys::{CASES, Key, Keys};
use crate::cli::{Cli, RunArgs};
use crate::errors::{ErrorCode, Problem};
use crate::target::Target;
use crate::text::did_you_mean;

/// A value that was not typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The long name of the option.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is the usual one.
    Default,
    /// A table of the file.
    File {
        /// The file.
        path: String,
        /// Its line.
        line: usize,
    },
    /// A profile.
    Profile {
        /// Its name.
        name: String,
        /// The file.
        path: String,
        /// Its line.
        line: usize,
    },
    /// A variable of the environment.
    Variable(String),
}

/// All that lies under the command line.
#[derive(Clone, Debug)]
pub struct Layers {
    /// What can be set.
    pub keys: Keys,
    /// The file, if there is one.
    pub file: Option<ConfigFile>,
    /// The profile that was chosen.
    pub profile: Option<String>,
}

/// Each of these says which cases run: who uses one on the command line wants none of the file.
const CHOICES: [&str; 4] = ["set", "filter", "last_failed", "slice"];
/// Variables that have another meaning.
const RESERVED: [&str; 12] = [
    "WSSPEC_PORT",
    "WSSPEC_HOST",
    "WSSPEC_URL",
    "WSSPEC_CASE",
    "WSSPEC_PAGE",
    "WSSPEC_READY_FD",
    "WSSPEC_CONFIG",
    "WSSPEC_PROFILE",
    "WSSPEC_NO_HINTS",
    "WSSPEC_PANIC",
    "WSSPEC_STRICT_EXIT",
    "WSSPEC_WSTEST_BUGCOMPAT",
];
/// Commands that read results, under `--from`.
const READERS: [&str; 5] = ["show", "report", "list", "baseline", "repro"];

/// Whether file and environment have anything to say about a command.
pub(super) fn is_configurable(command: &str) -> bool {
    !["wstest", "config", "completions", "man", "explain", "merge", "schema", "help"].contains(&command)
}

/// Whether an option was typed.
pub(super) fn is_typed(typed: &ArgMatches, id: &str) -> bool {
    typed.try_contains_id(id).is_ok() && typed.value_source(id) == Some(ValueSource::CommandLine)
}

impl Layers {
    /// The layers with this profile.
    ///
    /// # Errors
    /// E18: there is no such profile.
    pub fn new(keys: Keys, file: Option<ConfigFile>, profile: Option<String>) -> Result<Self, Problem> {
        if let Some(name) = &profile {
            let known: Vec<&str> =
                file.iter().flat_map(|file| file.profiles.keys()).map(String::as_str).collect();
            if !known.contains(&name.as_str()) {
                return Err(no_profile(name, file.as_ref(), &known));
            }
        }
        Ok(Self { keys, file, profile })
    }

    /// What is set for `run` or `serve`, the strongest first.
    pub fn settings(&self, command: &str) -> Result<Vec<Setting>, Problem> {
        let keys = if command == "serve" { &self.keys.serve } else { &self.keys.run };
        let mut all = Vec::new();
        for key in keys {
            all.extend(from_environment(key)?);
        }
        if let Some(file) = &self.file {
            let profile = self.profile.as_ref().and_then(|name| file.profiles.get(name));
            let own = if command == "serve" { &file.serve } else { &file.run };
            let known =
                |setting: &&Setting| setting.key == CASES || keys.iter().any(|key| key.name == setting.key);
            let below = profile.into_iter().flatten().chain(own).chain(&file.output);
            all.extend(below.filter(known).cloned());
        }
        Ok(all)
    }

    /// The command line with what is set as its defaults. `typed` is what was typed behind the command.
    pub(super) fn apply(&self, command: Command, name: &str, typed: &ArgMatches) -> Result<Command, Problem> {
        match name {
            "run" | "serve" => {
                let settings = self.settings(name)?;
                Ok(self.with_defaults(command, name, &settings, typed))
            }
            _ => self.for_readers(command, name),
        }
    }

    fn with_defaults(
        &self,
        command: Command,
        name: &str,
        settings: &[Setting],
        typed: &ArgMatches,
    ) -> Command {
        let keys = if name == "serve" { &self.keys.serve } else { &self.keys.run };
        let sub = command.find_subcommand(name).cloned().unwrap_or_default();
        let chosen = chooses(typed);
        let mut taken: Vec<&str> =
            keys.iter().map(|key| key.id.as_str()).filter(|id| is_typed(typed, id)).collect();
        let mut command = command;
        for setting in settings {
            let Some(key) = keys.iter().find(|key| key.name == setting.key) else { continue };
            let in_vain = taken.iter().any(|id| *id == key.id || in_conflict(&sub, id, &key.id));
            if in_vain || chosen && CHOICES.contains(&key.id.as_str()) {
                continue;
            }
            taken.push(&key.id);
            command = with_default(command, name, key, &setting.values);
        }
        command
    }

    /// Commands that read results look where `run` puts them; `baseline` at the file that `run` uses.
    fn for_readers(&self, mut command: Command, name: &str) -> Result<Command, Problem> {
        let settings = self.settings("run")?;
        let value =
            |key: &str| settings.iter().find(|setting| setting.key == key).map(|found| found.values.clone());
        let terminal = self.keys.output.iter().filter(|key| key.heading == "Terminal");
        for key in terminal {
            if let Some(values) = value(&key.name) {
                command = command.mut_arg(&key.id, |arg| arg.default_values(values));
            }
        }
        if let Some(out) = value("out").filter(|_| READERS.contains(&name) && name != "repro") {
            command = command.mut_subcommand(name, |sub| sub.mut_arg("from", |arg| arg.default_values(out)));
        }
        if let Some(file) = value("baseline").filter(|_| name == "baseline") {
            command = command.mut_subcommand(name, |sub| sub.mut_arg("file", |arg| arg.default_values(file)));
        }
        Ok(command)
    }

    /// The cases of the file, unless others were chosen.
    pub(super) fn cases(&self, typed: &ArgMatches) -> Vec<String> {
        if chooses(typed) {
            return Vec::new();
        }
        let settings = self.settings("run").unwrap_or_default();
        settings
            .into_iter()
            .find(|setting| setting.key == CASES)
            .map(|found| found.values)
            .unwrap_or_default()
    }

    /// The arguments that a `[[target]]` stands for; what was typed is stronger.
    pub(super) fn target(
        &self,
        target: &TargetTable,
        command: &Command,
        typed: &ArgMatches,
    ) -> Result<RunArgs, Mistake> {
        let mut words: Vec<OsString> = vec!["run".into()];
        words.push(target.address().into());
        let mut word = |key: &Key, values: &[String]| match (key.is_flag, values) {
            (true, [value]) if value == "false" => {}
            (true, _) => words.push(format!("--{}", key.name).into()),
            (false, values) => {
                words.extend(values.iter().map(|value| format!("--{}={value}", key.name).into()))
            }
        };
        for key in self.keys.target() {
            let own = target.settings.iter().find(|setting| setting.key == key.name);
            // A name that was typed is for one of the targets, which is found when all are known.
            if is_typed(typed, &key.id) && key.name != "agent" {
                let raw = typed.get_raw(&key.id).into_iter().flatten();
                word(key, &raw.map(|value| value.to_string_lossy().into_owned()).collect::<Vec<_>>());
            } else if let Some(setting) = own {
                word(key, &setting.values);
            } else if key.name == "header" {
                word(key, &target.headers);
            } else if key.name == "exec-cwd" && self.starts_elsewhere(target) {
                let base = self.file.iter().map(|file| file.base.display().to_string());
                word(key, &base.collect::<Vec<_>>());
            }
        }
        let run = command.find_subcommand("run").cloned().unwrap_or_default();
        let matches = run.try_get_matches_from(words)?;
        Ok(RunArgs::from_arg_matches(&matches)?)
    }

    /// A command of a file that lies elsewhere is started there.
    fn starts_elsewhere(&self, target: &TargetTable) -> bool {
        let starts = target.settings.iter().any(|setting| setting.key == "exec");
        starts && self.file.as_ref().is_some_and(|file| !file.base.as_os_str().is_empty())
    }
}

/// Whether cases were chosen on the command line.
fn chooses(typed: &ArgMatches) -> bool {
    let words = typed.try_get_many::<String>("words").ok().flatten().into_iter().flatten();
    let cases = typed.try_get_many::<String>("cases").ok().flatten().is_some_and(|cases| cases.len() > 0);
    cases
        || words.into_iter().any(|word| !Target::looks_like(word))
        || CHOICES.iter().any(|id| *id != "slice" && is_typed(typed, id))
}

fn in_conflict(command: &Command, one: &str, other: &str) -> bool {
    let find = |id: &str| command.get_arguments().find(|arg| arg.get_id() == id);
    let (Some(one), Some(other)) = (find(one), find(other)) else { return false };
    let says = |a: &clap::Arg, b: &clap::Arg| {
        command.get_arg_conflicts_with(a).iter().any(|arg| arg.get_id() == b.get_id())
    };
    says(one, other) || says(other, one)
}

fn with_default(command: Command, name: &str, key: &Key, values: &[String]) -> Command {
    let values: Vec<String> = values.to_vec();
    if command.get_arguments().any(|arg| arg.get_id() == key.id.as_str()) {
        return command.mut_arg(&key.id, |arg| arg.default_values(values));
    }
    command.mut_subcommand(name, |sub| sub.mut_arg(&key.id, |arg| arg.default_values(values)))
}

/// The value of a variable.
fn from_environment(key: &Key) -> Result<Option<Setting>, Problem> {
    let name = key.variable();
    if RESERVED.contains(&name.as_str()) {
        return Ok(None);
    }
    let Some(value) = std::env::var_os(&name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let wrong = |why: String| {
        Problem::new(ErrorCode::E18, format!("the variable {name} cannot be used"))
            .fact("why", why)
            .fact("try", format!("unset {name}"))
    };
    let value = value.into_string().map_err(|_| wrong("it is no UTF-8".to_owned()))?;
    let values: Vec<String> = match key.name.as_str() {
        _ if !key.is_list => vec![value],
        // What may hold a comma stands on a line of its own.
        "header" | "exec-env" => value.lines().map(str::to_owned).collect(),
        _ => value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
    };
    let values = if key.is_flag { vec![truth(&values[0]).map_err(wrong)?.to_string()] } else { values };
    check(key, &values).map_err(wrong)?;
    Ok(Some(Setting { key: key.name.clone(), values, origin: Origin::Variable(name) }))
}

fn truth(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("it is yes or no, not {text:?}")),
    }
}

/// W09 for variables that look as if they were meant for wsspec, with what may have been meant.
pub fn odd_variables(keys: &Keys) -> Vec<String> {
    let known: Vec<String> = keys.profile().iter().map(Key::variable).collect();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut odd: Vec<String> = names
        .filter(|name| {
            name.starts_with("WSSPEC_") && !RESERVED.contains(&name.as_str()) && !known.contains(name)
        })
        .collect();
    odd.sort();
    let meant = |name: &str| {
        did_you_mean(name, known.iter().map(String::as_str)).first().map(|name| (*name).to_owned())
    };
    let warning = |name: String| {
        let meant = meant(&name).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        format!("warning[W09]: the variable {name} has no effect{meant}")
    };
    odd.into_iter().map(warning).collect()
}

/// Whether the command line would take these values.
pub(super) fn check(key: &Key, values: &[String]) -> Result<(), String> {
    if key.is_flag {
        return Ok(());
    }
    let root = Cli::command();
    for name in ["run", "serve"] {
        let Some(sub) = root.find_subcommand(name) else { continue };
        let mut sub = sub.clone();
        for arg in root.get_arguments().filter(|arg| arg.get_id() == key.id.as_str()) {
            sub = sub.arg(arg.clone());
        }
        if !sub.get_arguments().any(|arg| arg.get_id() == key.id.as_str()) {
            continue;
        }
        let words = values.iter().map(|value| format!("--{}={value}", key.name));
        let error = sub.try_get_matches_from(std::iter::once(name.to_owned()).chain(words)).err();
        return match error {
            Some(error) if is_about_value(error.kind()) => Err(reason(&error)),
            _ => Ok(()),
        };
    }
    Ok(())
}

fn is_about_value(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidValue
            | ErrorKind::ValueValidation
            | ErrorKind::TooManyValues
            | ErrorKind::ArgumentConflict
    )
}

/// What the command line says of a wrong value, in one line.
fn reason(error: &clap::Error) -> String {
    let first = error.to_string().lines().next().unwrap_or_default().to_owned();
    let first = first.strip_prefix("error: ").unwrap_or(&first).to_owned();
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("{first}; one of {}", values.join(", "))
        }
        _ => first,
    }
}

fn no_profile(name: &str, file: Option<&ConfigFile>, known: &[&str]) -> Problem {
    let problem = Problem::new(ErrorCode::E18, format!("there is no profile {name:?}"));
    let Some(file) = file else {
        return problem
            .fact("why", "there is no wsspec.toml here or above")
            .fact("try", "wsspec config init");
    };
    let near = did_you_mean(name, known.iter().copied());
    let problem = match near.first() {
        Some(meant) => problem.fact("meant", format!("{meant}?")),
        None => problem,
    };
    let all = if known.is_empty() { "none".to_owned() } else { known.join(" ") };
    problem
        .fact("known", format!("{all}   (in {})", file.path.display()))
        .advise(format!("a table [profile.{name}] in {}", file.path.display()))
}

/// `wsspec.toml:4`, `wsspec.toml:20 (profile ci)`, `WSSPEC_JOBS`, `default`
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Profile { name, path, line } => write!(f, "{path}:{line} (profile {name})"),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}
