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
    break_pairs(&terminal::line(text, limit), ":#")
}

/// The text on one line, at most `limit` characters, behind something else: `::` does nothing there, so that addresses stay
/// as they are (`[::1]`); what a runner acts on in the middle of a line is broken.
pub fn behind(text: &str, limit: usize) -> String {
    break_pairs(&terminal::line(text, limit), "#")
}

/// Every line of the text with `| ` before it.
pub fn quoted(text: &str, limit: usize) -> String {
    text.lines().map(|part| format!("| {}\n", line(part, limit))).collect()
}

/// Lines for people that may hold text of the peer, changed only where a runner would act on them.
pub fn lines(text: &str) -> String {
    let part = |line: &str| {
        let rest = line.trim_start();
        let lead = &line[..line.len() - rest.len()];
        match rest.strip_prefix("::") {
            Some(command) => format!("{lead}:\\:{}", break_pairs(command, "#")),
            None => break_pairs(line, "#"),
        }
    };
    text.split('\n').map(part).collect::<Vec<_>>().join("\n")
}

/// JSON that says the same and holds no command: `##` can stand in strings only.
pub fn json(json: &str) -> String {
    json.replace("##", "#\\u0023")
}

/// Puts `\` between two of the same of these characters.
pub(super) fn break_pairs(text: &str, of: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = '\0';
    for c in text.chars() {
        if before == c && of.contains(c) {
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
        assert_eq!(lines("a ::b [::1]:80\n  ::error::x ### "), "a ::b [::1]:80\n  :\\:error::x #\\#\\# ");
        assert_eq!(json("[\"##[x]\"]"), "[\"#\\u0023[x]\"]");
        assert_eq!(line("::error::x", 100), ":\\:error:\\:x");
        assert_eq!(line(":::#####[x]", 100), ":\\:\\:#\\#\\#\\#\\#[x]");
        assert_eq!(behind("ws://[::1]:9\n::a##[b]", 100), "ws://[::1]:9\\n::a#\\#[b]");
    }
}
