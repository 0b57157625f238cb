//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::errors::Problem;
use crate::run::folder::unwritable;

/// Writes a file through a temporary one, and makes its folder.
///
/// # Errors
/// E21.
pub fn write(path: &Path, octets: &[u8]) -> Result<(), Problem> {
    let write = || {
        let temporary = prepare(path)?;
        let mut file = File::create(&temporary)?;
        file.write_all(octets)?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| unwritable(path, &error))
}

/// Finds out whether [`write`] is going to work.
///
/// # Errors
/// E21.
pub fn probe(path: &Path) -> Result<(), Problem> {
    let attempt = || {
        let temporary = prepare(path)?;
        File::create(&temporary)?;
        fs::remove_file(&temporary)
    };
    attempt().map_err(|error| unwritable(path, &error))
}

/// The folder of a file.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn prepare(path: &Path) -> io::Result<PathBuf> {
    if path.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    fs::create_dir_all(parent(path))?;
    temporary(path)
}

/// Where a file is while it is being written.
pub(super) fn temporary(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no file name"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(".part");
    Ok(path.with_file_name(temporary))
}

/// Writes a document to stdout.
///
/// # Errors
/// E21; a reader that has gone away is none.
pub fn print(text: &str) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(unwritable(Path::new("stdout"), &error))
        }
        _ => Ok(()),
    }
}
