//! Writes the record and the reports, in a thread of its own.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use wsspec_report::compat::{self, Names};
use wsspec_report::record::{CaseRecord, Line, Report, Source, read_file};

use super::ledger::{InHand, Order, Progress};
use crate::run::folder::{Folder, INDEX, NewRecord, RESULTS};
use crate::run::record_file::RecordFile;
use crate::run::write_reports;

/// With no verdict for this long, the reports are brought up to date.
const QUIET: Duration = Duration::from_secs(2);

/// Then they rest for so many times as long as that took: it grows with the record, and a slow client pauses often.
const REST: u32 = 9;

/// What the thread of a [`Ledger`](super::ledger::Ledger) does.
pub(super) struct Writer {
    folder: Folder,
    record: Record,
    progress: Arc<Progress>,
    listener: Option<UnboundedSender<(Line, InHand)>>,
    /// What lists show of each case.
    cases: Vec<CaseRecord>,
    /// The reports lack something.
    dirty: bool,
    pace: Pace,
    /// What was read last, if it still says all that is recorded: the record may be large.
    known: Option<Report>,
    /// Why the record is not whole, or not in its place. Other files are written again with the reports.
    failed: Option<io::Error>,
}

impl Writer {
    pub(super) fn new(
        folder: Folder,
        record: NewRecord,
        progress: Arc<Progress>,
        listener: Option<UnboundedSender<(Line, InHand)>>,
    ) -> Self {
        let record = Record::Waiting(Some(record), Vec::new());
        let pace = Pace { rests_until: Instant::now() };
        Self {
            folder,
            record,
            progress,
            listener,
            cases: Vec::new(),
            dirty: false,
            pace,
            known: None,
            failed: None,
        }
    }

