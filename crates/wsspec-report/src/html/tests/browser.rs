//! The pages in a headless Chromium: routes, keys, policies, accessibility, hostile text, sizes of screens.
//!
//! Skipped with a notice where there is no Chromium. Pictures are left in `target/pages`.

mod axe;
mod chromium;
mod served;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use self::chromium::Browser;
use super::*;
use crate::record::{Excuse, Happening};
use crate::samples::frame;
use wsspec_wire::{Deflater, Opcode};

const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/pages");
const PLAIN: &str = "mylib-2.3";

/// A report in a file of its own.
struct Written {
    folder: TempDir,
}

impl Written {
    fn new(report: &Report) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("report.html"), super::report(report).unwrap()).unwrap();
        Self { folder }
    }

    /// Compared with results in which everything passed.
    fn against_better(report: &Report) -> Self {
        let written = Self::new(report);
        let mut better = report.clone();
        better.cases.iter_mut().for_each(|case| case.verdict = Verdict::Pass);
        let page = report_against(report, Some(("main-out", &better))).unwrap();
        std::fs::write(written.folder.path().join("report.html"), page).unwrap();
        written
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder.path().join("report.html").display())
    }
}

/// Every verdict for two implementations, and a case with compressed messages.
fn rich() -> Report {
    let mut report = every_verdict();
    let mut case = passed("mylib/2.3", "12.1.2");
    let mut octets = Vec::new();
    Deflater::new(15, 6).unwrap().message(b"Hello Hello Hello", &mut octets);
    for line in &mut case.events {
        if let Happening::Frame { op: 1, dir, .. } = line.what {
            line.what = frame(dir, Opcode::TEXT, true, &octets);
            if let Happening::Frame { rsv, .. } = &mut line.what {
                *rsv = 4;
            }
        }
    }
    let extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let add =
        |head: &str| Payload::new(head.replace("\r\n\r\n", &format!("\r\n{extension}")).as_bytes(), 16384);
    case.handshake.request = add(crate::samples::REQUEST);
    case.handshake.response = add(crate::samples::RESPONSE);
    case.handshake.extensions = Some("permessage-deflate".into());
    case.round_trips = Some(crate::samples::round_trips());
    report.cases.push(case);
    report
}

/// An address within the report, and what is true once it is shown.
const KINDS: [(&str, &str, &str); 10] = [
    ("overview", "#", "document.querySelector('#overview.current')"),
    ("fail", "#5.15@mylib-2.3", "document.title.startsWith('FAIL 5.15')"),
    ("timeout", "#5.16@mylib-2.3", "document.title.includes('5.16')"),
    ("pass", "#1.1.1@mylib-2.3", "document.title.startsWith('ok 1.1.1')"),
    ("deflate", "#12.1.2@mylib-2.3", "document.title.startsWith('ok 12.1.2')"),
    ("not-run", "#9.1.2@mylib-2.3", "document.title.startsWith('not run 9.1.2')"),
    ("both", "#5.16@mylib-2.3~other-svg-onload-alert-1-lib", "document.querySelector('#page.pair')"),
    ("requirements", "#rfc", "document.querySelector('#rfc.current')"),
    ("baseline", "#diff", "document.querySelector('#diff.current')"),
    ("run", "#run", "document.querySelector('#run.current')"),
];

/// The same with a failure that the baseline lists, and one that did not come again.
fn with_standings() -> Report {
    let mut report = rich();
    let reason = "Pings are answered late".to_owned();
    let known = Excuse { reason, issue: Some("https://example.org/97".to_owned()) };
    let mut case = failed("mylib/2.3", "2.1");
    (case.outcome, case.known) = (Some(Standing::Known), Some(known));
    report.cases.push(case);
    let mut case = with_verdict(passed("mylib/2.3", "2.2"), Verdict::Pass, "Passed at the second attempt.");
    (case.outcome, case.attempt) = (Some(Standing::Flaky), 2);
    report.cases.push(case);
    report
}

