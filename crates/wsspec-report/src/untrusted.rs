use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sanitise::html::ForHtml;
use crate::sanitise::{ci_log, markdown, terminal, xml};

/// Text that the peer can choose: names, headers, payloads, reasons, log lines.
///
/// It has no `Display`, so that it cannot slip into an output unescaped; each place where it can be
/// written has one method here.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks a text as chosen by the peer.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Marks octets as chosen by the peer. Octets that are no UTF-8 are shown as `\xNN`.
    pub fn from_octets(octets: &[u8]) -> Self {
        let mut text = String::with_capacity(octets.len());
        for chunk in octets.utf8_chunks() {
            text.push_str(chunk.valid());
            for octet in chunk.invalid() {
                text.push_str(&format!("\\x{octet:02x}"));
            }
        }
        Self(text)
    }

    /// The text as it came. For comparing and for JSON, never for showing.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For the text and the attribute values of an HTML document, on one line.
    pub fn for_html(&self) -> ForHtml<'_> {
        ForHtml::line(&self.0)
    }

    /// For preformatted HTML text: line breaks stay.
    pub fn for_html_lines(&self) -> ForHtml<'_> {
        ForHtml::lines(&self.0)
    }

    /// For one line of a terminal, at most `limit` characters.
    pub fn for_terminal(&self, limit: usize) -> String {
        terminal::line(&self.0, limit)
    }

    /// For one line of a CI log: nothing in it is taken as a command of the runner.
    pub fn for_ci_log(&self, limit: usize) -> String {
        ci_log::line(&self.0, limit)
    }

    /// For XML text and attribute values whose markup is escaped by the writer.
    pub fn for_xml(&self) -> String {
        xml::clean(&self.0)
    }

    /// A Markdown code span.
    pub fn for_markdown(&self) -> String {
        markdown::code_span(&self.0)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({:?})", self.0)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_that_are_no_text_stay_readable() {
        assert_eq!(Untrusted::from_octets(b"caf\xc3\xa9 \xff\xfe!").raw(), "caf\u{e9} \\xff\\xfe!");
    }

    #[test]
    fn debug_output_holds_no_control_characters() {
        assert_eq!(format!("{:?}", Untrusted::from("a\x1b[2J")), r#"Untrusted("a\u{1b}[2J")"#);
    }
}
