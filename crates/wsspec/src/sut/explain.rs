//! Why there is no server to test, in words.

use std::io;
use std::time::Duration;

use regex::Regex;
use wsspec_report::Untrusted;

use super::last_words;
use super::life::{Death, Life};
use super::plan::ExecPlan;
use super::procfs;
use super::ready::{Ready, Seen};
use crate::errors::{ErrorCode, Problem};
use crate::net::client::ConnectError;
use crate::net::socket::Address;
use crate::target::Target;
use crate::terminal::failure::shell;
use crate::{text, typed};

/// Lines of the log that are printed.
const LINES: usize = 10;
/// Characters of a first line, without its code.
const HEADLINE: usize = 64;
/// Why a server listens elsewhere than at the port that was taken for it.
const NO_PORT: &str = "the command has no {port}: the server has to listen on $WSSPEC_PORT";
/// Characters of a command.
const COMMAND: usize = 69;

/// E16.
pub(super) fn port_taken(target: &Target, addresses: &[Address]) -> Problem {
    if let Some(path) = &target.via.unix {
        return Problem::new(ErrorCode::E16, format!("the socket {} is already in use", path.display()))
            .fact("why", "something answers there before the server was started")
            .advise("another path in --unix and --exec")
            .fact("or", "--reuse if this is the server you want to test");
    }
    let problem = Problem::new(ErrorCode::E16, format!("port {} is already in use", target.port));
    let problem = match addresses.iter().filter_map(Address::tcp).find_map(procfs::listener) {
        Some(who) => problem.fact("by", who),
        None => problem,
    };
    problem
        .fact("why", format!("something answers at {} before the server was started", target.authority()))
        .advise("{port} in place of the number, in the address and in --exec: any free port")
        .fact("or", "--reuse if this is the server you want to test")
}

/// E19: it still runs.
pub(super) fn not_ready(plan: &ExecPlan, life: &Life, seen: &Seen) -> Problem {
    let limit = text::duration(plan.ready_timeout);
    let what = format!("the server started by --exec was not ready after {limit}");
    let problem = Problem::new(ErrorCode::E19, what)
        .fact("command", format!("{}   (still running, pid {})", command(life, COMMAND - 30), life.pid()))
        .fact("waited", format!("ready={} on port {}: {}", plan.ready, life.target.port, seen.in_words()));
    let other = life.lines(usize::MAX).iter().rev().find_map(|line| other_port(line, life.target.port));
    let problem = output(problem, &life.lines(usize::MAX), other.map(|_| life.target.port));
    let fixed =
        |port: &str| format!("use the fixed one: {} as the address", plan.address.replace("{port}", port));
    let in_environment = plan.surroundings.variables.iter().any(|(_, value)| value.contains("{port}"));
    let is_passed = plan.command.mentions("port}") || plan.command.mentions("{url}") || in_environment;
    let is_any = plan.address.contains("{port}");
    let pass = if is_any { "{port}".to_owned() } else { life.target.port.to_string() };
    let passed = with_port(&plan.typed, other, &pass);
    let pass = format!("pass the port on:  --exec {}", shell(&[passed]));
    match other {
        Some(port) if is_any && !is_passed => problem.advise(pass).fact("or", fixed(&port.to_string())),
        Some(port) => problem.advise(fixed(&port.to_string())),
        None if is_any && !is_passed && seen.is_refused() => {
            problem.fact("why", NO_PORT).advise(pass).fact("or", fixed("PORT"))
        }
        None if !is_passed && !plan.command.mentions("WSSPEC_") => {
            problem.advise(pass).fact("or", "--ready-timeout 60s, if it is slow to start")
        }
        None => {
            let other = if matches!(plan.ready, Ready::Ws | Ready::Tcp) { "log:listening" } else { "ws" };
            problem.fact("try", format!("--ready-timeout 60s   or   another sign: --ready {other}"))
        }
    }
}

/// The command with this port in the place of the one that stands in it, or behind it.
fn with_port(typed: &str, other: Option<u16>, port: &str) -> String {
    let fixed = other.and_then(|other| Regex::new(&format!(r"\b{other}\b")).ok());
    match fixed.filter(|fixed| fixed.is_match(typed)) {
        Some(fixed) => fixed.replace(typed, regex::NoExpand(port)).into_owned(),
        None => format!("{typed} {port}"),
    }
}

/// E19: it has ended.
pub(super) fn ended_at_once(plan: &ExecPlan, life: &Life, death: &Death, after: Duration) -> Problem {
    let when = if after < Duration::from_secs(1) { "at once" } else { "before it was ready" };
    ended(plan, life, death, when, format!("{}, {}", death.how, text::duration(after)))
}

/// E19: it was ready, and has ended at the look before the first case.
pub(super) fn ended_when_met(plan: &ExecPlan, life: &Life, death: &Death) -> Problem {
    ended(plan, life, death, "at the first connections", death.how.clone())
}

