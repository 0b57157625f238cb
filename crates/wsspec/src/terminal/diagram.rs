//! The sequence of frames and timers of a case.

use wsspec_engine::Wanted;
use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Happening};
use wsspec_report::story::{FrameMarks, Row, Side, asked_for, came_back, observed, timeline};

use super::lines::{agent_name, cut};
use super::style::{Style, Tone};
use crate::text::wrap;

/// Rows that are printed at most.
const ROWS: usize = 24;
/// Rows before and behind one that is marked; at most two are.
const AROUND: usize = 2;
/// Narrower terminals get a list.
const NARROW: usize = 60;
/// What stands behind a row that came instead of what was expected.
const OBSERVED: &str = "   observed";
/// Characters of a payload: as many as there is room for.
const PAYLOAD: [usize; 5] = [40, 30, 20, 12, 6];
/// Characters of any text.
const TEXT: usize = 400;
/// Columns of a time and the gap behind it.
const TIME: usize = "    0.00   ".len();

/// The diagram, heading first; what is wrong has a mark.
pub(super) fn render(record: &CaseRecord, style: Style) -> Vec<String> {
    let by_length = PAYLOAD.map(|limit| timeline(record, false, limit));
    let rows = &by_length[0];
    let column = column(rows, style);
    let marks = FrameMarks::of(record);
    let mut out = Vec::new();
    if column > 0 && !rows.is_empty() {
        let room = style.width.saturating_sub("      ms   ".len() + column + "<---   ".len());
        let agent = cut(&style.plain(agent_name(record.agent.raw())), room);
        out.push(format!("      ms   {:<column$}       {agent}", "wsspec"));
    }
    let is_shown = shown(rows, &marks);
    let mut hidden = 0;
    for (place, row) in rows.iter().enumerate() {
        if !is_shown[place] {
            hidden += 1;
            continue;
        }
        out.extend(gap(std::mem::take(&mut hidden)));
        let [expected, observed] = against(row, record, style);
        let texts = by_length.each_ref().map(|rows| &rows[place].text);
        let told = line(row, &texts, marks.of_row(row), column, style);
        if is_wrong(row) {
            out.extend(expected.into_iter().chain([told]));
        } else {
            out.extend([told].into_iter().chain(expected).chain(observed));
        }
    }
    out
}

fn gap(hidden: usize) -> Option<String> {
    let rows = if hidden == 1 { "row" } else { "rows" };
    (hidden > 0).then(|| format!("           ... {hidden} {rows} not shown ..."))
}

