//! `wsspec explain`: everything that has a name, explained offline.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use wsspec_cases::{Case, CaseId, FirstToClose, Rule, Suite, suite};
use wsspec_report::explain::{Description, duration};
use wsspec_report::summary::id_list;
use wsspec_wire::close_code;

use crate::cli::ExplainArgs;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::terminal::lines::cut;
use crate::terminal::{Console, Style, Tone};
use crate::text::{count, did_you_mean, wrap};
use crate::{deviations, glossary, select};

/// Explains one thing after the other.
///
/// # Errors
/// E17: there is no such thing.
pub fn run(args: &ExplainArgs, console: &Console) -> Result<ExitCode> {
    for (place, what) in args.what.iter().enumerate() {
        if place > 0 {
            console.say(-2, "");
        }
        console.say(-2, explain(what, suite(), console.style)?);
    }
    Ok(ExitCode::Ok)
}

pub(crate) fn explain(what: &str, suite: &'static Suite, style: Style) -> Result<String, Problem> {
    if let Ok(code) = what.parse::<ErrorCode>() {
        return Ok(error_page(code, style));
    }
    if is_code(what) && glossary::find(what).is_none() {
        return Err(no_code(&what.to_uppercase()));
    }
    if let Some(set) =
        what.strip_prefix('@').and_then(|name| select::SETS.iter().find(|set| set.name == name))
    {
        return Ok(set_page(set, suite, style));
    }
    if let Some(code) = what.parse::<u16>().ok().filter(|code| (1000..5000).contains(code)) {
        return Ok(close_code_page(code, suite, style));
    }
    if let Some((rfc, section)) = clause(what) {
        return clause_page(rfc, &section, suite, style);
    }
    if let Some(rfc) = whole_rfc(what) {
        return Ok(rfc_page(rfc, suite, style));
    }
    if is_exit_status(what) {
        return Ok(format!(
            "{}\n\n{}",
            style.paint(Tone::Strong, "Exit status"),
            ExitCode::table().trim_end()
        ));
    }
    if let Some(entry) = glossary::find(what) {
        return Ok(paragraphs(entry.word, entry.text, style));
    }
    if let Some(page) = deviations::page(what, style) {
        return Ok(page);
    }
    let known = |problem: Problem| problem.fact("words", suggestions(what));
    let cases = select::cases(suite, &[what.to_owned()]).map_err(known)?;
    Ok(cases.iter().map(|case| case_page(case, suite, style)).collect::<Vec<_>>().join("\n\n"))
}

/// E17. All codes have two digits.
fn no_code(typed: &str) -> Problem {
    let problem = Problem::new(ErrorCode::E17, format!("there is no code {typed}"));
    let (letter, digits) = typed.split_at(1);
    let meant = format!("{letter}{digits:0>2}");
    let is_known = meant.parse::<ErrorCode>().is_ok() || glossary::find(&meant).is_some();
    match is_known {
        true => problem.fact("try", format!("wsspec explain {meant}")),
        false => problem.fact("try", format!("wsspec explain {letter}01   or the code as it was printed")),
    }
}

/// `exit-codes`, `exit status`
fn is_exit_status(what: &str) -> bool {
    let what = what.to_lowercase().replace(['-', '_', ' '], "");
    ["exitcode", "exitcodes", "exitstatus", "exit"].contains(&what.as_str())
}

fn suggestions(what: &str) -> String {
    let near = did_you_mean(what, glossary::ENTRIES.iter().map(|entry| entry.word));
    if near.is_empty() {
        "also: a close code, E01, rfc6455#5.4, a verdict, exit-codes".to_owned()
    } else {
        near.join(", ")
    }
}

fn error_page(code: ErrorCode, style: Style) -> String {
    let page = code.page();
    let ends = match code {
        ErrorCode::E23 => "HTTP 400; the run goes on".to_owned(),
        ErrorCode::E26 => "on the page; the run goes on".to_owned(),
        _ => format!("exit {}: {}", page.exit.number(), page.exit.name()),
    };
    paragraphs(&format!("{code}  {}  ({ends})", page.title), page.text, style)
}

fn paragraphs(title: &str, text: &str, style: Style) -> String {
    let mut out = style.paint(Tone::Strong, title);
    let mut is_apart = false;
    for paragraph in text.lines() {
        if let Some(code) = paragraph.strip_prefix("    ") {
            out.push_str(&format!("\n      {code}"));
            is_apart = false;
            continue;
        }
        if paragraph.is_empty() || !is_apart {
            out.push('\n');
        }
        is_apart = paragraph.is_empty();
        if is_apart {
            continue;
        }
        for line in wrap(paragraph, style.width.saturating_sub(2)) {
            out.push_str(&format!("\n  {line}"));
        }
    }
    out
}

