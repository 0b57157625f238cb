//! JSON that may be printed on a terminal: what would be invisible there, or reorder text, is an escape of JSON.
//!
//! The value is the same; files hold it unescaped.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::is_invisible;

/// The text of a JSON document with `\u202e` for U+202E, and the like.
pub fn visible(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_odd) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_odd(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Beyond ASCII such characters stand in strings only; those below are escaped there already.
const fn is_odd(c: char) -> bool {
    c >= '\x7f' && is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn the_value_is_the_same_and_nothing_invisible_is_left() {
        let lines = serde_json::to_string_pretty(HOSTILE).unwrap();
        let shown = visible(&lines);
        assert!(!shown.chars().any(|c| c != '\n' && is_invisible(c)), "{shown}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), HOSTILE);
        assert_eq!(visible("\"a\u{202e}b\u{e0041}\""), r#""a\u202eb\udb40\udc41""#);
        assert!(matches!(visible("{\"name\": \"Jos\u{e9}\"}\n"), Cow::Borrowed(_)));
    }
}
