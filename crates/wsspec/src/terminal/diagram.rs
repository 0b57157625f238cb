//! The sequence of frames and timers of a case.

use wsspec_report::record::{CaseRecord, Dir, Happening, LogLine, Payload};
use wsspec_wire::Opcode;

use super::lines::{agent_name, cut};
use super::style::Style;

/// Lines that are printed; the first and the last ones if there are more.
const LINES: usize = 24;
/// Narrower terminals get a list.
const NARROW: usize = 60;

/// The diagram, heading first; the line `marked` gets a mark.
pub(super) fn render(record: &CaseRecord, marked: Option<usize>, style: Style) -> Vec<String> {
    let rows: Vec<&LogLine> = record.events.iter().filter(|line| is_shown(line)).collect();
    let column = column(style);
    let mut out = Vec::new();
    if column > 0 {
        out.push(format!("      ms   {:<column$} {}", "wsspec", agent_name(record.agent.raw())));
    }
    let hidden = rows.len().saturating_sub(LINES);
    for (place, line) in rows.iter().enumerate() {
        if hidden > 0 && place == LINES / 2 {
            out.push(format!("           ... {hidden} lines not shown ..."));
        }
        if hidden == 0 || place < LINES / 2 || place >= LINES / 2 + hidden {
            out.push(row(line, record.opened_us(), style, column, marked == Some(line.i)));
        }
    }
    out
}

/// Every line of the wire log, with the octets if asked for.
pub(super) fn log(record: &CaseRecord, octets: bool, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for line in &record.events {
        if is_shown(line) {
            out.push(row(line, record.opened_us(), style, column(style), false));
        } else if octets {
            out.push(row(line, record.opened_us(), style, 0, false));
            out.extend(super::detail::hex_lines(&line.what));
        }
    }
    out
}

/// The width of one side of the diagram; 0: a list.
const fn column(style: Style) -> usize {
    if style.width < NARROW { 0 } else { (style.width - 16) / 2 }
}

fn is_shown(line: &LogLine) -> bool {
    !matches!(line.what, Happening::Octets { .. } | Happening::Recording { .. } | Happening::Unknown)
}

fn row(line: &LogLine, opened_us: u64, style: Style, column: usize, marked: bool) -> String {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a case are exact in a double")]
    let ms = (line.us as f64 - opened_us as f64) / 1000.0;
    let text = words(&line.what);
    let mark = if marked { "   (!)" } else { "" };
    let left = style.width.saturating_sub("12345.67   ".len() + mark.len());
    let room = left.saturating_sub(column + "<---   ".len());
    match (direction(&line.what), column) {
        (Some(Dir::Tx), 0) => format!("{ms:>8.2}   > {text}{mark}"),
        (Some(Dir::Rx), 0) => format!("{ms:>8.2}   < {text}{mark}"),
        (Some(Dir::Tx), _) => format!("{ms:>8.2}   {:<column$}--->{mark}", cut(&text, column - 1)),
        (Some(Dir::Rx), _) => format!("{ms:>8.2}   {:<column$}<---   {}{mark}", "", cut(&text, room)),
        (None, _) => format!("{ms:>8.2}   {}{mark}", cut(&text, left)),
    }
}

fn direction(what: &Happening) -> Option<Dir> {
    match what {
        Happening::Frame { dir, .. } | Happening::Octets { dir, .. } => Some(*dir),
        _ => None,
    }
}

/// One entry of the wire log in words.
pub(super) fn words(what: &Happening) -> String {
    let seconds = |us: &u64| crate::text::duration(std::time::Duration::from_micros(*us));
    let name = |tag: &Option<String>| tag.as_ref().map_or_else(String::new, |tag| format!(" ({tag})"));
    match what {
        Happening::Frame { op, fin, rsv, data, .. } => frame(*op, *fin, *rsv, data),
        Happening::Octets { data, sync, .. } => {
            let sync = if *sync { ", on their own" } else { "" };
            format!("{} octets in one piece{sync}", data.len())
        }
        Happening::Wait { delay_us, tag } => format!("wait {}{}", seconds(delay_us), name(tag)),
        Happening::WaitEnd { tag } => format!("the wait is over{}", name(tag)),
        Happening::FailTimer { delay_us } => {
            format!("timer {}: then the connection is failed", seconds(delay_us))
        }
        Happening::FailTimerFired => "timer: wsspec fails the connection".to_owned(),
        Happening::CloseTimer { delay_us } => format!("timer {}: then wsspec closes", seconds(delay_us)),
        Happening::CloseTimerFired => "timer: wsspec closes".to_owned(),
        Happening::Recording { on } => format!("recording {}", if *on { "goes on" } else { "stops" }),
        Happening::Failed { why } => format!("wsspec fails the connection: {}", why.for_terminal(200)),
        Happening::Tcp { end } => match end.as_str() {
            "peer-fin" => "TCP: FIN from the peer".to_owned(),
            "peer-rst" => "TCP: reset by the peer".to_owned(),
            _ => "TCP: closed by wsspec".to_owned(),
        },
        Happening::Unknown => String::new(),
    }
}

fn frame(op: u8, fin: bool, rsv: u8, data: &Payload) -> String {
    let opcode = Opcode::new(op);
    let mut out = name(opcode);
    if !opcode.is_control() || !fin {
        out.push_str(&format!(" fin={}", u8::from(fin)));
    }
    if rsv != 0 {
        out.push_str(&format!(" rsv={rsv:03b}"));
    }
    if !data.is_empty() || opcode == Opcode::CLOSE {
        out.push_str(&format!(" {}", body(opcode, data, 32)));
    }
    out
}

/// The name of an opcode, short and with a capital letter.
pub(super) fn name(opcode: Opcode) -> String {
    match opcode {
        Opcode::CONTINUATION => "Cont".to_owned(),
        opcode if opcode.is_reserved() => format!("opcode {}", opcode.bits()),
        opcode => {
            let name = opcode.name();
            name[..1].to_uppercase() + &name[1..]
        }
    }
}

/// The payload of a frame as its opcode lets one read it.
pub(super) fn body(opcode: Opcode, data: &Payload, limit: usize) -> String {
    match data.kept() {
        _ if opcode != Opcode::CLOSE => payload(data, limit),
        [] => "(empty)".to_owned(),
        [octet] => format!("one octet {octet:02x}"),
        [high, low] => u16::from_be_bytes([*high, *low]).to_string(),
        [high, low, reason @ ..] => {
            let reason = wsspec_report::Untrusted::from_octets(reason).for_terminal(limit);
            format!("{} \"{reason}\"", u16::from_be_bytes([*high, *low]))
        }
    }
}

/// A payload: text in quotation marks, binary as hex, the length if it is cut.
fn payload(data: &Payload, limit: usize) -> String {
    let shown = match data.text() {
        Some(text) => format!("\"{}\"", text.for_terminal(limit)),
        None => data.kept().iter().take(limit / 2).map(|octet| format!("{octet:02x}")).collect(),
    };
    if data.len() > limit as u64 { format!("{shown} ({} octets)", data.len()) } else { shown }
}
