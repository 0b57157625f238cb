//! The log of a CI run, in which runners look for commands.
//!
//! GitHub acts on `::command::` at the start of a line and on `##[command]` anywhere, Azure on
//! `##vso[…]`, TeamCity on `##teamcity[…]`. So text of the peer never starts a line, and these
//! openings are broken visibly.

use super::terminal;

/// The text on one line, at most `limit` characters, holding no command of a runner.
///
/// The caller puts something before it, so that it never starts a line; [`quoted`] does.
pub fn line(text: &str, limit: usize) -> String {
    break_commands(&terminal::line(text, limit))
}

/// Every line of the text with `| ` before it.
pub fn quoted(text: &str, limit: usize) -> String {
    text.lines().map(|part| format!("| {}\n", line(part, limit))).collect()
}

fn break_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = '\0';
    for c in text.chars() {
        if (before == ':' && c == ':') || (before == '#' && c == '#') {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn no_command_is_left() {
        for text in HOSTILE {
            let quoted = quoted(text, 1000);
            assert!(!quoted.contains("::") && !quoted.contains("##"), "{quoted}");
            assert!(quoted.lines().all(|line| line.starts_with("| ")), "{quoted}");
        }
        assert_eq!(line("::error::x", 100), ":\\:error:\\:x");
        assert_eq!(line(":::#####[x]", 100), ":\\:\\:#\\#\\#\\#\\#[x]");
    }
}
