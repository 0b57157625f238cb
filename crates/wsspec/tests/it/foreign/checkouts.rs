//! Scripts that are in no package: fetched from GitHub at a commit, or taken from the checkouts in the folder that
//! `TESTKIT_HARNESSES` names (`actor-framework`).

use std::path::Path;
use std::process::Command;

use tempfile::{TempDir, tempdir};
use wsspec_testkit::checkout;

use super::{LIMIT, WSTEST, alone, has_networks};
use crate::program::{Done, finish_within};
use crate::workflow::add_program;

/// These scripts ask for all cases; the `wstest` that they find puts these into the spec instead.
const CASES: &str = r#""1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "10.*", "12.1.1""#;

/// A copy of what is in this folder.
fn copy(source: &Path) -> TempDir {
    let folder = tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(source.join(".")).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    folder
}

/// How often a word stands in the index of the reports in this folder.
fn count(folder: &Path, word: &str) -> i32 {
    let index = std::fs::read_to_string(folder.join("reports/index.json")).unwrap();
    i32::try_from(index.matches(&format!(r#""behavior": "{word}""#)).count()).unwrap()
}

/// The script of CAF ends with the number of cases that are not strictly right. Its driver is built from all of CAF; another
/// server stands in for it.
#[test]
fn the_script_of_caf_counts_what_is_wrong() {
    let commit = "d7d169a3a3b3e8c63e5cae2fc25a764e0cd3cb71";
    let Some(source) = checkout("actor-framework/actor-framework", commit) else { return };
    if !has_networks() {
        return;
    }
    let harness = source.join(".ci/autobahn-testsuite");
    let run = |driver: &str| -> (TempDir, Done) {
        let folder = copy(&harness);
        let driver = format!("#!/bin/sh\n{driver}\n");
        add_program(folder.path(), "build/libcaf_net/caf-net-autobahn-driver", &driver);
        let wstest = format!("#!/bin/sh\nsed -i 's/\"\\*\"/{CASES}/' \"$4\"\nexec {WSTEST} \"$@\"\n");
        add_program(folder.path(), "programs/wstest", &wstest);
        let programs = folder.path().join("programs");
        let mut command = alone(folder.path(), &programs, &["bash", "run.sh", "build"]);
        command.env("BUILD_DIR", "build");
        let done = finish_within(command, LIMIT);
        (folder, done)
    };
    let echo = format!("exec {} echo 127.0.0.1:$2 --no-deflate --no-commands", env!("CARGO_BIN_EXE_wsspec"));
    let (folder, healthy) = run(&echo);
    assert_eq!(healthy.code, 0, "{healthy:#?}");
    assert!(count(folder.path(), "OK") > 240, "{healthy:#?}");

    let (folder, broken) = run(&format!("{echo} --defect length-head-torn"));
    let wrong = count(folder.path(), "FAILED") + count(folder.path(), "NON-STRICT");
    assert!(wrong > 0 && broken.code == wrong, "{wrong} {broken:#?}");

    let (_folder, dead) = run("exit 1");
    assert_ne!(dead.code, 0, "{dead:#?}");
}
