//! The overview: ratings, causes, the table of cases, the requirements, the facts of the run.

use std::collections::BTreeMap;

use askama::Template;
use wsspec_cases::CaseId;
use wsspec_engine::Verdict;

use super::Against;
use super::absent::Absent;
use super::ids::Ids;
use super::links::Links;
use super::matrix::{self, Section};
use super::requirements::{self, Requirement};
use crate::Untrusted;
use crate::diff::{self, Change, Difference, Way};
use crate::record::{CaseRecord, NotRun, Report, Role, Standing, verdict_order};
use crate::sanitise::shell;
use crate::story::units;
use crate::summary::{self, AgentSummary, Cause, Rating};
use crate::verdict::Shown;

/// Causes that are told at once; the others follow on demand, so that the table of cases is not far.
const CAUSES: usize = 3;
/// Ids of a cause that are links.
const IDS: usize = 24;

/// The template of the overview.
#[derive(Template)]
#[template(path = "overview.html", whitespace = "minimize")]
pub(super) struct Overview<'a> {
    report: &'a Report,
    links: &'a Links,
    agents: Vec<AgentSummary<'a>>,
    causes: Vec<CauseView<'a>>,
    sections: Vec<Section>,
    requirements: Vec<Requirement>,
    standings: Vec<StandingView<'a>>,
    comparison: Option<Comparison<'a>>,
    facts: Vec<(&'static str, String)>,
    /// How many secrets were replaced in the opening handshakes.
    redacted: usize,
}

/// It escapes what it prints.
impl askama::filters::HtmlSafe for Overview<'_> {}

struct CauseView<'a> {
    cause: Cause<'a>,
    ids: Ids,
}

/// A result that is not as the baseline has it, or that the baseline excuses.
struct StandingView<'a> {
    word: &'static str,
    href: String,
    case: &'a CaseRecord,
}

/// What is different from an earlier result.
struct Comparison<'a> {
    name: &'a str,
    /// Implementations that both have, with the number of cases that both have a verdict for.
    common: Vec<(&'a Untrusted, u64)>,
    changes: Vec<ChangeView<'a>>,
    /// What only one side has.
    alone: Vec<Alone<'a>>,
}

/// Cases that only one side has a verdict for; all of an implementation if it is on that side only.
struct Alone<'a> {
    side: &'static str,
    agent: &'a Untrusted,
    ids: Ids,
    is_whole: bool,
}

/// Cases that changed in the same way.
struct ChangeView<'a> {
    way: &'static str,
    agent: &'a Untrusted,
    old: Verdict,
    new: Verdict,
    ids: Ids,
    summary: &'a Untrusted,
}

impl<'a> Overview<'a> {
    pub(super) fn new(
        report: &'a Report,
        links: &'a Links,
        against: Option<Against<'a>>,
        absent: &[Absent<'_>],
    ) -> Self {
        let causes = summary::causes(&report.cases).into_iter().map(|cause| cause_view(cause, links));
        Self {
            agents: AgentSummary::all(report),
            causes: causes.collect(),
            sections: matrix::sections(report, links, absent),
            requirements: requirements::all(report, links),
            standings: standings(report, links),
            comparison: against.map(|against| comparison(report, links, against)),
            facts: facts(report),
            redacted: report.cases.iter().map(|case| case.handshake.redacted).sum(),
            report,
            links,
        }
    }

    /// The name of the part in which the results are compared with others; nothing if they are not.
    pub(super) fn compared_with(&self) -> Option<&'static str> {
        compared_with(self.report, self.comparison.is_some())
    }

    fn first_causes(&self) -> &[CauseView<'a>] {
        // A single one more takes no more room than the line that leads to it.
        let most = if self.causes.len() == CAUSES + 1 { CAUSES + 1 } else { CAUSES };
        &self.causes[..self.causes.len().min(most)]
    }

    fn words_of_more_causes(&self) -> String {
        units::plural(self.more_causes().len() as u64, "more cause")
    }

    fn more_causes(&self) -> &[CauseView<'a>] {
        &self.causes[self.first_causes().len()..]
    }

