//! The end of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use wsspec_cases::{CaseId, Suite, suite};
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Report, RunRecord, Standing};
use wsspec_report::story::lack;
use wsspec_report::summary::{AgentSummary, RATING_RULE, Rating, causes, id_list};

use super::lines::{agent_name, cut};
use super::style::Style;
use crate::select;
use crate::text::{self, wrap};

/// Ids that are printed of one cause.
const IDS: usize = 12;

/// The part of the summary that is about one agent.
pub fn agent(report: &Report, agent: &Untrusted, suite: &Suite, style: Style) -> String {
    let summary = AgentSummary::of(report, agent);
    let records: Vec<&CaseRecord> = report.of_agent(agent).collect();
    let is_flaky = |record: &&&CaseRecord| record.outcome == Some(Standing::Flaky);
    let number = records.iter().filter(is_flaky).count();
    let mut out = vec![heading(&summary, number, style), String::new()];
    if !records.is_empty() {
        out.extend(table(&records, suite, style));
        out.push(String::new());
    }
    out.extend(groups(&summary, style));
    out.extend(not_applicable(&records, style));
    out.extend(known(&records, style));
    out.extend(flaky(&records, style));
    out.extend(not_run(report, agent, style));
    out.extend(slowest(&records));
    out.join("\n")
}

/// A line for each cause, and for what differed when it was run again: all that makes the exit status.
pub fn short(report: &Report, counts: impl Fn(&CaseRecord) -> bool, style: Style) -> Vec<String> {
    let several = report.agents().len() > 1;
    let mut out = Vec::new();
    for agent in report.agents() {
        let (flaky, others): (Vec<&CaseRecord>, Vec<&CaseRecord>) = report
            .of_agent(agent)
            .filter(|record| counts(record))
            .partition(|record| record.outcome == Some(Standing::Flaky));
        let name = if several { format!("{}: ", agent_name(agent.raw())) } else { String::new() };
        for cause in causes(others.iter().copied()) {
            let text =
                format!("{name}{}: {}", id_list(&cause.ids(), IDS), cause.headline().for_terminal(200));
            out.extend(labelled(Style::label(cause.verdict()), Some(cause.verdict()), &text, style));
        }
        for record in flaky {
            let text = format!("{name}{}: {}", record.id, record.summary.for_terminal(300));
            out.extend(labelled("flaky", None, &text, style));
        }
    }
    out
}

/// Cases that were selected and did not run.
fn not_run(report: &Report, agent: &Untrusted, style: Style) -> Vec<String> {
    let of_agent = report.end.iter().flat_map(|end| &end.not_run).filter(|other| other.agent == *agent);
    let ids: Vec<&str> = of_agent.flat_map(|other| other.cases.iter().map(String::as_str)).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let more = ids.len().saturating_sub(IDS);
    let more = if more > 0 { format!(" +{more} more") } else { String::new() };
    let shown = ids[..ids.len().min(IDS)].join(" ");
    labelled("not run", None, &format!("{}: {shown}{more}", ids.len()), style)
}

/// `frames 262 (~40 s), limits 54 (~5 s), volume 216 (~5 min; the peer offers deflate)`: what a further run would take.
pub fn not_chosen(run: &RunRecord, deflate: bool, by_default: bool) -> Option<String> {
    let left_out = |(set, cases): (&String, &u64)| {
        let whole = select::SETS.iter().find(|other| other.name == set.as_str());
        let all = whole.map_or(0, |whole| suite().cases().iter().filter(|case| whole.contains(case)).count());
        // Of a set of which most is left out.
        let time =
            TIMES.iter().find(|(name, _)| name == set && cases * 2 > all as u64).map(|(_, time)| *time);
        let why = (set == "deflate" && by_default && !deflate).then_some("not negotiated");
        let notes: Vec<&str> = time.into_iter().chain(why).collect();
        if notes.is_empty() {
            format!("{set} {cases}")
        } else {
            format!("{set} {cases} ({})", notes.join("; "))
        }
    };
    let sets: Vec<String> = run.not_selected.iter().map(left_out).collect();
    let offers = deflate && ["deflate", "volume"].iter().any(|set| run.not_selected.contains_key(*set));
    let offers = if offers { "the peer offers deflate; " } else { "" };
    let all = if run.not_selected.contains_key("many") { "all but many: --set all" } else { "--set all" };
    (!sets.is_empty()).then(|| format!("{}   ({offers}{all})", sets.join(", ")))
}

