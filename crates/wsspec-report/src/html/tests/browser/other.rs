//! The same pages in Firefox.

use std::collections::HashMap;
use std::time::Duration;

use super::firefox::Firefox;
use super::screens::{every_kind, picture, with_standings};
use super::*;

#[test]
fn firefox_shows_a_page_of_every_kind() {
    let Some(mut browser) = Firefox::start(1280, 800) else { return };
    let written = Written::against_better(&with_standings());
    std::fs::create_dir_all(screens::PICTURES).unwrap();
    browser.open(&written.url());
    for (kind, hash, shown) in every_kind() {
        browser.go(&hash, &shown);
        assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth"), true, "{kind}");
        browser.draw(&picture(&kind, 1280, "firefox"));
    }
}

#[test]
fn firefox_filters_compares_unfolds_and_takes_keys() {
    let Some(mut browser) = Firefox::start(1280, 800) else { return };
    let written = Written::new(&rich());
    browser.open(&written.url());
    browser.go("#?q=status(fail)", "document.querySelector('#hits').innerText.startsWith('1 of')");
    browser.go("#", "document.querySelector('#hits').innerText.startsWith('11 cases')");
    browser.press("j");
    browser.wait("document.title.startsWith('FAIL 5.15 mylib')");
    // Octets of reads and writes, on demand; times, which the script writes.
    let octets = "getComputedStyle(document.querySelector('#page .log .octets')).display";
    assert_eq!(browser.eval(octets), "none");
    browser.eval("document.querySelector('#page .lane-octets').click()");
    assert_eq!(browser.eval(octets), "table-row");
    assert_eq!(browser.eval("document.querySelector('#page .log .time .ms').textContent !== ''"), true);
    browser.wait("document.querySelectorAll('#page .scripts details').length === 5");
    // Tabs of accepted outcomes, a frame that the address names, blocks that are open.
    browser.eval("document.querySelector('#page .tab-1').click()");
    assert_eq!(browser.eval("document.querySelector('#page .panel-1').checkVisibility()"), true);
    browser.go("#5.15@mylib-2.3:b4", "document.querySelector('#page .anatomy.target')");
    browser.eval("(document.querySelector('#page details.block').open = true)");
    browser.wait("location.hash.includes('open=opening')");
    browser.go(KINDS[6].1, "document.querySelectorAll('#page.pair article').length === 2");
    browser.eval("document.querySelector('#page .shared .only').click()");
    let same = "[...document.querySelectorAll('#page .together tbody tr:not(.deviation)')].every((row) => !row.checkVisibility())";
    assert_eq!(browser.eval(same), true);
    browser.eval("document.querySelector('#theme').click()");
    browser.wait("document.documentElement.dataset.theme === 'light'");
    // A packed page holds its record.
    browser.go(
        "#1.1.1@mylib-2.3?open=raw",
        "document.querySelector('#page .raw pre')?.textContent.startsWith('{')",
    );
}

/// A server whose policies have their violations reported to it.
fn reporting(pages: HashMap<String, String>, policy: &str) -> served::Server {
    served::Server::start(pages, format!("{policy}; report-uri /violated"))
}

fn is_violated(server: &served::Server) -> bool {
    (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        server.asked().iter().any(|name| name == "violated")
    })
}

#[test]
fn firefox_asks_for_nothing_and_sees_no_policy_broken() {
    let Some(mut browser) = Firefox::start(1280, 800) else { return };
    let html = report(&rich()).unwrap();
    let policy = html.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
    let policy = policy.split('"').next().unwrap().replace("&#39;", "'").replace("&#38;", "&");
    let broken = html.replacen("<h1>", "<p style=\"color: red\">styled</p><h1>", 1);
    let pages = [("report.html", html), ("broken.html", broken)].map(|(name, page)| (name.to_owned(), page));
    let server = reporting(pages.into(), &policy);
    browser.open(&server.url("report.html"));
    for (_, hash, shown) in KINDS {
        browser.go(hash, shown);
        browser.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    }
    assert_eq!(browser.eval("performance.getEntriesByType('resource').length"), 0);
    assert_eq!(server.asked(), ["report.html"]);
    browser.open(&server.url("broken.html"));
    assert!(is_violated(&server), "a policy that is broken is seen: {:?}", server.asked());
}

#[test]
fn firefox_shows_the_folder_under_the_strictest_policy() {
    let Some(mut browser) = Firefox::start(1280, 800) else { return };
    let report = rich();
    let mut pages = with_earlier(&report);
    let case = case_page(&report, &report.cases[2]).name;
    pages.insert(
        "broken.html".to_owned(),
        pages["index.html"].replacen("<h1>", "<p style=\"color: red\">styled</p><h1>", 1),
    );
    let policy = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'";
    let server = reporting(pages, policy);
    for name in ["index.html", &case] {
        browser.open(&server.url(name));
    }
    let known = ["index.html", "wsspec.css", "wsspec.svg", &case];
    let asked = server.asked();
    assert!(asked.contains(&"wsspec.css".to_owned()), "{asked:?}");
    assert_eq!(asked.iter().find(|name| !known.contains(&name.as_str())), None, "{asked:?}");
    browser.open(&server.url("broken.html"));
    assert!(is_violated(&server), "a policy that is broken is seen: {:?}", server.asked());
}
