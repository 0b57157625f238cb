//! What stdout holds if it holds data: each line as soon as it is known.

use std::collections::HashMap;

use wsspec_cases::CaseId;
use wsspec_engine::Verdict;
use wsspec_report::record::{CaseRecord, EndRecord, Line, Report};
use wsspec_report::strictness::Strictness;
use wsspec_report::tap;

use super::args::Format;
use crate::terminal::Console;

/// The data on stdout, in the form that was asked for; nothing if that is text for people.
pub struct Feed<'a> {
    console: &'a Console,
    points: tap::Points,
    /// Cases that are judged without a connection are judged again and again: what has been said of them.
    told: HashMap<(String, CaseId), Verdict>,
}

impl<'a> Feed<'a> {
    /// Begins. With several implementations each line says which one it is about.
    pub fn new(console: &'a Console, several: bool, strictness: Strictness) -> Self {
        if console.format() == Format::Tap {
            console.data(tap::VERSION);
        }
        Self { console, points: tap::Points::new(several, strictness), told: HashMap::new() }
    }

    /// A line of the record, as it is written there.
    pub fn json(&self, line: &str) {
        if self.console.format() == Format::Json {
            self.console.data_json(line);
        }
    }

    /// A verdict that stands.
    pub fn case(&mut self, record: &CaseRecord) {
        match self.console.format() {
            Format::Lines => self.console.data(&line(record)),
            Format::Dots => self.console.data_part(self.console.style.sign(record.verdict)),
            Format::Tap => self.console.data(&self.points.point(&record.whole())),
            Format::Human | Format::Json | Format::None => {}
        }
    }

    /// A line of a record in which a case is judged once, but for those without a connection.
    pub fn line(&mut self, line: &Line) {
        if self.console.format() == Format::Json {
            return self.json(&line.to_json());
        }
        match line {
            Line::Case(record) if self.is_news(record) => self.case(record),
            Line::End(end) => self.end(Some(end)),
            _ => {}
        }
    }

    fn is_news(&mut self, record: &CaseRecord) -> bool {
        let passive = wsspec_cases::suite().get(record.id).is_some_and(wsspec_cases::Case::is_passive);
        let name = (record.agent.raw().to_owned(), record.id);
        !passive || self.told.insert(name, record.verdict) != Some(record.verdict)
    }

    /// Nothing more comes.
    pub fn end(&self, end: Option<&EndRecord>) {
        match self.console.format() {
            Format::Tap => self.console.data(&self.points.end(end)),
            Format::Dots => self.console.data(""),
            Format::Human | Format::Lines | Format::Json | Format::None => {}
        }
    }
}

/// Prints a whole record.
pub fn tell(report: &Report, console: &Console) {
    let mut feed = Feed::new(console, report.agents().len() > 1, Strictness::of(&report.run));
    if console.format() == Format::Json {
        feed.json(&Line::Run(report.run.clone()).to_json());
        report.cases.iter().for_each(|record| feed.json(&record.whole().to_json()));
        return report.end.iter().for_each(|end| feed.json(&Line::End(end.clone()).to_json()));
    }
    report.cases.iter().for_each(|record| feed.case(record));
    feed.end(report.end.as_ref());
}

/// `pass`, `1.1.1`, its name, milliseconds, implementation, with tabs between.
fn line(record: &CaseRecord) -> String {
    let agent = record.agent.for_ci_log(200);
    let took = record.duration_us as f64 / 1e3;
    format!("{}\t{}\t{}\t{took:.3}\t{agent}", record.verdict.word(), record.id, record.slug)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use wsspec_report::record::read_file;

    use super::*;
    use crate::cli::Global;

    /// It took a third of the time of a large report, though nothing was to be printed.
    #[test]
    fn records_were_read_again_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        std::fs::write(&path, include_str!("../terminal/testdata/results.jsonl")).unwrap();
        let report = read_file(File::open(&path).unwrap()).unwrap();
        // What is read again is missed.
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        let told = |format| {
            let console = Console::new(&Global::default());
            console.set_format(format);
            tell(&report, &console);
            report.check_read()
        };
        assert!(told(Format::Human).is_ok());
        assert!(told(Format::None).is_ok());
        assert!(told(Format::Tap).is_err(), "its points tell what only the whole record has");
    }
}
