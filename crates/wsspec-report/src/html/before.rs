//! Earlier results beside those of the report: the pages of cases that have changed.

use std::collections::HashMap;

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;

use super::Against;
use super::links::Links;
use crate::Untrusted;
use crate::diff;
use crate::record::{CaseRecord, Report};

/// Earlier pages that the report holds.
const MOST: usize = 200;
/// What the key of an implementation in earlier results ends with: no other key has this character.
const KEY: &str = "+before";

/// The earlier results of cases that have changed, whole, as a report of their own.
pub(super) struct Before {
    pub(super) report: Report,
    pub(super) links: Links,
    /// The places of the results that they became.
    became: Vec<usize>,
}

/// The earlier result of a case.
pub(super) struct Earlier {
    pub(super) agent: Untrusted,
    pub(super) verdict: Verdict,
    /// Where it is.
    pub(super) href: String,
    /// Where it is side by side with that of the report.
    pub(super) beside: String,
}

impl Before {
    /// Cases with another verdict, or another cause, than in the earlier results; `links` lead to them from then on.
    pub(super) fn of(report: &Report, links: &mut Links, (name, earlier): Against<'_>) -> Self {
        let (mut cases, mut keys, mut became) = (Vec::new(), HashMap::new(), Vec::new());
        for (before, now) in diff::pairs(earlier, report) {
            let agent = Untrusted::from(format!("{} ({})", before.raw(), short(name)));
            keys.insert(agent.clone(), format!("{}{KEY}", links.key(now)));
            let all = report.cases.iter().enumerate().filter(|(_, case)| case.agent == *now);
            let current: HashMap<CaseId, usize> = all.map(|(place, case)| (case.id, place)).collect();
            let has_changed = |case: &CaseRecord, now: usize| {
                let now = &report.cases[now];
                diff::has_verdict(case) && diff::has_verdict(now) && differ(case, now)
            };
            let room = MOST.saturating_sub(cases.len());
            let known = earlier.of_agent(before).filter_map(|case| Some((case, *current.get(&case.id)?)));
            for (case, now) in known.filter(|(case, now)| has_changed(case, *now)).take(room) {
                became.push(now);
                cases.push(CaseRecord { agent: agent.clone(), ..case.whole().into_owned() });
            }
        }
        let mut run = earlier.run.clone();
        run.targets.clear();
        let before = Report { run, cases, end: None, torn: false };
        let own = links.of_earlier(&before, keys);
        let places = became.iter().zip(&before.cases).map(|(now, case)| {
            let (now, agent, verdict) = (&report.cases[*now].agent, case.agent.clone(), case.verdict);
            let (href, beside) = (own.case(case), links.beside(now, case.id, &own, case));
            ((now.clone(), case.id), Earlier { agent, verdict, href, beside })
        });
        let places = places.collect();
        links.set_earlier(places);
        Self { report: before, links: own, became }
    }

    /// Every earlier result with the one of the report that it became.
    pub(super) fn cases<'a>(
        &'a self,
        report: &'a Report,
    ) -> impl Iterator<Item = (&'a CaseRecord, &'a CaseRecord)> {
        self.became.iter().map(|place| &report.cases[*place]).zip(&self.report.cases)
    }
}

/// The part of a path that tells one result from another: the file, or its folder if all files are called so.
fn short(path: &str) -> &str {
    let mut parts = path.split(['/', '\\']).filter(|part| !part.is_empty()).rev();
    let last = parts.next().unwrap_or(path);
    if last == "results.jsonl" { parts.next().unwrap_or(last) } else { last }
}

fn differ(before: &CaseRecord, now: &CaseRecord) -> bool {
    (before.verdict, &before.cause) != (now.verdict, &now.cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_results_are_called_by_the_part_of_their_path_that_differs() {
        for (path, name) in [
            ("main", "main"),
            ("/srv/ci/out-1/results.jsonl", "out-1"),
            ("old/results.1.jsonl", "results.1.jsonl"),
            ("C:\\out\\results.jsonl", "out"),
            ("results.jsonl", "results.jsonl"),
            ("/", "/"),
        ] {
            assert_eq!(short(path), name, "{path}");
        }
    }
}
