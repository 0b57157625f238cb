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
    browser.wait("document.querySelector('#query').value === 'status(fail)'");
    browser.press("Enter");
    browser.wait("document.querySelector('#query').value === ''");
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
