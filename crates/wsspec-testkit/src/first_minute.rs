//! What a newcomer types in the first minute: a test takes the steps, `cargo xtask first-minute` times them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command of wsspec, how it has to end, and what it has to print.
struct Step {
    words: &'static [&'static str],
    exit: i32,
    shows: &'static str,
}

const STEPS: [Step; 6] = [
    Step { words: &[], exit: 0, shows: "wsspec demo" },
    // The demo finds its bugs.
    Step { words: &["demo"], exit: 1, shows: "3 causes" },
    Step { words: &["show"], exit: 0, shows: "observed" },
    Step { words: &["explain", "5.9"], exit: 0, shows: "RFC 6455" },
    Step { words: &["report"], exit: 0, shows: "report.html" },
    // A slip: the reference suite hangs here.
    Step { words: &["run", "99.*"], exit: 2, shows: "error[E17]" },
];

/// Takes all steps in an empty folder; how long each took, in words and time.
///
/// # Errors
/// The first step that does not end or print as it should.
pub fn walk(program: &Path, folder: &Path) -> Result<Vec<(String, Duration)>, String> {
    STEPS.iter().map(|step| take(step, program, folder)).collect()
}

fn take(step: &Step, program: &Path, folder: &Path) -> Result<(String, Duration), String> {
    let typed = format!("wsspec {}", step.words.join(" "));
    let started = Instant::now();
    let output = Command::new(program).args(step.words).current_dir(folder).stdin(Stdio::null()).output();
    let took = started.elapsed();
    let output = output.map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    let printed = [&output.stdout[..], &output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    if output.status.code() != Some(step.exit) {
        return Err(format!("{typed}: {}, not {}:\n{printed}", output.status, step.exit));
    }
    if !printed.contains(step.shows) {
        return Err(format!("{typed} does not print {:?}:\n{printed}", step.shows));
    }
    Ok((typed, took))
}
