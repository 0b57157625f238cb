//! What went wrong in one sentence: the rule, in our words, and what was seen instead.

use crate::Untrusted;
use crate::record::{CaseRecord, CheckRecord, RuleRecord};

/// The sentence that stands for a case that went wrong, and for the cases that went wrong like it.
pub fn cause_sentence(case: &CaseRecord) -> Untrusted {
    let failed = case.checks.iter().filter(|check| !check.ok).min_by_key(|check| check.level);
    let Some(check) = failed else { return case.summary.clone() };
    match check.id.as_str() {
        "process.alive" => Untrusted::from(format!("The process {}.", check.observed.raw())),
        "handshake" => Untrusted::from(format!("The connection was not opened: {}.", check.observed.raw())),
        _ => match broken_rule(case, check) {
            Some(rule) => Untrusted::from(format!("{}, but {}.", capital(&rule.summary), seen(check))),
            None => case.summary.clone(),
        },
    }
}

/// The rule of the case that the check is about, or else the main one.
fn broken_rule<'a>(case: &'a CaseRecord, check: &CheckRecord) -> Option<&'a RuleRecord> {
    let same = case.rules.iter().find(|rule| Some(&rule.rfc) == check.rfc.as_ref());
    same.or_else(|| case.rules.first())
}

/// What was observed as a clause.
fn seen(check: &CheckRecord) -> String {
    let observed = check.observed.raw().trim_end_matches('.');
    let begins = |words: &[&str]| words.iter().any(|word| observed.starts_with(word));
    if check.expected.raw() == "lawful frames" {
        format!("what came breaks a rule: {observed}")
    } else if observed == "no message and no pong" {
        "nothing came".to_owned()
    } else if begins(&["Text ", "Binary ", "Pong "]) {
        format!("what came was {observed}")
    } else if begins(&["close code ", "no close code"]) {
        format!("the connection was closed with {observed}")
    } else if let Some(rest) = observed.strip_prefix("the connection still open") {
        format!("the connection was still open{rest}")
    } else {
        observed.to_owned()
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{failed, passed};

    fn told(id: &str, expected: &str, observed: &str) -> String {
        let mut case = failed("a", "5.15");
        let check = case.checks.iter_mut().find(|check| !check.ok).unwrap();
        (check.id, check.expected, check.observed) = (id.to_owned(), expected.into(), observed.into());
        case.rules[0].summary = "a Pong may be sent unasked".to_owned();
        cause_sentence(&case).raw().to_owned()
    }

    #[test]
    fn rule_and_observation_are_one_sentence() {
        for (id, expected, observed, sentence) in [
            ("events", "no pong", "Text \"a\"", "A Pong may be sent unasked, but what came was Text \"a\"."),
            ("events", "Text", "no message and no pong", "A Pong may be sent unasked, but nothing came."),
            (
                "text.utf8",
                "lawful frames",
                "a text message is no UTF-8",
                "A Pong may be sent unasked, but what came breaks a rule: a text message is no UTF-8.",
            ),
            (
                "close.code",
                "close code 1002 or none",
                "close code 1000 (normal closure)",
                "A Pong may be sent unasked, but the connection was closed with close code 1000 (normal closure).",
            ),
            ("handshake", "an open connection", "no answer", "The connection was not opened: no answer."),
            ("process.alive", "it runs", "exited: signal 6", "The process exited: signal 6."),
        ] {
            assert_eq!(told(id, expected, observed), sentence);
        }
        assert_eq!(cause_sentence(&passed("a", "1.1.1")), passed("a", "1.1.1").summary);
    }
}
