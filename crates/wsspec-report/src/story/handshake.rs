use wsspec_wire::{RequestHead, ResponseHead, accept_key};

use crate::Untrusted;
use crate::record::{CaseRecord, Role};

/// A header of the opening handshake, checked.
#[derive(Clone, Debug)]
pub struct HeaderLine {
    /// The name.
    pub name: Untrusted,
    /// The value; none if the header is missing.
    pub value: Option<Untrusted>,
    /// Whether it is as it has to be.
    pub state: HeaderState,
    /// Why, if it is not, or what the value means.
    pub note: String,
    /// No rule for its value alone, but a check says that it is wrong.
    pub is_blamed: bool,
}

/// What the rules say about a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderState {
    /// As it has to be.
    Right,
    /// Not as it has to be.
    Wrong,
    /// Asked for, and not there.
    Missing,
    /// No rule.
    Free,
}

/// The headers of the request, checked against RFC 6455 section 4.1.
pub fn request_lines(case: &CaseRecord) -> Vec<HeaderLine> {
    let head = RequestHead::parse(case.handshake.request.kept());
    let required = [
        Required { name: "Host", rule: |_, _| Ok(String::new()) },
        Required { name: "Upgrade", rule: |value, _| token(value, "websocket") },
        Required { name: "Connection", rule: |value, _| token(value, "upgrade") },
        Required { name: "Sec-WebSocket-Key", rule: |value, _| key(value) },
        Required { name: "Sec-WebSocket-Version", rule: |value, _| exactly(value, "13") },
    ];
    let lines = lines(head.headers.iter().map(|header| (&*header.name, &*header.value)), &required, "");
    if case.role == Role::Client { blamed(lines, case) } else { lines }
}

/// The headers of the response, checked against RFC 6455 section 4.2.2.
pub fn response_lines(case: &CaseRecord) -> Vec<HeaderLine> {
    let request = RequestHead::parse(case.handshake.request.kept());
    let computed = request.headers.get("Sec-WebSocket-Key").map(accept_key).unwrap_or_default();
    let head = ResponseHead::parse(case.handshake.response.kept());
    let required = [
        Required { name: "Upgrade", rule: |value, _| token(value, "websocket") },
        Required { name: "Connection", rule: |value, _| token(value, "upgrade") },
        Required { name: "Sec-WebSocket-Accept", rule: accept },
    ];
    let required = if head.status == Some(101) { &required[..] } else { &[] };
    let lines = lines(head.headers.iter().map(|header| (&*header.name, &*header.value)), required, &computed);
    if case.role == Role::Server { blamed(lines, case) } else { lines }
}

/// The same, with the headers marked that a check found wrong or missing.
fn blamed(mut lines: Vec<HeaderLine>, case: &CaseRecord) -> Vec<HeaderLine> {
    let failed = case.checks.iter().filter(|check| !check.ok);
    for (check, name) in failed.filter_map(|check| Some((check, check.header.as_deref()?))) {
        let note = || format!("the check {} fails here", check.id);
        let is_it = |line: &&mut HeaderLine| line.name.raw().eq_ignore_ascii_case(name);
        match lines.iter_mut().find(is_it) {
            Some(line) if line.state == HeaderState::Free => {
                (line.state, line.note, line.is_blamed) = (HeaderState::Wrong, note(), true);
            }
            Some(_) => {}
            None => {
                let (name, state) = (name.into(), HeaderState::Missing);
                lines.push(HeaderLine { name, value: None, state, note: note(), is_blamed: true });
            }
        }
    }
    lines
}

/// A header that has to be there, and the rule for its value.
struct Required {
    name: &'static str,
    rule: fn(&[u8], &str) -> Result<String, String>,
}

fn lines<'a>(
    headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    required: &[Required],
    computed: &str,
) -> Vec<HeaderLine> {
    let mut lines: Vec<HeaderLine> = Vec::new();
    let mut seen = Vec::new();
    for (name, value) in headers {
        let rule = required.iter().find(|required| name.eq_ignore_ascii_case(required.name.as_bytes()));
        let (state, note) = match rule.map(|required| (required.rule)(value, computed)) {
            None => (HeaderState::Free, String::new()),
            Some(Ok(note)) => (HeaderState::Right, note),
            Some(Err(note)) => (HeaderState::Wrong, note),
        };
        seen.extend(rule.map(|required| required.name));
        let value = Some(Untrusted::from_octets(value));
        lines.push(HeaderLine { name: Untrusted::from_octets(name), value, state, note, is_blamed: false });
    }
    let missing = required.iter().filter(|required| !seen.contains(&required.name));
    lines.extend(missing.map(|required| HeaderLine {
        name: required.name.into(),
        value: None,
        state: HeaderState::Missing,
        note: "has to be there".to_owned(),
        is_blamed: false,
    }));
    lines
}

fn token(value: &[u8], wanted: &str) -> Result<String, String> {
    let mut tokens = value.split(|&b| b == b',').map(<[u8]>::trim_ascii);
    match tokens.any(|token| token.eq_ignore_ascii_case(wanted.as_bytes())) {
        true => Ok(String::new()),
        false => Err(format!("has to name {wanted}")),
    }
}

fn exactly(value: &[u8], wanted: &str) -> Result<String, String> {
    match value == wanted.as_bytes() {
        true => Ok(String::new()),
        false => Err(format!("has to be {wanted}")),
    }
}

fn accept(value: &[u8], computed: &str) -> Result<String, String> {
    exactly(value, computed).map(|_| "the SHA-1 of key and GUID in base64, as computed here".to_owned())
}

fn key(value: &[u8]) -> Result<String, String> {
    match wsspec_wire::is_valid_key(value) {
        true => Ok(String::new()),
        false => Err("has to be 16 octets in base64".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Payload;
    use crate::samples;

    fn states(lines: &[HeaderLine]) -> Vec<(&str, HeaderState)> {
        lines.iter().map(|line| (line.name.raw(), line.state)).collect()
    }

    #[test]
    fn headers_of_a_good_handshake_are_right() {
        let case = samples::passed("a", "1.1.1");
        assert!(request_lines(&case).iter().all(|line| line.state == HeaderState::Right));
        assert_eq!(states(&response_lines(&case))[0], ("Server", HeaderState::Free));
        assert_eq!(states(&response_lines(&case))[3], ("Sec-WebSocket-Accept", HeaderState::Right));
    }

    #[test]
    fn wrong_and_missing_headers_are_named_with_what_they_have_to_be() {
        let mut case = samples::passed("a", "1.1.1");
        let response = b"HTTP/1.1 101 x\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: abc\r\n\r\n";
        case.handshake.response = Payload::new(response, 16384);
        let lines = response_lines(&case);
        assert_eq!(
            states(&lines),
            [
                ("Upgrade", HeaderState::Wrong),
                ("Sec-WebSocket-Accept", HeaderState::Wrong),
                ("Connection", HeaderState::Missing)
            ]
        );
        assert_eq!(lines[1].note, "has to be s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_refusal_is_not_measured_against_the_rules_of_an_upgrade() {
        let lines = response_lines(&samples::never_opened("a", "1.1.1"));
        assert_eq!(states(&lines), [("Server", HeaderState::Free)]);
    }
}