    /// Takes orders until nobody can give any.
    pub(super) fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        loop {
            match inbox.recv_timeout(self.pace.pause(Instant::now())) {
                Ok(order) => self.take(order, inbox),
                Err(mpsc::RecvTimeoutError::Timeout) if self.dirty => drop(self.reports()),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        if self.dirty {
            let _ = self.reports();
        }
    }

    /// Takes an order and what came meanwhile; index and reports are written once for all of it.
    fn take(&mut self, first: Order, inbox: &mpsc::Receiver<Order>) {
        let mut asked = Vec::new();
        let mut wanted = false;
        for order in std::iter::once(first).chain(inbox.try_iter().take(self.progress.batch)) {
            match order {
                Order::Begin => self.keep(|writer| writer.record.publish(&writer.folder.file(RESULTS))),
                Order::Line(line, in_hand) => self.line(*line, in_hand),
                Order::Report { write, answer } => {
                    wanted |= write;
                    asked.push(answer);
                }
                // Who asked may have gone.
                Order::Place(answer) => drop(answer.send(self.place())),
            }
        }
        self.answer(asked, wanted);
        if self.dirty {
            let _ = self.index();
        }
    }

    /// Writes the reports once, if anyone wants them written, and hands what they were made from to all who asked.
    fn answer(&mut self, asked: Vec<oneshot::Sender<io::Result<Report>>>, write: bool) {
        if asked.is_empty() {
            return;
        }
        let report = if write { self.reports() } else { self.read() };
        for answer in asked {
            // An error is for all of them, and is no value that can be cloned.
            let _ = answer.send(match &report {
                Ok(report) => Ok(report.clone()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            });
        }
    }

    fn keep<T>(&mut self, write: impl FnOnce(&mut Self) -> io::Result<T>) {
        if let Err(error) = write(self) {
            self.failed.get_or_insert(error);
        }
    }

    fn line(&mut self, line: Line, in_hand: InHand) {
        let told = self.listener.is_some().then(|| line.clone());
        self.keep(|writer| writer.append(line));
        self.progress.octets.store(self.record.octets(), Ordering::Relaxed);
        if let Some((listener, line)) = self.listener.as_ref().zip(told) {
            // Who listens may have gone.
            let _ = listener.send((line, in_hand));
        }
    }

    fn append(&mut self, line: Line) -> io::Result<()> {
        match (&line, &mut self.known) {
            (Line::End(end), Some(known)) => known.end = Some(end.clone()),
            _ => self.known = None,
        }
        let json = if let Line::Case(case) = &line { compat::case_json(case) } else { String::new() };
        let written = self.record.write(line, &self.folder.file(RESULTS))?;
        if let Some(case) = written {
            let _ = self.case(case, &json);
        }
        Ok(())
    }

    fn case(&mut self, case: CaseRecord, json: &str) -> io::Result<()> {
        self.dirty = true;
        let place = self.cases.iter().position(|old| old.id == case.id && old.agent == case.agent);
        let place = place.unwrap_or(self.cases.len());
        self.cases.splice(place..self.cases.len().min(place + 1), [case]);
        self.folder.write(&self.names().file(&self.cases[place], "json"), json.as_bytes())
    }

    fn names(&self) -> Names {
        Names::of(self.cases.iter().map(|case| &case.agent))
    }

    fn index(&mut self) -> io::Result<()> {
        self.folder.stream(INDEX, |out| compat::write_index(&self.cases, out))
    }

    fn reports(&mut self) -> io::Result<Report> {
        let started = Instant::now();
        let written = self.write_reports();
        self.pace.written(started, Instant::now());
        written
    }

    fn write_reports(&mut self) -> io::Result<Report> {
        self.dirty = false;
        let report = self.read()?;
        if let Record::Open(record) = &mut self.record {
            self.failed = self.failed.take().or_else(|| record.file.take_trouble());
        }
        match (&self.failed, &self.record) {
            (Some(error), _) => Err(io::Error::new(error.kind(), error.to_string())),
            (None, Record::Waiting(..)) => Ok(report),
            (None, Record::Open(_)) => write_reports::write(&self.folder, &report, None).map(|()| report),
        }
    }

    fn read(&mut self) -> io::Result<Report> {
        match &mut self.record {
            Record::Waiting(_, lines) => Ok(untested(lines)),
            Record::Open(record) => {
                record.file.restore();
                let report = match self.known.take() {
                    Some(known) => known,
                    None => read_file(File::open(record.file.path())?).map_err(io::Error::other)?,
                };
                Ok(self.known.insert(report).clone())
            }
        }
    }

    fn place(&self) -> PathBuf {
        match &self.record {
            Record::Open(record) => record.file.path().to_owned(),
            Record::Waiting(..) => self.folder.file(RESULTS),
        }
    }
}

/// When the reports are brought up to date without being asked for.
struct Pace {
    rests_until: Instant,
}

impl Pace {
    /// How long no order may come before that.
    fn pause(&self, now: Instant) -> Duration {
        QUIET.max(self.rests_until.saturating_duration_since(now))
    }

    fn written(&mut self, started: Instant, now: Instant) {
        self.rests_until = now + (now - started) * REST;
    }
}

/// The record takes the place of the last one with the first case.
enum Record {
    Waiting(Option<NewRecord>, Vec<Line>),
    Open(OpenRecord),
}

/// The record in its place.
struct OpenRecord {
    file: RecordFile,
    octets: u64,
    /// The same, for reading.
    source: Arc<Source>,
}

impl Record {
    /// Appends a line, and leaves in the file what of a case can be read again.
    fn write(&mut self, line: Line, path: &Path) -> io::Result<Option<CaseRecord>> {
        if let Line::Case(_) = line {
            self.publish(path)?;
        }
        let record = match self {
            Self::Open(record) => record,
            Self::Waiting(_, lines) => {
                lines.push(line);
                return Ok(None);
            }
        };
        let place = record.append(&line)?;
        let Line::Case(mut case) = line else { return Ok(None) };
        case.leave(record.source.clone(), place);
        Ok(Some(*case))
    }

    fn octets(&self) -> u64 {
        match self {
            Self::Open(record) => record.octets,
            Self::Waiting(..) => 0,
        }
    }

    fn publish(&mut self, path: &Path) -> io::Result<()> {
        let Self::Waiting(record, lines) = self else { return Ok(()) };
        let new = record.take().ok_or_else(|| io::Error::other("the record could not be written before"))?;
        let file = match new.take_place() {
            Ok(file) => RecordFile::new(file, path.to_owned()),
            Err(error) => RecordFile::elsewhere(error)?,
        };
        let source = Arc::new(Source::new(File::open(file.path())?));
        let mut record = OpenRecord { file, octets: 0, source };
        for line in lines.iter() {
            record.append(line)?;
        }
        *self = Self::Open(record);
        Ok(())
    }
}

impl OpenRecord {
    /// Returns where the line is.
    fn append(&mut self, line: &Line) -> io::Result<Range<u64>> {
        let mut json = line.to_json();
        json.push('\n');
        let place = self.file.path().to_owned();
        self.file.append(&json);
        if self.file.path() != place {
            self.source = Arc::new(Source::new(File::open(self.file.path())?));
        }
        let from = self.octets;
        self.octets += json.len() as u64;
        Ok(from..self.octets - 1)
    }
}

/// What is to be said of a server that no client asked for a case.
fn untested(lines: &[Line]) -> Report {
    let mut report = Report::default();
    for line in lines {
        match line {
            Line::Run(run) => report.run = run.clone(),
            Line::End(end) => report.end = Some(end.clone()),
            Line::Case(_) => {}
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_a_large_record_were_written_again_at_each_pause_of_a_slow_client() {
        let start = Instant::now();
        let mut pace = Pace { rests_until: start };
        let second = Duration::from_secs(1);
        assert_eq!(pace.pause(start), QUIET);
        pace.written(start, start + second / 10);
        assert_eq!(pace.pause(start + second), QUIET, "of a small record nothing is put off");
        pace.written(start, start + 8 * second);
        let mut now = start + 8 * second;
        // A verdict comes every three seconds, which is a pause each time.
        while pace.pause(now) > 3 * second {
            now += 3 * second;
        }
        let apart = now - start;
        assert!(apart > 8 * second * REST && apart < 8 * second * (REST + 2), "{apart:?}");
    }
}
