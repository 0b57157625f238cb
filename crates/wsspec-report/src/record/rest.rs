//! Records of which the rest stays in the file: what reports take in memory does not grow with what came over the wire,
//! and little with the number of cases.

use std::borrow::Cow;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::Untrusted;
use crate::record::{CaseRecord, CloseRecord, CloseRuleRecord, HandshakeRecord, Line, Report, StatsRecord};
use crate::story::cause_name;

/// A file of records.
#[derive(Debug)]
pub struct Source {
    file: Mutex<File>,
    /// Why a record could not be read again.
    failed: OnceLock<io::Error>,
}

impl Source {
    /// A file that is open for reading.
    pub fn new(file: File) -> Self {
        Self { file: Mutex::new(file), failed: OnceLock::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rest of a record that was left in its file ([`read_file`](crate::record::read_file)).
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    source: Arc<Source>,
    place: Range<u64>,
    /// [`cause_name`] of the whole record, if something failed.
    pub(crate) cause_name: Option<Untrusted>,
}

impl PartialEq for Rest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.place == other.place
    }
}

/// What a thread keeps for the next line, in octets: few lines are longer.
const LINE_KEPT: usize = 1 << 20;

thread_local! {
    /// The line that was read last: the next one takes its place, unless it was long.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Rest {
    fn read(&self) -> io::Result<CaseRecord> {
        let mut json = LINE.take();
        let read = self.read_line(&mut json).and_then(|()| Ok(Line::from_json(&json)?));
        if json.capacity() <= LINE_KEPT {
            LINE.set(json);
        }
        match read? {
            Some(Line::Case(whole)) => Ok(*whole),
            _ => Err(io::Error::other("the record has changed since")),
        }
    }

    fn read_line(&self, json: &mut Vec<u8>) -> io::Result<()> {
        json.resize(usize::try_from(self.place.end - self.place.start).map_err(io::Error::other)?, 0);
        let mut file = self.source.lock();
        file.seek(SeekFrom::Start(self.place.start))?;
        file.read_exact(json)
    }
}

impl CaseRecord {
    /// The record with what was left in its file ([`read_file`](crate::record::read_file)): all that only its own page
    /// shows. As it is, if it is whole; also if the file cannot be read any more, which [`Report::check_read`] tells.
    pub fn whole(&self) -> Cow<'_, Self> {
        self.read_whole().unwrap_or_else(|error| {
            // The first one is told.
            let _ = self.rest.as_ref().map(|rest| rest.source.failed.set(error));
            Cow::Borrowed(self)
        })
    }

    /// The same.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn read_whole(&self) -> io::Result<Cow<'_, Self>> {
        let Some(rest) = &self.rest else { return Ok(Cow::Borrowed(self)) };
        // How it is called, and how it stands against a baseline, may have changed since.
        let (agent, outcome, known) = (self.agent.clone(), self.outcome, self.known.clone());
        Ok(Cow::Owned(Self { agent, outcome, known, ..rest.read()? }))
    }

    /// Leaves in the file, in which its line is there, what [`CaseRecord::whole`] reads again: all but what tables and
    /// lists show.
    pub fn leave(&mut self, source: Arc<Source>, place: Range<u64>) {
        let cause_name = self.first_failed().is_some().then(|| cause_name(self));
        self.rest = Some(Box::new(Rest { source, place, cause_name }));
        (self.events, self.received, self.accepts) = (Vec::new(), Vec::new(), Vec::new());
        self.not_reached = Vec::new();
        (self.stats, self.close_rule) = (StatsRecord::default(), CloseRuleRecord::default());
        (self.expectation, self.started, self.repro) = (String::new(), String::new(), Vec::new());
        (self.round_trips, self.log, self.backend) = (None, None, None);
        self.short = false;
        (self.autobahn.result, self.autobahn.result_close) = (Untrusted::default(), Untrusted::default());
        self.close = CloseRecord { remote: self.close.remote, ..CloseRecord::default() };
        self.handshake = HandshakeRecord { redacted: self.handshake.redacted, ..HandshakeRecord::default() };
        self.checks.retain(|check| !check.ok);
        for check in &mut self.checks {
            (check.expected, check.observed) = (Untrusted::default(), Untrusted::default());
            (check.wanted, check.found) = (None, None);
        }
        self.checks.shrink_to_fit();
    }
}

impl Report {
    /// Whether every record that [`CaseRecord::whole`] was asked for could be read: else what was made of them is not
    /// whole.
    ///
    /// # Errors
    /// Why one could not be read.
    pub fn check_read(&self) -> io::Result<()> {
        let failed = self.cases.iter().find_map(|case| case.rest.as_ref()?.source.failed.get());
        let failed =
            failed.map(|error| io::Error::new(error.kind(), format!("the record was lost: {error}")));
        failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rayon::iter::ParallelIterator as _;
    use wsspec_engine::Verdict;

    use super::*;
    use crate::badge::Badge;
    use crate::record::{CheckRecord, Excuse, RecordError, Standing, read, read_file};
    use crate::story::cause_sentence;
    use crate::strictness::Strictness;
    use crate::{compat, github, html, junit, markdown, pcap, samples};

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

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8_lossy(&out).into_owned()
    }

