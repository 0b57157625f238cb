//! What goes wrong for a user: a code, what was tried and what came back, the likely reason, a command to type.

mod advice;
mod catalogue;
mod place;

use std::fmt;

pub use catalogue::{ErrorCode, Page};
pub(crate) use place::Place;

use crate::exit_code::ExitCode;
use crate::text::wrap;

/// Lines are no longer than this unless another width is asked for, but for those that are to be typed.
const WIDTH: usize = 80;
/// Less is asked for in vain.
const NARROWEST: usize = 40;
/// What stands below the first line and has no label begins so far to the right.
const INDENT: usize = 4;

/// An error that the user can do something about.
#[derive(Debug)]
pub struct Problem {
    /// Which one.
    pub code: ErrorCode,
    what: String,
    place: Option<Box<Place>>,
    list: Vec<String>,
    facts: Vec<Fact>,
    exit: ExitCode,
}

#[derive(Debug)]
struct Fact {
    label: &'static str,
    text: String,
    /// Whether the text begins with what is to be typed.
    is_typed: bool,
}

impl Problem {
    /// An error of this kind; `what` says what is wrong in a few words.
    pub fn new(code: ErrorCode, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            place: None,
            list: Vec::new(),
            facts: Vec::new(),
            exit: code.page().exit,
        }
    }

    /// Adds a line. The labels are `tried`, `sent`, `got`, `usually`, `why`, `try`, `note` and the like.
    pub fn fact(mut self, label: &'static str, text: impl Into<String>) -> Self {
        self.facts.push(Fact { label, text: text.into(), is_typed: is_typed(label) });
        self
    }

    /// Adds a `try` in words, where there is nothing to type.
    pub fn advise(mut self, text: impl Into<String>) -> Self {
        self.facts.push(Fact { label: "try", text: text.into(), is_typed: false });
        self
    }

    /// Shows the place of a text where it is wrong, below the first line.
    pub(crate) fn place(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// Adds what is wrong one by one, below the first line.
    pub(crate) fn list(mut self, list: Vec<String>) -> Self {
        self.list = list;
        self
    }

    /// Fills in the address, which who found the error did not know, and the command, to which a `try` belongs that is
    /// an option.
    pub fn at(mut self, authority: &str, typed: impl Fn(&[&str]) -> String) -> Self {
        for Fact { label, text, .. } in &mut self.facts {
            *text = text.replace("HOST:PORT", authority);
            if *label == "try" && text.starts_with('-') {
                let (options, note) = text.split_once("   ").unwrap_or((text, ""));
                let command = typed(&options.split(' ').collect::<Vec<_>>());
                *text = format!("{command}   {note}").trim_end().to_owned();
            }
        }
        self
    }

    /// Another exit status than the usual one of this error.
    pub fn exit_with(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// What is wrong, in a few words.
    pub fn headline(&self) -> &str {
        &self.what
    }

    /// The status that the process ends with.
    pub fn exit(&self) -> ExitCode {
        self.exit
    }
}

/// The whole text, several lines, without the exit status; `{:60}` has lines of 60 columns.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = f.width().unwrap_or(WIDTH).clamp(NARROWEST, WIDTH);
        f.write_str(&wrap(&format!("error[{}]: {}", self.code, self.what), width).join("\n  "))?;
        for line in self.place.iter().flat_map(|place| place.lines(width - INDENT)) {
            write!(f, "\n{:INDENT$}{line}", "")?;
        }
        for line in &self.list {
            write!(f, "\n{:INDENT$}{}", "", wrap(line, width - INDENT - 2).join("\n      "))?;
        }
        for fact in &self.facts {
            write!(f, "\n{}", lay_out(fact, width))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// `  label    text`, in lines of so many columns; what is to be typed is whole.
pub(crate) fn labelled(label: &'static str, text: &str, width: usize) -> String {
    lay_out(&Fact { label, text: text.to_owned(), is_typed: is_typed(label) }, width)
}

/// Whether what stands behind the label is to be typed.
fn is_typed(label: &str) -> bool {
    ["try", "look"].contains(&label)
}

fn lay_out(fact: &Fact, width: usize) -> String {
    const INDENT: usize = 11;
    let room = width.saturating_sub(INDENT).max(20);
    let lines = fact.text.lines().flat_map(|line| match fact.label {
        "try" | "look" | "or" => advice::lines(line, fact.is_typed, room),
        _ => wrap(line, room),
    });
    let lines: Vec<String> = lines.collect();
    format!("  {:<8} {}", fact.label, lines.join(&format!("\n{:INDENT$}", "")))
}
