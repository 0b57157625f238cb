//! Lines of advice: what is to be typed, and what is said of it.

use crate::text::{words, wrap};

/// Stands between what is typed and what is said of it.
const GAP: &str = "  ";

/// The lines of a text of at most so many columns. Parts that do not fit beside each other stand below each other; those
/// that are to be typed are never broken, so that what is copied is whole.
pub(super) fn lines(text: &str, is_typed: bool, width: usize) -> Vec<String> {
    if text.chars().count() <= width {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    for part in parts(text) {
        let is_typed = is_typed && lines.is_empty() || part.starts_with('-') || part.starts_with("wsspec ");
        let room = |line: &String| line.chars().count() + 3 + part.chars().count() <= width;
        match lines.last_mut().filter(|line| room(line)) {
            Some(line) => line.push_str(&format!("   {part}")),
            None if is_typed => lines.push(part.to_owned()),
            None => lines.extend(in_words(part, width)),
        }
    }
    lines
}

/// The lines of what is said. Addresses and what stands in quotes are to be typed.
fn in_words(part: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in with_quotes(words(part)) {
        let is_whole = word.contains("://") || word.contains(' ') && word.contains(['\'', '"']);
        let room = |line: &String| line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut().filter(|line| room(line)) {
            Some(line) => line.push_str(&format!(" {word}")),
            None if is_whole => lines.push(word),
            None => lines.extend(wrap(&word, width)),
        }
    }
    lines
}

/// The words, those between quotes as one. An apostrophe stands behind a letter.
fn with_quotes(words: Vec<String>) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    let mut quote = None;
    for word in words {
        let was = quote;
        let mut before = ' ';
        for sign in word.chars() {
            match quote {
                Some(open) if sign == open => quote = None,
                None if matches!(sign, '\'' | '"') && !before.is_alphanumeric() => quote = Some(sign),
                _ => {}
            }
            before = sign;
        }
        match whole.last_mut().filter(|_| was.is_some()) {
            Some(last) => last.push_str(&format!(" {word}")),
            None => whole.push(word),
        }
    }
    whole
}

/// What stands between the gaps; one inside of quotes belongs to what is typed.
fn parts(text: &str) -> Vec<&str> {
    let is_outside = |at: &usize| shell_words::split(&text[..*at]).is_ok();
    let gap = text.match_indices(GAP).map(|(at, _)| at).find(is_outside);
    match gap {
        Some(at) => [vec![&text[..at]], parts(text[at..].trim_start())].concat(),
        None => vec![text],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_of_a_command_went_beyond_the_terminal() {
        let command = "wsspec run ws://127.0.0.1:9001 1.1.1 --cacert cert.pem";
        let text = format!("{command}   with this certificate itself");
        assert_eq!(lines(&text, true, 89), [text.as_str()]);
        assert_eq!(lines(&text, true, 69), [command, "with this certificate itself"]);
        assert_eq!(lines(&text, true, 20), [command, "with this", "certificate itself"]);
        let quoted = "wsspec run --exec 'sh -c \"a   b\"' -H 'X-A: it'\\''s   so'";
        let text = format!("{quoted}   or   --restart case");
        assert_eq!(lines(&text, true, 40), [quoted, "or   --restart case"]);
    }

    #[test]
    fn advice_in_words_went_beyond_the_terminal() {
        let text = "{port} in place of the number, in the address and in --exec: any free port";
        assert_eq!(
            lines(text, false, 49),
            ["{port} in place of the number, in the address and", "in --exec: any free port"]
        );
        let text = "the command by hand, with the address of   wsspec serve   in place of {url}";
        assert_eq!(
            lines(text, false, 49),
            ["the command by hand, with the address of", "wsspec serve   in place of {url}"]
        );
        let pass = "--exec './target/release/echo --host 127.0.0.1 --port {port}'";
        assert_eq!(lines(&format!("pass the port on:  {pass}"), false, 49), ["pass the port on:", pass]);
    }

    #[test]
    fn an_address_or_a_quoted_value_was_broken_in_advice() {
        let address = "ws://127.0.0.1:9001/a/long/path/for/the/address?with=query";
        let text = format!("use the fixed one: {address} as the address");
        assert_eq!(lines(&text, false, 49), ["use the fixed one:", address, "as the address"]);
        let setting = "net.ipv4.ip_local_port_range='1024 65535'";
        assert_eq!(lines(&format!("sysctl {setting}"), false, 45), ["sysctl", setting]);
        assert_eq!(
            lines("the server's port, no more than 28 232", false, 35),
            ["the server's port, no more than", "28 232"]
        );
    }
}
