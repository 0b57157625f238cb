//! The sequence of frames and timers of a case.

use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Dir, Happening};
use wsspec_report::story::{FrameWords, Row, Side, opcode_name, timeline};
use wsspec_wire::Opcode;

use super::lines::{agent_name, cut};
use super::style::{Style, Tone};
use crate::text::wrap;

/// Rows that are printed; the first and the last ones if there are more.
const ROWS: usize = 24;
/// Narrower terminals get a list.
const NARROW: usize = 60;
/// Characters of a payload.
const PAYLOAD: usize = 40;

/// The diagram, heading first; what is wrong has a mark.
pub(super) fn render(record: &CaseRecord, style: Style) -> Vec<String> {
    let rows = timeline(record, false, PAYLOAD);
    let column = column(&rows, style);
    let mut out = Vec::new();
    if column > 0 {
        let room = style.width.saturating_sub("      ms   ".len() + column + "<---   ".len());
        let agent = cut(&style.plain(agent_name(record.agent.raw())), room);
        out.push(format!("      ms   {:<column$}       {agent}", "wsspec"));
    }
    let hidden = rows.len().saturating_sub(ROWS);
    for (place, row) in rows.iter().enumerate() {
        if hidden > 0 && place == ROWS / 2 {
            out.push(format!("           ... {hidden} rows not shown ..."));
        }
        if hidden == 0 || place < ROWS / 2 || place >= ROWS / 2 + hidden {
            let [expected, observed] = against(row, record, style);
            if is_wrong(row) {
                out.extend(expected);
                out.push(line(row, column, style));
            } else {
                out.push(line(row, column, style));
                out.extend(expected.into_iter().chain(observed));
            }
        }
    }
    out
}

/// Every line of the wire log, frames with all their fields; with the octets if asked for.
pub(super) fn log(record: &CaseRecord, octets: bool, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for row in timeline(record, octets, PAYLOAD) {
        let [expected, observed] = against(&row, record, style);
        out.extend(expected.filter(|_| is_wrong(&row)));
        let fields = fields(&row.line.what);
        let told = Row { text: fields.unwrap_or_else(|| row.text.clone()), ..row };
        out.push(line(&told, 0, style));
        out.extend(payload_lines(&told.line.what, style));
        out.extend(hex_lines(&told.line.what));
        out.extend(observed.filter(|_| !is_wrong(&told)));
    }
    out
}

/// `Text fin=1 rsv=000 mask=37fa213d length=9`
fn fields(what: &Happening) -> Option<Untrusted> {
    let Happening::Frame { op, fin, rsv, mask, data, .. } = what else { return None };
    let (name, fin, length) = (opcode_name(Opcode::new(*op)), u8::from(*fin), data.len());
    let mask =
        mask.map_or_else(|| "mask=none".to_owned(), |key| format!("mask={:08x}", u32::from_be_bytes(key)));
    Some(Untrusted::from(format!("{name} fin={fin} rsv={rsv:03b} {mask} length={length}")))
}

/// The payload of a frame, as much as was kept and is good to read.
fn payload_lines(what: &Happening, style: Style) -> Vec<String> {
    const INDENT: usize = 13;
    const LONGEST: usize = 1000;
    let Some(words) = FrameWords::of(what, LONGEST).filter(|words| words.content.raw() != "\"\"") else {
        return Vec::new();
    };
    let text = style.plain(words.content.for_terminal(2 * LONGEST));
    let width = style.width.saturating_sub(INDENT).max(20);
    wrap(&text, width).into_iter().map(|line| format!("{:INDENT$}{line}", "")).collect()
}

/// The width of the left side of the diagram, as wide as what was sent needs it; 0: a list.
fn column(rows: &[Row<'_>], style: Style) -> usize {
    const LEAST: usize = 16;
    if style.width < NARROW {
        return 0;
    }
    let sent = rows
        .iter()
        .filter(|row| row.side == Side::Sent && !matches!(row.line.what, Happening::Octets { .. }));
    let widest = sent.map(|row| style.plain(row.text.for_terminal(400)).chars().count() + 2).max();
    widest.unwrap_or(LEAST).clamp(LEAST, ((style.width - 16) / 2).max(LEAST))
}

/// What should have come instead of a row that is wrong, or upon one that is marked, and what was seen.
fn against(row: &Row<'_>, record: &CaseRecord, style: Style) -> [Option<String>; 2] {
    let Some(check) = record.first_failed().filter(|_| row.is_deviation) else { return [None, None] };
    let line = |tone, label: &str, what: &str| {
        let room = style.width.saturating_sub(label.len());
        Some(style.paint(tone, &format!("{label}{}", cut(&style.plain(what), room))))
    };
    [
        line(Tone::Good, "  -        expected   ", &check.expected.for_terminal(400)),
        line(Tone::Bad, "  +        observed   ", &check.observed.for_terminal(400)),
    ]
}

/// Whether the row is what came instead of what was expected.
fn is_wrong(row: &Row<'_>) -> bool {
    row.is_deviation && row.side != Side::Sent
}

fn line(row: &Row<'_>, column: usize, style: Style) -> String {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a case are exact in a double")]
    let ms = row.us as f64 / 1000.0;
    let text = style.plain(row.text.for_terminal(400));
    let (time, mark) = match (row.is_deviation, is_wrong(row)) {
        (_, true) => (format!("{:>8}", format!("+ {ms:.2}")), "   observed"),
        (true, false) => (format!("{ms:>8.2}"), "   (!)"),
        (false, _) => (format!("{ms:>8.2}"), ""),
    };
    let left = style.width.saturating_sub(time.len() + 3 + mark.len());
    let room = left.saturating_sub(column + "<---   ".len());
    let line = match (row.side, column) {
        (Side::Sent, 0) => format!("{time}   > {}{mark}", cut(&text, left.saturating_sub(2))),
        (Side::Received, 0) => format!("{time}   < {}{mark}", cut(&text, left.saturating_sub(2))),
        (Side::Sent, _) => format!("{time}   {:<column$}--->{mark}", cut(&text, column - 1)),
        (Side::Received, _) => format!("{time}   {:<column$}<---   {}{mark}", "", cut(&text, room)),
        (Side::Note, _) => format!("{time}   {}{mark}", cut(&text, left)),
    };
    if is_wrong(row) { style.paint(Tone::Bad, &line) } else { line }
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
