//! Processes that the tester starts: servers and clients under test, drivers, browsers. Each gets a process group
//! of its own, so that nothing of it stays behind; what does all the same is named.

use std::collections::BTreeSet;
use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::process::{ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use wsspec_report::Untrusted;

use super::command::Surroundings;
use super::log::{Lines, Log};
use super::procfs;

/// The descriptor that is passed to a process. Shells understand one digit only.
pub(super) const PASSED: i32 = 3;
/// After SIGKILL, a process is waited for so long.
const KILL_LIMIT: Duration = Duration::from_secs(2);
/// Children may end after their parent for so long before they count as left behind.
const CHILDREN_LIMIT: Duration = Duration::from_millis(300);

/// A process that is running; dropping it ends it and its children.
#[derive(Debug)]
pub struct Process {
    child: Box<dyn ChildWrapper>,
    group: Group,
    program: String,
    /// The pipe that its output comes through, as the system names it.
    pipe: Option<String>,
    /// The value of [`MARK`] that it and its children have.
    mark: String,
    /// When it was started, in the ticks of the system.
    started: Option<u64>,
    /// Becomes true when nobody holds the other end of the pipe.
    silent: watch::Receiver<bool>,
}

/// How a process is asked to end: a signal, and after a while SIGKILL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRule {
    /// The polite request.
    pub signal: Signal,
    /// How long it may take.
    pub grace: Duration,
}

/// What did not end by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// The process itself did not follow the signal in time.
    pub survived: Option<String>,
    /// Processes that it had started, and left.
    pub children: Vec<String>,
}

/// A process group that is gone when this value is.
#[derive(Debug)]
struct Group(Pid);

/// The variable by which children of a process are known that have left its group and closed its output.
const MARK: &str = "WSSPEC_PROCESS";

/// How many processes were started.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// The groups of all processes that are running.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

impl Process {
    pub(super) fn start(
        words: &[String],
        variables: &[(String, String)],
        surroundings: &Surroundings,
        log: &Arc<Log>,
    ) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let pipe = procfs::name_of(reader.as_raw_fd());
        let stderr = writer.try_clone()?;
        let passed = surroundings.descriptor.iter().map(|descriptor| descriptor.try_clone());
        let passed = passed.map(|copy| Ok(FdMapping { parent_fd: copy?, child_fd: PASSED }));
        let passed: Vec<FdMapping> = passed.collect::<io::Result<_>>()?;
        let mark = format!("{}.{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let mut mapped = Ok(());
        let mut command = CommandWrap::with_new(&words[0], |command| {
            command.args(&words[1..]).stdin(Stdio::null()).stdout(writer).stderr(stderr);
            command.envs(variables.iter().map(|(name, value)| (name, value)));
            command.env(MARK, &mark);
            surroundings.folder.as_ref().map(|folder| command.current_dir(folder));
            mapped = command.fd_mappings(passed).map(drop);
        });
        mapped.map_err(io::Error::other)?;
        let child = command.wrap(ProcessGroup::leader()).wrap(KillOnDrop).spawn()?;
        let group = Group::of(child.as_ref());
        let started = procfs::started_at(group.0.as_raw());
        let silent = tee(reader, log.clone());
        Ok(Self { child, group, program: words[0].clone(), pipe, mark, started, silent })
    }

