//! What CI services read: commands in the log, the summary on the page of the job.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use wsspec_report::github::{self, StaleEntry};
use wsspec_report::markdown;
use wsspec_report::record::Report;
use wsspec_report::strictness::Strictness;

use super::args::Ci;
use crate::terminal::Console;
use crate::text;

/// The variable that names the file whose content GitHub shows on the page of the job.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// The service: the one that was named, or the one whose environment this is.
pub fn service(asked: Ci) -> Ci {
    let is_true = |name| env::var_os(name).is_some_and(|value| value == "true");
    match asked {
        Ci::Auto if is_true("GITHUB_ACTIONS") => Ci::Github,
        Ci::Auto if is_true("GITLAB_CI") => Ci::Gitlab,
        Ci::Auto => Ci::None,
        named => named,
    }
}

/// Tells a service of the run. `stale` are the entries of the baseline that expect less than what came.
pub fn publish(
    service: Ci,
    report: &Report,
    strictness: Strictness,
    stale: &[StaleEntry],
    before: Option<(&str, &Report)>,
    folder: &Path,
    console: &Console,
) {
    match service {
        Ci::Github => {
            let commands = github::annotations(report, strictness, stale);
            if !commands.is_empty() {
                console.command(&commands);
            }
            let summarised = append_to_page(&markdown::summary(report, strictness, before), console);
            console.say(0, files(folder, if summarised { "   summary  on the page of the job" } else { "" }));
        }
        Ci::Gitlab => console.say(0, files(folder, "")),
        Ci::Auto | Ci::None => {}
    }
}

/// Tells a service of an error because of which nothing was tested: an empty page of the job would explain nothing.
pub fn publish_problem(service: Ci, problem: &str, console: &Console) {
    if service == Ci::Github {
        let problem = console.redacted(problem);
        console.command(&github::problem(&problem));
        append_to_page(&markdown::problem(&problem), console);
    }
}

fn files(folder: &Path, more: &str) -> String {
    let path = |name| folder.join(name).display().to_string();
    format!("   junit    {}{more}", path("junit.xml"))
}

/// Returns whether there is a page.
fn append_to_page(text: &str, console: &Console) -> bool {
    let Some(path) = env::var_os(JOB_SUMMARY).filter(|path| !path.is_empty()) else { return false };
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = &written {
        let path = Path::new(&path).display();
        console
            .note(format!("warning[W04]: cannot add to the job summary {path}: {}", text::io_error(error)));
    }
    written.is_ok()
}
