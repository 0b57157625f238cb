//! `wsspec show`: results of an earlier run, in the words of the run.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use wsspec_cases::{Case, CaseId, suite};
use wsspec_engine::Verdict;
use wsspec_report::record::{CaseRecord, Report, Standing, verdict_from_word, verdict_order};
use wsspec_report::summary::{self, Cause};

use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::filter::Filter;
use crate::terminal::{Console, detail, failure, lines};
use crate::{results, select, text, typed};

/// The levels from which on handshake and checks, every frame, and every octet are printed.
const CHECKS: i8 = 2;
const FRAMES: i8 = 3;
const OCTETS: i8 = 4;

/// `wsspec show`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// Cases: id, glob, slug or @SET, or a verdict, as `fail` or `non-strict`, or `flaky`; CASE@AGENT: of this implementation;
    /// without any the failures, grouped by cause
    #[arg(value_name = "CASE|VERDICT")]
    pub cases: Vec<String>,
    /// Results that this expression is true for, as in 'status(fail) and rfc(6455#5.4)'
    #[arg(short = 'E', long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// The results, as a file or as the folder with results.jsonl
    #[arg(long, value_name = "FILE|DIR", default_value = "wsspec-out")]
    pub from: PathBuf,
    /// Only results of this implementation
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Every octet; the same as -vvvv
    #[arg(long)]
    pub hex: bool,
}

const EXAMPLES: &str = "\
Examples:
  wsspec show             every failure of the last run
  wsspec show 5.15        one case: rule, expected, observed, marked frame
  wsspec show 5.15 -vv    also its handshake and its checks
  wsspec show 5.15 -vvv   also every frame in full
  wsspec show 5.15 --hex  also every octet
  wsspec show 5.15@mylib  of one implementation of several
  wsspec show non-strict  also: fail, timeout, info, ...
  wsspec show -E 'status(fail) and section(5)'
  wsspec show '7.*' --from other-out --agent mylib/2.3";

/// Prints what is known of the cases.
///
/// # Errors
/// E17: a name means no case. E18: there are no results. E29: the results hold nothing of that kind.
pub fn run(args: &ShowArgs, console: &Console) -> Result<ExitCode> {
    let report = results::read(&args.from)?;
    results::warn_incomplete(&report, console);
    results::warn_leaks(&report, console);
    let page = results::file(&args.from).with_file_name("report.html").display().to_string();
    let filter = args.filter.as_deref().map(Filter::parse).transpose()?;
    let meant = filter.as_ref().map(|filter| results::matching(filter, &report));
    let asked =
        args.agent.iter().map(String::as_str).chain(args.cases.iter().filter_map(|word| parts(word).1));
    for agent in asked {
        results::check_agent(&report, agent, "--agent NAME   or   CASE@NAME")?;
    }
    let is_of = |record: &&CaseRecord| args.agent.as_ref().is_none_or(|agent| record.agent.raw() == agent);
    let is_meant = |(place, _): &(usize, &CaseRecord)| meant.as_ref().is_none_or(|meant| meant[*place]);
    let records = report.cases.iter().enumerate().filter(is_meant).map(|(_, record)| record).filter(is_of);
    let records: Vec<&CaseRecord> = records.collect();
    if args.cases.is_empty() && filter.is_none() {
        show_failures(&records, &page, console);
    } else {
        show_cases(&report, &chosen(&records, args)?, &page, args, console);
    }
    Ok(ExitCode::Ok)
}

/// `CASE@AGENT`, or what has no `@` behind its beginning, as `@core`.
fn parts(word: &str) -> (&str, Option<&str>) {
    let at = word.match_indices('@').find(|(at, _)| *at > 0);
    at.map_or((word, None), |(at, _)| (&word[..at], Some(&word[at + 1..])))
}

/// Stands beside the verdicts: what failed at first only.
const FLAKY: &str = "flaky";

fn chosen<'a>(records: &[&'a CaseRecord], args: &ShowArgs) -> Result<Vec<&'a CaseRecord>, Problem> {
    let (verdicts, names): (Vec<_>, Vec<_>) =
        args.cases.iter().cloned().partition(|word| word == FLAKY || verdict_from_word(word).is_some());
    let mut meant: Vec<(Vec<&Case>, Option<&str>)> = Vec::new();
    for (name, agent) in names.iter().map(|word| parts(word)) {
        let cases = select::cases(suite(), &[name.to_owned()]).map_err(|problem| or_verdict(problem, name));
        meant.push((cases?, agent));
    }
    let is_case = |record: &CaseRecord| {
        let mut of_agent =
            meant.iter().filter(|(_, agent)| agent.is_none_or(|agent| record.agent.raw() == agent));
        of_agent.any(|(cases, _)| cases.iter().any(|case| case.id == record.id))
    };
    let is_named = |record: &&CaseRecord| {
        let is_flaky = record.outcome == Some(Standing::Flaky);
        let is_it = |word: &String| word == record.verdict.word() || word == FLAKY && is_flaky;
        let verdict = verdicts.is_empty() || verdicts.iter().any(is_it);
        verdict && (names.is_empty() || is_case(record))
    };
    let chosen: Vec<&CaseRecord> = records.iter().copied().filter(is_named).collect();
    if chosen.is_empty() {
        let ids: Vec<CaseId> = meant.iter().flat_map(|(cases, _)| cases.iter().map(|case| case.id)).collect();
        return Err(nothing(args, &ids, records.first().map(|record| record.id.to_string())));
    }
    Ok(chosen)
}

