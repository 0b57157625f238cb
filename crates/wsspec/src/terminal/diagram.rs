//! The sequence of frames and timers of a case.

use wsspec_engine::{Found, Wanted, fault};
use wsspec_report::record::{CaseRecord, CheckRecord, Happening};
use wsspec_report::story::{Row, Side, sent_breach, timeline};

use super::lines::{agent_name, cut};
use super::style::{Style, Tone};

/// Rows that are printed at most.
const ROWS: usize = 24;
/// Rows before and behind one that is marked; at most two are.
const AROUND: usize = 2;
/// Narrower terminals get a list.
const NARROW: usize = 60;
/// What stands behind a row that came instead of what was expected.
const OBSERVED: &str = "   observed";
/// Characters of a payload.
const PAYLOAD: usize = 40;

/// The diagram, heading first; what is wrong has a mark.
pub(super) fn render(record: &CaseRecord, style: Style) -> Vec<String> {
    let rows = timeline(record, false, PAYLOAD);
    let column = column(&rows, style);
    let breach = sent_breach(record);
    let breach = breach.map(|(at, what)| (at, what.mark()));
    let outcome = outcome_of_sent(record);
    let sent = |row: &Row<'_>| {
        let breach = breach.as_ref().filter(|(at, _)| *at == row.line.i).map(|(_, what)| what.as_str());
        breach.or_else(|| Some(outcome).filter(|_| row.is_deviation && row.side == Side::Sent))
    };
    let mut out = Vec::new();
    if column > 0 && !rows.is_empty() {
        let room = style.width.saturating_sub("      ms   ".len() + column + "<---   ".len());
        let agent = cut(&style.plain(agent_name(record.agent.raw())), room);
        out.push(format!("      ms   {:<column$}       {agent}", "wsspec"));
    }
    let is_shown = shown(&rows, breach.as_ref().map(|(at, _)| *at));
    let mut hidden = 0;
    for (row, is_shown) in rows.iter().zip(is_shown) {
        if !is_shown {
            hidden += 1;
            continue;
        }
        out.extend(gap(std::mem::take(&mut hidden)));
        let [expected, observed] = against(row, record, style);
        if is_wrong(row) {
            out.extend(expected);
            out.push(line(row, sent(row), column, style));
        } else {
            out.push(line(row, sent(row), column, style));
            out.extend(expected.into_iter().chain(observed));
        }
    }
    out
}

fn gap(hidden: usize) -> Option<String> {
    let rows = if hidden == 1 { "row" } else { "rows" };
    (hidden > 0).then(|| format!("           ... {hidden} {rows} not shown ..."))
}

/// Which of many rows are printed: the first and the last ones, and those around what is marked.
fn shown(rows: &[Row<'_>], breach: Option<usize>) -> Vec<bool> {
    let is_marked = |row: &Row<'_>| row.is_deviation || breach == Some(row.line.i) && !row.side.is_behind();
    let marked: Vec<usize> = (0..rows.len()).filter(|&place| is_marked(&rows[place])).collect();
    let ends = (ROWS - marked.len() * (2 * AROUND + 1)) / 2;
    let is_near = |place: usize| marked.iter().any(|marked| marked.abs_diff(place) <= AROUND);
    let is_shown = |place| rows.len() <= ROWS || place < ends || place + ends >= rows.len() || is_near(place);
    (0..rows.len()).map(is_shown).collect()
}

/// What became of a frame that was sent and is marked.
pub(super) fn outcome_of_sent(record: &CaseRecord) -> &'static str {
    if record.first_failed().is_some_and(CheckRecord::is_alive) {
        "the last it got"
    } else if is_silent(record) {
        "not answered"
    } else {
        "answered otherwise"
    }
}

