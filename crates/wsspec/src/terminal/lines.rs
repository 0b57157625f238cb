//! Text of one line.

use std::time::Duration;

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Standing, verdict_order};
use wsspec_report::story::cause_sentence;

use super::style::{Style, Tone};
use crate::run::journal::Brief;
use crate::run::schedule::Restarted;
use crate::sut::last_words;
use crate::text::{duration, wrap};

/// `183 ok   3 FAIL   1 non-strict`
pub fn counts<'a>(results: impl IntoIterator<Item = &'a Brief>) -> String {
    let results: Vec<&Brief> = results.into_iter().collect();
    let mut parts: Vec<String> = Vec::new();
    for verdict in verdict_order() {
        let number = results.iter().filter(|brief| brief.verdict == verdict && !is_listed(brief)).count();
        if number > 0 {
            parts.push(format!("{number} {}", Style::label(verdict)));
        }
    }
    let fixed = results.iter().filter(|brief| brief.standing == Some(Standing::Fixed)).count();
    let known = results.iter().filter(|brief| brief.standing == Some(Standing::Known)).count();
    let flaky = results.iter().filter(|brief| brief.flaky).count();
    for (word, number) in [("known", known), ("fixed", fixed), ("flaky", flaky)] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    parts.join("   ")
}

/// Whether the baseline has an entry for it: it is counted as known or fixed.
fn is_listed(brief: &Brief) -> bool {
    matches!(brief.standing, Some(Standing::Known | Standing::Fixed))
}

/// What a line about a case says besides its name.
#[derive(Clone, Debug)]
pub enum Remark {
    /// What was found, on a line of its own.
    Found,
    /// It looks like another case.
    Like(CaseId),
    /// It and those that follow look like another case, which is said of enough of them.
    More(CaseId),
    /// How long it took.
    Took,
}

/// Columns of a clause; a longer one takes from what stands around it.
const CLAUSE: usize = " RFC 6455 5.5.2".len();
/// Columns of the line of a case without slug and agent.
const FIXED: usize = "  FAIL       6.3.1    ".len() + CLAUSE + 1;

/// The word that starts the line of a case: how it stands against the baseline, where that says more than the verdict.
pub fn label(verdict: Verdict, standing: Option<Standing>) -> &'static str {
    match standing {
        Some(Standing::Flaky) => "flaky",
        Some(Standing::Known) => "known",
        Some(Standing::Fixed) => "fixed",
        _ => Style::label(verdict),
    }
}

/// The line of a finished case, two if it says what was found.
pub fn case(record: &CaseRecord, remark: &Remark, several: bool, style: Style) -> String {
    let label = label(record.verdict, record.outcome);
    if let Remark::More(id) = remark {
        let text = format!("more cases with the same cause as {id} are listed at the end");
        return format!("{:13}{}", "", below(&text, style));
    }
    // Slugs can be typed: they are whole where there is room, also for what stands behind them.
    let usual = if several { 15 } else { 20 };
    let usual = usual.min((style.width + usual).saturating_sub(80));
    let clause = format!(" {}", clause(record));
    let longer = clause.len().saturating_sub(CLAUSE);
    let fill = if style.width < 80 { 13_usize } else { 14 };
    let fill = fill.saturating_sub(longer.saturating_sub(usual)).max(4);
    let agent = cut(&style.plain(agent_name(record.agent.raw())), fill);
    let agent = if several { format!("{agent:<fill$} ") } else { String::new() };
    let usual = usual.saturating_sub(longer);
    let others = FIXED + longer + agent.chars().count();
    let behind = |remark: &str| style.width.saturating_sub(others + remark.len());
    let slug = record.slug.chars().count();
    let (long, brief) = match remark {
        Remark::Like(id) => (format!(" same cause as {id}"), format!(" as {id}")),
        _ => (String::new(), String::new()),
    };
    let short = several || style.width < 80;
    let like = if short { &brief } else { &long };
    // The clause is that of the case which it is like: it gives way to a long name.
    let has_clause = like.is_empty() || short || slug <= usual.max(behind(like));
    let room = if has_clause { behind(like) } else { behind(like) + CLAUSE + longer }.max(usual);
    let shown = if usual < 4 { String::new() } else { cut(&record.slug, room) };
    let slug = usual.max(shown.chars().count());
    let clause = if has_clause { format!("{clause:<CLAUSE$}") } else { String::new() };
    let name = format!(
        "  {} {:<8} {:<slug$}{clause} {agent}",
        style.verdict(record.verdict, &format!("{label:<10}")),
        record.id.to_string(),
        shown,
    );
    match remark {
        Remark::Like(_) | Remark::More(_) => format!("{name}{like}"),
        Remark::Took => format!("{name} {}", duration(Duration::from_micros(record.duration_us))),
        Remark::Found => {
            let found = match record.outcome {
                Some(Standing::Flaky) => record.summary.clone(),
                _ => cause_sentence(record),
            };
            format!("{}\n{:13}{}", name.trim_end(), "", below(&style.plain(found.for_terminal(300)), style))
        }
    }
}

/// A text behind the column of verdicts, in several lines.
fn below(text: &str, style: Style) -> String {
    wrap(text, style.width.saturating_sub(13).max(20)).join(&format!("\n{:13}", ""))
}

/// What is said when an implementation that died is running again: its last words, and how it goes on.
pub fn restarted(restarted: &Restarted, style: Style) -> String {
    const LINES: usize = 5;
    let took = duration(restarted.took);
    let mut out = Vec::new();
    if restarted.in_flight > 1 {
        let died = format!("the process {} while {} cases ran", restarted.how, restarted.in_flight);
        out.push(format!("  DIED       {}", below(&died, style)));
    }
    let last = last_words::worth_reading(&restarted.lines, LINES).into_iter();
    out.extend(last.map(|line| {
        let line = Untrusted::from(line).for_terminal(200);
        format!("{:13}| {}", "", cut(&line, style.width.saturating_sub(15).max(20)))
    }));
    let goes_on = restarted.next.map(|next| format!("; continuing with {next}")).unwrap_or_default();
    let up = match restarted.in_flight {
        0 | 1 => format!("restarted in {took}{goes_on} (restart {} of {})", restarted.number, restarted.of),
        _ => format!("restarted in {took}; these cases are repeated, each alone"),
    };
    out.push(format!("{:13}{}", "", below(&up, style)));
    out.join("\n")
}

/// `  SLOW       6.4.2    still running after 2 s (limit 10 s)`
pub fn slow(ids: &[String], after: Duration, limit: Duration, style: Style) -> String {
    let label = style.paint(Tone::Doubtful, &format!("{:<10}", "SLOW"));
    let ids = cut(&ids.join(" "), style.width.saturating_sub(58).max(8));
    let limit = (limit.as_millis().div_ceil(1000)).to_string();
    let after = after.as_secs();
    let text =
        if style.width < 62 { format!("{after} s so far") } else { format!("still running after {after} s") };
    format!("  {label} {ids:<8} {text} (limit {limit} s)")
}

/// `RFC 6455 5.4`: the rule that was broken, or else the main one.
pub fn clause(record: &CaseRecord) -> String {
    record.clause().map_or_else(String::new, |clause| format!("RFC {} {}", clause.rfc, clause.section))
}

/// The name of an agent, which may have come from the peer.
pub fn agent_name(name: &str) -> String {
    Untrusted::from(name).for_terminal(60)
}

/// At most `width` characters.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(2)).chain("..".chars()).collect()
}
