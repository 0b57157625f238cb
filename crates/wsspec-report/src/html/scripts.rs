//! The scripts that play a case again, as they stand on its page.

use askama::Template;
use wsspec_cases::suite;

use crate::record::{CaseRecord, Report};
use crate::repro::{Form, Script};

/// What plays a case again without wsspec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// None: the page says which command makes them.
    None,
    /// Those that need the least, to be read without JavaScript; the script of the page has the others.
    Few,
    /// All.
    All,
}

impl Which {
    const fn forms(self) -> &'static [(Form, &'static str, &'static str)] {
        const ALL: [(Form, &str, &str); 5] = [
            (Form::Python, "python", "Python 3, nothing else: python3 FILE [HOST [PORT]]"),
            (Form::Nc, "nc", "A shell, nc and od: sh FILE [HOST [PORT]]"),
            (Form::Hex, "raw bytes", "The octets alone: grep -v '^#' FILE | xxd -r -p"),
            (Form::Js, "js", "Node.js, nothing else: node FILE [HOST [PORT]]"),
            (Form::Rust, "rust", "Rust's standard library: rustc FILE -o play && ./play [HOST [PORT]]"),
        ];
        match self {
            Self::None => &[],
            Self::Few => ALL.split_at(3).0,
            Self::All => &ALL,
        }
    }
}

/// One script.
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
    /// The data of the page has more of them.
    has_more: bool,
}

/// It escapes what it prints.
impl askama::filters::HtmlSafe for Scripts {}

impl Scripts {
    /// Nothing is here for cases that did not fail, and where the record does not hold all that was sent.
    pub(super) fn of(report: &Report, record: &CaseRecord, which: Which, has_more: bool) -> Self {
        let scripts = if record.verdict.is_failure() { texts(report, record, which) } else { Vec::new() };
        Self { scripts, has_more: has_more && record.verdict.is_failure() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.scripts.is_empty()
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
