//! Markdown: the summary of a run, and a report of one bug, ready for an issue tracker.

use wsspec_cases::Level;
use wsspec_engine::Verdict;

use crate::record::{CaseRecord, Dir, Happening, LogLine, Report, Standing};
use crate::sanitise::{markdown, shell, terminal};
use crate::story::{self, units};
use crate::strictness::Strictness;
use crate::summary::{self, AgentSummary, Cause, Counts};
use crate::untrusted::Untrusted;

/// The most octets of a summary.
const LIMIT: usize = 64 * 1024;

/// The columns of the table, and the verdicts that they count.
const COLUMNS: [(&str, &[Verdict]); 6] = [
    ("pass", &[Verdict::Pass]),
    ("non-strict", &[Verdict::NonStrict]),
    ("fail", &[Verdict::Fail, Verdict::Timeout, Verdict::Crash]),
    ("n/a", &[Verdict::NotApplicable, Verdict::Skipped]),
    ("info", &[Verdict::Info]),
    ("not run", &[Verdict::NotRun, Verdict::Error]),
];

/// Where the column of failures that the baseline knows stands among them.
const KNOWN: usize = 3;

/// The summary of a run for a job page or a comment, at most 64 KiB; `before`: an earlier run to
/// compare with, and its name.
pub fn summary(report: &Report, strictness: Strictness, before: Option<(&str, &Report)>) -> String {
    if report.is_without_cases() {
        return untested(report);
    }
    let mut out = String::new();
    for agent in AgentSummary::all(report) {
        let (name, rating) = (agent.agent.for_markdown(), &agent.rating);
        out.push_str(&format!("## wsspec: {name} is **{}** ({})\n\n", rating.headline(), rating.reason()));
    }
    if !report.is_complete() {
        let why = report.reason().map_or_else(String::new, |why| format!(" Why: {}", why.for_markdown()));
        out.push_str(&format!("**INCOMPLETE: the run did not come to its end.**{why}\n\n"));
    }
    out.push_str(&table(report, before));
    let causes = summary::causes(report.cases.iter().filter(|case| strictness.is_told(case)));
    if !causes.is_empty() {
        out.push_str(&format!("\n**{}**\n", heading(&causes, report.run.baseline.is_some())));
    }
    const MORE: &str = "\nMore causes are in the report.\n";
    let rest = others(report, strictness) + &last_line(report, strictness);
    for (number, cause) in causes.iter().enumerate() {
        let block = cause_block(number + 1, cause, report.agents().len() > 1);
        if out.len() + block.len() + MORE.len() + rest.len() > LIMIT {
            out.push_str(MORE);
            break;
        }
        out.push_str(&block);
    }
    out.push_str(&rest);
    out
}

