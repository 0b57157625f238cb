//! Addresses, keys, tabs, filters: the ways through a report.

use super::*;

#[test]
fn every_state_is_a_link() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    for (_, hash, shown) in KINDS {
        browser.go(hash, shown);
    }
    // A frame of a case is opened and marked.
    browser.go("#5.15@mylib-2.3:f4", "document.querySelector('#page .log tr.target')");
    assert!(browser.text("document.activeElement.id").ends_with(":f4"), "readers go on from there");
    browser.go("#5.15@mylib-2.3:f1", "document.querySelector('#page .log tr.target')?.id.endsWith(':f2')");
    browser.go("#5.15@mylib-2.3:f4", "document.querySelector('#page .log tr.target')?.id.endsWith(':f4')");
    assert!(browser.text("document.querySelector('#page .target').id").ends_with(":f4"));
    browser.go("#5.15@mylib-2.3:b4", "document.querySelector('#page .anatomy.target')");
    // Without an implementation the one that failed is shown.
    browser.go("#5.15", "document.title.startsWith('FAIL 5.15 mylib/2.3')");
    browser.go("#case_desc_5_15", "location.hash === '#5.15'");
    browser.go("#rfc6455-5.4", "document.querySelector('#rfc.current')");
    // What a list has no room for is shown on demand.
    let shown = "document.querySelector('#rfc .rest').innerText.trim().split(/\\s+/).length";
    assert_eq!(browser.text(shown), "1");
    browser.eval("document.querySelector('#rfc .rest summary').click()");
    assert_ne!(browser.text(shown), "1");
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
    let other = "other-svg-onload-alert-1-lib";
    let heads = "[...document.querySelectorAll('#matrix thead [data-agent]')].filter((head) => !head.hidden) \
        .map((head) => head.dataset.agent).join()";
    browser.go(&format!("#?cols={other}"), "document.querySelector('#matrix thead [hidden]')");
    assert_eq!(browser.text(heads), other);
    let both = format!("{other},{PLAIN}");
    browser.go(&format!("#?cols={both}&sort=diff"), "document.querySelector('#differing-first').checked");
    assert_eq!(browser.text(heads), both);
    let first = "document.querySelector('#matrix tbody[data-section=\"12\"] tr.case').dataset.id";
    assert_eq!(browser.text(first), "12.1.2", "only one of them has it");
    browser.go("#?compact=1", "!document.querySelector('#differing-first').checked");
    assert_eq!(browser.text(first), "12.1.1");
    // Two implementations share one timeline.
    browser.go("#5.16@mylib-2.3~other-svg-onload-alert-1-lib", "document.querySelector('#page .shared')");
    let marks = browser.text("document.querySelector('#page .shared').innerText");
    assert!(marks.contains("= same") && !marks.contains("66 72 61"), "words, and no octets: {marks}");
    assert!(!marks.contains("not answered as"), "what is said of a row is no part of it: {marks}");
}

#[test]
fn a_case_stands_beside_its_earlier_result_with_what_differs() {
    let Some(mut browser) = Browser::start() else { return };
    let report = sample(vec![failed("mylib/2.3", "5.15"), passed("mylib/2.3", "1.1.1")]);
    let mut better = report.clone();
    better.cases[0].verdict = Verdict::Pass;
    better.cases[0].events.retain(|line| line.i != 8);
    let written = Written::new(&report);
    let page = report_against(&report, Some(("main", &better))).unwrap();
    std::fs::write(written.folder.path().join("report.html"), page).unwrap();
    browser.open(&written.url());
    browser.go("#diff", "document.querySelector('#diff.current')");
    browser.eval("document.querySelector('#diff .ids a').click()");
    browser.wait("document.querySelectorAll('#page.pair article').length === 2");
    let shared = "document.querySelector('#page .shared').innerText";
    let told = browser.text(shared);
    assert!(told.contains("mylib/2.3 (main)") && told.contains("≠ only here"), "{told}");
    assert!(told.contains("= same"), "{told}");
    browser.eval("document.querySelector('#page .shared .only').click()");
    let told = browser.text(shared);
    assert!(!told.contains("= same") && told.contains("≠ only here"), "{told}");
    // From the page of the case there is a way, too.
    browser.go("#5.15@mylib-2.3", "document.querySelector('#page:not(.pair) article')");
    browser.eval("[...document.querySelectorAll('#page .broke a')].find((link) => link.innerText === 'compare').click()");
    browser.wait("document.querySelectorAll('#page.pair article').length === 2");
}

#[test]
fn switching_the_theme_of_a_case_page_unfolded_the_overview() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&format!("{}#5.15@mylib-2.3", written.url()));
    browser.wait("document.title.startsWith('FAIL 5.15')");
    browser.eval("document.querySelector('#theme').click()");
    let hash = browser.text("location.hash");
    assert!(hash.contains("theme=") && !hash.contains("fold="), "{hash}");
}

#[test]
fn the_theme_was_gone_with_the_next_link() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&format!("{}#?theme=dark", written.url()));
    browser.wait("document.documentElement.dataset.theme === 'dark'");
    browser.eval("document.querySelector('nav a[href=\"#run\"]').click()");
    browser.wait("document.querySelector('#run.current')");
    assert_eq!(browser.text("location.hash"), "#run?theme=dark");
    browser.eval("document.querySelector('nav a[href=\"#overview\"]').click()");
    browser.wait("document.querySelector('#overview.current')");
    assert_eq!(browser.text("location.hash"), "#overview?theme=dark");
}

