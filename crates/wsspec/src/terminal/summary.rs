//! The end of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use wsspec_cases::{Level, Suite};
use wsspec_engine::Verdict;
use wsspec_report::record::{CaseRecord, Standing};

use super::failure::causes;
use super::lines::{agent_name, cut};
use super::style::Style;
use crate::text::{self, count, wrap};

/// The rule that makes a rating of verdicts, printed next to it.
pub const RATING_RULE: u32 = 1;

/// The overall rating of one agent (rating rule 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Rating {
    Strict,
    Conformant,
    NotConformant,
    Incomplete,
}

impl Rating {
    /// The rating of these results; `missing`: cases did not run.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>, missing: bool) -> Self {
        let mut rating = if missing { Self::Incomplete } else { Self::Strict };
        for verdict in verdicts {
            match verdict {
                verdict if verdict.is_failure() => return Self::NotConformant,
                Verdict::Error | Verdict::NotRun => rating = Self::Incomplete,
                Verdict::NonStrict if rating == Self::Strict => rating = Self::Conformant,
                _ => {}
            }
        }
        rating
    }

    /// The word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Conformant => "conformant",
            Self::NotConformant => "not-conformant",
            Self::Incomplete => "incomplete",
        }
    }
}

/// Ids that are printed of one cause.
const IDS: usize = 12;

/// The part of the summary that is about one agent.
pub fn agent(name: &str, records: &[&CaseRecord], missing: usize, suite: &Suite, style: Style) -> String {
    let mut out = vec![heading(name, records, missing, style), String::new()];
    out.extend(table(records, suite));
    out.push(String::new());
    out.extend(groups(records, style));
    out.extend(slowest(records));
    out.join("\n")
}

fn heading(name: &str, records: &[&CaseRecord], missing: usize, style: Style) -> String {
    let rating = Rating::of(records.iter().map(|record| record.verdict), missing > 0);
    let failed: Vec<&CaseRecord> =
        records.iter().copied().filter(|record| record.verdict.is_failure()).collect();
    let words = match rating {
        Rating::Strict => "STRICT".to_owned(),
        Rating::Conformant => "CONFORMANT".to_owned(),
        Rating::Incomplete => format!("INCOMPLETE: {} not run", count(missing, "case")),
        Rating::NotConformant => {
            let causes = causes(failed.iter().copied()).len();
            format!("NOT CONFORMANT: {}, {}", count(failed.len(), "failure"), count(causes, "cause"))
        }
    };
    style.rule(&format!("{}   {words}", agent_name(name)), &format!("rating rule {RATING_RULE}"))
}

const COLUMNS: [(&str, &[Verdict]); 5] = [
    ("pass", &[Verdict::Pass]),
    ("non-strict", &[Verdict::NonStrict]),
    ("fail", &[Verdict::Fail, Verdict::Timeout, Verdict::Crash, Verdict::Error]),
    ("n/a", &[Verdict::NotApplicable]),
    ("info", &[Verdict::Info]),
];

fn table(records: &[&CaseRecord], suite: &Suite) -> Vec<String> {
    let mut by_section: BTreeMap<u16, [usize; COLUMNS.len()]> = BTreeMap::new();
    let mut total = [0; COLUMNS.len()];
    for record in records {
        let row = by_section.entry(record.id.section()).or_default();
        for (column, (_, verdicts)) in COLUMNS.iter().enumerate() {
            if verdicts.contains(&record.verdict) {
                row[column] += 1;
                total[column] += 1;
            }
        }
    }
    let mut out = vec![format!("   {:<28}{}", "section", cells(&COLUMNS.map(|(name, _)| name.to_owned())))];
    let numbers = |row: &[usize; COLUMNS.len()]| {
        cells(&row.map(|number| if number == 0 { ".".to_owned() } else { number.to_string() }))
    };
    for (number, row) in &by_section {
        let title = suite.sections().iter().find(|section| section.number == *number);
        let title = title.map_or("", |section| section.title);
        out.push(format!("   {number:<4}{:<24}{}", cut(title, 23), numbers(row)));
    }
    out.push(format!("       {:<24}{}   = {} run", "total", numbers(&total), records.len()));
    out
}

fn cells(texts: &[String; COLUMNS.len()]) -> String {
    let widths = [6, 12, 6, 6, 6];
    texts.iter().zip(widths).map(|(text, width)| format!("{text:>width$}")).collect()
}

/// What is not a pass, by cause.
fn groups(records: &[&CaseRecord], style: Style) -> Vec<String> {
    let mut out = Vec::new();
    let bad = records.iter().copied().filter(|record| {
        record.verdict.is_failure() || matches!(record.verdict, Verdict::NonStrict | Verdict::Error)
    });
    let mut causes = causes(bad);
    causes.sort_by_key(|cause| (!cause.first.verdict.is_failure(), cause.first.id));
    for cause in causes {
        let ids = ids(std::iter::once(cause.first).chain(cause.others.iter().copied()));
        let label = style.verdict(cause.first.verdict, &format!("{:<11}", Style::label(cause.first.verdict)));
        let level = cause.first.first_failed().map_or(Level::Must, |check| check.level);
        let what = format!("{} ({})", cause.first.summary.for_terminal(200), level.name());
        out.extend(labelled(&label, &format!("{ids}: {what}"), style));
    }
    let flaky = records.iter().copied().filter(|record| record.outcome == Some(Standing::Flaky));
    let flaky = ids(flaky);
    if !flaky.is_empty() {
        let text = format!("{flaky}: failed at first, not when run again alone");
        out.extend(labelled(&format!("{:<11}", "flaky"), &text, style));
    }
    out
}

/// The ids, the first ones if there are many.
fn ids<'a>(records: impl Iterator<Item = &'a CaseRecord>) -> String {
    let mut ids: Vec<String> = records.map(|record| record.id.to_string()).collect();
    let more = ids.len().saturating_sub(IDS);
    if more > 1 {
        ids.truncate(IDS);
        ids.push(format!("and {more} more"));
    }
    ids.join(" ")
}

fn labelled(label: &str, text: &str, style: Style) -> Vec<String> {
    let mut lines = wrap(text, style.width.saturating_sub(15).max(20)).into_iter();
    let first = lines.next().unwrap_or_default();
    std::iter::once(format!("   {label} {first}"))
        .chain(lines.map(|line| format!("{:15}{line}", "")))
        .collect()
}

fn slowest(records: &[&CaseRecord]) -> Vec<String> {
    let mut slow: Vec<&&CaseRecord> = records.iter().filter(|record| record.duration_us >= 500_000).collect();
    slow.sort_by_key(|record| std::cmp::Reverse(record.duration_us));
    if slow.is_empty() {
        return Vec::new();
    }
    let times: Vec<String> = slow
        .iter()
        .take(3)
        .map(|record| format!("{} {}", record.id, text::duration(Duration::from_micros(record.duration_us))))
        .collect();
    vec![format!("   slowest     {}", times.join("   "))]
}
