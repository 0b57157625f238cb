//! The record while a run goes on: every line is handed to the system at once, and a folder that cannot be
//! written to any more, or that was taken away, costs no result.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::folder::RESULTS;
use crate::outputs::file::parent;

/// An open record.
#[derive(Debug)]
pub struct RecordFile {
    file: File,
    path: PathBuf,
    /// Why it is not where it should be, or is not whole.
    trouble: Option<io::Error>,
}

impl RecordFile {
    /// The file of this name, open for reading and writing.
    pub fn new(file: File, path: PathBuf) -> Self {
        Self { file, path, trouble: None }
    }

    /// A record in the folder for temporary files, as its own place cannot be written to.
    ///
    /// # Errors
    /// Nor can that.
    pub fn elsewhere(trouble: io::Error) -> io::Result<Self> {
        let (file, path) = rescue(&[], "")?;
        Ok(Self { file, path, trouble: Some(trouble) })
    }

    /// Where the record is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line. If that fails, the record goes on in the folder for temporary files.
    pub fn append(&mut self, line: &str) {
        let Err(error) = self.file.write_all(line.as_bytes()) else { return };
        if self.trouble.is_some() {
            return;
        }
        if let Ok((file, path)) = fs::read(&self.path).and_then(|octets| rescue(&octets, line)) {
            (self.file, self.path) = (file, path);
        }
        self.trouble = Some(error);
    }

    /// Writes the record anew where somebody has taken it away: in its place, or else in the folder for temporary files.
    pub fn restore(&mut self) {
        if self.trouble.is_some() || is_at(&self.file, &self.path) {
            return;
        }
        let Ok(octets) = contents(&mut self.file) else { return };
        match write_new(&self.path, &octets) {
            Ok(file) => self.file = file,
            Err(error) => {
                if let Ok((file, path)) = rescue(&octets, "") {
                    (self.file, self.path) = (file, path);
                }
                self.trouble = Some(error);
            }
        }
    }

    /// What went wrong, once.
    pub fn take_trouble(&mut self) -> Option<io::Error> {
        self.trouble.take()
    }
}

/// Whether the open file is the one of this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same =
        |(open, named): (fs::Metadata, fs::Metadata)| (open.dev(), open.ino()) == (named.dev(), named.ino());
    file.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(same)
}

/// An open file cannot be taken away.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut octets)?;
    Ok(octets)
}

/// A file where there is none: another run may have put its own there.
fn write_new(path: &Path, octets: &[u8]) -> io::Result<File> {
    fs::create_dir_all(parent(path))?;
    let mut file = File::options().read(true).write(true).create_new(true).open(path)?;
    file.write_all(octets)?;
    Ok(file)
}

/// A copy of the whole lines of the record with this line behind them.
fn rescue(octets: &[u8], line: &str) -> io::Result<(File, PathBuf)> {
    let folder = std::env::temp_dir().join(format!("wsspec-{:08x}", rand::random::<u32>()));
    fs::create_dir(&folder)?;
    let path = folder.join(RESULTS);
    let whole = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
    let file = write_new(&path, &[&octets[..whole], line.as_bytes()].concat())?;
    Ok((file, path))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_costs_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(RESULTS);
        fs::write(&path, "{\"one\": 1}\n{\"two\": 2}\n{\"thr").unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut record = RecordFile::new(full, path.clone());
        record.append("{\"three\": 3}\n");
        record.append("{\"four\": 4}\n");
        record.restore();
        assert_ne!(record.path(), path);
        let kept = fs::read_to_string(record.path()).unwrap();
        assert_eq!(kept, "{\"one\": 1}\n{\"two\": 2}\n{\"three\": 3}\n{\"four\": 4}\n");
        assert_eq!(record.take_trouble().unwrap().kind(), io::ErrorKind::StorageFull);
        fs::remove_dir_all(record.path().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_folder_that_was_taken_away_took_the_record_with_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("out");
        let mut record =
            RecordFile::new(write_new(&folder.join(RESULTS), b"").unwrap(), folder.join(RESULTS));
        record.append("{\"one\": 1}\n");
        fs::remove_dir_all(&folder).unwrap();
        record.append("{\"two\": 2}\n");
        record.restore();
        record.append("{\"three\": 3}\n");
        let kept = fs::read_to_string(folder.join(RESULTS)).unwrap();
        assert_eq!(kept, "{\"one\": 1}\n{\"two\": 2}\n{\"three\": 3}\n");
        assert!(record.take_trouble().is_none());
        // The record of another run stands there by now.
        fs::remove_dir_all(&folder).unwrap();
        drop(write_new(&folder.join(RESULTS), b"{\"other\": 1}\n").unwrap());
        record.restore();
        assert_eq!(fs::read_to_string(folder.join(RESULTS)).unwrap(), "{\"other\": 1}\n");
        assert_eq!(fs::read_to_string(record.path()).unwrap(), kept);
        assert_eq!(record.take_trouble().unwrap().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir_all(record.path().parent().unwrap()).unwrap();
    }
}
