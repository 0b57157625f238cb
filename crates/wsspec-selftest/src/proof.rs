//! The same as the matrix proves, with as few runs as it takes: for each defect up to the first case that catches
//! it, for each case up to the first defect that makes it fail.

use std::sync::LazyLock;

use wsspec_cases::{Case, CaseId, suite};
use wsspec_endpoint::{Deviation, Role, defects, deviation};

use crate::matrix::{Row, parallel, verdicts};
use crate::play::{Change, Player, Seen, only_tells};

const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// Defects that most cases notice: they are tried first.
const COARSE: [&str; 6] = [
    "message-lost",
    "fails-silently",
    "close-unanswered-tcp-open",
    "ping-unanswered",
    "inflate-errors-ignored",
    "length-huge-as-none",
];

/// The last section of the reference suite.
const LAST_OLD: u16 = 13;

/// Cases from section 14 on that only coarse defects make fail, where a client is tested: they ask for nothing but that
/// it ends TCP where TCP is ended, and a client that does not has the coarse defect `close-unanswered-tcp-open`.
const COARSE_IS_ENOUGH: [&str; 4] = ["18.5.6", "18.6.1", "18.6.2", "18.6.3"];

/// The defects that no case catches.
pub fn survivors() -> Vec<(&'static Deviation, Role)> {
    let of = |role: Role| {
        defects().filter(move |defect| defect.roles.include(role)).map(move |defect| (defect, role))
    };
    let all: Vec<_> = ROLES.into_iter().flat_map(of).collect();
    let caught = parallel(&all, |(defect, role)| is_caught(defect, *role));
    all.into_iter().zip(caught).filter(|(_, caught)| !caught).map(|(defect, _)| defect).collect()
}

fn is_caught(defect: &'static Deviation, role: Role) -> bool {
    let player = Player::of(role);
    let mut light = player.light().zip(strict(role));
    light.any(|(case, strict)| Change::between(strict, &seen(player, case, &[defect])) > Some(Change::Told))
        || row(defect, role).is_caught()
}

/// The cases that no defect makes fail; those that only tell have to tell something else.
pub fn cases_that_cannot_fail() -> Vec<(Role, CaseId)> {
    let with_connection = |role: Role| Player::of(role).connecting().map(move |case| (role, case));
    let all: Vec<_> = ROLES.into_iter().flat_map(with_connection).collect();
    let fail = parallel(&all, |(role, case)| can_fail(case, *role));
    let mut never: Vec<_> = all
        .into_iter()
        .zip(fail)
        .filter(|(_, fails)| !fails)
        .map(|((role, case), _)| (role, case.id))
        .collect();
    never.extend(parallel(&ROLES, |role| passive_that_cannot_fail(*role)).into_iter().flatten());
    never
}

/// A case that no other suite has needs a defect of its own kind: the coarse ones, and those that keep the connection
/// from being opened, would be caught without its stimulus, too.
fn can_fail(case: &Case, role: Role) -> bool {
    let fine = |defect: &&Deviation| !COARSE.contains(&defect.id) && !is_of_handshake(defect);
    let is_exempt = role == Role::Client && COARSE_IS_ENOUGH.contains(&&*case.id.to_string());
    let needs_its_own = case.id.section() > LAST_OLD && !is_exempt;
    let candidates = defects().filter(|defect| defect.roles.include(role));
    if needs_its_own {
        return first_of(candidates.filter(fine), case, role).is_some();
    }
    first_defect(case, role).is_some()
}

fn is_of_handshake(defect: &Deviation) -> bool {
    const OF_EXTENSIONS: [&str; 4] = ["RFC 6455 9.1", "RFC 7692 7", "RFC 7692 7.1.1.1", "RFC 7692 7.1.2.1"];
    defect.rule.starts_with("RFC 6455 4.") || OF_EXTENSIONS.contains(&defect.rule)
}

/// A heavy case, and the first defect that makes it fail.
#[derive(Clone, Debug)]
pub struct Heavy {
    /// The case.
    pub id: CaseId,
    /// The role of the endpoint.
    pub role: Role,
    /// The defect.
    pub defect: Option<&'static Deviation>,
}

/// The heavy cases, which the matrix leaves out.
pub fn heavy_cases() -> Vec<Heavy> {
    let of = |role: Role| Player::of(role).heavy().map(move |case| (role, case));
    let all: Vec<_> = ROLES.into_iter().flat_map(of).collect();
    parallel(&all, |(role, case)| Heavy { id: case.id, role: *role, defect: first_defect(case, *role) })
}

fn first_defect(case: &Case, role: Role) -> Option<&'static Deviation> {
    let coarse = COARSE.iter().filter_map(|id| deviation(id));
    first_of(coarse.chain(defects()).filter(|defect| defect.roles.include(role)), case, role)
}

fn first_of(
    mut candidates: impl Iterator<Item = &'static Deviation>,
    case: &Case,
    role: Role,
) -> Option<&'static Deviation> {
    let player = Player::of(role);
    let strict = seen(player, case, &[]);
    candidates.find(|defect| Change::between(&strict, &seen(player, case, &[defect])) >= Some(least(case)))
}

