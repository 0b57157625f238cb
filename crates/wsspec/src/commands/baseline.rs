//! `wsspec baseline`: the file of expected verdicts, kept by its users and by these commands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use wsspec_cases::CaseId;
use wsspec_report::baseline::{Entry, Findings, entries_for, to_toml, unexpected};
use wsspec_report::record::{CaseRecord, Report, Standing};
use wsspec_report::summary::id_list;

use crate::baseline::{self, BaselineFile, FILE, Update};
use crate::errors::{ErrorCode, Problem, labelled};
use crate::exit_code::ExitCode;
use crate::outputs::file;
use crate::results;
use crate::run::folder::unwritable;
use crate::terminal::Console;
use crate::terminal::lines::agent_name;
use crate::text::{count, wrap};
use crate::typed;

/// `wsspec baseline`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BaselineArgs {
    #[command(subcommand)]
    action: Action,
    /// The baseline
    #[arg(long, value_name = "FILE", default_value = FILE, global = true)]
    file: PathBuf,
    /// The results, as a file or as the folder with results.jsonl
    #[arg(long, value_name = "FILE|DIR", default_value = "wsspec-out", global = true)]
    from: PathBuf,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Write a new file that accepts the last run as it is
    Create {
        #[command(flatten)]
        why: Why,
        /// Take the place of a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Take out what is fixed or expired, and add what is new; comments stay, and what goes is named
    Update {
        /// Take out what is fixed, let entries accept no more than is needed, and change nothing else
        #[arg(long)]
        only_fixed: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Say how the last run stands against the file, and what is wrong with the file
    Check,
    /// List the entries, or those of some cases, and how their cases stand
    Explain {
        /// Cases: id, glob, slug or @SET
        #[arg(value_name = "CASE")]
        cases: Vec<String>,
    },
}

/// What new entries say.
#[derive(Clone, Debug, Args)]
struct Why {
    /// Why the results are accepted
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: Option<String>,
    /// Where that is tracked
    #[arg(long, value_name = "URL")]
    issue: Option<String>,
    /// The last day on which the entries count, as in 2026-12-31
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    until: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  wsspec baseline create --reason 'initial import'
  wsspec run ws://127.0.0.1:9001 --baseline wsspec.baseline.toml
  wsspec baseline check
  wsspec baseline explain 6.4.3
  wsspec baseline update --only-fixed
  wsspec baseline update --reason 'see the issue' --issue https://example.org/97";

fn parse_day(text: &str) -> Result<String, String> {
    let date: Result<jiff::civil::Date, _> = text.parse();
    date.map(|date| date.to_string()).map_err(|_| "a day is written 2026-12-31".to_owned())
}

/// Does what was asked for.
///
/// # Errors
/// E18: the file or the results cannot be read. E21: the file cannot be written.
pub fn run(args: &BaselineArgs, console: &Console) -> Result<ExitCode> {
    match &args.action {
        Action::Create { why, force } => create(args, why, *force, console),
        Action::Update { only_fixed, why } => update(args, *only_fixed, why, console),
        Action::Check => check(args, console),
        Action::Explain { cases } => explain(args, cases, console),
    }
}

fn create(args: &BaselineArgs, why: &Why, force: bool, console: &Console) -> Result<ExitCode> {
    if args.file.exists() && !force {
        let (file, from) = (baseline::file_option(&args.file), results::from_option(&args.from));
        let update = format!("wsspec baseline update --reason TEXT{file}{from}");
        return Err(Problem::new(ErrorCode::E21, format!("{} is there already", args.file.display()))
            .fact("try", format!("{update}   (adds what is new)"))
            .fact("try", format!("{}   (starts anew)", typed::with_options(&["--force"])))
            .exit_with(ExitCode::Usage)
            .into());
    }
    let report = results::read(&args.from)?;
    results::warn_incomplete(&report, console);
    let reason = why.reason("create")?;
    if let Some(larger) = larger_run_before(&args.from, &report) {
        console.remark(&larger);
    }
    let entries: Vec<Entry> =
        entries_for(&report, reason).into_iter().map(|entry| why.complete(entry)).collect();
    write(&args.file, &to_toml(&report, &entries), console)?;
    let cases: usize = entries.iter().map(|entry| entry.cases.len()).sum();
    let (entries, cases) = (entries.len(), count(cases, "case"));
    console.say(0, format!("wrote {}: {} for {cases}", args.file.display(), entry_count(entries)));
    console.say(0, "read it, commit it, and run with   --baseline");
    Ok(ExitCode::Ok)
}

/// Says that the last run was a repetition of a few cases of a larger one, which may be the one that is meant.
fn larger_run_before(from: &Path, report: &Report) -> Option<String> {
    let kept = results::kept(from).next()?;
    let before = results::read(&kept).ok()?.cases.len();
    let now = report.cases.len();
    (before > now).then(|| {
        let (now, kept) = (count(now, "result"), kept.display());
        format!("note: the last run has {now}, the one before {before}: --from {kept}   takes that one")
    })
}

fn update(args: &BaselineArgs, only_fixed: bool, why: &Why, console: &Console) -> Result<ExitCode> {
    let file = BaselineFile::read(&args.file)?;
    let (report, findings) = compare(&file, args)?;
    results::warn_incomplete(&report, console);
    let update = match only_fixed {
        true => Update::only_fixed(&findings, &file),
        false => add(Update::fixed_or_expired(&findings, &file), &file, &report, why)?,
    };
    for line in losses(&file, &update).into_iter().chain(kept(&file, &findings)) {
        console.say(0, wrap(&line, console.style.width - 2).join("\n  "));
    }
    let text = std::fs::read_to_string(&args.file).map_err(|error| unwritable(&args.file, &error))?;
    let (text, changes) = update.apply(&text, &file)?;
    write(&args.file, &text, console)?;
    console.say(
        0,
        format!(
            "wrote {}: {} narrowed, {} lowered, {} removed, {} added",
            args.file.display(),
            entry_count(changes.narrowed),
            changes.lowered,
            changes.removed,
            changes.added
        ),
    );
    Ok(ExitCode::Ok)
}

/// What an update takes out, a line each, with the reason that is lost with a whole entry.
fn losses(file: &BaselineFile, update: &Update) -> Vec<String> {
    let line = |at: usize, word: &str, cases: &[String], why: &str| {
        let (path, entry) = (file.path.display(), &file.baseline.entries[at]);
        format!("{path}:{}   {word} {}: {why} ({})", file.lines[at], cases.join(" "), entry.reason)
    };
    let dropped = update.drop.iter().filter(|(at, _)| !update.remove.contains(at));
    let fixed = dropped.map(|(at, ids)| {
        let leaves = if file.filters[*at] { "; the filter leaves them out" } else { "" };
        line(*at, "without", ids, &format!("it is not so any more{leaves}"))
    });
    let lowered = update.lower.iter().map(|(at, verdict)| {
        let (was, cases) = (file.baseline.entries[*at].verdict.word(), &file.typed[*at]);
        line(*at, verdict.word(), cases, &format!("it was {was}"))
    });
    let expired = update.remove.iter().map(|at| {
        let until = file.baseline.entries[*at].until.as_deref().unwrap_or_default();
        line(*at, "removed", &file.typed[*at], &format!("it expired on {until}"))
    });
    fixed.chain(lowered).chain(expired).collect()
}

/// What is fixed for one implementation and stays for another, a line each.
fn kept(file: &BaselineFile, findings: &Findings) -> Vec<String> {
    let line = |(at, ids): &(usize, Vec<String>)| {
        let place = format!("{}:{}", file.path.display(), file.lines[*at]);
        format!("{place}   kept {}: another implementation still needs the entry", ids.join(" "))
    };
    findings.needed.iter().map(line).collect()
}

/// Adds entries for what is unexpected. An entry that said something better about a case loses it.
fn add(mut update: Update, file: &BaselineFile, report: &Report, why: &Why) -> Result<Update, Problem> {
    let today = baseline::today();
    let is_new = |case: &&CaseRecord| case.outcome == Some(Standing::Unexpected);
    let cases: Vec<CaseRecord> = report.cases.iter().filter(is_new).cloned().collect();
    update.add.extend(known_beside(&cases, file, report, &today));
    for case in &cases {
        if let Some(place) = file.baseline.entry_for(case, &today) {
            update.take_out(place, &[case.id.to_string()]);
        }
    }
    if !cases.is_empty() {
        let report = Report { cases, ..report.clone() };
        let entries = entries_for(&report, why.reason("update")?).into_iter();
        update.add.extend(entries.map(|entry| why.complete(entry)));
    }
    Ok(update)
}

/// What the entries that lose these cases say of other implementations, in entries of their own.
fn known_beside(new: &[CaseRecord], file: &BaselineFile, report: &Report, today: &str) -> Vec<Entry> {
    let place = |case: &CaseRecord| file.baseline.entry_for(case, today);
    let losing: BTreeSet<(usize, CaseId)> =
        new.iter().filter_map(|case| Some((place(case)?, case.id))).collect();
    let own = |(at, entry): (usize, &Entry)| {
        let is_its = |case: &&CaseRecord| {
            case.outcome == Some(Standing::Known)
                && losing.contains(&(at, case.id))
                && place(case) == Some(at)
        };
        let cases = report.cases.iter().filter(is_its).cloned().collect();
        let kept = entries_for(&Report { cases, ..report.clone() }, &entry.reason).into_iter();
        let (verdict, old) = (entry.verdict, entry.clone());
        kept.map(move |own| Entry { cases: own.cases, agent: own.agent, verdict, ..old.clone() })
    };
    file.baseline.entries.iter().enumerate().flat_map(own).collect()
}

fn check(args: &BaselineArgs, console: &Console) -> Result<ExitCode> {
    let file = BaselineFile::read(&args.file)?;
    let name = args.file.display();
    console.say(0, format!("{name}: {}", entry_count(file.baseline.entries.len())));
    if has_no_results(args) {
        console.note("note: there are no results; only the file itself was checked");
        let findings = file.baseline.findings(&Report::default(), &baseline::today());
        let expired = Findings { expired: findings.expired, ..Findings::default() };
        return Ok(complain(&file, &expired, None, &args.from, console));
    }
    let (report, findings) = compare(&file, args)?;
    results::warn_incomplete(&report, console);
    let standings =
        [Standing::Expected, Standing::Known, Standing::Fixed, Standing::Flaky, Standing::Unexpected];
    let numbers: Vec<String> = standings.iter().map(|standing| numbered(&report, *standing)).collect();
    console.say(0, format!("{}: {}", count(report.cases.len(), "result"), numbers.join("   ")));
    for at in &findings.unused {
        let cases = file.typed[*at].join(" ");
        let place = format!("{name}:{}", file.lines[*at]);
        console.remark(&format!("note: {place}   the entry for {cases} matches no result"));
    }
    let causes = unexpected(&report);
    let ids: Vec<CaseId> = causes.iter().flat_map(|cause| cause.ids()).collect();
    let mut code = complain(&file, &findings, Some(&report), &args.from, console);
    if !ids.is_empty() {
        console.say(-1, format!("unexpected: {} ({})", id_list(&ids, 12), count(causes.len(), "cause")));
        code = code.worst(ExitCode::Failed);
    }
    console.say(-1, code.to_string());
    Ok(code)
}

fn numbered(report: &Report, standing: Standing) -> String {
    let number = report.cases.iter().filter(|case| case.outcome == Some(standing)).count();
    format!("{number} {}", word(standing))
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Expected => "expected",
        Standing::Unexpected => "unexpected",
        Standing::Known => "known",
        Standing::Fixed => "fixed",
        Standing::Flaky => "flaky",
    }
}

/// E24, if there is a reason.
fn complain(
    file: &BaselineFile,
    findings: &Findings,
    report: Option<&Report>,
    from: &Path,
    console: &Console,
) -> ExitCode {
    match baseline::problem(&baseline::complaints(file, findings, report), &file.path, from) {
        Some(problem) => {
            console.problem(&problem);
            problem.exit()
        }
        None => ExitCode::Ok,
    }
}

fn explain(args: &BaselineArgs, cases: &[String], console: &Console) -> Result<ExitCode> {
    let file = BaselineFile::read(&args.file)?;
    let wanted = crate::select::cases(wsspec_cases::suite(), cases)?;
    let report = if has_no_results(args) { Report::default() } else { compare(&file, args)?.0 };
    let mut shown = 0;
    for (at, entry) in file.baseline.entries.iter().enumerate() {
        let is_wanted = |case: &&wsspec_cases::Case| entry.cases.contains(&case.id.to_string());
        if cases.is_empty() || wanted.iter().any(is_wanted) {
            console.say(-2, describe(&file, at, &report, console.style.width));
            shown += 1;
        }
    }
    if shown == 0 {
        console.say(-2, format!("no entry of {} is about this", args.file.display()));
    }
    Ok(ExitCode::Ok)
}

/// An entry, and how its cases stand.
fn describe(file: &BaselineFile, at: usize, report: &Report, width: usize) -> String {
    let (entry, today) = (&file.baseline.entries[at], baseline::today());
    let verdict = entry.verdict.word();
    let mut out = vec![format!(
        "{}:{}   {verdict}   {}",
        file.path.display(),
        file.lines[at],
        file.typed[at].join(" ")
    )];
    let facts = [
        ("reason", Some(&entry.reason)),
        ("agent", entry.agent.as_ref()),
        ("issue", entry.issue.as_ref()),
        ("until", entry.until.as_ref()),
    ];
    out.extend(facts.into_iter().filter_map(|(label, text)| Some(labelled(label, text?, width))));
    if entry.has_expired(&today) {
        out.push(labelled("expired", "it does not count any more", width));
    }
    let several = report.agents().len() > 1;
    let mine = report.cases.iter().filter(|case| file.baseline.entry_for(case, &today) == Some(at));
    for case in mine {
        let standing = case.outcome.map_or("not compared", word);
        let agent = if several { agent_name(case.agent.raw()) } else { String::new() };
        let (id, verdict) = (case.id.to_string(), case.verdict.word());
        let line = format!("{id:<8} {verdict:<12} {standing:<12} {agent}");
        out.push(labelled("result", &line, width));
    }
    out.join("\n")
}

/// Whether there was no run yet. Results that were asked for have to be there.
fn has_no_results(args: &BaselineArgs) -> bool {
    args.from == Path::new("wsspec-out") && !results::file(&args.from).exists()
}

/// The results as they stand against the file.
fn compare(file: &BaselineFile, args: &BaselineArgs) -> Result<(Report, Findings), Problem> {
    let mut report = results::read(&args.from)?;
    // How they stood against another file is of no use; what was flaky then is so still.
    for case in report.cases.iter_mut().filter(|case| case.outcome != Some(Standing::Flaky)) {
        case.outcome = None;
    }
    let findings = file.baseline.apply(&mut report, &baseline::today());
    Ok((report, findings))
}

fn write(path: &Path, text: &str, console: &Console) -> Result<(), Problem> {
    file::make_folder(path, None, console)?;
    file::write(path, text.as_bytes())
}

fn entry_count(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

impl Why {
    /// The reason that was typed for this action.
    fn reason(&self, action: &str) -> Result<&str, Problem> {
        self.reason.as_deref().ok_or_else(|| {
            let problem = Problem::new(ErrorCode::E18, "new entries need a reason")
                .fact("why", "a baseline is read by people: what is accepted, and why")
                .fact("try", typed::with_options(&["--reason", "initial import"]));
            match action {
                "update" => problem
                    .fact("try", format!("{}   (adds nothing)", typed::with_options(&["--only-fixed"]))),
                _ => problem,
            }
        })
    }

    fn complete(&self, entry: Entry) -> Entry {
        Entry { issue: self.issue.clone(), until: self.until.clone(), ..entry }
    }
}
