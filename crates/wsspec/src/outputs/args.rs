//! What was typed about outputs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::target::Target;

/// Files and forms that a command writes beyond its record.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write the HTML report, one file that holds everything, to FILE too
    #[arg(long, value_name = "FILE", num_args = 0..=1, value_parser = parse_file)]
    pub html: Option<Option<PathBuf>>,
    /// Write the HTML report as a folder of pages that need no JavaScript
    #[arg(long, value_name = "DIR")]
    pub html_dir: Option<PathBuf>,
    /// Write JUnit XML to FILE too; as with all these files, - is stdout
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the summary as Markdown to FILE too
    #[arg(long, value_name = "FILE")]
    pub md: Option<PathBuf>,
    /// Write the badge (SVG) to FILE too, and beside it, as .json, what shields.io reads
    #[arg(long, value_name = "FILE")]
    pub badge: Option<PathBuf>,
    /// Let the badge say how many cases are in order
    #[arg(long)]
    pub badge_detail: bool,
    /// What stdout holds: text for people, or data; then the text goes to stderr
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub format: Format,
    /// Annotate for this CI service [default: the one that is running, with `report` none]
    #[arg(long, value_name = "SERVICE")]
    pub ci: Option<Ci>,
}

impl OutputArgs {
    /// What stdout holds: a document that is written to `-` makes way for itself.
    pub fn stdout(&self) -> Format {
        let html = self.html.clone().flatten();
        let files = [&self.junit, &self.md, &self.badge, &html];
        let taken = files.into_iter().flatten().any(|path| is_stdout(path));
        if taken && self.format == Format::Human { Format::None } else { self.format }
    }

    /// Two documents on one stdout are none.
    ///
    /// # Errors
    /// E21.
    pub fn check_stdout(&self) -> Result<(), Problem> {
        let html = self.html.clone().flatten();
        let files =
            [("--junit", &self.junit), ("--md", &self.md), ("--badge", &self.badge), ("--html", &html)];
        let dash = files.into_iter().filter(|(_, path)| path.as_deref().is_some_and(is_stdout));
        let mut there: Vec<String> = dash.map(|(name, _)| format!("{name} -")).collect();
        if !matches!(self.format, Format::Human | Format::None) {
            let form = self.format.to_possible_value();
            there.push(format!(
                "--format {}",
                form.map_or_else(String::new, |form| form.get_name().to_owned())
            ));
        }
        if there.len() < 2 {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::E21, "stdout can hold one document, and more were asked for")
            .fact("asked", there.join("   "))
            .advise("a file for all but one of them, as in --junit junit.xml")
            .exit_with(ExitCode::Usage))
    }

    /// Whether a file was asked for.
    pub fn names_files(&self) -> bool {
        let files = [&self.html_dir, &self.junit, &self.md, &self.badge];
        self.html.is_some() || files.iter().any(|file| file.is_some())
    }
}

/// What is recorded of a case.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct RecordArgs {
    /// Record the frames and octets of these cases
    #[arg(long, value_name = "CASES", default_value = "all")]
    pub trace: Trace,
    /// Keep a secret out of all files: header:NAME, or the text itself; `none` keeps nothing out
    #[arg(long, value_name = "RULE")]
    pub redact: Vec<String>,
}

/// What stdout holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    #[default]
    Human,
    /// A line per case: verdict, id, name, milliseconds, implementation, with tabs between
    Lines,
    /// A sign per case
    Dots,
    /// The lines of results.jsonl
    Json,
    /// TAP 14
    Tap,
    /// Nothing
    None,
}

/// Whose log this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// The service that is running, told by its environment
    #[default]
    Auto,
    /// Annotations, and a summary on the page of the job
    Github,
    /// Names the files that .gitlab-ci.yml hands over
    Gitlab,
    /// No service
    None,
}

/// Of which cases frames and octets are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Trace {
    /// None
    Off,
    /// Those that did not pass
    Failures,
    /// All
    #[default]
    All,
}

/// Whether a file is stdout.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// An address behind `--html` is meant as an address.
fn parse_file(text: &str) -> Result<PathBuf, String> {
    if Target::looks_like(text) && text.contains("://") {
        return Err(format!("that is an address: --html=FILE {text}, or --html behind it"));
    }
    Ok(text.into())
}