/// How long sets take, roughly, with a server that works on a machine of two cores.
const TIMES: [(&str, &str); 7] = [
    ("core", "~2 s"),
    ("deflate", "~2 s"),
    ("frames", "~40 s"),
    ("limits", "~5 s"),
    ("volume", "1 to 8 min"),
    ("slow", "~2 min"),
    ("many", "~40 s"),
];

fn heading(summary: &AgentSummary<'_>, flaky: usize, style: Style) -> String {
    let rating = &summary.rating;
    let name = style.plain(agent_name(summary.agent.raw()));
    let (word, reason) = match rating {
        Rating::Strict => ("STRICT".to_owned(), String::new()),
        rating => (rating.headline().to_uppercase(), rating.reason().to_string()),
    };
    let flaky = (flaky > 0).then(|| format!("{flaky} flaky"));
    let reasons: Vec<String> =
        [Some(reason).filter(|reason| !reason.is_empty()), flaky].into_iter().flatten().collect();
    let reason = reasons.join(", ");
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

/// A column of the table: its head, the same where there is little room, its width, and what is counted in it.
struct Column {
    head: &'static str,
    short: &'static str,
    width: usize,
    verdicts: &'static [Verdict],
}

/// The last one is there only if there is something in it.
const COLUMNS: [Column; 6] = [
    Column { head: "pass", short: "pass", width: 6, verdicts: &[Verdict::Pass] },
    Column { head: "non-strict", short: "ns", width: 12, verdicts: &[Verdict::NonStrict] },
    Column {
        head: "fail",
        short: "fail",
        width: 6,
        verdicts: &[Verdict::Fail, Verdict::Timeout, Verdict::Crash],
    },
    Column { head: "n/a", short: "n/a", width: 6, verdicts: &[Verdict::NotApplicable] },
    Column { head: "info", short: "info", width: 6, verdicts: &[Verdict::Info] },
    Column { head: "error", short: "err", width: 7, verdicts: &[Verdict::Error] },
];

/// Below this width names are short.
const NARROW: usize = 80;
/// The width of columns there.
const NARROW_COLUMN: usize = 5;

fn table(records: &[&CaseRecord], suite: &Suite, style: Style) -> Vec<String> {
    let mut by_section: BTreeMap<u16, [usize; COLUMNS.len()]> = BTreeMap::new();
    let mut total = [0; COLUMNS.len()];
    for record in records {
        let row = by_section.entry(record.id.section()).or_default();
        for (place, column) in COLUMNS.iter().enumerate() {
            if column.verdicts.contains(&record.verdict) {
                row[place] += 1;
                total[place] += 1;
            }
        }
    }
    let shown = if total[COLUMNS.len() - 1] > 0 { &COLUMNS[..] } else { &COLUMNS[..COLUMNS.len() - 1] };
    let narrow = style.width < NARROW;
    let width = |column: &Column| if narrow { NARROW_COLUMN } else { column.width };
    let cells = |texts: Vec<String>| -> String {
        shown.iter().zip(texts).map(|(column, text)| format!("{text:>fill$}", fill = width(column))).collect()
    };
    let title = |number: u16| {
        let section = suite.sections().iter().find(|section| section.number == number);
        section.map_or("", |section| section.title)
    };
    let longest = by_section.keys().map(|number| title(*number).chars().count() + 1).max().unwrap_or(0);
    let numbers_wide: usize = shown.iter().map(width).sum();
    let most = style.width.saturating_sub("   12  ".len() + numbers_wide).max(8);
    let room = longest.clamp(24.min(most), most);
    let head = |column: &Column| if narrow { column.short } else { column.head }.to_owned();
    let heads = cells(shown.iter().map(head).collect());
    let mut out = vec![format!("   {:<fill$}{heads}", "section", fill = room + 4)];
    let numbers = |row: &[usize; COLUMNS.len()]| {
        let told = |number: &usize| if *number == 0 { ".".to_owned() } else { number.to_string() };
        cells(row.iter().map(told).collect())
    };
    for (number, row) in &by_section {
        let title = cut(title(*number), room - 1);
        out.push(format!("   {number:<4}{title:<room$}{}", numbers(row)));
    }
    let (sums, ran) = (numbers(&total), format!("= {} run", records.len()));
    let fits = "       ".len() + room + sums.len() + 3 + ran.len() <= style.width;
    let gap = if fits { "   " } else { "\n       " };
    out.push(format!("       {:<room$}{sums}{gap}{ran}", "total"));
    out
}

/// What is not a pass, by cause.
fn groups(summary: &AgentSummary<'_>, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for cause in &summary.causes {
        let text = format!("{}: {}", id_list(&cause.ids(), IDS), cause.headline().for_terminal(300));
        out.extend(labelled(Style::label(cause.verdict()), Some(cause.verdict()), &text, style));
    }
    out
}

