//! One escape per place where text of the peer can end up.

pub mod ci_log;
pub mod file_name;
pub mod html;
pub mod json;
pub mod markdown;
pub mod shell;
pub mod terminal;
pub mod xml;

use std::fmt::{self, Write};

/// Whether a character would be invisible, or would move or reorder what stands around it.
///
/// Control characters, bidirectional controls, zero-width characters, tags, line separators and
/// noncharacters.
pub(crate) const fn is_invisible(c: char) -> bool {
    let is_noncharacter = c as u32 & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    is_noncharacter
        || matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' 
        | '\u{e0000}'..='\u{e0fff}')
}

/// Writes an invisible character so that it can be seen: `\n`, `\x1b`, `\u{202e}`.
pub(crate) fn write_visible(out: &mut (impl Write + ?Sized), c: char) -> fmt::Result {
    match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\0'..='\u{ff}' => write!(out, "\\x{:02x}", u32::from(c)),
        _ => write!(out, "\\u{{{:x}}}", u32::from(c)),
    }
}

/// Cuts a text to so many characters, with ` …` behind if something was cut.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((at, _)) => format!("{} …", &text[..at]),
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    /// What a hostile peer sends, for every sink.
    pub(crate) const HOSTILE: &[&str] = &[
        "\"><svg/onload=alert(1)>",
        "</title><script>alert(1)</script>",
        "javascript:alert(1)",
        "<!-- </script><script> -->",
        "\x1b]52;c;aGk=\x07\x1b]8;;https://evil\x07x\x1b[2J\x1b[1A",
        "\x1b]9;7;calc\x1b\\\x1b[6n\x1bPq",
        "$(touch x) `id` ${IFS} 'q' \"q\" ; & |\n%PATH%",
        "\u{9b}31m \u{202e}txt.exe\u{202c} \u{200b}\u{e0041}",
        "::add-mask::a",
        "   ::error::x",
        "x ##vso[task.setvariable variable=PATH]y ##[error] ##teamcity[x]",
        "a\r\n::error::b\n##[group]",
        "nul \0 ]]> &x; \u{fffe}\u{ffff}",
        "![](https://evil/x.png) [a](https://evil) @everyone `` ` ``` | </details>\n# head",
        "../../x",
        "CON",
        "a/b",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü", 2), "äö …");
    }
}
