//! HTTP/1.1 heads of the opening handshake, RFC 6455 section 4: read leniently, kept without loss.

use std::slice;

/// One header field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The field name as it came.
    pub name: Vec<u8>,
    /// The value without white space around it; a folded value is joined by single spaces.
    pub value: Vec<u8>,
    /// The line, or lines if the value is folded, without the last line end.
    pub raw: Vec<u8>,
}

/// The header fields of a head, in their order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Headers {
    fields: Vec<Header>,
    /// Lines that are not header fields, without their line ends: no colon, or a name that is no token.
    pub malformed: Vec<Vec<u8>>,
}

impl Headers {
    /// All fields in their order.
    pub fn iter(&self) -> slice::Iter<'_, Header> {
        self.fields.iter()
    }

    /// The values of all fields of this name, in any case.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| &field.value[..])
    }

    /// The value of the first field of this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// Whether the comma-separated values of all fields of this name hold the token, in any case.
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.get_all(name)
            .flat_map(|value| value.split(|&octet| octet == b','))
            .any(|element| element.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut headers = Self::default();
        let mut after_field = false;
        for line in lines {
            let folded = after_field && matches!(line.first(), Some(b' ' | b'\t'));
            match headers.fields.last_mut() {
                Some(field) if folded => field.fold(line),
                _ => after_field = headers.push(line),
            }
        }
        headers
    }

    /// Takes a line; `false` if it is malformed.
    fn push(&mut self, line: &[u8]) -> bool {
        let field = Header::parse(line);
        let well_formed = field.is_some();
        match field {
            Some(field) => self.fields.push(field),
            None => self.malformed.push(line.to_vec()),
        }
        well_formed
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = slice::Iter<'a, Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Header {
    fn parse(line: &[u8]) -> Option<Self> {
        let colon = line.iter().position(|&octet| octet == b':')?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let header = Self { name: name.to_vec(), value: trim_ows(value).to_vec(), raw: line.to_vec() };
        is_token(name).then_some(header)
    }

    /// Adds a line that begins with white space (RFC 9112 section 5.2).
    fn fold(&mut self, line: &[u8]) {
        self.raw.extend_from_slice(b"\r\n");
        self.raw.extend_from_slice(line);
        let more = trim_ows(line);
        if !self.value.is_empty() && !more.is_empty() {
            self.value.push(b' ');
        }
        self.value.extend_from_slice(more);
    }
}

/// The head of a request: request line and header fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestHead {
    /// All octets as they came.
    pub raw: Vec<u8>,
    /// The request line up to its first space.
    pub method: Vec<u8>,
    /// What lies between the first and the last space of the request line.
    pub target: Vec<u8>,
    /// What follows the last space of the request line; empty if it has only one.
    pub version: Vec<u8>,
    /// The header fields.
    pub headers: Headers,
}

impl RequestHead {
    /// Reads a head, however broken. Everything behind the first empty line is left to `raw`.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Self {
        let (line, headers) = split_head(raw);
        let (method, rest) = split_at_space(line);
        let (target, version) = match rest.iter().rposition(|&octet| octet == b' ') {
            Some(space) => (&rest[..space], &rest[space + 1..]),
            None => (rest, &b""[..]),
        };
        Self {
            raw: raw.to_vec(),
            method: method.to_vec(),
            target: target.to_vec(),
            version: version.to_vec(),
            headers,
        }
    }
}

/// The head of a response: status line and header fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResponseHead {
    /// All octets as they came.
    pub raw: Vec<u8>,
    /// The status line up to its first space.
    pub version: Vec<u8>,
    /// The status code, if it has exactly three digits.
    pub status: Option<u16>,
    /// What follows the second space of the status line.
    pub reason: Vec<u8>,
    /// The header fields.
    pub headers: Headers,
}

impl ResponseHead {
    /// Reads a head, however broken. Everything behind the first empty line is left to `raw`.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Self {
        let (line, headers) = split_head(raw);
        let (version, rest) = split_at_space(line);
        let (status, reason) = split_at_space(rest);
        Self {
            raw: raw.to_vec(),
            version: version.to_vec(),
            status: parse_status(status),
            reason: reason.to_vec(),
            headers,
        }
    }
}

