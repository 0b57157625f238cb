//! What the processes print: a file with a time before each line, bounded, and the last lines in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use wsspec_engine::Verdict;
use wsspec_report::Untrusted;
use wsspec_report::record::{AgentLog, Redaction};

use crate::run::attempt::now;

/// The file in the output folder that gets what the processes print.
pub const LOG: &str = "agent.log";
/// No more octets than this are written; the last lines are known all the same.
const FILE_LIMIT: u64 = 64 << 20;
/// Longer lines are broken.
const LINE_LIMIT: usize = 8 << 10;
/// No line is broken before so much more of it is known: a secret must not be cut in two.
const LOOK_AHEAD: usize = 1 << 10;
/// Lines that are kept in memory.
const LINES: usize = 200;
/// Octets of the log that go into the record of a case: the last ones.
const RECORD_LIMIT: u64 = 64 << 10;

/// A log that several processes may write to.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    redaction: Redaction,
    /// No more octets than this are written.
    limit: u64,
    inner: Mutex<Inner>,
    /// How many lines there have been.
    lines: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    file: Option<File>,
    position: u64,
    last: VecDeque<(u64, String)>,
}

/// The output of one process on its way into the log.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
}

impl Log {
    /// A new log in this folder, or a longer one if it is to be continued.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn create(folder: &Path, name: &str, redaction: Redaction, append: bool) -> io::Result<Self> {
        let path = folder.join(name);
        let file = File::options().create(true).write(true).append(append).truncate(!append).open(&path)?;
        let position = file.metadata()?.len();
        Ok(Self::with(path, Some(file), position, redaction))
    }

    /// A log without a file.
    pub fn nowhere() -> Self {
        Self::with(PathBuf::new(), None, 0, Redaction::default())
    }

    fn with(path: PathBuf, file: Option<File>, position: u64, redaction: Redaction) -> Self {
        let inner = Mutex::new(Inner { file, position, last: VecDeque::new() });
        Self { path, redaction, limit: FILE_LIMIT, inner, lines: watch::Sender::new(0) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in octets.
    pub fn position(&self) -> u64 {
        self.lock().position
    }

    /// Becomes larger with every line.
    pub fn count(&self) -> watch::Receiver<u64> {
        self.lines.subscribe()
    }

    /// The last lines, at most so many, that begin at or behind this place, without their times.
    pub fn tail(&self, from: u64, most: usize) -> Vec<String> {
        let inner = self.lock();
        let behind: Vec<&(u64, String)> = inner.last.iter().filter(|(at, _)| *at >= from).collect();
        behind.iter().skip(behind.len().saturating_sub(most)).map(|(_, line)| line.clone()).collect()
    }

    /// What was written from this place to the current end; none if there is no file. The text is left out where the
    /// case came to this verdict because all is well.
    pub fn since(&self, from: u64, verdict: Verdict) -> Option<AgentLog> {
        let to = self.position();
        let calm = matches!(verdict, Verdict::Pass | Verdict::Info | Verdict::NotApplicable);
        let text = if calm { String::new() } else { self.last(from, to) };
        let has_file = !self.path.as_os_str().is_empty();
        has_file.then(|| AgentLog { from, to, text: text.into(), core: None })
    }

    /// The last octets between two places, from the beginning of a line on.
    fn last(&self, from: u64, to: u64) -> String {
        let text = self.read(from.max(to.saturating_sub(RECORD_LIMIT)), to);
        let cut = to - from > RECORD_LIMIT;
        match text.split_once('\n') {
            Some((_, whole_lines)) if cut => whole_lines.to_owned(),
            _ => text,
        }
    }

    fn read(&self, from: u64, to: u64) -> String {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(from))?;
            let mut octets = Vec::new();
            file.take(to - from).read_to_end(&mut octets)?;
            io::Result::Ok(octets)
        };
        // A log that is gone is no reason to lose a verdict.
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }

    /// The length of the first line, or of the part of it that is written as one.
    fn next_line(&self, octets: &[u8]) -> Option<usize> {
        if let Some(end) = octets.iter().take(LINE_LIMIT + LOOK_AHEAD).position(|octet| *octet == b'\n') {
            return Some(end + 1);
        }
        if octets.len() < LINE_LIMIT + LOOK_AHEAD {
            return None;
        }
        let secrets = self.redaction.in_octets(&octets[..LINE_LIMIT + LOOK_AHEAD]);
        let cut = secrets.into_iter().find(|secret| secret.start < LINE_LIMIT && secret.end > LINE_LIMIT);
        Some(cut.map_or(LINE_LIMIT, |secret| secret.end))
    }

    /// Writes a line: its secrets replaced, what is invisible made visible.
    fn line(&self, octets: &[u8]) {
        let text = self.redaction.text(Untrusted::from_octets(octets).raw());
        let text = Untrusted::from(text).for_terminal(LINE_LIMIT * 2);
        let mut inner = self.lock();
        let written = format!("{} {text}\n", now());
        let at = inner.position;
        if inner.position < self.limit {
            inner.write(&written);
            if inner.position >= self.limit {
                inner.write("-- the log ends here: it has become too long --\n");
            }
        }
        inner.last.push_back((at, text));
        if inner.last.len() > LINES {
            inner.last.pop_front();
        }
        drop(inner);
        self.lines.send_modify(|lines| *lines += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, text: &str) {
        let Some(file) = &mut self.file else { return };
        // A full disk ends the log, not the run.
        match file.write_all(text.as_bytes()) {
            Ok(()) => self.position += text.len() as u64,
            Err(_) => self.file = None,
        }
    }
}

