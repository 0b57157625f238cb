//! The parts beside the cases: requirements, run, baseline.

use super::*;
use crate::record::{Excuse, HostRecord, SettingRecord};

#[test]
fn requirements_that_no_case_tests_and_those_of_other_cases_are_listed_as_such() {
    let page = index_page(&sample(vec![passed("a", "1.1.1"), passed("b", "1.1.1")]));
    let rules = page.split("id=\"rfc\"").nth(1).and_then(|rest| rest.split("</section>").next()).unwrap();
    let row =
        |text: &str| rules.split("<tr").find(|row| row.contains(text)).unwrap_or_else(|| panic!("{text}"));
    assert!(row("a browser sends Origin").contains("colspan=\"2\">no case tests it<"));
    assert!(row("a text message carries UTF-8").contains("1 / 1"));
    let other = row("a Close is answered with a Close unless");
    assert!(other.contains("not in this run") && other.contains("7.1.1"), "{other}");
    assert!(rules.matches("no case tests it").count() > 40);
}

#[test]
fn the_run_tells_host_configuration_and_redactions_and_names_nobody() {
    let mut report = sample(vec![passed("a", "1.1.1")]);
    report.run.host = Some(Box::new(HostRecord { os: "linux".into(), arch: "x86_64".into(), cores: 2 }));
    let origin = "wsspec.toml:3 (profile ci)".to_owned();
    report.run.config = vec![SettingRecord { key: "jobs".into(), values: vec!["4".into()], origin }];
    report.cases[0].handshake.redacted = 3;
    let page = index_page(&report);
    for part in [
        "linux on x86_64, 2 cores",
        "<th scope=\"row\">jobs</th><td><code>4</code></td><td>wsspec.toml:3 (profile ci)</td>",
        "3 secrets in opening handshakes were replaced",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn the_command_of_a_run_stands_among_its_facts_word_by_word_and_once() {
    let mut report = sample(vec![passed("a", "1.1.1")]);
    report.run.argv = ["run", "ws://127.0.0.1:9001", "--agent", "my <lib>"].map(str::to_owned).to_vec();
    for page in [super::report(&report).unwrap(), index_page(&report)] {
        let facts = page.split("<caption>Facts</caption>").nth(1).expect("there are facts");
        let rows = facts.split("</table>").next().unwrap().split("</tr>");
        let commands: Vec<&str> = rows.filter(|row| row.contains(">command</th>")).collect();
        assert_eq!(commands.len(), 1, "{commands:?}");
        let words = commands[0].split("<span class=\"word\">").skip(1);
        let words: Vec<&str> = words.map(|word| word.split("</span>").next().unwrap()).collect();
        let expected = ["wsspec", "run", "ws://127.0.0.1:9001", "--agent", "&#39;my &lt;lib&gt;&#39;"];
        assert_eq!(words, expected, "{commands:?}");
    }
}

#[test]
fn the_issue_of_a_known_failure_is_a_link_only_if_it_is_an_address_of_https() {
    for (issue, is_link) in [
        ("https://example.org/97", true),
        ("http://example.org/97", false),
        ("javascript:alert(1)", false),
        ("https://x\" onclick=\"alert(1)", false),
        ("https://", false),
        ("#97", false),
    ] {
        let mut case = failed("a", "2.1");
        case.outcome = Some(Standing::Known);
        case.known = Some(Excuse { reason: "late".to_owned(), issue: Some(issue.to_owned()) });
        for html in documents(&sample(vec![case])) {
            let links = html.matches(&format!("href=\"{issue}\"")).count();
            assert_eq!(links > 0, is_link && html.contains("late"), "{issue}");
        }
    }
}

#[test]
fn a_requirement_is_not_blamed_for_a_check_of_another_clause() {
    let mut case = failed("a", "5.15");
    let rule = case.rules[0].summary.clone();
    let verdict = |cases: &[&CaseRecord]| {
        let page = index_page(&sample(cases.iter().copied().cloned().collect()));
        let rules = page.split("id=\"rfc\"").nth(1).unwrap();
        rules.split("<tr").find(|row| row.contains(&rule)).unwrap().contains("FAIL")
    };
    assert!(verdict(&[&case]));
    for check in case.checks.iter_mut().filter(|check| !check.ok) {
        check.rfc = crate::record::Clause::parse("6455#7.4");
    }
    assert!(verdict(&[&case]), "no other row tells of it");
    let mut closing = CaseRecord { id: "7.9.1".parse().unwrap(), ..case.clone() };
    closing.rules[0].rfc = crate::record::Clause::parse("6455#7.4").unwrap();
    closing.rules[0].summary = "only codes that are defined are sent".to_owned();
    assert!(!verdict(&[&case, &closing]));
}

/// A server that exits after the first case: what did not run stood as such in the table, and was counted nowhere.
#[test]
fn cases_that_the_run_did_not_come_to_are_counted() {
    let mut report =
        sample(vec![passed("a", "2.1"), passed("b", "2.1"), passed("b", "2.2"), passed("b", "5.1")]);
    let cases = ["2.2", "2.3"].map(str::to_owned).to_vec();
    report.run.selected = 3;
    let end = report.end.as_mut().unwrap();
    (end.complete, end.not_run) = (false, vec![NotRun { agent: "a".into(), cases }]);
    let page = index_page(&report);
    let rating = page.split("class=\"ratings\"").nth(1).and_then(|rest| rest.split("</li>").next()).unwrap();
    assert!(rating.contains(">2&nbsp;not run</span>"), "{rating}");
    // What was not selected for an implementation stands in the table, too: three cells of `a`, one of `b`.
    let chip = page.split("<button").find(|chip| chip.contains("data-word=\"not run\"")).unwrap();
    assert!(chip.contains(">not run 4<") && !chip.contains("disabled"), "{chip}");
    let section = |number: &str| {
        page.split("<tbody").find(|part| part.contains(&format!("data-section=\"{number}\""))).unwrap()
    };
    assert!(
        section("2").contains("data-open") && section("2").contains("<td>1 / 3</td><td>2 / 2</td>"),
        "{}",
        section("2")
    );
    assert!(!section("5").contains("data-open") && section("5").contains("<td>0 / 0</td><td>1 / 1</td>"));
}

/// A case that failed once, in a run without a baseline.
#[test]
fn a_flaky_case_was_told_against_a_baseline_that_there_was_not() {
    let mut case = failed("a", "2.1");
    case.outcome = Some(Standing::Flaky);
    let mut report = sample(vec![case]);
    let page = index_page(&report);
    assert!(page.contains(">Flaky</a>") && page.contains("<h2>Flaky results</h2>"), "{page}");
    assert!(!page.contains("Baseline</a>") && !page.contains("Against the baseline"));
    report.run.baseline = Some("known.toml".to_owned());
    let page = index_page(&report);
    assert!(page.contains(">Baseline</a>") && page.contains("<h2>Against the baseline</h2>"));
}

#[test]
fn links_to_the_rules_told_where_they_came_from() {
    for page in documents(&every_verdict()) {
        for link in page.split("<a ").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let is_outside = link.contains("href=\"https:");
            assert!(!is_outside || link.contains("rel=\"noreferrer noopener\""), "{link}");
        }
    }
}
