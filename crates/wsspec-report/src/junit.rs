//! JUnit XML, in the subset that Jenkins, GitLab and Azure read.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite};
use wsspec_engine::Verdict;

use crate::html;
use crate::record::{CaseRecord, Report, Standing};
use crate::sanitise::{shell, xml};
use crate::story;

/// What decides about failures, beyond the verdicts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Non-strict is a failure.
    pub fail_on_should: bool,
    /// An expected failure that passes is a failure.
    pub strict_baseline: bool,
    /// Where the HTML report is, seen from the file.
    pub report: Option<String>,
}

/// The run as JUnit XML: a suite per implementation and section.
///
/// # Errors
/// If the document cannot be written as XML.
pub fn junit(report: &Report, options: &Options) -> Result<String, quick_junit::SerializeError> {
    let mut document = quick_junit::Report::new("wsspec");
    let mut suite: Option<(String, TestSuite)> = None;
    let anchors = html::Anchors::of(report);
    for case in &report.cases {
        let name = suite_name(case);
        if suite.as_ref().is_none_or(|(known, _)| *known != name) {
            document.add_test_suites(suite.take().map(|(_, suite)| suite));
            suite = Some((name.clone(), new_suite(name)));
        }
        if let Some((_, suite)) = &mut suite {
            let time = Duration::from_micros(case.duration_us);
            suite.set_time(suite.time.unwrap_or_default() + time);
            suite.add_test_case(test_case(case, options, &anchors));
        }
    }
    document.add_test_suites(suite.map(|(_, suite)| suite));
    document.add_test_suites(not_run(report, &anchors));
    document
        .set_time(report.end.as_ref().map_or(Duration::ZERO, |end| Duration::from_micros(end.duration_us)));
    document.to_string()
}

/// What is missing is an error: a run that was cut short must not look green. One that could not begin is one error, not
/// one for each case.
fn not_run(report: &Report, anchors: &html::Anchors) -> Vec<TestSuite> {
    let Some(end) = &report.end else { return vec![whole_run("The run did not come to its end.")] };
    if report.is_without_cases() || !end.complete && end.not_run.is_empty() {
        let unknown = "Not every case that was chosen has run.";
        return vec![whole_run(&end.reason.as_ref().map_or(unknown.to_owned(), |why| xml::clean(why.raw())))];
    }
    let why = end.reason.as_ref().map_or_else(
        || "The run ended before this case had its turn.".to_owned(),
        |reason| format!("The run ended before this case had its turn: {}.", reason.for_xml()),
    );
    let suites = end.not_run.iter().map(|not_run| {
        let mut suite = new_suite(format!("{} / not run", not_run.agent.for_xml()));
        let agent = anchors.agent(&not_run.agent).replace('.', "_");
        for id in &not_run.cases {
            suite.add_test_case(missing(&name(id), &format!("wsspec.{agent}"), &why));
        }
        suite
    });
    suites.collect()
}

/// An error of the run as a whole.
fn whole_run(why: &str) -> TestSuite {
    let mut suite = new_suite("wsspec".to_owned());
    suite.add_test_case(missing("the run", "wsspec", why));
    suite
}

/// Its time is what its cases took, one after the other.
fn new_suite(name: String) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.set_time(Duration::ZERO);
    suite
}

/// The first line says it, all of them are the details.
fn missing(name: &str, class: &str, why: &str) -> TestCase {
    let (message, details) = why.split_once('\n').map_or((why, ""), |(first, _)| (first, why));
    let mut test = TestCase::new(name, non_success(NonSuccessKind::Error, "not-run", message, details));
    test.set_classname(class);
    test
}

/// `5.15 orphan-continuation`, as if it had run.
fn name(id: &str) -> String {
    let known = id.parse().ok().and_then(|id| wsspec_cases::suite().get(id));
    known.map_or_else(|| xml::clean(id), |case| format!("{id} {}", case.slug))
}

fn suite_name(case: &CaseRecord) -> String {
    format!("{} / {} {}", case.agent.for_xml(), case.section, html::section_title(case.id.section()))
}

