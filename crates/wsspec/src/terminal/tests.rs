//! The texts as a reader sees them, from the record of a real run against a server with two defects.

use std::time::Duration;

use wsspec_cases::suite;
use wsspec_engine::Verdict;
use wsspec_report::diff::{Difference, Slower};
use wsspec_report::record::{CaseRecord, Dir, Happening, LogLine, NotRun, Report, Standing, read};
use wsspec_report::summary::causes;

use super::lines::{self, Remark};
use super::opening::{self, Announced};
use super::{Style, detail, failure, summary};
use crate::cli::Theme;
use crate::run::schedule::Restarted;

/// Every way in which text may have to be dressed.
const WAYS: [(&str, Style); 7] = [
    ("80 columns, ASCII", Style::PLAIN),
    ("80 columns, UTF-8", Style { ascii: false, ..Style::PLAIN }),
    ("80 columns, UTF-8, colour", Style { theme: Some(Theme::Default), ascii: false, ..Style::PLAIN }),
    ("80 columns, ASCII, colour", Style { theme: Some(Theme::Default), ..Style::PLAIN }),
    ("60 columns, ASCII", Style { width: 60, ..Style::PLAIN }),
    (
        "60 columns, ASCII, colour for the colour-blind",
        Style { theme: Some(Theme::Blue), width: 60, ..Style::PLAIN },
    ),
    ("50 columns, UTF-8", Style { ascii: false, width: 50, ..Style::PLAIN }),
];
const COLOUR: Style = Style { theme: Some(Theme::Default), ascii: false, ..Style::PLAIN };

/// A mock-up in all ways; colours as readable marks.
fn in_all_ways(render: impl Fn(Style) -> String) -> String {
    let show = |(way, style): (&str, Style)| format!("=== {way}\n{}\n", visible(&render(style)));
    WAYS.map(show).join("\n")
}

fn report() -> Report {
    read(include_str!("testdata/results.jsonl")).unwrap()
}

fn blocks(style: Style) -> String {
    let report = report();
    let causes = causes(&report.cases);
    causes.iter().map(|cause| failure::block(cause, "report.html", style)).collect::<Vec<_>>().join("\n\n")
}

fn summary(style: Style) -> String {
    let report = report();
    report.agents().iter().map(|agent| summary::agent(&report, agent, suite(), style)).collect()
}

/// Colours as readable marks.
fn visible(text: &str) -> String {
    text.replace('\x1b', "\\e")
}

/// Mock-up A without its bar: the first lines, failures as they happen, what stands below the bar.
fn running(style: Style) -> String {
    let asked = ["@core".to_owned()];
    let what = Announced { cases: 247, asked: &asked, jobs: 8, seed: "7f3a91", out: "wsspec-out" };
    let mut lines = vec![
        opening::run(&what, style),
        opening::target("ws://127.0.0.1:9001", Duration::from_millis(3), true, style),
        opening::agent("mylib/2.3", true, true, false, style),
        String::new(),
    ];
    let report = report();
    for record in report.cases.iter().filter(|record| record.verdict.is_failure()) {
        let like = record.id.to_string() == "5.16";
        let remark = if like { Remark::Like("5.15".parse().unwrap()) } else { Remark::Found };
        lines.push(lines::case(record, &remark, false, style));
    }
    lines.push(lines::slow(&["6.4.2".to_owned()], Duration::from_secs(2), Duration::from_secs(10), style));
    lines.join("\n")
}

#[test]
fn mock_up_a_running() {
    insta::assert_snapshot!("running", in_all_ways(running));
}

#[test]
fn mock_up_b_failure_blocks() {
    insta::assert_snapshot!("blocks", in_all_ways(blocks));
}

#[test]
fn mock_up_c_summary() {
    insta::assert_snapshot!("summary", in_all_ways(summary));
}

#[test]
fn the_rating_stays_however_long_the_name_of_the_agent_is() {
    let mut report = report();
    let name = wsspec_report::Untrusted::from("evil ".repeat(40).as_str());
    report.cases.iter_mut().for_each(|record| record.agent = name.clone());
    for (_, style) in WAYS {
        let text = summary::agent(&report, &name, suite(), Style { theme: None, ..style });
        let head = text.lines().next().unwrap();
        assert!(head.contains("NOT CONFORMANT") && head.chars().count() <= style.width, "{head}");
    }
}

