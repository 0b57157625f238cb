//! The spec files of the modes `fuzzingclient`, `fuzzingserver` and `massconnect`.

mod fuzzing;
mod massconnect;
mod options;

use std::path::{Path, PathBuf};

pub(crate) use fuzzing::{Choice, FuzzingClientSpec, FuzzingServerSpec, ServerEntry};
pub(crate) use massconnect::MassConnectSpec;
pub(crate) use options::Options;

use super::fields::Unknown;
use super::json::{self, Fault, Node};
use crate::errors::{ErrorCode, Problem};
use crate::text::wrap;

/// What a spec file says, and what in it has no effect.
#[derive(Debug)]
pub(crate) struct Loaded<T> {
    /// The spec.
    pub(crate) spec: T,
    /// One line each, for people.
    pub(crate) warnings: Vec<String>,
    /// The folder that the file names are relative to is the current one; this is the file itself.
    pub(crate) path: PathBuf,
    /// The file was not there and has been written.
    pub(crate) generated: bool,
}

/// A kind of spec file.
pub(crate) trait SpecFile: Sized {
    /// The mode, which is also the name of the file if none is given.
    const MODE: &'static str;
    /// What is written where no file is.
    const DEFAULT: &'static str;

    /// Reads the JSON value; unknown keys are put into the notes.
    fn read(root: &Node, notes: &mut Notes) -> Result<Self, Fault>;
}

/// What was found on the way.
#[derive(Default)]
pub(crate) struct Notes {
    unknown: Vec<Unknown>,
    texts: Vec<String>,
}

impl Notes {
    pub(crate) fn unknown(&mut self, keys: Vec<Unknown>) {
        self.unknown.extend(keys);
    }

    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.texts.push(text.into());
    }
}

/// Loads a file, or `MODE.json` of the current folder, which is written if it does not exist.
///
/// # Errors
/// E18: the file cannot be read or written, is no JSON, or lacks a key; with line and column.
pub(crate) fn load<T: SpecFile>(given: Option<&Path>) -> Result<Loaded<T>, Problem> {
    let path = given.map_or_else(|| PathBuf::from(format!("{}.json", T::MODE)), Path::to_path_buf);
    let generated = given.is_none() && !path.exists();
    if generated {
        std::fs::write(&path, T::DEFAULT).map_err(|error| unreadable(&path, &error))?;
    }
    let octets = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
    let (spec, warnings) = parse(&path.display().to_string(), &octets)?;
    Ok(Loaded { spec, warnings, path, generated })
}

/// Reads the text of a file; `name` is for messages.
///
/// # Errors
/// E18, with line and column.
pub(crate) fn parse<T: SpecFile>(name: &str, octets: &[u8]) -> Result<(T, Vec<String>), Problem> {
    let text = std::str::from_utf8(octets).map_err(|error| {
        let line = octets[..error.valid_up_to()].iter().filter(|octet| **octet == b'\n').count() + 1;
        Problem::new(ErrorCode::E18, format!("{name} is not UTF-8"))
            .fact("where", format!("line {line}, octet {} of the file", error.valid_up_to() + 1))
            .fact("try", format!("iconv -f latin1 -t utf-8 {name} -o {name}.new"))
    })?;
    let mut notes = Notes::default();
    let spec = json::parse(text)
        .and_then(|root| T::read(&root, &mut notes))
        .map_err(|fault| problem(name, text, &fault))?;
    Ok((spec, warnings(name, text, notes)))
}

fn problem(name: &str, text: &str, fault: &Fault) -> Problem {
    let (line, column) = fault.position(text);
    let what = match &fault.headline {
        Some(headline) => format!("{name}: {headline}"),
        None => format!("{name} is not valid JSON"),
    };
    let problem = Problem::new(ErrorCode::E18, format!("{what} (line {line}, column {column})"));
    problem.place(fault.place(text)).advise(fault.advice.as_deref().unwrap_or(COMPARE))
}

const COMPARE: &str = "compare it with the spec that wstest writes where there is none";

fn warnings(name: &str, text: &str, mut notes: Notes) -> Vec<String> {
    notes.unknown.sort_by_key(|unknown| unknown.at);
    let unknown = notes.unknown.into_iter().map(|unknown| {
        let line = text[..unknown.at].matches('\n').count() + 1;
        let hint = match (unknown.meant, known_elsewhere(&unknown.key)) {
            (Some(meant), _) => format!(": did you mean \"{meant}\"?"),
            (None, Some(hint)) => format!(": {hint}"),
            (None, None) => String::new(),
        };
        format!("{name}:{line}: the key {:?} has no effect{hint}", unknown.key)
    });
    unknown.chain(notes.texts.into_iter().map(|text| format!("{name}: {text}"))).collect()
}

/// Keys that circulate in spec files though they never had an effect.
fn known_elsewhere(key: &str) -> Option<&'static str> {
    match key {
        "webport" => Some("the port of the page is set with -u"),
        "enable-ssl" => Some("TLS is on where the address says wss://"),
        "applyMask" => Some("masked frames are always masked and unmasked; 14.* is about masks"),
        "autoPingInterval" | "autoPingTimeout" | "autoPingSize" => {
            Some("the tester sends what its cases say and nothing else")
        }
        "perMessageCompressionAccept" | "perMessageCompressionOffers" => {
            Some("sections 12 and 13 negotiate permessage-deflate themselves")
        }
        "allowHixie76" | "serveFlashSocketPolicy" | "flashSocketPolicy" => {
            Some("only the protocol of RFC 6455 is spoken")
        }
        _ => None,
    }
}

/// What is odd about a spec file, as it is printed.
pub(crate) fn warning(text: &str) -> String {
    const COLUMNS: usize = 58;
    wrap(&format!("warning[W13]: {text}"), COLUMNS).join("\n  ")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let problem = Problem::new(ErrorCode::E18, format!("cannot read {}", path.display()));
    let problem = problem.fact("why", crate::text::io_error(error));
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            let note = "without -s, wstest uses a file of the mode's name, and writes one if there is none";
            problem.fact("note", note).fact("try", "ls *.json")
        }
        _ => problem,
    }
}

#[cfg(test)]
mod tests;
