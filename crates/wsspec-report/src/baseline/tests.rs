use super::*;
use crate::samples::{failed, passed, report, with_verdict};

fn entry(cases: &str, verdict: Tolerated) -> Entry {
    Entry {
        cases: vec![cases.to_owned()],
        agent: None,
        verdict,
        reason: "known".to_owned(),
        issue: Some("https://example.org/97".to_owned()),
        until: None,
    }
}

fn standings(entries: Vec<Entry>, cases: Vec<CaseRecord>) -> (Vec<Option<Standing>>, Findings) {
    let mut report = report(cases);
    let findings = Baseline { entries }.apply(&mut report, "2026-11-21");
    (report.cases.iter().map(|case| case.outcome).collect(), findings)
}

#[test]
fn what_the_entry_says_is_known_worse_is_unexpected_better_is_fixed() {
    let cases = vec![
        failed("a", "5.15"),
        with_verdict(failed("a", "5.16"), Verdict::Crash, "died"),
        passed("a", "5.17"),
        with_verdict(passed("a", "5.18"), Verdict::NonStrict, "late"),
        failed("a", "6.1.1"),
        with_verdict(passed("a", "6.1.2"), Verdict::NotRun, "ended"),
    ];
    let (standings, findings) =
        standings(vec![entry("5.*", Tolerated::Fail), entry("9.*", Tolerated::Any)], cases);
    assert_eq!(
        standings,
        [
            Some(Standing::Known),
            Some(Standing::Unexpected),
            Some(Standing::Fixed),
            Some(Standing::Fixed),
            Some(Standing::Unexpected),
            None
        ]
    );
    assert_eq!(findings.stale, [(0, vec!["5.17".to_owned(), "5.18".to_owned()])]);
    assert_eq!((findings.unused, findings.expired), (vec![1], vec![]));
}

#[test]
fn expired_entries_and_entries_of_other_agents_do_not_count() {
    let mut old = entry("5.15", Tolerated::Fail);
    old.until = Some("2026-11-20".to_owned());
    let mut other = entry("5.15", Tolerated::Fail);
    other.agent = Some("b*".to_owned());
    let (standings, findings) = standings(vec![old, other], vec![failed("a", "5.15")]);
    assert_eq!(standings, [Some(Standing::Unexpected)]);
    assert_eq!((findings.unused, findings.expired), (vec![1], vec![0]));
}

#[test]
fn a_case_that_is_better_for_two_agents_was_listed_twice() {
    let cases = vec![passed("a", "5.15"), passed("b", "5.15"), passed("b", "5.16")];
    let (_, findings) = standings(vec![entry("5.*", Tolerated::Fail)], cases);
    assert_eq!(findings.stale, [(0, vec!["5.15".to_owned(), "5.16".to_owned()])]);
}

#[test]
fn an_entry_that_another_implementation_still_needs_was_stale() {
    let cases = vec![
        passed("a", "5.15"),
        failed("b", "5.15"),
        passed("a", "5.16"),
        with_verdict(failed("b", "5.16"), Verdict::Crash, "died"),
        passed("a", "5.17"),
        passed("b", "5.17"),
    ];
    let (_, findings) = standings(vec![entry("5.*", Tolerated::Fail)], cases);
    assert_eq!(findings.stale, [(0, vec!["5.17".to_owned()])]);
    assert_eq!(findings.needed, [(0, vec!["5.15".to_owned(), "5.16".to_owned()])]);
}

