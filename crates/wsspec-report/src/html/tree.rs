//! Markup as data: what a template printed, as nested lists from which a script can build elements
//! one by one, without ever giving the browser a string to parse as markup.

use memchr::{memchr, memchr3};

/// Elements without an end tag.
const VOID: [&str; 4] = ["br", "input", "hr", "wbr"];

/// Elements in which a line break between two others is layout of the template.
const BLOCKS: [&str; 17] = [
    "article", "header", "section", "div", "nav", "table", "thead", "tbody", "tr", "dl", "ol", "ul",
    "details", "fieldset", "footer", "form", "summary",
];

/// Appends the tree of some markup to `out`, as JSON without line breaks: an element is
/// `[name, attributes, children…]`, text is a string.
///
/// Reads what the templates of this crate print: one element, every element closed, every attribute value
/// in double quotes. None if it is anything else.
pub(super) fn write(markup: &str, out: &mut String) -> Option<()> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = markup.trim();
    loop {
        let (text, tag) = rest.split_at(memchr(b'<', rest.as_bytes()).unwrap_or(rest.len()));
        if !text.is_empty() && !is_layout(text, open.last()?) {
            out.push(',');
            write_text(text, out)?;
        }
        if let Some(after) = tag.strip_prefix("</") {
            let (name, after) = after.split_once('>')?;
            (open.pop()? == name).then_some(())?;
            out.push(']');
            rest = after;
        } else {
            if !open.is_empty() {
                out.push(',');
            }
            let (name, after) = write_start_tag(tag.strip_prefix('<')?, out)?;
            match VOID.contains(&name) {
                true => out.push(']'),
                false => open.push(name),
            }
            rest = after;
        }
        if open.is_empty() {
            return rest.is_empty().then_some(());
        }
    }
}

/// Whether a text only breaks the line between two blocks.
fn is_layout(text: &str, parent: &str) -> bool {
    text.starts_with([' ', '\n']) && text.trim().is_empty() && text.contains('\n') && BLOCKS.contains(&parent)
}

/// Appends `[name, attributes`; returns the name, and what follows the tag.
fn write_start_tag<'a>(tag: &'a str, out: &mut String) -> Option<(&'a str, &'a str)> {
    let (name, mut rest) = tag.split_at(tag.find([' ', '\n', '>'])?);
    out.push('[');
    write_text(name, out)?;
    out.push_str(",{");
    let mut separator = "";
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            out.push('}');
            return Some((name, after));
        }
        let (key, after) = rest.split_at(rest.find([' ', '\n', '=', '>'])?);
        let value;
        (value, rest) = match after.strip_prefix("=\"") {
            Some(after) => after.split_once('"')?,
            None => (!key.is_empty() && !after.starts_with('=')).then_some(("", after))?,
        };
        out.push_str(separator);
        write_text(key, out)?;
        out.push(':');
        write_text(value, out)?;
        separator = ",";
    }
}

/// Appends a text, its character references resolved, as a JSON string.
fn write_text(mut text: &str, out: &mut String) -> Option<()> {
    out.push('"');
    while let Some(at) = memchr3(b'&', b'"', b'\\', text.as_bytes()) {
        write_plain(&text[..at], out);
        let octet = text.as_bytes()[at];
        text = &text[at + 1..];
        let mut c = char::from(octet);
        if octet == b'&' {
            let name;
            (name, text) = text.split_once(';')?;
            c = referenced(name)?;
        }
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        write_plain(c.encode_utf8(&mut [0; 4]), out);
    }
    write_plain(text, out);
    out.push('"');
    Some(())
}

/// Appends a text in which nothing but control characters has to be escaped.
fn write_plain(text: &str, out: &mut String) {
    // Without an early end, the compiler looks at many octets at a time.
    if text.bytes().fold(u8::MAX, u8::min) >= b' ' {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
}

/// The character that a reference stands for.
fn referenced(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some('\u{a0}'),
        number => char::from_u32(number.strip_prefix('#')?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(markup: &str) -> Option<String> {
        let mut out = String::new();
        write(markup, &mut out).map(|()| out)
    }

    #[test]
    fn markup_becomes_lists() {
        let tree = tree("\n<p class=\"a &amp; b\" hidden>1 &lt; 2<br><b>x</b></p>\n").unwrap();
        assert_eq!(tree, r#"["p",{"class":"a & b","hidden":""},"1 < 2",["br",{}],["b",{},"x"]]"#);
    }

    #[test]
    fn texts_are_json_on_one_line() {
        let tree = tree("<p title=\"&quot;&#92;\">a\n\t\\&#1;\u{e4}</p>").unwrap();
        assert_eq!(tree, r#"["p",{"title":"\"\\"},"a\n\u0009\\\u0001ä"]"#);
        let read: serde_json::Value = serde_json::from_str(&tree).unwrap();
        assert_eq!((&read[1]["title"], &read[2]), (&"\"\\".into(), &"a\n\t\\\u{1}ä".into()));
    }

    #[test]
    fn line_breaks_between_blocks_are_left_out_and_those_in_texts_stay() {
        let tree = tree("<div>\n<p>a\n<b>b</b>\n</p>\n<pre>\n</pre>\n</div>").unwrap();
        assert_eq!(tree, r#"["div",{},["p",{},"a\n",["b",{},"b"],"\n"],["pre",{},"\n"]]"#);
    }

    #[test]
    fn anything_else_is_refused() {
        for markup in [
            "<p>",
            "<p></b>",
            "</p>",
            "<p a='x'></p>",
            "a & b",
            "<p>&unknown;</p>",
            "<p",
            "",
            "<p></p><p></p>",
        ] {
            assert_eq!(tree(markup), None, "{markup}");
        }
    }
}
