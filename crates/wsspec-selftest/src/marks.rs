//! Every check that fails points at what shows it.

use std::collections::BTreeMap;

use wsspec_cases::CaseId;
use wsspec_endpoint::{Deviation, Role, defects};
use wsspec_engine::{Direction, LogKind, Outcome, WireLog};
use wsspec_wire::Opcode;

use crate::matrix::parallel;
use crate::play::Player;

/// A failed check that points at nothing, or at something that cannot show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// The defect.
    pub defect: &'static str,
    /// The role of the endpoint.
    pub role: Role,
    /// The case.
    pub case: CaseId,
    /// The check.
    pub check: &'static str,
    /// What it points at.
    pub at: Option<Place>,
}

/// What a check can point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A frame of the peer with this opcode.
    Received(u8),
    /// A frame of the tester with this opcode.
    Sent(u8),
    /// Octets that came: the opening handshake.
    Octets,
    /// A timer, or the end of a wait.
    Timer,
    /// The tester fails the connection.
    Failed,
    /// The end of TCP.
    Tcp,
    /// Frames are not recorded here.
    Quiet,
    /// The last entry before those that were not kept.
    Gap,
}

/// How many checks fail in all light cases on all defects, and those that are misplaced.
pub fn misplaced() -> (u64, Vec<Misplaced>) {
    let roles = [Role::Server, Role::Client];
    let in_roles = |defect: &'static Deviation| {
        roles.into_iter().filter(|role| defect.roles.include(*role)).map(move |role| (defect, role))
    };
    let jobs: Vec<_> = defects().flat_map(in_roles).collect();
    let found = parallel(&jobs, |(defect, role)| of(defect, *role));
    let failed = found.iter().map(|(failed, _)| failed).sum();
    (failed, found.into_iter().flat_map(|(_, misplaced)| misplaced).collect())
}

/// How many checks failed, and which of them are misplaced.
fn of(defect: &'static Deviation, role: Role) -> (u64, Vec<Misplaced>) {
    let player = Player::of(role);
    let mut places = BTreeMap::new();
    let (mut failed, mut found) = (0, Vec::new());
    let mut outcomes = Vec::new();
    for case in player.light() {
        let mut outcome = player.play(case, &[defect]);
        let checks = outcome.checks.iter().filter(|check| !check.ok);
        for check in checks {
            failed += 1;
            let at = check.entry.and_then(|entry| place(&outcome, entry));
            let fits = at.is_some_and(|at| fits(check.id, at));
            found.extend((!fits).then_some(Misplaced {
                defect: defect.id,
                role,
                case: case.id,
                check: check.id,
                at,
            }));
        }
        let log = &outcome.observation.log;
        places.insert(
            case.id,
            (0..log.entries.len())
                .map(|at| (log.number(at), place(&outcome, at)))
                .collect::<BTreeMap<_, _>>(),
        );
        outcome.observation.log.entries = Vec::new();
        outcome.observation.events = Vec::new();
        outcomes.push(outcome);
    }
    for outcome in player.judge_passive(&outcomes) {
        for check in outcome.checks.iter().filter(|check| !check.ok) {
            failed += 1;
            let seen = check.seen_in.and_then(|seen| Some((seen, seen.number?)));
            let at = seen.and_then(|(seen, number)| *places.get(&seen.case)?.get(&number)?);
            let fits = at.is_some_and(|at| matches!(at, Place::Received(_) | Place::Tcp | Place::Gap));
            found.extend((!fits).then_some(Misplaced {
                defect: defect.id,
                role,
                case: outcome.id,
                check: check.id,
                at,
            }));
        }
    }
    (failed, found)
}

/// Whether such an entry can show that this check failed.
fn fits(check: &str, at: Place) -> bool {
    let close = Place::Received(Opcode::CLOSE.bits());
    match check {
        _ if at == Place::Gap => true,
        "handshake" => matches!(at, Place::Octets | Place::Tcp),
        _ if check.starts_with("handshake.") => at == Place::Octets,
        "close.tcp" => at == Place::Tcp,
        "close.initiator" if at == Place::Timer => true,
        "close.code" | "close.clean" | "close.prompt" | "close.reason" | "close.initiator" => {
            matches!(at, Place::Tcp | Place::Sent(_)) || at == close
        }
        "events" | "fails" | "reaction" | "close.answer" | "close.peer" => {
            !matches!(at, Place::Octets | Place::Failed)
        }
        "frames.sent" => matches!(at, Place::Sent(_)),
        "footprint" => matches!(at, Place::Tcp | Place::Sent(_)),
        "close.last" => matches!(at, Place::Received(_)),
        // A rule of the frame level.
        _ => matches!(at, Place::Received(_)),
    }
}

fn place(outcome: &Outcome, entry: usize) -> Option<Place> {
    let log = &outcome.observation.log;
    Some(match &log.entries.get(entry)?.kind {
        _ if log.dropped > 0 && entry == WireLog::KEPT - 1 => Place::Gap,
        LogKind::Frame { direction: Direction::Rx, header, .. } => Place::Received(header.opcode.bits()),
        LogKind::Frame { direction: Direction::Tx, header, .. } => Place::Sent(header.opcode.bits()),
        LogKind::Octets { .. } => Place::Octets,
        LogKind::WaitStarted { .. }
        | LogKind::WaitEnded { .. }
        | LogKind::FailTimerArmed(_)
        | LogKind::FailTimerFired
        | LogKind::CloseTimerArmed(_)
        | LogKind::CloseTimerFired => Place::Timer,
        LogKind::Failed(_) => Place::Failed,
        LogKind::TcpEnd(_) => Place::Tcp,
        LogKind::Recording(_) => Place::Quiet,
    })
}
