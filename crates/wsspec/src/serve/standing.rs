//! How a client stands: its verdicts in numbers, which cases failed, which are running.

use std::collections::BTreeMap;

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;
use wsspec_report::record::verdict_order;

use super::book::Brief;
use crate::terminal::Style;

/// Cases that are named; of the others it is said how many they are.
const IDS: usize = 3;

/// `117 ok`, `1 FAIL (2.5)`, `running 5.1`
pub(super) fn parts(verdicts: &BTreeMap<CaseId, Brief>, running: &[CaseId]) -> Vec<String> {
    let has_red = verdicts.values().any(|brief| brief.verdict.is_red());
    let mut parts = Vec::new();
    for verdict in verdict_order() {
        let with_it = verdicts.iter().filter(|(_, brief)| brief.verdict == verdict);
        let ids: Vec<CaseId> = with_it.map(|(id, _)| *id).collect();
        // That nothing failed is said, too.
        if ids.is_empty() && (has_red || verdict != Verdict::Fail) {
            continue;
        }
        let number = format!("{} {}", ids.len(), Style::label(verdict));
        let is_named = verdict.is_red() && !ids.is_empty();
        parts.push(if is_named { format!("{number} ({})", named(&ids)) } else { number });
    }
    if !running.is_empty() {
        parts.push(format!("running {}", named(running)));
    }
    parts
}

/// `2.5 5.9 5.10 +1`
fn named(ids: &[CaseId]) -> String {
    let mut words: Vec<String> = ids.iter().take(IDS).map(ToString::to_string).collect();
    if ids.len() > IDS {
        words.push(format!("+{}", ids.len() - IDS));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CaseId {
        text.parse().unwrap()
    }

    fn verdicts(list: &[(&str, Verdict)]) -> BTreeMap<CaseId, Brief> {
        let brief = |verdict| Brief { verdict, behavior: "", cause: None };
        list.iter().map(|(case, verdict)| (id(case), brief(*verdict))).collect()
    }

    #[test]
    fn failed_and_running_cases_are_named() {
        let some = verdicts(&[("1.1.1", Verdict::Pass), ("2.5", Verdict::Fail), ("3.1", Verdict::NonStrict)]);
        let told = parts(&some, &[id("5.1")]);
        assert_eq!(told, ["1 ok", "1 non-strict", "1 FAIL (2.5)", "running 5.1"]);
    }

    #[test]
    fn of_many_cases_the_first_are_named() {
        let failed = ["2.5", "5.9", "5.10", "5.11"].map(|case| (case, Verdict::Fail));
        let running = ["6.1.1", "6.1.2", "6.1.3", "6.2.1", "6.2.2"].map(id);
        assert_eq!(
            parts(&verdicts(&failed), &running),
            ["4 FAIL (2.5 5.9 5.10 +1)", "running 6.1.1 6.1.2 6.1.3 +2"]
        );
    }

    #[test]
    fn it_is_said_that_nothing_failed() {
        assert_eq!(parts(&verdicts(&[("1.1.1", Verdict::Pass)]), &[]), ["1 ok", "0 FAIL"]);
        assert_eq!(parts(&verdicts(&[("1.1.1", Verdict::Timeout)]), &[]), ["1 TIME (1.1.1)"]);
    }
}