    /// Its number.
    pub fn id(&self) -> i32 {
        self.group.0.as_raw()
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// The operating system does not say.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Whether there are processes that it started, in its group.
    pub fn has_children(&self) -> bool {
        procfs::members(self.group.0.as_raw()).iter().any(|(pid, _)| *pid != self.id())
    }

    /// Waits until everything that it printed is in the log, though not for ever.
    pub async fn silence(&self) {
        let mut silent = self.silent.clone();
        let _ = timeout(CHILDREN_LIMIT, silent.wait_for(|silent| *silent)).await;
    }

    /// Ends it and its children: first politely, then not.
    pub async fn end(mut self, rule: StopRule) -> Leftovers {
        let survived = !self.leader_ends(rule).await;
        let mut left = self.group_ends().await;
        let _ = killpg(self.group.0, Signal::SIGKILL);
        if !left.is_empty() {
            // Even SIGKILL takes a moment.
            self.group_ends().await;
        }
        self.group.leave();
        self.silence().await;
        left.extend(self.strays().await);
        Leftovers {
            survived: survived.then(|| format!("{} (process {})", self.program, self.id())),
            children: left.into_iter().map(|(pid, name)| format!("{name} (process {pid})")).collect(),
        }
    }

    /// Whether it ended in time.
    async fn leader_ends(&mut self, rule: StopRule) -> bool {
        if self.ended().is_some() {
            return true;
        }
        let _ = killpg(self.group.0, rule.signal);
        if timeout(rule.grace, self.child.wait()).await.is_ok() {
            return true;
        }
        let _ = killpg(self.group.0, Signal::SIGKILL);
        let _ = timeout(KILL_LIMIT, self.child.wait()).await;
        false
    }

    /// The members of the group that do not end although their leader has.
    async fn group_ends(&self) -> BTreeSet<(i32, String)> {
        let deadline = Instant::now() + CHILDREN_LIMIT;
        loop {
            let members = procfs::members(self.group.0.as_raw());
            if members.is_empty() || Instant::now() >= deadline {
                return members;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Processes outside the group: children that made themselves independent, known by its output or by its mark.
    async fn strays(&self) -> BTreeSet<(i32, String)> {
        let deadline = Instant::now() + CHILDREN_LIMIT;
        loop {
            let (mut found, are_all) = procfs::marked(MARK, &self.mark, self.started);
            if !*self.silent.borrow() {
                found.extend(self.pipe.as_deref().map(procfs::holders).unwrap_or_default());
            }
            found.retain(|(pid, _)| *pid != self.id());
            if (are_all && found.is_empty()) || Instant::now() >= deadline {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Leftovers {
    /// Whether everything ended as it should.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// A line for each thing that was left.
    pub fn lines(&self, rule: StopRule) -> Vec<String> {
        let survived = self.survived.iter().map(|name| {
            let grace = crate::text::duration(rule.grace);
            format!("{name} did not end within {grace} of {}; it was killed", rule.signal)
        });
        let children = self.children.iter().map(|name| format!("{name} was left behind"));
        survived.chain(children).collect()
    }
}

/// One of these lines as it is told, with the word that people look for.
pub fn leak(line: &str) -> String {
    format!("LEAK: {}", Untrusted::from(line).for_terminal(200))
}

impl Group {
    fn of(child: &dyn ChildWrapper) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).expect("it has just been started");
        groups().insert(pid);
        Self(Pid::from_raw(pid))
    }

    /// There is nothing more to kill, and the number may soon belong to someone else. Says whether that is news.
    fn leave(&self) -> bool {
        groups().remove(&self.0.as_raw())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.leave() {
            let _ = killpg(self.0, Signal::SIGKILL);
        }
    }
}

fn groups() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends everything at once that was started and still runs: for a process that leaves without unwinding.
pub fn kill_all() {
    for group in groups().iter() {
        let _ = killpg(Pid::from_raw(*group), Signal::SIGKILL);
    }
}

/// Copies what comes into the log, on a thread of its own: it ends when nobody can write any more.
fn tee(mut pipe: PipeReader, log: Arc<Log>) -> watch::Receiver<bool> {
    let (tell, silent) = watch::channel(false);
    std::thread::spawn(move || {
        let mut lines = Lines::default();
        let mut buffer = vec![0; 16 << 10];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => lines.feed(&buffer[..read], &log),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        lines.end(&log);
        // Nobody may be listening any more.
        let _ = tell.send(true);
    });
    silent
}

impl StopRule {
    /// The same without waiting.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { grace: Duration::ZERO, ..self }
    }
}

impl Default for StopRule {
    fn default() -> Self {
        Self { signal: Signal::SIGTERM, grace: Duration::from_secs(2) }
    }
}

/// `SIGTERM,2s`, `SIGINT`
impl FromStr for StopRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, grace) = text.split_once(',').map_or((text, None), |(name, grace)| (name, Some(grace)));
        let name = name.trim().to_ascii_uppercase();
        let name = if name.starts_with("SIG") { name } else { format!("SIG{name}") };
        let signal = name.parse().map_err(|_| "a signal and a time, as in SIGTERM,2s".to_owned())?;
        let grace = grace.map(|grace| crate::cli::parse_duration(grace.trim())).transpose()?;
        Ok(Self { signal, grace: grace.unwrap_or(Self::default().grace) })
    }
}

/// How a process ended, in words: `exit status 3`, `signal 11 (SIGSEGV)`.
pub fn in_words(status: ExitStatus) -> String {
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = Signal::try_from(signal).map_or(String::new(), |signal| format!(" ({signal})"));
        return format!("signal {signal}{name}");
    }
    status.code().map_or_else(|| "no exit status".to_owned(), |code| format!("exit status {code}"))
}

#[cfg(test)]
mod tests {
    use super::super::command::{CommandLine, Value};
    use super::super::log::LOG;
    use super::*;
    use wsspec_report::record::Redaction;

