//! The scripts that play a case again, as they stand on its page.

use askama::Template;
use wsspec_cases::suite;

use super::data::SCRIPTS;
use crate::record::{CaseRecord, Report};
use crate::repro::{Form, Script};

/// What plays a case again without wsspec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// None: the page says which command makes them.
    None,
    /// All.
    All,
}

impl Which {
    const fn forms(self) -> &'static [(Form, &'static str, &'static str)] {
        const ALL: [(Form, &str, &str); SCRIPTS] = [
            (Form::Python, "python", "Python 3, nothing else: python3 FILE [HOST [PORT]]"),
            (Form::Nc, "nc", "A shell, nc and od: sh FILE [HOST [PORT]]"),
            (Form::Hex, "raw bytes", "The octets alone: grep -v '^#' FILE | xxd -r -p"),
            (Form::Js, "js", "Node.js, nothing else: node FILE [HOST [PORT]]"),
            (Form::Rust, "rust", "Rust's standard library: rustc FILE -o play && ./play [HOST [PORT]]"),
        ];
        match self {
            Self::None => &[],
            Self::All => &ALL,
        }
    }
}

/// One script.
#[derive(Template)]
#[template(path = "script.html", whitespace = "minimize")]
struct Text {
    label: &'static str,
    how: &'static str,
    text: String,
}

/// The scripts of a case.
#[derive(Template)]
#[template(path = "scripts.html", whitespace = "minimize")]
pub(super) struct Scripts {
    scripts: Vec<Text>,
    /// They are in the data of the page.
    has_more: bool,
}

/// They escape what they print.
impl askama::filters::HtmlSafe for Scripts {}
impl askama::filters::HtmlSafe for Text {}

impl Scripts {
    /// Nothing is here for cases that did not fail, and where the record does not hold all that was sent.
    pub(super) fn of(report: &Report, record: &CaseRecord, which: Which, has_more: bool) -> Self {
        let scripts = if record.verdict.is_failure() { texts(report, record, which) } else { Vec::new() };
        Self { scripts, has_more: has_more && record.verdict.is_failure() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.scripts.is_empty()
    }

    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// The markup of each.
    pub(super) fn printed(&self) -> Vec<String> {
        self.scripts.iter().map(super::render).collect()
    }
}

fn texts(report: &Report, record: &CaseRecord, which: Which) -> Vec<Text> {
    if which == Which::None {
        return Vec::new();
    }
    let script = suite().get(record.id).and_then(|case| Script::recorded(report, record, case));
    let Some(script) = script else { return Vec::new() };
    let forms = which.forms().iter();
    forms
        .filter_map(|&(form, label, how)| Some(Text { label, how, text: script.render(form).ok()? }))
        .collect()
}
