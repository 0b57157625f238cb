//! What tests need of the machine: programs of the system, packages from their registries.
//!
//! A test whose tool is absent is skipped. It says so on stderr, past the harness, and in a list that `cargo xtask test`
//! prints at its end. Where [`NO_SKIPS`] is set, it fails instead.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests look at the machine")]

pub mod first_minute;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

pub use sources::{HARNESSES, checkout, debian_source, java_classes};

/// The variable that names the file to which skipped tests are added: a line of the test, a tab, what it lacks.
pub const SKIPS: &str = "TESTKIT_SKIPS";

/// The variable that makes a skipped test a failure, whatever its value.
pub const NO_SKIPS: &str = "TESTKIT_NO_SKIPS";

/// Where packages are kept: cargo's target folder.
const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/testkit");

/// Says something past the harness, which keeps what tests print.
pub fn notice(text: &str) {
    let _ = writeln!(io::stderr(), "notice: {text}");
}

/// Says that the test that runs, or a part of it, is skipped because this is absent: `tshark`, `npm package ws@7.2.1`.
///
/// # Panics
/// If no test may be skipped.
pub fn skip(absent: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("{test}\t{absent}\n");
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        notice(&format!("SKIPPED: {test} needs {absent}"));
        let added = std::env::var_os(SKIPS).map_or(Ok(()), |list| append(list.as_ref(), &line));
        assert!(added.is_ok(), "the list of skipped tests: {added:?}");
    }
    assert!(std::env::var_os(NO_SKIPS).is_none(), "{absent} is absent, and {NO_SKIPS} is set");
}

/// One write, because several tests add to it at a time.
fn append(list: &Path, line: &str) -> io::Result<()> {
    File::options().append(true).create(true).open(list)?.write_all(line.as_bytes())
}

/// The first of these programs that is on the path; `None`, and the test is skipped, if there is none.
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let place = |name: &&str| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    let found = names.iter().find_map(place);
    if found.is_none() {
        skip(names.first().copied().unwrap_or("a program"));
    }
    found
}

/// A folder with `node_modules`, `package.json` and `package-lock.json`, in which npm has installed this
/// (`ws@7.2.1`); `None`, and the test is skipped, if it cannot.
pub fn npm(package: &str) -> Option<PathBuf> {
    let folder = Path::new(CACHE).join("npm").join(package.replace('/', "-"));
    let install = |folder: &Path| {
        let options = ["install", "--silent", "--no-audit", "--no-fund", "--save-exact", "--prefix"];
        let mut npm = Command::new("npm");
        runs(npm.args(options).arg(folder).arg(package).env("npm_config_cache", npm_cache()))
    };
    installed(&folder, install).or_else(|| {
        skip(&format!("npm package {package}"));
        None
    })
}

/// Where npm keeps what [`npm()`] has fetched, so that it can be installed again without its registry.
pub fn npm_cache() -> PathBuf {
    Path::new(CACHE).join("npm-cache")
}

/// A Python with these packages (`junitparser==4.0.2`) in a folder of its own; `None`, and the test is skipped, if it
/// cannot be had.
pub fn python(packages: &[&str]) -> Option<PathBuf> {
    let all = packages.join(" ");
    let folder = Path::new(CACHE).join("python").join(all.replace(['=', ' '], "-"));
    let install = |folder: &Path| {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        runs(Command::new("python3").args(["-m", "venv"]).arg(folder))
            && runs(Command::new(folder.join("bin/python")).args(pip).args(packages))
    };
    let Some(folder) = installed(&folder, install) else {
        skip(&format!("Python package {all}"));
        return None;
    };
    Some(folder.join("bin/python"))
}

/// The source archive of a Python package (`wsproto==1.2.0`), unpacked, with what its authors run and do not install;
/// `None`, and the test is skipped, if it cannot be had.
pub fn python_source(package: &str) -> Option<PathBuf> {
    let folder = Path::new(CACHE).join("python-source").join(package.replace("==", "-"));
    let unpack = |folder: &Path| {
        let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
        let mut download = Command::new("python3");
        download.args(pip).args(["--no-binary", ":all:", "--dest"]).arg(folder).arg(package);
        let archive = folder.join(package.replace("==", "-") + ".tar.gz");
        let tar = ["--strip-components=1", "-xzf"];
        runs(&mut download) && runs(Command::new("tar").current_dir(folder).args(tar).arg(archive))
    };
    installed(&folder, unpack).or_else(|| {
        skip(&format!("source of the Python package {package}"));
        None
    })
}

/// The variable with which a build for release is quick, and its programs are not.
pub const QUICK_BUILD: (&str, &str) = ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");

