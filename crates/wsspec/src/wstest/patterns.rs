//! The pattern language of the spec files.
//!
//! An entry without `*` is the id of a case. With `*` it is a regular expression in which `.` stands for itself
//! and `*` for any text; every other sign of regular expressions works. It has to match from the beginning of
//! the id, but need not reach its end: `1.*` takes in 1.1.1 and not 10.1.1, `1[1-4].*` the sections 11 to 14.
//! In `exclude-agent-cases` both the agent and the id have to match to the end.

use regex::Regex;
use wsspec_cases::{Case, CaseId};

use super::spec::Choice;
use crate::errors::{ErrorCode, Problem};
use crate::text::did_you_mean;

/// The sections of the reference suite; cases of ours are taken in only by their full id.
const REFERENCE_SECTIONS: std::ops::RangeInclusive<u16> = 1..=13;

/// What a spec selects.
#[derive(Debug)]
pub(crate) struct Selected {
    /// In the order of their ids, each once.
    pub(crate) cases: Vec<&'static Case>,
    pub(crate) by_agent: AgentExclusions,
    /// One line each, for people.
    pub(crate) warnings: Vec<String>,
}

/// What does not run against certain agents.
#[derive(Clone, Debug, Default)]
pub struct AgentExclusions(Vec<(Regex, Vec<Regex>)>);

/// Selects from all cases.
///
/// # Errors
/// E17 for an id that does not exist, a pattern that cannot be read, or patterns that match nothing at all;
/// E29 if the exclusions leave nothing.
pub(crate) fn select(choice: &Choice, all: &'static [Case]) -> Result<Selected, Problem> {
    let mut warnings = Vec::new();
    let mut cases = included(&choice.cases, all, &mut warnings)?;
    let before = cases.len();
    let excluded = excluded(&choice.exclude_cases, all, &mut warnings)?;
    cases.retain(|case| !excluded.contains(&case.id));
    if cases.is_empty() {
        return Err(Problem::new(ErrorCode::E29, "the spec leaves no case to run").fact(
            "why",
            match before {
                0 => "its list of cases is empty".to_owned(),
                n => format!("exclude-cases takes away all {n} that its list of cases names"),
            },
        ));
    }
    Ok(Selected { cases, by_agent: AgentExclusions::new(&choice.exclude_agent_cases)?, warnings })
}

impl AgentExclusions {
    fn new(entries: &[(String, Vec<String>)]) -> Result<Self, Problem> {
        let read = |(agent, patterns): &(String, Vec<String>)| {
            let patterns = patterns.iter().map(|pattern| whole(pattern)).collect::<Result<_, _>>()?;
            Ok((whole(agent)?, patterns))
        };
        entries.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this case does not run against this agent.
    pub fn excludes(&self, agent: &str, case: CaseId) -> bool {
        let id = case.to_string();
        let applies = |(name, patterns): &(Regex, Vec<Regex>)| {
            name.is_match(agent) && patterns.iter().any(|pattern| pattern.is_match(&id))
        };
        self.0.iter().any(applies)
    }
}

/// The cases of these patterns.
///
/// # Errors
/// E17: an id without a case, or no pattern matches any.
pub(crate) fn included(
    patterns: &[String],
    all: &'static [Case],
    warnings: &mut Vec<String>,
) -> Result<Vec<&'static Case>, Problem> {
    let mut chosen = Vec::new();
    let mut idle = Vec::new();
    for pattern in patterns {
        let found: Vec<&Case> = if pattern.contains('*') {
            let regex = prefix(pattern)?;
            reference(all).filter(|case| regex.is_match(&case.id.to_string())).collect()
        } else {
            vec![by_id(pattern, all)?]
        };
        warn_if_wide(pattern, &found, warnings);
        if found.is_empty() {
            idle.push(pattern.as_str());
        }
        chosen.extend(found);
    }
    chosen.sort_by_key(|case| case.id);
    chosen.dedup_by_key(|case| case.id);
    if chosen.is_empty() && !idle.is_empty() {
        return Err(nothing(&idle, all));
    }
    warnings.extend(idle.into_iter().map(|pattern| format!("cases: {pattern:?} matches no case")));
    Ok(chosen)
}

