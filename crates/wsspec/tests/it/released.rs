//! The recipe of README.md as it stands there, on real releases of a library from its registry: one with a bug that is known,
//! and a current one. Skipped where Node.js or the library cannot be had.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::{TempDir, tempdir};

use crate::hostile_peer::record;
use crate::program::{Done, finish_within};
use crate::workflow::{self, add_cargo, github_steps, of_the_readme};

/// Frames without a mask are accepted by a server; the next release mended it.
const BROKEN: &str = "7.2.1";
const CURRENT: &str = "8.23.0";
const FIRST: &str = "14.1.1";

/// The library's name and version in a project: what `npm install` writes.
const LOCKED: [&str; 2] = ["package.json", "package-lock.json"];

pub(crate) const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// This release of the library, installed in a folder that other tests use as well.
pub(crate) fn library(version: &str) -> Option<PathBuf> {
    wsspec_testkit::npm(&format!("ws@{version}"))
}

/// A project with the server of docs/walkthrough.md, and on its path a `cargo` that installs wsspec if it is asked rightly.
pub(crate) fn project() -> TempDir {
    let folder = tempdir().unwrap();
    let server = Path::new(REPOSITORY).join("docs/walkthrough/server.js");
    std::fs::copy(server, folder.path().join("server.js")).unwrap();
    add_cargo(folder.path(), "");
    folder
}

/// Writes into a project that it needs this release.
fn lock(folder: &Path, version: &str) -> Option<()> {
    let library = library(version)?;
    for file in LOCKED {
        std::fs::copy(library.join(file), folder.join(file)).unwrap();
    }
    Some(())
}

