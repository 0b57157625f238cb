//! The opening handshake, where that is what went wrong: both heads, and in them what is not as it has to be.

use wsspec_report::Untrusted;
use wsspec_report::record::{CaseRecord, Happening, Payload};
use wsspec_report::story::{
    HeaderLine, HeaderState, asked_for, payload_preview, request_lines, response_lines,
};

use super::lines::cut;
use super::style::{Style, Tone};
use crate::text::wrap;

/// The status of an upgrade.
const UPGRADED: u16 = 101;
/// Characters of the body of a refusal.
const BODY: usize = 200;

/// The heads of request and response; nothing where frames show what went wrong.
pub(super) fn render(record: &CaseRecord, style: Style) -> Vec<String> {
    let header = record.first_failed().and_then(|check| check.header.as_deref());
    let framed = record.events.iter().any(|line| matches!(line.what, Happening::Frame { .. }));
    if framed && header.is_none() || record.first_failed().is_none() {
        return Vec::new();
    }
    let handshake = &record.handshake;
    if handshake.request.is_empty() && handshake.response.is_empty() {
        return Vec::new();
    }
    let is_server = record.role == wsspec_report::record::Role::Server;
    let mut out = head("request", &handshake.request, &request_lines(record), None, record, style);
    let marked = header.filter(|_| is_server);
    if marked.is_none() && header.is_some() {
        out = head("request", &handshake.request, &request_lines(record), header, record, style);
    }
    out.extend(head("response", &handshake.response, &response_lines(record), marked, record, style));
    if !handshake.body.is_empty() {
        out.push(format!("   body {}", cut_to(&payload_preview(&handshake.body, BODY), 8, style)));
    }
    out
}

/// Whether the server answered with another status than that of an upgrade.
fn is_other_status(name: &str, record: &CaseRecord) -> bool {
    name == "response" && record.handshake.status.is_some_and(|status| status != UPGRADED)
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
    let mut out = vec![format!("   {name}")];
    if is_other_status(name, record) {
        out.extend(difference("Status", &format!("{UPGRADED}"), &first.for_terminal(300), style));
    } else {
        out.push(plain(&first.for_terminal(300), style));
    }
    let mut is_marked = false;
    for line in lines {
        let is_it = marked.is_some_and(|name| line.name.raw().eq_ignore_ascii_case(name));
        is_marked |= is_it;
        let expected = match line.state {
            _ if is_it && line.is_blamed => expected(record),
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

/// What had to stand in the header that is wrong.
fn expected(record: &CaseRecord) -> String {
    let check = record.first_failed();
    let header = check.and_then(|check| check.header.as_deref()).unwrap_or_default();
    let is_server = record.role == wsspec_report::record::Role::Server;
    match header.to_ascii_lowercase().as_str() {
        "sec-websocket-extensions" if is_server => "none, or an answer that fits what was offered".to_owned(),
        "sec-websocket-protocol" if is_server => "none, or one that was offered".to_owned(),
        _ => check.map_or_else(String::new, |check| asked_for(record, check)),
    }
}

fn plain(text: &str, style: Style) -> String {
    format!("     {}", cut(&style.plain(text), style.width.saturating_sub(5)))
}

/// At most what fits behind so many columns.
fn cut_to(text: &Untrusted, behind: usize, style: Style) -> String {
    cut(&style.plain(text.for_terminal(300)), style.width.saturating_sub(behind))
}

fn difference(name: &str, expected: &str, observed: &str, style: Style) -> [String; 2] {
    let name = Untrusted::from(name).for_terminal(100);
    let lines = |tone: Tone, sign: char, text: &str| {
        let lines = wrap(&style.plain(text), style.width.saturating_sub(7).max(20)).into_iter();
        let lines = lines.enumerate().map(|(place, line)| {
            let gap = if place > 0 { "  " } else { "" };
            style.paint(tone, &format!("  {sign}  {gap}{line}"))
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    [
        lines(Tone::Good, '-', &format!("{name}   expected: {expected}")),
        lines(Tone::Bad, '+', &format!("{observed}   observed")),
    ]
}
