//! The `Sec-WebSocket-Extensions` grammar, RFC 6455 section 9.1.

use std::fmt;

use thiserror::Error;

use crate::http::{is_token, is_token_octet};

/// One extension of the list: its name and parameters, in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extension {
    /// The extension token as it came.
    pub name: String,
    /// The parameters.
    pub params: Vec<Param>,
}

/// One parameter of an extension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Param {
    /// The parameter's name as it came.
    pub name: String,
    /// The value, if there is a `=`.
    pub value: Option<ParamValue>,
}

/// The value of a parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParamValue {
    /// The text, without quotation marks and escapes.
    pub text: String,
    /// Whether it came, or is to be written, in quotation marks.
    pub quoted: bool,
}

/// A header value does not follow the grammar of RFC 6455 section 9.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("expected {expected} at octet {offset} of extension header {index}", index = .value + 1)]
pub struct ExtensionSyntax {
    /// The index of the header value.
    pub value: usize,
    /// The index of the octet in that value.
    pub offset: usize,
    /// What the grammar asks for there.
    pub expected: &'static str,
}

/// Reads the values of all `Sec-WebSocket-Extensions` headers of a head as one list.
///
/// White space may stand around every element, and list elements may be empty (RFC 2616 section 2.1). No
/// values at all are an empty list.
///
/// # Errors
///
/// The first place where the values leave the grammar. Values without any extension leave it at their end.
pub fn parse_extensions<'a>(
    values: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Extension>, ExtensionSyntax> {
    let mut extensions = Vec::new();
    let mut end = None;
    for (value, octets) in values.into_iter().enumerate() {
        let mut scanner = Scanner { octets, offset: 0 };
        let syntax = |Unexpected { offset, expected }| ExtensionSyntax { value, offset, expected };
        scanner.list(&mut extensions).map_err(syntax)?;
        end = Some(ExtensionSyntax { value, offset: scanner.offset, expected: EXTENSION });
    }
    match end {
        Some(empty) if extensions.is_empty() => Err(empty),
        _ => Ok(extensions),
    }
}

const EXTENSION: &str = "an extension name";

struct Unexpected {
    offset: usize,
    expected: &'static str,
}

/// Reads one header value from left to right.
struct Scanner<'a> {
    octets: &'a [u8],
    offset: usize,
}

impl Scanner<'_> {
    fn list(&mut self, extensions: &mut Vec<Extension>) -> Result<(), Unexpected> {
        loop {
            while self.take(b',') {}
            if self.peek().is_none() {
                return Ok(());
            }
            extensions.push(self.extension()?);
            if !self.take(b',') && self.peek().is_some() {
                return Err(self.unexpected("`;`, `,` or the end"));
            }
        }
    }

    fn extension(&mut self) -> Result<Extension, Unexpected> {
        let name = self.token(EXTENSION)?;
        let mut params = Vec::new();
        while self.take(b';') {
            let name = self.token("a parameter name")?;
            let value = if self.take(b'=') { Some(self.value()?) } else { None };
            params.push(Param { name, value });
        }
        Ok(Extension { name, params })
    }

    fn value(&mut self) -> Result<ParamValue, Unexpected> {
        let quoted = self.take(b'"');
        let text = if quoted { self.quoted()? } else { self.token("a parameter value")? };
        Ok(ParamValue { text, quoted })
    }

    /// The rest of a quoted string; what it quotes must be a token.
    fn quoted(&mut self) -> Result<String, Unexpected> {
        let mut text = String::new();
        loop {
            let escaped = self.octets.get(self.offset) == Some(&b'\\');
            let at = self.offset + usize::from(escaped);
            match self.octets.get(at) {
                Some(&octet) if is_token_octet(octet) => text.push(char::from(octet)),
                Some(b'"') if !escaped && !text.is_empty() => {
                    self.offset += 1;
                    return Ok(text);
                }
                _ => return Err(self.unexpected("a token in quotation marks")),
            }
            self.offset = at + 1;
        }
    }

    fn token(&mut self, expected: &'static str) -> Result<String, Unexpected> {
        self.skip_white_space();
        let rest = &self.octets[self.offset..];
        let len = rest.iter().position(|&octet| !is_token_octet(octet)).unwrap_or(rest.len());
        if len == 0 {
            return Err(self.unexpected(expected));
        }
        self.offset += len;
        Ok(rest[..len].iter().copied().map(char::from).collect())
    }

    /// Takes this octet, and white space in front of it, if it is next.
    fn take(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        self.offset += usize::from(found);
        found
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_white_space();
        self.octets.get(self.offset).copied()
    }

    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\t') = self.octets.get(self.offset) {
            self.offset += 1;
        }
    }

    fn unexpected(&self, expected: &'static str) -> Unexpected {
        Unexpected { offset: self.offset, expected }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.params.iter().try_for_each(|param| write!(f, "; {param}"))
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.value.iter().try_for_each(|value| write!(f, "={value}"))
    }
}