#[test]
fn an_entry_went_whose_case_is_unexpected_without_one() {
    let not_strict = |id| with_verdict(passed("a", id), Verdict::NonStrict, "late");
    let cases = vec![not_strict("5.15"), passed("a", "5.16"), failed("a", "6.1.1")];
    let mut report = report(cases);
    let entries = vec![entry("5.*", Tolerated::Fail), entry("6.*", Tolerated::Timeout)];
    let baseline = Baseline { entries };
    let findings = baseline.apply(&mut report, "2026-11-21");
    assert_eq!(findings.stale, [(0, vec!["5.15".to_owned(), "5.16".to_owned()])]);
    assert_eq!(findings.lower, [(1, Tolerated::Fail, vec!["6.1.1".to_owned()])]);
    report.run.strict = true;
    let findings = baseline.findings(&report, "2026-11-21");
    assert_eq!(findings.stale, [(0, vec!["5.16".to_owned()])]);
    let lower = [(0, Tolerated::NonStrict, "5.15"), (1, Tolerated::Fail, "6.1.1")];
    assert_eq!(findings.lower, lower.map(|(at, verdict, id)| (at, verdict, vec![id.to_owned()])));
}

#[test]
fn a_known_failure_that_passed_when_it_was_tried_again_was_fixed() {
    let flaky = |case| CaseRecord { outcome: Some(Standing::Flaky), ..case };
    let not_strict = with_verdict(passed("a", "5.16"), Verdict::NonStrict, "late");
    let cases = vec![flaky(passed("a", "5.15")), flaky(not_strict), passed("b", "5.15")];
    let mut report = report(cases);
    report.run.strict = true;
    let findings = Baseline { entries: vec![entry("5.*", Tolerated::Fail)] };
    let findings = findings.apply(&mut report, "2026-11-21");
    let standings: Vec<_> = report.cases.iter().map(|case| case.outcome).collect();
    assert_eq!(standings, [Standing::Flaky, Standing::Flaky, Standing::Fixed].map(Some));
    assert!(findings.stale.is_empty() && findings.lower.is_empty(), "{findings:?}");
    assert_eq!(findings.needed, [(0, vec!["5.15".to_owned()])], "it is fixed for b alone");
    assert_eq!(report.cases[0].known.as_ref().unwrap().reason, "known");
}

#[test]
fn flaky_entries_are_never_stale() {
    let (standings, findings) =
        standings(vec![entry("*", Tolerated::Flaky)], vec![failed("a", "5.15"), passed("a", "5.16")]);
    assert_eq!(standings, [Some(Standing::Known), Some(Standing::Expected)]);
    assert!(findings.stale.is_empty());
}

#[test]
fn non_strict_is_unexpected_only_when_asked_for() {
    let mut report = report(vec![with_verdict(passed("a", "6.4.1"), Verdict::NonStrict, "late")]);
    Baseline::default().apply(&mut report, "2026-11-21");
    assert_eq!(report.cases[0].outcome, Some(Standing::Expected));
    report.run.strict = true;
    Baseline::default().apply(&mut report, "2026-11-21");
    assert_eq!(report.cases[0].outcome, Some(Standing::Unexpected));
    assert_eq!(unexpected(&report).len(), 1);
}

#[test]
fn versions_and_ports_may_change() {
    for (name, pattern) in [
        ("mylib/2.3", "mylib/*"),
        ("127.0.0.1:41873", "127.0.0.1:*"),
        ("a:b", "a:b"),
        ("lib", "lib"),
        ("*:1", "*:1"),
    ] {
        assert_eq!(escaped(&name.into()), pattern);
    }
}

#[test]
fn a_new_baseline_accepts_the_run_that_it_was_made_from() {
    let mut report = report(vec![
        passed("mylib/2.3", "1.1.1"),
        failed("mylib/2.3", "5.15"),
        failed("mylib/2.3", "5.16"),
        with_verdict(failed("mylib/2.3", "6.3.2"), Verdict::Timeout, "a \u{1b}[31m \"quote\""),
    ]);
    let entries = entries_for(&report, "initial import");
    insta::assert_snapshot!(to_toml(&report, &entries));
    report.run.strict = true;
    Baseline { entries }.apply(&mut report, "2026-11-21");
    assert!(unexpected(&report).is_empty());
    assert_eq!(report.cases[1].known.as_ref().unwrap().reason, "initial import");
}
