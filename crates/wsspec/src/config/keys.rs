use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};

/// The keys of each table of the file, and what the command line says about them.
#[derive(Clone, Debug)]
pub struct Keys {
    /// `[run]`
    pub run: Vec<Key>,
    /// `[serve]`
    pub serve: Vec<Key>,
    /// `[output]`
    pub output: Vec<Key>,
}

/// An option that can stand in the file.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its long name.
    pub name: String,
    /// What the definition of the command line calls it.
    pub id: String,
    /// It is there or not.
    pub is_flag: bool,
    /// It can be given several times.
    pub is_list: bool,
    /// Its value names a file or folder.
    pub is_path: bool,
    /// The heading in the help.
    pub heading: String,
    /// The usual value.
    pub default: Vec<String>,
    /// The values that it can have, if they are few.
    pub choices: Vec<String>,
    /// What it does.
    pub help: String,
}

/// What `[run]` knows besides options.
pub(super) const CASES: &str = "cases";
/// What `[[target]]` knows besides options.
pub(super) const TARGET: [&str; 3] = ["url", "agent", "headers"];

/// Options that make sense on the command line only.
const NEVER: [&str; 7] = ["help", "version", "config", "profile", "verbose", "quiet", "last-failed"];
/// Headings of what is about a server under test.
const OF_TARGET: [&str; 3] = ["Peer", "TLS", "Server under test"];
/// Headings of what is about files and the terminal.
const OF_OUTPUT: [&str; 2] = ["Output", "Terminal"];

impl Keys {
    /// The options of this command line.
    pub fn of(command: &Command) -> Self {
        let global: Vec<Key> = command.get_arguments().filter_map(key).collect();
        let of = |name: &str| {
            let sub = command.find_subcommand(name);
            let own = sub.into_iter().flat_map(|sub| sub.get_arguments()).filter_map(key);
            own.chain(global.iter().cloned()).collect::<Vec<Key>>()
        };
        let (run, serve) = (of("run"), of("serve"));
        let is_output = |key: &&Key| OF_OUTPUT.contains(&key.heading.as_str());
        let mut output: Vec<Key> = run.iter().filter(is_output).cloned().collect();
        for key in serve.iter().filter(is_output) {
            if !output.iter().any(|other| other.name == key.name) {
                output.push(key.clone());
            }
        }
        Self { run, serve, output }
    }

    /// What can stand in a `[[target]]`.
    pub fn target(&self) -> impl Iterator<Item = &Key> {
        self.run.iter().filter(|key| key.is_about_target())
    }

    /// What can stand in a profile.
    pub fn profile(&self) -> Vec<Key> {
        let mut all = self.run.clone();
        all.extend(
            self.serve.iter().filter(|key| !self.run.iter().any(|other| other.name == key.name)).cloned(),
        );
        all
    }
}

impl Key {
    /// Whether it says how one server is reached or started.
    pub fn is_about_target(&self) -> bool {
        OF_TARGET.contains(&self.heading.as_str())
    }

    /// `WSSPEC_FAIL_ON`
    pub fn variable(&self) -> String {
        format!("WSSPEC_{}", self.name.replace('-', "_").to_uppercase())
    }
}

fn key(arg: &Arg) -> Option<Key> {
    let name = arg.get_long().filter(|name| !NEVER.contains(name))?;
    let default = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    let choices = arg.get_possible_values().into_iter().map(|value| value.get_name().to_owned());
    let choices = choices.filter(|_| !matches!(arg.get_action(), ArgAction::SetTrue));
    Some(Key {
        name: name.to_owned(),
        id: arg.get_id().to_string(),
        is_flag: matches!(arg.get_action(), ArgAction::SetTrue),
        is_list: matches!(arg.get_action(), ArgAction::Append),
        is_path: arg.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>(),
        heading: arg.get_help_heading().unwrap_or_default().to_owned(),
        default: default.collect(),
        choices: choices.collect(),
        help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
    })
}