/// Mock-up H: what is worse, new and slower than in an earlier run.
fn compared(style: Style) -> String {
    let now = report();
    let mut earlier = now.cases.clone();
    earlier.retain(|record| record.id.to_string() != "1.1.2");
    for record in earlier.iter_mut().filter(|record| record.slug != "ping-of-126") {
        record.verdict = Verdict::Pass;
    }
    let (earlier, now): (Vec<_>, Vec<_>) = (earlier.iter().collect(), now.cases.iter().collect());
    let mut difference = Difference::between(&earlier, &now);
    let (old, new) = (Duration::from_millis(580), Duration::from_millis(1100));
    difference.slower = vec![Slower { id: "7.1.6".parse().unwrap(), old, new }];
    difference.noise = Some(0.12);
    crate::commands::diff::text(&difference, style)
}

#[test]
fn mock_up_h_diff_with_timing() {
    insta::assert_snapshot!("diff", in_all_ways(compared));
}

#[test]
fn mock_up_i_explain() {
    let page = |style| crate::commands::explain::explain("7.1.2", suite(), style).unwrap();
    insta::assert_snapshot!("explain", in_all_ways(page));
}

#[test]
fn a_failure_block_holds_rule_marked_frame_and_command() {
    let text = blocks(Style::PLAIN);
    for part in [
        "MUST   RFC 6455 section 5.4",
        "expected   The connection is failed",
        "observed",
        "octets of the marked frame",
        "wsspec run ws://127.0.0.1:9001 5.15",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_sent_frame_that_is_marked_had_nothing_expected_beside_it() {
    let mut report = report();
    let record = report.cases.iter_mut().find(|record| record.slug == "orphan-continuation").unwrap();
    let sent = |what: &Happening| matches!(what, Happening::Frame { dir: Dir::Tx, .. });
    let line = record.events.iter().find(|line| sent(&line.what)).unwrap().i;
    record.checks.iter_mut().find(|check| !check.ok).unwrap().event = Some(line);
    let text = failure::block(&causes(&report.cases)[0], "report.html", Style::PLAIN);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let [marked, expected, observed] = ["(!)", "-          expected", "+          observed"].map(at);
    assert!(marked < expected && expected < observed, "{text}");
    at("octets of the marked frame (sent, 15 octets)");
}

#[test]
fn of_many_rows_that_which_is_marked_is_not_left_out() {
    let mut report = report();
    let record = report.cases.iter_mut().find(|record| record.slug == "orphan-continuation").unwrap();
    let at = record.events.iter().position(|line| Some(line.i) == record.deviation()).unwrap();
    let marked = record.events[at].clone();
    let copies = |from: usize| (from..from + 40).map(|i| LogLine { i, ..marked.clone() }).collect::<Vec<_>>();
    record.events.splice(at + 1..at + 1, copies(2000));
    record.events.splice(at..at, copies(1000));
    let text = failure::block(&causes(&report.cases)[0], "report.html", Style::PLAIN);
    assert!(text.contains("\n-          expected") && text.contains("\n+  "), "{text}");
    assert!(text.contains("rows not shown") && text.lines().count() < 70, "{text}");
}

#[test]
fn lines_of_cases() {
    let report = report();
    let mut text = String::new();
    for record in &report.cases {
        for remark in [Remark::Found, Remark::Like("5.15".parse().unwrap()), Remark::Took] {
            text.push_str(&lines::case(record, &remark, false, Style::PLAIN));
            text.push('\n');
        }
    }
    insta::assert_snapshot!("lines", text);
}

#[test]
fn what_a_failure_is_like_is_told_at_every_width() {
    let mut report = report();
    let record = report.cases.iter_mut().find(|record| record.slug == "orphan-continuation").unwrap();
    for slug in ["ping", "orphan-continuation", "a-name-that-is-longer-than-any-of-those-that-there-are"] {
        record.slug = slug.to_owned();
        for (width, several) in (40..=100).flat_map(|width| [(width, false), (width, true)]) {
            let style = Style { width, ..Style::PLAIN };
            let text = lines::case(record, &Remark::Like("5.15".parse().unwrap()), several, style);
            assert!(text.ends_with(" as 5.15"), "{width}: {text}");
            assert!(width < 60 || text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
        }
    }
}

#[test]
fn the_column_of_clauses_was_one_too_narrow_for_its_longest() {
    let mut report = report();
    let record = report.cases.iter_mut().find(|record| record.slug == "ping-of-126").unwrap();
    let mut columns = Vec::new();
    for section in ["5.4", "5.5.2"] {
        let failed = record.checks.iter_mut().filter(|check| !check.ok);
        failed.flat_map(|check| &mut check.rfc).for_each(|clause| clause.section = section.into());
        let line = |several| lines::case(record, &Remark::Took, several, Style::PLAIN);
        assert!(line(true).contains(&format!("RFC 6455 {section} ")), "{}", line(true));
        columns.push((line(true).find("mylib"), line(false).find("0.3 ms")));
    }
    assert!(columns[0].0.is_some() && columns[0] == columns[1], "{columns:?}");
}

#[test]
fn a_clause_with_five_numbers_moved_what_stands_behind_it() {
    let mut report = report();
    let record = report.cases.iter_mut().find(|record| record.slug == "ping-of-126").unwrap();
    record.slug = "ping".to_owned();
    for (width, several) in [(80, false), (80, true), (100, false), (60, true)] {
        let mut columns = Vec::new();
        for section in ["5.4", "7.2.3.6", "7.2.3.6.1", "17.12.13.16"] {
            let failed = record.checks.iter_mut().filter(|check| !check.ok);
            failed.flat_map(|check| &mut check.rfc).for_each(|clause| clause.section = section.into());
            let line = lines::case(
                record,
                &Remark::Like("5.15".parse().unwrap()),
                several,
                Style { width, ..Style::PLAIN },
            );
            assert!(width < 80 || line.contains(&format!("RFC 6455 {section} ")), "{line}");
            assert!(line.chars().count() <= width, "{width}: {line}");
            columns.push(line.find(" as 5.15"));
        }
        assert!(columns.iter().all(|column| *column == columns[0]), "{width}: {columns:?}");
    }
}

#[test]
fn cases_of_several_implementations_stood_in_one_list_without_their_names() {
    let report = report();
    let mut other = report.cases.clone();
    other.iter_mut().for_each(|record| record.agent = "other".into());
    let all = causes(report.cases.iter().chain(&other));
    let cause = all.iter().find(|cause| cause.cases[0].slug == "orphan-continuation").unwrap();
    let text = failure::block(cause, "", Style::PLAIN);
    let name = report.cases[0].agent.raw();
    assert!(text.contains(&format!("\n     {name}: 5.16   other: 5.15 5.16   same check")), "{text}");
    assert!(blocks(Style::PLAIN).contains("\n     5.16   same check"));
}

#[test]
fn details() {
    let report = report();
    let record = report.cases.iter().find(|record| record.slug == "orphan-continuation").unwrap();
    insta::assert_snapshot!("detail_octets", detail::render(record, 4, Style::PLAIN));
    let frames = detail::render(record, 3, Style::PLAIN);
    assert!(detail::render(record, 2, Style::PLAIN).len() < frames.len());
    insta::assert_snapshot!("detail_frames", frames);
}

#[test]
fn a_quiet_run_has_one_line_for_each_cause_and_for_what_is_flaky() {
    let mut report = report();
    let lines = summary::short(&report, |record| record.verdict.is_failure(), Style::PLAIN);
    let heads: Vec<&String> = lines.iter().filter(|line| line.starts_with("   FAIL")).collect();
    assert!(heads.len() == 2 && heads[0].starts_with("   FAIL        5.15 5.16: "), "{lines:#?}");
    let passed = &mut report.cases[0];
    passed.outcome = Some(Standing::Flaky);
    passed.summary = "at first it was wrong".into();
    let flaky = summary::short(&report, |record| record.outcome.is_some(), Style::PLAIN);
    assert_eq!(flaky, ["   flaky       1.1.2: at first it was wrong"]);
}

#[test]
fn cases_that_did_not_run_are_in_the_summary() {
    let mut report = report();
    let (agent, cases) = (report.cases[0].agent.clone(), vec!["6.4.1".to_owned(), "6.4.2".to_owned()]);
    let end = report.end.as_mut().unwrap();
    end.not_run = vec![NotRun { agent: agent.clone(), cases }];
    let text = summary::agent(&report, &agent, suite(), Style::PLAIN);
    assert!(text.contains("   not run     2: 6.4.1 6.4.2\n"), "{text}");
}

#[test]
fn every_frame_is_decoded_in_full() {
    let report = report();
    let record = report.cases.iter().find(|record| record.slug == "orphan-continuation").unwrap();
    let text = detail::render(record, 3, Style::PLAIN);
    for part in [
        "> Continuation fin=0 rsv=000 mask=284e4c1c length=9\n             (!) nothing to continue\n             \"fragment3\"\n",
        "< Text fin=1 rsv=000 mask=none length=18\n             \"fragment1fragment2\"",
        "code 1001 (going away), reason\n             \"Going Away\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let shown = |level| detail::render(record, level, Style::PLAIN);
    assert!(!shown(2).contains("mask=") && shown(3).len() < shown(4).len());
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let explain = |style| crate::commands::explain::explain("5.*", suite(), style).unwrap();
    for (way, style) in WAYS {
        let style = Style { theme: None, ..style };
        for text in [running(style), blocks(style), summary(style), explain(style)] {
            for line in text.lines() {
                let to_be_typed = ["again ", "page ", "target ", "wsspec 0", "agent "]
                    .iter()
                    .any(|word| line.contains(word));
                assert!(
                    to_be_typed && line.chars().count() <= 80 || line.chars().count() <= style.width,
                    "{way}: {line}"
                );
                assert!(!style.ascii || line.is_ascii(), "{way}: {line}");
            }
        }
    }
}

#[test]
fn below_60_columns_the_diagram_is_a_list() {
    let [wide, narrow] = [60, 59].map(|width| blocks(Style { width, ..Style::PLAIN }));
    assert!(wide.contains("--->") && !narrow.contains("--->"), "{narrow}");
    assert!(narrow.contains("   > Text fin=0") && narrow.contains("   < Text fin=1"), "{narrow}");
}

#[test]
fn paths_are_links_only_where_they_may_be() {
    let linked = Style { links: true, ..COLOUR };
    let path = linked.path("out dir/report.html", "5.15");
    assert!(
        path.starts_with("\x1b]8;;file:///")
            && path.contains("out%20dir/report.html#5.15\x1b\\out dir/report.html#5.15")
    );
    assert_eq!(COLOUR.path("a/report.html", ""), "a/report.html");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let coloured = summary(COLOUR);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, escape)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = escape.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, summary(Style { theme: None, ..COLOUR }));
}

#[test]
fn the_death_of_a_process_wrapped_on_60_columns() {
    let restarted = |in_flight| Restarted {
        how: "exited: signal 11 (SIGSEGV)".to_owned(),
        took: Duration::from_millis(285),
        in_flight,
        number: 1,
        of: 3,
        shared: 1,
        lines: vec!["thread 'conn-61' panicked at src/utf8.rs:88: index out of bounds".to_owned()],
        next: "22.7.1".parse().ok(),
    };
    for in_flight in [1, 2] {
        let text = lines::restarted(&restarted(in_flight), Style { width: 60, ..Style::PLAIN });
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }
}

#[test]
fn a_block_says_that_frames_were_left_out_of_a_short_record() {
    let mut report = report();
    report.cases.iter_mut().for_each(CaseRecord::shorten);
    for style in [Style::PLAIN, Style { width: 60, ..Style::PLAIN }] {
        let block = failure::block(&causes(&report.cases)[0], "report.html", style);
        assert!(block.contains("   not kept   frames and log: the record of the run had"), "{block}");
        assert!(block.contains("   observed   ") && !block.contains("octets of the marked frame"), "{block}");
        // A command that is to be copied is one line.
        let mut told = block.lines().filter(|line| !line.starts_with("   again"));
        assert!(told.all(|line| line.chars().count() <= style.width), "{block}");
    }
}