/// The same, with the verdict that may have been meant.
fn or_verdict(problem: Problem, word: &str) -> Problem {
    let verdicts = verdict_order().map(Verdict::word).into_iter().chain([FLAKY]);
    match text::did_you_mean(word, verdicts).first() {
        Some(verdict) => problem.fact("meant", format!("{verdict}, a verdict?")),
        None => problem,
    }
}

/// The record of an earlier run that holds one of these cases.
fn kept_with(args: &ShowArgs, ids: &[CaseId]) -> Option<PathBuf> {
    let holds = |report: Report| report.cases.iter().any(|record| ids.contains(&record.id));
    results::kept(&args.from).find(|kept| results::read(kept).is_ok_and(&holds))
}

fn nothing(args: &ShowArgs, ids: &[CaseId], other: Option<String>) -> Problem {
    let results = results::file(&args.from).display().to_string();
    let problem = Problem::new(ErrorCode::E29, "the results hold nothing of these cases")
        .fact("asked", [args.cases.join(" "), args.filter.clone().unwrap_or_default()].join(" ").trim())
        .fact("results", results);
    if let Some(kept) = kept_with(args, ids) {
        let from = kept.display().to_string();
        return problem
            .fact("kept", "an earlier run, which has them")
            .fact("try", typed::with_options(&["--from", &from]));
    }
    match other {
        Some(id) => {
            let from = results::from_option(&args.from);
            problem.fact("try", format!("wsspec show {id}{from}   or run the case: wsspec run URL CASE"))
        }
        None if args.filter.is_some() => problem.advise("another expression, or   wsspec run URL CASE"),
        None => problem.advise("without --agent, or   wsspec run URL CASE"),
    }
}

fn show_failures(records: &[&CaseRecord], page: &str, console: &Console) {
    let failures = records.iter().copied().filter(|record| record.verdict.is_red());
    let causes = summary::causes(failures);
    for (place, cause) in causes.iter().enumerate() {
        let left = format!("cause {} of {}", place + 1, causes.len());
        let gap = if place > 0 { "\n" } else { "" };
        let rule = console.style.rule(&left, &text::count(cause.cases.len(), "case"));
        console.say(-2, format!("{gap}{rule}"));
        show(cause, page, console.level, console);
    }
    if causes.is_empty() {
        console.say(-2, format!("no failure in {}", text::count(records.len(), "result")));
    }
}

fn show_cases(report: &Report, records: &[&CaseRecord], page: &str, args: &ShowArgs, console: &Console) {
    let level = if args.hex { OCTETS } else { console.level };
    let several = report.agents().len() > 1;
    for (place, record) in records.iter().enumerate() {
        let gap = if place > 0 { "\n" } else { "" };
        if several || place > 0 {
            let name = lines::agent_name(record.agent.raw());
            console.say(-2, format!("{gap}{}", console.style.rule(&name, &record.id.to_string())));
        }
        show(&cause_of(report, record), page, level, console);
    }
}

/// The case, and behind it those of the same implementation that went wrong in the same way.
fn cause_of<'a>(report: &'a Report, record: &'a CaseRecord) -> Cause<'a> {
    let Some(key) = record.cause.as_deref() else { return Cause { key: "", cases: vec![record] } };
    let alike = |other: &&CaseRecord| {
        other.cause.as_deref() == Some(key)
            && other.id != record.id
            && other.verdict.is_failure() == record.verdict.is_failure()
    };
    let others = report.of_agent(&record.agent).filter(alike);
    Cause { key, cases: std::iter::once(record).chain(others).collect() }
}

fn show(cause: &Cause<'_>, page: &str, level: i8, console: &Console) {
    let block = if level >= FRAMES { failure::block_before_frames } else { failure::block };
    console.say(-2, block(cause, page, console.style));
    if level >= CHECKS {
        console.say(-2, format!("\n{}", detail::render(&cause.cases[0].whole(), level, console.style)));
    }
}
