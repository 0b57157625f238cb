//! What a command writes and prints beyond its record: files, data on stdout, what CI services read.

pub mod args;
pub mod ci;
pub mod feed;
pub mod file;
pub mod wire;

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use wsspec_engine::Verdict;
use wsspec_report::badge::Badge;
use wsspec_report::junit;
use wsspec_report::record::{CaseRecord, Redaction, Report};
use wsspec_report::strictness::Strictness;
use wsspec_report::{html, markdown};

use self::args::{OutputArgs, Trace, is_stdout};
use crate::errors::{ErrorCode, Problem};
use crate::run::folder::{Folder, unwritable};
use crate::run::plan::Rating;
use crate::run::write_reports::{failed, id_lines};
use crate::terminal::Console;

/// The files that were asked for by name, and the rules that decide about failures in them.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// What was typed.
    pub args: OutputArgs,
    /// What makes the run fail.
    pub strictness: Strictness,
    /// Earlier results to compare with, and their name.
    pub against: Option<(String, Report)>,
}

impl Outputs {
    /// The outputs of a run that is rated so.
    pub fn new(args: OutputArgs, rating: Rating) -> Self {
        Self { args, strictness: rating.strictness(), against: None }
    }

    /// Tries all files, so that a run is not lost at its end. `out` is going to be made.
    ///
    /// # Errors
    /// E21: one cannot be written, or stdout would hold two documents.
    pub fn probe(&self, out: &Path, console: &Console) -> Result<(), Problem> {
        self.args.check_stdout()?;
        self.make_folders(out, console)?;
        self.files().try_for_each(|path| file::probe(path))?;
        self.args.html_dir.iter().try_for_each(|dir| Folder::open(dir).map(drop))
    }

    /// Makes the folders of the files, and says so, but for those in `out`.
    ///
    /// # Errors
    /// E21.
    pub fn make_folders(&self, out: &Path, console: &Console) -> Result<(), Problem> {
        self.files().try_for_each(|path| file::make_folder(path, Some(out), console))
    }

    /// The files that were asked for by name.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let files = [&self.args.junit, &self.args.md, &self.args.badge];
        files.into_iter().flatten().chain(self.html()).filter(|path| !is_stdout(path))
    }

    /// Writes the files, `folder` being the one that all runs write. Returns what was written by name.
    ///
    /// # Errors
    /// E21.
    pub fn write(&self, report: &Report, folder: Option<&Path>) -> Result<Vec<PathBuf>, Problem> {
        let mut written = Vec::new();
        if let Some(folder) = folder.filter(|_| self.strictness != Strictness::of(&report.run)) {
            self.write_again(report, folder)?;
        }
        if let Some(path) = &self.args.junit {
            put(path, &mut written, |out| self.junit(report, folder, out))?;
        }
        if let Some(path) = &self.args.md {
            put(path, &mut written, |out| out.write_all(self.summary(report).as_bytes()))?;
        }
        if let Some(path) = &self.args.badge {
            let badge = Badge::of(report, self.strictness, self.args.badge_detail);
            put(path, &mut written, |out| out.write_all(badge.svg().as_bytes()))?;
            if !is_stdout(path) {
                let path = path.with_extension("json");
                put(&path, &mut written, |out| out.write_all(badge.json().as_bytes()))?;
            }
        }
        if let Some(path) = self.html() {
            put_page(report, self.against(), path)?;
            written.extend((!is_stdout(path)).then(|| path.clone()));
        }
        if let Some(dir) = &self.args.html_dir {
            write_pages(report, self.against(), dir)?;
            written.push(dir.join("index.html"));
        }
        Ok(written)
    }

    /// Writes those files of the folder again that say what failed: those that are there do not know these rules.
    fn write_again(&self, report: &Report, folder: &Path) -> Result<(), Problem> {
        let put =
            |name: &str, text: &str| file::put(&folder.join(name), |out| out.write_all(text.as_bytes()));
        let badge = Badge::of(report, self.strictness, false);
        file::put(&folder.join("junit.xml"), |out| self.junit(report, None, out))?;
        put("summary.md", &self.summary(report))?;
        put("badge.svg", &badge.svg())?;
        put("badge.json", &badge.json())?;
        put("failed.txt", &id_lines(failed(report, self.strictness)))
    }

    /// Earlier results to compare with.
    pub fn against(&self) -> Option<(&str, &Report)> {
        self.against.as_ref().map(|(name, report)| (name.as_str(), report))
    }

    /// The page that was asked for by name.
    pub fn html(&self) -> Option<&PathBuf> {
        self.args.html.as_ref().and_then(Option::as_ref)
    }

    fn summary(&self, report: &Report) -> String {
        markdown::summary(report, self.strictness, self.against())
    }

    /// Writes the document; one that is elsewhere names the page in the folder.
    fn junit(&self, report: &Report, folder: Option<&Path>, out: &mut dyn Write) -> io::Result<()> {
        let page = folder.map_or_else(|| "report.html".into(), |dir| dir.join("report.html"));
        let options =
            junit::Options { strictness: self.strictness, report: Some(page.display().to_string()) };
        junit::write(report, &options, out)
    }
}

