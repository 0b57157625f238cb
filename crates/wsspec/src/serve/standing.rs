//! How a client stands: its verdicts in numbers, which cases failed, which are running.

use std::collections::BTreeMap;

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;
use wsspec_report::record::{Standing, verdict_order};

use super::book::Brief;
use crate::terminal::Style;

/// Cases that are named; of the others it is said how many they are.
const IDS: usize = 3;

/// `117 ok`, `1 FAIL (2.5)`, `2 known`, `running 5.1`
pub(super) fn parts(verdicts: &BTreeMap<CaseId, Brief>, running: &[CaseId]) -> Vec<String> {
    let unlisted = || verdicts.iter().filter(|(_, brief)| !is_listed(brief));
    let has_red = unlisted().any(|(_, brief)| brief.verdict.is_red());
    let mut parts = Vec::new();
    for verdict in verdict_order() {
        let with_it = unlisted().filter(|(_, brief)| brief.verdict == verdict);
        let ids: Vec<CaseId> = with_it.map(|(id, _)| *id).collect();
        // That nothing failed is said, too.
        if ids.is_empty() && (has_red || verdict != Verdict::Fail) {
            continue;
        }
        let number = format!("{} {}", ids.len(), Style::label(verdict));
        let is_named = verdict.is_red() && !ids.is_empty();
        parts.push(if is_named { format!("{number} ({})", named(&ids)) } else { number });
    }
    for (word, standing) in [("known", Standing::Known), ("fixed", Standing::Fixed)] {
        match verdicts.values().filter(|brief| brief.standing == Some(standing)).count() {
            0 => {}
            number => parts.push(format!("{number} {word}")),
        }
    }
    if !running.is_empty() {
        parts.push(format!("running {}", named(running)));
    }
    parts
}

/// Whether the baseline has an entry for it: it is counted as known or fixed.
fn is_listed(brief: &Brief) -> bool {
    matches!(brief.standing, Some(Standing::Known | Standing::Fixed))
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
        list.iter().map(|(case, verdict)| (id(case), Brief::from(*verdict))).collect()
    }

    #[test]
    fn failed_and_running_cases_are_named() {
        let some = verdicts(&[("1.1.1", Verdict::Pass), ("2.5", Verdict::Fail), ("3.1", Verdict::NonStrict)]);
        let told = parts(&some, &[id("5.1")]);
        assert_eq!(told, ["1 ok", "1 non-strict", "1 FAIL (2.5)", "running 5.1"]);
    }

    #[test]
    fn what_the_baseline_lists_was_counted_as_a_failure() {
        let mut some = verdicts(&[("1.1.1", Verdict::Pass), ("2.5", Verdict::Fail), ("3.1", Verdict::Fail)]);
        let mut stands = |case, standing| some.get_mut(&id(case)).unwrap().standing = Some(standing);
        stands("1.1.1", Standing::Fixed);
        stands("2.5", Standing::Known);
        assert_eq!(parts(&some, &[]), ["1 FAIL (3.1)", "1 known", "1 fixed"]);
        some.remove(&id("3.1"));
        assert_eq!(parts(&some, &[]), ["0 FAIL", "1 known", "1 fixed"]);
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
