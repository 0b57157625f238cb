//! The record while a run goes on: every line is handed to the system at once, and a folder that cannot be
//! written to any more costs no result.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::folder::RESULTS;

/// An open record.
#[derive(Debug)]
pub struct RecordFile {
    file: File,
    path: PathBuf,
    /// Why it is not where it should be, or is not whole.
    trouble: Option<io::Error>,
}

impl RecordFile {
    /// The file of this name, open for writing.
    pub fn new(file: File, path: PathBuf) -> Self {
        Self { file, path, trouble: None }
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
        if let Ok((file, path)) = rescue(&self.path, line) {
            (self.file, self.path) = (file, path);
        }
        self.trouble = Some(error);
    }

    /// What went wrong, once.
    pub fn take_trouble(&mut self) -> Option<io::Error> {
        self.trouble.take()
    }
}

/// A copy of the whole lines of the record with this line behind them.
fn rescue(record: &Path, line: &str) -> io::Result<(File, PathBuf)> {
    let folder = std::env::temp_dir().join(format!("wsspec-{:08x}", rand::random::<u32>()));
    fs::create_dir(&folder)?;
    let path = folder.join(RESULTS);
    let octets = fs::read(record)?;
    let whole = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
    let mut file = File::create(&path)?;
    file.write_all(&octets[..whole])?;
    file.write_all(line.as_bytes())?;
    Ok((file, path))
}

#[cfg(test)]
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
        assert_ne!(record.path(), path);
        let kept = fs::read_to_string(record.path()).unwrap();
        assert_eq!(kept, "{\"one\": 1}\n{\"two\": 2}\n{\"three\": 3}\n{\"four\": 4}\n");
        assert_eq!(record.take_trouble().unwrap().kind(), io::ErrorKind::StorageFull);
        fs::remove_dir_all(record.path().parent().unwrap()).unwrap();
    }
}
