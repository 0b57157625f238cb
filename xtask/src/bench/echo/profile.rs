//! Where a server spends its processor time under load: shares of a profile, and system calls for a message (perf).

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::cells::Cell;
use super::{Bench, Serving};

/// What part of a profile goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Kernel,
    Copying,
    Waking,
    Asking,
    Deflate,
    Memory,
    Own,
}

impl Group {
    pub(super) const ALL: [Self; 7] =
        [Self::Kernel, Self::Copying, Self::Waking, Self::Asking, Self::Deflate, Self::Memory, Self::Own];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kernel => "TCP and other kernel",
            Self::Copying => "copying in the kernel",
            Self::Waking => "waking the client",
            Self::Asking => "asking for events and the time",
            Self::Deflate => "DEFLATE",
            Self::Memory => "memory and other C library",
            Self::Own => "own code",
        }
    }

    /// That of a symbol of a program, a library or the kernel.
    fn of(object: &str, is_kernel: bool, symbol: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| symbol.contains(word));
        if is_kernel {
            return match () {
                () if has(&["copy_to_iter", "copy_from_iter", "copy_user", "rep_movs"]) => Self::Copying,
                () if has(&["epoll", "fdget", "sock_poll", "tcp_poll"]) || symbol.starts_with("ep_") => {
                    Self::Asking
                }
                () if has(&["spin_unlock_irqrestore", "try_to_wake", "finish_task"]) => Self::Waking,
                () => Self::Kernel,
            };
        }
        let zlib =
            ["zlib_rs", "inflate", "deflate", "longest_match", "slide_hash", "compare256", "fill_window"];
        match () {
            () if object.contains("vdso") || has(&["epoll_wait", "epoll_pwait", "clock_gettime"]) => {
                Self::Asking
            }
            () if has(&zlib) && !has(&["permessage_deflate"]) => Self::Deflate,
            () if object.contains("libc.so") || object.starts_with("libc-") => Self::Memory,
            () => Self::Own,
        }
    }
}

/// Names of system calls that do the same, and how they are called together.
pub(super) const CALLS: [(&str, &[&str]); 3] = [
    ("asks for events", &["epoll_wait", "epoll_pwait", "epoll_pwait2"]),
    ("sends", &["sendto", "sendmsg", "write", "writev"]),
    ("reads", &["recvfrom", "recvmsg", "read", "readv"]),
];

/// What a server does for a cell.
pub(super) struct Profile {
    /// Percent of the profile, in the order of [`Group::ALL`].
    pub(super) shares: [f64; 7],
    /// For a message, in the order of [`CALLS`], where the system counts them.
    pub(super) calls: [Option<f64>; 3],
}

/// Seconds of a profile, and of load around it.
const SECONDS: &str = "1.2";
const LOAD: u64 = 2000;
const LOAD_BEFORE: Duration = Duration::from_millis(500);
/// Milliseconds of load under which system calls are counted.
const COUNTED: u64 = 600;

/// Whether there is perf.
pub(super) fn is_there() -> bool {
    Command::new("perf").arg("--version").output().is_ok_and(|out| out.status.success())
}

/// Replies of a whole run of the load generator.
#[derive(Deserialize)]
struct Total {
    total: u64,
}

/// Profiles a server under the load of a cell.
pub(super) fn of(bench: &Bench<'_>, serving: &Serving, cell: &Cell) -> Result<Profile> {
    Ok(Profile { shares: shares(bench, serving, cell)?, calls: calls(bench, serving, cell)? })
}

fn shares(bench: &Bench<'_>, serving: &Serving, cell: &Cell) -> Result<[f64; 7]> {
    let (file, process) = (bench.kits.cache().join("echo.perf"), serving.process.id().to_string());
    let recorded = scope(|scope| {
        let loading = scope.spawn(|| bench.load_cell::<Total>(serving, cell, LOAD));
        sleep(LOAD_BEFORE);
        let recorded = Command::new("perf")
            .args(["record", "-q", "-e", "cpu-clock", "-F", "4000", "-p", &process, "-o"])
            .arg(&file)
            .args(["--", "sleep", SECONDS])
            .output();
        loading.join().expect("it does not panic")?;
        recorded.context("cannot start perf")
    })?;
    ensure!(recorded.status.success(), "perf says: {}", String::from_utf8_lossy(&recorded.stderr).trim());
    let report = Command::new("perf")
        .args(["report", "--no-children", "--stdio", "--sort", "dso,sym", "-i"])
        .arg(&file)
        .stdin(Stdio::null())
        .output()?;
    Ok(shares_of(&String::from_utf8_lossy(&report.stdout)))
}

