use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use wsspec_cases::CaseId;

use crate::Untrusted;
use crate::record::listed;
use crate::record::rest::Source;
use crate::record::{CaseRecord, EndRecord, Line, RunRecord, SCHEMA};

/// So many octets are read at a time, and then the rest of a line. Two such batches are in memory.
const BATCH: usize = 2 << 20;

/// A whole file of results.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was going to run.
    pub run: RunRecord,
    /// One record per agent and case, the last one if it was repeated; agents in the order in which
    /// they appeared, cases in the order of their ids.
    pub cases: Vec<CaseRecord>,
    /// How the run ended; none if it did not come to its end.
    pub end: Option<EndRecord>,
    /// The last line was cut off, as by a crash.
    pub torn: bool,
}

/// The file holds no results.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no line that could be read.
    #[error("the file is empty")]
    Empty,
    /// A line other than the last one is damaged.
    #[error("line {number}, column {column} is no record of a result: {}", .source.to_string().split(" at line ").next().unwrap_or_default(), column = .source.column())]
    Line {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The first line does not say what was run.
    #[error("the first line is no run record")]
    NoRun,
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A newer, incompatible format.
    #[error("the results are in the format {0:?}; this version reads {SCHEMA:?}")]
    Schema(String),
}

impl Report {
    /// Whether the run came to its end and every selected case ran.
    pub fn is_complete(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.complete)
    }

    /// Whether there is an end and not one case before it: nothing was tested.
    pub fn is_without_cases(&self) -> bool {
        self.cases.is_empty() && self.end.as_ref().is_some_and(|end| !end.complete)
    }

    /// Why not everything ran, if that is known; the first line says it, further ones say more.
    pub fn reason(&self) -> Option<&Untrusted> {
        self.end.as_ref().filter(|end| !end.complete).and_then(|end| end.reason.as_ref())
    }

    /// How many cases were chosen and not run, of this implementation. A run that was killed has not listed them.
    pub fn not_run(&self, agent: &Untrusted) -> usize {
        let all = self.end.iter().flat_map(|end| &end.not_run);
        let listed: usize =
            all.filter(|not_run| not_run.agent == *agent).map(|not_run| not_run.cases.len()).sum();
        let unseen = match &self.end {
            Some(end) if end.complete => 0,
            _ => usize::try_from(self.run.selected)
                .unwrap_or(usize::MAX)
                .saturating_sub(self.of_agent(agent).count()),
        };
        listed.max(unseen)
    }

    /// The implementations under test, in the order in which they appeared.
    pub fn agents(&self) -> Vec<&Untrusted> {
        let mut agents: Vec<&Untrusted> = self.run.targets.iter().map(|target| &target.agent).collect();
        agents.extend(self.cases.iter().map(|case| &case.agent));
        let mut seen = std::collections::HashSet::new();
        agents.retain(|agent| seen.insert(*agent));
        agents
    }

    /// The results of one agent in the order of their ids.
    pub fn of_agent<'a>(&'a self, agent: &'a Untrusted) -> impl Iterator<Item = &'a CaseRecord> {
        self.cases.iter().filter(move |case| case.agent == *agent)
    }

    /// The result of one case of one agent.
    pub fn get(&self, agent: &Untrusted, id: CaseId) -> Option<&CaseRecord> {
        self.cases.iter().find(|case| case.id == id && case.agent == *agent)
    }

    fn add_run(&mut self, run: RunRecord) {
        self.end = None;
        if self.run.schema.is_empty() {
            self.run = run;
            return;
        }
        for target in run.targets {
            if !self.run.targets.contains(&target) {
                self.run.targets.push(target);
            }
        }
    }
}

/// Reads `results.jsonl`, all of which is at hand.
///
/// Unknown fields and unknown kinds of lines are ignored, and so is a last line that was cut off
/// ([`Report::torn`]). A file to which a second run was appended is read as one.
///
/// # Errors
/// If nothing can be read, a line in the middle is damaged, or the format is another one.
pub fn read(octets: impl AsRef<[u8]>) -> Result<Report, RecordError> {
    read_all(Reader::default(), octets.as_ref())
}

/// The same of a file, some lines at a time. Of each record all but what tables and lists show is left in the file:
/// [`CaseRecord::whole`] reads it again. Where nothing failed in a case, what is left is looked at no further than to see
/// that it is JSON until it is read again.
///
/// # Errors
/// As [`read`].
pub fn read_file(file: File) -> Result<Report, RecordError> {
    let source = Arc::new(Source::new(file));
    let reader = Reader { source: Some(source.clone()), ..Reader::default() };
    read_all(reader, BufReader::new(&*source.lock()))
}