    /// All that is made of a report but the pages of its folder.
    fn outputs(report: &Report) -> Vec<String> {
        vec![
            html::report(report).unwrap(),
            written(|out| junit::write(report, &junit::Options::default(), out)),
            markdown::summary(report, Strictness::default(), None),
            github::annotations(report, Strictness::default(), &[]),
            written(|out| compat::write_index(&report.cases, out)),
            written(|out| pcap::write(report, out)),
            report.cases.iter().map(|case| cause_sentence(case).raw().to_owned()).collect(),
            Badge::of(report, Strictness::default(), true).json(),
        ]
    }

    fn stored(json: &str) -> Result<Report, RecordError> {
        let mut file = tempfile::tempfile()?;
        file.write_all(json.as_bytes())?;
        file.rewind()?;
        read_file(file)
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
            assert_eq!(stored_case.whole().as_ref(), case);
            assert_eq!(compat::case_json(&stored_case.whole()), compat::case_json(case));
        }
    }

    /// Records with every field that stays, in cases in which something failed and in others.
    #[test]
    fn what_is_passed_over_is_what_is_left() {
        let mut cases = vec![samples::passed("a", "1.1.1"), samples::failed("a", "5.15")];
        for case in &mut cases {
            (case.number, case.attempt, case.started_us, case.received_dropped) = (7, 2, 8, 9);
            (case.cause, case.outcome) = (Some("cause".to_owned()), Some(Standing::Known));
            case.known = Some(Excuse { reason: "why".to_owned(), issue: Some("#1".to_owned()) });
            (case.close.remote, case.handshake.redacted) = (Some(1000), 3);
            (case.traffic.tx_wire, case.measures.time) = (5, true);
        }
        let json = lines(cases);
        let (whole, stored) = (read(&json).unwrap(), stored(&json).unwrap());
        for (case, stored) in whole.cases.iter().zip(&stored.cases) {
            let rest = stored.rest.as_ref().unwrap();
            let mut left = case.clone();
            left.leave(rest.source.clone(), rest.place.clone());
            assert_eq!(*stored, left);
        }
    }

    #[test]
    fn cases_that_did_not_pass_were_kept_whole() {
        let report = stored(&record(50, 100)).unwrap();
        assert_eq!(report.cases.len(), 51);
        assert!(report.cases.iter().all(|case| case.received.is_empty() && case.events.is_empty()));
        assert!(report.cases.iter().all(|case| case.whole().received.len() == 100));
    }

    #[test]
    fn of_a_case_as_much_is_kept_whatever_it_checked_saw_and_logged() {
        let kept = |case: CaseRecord, much: usize| {
            let mut case = case;
            let check = CheckRecord { ok: true, ..case.checks[0].clone() };
            case.checks.extend(vec![check; much]);
            case.received = vec![samples::text_event("hello"); much];
            case.events = case.events.iter().cycle().take(much).cloned().collect();
            case.repro = vec!["--word".to_owned(); much];
            case.expectation = "It comes back. ".repeat(much);
            stored(&lines(vec![case])).unwrap().cases[0].to_json().len()
        };
        for case in [samples::passed("a", "1.1.1"), samples::failed("a", "5.15")] {
            assert_eq!(kept(case.clone(), 1), kept(case.clone(), 1000));
            assert!(kept(case.clone(), 1) < 2 << 10, "{}", kept(case, 1));
        }
    }

    #[test]
    fn room_for_the_longest_line_was_kept_for_good() {
        let mut long = samples::failed("a", "5.15");
        long.expectation = "x".repeat(2 * LINE_KEPT);
        let report = stored(&lines(vec![samples::passed("a", "1.1.1"), long])).unwrap();
        report.cases[0].read_whole().unwrap();
        let kept = LINE.take();
        assert!(!kept.is_empty());
        LINE.set(kept);
        report.cases[1].read_whole().unwrap();
        assert_eq!(LINE.take().capacity(), 0);
    }

    #[test]
    fn a_record_that_is_lost_is_told() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(record(2, 1).as_bytes()).unwrap();
        let report = read_file(file.reopen().unwrap()).unwrap();
        assert!(report.check_read().is_ok());
        file.as_file().set_len(10).unwrap();
        assert!(report.cases[1].read_whole().is_err());
        assert_eq!(report.cases[1].whole().id, report.cases[1].id);
        assert!(report.check_read().unwrap_err().to_string().starts_with("the record was lost: "));
    }

    #[test]
    fn what_is_known_of_a_case_since_stays() {
        let mut report = stored(&record(1, 1)).unwrap();
        report.cases[0].outcome = Some(Standing::Fixed);
        assert_eq!(report.cases[0].whole().outcome, Some(Standing::Fixed));
    }
}
