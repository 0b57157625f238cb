//! What a case does, what passes it, and what usually goes wrong: the same text for `explain` and for the page.

mod grades;
mod hints;

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use wsspec_cases::{Case, CaseId, FirstToClose, StepText, Suite, suite};

use grades::Grades;

/// Steps of a script that are told.
const STEPS: usize = 12;
/// Cases with the same rule that are named.
const SAME_RULE: usize = 6;
/// All cases came with this version.
const SINCE: &str = "0.1";

/// A case in words.
#[derive(Clone, Debug)]
pub struct Description {
    /// Label and text: the rules, what passes, what is non-strict, informational or a failure, what usually goes wrong.
    pub judged: Vec<(&'static str, String)>,
    /// What is sent, step by step; the first ones of many.
    pub steps: Vec<StepText>,
    /// How many steps more there are.
    pub more_steps: usize,
    /// Label and text: the closing handshake, cases that are near, since when there is the case.
    pub around: Vec<(&'static str, String)>,
}

impl Description {
    /// Of a case that there is; made once, however many implementations have a result for it.
    pub fn known(id: CaseId) -> Option<&'static Self> {
        static ALL: LazyLock<HashMap<CaseId, OnceLock<Description>>> =
            LazyLock::new(|| suite().cases().iter().map(|case| (case.id, OnceLock::new())).collect());
        let case = suite().get(id)?;
        Some(ALL.get(&id)?.get_or_init(|| Self::of(case, suite())))
    }

    /// Of a case of this suite.
    pub fn of(case: &Case, suite: &Suite) -> Self {
        let mut judged: Vec<(&'static str, String)> = Vec::new();
        for rule in &case.rules {
            judged.push(("rule", format!("{rule} ({}): {}", rule.level.name(), rule.summary)));
        }
        judged.push(("pass", case.expectation.to_string()));
        judged.extend(outcomes(case));
        judged.extend(hints::usually(case.id).map(|hint| ("usually", hint.to_owned())));
        let mut steps = case.describe_steps();
        let more_steps = steps.len().saturating_sub(STEPS);
        steps.truncate(STEPS);
        let around = vec![
            ("close", close_rule(case)),
            ("compare", compare(case, suite)),
            ("since", format!("version {SINCE}")),
        ];
        Self { judged, steps, more_steps, around }
    }
}

/// The outcomes that do not pass; `-` where there is none of that verdict.
fn outcomes(case: &Case) -> Vec<(&'static str, String)> {
    let Grades { non_strict, told, fail } = Grades::of(case);
    let all = |label, outcomes: Vec<String>| {
        let outcomes = if outcomes.is_empty() { vec!["-".to_owned()] } else { outcomes };
        outcomes.into_iter().map(move |outcome| (label, outcome))
    };
    let mut out: Vec<_> = all("non-strict", non_strict).collect();
    if !told.is_empty() {
        out.extend(all("info", told));
    }
    out.extend(all("fail", fail));
    out
}

/// Cases that are near, by number and by rule.
fn compare(case: &Case, suite: &Suite) -> String {
    let cases = suite.cases();
    let at = cases.iter().position(|other| other.id == case.id).unwrap_or(0);
    let around = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| cases.get(at));
    let around: Vec<CaseId> =
        around.map(|other| other.id).filter(|id| id.section() == case.id.section()).collect();
    let same = |other: &&Case| {
        other.id != case.id
            && !around.contains(&other.id)
            && case.rules.first().is_some_and(|rule| other.rules.first() == Some(rule))
    };
    let same: Vec<String> =
        cases.iter().filter(same).take(SAME_RULE).map(|other| other.id.to_string()).collect();
    let mut parts = Vec::new();
    if !around.is_empty() {
        parts.push(format!(
            "neighbours: {}",
            around.iter().map(CaseId::to_string).collect::<Vec<_>>().join(" ")
        ));
    }
    if !same.is_empty() {
        parts.push(format!("same rule: {}", same.join(" ")));
    }
    parts.join(";  ")
}

/// Who closes, and with which codes.
pub fn close_rule(case: &Case) -> String {
    let codes: Vec<String> = case.close.codes.iter().map(ToString::to_string).collect();
    let codes =
        if codes.is_empty() { "any code".to_owned() } else { format!("code {} or none", codes.join(", ")) };
    match case.close.first {
        FirstToClose::Tester => format!("wsspec closes; the answer has {codes}"),
        FirstToClose::Peer => format!("the implementation fails the connection with {codes}"),
    }
}

/// A duration as people read it: `0.3 ms`, `12 ms`, `1.02 s`, `2 min 5 s`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.001 {
        format!("{:.1} ms", seconds * 1000.0)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 100.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}
