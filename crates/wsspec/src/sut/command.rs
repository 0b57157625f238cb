//! Command lines with placeholders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::log::Log;
use super::process::Process;
use crate::errors::{ErrorCode, Problem};

/// A command line with placeholders such as `{url}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(Vec<String>);

/// What stands for a placeholder, and is set in the environment as well.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// Such as `{url}`.
    pub placeholder: &'a str,
    /// Such as `WSSPEC_URL`; empty: the environment does not get it.
    pub variable: &'a str,
    /// The value.
    pub value: &'a str,
}

/// Where and with what a command is started.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The folder; none: the current one.
    pub folder: Option<PathBuf>,
    /// Variables beyond those of this process and of the placeholders.
    pub variables: Vec<(String, String)>,
}

impl CommandLine {
    /// Splits the text as a shell does, quotes and all; no shell is involved.
    ///
    /// # Errors
    /// E31: a quote is not closed, or there is no word.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let problem = |why: String| {
            Problem::new(ErrorCode::E31, format!("cannot read the command {text:?}"))
                .fact("why", why)
                .fact("try", "--exec './driver {url}'   or   --exec \"sh -c 'cd x && ./driver {url}'\"")
        };
        match shell_words::split(text) {
            Ok(words) if words.is_empty() => Err(problem("it is empty".to_owned())),
            Ok(words) => Ok(Self(words)),
            Err(_) => Err(problem("a quote is not closed".to_owned())),
        }
    }

    /// Whether the placeholder stands in it.
    pub fn mentions(&self, placeholder: &str) -> bool {
        self.0.iter().any(|word| word.contains(placeholder))
    }

    /// The words with the placeholders filled in.
    pub fn words(&self, values: &[Value<'_>]) -> Vec<String> {
        self.0.iter().map(|word| fill_in(word, values)).collect()
    }

    /// Starts the process; what it prints goes into the log.
    ///
    /// # Errors
    /// E31: there is no such program, or it cannot be started.
    pub fn start(&self, values: &[Value<'_>], log: &Arc<Log>) -> Result<Process, Problem> {
        self.start_in(values, log, &Surroundings::default())
    }

    /// Starts the process in these surroundings.
    ///
    /// # Errors
    /// E31: there is no such program, or it cannot be started.
    pub fn start_in(
        &self,
        values: &[Value<'_>],
        log: &Arc<Log>,
        surroundings: &Surroundings,
    ) -> Result<Process, Problem> {
        let words = self.words(values);
        let variables = values.iter().filter(|value| !value.variable.is_empty());
        let variables = variables.map(|value| (value.variable.to_owned(), value.value.to_owned()));
        let variables: Vec<_> = variables.chain(surroundings.variables.iter().cloned()).collect();
        Process::start(&words, &variables, surroundings.folder.as_deref(), log).map_err(|error| {
            let problem = Problem::new(ErrorCode::E31, format!("cannot start {:?}", words[0]))
                .fact("command", words.join(" "))
                .fact("why", crate::text::io_error(&error));
            problem.fact("try", advice(&words[0], surroundings.folder.as_deref()))
        })
    }
}

fn advice(program: &str, folder: Option<&Path>) -> String {
    match folder {
        Some(folder) => format!("ls -l {}   (--exec-cwd)", folder.join(program).display()),
        None if program.contains('/') => format!("ls -l {program}"),
        None => format!("command -v {program}"),
    }
}

fn fill_in(word: &str, values: &[Value<'_>]) -> String {
    values.iter().fold(word.to_owned(), |word, value| word.replace(value.placeholder, value.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_commands_are_named() {
        let log = Arc::new(Log::nowhere());
        assert_eq!(CommandLine::parse("a 'b").unwrap_err().code, ErrorCode::E31);
        assert_eq!(CommandLine::parse(" ").unwrap_err().code, ErrorCode::E31);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _inside = runtime.enter();
        let missing = CommandLine::parse("./no/such/program {url}").unwrap().start(&[], &log);
        assert!(missing.unwrap_err().to_string().contains("no such file"));
    }

    #[test]
    fn placeholders_stand_anywhere_in_a_word() {
        let command = CommandLine::parse("a --port={port} 'b {port}'").unwrap();
        let port = Value { placeholder: "{port}", variable: "WSSPEC_PORT", value: "7" };
        assert_eq!(command.words(&[port]), ["a", "--port=7", "b 7"]);
        assert!(command.mentions("{port}") && !command.mentions("{url}"));
    }
}