fn test_case(case: &CaseRecord, options: &Options, anchors: &html::Anchors) -> TestCase {
    let mut test = TestCase::new(format!("{} {}", case.id, case.slug), status(case, options));
    let agent = anchors.agent(&case.agent).replace('.', "_");
    test.set_classname(format!("wsspec.{agent}.{}", case.section));
    test.set_time(Duration::from_micros(case.duration_us));
    if matches!(case.verdict, Verdict::Info | Verdict::NonStrict) {
        test.set_system_out(case.summary.for_xml());
    }
    test.add_property(Property::new("wsspec.level", case.level().name()));
    for rule in case.rules.iter().take(1) {
        test.add_property(Property::new("wsspec.rfc", rule.rfc.to_string()));
    }
    if let Some(cause) = &case.cause {
        test.add_property(Property::new("wsspec.cause", xml::clean(cause)));
    }
    if let Some(page) = &options.report {
        test.add_property(Property::new("wsspec.report", format!("{page}#{}", anchors.case(case))));
    }
    test
}

fn status(case: &CaseRecord, options: &Options) -> TestCaseStatus {
    match (case.outcome, case.verdict) {
        (Some(Standing::Known), _) => skipped(&known(case)),
        (Some(Standing::Fixed), _) if options.strict_baseline => non_success(
            NonSuccessKind::Failure,
            "stale-baseline",
            "passes, although the baseline expects less",
            "",
        ),
        (Some(Standing::Flaky), _) => flaky(case),
        (_, Verdict::Fail) => failure(case, "must"),
        (_, Verdict::Timeout) => failure(case, "timeout"),
        (_, Verdict::Crash) => failure(case, "crash"),
        (_, Verdict::NonStrict) if options.fail_on_should => failure(case, "should"),
        (_, Verdict::NotApplicable | Verdict::Skipped) => skipped(&case.summary.for_xml()),
        (_, Verdict::Error | Verdict::NotRun) => {
            let kind = case.verdict.word().replace(' ', "-");
            non_success(NonSuccessKind::Error, &kind, &case.summary.for_xml(), &details(case))
        }
        (_, Verdict::Pass | Verdict::Info | Verdict::NonStrict) => TestCaseStatus::success(),
    }
}

fn known(case: &CaseRecord) -> String {
    let Some(known) = &case.known else { return "known failure".to_owned() };
    let issue = known.issue.as_ref().map_or_else(String::new, |issue| format!(", {issue}"));
    xml::clean(&format!("known failure: {}{issue}", known.reason))
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

/// The message is the sentence that names the cause everywhere else.
fn failure(case: &CaseRecord, kind: &str) -> TestCaseStatus {
    let message = match case.verdict {
        Verdict::Fail | Verdict::NonStrict => story::cause_sentence(case).for_xml(),
        _ => case.summary.for_xml(),
    };
    non_success(NonSuccessKind::Failure, kind, &message, &details(case))
}

fn non_success(kind: NonSuccessKind, name: &str, message: &str, details: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name).set_message(message);
    if !details.is_empty() {
        status.set_description(details);
    }
    status
}

/// It passed in the end.
fn flaky(case: &CaseRecord) -> TestCaseStatus {
    let mut status = TestCaseStatus::success();
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_type("flaky").set_message(case.summary.for_xml());
    status.add_rerun(rerun);
    status
}

/// Clause, expected and observed, the sequence, the command.
fn details(case: &CaseRecord) -> String {
    let mut lines = vec![case.title.clone()];
    lines.extend(
        case.rules.iter().map(|rule| format!("{} ({}): {}", rule.rfc, rule.level.name(), rule.summary)),
    );
    for check in case.checks.iter().filter(|check| !check.ok) {
        lines.push(format!("expected: {}", check.expected.raw()));
        lines.push(format!("observed: {}", check.observed.raw()));
    }
    lines.extend(story::plain_timeline(case));
    for line in story::telling_frames(case) {
        lines.extend(story::plain_anatomy(case, line));
    }
    if !case.repro.is_empty() {
        lines.push(format!("again: {}", shell::posix(&case.repro)));
    }
    xml::clean(&lines.join("\n"))
}

#[cfg(test)]
mod structure;
#[cfg(test)]
mod tests;