/// The cases that these patterns take away.
///
/// # Errors
/// E17: a pattern cannot be read.
pub(crate) fn excluded(
    patterns: &[String],
    all: &'static [Case],
    warnings: &mut Vec<String>,
) -> Result<Vec<CaseId>, Problem> {
    let mut out = Vec::new();
    for pattern in patterns {
        if pattern.contains('*') {
            let regex = prefix(pattern)?;
            out.extend(reference(all).map(|case| case.id).filter(|id| regex.is_match(&id.to_string())));
        } else if let Some(case) = pattern.parse().ok().and_then(|id| find(id, all)) {
            out.push(case.id);
        } else if !pattern.is_empty() {
            let longer = format!("{pattern}.");
            let hint = match all.iter().any(|case| case.id.to_string().starts_with(&longer)) {
                true => format!(": write \"{longer}*\" for all of it"),
                false => String::new(),
            };
            warnings.push(format!("exclude-cases: {pattern:?} is no case and excludes nothing{hint}"));
        }
    }
    Ok(out)
}

/// `1*` takes in 10.*, 12.* and 13.* as well, which is seldom meant.
fn warn_if_wide(pattern: &str, found: &[&Case], warnings: &mut Vec<String>) {
    let digits = pattern.trim_end_matches('*');
    let plain = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    let other = found.iter().map(|case| case.id.section()).find(|section| section.to_string() != digits);
    if let (true, Some(other)) = (plain, other) {
        warnings.push(format!(
            "{pattern:?} also matches {other}.*: write \"{digits}.*\" for section {digits} alone"
        ));
    }
}

fn by_id(text: &str, all: &'static [Case]) -> Result<&'static Case, Problem> {
    text.parse().ok().and_then(|id| find(id, all)).ok_or_else(|| {
        let ids: Vec<String> = all.iter().map(|case| case.id.to_string()).collect();
        let near = did_you_mean(text, ids.iter().map(String::as_str));
        let problem = Problem::new(ErrorCode::E17, format!("there is no case {text:?}"));
        let problem = match near.is_empty() {
            true => problem,
            false => problem.fact("note", format!("did you mean {}?", near.join(" or "))),
        };
        problem.fact("form", "an id such as 7.1.2, or a pattern such as \"7.1.*\"").fact("try", "wsspec list")
    })
}

fn nothing(patterns: &[&str], all: &'static [Case]) -> Problem {
    let mut sections: Vec<String> = reference(all).map(|case| case.id.section().to_string()).collect();
    sections.dedup();
    let shown = patterns.iter().map(|pattern| format!("{pattern:?}")).collect::<Vec<_>>().join(" ");
    Problem::new(ErrorCode::E17, format!("no case matches {shown}"))
        .fact("known", format!("sections {}", sections.join(" ")))
        .fact("try", "wsspec list")
}

fn find(id: CaseId, all: &'static [Case]) -> Option<&'static Case> {
    all.binary_search_by_key(&id, |case| case.id).ok().map(|at| &all[at])
}

/// The cases that every pattern is about: new ones must not slip into old scripts.
pub(crate) fn reference(all: &'static [Case]) -> impl Iterator<Item = &'static Case> {
    all.iter().filter(|case| REFERENCE_SECTIONS.contains(&case.id.section()))
}

fn prefix(pattern: &str) -> Result<Regex, Problem> {
    compile(pattern, &format!("^(?:{})", expression(pattern)))
}

fn whole(pattern: &str) -> Result<Regex, Problem> {
    compile(pattern, &format!("^(?:{})$", expression(pattern)))
}

fn expression(pattern: &str) -> String {
    pattern.replace('.', "\\.").replace('*', ".*")
}

fn compile(pattern: &str, expression: &str) -> Result<Regex, Problem> {
    let limited = regex::RegexBuilder::new(expression).size_limit(1 << 20).build();
    limited.map_err(|error| {
        let why =
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Problem::new(ErrorCode::E17, format!("cannot read the pattern {pattern:?}"))
            .fact("why", why)
            .fact("form", "`.` and `*` are plain; other signs of regular expressions need \\ in front")
    })
}

#[cfg(test)]
mod tests;
