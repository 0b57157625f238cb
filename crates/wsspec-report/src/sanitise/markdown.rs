//! Markdown: text of the peer stands in code spans and fenced blocks only, never in links or images. It is read in the log of a
//! CI run, too, so that nothing in it is a command of a runner.

use super::{ci_log, is_invisible, write_visible};

/// A code span with a fence longer than any run of backticks inside, fit for a table cell.
pub fn code_span(text: &str) -> String {
    let mut inner = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => inner.push('¦'),
            c if is_invisible(c) => drop(write_visible(&mut inner, c)),
            c => inner.push(c),
        }
    }
    if inner.is_empty() {
        return "(empty)".to_owned();
    }
    let inner = ci_log::break_pairs(&inner, "#");
    let fence = "`".repeat(longest_run(&inner) + 1);
    let pad = if inner.starts_with(['`', ' ']) || inner.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{inner}{pad}{fence}")
}

/// A fenced block around lines of text, with a fence that the text cannot close.
pub fn fenced(text: &str) -> String {
    let mut inner = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => inner.push(c),
            c if is_invisible(c) => drop(write_visible(&mut inner, c)),
            c => inner.push(c),
        }
    }
    let inner = ci_log::lines(&inner);
    let fence = "`".repeat(longest_run(&inner).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", inner.trim_end_matches('\n'))
}

/// The address of an issue, which the user wrote: a link if it is `https` and nothing in it ends the link, or else text.
pub fn issue(address: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(c);
    let is_link = address.starts_with("https://") && address.chars().all(is_plain) && !address.contains("##");
    if is_link { format!("<{address}>") } else { code_span(address) }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn the_address_of_an_issue_is_a_link_if_nothing_ends_it() {
        assert_eq!(issue("https://example.org/issues/97#note-1"), "<https://example.org/issues/97#note-1>");
        for text in ["https://a/>b", "https://a/b c", "javascript:alert(1)", "PROJ-97", "https://a/|"] {
            assert!(issue(text).starts_with('`'), "{text}");
        }
        HOSTILE.iter().for_each(|text| assert!(!issue(text).contains("##"), "{text}"));
    }

    #[test]
    fn spans_cannot_be_left() {
        for text in HOSTILE {
            let span = code_span(text);
            let fence: String = span.chars().take_while(|&c| c == '`').collect();
            let inner = span.strip_prefix(&fence).unwrap().strip_suffix(&fence).unwrap();
            assert!(!inner.contains(&fence), "{span}");
            assert!(!inner.contains(['\n', '|']) && !inner.contains("##"), "{span}");
        }
        assert_eq!(code_span("plain"), "`plain`");
        assert_eq!(code_span("a ``` b"), "````a ``` b````");
        assert_eq!(code_span("`"), "`` ` ``");
    }

    #[test]
    fn blocks_cannot_be_left() {
        assert_eq!(fenced("a\n```\nb\n"), "````text\na\n```\nb\n````\n");
        assert_eq!(fenced("a::b ##[c]\n ::d::e"), "```text\na::b #\\#[c]\n :\\:d::e\n```\n");
    }
}
