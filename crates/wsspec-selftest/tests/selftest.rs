//! Every defect is caught, every case can fail, no quirk is blamed.

use wsspec_cases::suite;
use wsspec_endpoint::{Role, deviation, quirks};
use wsspec_engine::Verdict;
use wsspec_selftest::{Player, blamed, cases_that_cannot_fail, survivors};

/// Up to here the cases are those of the reference suite.
const LAST_OLD_SECTION: u16 = 13;

#[test]
fn every_defect_is_caught() {
    assert_eq!(survivors(), [], "defects that no case catches: add a case, or the defect is none");
}

#[test]
fn every_case_can_fail() {
    let never: Vec<_> = cases_that_cannot_fail().iter().map(|(role, id)| format!("{id} {role:?}")).collect();
    assert_eq!(never, [""; 0], "cases that no defect makes fail: add the defect that they are there for");
}

#[test]
fn no_quirk_fails_a_case_that_is_not_the_reference_suites() {
    let blamed = blamed(quirks(), |id| id.section() > LAST_OLD_SECTION);
    let blamed: Vec<_> =
        blamed.iter().map(|(quirk, role, id)| format!("{id}: {} {role:?}", quirk.id)).collect();
    assert_eq!(blamed, [""; 0], "lawful behaviour that a case takes for a fault");
}

/// What a peer does wrong in passing, in a case of each section of the reference suite, and the rule under which it
/// is reported.
const IN_PASSING: [(&str, &str, Role, &str); 12] = [
    ("1.1.2", "close-answered-twice", Role::Server, "18.9.1"),
    ("1.1.2", "keys-of-fixed-seed", Role::Client, "14.4.6"),
    ("2.2", "close-answered-twice", Role::Client, "18.9.1"),
    ("3.2", "close-answered-twice", Role::Server, "18.9.1"),
    ("4.1.3", "close-answered-twice", Role::Server, "18.9.1"),
    ("5.3", "close-answered-twice", Role::Server, "18.9.1"),
    ("6.2.1", "close-answered-twice", Role::Client, "18.9.1"),
    ("7.1.1", "close-answered-twice", Role::Server, "18.9.1"),
    ("9.1.1", "close-answered-twice", Role::Server, "18.9.1"),
    ("10.1.1", "close-answered-twice", Role::Client, "18.9.1"),
    ("12.1.1", "close-answered-twice", Role::Server, "18.9.1"),
    ("13.1.1", "close-answered-twice", Role::Client, "18.9.1"),
];

#[test]
fn what_is_seen_in_passing_in_an_old_case_is_reported_and_leaves_its_verdict() {
    for (id, defect, role, watched) in IN_PASSING {
        let player = Player::of(role);
        let case = suite().get(id.parse().unwrap()).unwrap();
        let defect = deviation(defect).unwrap();
        // Masking keys are compared between connections: one more.
        let play = |deviations: &[_]| {
            ["1.1.3", id].map(|id| player.play(suite().get(id.parse().unwrap()).unwrap(), deviations))
        };
        let [_, strict] = play(&[]);
        let outcomes = play(&[defect]);
        let [_, found] = &outcomes;
        let of =
            |outcome: &wsspec_engine::Outcome| (outcome.behavior, outcome.behavior_close, outcome.verdict);
        assert_eq!(of(found), of(&strict), "{id}: {}: {}", defect.id, found.summary);
        let passive = player.judge_passive(&outcomes);
        let named = passive.iter().find(|outcome| outcome.id.to_string() == watched).unwrap();
        let told = matches!(named.verdict, Verdict::Fail | Verdict::Info);
        assert!(told, "{}: {} is not seen by {watched}: {}", case.id, defect.id, named.summary);
    }
}
