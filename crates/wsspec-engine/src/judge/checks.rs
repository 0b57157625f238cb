//! The assertions of a case, in the order in which they matter.

use wsspec_cases::{Accept, Case, FirstToClose, Grade, Level, Play, Step};
use wsspec_wire::Opcode;

use super::{places, profile, words};
use crate::found::{Found, Wanted};
use crate::negotiation::UNSAID;
use crate::observation::{NeverOpened, Observation, PeerFault, TcpEnd, TesterRole};
use crate::opening::EXTENSIONS;
use crate::outcome::Check;

/// RFC 6455 7.1.1, the end of TCP.
const TCP: &str = "RFC 6455 section 7.1.1";
/// RFC 6455 7.1.2 and 5.5.1, the closing handshake.
const CLOSING: &str = "RFC 6455 section 5.5.1";
/// RFC 6455 7.4, the codes.
const CODES: &str = "RFC 6455 section 7.4";

pub(super) fn all(case: &Case, observation: &Observation) -> Vec<Check> {
    let mut checks = found(case, observation);
    let unmarked = |check: &&mut Check| !check.ok && check.entry.is_none() && check.seen_in.is_none();
    checks.iter_mut().filter(unmarked).for_each(|check| check.entry = places::otherwise(observation));
    checks
}

fn found(case: &Case, observation: &Observation) -> Vec<Check> {
    if let Some(why) = &observation.handshake.never_opened {
        return vec![handshake(case, why, observation)];
    }
    let mut checks = Vec::new();
    let fault = observation.fault.as_ref().filter(|_| !profile::forgives(case, observation));
    checks.extend(fault.map(|fault| failed_by_tester(fault, observation)));
    let breaches = observation.breaches.iter().zip(&observation.breach_entries);
    checks.extend(
        breaches.map(|(fault, entry)| breach(fault).at(entry.or_else(|| agreed_in(fault, observation)))),
    );
    if let Some(profile) = &case.profile {
        checks.extend(observation.conclusion.is_some().then(|| events(case, observation)));
        checks.extend(profile::judge(profile, case, observation).checks);
        return checks;
    }
    checks.push(events(case, observation));
    checks.extend(sent_frames_check(case, observation));
    close(case, observation, &mut checks);
    checks
}

/// The first accepted outcome that came.
pub(super) fn accepted<'a>(case: &'a Case, observation: &Observation) -> Option<&'a Accept> {
    let whole = observation.events_dropped == 0;
    case.accepts.iter().find(|accept| whole && accept.is_met_by(&observation.events))
}

fn handshake(case: &Case, why: &NeverOpened, observation: &Observation) -> Check {
    // Who turns a connection away breaks no rule.
    let section = if super::could_not_run(case, why) { "" } else { "RFC 6455 section 4" };
    let text = words::never_opened(why, observation);
    let check = Check::new("handshake", Level::Must, section, false)
        .of(Wanted::OpenConnection, Found::NeverOpened { text });
    let header = places::wrong_header(why);
    Check { header, ..check.at(places::never_opened(why, observation)) }
}

fn failed_by_tester(fault: &PeerFault, observation: &Observation) -> Check {
    breach(fault).at(observation.fault_entry)
}

/// The header of the opening handshake that a fault is in.
fn agreed_in(fault: &PeerFault, observation: &Observation) -> Option<usize> {
    places::head(observation, Some(EXTENSIONS)).filter(|_| fault.is_of_handshake())
}

/// A fault of the frame level, or of what was agreed on in the opening handshake.
fn breach(fault: &PeerFault) -> Check {
    let level = if fault.id == UNSAID { Level::Should } else { Level::Must };
    let header = fault.is_of_handshake().then_some(EXTENSIONS);
    let lawful = if header.is_some() { Wanted::LawfulAnswer } else { Wanted::LawfulFrames };
    let found = Found::Breach { text: fault.text.clone() };
    Check { header, ..Check::new(fault.id, level, fault.section, false).of(lawful, found) }
}