fn close_code_page(code: u16, suite: &Suite, style: Style) -> String {
    let title = format!("{code}  {}", close_code::name(code).unwrap_or("no registered name"));
    let mut out = vec![paragraphs(&title, glossary::close_code(code), style), String::new()];
    out.extend(fact("rule", glossary::clause_of_code(code), style));
    let expected = |by_peer: bool| -> Vec<CaseId> {
        let meant = |case: &&Case| (case.close.first == FirstToClose::Peer) == by_peer;
        let cases = suite.cases().iter().filter(|case| case.close.codes.contains(&code));
        cases.filter(meant).map(|case| case.id).collect()
    };
    for (label, ids) in [("asked of", expected(true)), ("sent by", expected(false))] {
        if !ids.is_empty() {
            out.extend(fact(label, &format!("{}: {}", count(ids.len(), "case"), id_list(&ids, IDS)), style));
        }
    }
    out.join("\n")
}

/// Ids that are listed on a page.
const IDS: usize = 40;

/// A set: what is in it, and how to run it.
fn set_page(set: &select::Set, suite: &Suite, style: Style) -> String {
    let ids: Vec<CaseId> =
        suite.cases().iter().filter(|case| set.contains(case)).map(|case| case.id).collect();
    let sections: BTreeSet<u16> = ids.iter().map(|id| id.section()).collect();
    let sections: Vec<String> = sections.iter().map(u16::to_string).collect();
    let title = format!("@{}  {}", set.name, count(ids.len(), "case"));
    let mut out = vec![style.paint(Tone::Strong, &title), String::new()];
    out.extend(wrap(set.what, style.width.saturating_sub(2)).into_iter().map(|line| format!("  {line}")));
    out.push(String::new());
    out.extend(fact("sections", &sections.join(" "), style));
    out.extend(fact("cases", &id_list(&ids, IDS), style));
    out.extend(fact("list", &format!("wsspec list @{} -v", set.name), style));
    out.extend(fact("run", &format!("wsspec run ws://HOST:PORT @{}", set.name), style));
    out.join("\n")
}

/// `E99`, `w3`
fn is_code(what: &str) -> bool {
    let digits = what.strip_prefix(['E', 'e', 'W', 'w']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit())
}

/// `rfc6455`, of which cases test rules.
fn whole_rfc(what: &str) -> Option<u16> {
    let number = what.to_lowercase().strip_prefix("rfc")?.trim().parse().ok()?;
    [6455, 7692].contains(&number).then_some(number)
}

/// The sections of an RFC that cases test.
fn rfc_page(rfc: u16, suite: &Suite, style: Style) -> String {
    let mut sections: BTreeMap<Vec<u16>, (&str, BTreeSet<CaseId>)> = BTreeMap::new();
    for case in suite.cases() {
        for rule in case.rules.iter().filter(|rule| rule.rfc.number() == rfc) {
            let numbers = rule.section.split('.').map(|number| number.parse().unwrap_or(u16::MAX)).collect();
            sections.entry(numbers).or_insert((rule.section, BTreeSet::new())).1.insert(case.id);
        }
    }
    let mut out = vec![style.paint(Tone::Strong, &format!("RFC {rfc}, sections with cases")), String::new()];
    let lines = sections.values();
    out.extend(lines.map(|(section, cases)| format!("  {section:<10} {}", count(cases.len(), "case"))));
    out.push(format!("\n  wsspec explain rfc{rfc}#SECTION\n  https://www.rfc-editor.org/rfc/rfc{rfc}"));
    out.join("\n")
}

/// `rfc6455#5.4`, `6455#5.4`
fn clause(what: &str) -> Option<(u16, String)> {
    let lower = what.to_lowercase();
    let (rfc, section) = lower.strip_prefix("rfc").unwrap_or(&lower).split_once('#')?;
    Some((rfc.trim().parse().ok()?, section.trim_start_matches("section-").to_owned()))
}

/// What a rule says before it goes into details: cases tell the same rule with more and with fewer of them.
fn gist(rule: &Rule) -> &'static str {
    rule.summary.split([',', ':', ';']).next().unwrap_or_default()
}

