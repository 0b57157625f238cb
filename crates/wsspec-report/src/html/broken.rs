//! The rules that a case broke, as its page names them.

use std::borrow::Cow;

use wsspec_engine::{Sight, Verdict, Wanted};

use super::requirements;
use crate::Untrusted;
use crate::record::{CaseRecord, CheckRecord, Clause, RuleRecord};
use crate::story;

/// A rule.
pub(super) struct BrokenRule<'a> {
    pub(super) words: Cow<'a, Untrusted>,
    pub(super) clause: Clause,
    pub(super) level: &'static str,
}

impl BrokenRule<'_> {
    /// Its row among the requirements, if it has one.
    pub(super) fn row(&self) -> Option<String> {
        requirements::row(&self.clause)
    }
}

/// The rules of the checks that failed, in the order of these; those of the case, if none did. That a process keeps
/// running is no rule of an RFC.
pub(super) fn rules(case: &CaseRecord) -> Vec<BrokenRule<'_>> {
    if case.verdict == Verdict::Crash {
        return Vec::new();
    }
    let mut broken: Vec<BrokenRule<'_>> = Vec::new();
    for check in case.checks.iter().filter(|check| !check.ok && case.is_accused()) {
        let Some(clause) = case.clause_of(check) else { continue };
        if !broken.iter().any(|rule| rule.clause == clause) {
            broken.extend(of_check(case, check, clause));
        }
    }
    if broken.is_empty() { case.rules.iter().map(of_case).collect() } else { broken }
}

/// What went wrong, in the words of the terminal; or what was seen.
pub(super) fn sentence(case: &CaseRecord) -> Untrusted {
    if case.is_accused() { story::cause_sentence(case) } else { case.summary.clone() }
}

/// The rules of the case in the clause of a check; else that of a header, or what the check asks for.
fn of_check<'a>(case: &'a CaseRecord, check: &'a CheckRecord, clause: Clause) -> Vec<BrokenRule<'a>> {
    let own = case.rules.iter().filter(|rule| rule.rfc == clause && rule.level == check.level);
    let own: Vec<BrokenRule<'_>> = own.map(of_case).collect();
    if !own.is_empty() {
        return own;
    }
    if let Some(rule) = case.rule_behind(check) {
        return vec![of_case(&rule)];
    }
    let words = match check.wanted.as_deref() {
        Some(Wanted::LawfulFrames) => Cow::Owned("what the peer sends follows the rules for frames".into()),
        Some(Wanted::Event { event: Sight::Text { .. } | Sight::Binary { .. }, .. }) => {
            Cow::Owned("each message comes back as it was sent".into())
        }
        _ => Cow::Borrowed(&check.expected),
    };
    vec![BrokenRule { words, clause, level: check.level.name() }]
}

fn of_case<'a>(rule: &RuleRecord) -> BrokenRule<'a> {
    let words = Cow::Owned(Untrusted::from(rule.summary.as_str()));
    BrokenRule { words, clause: rule.rfc.clone(), level: rule.level.name() }
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
    fn that_the_peer_had_to_fail_the_connection_was_named_as_if_it_were_a_rule() {
        let mut case = failed("a", "4.1.1");
        case.checks.truncate(1);
        case.checks[0].id = "close.initiator".to_owned();
        case.checks[0].rfc = Clause::parse("6455#7.1.7");
        assert_eq!(words(&case), ["5.4 a continuation frame continues a message that has begun"]);
    }

    #[test]
    fn the_rule_of_a_wrong_header_was_not_named() {
        let mut case = failed("a", "1.1.1");
        case.checks.truncate(1);
        case.checks[0].id = "handshake".to_owned();
        case.checks[0].rfc = Clause::parse("6455#4");
        case.checks[0].header = Some("Sec-WebSocket-Accept".to_owned());
        let rules = rules(&case);
        assert!(rules[0].words.raw().starts_with("Sec-WebSocket-Accept is"), "{}", rules[0].words.raw());
        assert_eq!((rules.len(), rules[0].row().as_deref()), (1, Some("rfc6455-4.2.2")));
    }

    #[test]
    fn where_no_check_failed_the_rules_are_those_of_the_case() {
        assert_eq!(words(&passed("a", "1.1.1")).len(), passed("a", "1.1.1").rules.len());
    }
}
