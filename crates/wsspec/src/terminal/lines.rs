//! Text of one line.

use std::time::Duration;

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Standing, verdict_order};
use wsspec_report::story::{cause_sentence, died_saying};

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

/// Columns before the name of a case.
const START: usize = "  FAIL       6.3.1    ".len();
/// Columns of a clause; a longer one takes from what stands around it.
const CLAUSE: usize = " RFC 6455 5.5.2".len();
/// Columns of the shortest remark.
const BEHIND: usize = " as 22.7.1".len();

/// The word that starts the line of a case: how it stands against the baseline, where that says more than the verdict.
pub fn label(verdict: Verdict, standing: Option<Standing>) -> &'static str {
    match standing {
        Some(Standing::Flaky) => "flaky",
        Some(Standing::Known) => "known",
        Some(Standing::Fixed) => "fixed",
        _ => Style::label(verdict),
    }
}

/// What is said of a finished case: its line, what was found, and the last words of a process that died of it.
pub fn case(record: &CaseRecord, remark: &Remark, several: bool, style: Style) -> String {
    if let Remark::More(id) = remark {
        let text = format!("more cases with the same cause as {id} are listed at the end");
        return format!("{:13}{}", "", below(&text, style));
    }
    let died = record.verdict == Verdict::Crash;
    let last = if died { died_saying(record, LAST_WORDS) } else { Vec::new() };
    let lines = std::iter::once(named(record, remark, several, style));
    lines.chain(last.iter().map(|line| last_word(line, style))).collect::<Vec<_>>().join("\n")
}

/// Its name, and what was found, or which case it is like.
fn named(record: &CaseRecord, remark: &Remark, several: bool, style: Style) -> String {
    let label = style.verdict(record.verdict, &format!("{:<10}", label(record.verdict, record.outcome)));
    let start = format!("  {label} {:<8} ", record.id.to_string());
    let behind = match remark {
        Remark::Like(id) if several || style.width < 80 => format!(" as {id}"),
        Remark::Like(id) => format!(" same cause as {id}"),
        Remark::Took => format!(" {}", duration(Duration::from_micros(record.duration_us))),
        Remark::Found | Remark::More(_) => String::new(),
    };
    let agent = several.then(|| style.plain(agent_name(record.agent.raw())));
    let name = columns(record, agent.as_deref(), behind.chars().count(), style.width);
    if !matches!(remark, Remark::Found) {
        return format!("{start}{name}{behind}");
    }
    let found = match record.outcome {
        Some(Standing::Flaky) => record.summary.clone(),
        _ => cause_sentence(record),
    };
    let found = below(&style.plain(found.for_terminal(300)), style);
    format!("{start}{}\n{:13}{found}", name.trim_end(), "")
}

/// The name of a case, its clause, and the implementation. The name can be typed, so it is whole: where it leaves too
/// little room for what stands behind it, the clause is left out, then the implementation is cut, then it goes on below.
fn columns(record: &CaseRecord, agent: Option<&str>, behind: usize, width: usize) -> String {
    let room = width.saturating_sub(START + behind);
    let slug = cut(&record.slug, width.saturating_sub(START).max(20));
    let long = slug.chars().count();
    let (usual, fill) = match agent {
        None => (20, 0),
        Some(_) if width < 80 => (15, 14),
        Some(_) => (15, 15),
    };
    let usual = usual.min(width.saturating_sub(START + CLAUSE + fill + BEHIND));
    let clause = format!(" {}", clause(record));
    let longer = clause.len().saturating_sub(CLAUSE);
    let least = fill.min(10);
    let long_agent = agent.map_or(0, |name| 1 + name.chars().count());
    let agent = |fill: usize| {
        agent.map_or_else(String::new, |name| format!(" {:<1$}", cut(name, fill - 1), fill - 1))
    };
    let name = long.max(usual.saturating_sub(longer));
    let beside = fill.saturating_sub(longer.saturating_sub(usual)).max(least);
    if name + CLAUSE + longer + beside <= room {
        return format!("{slug:<name$}{clause:<CLAUSE$}{}", agent(beside));
    }
    if long + least > room {
        let alone = long_agent.min(width.saturating_sub(12 + behind));
        return format!("{slug}\n{:12}{}", "", agent(fill.max(alone)));
    }
    let name = long.max((usual + CLAUSE).min(room.saturating_sub(fill)));
    format!("{slug:<name$}{}", agent(fill.min(room - name)))
}

/// A text behind the column of verdicts, in several lines.
fn below(text: &str, style: Style) -> String {
    wrap(text, style.width.saturating_sub(13).max(20)).join(&format!("\n{:13}", ""))
}

/// Lines of a process that died.
const LAST_WORDS: usize = 5;

fn last_word(line: &Untrusted, style: Style) -> String {
    let line = style.plain(line.for_terminal(200));
    format!("{:13}| {}", "", cut(&line, style.width.saturating_sub(15).max(20)))
}

/// What is said when an implementation that died is running again. Where several cases ran, none of them has told that
/// it died, and what it said last.
pub fn restarted(restarted: &Restarted, style: Style) -> String {
    let took = duration(restarted.took);
    let mut out = Vec::new();
    if restarted.in_flight > 1 {
        let died = format!("the process {} while {} cases ran", restarted.how, restarted.in_flight);
        out.push(format!("  DIED       {}", below(&died, style)));
        let last = last_words::worth_reading(&restarted.lines, LAST_WORDS).into_iter();
        out.extend(last.map(|line| last_word(&Untrusted::from(line), style)));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cases_were_cut_beside_those_of_implementations() {
        let report = wsspec_report::record::read(include_str!("testdata/results.jsonl")).unwrap();
        let mut record = report.cases.into_iter().find(|record| record.verdict.is_failure()).unwrap();
        let mut text = String::new();
        for (width, several) in [(80, true), (60, true), (60, false)] {
            let style = Style { width, ..Style::PLAIN };
            text.push_str(&format!("=== {width} columns\n"));
            for slug in ["ping-of-126", "stray-continuation-after", "five-fragments-two-pings-by-frame"] {
                slug.clone_into(&mut record.slug);
                for remark in [Remark::Found, Remark::Like("22.7.1".parse().unwrap()), Remark::Took] {
                    let lines = case(&record, &remark, several, style);
                    assert!(lines.contains(slug) && lines.contains(" mylib") == several, "{lines}");
                    assert!(lines.lines().all(|line| line.chars().count() <= width), "{lines}");
                    text.push_str(&format!("{lines}\n"));
                }
            }
        }
        insta::assert_snapshot!(text);
    }
}
