//! The first lines of a run: what is run, where, and who answers.

use std::time::Duration;

use super::lines::{agent_name, cut};
use super::style::Style;
use crate::text::{count, duration};

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Announced<'a> {
    /// How many cases.
    pub cases: usize,
    /// What was asked for.
    pub asked: &'a [String],
    /// How many at a time.
    pub jobs: usize,
    /// The seed.
    pub seed: &'a str,
    /// Where the reports go.
    pub out: &'a str,
}

/// `wsspec 0.1.0   247 cases (core)   jobs 8   seed 7f3a91   out wsspec-out/`
///
/// If that is too wide, it goes on below, and the folder is on a line of its own.
pub fn run(what: &Announced<'_>, style: Style) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let asked: Vec<&str> = what.asked.iter().map(|word| word.trim_start_matches('@')).collect();
    let cases = format!("{} ({})", count(what.cases, "case"), cut(&asked.join(" "), 20));
    let Announced { jobs, seed, out, .. } = what;
    let parts = [cases, format!("jobs {jobs}"), format!("seed {seed}")];
    let lines = row(&format!("wsspec {version}"), &parts.each_ref().map(String::as_str), style);
    let last = lines.lines().last().map_or(0, |line| line.chars().count());
    let fits = last + "   out /".len() + out.chars().count() <= style.width;
    if fits { format!("{lines}   out {out}/") } else { format!("{lines}\n{:<INDENT$}{out}/", "out") }
}

/// Columns for the label of a row.
const INDENT: usize = 15;

/// A label, and behind it as many lines as the parts need; no part is broken.
pub fn row(label: &str, parts: &[&str], style: Style) -> String {
    row_at(INDENT, label, parts, style)
}

/// The same with so many columns for the label.
pub fn row_at(indent: usize, label: &str, parts: &[&str], style: Style) -> String {
    let mut out = format!("{label:<indent$}");
    let mut column = indent;
    for (place, part) in parts.iter().filter(|part| !part.is_empty()).enumerate() {
        let wide = part.chars().count();
        let gap = match place {
            0 => "",
            _ if column + 3 + wide <= style.width => "   ",
            _ => "\n",
        };
        if gap == "\n" {
            out.truncate(out.trim_end().len());
        }
        out.push_str(gap);
        if gap == "\n" {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        column = if gap == "\n" { indent } else { column + gap.len() } + wide;
        out.push_str(part);
    }
    out
}

/// `exec           ./my_server --port 41873   ready in 0.31 s (ws)`
pub fn exec(command: &str, ready: &str, took: Duration, style: Style) -> String {
    let command = cut(&style.plain(command), 60.min(room(style)));
    row("exec", &[&command, &format!("ready in {} ({ready})", duration(took))], style)
}

/// Columns behind the label of a row.
fn room(style: Style) -> usize {
    style.width.saturating_sub(INDENT).max(20)
}

/// `target         ws://127.0.0.1:9001   101 in 3 ms   echo ok`
pub fn target(url: &str, answered_in: Duration, echo: bool, style: Style) -> String {
    let echo = if echo { "echo ok" } else { "echo not tried" };
    row("target", &[&cut(url, room(style)), &format!("101 in {}", duration(answered_in)), echo], style)
}

/// `agent          mylib/2.3 (Server header)   deflate: yes   TLS: no`
pub fn agent(name: &str, named_by_peer: bool, deflate: bool, tls: bool, style: Style) -> String {
    let yes = |is| if is { "yes" } else { "no" };
    let source = if named_by_peer { " (Server header)" } else { "" };
    let room = style.width.saturating_sub(15 + source.len()).max(20);
    let name = format!("{}{source}", cut(&style.plain(agent_name(name)), room));
    row("agent", &[&name, &format!("deflate: {}", yes(deflate)), &format!("TLS: {}", yes(tls))], style)
}
