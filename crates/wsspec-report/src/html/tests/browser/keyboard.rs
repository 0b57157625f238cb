//! A report by keyboard alone.

use super::*;

#[test]
fn keys_lead_through_a_report_and_back() {
    let Some((mut browser, written)) = started() else { return };
    browser.screen(1280, 800);
    browser.open(&written.url());
    browser.press("?");
    browser.wait("document.querySelector('#keys').open");
    browser.press("Escape");
    browser.wait("!document.querySelector('#keys').open");
    // The focus leaves what is no longer shown with the next frame.
    browser.wait("document.activeElement === document.body");
    browser.press("/");
    browser.wait("document.activeElement.id === 'query'");
    // In a field a letter is a letter.
    browser.press("j");
    browser.wait("document.querySelector('#query').value === 'j'");
    browser.press("Escape");
    browser.wait("document.querySelector('#query').value === ''");
    browser.eval("document.activeElement.blur()");
    browser.press("j");
    browser.wait("document.title.startsWith('FAIL 5.15')");
    browser.wait("document.activeElement.id === 'main'");
    browser.press("j");
    browser.wait("document.title.includes('5.16')");
    // Accepted outcomes are tabs: arrows go from one to the next.
    browser.eval("document.querySelector('#page .tab-0').focus()");
    browser.press("ArrowRight");
    browser.wait("document.querySelector('#page .tab-1').checked");
    browser.eval("document.querySelector('#page details.block summary').focus()");
    browser.press("Enter");
    browser.wait("document.querySelector('#page details.block').open");
    browser.eval("document.querySelector('#page .steps a[href=\"#\"]').focus()");
    browser.press("Enter");
    browser.wait("document.querySelector('#overview.current')");
    let at = "document.activeElement.getAttribute('href')";
    assert_eq!(browser.text(at), "#5.16@mylib-2.3", "the way back ended at the top of the page");
    browser.press("f");
    browser.wait("document.activeElement.dataset.word === 'fail'");
    let failures = "status(fail) or status(timeout) or status(crash)";
    browser.wait(&format!("document.querySelector('#query').value === '{failures}'"));
    browser.press("Enter");
    browser.wait("document.querySelector('#query').value === 'status(timeout) or status(crash)'");
}

#[test]
fn only_failures_left_out_crashes_and_timeouts() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    let query = "document.querySelector('#query').value";
    let shown = "[...document.querySelectorAll('#matrix tr.case:not([hidden]) td.v-fail')].length";
    let all = browser.text(shown);
    browser.press("f");
    browser.wait(&format!("{query}.includes('status(crash)')"));
    assert_eq!(browser.text(shown), all, "every failure is there");
    // A part of them is completed, all of them are taken out.
    browser.press("f");
    browser.wait(&format!("{query} === ''"));
    browser.eval("document.querySelector('.chip[data-word=crash]').click()");
    browser.press("f");
    browser.wait(&format!("{query} === 'status(fail) or status(timeout) or status(crash)'"));
    // What there is none of is not asked for.
    browser.open("about:blank");
    browser.open(&Written::new(&sample(vec![passed("a", "1.1.1"), failed("a", "5.15")])).url());
    browser.press("f");
    browser.wait(&format!("{query} === 'status(fail)'"));
}

#[test]
fn the_next_failure_was_a_known_one() {
    let Some(mut browser) = Browser::start() else { return };
    let mut cases = ["5.1", "5.2", "5.3", "5.4"].map(|id| failed("mylib/2.3", id));
    for case in &mut cases[..3] {
        case.outcome = Some(Standing::Known);
    }
    cases[1].outcome = Some(Standing::Unexpected);
    let mut report = sample(cases.to_vec());
    let written = Written::new(&report);
    browser.open(&written.url());
    for (key, case) in
        [("j", "5.2"), ("j", "5.4"), ("J", "5.1"), ("J", "5.2"), ("J", "5.3"), ("k", "5.2"), ("k", "5.4")]
    {
        browser.press(key);
        browser.wait(&format!("document.title.startsWith('FAIL {case} ')"));
    }
    report.cases.iter_mut().for_each(|case| case.outcome = Some(Standing::Known));
    browser.open("about:blank");
    browser.open(&Written::new(&report).url());
    browser.press("j");
    browser.wait("document.title.startsWith('FAIL 5.1 ')");
}

#[test]
fn a_next_failure_was_offered_where_there_is_none() {
    let Some(mut browser) = Browser::start() else { return };
    let offers = |report: Report, page: &str, browser: &mut Browser| {
        let written = Written::new(&report);
        browser.open("about:blank");
        browser.open(&format!("{}#{page}", written.url()));
        browser.wait("document.querySelector('#page .steps')");
        browser.text("document.querySelector('#page .steps').innerText").contains("next failure")
    };
    let (good, bad) = (passed("mylib/2.3", "1.1.1"), failed("mylib/2.3", "5.15"));
    assert!(!offers(sample(vec![good.clone()]), "1.1.1@mylib-2.3", &mut browser));
    // A key that leads to none is no key: the page stays as it is.
    browser.press("j");
    browser.press("f");
    assert_eq!(browser.text("location.hash"), "#1.1.1@mylib-2.3");
    assert!(!browser.text("document.querySelector('#keys').textContent").contains("failure"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let both = sample(vec![good, bad.clone()]);
    assert!(offers(both.clone(), "1.1.1@mylib-2.3", &mut browser));
    assert!(!offers(both, "5.15@mylib-2.3", &mut browser), "it is the only one");
    assert!(offers(sample(vec![bad, failed("mylib/2.3", "5.16")]), "5.15@mylib-2.3", &mut browser));
    assert!(
        browser.text("document.querySelector('#keys').textContent").contains("next and previous failure")
    );
}

#[test]
fn keys_that_were_switched_off_were_on_again_in_the_next_report() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    browser.eval("document.querySelector('#keys-on').click()");
    browser.open("about:blank");
    browser.open(&written.url());
    assert_eq!(browser.eval("document.querySelector('#keys-on').checked"), false);
    browser.press("?");
    assert_eq!(browser.eval("document.querySelector('#keys').open"), false);
    browser.eval("document.querySelector('#keys-on').click()");
    browser.press("?");
    browser.wait("document.querySelector('#keys').open");
}

#[test]
fn the_page_works_where_nothing_may_be_stored() {
    let Some((mut browser, written)) = started() else { return };
    let refuse = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } })";
    browser.send("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({"source": refuse}));
    browser.open(&written.url());
    browser.eval("document.querySelector('#keys-on').click()");
    browser.eval("document.querySelector('#keys-on').click()");
    browser.press("?");
    browser.wait("document.querySelector('#keys').open");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn octets_had_names_without_their_values() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    browser.go("#5.15@mylib-2.3:b4", "document.querySelector('#page .anatomy.target')");
    let name = |part: usize| format!("document.querySelector('#page .target .wire .p{part}').ariaLabel");
    assert_eq!(browser.text(&name(0)), "octet 0, hex 00: FIN=0 RSV=000 opcode=0 Continuation");
    assert_eq!(browser.text(&name(2)), "octets 2 to 5, hex 37 fa 21 3d: masking key");
    let report = every_verdict();
    let page = case_page(&report, &report.cases[2]).content;
    assert!(
        page.contains("aria-label=\"octets 2 to 5, hex 37 fa 21 3d: masking key\""),
        "also without the script"
    );
}
