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
}

/// Where the earlier result of a case is.
pub(super) struct Earlier {
    pub(super) agent: Untrusted,
    pub(super) verdict: Verdict,
    pub(super) anchor: String,
}

impl Before {
    /// Cases with another verdict, or another cause, than in the earlier results; `links` lead to them from then on.
    pub(super) fn of(report: &Report, links: &mut Links, (name, earlier): Against<'_>) -> Self {
        let (mut cases, mut keys, mut found) = (Vec::new(), HashMap::new(), HashMap::new());
        for (before, now) in diff::pairs(earlier, report) {
            let agent = Untrusted::from(format!("{} ({name})", before.raw()));
            keys.insert(agent.clone(), format!("{}{KEY}", links.key(now)));
            let current: HashMap<CaseId, &CaseRecord> =
                report.of_agent(now).map(|case| (case.id, case)).collect();
            let has_changed = |case: &&CaseRecord| {
                current
                    .get(&case.id)
                    .is_some_and(|now| diff::has_verdict(case) && diff::has_verdict(now) && differ(case, now))
            };
            let room = MOST.saturating_sub(cases.len());
            for case in earlier.of_agent(before).filter(has_changed).take(room) {
                let case = CaseRecord { agent: agent.clone(), ..earlier.whole(case).into_owned() };
                let anchor = format!("{}@{}", case.id, keys[&agent]);
                let earlier = Earlier { agent: agent.clone(), verdict: case.verdict, anchor };
                found.insert((now.clone(), case.id), earlier);
                cases.push(case);
            }
        }
        links.set_earlier(found);
        let mut run = earlier.run.clone();
        run.targets.clear();
        let report = Report { run, cases, end: None, torn: false, stored: None };
        let links = Links::with_keys(&report, keys);
        Self { report, links }
    }
}

fn differ(before: &CaseRecord, now: &CaseRecord) -> bool {
    (before.verdict, &before.cause) != (now.verdict, &now.cause)
}
