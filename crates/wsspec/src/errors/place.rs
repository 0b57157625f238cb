//! A place in a text that people write: the line, marked underneath, with what is wrong there.

use crate::text::wrap;

/// So many columns of a line are shown also where there is no room for them.
const NARROWEST: usize = 20;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    line: String,
    number: Option<usize>,
    before: usize,
    marked: usize,
    message: String,
}

impl Place {
    /// So many characters of the line, behind so many others, and what is wrong with them.
    pub(crate) fn new(line: &str, before: usize, marked: usize, message: impl Into<String>) -> Self {
        let line = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { line, number: None, before, marked, message: message.into() }
    }

    /// The same with the number of the line in front of it.
    pub(crate) fn numbered(self, number: usize) -> Self {
        Self { number: Some(number), ..self }
    }

    /// Lines of at most so many columns:
    /// ```text
    /// 4 |    "cases": ["1.1.*",],
    ///   |                     ^ a comma before "]" is not allowed in JSON
    /// ```
    /// A long line is cut around the marks. What is wrong stands below them where there is no room beside.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let gutter = self.number.map_or_else(String::new, |number| format!("{number} | "));
        let below = gutter.replace(|c: char| c.is_ascii_digit(), " ");
        let room = width.saturating_sub(gutter.len()).max(NARROWEST);
        let length = self.line.chars().count();
        let fits = length.max(self.before + 1) <= room;
        let skip = if fits { 0 } else { self.before.saturating_sub(room / 2) };
        let shown: String = self.line.chars().skip(skip).take(room).collect();
        let before = self.before - skip;
        let marked = self.marked.min(shown.chars().count().saturating_sub(before)).max(1);
        let marks = format!("{:before$}{}", "", "^".repeat(marked));
        let mut lines = vec![gutter + &shown];
        if marks.len() + 1 + self.message.chars().count() <= room {
            lines.push(format!("{below}{marks} {}", self.message));
        } else {
            lines.push(format!("{below}{marks}"));
            lines.extend(wrap(&self.message, room).into_iter().map(|line| format!("{below}{line}")));
        }
        lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_beside_the_marks_or_below_them() {
        let place = Place::new("  \"cases\": [\"1.1.*\",],", 19, 1, "a comma too much").numbered(14);
        assert_eq!(
            place.lines(60),
            ["14 |   \"cases\": [\"1.1.*\",],", "   |                    ^ a comma too much"]
        );
        let narrow =
            ["14 |   \"cases\": [\"1.1.*\",],", "   |                    ^", "   | a comma too much"];
        assert_eq!(place.lines(40), narrow);
    }

    #[test]
    fn the_mark_of_a_long_line_was_beyond_the_terminal() {
        let message = "a value belongs here: text in double quotes, a number, true, false, null, [ or {";
        for (before, marked) in [(0, 1), (30, 3), (55, 1), (56, 1), (57, 9), (200, 400), (399, 1), (400, 1)] {
            for length in [30, 56, 57, 400].into_iter().filter(|length| before <= *length) {
                let line: String = ('a'..='z').cycle().take(length).collect();
                for width in 40..=80 {
                    let lines = Place::new(&line, before, marked, message).numbered(1234).lines(width);
                    assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:#?}");
                    let at = lines[1].find('^').unwrap();
                    let shown = lines[0].as_bytes().get(at).copied();
                    assert_eq!(shown, line.as_bytes().get(before).copied(), "{width}: {lines:#?}");
                    assert!(lines.concat().contains("quotes"), "{lines:#?}");
                }
            }
        }
    }

    #[test]
    fn without_a_number_there_is_no_margin() {
        assert_eq!(Place::new("nto\tid(1)", 0, 3, "not?").lines(60), ["nto id(1)", "^^^ not?"]);
    }
}
