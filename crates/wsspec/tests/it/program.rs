//! Runs `wsspec` and never waits for ever.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A process that takes longer hangs, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// What a finished process left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

/// `wsspec` with these arguments, in an empty folder, without the user's environment.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsspec"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// Tries all of them at the same time: they mostly wait.
pub(crate) fn all_at_once<T: Send>(inputs: impl IntoIterator<Item = T>, try_one: impl Fn(T) + Sync) {
    let try_one = &try_one;
    std::thread::scope(|scope| {
        for input in inputs {
            scope.spawn(move || try_one(input));
        }
    });
}

/// Runs `wsspec` to its end.
///
/// # Panics
/// If it takes longer than [`LIMIT`].
pub(crate) fn wsspec(folder: &Path, args: &[&str]) -> Done {
    finish(command(folder, args))
}

/// Runs a command to its end.
pub(crate) fn finish(command: Command) -> Done {
    finish_within(command, LIMIT)
}

/// The same with another limit.
pub(crate) fn finish_within(mut command: Command, limit: Duration) -> Done {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    wait_within(command.spawn().unwrap(), started, limit)
}

/// Waits for a process whose output is piped.
pub(crate) fn wait(child: Child, started: Instant) -> Done {
    wait_within(child, started, LIMIT)
}

fn wait_within(mut child: Child, started: Instant, limit: Duration) -> Done {
    let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let deadline = started + limit;
    let text =
        |end: mpsc::Receiver<String>| end.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    let (Ok(out), Ok(err)) = (text(out), text(err)) else {
        child.kill().unwrap();
        panic!("wsspec does not end");
    };
    let status = child.wait().unwrap();
    Done { code: status.code().unwrap_or(-1), out, err, took: started.elapsed() }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        stream.unwrap().read_to_end(&mut text).unwrap();
        send.send(String::from_utf8(text).unwrap()).unwrap();
    });
    receive
}

/// Whether nothing stands in this line of an error but what is to be typed.
fn is_typed(line: &str) -> bool {
    const BEGINNINGS: [&str; 8] = ["wsspec ", "wstest ", "-", "/", "env ", "sh ", "cd ", "ws://"];
    let text = line.get(11..).unwrap_or_default();
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) && !text.contains("   ")
}

impl Done {
    /// What stderr says, each note in one line.
    pub(crate) fn notes(&self) -> String {
        self.err.replace("\n  ", " ")
    }

    /// Asserts that the lines of an error fit, but for what is to be typed.
    #[track_caller]
    pub(crate) fn expect_width(&self, code: &str, width: usize) {
        let mark = format!("error[{code}]");
        let error: Vec<&str> = self.err.lines().skip_while(|line| !line.starts_with(&mark)).collect();
        assert!(error.len() > 3, "{self:#?}");
        for line in error {
            assert!(line.chars().count() <= width || is_typed(line), "{line}");
        }
    }

    /// Asserts the exit status and that stderr holds the error once.
    #[track_caller]
    pub(crate) fn expect_error(&self, exit: i32, code: &str) -> &Self {
        assert_eq!(self.code, exit, "{self:#?}");
        let mark = format!("error[{code}]");
        assert_eq!(self.err.matches("error[").count(), 1, "{self:#?}");
        assert!(self.err.contains(&mark), "{self:#?}");
        let lines = self.err.lines().skip_while(|line| !line.starts_with(&mark));
        let lines = lines.take_while(|line| !line.starts_with("exit ")).count();
        assert!(lines < 10, "an error is short: {self:#?}");
        // What is to be typed and excerpts of files stay as they are.
        let verbatim = |line: &str| is_typed(line) || line.starts_with("    ") && line.contains("| ");
        let wide = |line: &&str| line.chars().count() > 80 && !verbatim(line);
        let text = self.err.lines().skip_while(|line| !line.starts_with(&mark));
        assert_eq!(text.clone().find(wide), None, "an error fits 80 columns: {self:#?}");
        assert!(self.err.contains("  try "), "an error says what to do: {self:#?}");
        self
    }
}