impl Lines {
    /// Takes what was printed; whole lines go into the log, and so do the parts of lines that are too long.
    pub(super) fn feed(&mut self, octets: &[u8], log: &Log) {
        self.pending.extend_from_slice(octets);
        let mut done = 0;
        while let Some(length) = log.next_line(&self.pending[done..]) {
            log.line(trimmed(&self.pending[done..done + length]));
            done += length;
        }
        self.pending.drain(..done);
    }

    /// The last line may have no end.
    pub(super) fn end(&mut self, log: &Log) {
        if !self.pending.is_empty() {
            log.line(trimmed(&self.pending));
            self.pending.clear();
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &tempfile::TempDir) -> Log {
        Log::create(folder.path(), LOG, Redaction::default().value("s3cret"), false).unwrap()
    }

    fn text(log: &Log) -> String {
        std::fs::read_to_string(log.path()).unwrap()
    }

    #[test]
    fn lines_get_a_time_and_lose_their_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let (log, mut lines) = (log(&folder), Lines::default());
        lines.feed(b"listening on 0.0.0", &log);
        assert_eq!(log.position(), 0);
        lines.feed(b".0:1\r\ntoken s3cret\nno end", &log);
        lines.end(&log);
        let text = text(&log);
        assert!(
            text.lines().all(|line| line.as_bytes()[23] == b'Z' && line.as_bytes()[24] == b' '),
            "{text}"
        );
        assert!(text.contains("token [redacted 6 bytes]\n") && !text.contains("s3cret"), "{text}");
        assert_eq!(log.tail(0, 2), ["token [redacted 6 bytes]", "no end"]);
        assert_eq!(log.position(), text.len() as u64);
    }

    #[test]
    fn hostile_text_cannot_move_a_cursor_or_fake_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let (log, mut lines) = (log(&folder), Lines::default());
        lines.feed(b"\x1b[2J\x1b]0;x\x07\rfaked \xff\n", &log);
        assert_eq!(log.tail(0, 9), ["\\x1b[2J\\x1b]0;x\\x07\\rfaked \\xff"]);
        assert!(!text(&log).trim_end().chars().any(char::is_control), "{}", text(&log));
    }

    #[test]
    fn memory_and_disk_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log { limit: 1 << 20, ..log(&folder) };
        let mut lines = Lines::default();
        let much = vec![b'x'; 60_000];
        for _ in 0..30 {
            lines.feed(&much, &log);
            assert!(lines.pending.len() < LINE_LIMIT + LOOK_AHEAD);
        }
        assert!(log.position() < log.limit + 3 * LINE_LIMIT as u64);
        assert_eq!(log.position(), std::fs::metadata(log.path()).unwrap().len());
        assert!(text(&log).ends_with("too long --\n"));
        lines.feed(b"\nthe last words\n", &log);
        assert_eq!(log.tail(0, 1), ["the last words"]);
        assert!(log.lock().last.len() <= LINES);
    }

    #[test]
    fn a_case_gets_its_part() {
        let folder = tempfile::tempdir().unwrap();
        let (log, mut lines) = (log(&folder), Lines::default());
        lines.feed(b"before\n", &log);
        let from = log.position();
        let nothing = AgentLog { from, to: from, ..AgentLog::default() };
        assert_eq!(log.since(from, Verdict::Fail), Some(nothing));
        lines.feed(b"during\n", &log);
        let part = log.since(from, Verdict::Fail).unwrap();
        assert_eq!((part.from, part.to), (from, log.position()));
        assert!(part.text.raw().ends_with("Z during\n"), "{part:?}");
        let part = log.since(from, Verdict::Pass).unwrap();
        assert_eq!((part.to, part.text.is_empty()), (log.position(), true));
        assert_eq!(Log::nowhere().since(0, Verdict::Fail), None);
    }

    #[test]
    fn of_much_that_was_written_the_record_has_the_last_64_kib_in_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let (log, mut lines) = (log(&folder), Lines::default());
        (0..5000).for_each(|number| lines.feed(format!("line {number}\n").as_bytes(), &log));
        let part = log.since(0, Verdict::Fail).unwrap();
        assert_eq!((part.from, part.to), (0, log.position()));
        let text = part.text.raw();
        assert!(
            text.len() as u64 <= RECORD_LIMIT && text.len() as u64 > RECORD_LIMIT - 100,
            "{}",
            text.len()
        );
        assert!(text.starts_with("20") && text.ends_with(" line 4999\n"), "{}", &text[..60]);
    }

    #[test]
    fn a_secret_that_lies_across_a_break_of_a_long_line_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (log, mut lines) = (log(&folder), Lines::default());
        let mut long = vec![b'x'; LINE_LIMIT - 3];
        long.extend_from_slice(b"s3cret and more");
        long.extend_from_slice(&[b'y'; LOOK_AHEAD]);
        lines.feed(&long, &log);
        assert!(!log.tail(0, 9).concat().contains("s3c"), "{:?}", log.tail(0, 9));
    }
}
