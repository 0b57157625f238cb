//! One line of a terminal: no control sequence, no reordering, no second line.

use super::{cut, is_invisible, write_visible};

/// The text on one line, at most `limit` characters of it, with everything invisible made visible.
pub fn line(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    for c in cut(text, limit).chars() {
        if is_invisible(c) {
            let _ = write_visible(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn nothing_moves_the_cursor() {
        for text in HOSTILE {
            assert!(!line(text, 1000).chars().any(is_invisible), "{text:?}");
        }
        assert_eq!(line("\x1b]52;c\x07", 100), "\\x1b]52;c\\x07");
        assert_eq!(line("a\u{202e}b\u{200b}", 100), "a\\u{202e}b\\u{200b}");
        assert_eq!(line("one\ntwo", 5), "one\\nt …");
    }
}