    /// The cases that were not run, with the addresses of their pages.
    fn not_run(&self, not_run: &NotRun) -> Vec<(String, CaseId)> {
        let ids = not_run.cases.iter().filter_map(|id| id.parse().ok());
        ids.map(|id| (self.links.case_of(&not_run.agent, id), id)).collect()
    }

    /// What was typed, each word quoted where it has to be.
    fn command_words(&self) -> Vec<Untrusted> {
        let typed = self.report.run.argv.iter().cloned();
        let words: Vec<String> = std::iter::once("wsspec".to_owned()).chain(typed).collect();
        shell::words(&words).into_iter().map(Untrusted::from).collect()
    }

    /// Rows of the table.
    pub(super) fn number_of_cases(&self) -> usize {
        self.sections.iter().map(|section| section.rows.len()).sum()
    }

    /// How many cells of the table have which verdict.
    fn all_verdicts(&self) -> Vec<(Verdict, usize)> {
        let cells = || self.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.cells);
        let count = |verdict| cells().filter(|cell| cell.verdict == verdict).count();
        verdict_order().map(|verdict| (verdict, count(verdict))).to_vec()
    }

    /// The verdicts of an implementation, with what did not run.
    fn counts_of(&self, agent: &AgentSummary<'_>) -> Vec<(Verdict, u64)> {
        let missing = self.report.not_run(agent.agent) as u64;
        let without = |verdict| if verdict == Verdict::NotRun { missing } else { 0 };
        let counts = verdict_order().map(|verdict| (verdict, agent.counts.get(verdict) + without(verdict)));
        counts.into_iter().filter(|(_, number)| *number > 0).collect()
    }
}

/// The name of the part in which the results are compared with others: earlier ones, a baseline, or their repetition.
pub(super) fn compared_with(report: &Report, has_earlier: bool) -> Option<&'static str> {
    let stands = |case: &CaseRecord| case.outcome.and_then(matrix::standing).is_some();
    let has_standings = report.cases.iter().any(stands);
    match (has_standings, has_earlier) {
        (true, _) if has_baseline(report) => Some("Baseline"),
        (_, true) => Some("Changes"),
        (true, false) => Some("Flaky"),
        (false, false) => None,
    }
}

/// Whether there was a baseline: without one a result can only differ from its repetition.
fn has_baseline(report: &Report) -> bool {
    let is_of_baseline =
        |case: &CaseRecord| !matches!(case.outcome, None | Some(Standing::Expected | Standing::Flaky));
    report.run.baseline.is_some() || report.cases.iter().any(is_of_baseline)
}

/// What is not as the baseline has it, or as it was the first time, the worst first.
fn standings<'a>(report: &'a Report, links: &Links) -> Vec<StandingView<'a>> {
    let order = ["unexpected", "flaky", "fixed", "known"];
    let view = |case: &'a CaseRecord| {
        let word = case.outcome.and_then(matrix::standing)?;
        Some(StandingView { word, href: links.case(case), case })
    };
    let mut all: Vec<StandingView<'_>> = report.cases.iter().filter_map(view).collect();
    all.sort_by_key(|view| (order.iter().position(|word| *word == view.word), view.case.id));
    all
}