/// Whether what is wrong is that something did not come.
fn is_silent(record: &CaseRecord) -> bool {
    let found = record.first_failed().and_then(|check| check.found.as_deref());
    found.is_some_and(|found| {
        matches!(
            found,
            Found::StayedOpen { .. }
                | Found::NoAnswer
                | Found::TcpForAnswer { .. }
                | Found::TcpEnded { .. }
                | Found::Silence
                | Found::Events { count: 0, .. }
        )
    })
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
pub(super) fn against(row: &Row<'_>, record: &CaseRecord, style: Style) -> [Option<String>; 2] {
    let Some(check) = record.first_failed().filter(|_| row.is_deviation) else { return [None, None] };
    let line = |tone, label: &str, what: &str| {
        let room = style.width.saturating_sub(label.len());
        Some(style.paint(tone, &format!("{label}{}", cut(&style.plain(what), room))))
    };
    let expected = match check.wanted.as_deref() {
        Some(Wanted::LawfulFrames) => record.expectation.clone(),
        _ => check.expected.for_terminal(400),
    };
    // That something was due says more than that the connection stayed open.
    let observed = match (check.wanted.as_deref(), check.found.as_deref()) {
        (Some(wanted @ Wanted::Event { .. }), Some(found @ Found::StayedOpen { .. })) => {
            fault(wanted, found, true).into()
        }
        _ => check.observed.clone(),
    };
    let observed = observed.for_terminal(400);
    [
        line(Tone::Good, "-          expected   ", &expected),
        line(Tone::Bad, "+          observed   ", &observed),
    ]
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

/// One row, with what is wrong with a frame that was sent; in a list if the column has no width.
pub(super) fn line(row: &Row<'_>, breach: Option<&str>, column: usize, style: Style) -> String {
    let text = style.plain(row.text.for_terminal(400));
    let time = time(row);
    let taken = time.len() + 3 + if column == 0 { 2 } else { column + "<---   ".len() };
    let mark = match (row.is_deviation, breach) {
        // Where there is no room for both, the sign says it alone.
        _ if is_wrong(row) => match taken + text.chars().count() + OBSERVED.len() {
            whole if whole <= style.width || row.side == Side::Note => OBSERVED.to_owned(),
            _ => String::new(),
        },
        (_, Some(breach)) => format!("   (!) {breach}"),
        (true, None) => "   (!)".to_owned(),
        (false, None) => String::new(),
    };
    let behind = time.len() + 3 + if column == 0 { text.chars().count() + 2 } else { column + "--->".len() };
    if let Some(breach) = breach.filter(|_| behind + mark.chars().count() > style.width) {
        let note = cut(&format!("(!) {breach}"), style.width.saturating_sub(11));
        return format!("{}\n{:>width$}", line(row, None, column, style), note, width = style.width);
    }
    let left = style.width.saturating_sub(time.len() + 3 + mark.len());
    let room = left.saturating_sub(column + "<---   ".len());
    let line = match (row.side, column) {
        (Side::Sent, 0) => format!("{time}   > {}{mark}", cut(&text, left.saturating_sub(2))),
        (Side::Received, 0) => format!("{time}   < {}{mark}", cut(&text, left.saturating_sub(2))),
        (Side::Sent, _) => format!("{time}   {:<column$}--->{mark}", cut(&text, column - 1)),
        (Side::Received, _) => format!("{time}   {:<column$}<---   {}{mark}", "", cut(&text, room)),
        (Side::Note, _) => format!("{time}   {}{mark}", cut(&text, left)),
        (Side::ToOrigin | Side::FromOrigin | Side::AtOrigin, _) => {
            let hop = match row.side {
                Side::ToOrigin => "proxy ---> origin   ",
                Side::FromOrigin => "proxy <--- origin   ",
                _ => "",
            };
            let indent = if column == 0 { 2 } else { column + "<---   ".len() };
            let indent = indent.min(left / 2);
            format!("{time}   {:<indent$}{}", "", cut(&format!("{hop}{text}"), left.saturating_sub(indent)))
        }
    };
    if is_wrong(row) { style.paint(Tone::Bad, &line) } else { line }
}
