//! `wsspec diff`: what is worse and what is better than in an earlier result.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use wsspec_cases::CaseId;
use wsspec_report::Untrusted;
use wsspec_report::baseline::Findings;
use wsspec_report::diff::{Change, Difference, Slower, Way, pairs};
use wsspec_report::record::{CaseRecord, Report, verdict_order};
use wsspec_report::story::cause_sentence;
use wsspec_report::summary::id_list;

use crate::baseline::{self, BaselineFile};
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::outputs::args::{Format, is_stdout};
use crate::outputs::file;
use crate::results;
use crate::terminal::lines::agent_name;
use crate::terminal::opening::row_at;
use crate::terminal::{Console, Style, Tone};
use crate::text::{count, duration, wrap};

/// Ids that are printed of one change.
const IDS: usize = 12;
/// Slower cases that are printed.
const SLOWER: usize = 5;

/// What is said of a change that is none of the implementation.
const RACE: &str =
    "A race inside the peer: both are lawful, and it may be the other way round in the next run.";

/// `wsspec diff`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// The earlier results, as a file or as the folder with results.jsonl; or a baseline (.toml): what is expected
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The later results
    #[arg(value_name = "NEW", default_value = "wsspec-out")]
    pub new: PathBuf,
    /// Write the comparison as Markdown to this file too; - is stdout
    #[arg(long, value_name = "FILE")]
    pub md: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  wsspec diff main/results.jsonl wsspec-out/results.jsonl
  wsspec diff main                 against the last run
  wsspec diff main.jsonl new.jsonl --md diff.md
  wsspec diff wsspec.baseline.toml results.jsonl
Exit status:
  1 if a case is worse than before, and not by a race inside the peer; 4 if there is nothing to compare; 6 if the new
  results did not come to their end, and lack cases of the old ones";

/// Compares two results; agents of the same name, or the only one of each. A baseline stands for the results that
/// it expects, on whichever side it is.
///
/// # Errors
/// E18: results or baseline cannot be read. E29: there is no case in common.
pub fn run(args: &DiffArgs, console: &Console) -> Result<ExitCode> {
    let (old, new, against) = match (is_baseline(&args.old), is_baseline(&args.new)) {
        (true, true) => return Err(two_baselines(args).into()),
        (false, false) => (results::read(&args.old)?, results::read(&args.new)?, None),
        (true, false) => against_baseline(&args.old, &args.new, console)?,
        (false, true) => against_baseline(&args.new, &args.old, console)?,
    };
    let results = [&args.old, &args.new].into_iter().filter(|path| !is_baseline(path));
    // What a baseline expects stands on the old side.
    for (path, report) in results.rev().zip([&new, &old]) {
        results::warn_incomplete_at(path, report, console);
    }
    let pairs: Vec<_> = pairs(&old, &new)
        .into_iter()
        .map(|pair| (pair, Difference::between(&of(&old, pair.0), &of(&new, pair.1))))
        .collect();
    if pairs.iter().all(|(_, difference)| difference.common == 0) {
        return Err(nothing_in_common((&args.old, &old), (&args.new, &new)).into());
    }
    if args.md.as_deref().is_some_and(is_stdout) {
        console.set_format(Format::None);
    }
    tell_alone(&args.old, &old, &pairs.iter().map(|((before, _), _)| *before).collect::<Vec<_>>(), console);
    tell_alone(&args.new, &new, &pairs.iter().map(|((_, now), _)| *now).collect::<Vec<_>>(), console);
    let mut code = ExitCode::Ok;
    for ((before, now), difference) in &pairs {
        let names = names(against.as_deref().unwrap_or(before.raw()), now.raw());
        let common = count(difference.common, "common case");
        let title = console.style.paint(Tone::Strong, &names);
        console.say(-1, format!("{title}   {common}\n\n{}", text(difference, console.style)));
        if difference.count(Way::Worse).0 > 0 {
            code = ExitCode::Failed;
        }
    }
    if let Some(path) = &args.md {
        let text = markdown(&pairs, against.as_deref());
        if is_stdout(path) {
            file::print(&text)?;
        } else {
            file::make_folder(path, None, console)?;
            file::write(path, text.as_bytes())?;
            console.say(0, format!("wrote {}", path.display()));
        }
    }
    let worse = total(&pairs, Way::Worse);
    let better = total(&pairs, Way::Better);
    let mut told = format!("{}, {}", told(worse, "regression"), told(better, "improvement"));
    let gone: usize = pairs.iter().map(|(_, difference)| difference.only_old.len()).sum();
    if gone > 0 {
        told.push_str(&format!(", {} not compared", count(gone, "case")));
    }
    // What did not run may be worse: nothing is known of it.
    if !new.is_complete() {
        code = code.worst(ExitCode::Incomplete);
    }
    console.say(-1, row_at(0, "", &[&told, &code.to_string()], console.style));
    Ok(code)
}

