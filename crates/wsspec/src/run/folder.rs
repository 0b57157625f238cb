//! The output folder: tried before the first case, written through temporary files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wsspec_cases::CaseId;
use wsspec_report::record::Line;

use crate::errors::{ErrorCode, Problem};
use crate::fault;
use crate::outputs::file;

/// The output folder if no other is given.
pub const USUAL: &str = "wsspec-out";

/// The name of the record in the output folder.
pub const RESULTS: &str = "results.jsonl";

/// The reference's index of the cases.
pub const INDEX: &str = "index.json";

/// A folder that can be written to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder and opens the record in it, so that a run is not lost at its end.
    ///
    /// # Errors
    /// E21.
    pub fn create(path: &Path, earlier: Earlier) -> Result<(Self, NewRecord), Problem> {
        refuse_stdout(path)?;
        let temporary = path.join(format!(".{RESULTS}.part"));
        fault::goes_to(path);
        let made = fs::create_dir_all(path).and_then(|()| begin(path, &temporary, earlier));
        let file = made.map_err(|error| unwritable(path, &error))?;
        Ok((Self { path: path.to_owned() }, NewRecord { file, temporary, name: path.join(RESULTS), earlier }))
    }

    /// Makes the folder, if it is not there yet.
    ///
    /// # Errors
    /// E21.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        refuse_stdout(path)?;
        fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where a file of this name is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be written to any more.
    pub fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        self.stream(name, |out| out.write_all(octets))
    }

    /// The same piece by piece.
    ///
    /// # Errors
    /// As [`Folder::write`].
    pub fn stream(&self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        file::stream(&self.file(name), write)
    }

    /// Removes the files of the last run's cases, as its index lists them, with these extensions.
    pub fn remove_pages(&self, extensions: &[&str]) {
        remove_pages(&self.path, extensions);
    }

    /// Writes one of many files that can be made again from the record: where there is none of this name yet it is
    /// written in its place, which takes half as long.
    ///
    /// # Errors
    /// The folder cannot be written to any more.
    pub fn write_page(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        match File::create_new(&path) {
            Ok(mut file) => file.write_all(octets).inspect_err(|_| drop(fs::remove_file(&path))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.write(name, octets),
            Err(error) => Err(error),
        }
    }
}

/// A record that has not taken the place of the last one yet: a run that cannot start leaves that alone.
#[derive(Debug)]
pub struct NewRecord {
    file: File,
    temporary: PathBuf,
    name: PathBuf,
    earlier: Earlier,
}

/// What becomes of the last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// So many of them are kept, under numbers: 1 is the last one.
    Keep(u8),
    /// The new record is added to it.
    Continue,
}

/// The new record, under its temporary name. A copy of the last one stands in it, if that is continued.
fn begin(folder: &Path, temporary: &Path, earlier: Earlier) -> io::Result<File> {
    let last = folder.join(RESULTS);
    if earlier == Earlier::Continue && last.exists() {
        let octets = fs::read(&last)?;
        // A line that was cut off would be damage in the middle of a file.
        let whole = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
        fs::write(temporary, &octets[..whole])?;
        return File::options().read(true).append(true).open(temporary);
    }
    File::options().read(true).write(true).create(true).truncate(true).open(temporary)
}

/// Makes room for a new record: `results.jsonl` becomes `results.1.jsonl`, and so on.
fn keep(name: &Path, most: u8) -> io::Result<()> {
    let numbered = |number: u8| numbered(name, number);
    if most == 0 || !name.exists() {
        return Ok(());
    }
    for number in (1..most).rev().filter(|number| numbered(*number).exists()) {
        fs::rename(numbered(number), numbered(number + 1))?;
    }
    fs::rename(name, numbered(1))
}

/// Where an earlier record is kept.
pub(crate) fn numbered(name: &Path, number: u8) -> PathBuf {
    name.with_file_name(format!("results.{number}.jsonl"))
}

/// Removes the files of the last run's cases: beside the record of another run they would be taken for its.
///
/// What this program has not written stays: where there is neither record nor badge, it has written nothing.
fn remove_pages(folder: &Path, extensions: &[&str]) {
    if !folder.join(RESULTS).exists() && !folder.join("badge.json").exists() {
        return;
    }
    let index = fs::read(folder.join(INDEX)).unwrap_or_default();
    let index: HashMap<String, HashMap<String, Listed>> = serde_json::from_slice(&index).unwrap_or_default();
    let names = index.into_values().flat_map(HashMap::into_values).map(|listed| listed.reportfile);
    for name in names {
        let Some(stem) = name.strip_suffix(".json").filter(|stem| is_of_case(stem)) else { continue };
        for extension in extensions {
            // One that is not there needs no removal.
            let _ = fs::remove_file(folder.join(format!("{stem}.{extension}")));
        }
    }
}

/// What an index says of a case.
#[derive(Deserialize)]
struct Listed {
    reportfile: String,
}

/// `my_agent_case_7_1_2`
fn is_of_case(stem: &str) -> bool {
    let plain =
        stem.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_');
    let id = stem.rsplit_once("_case_").map(|(_, id)| id.replace('_', "."));
    plain && id.is_some_and(|id| id.parse::<CaseId>().is_ok())
}

/// How many results were selected for a record, as its first line says.
fn selected(name: &Path) -> Option<u64> {
    let mut first = Vec::new();
    io::BufReader::new(File::open(name).ok()?).read_until(b'\n', &mut first).ok()?;
    match Line::from_json(&first) {
        Ok(Some(Line::Run(run))) => Some(run.selected.saturating_mul(run.targets.len() as u64)),
        _ => None,
    }
}

