//! What a measurement was made on and with. The name of the machine stays out.

use std::fs;
use std::process::Command;

use crate::repository;

/// Processor, cores, memory and system in one line.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|value| value.split_whitespace().next()?.parse::<f64>().ok())
        .map_or("unknown memory".to_owned(), |kib| format!("{:.0} GiB of memory", kib / 1_048_576.0));
    let kernel = first_line("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.to_owned());
    format!("{processor}, {cores} cores, {memory}, {kernel}, {}", std::env::consts::ARCH)
}

/// The revision of the repository, with a sign if files were changed. The benchmarks themselves write to docs.
pub(crate) fn revision() -> String {
    let commit = first_line("git", &["rev-parse", "--short=10", "HEAD"]);
    let changed = first_line("git", &["status", "--porcelain", "--untracked-files=no", ":!docs"]).is_some();
    let commit = commit.unwrap_or_else(|| "unknown".to_owned());
    format!("{commit}{}", if changed { " with changes" } else { "" })
}

/// The compiler's version.
pub(crate) fn compiler() -> String {
    first_line("rustc", &["--version"]).unwrap_or_else(|| "unknown rustc".to_owned())
}

/// The date in the form 2026-11-26.
pub(crate) fn today() -> String {
    first_line("date", &["-u", "+%Y-%m-%d"]).unwrap_or_else(|| "unknown date".to_owned())
}

/// The version of a package in a lock file of the repository.
pub(crate) fn locked(lock: &str, package: &str) -> Option<String> {
    let text = fs::read_to_string(repository().join(lock)).ok()?;
    let (_, rest) = text.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The first line that a command prints, if it ends well and prints one.
pub(crate) fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let out = Command::new(program).args(arguments).current_dir(repository()).output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let line = text.lines().next().map(str::trim).filter(|line| !line.is_empty())?;
    out.status.success().then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_and_wsspec_have_the_same_deflate() {
        let versions = ["Cargo.lock", "peers/bench/Cargo.lock"].map(|lock| locked(lock, "zlib-rs"));
        assert!(versions[0].is_some());
        assert_eq!(versions[0], versions[1]);
    }
}