/// A request for the opening handshake, `GET` and `HTTP/1.1`. Nothing is checked or escaped.
#[must_use]
pub fn write_request(target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    write_head(format!("GET {target} HTTP/1.1\r\n"), headers)
}

/// An `HTTP/1.1` response. Nothing is checked or escaped.
#[must_use]
pub fn write_response(status: u16, reason: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    write_head(format!("HTTP/1.1 {status:03} {reason}\r\n"), headers)
}

fn write_head(first_line: String, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = first_line.into_bytes();
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Collects the octets of a head until its empty line, and no more than a limit.
#[derive(Clone, Debug)]
pub struct HeadBuffer {
    octets: Vec<u8>,
    limit: usize,
    /// Whether the octets end with a line end, or with one and a CR.
    at_line_start: bool,
}

/// What [`HeadBuffer::feed`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeadProgress {
    /// No empty line yet; all of the input was taken.
    Incomplete,
    /// The head is longer than the limit.
    TooLarge,
    /// The head is complete; what follows in the input does not belong to it.
    Complete {
        /// How many octets of this input belong to the head, its empty line included.
        consumed: usize,
    },
}

impl HeadBuffer {
    /// A buffer for a head of at most `limit` octets.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { octets: Vec::new(), limit, at_line_start: false }
    }

    /// Takes octets up to and including the empty line. Lines end with CRLF or with LF alone.
    pub fn feed(&mut self, input: &[u8]) -> HeadProgress {
        for (index, &octet) in input.iter().enumerate() {
            if self.octets.len() == self.limit {
                return HeadProgress::TooLarge;
            }
            self.octets.push(octet);
            match octet {
                b'\n' if self.at_line_start => return HeadProgress::Complete { consumed: index + 1 },
                b'\n' => self.at_line_start = true,
                b'\r' if self.at_line_start && self.octets.ends_with(b"\n\r") => {}
                _ => self.at_line_start = false,
            }
        }
        HeadProgress::Incomplete
    }

    /// The octets taken so far.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

/// The first line, and the header fields of the following lines up to the empty one.
fn split_head(raw: &[u8]) -> (&[u8], Headers) {
    let mut lines = raw.split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    (first, Headers::parse(lines.take_while(|line| !line.is_empty())))
}

fn split_at_space(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|&octet| octet == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, &[]),
    }
}

fn parse_status(digits: &[u8]) -> Option<u16> {
    let &[a, b, c] = digits else { return None };
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let value = |digit: u8| u16::from(digit.wrapping_sub(b'0'));
    all_digits.then(|| value(a) * 100 + value(b) * 10 + value(c))
}

/// Removes spaces and tabs around a value (RFC 9110 section 5.6.3).
fn trim_ows(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Whether this is a token of RFC 9110 section 5.6.2.
pub(crate) fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().copied().all(is_token_octet)
}

