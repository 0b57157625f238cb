//! Runs programs and tells what they cost: by the clock, of the processor, of memory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use wait4::{ResUse, Wait4};

/// Ends a program with the one that started it (util-linux).
const SETPRIV: &str = "/usr/bin/setpriv";
/// Where folders of earlier runs are until all is measured.
const OLD: &str = "old";

/// What a process cost from its start to its end, its children included.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Seconds by the clock.
    pub(crate) wall: f64,
    /// Seconds of processor time in user mode.
    pub(crate) user: f64,
    /// Seconds of processor time in the kernel.
    pub(crate) system: f64,
    /// The most memory that was resident at any time, in octets.
    pub(crate) memory: u64,
}

impl Cost {
    /// Seconds of processor time.
    pub(crate) fn cpu(&self) -> f64 {
        self.user + self.system
    }

    /// What two processes cost that run one after the other.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            user: self.user + next.user,
            system: self.system + next.system,
            memory: self.memory.max(next.memory),
        }
    }
}

/// A running program; killed when dropped.
pub(crate) struct Measured {
    child: Child,
    what: String,
    started: Instant,
    reaped: bool,
}

impl Measured {
    /// Starts `command` with its output going to the file `log`, at priority `nice` if there is one.
    pub(crate) fn start(command: &Command, nice: Option<i8>, log: &Path) -> Result<Self> {
        let what = command.get_program().to_string_lossy().into_owned();
        let mut command = with_priority(command, nice);
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        forget_peak();
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {what}"))?;
        Ok(Self { child, what, started, reaped: false })
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Seconds of processor time of the thread of the program that has used most, of those that still run.
    pub(crate) fn busiest_thread(&self) -> Result<f64> {
        let mut most = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may end meanwhile.
            let figures = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            most =
                most.max(figures.split(' ').next().and_then(|figure| figure.parse().ok()).unwrap_or(0_u64));
        }
        Ok(most as f64 / 1e9)
    }

    /// Waits until something listens on `address`, or the program has ended.
    pub(crate) fn wait_for_port(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                self.reaped = true;
                bail!("{} ended with {status} before it listened on {address}", self.what);
            }
            if Instant::now() > deadline {
                bail!("{} does not listen on {address} after 30 s", self.what);
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Waits for the end of the program, at most `limit`; fails if it does not end by itself.
    pub(crate) fn wait(mut self, limit: Duration) -> Result<Cost> {
        let (cost, used) = self.reap(limit)?;
        if used.status.code().is_none() {
            bail!("{} was killed: {} (its limit is {} s)", self.what, used.status, limit.as_secs());
        }
        Ok(cost)
    }

    /// Asks the program to end, and kills it if it does not.
    pub(crate) fn stop(mut self) -> Result<Cost> {
        signal(self.child.id(), "TERM");
        Ok(self.reap(Duration::from_secs(5))?.0)
    }

    /// Waits for the end; a program that goes on after `limit` is killed.
    fn reap(&mut self, limit: Duration) -> Result<(Cost, ResUse)> {
        let pid = self.child.id();
        let (ended, at_end) = mpsc::channel::<()>();
        let killer = std::thread::spawn(move || {
            if at_end.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                signal(pid, "KILL");
            }
        });
        let used = self.child.wait4().with_context(|| format!("cannot wait for {}", self.what))?;
        let wall = self.started.elapsed().as_secs_f64();
        self.reaped = true;
        drop(ended);
        let _ = killer.join(); // it cannot panic
        let usage = &used.rusage;
        let (user, system) = (usage.utime.as_secs_f64(), usage.stime.as_secs_f64());
        Ok((Cost { wall, user, system, memory: usage.maxrss }, used))
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.child.kill(); // fails only if it is gone already
            let _ = self.child.wait();
        }
    }
}

/// A program begins with the peak memory of the process that starts it: Linux takes that for its own. So this one is made as
/// small as what this process holds now, which has to be little.
fn forget_peak() {
    // Elsewhere there is no such file, and the memory is what it was.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The same command under programs that replace themselves with it: process and cost are the program's own. It is killed
/// when this process ends, however that ends, and runs at priority `nice` if there is one.
pub(super) fn with_priority(command: &Command, nice: Option<i8>) -> Command {
    let level = nice.map(|level| level.to_string());
    let bound = Path::new(SETPRIV).exists().then_some([SETPRIV, "--pdeathsig", "KILL"]);
    let mut words: Vec<&OsStr> = bound.iter().flatten().map(OsStr::new).collect();
    words.extend(level.iter().flat_map(|level| ["nice", "-n", level]).map(OsStr::new));
    words.push(command.get_program());
    let mut new = Command::new(words[0]);
    new.args(&words[1..]).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        new.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => new.env(name, value),
            None => new.env_remove(name),
        };
    }
    new
}