/// Says which implementations the other results do not have.
fn tell_alone(path: &Path, report: &Report, compared: &[&Untrusted], console: &Console) {
    let alone = report.agents().into_iter().filter(|agent| !compared.contains(agent));
    let names: Vec<String> = alone.map(|agent| agent_name(agent.raw())).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        console.remark(&format!("note: {}: the other side has no {names} to compare with", path.display()));
    }
}

fn of<'a>(report: &'a Report, agent: &'a Untrusted) -> Vec<&'a CaseRecord> {
    report.of_agent(agent).collect()
}

fn is_baseline(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

fn two_baselines(args: &DiffArgs) -> Problem {
    let (old, new) = (args.old.display(), args.new.display());
    Problem::new(ErrorCode::E18, "one side of a comparison has to be results")
        .fact("got", format!("{old} and {new}, which are two baselines"))
        .fact("try", format!("wsspec diff {old} wsspec-out"))
}

/// What is expected, what came, and the name of what is expected. Entries that are of no use are named.
fn against_baseline(
    file: &Path,
    results: &Path,
    console: &Console,
) -> Result<(Report, Report, Option<String>), Problem> {
    let (file, report) = (BaselineFile::read(file)?, results::read(results)?);
    let expected = file.baseline.expected(&report, &baseline::today());
    let findings = file.baseline.findings(&expected, &baseline::today());
    let name = file.path.display().to_string();
    for at in &findings.unused {
        let (line, cases) = (file.lines[*at], file.typed[*at].join(" "));
        console.remark(&format!("note: {name}:{line}   the entry for {cases} matches no result"));
    }
    let expired = Findings { expired: findings.expired, ..Findings::default() };
    for complaint in baseline::complaints(&file, &expired, None) {
        console.remark(&format!("note: {}", complaint.line));
    }
    Ok((expected, report, Some(name)))
}

fn names(before: &str, now: &str) -> String {
    if before == now {
        return agent_name(now);
    }
    format!("{}  ->  {}", agent_name(before), agent_name(now))
}

fn nothing_in_common(old: (&Path, &Report), new: (&Path, &Report)) -> Problem {
    let what = |(path, report): (&Path, &Report)| {
        let agents: Vec<String> = report.agents().iter().map(|agent| agent_name(agent.raw())).collect();
        format!("{}: {} of {}", path.display(), count(report.cases.len(), "case"), agents.join(", "))
    };
    Problem::new(ErrorCode::E29, "the results have no case in common")
        .fact("old", what(old))
        .fact("new", what(new))
        .fact("note", "of several implementations those with the same name are compared (--agent)")
        .fact("try", "wsspec run URL CASE --agent NAME")
}

/// What changed, a line or a few for each change.
pub(crate) fn text(difference: &Difference<'_>, style: Style) -> String {
    let mut out = Vec::new();
    for change in &difference.changes {
        out.extend(change_lines(change, style));
    }
    if !difference.only_old.is_empty() {
        out.extend(row("only old", Tone::Note, &id_list(&difference.only_old, IDS), style));
    }
    for verdict in verdict_order() {
        let with = difference.only_new.iter().filter(|record| record.verdict == verdict);
        let ids: Vec<CaseId> = with.map(|record| record.id).collect();
        if !ids.is_empty() {
            let text = format!("{}   {}", id_list(&ids, IDS), Style::label(verdict));
            out.extend(row("only new", Tone::Note, &text, style));
        }
    }
    let slower = difference.slower.iter().take(SLOWER);
    out.extend(slower.flat_map(|slower| row("timing", Tone::Note, &timing(slower, difference.noise), style)));
    if out.is_empty() {
        out.push("  no difference".to_owned());
    }
    out.iter().map(|line| format!("{line}\n")).collect()
}

fn change_lines(change: &Change<'_>, style: Style) -> Vec<String> {
    let (label, tone) = match change.way {
        Way::Worse => ("WORSE", Tone::Bad),
        Way::Other => ("other", Tone::Note),
        Way::Race => ("race", Tone::Note),
        Way::Better => ("better", Tone::Good),
    };
    let ids: Vec<CaseId> = change.cases.iter().map(|record| record.id).collect();
    let verdicts = format!("{} -> {}", Style::label(change.old), Style::label(change.new));
    let mut out = row(label, tone, &format!("{}   {verdicts}", id_list(&ids, IDS)), style);
    let more = match change.way {
        Way::Worse => Some(cause_sentence(change.cases[0]).for_terminal(300)),
        Way::Race => Some(RACE.to_owned()),
        Way::Other | Way::Better => None,
    };
    if let Some(more) = more {
        let lines = wrap(&more, style.width.saturating_sub(13).max(20));
        out.extend(lines.into_iter().map(|line| format!("{:13}{line}", "")));
    }
    out
}

fn row(label: &str, tone: Tone, text: &str, style: Style) -> Vec<String> {
    let lines = wrap(text, style.width.saturating_sub(13).max(20)).into_iter().enumerate();
    let label = style.paint(tone, &format!("{label:<10}"));
    lines
        .map(|(n, line)| if n == 0 { format!("  {label} {line}") } else { format!("{:13}{line}", "") })
        .collect()
}

/// `7.1.6   580 ms -> 1.10 s (+90 %, noise is +-12 %)`
fn timing(slower: &Slower, noise: Option<f64>) -> String {
    let noise = noise.map_or_else(String::new, |noise| format!(", noise is +-{:.0} %", noise * 100.0));
    let (old, new) = (duration(slower.old), duration(slower.new));
    format!("{}   {old} -> {new} (+{:.0} %{noise})", slower.id, slower.growth() * 100.0)
}

/// The comparison for a comment or a job page.
fn markdown(pairs: &[Compared<'_>], against: Option<&str>) -> String {
    let against = against.map(Untrusted::from);
    let mut out = String::new();
    for ((before, now), difference) in pairs {
        let before = against.as_ref().unwrap_or(before);
        let names = if before == *now {
            now.for_markdown()
        } else {
            format!("{} to {}", before.for_markdown(), now.for_markdown())
        };
        let (worse, better) = (difference.count(Way::Worse), difference.count(Way::Better));
        out.push_str(&format!(
            "## wsspec: {names}: **{}**, {}\n\n",
            told(worse, "regression"),
            told(better, "improvement")
        ));
        out.push_str(&format!("{} compared.\n", count(difference.common, "case")));
        if !difference.changes.is_empty() {
            out.push_str("\n| | cases | before | now | found |\n|---|---|---|---|---|\n");
        }
        for change in &difference.changes {
            let way = match change.way {
                Way::Worse => "**worse**",
                Way::Other => "other",
                Way::Race => "race",
                Way::Better => "better",
            };
            let ids: Vec<CaseId> = change.cases.iter().map(|record| record.id).collect();
            let (old, new) = (change.old.word(), change.new.word());
            let found = Untrusted::from(cause_sentence(change.cases[0]).for_terminal(300)).for_markdown();
            out.push_str(&format!("| {way} | {} | {old} | {new} | {found} |\n", id_list(&ids, IDS)));
        }
        for slower in difference.slower.iter().take(SLOWER) {
            out.push_str(&format!("\nTiming: {}\n", timing(slower, difference.noise)));
        }
        out.push('\n');
    }
    out
}

type Compared<'a> = ((&'a Untrusted, &'a Untrusted), Difference<'a>);

fn total(pairs: &[Compared<'_>], way: Way) -> (usize, usize) {
    let counts = pairs.iter().map(|(_, difference)| difference.count(way));
    counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
}

/// `1 regression (3 cases)`
fn told((groups, cases): (usize, usize), noun: &str) -> String {
    if groups == 0 {
        format!("no {noun}")
    } else {
        format!("{} ({})", count(groups, noun), count(cases, "case"))
    }
}
