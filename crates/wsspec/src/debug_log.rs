//! `--log FILE`: what wsspec does and when, for those who look for the reason why something is slow or goes wrong.
//!
//! The lines come through the crate `log`, which the TLS library uses as well. Only their owner can read them.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use jiff::Timestamp;
use log::{LevelFilter, Log, Metadata, Record};
use wsspec_report::Untrusted;
use wsspec_report::record::Redaction;

use crate::errors::Problem;
use crate::net::capture::private;
use crate::run::folder::unwritable;

/// Characters of a line.
const WIDTH: usize = 4000;

/// What is kept out of all lines, whoever writes them.
static REDACTION: LazyLock<Mutex<Redaction>> = LazyLock::new(Mutex::default);

struct DebugLog(Mutex<File>);

/// Writes down from here on what this process does.
///
/// # Errors
/// E21.
pub(crate) fn start(path: &Path) -> Result<(), Problem> {
    let file = private(path).map_err(|error| unwritable(path, &error))?;
    // A process has one log: in a test there may be one already.
    let _ = log::set_boxed_logger(Box::new(DebugLog(Mutex::new(file))));
    log::set_max_level(LevelFilter::Debug);
    let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    log::info!("wsspec {version}, {os} on {arch}, process {}", std::process::id());
    Ok(())
}

/// Keeps these secrets out of it; without it, those that everybody has.
pub(crate) fn redact(redaction: &Redaction) {
    *REDACTION.lock().unwrap_or_else(PoisonError::into_inner) = redaction.clone();
}

/// What is printed for people.
pub(crate) fn printed(text: &str) {
    if log::log_enabled!(log::Level::Info) {
        let text = anstream::adapter::strip_str(text).to_string();
        text.lines()
            .filter(|line| !line.is_empty())
            .for_each(|line| log::info!(target: "terminal", "{line}"));
    }
}

impl Log for DebugLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Debug
    }

    fn log(&self, record: &Record<'_>) {
        // Names and errors may hold text of the peer.
        let redaction = REDACTION.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = Untrusted::from(redaction.text(&record.args().to_string())).for_terminal(WIDTH);
        let (now, level, target) = (Timestamp::now(), record.level(), record.target());
        let line = format!("{now:.6} {level:<5} {target:<24} {text}\n");
        // A disk that is full must not end what is being done.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }

    fn flush(&self) {}
}
