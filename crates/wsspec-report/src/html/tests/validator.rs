//! The documents in front of an HTML validator from its registry (html-validate). Skipped with a notice where it
//! cannot be had.

use std::path::Path;
use std::process::Command;

use super::*;

const VERSION: &str = "html-validate@9.7.1";
/// What the standard says, and no questions of taste.
const RULES: &str = r#"{"extends": ["html-validate:standard"], "rules": {"long-title": "off"}}"#;

fn complaints(validator: &Path, folder: &Path) -> String {
    std::fs::write(folder.join("rules.json"), RULES).unwrap();
    let script = validator.join("node_modules/html-validate/bin/html-validate.mjs");
    let mut node = Command::new("node");
    node.arg(script).args(["--config", "rules.json", "--formatter", "text", "."]).current_dir(folder);
    let done = node.output().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

#[test]
fn documents_are_valid_html() {
    let Some(validator) = wsspec_testkit::npm(VERSION) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut report = every_verdict();
    report.cases.extend(hostile(HOSTILE[0]).cases);
    for (n, html) in documents(&report).iter().enumerate() {
        std::fs::write(folder.path().join(format!("{n}.html")), html).unwrap();
    }
    let found = complaints(&validator, folder.path());
    assert!(found.is_empty(), "{found}");

    // It can complain.
    std::fs::write(folder.path().join("wrong.html"), "<!doctype html><p id=a><div id=a></p>").unwrap();
    assert!(complaints(&validator, folder.path()).contains("wrong.html"));
}
