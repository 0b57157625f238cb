//! Markup as data: what a template printed, as nested lists from which a script can build elements
//! one by one, without ever giving the browser a string to parse as markup.

use serde_json::{Map, Value};

/// Elements without an end tag.
const VOID: [&str; 4] = ["br", "input", "hr", "wbr"];

/// Elements in which a line break between two others is layout of the template.
const BLOCKS: [&str; 17] = [
    "article", "header", "section", "div", "nav", "table", "thead", "tbody", "tr", "dl", "ol", "ul",
    "details", "fieldset", "footer", "form", "summary",
];

/// Whether a text only breaks the line between two blocks.
fn is_layout(text: &str, parent: &[Value]) -> bool {
    let name = parent.first().and_then(Value::as_str);
    text.trim().is_empty() && text.contains('\n') && name.is_none_or(|name| BLOCKS.contains(&name))
}

/// The tree of some markup: an element is `[name, attributes, children…]`, text is a string.
///
/// Reads what the templates of this crate print: every element closed, every attribute value in
/// double quotes. None if it is anything else.
pub(super) fn parse(markup: &str) -> Option<Value> {
    let mut open: Vec<Vec<Value>> = vec![Vec::new()];
    let mut rest = markup;
    while !rest.is_empty() {
        let text;
        (text, rest) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        if !text.is_empty() && !is_layout(text, open.last()?) {
            open.last_mut()?.push(Value::String(unescaped(text)?));
        }
        if let Some(after) = rest.strip_prefix("</") {
            let (name, after) = after.split_once('>')?;
            rest = after;
            let element = open.pop()?;
            (element.first()? == name).then_some(())?;
            open.last_mut()?.push(Value::Array(element));
        } else if let Some(after) = rest.strip_prefix('<') {
            let (element, after) = start_tag(after)?;
            rest = after;
            if VOID.contains(&element.first()?.as_str()?) {
                open.last_mut()?.push(Value::Array(element));
            } else {
                open.push(element);
            }
        }
    }
    let [children] = open.try_into().ok()?;
    children.into_iter().find(Value::is_array)
}

/// Name and attributes, and what follows the tag.
fn start_tag(text: &str) -> Option<(Vec<Value>, &str)> {
    let (name, mut rest) = text.split_at(text.find([' ', '\n', '>'])?);
    let mut attributes = Map::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            return Some((vec![Value::from(name), Value::Object(attributes)], after));
        }
        let (key, after) = rest.split_at(rest.find([' ', '\n', '=', '>'])?);
        match after.strip_prefix("=\"") {
            Some(after) => {
                let (value, after) = after.split_once('"')?;
                attributes.insert(key.to_owned(), Value::from(unescaped(value)?));
                rest = after;
            }
            None => {
                (!key.is_empty() && !after.starts_with('=')).then_some(())?;
                attributes.insert(key.to_owned(), Value::from(""));
                rest = after;
            }
        }
    }
}

/// Text with its character references resolved.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (name, after) = rest[at + 1..].split_once(';')?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "nbsp" => '\u{a0}',
            number => char::from_u32(number.strip_prefix('#')?.parse().ok()?)?,
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_lists() {
        let tree = parse("\n<p class=\"a &amp; b\" hidden>1 &lt; 2<br><b>x</b></p>\n").unwrap();
        assert_eq!(tree.to_string(), r#"["p",{"class":"a & b","hidden":""},"1 < 2",["br",{}],["b",{},"x"]]"#);
    }

    #[test]
    fn line_breaks_between_blocks_are_left_out_and_those_in_texts_stay() {
        let tree = parse("<div>\n<p>a\n<b>b</b>\n</p>\n<pre>\n</pre>\n</div>").unwrap();
        assert_eq!(tree.to_string(), r#"["div",{},["p",{},"a\n",["b",{},"b"],"\n"],["pre",{},"\n"]]"#);
    }

    #[test]
    fn anything_else_is_refused() {
        for markup in ["<p>", "<p></b>", "</p>", "<p a='x'></p>", "a & b", "<p>&unknown;</p>", "<p"] {
            assert_eq!(parse(markup), None, "{markup}");
        }
    }
}
