//! The files: every verdict is written down at once, the reports that follow from them as soon as there is time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};
use wsspec_report::record::{Line, Report};

use super::writer::Writer;
use crate::errors::Problem;
use crate::run::folder::{Earlier, Folder, RESULTS};

/// So many orders are taken together; with as many lines to be written, no further case should begin.
const BATCH: usize = 1024;

/// Writes in a thread of its own. Dropping it writes what is left.
pub struct Ledger {
    path: PathBuf,
    progress: Arc<Progress>,
    /// `None` once it is closed.
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// How far the writer is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// As [`BATCH`].
    pub(super) batch: usize,
    /// Octets of the record.
    pub(super) octets: AtomicU64,
    /// Lines that are to be written, or that who listens is not done with.
    waiting: watch::Sender<usize>,
}

/// A line that waits until this is dropped.
#[derive(Debug)]
pub struct InHand(Arc<Progress>);

impl InHand {
    fn new(progress: Arc<Progress>) -> Self {
        progress.waiting.send_modify(|lines| *lines += 1);
        Self(progress)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|lines| *lines -= 1);
    }
}

/// What the writer is asked for.
pub(super) enum Order {
    Begin,
    Line(Box<Line>, InHand),
    Report { write: bool, answer: oneshot::Sender<io::Result<Report>> },
    Place(oneshot::Sender<PathBuf>),
}

impl Ledger {
    /// Makes the folder, and the record in it.
    ///
    /// # Errors
    /// E21.
    pub fn create(path: &Path) -> Result<Self, Problem> {
        Self::telling(path, None)
    }

    /// The same; who listens is told every line, and drops what comes with it when he is done with the line.
    ///
    /// # Errors
    /// E21.
    pub fn telling(path: &Path, listener: Option<UnboundedSender<(Line, InHand)>>) -> Result<Self, Problem> {
        Self::with(path, listener, BATCH)
    }

    /// The same with batches of this size.
    pub(super) fn with(
        path: &Path,
        listener: Option<UnboundedSender<(Line, InHand)>>,
        batch: usize,
    ) -> Result<Self, Problem> {
        let (folder, record) = Folder::create(path, Earlier::Keep(0))?;
        let (orders, inbox) = mpsc::channel();
        let progress = Arc::new(Progress { batch, ..Progress::default() });
        let writer = Writer::new(folder, record, progress.clone(), listener);
        let thread = std::thread::spawn(move || writer.run(&inbox));
        Ok(Self { path: path.to_owned(), progress, orders: Some(orders), thread: Some(thread) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets the record take the place of the last one now, not only with the first case.
    pub fn begin(&self) {
        self.order(Order::Begin);
    }

    /// The octets of the record that are written.
    pub fn size(&self) -> u64 {
        self.progress.octets.load(Ordering::Relaxed)
    }

    /// Waits while so many lines are to be written, or listened to, that they would fill the memory.
    pub async fn keep_up(&self) {
        let mut waiting = self.progress.waiting.subscribe();
        // The sender lives as long as the ledger.
        let _ = waiting.wait_for(|lines| *lines < self.progress.batch).await;
    }

    /// Appends to the record.
    pub fn write(&self, line: Line) {
        self.order(Order::Line(Box::new(line), InHand::new(self.progress.clone())));
    }

    /// Writes all reports, and returns what they were made from: nothing if no case has run yet.
    ///
    /// # Errors
    /// The folder cannot be written to any more; also if that was so for an earlier line of the record.
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

    /// Where the record is: not in the folder if that could not be written to any more.
    pub async fn record(&self) -> PathBuf {
        let (answer, place) = oneshot::channel();
        self.order(Order::Place(answer));
        place.await.unwrap_or_else(|_| self.path.join(RESULTS))
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
