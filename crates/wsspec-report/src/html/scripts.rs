//! The scripts that play a case again, as they stand on its page.

use askama::Template;
use wsspec_cases::suite;
use wsspec_engine::Verdict;

use super::data::SCRIPTS;
use crate::record::{CaseRecord, Report};
use crate::repro::{self, Form, Script};

/// What plays a case again without wsspec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// None: the page says which command makes them.
    None,
    /// One, and which command makes the others.
    Python,
    /// All.
    All,
}

/// The forms, their names, and how each is used.
const FORMS: [(Form, &str, &str); SCRIPTS] = [
    (Form::Python, "python", "Python 3, nothing else: python3 FILE [HOST [PORT]]"),
    (Form::Nc, "nc", "A shell, nc and od: sh FILE [HOST [PORT]]"),
    (Form::Hex, "raw bytes", "The octets alone: grep -v '^#' FILE | xxd -r -p"),
    (Form::Js, "js", "Node.js, nothing else: node FILE [HOST [PORT]]"),
    (Form::Rust, "rust", "Rust's standard library: rustc FILE -o play && ./play [HOST [PORT]]"),
];

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
    /// Forms that this case has no script of, and why.
    missing: Vec<(String, String)>,
    /// The forms that the command makes, as they are typed.
    forms: Vec<&'static str>,
}

/// They escape what they print.
impl askama::filters::HtmlSafe for Scripts {}
impl askama::filters::HtmlSafe for Text {}

impl Scripts {
    /// Nothing is here for cases that did not fail, and where the record does not hold all that was sent.
    pub(super) fn of(report: &Report, record: &CaseRecord, which: Which, is_folder: bool) -> Self {
        let has_more = !is_folder && record.verdict.is_failure();
        let case = suite().get(record.id);
        let forms = case.map_or_else(Vec::new, |case| repro::forms(report, record, case));
        let mut scripts = Self { scripts: Vec::new(), has_more, missing: Vec::new(), forms };
        // Where there is room, what is not strict has them, too.
        let has_some = record.verdict.is_failure() || (is_folder && record.verdict == Verdict::NonStrict);
        if !has_some {
            return scripts;
        }
        match case.and_then(|case| Script::recorded(report, record, case)) {
            Some(script) => scripts.add(&script, which),
            None => {
                let why = match scripts.forms.is_empty() {
                    true => "the record does not hold all octets that were sent, and they are too many",
                    false => {
                        "the record does not hold all octets that were sent; the command makes them anew"
                    }
                };
                scripts.missing.push(("as texts on this page".to_owned(), why.to_owned()));
            }
        }
        scripts
    }

    fn add(&mut self, script: &Script, which: Which) {
        for (form, label, how) in FORMS {
            match script.fits(form) {
                Ok(()) if which == Which::Python && form != Form::Python => {
                    self.miss(
                        label,
                        "other failures with this cause have them; wsspec repro makes them".to_owned(),
                    );
                }
                Ok(()) if which != Which::None => {
                    let text = script.render(form);
                    self.scripts.extend(text.ok().map(|text| Text { label, how, text }));
                }
                Ok(()) => {}
                Err(unfit) => self.miss(label, unfit.to_string()),
            }
        }
    }

    /// Forms with the same reason are told together.
    fn miss(&mut self, label: &str, why: String) {
        match self.missing.iter_mut().find(|(_, other)| *other == why) {
            Some((labels, _)) => *labels = format!("{labels} or {label}"),
            None => self.missing.push((format!("as {label}"), why)),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.scripts.is_empty()
    }

    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// The forms that the command makes, as they are typed.
    pub(super) fn forms(&self) -> &[&'static str] {
        &self.forms
    }

    /// Forms that there are not, in words, and why.
    pub(super) fn missing(&self) -> &[(String, String)] {
        &self.missing
    }

    /// Takes the markup of each: they stand beside the page.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.scripts).iter().map(super::render).collect()
    }
}
