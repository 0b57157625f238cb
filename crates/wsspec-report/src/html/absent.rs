//! The page of a case that has no result for an implementation: why it was not run, and how to run it.

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use wsspec_cases::{CaseId, Level, suite};
use wsspec_engine::Verdict;

use super::article::{Other, has_run, others};
use super::links::Links;
use super::matrix;
use crate::Untrusted;
use crate::record::{CaseRecord, Report, Role, RuleRecord};
use crate::sanitise::shell;
use crate::verdict::Shown;

/// A case of an implementation that was not run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absent<'a> {
    pub(super) agent: &'a Untrusted,
    pub(super) id: CaseId,
    /// What the record says about it, if it says anything.
    record: Option<&'a CaseRecord>,
}

/// Every case that one implementation has a result for, or that is named as not run, and another one has none for.
pub(super) fn all<'a>(report: &'a Report, links: &Links) -> Vec<Absent<'a>> {
    let named = report.end.iter().flat_map(|end| &end.not_run).flat_map(|not_run| &not_run.cases);
    let named = named.filter_map(|id| id.parse().ok());
    let ids: BTreeSet<CaseId> = report.cases.iter().map(|case| case.id).chain(named).collect();
    let records = report.cases.iter().filter(|case| !has_run(case));
    let records: HashMap<_, _> = records.map(|case| ((&case.agent, case.id), case)).collect();
    let mut all = Vec::new();
    for agent in report.agents() {
        let missing = ids.iter().copied().filter(|id| !links.has_run(agent, *id));
        let absent = |id| Absent { agent, id, record: records.get(&(agent, id)).copied() };
        all.extend(missing.map(absent));
    }
    all.retain(|absent| links.any(report, absent.id).is_some() || suite().get(absent.id).is_some());
    all
}

impl Absent<'_> {
    fn verdict(&self) -> Verdict {
        self.record.map_or(Verdict::NotRun, |record| record.verdict)
    }

    /// Whether it had to run, and the run ended before its turn.
    pub(super) fn is_due(&self, report: &Report) -> bool {
        let Some(end) = &report.end else { return true };
        let id = self.id.to_string();
        end.not_run.iter().any(|one| one.agent == *self.agent && one.cases.contains(&id))
    }

    fn why(&self, report: &Report) -> Untrusted {
        if let Some(record) = self.record.filter(|record| !record.summary.is_empty()) {
            return record.summary.clone();
        }
        let Some(end) = &report.end else {
            return "The run did not come to its end, and this case had no result by then.".into();
        };
        match (&end.reason, self.is_due(report)) {
            (Some(reason), true) => {
                Untrusted::from(format!("The run ended before this case had its turn: {}.", reason.raw()))
            }
            (None, true) => "The run ended before this case had its turn.".into(),
            (_, false) => "It was not selected for this implementation.".into(),
        }
    }

    /// The command of another case of the implementation, with this one in its place.
    fn command(&self, report: &Report) -> Vec<String> {
        let own = self.record.map(|record| record.whole().into_owned().repro);
        if let Some(command) = own.filter(|command| !command.is_empty()) {
            return command;
        }
        let id = self.id.to_string();
        let sibling = report.of_agent(self.agent).find_map(|case| {
            let repro = case.whole().into_owned().repro;
            let place = repro.iter().position(|word| *word == case.id.to_string())?;
            Some((repro, place))
        });
        if let Some((mut command, place)) = sibling {
            command[place] = id;
            return command;
        }
        let target = report.run.targets.iter().find(|target| target.agent == *self.agent);
        let words = match target.map(|target| (target.role, &target.url)) {
            Some((Role::Server, Some(url))) => vec!["wsspec", "run", url, &id],
            Some((Role::Client, _)) => vec!["wsspec", "serve", &id],
            _ => vec!["wsspec", "run", &id],
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

/// What is known about a case without a result.
pub(super) struct Facts {
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) expectation: String,
    pub(super) rules: Vec<RuleRecord>,
}

impl Facts {
    /// From the record of any implementation, else from the list of cases.
    pub(super) fn of(report: &Report, links: &Links, id: CaseId) -> Option<Self> {
        links.any(report, id).map(|case| Self::of_record(&case.whole())).or_else(|| Self::known(id))
    }

    pub(super) fn of_record(case: &CaseRecord) -> Self {
        Self {
            slug: case.slug.clone(),
            title: case.title.clone(),
            expectation: case.expectation.clone(),
            rules: case.rules.clone(),
        }
    }

    pub(super) fn known(id: CaseId) -> Option<Self> {
        let case = suite().get(id)?;
        Some(Self {
            slug: case.slug.to_string(),
            title: case.title.to_string(),
            expectation: case.expectation.to_string(),
            rules: case.rules.iter().map(RuleRecord::from).collect(),
        })
    }

    pub(super) fn level(&self) -> Level {
        self.rules.iter().map(|rule| rule.level).min().unwrap_or(Level::Must)
    }
}

/// The template of the page.
#[derive(Template)]
#[template(path = "absent.html", whitespace = "minimize")]
pub(super) struct AbsentPage<'a> {
    absent: &'a Absent<'a>,
    facts: Facts,
    verdict: Verdict,
    anchor: String,
    overview: String,
    section: String,
    sets: String,
    /// Cases before and after it that have a result.
    previous: Option<(String, CaseId)>,
    next: Option<(String, CaseId)>,
    why: Untrusted,
    others: Vec<Other<'a>>,
    command: String,
    /// Its words, each quoted where it has to be.
    command_words: Vec<String>,
    command_powershell: String,
}

/// It escapes what it prints.
impl askama::filters::HtmlSafe for AbsentPage<'_> {}

impl<'a> AbsentPage<'a> {
    /// Nothing if no case has this id any more.
    pub(super) fn new(report: &'a Report, links: &Links, absent: &'a Absent<'a>) -> Option<Self> {
        let command = absent.command(report);
        let [previous, next] = links
            .around(report, absent.agent, absent.id)
            .map(|near| near.map(|case| (links.case(case), case.id)));
        Some(Self {
            sets: suite().get(absent.id).map(matrix::sets).unwrap_or_default(),
            previous,
            next,
            facts: Facts::of(report, links, absent.id)?,
            verdict: absent.verdict(),
            anchor: links.anchor_of(absent.agent, absent.id),
            overview: links.overview(""),
            section: matrix::title(absent.id.section()),
            why: absent.why(report),
            others: others(report, links, absent.agent, absent.id),
            command: shell::posix(&command),
            command_words: shell::words(&command),
            command_powershell: shell::powershell(&command),
            absent,
        })
    }
}
