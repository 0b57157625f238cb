//! Pages on screens of every size, in print, for readers with preferences, and in front of axe-core.

use super::*;

pub(super) const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/pages");

/// The same with failures that the baseline lists, one of them mended, and one that did not come again.
pub(super) fn with_standings() -> Report {
    let mut report = rich();
    let reason = "Pings are answered late".to_owned();
    let known = Excuse { reason, issue: Some("https://example.org/97".to_owned()) };
    let mut case = failed("mylib/2.3", "2.1");
    (case.outcome, case.known) = (Some(Standing::Known), Some(known.clone()));
    report.cases.push(case);
    let mut case = passed("mylib/2.3", "2.3");
    (case.outcome, case.known) = (Some(Standing::Fixed), Some(known));
    report.cases.push(case);
    let mut case = with_verdict(passed("mylib/2.3", "2.2"), Verdict::Pass, "Passed at the second attempt.");
    (case.outcome, case.attempt) = (Some(Standing::Flaky), 2);
    report.cases.push(case);
    report
}

#[test]
fn axe_finds_nothing_on_the_large_screen_in_light_and_the_small_one_in_dark() {
    let Some(script) = axe::script() else { return };
    let Some(mut browser) = Browser::start() else { return };
    let written = Written::against_better(&with_standings());
    browser.send("Page.setBypassCSP", serde_json::json!({"enabled": true}));
    let mut found = Vec::new();
    // No colour depends on the width, and no place on the colours.
    for (width, height, scheme) in [(1280, 800, "light"), (390, 844, "dark")] {
        browser.screen(width, height);
        browser.prefer("screen", &[("prefers-color-scheme", scheme)]);
        browser.open(&written.url());
        for (kind, hash, shown) in every_kind() {
            browser.go(&hash, &shown);
            browser.eval("document.querySelectorAll('#page details').forEach((one) => { one.open = true; })");
            let lines = axe::findings(&mut browser, &script).into_iter();
            found.extend(lines.map(|line| format!("{width} {scheme} {kind}: {line}")));
        }
    }
    // The folder form has what it does without a script.
    let report = with_standings();
    let pages = with_earlier(&report);
    pages.iter().for_each(|(name, page)| std::fs::write(written.folder.path().join(name), page).unwrap());
    let both = pages.keys().find(|name| name.contains("main_out_case_5_15")).unwrap().clone();
    let cases = ["5.15", "1.1.1", "6.3.2", "7.5.1", "12.1.1", "2.1"].map(|id| {
        let case =
            report.cases.iter().find(|case| case.id.to_string() == id && case.agent.raw() == "mylib/2.3");
        case_page(&report, case.unwrap()).name
    });
    for (width, scheme) in [(1280, "light"), (390, "dark")] {
        browser.screen(width, 800);
        browser.prefer("screen", &[("prefers-color-scheme", scheme)]);
        for name in cases.iter().map(String::as_str).chain(["index.html", &both]) {
            browser.open(&format!("file://{}", written.folder.path().join(name).display()));
            browser.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
            let lines = axe::findings(&mut browser, &script).into_iter();
            found.extend(lines.map(|line| format!("{width} {scheme} {name}: {line}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
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
                if kind == "known" || kind == "fixed" {
                    let text = browser.text("document.querySelector('#page .broke').innerText");
                    assert!(text.contains("Pings are answered late") && text.contains("/97"), "{text}");
                    let what = if kind == "known" { "it does not count" } else { "wsspec baseline update" };
                    assert!(text.contains(what), "{text}");
                }
                if kind == "round-trips" {
                    browser.eval("document.querySelector('#page .trips').closest('details').open = true");
                    browser.eval("document.querySelector('#page .trips').scrollIntoView({block: 'center'})");
                }
                let wide = |browser: &mut Browser| browser.text("document.documentElement.scrollWidth");
                let mut widths = vec![wide(&mut browser)];
                if width != 320 {
                    browser.draw(&picture(&kind, width, scheme));
                }
                browser.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
                widths.push(wide(&mut browser));
                let fits = widths.iter().all(|wide| wide.parse::<u32>().unwrap() <= width);
                assert!(fits, "{kind} is {widths:?} wide on {width}, closed and open");
            }
        }
    }
}

/// The kinds of pages, and a page for each verdict.
pub(super) fn every_kind() -> Vec<(String, String, String)> {
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
        ("fixed", "2.3"),
        ("skipped", "9.1.1"),
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

pub(super) fn picture(kind: &str, width: u32, scheme: &str) -> PathBuf {
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
    let deviation = "document.querySelector('#page .log .deviation').getBoundingClientRect().bottom";
    let bottom = browser.eval(deviation).as_f64().unwrap();
    assert!(bottom < 800.0, "the place where a rule was broken ends at {bottom}");
}

/// The size that a browser has to cope with: three implementations, the core cases, each with a failure in six.
#[test]
fn a_report_of_three_implementations_opens_in_one_go() {
    let Some(mut browser) = Browser::start() else { return };
    let core = wsspec_cases::suite().cases().iter().filter(|case| case.id.section() <= 10);
    let ids: Vec<String> = core.map(|case| case.id.to_string()).filter(|id| !id.starts_with('9')).collect();
    let case = |agent: &'static str| {
        let record = move |(n, id): (usize, &String)| {
            if n % 6 == agent.len() % 6 { failed(agent, id) } else { passed(agent, id) }
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