/// In quotation marks if asked for, or if the text is no token.
impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.quoted && is_token(self.text.as_bytes()) {
            return f.write_str(&self.text);
        }
        let escaped = self.text.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Result<Vec<String>, ExtensionSyntax> {
        let extensions = parse_extensions(values.iter().map(|value| value.as_bytes()))?;
        Ok(extensions.iter().map(Extension::to_string).collect())
    }

    #[test]
    fn lists_go_on_over_several_values() {
        let values = ["foo", "bar; baz=2 , ,\tdeflate;a ;b=\"c\\d\"", ""];
        assert_eq!(parse(&values).unwrap(), ["foo", "bar; baz=2", "deflate; a; b=\"cd\""]);
        assert_eq!(parse(&[]).unwrap(), [""; 0]);
    }

    #[test]
    fn parameters_keep_their_order_and_form() {
        let extensions = parse_extensions([&b"x;b;a=1;b=\"1\""[..]]).unwrap();
        let param = |name: &str, value: Option<(&str, bool)>| Param {
            name: name.into(),
            value: value.map(|(text, quoted)| ParamValue { text: text.into(), quoted }),
        };
        let params = vec![param("b", None), param("a", Some(("1", false))), param("b", Some(("1", true)))];
        assert_eq!(extensions, [Extension { name: "x".into(), params }]);
    }

    #[test]
    fn the_first_departure_from_the_grammar_is_told() {
        for (values, value, offset, expected) in [
            (&[""][..], 0, 0, EXTENSION),
            (&[" ,, "], 0, 4, EXTENSION),
            (&["a", "; b"], 1, 0, EXTENSION),
            (&["a; "], 0, 3, "a parameter name"),
            (&["a;b=,"], 0, 4, "a parameter value"),
            (&["a;b=\"\""], 0, 5, "a token in quotation marks"),
            (&["a;b=\"c d\""], 0, 6, "a token in quotation marks"),
            (&["a;b=\"c"], 0, 6, "a token in quotation marks"),
            (&["a;b=\"c\\\"\""], 0, 6, "a token in quotation marks"),
            (&["a;b=\"c\\"], 0, 6, "a token in quotation marks"),
            (&["a b"], 0, 2, "`;`, `,` or the end"),
            (&["a;b=c=d"], 0, 5, "`;`, `,` or the end"),
            (&["a\u{e9}"], 0, 1, "`;`, `,` or the end"),
        ] {
            assert_eq!(parse(values), Err(ExtensionSyntax { value, offset, expected }), "{values:?}");
        }
    }

    #[test]
    fn texts_that_are_no_tokens_are_quoted() {
        let value = |text: &str| ParamValue { text: text.into(), quoted: false }.to_string();
        assert_eq!(value("15"), "15");
        assert_eq!(value(""), "\"\"");
        assert_eq!(value("a \"b\\"), r#""a \"b\\""#);
    }
}
