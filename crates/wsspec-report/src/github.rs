//! Annotations for GitHub: one per cause, because only ten of a kind are shown.

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;

use crate::record::{CaseRecord, Report, Standing};
use crate::sanitise::{ci_log, shell};
use crate::story;
use crate::strictness::Strictness;
use crate::summary::{self, Cause};

/// Annotations of causes; one more says how many causes are left.
const MOST: usize = 8;

/// The name of the baseline that needs not be given.
const USUAL_BASELINE: &str = "wsspec.baseline.toml";

/// An entry of the baseline that expects less than what came, or no longer counts.
#[derive(Clone, Debug)]
pub struct StaleEntry {
    /// The file.
    pub file: String,
    /// The line of the entry.
    pub line: usize,
    /// The cases that are better than it says; of one that has expired, its patterns.
    pub cases: Vec<String>,
    /// Whether another implementation still needs it.
    pub is_needed: bool,
    /// Its last day, if it has expired.
    pub until: Option<String>,
    /// Where the results are, if not at the usual place.
    pub from: Option<String>,
}

/// The workflow commands, one a line.
pub fn annotations(report: &Report, strictness: Strictness, stale: &[StaleEntry]) -> String {
    let causes = summary::causes(report.cases.iter().filter(|case| strictness.is_told(case)));
    let mut lines: Vec<String> = causes.iter().take(MOST).map(error).collect();
    lines.extend(strictness.flaky.then(|| flaky(report)).flatten());
    if causes.len() > MOST {
        let more = format!("{} further causes in the job summary", causes.len() - MOST);
        lines.push(format!("::notice title=wsspec::{more}"));
    }
    lines.extend(stale.iter().take(MOST).map(|entry| warning(report, entry)));
    if stale.len() > MOST {
        let more =
            format!("{} further stale expectations; wsspec baseline check lists them", stale.len() - MOST);
        lines.push(format!("::notice title=wsspec::{more}"));
    }
    if !report.is_complete() {
        lines.push(format!("::error title=wsspec::{}", data(&unfinished(report))));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// `the run did not come to its end: interrupted; 12 cases were not run`
fn unfinished(report: &Report) -> String {
    let why = report.reason().map_or_else(String::new, |why| format!(": {}", ci_log::behind(why.raw(), 300)));
    let missing: usize = report.end.iter().flat_map(|end| &end.not_run).map(|agent| agent.cases.len()).sum();
    let missing = match missing {
        0 => String::new(),
        1 => "; 1 case was not run".to_owned(),
        more => format!("; {more} cases were not run"),
    };
    format!("the run did not come to its end{why}{missing}")
}

/// An error because of which nothing was tested: its first line is the title, the rest says more.
pub fn problem(text: &str) -> String {
    let (title, more) = text.split_once('\n').unwrap_or((text, text));
    let lines: Vec<String> = more.lines().map(|line| ci_log::behind(line.trim_end(), 300)).collect();
    let title = property(&format!("wsspec: {}", ci_log::behind(title, 200)));
    format!("::error title={title}::{}\n", data(&lines.join("\n")))
}

fn error(cause: &Cause<'_>) -> String {
    let ids = cause.ids();
    let cases = if ids.len() == 1 { "case" } else { "cases" };
    let verb = match (cause.verdict(), ids.len()) {
        (Verdict::NonStrict, 1) => "is not strict",
        (Verdict::NonStrict, _) => "are not strict",
        (verdict, _) if !verdict.is_failure() => "could not be run",
        (_, 1) => "fails",
        (_, _) => "fail",
    };
    let title = format!("wsspec: {} {cases} {verb}, 1 cause ({})", ids.len(), summary::id_list(&ids, 8));
    let agents: Vec<String> = cause.agents().iter().map(|agent| ci_log::behind(agent.raw(), 60)).collect();
    let mut text = format!("{}: {}", agents.join(", "), ci_log::behind(cause.headline().raw(), 300));
    for line in story::died_saying(cause.cases[0], 3) {
        text.push_str(&format!("\n| {}", ci_log::behind(line.raw(), 200)));
    }
    if let Some(clause) = cause.clause() {
        text.push_str(&format!(" {clause} ({}).", cause.level().name()));
    }
    text.push_str(&rerun(cause.cases[0]));
    format!("::error title={}::{}", property(&title), data(&text))
}

/// The command that runs a case again, on a line of its own.
fn rerun(case: &CaseRecord) -> String {
    let case = case.whole();
    if case.repro.is_empty() {
        return String::new();
    }
    format!("\nRerun: {}", ci_log::behind(&shell::posix(&case.repro), usize::MAX))
}

/// What failed at first, where that makes the exit status: all in one, as each has its own cause.
fn flaky(report: &Report) -> Option<String> {
    const SHOWN: usize = 3;
    let is_flaky = |case: &&CaseRecord| case.outcome == Some(Standing::Flaky) && case.known.is_none();
    let cases: Vec<&CaseRecord> = report.cases.iter().filter(is_flaky).collect();
    let first = cases.first()?;
    let ids: Vec<CaseId> = cases.iter().map(|case| case.id).collect();
    let (noun, verb) = if ids.len() == 1 { ("case", "is") } else { ("cases", "are") };
    let title = format!("wsspec: {} {noun} {verb} flaky ({})", ids.len(), summary::id_list(&ids, 8));
    let told = |case: &&CaseRecord| {
        let (agent, why) = (ci_log::behind(case.agent.raw(), 60), ci_log::behind(case.summary.raw(), 300));
        format!("{agent}: {} {why}", case.id)
    };
    let mut lines: Vec<String> = cases.iter().take(SHOWN).map(told).collect();
    lines.extend((cases.len() > SHOWN).then(|| format!("{} more in the job summary", cases.len() - SHOWN)));
    let text = lines.join("\n") + &rerun(first);
    Some(format!("::error title={}::{}", property(&title), data(&text)))
}

fn warning(report: &Report, entry: &StaleEntry) -> String {
    let cases = entry.cases.join(" ");
    let title = property(&format!("wsspec: stale expectation {cases}"));
    let file = Some(entry.file.as_str()).filter(|file| *file != USUAL_BASELINE);
    let options = option("--file", file) + &option("--from", entry.from.as_deref());
    let now = match (&entry.until, entry.cases.len()) {
        (Some(until), _) => format!("the entry expired on {until}"),
        (None, 1) if entry.is_needed => "is better now for one implementation, not for another".to_owned(),
        (None, _) if entry.is_needed => "are better now for one implementation, not for another".to_owned(),
        (None, 1) if passes(report, entry) => "passes now".to_owned(),
        (None, _) if passes(report, entry) => "pass now".to_owned(),
        (None, 1) => "is better than expected".to_owned(),
        (None, _) => "are better than expected".to_owned(),
    };
    let command = match entry.until {
        Some(_) => format!("wsspec baseline explain{options}"),
        None if entry.is_needed => format!("wsspec baseline check{options}"),
        None => format!("wsspec baseline update --only-fixed{options}"),
    };
    let text = data(&format!("{cases} {now}. Run: {command}"));
    format!("::warning file={},line={},title={title}::{text}", property(&entry.file), entry.line)
}

/// ` --from DIR`, if there is one.
fn option(name: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| {
        format!(" {}", ci_log::behind(&shell::posix(&[name, value].map(str::to_owned)), usize::MAX))
    })
}

/// Whether all of its cases pass.
fn passes(report: &Report, entry: &StaleEntry) -> bool {
    let mut meant = report.cases.iter().filter(|case| entry.cases.contains(&case.id.to_string()));
    meant.all(|case| case.verdict == Verdict::Pass)
}

/// The text of a command: all that follows the second `::`, which may stand in it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NotRun;
    use crate::samples::{failed, passed, report};
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn a_cause_is_one_annotation() {
        let report = report(vec![
            passed("mylib/2.3", "1.1.1"),
            failed("mylib/2.3", "5.15"),
            failed("mylib/2.3", "5.16"),
        ]);
        let stale = [StaleEntry {
            file: "b,1.toml".to_owned(),
            line: 7,
            cases: vec!["6.4.3".to_owned()],
            is_needed: false,
            until: None,
            from: None,
        }];
        insta::assert_snapshot!(annotations(&report, Strictness::default(), &stale));
    }

    #[test]
    fn what_is_stale_is_told_in_the_words_of_what_came() {
        let mut report = report(vec![passed("a", "6.4.3"), failed("a", "5.15")]);
        let entry = |cases: &[&str], until: Option<&str>| StaleEntry {
            file: "wsspec.baseline.toml".to_owned(),
            line: 7,
            cases: cases.iter().map(ToString::to_string).collect(),
            is_needed: false,
            until: until.map(str::to_owned),
            from: None,
        };
        let text = |report: &Report, entry: StaleEntry| annotations(report, Strictness::default(), &[entry]);
        let update = "Run: wsspec baseline update --only-fixed\n";
        assert!(text(&report, entry(&["6.4.3"], None)).contains(&format!("::6.4.3 passes now. {update}")));
        report.cases[0].verdict = Verdict::NonStrict;
        let better = format!("::6.4.3 is better than expected. {update}");
        assert!(text(&report, entry(&["6.4.3"], None)).contains(&better));
        let needed = StaleEntry { is_needed: true, ..entry(&["6.4.3"], None) };
        let needed = text(&report, needed);
        let words =
            "::6.4.3 is better now for one implementation, not for another. Run: wsspec baseline check";
        assert!(needed.contains(words), "{needed}");
        let expired = text(&report, entry(&["2.*"], Some("2026-01-01")));
        assert!(expired.contains("::2.* the entry expired on 2026-01-01. Run: wsspec baseline"), "{expired}");
    }

    #[test]
    fn the_command_for_a_baseline_looked_for_the_results_elsewhere() {
        let entry = StaleEntry {
            file: "bl.toml".to_owned(),
            line: 7,
            cases: vec!["6.4.3".to_owned()],
            is_needed: false,
            until: None,
            from: Some("my out".to_owned()),
        };
        let text = annotations(&report(vec![passed("a", "6.4.3")]), Strictness::default(), &[entry]);
        let command = "Run: wsspec baseline update --only-fixed --file bl.toml --from 'my out'\n";
        assert!(text.ends_with(command), "{text}");
    }

    #[test]
    fn what_made_the_exit_status_was_not_told() {
        let mut late = failed("a", "6.4.1");
        late.verdict = Verdict::NonStrict;
        late.checks.remove(0);
        let mut shaky = passed("a", "2.1");
        shaky.outcome = Some(Standing::Flaky);
        shaky.summary = "Not so when it was run again alone; at first: no Pong came in 1 s.".into();
        let report = report(vec![shaky, late]);
        assert_eq!(annotations(&report, Strictness::default(), &[]), "");
        let strict = Strictness { non_strict: true, flaky: true, fixed: false };
        let text = annotations(&report, strict, &[]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].starts_with("::error title=wsspec%3A 1 case is not strict%2C 1 cause (6.4.1)::a: "),
            "{text}"
        );
        assert!(lines[0].contains("RFC 6455 section 5.4 (SHOULD).%0ARerun: wsspec run"), "{text}");
        let told = "::error title=wsspec%3A 1 case is flaky (2.1)::a: 2.1 Not so when it was run again alone; at first: \
                    no Pong came in 1 s.%0ARerun: wsspec run ws://127.0.0.1:9001 2.1";
        assert!(lines[1].starts_with(told), "{text}");
    }

    #[test]
    fn the_ninth_cause_is_only_counted() {
        let cases = (1..=12).map(|n| {
            let cause = Some(format!("cause {n}"));
            CaseRecord { cause, ..failed("a", &format!("5.{n}")) }
        });
        let text = annotations(&report(cases.collect()), Strictness::default(), &[]);
        assert_eq!(text.matches("::error").count(), MOST);
        assert!(text.ends_with("::notice title=wsspec::4 further causes in the job summary\n"), "{text}");
    }

    #[test]
    fn of_many_stale_entries_the_rest_is_counted_too() {
        let entry = |n: usize| StaleEntry {
            file: "wsspec.baseline.toml".to_owned(),
            line: n,
            cases: vec![format!("1.1.{n}")],
            is_needed: false,
            until: None,
            from: None,
        };
        let stale: Vec<StaleEntry> = (1..=11).map(entry).collect();
        let text = annotations(&report(vec![passed("a", "1.1.1")]), Strictness::default(), &stale);
        assert_eq!(text.matches("::warning ").count(), MOST, "{text}");
        assert!(text.contains("::notice title=wsspec::3 further stale expectations"), "{text}");
    }

    #[test]
    fn the_command_of_an_annotation_was_cut_and_an_address_in_it_changed() {
        let mut case = failed("a", "5.15");
        let long = format!("--exec={}", "x".repeat(600));
        case.repro =
            ["wsspec", "run", "ws://[::1]:9001", "5.15", &long, "a ##[b]"].map(str::to_owned).to_vec();
        let text = annotations(&report(vec![case]), Strictness::default(), &[]);
        assert!(text.contains("Rerun: wsspec run 'ws://[::1]:9001' 5.15 ") && text.contains(&long), "{text}");
        assert!(!text.contains("##") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn known_failures_are_no_news_and_an_unfinished_run_is() {
        let mut report = report(vec![failed("a", "5.15")]);
        report.cases[0].outcome = Some(Standing::Known);
        assert_eq!(annotations(&report, Strictness::default(), &[]), "");
        report.end = None;
        assert_eq!(
            annotations(&report, Strictness::default(), &[]),
            "::error title=wsspec::the run did not come to its end\n"
        );
    }

    #[test]
    fn a_run_that_was_cut_short_says_why() {
        let mut report = report(vec![passed("a", "5.15")]);
        let end = report.end.as_mut().unwrap();
        (end.complete, end.reason) = (false, Some("the implementation died".into()));
        end.not_run = vec![NotRun { agent: "a".into(), cases: vec!["5.16".to_owned(), "5.17".to_owned()] }];
        let text = annotations(&report, Strictness::default(), &[]);
        assert!(text.ends_with("its end: the implementation died; 2 cases were not run\n"), "{text}");
    }

    /// Command, properties and text of a line, as a runner takes it apart.
    fn taken_apart(line: &str) -> (&str, Vec<(&str, String)>, String) {
        let undone = |text: &str| {
            text.replace("%3A", ":").replace("%2C", ",").replace("%0A", "\n").replace("%25", "%")
        };
        let (head, text) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        let (command, properties) = head.split_once(' ').unwrap();
        let properties = properties.split(',').map(|property| property.split_once('=').unwrap());
        (command, properties.map(|(name, value)| (name, undone(value))).collect(), undone(text))
    }

    #[test]
    fn an_error_is_one_annotation_whatever_the_server_said() {
        let text =
            problem("error[E01]: nothing is there\n  tried    100%: a\n::error::b\n  try      c ##[d]");
        assert_eq!(text.lines().count(), 1, "{text}");
        let (command, properties, told) = taken_apart(text.trim_end());
        assert_eq!((command, properties.len()), ("error", 1), "{text}");
        assert_eq!(properties[0], ("title", "wsspec: error[E01]: nothing is there".to_owned()));
        assert_eq!(told, "  tried    100%: a\n::error::b\n  try      c #\\#[d]");
    }

    #[test]
    fn an_address_in_an_annotation_had_a_backslash() {
        let address = "nothing is listening on [::1]:9001";
        let text = problem(&format!("error[E01]: {address}\n  tried    [::1]:9001: refused"));
        let (_, properties, told) = taken_apart(text.trim_end());
        assert_eq!(properties[0].1, format!("wsspec: error[E01]: {address}"));
        assert_eq!(told, "  tried    [::1]:9001: refused");
        let mut report = report(vec![CaseRecord { summary: address.into(), ..failed("a", "5.15") }]);
        report.cases[0].checks.clear();
        let end = report.end.as_mut().unwrap();
        (end.complete, end.reason) = (false, Some(address.into()));
        let text = annotations(&report, Strictness::default(), &[]);
        assert_eq!(text.matches(address).count(), 2, "{text}");
    }

    #[test]
    fn text_of_the_peer_is_no_command() {
        for text in HOSTILE {
            let case = CaseRecord { summary: (*text).into(), ..failed(text, "5.15") };
            let out = annotations(&report(vec![case]), Strictness::default(), &[]);
            assert_eq!(out.lines().count(), 1, "{out}");
            let (command, properties, told) = taken_apart(out.trim_end());
            assert_eq!((command, properties.len()), ("error", 1), "{out}");
            assert!(
                properties[0].1.starts_with("wsspec: 1 case fails") && told.contains("5.4 (MUST)."),
                "{out}"
            );
            assert!(!out.contains("##"), "{out}");
        }
    }
}