/// What does not apply, by reason, with the header that is missing.
fn not_applicable(records: &[&CaseRecord], style: Style) -> Vec<String> {
    let mut by_reason: Vec<(String, Vec<CaseId>)> = Vec::new();
    for record in records.iter().filter(|record| record.verdict == Verdict::NotApplicable) {
        let reason = record.summary.for_terminal(200).trim_end_matches('.').to_owned();
        add(&mut by_reason, reason, record.id);
    }
    for (reason, ids) in &mut by_reason {
        let first = records.iter().find(|record| Some(&record.id) == ids.first());
        let missing = first.and_then(|record| lack(&record.whole())?.missing());
        reason.extend(missing.map(|missing| format!(" ({missing})")));
    }
    told_by_reason(Style::label(Verdict::NotApplicable), Some(Verdict::NotApplicable), by_reason, style)
}

fn add(by_reason: &mut Vec<(String, Vec<CaseId>)>, reason: String, id: CaseId) {
    match by_reason.iter_mut().find(|(other, _)| *other == reason) {
        Some((_, ids)) => ids.push(id),
        None => by_reason.push((reason, vec![id])),
    }
}

/// A line for each reason.
fn told_by_reason(
    label: &str,
    verdict: Option<Verdict>,
    by_reason: Vec<(String, Vec<CaseId>)>,
    style: Style,
) -> Vec<String> {
    let line = |(reason, ids): (String, Vec<CaseId>)| {
        labelled(label, verdict, &format!("{}: {reason}", id_list(&ids, IDS)), style)
    };
    by_reason.into_iter().flat_map(line).collect()
}

/// What the baseline knows, by reason.
fn known(records: &[&CaseRecord], style: Style) -> Vec<String> {
    let mut by_reason: Vec<(String, Vec<CaseId>)> = Vec::new();
    for record in records.iter().filter(|record| record.outcome == Some(Standing::Known)) {
        let reason = record.known.as_ref().map_or_else(String::new, |known| {
            let issue = known.issue.as_ref().map_or_else(String::new, |issue| format!(", {issue}"));
            Untrusted::from(format!("{}{issue}", known.reason)).for_terminal(200)
        });
        add(&mut by_reason, reason, record.id);
    }
    told_by_reason("known", None, by_reason, style)
}

fn flaky(records: &[&CaseRecord], style: Style) -> Vec<String> {
    const SHOWN: usize = 5;
    let flaky: Vec<&&CaseRecord> =
        records.iter().filter(|record| record.outcome == Some(Standing::Flaky)).collect();
    let mut out = Vec::new();
    for record in flaky.iter().take(SHOWN) {
        let text = format!("{}: {}", record.id, record.summary.for_terminal(300));
        out.extend(labelled("flaky", None, &text, style));
    }
    let others: Vec<CaseId> = flaky.iter().skip(SHOWN).map(|record| record.id).collect();
    if !others.is_empty() {
        let text = format!("{}: failed at first too", id_list(&others, IDS));
        out.extend(labelled("flaky", None, &text, style));
    }
    out
}

fn labelled(label: &str, verdict: Option<Verdict>, text: &str, style: Style) -> Vec<String> {
    let label = format!("{label:<11}");
    let label = verdict.map_or_else(|| label.clone(), |verdict| style.verdict(verdict, &label));
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
