//! Results whose bulk stays in the file: what a long run takes in memory does not grow with what came over the
//! wire.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;

use crate::Untrusted;
use crate::record::{CaseRecord, CloseRecord, CloseRuleRecord, HandshakeRecord, Line, Report, StatsRecord};

/// Where a record is in its file.
pub(super) type Places = HashMap<(Untrusted, CaseId), Range<u64>>;

/// The file, and where in it each record is.
#[derive(Debug)]
pub struct Stored {
    pub(super) file: Mutex<File>,
    pub(super) places: Places,
}

impl Stored {
    fn read(&self, case: &CaseRecord) -> io::Result<Option<CaseRecord>> {
        let Some(place) = self.places.get(&(case.agent.clone(), case.id)) else { return Ok(None) };
        let mut json = vec![0; usize::try_from(place.end - place.start).map_err(io::Error::other)?];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.start))?;
        file.read_exact(&mut json)?;
        drop(file);
        Ok(match Line::from_json(&json)? {
            Some(Line::Case(whole)) => Some(*whole),
            _ => None,
        })
    }
}

impl Report {
    /// The record with what was left in its file ([`read_stored`](crate::record::read_stored)): all that only its own
    /// page shows. As it is, if it is whole, or if the file cannot be read any more.
    pub fn whole<'a>(&self, case: &'a CaseRecord) -> Cow<'a, CaseRecord> {
        let stored = self.stored.as_ref().filter(|_| is_left(case));
        match stored.and_then(|stored| stored.read(case).ok().flatten()) {
            // How it stands against a baseline may have been found out since.
            Some(whole) => {
                Cow::Owned(CaseRecord { outcome: case.outcome, known: case.known.clone(), ..whole })
            }
            None => Cow::Borrowed(case),
        }
    }
}

/// Of these only the page of the case shows more than what became of it.
fn is_left(case: &CaseRecord) -> bool {
    matches!(case.verdict, Verdict::Pass | Verdict::Info | Verdict::NotApplicable)
}