/// Which of many rows are printed: the first and the last ones, and those around what is marked.
fn shown(rows: &[Row<'_>], marks: &FrameMarks) -> Vec<bool> {
    let is_marked = |row: &Row<'_>| row.is_deviation || row.is_telling || marks.of_row(row).is_some();
    let marked: Vec<usize> = (0..rows.len()).filter(|&place| is_marked(&rows[place])).collect();
    let ends = ROWS.saturating_sub(marked.len() * (2 * AROUND + 1)) / 2;
    let is_near = |place: usize| marked.iter().any(|marked| marked.abs_diff(place) <= AROUND);
    let is_shown = |place| rows.len() <= ROWS || place < ends || place + ends >= rows.len() || is_near(place);
    (0..rows.len()).map(is_shown).collect()
}

/// The width of the left side of the diagram, as wide as what was sent needs it; 0: a list.
fn column(rows: &[Row<'_>], style: Style) -> usize {
    const LEAST: usize = 16;
    if style.width < NARROW {
        return 0;
    }
    let widest = |side: Side| {
        let of_side = rows.iter().filter(|row| row.side == side);
        let frames = of_side.filter(|row| !matches!(row.line.what, Happening::Octets { .. }));
        frames.map(|row| style.plain(row.text.for_terminal(TEXT)).chars().count()).max().unwrap_or(0)
    };
    let [sent, received] = [Side::Sent, Side::Received].map(widest);
    let both = style.width - (TIME + "--->   ".len());
    let room = both.saturating_sub(received.max(LEAST)).max(both / 2).max(LEAST);
    (sent + 2).clamp(LEAST, room)
}

/// What should have come instead of a row that is wrong, or upon one that is marked, and what was seen.
pub(super) fn against(row: &Row<'_>, record: &CaseRecord, style: Style) -> [Option<String>; 2] {
    let Some(check) = record.first_failed().filter(|_| row.is_deviation) else { return [None, None] };
    let line = |tone, sign: char, label: &str, what: &str| {
        let label = format!("{sign}          {label}   ");
        let behind = format!("{sign}{:width$}", "", width = label.len() - 1);
        let lines = wrap(&style.plain(what), style.width.saturating_sub(label.len()).max(20));
        let heads = std::iter::once(&label).chain(std::iter::repeat(&behind));
        let lines = lines.iter().zip(heads).map(|(line, head)| style.paint(tone, &format!("{head}{line}")));
        Some(lines.collect::<Vec<_>>().join("\n"))
    };
    // What the tester did wrong had to be refused; else it is the peer's frame that is wrong.
    let expected = match check.wanted.as_deref() {
        Some(Wanted::LawfulFrames) if came_back(record) => record.expectation.clone(),
        _ => asked_for(record, check),
    };
    let observed = observed(check).for_terminal(TEXT);
    [line(Tone::Good, '-', "expected", &expected), line(Tone::Bad, '+', "observed", &observed)]
}

/// Whether the row is what came instead of what was expected.
pub(super) fn is_wrong(row: &Row<'_>) -> bool {
    row.is_deviation && row.side != Side::Sent
}

/// Milliseconds since the connection was open, behind a `+` if the row came instead of what was expected.
pub(super) fn time(row: &Row<'_>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a case are exact in a double")]
    let ms = row.us as f64 / 1000.0;
    let time = format!("{ms:.2}");
    // The sign has a column of its own.
    if is_wrong(row) { format!("+{time:>7}") } else { format!("{time:>8}") }
}

/// One row, with what is to be said of a frame that was sent; in a list if the column has no width. `texts`: what
/// happened, at length first; the first one counts that there is room for.
pub(super) fn line(
    row: &Row<'_>,
    texts: &[&Untrusted],
    mark: Option<&str>,
    column: usize,
    style: Style,
) -> String {
    let before = before(row.side, column, style);
    let is_left = row.side == Side::Sent && column > 0;
    let room = if is_left { column - 1 } else { style.width.saturating_sub(TIME + before.len()).max(12) };
    let mut out = Vec::new();
    for (place, text) in fitting(texts, room, is_wrong(row), style).iter().enumerate() {
        let sign = if is_wrong(row) { "+" } else { "" };
        let line = match place {
            0 if is_left => format!("{}   {text:<column$}--->", time(row)),
            0 => format!("{}   {before}{text}", time(row)),
            _ => format!("{sign:<8}   {:1$}{text}", "", before.len()),
        };
        out.push(line);
    }
    let arrow = if is_left { 0 } else { out.len() - 1 };
    add_mark(&mut out, arrow, is_wrong(row), mark, style);
    let out = out.into_iter().map(|line| if is_wrong(row) { style.paint(Tone::Bad, &line) } else { line });
    out.collect::<Vec<_>>().join("\n")
}

/// The lines of the first text that needs two at most; what is wrong is told at length.
fn fitting(texts: &[&Untrusted], room: usize, at_length: bool, style: Style) -> Vec<String> {
    let lines = |text: &&Untrusted| wrap(&style.plain(text.for_terminal(TEXT)), room);
    let is_short = |lines: &Vec<String>| at_length || lines.len() <= 2;
    let found = texts.iter().map(lines).find(is_short);
    found.or_else(|| texts.last().map(lines)).unwrap_or_default()
}

/// What stands between the time and the words.
fn before(side: Side, column: usize, style: Style) -> String {
    let hop = match side {
        Side::Sent if column == 0 => return "> ".to_owned(),
        Side::Received if column == 0 => return "< ".to_owned(),
        Side::Received => return format!("{:<column$}<---   ", ""),
        Side::Sent | Side::Note => return String::new(),
        Side::ToOrigin => "proxy ---> origin   ",
        Side::FromOrigin => "proxy <--- origin   ",
        Side::AtOrigin => "",
    };
    let indent = if column == 0 { 2 } else { column + "<---   ".len() };
    format!("{:indent$}{hop}", "", indent = indent.min(style.width / 3))
}

/// The mark stands behind this line of the row, or below the row where there is no room.
fn add_mark(lines: &mut Vec<String>, at: usize, is_wrong: bool, mark: Option<&str>, style: Style) {
    let fits = |mark: &str| lines[at].chars().count() + mark.chars().count() <= style.width;
    match mark.map(|mark| format!("   (!) {mark}")) {
        // Where there is no room for both, the sign says it alone.
        None if is_wrong && fits(OBSERVED) => lines[at].push_str(OBSERVED),
        Some(mark) if fits(&mark) => lines[at].push_str(&mark),
        Some(mark) => {
            let note = cut(mark.trim_start(), style.width.saturating_sub(TIME));
            // Beside the rest of the words, if they needed a second line.
            let has_room = |line: &mut String| line.chars().count() + mark.chars().count() <= style.width;
            let rest = if lines.len() > at + 1 { lines.pop_if(has_room) } else { None }.unwrap_or_default();
            let room = style.width.saturating_sub(rest.chars().count());
            lines.push(format!("{rest}{note:>room$}"));
        }
        None => {}
    }
}