#[test]
fn a_case_is_found_by_the_name_of_the_implementation_as_it_is_shown() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    browser.go("#5.15@mylib/2.3", "document.title.startsWith('FAIL 5.15 mylib/2.3')");
    browser.go("#5.15@mylib/2.3:f4", "document.querySelector('#page .log tr.target')?.id.endsWith(':f4')");
    browser.go("#5.16@mylib/2.3~other-svg-onload-alert-1-lib", "document.querySelector('#page .shared')");
    // One of two that has no result was left out without a word.
    let told = "document.querySelector('#page').innerText";
    browser.go(
        "#5.15@nobody~mylib-2.3",
        &format!("{told}.includes('There is no result for 5.15@nobody.') && {told}.includes('What broke')"),
    );
}

#[test]
fn only_differences_counted_columns_that_are_hidden() {
    let Some(mut browser) = Browser::start() else { return };
    let report = sample(vec![failed("a", "5.15"), passed("b", "5.15"), passed("c", "5.15")]);
    let written = Written::new(&report);
    browser.open(&written.url());
    let hits = "document.querySelector('#hits').textContent";
    browser.go("#?differences=1", &format!("{hits} === '1 cases'"));
    browser.go("#?cols=b,c&differences=1", &format!("{hits} === '0 of 1 cases'"));
    browser.go("#?cols=a,c&differences=1", &format!("{hits} === '1 cases'"));
}

#[test]
fn open_parts_of_a_case_are_in_the_address_and_requirements_are_reached_from_there() {
    let Some((mut browser, written)) = started() else { return };
    browser.screen(1280, 800);
    browser.open(&written.url());
    browser.go("#5.15@mylib-2.3", "document.title.startsWith('FAIL 5.15')");
    browser.eval("document.querySelectorAll('#page details.block')[1].open = true");
    browser.wait("location.hash.endsWith('open=closing')");
    browser.go(
        "#1.1.1@mylib-2.3?open=wire,opening",
        "document.querySelectorAll('#page details.block[open]').length === 2",
    );
    browser.go("#rfc6455-5.4", "document.querySelector('#rfc.current')");
    browser.wait("Math.abs(document.getElementById('rfc6455-5.4').getBoundingClientRect().top - 100) < 100");
    browser.go(
        "#rfc6455-7.4",
        "Math.abs(document.getElementById('rfc6455-7.4.1').getBoundingClientRect().top - 100) < 100",
    );
    // What a filter selects is on the screen.
    browser.go("#?q=differs()", "document.querySelector('#filter').getBoundingClientRect().top < 200");
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
    let anatomy = browser.text("document.querySelector('#page .target').innerText");
    for part in ["00 89 37 fa 21 3d", "octet 0", "octets 2 to 5", "masking key websocket.masking_key"] {
        assert!(anatomy.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), "{part}: {anatomy}");
    }
    let filter = "document.querySelector('#page .target').closest('details').querySelector('pre').innerText";
    let wanted = "websocket.opcode == 0 && websocket.fin == false && websocket.masking_key == 37:fa:21:3d";
    assert_eq!(browser.text(filter), wanted);
    for (from, to) in [(".wire .p1", ".octets .p1"), (".octets .p3", ".wire .p3")] {
        let ground =
            format!("getComputedStyle(document.querySelector('#page .target {to}')).backgroundColor");
        let before = browser.text(&ground);
        browser.eval(&format!("document.querySelector('#page .target {from}').focus()"));
        assert_ne!(browser.text(&ground), before, "{from} marks {to}");
    }
}

#[test]
fn all_scripts_of_a_failure_can_be_read_and_copied() {
    let Some((mut browser, written)) = started() else { return };
    browser.open(&written.url());
    browser.go("#5.16@mylib-2.3", "document.title.includes('5.16')");
    browser.wait("document.querySelectorAll('#page .scripts details').length === 5");
    let shown = "[...document.querySelectorAll('#page .scripts summary')].map((one) => one.innerText).join()";
    assert_eq!(browser.text(shown), "python,nc,raw bytes,js,rust");
    browser.eval("document.querySelector('#page .scripts details').open = true");
    let python = browser.text("document.querySelector('#page .scripts pre').innerText");
    assert!(python.starts_with("#!/usr/bin/env python3\n") && python.contains("MOVES = ["), "{python}");
    assert_eq!(browser.eval("document.querySelectorAll('#page .scripts button').length"), 5);
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
        ("status(not run)", 2),
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
    // Words that are misspelt found nothing and were taken for facts.
    let misspelt = ["status(fial)", "status(FAIL)", "status(not-run)", "rfc(6455)", "level(must|should)"];
    let wrong = ["id(5.*", "nto status(fail)(", "colour(red)", "time(1s)", "size(>5pt)", "needs(tsl)"];
    for wrong in wrong.iter().chain(&misspelt) {
        browser.go("#?", "!document.querySelector('#query').classList.contains('wrong')");
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
    browser.wait("document.querySelector('#query').value.startsWith('status(fail) or status(')");
    browser.press("?");
    browser.wait("document.querySelector('#keys').open");
    browser.eval("document.querySelector('#keys-on').click(); document.querySelector('#keys').close()");
    let before = browser.text("location.href");
    browser.press("j");
    assert_eq!(browser.text("location.href"), before);
}