/// What came against what is accepted.
fn events(case: &Case, observation: &Observation) -> Check {
    let expectation = Wanted::Expectation { text: case.expectation.to_string() };
    let check = Check::new("events", Level::Must, section(case, Level::Must), true)
        .of(expectation, words::events(case, &observation.events));
    if let Some(conclusion) = &observation.conclusion {
        let (ok, level) = match conclusion.grade {
            Grade::Failed => (false, Level::Must),
            Grade::NonStrict => (false, Level::Should),
            Grade::Ok | Grade::Informational | Grade::Unimplemented => (true, Level::Must),
        };
        let observed = Found::other(words::clause(&conclusion.text));
        let seen_in = observation.seen_in.filter(|_| !ok);
        let entry = if case.is_passive() { None } else { places::conclusion(observation) };
        return Check { ok, level, section: section(case, level), observed, entry, seen_in, ..check };
    }
    match accepted(case, observation) {
        Some(accept) if accept.grade == Grade::Ok => check,
        Some(accept) => {
            let best = case.accepts.iter().find(|best| best.grade == Grade::Ok).unwrap_or(accept);
            let (expected, observed) = words::difference(case, best, observation);
            let observed = observed.because(&*accept.because);
            let entry = difference(best, observation);
            let level = Level::Should;
            Check { ok: false, level, section: section(case, level), expected, observed, entry, ..check }
        }
        None => differing_events(case, observation, check),
    }
}

/// The section of the rule that a check of this level is about: what may be done cannot be broken.
pub(super) fn section(case: &Case, level: Level) -> String {
    let rules = || case.rules.iter();
    let rule = rules().find(|rule| rule.level == level);
    let rule = rule.or_else(|| rules().find(|rule| rule.level != Level::May)).or_else(|| rules().next());
    rule.map_or_else(String::new, ToString::to_string)
}

fn differing_events(case: &Case, observation: &Observation, check: Check) -> Check {
    // The accepted outcome that came closest, the better one of equals.
    let common = |accept: &Accept| words::common_prefix(accept, observation);
    let closest = case.accepts.iter().rev().max_by_key(|accept| common(accept));
    let Some(closest) = closest else { return Check { ok: false, ..check } };
    let (expected, observed) = words::difference(case, closest, observation);
    Check { ok: false, expected, observed, entry: difference(closest, observation), ..check }
}

/// What came instead of the accepted outcome, or what was not answered.
fn difference(accept: &Accept, observation: &Observation) -> Option<usize> {
    let at = words::common_prefix(accept, observation);
    places::event(observation, at).or_else(|| places::unanswered(observation, &accept.events, at))
}

/// How the connection ended: up to the first rule that is broken. Those behind it were not reached.
fn close(case: &Case, observation: &Observation, checks: &mut Vec<Check>) {
    let failed = checks.iter().any(|check| !check.ok && check.level == Level::Must);
    let mut over = false;
    for mut check in [initiator, clean, code, tcp].iter().map(|rule| rule(case, observation)) {
        // One cause, one line: the code is the answer to that of a tester that gave up.
        check.ok |= check.id == "close.code" && failed && echoes_the_testers(observation);
        let ok = check.ok;
        checks.push(if over { check.unreached() } else { check });
        over |= !ok;
    }
}

/// Whether the tester failed the connection, and the code that came is its own.
fn echoes_the_testers(observation: &Observation) -> bool {
    let close = &observation.close;
    close.failed_by_me && close.remote_code.is_some() && close.remote_code == close.local_code
}

fn initiator(case: &Case, observation: &Observation) -> Check {
    let by_tester = case.close.first == FirstToClose::Tester;
    let expected = match case.close.first {
        FirstToClose::Tester => Wanted::TesterCloses,
        FirstToClose::Peer => Wanted::failing(),
    };
    let ok = by_tester == observation.close.closed_by_me;
    let check = Check::new("close.initiator", Level::Must, "RFC 6455 section 7.1.7", ok);
    let by_me = observation.close.closed_by_me;
    let entry = if by_me { places::given_up(observation) } else { places::ending(observation) };
    Check { entry, ..check.of(expected, words::ending(observation)) }
}

