//! `wsspec list`: cases, sections, sets, tags and clauses.

use anyhow::Result;
use serde_json::json;
use wsspec_cases::sets::CATALOG;
use wsspec_cases::{Case, Roles, Suite, suite, tags};
use wsspec_endpoint::Deviation;

use crate::cli::{ListArgs, ListFormat};
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::filter::Filter;
use crate::terminal::{Console, Style, Tone};
use crate::text::{count, wrap};
use crate::{deviations, results, select};

/// Prints the cases that are meant, all of them if none is named.
///
/// # Errors
/// E17: a name means no case. E29: the filter leaves none.
pub fn run(args: &ListArgs, console: &Console) -> Result<ExitCode> {
    let suite = suite();
    if args.sets {
        return names(sets(suite), args, console, |name| format!("{:<11}", format!("@{name}")));
    }
    if args.defects {
        return deviations(
            wsspec_endpoint::defects().chain(wsspec_endpoint::growing()),
            "defect",
            args,
            console,
        );
    }
    if args.quirks {
        return deviations(wsspec_endpoint::quirks(), "quirk", args, console);
    }
    let cases = if args.cases.is_empty() {
        suite.cases().iter().collect()
    } else {
        select::cases(suite, &sections_as_globs(suite, &args.cases))?
    };
    let cases = filtered(cases, args)?;
    if cases.is_empty() {
        let asked = args.filter.clone().unwrap_or_default();
        return Err(Problem::new(ErrorCode::E29, "no case is left to list")
            .fact("asked", args.cases.iter().cloned().chain([asked]).collect::<Vec<_>>().join("   ").trim())
            .fact("try", "wsspec list --sections")
            .into());
    }
    if args.sections || args.tags || args.clauses {
        return names(overview(suite, &cases, args), args, console, |name| format!("{name:<14}"));
    }
    let text = match args.format {
        ListFormat::Human => table(suite, &cases, console.level > 0, console.style),
        ListFormat::Ids => cases.iter().map(|case| format!("{}\n", case.id)).collect(),
        ListFormat::Json => {
            let entries: Vec<_> = cases.iter().map(|case| entry(case)).collect();
            console.data_json(&serde_json::to_string_pretty(&entries)?);
            return Ok(ExitCode::Ok);
        }
    };
    console.say(-2, text);
    Ok(ExitCode::Ok)
}

/// A set, section, tag or clause, what it is, and how many cases have it.
type Name = (String, String, usize);

/// Prints names for whom they are asked for.
fn names(
    rows: Vec<Name>,
    args: &ListArgs,
    console: &Console,
    column: impl Fn(&str) -> String,
) -> Result<ExitCode> {
    match args.format {
        ListFormat::Human => {
            let head = if args.sets { format!("Sets of the catalogue {CATALOG}\n") } else { String::new() };
            let line = |(name, what, number): &Name| counted(&column(name), *number, what, console.style);
            console.say(-2, head + &rows.iter().map(line).collect::<String>());
        }
        ListFormat::Ids => console.say(-2, rows.iter().map(|row| row.0.clone() + "\n").collect::<String>()),
        ListFormat::Json => {
            let entry = |(name, what, number): &Name| json!({ "name": name, "what": what, "cases": number });
            console.data_json(&serde_json::to_string_pretty(&rows.iter().map(entry).collect::<Vec<_>>())?);
        }
    }
    Ok(ExitCode::Ok)
}

/// Prints defects or quirks for whom they are asked for.
fn deviations(
    all: impl Iterator<Item = &'static Deviation>,
    kind: &str,
    args: &ListArgs,
    console: &Console,
) -> Result<ExitCode> {
    match args.format {
        ListFormat::Human => console.say(-2, deviations::table(all, kind, console.style)),
        ListFormat::Ids => console.say(-2, all.map(|one| format!("{}\n", one.id)).collect::<String>()),
        ListFormat::Json => {
            let entry = |one: &Deviation| json!({ "id": one.id, "title": one.title, "rule": one.rule });
            console.data_json(&serde_json::to_string_pretty(&all.map(entry).collect::<Vec<_>>())?);
        }
    }
    Ok(ExitCode::Ok)
}

/// Sections, tags or clauses of these cases, and how many have them.
fn overview(suite: &Suite, cases: &[&Case], args: &ListArgs) -> Vec<Name> {
    let mut rows: Vec<Name> = Vec::new();
    let mut add = |name: String, what: &str| match rows.iter_mut().find(|(known, ..)| *known == name) {
        Some((.., number)) => *number += 1,
        None => rows.push((name, what.to_owned(), 1)),
    };
    for case in cases {
        if args.sections {
            let title = suite.section_of(case.id).map_or("", |section| section.title);
            add(case.id.section().to_string(), title);
        } else if args.tags {
            tags::all().filter(|word| tags::fits(word, case)).for_each(|word| add(word.to_owned(), ""));
        } else {
            case.rules.iter().for_each(|rule| add(format!("{}#{}", rule.rfc.number(), rule.section), ""));
        }
    }
    if args.clauses {
        rows.sort_by_key(|(clause, ..)| sort_key(clause));
    }
    rows
}

