//! Processes that the tester starts: clients, drivers, browsers. Each gets a process group of its own, so that
//! nothing of it stays behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::time::timeout;

use crate::errors::{ErrorCode, Problem};

/// The file in the output folder that gets what the processes print.
pub const LOG: &str = "agent.log";
/// Between the polite request to end and the other one.
const GRACE: Duration = Duration::from_secs(2);

/// A command line with placeholders such as `{url}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(Vec<String>);

/// What stands for a placeholder, and is set in the environment as well.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// Such as `{url}`.
    pub placeholder: &'a str,
    /// Such as `WSSPEC_URL`.
    pub variable: &'a str,
    /// The value.
    pub value: &'a str,
}

/// A process that is running; dropping it ends it and its children.
#[derive(Debug)]
pub struct Process {
    child: Box<dyn ChildWrapper>,
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

    /// Starts the process; what it prints goes into the log of this folder.
    ///
    /// # Errors
    /// E31: there is no such program, or it cannot be started.
    pub fn start(&self, values: &[Value<'_>], out: &Path) -> Result<Process, Problem> {
        let words: Vec<String> = self.0.iter().map(|word| fill_in(word, values)).collect();
        let started = open_log(out).and_then(|(stdout, stderr)| {
            CommandWrap::with_new(&words[0], |command| {
                command.args(&words[1..]).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
                command.envs(values.iter().map(|value| (value.variable, value.value)));
            })
            .wrap(ProcessGroup::leader())
            .wrap(KillOnDrop)
            .spawn()
        });
        started.map(|child| Process { child }).map_err(|error| {
            Problem::new(ErrorCode::E31, format!("cannot start {:?}", words[0]))
                .fact("command", words.join(" "))
                .fact("why", crate::text::io_error(&error))
        })
    }
}

impl Process {
    /// Waits until it ends.
    ///
    /// # Errors
    /// The operating system does not say.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends it and its children: first politely, then not.
    pub async fn end(mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        #[cfg(unix)]
        let _ = self.child.signal(libc::SIGTERM);
        if timeout(GRACE, self.child.wait()).await.is_err() {
            let _ = self.child.start_kill();
            let _ = timeout(GRACE, self.child.wait()).await;
        }
    }
}

fn fill_in(word: &str, values: &[Value<'_>]) -> String {
    values.iter().fold(word.to_owned(), |word, value| word.replace(value.placeholder, value.value))
}

fn open_log(out: &Path) -> io::Result<(File, File)> {
    let file = OpenOptions::new().create(true).append(true).open(out.join(LOG))?;
    Ok((file.try_clone()?, file))
}

/// How a process ended, in words: `exit status 3`, `signal 11`.
pub fn in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| "no exit status".to_owned(), |code| format!("exit status {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(placeholder: &'a str, variable: &'a str, value: &'a str) -> Value<'a> {
        Value { placeholder, variable, value }
    }

    #[tokio::test]
    async fn placeholders_are_filled_in_and_output_is_kept() {
        let dir = tempfile::TempDir::new().unwrap();
        let url = "ws://h/runCase?case=1&agent=a'b";
        let command = CommandLine::parse("sh -c 'echo \"$1\" \"$WSSPEC_URL\"; exit 7' x {url}").unwrap();
        let mut process = command.start(&[value("{url}", "WSSPEC_URL", url)], dir.path()).unwrap();
        assert_eq!(in_words(process.wait().await.unwrap()), "exit status 7");
        assert_eq!(std::fs::read_to_string(dir.path().join(LOG)).unwrap(), format!("{url} {url}\n"));
    }

    #[tokio::test]
    async fn children_end_with_their_parent() {
        let dir = tempfile::TempDir::new().unwrap();
        let command =
            CommandLine::parse("sh -c 'sleep 60 & echo $!; trap \"\" TERM; wait; sleep 60'").unwrap();
        let process = command.start(&[], dir.path()).unwrap();
        let log = dir.path().join(LOG);
        let printed = async {
            loop {
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                if text.ends_with('\n') {
                    return text.trim().to_owned();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let child = timeout(Duration::from_secs(5), printed).await.unwrap();
        process.end().await;
        let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(" Z "), "{state}");
    }

    #[test]
    fn bad_commands_are_named() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(CommandLine::parse("a 'b").unwrap_err().code, ErrorCode::E31);
        assert_eq!(CommandLine::parse(" ").unwrap_err().code, ErrorCode::E31);
        let missing = CommandLine::parse("./no/such/program {url}").unwrap().start(&[], dir.path());
        assert!(missing.unwrap_err().to_string().contains("no such file"));
    }
}