    const HASTY: StopRule = StopRule { signal: Signal::SIGTERM, grace: Duration::from_millis(200) };

    fn log(folder: &tempfile::TempDir) -> Arc<Log> {
        Arc::new(Log::create(folder.path(), LOG, Redaction::default(), false).unwrap())
    }

    fn start(command: &str, log: &Arc<Log>) -> Process {
        CommandLine::parse(command).unwrap().start(&[], log).unwrap()
    }

    async fn printed(log: &Log) -> String {
        let mut count = log.count();
        timeout(Duration::from_secs(10), count.wait_for(|lines| *lines > 0)).await.unwrap().unwrap();
        log.tail(0, 1).concat()
    }

    fn is_gone(pid: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(" Z ")
    }

    #[tokio::test]
    async fn placeholders_are_filled_in_and_output_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder);
        let url = "ws://h/runCase?case=1&agent=a'b";
        let command = CommandLine::parse("sh -c 'echo \"$1\"; echo \"$WSSPEC_URL\" >&2; exit 7' x {url}");
        let value = Value { placeholder: "{url}", variable: "WSSPEC_URL", value: url };
        let mut process = command.unwrap().start(&[value], &log).unwrap();
        assert_eq!(in_words(process.wait().await.unwrap()), "exit status 7");
        process.silence().await;
        assert_eq!(log.tail(0, 9), [url, url]);
        assert!(process.end(HASTY).await.is_none());
    }

    #[tokio::test]
    async fn a_process_that_ignores_the_signal_is_killed_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder);
        let process = start("sh -c 'trap \"\" TERM; sleep 60 & echo $!; wait; sleep 60'", &log);
        let child = printed(&log).await;
        let left = process.end(HASTY).await;
        assert!(left.survived.as_deref().is_some_and(|name| name.starts_with("sh (process ")), "{left:?}");
        assert!(left.lines(HASTY)[0].contains("did not end within 200 ms of SIGTERM"), "{left:?}");
        assert!(is_gone(&child));
    }

    /// What is left when this command has ended.
    async fn left_by(command: &str) -> Leftovers {
        let folder = tempfile::tempdir().unwrap();
        let mut process = start(command, &log(&folder));
        process.wait().await.unwrap();
        process.end(HASTY).await
    }

    #[tokio::test]
    async fn a_child_that_is_left_behind_is_named_and_killed() {
        let left = left_by("sh -c '(trap \"\" TERM; echo $$; sleep 60) & exit 0'").await;
        assert!(left.survived.is_none() && !left.children.is_empty(), "{left:?}");
        let members: Vec<_> = left.children.iter().filter_map(|name| name.rsplit(' ').next()).collect();
        for pid in members {
            assert!(is_gone(pid.trim_end_matches(')')), "{left:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_child_in_a_session_of_its_own_is_named() {
        // With the output of the command, and without.
        for command in ["sh -c 'setsid sleep 3 & exit 0'", "sh -c 'setsid sleep 3 >/dev/null 2>&1 & exit 0'"]
        {
            let left = left_by(command).await;
            // Where the machine is slow it has not come to `sleep` yet.
            let is_it = |name: &String| ["sleep ", "setsid ", "sh "].iter().any(|it| name.starts_with(it));
            assert!(left.children.iter().any(is_it), "{command}: {left:?}");
        }
        for _ in 0..10 {
            if left_by("sh -c 'setsid sleep 0.1 >/dev/null 2>&1 & exit 0'").await.is_none() {
                return;
            }
        }
        panic!("one that soon ends by itself was named each time");
    }

    #[tokio::test]
    async fn a_process_that_is_dropped_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder);
        let process = start("sh -c 'sleep 60 & echo $!; wait'", &log);
        let child = printed(&log).await;
        drop(process);
        for _ in 0..100 {
            if is_gone(&child) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("process {child} is still there");
    }

    #[test]
    fn stop_rules_are_read() {
        assert_eq!("SIGTERM,2s".parse(), Ok(StopRule::default()));
        let rule = StopRule { signal: Signal::SIGINT, grace: Duration::from_millis(500) };
        assert_eq!("int,500ms".parse(), Ok(rule));
        assert_eq!("SIGINT".parse(), Ok(StopRule { signal: Signal::SIGINT, ..StopRule::default() }));
        for text in ["", "SIGNAL,2s", "SIGTERM,2", "SIGTERM;2s"] {
            assert!(text.parse::<StopRule>().is_err(), "{text}");
        }
    }
}
