//! XML 1.0 text and attribute values. A document may be printed in the log of a CI run, so that nothing in it is a command of
//! a runner.

use super::{ci_log, is_invisible, write_visible};

/// The most octets of untrusted text in one element.
pub const LIMIT: usize = 64 * 1024;

/// The text without characters that XML 1.0 does not allow, and with what is invisible made visible, cut to [`LIMIT`].
/// Markup is escaped by the writer of the document.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LIMIT));
    for c in text.chars().filter(|&c| is_allowed(c)) {
        if out.len() + c.len_utf8() > LIMIT {
            out.push_str(" … (cut)");
            break;
        }
        if is_invisible(c) && !matches!(c, '\t' | '\n' | '\r') {
            let _ = write_visible(&mut out, c);
        } else {
            out.push(c);
        }
    }
    ci_log::lines(&out)
}

const fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{7e}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_forbids_are_dropped() {
        assert_eq!(clean("a\0b\x1bc\u{fffe}\u{ffff}d\u{9b}e\nf"), "abcde\nf");
        assert_eq!(clean("a ##[b]\n  ::c::d"), "a #\\#[b]\n  :\\:c::d");
        assert_eq!(clean("a\u{202e}b\u{200b}\tc"), "a\\u{202e}b\\u{200b}\tc");
        let long = clean(&"ä".repeat(LIMIT));
        assert!(long.len() < LIMIT + 20 && long.ends_with("(cut)"));
    }
}
