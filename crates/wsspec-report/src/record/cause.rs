//! Failures that look the same get the same name.

use wsspec_cases::{Accept, Case, Event, Expected, Grade};
use wsspec_engine::{NeverOpened, Observation, Outcome, Verdict};

use crate::record::Clause;

/// The name of the group that the outcome belongs to: the first failed check, the clause, and the
/// class of what was observed. None if nothing is wrong.
pub(super) fn of(case: &Case, outcome: &Outcome) -> Option<String> {
    if !(outcome.verdict.is_failure() || matches!(outcome.verdict, Verdict::NonStrict | Verdict::Error)) {
        return None;
    }
    let seen = &outcome.observation;
    if let Some(why) = &seen.handshake.never_opened {
        return Some(format!("handshake/{}", never_opened(why)));
    }
    if let Some(fault) = &seen.fault {
        return Some(fault.id.to_owned());
    }
    let Some(check) = outcome.checks.iter().filter(|check| !check.ok).min_by_key(|check| check.level) else {
        return Some(outcome.verdict.word().to_owned());
    };
    let clause =
        Clause::parse(&check.section).map_or_else(String::new, |c| format!("@{}#{}", c.rfc, c.section));
    Some(format!("{}{clause}/{}", check.id, class(check.id, case, seen)))
}

fn never_opened(why: &NeverOpened) -> String {
    match why {
        NeverOpened::TimedOut => "timeout".to_owned(),
        NeverOpened::Dropped(_) => "dropped".to_owned(),
        NeverOpened::Status(status) => format!("status-{status}"),
        NeverOpened::Invalid(_) => "invalid".to_owned(),
        NeverOpened::NotHttp => "not-http".to_owned(),
        NeverOpened::TooLarge => "too-large".to_owned(),
        NeverOpened::Unreachable(_) => "unreachable".to_owned(),
    }
}

fn class(check: &str, case: &Case, seen: &Observation) -> String {
    match check {
        "close.code" => seen.close.remote_code.map_or_else(|| "none".to_owned(), |code| code.to_string()),
        "close.initiator" if seen.close.closed_by_me => "stayed-open".to_owned(),
        "close.initiator" => "closed-early".to_owned(),
        "close.clean" | "close.tcp" => "unclean".to_owned(),
        _ => events_class(case, &seen.events).to_owned(),
    }
}

fn events_class(case: &Case, events: &[Event]) -> &'static str {
    let Some(accept) = closest(case, events) else { return "content" };
    let same = common(&accept.events, events);
    match (same == accept.events.len(), same == events.len()) {
        (true, true) => "lesser",
        (true, false) => "extra",
        (false, true) => "missing",
        (false, false) => "different",
    }
}

/// The accepted outcome that is closest to what came: the longest common beginning, and of those the
/// strictest.
pub(super) fn closest<'a>(case: &'a Case, events: &[Event]) -> Option<&'a Accept> {
    let ok = case.accepts.iter().filter(|accept| accept.grade == Grade::Ok);
    let others = case.accepts.iter().filter(|accept| accept.grade != Grade::Ok);
    let mut best: Option<(&Accept, usize)> = None;
    for accept in ok.chain(others) {
        let same = common(&accept.events, events);
        if best.is_none_or(|(_, most)| same > most) {
            best = Some((accept, same));
        }
    }
    best.map(|(accept, _)| accept)
}

fn common(expected: &[Expected], events: &[Event]) -> usize {
    expected.iter().zip(events).take_while(|(expected, event)| expected.matches(event)).count()
}
