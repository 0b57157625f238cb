//! Scripts in languages with sockets: one template each.

use std::fmt::Write as _;

use super::frames::Piece;
use super::{End, Script, one_line, pieces};
use crate::record::Role;
use crate::record::event::hex;

pub(super) fn python(script: &Script) -> String {
    let language = Language {
        comment: "# ",
        truth: ["False", "True"],
        literal: json,
        piece: |piece| match piece.times {
            1 => format!("\"{}\"", hex(&piece.octets)),
            times => format!("(\"{}\", {times})", hex(&piece.octets)),
        },
        brackets: ["(", ")"],
        octets: ["octets(", ")"],
    };
    language.fill(include_str!("../../templates/repro/python.py"), script)
}

pub(super) fn js(script: &Script) -> String {
    let language = Language {
        comment: "// ",
        truth: ["false", "true"],
        literal: json,
        piece: |piece| match piece.times {
            1 => format!("\"{}\"", hex(&piece.octets)),
            times => format!("[\"{}\", {times}]", hex(&piece.octets)),
        },
        brackets: ["[", "]"],
        octets: ["octets(", ")"],
    };
    language.fill(include_str!("../../templates/repro/node.js"), script)
}

pub(super) fn rust(script: &Script) -> String {
    let language = Language {
        comment: "// ",
        truth: ["false", "true"],
        literal: |text| format!("{text:?}"),
        piece: |piece| format!("(\"{}\", {})", hex(&piece.octets), piece.times),
        brackets: ["(", ")"],
        octets: ["&[", "]"],
    };
    language.fill(include_str!("../../templates/repro/main.rs.txt"), script)
}

/// How a language writes what a template leaves open.
struct Language {
    comment: &'static str,
    truth: [&'static str; 2],
    literal: fn(&str) -> String,
    piece: fn(&Piece) -> String,
    /// Around a move.
    brackets: [&'static str; 2],
    /// Around its octets.
    octets: [&'static str; 2],
}

impl Language {
    fn fill(&self, template: &str, script: &Script) -> String {
        let truth = |value: bool| self.truth[usize::from(value)].to_owned();
        let heading: Vec<String> =
            script.heading().iter().map(|line| format!("{}{line}", self.comment)).collect();
        let expected: String = script
            .expected
            .iter()
            .map(|line| format!("    {},\n", (self.literal)(&one_line(line))))
            .collect();
        let end = match script.end {
            End::Close => "close",
            End::Fin => "fin",
            End::Reset => "reset",
        };
        // What is filled in is never looked through for further places.
        let values = [
            ("HEADING", heading.join("\n")),
            ("HOST", (self.literal)(&script.host)),
            ("PORT", script.port.to_string()),
            ("CONNECTS", truth(script.role == Role::Server)),
            ("TLS", truth(script.tls)),
            ("END", (self.literal)(end)),
            ("PATIENCE", format!("{:.1}", script.patience.as_secs_f64())),
            ("EXPECTED", expected),
            ("MOVES", self.moves(script)),
        ];
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, behind) = behind.split_once("}}").unwrap_or((behind, ""));
            out.push_str(before);
            let value = values.iter().find(|(known, _)| *known == name);
            out.push_str(value.map_or("", |(_, value)| value));
            // Lists bring their own line break.
            rest =
                if matches!(name, "EXPECTED" | "MOVES") { behind.trim_start_matches('\n') } else { behind };
        }
        out + rest
    }

    fn moves(&self, script: &Script) -> String {
        let mut out = String::new();
        let [open, shut] = self.brackets;
        let [begin, end] = self.octets;
        for (step, label) in script.moves.iter().zip(script.labels()) {
            let parts: Vec<String> = pieces(&step.octets).iter().map(self.piece).collect();
            let (pause, listens) = (step.pause.as_secs_f64(), self.truth[usize::from(step.listen)]);
            let label = (self.literal)(&label);
            let _ = write!(out, "    {open}{pause:.3}, {listens}, {label}, {begin}");
            match parts.as_slice() {
                [one] if one.len() < 40 => out.push_str(one),
                _ => parts.iter().for_each(|part| out.push_str(&format!("\n        {part},"))),
            }
            let _ = writeln!(out, "{end}{shut},");
        }
        out
    }
}

/// A string of Python and of JavaScript.
fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
