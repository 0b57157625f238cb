//! Which of the last lines of a process say why it ended.

use wsspec_engine::Verdict;

use crate::Untrusted;
use crate::record::CaseRecord;

/// Words of a line that says what went wrong.
const TELLING: [&str; 14] = [
    "panic",
    "error",
    "exception",
    "fatal",
    "abort",
    "assert",
    "traceback",
    "segmentation fault",
    "stack overflow",
    "out of memory",
    "terminate called",
    "unhandled",
    "sanitizer",
    "cannot ",
];

/// How much a line tells; less is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Telling,
    /// The line behind one: what a message is about often stands on a line of its own.
    Behind,
    Other,
    /// A frame of a stack, a row of marks.
    Noise,
}

/// The lines that say most, at most so many, in their order: no empty ones, rather what went wrong than the frames of a
/// stack, and rather the last ones.
pub fn worth_reading<T: AsRef<str>>(lines: &[T], most: usize) -> Vec<&str> {
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).filter(|line| !line.trim().is_empty()).collect();
    let mut places: Vec<usize> = (0..lines.len()).collect();
    places.sort_by_key(|&at| (rank(&lines, at), std::cmp::Reverse(at)));
    places.truncate(most);
    places.sort_unstable();
    places.into_iter().map(|at| lines[at]).collect()
}

/// Of a case that the process died of, or did not come to, so many lines of its log that say most.
pub fn died_saying(case: &CaseRecord, most: usize) -> Vec<Untrusted> {
    let Some(log) = case.log.as_ref().filter(|_| matches!(case.verdict, Verdict::Crash | Verdict::Error))
    else {
        return Vec::new();
    };
    let lines: Vec<&str> = log.text.raw().lines().map(without_time).collect();
    worth_reading(&lines, most).into_iter().map(Untrusted::from).collect()
}

/// A line of the log without the time before it.
pub fn without_time(line: &str) -> &str {
    line.split_once("Z ").filter(|(time, _)| time.len() == 23).map_or(line, |(_, text)| text)
}

/// What two ends of a process have in common that went wrong at the same place: the lines that say what went wrong, without
/// the numbers that differ. Numbers behind a colon are kept: they are places in a source.
pub fn signature<T: AsRef<str>>(lines: &[T]) -> String {
    const LINES: usize = 3;
    const LETTERS: usize = 200;
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).filter(|line| !line.trim().is_empty()).collect();
    let telling = (0..lines.len()).filter(|&at| matches!(rank(&lines, at), Rank::Telling | Rank::Behind));
    let told: Vec<String> = telling.take(LINES).map(|at| without_numbers(lines[at].trim())).collect();
    told.join(" | ").chars().take(LETTERS).collect()
}

fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    let mut kept = false;
    for letter in line.chars() {
        let in_number = out.ends_with(|last: char| last == '#' || kept && last.is_ascii_digit());
        match letter {
            '0'..='9' if in_number && !kept => {}
            '0'..='9' if !in_number => {
                kept = out.ends_with(':');
                out.push(if kept { letter } else { '#' });
            }
            _ => out.push(letter),
        }
    }
    out
}

fn rank(lines: &[&str], at: usize) -> Rank {
    if is_noise(lines[at]) {
        Rank::Noise
    } else if is_telling(lines[at]) {
        Rank::Telling
    } else if at > 0 && is_telling(lines[at - 1]) && !is_noise(lines[at - 1]) {
        Rank::Behind
    } else {
        Rank::Other
    }
}

fn is_telling(line: &str) -> bool {
    let line = line.to_lowercase();
    TELLING.iter().any(|word| line.contains(word))
}

fn is_noise(line: &str) -> bool {
    let text = line.trim_start();
    let frames = ["at ", "File \"", "in <", "from ", "#"];
    let is_indented = text.len() < line.len();
    let numbered =
        || text.split_once(": ").is_some_and(|(n, _)| n.bytes().all(|octet| octet.is_ascii_digit()));
    let marks = || text.chars().all(|letter| "^~-=|. ".contains(letter));
    is_indented && (frames.iter().any(|frame| text.starts_with(frame)) || numbered())
        || marks()
        || text.starts_with("note: run with `RUST_BACKTRACE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_has_the_same_signature_and_another_one_has_not() {
        let boom = |n: u32| {
            [format!("listening on 127.0.0.1:{n}"), format!("Error: boom ping {n}"), "    at x".into()]
        };
        assert_eq!(signature(&boom(125)), signature(&boom(7)));
        assert_eq!(signature(&boom(125)), "Error: boom ping #");
        let other = ["RangeError: Invalid WebSocket frame: invalid opcode 3"];
        assert_ne!(signature(&boom(125)), signature(&other));
        let panic = |line| [format!("thread 'conn-{line}' panicked at src/utf8.rs:{line}:9:")];
        assert_ne!(signature(&panic(88)), signature(&panic(120)));
        assert_eq!(signature(&panic(88)), "thread 'conn-#' panicked at src/utf#.rs:88:9:");
        assert_eq!(signature::<&str>(&[]), "");
    }

    #[test]
    fn what_went_wrong_is_kept_rather_than_the_frames_of_a_stack() {
        let mut node = vec!["listening", "", "/srv/echo.js:3", "  throw new Error('boom');", "  ^", ""];
        node.extend(["Error: boom"]);
        node.extend(std::iter::repeat_n("    at Socket.emit (node:events:518:28)", 30));
        node.extend(["", "Node.js v20.11.0"]);
        assert_eq!(
            worth_reading(&node, 4),
            ["/srv/echo.js:3", "  throw new Error('boom');", "Error: boom", "Node.js v20.11.0"]
        );
    }

    #[test]
    fn a_message_keeps_the_line_behind_it() {
        let rust = [
            "thread 'conn-61' panicked at src/utf8.rs:88:9:",
            "index out of bounds: the len is 3 but the index is 3",
            "stack backtrace:",
            "   0: rust_begin_unwind",
            "   1: core::panicking::panic_fmt",
            "note: run with `RUST_BACKTRACE=full` environment variable to display a verbose backtrace",
        ];
        assert_eq!(worth_reading(&rust, 2), rust[..2]);
        let python =
            ["Traceback (most recent call last):", "  File \"echo.py\", line 9, in echo", "ValueError: x"];
        assert_eq!(worth_reading(&python, 2), [python[0], python[2]]);
    }

    #[test]
    fn few_lines_are_all_shown_and_of_many_alike_the_last() {
        assert_eq!(worth_reading(&["a", " ", "b"], 10), ["a", "b"]);
        assert_eq!(worth_reading(&["error 1", "error 2", "error 3"], 2), ["error 2", "error 3"]);
        assert!(worth_reading::<&str>(&[], 10).is_empty());
    }
}
