//! The record while a run goes on: every line is handed to the system at once, and a folder that cannot be
//! written to any more, or that was taken away, costs no result.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::folder::RESULTS;
use crate::outputs::file::parent;

/// So many octets are read at a time where the end of the last whole line is looked for.
const BLOCK: usize = 64 << 10;

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
        let (file, path) = rescue(None, "")?;
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
        let rescued = File::open(&self.path).and_then(|mut record| rescue(Some(&mut record), line));
        if let Ok((file, path)) = rescued {
            (self.file, self.path) = (file, path);
        }
        self.trouble = Some(error);
    }

    /// Writes the record anew where somebody has taken it away: in its place, or else in the folder for temporary files.
    pub fn restore(&mut self) {
        if self.trouble.is_some() || is_at(&self.file, &self.path) {
            return;
        }
        match copy(&mut self.file, &self.path) {
            Ok(file) => self.file = file,
            Err(error) => {
                if let Ok((file, path)) = rescue(Some(&mut self.file), "") {
                    (self.file, self.path) = (file, path);
                }
                // Further lines go there.
                let _ = self.file.seek(SeekFrom::End(0));
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

/// A file where there is none: another run may have put its own there.
fn create(path: &Path) -> io::Result<File> {
    fs::create_dir_all(parent(path))?;
    File::options().read(true).write(true).create_new(true).open(path)
}

/// A copy of the whole lines of the record where there is no file.
fn copy(record: &mut File, path: &Path) -> io::Result<File> {
    let whole = whole_lines(record)?;
    let mut file = create(path)?;
    record.rewind()?;
    io::copy(&mut record.take(whole), &mut file)?;
    Ok(file)
}

/// A copy of the record, if there is one, among the temporary files, with this line behind it.
fn rescue(record: Option<&mut File>, line: &str) -> io::Result<(File, PathBuf)> {
    let folder = std::env::temp_dir().join(format!("wsspec-{:08x}", rand::random::<u32>()));
    fs::create_dir(&folder)?;
    let path = folder.join(RESULTS);
    let mut file = record.map_or_else(|| create(&path), |record| copy(record, &path))?;
    file.write_all(line.as_bytes())?;
    Ok((file, path))
}

/// How many octets the whole lines of the record have: it may be larger than the memory, so it is read from its end.
fn whole_lines(record: &mut File) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut end = record.seek(SeekFrom::End(0))?;
    while end > 0 {
        let from = end.saturating_sub(BLOCK as u64);
        let block = &mut block[..usize::try_from(end - from).unwrap_or(BLOCK)];
        record.seek(SeekFrom::Start(from))?;
        record.read_exact(block)?;
        if let Some(at) = block.iter().rposition(|octet| *octet == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
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

    /// It was read as a whole, however large it was.
    #[test]
    fn the_whole_lines_of_a_record_are_found_from_its_end() {
        let long = "x".repeat(2 * BLOCK);
        for (text, whole) in [
            (String::new(), 0),
            (long.clone(), 0),
            (format!("{long}\n"), 2 * BLOCK + 1),
            (format!("{{}}\n{long}"), 3),
            (format!("{long}\n{{}}\n{{"), 2 * BLOCK + 4),
        ] {
            let mut record = tempfile::tempfile().unwrap();
            record.write_all(text.as_bytes()).unwrap();
            let length = text.len();
            assert_eq!(whole_lines(&mut record).unwrap(), whole as u64, "of {length}");
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(RESULTS);
            copy(&mut record, &path).unwrap().write_all(b"more").unwrap();
            assert_eq!(fs::read_to_string(path).unwrap(), format!("{}more", &text[..whole]), "of {length}");
        }
    }

    #[test]
    fn a_folder_that_was_taken_away_took_the_record_with_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("out");
        let mut record = RecordFile::new(create(&folder.join(RESULTS)).unwrap(), folder.join(RESULTS));
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
        create(&folder.join(RESULTS)).unwrap().write_all(b"{\"other\": 1}\n").unwrap();
        record.restore();
        assert_eq!(fs::read_to_string(folder.join(RESULTS)).unwrap(), "{\"other\": 1}\n");
        assert_eq!(fs::read_to_string(record.path()).unwrap(), kept);
        assert_eq!(record.take_trouble().unwrap().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir_all(record.path().parent().unwrap()).unwrap();
    }
}
