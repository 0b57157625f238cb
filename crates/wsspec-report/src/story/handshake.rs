use wsspec_wire::{Header, Headers, RequestHead, ResponseHead, accept_key, parse_extensions};

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
    let rules = [
        due("Host", |_, _| Ok(String::new())),
        list("Upgrade", |value, _| token(value, "websocket")),
        list("Connection", |value, _| token(value, "upgrade")),
        due("Sec-WebSocket-Key", |value, _| key(value)),
        due("Sec-WebSocket-Version", |value, _| exactly(value, "13")),
    ];
    let lines = lines(&head.headers, &rules, &head.headers);
    if case.role == Role::Client { blamed(lines, case) } else { lines }
}

/// The headers of the response, checked against RFC 6455 section 4.2.2.
pub fn response_lines(case: &CaseRecord) -> Vec<HeaderLine> {
    let request = RequestHead::parse(case.handshake.request.kept());
    let head = ResponseHead::parse(case.handshake.response.kept());
    let rules = [
        due("Upgrade", |value, _| is_websocket(value)),
        list("Connection", |value, _| token(value, "upgrade")),
        due("Sec-WebSocket-Accept", accept),
        HeaderRule { is_due: false, ..due("Sec-WebSocket-Extensions", extensions) },
        HeaderRule { is_due: false, ..due("Sec-WebSocket-Protocol", subprotocol) },
    ];
    let rules = if head.status == Some(101) { &rules[..] } else { &[] };
    let lines = lines(&head.headers, rules, &request.headers);
    if case.role == Role::Server { blamed(lines, case) } else { lines }
}

/// The same, with the headers marked that a check found wrong or missing.
fn blamed(mut lines: Vec<HeaderLine>, case: &CaseRecord) -> Vec<HeaderLine> {
    let failed = case.checks.iter().filter(|check| !check.ok);
    for (check, name) in failed.filter_map(|check| Some((check, check.header.as_deref()?))) {
        let note = || format!("the check {} fails here", check.id);
        let is_it = |line: &HeaderLine| line.name.raw().eq_ignore_ascii_case(name);
        let is_wrong = |line: &HeaderLine| matches!(line.state, HeaderState::Wrong | HeaderState::Missing);
        if lines.iter().any(|line| is_it(line) && is_wrong(line)) {
            continue;
        }
        if !lines.iter().any(is_it) {
            let (name, state) = (name.into(), HeaderState::Missing);
            lines.push(HeaderLine { name, value: None, state, note: note(), is_blamed: true });
            continue;
        }
        // Which of several lines is wrong the check does not say.
        for line in lines.iter_mut().filter(|line| is_it(line)) {
            (line.state, line.note, line.is_blamed) = (HeaderState::Wrong, note(), true);
        }
    }
    lines
}

/// The rule for the value of a header; it may look at the headers of the request.
struct HeaderRule {
    name: &'static str,
    rule: fn(&[u8], &Headers) -> Result<String, String>,
    /// The header has to be there.
    is_due: bool,
    /// Its lines are one list (RFC 9110 5.3), and the rule is for all of it.
    is_list: bool,
}

fn due(name: &'static str, rule: fn(&[u8], &Headers) -> Result<String, String>) -> HeaderRule {
    HeaderRule { name, rule, is_due: true, is_list: false }
}

fn list(name: &'static str, rule: fn(&[u8], &Headers) -> Result<String, String>) -> HeaderRule {
    HeaderRule { is_list: true, ..due(name, rule) }
}

