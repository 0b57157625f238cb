//! The two verdicts of the reference suite, by its rules: users compare them with older reports.

use wsspec_cases::{Case, FirstToClose, Grade};

use super::checks;
use crate::observation::{Observation, TesterRole};
use crate::outcome::{Behavior, BehaviorClose, Verdict};

/// Scripts of users compare this sentence.
const MATCH: &str = "Actual events match at least one expected.";
/// And this one.
const DIFFER: &str = "Actual events differ from any expected.";

pub(super) struct Reference {
    pub(super) behavior: Behavior,
    pub(super) behavior_close: BehaviorClose,
    pub(super) result: String,
    pub(super) result_close: String,
}

pub(super) fn judge(case: &Case, observation: &Observation) -> Reference {
    if case.profile.is_some() {
        return by_profile(case, observation);
    }
    let (mut behavior, mut result) = behavior(case, observation);
    let (mut behavior_close, result_close) = behavior_close(case, observation);
    let rule = &case.close;
    if rule.wrong_end_fails && is_open(observation) && wrong_end(case, observation) {
        behavior = Behavior::Failed;
    }
    if rule.wrong_code_fails && behavior_close == BehaviorClose::WrongCode {
        behavior = Behavior::Failed;
        result.clone_from(&result_close);
    }
    if let Some((expected, sent)) = checks::sent_frames(case, observation).filter(|(a, b)| a != b) {
        behavior = Behavior::Failed;
        result = format!("The tester sent {} instead of {}.", sent.found(), expected.found());
    }
    if let Some(because) = &case.informational {
        behavior = Behavior::Informational;
        behavior_close = BehaviorClose::Informational;
        result = super::words::sentence(because);
    }
    Reference { behavior, behavior_close, result, result_close }
}

/// The reference does not have these cases: its words for our verdict.
fn by_profile(case: &Case, observation: &Observation) -> Reference {
    let checks = checks::all(case, observation);
    let (behavior, result) = match super::verdict(case, observation, &checks) {
        Verdict::Pass => (Behavior::Ok, MATCH),
        Verdict::NonStrict => (Behavior::NonStrict, MATCH),
        Verdict::Info => (Behavior::Informational, MATCH),
        Verdict::NotApplicable => (Behavior::Unimplemented, DIFFER),
        _ => (Behavior::Failed, DIFFER),
    };
    let broken = checks.iter().find(|check| !check.ok && check.id.starts_with("close."));
    let (behavior_close, result_close) = match broken {
        _ if !is_open(observation) => behavior_close(case, observation),
        None => (BehaviorClose::Ok, "The connection was closed properly".to_string()),
        Some(check) if check.id == "close.code" => (BehaviorClose::WrongCode, check.observed.to_string()),
        Some(check) => (BehaviorClose::Unclean, check.observed.to_string()),
    };
    Reference { behavior, behavior_close, result: result.to_string(), result_close }
}

fn behavior(case: &Case, observation: &Observation) -> (Behavior, String) {
    if !is_open(observation) {
        return (Behavior::Failed, DIFFER.to_string());
    }
    match &observation.conclusion {
        Some(conclusion) => {
            let grade = conclusion.reference_grade.unwrap_or(conclusion.grade);
            let text = conclusion.reference_text.as_ref().unwrap_or(&conclusion.text);
            (word_of(grade), text.to_string())
        }
        None => match checks::accepted(case, observation) {
            Some(accept) => (word_of(accept.grade), MATCH.to_string()),
            None => (Behavior::Failed, DIFFER.to_string()),
        },
    }
}

const fn word_of(grade: Grade) -> Behavior {
    match grade {
        Grade::Ok => Behavior::Ok,
        Grade::NonStrict => Behavior::NonStrict,
        Grade::Informational => Behavior::Informational,
        Grade::Unimplemented => Behavior::Unimplemented,
        Grade::Failed => Behavior::Failed,
    }
}

/// The first rule that applies.
fn behavior_close(case: &Case, observation: &Observation) -> (BehaviorClose, String) {
    let (rule, close) = (&case.close, &observation.close);
    let wrong_code = close.remote_code.is_some_and(|code| !rule.codes.contains(&code));
    let (verdict, result) = if !is_open(observation) {
        (BehaviorClose::Failed, "The opening handshake was not completed".to_string())
    } else if wrong_end(case, observation) {
        (BehaviorClose::Failed, "The wrong side ended the connection".to_string())
    } else if rule.clean && !close.was_clean {
        (BehaviorClose::Unclean, "The connection had to end cleanly, and did not".to_string())
    } else if wrong_code {
        let codes: Vec<String> = rule.codes.iter().map(ToString::to_string).collect();
        let text = format!("The close code should have been {} or empty", codes.join(","));
        (BehaviorClose::WrongCode, text)
    } else if observation.role == TesterRole::Client && close.dropped_by_me {
        let text = "TCP should have been ended by the server, not by the client".to_string();
        (BehaviorClose::FailedByClient, text)
    } else {
        (BehaviorClose::Ok, "The connection was closed properly".to_string())
    };
    (verdict, result)
}

fn is_open(observation: &Observation) -> bool {
    observation.handshake.never_opened.is_none()
}

fn wrong_end(case: &Case, observation: &Observation) -> bool {
    (case.close.first == FirstToClose::Tester) != observation.close.closed_by_me
}