fn started() -> Option<(Browser, Written)> {
    let browser = Browser::start()?;
    Some((browser, Written::new(&rich())))
}

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
    let pages = folder(&report).map(|page| (page.name, page.content)).collect();
    let server = served::Server::start(pages, policy);
    for (name, says) in [
        ("index.html", "not conformant"),
        (&case_page(&report, &report.cases[2]).name, "rule broken here"),
        (&case_page(&report, &report.cases[0]).name, "Hello"),
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
fn axe_finds_nothing_in_light_and_dark() {
    let Some(script) = axe::script() else { return };
    let Some((mut browser, written)) = started() else { return };
    browser.send("Page.setBypassCSP", serde_json::json!({"enabled": true}));
    browser.screen(1280, 800);
    let mut found = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer("screen", &[("prefers-color-scheme", scheme)]);
        browser.open(&written.url());
        for (kind, hash, shown) in KINDS {
            browser.go(hash, shown);
            browser.eval("document.querySelectorAll('#page details').forEach((one) => { one.open = true; })");
            found.extend(
                axe::findings(&mut browser, &script)
                    .into_iter()
                    .map(|line| format!("{scheme} {kind}: {line}")),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_state_is_a_link() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    for (_, hash, shown) in KINDS {
        browser.go(hash, shown);
    }
    // A frame of a case is opened and marked.
    browser.go("#5.15@mylib-2.3:f4", "document.querySelector('#page .log tr.target')");
    assert!(browser.text("document.querySelector('#page .target').id").ends_with(":f4"));
    browser.go("#5.15@mylib-2.3:b4", "document.querySelector('#page .anatomy.target')");
    // Without an implementation the one that failed is shown.
    browser.go("#5.15", "document.title.startsWith('FAIL 5.15 mylib/2.3')");
    browser.go("#case_desc_5_15", "location.hash === '#5.15'");
    browser.go("#rfc6455-5.4", "document.querySelector('#rfc.current')");
    browser.go("#7.99.1@nobody", "document.querySelector('#page').innerText.includes('no result')");
    // What is set on the overview is in the address, and comes back from there.
    let state = "#?q=status(fail)&differences=1&compact=1&theme=dark&reference=mylib-2.3";
    browser.go(state, "document.querySelector('#query').value === 'status(fail)'");
    browser.wait("document.querySelector('#hits').innerText.startsWith('1 of')");
    assert_eq!(browser.text("document.documentElement.dataset.theme"), "dark");
    assert_eq!(browser.eval("document.querySelector('#matrix').classList.contains('compact')"), true);
    assert_eq!(browser.eval("document.querySelectorAll('#matrix td.reference').length > 0"), true);
    browser.eval("document.querySelector('#theme').click()");
    assert!(browser.text("location.hash").contains("q=status%28fail%29"));
    // Two implementations share one timeline.
    browser.go("#5.16@mylib-2.3~other-svg-onload-alert-1-lib", "document.querySelector('#page .shared')");
    let marks = browser.text("document.querySelector('#page .shared').innerText");
    assert!(marks.contains("= same"), "{marks}");
}

#[test]
fn accepted_outcomes_are_tabs_and_octets_and_fields_point_at_each_other() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    browser.go("#5.15@mylib-2.3", "document.title.startsWith('FAIL 5.15')");
    let panels = "[...document.querySelectorAll('#page .panel')].map((one) => one.checkVisibility()).join()";
    assert_eq!(browser.text(panels), "true,false", "the closest one is shown");
    browser.eval("document.querySelector('#page .tab-1').click()");
    assert_eq!(browser.text(panels), "false,true");
    let shown = browser.text("document.querySelector('#page .panel-1').innerText");
    assert!(shown.contains("before the application has echoed") && shown.contains("+ extra"), "{shown}");
    browser.go("#5.15@mylib-2.3:b4", "document.querySelector('#page .anatomy.target')");
    for (from, to) in [(".wire .p1", ".octets .p1"), (".octets .p3", ".wire .p3")] {
        let ground =
            format!("getComputedStyle(document.querySelector('#page .target {to}')).backgroundColor");
        let before = browser.text(&ground);
        browser.eval(&format!("document.querySelector('#page .target {from}').focus()"));
        assert_ne!(browser.text(&ground), before, "{from} marks {to}");
    }
}

#[test]
fn the_search_of_the_browser_finds_parts_that_are_not_shown() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    browser.go("#", "document.querySelector('#overview.current')");
    assert_eq!(browser.text("document.querySelector('#rfc').getAttribute('hidden')"), "until-found");
    assert_eq!(browser.text("document.querySelector('#rfc').getBoundingClientRect().height"), "0");
    browser.eval("document.querySelector('#rfc').dispatchEvent(new Event('beforematch'))");
    browser.wait("document.querySelector('#rfc.current') && !document.querySelector('#rfc').hidden");
    assert_eq!(browser.text("document.querySelector('#overview').getAttribute('hidden')"), "until-found");
}

#[test]
fn the_filter_speaks_the_language_of_the_command_line() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    let all = browser.text("document.querySelectorAll('#matrix tr.case').length").parse::<usize>().unwrap();
    for (filter, rows) in [
        ("", all),
        ("id(5.*)", 2),
        ("section(12)", 2),
        ("set(limits)", 2),
        ("set(@volume)", 2),
        ("needs(deflate)", 2),
        ("size(>=0B)", all),
        ("size(>16MiB)", 0),
        ("slug(/orphan/)", 3),
        ("rfc(6455#5)", all),
        ("rfc(6455#5.4)", 3),
        ("level(must)", all),
        ("time(>1s)", 3),
        ("time(<=1s) and not id(1.*)", all - 5),
        ("status(fail)", 1),
        ("status(fail) or status(timeout)", 2),
        ("status(n/a) and agent(mylib*)", 1),
        ("outcome(unexpected)", 1),
        ("differs()", 2),
        ("fragment", 0),
        ("orphan", 3),
        ("!(status(pass) | status(info))", all - 2),
    ] {
        browser.eval(&format!(
            "{{ const query = document.querySelector('#query'); query.value = {}; \
             query.dispatchEvent(new Event('input')); }}",
            serde_json::json!(filter)
        ));
        let hits = browser.text("document.querySelector('#hits').textContent");
        let shown = browser.text(
            "[...document.querySelectorAll('#matrix tr.case')].filter((row) => row.dataset.out !== 'out').length",
        );
        assert_eq!(shown, rows.to_string(), "{filter}: {hits}");
        assert_eq!(
            browser.eval("document.querySelector('#query').classList.contains('wrong')"),
            false,
            "{filter}"
        );
    }
    for wrong in ["id(5.*", "nto status(fail)(", "colour(red)", "time(1s)", "size(>5pt)"] {
        browser.go(&format!("#?q={wrong}"), "document.querySelector('#query').classList.contains('wrong')");
    }
    // Headers of the handshakes are looked for as well, once they are unpacked.
    browser.go("#?q=s3ppLMBitxaq9", "document.querySelector('#hits').innerText !== '0 of 0 cases'");
    browser.wait("!document.querySelector('#hits').innerText.startsWith('0 of')");
    // A chip writes its expression, and takes it out again.
    browser.go("#?", "document.querySelector('#query').value === ''");
    browser.eval("document.querySelector('.chip[data-word=fail]').click()");
    browser.eval("document.querySelector('.chip[data-word=info]').click()");
    assert_eq!(browser.text("document.querySelector('#query').value"), "status(fail) or status(info)");
    browser.eval("document.querySelector('.chip[data-word=fail]').click()");
    assert_eq!(browser.text("document.querySelector('#query').value"), "status(info)");
}

