//! The end of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use wsspec_cases::{CaseId, Suite};
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Report, Standing};
use wsspec_report::summary::{AgentSummary, RATING_RULE, Rating, id_list};

use super::lines::{agent_name, cut};
use super::style::Style;
use crate::text::{self, wrap};

/// Ids that are printed of one cause.
const IDS: usize = 12;

/// The part of the summary that is about one agent.
pub fn agent(report: &Report, agent: &Untrusted, suite: &Suite, style: Style) -> String {
    let summary = AgentSummary::of(report, agent);
    let records: Vec<&CaseRecord> = report.of_agent(agent).collect();
    let mut out = vec![heading(&summary, style), String::new()];
    out.extend(table(&records, suite, style));
    out.push(String::new());
    out.extend(groups(&summary, style));
    out.extend(flaky(&records, style));
    out.extend(slowest(&records));
    out.join("\n")
}

fn heading(summary: &AgentSummary<'_>, style: Style) -> String {
    let rating = &summary.rating;
    let name = style.plain(agent_name(summary.agent.raw()));
    let (word, reason) = match rating {
        Rating::Strict => ("STRICT".to_owned(), String::new()),
        rating => (rating.headline().to_uppercase(), rating.reason().to_string()),
    };
    let right = format!("rating rule {RATING_RULE}");
    let short = format!("{name}   {word}");
    let long = if reason.is_empty() { short.clone() } else { format!("{short}: {reason}") };
    if long.chars().count() + right.chars().count() + "----  --  ----".len() <= style.width {
        return style.rule(&long, &right);
    }
    // The name is the peer's and may be of any length; the rating stays.
    let room = |right: &str| style.width.saturating_sub(right.len() + word.len() + "----     --  ----".len());
    let right = if room(&right) < 8 { format!("rule {RATING_RULE}") } else { right };
    let name = cut(&name, room(&right));
    let head = style.rule(&format!("{name}   {word}"), &right);
    if reason.is_empty() {
        return head;
    }
    let reason = wrap(&reason, style.width.saturating_sub(3).max(20)).join("\n   ");
    format!("{head}\n   {reason}")
}

const COLUMNS: [(&str, &[Verdict]); 5] = [
    ("pass", &[Verdict::Pass]),
    ("non-strict", &[Verdict::NonStrict]),
    ("fail", &[Verdict::Fail, Verdict::Timeout, Verdict::Crash, Verdict::Error]),
    ("n/a", &[Verdict::NotApplicable]),
    ("info", &[Verdict::Info]),
];

/// Below this width names are short.
const NARROW: usize = 80;

fn table(records: &[&CaseRecord], suite: &Suite, style: Style) -> Vec<String> {
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
    let narrow = style.width < NARROW;
    let room = if narrow { style.width.saturating_sub(33).clamp(8, 24) } else { 24 };
    let heads = COLUMNS.map(|(name, _)| if narrow && name == "non-strict" { "ns" } else { name }.to_owned());
    let mut out = vec![format!("   {:<fill$}{}", "section", cells(&heads, narrow), fill = room + 4)];
    let numbers = |row: &[usize; COLUMNS.len()]| {
        cells(&row.map(|number| if number == 0 { ".".to_owned() } else { number.to_string() }), narrow)
    };
    for (number, row) in &by_section {
        let title = suite.sections().iter().find(|section| section.number == *number);
        let title = cut(title.map_or("", |section| section.title), room - 1);
        out.push(format!("   {number:<4}{title:<room$}{}", numbers(row)));
    }
    let gap = if narrow { "\n       " } else { "   " };
    out.push(format!("       {:<room$}{}{gap}= {} run", "total", numbers(&total), records.len()));
    out
}

fn cells(texts: &[String; COLUMNS.len()], narrow: bool) -> String {
    let widths = if narrow { [5, 5, 5, 5, 5] } else { [6, 12, 6, 6, 6] };
    texts.iter().zip(widths).map(|(text, width)| format!("{text:>width$}")).collect()
}

/// What is not a pass, by cause.
fn groups(summary: &AgentSummary<'_>, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for cause in &summary.causes {
        let label = style.verdict(cause.verdict(), &format!("{:<11}", Style::label(cause.verdict())));
        let text = format!("{}: {}", id_list(&cause.ids(), IDS), cause.headline().for_terminal(200));
        out.extend(labelled(&label, &text, style));
    }
    out
}

fn flaky(records: &[&CaseRecord], style: Style) -> Vec<String> {
    let flaky = records.iter().filter(|record| record.outcome == Some(Standing::Flaky));
    let ids: Vec<CaseId> = flaky.map(|record| record.id).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let text = format!("{}: failed at first, not when run again alone", id_list(&ids, IDS));
    labelled(&format!("{:<11}", "flaky"), &text, style)
}

fn labelled(label: &str, text: &str, style: Style) -> Vec<String> {
    let text = style.plain(text);
    let mut lines = wrap(&text, style.width.saturating_sub(15).max(20)).into_iter();
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