/// Where a clean end is not asked for, the peer may end TCP instead of answering; silence is neither.
fn clean(case: &Case, observation: &Observation) -> Check {
    let close = &observation.close;
    let by_tester = close.closed_by_me && close.tcp == Some(TcpEnd::Tester);
    let silence = by_tester && !close.was_clean && close.remote_code.is_none() && observation.fault.is_none();
    let late_server = close.was_server_connection_drop_timeout;
    let (level, section) = if late_server { (Level::Should, TCP) } else { (Level::Must, CLOSING) };
    let ok = close.was_clean || !case.close.clean && !silence;
    let observed = match &close.was_not_clean_reason {
        _ if silence => Found::Silence,
        None if close.was_clean => Found::CleanEnd,
        reason => Found::UncleanEnd { text: reason.clone() },
    };
    let entry = if late_server { places::end_of_tcp(observation) } else { places::ending(observation) };
    let check = Check::new("close.clean", level, section, ok);
    Check { entry, ..check.of(Wanted::other("Close frames both ways, then the end of TCP"), observed) }
}

fn code(case: &Case, observation: &Observation) -> Check {
    let codes = &case.close.codes;
    let code = observation.close.remote_code;
    let level = if case.close.wrong_code_fails { Level::Must } else { Level::Should };
    // Where the code decides, the case is about another rule: that is the one that is broken.
    let section = if level == Level::Must { section(case, level) } else { CODES.to_string() };
    let check = Check::new("close.code", level, section, code.is_none_or(|code| codes.contains(&code)));
    let entry = places::close_frame(observation);
    Check { entry, ..check.of(Wanted::Codes { codes: codes.clone() }, Found::Code { code }) }
}

fn tcp(_: &Case, observation: &Observation) -> Check {
    let late = observation.role == TesterRole::Client && observation.close.dropped_by_me;
    let (expected, in_time) = match observation.role {
        TesterRole::Client => ("the server to end TCP first", "the server ended TCP"),
        TesterRole::Server => ("the tester, the server, to end TCP first", "TCP was ended"),
    };
    let observed = if late { "the client had to end TCP" } else { in_time };
    let check = Check::new("close.tcp", Level::Should, TCP, !late);
    let check = check.of(Wanted::other(expected), Found::other(observed));
    Check { entry: places::end_of_tcp(observation), ..check }
}

/// How many data frames there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameCount {
    first: u64,
    continuations: u64,
}

impl FrameCount {
    pub(super) const fn found(self) -> Found {
        Found::FramesSent { first: self.first, continuations: self.continuations }
    }
}

/// How many data frames a case with a fragmented message has to send, and how many were sent.
pub(super) fn sent_frames(case: &Case, observation: &Observation) -> Option<(FrameCount, FrameCount)> {
    let Play::Script(steps) = &case.play else { return None };
    let [Step::SendMessage(message), rest @ ..] = &steps[..] else { return None };
    let size = message.fragment?.max(1);
    let more_data = rest.iter().any(|step| !matches!(step, Step::FailAfter(_) | Step::CloseAfter(_)));
    if more_data || observation.handshake.extensions.is_some() || observation.handshake.never_opened.is_some()
    {
        return None;
    }
    let len = message.payload.len();
    let continuations = if len > size { (len / size) as u64 } else { 0 };
    let count = |opcode: Opcode| observation.stats.tx_frames.get(&opcode.bits()).copied().unwrap_or(0);
    let sent = FrameCount {
        first: count(Opcode::TEXT) + count(Opcode::BINARY),
        continuations: count(Opcode::CONTINUATION),
    };
    Some((FrameCount { first: 1, continuations }, sent))
}

fn sent_frames_check(case: &Case, observation: &Observation) -> Option<Check> {
    let (expected, sent) = sent_frames(case, observation)?;
    let check = Check::new("frames.sent", Level::Must, "RFC 6455 section 5.4", expected == sent);
    Some(
        check
            .of(Wanted::other(expected.found().to_string()), sent.found())
            .at(places::last_sent(observation)),
    )
}
