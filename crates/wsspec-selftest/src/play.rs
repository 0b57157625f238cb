//! One case on one endpoint.

use wsspec_cases::{Case, CaseId, Cost, Play, Roles, suite};
use wsspec_endpoint::{Closed, Deviation, Role};
use wsspec_engine::testing::{self, Pair};
use wsspec_engine::{
    Behavior, BehaviorClose, CaseRun, ClientOpening, Observation, Outcome, Settings, TesterRole, Verdict,
    passive_outcomes,
};

use crate::matrix::tester;
use crate::peer::Endpoint;

/// Cases that move megabytes or thousands of frames: all of 9, 12 and 13, those with hundreds of connections, and
/// these. All others together take less
/// time than one of them.
const HEAVY: [&str; 21] = [
    "14.4.5", "16.5.5", "16.5.1", "17.1.12", "17.1.15", "17.2.21", "18.4.3", "18.5.2", "18.5.7", "18.7.3",
    "18.7.4", "18.8.2", "21.2.25", "21.4.2", "21.4.7", "22.1.7", "22.2.1", "22.3.7", "22.3.8", "22.4.7",
    "22.4.8",
];

/// Round trips of the cases that loop: enough for every parameter of a loop, and few.
const LOOPS: u32 = 3;

/// Connections of the cases that have hundreds of them: enough for each kind.
const CONNECTIONS: u32 = 65;

/// The tester in one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player {
    role: TesterRole,
}

/// What became of the verdict of a case, compared with that on the strict endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is told instead of passed, or the other way round.
    Told,
    /// A SHOULD is found broken.
    NonStrict,
    /// It fails.
    Fails,
}

impl Change {
    /// From what is seen of the strict endpoint to what is seen now; `None`: nothing that says anything.
    pub fn between(strict: &Seen, now: &Seen) -> Option<Self> {
        match now.verdict {
            verdict if verdict == strict.verdict && now.told == strict.told => None,
            verdict if verdict == strict.verdict => Some(Self::Told),
            verdict if verdict.is_failure() => Some(Self::Fails),
            Verdict::NonStrict => Some(Self::NonStrict),
            _ => Some(Self::Told),
        }
    }
}

/// What is seen of an endpoint in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub(crate) id: CaseId,
    pub(crate) verdict: Verdict,
    /// The reference suite's own verdict, on the behaviour or the close, is a failure.
    pub(crate) reference_fails: bool,
    /// The reference suite's pair of verdicts.
    pub(crate) reference: (Behavior, BehaviorClose),
    /// What is told, in the cases that do no more than that.
    told: String,
}

impl Seen {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let tells = suite().get(outcome.id).is_some_and(only_tells);
        let told = if tells { outcome.summary.clone() } else { String::new() };
        let reference_fails = outcome.behavior == Behavior::Failed
            || !matches!(outcome.behavior_close, BehaviorClose::Ok | BehaviorClose::Informational);
        let reference = (outcome.behavior, outcome.behavior_close);
        Self { id: outcome.id, verdict: outcome.verdict, reference_fails, reference, told }
    }
}

fn is_heavy(case: &Case) -> bool {
    let large = matches!(case.id.section(), 9 | 12 | 13) || case.cost == Cost::Many;
    large || HEAVY.contains(&&*case.id.to_string())
}

/// Whether the case cannot do more than tell: it is informational by definition.
pub fn only_tells(case: &Case) -> bool {
    let habits_only = matches!(&case.play, Play::Passive(watch) if watch.breaches.is_empty());
    habits_only || case.informational.is_some()
}

impl Player {
    /// The tester in this role.
    pub const fn new(role: TesterRole) -> Self {
        Self { role }
    }

    /// The tester of an endpoint in this role.
    pub fn of(endpoint: Role) -> Self {
        Self::new(tester(endpoint))
    }

    /// The role of the tester.
    pub const fn role(self) -> TesterRole {
        self.role
    }

    /// The cases that have a connection and that can be played in this role.
    pub fn connecting(self) -> impl Iterator<Item = &'static Case> {
        let roles = if self.role == TesterRole::Client { Roles::Client } else { Roles::Server };
        let played =
            move |case: &&Case| !case.is_passive() && (case.roles == Roles::Both || case.roles == roles);
        suite().cases().iter().filter(played)
    }

    /// Those of them that take next to no time.
    pub fn light(self) -> impl Iterator<Item = &'static Case> {
        self.connecting().filter(|case| !is_heavy(case))
    }

    /// Those that move megabytes or thousands of frames.
    pub fn heavy(self) -> impl Iterator<Item = &'static Case> {
        self.connecting().filter(|case| is_heavy(case))
    }

    /// The cases that look at all others.
    pub fn passive(self) -> Vec<&'static Case> {
        let roles = if self.role == TesterRole::Client { Roles::Client } else { Roles::Server };
        let played = |case: &&Case| case.is_passive() && (case.roles == Roles::Both || case.roles == roles);
        suite().cases().iter().filter(played).collect()
    }

    /// Plays a case against the endpoint with these deviations.
    pub fn play(self, case: &Case, deviations: &[&'static Deviation]) -> Outcome {
        let (mut number, mut last) = (0, None);
        testing::play(case, self.role, Some(CONNECTIONS), |part| {
            let (observation, closed) = self.connect(part, deviations, last.take(), number);
            (number, last) = (number + 1, closed);
            observation
        })
    }

    /// One connection; how it ended is for the next one.
    fn connect(
        self,
        case: &Case,
        deviations: &[&'static Deviation],
        last: Option<Closed>,
        number: u32,
    ) -> (Observation, Option<Closed>) {
        let settings = Settings { loop_count: Some(LOOPS), ..Settings::default() };
        let (run, endpoint) = match self.role {
            TesterRole::Client => {
                let opening = ClientOpening {
                    host: "localhost".into(),
                    target: "/".into(),
                    ..ClientOpening::default()
                };
                (CaseRun::client(case, &opening, settings), Endpoint::server(deviations))
            }
            TesterRole::Server => {
                let (endpoint, request) = Endpoint::client(case, deviations, last, number);
                (CaseRun::server(case, &request, settings), endpoint)
            }
        };
        let (observation, endpoint) = Pair::new(run, endpoint).finish();
        (observation, endpoint.closed)
    }

    /// What the passive cases say about these outcomes.
    pub fn judge_passive(self, outcomes: &[Outcome]) -> Vec<Outcome> {
        let seen: Vec<_> =
            outcomes.iter().map(|outcome| (outcome.id, outcome.observation.watched.clone())).collect();
        passive_outcomes(&self.passive(), self.role, &seen)
    }
}
