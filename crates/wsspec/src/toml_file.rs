//! TOML files that people write: every message names line and column, and shows the place.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, Key, TableLike, Value};

use crate::errors::{ErrorCode, Problem};
use crate::text::did_you_mean;
use crate::wstest::json::Fault;

/// Larger files are not read.
const LIMIT: u64 = 4 << 20;
/// The format that this version reads.
pub(crate) const SCHEMA: i64 = 1;

/// A TOML file and its text.
#[derive(Debug)]
pub struct TomlFile {
    /// Where it is.
    pub path: PathBuf,
    document: Document<String>,
}

/// E18: a folder where a file is wanted.
fn folder(path: &Path, advice: &str) -> Problem {
    let files = fs::read_dir(path).into_iter().flatten().flatten().map(|file| file.path());
    let inside = files.filter(|file| file.extension().is_some_and(|end| end == "toml")).min();
    let problem = Problem::new(ErrorCode::E18, format!("{} is a folder, not a file", path.display()));
    match inside {
        Some(file) => problem.fact("try", format!("{}   (a file in it)", file.display())),
        None => problem.fact("why", "and there is no .toml file in it").fact("try", advice),
    }
}

impl TomlFile {
    /// Reads and parses a file; `advice` is what to type if there is none.
    ///
    /// # Errors
    /// E18: it cannot be read, or it is no TOML.
    pub fn read(path: &Path, advice: &str) -> Result<Self, Problem> {
        let unreadable = |why: String| {
            Problem::new(ErrorCode::E18, format!("cannot read {}", path.display()))
                .fact("why", why)
                .fact("try", advice)
        };
        let found = fs::metadata(path).map_err(|error| unreadable(crate::text::io_error(&error)))?;
        if found.is_dir() {
            return Err(folder(path, advice));
        }
        if found.len() > LIMIT {
            return Err(unreadable("it is larger than 4 MiB".to_owned()));
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(crate::text::io_error(&error)))?;
        Self::parse(path, text)
    }

    /// Parses a text that came from this file.
    ///
    /// # Errors
    /// E18: it is no TOML.
    pub fn parse(path: &Path, text: String) -> Result<Self, Problem> {
        match Document::parse(text.clone()) {
            Ok(document) => Ok(Self { path: path.to_owned(), document }),
            Err(error) => {
                let at = error.span().unwrap_or(0..0);
                let message = error.message().lines().next().unwrap_or_default().to_owned();
                let fault = Fault::new(at, message);
                Err(problem(path, &text, &fault, "is not valid TOML")
                    .fact("try", "https://toml.io   the syntax"))
            }
        }
    }

    /// The tables and keys.
    pub fn root(&self) -> &dyn TableLike {
        self.document.as_table()
    }

    /// The line on which something stands, from 1.
    pub fn line(&self, at: Option<Range<usize>>) -> usize {
        Fault::new(self.place(at), "").position(self.document.raw()).0
    }

    /// E18 at this place.
    pub fn wrong(&self, at: Option<Range<usize>>, what: &str, message: impl Into<String>) -> Problem {
        let fault = Fault::new(self.place(at), message);
        problem(&self.path, self.document.raw(), &fault, what)
    }

    /// E18: nothing has this name here.
    pub fn unknown_key(&self, key: &Key, known: &[&str]) -> Problem {
        const SHORT: usize = 12;
        let meant = did_you_mean(key.get(), known.iter().copied());
        let message = meant
            .first()
            .map_or_else(|| "there is no such key".to_owned(), |name| format!("did you mean {name:?}?"));
        let problem = self.wrong(key.span(), &format!("unknown key {:?}", key.get()), message);
        if known.len() <= SHORT {
            let advice = meant.first().copied().unwrap_or("...");
            return problem.fact("known", known.join(" ")).fact("try", format!("{advice} = ..."));
        }
        if known.contains(&"url") {
            let here =
                "url, headers, and the options of wsspec run that say how a server is reached and started";
            return problem.fact("known", here).fact("try", "wsspec config init   (shows a target)");
        }
        problem.fact("known", "every long option of the command").fact("try", "wsspec help run")
    }

    /// E18: the value is not of the form that it should have.
    pub fn wrong_value(&self, key: &str, item: &Item, form: &str) -> Problem {
        self.wrong(item.span(), &format!("the value of {key:?} cannot be used"), form)
            .fact("try", format!("{key} = {}", example(form)))
    }

    /// Refuses a file of another format.
    ///
    /// # Errors
    /// E18.
    pub fn check_schema(&self) -> Result<(), Problem> {
        match self.root().get("schema").map(|item| (item, item.as_integer())) {
            Some((_, Some(SCHEMA))) => Ok(()),
            Some((item, _)) => Err(self
                .wrong(item.span(), "another format", format!("this version reads schema = {SCHEMA}"))
                .advise("a newer version of wsspec")),
            None => Err(self
                .wrong(Some(0..0), "the format is not named", format!("the first line is: schema = {SCHEMA}"))
                .fact("try", format!("schema = {SCHEMA}"))),
        }
    }

    fn place(&self, at: Option<Range<usize>>) -> Range<usize> {
        let length = self.document.raw().len();
        at.filter(|at| at.end <= length).unwrap_or(0..0)
    }
}

fn problem(path: &Path, text: &str, fault: &Fault, what: &str) -> Problem {
    let (line, column) = fault.position(text);
    Problem::new(ErrorCode::E18, format!("{}:{line}:{column}: {what}", path.display()))
        .place(fault.place(text))
}

/// What stands behind the last comma of `a list of texts, as in ["a"]`.
fn example(form: &str) -> &str {
    form.rsplit_once("as in ").map_or("...", |(_, example)| example)
}

/// A text, or none if the value is something else.
pub(crate) fn text(item: &Item) -> Option<String> {
    item.as_str().map(str::to_owned)
}

/// Texts: a list of them, or a single one.
pub(crate) fn texts(item: &Item) -> Option<Vec<String>> {
    match item.as_value()? {
        Value::String(text) => Some(vec![text.value().clone()]),
        Value::Array(array) => array.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<TomlFile, Problem> {
        TomlFile::parse(Path::new("x.toml"), text.to_owned())
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        let text = file("a = 1\nb = \n").unwrap_err().to_string();
        assert!(
            text.contains("x.toml:2:5: is not valid TOML") && text.contains("2 | b =") && text.contains('^'),
            "{text}"
        );
        let file = file("schema = 1\n[run]\n  jbos = 2\n").unwrap();
        let (key, _) = file.root().get("run").unwrap().as_table().unwrap().get_key_value("jbos").unwrap();
        let text = file.unknown_key(key, &["jobs", "set"]).to_string();
        assert!(text.contains("x.toml:3:3: unknown key \"jbos\""), "{text}");
        assert!(text.contains("^^^^ did you mean \"jobs\"?"), "{text}");
    }

    #[test]
    fn the_format_has_to_be_the_one_that_is_known() {
        assert!(file("schema = 1\n").unwrap().check_schema().is_ok());
        for text in ["", "schema = 2\n", "schema = \"1\"\n"] {
            assert!(file(text).unwrap().check_schema().is_err(), "{text}");
        }
    }
}
