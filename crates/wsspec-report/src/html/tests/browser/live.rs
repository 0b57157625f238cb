//! The page of `serve`, on which a browser is tested.

use std::collections::HashMap;

use super::*;

/// The page with these answers of its server.
fn pages(catalogue: &str, results: &str) -> HashMap<String, String> {
    let pages = [
        ("", include_str!("../../../../../wsspec/src/web/page.html")),
        ("page.js", include_str!("../../../../../wsspec/src/web/page.js")),
        ("page.css", include_str!("../../../../../wsspec/src/web/page.css")),
        ("api/cases", catalogue),
        ("api/results", results),
    ];
    pages.map(|(name, page)| (name.to_owned(), page.to_owned())).into()
}

#[test]
fn what_the_baseline_knows_was_a_failure_as_others() {
    let Some(mut browser) = Browser::start() else { return };
    let ids = ["1.1.1", "1.1.2", "1.1.3", "1.1.4"];
    let cases = ids.map(|id| serde_json::json!({"id": id, "slug": "s", "title": "t"}));
    let sections = serde_json::json!([{"number": 1, "title": "Framing"}]);
    let catalogue = serde_json::json!({"version": "0", "sections": sections, "cases": cases});
    let results = serde_json::json!({"agents": [{
        "agent": "mine",
        "verdicts": {"1.1.1": "pass", "1.1.2": "fail", "1.1.3": "fail", "1.1.4": "pass"},
        "outcomes": {"1.1.1": "expected", "1.1.2": "known", "1.1.3": "unexpected", "1.1.4": "fixed"},
    }]});
    let pages = pages(&catalogue.to_string(), &results.to_string());
    let server = served::Server::start(pages, "default-src 'self'; connect-src 'self' ws:");
    // No case can be run here, but what has run so far is shown.
    browser.open(&server.url("?agent=mine&autostart=1"));
    browser.wait("document.querySelector('#failures tbody').rows.length === 2");
    let failures = browser.text("document.querySelector('#failures tbody').textContent");
    assert_eq!(failures, "1.1.2 sfail, knownt1.1.3 sfailt");
    for place in ["#counts", "#agents tbody tr td:last-child"] {
        let counts = browser.text(&format!("document.querySelector('{place}').textContent"));
        assert_eq!(counts, "✓ 1 pass   ✗ 1 fail, known   ✗ 1 fail   ✓ 1 pass, fixed", "{place}");
    }
    let known = browser.text("document.querySelector('.case.known').title");
    assert_eq!(known, "1.1.2 s: fail, known");
}
