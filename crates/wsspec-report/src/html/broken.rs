//! The rules that a case broke, as its page names them.

use std::borrow::Cow;

use wsspec_engine::{Sight, Verdict, Wanted};

use crate::Untrusted;
use crate::record::{CaseRecord, CheckRecord, Clause};
use crate::story;

/// A rule.
pub(super) struct BrokenRule<'a> {
    pub(super) words: Cow<'a, Untrusted>,
    pub(super) clause: &'a Clause,
    pub(super) level: &'static str,
}

/// The rules of the checks that failed, in the order of these; those of the case, if none did. That a process keeps
/// running is no rule of an RFC.
pub(super) fn rules(case: &CaseRecord) -> Vec<BrokenRule<'_>> {
    if case.verdict == Verdict::Crash {
        return Vec::new();
    }
    let mut broken: Vec<BrokenRule<'_>> = Vec::new();
    for check in case.checks.iter().filter(|check| !check.ok && case.is_accused()) {
        let Some(clause) = &check.rfc else { continue };
        if !broken.iter().any(|rule| rule.clause == clause) {
            broken.extend(of_check(case, check, clause));
        }
    }
    if broken.is_empty() { case.rules.iter().map(|rule| of_case(rule, &rule.rfc)).collect() } else { broken }
}

/// What went wrong, in the words of the terminal; or what was seen.
pub(super) fn sentence(case: &CaseRecord) -> Untrusted {
    if case.is_accused() { story::cause_sentence(case) } else { case.summary.clone() }
}

/// The rules of the case in the clause of a check; what the check asks for, if the case has none there.
fn of_check<'a>(case: &'a CaseRecord, check: &'a CheckRecord, clause: &'a Clause) -> Vec<BrokenRule<'a>> {
    let own = case.rules.iter().filter(|rule| rule.rfc == *clause && rule.level == check.level);
    let own: Vec<BrokenRule<'_>> = own.map(|rule| of_case(rule, clause)).collect();
    let level = check.level.name();
    if own.is_empty() {
        let words = match check.wanted.as_deref() {
            Some(Wanted::LawfulFrames) => {
                Cow::Owned("what the peer sends follows the rules for frames".into())
            }
            Some(Wanted::Event { event: Sight::Text { .. } | Sight::Binary { .. }, .. }) => {
                Cow::Owned("each message comes back as it was sent".into())
            }
            _ => Cow::Borrowed(&check.expected),
        };
        return vec![BrokenRule { words, clause, level }];
    }
    own
}

fn of_case<'a>(rule: &crate::record::RuleRecord, clause: &'a Clause) -> BrokenRule<'a> {
    let words = Cow::Owned(Untrusted::from(rule.summary.as_str()));
    BrokenRule { words, clause, level: rule.level.name() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed};

    fn words(case: &CaseRecord) -> Vec<String> {
        rules(case).iter().map(|rule| format!("{} {}", rule.clause.section, rule.words.raw())).collect()
    }

    #[test]
    fn the_rule_is_that_of_the_check_that_failed() {
        let case = failed("a", "5.15");
        assert!(words(&case)[0].starts_with("5.4 a "), "{:?}", words(&case));
        let mut late = passed("a", "7.1.5");
        late.verdict = Verdict::NonStrict;
        late.checks[0].ok = false;
        late.checks[0].rfc = Clause::parse("6455#7.4");
        late.checks[0].expected = "close code 1000 or none".into();
        assert_eq!(words(&late), ["7.4 close code 1000 or none"]);
    }

    #[test]
    fn an_echo_that_did_not_come_was_named_as_if_it_were_a_rule() {
        let mut case = failed("a", "3.2");
        case.rules.clear();
        case.checks.truncate(1);
        case.checks[0].ok = false;
        case.checks[0].rfc = Clause::parse("6455#1.4");
        let event = Sight::Text { shown: "\"Hello, world!\"".to_owned() };
        case.checks[0].wanted = Some(Box::new(Wanted::Event { event, place: 1 }));
        assert_eq!(words(&case), ["1.4 each message comes back as it was sent"]);
    }

    #[test]
    fn where_no_check_failed_the_rules_are_those_of_the_case() {
        assert_eq!(words(&passed("a", "1.1.1")).len(), passed("a", "1.1.1").rules.len());
    }
}