/// Writes a file, which is told, or to stdout.
fn put(
    path: &Path,
    written: &mut Vec<PathBuf>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Problem> {
    if is_stdout(path) {
        return file::print_with(write);
    }
    written.push(path.to_owned());
    file::put(path, write)
}

/// Writes the page that holds everything.
///
/// # Errors
/// It is too large, or cannot be written.
pub fn write_page(
    path: &Path,
    report: &Report,
    against: Option<html::Against<'_>>,
) -> Result<(), html::Unwritten> {
    let begin = |temporary: &Path| Ok(BufWriter::new(File::create(temporary)?));
    file::replace(path, |temporary| html::write(report, against, || begin(temporary)))
}

/// The same, or to stdout.
fn put_page(report: &Report, against: Option<html::Against<'_>>, path: &Path) -> Result<(), Problem> {
    let written = if is_stdout(path) {
        print_page(report, against)
    } else {
        file::prepare(path).map_err(html::Unwritten::from).and_then(|()| write_page(path, report, against))
    };
    written.map_err(|unwritten| match unwritten {
        html::Unwritten::Io(error) => unwritable(path, &error),
        too_large @ html::Unwritten::TooLarge { .. } => {
            Problem::new(ErrorCode::E21, format!("cannot write {}", path.display()))
                .fact("why", too_large.to_string())
                .fact("try", "wsspec report --html-dir DIR")
        }
    })
}

/// What is once on stdout cannot be taken back: the page is printed when it is whole.
fn print_page(report: &Report, against: Option<html::Against<'_>>) -> Result<(), html::Unwritten> {
    let mut page = tempfile::tempfile()?;
    html::write(report, against, || {
        page.set_len(0)?;
        (&page).rewind()?;
        Ok(BufWriter::new(&page))
    })?;
    page.rewind()?;
    match io::copy(&mut page, &mut io::stdout().lock()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn write_pages(report: &Report, against: Option<html::Against<'_>>, dir: &Path) -> Result<(), Problem> {
    let folder = Folder::open(dir)?;
    html::folder_against(report, against)
        .try_for_each(|page| folder.write(&page.name, page.content.as_bytes()))
        .map_err(|error| unwritable(dir, &error))
}

/// What is kept out of all files: the usual secrets and those that were named.
pub fn redaction(rules: &[String]) -> Redaction {
    rules.iter().fold(Redaction::default(), |redaction, rule| match rule.strip_prefix("header:") {
        Some(name) => redaction.header(name.trim()),
        None if rule == "none" => redaction.off(),
        None => redaction.value(rule),
    })
}

/// Says it if nothing is kept out.
pub fn warn_of_secrets(redaction: &Redaction, console: &Console) {
    if redaction.is_off() {
        console.note(
            "warning[W05]: secrets are recorded as they are (--redact none); keep the files to yourself",
        );
    }
}

/// Takes frames and octets out of a record if they were not asked for.
pub fn trim(record: &mut CaseRecord, trace: Trace) {
    let keep = match trace {
        Trace::Off => false,
        Trace::Failures => record.verdict != Verdict::Pass,
        Trace::All => true,
    };
    if !keep {
        record.leave_out_frames();
    }
}
