//! JSON in the form in which the reference writes it: indented by three, ASCII only.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// The value as indented ASCII JSON.
pub(super) fn to_string<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    write(value, &mut out).expect("the values have string keys and are written to memory");
    String::from_utf8(out).expect("the formatter writes ASCII")
}

/// Writes the value as indented ASCII JSON.
pub(super) fn write<T: Serialize>(value: &T, out: impl Write) -> io::Result<()> {
    let formatter = Ascii(PrettyFormatter::with_indent(b"   "));
    Ok(value.serialize(&mut Serializer::with_formatter(out, formatter))?)
}

struct Ascii(PrettyFormatter<'static>);

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_indented_by_three_and_ascii() {
        let value = serde_json::json!({"a": [], "b": {}, "c": [1, "ä\u{1f600}\u{7f}\n\""], "d": 0.25});
        let want = "{\n   \"a\": [],\n   \"b\": {},\n   \"c\": [\n      1,\n      \
                    \"\\u00e4\\ud83d\\ude00\\u007f\\n\\\"\"\n   ],\n   \"d\": 0.25\n}";
        assert_eq!(to_string(&value), want);
    }
}