/// What changed since the earlier results, the worst first.
fn comparison<'a>(report: &'a Report, links: &Links, (name, earlier): Against<'a>) -> Comparison<'a> {
    let (mut common, mut changes, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    let pairs = diff::pairs(earlier, report);
    let href = |case: &CaseRecord| Some(links.case(case));
    for (before, now) in &pairs {
        let of = |report: &'a Report, agent| report.of_agent(agent).collect::<Vec<_>>();
        let difference = Difference::between(&of(earlier, before), &of(report, now));
        common.push((*now, difference.common as u64));
        let old = difference.only_old.into_iter().map(|id| (id, None));
        alone.push(Alone::new("before", now, old, false));
        let new = difference.only_new.into_iter().map(|case| (case.id, href(case)));
        alone.push(Alone::new("now", now, new, false));
        changes.extend(difference.changes.into_iter().map(|change| change_view(change, now, links)));
    }
    let of_agent = |report: &'a Report, agent: &'a Untrusted| {
        report.of_agent(agent).filter(|case| diff::has_verdict(case)).collect::<Vec<_>>()
    };
    for agent in earlier.agents().into_iter().filter(|agent| !pairs.iter().any(|(before, _)| before == agent))
    {
        let ids = of_agent(earlier, agent).into_iter().map(|case| (case.id, None));
        alone.push(Alone::new("before", agent, ids, true));
    }
    for agent in report.agents().into_iter().filter(|agent| !pairs.iter().any(|(_, now)| now == agent)) {
        let ids = of_agent(report, agent).into_iter().map(|case| (case.id, href(case)));
        alone.push(Alone::new("now", agent, ids, true));
    }
    alone.retain(|alone| !alone.ids.first.is_empty());
    changes.sort_by_key(|(way, _)| *way);
    let changes = changes.into_iter().map(|(_, view)| view).collect();
    Comparison { name, common, changes, alone }
}

fn change_view<'a>(change: Change<'a>, agent: &'a Untrusted, links: &Links) -> (Way, ChangeView<'a>) {
    let view = ChangeView {
        way: match change.way {
            Way::Worse => "worse",
            Way::Other => "other",
            Way::Race => "race",
            Way::Better => "better",
        },
        agent,
        old: change.old,
        new: change.new,
        summary: &change.cases[0].summary,
        ids: Ids::new(change.cases.iter().map(|case| (case.id, Some(links.with_earlier(case)))), IDS),
    };
    (change.way, view)
}

impl<'a> Alone<'a> {
    fn new(
        side: &'static str,
        agent: &'a Untrusted,
        ids: impl IntoIterator<Item = (CaseId, Option<String>)>,
        is_whole: bool,
    ) -> Self {
        Self { side, agent, ids: Ids::new(ids, IDS), is_whole }
    }
}

/// Whether the address of an issue may be a link: `https`, and nothing that ends or hides it.
pub(super) fn is_https(address: &str) -> bool {
    let rest = address.strip_prefix("https://");
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b);
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_plain))
}

/// The style class of a rating.
pub(super) const fn rating_class(rating: &Rating) -> &'static str {
    match rating {
        Rating::Strict => "v-pass",
        Rating::Conformant(_) => "v-non-strict",
        Rating::NotConformant { .. } => "v-fail",
        Rating::Incomplete { .. } => "v-error",
    }
}

fn cause_view<'a>(cause: Cause<'a>, links: &Links) -> CauseView<'a> {
    let mut seen = BTreeMap::new();
    for case in &cause.cases {
        seen.entry(case.id).or_insert_with(|| Some(links.case(case)));
    }
    let mut ids = Ids::new(seen, IDS);
    if !links.is_folder() {
        ids = ids.elsewhere(links.cause(cause.key));
    }
    CauseView { cause, ids }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut facts = vec![
        ("wsspec", run.tool.clone()),
        ("catalogue", run.catalog.clone()),
        ("run", run.id.clone()),
        ("seed", run.seed.clone()),
        ("sets", run.set.join(", ")),
        ("cases selected", units::count(run.selected)),
        ("started", run.started.clone()),
        ("rating rule", run.rating_rule.to_string()),
        ("baseline", run.baseline.clone().unwrap_or_default()),
    ];
    if let Some(host) = &run.host {
        facts.push((
            "host",
            format!("{} on {}, {}", host.os, host.arch, units::plural(host.cores as u64, "core")),
        ));
    }
    if let Some(end) = &report.end {
        facts.push(("finished", end.finished.clone()));
        facts.push(("took", units::duration(end.duration_us)));
        facts.push(("exit code", end.exit.to_string()));
        facts.extend(end.leaks.iter().map(|leak| ("did not end", leak.for_terminal(200))));
    }
    let left_out = run.not_selected.iter().map(|(set, number)| format!("{set} {number}"));
    facts.push(("not selected", left_out.collect::<Vec<_>>().join(", ")));
    let secrets = if run.unredacted { "recorded as they are" } else { "replaced before they were recorded" };
    facts.push(("secrets", secrets.to_owned()));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}