/// While lines are looked at, the next ones are read.
fn read_all(mut reader: Reader, mut from: impl BufRead + Send) -> Result<Report, RecordError> {
    let (mut batch, mut next) = (Vec::new(), Vec::new());
    let mut is_last = fill(&mut batch, &mut from)?;
    while !is_last {
        let (added, filled) = rayon::join(|| reader.add(&batch, false), || fill(&mut next, &mut from));
        added?;
        is_last = filled?;
        std::mem::swap(&mut batch, &mut next);
    }
    reader.add(&batch, true)?;
    reader.finish()
}

/// Puts the next whole lines in place of others, and tells whether they are the last ones.
fn fill(batch: &mut Vec<u8>, from: &mut impl BufRead) -> io::Result<bool> {
    batch.clear();
    batch.reserve(BATCH + BATCH / 4);
    from.by_ref().take(BATCH as u64).read_to_end(batch)?;
    from.read_until(b'\n', batch)?;
    Ok(from.fill_buf()?.is_empty())
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    report: Report,
    /// Where in the report a case is.
    places: HashMap<(Untrusted, CaseId), usize>,
    /// How many lines were read.
    lines: usize,
    /// How many octets they had.
    octets: u64,
    /// There was something else than line breaks.
    has_lines: bool,
    /// The file, if the records leave their rest there.
    source: Option<Arc<Source>>,
}

impl Reader {
    fn add(&mut self, batch: &[u8], is_last: bool) -> Result<(), RecordError> {
        let length = batch.iter().rposition(|&b| b != b'\n').map_or(0, |at| at + 1);
        let lines: Vec<&[u8]> = batch[..length].split(|&b| b == b'\n').collect();
        self.has_lines |= length > 0;
        let end = if is_last { self.lines + lines.len() } else { usize::MAX };
        let mut from = self.octets;
        self.octets += batch.len() as u64;
        let placed: Vec<_> = lines
            .into_iter()
            .map(|line| {
                let place = from..from + line.len() as u64;
                from = place.end + 1;
                (line, place)
            })
            .collect();
        let read = |(line, place): (&[u8], _)| {
            (!line.is_empty()).then(|| read_line(line, place, self.source.as_ref()))
        };
        let read: Vec<_> = placed.into_par_iter().map(read).collect();
        for line in read {
            self.lines += 1;
            match line {
                Some(Err(_)) if self.lines == end && end > 1 => self.report.torn = true,
                Some(Err(source)) => return Err(RecordError::Line { number: self.lines, source }),
                Some(Ok(Some(line))) => self.add_line(line)?,
                Some(Ok(None)) | None => {}
            }
        }
        Ok(())
    }

    fn add_line(&mut self, line: Line) -> Result<(), RecordError> {
        match line {
            Line::Run(run) if run.schema != SCHEMA => return Err(RecordError::Schema(run.schema)),
            Line::Run(run) => self.report.add_run(run),
            _ if self.report.run.schema.is_empty() => return Err(RecordError::NoRun),
            Line::Case(case) => add_case(&mut self.report.cases, &mut self.places, *case),
            Line::End(end) => self.report.end = Some(end),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Report, RecordError> {
        if self.report.run.schema.is_empty() {
            return Err(if self.has_lines { RecordError::NoRun } else { RecordError::Empty });
        }
        sort(&mut self.report);
        Ok(self.report)
    }
}

fn read_line(
    line: &[u8],
    place: Range<u64>,
    source: Option<&Arc<Source>>,
) -> Result<Option<Line>, serde_json::Error> {
    let Some(source) = source else { return Line::from_json(line) };
    let is_listed = Line::begins_as_case(line) && !Line::may_have_failed(line);
    let listed = if is_listed { listed::read(line)? } else { None };
    let mut line = match listed {
        Some(case) => Some(Line::Case(Box::new(case))),
        None => Line::from_json(line)?,
    };
    if let Some(Line::Case(case)) = &mut line {
        case.leave(source.clone(), place);
    }
    Ok(line)
}

/// The last record of a case stands.
fn add_case(cases: &mut Vec<CaseRecord>, places: &mut HashMap<(Untrusted, CaseId), usize>, case: CaseRecord) {
    match places.get(&(case.agent.clone(), case.id)) {
        Some(&place) => cases[place] = case,
        None => {
            places.insert((case.agent.clone(), case.id), cases.len());
            cases.push(case);
        }
    }
}

fn sort(report: &mut Report) {
    let order: HashMap<Untrusted, usize> =
        report.agents().into_iter().enumerate().map(|(place, agent)| (agent.clone(), place)).collect();
    report.cases.sort_unstable_by_key(|case| (order[&case.agent], case.id));
}
