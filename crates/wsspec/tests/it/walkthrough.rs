//! docs/walkthrough.md and the recipe of README.md, run on real releases of a library: one with a bug, and the one
//! that mended it. Skipped with a notice where Node.js or the library cannot be had.
#![cfg(unix)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::{TempDir, tempdir};

use crate::program::{Done, finish};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Its server takes frames that are not masked (RFC 6455 section 5.1).
const WITH_BUG: &str = "7.2.1";
const MENDED: &str = "7.2.2";

/// The library in a folder of its own, installed if need be.
fn library(version: &str) -> Option<PathBuf> {
    let folder = Path::new(REPOSITORY).join("target/walkthrough").join(version);
    let modules = folder.join("node_modules");
    if !modules.join("ws/package.json").exists() {
        let package = format!("ws@{version}");
        let install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
        let done = Command::new("npm").args(install).arg(&folder).arg(package).stdin(Stdio::null()).output();
        if !done.is_ok_and(|output| output.status.success()) {
            let _ = writeln!(std::io::stderr(), "SKIPPED: npm cannot install ws {version}; no walkthrough");
            return None;
        }
    }
    Some(modules)
}

/// A project with the echo server and this release of the library.
fn project(version: &str) -> Option<TempDir> {
    let modules = library(version)?;
    let folder = tempdir().unwrap();
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    let server = Path::new(REPOSITORY).join("docs/walkthrough/server.js");
    std::fs::copy(server, folder.path().join("server.js")).unwrap();
    Some(folder)
}

/// The command of the recipe in README.md.
fn recipe() -> String {
    let readme = std::fs::read_to_string(Path::new(REPOSITORY).join("README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.trim().strip_prefix("- run: wsspec run "));
    format!("wsspec run {}", line.expect("README.md has a recipe"))
}

/// A command line as a shell runs it, with wsspec on the path.
fn shell(folder: &Path, line: &str) -> Done {
    let here = Path::new(env!("CARGO_BIN_EXE_wsspec")).parent().unwrap();
    let path = format!("{}:{}", here.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", path).stdin(Stdio::null());
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "FORCE_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    finish(command)
}

#[test]
fn the_recipe_finds_the_bug_of_an_old_release_and_tells_it() {
    let Some(folder) = project(WITH_BUG) else { return };
    let done = shell(folder.path(), &recipe());
    assert_eq!(done.code, 1, "{done:#?}");
    for part in ["FAIL", "14.1.1", "unmasked-text", "NOT CONFORMANT", "exit 1 (failed)"] {
        assert!(done.out.contains(part), "{part}: {done:#?}");
    }
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("14.1.1 unmasked-text"), "{junit}");
    let block = shell(folder.path(), "wsspec show 14.1.1");
    for part in ["MUST   RFC 6455 section 5.1", "observed   Text \"Hello\"", "again    wsspec run"] {
        assert!(block.out.contains(part), "{part}: {block:#?}");
    }
    // Explained: the rule and what usually is the reason. Reproduced: by the command of the block.
    let explained = shell(folder.path(), "wsspec explain 14.1.1");
    assert!(explained.code == 0 && explained.out.contains("RFC 6455 section 5.1"), "{explained:#?}");
    let (_, again) = block.out.split_once("again    ").unwrap();
    let (again, _) = again.split_once("\n   why").unwrap();
    let repeated = shell(folder.path(), &format!("{again} -o again"));
    assert!(repeated.code == 1 && repeated.out.contains("14.1.1"), "{repeated:#?}");
    let octets = shell(folder.path(), "wsspec show 14.1.1 --hex");
    assert!(octets.out.contains("81 05 48 65 6c 6c 6f"), "the unmasked frame: {octets:#?}");

    // The next release does as the RFC asks.
    let Some(mended) = project(MENDED) else { return };
    let after =
        shell(mended.path(), "wsspec run 'ws://127.0.0.1:{port}' '14.1.*' --exec 'node server.js {port}'");
    assert_eq!(after.code, 0, "{after:#?}");
    let before = folder.path().join("wsspec-out");
    let diff = shell(mended.path(), &format!("wsspec diff {} wsspec-out", before.display()));
    assert!(diff.out.contains("better") && diff.out.contains("14.1.1"), "{diff:#?}");
}
