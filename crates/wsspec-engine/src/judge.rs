//! Makes an outcome of what was seen: a pure function, the same whenever it is repeated.

mod checks;
pub(crate) mod places;
mod profile;
mod reference;
mod words;

use wsspec_cases::{COMMANDS, Case, Grade, Level, Profile};
use wsspec_wire::Opcode;

use crate::observation::{NeverOpened, Observation, TcpEnd, TesterRole};
use crate::outcome::{Check, Outcome, Verdict};
pub(crate) use words::sentence;

/// Judges what was seen while the case ran.
pub fn judge(case: &Case, observation: Observation) -> Outcome {
    let reference = reference::judge(case, &observation);
    let (checks, not_reached): (Vec<Check>, Vec<Check>) =
        checks::all(case, &observation).into_iter().partition(|check| check.reached);
    let verdict = verdict(case, &observation, &checks);
    let summary = summary(case, &observation, verdict, &checks);
    // What does not apply is not judged: nobody shall read a broken rule out of it.
    let is_judged = verdict != Verdict::NotApplicable;
    let checks = if is_judged { checks } else { Vec::new() };
    let not_reached = if is_judged { not_reached } else { Vec::new() };
    Outcome {
        id: case.id,
        verdict,
        summary,
        checks,
        not_reached,
        behavior: reference.behavior,
        behavior_close: reference.behavior_close,
        result: reference.result,
        result_close: reference.result_close,
        observation,
    }
}

/// The outcome of a case for which there was no connection at all; `why` is for people.
pub fn unreachable(case: &Case, role: TesterRole, why: String) -> Outcome {
    let mut observation = Observation::of_nothing(role);
    observation.handshake.never_opened = Some(NeverOpened::Unreachable(why));
    judge(case, observation)
}

fn verdict(case: &Case, observation: &Observation, checks: &[Check]) -> Verdict {
    let broken = |level| checks.iter().any(|check| !check.ok && check.level == level);
    match &observation.handshake.never_opened {
        Some(NeverOpened::Unreachable(_)) => return Verdict::Error,
        // The tester broke a rule first: a server may do as it likes.
        Some(_) if case.conduct.hurries => return Verdict::Info,
        Some(NeverOpened::Status(_)) if case.conduct.commands => return Verdict::NotApplicable,
        Some(why) if could_not_run(case, why) => return Verdict::Error,
        Some(NeverOpened::TimedOut) => return Verdict::Timeout,
        Some(_) => return Verdict::Fail,
        None => {}
    }
    if case.informational.is_some() {
        Verdict::Info
    } else if unimplemented(case, observation).is_some() {
        Verdict::NotApplicable
    } else if broken(Level::Must) {
        if went_silent(case, observation) { Verdict::Timeout } else { Verdict::Fail }
    } else if broken(Level::Should) {
        Verdict::NonStrict
    } else if informs(case, observation).is_some() {
        Verdict::Info
    } else {
        Verdict::Pass
    }
}

/// Whether nothing can be said of what the case is about, as the peer turned the connection away. Where the answer to the
/// request is what the case is about, that is an answer.
pub(crate) fn could_not_run(case: &Case, why: &NeverOpened) -> bool {
    matches!(why, NeverOpened::Unreachable(_)) || why.is_refusal() && !case.is_of_handshake()
}

/// What is told rather than graded, if nothing is broken.
fn informs(case: &Case, observation: &Observation) -> Option<String> {
    let told = observation.conclusion.as_ref().filter(|found| found.grade == Grade::Informational);
    if let Some(conclusion) = told {
        return Some(conclusion.text.to_string());
    }
    case.profile.as_ref().and_then(|profile| profile::judge(profile, case, observation).informs)
}

/// What the peer lacks that the case needs.
fn unimplemented(case: &Case, observation: &Observation) -> Option<String> {
    let may_refuse = matches!(&case.profile, Some(Profile::PeerCloses(closes)) if closes.may_refuse);
    let lacking = observation.conclusion.as_ref().filter(|found| found.grade == Grade::Unimplemented);
    match (&observation.handshake.never_opened, &observation.refused) {
        (Some(NeverOpened::Status(status)), _) if case.conduct.commands => {
            Some(format!("the peer answers a request with the subprotocol {COMMANDS} with {status}"))
        }
        (_, Some(words)) if !may_refuse => Some(format!("the peer does not obey the command: {words:?}")),
        _ if is_refused(case, observation) => {
            Some("the client fails the connection at what the response asks for".to_string())
        }
        _ => lacking.map(|conclusion| conclusion.text.to_string()),
    }
}

/// Whether a client fails the connection at the answer to its offer, before any frame (RFC 7692 7).
fn is_refused(case: &Case, observation: &Observation) -> bool {
    let by_peer = matches!(observation.close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset))
        || observation.stats.rx_frames.contains_key(&Opcode::CLOSE.bits());
    let only_close = observation.stats.rx_frames.keys().all(|&opcode| opcode == Opcode::CLOSE.bits());
    let lawful = observation.fault.is_none() && observation.breaches.is_empty();
    case.deflate.as_ref().is_some_and(|plan| plan.may_be_refused)
        && observation.role == TesterRole::Server
        && observation.handshake.extensions.is_some()
        && (by_peer && only_close && lawful && !observation.close.closed_by_me)
}

/// Whether nothing wrong came, but something that had to come did not.
fn went_silent(case: &Case, observation: &Observation) -> bool {
    let so_far = &observation.events;
    let awaited = case.accepts.iter().any(|accept| {
        so_far.len() < accept.events.len()
            && accept.events.iter().zip(so_far).all(|(expected, event)| expected.matches(event))
    });
    let driven = observation.conclusion.is_some();
    observation.ran_out && observation.fault.is_none() && (awaited || driven)
}

/// One sentence: the cause, if something is wrong.
fn summary(case: &Case, observation: &Observation, verdict: Verdict, checks: &[Check]) -> String {
    let cause = checks.iter().filter(|check| !check.ok).min_by_key(|check| check.level);
    let text = match (verdict, cause) {
        (Verdict::NotApplicable, _) => {
            unimplemented(case, observation).unwrap_or_else(|| "not applicable".to_string())
        }
        (Verdict::Info, _) => match (&case.informational, informs(case, observation)) {
            (None, Some(told)) => told,
            (because, _) => {
                let observed = words::events(case, &observation.events);
                format!("{}; observed: {observed}", because.as_deref().unwrap_or_default())
            }
        },
        (_, Some(check)) => check.sentence(),
        (_, None) => words::passed(case, observation),
    };
    sentence(&text)
}
