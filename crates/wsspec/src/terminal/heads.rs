//! The opening handshake, where that is what went wrong: both heads, and in them what is not as it has to be.

use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Happening, Payload};
use wsspec_report::story::{HeaderLine, HeaderState, request_lines, response_lines};

use super::lines::cut;
use super::style::{Style, Tone};

/// The heads of request and response; nothing where frames show what went wrong.
pub(super) fn render(record: &CaseRecord, style: Style) -> Vec<String> {
    let header = record.first_failed().and_then(|check| check.header.as_deref());
    let framed = record.events.iter().any(|line| matches!(line.what, Happening::Frame { .. }));
    if framed && header.is_none() || record.first_failed().is_none() {
        return Vec::new();
    }
    let handshake = &record.handshake;
    let is_server = record.role == wsspec_report::record::Role::Server;
    let mut out = head("request", &handshake.request, &request_lines(record), None, record, style);
    let marked = header.filter(|_| is_server);
    if marked.is_none() && header.is_some() {
        out = head("request", &handshake.request, &request_lines(record), header, record, style);
    }
    out.extend(head("response", &handshake.response, &response_lines(record), marked, record, style));
    out
}

fn head(
    name: &str,
    octets: &Payload,
    lines: &[HeaderLine],
    marked: Option<&str>,
    record: &CaseRecord,
    style: Style,
) -> Vec<String> {
    if octets.is_empty() {
        return vec![format!("   {name}: none came")];
    }
    let whole = Untrusted::from_octets(octets.kept());
    let first = Untrusted::from(whole.raw().lines().next().unwrap_or_default());
    let mut out = vec![format!("   {name}"), plain(&first.for_terminal(300), style)];
    let mut is_marked = false;
    for line in lines {
        let is_it = marked.is_some_and(|name| line.name.raw().eq_ignore_ascii_case(name));
        is_marked |= is_it;
        let expected = match line.state {
            HeaderState::Wrong | HeaderState::Missing => line.note.clone(),
            _ if is_it => expected(record),
            _ => {
                out.push(plain(&told(line), style));
                continue;
            }
        };
        out.extend(difference(line.name.raw(), &expected, &told(line), style));
    }
    if let Some(name) = marked.filter(|_| !is_marked) {
        out.extend(difference(name, &expected(record), &format!("no {name}"), style));
    }
    out
}

fn told(line: &HeaderLine) -> String {
    let name = line.name.for_terminal(100);
    match &line.value {
        Some(value) => format!("{name}: {}", value.for_terminal(300)),
        None => format!("no {name}"),
    }
}

fn expected(record: &CaseRecord) -> String {
    record.first_failed().map_or_else(String::new, |check| check.expected.for_terminal(300))
}

fn plain(text: &str, style: Style) -> String {
    format!("     {}", cut(&style.plain(text), style.width.saturating_sub(5)))
}

fn difference(name: &str, expected: &str, observed: &str, style: Style) -> [String; 2] {
    let name = Untrusted::from(name).for_terminal(100);
    let line = |sign: char, text: &str| cut(&format!("  {sign}  {}", style.plain(text)), style.width);
    [
        style.paint(Tone::Good, &line('-', &format!("{name}   expected: {expected}"))),
        style.paint(Tone::Bad, &line('+', &format!("{observed}   observed"))),
    ]
}
