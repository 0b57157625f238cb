//! The files: every verdict is written down at once, the reports that follow from them as soon as there is time.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use wsspec_report::baseline::Baseline;
use wsspec_report::compat::{self, Names};
use wsspec_report::record::{CaseRecord, Line, Report, read};

use crate::errors::Problem;
use crate::run::folder::{Earlier, Folder, INDEX, NewRecord, RESULTS};
use crate::run::write_reports;

/// With no verdict for this long, the reports are brought up to date.
const QUIET: Duration = Duration::from_secs(2);

/// Writes in a thread of its own. Dropping it writes what is left.
pub struct Ledger {
    path: PathBuf,
    /// `None` once it is closed.
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// What the verdicts are compared with.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The entries.
    pub baseline: Baseline,
    /// The current day.
    pub today: String,
    /// A verdict that is not strict is unexpected too.
    pub strict: bool,
}

enum Order {
    Begin,
    Line(Box<Line>),
    Report { write: bool, answer: oneshot::Sender<io::Result<Report>> },
}

impl Ledger {
    /// Makes the folder, and the record in it.
    ///
    /// # Errors
    /// E21.
    pub fn create(path: &Path) -> Result<Self, Problem> {
        Self::expecting(path, None, None)
    }

    /// The same; every verdict is compared with what is expected, on this day. Who listens is told every line.
    ///
    /// # Errors
    /// E21.
    pub fn expecting(
        path: &Path,
        expected: Option<Expected>,
        listener: Option<UnboundedSender<Line>>,
    ) -> Result<Self, Problem> {
        let (folder, record) = Folder::create(path, Earlier::Keep(0))?;
        let (orders, inbox) = mpsc::channel();
        let record = RecordFile::Waiting(Some(record), Vec::new());
        let writer =
            Writer { folder, record, expected, listener, cases: Vec::new(), dirty: false, failed: None };
        let thread = std::thread::spawn(move || writer.run(&inbox));
        Ok(Self { path: path.to_owned(), orders: Some(orders), thread: Some(thread) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets the record take the place of the last one now, not only with the first case.
    pub fn begin(&self) {
        self.order(Order::Begin);
    }

    /// Appends to the record.
    pub fn write(&self, line: Line) {
        self.order(Order::Line(Box::new(line)));
    }

    /// Writes all reports, and returns what they were made from: nothing if no case has run yet.
    ///
    /// # Errors
    /// The folder cannot be written to any more; also if that was so for an earlier line.
    pub async fn reports(&self) -> io::Result<Report> {
        self.report(true).await
    }

    /// Everything that is recorded so far.
    ///
    /// # Errors
    /// The record cannot be read or written any more.
    pub async fn read(&self) -> io::Result<Report> {
        self.report(false).await
    }

    async fn report(&self, write: bool) -> io::Result<Report> {
        let (answer, report) = oneshot::channel();
        self.order(Order::Report { write, answer });
        report.await.unwrap_or_else(|_| Err(io::Error::other("the writer has ended")))
    }

    fn order(&self, order: Order) {
        // The writer ends only when the sender is gone.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The record takes the place of the last one with the first case.
enum RecordFile {
    Waiting(Option<NewRecord>, Vec<Line>),
    Open(File),
}

impl RecordFile {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        if let Line::Case(_) = line {
            self.publish()?;
        }
        match self {
            Self::Open(file) => append(file, line)?,
            Self::Waiting(_, lines) => lines.push(line.clone()),
        }
        Ok(())
    }

    fn publish(&mut self) -> io::Result<()> {
        let Self::Waiting(record, lines) = self else { return Ok(()) };
        let published = record.take().map(NewRecord::publish).transpose().map_err(io::Error::other)?;
        let mut file = published.ok_or_else(|| io::Error::other("the record could not be written before"))?;
        for line in lines.iter() {
            append(&mut file, line)?;
        }
        *self = Self::Open(file);
        Ok(())
    }
}

fn append(file: &mut File, line: &Line) -> io::Result<()> {
    let mut json = line.to_json();
    json.push('\n');
    file.write_all(json.as_bytes())
}

struct Writer {
    folder: Folder,
    record: RecordFile,
    expected: Option<Expected>,
    listener: Option<UnboundedSender<Line>>,
    /// What the index needs of each case; the rest is in the record.
    cases: Vec<CaseRecord>,
    /// The reports lack something.
    dirty: bool,
    failed: Option<io::Error>,
}

impl Writer {
    fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        loop {
            match inbox.recv_timeout(QUIET) {
                Ok(order) => self.take(order, inbox),
                Err(mpsc::RecvTimeoutError::Timeout) if self.dirty => self.keep(Self::reports),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        if self.dirty {
            self.keep(Self::reports);
        }
    }

    /// Takes an order and what came meanwhile; index and reports are written once for all of it.
    fn take(&mut self, first: Order, inbox: &mpsc::Receiver<Order>) {
        let mut asked = Vec::new();
        let mut wanted = false;
        for order in std::iter::once(first).chain(inbox.try_iter()) {
            match order {
                Order::Begin => self.keep(|writer| writer.record.publish()),
                Order::Line(line) => self.keep(|writer| writer.line(*line)),
                Order::Report { write, answer } => {
                    wanted |= write;
                    asked.push(answer);
                }
            }
        }
        self.answer(asked, wanted);
        if self.dirty {
            self.keep(Self::index);
        }
    }

    /// Writes the reports once, if anyone wants them written, and hands what they were made from to all who asked.
    fn answer(&mut self, asked: Vec<oneshot::Sender<io::Result<Report>>>, write: bool) {
        if asked.is_empty() {
            return;
        }
        let report = if write { self.reports() } else { self.read() };
        let report = self.failed.take().map_or(report, Err);
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

    fn line(&mut self, mut line: Line) -> io::Result<()> {
        if let (Line::Case(case), Some(expected)) = (&mut line, &self.expected) {
            expected.baseline.compare(case, &expected.today, expected.strict);
        }
        if let Some(listener) = &self.listener {
            // Who listens may have gone.
            let _ = listener.send(line.clone());
        }
        self.record.write(&line)?;
        if let Line::Case(case) = line {
            self.case(*case)?;
        }
        Ok(())
    }

    fn case(&mut self, mut case: CaseRecord) -> io::Result<()> {
        self.dirty = true;
        let whole = compat::case_json(&case);
        case.events.clear();
        case.received.clear();
        case.accepts.clear();
        case.handshake = wsspec_report::record::HandshakeRecord::default();
        match self.cases.iter_mut().find(|old| old.id == case.id && old.agent == case.agent) {
            Some(old) => *old = case.clone(),
            None => self.cases.push(case.clone()),
        }
        self.folder.write(&self.names().file(&case, "json"), whole.as_bytes())
    }

    fn names(&self) -> Names {
        Names::of(self.cases.iter().map(|case| &case.agent))
    }

    fn index(&mut self) -> io::Result<()> {
        self.folder.write(INDEX, compat::index_json(&self.cases).as_bytes())
    }

    fn reports(&mut self) -> io::Result<Report> {
        self.dirty = false;
        let report = self.read()?;
        if let RecordFile::Open(_) = self.record {
            write_reports::write(&self.folder, &report, None)?;
        }
        Ok(report)
    }

    fn read(&self) -> io::Result<Report> {
        match self.record {
            RecordFile::Waiting(..) => Ok(Report::default()),
            RecordFile::Open(_) => read(std::fs::read(self.folder.file(RESULTS))?).map_err(io::Error::other),
        }
    }
}