/// An empty folder in place of the one of this name. The old one is moved to [`OLD`] beside it: the system takes long to
/// make files right after it has removed others, which would be measured.
pub(super) fn fresh_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        let old = folder.with_file_name(OLD);
        fs::create_dir_all(&old)?;
        let free = (0..).map(|number| old.join(number.to_string())).find(|place| !place.exists());
        fs::rename(folder, free.context("there are numbers enough")?)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Removes what was moved away in this folder.
pub(super) fn remove_old(within: &Path) -> Result<()> {
    let old = within.join(OLD);
    if old.exists() { Ok(fs::remove_dir_all(old)?) } else { Ok(()) }
}

fn signal(pid: u32, name: &str) {
    // Fails only if the process is gone already.
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(script: &str, limit: Duration) -> Result<Cost> {
        let folder = std::env::temp_dir();
        let log = folder.join(format!("wsspec-measure-{}-{}", std::process::id(), limit.as_millis()));
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let cost = Measured::start(&command, None, &log)?.wait(limit);
        let _ = fs::remove_file(log);
        cost
    }

    #[test]
    fn the_processor_time_is_that_of_the_program_and_not_of_the_wait() {
        let cost = measure("sleep 0.2", Duration::from_secs(20)).unwrap();
        assert!(cost.wall >= 0.2, "{cost:?}");
        assert!(cost.cpu() < cost.wall, "{cost:?}");
        assert!(cost.memory > 100_000, "{cost:?}");
    }

    #[test]
    fn a_server_that_lacked_a_library_was_waited_for() {
        let log = std::env::temp_dir().join(format!("wsspec-measure-{}-gone", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "exit 127"]);
        let mut server = Measured::start(&command, None, &log).unwrap();
        let error = server.wait_for_port("127.0.0.1:1".parse().unwrap()).unwrap_err().to_string();
        let _ = fs::remove_file(log);
        assert!(error.contains("ended with exit status: 127 before it listened"), "{error}");
    }

    #[test]
    fn the_memory_is_that_of_the_program_and_not_what_was_held_before() {
        if !Path::new("/proc/self/clear_refs").exists() {
            println!("SKIPPED: the peak of a process cannot be reset here");
            return;
        }
        let held = std::hint::black_box(vec![1_u8; 256 << 20]);
        drop(held);
        let cost = measure("exit 0", Duration::from_secs(21)).unwrap();
        assert!(cost.memory < 64 << 20, "{cost:?}");
    }

    #[test]
    fn the_busiest_thread_is_known_while_the_program_runs() {
        let log = std::env::temp_dir().join(format!("wsspec-busiest-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done"]);
        let busy = Measured::start(&command, None, &log).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while busy.busiest_thread().unwrap() < 0.05 && Instant::now() < deadline {
            sleep(Duration::from_millis(5));
        }
        assert!(busy.busiest_thread().unwrap() >= 0.05);
        let _ = fs::remove_file(log);
    }

    /// A shell that starts a program as the benchmarks do, and is killed.
    #[test]
    fn what_was_started_ends_with_who_started_it() {
        if !Path::new(SETPRIV).exists() {
            println!("SKIPPED: there is no {SETPRIV}");
            return;
        }
        let mut sleeper = Command::new("sleep");
        sleeper.arg("61.5");
        let bound = with_priority(&sleeper, Some(1));
        let words: Vec<_> = [bound.get_program()].into_iter().chain(bound.get_args()).collect();
        let script = format!("{} & echo $!; wait", words.join(OsStr::new(" ")).to_string_lossy());
        let mut parent = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(parent.stdout.take().unwrap()), &mut line)
            .unwrap();
        let program = Path::new("/proc").join(line.trim()).join("cmdline");
        let runs = || fs::read(&program).is_ok_and(|words| words.starts_with(b"sleep"));
        let within = |wanted: &dyn Fn() -> bool| {
            let deadline = Instant::now() + Duration::from_secs(20);
            while !wanted() && Instant::now() < deadline {
                sleep(Duration::from_millis(5));
            }
            wanted()
        };
        assert!(within(&runs));
        parent.kill().unwrap();
        parent.wait().unwrap();
        assert!(within(&|| !runs()));
    }

    #[test]
    fn a_folder_is_fresh_and_the_old_one_is_kept_until_it_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("run");
        for number in 0..3 {
            fresh_folder(&folder).unwrap();
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
            fs::write(folder.join("file"), number.to_string()).unwrap();
        }
        let old = |number: u8| fs::read_to_string(place.path().join(format!("old/{number}/file"))).unwrap();
        assert_eq!((old(0), old(1)), ("0".to_owned(), "1".to_owned()));
        remove_old(place.path()).unwrap();
        remove_old(place.path()).unwrap();
        assert!(folder.exists() && !place.path().join(OLD).exists());
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_and_that_is_an_error() {
        let error = measure("exec sleep 60", Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("was killed"), "{error}");
    }
}