fn lines(head: &Headers, rules: &[HeaderRule], request: &Headers) -> Vec<HeaderLine> {
    let mut lines: Vec<HeaderLine> = Vec::new();
    let mut seen = Vec::new();
    for Header { name, value, .. } in head.iter() {
        let rule = rules.iter().find(|rule| name.eq_ignore_ascii_case(rule.name.as_bytes()));
        let whole = rule
            .filter(|rule| rule.is_list)
            .map(|rule| head.get_all(rule.name).collect::<Vec<_>>().join(&b", "[..]));
        let judged = whole.as_deref().unwrap_or(value);
        let (state, note) = match rule.map(|rule| (rule.rule)(judged, request)) {
            None => (HeaderState::Free, String::new()),
            Some(Ok(note)) => (HeaderState::Right, note),
            Some(Err(note)) => (HeaderState::Wrong, note),
        };
        seen.extend(rule.map(|rule| rule.name));
        let value = Some(Untrusted::from_octets(value));
        lines.push(HeaderLine { name: Untrusted::from_octets(name), value, state, note, is_blamed: false });
    }
    let missing = rules.iter().filter(|rule| rule.is_due && !seen.contains(&rule.name));
    lines.extend(missing.map(|rule| HeaderLine {
        name: rule.name.into(),
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

/// A client may name several protocols to upgrade to, a server the one that it takes.
fn is_websocket(value: &[u8]) -> Result<String, String> {
    match value.eq_ignore_ascii_case(b"websocket") {
        true => Ok(String::new()),
        false => Err("has to be websocket".to_owned()),
    }
}

fn exactly(value: &[u8], wanted: &str) -> Result<String, String> {
    match value == wanted.as_bytes() {
        true => Ok(String::new()),
        false => Err(format!("has to be {wanted}")),
    }
}

fn accept(value: &[u8], request: &Headers) -> Result<String, String> {
    let computed = request.get("Sec-WebSocket-Key").map(accept_key).unwrap_or_default();
    exactly(value, &computed).map(|_| "the SHA-1 of key and GUID in base64, as computed here".to_owned())
}

fn extensions(value: &[u8], request: &Headers) -> Result<String, String> {
    let named = parse_extensions([value]).map_err(|_| "has to be a list of extensions".to_owned())?;
    let offered = parse_extensions(request.get_all("Sec-WebSocket-Extensions")).unwrap_or_default();
    match named.iter().all(|one| offered.iter().any(|offer| offer.name == one.name)) {
        true => Ok(String::new()),
        false => Err("may name only what was offered".to_owned()),
    }
}

fn subprotocol(value: &[u8], request: &Headers) -> Result<String, String> {
    let offered = request.get_all("Sec-WebSocket-Protocol").flat_map(|value| value.split(|&b| b == b','));
    match offered.map(<[u8]>::trim_ascii).any(|name| name == value) || value.is_empty() {
        true => Ok(String::new()),
        false => Err("has to be one that was offered".to_owned()),
    }
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
    fn of_a_header_in_two_lines_one_was_called_wrong() {
        let lines = |first: &str, second: &str| {
            let mut case = samples::passed("a", "1.1.1");
            let both = format!("Connection: {first}\r\nConnection: {second}");
            let response = samples::RESPONSE.replace("Connection: Upgrade", &both);
            case.handshake.response = Payload::new(response.as_bytes(), 16384);
            let lines = response_lines(&case).into_iter().filter(|line| line.name.raw() == "Connection");
            lines.map(|line| (line.state, line.note)).collect::<Vec<_>>()
        };
        let right = (HeaderState::Right, String::new());
        assert_eq!(lines("Upgrade", "close"), vec![right.clone(); 2]);
        assert_eq!(lines("keep-alive", "upgrade"), vec![right; 2]);
        let wrong = (HeaderState::Wrong, "has to name upgrade".to_owned());
        assert_eq!(lines("keep-alive", "close"), vec![wrong; 2]);
    }

    /// Each breaks a rule, and was told as right or as nothing that there is a rule for.
    #[test]
    fn headers_that_the_request_did_not_ask_for_were_told_as_right() {
        let mut case = samples::passed("a", "1.1.1");
        let response = samples::RESPONSE.replace("websocket", "h2c, websocket").replace(
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: x-foo; a=1\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
        );
        case.handshake.response = Payload::new(response.as_bytes(), 16384);
        let lines = response_lines(&case);
        let wrong: Vec<(&str, &str)> = lines
            .iter()
            .filter(|line| line.state == HeaderState::Wrong)
            .map(|line| (line.name.raw(), &*line.note))
            .collect();
        let expected = [
            ("Upgrade", "has to be websocket"),
            ("Sec-WebSocket-Extensions", "may name only what was offered"),
            ("Sec-WebSocket-Protocol", "has to be one that was offered"),
        ];
        assert_eq!(wrong, expected);
        let offers = "Sec-WebSocket-Protocol: a, chat\r\nSec-WebSocket-Extensions: x-foo\r\n\r\n";
        let request = samples::REQUEST.replace("\r\n\r\n", &format!("\r\n{offers}"));
        case.handshake.request = Payload::new(request.as_bytes(), 16384);
        let lines = response_lines(&case);
        assert_eq!(lines.iter().filter(|line| line.state == HeaderState::Wrong).count(), 1, "{lines:?}");
    }

    #[test]
    fn a_header_that_a_check_blames_was_told_as_right() {
        let mut case = samples::failed("a", "22.3.1");
        case.checks[0].header = Some("Sec-WebSocket-Accept".to_owned());
        let lines = response_lines(&case);
        let blamed: Vec<&HeaderLine> = lines.iter().filter(|line| line.state == HeaderState::Wrong).collect();
        assert_eq!((blamed[0].name.raw(), blamed.len()), ("Sec-WebSocket-Accept", 1));
        assert_eq!(blamed[0].note, "the check events fails here");
    }

    #[test]
    fn a_refusal_is_not_measured_against_the_rules_of_an_upgrade() {
        let lines = response_lines(&samples::never_opened("a", "1.1.1"));
        assert_eq!(states(&lines), [("Server", HeaderState::Free)]);
    }
}
