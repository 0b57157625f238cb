//! JUnit XML, in the subset that Jenkins, GitLab and Azure read.

use std::io;
use std::ops::Range;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite};
use rayon::prelude::*;
use wsspec_engine::Verdict;

use crate::html;
use crate::record::{CaseRecord, Report, Standing};
use crate::sanitise::{shell, xml};
use crate::story;
use crate::strictness::Strictness;

/// What decides about failures, beyond the verdicts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What is a failure.
    pub strictness: Strictness,
    /// Where the HTML report is, seen from the file.
    pub report: Option<String>,
}

/// Writes the run as JUnit XML: a suite per implementation and section. No more than one of them is in memory.
///
/// # Errors
/// If the document cannot be written, or what it says not as XML.
pub fn write(report: &Report, options: &Options, mut out: impl io::Write) -> io::Result<()> {
    let writer = Writer { options, anchors: &html::Anchors::of(report) };
    let of_cases = || report.cases.chunk_by(|one, next| suite_name(one) == suite_name(next));
    let missing = not_run(report, writer.anchors);
    let mut frame = quick_junit::Report::new("wsspec");
    for suite in of_cases().map(|cases| writer.suite(cases, |_| Told::default())).chain(missing.clone()) {
        frame.add_test_suite(suite);
        frame.test_suites.clear();
    }
    frame.set_time(report.end.as_ref().map_or(Duration::ZERO, |end| Duration::from_micros(end.duration_us)));
    let frame = text(&frame)?;
    let (head, tail) = frame.split_at(root(&frame).end);
    out.write_all(head.trim_end().as_bytes())?;
    for suite in of_cases().map(|cases| writer.suite(cases, Told::of)).chain(missing) {
        out.write_all(element(suite)?.as_bytes())?;
    }
    out.write_all(b"\n")?;
    out.write_all(tail.as_bytes())
}

/// The element of a suite. The library writes whole documents: it is taken out of one that has nothing else.
fn element(suite: TestSuite) -> io::Result<String> {
    let mut document = quick_junit::Report::new("wsspec");
    document.add_test_suite(suite);
    let text = text(&document)?;
    Ok(text[root(&text)].trim_end().to_owned())
}

/// Where the content of the root element is. No attribute of it has a `>`.
fn root(document: &str) -> Range<usize> {
    let tag = document.find("<testsuites").unwrap_or(0);
    let from = document[tag..].find('>').map_or(document.len(), |end| tag + end + 1);
    from..document.rfind("</testsuites>").unwrap_or(document.len())
}

fn text(document: &quick_junit::Report) -> io::Result<String> {
    document.to_string().map_err(io::Error::other)
}

/// What suites are made by.
struct Writer<'a> {
    options: &'a Options,
    anchors: &'a html::Anchors,
}

impl Writer<'_> {
    /// Neighbours of the same name; `tell` is asked about what did not pass.
    fn suite(&self, cases: &[CaseRecord], tell: impl Fn(&CaseRecord) -> Told + Sync) -> TestSuite {
        let mut suite = new_suite(suite_name(&cases[0]));
        let tests: Vec<TestCase> =
            cases.par_iter().map(|case| test_case(case, self.options, self.anchors, &tell)).collect();
        suite.set_time(cases.iter().map(|case| Duration::from_micros(case.duration_us)).sum());
        suite.add_test_cases(tests);
        suite
    }
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

fn test_case(
    case: &CaseRecord,
    options: &Options,
    anchors: &html::Anchors,
    tell: &dyn Fn(&CaseRecord) -> Told,
) -> TestCase {
    let mut test = TestCase::new(format!("{} {}", case.id, case.slug), status(case, options, tell));
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

fn status(case: &CaseRecord, options: &Options, tell: &dyn Fn(&CaseRecord) -> Told) -> TestCaseStatus {
    let told = |kind, name: &str| {
        let told = tell(case);
        non_success(kind, name, &told.message, &told.details)
    };
    let failure = |name| told(NonSuccessKind::Failure, name);
    match (case.outcome, case.verdict) {
        (Some(Standing::Known), _) => skipped(&known(case)),
        (Some(Standing::Fixed), _) if options.strictness.fixed => non_success(
            NonSuccessKind::Failure,
            "stale-baseline",
            "passes, although the baseline expects less",
            "",
        ),
        (Some(Standing::Flaky), _) if options.strictness.flaky && case.known.is_none() => failure("flaky"),
        (Some(Standing::Flaky), _) => flaky(case),
        (_, Verdict::Fail) => failure("must"),
        (_, Verdict::Timeout) => failure("timeout"),
        (_, Verdict::Crash) => failure("crash"),
        (standing, verdict @ Verdict::NonStrict) if options.strictness.fails(verdict, standing) => {
            failure("should")
        }
        (_, Verdict::NotApplicable | Verdict::Skipped) => skipped(&case.summary.for_xml()),
        (_, Verdict::Error | Verdict::NotRun) => {
            let kind = case.verdict.word().replace(' ', "-");
            told(NonSuccessKind::Error, &kind)
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

/// What is told of a case that did not pass.
#[derive(Default)]
struct Told {
    message: String,
    details: String,
}

impl Told {
    /// The message is the sentence that names the cause everywhere else.
    fn of(case: &CaseRecord) -> Self {
        let case = &*case.whole();
        let message = match case.verdict {
            Verdict::Fail | Verdict::NonStrict if case.outcome != Some(Standing::Flaky) => {
                story::cause_sentence(case).for_xml()
            }
            _ => case.summary.for_xml(),
        };
        Self { message, details: details(case) }
    }
}

/// Clause, expected and observed, the sequence, the command.
fn details(case: &CaseRecord) -> String {
    let mut lines = vec![case.title.clone()];
    lines.extend(
        case.rules.iter().map(|rule| format!("{} ({}): {}", rule.rfc, rule.level.name(), rule.summary)),
    );
    for check in case.checks.iter().filter(|check| !check.ok) {
        lines.push(format!("expected: {}", check.expected.raw()));
        lines.push(format!("observed: {}", story::observed(check).raw()));
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
