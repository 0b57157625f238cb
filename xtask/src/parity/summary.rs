//! The outcome of the comparison, as a table for the terminal and as a page for the documentation.

use std::fmt::Write;

use super::compare::{Comparison, Deviation};
use crate::case_sets::CaseSet;
use crate::peers::{Peer, Role};

/// One peer in one role with one set of cases.
pub(crate) struct Row {
    /// Name and version of the peer.
    label: String,
    outcome: Outcome,
}

enum Outcome {
    Skipped(String),
    Compared { role: Role, set: String, comparison: Comparison },
}

impl Row {
    /// A peer that could not be installed.
    pub(crate) fn skipped(peer: &Peer, reason: String) -> Self {
        Self { label: peer.name.to_owned(), outcome: Outcome::Skipped(reason) }
    }

    /// A finished comparison.
    pub(crate) fn compared(label: String, role: Role, set: &CaseSet, comparison: Comparison) -> Self {
        Self { label, outcome: Outcome::Compared { role, set: set.name.clone(), comparison } }
    }

    /// Whether the peer could not be installed.
    pub(crate) fn is_skipped(&self) -> bool {
        matches!(self.outcome, Outcome::Skipped(_))
    }

    /// Whether the suites disagree.
    pub(crate) fn differs(&self) -> bool {
        matches!(&self.outcome, Outcome::Compared { comparison, .. } if !comparison.differences.is_empty())
    }

    fn cells(&self) -> [String; 7] {
        let peer = self.label.clone();
        match &self.outcome {
            Outcome::Skipped(_) => {
                let nothing = || "-".to_owned();
                [peer, nothing(), "skipped".to_owned(), nothing(), nothing(), nothing(), nothing()]
            }
            Outcome::Compared { role, set, comparison } => [
                peer,
                role.name().to_owned(),
                set.clone(),
                comparison.same.to_string(),
                comparison.passed.to_string(),
                comparison.races.len().to_string(),
                comparison.differences.len().to_string(),
            ],
        }
    }
}

const HEADINGS: [&str; 7] = ["peer", "role", "cases", "same", "passed", "races", "differences"];

/// The table for the terminal.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let mut out = String::new();
    for [peer, role, set, same, passed, races, differences] in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{peer:<26} {role:<8} {set:<12} {same:>5} {passed:>6} {races:>6} {differences:>12}"
        );
    }
    out
}

/// The page docs/parity.md. `messages`: to how many the volume of sections 12 and 13 was cut; `confirm`: how often
/// cases were run again.
pub(crate) fn markdown(rows: &[Row], messages: Option<u32>, confirm: usize) -> String {
    let mut out = INTRODUCTION.replace("{confirm}", &confirm.to_string());
    if let Some(messages) = messages {
        let _ = writeln!(
            out,
            "Written with `--volume-messages {messages}`: in sections 12 and 13 both suites sent {messages} \
             messages in each case.\nWithout that option they send the thousand of the reference, for which it \
             needs half an hour for each peer.\n"
        );
    }
    let _ = writeln!(out, "| {} |\n|---|---|---|--:|--:|--:|--:|", HEADINGS.join(" | "));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.cells().join(" | "));
    }
    out.push_str("\n## Races\n\n");
    list(&mut out, rows, |comparison| &comparison.races);
    out.push_str("\n## Differences\n\n");
    list(&mut out, rows, |comparison| &comparison.differences);
    for row in rows {
        if let Outcome::Skipped(reason) = &row.outcome {
            let _ = writeln!(out, "\n{} was skipped: {reason}", row.label);
        }
    }
    out
}

const INTRODUCTION: &str = "\
# Parity with the reference suite

Both suites run against the same peers, and every case is compared: `behavior`, `behaviorClose` and
`remoteCloseCode`. Cases on which the suites differ run again in both, alone, up to {confirm} times. A case whose
verdict changes between the runs of one suite is a race inside the peer, and is listed as such. Anything else that
is not the same is a difference; docs/verdicts.md explains it. *passed* counts those of the same cases that both
suites call OK or INFORMATIONAL, in `behaviorClose` as well. The peer *wsspec* is `wsspec echo`: as a server, and
with `--connect` as a client.

This page is written by `cargo xtask parity --sections all --write-docs`.

";

fn list(out: &mut String, rows: &[Row], of: impl Fn(&Comparison) -> &Vec<Deviation>) {
    let before = out.len();
    for row in rows {
        if let Outcome::Compared { role, comparison, .. } = &row.outcome {
            for deviation in of(comparison) {
                let _ = writeln!(out, "- {} as {}, {deviation}", row.label, role.name());
            }
        }
    }
    if out.len() == before {
        out.push_str("None.\n");
    }
}
