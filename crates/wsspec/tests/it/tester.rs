//! Testers that wait for clients: `wsspec serve` and `wstest -m fuzzingserver`, on free ports.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::program::{Done, command};

/// A tester that is running; killed when it is dropped.
pub(crate) struct Tester {
    child: Option<Child>,
    pub(crate) port: u16,
    lines: mpsc::Receiver<String>,
    err: mpsc::Receiver<String>,
    seen: String,
}

/// A port that nobody listens on, and that nobody else is given: it lies below those that systems choose from. Its
/// neighbours stay free too, because wsspec looks there where it finds nobody.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        // Other test programs may run at the same time.
        let place = std::process::id().wrapping_mul(64).wrapping_add(given) % 7500;
        let port = u16::try_from(10_000 + 3 * place).unwrap();
        // Asked, not bound: a child that is being started has a copy of a listener until it is what it will be.
        if TcpStream::connect(("127.0.0.1", port)).is_err() {
            return port;
        }
    }
}

/// `wstest` with these arguments.
pub(crate) fn wstest(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wstest"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

impl Tester {
    /// `wsspec serve` with these arguments.
    pub(crate) fn serve(folder: &Path, args: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let mut all = vec!["serve", "--port", &number];
        all.extend_from_slice(args);
        Self::start(command(folder, &all), port, "POST http")
    }

    /// `wstest -m fuzzingserver` with this spec; the address is put in for `URL`.
    pub(crate) fn fuzzing_server(folder: &Path, spec: &str) -> Self {
        let port = free_port();
        let spec = spec.replace("URL", &format!("ws://127.0.0.1:{port}"));
        std::fs::write(folder.join("fuzzingserver.json"), spec).unwrap();
        Self::start(wstest(folder, &["-m", "fuzzingserver", "-u", "0"]), port, "Ok, will run")
    }

    /// Starts a command and waits for a line that begins so.
    pub(crate) fn start(mut command: Command, port: u16, ready: &str) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (lines, err) = (tail(child.stdout.take().unwrap()), tail(child.stderr.take().unwrap()));
        let mut tester = Self { child: Some(child), port, lines, err, seen: String::new() };
        tester.wait_for(ready);
        tester
    }

    /// Waits for a line that begins so.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, beginning: &str) -> String {
        self.wait_until(beginning, |line| line.trim_start().starts_with(beginning))
    }

    /// Waits for a line with this in it.
    #[track_caller]
    pub(crate) fn wait_for_part(&mut self, part: &str) -> String {
        self.wait_until(part, |line| line.contains(part))
    }

    #[track_caller]
    fn wait_until(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
                let err: String = self.err.try_iter().collect();
                panic!("no line {what:?} in:\n{}\n{err}", self.seen);
            };
            self.seen.push_str(&line);
            if is_it(&line) {
                return line;
            }
        }
    }

    /// Waits for the end of the process.
    #[track_caller]
    pub(crate) fn end(mut self) -> Done {
        let mut child = self.child.take().unwrap();
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
                panic!("the tester does not end: {}", self.seen);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let code = child.wait().unwrap().code().unwrap_or(-1);
        self.seen.extend(self.lines.iter());
        Done {
            code,
            out: std::mem::take(&mut self.seen),
            err: self.err.iter().collect(),
            took: started.elapsed(),
        }
    }

    /// Sends SIGTERM and waits for the end.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn terminate(self) -> Done {
        self.signal("-TERM")
    }

    /// Sends SIGINT, as Ctrl-C does, and waits for the end.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn interrupt(self) -> Done {
        self.signal("-INT")
    }

    #[cfg(unix)]
    #[track_caller]
    fn signal(self, signal: &str) -> Done {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.end()
    }

    /// The address of a resource.
    pub(crate) fn url(&self, resource: &str) -> String {
        format!("ws://127.0.0.1:{}{resource}", self.port)
    }
}

impl Drop for Tester {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn tail(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            if send.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    receive
}

#[test]
fn a_port_that_was_free_was_somebody_elses_by_the_time_it_was_used() {
    let ours: Vec<u16> = std::iter::repeat_with(free_port).take(50).collect();
    let others: Vec<_> = (0..200).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let chosen = others.iter().map(|other| other.local_addr().unwrap().port());
    let taken: Vec<u16> = ours.iter().copied().chain(chosen).collect();
    for (n, port) in ours.iter().enumerate() {
        let beside = |(other, taken): (usize, &u16)| other != n && port.abs_diff(*taken) < 2;
        assert!(!taken.iter().enumerate().any(beside), "{port} beside {taken:?}");
    }
}

#[test]
fn a_port_was_in_use_by_the_child_that_another_test_started_meanwhile() {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = Command::new("true").status();
                }
            });
        }
        let refused = (0..1000).find_map(|_| TcpListener::bind(("127.0.0.1", free_port())).err());
        done.store(true, Ordering::Relaxed);
        assert!(refused.is_none(), "{refused:?}");
    });
}
