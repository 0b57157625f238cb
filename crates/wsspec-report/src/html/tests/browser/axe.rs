//! axe-core, the accessibility checker, from its registry.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::chromium::{Browser, notice};

const VERSION: &str = "axe-core@4.10.3";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/axe-core");

/// Its script, installed if need be; none, and a notice, if it cannot be had.
pub(super) fn script() -> Option<String> {
    let file: PathBuf = Path::new(FOLDER).join("node_modules/axe-core/axe.min.js");
    if !file.exists() {
        let install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, VERSION];
        let done = Command::new("npm").args(install).output();
        if !done.is_ok_and(|output| output.status.success()) {
            notice("axe-core cannot be installed");
            return None;
        }
    }
    std::fs::read_to_string(file).ok()
}

/// What axe-core finds wrong on the page that is open, one line each.
pub(super) fn findings(browser: &mut Browser, script: &str) -> Vec<String> {
    if browser.eval("typeof axe") != "object" {
        browser.eval(&format!("{script}; undefined"));
    }
    let found = browser.eval(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
          .then((result) => result.violations.flatMap((rule) => rule.nodes.slice(0, 3).map((node) =>
            rule.id + ' ' + node.target.join(' ') + ' ' + node.failureSummary.replaceAll('\\n', ' '))))",
    );
    let lines = found.as_array().cloned().unwrap_or_default();
    lines.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