pub(crate) const fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart() {
        let raw = write_request("/chat?x=1", &[("Host", "example.com"), ("Upgrade", "websocket")]);
        assert_eq!(raw, b"GET /chat?x=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\r\n");
        let head = RequestHead::parse(&raw);
        assert_eq!(head.raw, raw);
        assert_eq!((&head.method[..], &head.target[..]), (&b"GET"[..], &b"/chat?x=1"[..]));
        assert_eq!(head.version, b"HTTP/1.1");
        assert_eq!(head.headers.get("hOST"), Some(&b"example.com"[..]));
        assert_eq!(head.headers.get("Origin"), None);
    }

    #[test]
    fn a_response_is_taken_apart() {
        let raw = write_response(101, "Switching Protocols", &[("Connection", "Upgrade")]);
        let head = ResponseHead::parse(&raw);
        assert_eq!((&head.version[..], head.status), (&b"HTTP/1.1"[..], Some(101)));
        assert_eq!(head.reason, b"Switching Protocols");
        assert!(head.headers.has_token("connection", "upgrade"));
    }

    #[test]
    fn a_status_has_three_digits() {
        for (line, status) in [
            ("HTTP/1.1 404", Some(404)),
            ("HTTP/1.1 999 x", Some(999)),
            ("HTTP/1.1 1010 x", None),
            ("HTTP/1.1 +10 x", None),
            ("HTTP/1.1 1o1 x", None),
            ("HTTP/1.1  101 x", None),
            ("HTTP/1.1", None),
            ("", None),
        ] {
            assert_eq!(ResponseHead::parse(line.as_bytes()).status, status, "{line:?}");
        }
    }

    #[test]
    fn tokens_are_found_in_lists_and_repeated_fields() {
        let raw = b"GET / HTTP/1.1\nConnection: keep-alive\nconnection:,\tUpgrade ,\n\n";
        let headers = RequestHead::parse(raw).headers;
        assert!(headers.has_token("Connection", "upgrade"));
        assert!(headers.has_token("Connection", "Keep-Alive"));
        assert!(!headers.has_token("Connection", "keep"));
        assert_eq!(headers.get_all("CONNECTION").count(), 2);
    }

    #[test]
    fn broken_lines_are_kept_apart() {
        let raw =
            b"GET / HTTP/1.1\r\n folded: early\r\nno colon\r\n: no name\r\nSpace : x\r\nGood:\tx\r\n\r\n";
        let headers = RequestHead::parse(raw).headers;
        let malformed = [&b" folded: early"[..], b"no colon", b": no name", b"Space : x"];
        assert_eq!(headers.malformed, malformed);
        assert_eq!(headers.get("Good"), Some(&b"x"[..]));
        assert_eq!(headers.iter().count(), 1);
    }

    #[test]
    fn a_folded_value_is_joined_and_its_lines_are_kept() {
        let headers = RequestHead::parse(b"GET / HTTP/1.1\r\nA: one\r\n\t two \r\n three\r\n\r\n").headers;
        let field = headers.iter().next().unwrap();
        assert_eq!(field.value, b"one two three");
        assert_eq!(field.raw, b"A: one\r\n\t two \r\n three");
    }

    #[test]
    fn a_request_line_may_have_any_number_of_spaces() {
        let parts = |line: &[u8]| {
            let RequestHead { method, target, version, .. } = RequestHead::parse(line);
            [method, target, version].map(|part| String::from_utf8(part).unwrap())
        };
        assert_eq!(parts(b"GET /a b c HTTP/1.1"), ["GET", "/a b c", "HTTP/1.1"]);
        assert_eq!(parts(b"GET /"), ["GET", "/", ""]);
        assert_eq!(parts(b"GET"), ["GET", "", ""]);
        assert_eq!(parts(b""), ["", "", ""]);
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        for head in ["GET / HTTP/1.1\r\nA: b\r\n\r\n", "GET / HTTP/1.1\nA: b\n\n", "GET / HTTP/1.1\n\r\n"] {
            let mut buffer = HeadBuffer::new(1000);
            let input = [head.as_bytes(), b"\x81\x00"].concat();
            assert_eq!(buffer.feed(&input), HeadProgress::Complete { consumed: head.len() });
            assert_eq!(buffer.octets(), head.as_bytes());
        }
        assert_eq!(HeadBuffer::new(1000).feed(b"GET / HTTP/1.1\r\n\r\r\n\r"), HeadProgress::Incomplete);
    }

    #[test]
    fn a_head_may_fill_its_limit_but_not_exceed_it() {
        let head = b"GET / HTTP/1.1\r\n\r\n";
        let exact = HeadBuffer::new(head.len()).feed(head);
        assert_eq!(exact, HeadProgress::Complete { consumed: head.len() });
        let mut short = HeadBuffer::new(head.len() - 1);
        assert_eq!(short.feed(&head[..10]), HeadProgress::Incomplete);
        assert_eq!(short.feed(&head[10..]), HeadProgress::TooLarge);
        assert_eq!(short.feed(b"x"), HeadProgress::TooLarge);
        assert_eq!(short.octets().len(), head.len() - 1);
    }
}
