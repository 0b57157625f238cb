//! The documents in front of an HTML validator from its registry (html-validate). Skipped with a notice where it
//! cannot be had.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::*;

const VERSION: &str = "html-validate@9.7.1";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/html-validate");
/// What the standard says, and no questions of taste.
const RULES: &str = r#"{"extends": ["html-validate:standard"], "rules": {"long-title": "off"}}"#;

/// The validator, installed if need be.
fn installed() -> bool {
    if Path::new(FOLDER).join("node_modules/html-validate/package.json").exists() {
        return true;
    }
    let install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, VERSION];
    let done = Command::new("npm").args(install).output();
    let there = done.is_ok_and(|output| output.status.success());
    if !there {
        let _ = writeln!(std::io::stderr(), "SKIPPED: html-validate cannot be installed");
    }
    there
}

fn complaints(folder: &Path) -> Option<String> {
    std::fs::write(folder.join("rules.json"), RULES).unwrap();
    let script = Path::new(FOLDER).join("node_modules/html-validate/bin/html-validate.mjs");
    let mut node = Command::new("node");
    node.arg(script).args(["--config", "rules.json", "--formatter", "text", "."]).current_dir(folder);
    let done = node.output().ok()?;
    Some(String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
}

#[test]
fn documents_are_valid_html() {
    if !installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut report = every_verdict();
    report.cases.extend(hostile(HOSTILE[0]).cases);
    for (n, html) in documents(&report).iter().enumerate() {
        std::fs::write(folder.path().join(format!("{n}.html")), html).unwrap();
    }
    let Some(found) = complaints(folder.path()) else { return };
    assert!(found.is_empty(), "{found}");

    // It can complain.
    std::fs::write(folder.path().join("wrong.html"), "<!doctype html><p id=a><div id=a></p>").unwrap();
    assert!(complaints(folder.path()).unwrap().contains("wrong.html"));
}