fn ended(plan: &ExecPlan, life: &Life, death: &Death, when: &str, how: String) -> Problem {
    let what = format!("the server started by --exec ended {when}");
    let problem = match what.chars().count() + how.chars().count() {
        0..=HEADLINE => Problem::new(ErrorCode::E19, format!("{what} ({how})")),
        _ => Problem::new(ErrorCode::E19, what).fact("how", how),
    };
    let problem = problem.fact("command", command(life, COMMAND));
    let problem = misread(output(problem, &death.lines, None), plan);
    let folder = plan.surroundings.folder.as_ref().map(|folder| format!("cd {} && ", folder.display()));
    problem.fact("try", format!("{}{}", folder.unwrap_or_default(), shell(&life.words)))
}

/// What in the command is not read as it seems to be meant.
fn misread(problem: Problem, plan: &ExecPlan) -> Problem {
    const PLACEHOLDERS: [&str; 4] = ["{port}", "{host}", "{url}", "{unix}"];
    let unknown = Regex::new(r"\{[a-z_]+\}").ok().and_then(|braces| {
        let found = braces.find_iter(&plan.typed).map(|found| found.as_str());
        found.filter(|word| !PLACEHOLDERS.contains(word)).map(str::to_owned).next()
    });
    if let Some(word) = unknown {
        return problem.fact("note", format!("{word} is none of {}", PLACEHOLDERS.join(" ")));
    }
    match plan.typed.contains("$WSSPEC_") && !plan.command.runs_a_shell() {
        true => {
            problem.fact("note", "no shell reads the command: $NAME stays as it is; sh -c '...' reads it")
        }
        false => problem,
    }
}

/// The command as it was started, cut.
fn command(life: &Life, width: usize) -> String {
    crate::terminal::lines::cut(&shell(&life.words), width)
}

/// The last lines of the log; those that name another port than they should are marked.
fn output(mut problem: Problem, lines: &[String], expected: Option<u16>) -> Problem {
    let lines = last_words::worth_reading(lines, LINES);
    if lines.is_empty() {
        return problem.fact("output", "nothing");
    }
    for (n, line) in lines.iter().enumerate() {
        let shown = Untrusted::from(*line).for_terminal(90);
        let wrong = expected.filter(|port| other_port(line, *port).is_some());
        let mark = wrong.map(|port| format!("   <- another port than {port}")).unwrap_or_default();
        problem = problem.fact(if n == 0 { "output" } else { "" }, format!("| {shown}{mark}"));
    }
    problem
}

/// The port that a line says it listens at, if it is not the expected one.
fn other_port(line: &str, expected: u16) -> Option<u16> {
    let speaks = ["listen", "running", "serving", "started", "ready", "bound", "http://", "ws://", "wss://"];
    let lower = line.to_lowercase();
    if !speaks.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let ports = Regex::new(r"(?:port[ =:]*|[\]\w.*]:|\b(?:on|at) )(\d{2,5})\b(?:[^:.\d]|$)").ok()?;
    let mut found = ports.captures_iter(&lower).filter_map(|found| found[1].parse::<u16>().ok());
    found.find(|port| *port != expected && *port >= 80)
}

/// E02.
pub(super) fn no_host(target: &Target, error: &ConnectError) -> Problem {
    let near = Target { host: "127.0.0.1".to_owned(), ..target.clone() };
    Problem::new(ErrorCode::E02, format!("cannot resolve the host name \"{}\"", target.host))
        .fact("why", error.to_string())
        .fact("try", typed::at(target, &near.to_string()))
}

/// E31: no port.
pub(super) fn no_free_port(error: &io::Error) -> Problem {
    Problem::new(ErrorCode::E31, "cannot find a free port for the server")
        .fact("why", text::io_error(error))
        .fact("try", "wsspec run ws://127.0.0.1:9001 --exec './my_server 9001'   (a fixed port)")
}

/// E31: no pipe.
pub(super) fn no_pipe(error: &io::Error) -> Problem {
    Problem::new(ErrorCode::E31, "cannot make a pipe for --ready fd")
        .fact("why", text::io_error(error))
        .advise("another sign: --ready ws")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_was_put_behind_the_fixed_one_of_the_command() {
        assert_eq!(with_port("node ws.js 9001", Some(9001), "{port}"), "node ws.js {port}");
        assert_eq!(with_port("node ws.js 90010", Some(9001), "{port}"), "node ws.js 90010 {port}");
        assert_eq!(with_port("node ws.js", None, "{port}"), "node ws.js {port}");
    }

    #[test]
    fn a_line_that_names_another_port_is_found() {
        for (line, port) in [
            ("listening on 0.0.0.0:9001", Some(9001)),
            ("Listening on port 9001", Some(9001)),
            ("listening on 9001", Some(9001)),
            ("started at 12:45:10", None),
            ("running on 10.0.0.7", None),
            ("Server started: ws://[::]:9001/echo", Some(9001)),
            ("listening on 0.0.0.0:41873", None),
            ("12:45:10 connection from 1.2.3.4", None),
            ("at src/main.rs:88", None),
        ] {
            assert_eq!(other_port(line, 41873), port, "{line}");
        }
    }
}