#[test]
fn keys_go_through_the_failures_and_can_be_switched_off() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    browser.press("j");
    browser.wait("document.title.startsWith('FAIL 5.15 mylib')");
    browser.press("j");
    browser.wait("document.title.includes('5.16')");
    browser.press("k");
    browser.wait("document.title.startsWith('FAIL 5.15 mylib')");
    browser.press("/");
    browser.wait("document.activeElement === document.querySelector('#query')");
    // Typing is no command.
    browser.press("j");
    assert_eq!(browser.text("document.querySelector('#query').value"), "j");
    browser.eval("document.querySelector('#query').value = ''; document.activeElement.blur()");
    browser.press("f");
    browser.wait("document.querySelector('#query').value === 'status(fail)'");
    browser.press("?");
    browser.wait("document.querySelector('#keys').open");
    browser.eval("document.querySelector('#keys-on').click(); document.querySelector('#keys').close()");
    let before = browser.text("location.href");
    browser.press("j");
    assert_eq!(browser.text("location.href"), before);
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
    let foreign = "document.querySelectorAll('svg, img, iframe, object, embed, base, form:not([method=dialog]), \
        [onload], [onclick], [onerror], [style], a:not([href^=\"#\"]):not([href^=\"https://www.rfc-editor.org/\"]), \
        script:not(.pages):not(:last-of-type)').length";
    assert_eq!(browser.eval(foreign), 0);
    assert_eq!(browser.requests(), Vec::<String>::new());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_page_of_every_kind_fits_its_screen_and_is_drawn() {
    let Some(mut browser) = Browser::start() else { return };
    let written = Written::against_better(&with_standings());
    std::fs::create_dir_all(PICTURES).unwrap();
    for (width, height) in [(1280, 800), (390, 844), (320, 640)] {
        browser.screen(width, height);
        for scheme in ["light", "dark"] {
            browser
                .prefer("screen", &[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]);
            browser.open(&written.url());
            for (kind, hash, shown) in every_kind() {
                browser.go(&hash, &shown);
                if kind == "known" {
                    let text = browser.text("document.querySelector('#page .broke').innerText");
                    assert!(text.contains("Pings are answered late") && text.contains("/97"), "{text}");
                }
                if kind == "round-trips" {
                    browser.eval("document.querySelector('#page .trips').closest('details').open = true");
                    browser.eval("document.querySelector('#page .trips').scrollIntoView({block: 'center'})");
                }
                let wide = browser.text("document.documentElement.scrollWidth");
                assert!(wide.parse::<u32>().unwrap() <= width, "{kind} is {wide} wide on {width}");
                if width != 320 {
                    browser.draw(&picture(&kind, width, scheme));
                }
            }
        }
    }
}