fn passive_that_cannot_fail(role: Role) -> Vec<(Role, CaseId)> {
    let mut left = Player::of(role).passive();
    for defect in defects().filter(|defect| defect.roles.include(role)) {
        if left.is_empty() {
            break;
        }
        let row = row(defect, role);
        left.retain(|case| row.changes.get(&case.id).copied() < Some(least(case)));
    }
    left.into_iter().map(|case| (role, case.id)).collect()
}

/// What is asked of a case: to fail, or to tell something else if it can do no more.
pub fn least(case: &Case) -> Change {
    if only_tells(case) { Change::Told } else { Change::Fails }
}

/// The same, by the id of the case.
pub fn least_of(id: CaseId) -> Change {
    suite().get(id).map_or(Change::Fails, least)
}

fn seen(player: Player, case: &Case, deviations: &[&'static Deviation]) -> Seen {
    Seen::of(&player.play(case, deviations))
}

fn row(deviation: &'static Deviation, role: Role) -> Row {
    Row::new(deviation, role, strict(role), &verdicts(role, &[deviation]))
}

/// What is seen of the strict endpoint in the light cases, and then in the passive ones.
fn strict(role: Role) -> &'static [Seen] {
    static SEEN: LazyLock<[Vec<Seen>; 2]> = LazyLock::new(|| ROLES.map(|role| verdicts(role, &[])));
    &SEEN[usize::from(role == Role::Client)]
}

/// The cases of the reference suite's heavy sections (9, 12, 13) that stand for their groups: the smallest and one with
/// messages long enough for windows and limits to matter.
pub fn old_samples(role: Role) -> impl Iterator<Item = &'static Case> {
    let is_sample = |case: &&Case| match case.id.numbers() {
        [9, _, number, ..] => *number == 1,
        [12 | 13, _, number, ..] => matches!(*number, 1 | 6),
        _ => false,
    };
    Player::of(role).heavy().filter(is_sample)
}

/// What the reference suite's own cases make of a defect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OldVerdict {
    /// A case fails or is non-strict by the native verdict.
    pub native: bool,
    /// A case has another pair of verdicts than on the strict endpoint, by the reference suite's own words.
    pub reference: bool,
}

/// Plays the samples of the heavy sections where the light cases have not caught the defect.
fn old_verdict(row: &Row, last_section: u16) -> OldVerdict {
    let old = |id: &CaseId| id.section() <= last_section;
    let native = row.changes.iter().any(|(id, change)| old(id) && *change > Change::Told);
    let reference = row.noticed_by_reference.iter().any(old);
    let mut verdict = OldVerdict { native, reference };
    let player = Player::of(row.role);
    for case in old_samples(row.role) {
        if verdict.native && verdict.reference {
            break;
        }
        let (strict, now) = (seen(player, case, &[]), seen(player, case, &[row.deviation]));
        verdict.native |= Change::between(&strict, &now) > Some(Change::Told);
        verdict.reference |= now.reference != strict.reference;
    }
    verdict
}

/// The same for all rows, on all cores.
pub fn old_verdicts(rows: &[Row], last_section: u16) -> Vec<OldVerdict> {
    parallel(rows, |row| old_verdict(row, last_section))
}

/// What an endpoint makes of a case that should not concern it.
pub type Blame = (&'static Deviation, Role, CaseId);

/// The heavy cases behind `last_old` that fail because of a quirk and pass without.
pub fn blamed_in_heavy_cases(quirks: impl Iterator<Item = &'static Deviation>, last_old: u16) -> Vec<Blame> {
    let quirks: Vec<_> = quirks.collect();
    let of = |role: Role| {
        let cases = Player::of(role).heavy().filter(move |case| case.id.section() > last_old);
        cases.map(move |case| (role, case))
    };
    let jobs: Vec<_> = ROLES.into_iter().flat_map(of).collect();
    let blamed = parallel(&jobs, |(role, case)| {
        let lawful = quirks.iter().filter(|quirk| quirk.roles.include(*role));
        let player = Player::of(*role);
        let strict = seen(player, case, &[]);
        let fails = |quirk: &&&'static Deviation| {
            Change::between(&strict, &seen(player, case, &[**quirk])) == Some(Change::Fails)
        };
        lawful.filter(fails).map(|quirk| (*quirk, *role, case.id)).collect::<Vec<_>>()
    });
    blamed.into_iter().flatten().collect()
}

/// The cases that fail because of a quirk.
pub fn blamed(quirks: impl Iterator<Item = &'static Deviation>, counts: fn(CaseId) -> bool) -> Vec<Blame> {
    let of = |quirk: &'static Deviation| {
        ROLES.into_iter().filter(|role| quirk.roles.include(*role)).map(move |role| (quirk, role))
    };
    let all: Vec<_> = quirks.flat_map(of).collect();
    let blamed = parallel(&all, |(quirk, role)| {
        let failed = verdicts(*role, &[quirk]).into_iter().filter(|seen| seen.verdict.is_failure());
        failed.map(|seen| (*quirk, *role, seen.id)).filter(|(.., id)| counts(*id)).collect::<Vec<_>>()
    });
    blamed.into_iter().flatten().collect()
}