/// Commands of a job on GitHub in this project, until one fails.
fn job(folder: &Path, steps: &[String]) -> Vec<Done> {
    let of_others = ["WSSPEC_", "GITHUB_", "CARGO", "PATH"];
    let inherited =
        std::env::vars().filter(|(name, _)| !of_others.iter().any(|prefix| name.starts_with(prefix)));
    let mut variables: Vec<(String, String)> = inherited.collect();
    let summary = folder.join("step-summary.md").display().to_string();
    let packages = wsspec_testkit::npm_cache().display().to_string();
    let own = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", &summary),
        ("npm_config_cache", &packages),
        ("npm_config_prefer_offline", "true"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
    let (here, system) = (folder.display(), std::env::var("PATH").unwrap_or_default());
    workflow::job(folder, steps, &format!("{here}/bin:{here}/installed:{system}"), &variables)
}

/// A command as a user types it, with wsspec on the path.
pub(crate) fn typed(folder: &Path, line: &str) -> Done {
    let here = Path::new(env!("CARGO_BIN_EXE_wsspec")).parent().unwrap();
    let path = format!("{}:{}", here.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env_clear().env("PATH", path).stdin(Stdio::null());
    finish_within(command, workflow::LIMIT)
}

fn codes(done: &[Done]) -> Vec<i32> {
    done.iter().map(|done| done.code).collect()
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The cases that the record says have failed.
fn failed(folder: &Path) -> BTreeSet<String> {
    let last = record(folder).into_iter().filter(|line| line["t"] == "case" && line["verdict"] == "fail");
    last.map(|case| case["id"].as_str().unwrap().to_owned()).collect()
}

/// The command that a block says repeats the case.
fn again(block: &str) -> &str {
    let line = block.lines().find_map(|line| line.trim_start().strip_prefix("again    "));
    line.expect("a command that repeats the case")
}

#[test]
fn the_recipe_of_the_readme_finds_the_bug_of_a_real_library_and_is_green_with_its_current_release() {
    let folder = project();
    let folder = folder.path();
    let steps = github_steps(of_the_readme());
    assert_eq!(steps.len(), 3, "install wsspec, install what the project needs, run: {steps:?}");
    if lock(folder, BROKEN).is_none() || library(CURRENT).is_none() {
        return;
    }
    let done = job(folder, &steps);
    assert_eq!(codes(&done), [0, 0, 1], "the step is red: {done:#?}");
    assert!(read(folder, "node_modules/ws/package.json").contains(&format!("\"version\": \"{BROKEN}\"")));
    the_service_is_told(folder, &done[2]);

    let block = typed(folder, &format!("wsspec show {FIRST}")).out;
    for part in ["MUST   RFC 6455 section 5.1", "(!) not masked", "octets of the marked frame"] {
        assert!(block.contains(part), "{part}: {block}");
    }
    let explained = typed(folder, &format!("wsspec explain {FIRST}"));
    assert_eq!(explained.code, 0, "{explained:#?}");
    assert!(explained.out.contains("RFC 6455 section 5.1 (MUST)"), "{explained:#?}");
    assert!(explained.out.contains("the mask bit is read, but nobody checks"), "{explained:#?}");

    let observed = |block: &str| {
        let line = block.lines().find_map(|line| line.trim_start().strip_prefix("observed   "));
        line.expect("what was observed").to_owned()
    };
    let repeated = typed(folder, again(&block));
    assert_eq!(repeated.code, 1, "as it is printed: {repeated:#?}");
    let second = typed(folder, &format!("wsspec show {FIRST}")).out;
    assert_eq!(observed(&second), observed(&block), "the same failure");

    lock(folder, CURRENT);
    assert_eq!(codes(&job(folder, &steps[1..2])), [0], "the project takes the current release");
    let mended = typed(folder, again(&block));
    assert_eq!(mended.code, 0, "{mended:#?}");
    std::fs::remove_file(folder.join("step-summary.md")).unwrap();
    std::fs::remove_file(folder.join("installed/wsspec")).unwrap();
    let done = job(folder, &steps);
    assert_eq!(codes(&done), [0, 0, 0], "the step is green: {done:#?}");
    assert!(!done[2].out.contains("\n::error"), "{done:#?}");
    assert_eq!(failed(folder), BTreeSet::new());
    assert!(!read(folder, "wsspec-out/junit.xml").contains("<failure"));
    assert!(!read(folder, "step-summary.md").contains("not conformant"));
}

/// Annotations, the page of the job, and what the recipe uploads.
fn the_service_is_told(folder: &Path, run: &Done) {
    let failed = failed(folder);
    assert!(failed.contains(FIRST) && failed.len() > 9, "{failed:?}");
    let annotations: Vec<&str> = run.out.lines().filter(|line| line.starts_with("::error ")).collect();
    assert!((1..=10).contains(&annotations.len()), "more are not shown: {annotations:#?}");
    let mine = annotations.iter().find(|line| line.contains(FIRST)).expect("an annotation of the bug");
    for part in
        ["9 cases fail", "without a mask was accepted", "RFC 6455 section 5.1 (MUST)", "Rerun: wsspec run "]
    {
        assert!(mine.contains(part), "{part}: {mine}");
    }
    let page = read(folder, "step-summary.md");
    for part in ["server.js` is **not conformant**", "`14.1.1`", "without a mask was accepted", "section 5.1"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.len() < 1 << 20, "GitHub takes no more");
    let upload = of_the_readme().lines().find_map(|line| line.split_once("path: "));
    let kept = folder.join(upload.expect("the recipe keeps something").1.trim_end_matches([' ', '}']));
    assert!(kept.join("report.html").exists());
    let junit = read(&kept, "junit.xml");
    assert_eq!(junit.matches("<failure ").count(), failed.len(), "each failure, once");
    let (_, case) = junit.split_once(&format!("<testcase name=\"{FIRST} unmasked-text\"")).unwrap();
    let (case, _) = case.split_once("</testcase>").unwrap();
    let message = "<failure message=\"A frame of a client without a mask was accepted: ";
    for part in [message, " type=\"must\">", "not masked", "again: wsspec run "] {
        assert!(case.contains(part), "{part}: {case}");
    }
}
