//! Policies hold, nothing is asked for, hostile text stays text, and all can be read without JavaScript.

use std::collections::HashMap;

use super::*;

#[test]
fn the_one_file_asks_for_nothing_and_breaks_no_policy() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    for (_, hash, shown) in KINDS {
        browser.go(hash, shown);
        browser.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    }
    browser.eval("new Promise((done) => setTimeout(done, 100))");
    assert_eq!(browser.requests(), Vec::<String>::new());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn without_javascript_every_failure_can_be_read() {
    let Some((mut browser, written)) = started() else { return };
    browser.send("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    browser.open(&written.url());
    browser.send("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": false}));
    assert_eq!(browser.eval("document.documentElement.classList.contains('js')"), false);
    let visible = browser.text("document.body.innerText");
    for part in ["5.15", "not conformant", "Requirements", "Without JavaScript the failures are all here"] {
        assert!(visible.contains(part), "{part}");
    }
    browser.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    let visible = browser.text("document.body.innerText");
    for part in ["fragment4", "rule broken here", "FIN=0 RSV=000 opcode=0 Continuation", "wsspec run ws:"] {
        assert!(visible.contains(part), "{part}");
    }
    assert_eq!(browser.requests(), Vec::<String>::new());
}

#[test]
fn the_folder_is_whole_under_the_strictest_policy() {
    let Some(mut browser) = Browser::start() else { return };
    let policy = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'";
    let report = rich();
    let pages: HashMap<String, String> = with_earlier(&report);
    let both = pages.keys().find(|name| name.contains("main_out_case_5_15")).unwrap().clone();
    let server = served::Server::start(pages, policy);
    for (name, says) in [
        ("index.html", "not conformant"),
        (&case_page(&report, &report.cases[2]).name, "rule broken here"),
        (&case_page(&report, &report.cases[0]).name, "Hello"),
        (&both, "only here"),
    ] {
        browser.open(&server.url(name));
        assert!(browser.text("document.body.innerText").contains(says), "{name}");
        let drawn =
            browser.text("getComputedStyle(document.querySelector('.v-fail, .v-pass')).backgroundColor");
        assert!(drawn != "rgba(0, 0, 0, 0)", "the style sheet of {name} is used");
        let own = [server.url("wsspec.css"), server.url("wsspec.svg")];
        let others: Vec<String> = browser.requests().into_iter().filter(|url| !own.contains(url)).collect();
        assert_eq!(others, Vec::<String>::new());
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn hostile_text_is_shown_and_never_executed() {
    let Some(mut browser) = Browser::start() else { return };
    let report = {
        let mut cases = Vec::new();
        for (n, text) in HOSTILE.iter().enumerate() {
            let mut own = hostile(text).cases;
            own[0].agent = format!("{n} {text}").as_str().into();
            own[1].agent = own[0].agent.clone();
            cases.extend(own);
        }
        sample(cases)
    };
    let written = Written::new(&report);
    browser.screen(1280, 800);
    browser.open(&written.url());
    let hrefs = "[...document.querySelectorAll('#matrix td a')].map((link) => link.getAttribute('href'))";
    let hrefs = browser.eval(hrefs);
    let hrefs = hrefs.as_array().unwrap();
    assert_eq!(hrefs.len(), 2 * HOSTILE.len());
    for href in hrefs {
        let href = href.as_str().unwrap();
        let shown =
            format!("document.querySelector('#page article')?.id === {}", serde_json::json!(&href[1..]));
        browser.go(href, &shown);
        browser.eval(
            "document.querySelectorAll('#page details').forEach((one) => { one.open = true; \
             one.dispatchEvent(new Event('toggle')); })",
        );
    }
    browser.eval("new Promise((done) => setTimeout(done, 100))");
    let foreign = "document.querySelectorAll('svg:not(.drawing), img, iframe, object, embed, base, form:not([method=dialog]), \
        [onload], [onclick], [onerror], [style], a:not([href^=\"#\"]):not([href^=\"https://www.rfc-editor.org/\"]), \
        script:not(.pages):not(:last-of-type)').length";
    assert_eq!(browser.eval(foreign), 0);
    assert_eq!(browser.requests(), Vec::<String>::new());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// E26: the page on which a browser is tested, behind something that lets no WebSocket through.
#[test]
fn the_page_of_serve_says_when_it_cannot_reach_its_server() {
    let Some(mut browser) = Browser::start() else { return };
    let case = |n: usize| serde_json::json!({"id": format!("1.1.{n}"), "slug": "s", "title": "t"});
    let cases: Vec<_> = (1..=20).map(case).collect();
    let catalogue = serde_json::json!({"version": "0", "address": "http://127.0.0.1:9", "sections": [{"number": 1, "title": "Framing"}], "cases": cases});
    let pages = [
        ("", include_str!("../../../../../wsspec/src/web/page.html")),
        ("page.js", include_str!("../../../../../wsspec/src/web/page.js")),
        ("page.css", include_str!("../../../../../wsspec/src/web/page.css")),
        ("api/cases", &catalogue.to_string()),
        ("api/results", "{\"agents\": []}"),
    ];
    let pages: HashMap<String, String> = pages.map(|(name, page)| (name.to_owned(), page.to_owned())).into();
    let server = served::Server::start(pages.clone(), "default-src 'self'; connect-src 'self' ws:");
    browser.open(&server.url("?autostart=1"));
    browser
        .wait("document.querySelector('#note').textContent.startsWith('E26: this page cannot reach ws://')");
    let note = browser.text("document.querySelector('#note').textContent");
    let from =
        format!("why: it was opened from {}, which is not where", server.url("").trim_end_matches('/'));
    for part in [from.as_str(), "try: open http://127.0.0.1:9/ itself"] {
        assert!(note.contains(part), "{part}: {note}");
    }
    let public =
        "{protocol: 'https:', host: 'ci.example', hostname: 'ci.example', origin: 'https://ci.example'}";
    let note = browser.text(&format!("unreachable('ws://127.0.0.1:9', {public})"));
    for part in ["opened from https://ci.example", "https page may use no ws://", "Local Network Access"] {
        assert!(note.contains(part), "{part}: {note}");
    }

    // Without anything behind it the page says the same.
    let pages = pages.into_iter().filter(|(name, _)| !name.starts_with("api/")).collect();
    let alone = served::Server::start(pages, "default-src 'self'");
    browser.open(&alone.url(""));
    browser.wait("document.querySelector('#note').textContent.startsWith('E26: this page cannot reach its')");
}