/// `  NAME  9 cases   WHAT`; what there is no room for stands below.
fn counted(name: &str, number: usize, what: &str, style: Style) -> String {
    let start = format!("  {name} {:>9}   ", count(number, "case"));
    let indent = start.chars().count();
    let lines = wrap(what, style.width.saturating_sub(indent).max(20));
    let text = format!("{start}{}", lines.join(&format!("\n{:indent$}", "")));
    text.trim_end().to_owned() + "\n"
}

/// `6455#10.3` behind `6455#5.2`.
fn sort_key(clause: &str) -> Vec<u32> {
    clause.split(['#', '.']).map(|part| part.parse().unwrap_or(u32::MAX)).collect()
}

fn filtered(mut cases: Vec<&'static Case>, args: &ListArgs) -> Result<Vec<&'static Case>> {
    let Some(expression) = &args.filter else { return Ok(cases) };
    let filter = Filter::parse(expression)?;
    let earlier = if filter.needs_results() { Some(results::read(&args.from)?) } else { None };
    cases.retain(|case| filter.matches(case, earlier.as_ref()));
    Ok(cases)
}

/// A bare section number means all its cases.
fn sections_as_globs(suite: &Suite, names: &[String]) -> Vec<String> {
    let is_section =
        |name: &String| suite.sections().iter().any(|section| section.number.to_string() == *name);
    names.iter().map(|name| if is_section(name) { format!("{name}.*") } else { name.clone() }).collect()
}

/// Columns of a case without its name.
const OTHERS: usize = "  17.2.22   SHOULD RFC 7692 7.2.3.6".len();

fn table(suite: &Suite, cases: &[&Case], verbose: bool, style: Style) -> String {
    let room = style.width.saturating_sub(OTHERS);
    let names = room.clamp(20, 34);
    let mut out = String::new();
    let mut section = 0;
    for case in cases {
        if case.id.section() != section {
            section = case.id.section();
            let title = suite.section_of(case.id).map_or("", |section| section.title);
            let gap = if out.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}{}\n", style.paint(Tone::Strong, &format!("{section}  {title}"))));
        }
        let rule = case.rules.first();
        let clause =
            rule.map_or_else(String::new, |rule| format!("RFC {} {}", rule.rfc.number(), rule.section));
        let level = rule.map_or("", |rule| rule.level.name());
        let (id, slug, column) = (case.id.to_string(), &case.slug, 11 + names);
        // A name that is too long for its column stays whole: it can be typed.
        let below =
            if slug.chars().count() > room.max(names) { format!("\n{:column$}", "") } else { String::new() };
        out.push_str(&format!("  {id:<8} {slug:<names$}{below} {level:<6} {clause}\n"));
        if verbose {
            let width = style.width.saturating_sub(11);
            for line in wrap(&style.plain(case.title.to_string()), width) {
                out.push_str(&format!("           {line}\n"));
            }
        }
    }
    out.push_str(&format!("{}\n", count(cases.len(), "case")));
    out
}

fn entry(case: &Case) -> serde_json::Value {
    let rules: Vec<_> = case
        .rules
        .iter()
        .map(|rule| {
            json!({
                "rfc": format!("{}#{}", rule.rfc.number(), rule.section),
                "level": rule.level.name().to_lowercase(),
                "summary": rule.summary,
            })
        })
        .collect();
    json!({
        "id": case.id.to_string(),
        "slug": case.slug,
        "title": case.title,
        "expectation": case.expectation,
        "rules": rules,
        // The case says what the tester can be; the implementation under test is the other side.
        "roles": match case.roles {
            Roles::Both => ["client", "server"].as_slice(),
            Roles::Client => &["server"],
            Roles::Server => &["client"],
        },
        "section": case.id.section().to_string(),
        "deflate": case.deflate.is_some(),
        "sets": select::SETS.iter().filter(|set| set.contains(case)).map(|set| set.name).collect::<Vec<_>>(),
        "tags": tags::all().filter(|word| tags::fits(word, case)).collect::<Vec<_>>(),
        "timed": case.measures.time,
        "limit_ms": u64::try_from(case.time_limit.as_millis()).unwrap_or(u64::MAX),
    })
}

fn sets(suite: &'static Suite) -> Vec<Name> {
    let row = |set: &select::Set| {
        // A set whose cases this version does not have is empty, and no error here.
        let cases = select::cases(suite, &[format!("@{}", set.name)]).map_or(0, |cases| cases.len());
        (set.name.to_owned(), set.what.to_owned(), cases)
    };
    select::SETS.iter().map(row).collect()
}
