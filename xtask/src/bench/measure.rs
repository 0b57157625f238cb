//! Runs programs and tells what they cost: by the clock, of the processor, of memory.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use wait4::{ResUse, Wait4};

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
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {what}"))?;
        Ok(Self { child, what, started, reaped: false })
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until something listens on `address`.
    pub(crate) fn wait_for_port(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
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

/// The same command under `nice`, which replaces itself with it: process and cost are the program's own.
pub(super) fn with_priority(command: &Command, nice: Option<i8>) -> Command {
    let mut new = match nice {
        None => Command::new(command.get_program()),
        Some(level) => {
            let mut nice = Command::new("nice");
            nice.args(["-n", &level.to_string()]).arg(command.get_program());
            nice
        }
    };
    new.args(command.get_args());
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
        let _ = std::fs::remove_file(log);
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
    fn a_program_that_does_not_end_is_killed_and_that_is_an_error() {
        let error = measure("exec sleep 60", Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("was killed"), "{error}");
    }
}
