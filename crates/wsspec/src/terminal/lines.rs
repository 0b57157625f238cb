//! Text of one line.

use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, verdict_order};

use super::style::Style;
use crate::run::journal::Brief;

/// `183 ok   3 FAIL   1 non-strict`
pub fn counts<'a>(results: impl IntoIterator<Item = &'a Brief>) -> String {
    let results: Vec<&Brief> = results.into_iter().collect();
    let mut parts: Vec<String> = Vec::new();
    for verdict in verdict_order() {
        let number = results.iter().filter(|brief| brief.verdict == verdict).count();
        if number > 0 {
            parts.push(format!("{number} {}", Style::label(verdict)));
        }
    }
    let flaky = results.iter().filter(|brief| brief.flaky).count();
    if flaky > 0 {
        parts.push(format!("{flaky} flaky"));
    }
    parts.join("   ")
}

/// The line of a finished case, if the level asks for one: failures always, everything from `-v` on.
pub fn case(record: &CaseRecord, flaky: bool, several: bool, level: i8, style: Style) -> Option<String> {
    let bad = record.verdict.is_failure() || record.verdict == Verdict::Error;
    if !(bad || flaky || level >= 1) {
        return None;
    }
    let label = if flaky { "flaky" } else { Style::label(record.verdict) };
    let mut line = format!(
        "  {} {:<8} {:<27} {:<13} ",
        style.verdict(record.verdict, &format!("{label:<10}")),
        record.id.to_string(),
        cut(&record.slug, 27),
        clause(record),
    );
    if several {
        line.push_str(&format!("{}: ", agent_name(record.agent.raw())));
    }
    if bad || flaky {
        line.push_str(&record.summary.for_terminal(300));
    } else {
        line.push_str(&crate::text::duration(std::time::Duration::from_micros(record.duration_us)));
    }
    Some(line.trim_end().to_owned())
}

/// `RFC 6455 5.4`: the rule that was broken, or else the main one.
pub fn clause(record: &CaseRecord) -> String {
    let broken = record.first_failed().and_then(|check| check.rfc.as_ref());
    let clause = broken.or_else(|| record.rules.first().map(|rule| &rule.rfc));
    clause.map_or_else(String::new, |clause| format!("RFC {} {}", clause.rfc, clause.section))
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
