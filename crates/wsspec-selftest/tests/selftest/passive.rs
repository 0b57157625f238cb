//! What a peer does wrong in passing in an old case is reported under its rule, and the old verdict stays.

use std::collections::BTreeSet;

use wsspec_cases::{Case, Play, Watch, suite};
use wsspec_endpoint::{Role, deviation};
use wsspec_engine::{Outcome, Verdict, Watched, judge};
use wsspec_selftest::Player;

use Old::{Fails, PairStays, Stays};
use Role::{Client, Server};

/// What a peer does wrong in passing, in a case of each section of the reference suite, and the rule under which it
/// is reported.
const IN_PASSING: [(&str, &str, Role, &str); 12] = [
    ("1.1.2", "close-answered-twice", Server, "18.9.1"),
    ("1.1.2", "keys-of-fixed-seed", Client, "14.4.6"),
    ("2.2", "close-answered-twice", Client, "18.9.1"),
    ("3.2", "close-answered-twice", Server, "18.9.1"),
    ("4.1.3", "close-answered-twice", Server, "18.9.1"),
    ("5.3", "close-answered-twice", Server, "18.9.1"),
    ("6.2.1", "close-answered-twice", Client, "18.9.1"),
    ("7.1.1", "close-answered-twice", Server, "18.9.1"),
    ("9.1.1", "close-answered-twice", Server, "18.9.1"),
    ("10.1.1", "close-answered-twice", Client, "18.9.1"),
    ("12.1.1", "close-answered-twice", Server, "18.9.1"),
    ("13.1.1", "close-answered-twice", Client, "18.9.1"),
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
        let of = |outcome: &Outcome| (outcome.behavior, outcome.behavior_close, outcome.verdict);
        assert_eq!(of(found), of(&strict), "{id}: {}: {}", defect.id, found.summary);
        let passive = player.judge_passive(&outcomes);
        let named = passive.iter().find(|outcome| outcome.id.to_string() == watched).unwrap();
        let told = matches!(named.verdict, Verdict::Fail | Verdict::Info);
        assert!(told, "{}: {} is not seen by {watched}: {}", case.id, defect.id, named.summary);
    }
}

/// What becomes of the verdict of the old case, for a peer that breaks a rule in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Old {
    /// It is what it is for a strict peer.
    Stays,
    /// The reference suite's pair stays; ours names the rule (docs/verdicts.md).
    PairStays,
    /// The reference suite fails a connection for that, too.
    Fails,
}

/// Every rule that is watched, a defect that breaks it, and an old case in which it does.
const BREACHES: [(&str, &str, Role, &str, Old); 23] = [
    ("frame.mask", "server-masks-pong", Server, "2.2", Fails),
    ("frame.mask", "client-unmasked", Client, "7.5.1", PairStays),
    ("frame.length", "sends-length-16", Server, "1.1.2", Fails),
    ("frame.rsv", "sends-rsv2", Server, "1.1.2", Fails),
    ("frame.rsv1", "deflate-rsv1-on-all", Server, "12.1.6", Fails),
    ("frame.control.fin", "pong-fragmented", Server, "2.2", Fails),
    ("frame.control.length", "pings-of-its-own-too-long", Server, "1.1.2", Fails),
    ("frame.opcode", "sends-reserved-opcode", Server, "1.1.2", Fails),
    ("frame.continuation", "sends-orphan", Server, "1.1.2", Fails),
    ("frame.interleaved", "sends-interleaved", Server, "1.1.2", Fails),
    ("text.utf8", "utf8-not-text-sent", Server, "1.1.2", Fails),
    ("pong.unasked", "pong-unasked", Server, "12.1.1", Stays),
    ("close.again", "close-answered-twice", Server, "1.1.2", Stays),
    ("close.data", "close-followed-by-data", Server, "12.1.1", Stays),
    ("close.body", "close-code-of-one-octet", Client, "7.5.1", PairStays),
    ("close.utf8", "close-reason-not-text", Server, "1.1.2", Fails),
    ("close.code.unlawful", "close-code-1005-sent", Server, "1.1.2", Fails),
    ("close.code.beyond", "close-code-swapped", Server, "1.1.2", Fails),
    ("close.failed", "fails-and-answers", Client, "3.2", Stays),
    ("close.code.role", "fails-with-1011", Server, "3.2", Fails),
    ("deflate.data", "deflate-garbage", Server, "12.1.1", Fails),
    ("deflate.end", "deflate-tail-kept", Server, "12.1.1", PairStays),
    ("deflate.end", "deflate-flush-missing", Server, "12.1.1", PairStays),
];

fn watch(case: &Case) -> Option<&Watch> {
    match &case.play {
        Play::Passive(watch) => Some(watch),
        _ => None,
    }
}

#[test]
fn every_rule_that_is_watched_is_in_the_table() {
    let watches = || suite().cases().iter().filter_map(watch);
    let watched: BTreeSet<&str> =
        watches().flat_map(|watch| watch.breaches.iter().chain(&watch.habits)).copied().collect();
    let tried: BTreeSet<&str> = BREACHES.iter().map(|(id, ..)| *id).collect();
    assert_eq!(watched, tried);
    // Masking keys are compared between connections: 14.4.6 is tried above.
    assert_eq!(watches().filter(|watch| watch.keys).count(), 1);
}

#[test]
fn every_breach_in_an_old_case_is_reported_under_its_rule_and_leaves_the_verdict() {
    for (rule, defect, role, id, old) in BREACHES {
        let player = Player::of(role);
        let case = suite().get(id.parse().unwrap()).unwrap();
        let (strict, found) = (player.play(case, &[]), player.play(case, &[deviation(defect).unwrap()]));
        let place = format!("{rule}: {defect} in {id}");
        let outcomes = [found];
        let concerned = player.judge_passive(&outcomes);
        let [found] = outcomes;
        let named = concerned.iter().find(|outcome| {
            let watch = suite().get(outcome.id).and_then(watch).unwrap();
            watch.breaches.contains(&rule) || watch.habits.contains(&rule)
        });
        let named = named.unwrap_or_else(|| panic!("{place}: no case watches that"));
        let habit = suite().get(named.id).and_then(watch).unwrap().habits.contains(&rule);
        let wanted = if habit { Verdict::Info } else { Verdict::Fail };
        assert_eq!(named.verdict, wanted, "{place}: {}", named.summary);
        assert!(named.summary.contains(&format!("case {id}")), "{place}: {}", named.summary);

        let pair = |outcome: &Outcome| (outcome.behavior, outcome.behavior_close);
        let seen = match (pair(&found) == pair(&strict), found.verdict == strict.verdict) {
            (true, true) => Stays,
            (true, false) => PairStays,
            (false, _) => Fails,
        };
        assert_eq!(seen, old, "{place}: {}", found.summary);
        // Without what was watched the case comes to the very same.
        let told = |outcome: &Outcome| (pair(outcome), outcome.verdict, outcome.summary.clone());
        let mut unwatched = found.observation.clone();
        unwatched.watched = Watched::default();
        assert_eq!(told(&judge(case, unwatched)), told(&found), "{place}");
    }
}
