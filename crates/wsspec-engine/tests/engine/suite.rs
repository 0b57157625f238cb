//! The whole suite against the built-in endpoint, in memory and virtual time, the tester in both roles.

use std::time::Duration;

use crate::common::{Endpoint, connecting, opening, playable};
use wsspec_cases::{Case, Profile, Roles, suite};
use wsspec_endpoint::Closed;
use wsspec_engine::testing::{Pair, play};
use wsspec_engine::{
    Behavior, BehaviorClose, CaseRun, Outcome, Settings, TesterRole, Verdict, judge, passive_outcomes,
};

/// Enough round trips to use every parameter of a loop, in a moment.
const LOOPS: u32 = 3;
/// Of a series.
const CONNECTIONS: u32 = 101;

fn settings() -> Settings {
    Settings { loop_count: Some(LOOPS), ..Settings::default() }
}

fn against_server(case: &Case) -> Outcome {
    let run = CaseRun::client(case, &opening(), settings());
    let (observation, _) = Pair::new(run, Endpoint::server()).finish();
    judge(case, observation)
}

/// A case as a whole.
fn against_servers(case: &Case) -> Outcome {
    play(case, TesterRole::Client, Some(CONNECTIONS), |part| against_server(part).observation)
}

/// The same with a client, which remembers how its last connection ended.
fn against_clients(case: &Case) -> Outcome {
    let mut last: Option<Closed> = None;
    play(case, TesterRole::Server, Some(CONNECTIONS), |part| {
        let (endpoint, request) = Endpoint::client_after(part, last.take());
        let run = CaseRun::server(part, &request, settings());
        let (observation, endpoint) = Pair::new(run, endpoint).finish();
        last = endpoint.closed;
        observation
    })
}

/// These inform, whatever happens.
const INFORMATIONAL: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

fn assert_conforms(case: &Case, role: TesterRole, outcome: &Outcome) {
    let id = case.id.to_string();
    assert_eq!(outcome.observation.fault, None, "{id} as {role:?}");
    assert_eq!(outcome.observation.breaches, [], "{id} as {role:?}");
    // Many of the cases that are not the reference suite's tell what they saw.
    if case.id.section() > 13 {
        let fine = matches!(outcome.verdict, Verdict::Pass | Verdict::Info);
        assert!(fine, "{id} as {role:?}: {:?}: {}", outcome.verdict, outcome.summary);
        return;
    }
    let (behavior, close, verdict) = if INFORMATIONAL.contains(&&id[..]) {
        (Behavior::Informational, BehaviorClose::Informational, Verdict::Info)
    } else if matches!(case.profile, Some(Profile::Tolerates(_))) {
        (Behavior::Informational, BehaviorClose::Ok, Verdict::Info)
    } else {
        (Behavior::Ok, BehaviorClose::Ok, Verdict::Pass)
    };
    let found = (outcome.behavior, outcome.behavior_close, outcome.verdict);
    assert_eq!(found, (behavior, close, verdict), "{id} as {role:?}: {}", outcome.summary);
}

/// Every case, and then those that look at all others.
fn passes_every_case(role: TesterRole, play: fn(&Case) -> Outcome) {
    let mut seen = Vec::new();
    for case in playable(role) {
        let outcome = play(case);
        assert_conforms(case, role, &outcome);
        seen.push((case.id, outcome.observation.watched));
    }
    let roles = if role == TesterRole::Client { Roles::Client } else { Roles::Server };
    let passive = |case: &&Case| case.is_passive() && (case.roles == Roles::Both || case.roles == roles);
    let passive: Vec<&Case> = suite().cases().iter().filter(passive).collect();
    let outcomes = passive_outcomes(&passive, role, &seen);
    assert_eq!(outcomes.len(), passive.len());
    for (case, outcome) in passive.into_iter().zip(&outcomes) {
        assert_conforms(case, role, outcome);
    }
}

#[test]
fn a_server_passes_every_case() {
    passes_every_case(TesterRole::Client, against_servers);
}

#[test]
fn a_client_passes_every_case() {
    passes_every_case(TesterRole::Server, against_clients);
}

#[test]
fn judging_again_gives_the_same_outcome() {
    for case in connecting(TesterRole::Client).step_by(7) {
        let first = against_server(case);
        let again = judge(case, first.observation.clone());
        assert_eq!(again.verdict, first.verdict, "{}", case.id);
        assert_eq!(again.summary, first.summary, "{}", case.id);
        assert_eq!(again.checks, first.checks, "{}", case.id);
        assert_eq!((again.behavior, again.behavior_close), (first.behavior, first.behavior_close));
        assert_eq!((again.result, again.result_close), (first.result, first.result_close));
    }
}

#[test]
fn waits_cost_virtual_time_only() {
    let case = suite().get("5.19".parse().unwrap()).unwrap();
    let outcome = against_server(case);
    assert_eq!(outcome.observation.duration, Duration::from_secs(1), "the wait of the case");
}
