//! The sequence of frames and timers of a case.

use wsspec_report::record::{CaseRecord, Dir, Happening};
use wsspec_report::story::{Row, Side, timeline};

use super::lines::{agent_name, cut};
use super::style::Style;

/// Rows that are printed; the first and the last ones if there are more.
const ROWS: usize = 24;
/// Narrower terminals get a list.
const NARROW: usize = 60;
/// Characters of a payload.
const PAYLOAD: usize = 40;

/// The diagram, heading first; what is wrong has a mark.
pub(super) fn render(record: &CaseRecord, style: Style) -> Vec<String> {
    let rows = timeline(record, false, PAYLOAD);
    let column = column(style);
    let mut out = Vec::new();
    if column > 0 {
        out.push(format!("      ms   {:<column$} {}", "wsspec", agent_name(record.agent.raw())));
    }
    let hidden = rows.len().saturating_sub(ROWS);
    for (place, row) in rows.iter().enumerate() {
        if hidden > 0 && place == ROWS / 2 {
            out.push(format!("           ... {hidden} rows not shown ..."));
        }
        if hidden == 0 || place < ROWS / 2 || place >= ROWS / 2 + hidden {
            out.push(line(row, column, style));
        }
    }
    out
}

/// Every line of the wire log, with the octets if asked for.
pub(super) fn log(record: &CaseRecord, octets: bool, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for row in timeline(record, octets, PAYLOAD) {
        let is_octets = matches!(row.line.what, Happening::Octets { .. });
        out.push(line(&row, if is_octets { 0 } else { column(style) }, style));
        out.extend(hex_lines(&row.line.what));
    }
    out
}

/// The width of one side of the diagram; 0: a list.
const fn column(style: Style) -> usize {
    if style.width < NARROW { 0 } else { (style.width - 16) / 2 }
}

fn line(row: &Row<'_>, column: usize, style: Style) -> String {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a case are exact in a double")]
    let ms = row.us as f64 / 1000.0;
    let text = row.text.for_terminal(400);
    let mark = if row.is_deviation { "   (!)" } else { "" };
    let left = style.width.saturating_sub("12345.67   ".len() + mark.len());
    let room = left.saturating_sub(column + "<---   ".len());
    match (row.side, column) {
        (Side::Sent, 0) => format!("{ms:>8.2}   > {}{mark}", cut(&text, left)),
        (Side::Received, 0) => format!("{ms:>8.2}   < {}{mark}", cut(&text, left)),
        (Side::Sent, _) => format!("{ms:>8.2}   {:<column$}--->{mark}", cut(&text, column - 1)),
        (Side::Received, _) => format!("{ms:>8.2}   {:<column$}<---   {}{mark}", "", cut(&text, room)),
        (Side::Note, _) => format!("{ms:>8.2}   {}{mark}", cut(&text, left)),
    }
}

/// Octets in hexadecimal, sixteen a line.
fn hex_lines(what: &Happening) -> Vec<String> {
    let Happening::Octets { dir, data, .. } = what else { return Vec::new() };
    let sign = if *dir == Dir::Tx { '>' } else { '<' };
    let row = |(n, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("             {sign} {:04x}  {}", n * 16, hex.join(" "))
    };
    let mut out: Vec<String> = data.kept().chunks(16).enumerate().map(row).collect();
    let more = data.len().saturating_sub(data.kept().len() as u64);
    if more > 0 {
        out.push(format!("             {sign} ... {more} more octets"));
    }
    out
}
