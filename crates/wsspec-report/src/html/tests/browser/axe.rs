//! axe-core, the accessibility checker, from its registry.

use serde_json::Value;

use super::chromium::Browser;

const VERSION: &str = "axe-core@4.10.3";

/// Its script, installed if need be; none, and the test is skipped, if it cannot be had.
pub(super) fn script() -> Option<String> {
    let folder = wsspec_testkit::npm(VERSION)?;
    std::fs::read_to_string(folder.join("node_modules/axe-core/axe.min.js")).ok()
}

/// What axe-core finds wrong on the page that is open, one line each.
pub(super) fn findings(browser: &mut Browser, script: &str) -> Vec<String> {
    if browser.eval("typeof axe") != "object" {
        browser.eval(&format!("{script}; undefined"));
    }
    let found = browser.eval(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
                   resultTypes: ['violations'] })
          .then((result) => result.violations.flatMap((rule) => rule.nodes.slice(0, 3).map((node) =>
            rule.id + ' ' + node.target.join(' ') + ' ' + node.failureSummary.replaceAll('\\n', ' '))))",
    );
    let lines = found.as_array().cloned().unwrap_or_default();
    lines.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
