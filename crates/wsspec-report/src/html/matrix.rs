//! The table of cases by implementations.

use std::collections::{BTreeMap, HashSet};

use wsspec_cases::sets::SETS;
use wsspec_cases::{Case, CaseId, Roles, suite, tags};
use wsspec_engine::Verdict;

use super::absent::{Absent, Facts};
use super::links::Links;
use crate::Untrusted;
use crate::record::{CaseRecord, Report, Standing};

/// A section of the table.
pub(super) struct Section {
    pub(super) number: String,
    pub(super) title: String,
    /// For every agent: how many are in order, and how many ran or had to.
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
    pub(super) verdict: Verdict,
    /// It ran, or had to.
    is_due: bool,
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
    let due = absent.iter().filter(|absent| absent.is_due(report));
    let due: HashSet<(&Untrusted, CaseId)> = due.map(|absent| (absent.agent, absent.id)).collect();
    let mut by_case: BTreeMap<CaseId, Vec<Option<&CaseRecord>>> = BTreeMap::new();
    for absent in absent {
        by_case.entry(absent.id).or_insert_with(|| vec![None; agents.len()]);
    }
    for case in &report.cases {
        let place = agents.iter().position(|agent| **agent == case.agent).unwrap_or(0);
        by_case.entry(case.id).or_insert_with(|| vec![None; agents.len()])[place] = Some(case);
    }
    let mut sections: Vec<Section> = Vec::new();
    for (id, cases) in by_case {
        let cells = cases.iter().zip(&agents).map(|(case, agent)| Cell {
            is_due: case.is_some() || due.contains(&(*agent, id)),
            ..cell(*case, agent, id, links)
        });
        let Some(row) = row(id, &cases, cells.collect()) else { continue };
        let number = id.section().to_string();
        match sections.last_mut().filter(|section| section.number == number) {
            Some(section) => section.rows.push(row),
            None => sections.push(Section::new(number, title(id.section()), row)),
        }
    }
    sections.iter_mut().for_each(|section| section.count(agents.len()));
    sections
}

impl Section {
    fn new(number: String, title: String, first: Row) -> Self {
        Self { number, title, tallies: Vec::new(), rows: vec![first], is_open: false }
    }

    fn count(&mut self, agents: usize) {
        let of_agent = |place: usize| self.rows.iter().map(move |row| &row.cells[place]);
        let tally = |place| {
            let due = of_agent(place).filter(|cell| cell.is_due);
            let good = due.clone().filter(|cell| !is_notable(cell.verdict)).count();
            format!("{good} / {}", due.count())
        };
        self.tallies = (0..agents).map(tally).collect();
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        self.is_open = cells.any(|cell| cell.is_due && is_notable(cell.verdict));
    }
}

/// Whether a verdict is worth opening its section for.
const fn is_notable(verdict: Verdict) -> bool {
    verdict.is_failure() || matches!(verdict, Verdict::NonStrict | Verdict::Error | Verdict::NotRun)
}

/// The title of a section; sections that this version does not know have none.
pub(super) fn title(number: u16) -> String {
    let section = suite().sections().iter().find(|section| section.number == number);
    section.map_or_else(String::new, |section| section.title.to_owned())
}

fn row(id: CaseId, cases: &[Option<&CaseRecord>], cells: Vec<Cell>) -> Option<Row> {
    let first = cases.iter().flatten().next();
    let facts = first.map(|case| Facts::of_record(case)).or_else(|| Facts::known(id))?;
    let causes: Vec<&str> = cases.iter().flatten().filter_map(|case| case.cause.as_deref()).collect();
    let known = suite().get(id);
    let clauses = facts.rules.iter().map(|rule| format!("{}#{}", rule.rfc.rfc, rule.rfc.section));
    Some(Row {
        id,
        level: facts.level().name(),
        clause: facts.rules.first().map_or_else(String::new, |rule| rule.rfc.section.clone()),
        clauses: clauses.collect::<Vec<_>>().join(" "),
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
    let verdict = case.map_or(Verdict::NotRun, |case| case.verdict);
    Cell {
        href: links.case_of(agent, id),
        verdict,
        is_due: case.is_some(),
        code: case.and_then(|case| case.close.remote),
        standing: case.and_then(|case| case.outcome).and_then(standing),
        is_failed: verdict.is_failure(),
        why: case.filter(|_| verdict == Verdict::NotApplicable).map(|case| case.summary.clone()),
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
