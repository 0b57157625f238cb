//! The whole wire log: every frame with each of its fields and all of its payload.

use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Dir, Happening, Payload};
use wsspec_report::story::{FrameMarks, Row, grouped, inflated, opcode_name, timeline};
use wsspec_wire::{CloseBody, FrameHeader, LengthForm, Opcode, Rsv, close_code};

use super::diagram;
use super::style::{Style, Tone};
use crate::text::wrap;

/// Characters of other rows.
const TEXT: usize = 400;
/// Where the fields of a frame stand, and below them its payload.
const INDENT: usize = 13;
/// Octets of a payload on a line.
const OCTETS: usize = 16;

/// Every line of the log, with the octets of each read and write if asked for.
pub(super) fn log(record: &CaseRecord, octets: bool, style: Style) -> Vec<String> {
    let messages = inflated(record);
    let marks = FrameMarks::of(record);
    let mut out = Vec::new();
    for row in timeline(record, octets, TEXT) {
        let [expected, observed] = diagram::against(&row, record, style);
        out.extend(expected.filter(|_| diagram::is_wrong(&row)));
        match &row.line.what {
            Happening::Frame { dir, data, .. } => {
                out.extend(fields(&row, *dir, marks.of_row(&row), style));
                out.extend(payload(&row.line.what, data, style));
                let message = messages.get(&row.line.i);
                out.extend(message.into_iter().flat_map(|text| below(&text.for_terminal(usize::MAX), style)));
            }
            what => {
                out.push(diagram::line(&row, &[&row.text], None, 0, style));
                out.extend(hex_lines(what));
            }
        }
        out.extend(observed.filter(|_| !diagram::is_wrong(&row)));
    }
    out
}

/// `    0.02   > Text fin=1 rsv=000 mask=37fa213d length=9`
fn fields(row: &Row<'_>, dir: Dir, mark: Option<&str>, style: Style) -> Vec<String> {
    let arrow = if dir == Dir::Tx { ">" } else { "<" };
    let mark = match mark {
        Some(mark) => format!("   (!) {mark}"),
        None if diagram::is_wrong(row) => "   observed".to_owned(),
        None => String::new(),
    };
    let text = row.line.what.header().map_or_else(String::new, |header| header_words(&header));
    let whole = format!("{text}{mark}");
    let mut lines = if whole.chars().count() <= room(style) {
        vec![whole]
    } else {
        [&text, &mark].iter().flat_map(|part| wrap(part.trim_start(), room(style))).collect()
    }
    .into_iter();
    let first = lines.next().unwrap_or_default();
    let mut out = vec![format!("{}   {arrow} {first}", diagram::time(row))];
    out.extend(lines.map(|line| format!("{:INDENT$}{line}", "")));
    if diagram::is_wrong(row) {
        out.iter_mut().for_each(|line| *line = style.paint(Tone::Bad, line));
    }
    out
}

fn header_words(header: &FrameHeader) -> String {
    let mask = match header.mask {
        Some(key) => format!("mask={}", key.iter().map(|octet| format!("{octet:02x}")).collect::<String>()),
        None => "mask=none".to_owned(),
    };
    let form = match header.length_form {
        LengthForm::Bits7 => "",
        LengthForm::Bits16 => " (in 16 bits)",
        LengthForm::Bits64 => " (in 64 bits)",
    };
    let minimal = if header.is_minimal() { "" } else { ", not the shortest form" };
    format!(
        "{} fin={} rsv={:03b} {mask} length={}{form}{minimal}",
        opcode_name(header.opcode),
        u8::from(header.fin),
        header.rsv.bits(),
        header.length
    )
}

/// All octets of the payload that were kept: as text if they are text, else in hexadecimal.
fn payload(what: &Happening, data: &Payload, style: Style) -> Vec<String> {
    let Happening::Frame { op, rsv, .. } = what else { return Vec::new() };
    let opcode = Opcode::new(*op);
    let compressed = Rsv::new(*rsv).contains(Rsv::RSV1) && !opcode.is_control();
    let mut out = match data.text() {
        _ if data.is_empty() => return Vec::new(),
        _ if opcode == Opcode::CLOSE && data.len() >= 2 => close_words(data, style),
        Some(text) if !compressed => below(&quoted(&text), style),
        _ => hexadecimal(data.kept(), style),
    };
    if data.is_cut() {
        let (kept, all) = (grouped(data.kept().len() as u64), grouped(data.len()));
        out.push(format!("{:INDENT$}(the first {kept} of {all} octets were recorded)", ""));
        out.extend(data.sha256().iter().flat_map(|hash| below(&format!("SHA-256 {hash}"), style)));
    }
    out
}

fn close_words(data: &Payload, style: Style) -> Vec<String> {
    let body = CloseBody::decode(data.kept());
    let code = body.code.unwrap_or_default();
    let name = close_code::name(code).map_or_else(String::new, |name| format!(" ({name})"));
    match Untrusted::from_octets(body.reason) {
        reason if reason.is_empty() => below(&format!("code {code}{name}, no reason"), style),
        reason => {
            let mut out = below(&format!("code {code}{name}, reason"), style);
            out.extend(below(&quoted(&reason), style));
            out
        }
    }
}

fn quoted(text: &Untrusted) -> String {
    format!("\"{}\"", text.for_terminal(usize::MAX))
}

/// A text below the fields, broken wherever the line is full: spaces in a payload count.
fn below(text: &str, style: Style) -> Vec<String> {
    let letters: Vec<char> = style.plain(text).chars().collect();
    let line = |part: &[char]| format!("{:INDENT$}{}", "", part.iter().collect::<String>());
    letters.chunks(room(style)).map(line).collect()
}

fn hexadecimal(octets: &[u8], style: Style) -> Vec<String> {
    let on_a_line = if room(style) < OCTETS * 3 + 6 { OCTETS / 2 } else { OCTETS };
    let line = |(n, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{:INDENT$}{:04x}  {}", "", n * on_a_line, hex.join(" "))
    };
    octets.chunks(on_a_line).enumerate().map(line).collect()
}

fn room(style: Style) -> usize {
    style.width.saturating_sub(INDENT).max(20)
}

/// Octets of a read or a write in hexadecimal.
fn hex_lines(what: &Happening) -> Vec<String> {
    let Happening::Octets { dir, data, .. } = what else { return Vec::new() };
    let sign = if *dir == Dir::Tx { '>' } else { '<' };
    let row = |(n, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("             {sign} {:04x}  {}", n * OCTETS, hex.join(" "))
    };
    let mut out: Vec<String> = data.kept().chunks(OCTETS).enumerate().map(row).collect();
    let more = data.len().saturating_sub(data.kept().len() as u64);
    if more > 0 {
        out.push(format!("             {sign} ... {more} more octets"));
    }
    out
}