/// The folder of a published crate, with these examples of it built for release, but with [`QUICK_BUILD`], as its own lock
/// file says; `None`, and the test is skipped, if that cannot be had.
pub fn rust_examples(name: &str, version: &str, examples: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(CACHE).join("crates").join(format!("{name}-{version}"));
    let build = |folder: &Path| {
        let Some(source) = fetched(name, version) else { return false };
        let copied = runs(Command::new("cp").arg("-r").arg(source.join(".")).arg(folder));
        // The folder lies in that of our workspace.
        let apart = append(&folder.join("Cargo.toml"), "\n[workspace]\n");
        let mut cargo = cargo(folder);
        cargo.args(["build", "--release", "--locked"]).envs([QUICK_BUILD]);
        copied && apart.is_ok() && runs(cargo.args(examples.iter().flat_map(|name| ["--example", name])))
    };
    installed(&folder, build).or_else(|| {
        skip(&format!("crate {name} {version}"));
        None
    })
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    without_our_cargo(cargo.current_dir(folder));
    cargo
}

/// Lets a cargo that this command is or starts take nothing from the one that runs the tests.
pub fn without_our_cargo(command: &mut Command) {
    for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        command.env_remove(name);
    }
}

/// Where cargo keeps the source of this crate.
fn fetched(name: &str, version: &str) -> Option<PathBuf> {
    let folder = Path::new(CACHE).join("crates").join(format!("{name}-{version}.fetched"));
    std::fs::create_dir_all(folder.join("src")).ok()?;
    let manifest = format!(
        "[package]\nname = \"needs-{name}\"\nedition = \"2021\"\n[workspace]\n[dependencies]\n{name} = \"={version}\"\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).ok()?;
    std::fs::write(folder.join("src/lib.rs"), "").ok()?;
    let metadata = cargo(&folder).args(["metadata", "--format-version", "1"]).output().ok()?;
    let end = format!("/{name}-{version}/Cargo.toml");
    let text = String::from_utf8(metadata.stdout).ok()?;
    let manifest = text.split('"').find(|word| word.ends_with(&end))?;
    Path::new(manifest).parent().map(Path::to_owned)
}

/// The folder, filled if that has not been done yet, by one test at a time. What has failed is not tried again.
fn installed(folder: &Path, install: impl FnOnce(&Path) -> bool) -> Option<PathBuf> {
    static TRIED: Mutex<BTreeMap<PathBuf, bool>> = Mutex::new(BTreeMap::new());
    let mut tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
    let there = *tried.entry(folder.to_owned()).or_insert_with(|| fill(folder, install));
    drop(tried);
    if there { folder.canonicalize().ok() } else { None }
}

/// Whether the folder holds all that it should.
fn fill(folder: &Path, install: impl FnOnce(&Path) -> bool) -> bool {
    let done = folder.join(".installed");
    if done.exists() {
        return true;
    }
    // What broke off is in the way.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).is_ok() && install(folder) && File::create(&done).is_ok()
}

fn runs(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs one of the tests below, which are not to be run on their own, with the list and this variable.
    fn skipping(test: &str, no_skips: Option<&str>) -> (bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("skips");
        let mut run = Command::new(std::env::current_exe().unwrap());
        run.args(["--ignored", "--exact", test]).env(SKIPS, &list).env_remove(NO_SKIPS);
        run.envs(no_skips.map(|value| (NO_SKIPS, value)));
        let passed = runs(&mut run);
        (passed, std::fs::read_to_string(list).unwrap_or_default())
    }

    #[test]
    #[ignore = "not a test: needs a program that there is not"]
    fn needs_what_is_absent() {
        assert!(program(&["no-such-program-1", "no-such-program-2"]).is_none());
    }

    #[test]
    #[ignore = "not a test: needs a program that there is"]
    fn needs_what_is_there() {
        assert!(program(&["no-such-program-1", "sh", "cmd.exe"]).is_some());
    }

    #[test]
    fn a_skipped_test_is_listed_and_fails_where_none_may_be_skipped() {
        let absent = "tests::needs_what_is_absent";
        let line = format!("{absent}\tno-such-program-1\n");
        assert_eq!(skipping(absent, None), (true, line.clone()));
        assert_eq!(skipping(absent, Some("1")), (false, line));
        assert_eq!(skipping("tests::needs_what_is_there", Some("1")), (true, String::new()));
    }

    #[test]
    fn an_installation_that_broke_off_is_begun_again_and_one_that_is_done_is_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("package");
        let half = |folder: &Path| std::fs::write(folder.join("half"), "").is_err();
        assert!(!fill(&folder, half));
        assert!(fill(&folder, |folder| !folder.join("half").exists()));
        assert!(fill(&folder, |_| panic!("it is done")));
    }
}