/// What is said above these causes.
fn heading(causes: &[Cause<'_>], is_compared: bool) -> &'static str {
    let is_lax = |cause: &Cause<'_>| cause.verdict() == Verdict::NonStrict;
    match (causes.iter().any(Cause::is_failure), is_compared) {
        (true, true) => "New failures",
        (true, false) => "Failures",
        (false, _) if causes.iter().any(is_lax) => "Not strict, which fails this run",
        (false, _) => "Could not be run",
    }
}

/// What is no new failure and yet worth a look: what the baseline knows, what it need not know any more, what differed
/// when it was run again.
fn others(report: &Report, strictness: Strictness) -> String {
    const MOST: usize = 20;
    let named = |standing: Standing, title: &str, text: &dyn Fn(&CaseRecord) -> String| {
        let cases: Vec<&CaseRecord> =
            report.cases.iter().filter(|case| case.outcome == Some(standing)).collect();
        if cases.is_empty() {
            return String::new();
        }
        let mut out = format!("\n**{title}**\n\n");
        for case in cases.iter().take(MOST) {
            out.push_str(format!("- `{}` {}", case.id, text(case)).trim_end());
            out.push('\n');
        }
        if cases.len() > MOST {
            out.push_str(&format!("- and {} more\n", cases.len() - MOST));
        }
        out
    };
    let excuse = |case: &CaseRecord| {
        let known = case.known.as_ref();
        known.map_or_else(String::new, |known| {
            let reason = Untrusted::from(terminal::line(&known.reason, 300)).for_markdown();
            let issue = known
                .issue
                .as_ref()
                .map(|issue| format!(", {}", markdown::issue(&terminal::line(issue, 300))));
            reason + &issue.unwrap_or_default()
        })
    };
    let now = |case: &CaseRecord| format!("{} now", case.verdict.word());
    let flaky = match strictness.flaky {
        true => "Flaky: failed at first, not when run again, which fails this run",
        false => "Flaky: failed at first, not when run again",
    };
    let first_try = |case: &CaseRecord| Untrusted::from(case.summary.for_terminal(300)).for_markdown();
    [
        named(Standing::Known, "Known failures", &excuse),
        named(Standing::Fixed, "Better than the baseline says", &now),
        named(Standing::Flaky, flaky, &first_try),
    ]
    .concat()
}

/// The summary of a run that could not begin.
fn untested(report: &Report) -> String {
    let missing: usize = report.agents().into_iter().map(|agent| report.not_run(agent)).sum();
    let why = report.reason().map_or("no reason is known", Untrusted::raw);
    let mut out = problem(why);
    if missing > 0 {
        out.push_str(&format!("\n{} not run", units::plural(missing as u64, "case")));
        let command = markdown::code_span(&format!("wsspec {}", shell::posix(&report.run.argv)));
        out.push_str(&if report.run.argv.is_empty() { "\n".to_owned() } else { format!(" · {command}\n") });
    }
    out
}

/// An error because of which nothing was tested, for the page of a job.
pub fn problem(text: &str) -> String {
    format!("## wsspec: **nothing was tested**\n\n{}", markdown::fenced(text))
}

fn table(report: &Report, before: Option<(&str, &Report)>) -> String {
    let heads: Vec<&str> = COLUMNS.iter().map(|(head, _)| *head).collect();
    let heads = [&heads[..KNOWN], &["known"], &heads[KNOWN..]].concat();
    let mut out = format!("| | {} |\n|---|{}\n", heads.join(" | "), "--:|".repeat(heads.len()));
    out.push_str(&rows("this run", report));
    if let Some((name, before)) = before {
        out.push_str(&rows(&markdown::code_span(name), before));
    }
    out
}

/// A row for each implementation, named where there are several.
fn rows(name: &str, report: &Report) -> String {
    let agents = report.agents();
    if agents.len() < 2 {
        let missing = agents.into_iter().map(|agent| report.not_run(agent)).sum();
        return table_row(name, &report.cases.iter().collect::<Vec<_>>(), missing);
    }
    let row = |agent: &Untrusted| {
        let cases: Vec<&CaseRecord> = report.of_agent(agent).collect();
        table_row(&format!("{name}: {}", agent.for_markdown()), &cases, report.not_run(agent))
    };
    agents.into_iter().map(row).collect()
}

/// `missing`: cases of which there is no record, because they were not run.
fn table_row(name: &str, cases: &[&CaseRecord], missing: usize) -> String {
    let is_known = |case: &&CaseRecord| case.outcome == Some(Standing::Known);
    let known = cases.iter().copied().filter(is_known).count();
    let counts = Counts::of(cases.iter().copied().filter(|case| !is_known(case)));
    let cell = |(head, verdicts): &(&str, &[Verdict])| {
        let mut number: u64 = verdicts.iter().map(|verdict| counts.get(*verdict)).sum();
        number += if verdicts.contains(&Verdict::NotRun) { missing as u64 } else { 0 };
        if *head == "fail" && number > 0 { format!("**{number}**") } else { number.to_string() }
    };
    let mut cells: Vec<String> = COLUMNS.iter().map(cell).collect();
    cells.insert(KNOWN, known.to_string());
    format!("| {name} | {} |\n", cells.join(" | "))
}

fn cause_block(number: usize, cause: &Cause<'_>, name_agents: bool) -> String {
    let ids: Vec<String> = cause.ids().iter().map(|id| format!("`{id}`")).collect();
    let shown = ids.len().min(24);
    let more = if ids.len() > shown { format!(" +{} more", ids.len() - shown) } else { String::new() };
    let level =
        if cause.level() == Level::Must { String::new() } else { format!(" ({})", cause.level().name()) };
    let clause =
        cause.clause().map_or_else(String::new, |clause| format!(": [{clause}]({}){level}", clause.url()));
    let agents = cause.agents().into_iter().map(Untrusted::for_markdown).collect::<Vec<_>>().join(", ");
    let agents = if name_agents { format!(" ({agents})") } else { String::new() };
    let first = &*cause.cases[0].whole();
    let mut inner = String::new();
    for check in first.checks.iter().filter(|check| !check.ok) {
        inner.push_str(&format!("expected: {}\n", check.expected.for_terminal(400)));
        inner.push_str(&format!("observed: {}\n", story::observed(check).for_terminal(400)));
    }
    inner.push_str(&last_lines(first));
    inner.push_str(&story::plain_timeline(first).join("\n"));
    format!(
        "\n{number}. **{}{more}** {}{clause}{agents}\n\n<details><summary>expected, observed, sequence of {}</summary>\n\n{}\n</details>\n",
        ids[..shown].join(" "),
        cause.headline().for_markdown(),
        first.id,
        markdown::fenced(&inner)
    )
}

/// What a process said before it ended.
fn last_lines(case: &CaseRecord) -> String {
    let lines = story::died_saying(case, 5).into_iter();
    lines.map(|line| format!("log: {}\n", line.for_terminal(200))).collect()
}

fn last_line(report: &Report, strictness: Strictness) -> String {
    let took = report
        .end
        .as_ref()
        .map_or_else(String::new, |end| format!(" in {}", units::duration(end.duration_us)));
    let ran = Counts::of(&report.cases).ran();
    let sets = match &report.run.set[..] {
        [] => String::new(),
        sets => format!(" ({})", Untrusted::from(sets.join(", ")).for_markdown()),
    };
    let noun = if report.agents().len() > 1 { "result" } else { "case" };
    let mut parts = vec![format!("{}{sets}{took}", units::plural(ran, noun))];
    if !report.run.not_selected.is_empty() {
        let sets = report.run.not_selected.iter().map(|(set, number)| format!("{set} {number}"));
        parts.push(format!("not selected: {}", sets.collect::<Vec<_>>().join(", ")));
    }
    if !report.run.argv.is_empty() {
        parts.push(markdown::code_span(&format!("wsspec {}", shell::posix(&again(report, strictness)))));
    }
    format!("\n{}\n", parts.join(" · "))
}

/// The words of the command, for the failures alone if there are some.
fn again(report: &Report, strictness: Strictness) -> Vec<String> {
    const LAST_FAILED: &str = "--last-failed";
    let mut words = report.run.argv.clone();
    let is_run = words.first().is_some_and(|word| word == "run");
    // What is fixed did not fail.
    let strictness = Strictness { fixed: false, ..strictness };
    let is_bad = |case: &CaseRecord| case.verdict.is_red() || strictness.fails_for(case);
    let failed = report.cases.iter().any(is_bad);
    if is_run && failed && !words.iter().any(|word| word == LAST_FAILED) {
        words.push(LAST_FAILED.to_owned());
    }
    words
}

/// Everything that the maintainer of an implementation needs to fix one case.
pub fn bug_report(report: &Report, case: &CaseRecord) -> String {
    let mut out =
        format!("### wsspec {} {}: {}\n\n{}\n\n", case.id, case.slug, case.verdict.word(), case.title);
    for rule in &case.rules {
        out.push_str(&format!(
            "* [{}]({}) ({}): {}\n",
            rule.rfc,
            rule.rfc.url(),
            rule.level.name(),
            rule.summary
        ));
    }
    out.push('\n');
    for check in case.checks.iter().filter(|check| !check.ok) {
        out.push_str(&format!("* expected: {}\n", check.expected.for_markdown()));
        out.push_str(&format!("* observed: {}\n", story::observed(check).for_markdown()));
    }
    out.push('\n');
    match story::plain_timeline(case) {
        rows if !rows.is_empty() => out.push_str(&markdown::fenced(&rows.join("\n"))),
        _ if case.short => out.push_str("Frames were not kept: the record of the run had grown too long.\n"),
        _ if case.measures.quiet => out.push_str("Frames were not recorded: the traffic is large.\n"),
        _ => out.push_str("No frame was seen.\n"),
    }
    out.push_str(&octets(case));
    if !case.repro.is_empty() {
        out.push_str(&format!("\nAgain: {}\n", markdown::code_span(&shell::posix(&case.repro))));
    }
    out.push_str(&format!("\nwsspec {}, {}, {}\n", report.run.tool, case.agent.for_markdown(), case.started));
    out
}

/// The octets of the frames that show what went wrong.
fn octets(case: &CaseRecord) -> String {
    let told = |line: &LogLine| {
        let parts = story::plain_anatomy(case, line).join("\n");
        format!("\nThe frame marked (!), {}:\n\n{}", way(&line.what), markdown::fenced(&parts))
    };
    story::telling_frames(case).into_iter().map(told).collect()
}

const fn way(what: &Happening) -> &'static str {
    if matches!(what, Happening::Frame { dir: Dir::Tx, .. }) { "sent" } else { "received" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NotRun;
    use crate::samples;
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn a_summary_tells_the_rating_the_numbers_and_the_causes() {
        let cases = vec![
            samples::passed("mylib/2.3", "1.1.1"),
            samples::failed("mylib/2.3", "5.15"),
            samples::failed("mylib/2.3", "5.16"),
        ];
        let before = samples::report(vec![samples::passed("mylib/2.2", "1.1.1")]);
        insta::assert_snapshot!(summary(
            &samples::report(cases),
            Strictness::default(),
            Some(("main", &before))
        ));
    }

    #[test]
    fn several_implementations_have_a_row_each_and_are_named_at_their_causes() {
        let cases =
            vec![samples::passed("a", "1.1.1"), samples::failed("a", "5.15"), samples::passed("b", "5.15")];
        let text = summary(&samples::report(cases), Strictness::default(), None);
        assert!(text.contains("| this run: `a` | 1 | 0 | **1** |"), "{text}");
        assert!(text.contains("| this run: `b` | 1 | 0 | 0 |"), "{text}");
        let cause = text.lines().find(|line| line.starts_with("1. **`5.15`**")).unwrap();
        assert!(cause.ends_with(" (`a`)"), "{cause}");
        assert!(text.trim_end().ends_with("--last-failed`"), "{text}");
    }

    #[test]
    fn what_was_not_run_is_counted_and_the_reason_told() {
        let mut report = samples::report(vec![samples::passed("a", "1.1.1")]);
        let cases = vec!["1.1.2".to_owned(), "1.1.3".to_owned()];
        let end = report.end.as_mut().unwrap();
        (end.complete, end.reason) = (false, Some("the implementation died".into()));
        end.not_run = vec![NotRun { agent: "a".into(), cases }];
        let text = summary(&report, Strictness::default(), None);
        assert!(text.contains("| this run | 1 | 0 | 0 | 0 | 0 | 0 | 2 |"), "{text}");
        assert!(text.contains("Why: `the implementation died`"), "{text}");
        report.cases.clear();
        report.end.as_mut().unwrap().reason = Some("error[E01]: ``` nobody\n  try      x".into());
        insta::assert_snapshot!(summary(&report, Strictness::default(), None));
    }

    #[test]
    fn a_summary_stays_below_the_limit() {
        let cases = (1..=200).map(|n| {
            let cause = Some(format!("cause {n}"));
            let summary = "x".repeat(900).into();
            CaseRecord { cause, summary, ..samples::failed("a", &format!("5.{n}")) }
        });
        let mut cases: Vec<CaseRecord> = cases.collect();
        // What stands behind them has its place, too.
        cases.extend((1..=20).map(|n| {
            let known = Some(crate::record::Excuse { reason: "y".repeat(5000), issue: None });
            CaseRecord { outcome: Some(Standing::Known), known, ..samples::failed("a", &format!("1.1.{n}")) }
        }));
        let text = summary(&samples::report(cases), Strictness::default(), None);
        assert!(text.len() <= LIMIT && text.contains("More causes are in the report."), "{}", text.len());
        assert!(text.contains("`1.1.20`") && text.trim_end().ends_with("--last-failed`"), "{text}");
    }

    #[test]
    fn text_of_the_peer_neither_links_nor_leaves_its_place() {
        for text in HOSTILE {
            let case = CaseRecord { summary: (*text).into(), ..samples::failed(text, "5.15") };
            let report = samples::report(vec![case]);
            let out = summary(&report, Strictness::default(), None);
            assert!(out.lines().all(|line| !line.starts_with("# ") && !line.starts_with("::")), "{out}");
        }
    }

    #[test]
    fn a_bug_report_says_what_a_maintainer_needs() {
        let report = samples::report(vec![samples::failed("mylib/2.3", "5.15")]);
        insta::assert_snapshot!(bug_report(&report, &report.cases[0]));
    }

    #[test]
    fn new_failures_are_told_apart_from_what_is_known_and_fixed() {
        let standing = |id: &str, standing| {
            let issue = Some("https://example.org/97".to_owned());
            let known = Some(crate::record::Excuse { reason: "see | #97".to_owned(), issue });
            CaseRecord { outcome: Some(standing), known, ..samples::failed("a", id) }
        };
        let cases = vec![
            standing("5.15", Standing::Unexpected),
            standing("5.16", Standing::Known),
            CaseRecord { outcome: Some(Standing::Fixed), ..samples::passed("a", "1.1.1") },
        ];
        let mut report = samples::report(cases);
        report.run.baseline = Some("wsspec.baseline.toml".to_owned());
        let text = summary(&report, Strictness::default(), None);
        let order =
            ["**New failures**", "1. **`5.15`**", "**Known failures**", "- `5.16` `see ", "- `1.1.1`"];
        let places: Vec<Option<usize>> = order.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} {text}");
        assert_eq!(text.matches("1. **").count(), 1, "{text}");
        assert!(
            text.contains("- `5.16` `see ¦ #97`, <https://example.org/97>\n"),
            "the issue had no link: {text}"
        );
        assert!(text.contains("- `1.1.1` pass now\n"), "nothing was said of it: {text}");
    }

    #[test]
    fn what_made_the_exit_status_was_not_listed() {
        let mut late = samples::failed("a", "6.4.1");
        late.verdict = Verdict::NonStrict;
        late.checks.remove(0);
        let mut shaky = samples::passed("a", "2.1");
        shaky.outcome = Some(Standing::Flaky);
        let report = samples::report(vec![shaky, late]);
        let lax = summary(&report, Strictness::default(), None);
        assert!(!lax.contains("1. **") && !lax.contains("--last-failed") && !lax.contains("fails this run"));
        let strict = Strictness { non_strict: true, flaky: true, fixed: false };
        let text = summary(&report, strict, None);
        for told in [
            "\n**Not strict, which fails this run**\n\n1. **`6.4.1`** ",
            "#section-5.4) (SHOULD)\n",
            "expected: 1002\nobserved: none\n",
            "Text fin=0 \"fragment1\"",
            "\n**Flaky: failed at first, not when run again, which fails this run**\n\n- `2.1` ",
            "--last-failed",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }

    #[test]
    fn flaky_results_say_what_failed_at_first() {
        let mut case = samples::passed("a", "1.1.1");
        case.outcome = Some(Standing::Flaky);
        case.summary = "At first: no Pong came in 1 s.".into();
        let report = samples::report(vec![case]);
        let text = summary(&report, Strictness::default(), None);
        let told =
            "**Flaky: failed at first, not when run again**\n\n- `1.1.1` `At first: no Pong came in 1 s.`";
        assert!(text.contains(told) && text.matches("1.1.1").count() == 1, "told once: {text}");
    }
}
