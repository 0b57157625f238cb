//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use crate::errors::Problem;
use crate::run::folder::unwritable;
use crate::terminal::Console;

/// Writes a file through a temporary one, and makes its folder.
///
/// # Errors
/// E21.
pub fn write(path: &Path, octets: &[u8]) -> Result<(), Problem> {
    put(path, |out| out.write_all(octets))
}

/// The same piece by piece.
///
/// # Errors
/// E21.
pub fn put(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Problem> {
    prepare(path).and_then(|()| stream(path, write)).map_err(|error| unwritable(path, &error))
}

/// The same in a folder that is there.
///
/// # Errors
/// It cannot be written.
pub fn stream(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    replace(path, |temporary| fill(File::create(temporary)?, write))
}

/// Puts a file in its place when it is whole. `write` makes it where it is told to: a device or a pipe is written to, and
/// what a link leads to is replaced.
///
/// # Errors
/// Those of `write`; or the file cannot be put there.
pub fn replace<E: From<io::Error>>(path: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let path = &behind_links(path);
    if is_special(path) {
        return write(path);
    }
    let temporary = temporary(path)?;
    let written = write(&temporary).and_then(|()| Ok(fs::rename(&temporary, path)?));
    written.inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// What a path leads to in the end, be it there or not.
pub fn behind_links(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path);
    whole
        .or_else(|_| Ok::<_, io::Error>(parent(path).join(fs::read_link(path)?)))
        .unwrap_or_else(|_| path.to_owned())
}

/// Whether something is there that is no file: it cannot be replaced by one.
pub fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Writes all of a file.
///
/// # Errors
/// It cannot be written.
pub fn fill(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

/// Finds out whether [`write`] is going to work.
///
/// # Errors
/// E21.
pub fn probe(path: &Path) -> Result<(), Problem> {
    let attempt = || {
        prepare(path)?;
        let path = behind_links(path);
        if is_special(&path) {
            return Ok(());
        }
        let temporary = temporary(&path)?;
        File::create(&temporary)?;
        fs::remove_file(&temporary)
    };
    attempt().map_err(|error| unwritable(path, &error))
}

/// Makes the folder of a file that was asked for by name, and says so: it may be a mistake in the path. `out` is
/// going to be made anyway.
///
/// # Errors
/// E21.
pub fn make_folder(path: &Path, out: Option<&Path>, console: &Console) -> Result<(), Problem> {
    let folder = parent(path);
    if !folder.exists() {
        fs::create_dir_all(folder).map_err(|error| unwritable(path, &error))?;
        if !out.is_some_and(|out| whole(folder).starts_with(whole(out))) {
            console.note(format!("note: there was no folder {}: made it", folder.display()));
        }
    }
    Ok(())
}

/// A path from the root on, without `.` and `..`.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.components().fold(PathBuf::new(), |mut whole, part| {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
        whole
    })
}

/// The folder of a file.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the folder of a file.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    fs::create_dir_all(parent(path))
}

/// Where a file is while it is being written.
fn temporary(path: &Path) -> io::Result<PathBuf> {
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
    print_with(|out| out.write_all(text.as_bytes()))
}

/// The same piece by piece.
///
/// # Errors
/// As [`print`].
pub fn print_with(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Problem> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(unwritable(Path::new("stdout"), &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_device_and_a_link_were_replaced_by_files() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let (file, link, device) = ["file", "link", "device"].map(|name| folder.path().join(name)).into();
        symlink(&file, &link).unwrap();
        symlink("/dev/null", &device).unwrap();
        for octets in [b"one", b"two"] {
            write(&link, octets).unwrap();
            write(&device, octets).unwrap();
            assert_eq!(fs::read(&file).unwrap(), octets);
        }
        assert_eq!(fs::read_link(&link).unwrap(), file);
        assert_eq!(fs::read_link(&device).unwrap(), Path::new("/dev/null"));
        assert!(
            probe(&device).is_ok()
                && is_special(&device)
                && fs::read_dir(folder.path()).unwrap().count() == 3
        );
    }

    #[test]
    fn one_folder_has_one_whole_path() {
        let here = std::env::current_dir().unwrap();
        for path in ["out", "./out", "out/", "a/../out", "./b/./../out/."] {
            assert_eq!(whole(Path::new(path)), here.join("out"), "{path}");
        }
        assert_eq!(whole(&here.join("x/../out")), here.join("out"));
    }
}
