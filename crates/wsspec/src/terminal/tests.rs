//! The texts as a reader sees them, from the record of a real run against a server with two defects.

use wsspec_cases::suite;
use wsspec_report::record::{Report, read};
use wsspec_report::summary::causes;

use super::lines::{self, Remark};
use super::{Style, detail, failure, summary};
use crate::cli::Theme;

const NARROW: Style = Style { width: 56, ..Style::PLAIN };
const COLOUR: Style = Style { theme: Some(Theme::Default), ascii: false, width: 80 };

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

#[test]
fn failure_blocks() {
    insta::assert_snapshot!("blocks", blocks(Style::PLAIN));
    insta::assert_snapshot!("blocks_narrow", blocks(NARROW));
}

#[test]
fn a_failure_block_holds_rule_marked_frame_and_command() {
    let text = blocks(Style::PLAIN);
    for part in
        ["MUST   RFC 6455 5.4", "(!)", "octets of the marked frame", "wsspec run ws://127.0.0.1:9001 5.15"]
    {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn summaries() {
    insta::assert_snapshot!("summary", summary(Style::PLAIN));
    insta::assert_snapshot!("summary_colour", visible(&summary(COLOUR)));
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
fn details() {
    let report = report();
    let record = report.cases.iter().find(|record| record.slug == "orphan-continuation").unwrap();
    insta::assert_snapshot!("detail_octets", detail::render(record, 4, Style::PLAIN));
    assert!(detail::render(record, 2, Style::PLAIN).len() < detail::render(record, 3, Style::PLAIN).len());
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    for style in [Style::PLAIN, NARROW] {
        for line in blocks(style).lines().chain(summary(Style { width: 80, ..style }).lines()) {
            let to_be_typed = line.contains("again ");
            assert!(to_be_typed || line.chars().count() <= style.width.max(80), "{line}");
        }
    }
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
