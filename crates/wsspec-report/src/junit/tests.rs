use super::structure::Element;
use super::*;
use crate::record::{Excuse, NotRun};
use crate::samples::{failed, passed, report, with_verdict};
use crate::sanitise::fixtures::HOSTILE;

fn standing(case: CaseRecord, standing: Standing) -> CaseRecord {
    let known = Some(Excuse { reason: "a bug".to_owned(), issue: Some("https://example.org/97".to_owned()) });
    CaseRecord { outcome: Some(standing), known, ..case }
}

fn with(change: fn(&mut Strictness)) -> Strictness {
    let mut strictness = Strictness::default();
    change(&mut strictness);
    strictness
}

fn junit(report: &Report, options: &Options) -> String {
    let mut out = Vec::new();
    write(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A case of every verdict, and of every standing against a baseline.
fn every_verdict() -> Report {
    let with = |id: &str, verdict: Verdict, why: &str| with_verdict(passed("mylib/2.3", id), verdict, why);
    report(vec![
        passed("mylib/2.3", "1.1.1"),
        with("1.1.2", Verdict::NonStrict, "late"),
        standing(passed("mylib/2.3", "1.1.3"), Standing::Fixed),
        standing(passed("mylib/2.3", "1.1.4"), Standing::Flaky),
        failed("mylib/2.3", "5.15"),
        standing(failed("mylib/2.3", "5.16"), Standing::Known),
        with_verdict(failed("mylib/2.3", "5.17"), Verdict::Crash, "died"),
        with_verdict(failed("mylib/2.3", "5.18"), Verdict::Timeout, "no answer within 2 s"),
        with("7.1.6", Verdict::Info, "closed first"),
        with("9.1.1", Verdict::NotRun, "the run ended first"),
        with("9.1.2", Verdict::Error, "no connection could be opened"),
        with("12.1.1", Verdict::NotApplicable, "no deflate"),
        with("12.1.2", Verdict::Skipped, "left out by the client"),
    ])
}

#[test]
fn every_verdict_has_its_element() {
    let options =
        Options { strictness: with(|strict| strict.fixed = true), report: Some("report.html".to_owned()) };
    insta::assert_snapshot!(junit(&every_verdict(), &options));
}

#[test]
fn elements_stand_in_order_and_every_count_is_a_sum() {
    let mut cut_short = every_verdict();
    let end = cut_short.end.as_mut().unwrap();
    end.complete = false;
    end.not_run = vec![NotRun { agent: "mylib/2.3".into(), cases: vec!["2.1".to_owned(), "2.2".to_owned()] }];
    let mut without_end = every_verdict();
    without_end.end = None;
    let mut several = every_verdict();
    several
        .cases
        .extend(every_verdict().cases.into_iter().map(|case| CaseRecord { agent: "b".into(), ..case }));
    let mut nothing = report(Vec::new());
    nothing.end.as_mut().unwrap().complete = false;
    for report in [every_verdict(), cut_short, without_end, several, nothing] {
        let strict = Strictness { non_strict: true, flaky: true, fixed: true };
        for strictness in [Strictness::default(), strict] {
            let options = Options { strictness, report: Some("r.html".to_owned()) };
            Element::of(&junit(&report, &options)).is_a_report();
        }
    }
}

#[test]
fn what_is_no_report_is_refused() {
    let right = junit(&every_verdict(), &Options::default());
    let refused = |from: &str, to: &str| {
        assert!(right.contains(from), "{from}");
        let wrong = right.replacen(from, to, 1);
        std::panic::catch_unwind(|| Element::of(&wrong).is_a_report()).is_err()
    };
    assert!(refused(" failures=\"3\"", " failures=\"2\""), "a count that is wrong");
    assert!(refused("</testcase>", ""), "an element that is not closed");
    assert!(refused("<skipped message=\"known", "<failure/><skipped message=\"known"), "two results");
    assert!(refused("name=\"1.1.2 text-1-1-2\"", "name=\"1.1.1 text-1-1-1\""), "two cases of one name");
    assert!(refused(" classname=\"wsspec.mylib-2_3.1\"", ""), "a case without its class");
}

#[test]
fn a_run_that_was_cut_short_looked_green() {
    let mut report = report(vec![passed("mylib/2.3", "1.1.1")]);
    let end = report.end.as_mut().unwrap();
    end.complete = false;
    end.not_run =
        vec![NotRun { agent: "mylib/2.3".into(), cases: vec!["1.1.2".to_owned(), "1.1.3".to_owned()] }];
    end.reason = Some("the time was used up".into());
    let xml = junit(&report, &Options::default());
    assert_eq!(xml.matches("type=\"not-run\"").count(), 2, "{xml}");
    assert!(xml.contains("errors=\"2\""), "{xml}");
    assert!(xml.contains("had its turn: the time was used up."), "{xml}");
    assert!(xml.contains("name=\"1.1.2 "), "a case has its whole name: {xml}");
    report.end = None;
    let xml = junit(&report, &Options::default());
    assert!(xml.contains("errors=\"1\"") && xml.contains("did not come to its end"), "{xml}");
}

#[test]
fn a_run_that_could_not_begin_had_an_error_for_every_case() {
    let mut report = report(Vec::new());
    let end = report.end.as_mut().unwrap();
    end.complete = false;
    end.not_run = vec![NotRun { agent: "a".into(), cases: vec!["1.1.1".to_owned(), "1.1.2".to_owned()] }];
    end.reason = Some("error[E01]: nothing is listening\n  try      wsspec run".into());
    let xml = junit(&report, &Options::default());
    assert!(xml.contains("tests=\"1\"") && xml.contains("errors=\"1\""), "{xml}");
    assert!(xml.contains("message=\"error[E01]: nothing is listening\""), "{xml}");
    assert!(xml.contains("  try      wsspec run</error>"), "{xml}");
    // No client came, so there is nobody of whom something is missing.
    report.end.as_mut().unwrap().not_run.clear();
    assert!(junit(&report, &Options::default()).contains("errors=\"1\""));
}

#[test]
fn a_slice_that_is_missing_looked_green() {
    let mut report = report(vec![passed("a", "1.1.1")]);
    let end = report.end.as_mut().unwrap();
    (end.complete, end.reason) = (false, Some("slice 2/2 is missing".into()));
    let xml = junit(&report, &Options::default());
    assert!(xml.contains("errors=\"1\"") && xml.contains("slice 2/2 is missing"), "{xml}");
}

#[test]
fn non_strict_fails_only_when_asked_for() {
    let report = report(vec![with_verdict(passed("a", "1.1.1"), Verdict::NonStrict, "late")]);
    assert!(junit(&report, &Options::default()).contains("failures=\"0\""));
    let strict = Options { strictness: with(|strict| strict.non_strict = true), ..Options::default() };
    assert!(junit(&report, &strict).contains("type=\"should\""));
}

#[test]
fn what_is_flaky_passed_also_where_it_makes_the_exit_status() {
    let mut case = standing(passed("a", "1.1.1"), Standing::Flaky);
    case.summary = "Not so when it was run again alone; at first: no Pong came in 1 s.".into();
    let strict = Options { strictness: with(|strict| strict.flaky = true), ..Options::default() };
    let known = report(vec![case.clone()]);
    assert!(junit(&known, &strict).contains("<flakyFailure"), "the baseline knows what it did at first");
    case.known = None;
    let report = report(vec![case]);
    assert!(junit(&report, &Options::default()).contains("<flakyFailure"));
    let xml = junit(&report, &strict);
    let told = "<failure message=\"Not so when it was run again alone; at first: no Pong came in 1 s.\" type=\"flaky\"";
    assert!(xml.contains("failures=\"1\"") && xml.contains(told), "{xml}");
    Element::of(&xml).is_a_report();
}

#[test]
fn what_did_not_come_was_told_as_an_open_connection() {
    let mut case = failed("a", "2.1");
    let event = wsspec_engine::Sight::Pong { shown: "\"\"".to_owned() };
    case.checks[0].observed = "the connection stayed open for 1 s".into();
    case.checks[0].wanted = Some(Box::new(wsspec_engine::Wanted::Event { event, place: 1 }));
    case.checks[0].found = Some(Box::new(wsspec_engine::Found::StayedOpen { for_us: 1_000_000 }));
    let xml = junit(&report(vec![case]), &Options::default());
    assert!(xml.contains("observed: no Pong"), "{xml}");
    assert!(!xml.contains("observed: the connection stayed open"), "{xml}");
}

#[test]
fn hostile_text_stays_text() {
    for text in HOSTILE {
        let mut case = with_verdict(failed(text, "5.15"), Verdict::Fail, text);
        case.checks[0].observed = (*text).into();
        let xml = junit(&report(vec![case]), &Options::default());
        let forbidden =
            |c: char| c < ' ' && !matches!(c, '\n' | '\t' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}');
        assert!(!xml.contains(forbidden) && !xml.contains("<svg") && !xml.contains("<script"), "{xml}");
        assert_eq!(quick_junit::Report::deserialize_from_str(&xml).unwrap().tests, 1, "{xml}");
        Element::of(&xml).is_a_report();
    }
}