/// The kinds of pages, and a page for each verdict.
fn every_kind() -> Vec<(String, String, String)> {
    let mut kinds: Vec<_> =
        KINDS.map(|(kind, hash, shown)| (kind.to_owned(), hash.to_owned(), shown.to_owned())).into();
    let more = [
        ("non-strict", "1.1.2"),
        ("crash", "6.3.2"),
        ("info", "7.1.6"),
        ("error", "7.5.1"),
        ("na", "12.1.1"),
        ("known", "2.1"),
        ("flaky", "2.2"),
        ("round-trips", "12.1.2"),
    ];
    for (kind, id) in more {
        let shown = format!("document.querySelector('#page article')?.id === '{id}@{PLAIN}'");
        kinds.push((kind.to_owned(), format!("#{id}@{PLAIN}"), shown));
    }
    let marked = "document.querySelector('#page .anatomy.target')".to_owned();
    kinds.push(("octets".to_owned(), format!("#5.15@{PLAIN}:b4"), marked));
    kinds
}

fn picture(kind: &str, width: u32, scheme: &str) -> PathBuf {
    Path::new(PICTURES).join(format!("{kind}-{width}-{scheme}.png"))
}

#[test]
fn what_a_reader_needs_is_on_the_first_screen() {
    let Some((mut browser, written)) = started() else { return };
    browser.screen(1280, 800);
    browser.open(&written.url());
    browser.go(KINDS[1].1, KINDS[1].2);
    let tops = browser.eval(
        "[...document.querySelectorAll('#page article h3')].map((head) => \
         [head.textContent, head.getBoundingClientRect().top])",
    );
    let tops = tops.as_array().unwrap();
    for wanted in ["What broke", "Again", "Expected and observed", "Timeline and wire log"] {
        let block = tops.iter().find(|block| block[0] == wanted).unwrap_or_else(|| panic!("{wanted}"));
        assert!(block[1].as_f64().unwrap() < 760.0, "{wanted} begins at {}", block[1]);
    }
}

