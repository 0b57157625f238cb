//! HTML text and attribute values. A page may be printed in the log of a CI run, so that nothing in it is a command of a runner.

use std::fmt::{self, Write};

use super::{is_invisible, write_visible};

/// Untrusted text on its way into HTML: markup is escaped, invisible characters are made visible.
#[derive(Clone, Copy, Debug)]
pub struct ForHtml<'a> {
    text: &'a str,
    keep_lines: bool,
}

/// Octets that stand in HTML as they are, whatever is around them.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut octet = b' ';
    while octet <= b'~' {
        plain[octet as usize] = !matches!(octet, b'&' | b'<' | b'>' | b'"' | b'\'' | b'#' | b':');
        octet += 1;
    }
    plain
};

impl<'a> ForHtml<'a> {
    pub(crate) const fn line(text: &'a str) -> Self {
        Self { text, keep_lines: false }
    }

    pub(crate) const fn lines(text: &'a str) -> Self {
        Self { text, keep_lines: true }
    }

    /// Most text is plain to its end: that is seen without looking at characters.
    fn plain_start(text: &str) -> usize {
        text.bytes().position(|b| !PLAIN[usize::from(b)]).unwrap_or(text.len())
    }

    /// What comes before the first character that cannot stand as it is, that character, and what follows it. `before` is
    /// the character before the text.
    fn split_at_special(self, before: char, text: &str) -> Option<(&str, char, &str)> {
        let plain = Self::plain_start(text);
        let mut before = if plain == 0 { before } else { '\0' };
        let is_special = |(_, c): &(usize, char)| {
            let is_pair = std::mem::replace(&mut before, *c) == *c;
            match c {
                '\n' | '\t' => !self.keep_lines,
                '&' | '<' | '>' | '"' | '\'' => true,
                '#' | ':' => is_pair,
                ' '..='~' => false,
                c => is_invisible(*c),
            }
        };
        let (at, c) = text[plain..].char_indices().find(is_special)?;
        let at = plain + at;
        Some((&text[..at], c, &text[at + c.len_utf8()..]))
    }
}

impl fmt::Display for ForHtml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

/// Templates print it without a formatter between.
impl askama::FastWritable for ForHtml<'_> {
    fn write_into(&self, out: &mut dyn Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(self.write_to(out)?)
    }
}

impl ForHtml<'_> {
    fn write_to(self, f: &mut (impl Write + ?Sized)) -> fmt::Result {
        let (mut before, mut rest) = ('\0', self.text);
        while let Some((plain, c, after)) = self.split_at_special(before, rest) {
            f.write_str(plain)?;
            (before, rest) = (c, after);
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // The second of a pair: `::error::`, `##[group]`.
                '#' => f.write_str("&#35;")?,
                ':' => f.write_str("&#58;")?,
                c if is_invisible(c) => write_visible(f, c)?,
                c => f.write_char(c)?,
            }
        }
        f.write_str(rest)
    }
}

/// The templates print it as it is, because it is escaped already.
impl askama::filters::HtmlSafe for ForHtml<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitise::fixtures::HOSTILE;

    #[test]
    fn no_markup_and_nothing_invisible_is_left() {
        for text in HOSTILE {
            let html = ForHtml::line(text).to_string();
            assert!(!html.contains(['<', '>', '"', '\'']), "{html}");
            assert!(!html.chars().any(is_invisible), "{html:?}");
            assert!(!html.contains("::") && !html.contains("##"), "{html}");
        }
        assert_eq!(ForHtml::line("a&b\n\x1b").to_string(), "a&amp;b\\n\\x1b");
        assert_eq!(ForHtml::line("a#b:c##[d]:::e&:").to_string(), "a#b:c#&#35;[d]:&#58;&#58;e&amp;:");
        assert_eq!(ForHtml::lines("a\n\tb\r").to_string(), "a\n\tb\\r");
    }
}