fn clause_page(rfc: u16, section: &str, suite: &'static Suite, style: Style) -> Result<String, Problem> {
    let inside = |other: &str| other == section || other.starts_with(&format!("{section}."));
    let mut out = style.paint(Tone::Strong, &format!("RFC {rfc} section {section}"));
    let mut rules: Vec<_> = Vec::new();
    for case in suite.cases() {
        for rule in case.rules.iter().filter(|rule| rule.rfc.number() == rfc && inside(rule.section)) {
            let same = |known: &Rule| {
                (known.level, known.section, gist(known)) == (rule.level, rule.section, gist(rule))
            };
            match rules.iter_mut().find(|(known, _): &&mut (Rule, Vec<CaseId>)| same(known)) {
                Some((known, cases)) => {
                    // The one that says most stands for all.
                    if rule.summary.len() > known.summary.len() {
                        *known = *rule;
                    }
                    cases.push(case.id);
                }
                None => rules.push((*rule, vec![case.id])),
            }
        }
    }
    if rules.is_empty() {
        return Err(Problem::new(
            ErrorCode::E17,
            format!("no case tests a rule of RFC {rfc} section {section}"),
        )
        .fact("try", "wsspec list --clauses"));
    }
    for (rule, cases) in rules {
        let text = format!("{} {}: {}", rule.level.name(), rule.section, rule.summary);
        out.push_str(&format!("\n\n  {}", wrap(&text, style.width - 2).join("\n  ")));
        let ids = id_list(&cases, IDS);
        out.push_str(&format!("\n    {}", wrap(&ids, style.width - 4).join("\n    ")));
    }
    out.push_str(&format!("\n\n  https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}"));
    Ok(out)
}

fn case_page(case: &Case, suite: &Suite, style: Style) -> String {
    let section = suite.section_of(case.id).map_or("", |section| section.title);
    let group = suite.group_of(case.id).map_or_else(String::new, |group| format!(" > {}", group.title));
    let name = format!("{}  {}", case.id, case.slug);
    let room = style.width.saturating_sub(name.chars().count() + 2);
    let place = if room < 8 { String::new() } else { cut(&format!("{section}{group}"), room) };
    let gap = style.width.saturating_sub(name.chars().count() + place.chars().count()).max(2);
    let mut out = vec![format!("{}{}{place}", style.paint(Tone::Strong, &name), " ".repeat(gap))];
    out.extend(wrap(&also(case), style.width));
    out.push(String::new());
    out.extend(wrap(&case.title, style.width - 1).into_iter().map(|line| format!(" {line}")));
    out.push(String::new());
    let description = Description::of(case, suite);
    let told = |facts: &[(&str, String)]| -> Vec<String> {
        facts.iter().flat_map(|(label, text)| fact(label, text, style)).collect()
    };
    out.extend(told(&description.judged));
    out.extend(steps(&description, style));
    out.extend(told(&description.around));
    out.extend(fact("again", &format!("wsspec run ws://HOST:PORT {} -vvv", case.id), style));
    out.join("\n")
}

/// `also   sets core autobahn   level MUST   limit 1.00 s`
fn also(case: &Case) -> String {
    let sets: Vec<&str> = select::SETS.iter().filter(|set| set.contains(case)).map(|set| set.name).collect();
    let level = case.rules.first().map_or("", |rule| rule.level.name());
    let limit = duration(case.time_limit);
    format!("also   sets {}   level {level}   limit {limit}", sets.join(" "))
}

/// What is sent, with the octets before masking; long scripts are cut.
fn steps(description: &Description, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for (place, step) in description.steps.iter().enumerate() {
        out.extend(fact(if place == 0 { "does" } else { "" }, &step.words, style));
        let hex = step.hex.iter().map(|hex| format!("{:14}{}", "", cut(hex, style.width.saturating_sub(14))));
        out.extend(hex);
    }
    if description.steps.iter().any(|step| step.hex.is_some()) {
        out.extend(fact("", "(octets before masking)", style));
    }
    if description.more_steps > 0 {
        out.extend(fact("", &format!("and {} more steps", description.more_steps), style));
    }
    out
}

fn fact(label: &str, text: &str, style: Style) -> Vec<String> {
    const INDENT: usize = 14;
    let mut lines = wrap(text, style.width.saturating_sub(INDENT).max(20)).into_iter();
    let first = lines.next().unwrap_or_default();
    let mut out = vec![format!("   {label:<10} {first}")];
    out.extend(lines.map(|line| format!("{:INDENT$}{line}", "")));
    out
}