/// The size that a browser has to cope with: three implementations, the core cases, one with a failure in ten.
#[test]
fn a_report_of_three_implementations_opens_in_one_go() {
    let Some(mut browser) = Browser::start() else { return };
    let core = wsspec_cases::suite().cases().iter().filter(|case| case.id.section() <= 10);
    let ids: Vec<String> = core.map(|case| case.id.to_string()).filter(|id| !id.starts_with('9')).collect();
    let case = |agent: &'static str| {
        let record = move |(n, id): (usize, &String)| {
            if agent == "mylib/2.3" && n % 10 == 0 { failed(agent, id) } else { passed(agent, id) }
        };
        ids.iter().enumerate().map(record)
    };
    let report = sample(["mylib/2.3", "otherlib/1.0", "refpeer"].into_iter().flat_map(case).collect());
    let written = Written::new(&report);
    let size = std::fs::metadata(written.folder.path().join("report.html")).unwrap().len();
    browser.screen(1280, 800);
    browser.open(&written.url());
    browser.wait("document.querySelector('#overview.current')");
    let times = browser.text(
        "(() => { const t = performance.getEntriesByType('navigation')[0]; \
          return `${Math.round(t.domContentLoadedEventEnd)} ms to the overview, ${Math.round(t.loadEventEnd)} ms to the end`; })()",
    );
    let nodes: usize = browser.text("document.querySelectorAll('*').length").parse().unwrap();
    chromium::tell(&format!("{} cases, {size} octets, {nodes} elements: {times}", report.cases.len()));
    assert!(report.cases.len() >= 741 && size < 1_500_000, "{size} octets");
    assert!(nodes < 60_000, "{nodes} elements");
    assert_eq!(browser.requests(), Vec::<String>::new());
}

#[test]
fn print_and_preferences_keep_what_matters() {
    let Some((mut browser, written)) = started() else { return };
    browser.screen(1280, 800);
    browser.open(&written.url());
    browser.prefer("print", &[]);
    let shown = |selector: &str| format!("document.querySelector('{selector}').checkVisibility()");
    assert_eq!(browser.eval(&shown("#overview")), true);
    assert_eq!(browser.eval(&shown("#failures")), true);
    for hidden in ["#tools", "#filter", "#run", "#rfc"] {
        assert_eq!(browser.eval(&shown(hidden)), false, "{hidden}");
    }
    browser.prefer("screen", &[("forced-colors", "active")]);
    assert_ne!(browser.text("getComputedStyle(document.querySelector('#matrix td')).borderTopWidth"), "0px");
    browser.prefer("screen", &[("prefers-reduced-motion", "reduce")]);
    assert_eq!(browser.text("getComputedStyle(document.documentElement).scrollBehavior"), "auto");
}

/// E26: the page on which a browser is tested, behind something that lets no WebSocket through.
#[test]
fn the_page_of_serve_says_when_it_cannot_reach_its_server() {
    let Some(mut browser) = Browser::start() else { return };
    let case = |n: usize| serde_json::json!({"id": format!("1.1.{n}"), "slug": "s", "title": "t"});
    let cases: Vec<_> = (1..=20).map(case).collect();
    let catalogue =
        serde_json::json!({"version": "0", "sections": [{"number": 1, "title": "Framing"}], "cases": cases});
    let pages = [
        ("", include_str!("../../../../wsspec/src/web/page.html")),
        ("page.js", include_str!("../../../../wsspec/src/web/page.js")),
        ("page.css", include_str!("../../../../wsspec/src/web/page.css")),
        ("api/cases", &catalogue.to_string()),
        ("api/results", "{\"agents\": []}"),
    ];
    let pages = pages.map(|(name, page)| (name.to_owned(), page.to_owned())).into();
    let server = served::Server::start(pages, "default-src 'self'; connect-src 'self' ws:");
    browser.open(&server.url("?autostart=1"));
    browser
        .wait("document.querySelector('#note').textContent.startsWith('E26: this page cannot reach ws://')");
}