/// Leaves out what [`Report::whole`] reads again, all but what tables and lists show.
pub(super) fn leave(case: &mut CaseRecord) {
    if !is_left(case) {
        return;
    }
    (case.events, case.received, case.accepts) = (Vec::new(), Vec::new(), Vec::new());
    (case.stats, case.close_rule) = (StatsRecord::default(), CloseRuleRecord::default());
    (case.expectation, case.repro) = (String::new(), Vec::new());
    (case.round_trips, case.log, case.backend) = (None, None, None);
    (case.autobahn.result, case.autobahn.result_close) = (Untrusted::default(), Untrusted::default());
    case.close = CloseRecord { remote: case.close.remote, ..CloseRecord::default() };
    case.handshake = HandshakeRecord { redacted: case.handshake.redacted, ..HandshakeRecord::default() };
    case.checks.retain(|check| !check.ok);
    case.checks.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rayon::iter::ParallelIterator as _;

    use super::*;
    use crate::badge::Badge;
    use crate::record::{CheckRecord, RecordError, read, read_stored};
    use crate::{compat, github, html, junit, markdown, samples};

    /// The lines of a record.
    fn lines(cases: Vec<CaseRecord>) -> String {
        let report = samples::report(cases);
        let cases = report.cases.into_iter().map(|case| Line::Case(Box::new(case)));
        let lines = [Line::Run(report.run)].into_iter().chain(cases).chain(report.end.map(Line::End));
        lines.map(|line| line.to_json() + "\n").collect()
    }

    /// A record of `count` passing cases and a failing one, all of which received so many messages.
    fn record(count: u16, messages: usize) -> String {
        let received = vec![samples::text_event("hello"); messages];
        let mut cases: Vec<CaseRecord> =
            (1..=count).map(|n| samples::passed("a", &format!("1.1.{n}"))).collect();
        cases.push(samples::failed("a", "5.15"));
        cases.iter_mut().for_each(|case| case.received.clone_from(&received));
        lines(cases)
    }

    /// One of two implementations, each of which lacks cases of the other, with a verdict of each kind.
    fn two_implementations() -> String {
        let words =
            [Verdict::Info, Verdict::NotApplicable, Verdict::NonStrict, Verdict::Fail, Verdict::NotRun];
        let of = |agent, from: usize| {
            let behind = |case| CaseRecord { backend: Some(Box::new(samples::backend())), ..case };
            let passed = move |n| behind(samples::passed(agent, &format!("1.1.{n}")));
            let others = (from..).zip(words).map(move |(n, verdict)| {
                samples::with_verdict(samples::failed(agent, &format!("2.{n}")), verdict, "So it was.")
            });
            (from..from + 4).map(passed).chain(others)
        };
        lines(of("a", 1).chain(of("b", 3)).collect())
    }

    /// All that is made of a report but the pages of its folder.
    fn outputs(report: &Report) -> Vec<String> {
        vec![
            html::report(report).unwrap(),
            junit::junit(report, &junit::Options::default()).unwrap(),
            markdown::summary(report, None),
            github::annotations(report, &[]),
            compat::index_json(&report.cases),
            Badge::of(report, true).json(),
        ]
    }

    fn stored(json: &str) -> Result<Report, RecordError> {
        let mut file = tempfile::tempfile()?;
        file.write_all(json.as_bytes())?;
        file.rewind()?;
        read_stored(file)
    }

    #[test]
    fn reports_are_the_same_where_the_bulk_is_left_in_the_file() {
        for json in [record(8, 3), two_implementations()] {
            let (whole, stored) = (read(&json).unwrap(), stored(&json).unwrap());
            compare(&whole, &stored);
        }
    }

    fn compare(whole: &Report, stored: &Report) {
        let pages = |report: &Report| {
            let mut pages: Vec<_> = html::folder(report).map(|page| (page.name, page.content)).collect();
            pages.sort();
            pages
        };
        assert_eq!(outputs(stored), outputs(whole));
        assert_eq!(pages(stored), pages(whole));
        for (stored_case, case) in stored.cases.iter().zip(&whole.cases) {
            assert_eq!(stored.whole(stored_case).as_ref(), case);
            assert_eq!(compat::case_json(&stored.whole(stored_case)), compat::case_json(case));
        }
    }

    #[test]
    fn of_passing_cases_nothing_is_kept_that_came_over_the_wire_however_many_they_are() {
        let kept = |count, messages| {
            let report = stored(&record(count, messages)).unwrap();
            let cases = report.cases.iter().map(|case| case.received.len() + case.events.len());
            (report.cases.len(), cases.sum::<usize>())
        };
        let (few, of_few) = kept(50, 100);
        let (many, of_many) = kept(500, 100);
        assert_eq!((few, many), (51, 501));
        assert_eq!(of_few, of_many, "only the failing case is whole");
        assert!(of_few >= 100);
    }

    #[test]
    fn of_a_passing_case_as_much_is_kept_whatever_it_checked_saw_and_logged() {
        let kept = |much: usize| {
            let mut case = samples::passed("a", "1.1.1");
            let check = CheckRecord { ok: true, ..case.checks[0].clone() };
            case.checks = vec![check; much];
            case.received = vec![samples::text_event("hello"); much];
            case.repro = vec!["--word".to_owned(); much];
            case.expectation = "It comes back. ".repeat(much);
            stored(&lines(vec![case])).unwrap().cases[0].to_json().len()
        };
        assert_eq!(kept(1), kept(1000));
        assert!(kept(1) < 2 << 10, "{}", kept(1));
    }

    #[test]
    fn what_is_known_of_a_case_since_stays() {
        let mut report = stored(&record(1, 1)).unwrap();
        report.cases[0].outcome = Some(crate::record::Standing::Fixed);
        assert_eq!(report.whole(&report.cases[0]).outcome, Some(crate::record::Standing::Fixed));
    }
}
