//! The table of cases by implementations.

use std::collections::BTreeMap;

use wsspec_cases::sets::SETS;
use wsspec_cases::{Case, CaseId, Roles, suite, tags};
use wsspec_engine::Verdict;

use super::absent::{Absent, Facts};
use super::links::Links;
use crate::Untrusted;
use crate::record::{CaseRecord, Report, Standing};
use crate::verdict::Shown;

/// A section of the table.
pub(super) struct Section {
    pub(super) number: String,
    pub(super) title: String,
    /// For every agent: how many are not failures, and how many ran.
    pub(super) tallies: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Something in it is worth a look.
    pub(super) is_open: bool,
}

/// A case.
pub(super) struct Row {
    pub(super) id: CaseId,
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) level: &'static str,
    pub(super) clause: String,
    pub(super) clauses: String,
    pub(super) cells: Vec<Cell>,
    pub(super) differs: bool,
    pub(super) time_ms: u64,
    pub(super) causes: String,
    /// The sets that it is in.
    pub(super) sets: String,
    /// What it is about.
    pub(super) tags: String,
    /// What the implementation under test has to be or to have.
    pub(super) needs: String,
    /// Its largest message, in octets.
    pub(super) size: u64,
}

/// The result of a case for one agent.
pub(super) struct Cell {
    pub(super) href: String,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    pub(super) sign: &'static str,
    pub(super) label: &'static str,
    pub(super) code: Option<u16>,
    pub(super) standing: Option<&'static str>,
    /// Name that scripts of the reference's users look for.
    pub(super) is_failed: bool,
    /// Why it does not apply.
    pub(super) why: Option<Untrusted>,
}

/// The sections in order, with a row for every case that any agent has a result for, or should have one.
pub(super) fn sections(report: &Report, links: &Links, absent: &[Absent<'_>]) -> Vec<Section> {
    let agents = report.agents();
    let mut by_case: BTreeMap<CaseId, Vec<Option<&CaseRecord>>> = BTreeMap::new();
    for absent in absent {
        by_case.entry(absent.id).or_insert_with(|| vec![None; agents.len()]);
    }
    for case in &report.cases {
        let place = agents.iter().position(|agent| **agent == case.agent).unwrap_or(0);
        by_case.entry(case.id).or_insert_with(|| vec![None; agents.len()])[place] = Some(case);
    }
    let mut sections: Vec<Section> = Vec::new();
    let mut results: Vec<Vec<Option<&CaseRecord>>> = Vec::new();
    for (id, cases) in by_case {
        let number = id.section().to_string();
        if sections.last().is_none_or(|section| section.number != number) {
            finish(sections.last_mut(), &mut results, agents.len());
            sections.push(Section {
                title: title(id.section()),
                number,
                tallies: Vec::new(),
                rows: Vec::new(),
                is_open: false,
            });
        }
        if let (Some(section), Some(row)) = (sections.last_mut(), row(id, &cases, &agents, links)) {
            section.rows.push(row);
        }
        results.push(cases);
    }
    finish(sections.last_mut(), &mut results, agents.len());
    sections
}

/// Counts the section that is complete.
fn finish(section: Option<&mut Section>, results: &mut Vec<Vec<Option<&CaseRecord>>>, agents: usize) {
    let results = std::mem::take(results);
    let Some(section) = section else { return };
    let of_agent = |place: usize| results.iter().filter_map(move |cases| cases[place]);
    section.tallies = (0..agents)
        .map(|place| {
            let good = of_agent(place).filter(|case| !is_notable(case)).count();
            format!("{good} / {}", of_agent(place).count())
        })
        .collect();
    section.is_open = results.iter().flatten().flatten().any(|case| is_notable(case));
}

/// Whether a verdict is worth opening its section for.
const fn is_notable(case: &CaseRecord) -> bool {
    case.verdict.is_failure() || matches!(case.verdict, Verdict::NonStrict | Verdict::Error | Verdict::NotRun)
}

/// The title of a section; sections that this version does not know have none.
pub(super) fn title(number: u16) -> String {
    let section = suite().sections().iter().find(|section| section.number == number);
    section.map_or_else(String::new, |section| section.title.to_owned())
}

fn row(id: CaseId, cases: &[Option<&CaseRecord>], agents: &[&Untrusted], links: &Links) -> Option<Row> {
    let first = cases.iter().flatten().next();
    let facts = first.map(|case| Facts::of_record(case)).or_else(|| Facts::known(id))?;
    let cells: Vec<Cell> =
        cases.iter().zip(agents).map(|(case, agent)| cell(*case, agent, id, links)).collect();
    let causes: Vec<&str> = cases.iter().flatten().filter_map(|case| case.cause.as_deref()).collect();
    let known = suite().get(id);
    let clauses = facts.rules.iter().map(|rule| format!("{}#{}", rule.rfc.rfc, rule.rfc.section));
    Some(Row {
        id,
        level: facts.level().name(),
        clause: facts.rules.first().map_or_else(String::new, |rule| rule.rfc.section.clone()),
        clauses: clauses.collect::<Vec<_>>().join(" "),
        differs: cells.windows(2).any(|pair| pair[0].word != pair[1].word),
        time_ms: cases.iter().flatten().map(|case| case.duration_us / 1000).max().unwrap_or(0),
        causes: causes.join(" "),
        sets: known.map(sets).unwrap_or_default(),
        tags: known.map(tags_of).unwrap_or_default(),
        needs: known.map(needs).unwrap_or_default(),
        size: known.map_or(0, Case::largest_message),
        slug: facts.slug,
        title: facts.title,
        cells,
    })
}

/// The names of the sets that it is in.
pub(super) fn sets(case: &Case) -> String {
    let names = SETS.iter().filter(|set| set.contains(case)).map(|set| set.name);
    names.collect::<Vec<_>>().join(" ")
}

fn tags_of(case: &Case) -> String {
    tags::all().filter(|word| tags::fits(word, case)).collect::<Vec<_>>().join(" ")
}

fn needs(case: &Case) -> String {
    let role = match case.roles {
        Roles::Both => None,
        // The role in the table is that of the tester.
        Roles::Server => Some("client"),
        Roles::Client => Some("server"),
    };
    let deflate = case.deflate.is_some().then_some("deflate");
    role.into_iter().chain(deflate).collect::<Vec<_>>().join(" ")
}

fn cell(case: Option<&CaseRecord>, agent: &Untrusted, id: CaseId, links: &Links) -> Cell {
    let shown = case.map_or(Verdict::NotRun, |case| case.verdict);
    Cell {
        href: links.case_of(agent, id),
        class: shown.class(),
        word: shown.word(),
        sign: shown.sign(),
        label: shown.label(),
        code: case.and_then(|case| case.close.remote),
        standing: case.and_then(|case| case.outcome).and_then(standing),
        is_failed: shown.is_failure(),
        why: case.filter(|_| shown == Verdict::NotApplicable).map(|case| case.summary.clone()),
    }
}

/// The word for how a verdict stands against the baseline; none if it is as it should be.
pub(super) const fn standing(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Expected => None,
        Standing::Unexpected => Some("unexpected"),
        Standing::Known => Some("known"),
        Standing::Fixed => Some("fixed"),
        Standing::Flaky => Some("flaky"),
    }
}
