//! One failure: the rule, what was expected, what came, the octets, how to run it again.

use wsspec_report::record::{CaseRecord, Happening};

use super::lines::clause;
use super::style::{Style, Tone};
use super::{diagram, octets};
use crate::text::wrap;

/// Failures that look the same.
#[derive(Debug)]
pub struct Cause<'a> {
    /// The one that is shown.
    pub first: &'a CaseRecord,
    /// The others.
    pub others: Vec<&'a CaseRecord>,
}

/// Groups failures by cause, in the order of the cases. Different agents never share a group.
pub fn causes<'a>(failures: impl IntoIterator<Item = &'a CaseRecord>) -> Vec<Cause<'a>> {
    let mut causes: Vec<Cause<'a>> = Vec::new();
    for record in failures {
        let same = |cause: &&mut Cause<'_>| {
            record.cause.is_some() && cause.first.cause == record.cause && cause.first.agent == record.agent
        };
        match causes.iter_mut().find(same) {
            Some(cause) => cause.others.push(record),
            None => causes.push(Cause { first: record, others: Vec::new() }),
        }
    }
    causes
}

/// The block of a cause.
pub fn block(cause: &Cause<'_>, report: &str, style: Style) -> String {
    let record = cause.first;
    let mut out = vec![heading(record, style)];
    if !cause.others.is_empty() {
        let ids: Vec<String> = cause.others.iter().map(|other| other.id.to_string()).collect();
        for line in wrap(&format!("{} look the same", ids.join(" ")), style.width.saturating_sub(5)) {
            out.push(format!("     {line}"));
        }
    }
    out.push(String::new());
    out.extend(wrap(&record.title, style.width - 2).into_iter().map(|line| format!(" {line}")));
    out.push(String::new());
    out.extend(expected_and_observed(record, style));
    out.push(String::new());
    let marked = record.first_failed().and_then(|check| check.event);
    out.extend(diagram::render(record, marked, style));
    out.extend(marked_frame(record, marked));
    out.push(String::new());
    out.extend(what_next(record, report));
    out.join("\n")
}

fn heading(record: &CaseRecord, style: Style) -> String {
    let level = record.first_failed().map_or_else(|| record.level(), |check| check.level);
    let left = format!("{} {} {}", Style::label(record.verdict), record.id, record.slug);
    let right = format!("{}   {}", level.name(), clause(record));
    let gap = style.width.saturating_sub(left.chars().count() + right.chars().count()).max(2);
    format!("{}{}{right}", style.verdict(record.verdict, &left), " ".repeat(gap))
}

fn expected_and_observed(record: &CaseRecord, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for check in record.checks.iter().filter(|check| !check.ok) {
        out.extend(fact("expected", Tone::Good, &check.expected.for_terminal(400), style));
        out.extend(fact("observed", Tone::Bad, &check.observed.for_terminal(400), style));
    }
    if out.is_empty() {
        out.extend(fact("expected", Tone::Good, &record.expectation, style));
        out.extend(fact("observed", Tone::Bad, &record.summary.for_terminal(400), style));
    }
    out
}

fn fact(label: &str, tone: Tone, text: &str, style: Style) -> Vec<String> {
    const INDENT: usize = 14;
    let mut lines = wrap(text, style.width.saturating_sub(INDENT).max(20)).into_iter();
    let first = lines.next().unwrap_or_default();
    let mut out = vec![format!("   {}   {first}", style.paint(tone, label))];
    out.extend(lines.map(|line| format!("{:INDENT$}{line}", "")));
    out
}

fn marked_frame(record: &CaseRecord, marked: Option<usize>) -> Vec<String> {
    let Some(line) = record.events.iter().find(|line| Some(line.i) == marked) else { return Vec::new() };
    let Happening::Frame { dir, wire, data, .. } = &line.what else { return Vec::new() };
    let way = if *dir == wsspec_report::record::Dir::Tx { "sent" } else { "received" };
    let mut out = vec![String::new(), format!("   octets of the marked frame ({way})")];
    out.extend(octets::annotate(wire, data).into_iter().map(|row| format!("     {row}")));
    out
}

fn what_next(record: &CaseRecord, report: &str) -> Vec<String> {
    let mut out = Vec::new();
    if !record.repro.is_empty() {
        out.push(format!("   again    {}", shell(&record.repro)));
    }
    out.push(format!("   why      wsspec explain {}", record.id));
    out.push(format!("   page     {report}#{}", record.id));
    out
}

/// A command as it can be typed into a POSIX shell.
pub fn shell(words: &[String]) -> String {
    let quote = |word: &String| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&b);
        if !word.is_empty() && word.bytes().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}