/// Adds up the lines of a report: `12.34%  OBJECT  [k] SYMBOL`.
fn shares_of(report: &str) -> [f64; 7] {
    let mut shares = [0.0; 7];
    for line in report.lines() {
        let mut words = line.split_whitespace();
        let percent = words.next().and_then(|word| word.strip_suffix('%')?.parse::<f64>().ok());
        let (Some(percent), Some(object), Some(kind)) = (percent, words.next(), words.next()) else {
            continue;
        };
        let group = Group::of(object, kind == "[k]", &words.collect::<Vec<_>>().join(" "));
        shares[Group::ALL.iter().position(|other| *other == group).unwrap_or_default()] += percent;
    }
    shares
}

fn calls(bench: &Bench<'_>, serving: &Serving, cell: &Cell) -> Result<[Option<f64>; 3]> {
    let file = bench.kits.cache().join("echo.calls");
    let known = |name: &&str| {
        let places = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
        places.iter().any(|place| Path::new(place).join(format!("events/syscalls/sys_enter_{name}")).exists())
    };
    let names = CALLS.iter().flat_map(|(_, names)| *names).copied().filter(known);
    let events: Vec<String> = names.map(|name| format!("syscalls:sys_enter_{name}")).collect();
    if events.is_empty() {
        return Ok([None; 3]);
    }
    let mut counting = Command::new("perf")
        .args(["stat", "-x", ",", "-e", &events.join(","), "-p", &serving.process.id().to_string(), "-o"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    sleep(Duration::from_millis(200));
    let loaded = bench.load_cell::<Total>(serving, cell, COUNTED);
    // perf writes what it counted when it is interrupted; that fails only if it has ended by itself.
    let _ = Command::new("kill").args(["-s", "INT", &counting.id().to_string()]).status();
    counting.wait()?;
    let total = loaded?.total;
    Ok(calls_of(&std::fs::read_to_string(&file).unwrap_or_default(), total))
}

/// Adds up the lines of `perf stat`: `COUNT,,syscalls:sys_enter_NAME,...`.
fn calls_of(text: &str, messages: u64) -> [Option<f64>; 3] {
    let counted = text.lines().filter_map(|line| {
        let mut fields = line.split(',');
        let count: u64 = fields.next()?.parse().ok()?;
        let name = fields.find_map(|field| field.strip_prefix("syscalls:sys_enter_"))?;
        Some((name, count))
    });
    let counted: Vec<(&str, u64)> = counted.collect();
    CALLS.map(|(_, names)| {
        let counts = counted.iter().filter(|(name, _)| names.contains(name)).map(|(_, count)| *count);
        let sum = counts.reduce(|sum, count| sum + count)?;
        Some(sum as f64 / messages.max(1) as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_report_are_added_up_by_group() {
        let report = "# Overhead  Shared Object  Symbol\n\
             \n    40.50%  [kernel.kallsyms]  [k] tcp_ack\n     9.50%  [kernel.kallsyms]  [k] _copy_to_iter\n\
             \n     8.00%  [kernel.kallsyms]  [k] ep_poll_callback\n     7.00%  [vdso]  [.] __vdso_clock_gettime\n\
             \n     5.00%  wsspec  [.] zlib_rs::inflate::State<'_>::len\n     3.00%  libc.so.6  [.] _int_malloc\n\
             \n     2.00%  wsspec  [.] wsspec_endpoint::session::Session::turn\n";
        assert_eq!(shares_of(report), [40.5, 9.5, 0.0, 15.0, 5.0, 3.0, 2.0]);
    }

    #[test]
    fn calls_that_do_the_same_are_added_up() {
        let text = "# started\n10,,syscalls:sys_enter_sendto,1,100.00,,\n5,,syscalls:sys_enter_writev,1,100.00,,\n\
             20,,syscalls:sys_enter_epoll_wait,1,100.00,,\n<not counted>,,syscalls:sys_enter_read,0,0.0,,\n";
        assert_eq!(calls_of(text, 10), [Some(2.0), Some(1.5), None]);
    }
}
