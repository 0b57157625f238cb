//! Markdown: a report of one bug, ready for an issue tracker.

use crate::record::{CaseRecord, Report};
use crate::sanitise::{markdown, shell};
use crate::story;

/// Everything that the maintainer of an implementation needs to fix one case.
pub fn bug_report(report: &Report, case: &CaseRecord) -> String {
    let mut out =
        format!("### wsspec {} {}: {}\n\n{}\n\n", case.id, case.slug, case.verdict.word(), case.title);
    for rule in &case.rules {
        out.push_str(&format!(
            "* [{}]({}) ({}): {}\n",
            rule.rfc,
            rule.rfc.url(),
            rule.level.name(),
            rule.summary
        ));
    }
    out.push('\n');
    for check in case.checks.iter().filter(|check| !check.ok) {
        out.push_str(&format!("* expected: {}\n", check.expected.for_markdown()));
        out.push_str(&format!("* observed: {}\n", check.observed.for_markdown()));
    }
    out.push('\n');
    out.push_str(&markdown::fenced(&story::plain_timeline(case).join("\n")));
    out.push_str(&deviation(case));
    if !case.repro.is_empty() {
        out.push_str(&format!("\nAgain: {}\n", markdown::code_span(&shell::posix(&case.repro))));
    }
    out.push_str(&format!("\nwsspec {}, {}, {}\n", report.run.tool, case.agent.for_markdown(), case.started));
    out
}

/// The octets of the frame at which the rule was broken.
fn deviation(case: &CaseRecord) -> String {
    let number = case.first_failed().and_then(|check| check.event);
    let Some(line) = case.events.iter().find(|line| Some(line.i) == number) else { return String::new() };
    let parts = story::plain_anatomy(&line.what);
    if parts.is_empty() {
        return String::new();
    }
    format!("\nThe frame marked (!):\n\n{}", markdown::fenced(&parts.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_bug_report_says_what_a_maintainer_needs() {
        let report = samples::report(vec![samples::failed("mylib/2.3", "5.15")]);
        insta::assert_snapshot!(bug_report(&report, &report.cases[0]));
    }
}
