//! The output folder: tried before the first case, written through temporary files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::errors::{ErrorCode, Problem};

/// The name of the record in the output folder.
pub const RESULTS: &str = "results.jsonl";

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
    pub fn create(path: &Path) -> Result<(Self, File), Problem> {
        let made = fs::create_dir_all(path).and_then(|()| File::create(path.join(RESULTS)));
        let file = made.map_err(|error| unwritable(path, &error))?;
        Ok((Self { path: path.to_owned() }, file))
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
        let temporary = self.path.join(format!(".{name}.part"));
        let mut file = File::create(&temporary)?;
        file.write_all(octets)?;
        fs::rename(&temporary, self.path.join(name))
    }
}

/// E21 for this folder.
pub fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::new(ErrorCode::E21, format!("cannot write to {}", path.display()))
        .fact("why", error.to_string())
        .fact("usually", "an earlier run in a container made it as another user")
        .fact("try", "-o DIR with another folder")
}
