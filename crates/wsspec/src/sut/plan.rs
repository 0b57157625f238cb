//! What was asked for about a server that the tester starts.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::command::{CommandLine, Surroundings};
use super::process::StopRule;
use super::ready::Ready;
use crate::cli::parse_duration;
use crate::errors::{ErrorCode, Problem};
use crate::typed::from_environment;

/// The options of `wsspec run` about the server under test.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server under test")]
pub struct ExecArgs {
    /// Start the server with this command; {port} {host} {url} are filled in, and WSSPEC_PORT, WSSPEC_HOST and
    /// WSSPEC_URL are set. {port} in the address takes a free port
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
    /// What shows that it is ready: ws (it echoes), tcp, http:PATH, log:REGEX, fd (a line written to
    /// $WSSPEC_READY_FD) or after:TIME
    #[arg(long, value_name = "SIGN", default_value = "ws")]
    pub ready: Ready,
    /// How long it may take until then
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s")]
    pub ready_timeout: Duration,
    /// Start it again never, after a crash (3 times at most), or for every case
    #[arg(long, value_name = "WHEN", default_value = "crash")]
    pub restart: Restart,
    /// How it is asked to end, and how long that may take before it is killed
    #[arg(long, value_name = "SIGNAL[,TIME]", default_value = "SIGTERM,2s")]
    pub stop: StopRule,
    /// Start it in this folder
    #[arg(long, value_name = "DIR")]
    pub exec_cwd: Option<PathBuf>,
    /// Set a variable for it; a value env:NAME is taken from the environment and kept out of all files
    #[arg(long, value_name = "K=V")]
    pub exec_env: Vec<String>,
    /// If something listens at the address already, test that and start nothing
    #[arg(long)]
    pub reuse: bool,
}

/// When a server is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Restart {
    /// Never
    Never,
    /// After it has died
    Crash,
    /// For every case
    Case,
}

/// A server that the tester starts.
#[derive(Clone, Debug)]
pub struct ExecPlan {
    /// As it was typed.
    pub typed: String,
    /// The command.
    pub command: CommandLine,
    /// What shows that it is ready.
    pub ready: Ready,
    /// How long that may take.
    pub ready_timeout: Duration,
    /// When it is started again.
    pub restart: Restart,
    /// How it is asked to end.
    pub stop: StopRule,
    /// Folder and variables.
    pub surroundings: Surroundings,
    /// A server that is there already is taken.
    pub reuse: bool,
    /// The address, `{port}` and all.
    pub address: String,
    /// The words that start it again, for the command that repeats a case.
    pub again: Vec<String>,
}

/// The address if none was given.
pub const ANY_PORT: &str = "ws://127.0.0.1:{port}";

impl ExecPlan {
    /// The name of the program, or of the script that an interpreter runs, if that says anything: an address with
    /// another port in every run would be no name.
    pub fn name(&self) -> Option<String> {
        const STARTERS: [&str; 14] = [
            "sh", "bash", "env", "nice", "timeout", "python", "python3", "node", "deno", "bun", "java",
            "ruby", "cargo", "npm",
        ];
        const SCRIPTS: [&str; 9] = ["js", "mjs", "cjs", "ts", "py", "rb", "pl", "php", "jar"];
        let words = self.command.words(&[]);
        // What `env` and `nice` start comes behind variables and options.
        let is_own = |word: &&String| !word.contains('=') && !word.starts_with('-');
        let start = match words[0].as_str() {
            "env" | "nice" => words.iter().skip(1).position(|word| is_own(&word)).map_or(0, |at| at + 1),
            _ => 0,
        };
        let words = &words[start..];
        let is_script = |word: &&String| {
            let ending = Path::new(word).extension().and_then(OsStr::to_str);
            !word.contains(char::is_whitespace) && ending.is_some_and(|ending| SCRIPTS.contains(&ending))
        };
        let program = file_name(&words[0])?;
        match STARTERS.contains(&program.as_str()) {
            false => Some(program),
            true => words[1..].iter().find(is_script).and_then(|script| file_name(script)),
        }
    }
}

fn file_name(path: &str) -> Option<String> {
    Some(Path::new(path).file_name()?.to_string_lossy().into_owned())
}

impl ExecArgs {
    /// The plan, if there is a command. Values of the environment go through `secret`.
    ///
    /// # Errors
    /// E31: the command cannot be read. E18: a variable cannot.
    pub fn plan(&self, address: &str, mut secret: impl FnMut(&str)) -> Result<Option<ExecPlan>, Problem> {
        let Some(typed) = &self.exec else { return Ok(None) };
        let variables = self.exec_env.iter().map(|variable| read_variable(variable, &mut secret));
        Ok(Some(ExecPlan {
            typed: typed.clone(),
            command: CommandLine::parse(typed)?,
            ready: self.ready.clone(),
            ready_timeout: self.ready_timeout,
            restart: self.restart,
            stop: self.stop,
            surroundings: Surroundings {
                folder: self.exec_cwd.clone(),
                variables: variables.collect::<Result<_, _>>()?,
                descriptor: None,
            },
            reuse: self.reuse,
            address: address.to_owned(),
            again: self.words(typed),
        }))
    }

    /// The options that start it in the same way.
    fn words(&self, command: &str) -> Vec<String> {
        let mut words = vec!["--exec".to_owned(), command.to_owned()];
        if !matches!(self.ready, Ready::Ws) {
            words.extend(["--ready".to_owned(), self.ready.to_string()]);
        }
        if let Some(folder) = &self.exec_cwd {
            words.extend(["--exec-cwd".to_owned(), folder.display().to_string()]);
        }
        for variable in &self.exec_env {
            words.extend(["--exec-env".to_owned(), variable.clone()]);
        }
        words
    }
}

/// `NAME=VALUE`, `NAME=env:OTHER`
fn read_variable(typed: &str, secret: &mut impl FnMut(&str)) -> Result<(String, String), Problem> {
    let unread = || Problem::new(ErrorCode::E18, format!("cannot read the variable {typed:?}"));
    let wrong = |why: String| {
        unread().fact("why", why).fact("try", "--exec-env LOG_LEVEL=debug   or   --exec-env TOKEN=env:TOKEN")
    };
    let (name, value) = typed.split_once('=').ok_or_else(|| wrong("there is no equals sign".to_owned()))?;
    if name.is_empty() || typed.contains('\0') {
        return Err(wrong("a variable needs a name".to_owned()));
    }
    let Some(other) = value.strip_prefix("env:") else { return Ok((name.to_owned(), value.to_owned())) };
    let value = from_environment(other, unread)?;
    secret(&value);
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_server_is_named_by_its_program_or_its_script() {
        for (command, name) in [
            ("./target/release/echo --port {port}", Some("echo")),
            ("node server.js {port}", Some("server.js")),
            ("python3 -u tests/echo.py {port}", Some("echo.py")),
            ("env PORT={port} node --no-warnings dist/echo.mjs", Some("echo.mjs")),
            ("env RUST_LOG=debug ./echo {port}", Some("echo")),
            ("java -jar build/echo.jar", Some("echo.jar")),
            ("sh -c 'cd x && node echo.js {port}'", None),
            ("npm start", None),
        ] {
            let args = ["wsspec", "run", "--exec", command];
            let Some(crate::cli::Command::Run(args)) = crate::cli::Cli::parse_from(args).command else {
                unreachable!("`run` was parsed");
            };
            let plan = args.exec.plan(ANY_PORT, |_| ()).unwrap().unwrap();
            assert_eq!(plan.name().as_deref(), name, "{command}");
        }
    }
}
