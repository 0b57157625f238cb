//! JSON as spec files are written in: every value knows where it stands, so that a message can point at it.

use std::ops::Range;

use crate::errors::Place;

/// A value and where it stands in the text, in octets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Range<usize>,
}

/// What JSON knows (RFC 8259).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; a later member of the same name wins.
    Object(Vec<Member>),
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where the name stands, quotes included.
    pub(crate) name_span: Range<usize>,
    pub(crate) node: Node,
}

/// Something is wrong at this place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: Range<usize>,
    /// What is wrong in a few words, if it is not the syntax.
    pub(crate) headline: Option<String>,
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) advice: Option<String>,
}

const NO_COMMA: &str = "remove the comma     (wsspec.toml allows comments and such commas)";
/// Deeper nesting is refused: a spec needs four levels.
const MAX_DEPTH: usize = 32;

/// Reads a whole text.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    let mut reader = Reader { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 }, depth: 0 };
    let node = reader.value()?;
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.fault_here("the file goes on after the end of the JSON value", None)),
    }
}

impl Fault {
    pub(crate) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, headline: None, message: message.into(), advice: None }
    }

    pub(crate) fn headline(mut self, headline: impl Into<String>) -> Self {
        self.headline = Some(headline.into());
        self
    }

    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The line that the fault is in, and which part of it.
    pub(crate) fn place(&self, text: &str) -> Place {
        let start = text[..self.at.start].rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        let number = text[..start].matches('\n').count() + 1;
        let before = text[start..self.at.start].chars().count();
        let marked = text[self.at.start..self.at.end].lines().next().unwrap_or_default().chars().count();
        Place::new(line, before, marked, &*self.message).numbered(number)
    }

    /// Line and column, both counted from 1, the column in characters.
    pub(crate) fn position(&self, text: &str) -> (usize, usize) {
        let start = text[..self.at.start].rfind('\n').map_or(0, |at| at + 1);
        (text[..start].matches('\n').count() + 1, text[start..self.at.start].chars().count() + 1)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Node, Fault> {
        let next = self.peek();
        let start = self.at;
        let value = match next {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::list)?,
            Some('"') => Value::Text(self.string()?),
            Some('-' | '0'..='9') => Value::Number(self.number()?),
            Some(_) => self.word()?,
            None => return Err(self.fault_here("the file ends here, but a value is missing", None)),
        };
        Ok(Node { value, span: start..self.at })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Fault>) -> Result<Value, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault_here("the brackets are nested too deeply", None));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Fault> {
        let mut members = Vec::new();
        self.items('}', |reader| {
            if reader.peek() != Some('"') {
                let advice = "put double quotes around it".to_owned();
                return Err(
                    reader.fault_here("the name of a member belongs here, in double quotes", Some(advice))
                );
            }
            let start = reader.at;
            let name = reader.string()?;
            let name_span = start..reader.at;
            if reader.peek() != Some(':') {
                return Err(reader.fault_here("a colon belongs between name and value", None));
            }
            reader.at += 1;
            members.push(Member { name, name_span, node: reader.value()? });
            Ok(())
        })?;
        Ok(Value::Object(members))
    }

    fn list(&mut self) -> Result<Value, Fault> {
        let mut items = Vec::new();
        self.items(']', |reader| {
            items.push(reader.value()?);
            Ok(())
        })?;
        Ok(Value::List(items))
    }

    /// What stands between two brackets, with commas between.
    fn items(
        &mut self,
        end: char,
        mut item: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let open = self.at;
        self.at += 1;
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        if self.peek() == Some(',') {
            let message = "a comma stands between two items, not before the first";
            return Err(Fault::new(self.at..self.at + 1, message).advise("remove the comma"));
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(',') => self.comma(end)?,
                Some(c) if c == end => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return Err(self.fault_here(&format!("a comma or \"{end}\" belongs here"), None)),
                None => {
                    let message = format!("this bracket is never closed with \"{end}\"");
                    return Err(Fault::new(open..open + 1, message));
                }
            }
        }
    }

    fn comma(&mut self, end: char) -> Result<(), Fault> {
        let comma = self.at;
        self.at += 1;
        let behind = match self.peek() {
            Some(',') => ',',
            Some(next) if next == end => end,
            _ => return Ok(()),
        };
        let message = format!("a comma before \"{behind}\" is not allowed in JSON");
        Err(Fault::new(comma..comma + 1, message).advise(NO_COMMA))
    }

    fn string(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            match rest.chars().next() {
                Some('"') => break,
                Some('\\') => self.at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                Some(c) if c >= ' ' => self.at += c.len_utf8(),
                _ => {
                    let message = "this text is not closed with a double quote on its line";
                    return Err(Fault::new(start..start + 1, message));
                }
            }
        }
        self.at += 1;
        serde_json::from_str(&self.text[start..self.at])
            .map_err(|_| Fault::new(start..self.at, "an escape (\\) in this text is not one of JSON's"))
    }

    fn number(&mut self) -> Result<f64, Fault> {
        let rest = &self.text[self.at..];
        let len =
            rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let span = self.at..self.at + len;
        self.at = span.end;
        serde_json::from_str(&self.text[span.clone()])
            .map_err(|_| Fault::new(span, "this is not a number as JSON writes them"))
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let rest = &self.text[self.at..];
        let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let span = self.at..self.at + len.max(rest.chars().next().map_or(0, char::len_utf8));
        self.at = span.end;
        match &self.text[span.clone()] {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            word => Err(no_value(span, word)),
        }
    }

    /// The next character that is no white space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t', '\r', '\n']);
        self.at = self.text.len() - rest.len();
        rest.chars().next()
    }

    fn fault_here(&self, message: &str, advice: Option<String>) -> Fault {
        let len = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        Fault { advice, ..Fault::new(self.at..self.at + len, message) }
    }
}

