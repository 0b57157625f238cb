//! Command lines with placeholders.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::log::Log;
use super::process::Process;
use crate::errors::{ErrorCode, Problem};
use crate::terminal::failure::shell;

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
    /// What becomes descriptor 3 of the process.
    pub descriptor: Option<Arc<OwnedFd>>,
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

    /// Whether a shell reads one of its words.
    pub fn runs_a_shell(&self) -> bool {
        (0..self.0.len()).any(|at| is_script(&self.0, at))
    }

    /// The words with the placeholders filled in; in the script of a shell they are quoted for it.
    pub fn words(&self, values: &[Value<'_>]) -> Vec<String> {
        let fill = |at: usize| match is_script(&self.0, at) {
            true => fill_in_script(&self.0[at], values),
            false => fill_in(&self.0[at], values),
        };
        (0..self.0.len()).map(fill).collect()
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
        let own = surroundings.variables.iter().map(|(name, value)| (name.clone(), fill_in(value, values)));
        let variables: Vec<_> = variables.chain(own).collect();
        Process::start(&words, &variables, surroundings, log).map_err(|error| {
            let problem = Problem::new(ErrorCode::E31, format!("cannot start {:?}", words[0]))
                .fact("command", words.join(" "))
                .fact("why", crate::text::io_error(&error));
            problem.fact("try", self.advice(&words[0], surroundings.folder.as_deref()))
        })
    }

    fn advice(&self, program: &str, folder: Option<&Path>) -> String {
        // What a shell takes for a variable is a program here.
        if program.contains('=') && self.0.len() > 1 {
            return format!("env before it: {}", shell(&[&["env".to_owned()], &self.0[..]].concat()));
        }
        advice(program, folder)
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

/// Whether a word is what a shell is to run: the one behind `sh -c`, `bash -lc` and the like.
fn is_script(words: &[String], at: usize) -> bool {
    const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ksh", "ash"];
    let is_shell = |word: &String| {
        Path::new(word).file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell))
    };
    let Some((option, before)) = words[..at].split_last() else { return false };
    let runs = option.starts_with('-') && !option.starts_with("--") && option.ends_with('c');
    runs && before.iter().any(is_shell)
}

/// How a shell reads the next character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// Each value becomes one word, or a part of the one that it stands in, whatever characters it has: an address with
/// `&` would be two commands otherwise.
fn fill_in_script(script: &str, values: &[Value<'_>]) -> String {
    let (mut out, mut rest, mut quotes) = (String::new(), script, Quotes::None);
    while let Some(next) = rest.chars().next() {
        if let Some(value) = values.iter().find(|value| rest.starts_with(value.placeholder)) {
            out.push_str(&quoted(value.value, quotes));
            rest = &rest[value.placeholder.len()..];
            continue;
        }
        let escapes = next == '\\' && quotes != Quotes::Single;
        let taken = rest.chars().take(if escapes { 2 } else { 1 }).map(char::len_utf8).sum();
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
        quotes = match (next, quotes) {
            ('\'', Quotes::None) => Quotes::Single,
            ('"', Quotes::None) => Quotes::Double,
            ('\'', Quotes::Single) | ('"', Quotes::Double) => Quotes::None,
            _ => quotes,
        };
    }
    out
}

fn quoted(value: &str, quotes: Quotes) -> String {
    match quotes {
        Quotes::None => shell_words::quote(value).into_owned(),
        Quotes::Single => value.replace('\'', r"'\''"),
        Quotes::Double => {
            let escaped = |c: char| if "\\$`\"".contains(c) { format!("\\{c}") } else { c.to_string() };
            value.chars().map(escaped).collect()
        }
    }
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

    /// What `printf` prints as its words, run by a true shell.
    fn printed(typed: &str, value: &str) -> String {
        let url = Value { placeholder: "{url}", variable: "WSSPEC_URL", value };
        let words = CommandLine::parse(typed).unwrap().words(&[url]);
        let output = std::process::Command::new(&words[0]).args(&words[1..]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn placeholders_in_the_script_of_a_shell_are_one_word() {
        let value = "ws://h/?a=1&b='2' $(id) `id` \"x\" \\ $HOME";
        for typed in [
            "sh -c 'printf %s {url}'",
            r#"sh -c 'printf %s "{url}"'"#,
            r#"sh -c "printf %s '{url}'""#,
            r#"sh -c 'echo "it\"s" >&2; printf %s {url}'"#,
            "env A=1 /bin/sh -ec 'printf %s {url}'",
            "sh -c 'printf %s \"$1\"' sh {url}",
        ] {
            assert_eq!(printed(typed, value), value, "{typed}");
        }
        assert_eq!(printed("sh -c 'printf %s a{url}b'", "x&y"), "ax&yb");
        let port = Value { placeholder: "{port}", variable: "WSSPEC_PORT", value: "7" };
        let plain = CommandLine::parse("sh -c './server --port {port}'").unwrap();
        assert_eq!(plain.words(&[port])[2], "./server --port 7", "what needs no quotes gets none");
        let other = CommandLine::parse("./client -c '{port} &'").unwrap();
        assert_eq!(other.words(&[port])[2], "7 &", "no shell, no quotes");
    }

    #[test]
    fn placeholders_stand_anywhere_in_a_word() {
        let command = CommandLine::parse("a --port={port} 'b {port}'").unwrap();
        let port = Value { placeholder: "{port}", variable: "WSSPEC_PORT", value: "7" };
        assert_eq!(command.words(&[port]), ["a", "--port=7", "b 7"]);
        assert!(command.mentions("{port}") && !command.mentions("{url}"));
    }
}