impl NewRecord {
    /// Takes the place of the last record. One of more results than are to come, as after `--last-failed`, is kept.
    /// Returns its place and how many results were selected for it.
    ///
    /// # Errors
    /// E21.
    pub fn publish_smaller(mut self, results: u64) -> Result<(File, Option<(PathBuf, u64)>), Problem> {
        let larger = match self.earlier {
            Earlier::Keep(0) => selected(&self.name).filter(|last| *last > results),
            Earlier::Keep(_) | Earlier::Continue => None,
        };
        let place = numbered(&self.name, 1);
        let Some(last) = larger else { return Ok((self.publish()?, None)) };
        match selected(&place).filter(|before| *before > last) {
            Some(before) => Ok((self.publish()?, Some((place, before)))),
            None => {
                self.earlier = Earlier::Keep(1);
                Ok((self.publish()?, Some((place, last))))
            }
        }
    }

    /// Takes the place of the last record.
    ///
    /// # Errors
    /// E21.
    pub fn publish(self) -> Result<File, Problem> {
        let name = self.name.clone();
        self.take_place().map_err(|error| unwritable(&name, &error))
    }

    /// The same.
    ///
    /// # Errors
    /// The folder cannot be written to any more.
    pub fn take_place(self) -> io::Result<File> {
        if let (Earlier::Keep(_), Some(folder)) = (self.earlier, self.name.parent()) {
            remove_pages(folder, &["json", "html"]);
            fault::forget_earlier(folder);
        }
        let kept = match self.earlier {
            Earlier::Keep(most) => keep(&self.name, most),
            Earlier::Continue => Ok(()),
        };
        kept.and_then(|()| fs::rename(&self.temporary, &self.name))?;
        // `self` is dropped at the end, when there is nothing left under the temporary name.
        self.file.try_clone()
    }
}

impl Drop for NewRecord {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

/// E21 for this folder.
pub fn unwritable(path: &Path, error: &io::Error) -> Problem {
    let problem = Problem::new(ErrorCode::E21, format!("cannot write to {}", path.display()))
        .fact("why", crate::text::io_error(error));
    let problem = match rights(path) {
        Some(rights) => problem.fact("there", rights),
        None => problem,
    };
    if error.kind() != io::ErrorKind::PermissionDenied {
        return problem.advise("another path   (-o DIR is that of the folder)");
    }
    problem
        .fact("usually", "an earlier run in a container made it as another user")
        .fact("try", "-o DIR with another folder   or   docker run --user \"$(id -u):$(id -g)\"")
}

/// `-` is stdout, which holds one document and no folder.
fn refuse_stdout(path: &Path) -> Result<(), Problem> {
    if !crate::outputs::args::is_stdout(path) {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::E21, "stdout can hold one document, and this is a folder of many")
        .fact("asked", "a folder named -")
        .fact("try", "wsspec report --html -   or   --junit -   --md -   --badge -   --format json|tap|lines")
        .fact("else", "a folder that is called so is ./-")
        .exit_with(crate::exit_code::ExitCode::Usage))
}

/// What is there already: the path itself or the nearest folder above.
fn nearest(path: &Path) -> Option<(&Path, fs::Metadata)> {
    let whole = path.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    whole.filter_map(|path| Some((path, fs::metadata(path).ok()?))).next()
}

/// Who owns it and who may write to it.
#[cfg(unix)]
fn rights(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let (at, found) = nearest(path)?;
    let kind = if found.is_dir() { "a folder" } else { "no folder" };
    let (owner, mode) = (user(found.uid()), found.mode() & 0o7777);
    Some(format!("{} is {kind}, owned by {owner}, mode {mode:o}", at.display()))
}

#[cfg(not(unix))]
fn rights(path: &Path) -> Option<String> {
    let (at, found) = nearest(path)?;
    let kind = if found.is_dir() { "a folder" } else { "no folder" };
    Some(format!("{} is {kind}", at.display()))
}

/// The name of a user, or the number if the system has no name for it.
#[cfg(unix)]
fn user(id: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let number = id.to_string();
    let found = fields.find(|fields| fields.get(2) == Some(&number.as_str()));
    found.map_or_else(|| format!("user {id}"), |fields| fields[0].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_written_whether_there_is_one_already_or_not_and_nothing_else_is_left() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        for content in ["long enough", "short"] {
            folder.write_page("page.html", content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(folder.file("page.html")).unwrap(), content);
        }
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert!(folder.write_page("missing/page.html", b"").is_err());
    }

    /// Begins a record of so many results; which larger one was kept, and of how many.
    fn run(folder: &Path, results: u64) -> Option<u64> {
        let (_, record) = Folder::create(folder, Earlier::Keep(0)).unwrap();
        let (mut file, kept) = record.publish_smaller(results).unwrap();
        let line = format!(
            "{{\"t\":\"run\",\"selected\":{results},\"targets\":[{{\"agent\":\"a\",\"role\":\"server\"}}]}}\n"
        );
        file.write_all(line.as_bytes()).unwrap();
        kept.map(|(_, results)| results)
    }

    #[test]
    fn a_few_cases_that_were_run_again_replaced_the_record_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let kept = |results| run(folder.path(), results);
        assert_eq!([kept(247), kept(5), kept(2), kept(2)], [None, Some(247), Some(247), None]);
        assert_eq!(selected(&numbered(&folder.path().join(RESULTS), 1)), Some(247));
        assert_eq!([kept(300), kept(1)], [None, Some(300)], "a later one takes its place");
    }
}