/// What people write who think of another language.
fn no_value(span: Range<usize>, word: &str) -> Fault {
    match word {
        "True" | "False" | "TRUE" | "FALSE" | "None" => {
            let meant = if word == "None" { "null".to_owned() } else { word.to_lowercase() };
            Fault::new(span, format!("JSON writes {meant}")).advise(format!("write {meant}"))
        }
        "'" => Fault::new(span, "text stands in double quotes in JSON").advise("write \" instead of '"),
        "/" | "#" => Fault::new(span, "JSON has no comments").advise("remove the comment"),
        "," => Fault::new(span, "a value is missing before this comma"),
        _ => Fault::new(
            span,
            "a value belongs here: text in double quotes, a number, true, false, null, [ or {",
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => (*value).into(),
            Value::Text(value) => value.clone().into(),
            Value::List(items) => items.iter().map(plain).collect(),
            Value::Object(members) => {
                members.iter().map(|member| (member.name.clone(), plain(&member.node))).collect()
            }
        }
    }

    fn shown(text: &str) -> String {
        parse(text).unwrap_err().place(text).lines(80).join("\n")
    }

    #[test]
    fn faults_are_shown_where_they_are() {
        insta::assert_snapshot!(shown("{\n  \"outdir\": \".\",\n  \"cases\": [\"1.1.*\",],\n}"), @r#"
           3 |   "cases": ["1.1.*",],
             |                    ^ a comma before "]" is not allowed in JSON
        "#);
        insta::assert_snapshot!(shown("{\"a\": [1,,2]}"), @r#"
           1 | {"a": [1,,2]}
             |         ^ a comma before "," is not allowed in JSON
        "#);
        insta::assert_snapshot!(shown("{\"a\": 1,,}"), @r#"
           1 | {"a": 1,,}
             |        ^ a comma before "," is not allowed in JSON
        "#);
        insta::assert_snapshot!(shown("[,1]"), @r"
           1 | [,1]
             |  ^ a comma stands between two items, not before the first
        ");
        insta::assert_snapshot!(shown("{'cases': []}"), @r"
           1 | {'cases': []}
             |  ^ the name of a member belongs here, in double quotes
        ");
        insta::assert_snapshot!(shown("{\"a\": [\"ä\", 'b']}"), @r#"
           1 | {"a": ["ä", 'b']}
             |             ^ text stands in double quotes in JSON
        "#);
        insta::assert_snapshot!(shown("{\"a\": True}"), @r#"
           1 | {"a": True}
             |       ^^^^ JSON writes true
        "#);
        insta::assert_snapshot!(shown("{\n\"a\": [1, 2"), @r#"
           2 | "a": [1, 2
             |      ^ this bracket is never closed with "]"
        "#);
        insta::assert_snapshot!(shown("{\"a\": \"b\n\"}"), @r#"
           1 | {"a": "b
             |       ^ this text is not closed with a double quote on its line
        "#);
        insta::assert_snapshot!(shown(""), @"
           1 |
             | ^ the file ends here, but a value is missing
        ");
        insta::assert_snapshot!(shown("{} // done"), @"
           1 | {} // done
             |    ^ the file goes on after the end of the JSON value
        ");
    }

    #[test]
    fn long_lines_are_cut_around_the_fault() {
        let text = format!("{{\"a\": \"{}\", b}}", "x".repeat(400));
        let shown = shown(&text);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        assert!(shown.lines().next().unwrap().ends_with("xx\", b}"), "{shown}");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "[".repeat(100_000);
        assert!(parse(&text).unwrap_err().message.contains("nested"));
    }

    #[test]
    fn names_and_values_know_where_they_stand() {
        let text = " {\"cases\": [\"*\"]}";
        let Value::Object(members) = parse(text).unwrap().value else { panic!("an object") };
        assert_eq!(&text[members[0].name_span.clone()], "\"cases\"");
        assert_eq!(&text[members[0].node.span.clone()], "[\"*\"]");
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_reads(text in "[\\[\\]{}:,\" a1.e+tru\\\\\\-\\n]{0,24}") {
            let ours = parse(&text);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
            if let Err(fault) = ours {
                prop_assert!(fault.place(&text).lines(80).len() >= 2);
            }
        }

        #[test]
        fn any_value_survives(list in prop::collection::vec(("\\PC{0,8}", any::<bool>()), 0..5)) {
            let value = serde_json::json!({ "list": list, "null": null, "empty": {} });
            prop_assert_eq!(plain(&parse(&value.to_string()).unwrap()), value);
        }
    }
}
