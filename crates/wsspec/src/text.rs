//! Plain text for people: wrapping, counting, guessing what was meant.

pub use wsspec_report::explain::duration;

/// Breaks a line at spaces so that no part is wider than `width` characters; wider words are broken too.
pub fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(line) {
        let last = lines.last_mut().expect("there is always a line");
        let fits = last.is_empty() || last.chars().count() + 1 + word.chars().count() <= width;
        if fits && !last.is_empty() {
            last.push(' ');
        } else if !fits {
            lines.push(String::new());
        }
        push_broken(&mut lines, &word, width);
    }
    // A gap of several spaces may stand where the line is broken.
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end_matches(' ').len()));
    lines
}

/// The words of a line; a number with its thousands apart is one.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let digits = word.chars().take_while(char::is_ascii_digit).count();
        let is_rest = digits == 3 && !word[3..].starts_with(['.', '-', ':']);
        match words.last_mut().filter(|last| is_rest && last.ends_with(|c: char| c.is_ascii_digit())) {
            Some(last) if is_thousands(last) => *last = format!("{last} {word}"),
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// `65`, `(65`, `1 234`: no id, and no time.
fn is_thousands(word: &str) -> bool {
    let number = word.trim_start_matches(['(', '"']);
    number.chars().all(|c| c.is_ascii_digit() || c == ' ')
}

fn push_broken(lines: &mut Vec<String>, word: &str, width: usize) {
    for letter in word.chars() {
        if lines.last().is_some_and(|last| last.chars().count() >= width) {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            last.push(letter);
        }
    }
}

/// `1 case`, `2 cases`, `2 processes`.
pub fn count(n: usize, noun: &str) -> String {
    let ending = if noun.ends_with('s') { "es" } else { "s" };
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}{ending}") }
}

/// The candidates most like the word that was typed, best first, at most three.
pub fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let limit = (typed.chars().count() / 3).clamp(1, 3);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&typed, &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().map(|(_, word)| word).take(3).collect()
}

/// What the system says of a failure, without its number: `permission denied`.
pub fn io_error(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable word", 4), ["unbr", "eaka", "ble", "word"]);
        assert_eq!(wrap("a  b", 80), ["a  b"]);
        assert_eq!(wrap("1.1.1 +1   same check", 11), ["1.1.1 +1", "same check"]);
        assert_eq!(wrap("a part (65 536 octets)", 10), ["a part", "(65 536", "octets)"]);
        assert_eq!(wrap("cases 5.15 500", 11), ["cases 5.15", "500"]);
    }

    #[test]
    fn near_words_are_found() {
        assert_eq!(did_you_mean("nto", ["not", "and", "or"]), ["not"]);
        assert_eq!(did_you_mean("casez", ["cases", "agent"]), ["cases"]);
        assert!(did_you_mean("xyz", ["cases", "agent"]).is_empty());
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(Duration::from_micros(700)), "0.7 ms");
        assert_eq!(duration(Duration::from_millis(1020)), "1.02 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
    }
}
