use std::collections::HashMap;

use rayon::prelude::*;
use wsspec_cases::CaseId;

use crate::Untrusted;
use crate::record::{CaseRecord, EndRecord, Line, RunRecord, SCHEMA};

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
    #[error("line {number} is no record of a result: {source}")]
    Line {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The first line does not say what was run.
    #[error("the first line is no run record")]
    NoRun,
    /// A newer, incompatible format.
    #[error("the results are in the format {0:?}; this version reads {SCHEMA:?}")]
    Schema(String),
}

impl Report {
    /// Whether the run came to its end and every selected case ran.
    pub fn is_complete(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.complete)
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

/// Reads `results.jsonl`.
///
/// Unknown fields and unknown kinds of lines are ignored, and so is a last line that was cut off
/// ([`Report::torn`]). A file to which a second run was appended is read as one.
///
/// # Errors
/// If nothing can be read, a line in the middle is damaged, or the format is another one.
pub fn read(octets: impl AsRef<[u8]>) -> Result<Report, RecordError> {
    let mut report = Report::default();
    let mut places = HashMap::new();
    let lines = octets.as_ref().split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    let lines: Vec<(usize, &[u8])> = lines.collect();
    let last = lines.last().ok_or(RecordError::Empty)?.0;
    let read: Vec<_> = lines.into_par_iter().map(|(at, line)| (at, Line::from_json(line))).collect();
    for (at, line) in read {
        match line {
            Ok(Some(Line::Run(run))) if run.schema != SCHEMA => return Err(RecordError::Schema(run.schema)),
            Ok(Some(Line::Run(run))) => report.add_run(run),
            Ok(Some(_)) if report.run.schema.is_empty() => return Err(RecordError::NoRun),
            Ok(Some(Line::Case(case))) => add_case(&mut report.cases, &mut places, *case),
            Ok(Some(Line::End(end))) => report.end = Some(end),
            Ok(None) => {}
            Err(_) if at == last && at > 0 => report.torn = true,
            Err(source) => return Err(RecordError::Line { number: at + 1, source }),
        }
    }
    sort(&mut report);
    Ok(report)
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
    report.cases.sort_by_key(|case| (order[&case.agent], case.id));
}
