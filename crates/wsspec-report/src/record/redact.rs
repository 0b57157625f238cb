use std::ops::Range;

/// What is replaced when a result is recorded, so that it never reaches a file.
///
/// Values of secret headers, user names and passwords in addresses, secret query parameters, and
/// values that the user named.
#[derive(Clone, Debug)]
pub struct Redaction {
    headers: Vec<String>,
    values: Vec<Vec<u8>>,
    off: bool,
}

/// Headers whose values are secrets.
const HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// What stands in the place of a secret begins so.
const MARK: &str = "[redacted";

/// Query parameters whose values are secrets.
const QUERY_KEYS: [&str; 6] = ["token", "key", "secret", "sig", "access_token", "password"];

impl Default for Redaction {
    fn default() -> Self {
        Self { headers: HEADERS.map(str::to_owned).to_vec(), values: Vec::new(), off: false }
    }
}

impl Redaction {
    /// Nothing is replaced. The run record says so.
    pub fn none() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// Nothing is replaced, whatever is named.
    #[must_use]
    pub fn off(mut self) -> Self {
        self.off = true;
        self
    }

    /// Secrets are replaced, whatever was asked for.
    #[must_use]
    pub fn on(mut self) -> Self {
        self.off = false;
        self
    }

    /// Whether nothing is replaced.
    pub const fn is_off(&self) -> bool {
        self.off
    }

    /// The value of this header is a secret too.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.headers.push(name.to_ascii_lowercase());
        self
    }

    /// Whether the value of this header is a secret.
    pub fn hides_header(&self, name: &str) -> bool {
        self.headers.contains(&name.to_ascii_lowercase())
    }

    /// This value is a secret wherever it stands, such as one taken from the environment.
    #[must_use]
    pub fn value(mut self, value: &str) -> Self {
        if !value.is_empty() {
            self.values.push(value.as_bytes().to_vec());
        }
        self
    }

    /// An address or any other short text with its secrets replaced.
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&replace(text.as_bytes(), &self.find(text.as_bytes(), false))).into_owned()
    }

    /// An address with its secrets replaced, even if it cannot be read as one.
    pub fn address(&self, address: &str) -> String {
        if self.off {
            return address.to_owned();
        }
        let mut found: Vec<Range<usize>> = self.values_in(address.as_bytes()).collect();
        found.extend(query_values(address.as_bytes(), is_next));
        found.extend(user_in(address).filter(|user| !user.is_empty()));
        String::from_utf8_lossy(&replace(address.as_bytes(), &merged(found))).into_owned()
    }

    /// An address with `env:NAME` for the secret values of its query, named after their keys.
    pub fn query_as_variables(&self, address: &str) -> String {
        let secrets = if self.off { Vec::new() } else { query_values(address.as_bytes(), is_next) };
        let (mut out, mut done) = (String::new(), 0);
        // A value may hold what looks like another parameter.
        for secret in merged(secrets) {
            let before = &address[done..secret.start];
            let key = before.trim_end_matches('=').rsplit(['?', '&']).next().unwrap_or_default();
            out.push_str(&format!("{before}env:{}", key.to_ascii_uppercase()));
            done = secret.end;
        }
        out + &address[done..]
    }

    /// Where the secrets are in the head of a request or response, in order, not overlapping.
    pub(crate) fn in_head(&self, head: &[u8]) -> Vec<Range<usize>> {
        self.find(head, true)
    }

    /// Where the values that the user named are in any octets.
    pub fn in_octets(&self, octets: &[u8]) -> Vec<Range<usize>> {
        if self.off { Vec::new() } else { merged(self.values_in(octets).collect()) }
    }

    fn find(&self, octets: &[u8], is_head: bool) -> Vec<Range<usize>> {
        if self.off {
            return Vec::new();
        }
        let mut found: Vec<Range<usize>> = self.values_in(octets).collect();
        found.extend(query_values(octets, ends_in_text));
        found.extend(user_info(octets));
        if is_head {
            found.extend(self.header_values(octets));
        }
        merged(found)
    }

    fn values_in<'a>(&'a self, octets: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        self.values.iter().flat_map(|value| {
            let places = octets.windows(value.len()).enumerate().filter(move |(_, part)| part == value);
            places.map(|(at, part)| at..at + part.len())
        })
    }

    fn header_values(&self, head: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut start = 0;
        for line in head.split(|&b| b == b'\n') {
            if let Some(colon) = line.iter().position(|&b| b == b':') {
                let name = String::from_utf8_lossy(line[..colon].trim_ascii()).to_ascii_lowercase();
                let value = line[colon + 1..].trim_ascii();
                if self.headers.contains(&name) && !value.is_empty() {
                    let at = start + colon + 1 + line[colon + 1..].len()
                        - line[colon + 1..].trim_ascii_start().len();
                    found.push(at..at + value.len());
                }
            }
            start += line.len() + 1;
        }
        found
    }
}

/// In a text an address ends at a blank or a quote.
fn ends_in_text(octet: u8) -> bool {
    matches!(octet, b'&' | b'#' | b'"') || octet <= b' '
}

/// In an address that cannot be read a secret may hold whatever it should not.
fn is_next(octet: u8) -> bool {
    octet == b'&'
}

/// `?token=…` and its like, up to the end of the parameter.
fn query_values(octets: &[u8], ends: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in octets.iter().enumerate().filter(|(_, b)| matches!(b, b'?' | b'&')) {
        let rest = &octets[at + 1..];
        let end = rest.iter().position(|&b| ends(b));
        let parameter = &rest[..end.unwrap_or(rest.len())];
        let Some(equals) = parameter.iter().position(|&b| b == b'=') else { continue };
        let is_secret = QUERY_KEYS.iter().any(|key| parameter[..equals].eq_ignore_ascii_case(key.as_bytes()));
        // An address may come here twice, and the mark holds blanks, at which a parameter ends. The name of a variable
        // is no secret.
        let is_mark = [MARK, "env:"].iter().any(|mark| parameter[equals + 1..].starts_with(mark.as_bytes()));
        if is_secret && !is_mark && equals + 1 < parameter.len() {
            found.push(at + 1 + equals + 1..at + 1 + parameter.len());
        }
    }
    found
}

/// Where user and password are in an address, however its scheme is spelt: `ws:/me:pw@h`, `ws//me:pw@h`, `me:pw@h`.
pub fn user_in(address: &str) -> Option<Range<usize>> {
    let start = behind_scheme(address);
    let rest = &address[start..];
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |port: &str| port == "{port}" || port.bytes().all(|b| b.is_ascii_digit());
    // A password may hold the signs that end an authority.
    let is_cut =
        authority.split_once(':').is_some_and(|(_, port)| !is_port(port)) && !authority.starts_with('[');
    let sign = authority.rfind('@').or_else(|| rest.rfind('@').filter(|_| is_cut))?;
    Some(start..start + sign)
}

fn behind_scheme(address: &str) -> usize {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let (scheme, rest) = address.split_at(address.find(|c: char| !is_letter(c)).unwrap_or(address.len()));
    let is_known = ["ws", "wss", "http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let is_scheme = rest.starts_with(":/") || rest.starts_with("//") && is_known || scheme.is_empty();
    if is_scheme { address.len() - rest.trim_start_matches([':', '/']).len() } else { 0 }
}

/// `user:password` in `scheme://user:password@host`.
fn user_info(octets: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in octets.windows(3).enumerate().filter(|(_, part)| *part == b"://") {
        let rest = &octets[at + 3..];
        let end =
            rest.iter().position(|&b| matches!(b, b'/' | b'?' | b'#') || b <= b' ').unwrap_or(rest.len());
        if let Some(sign) = rest[..end].iter().rposition(|&b| b == b'@').filter(|&sign| sign > 0) {
            found.push(at + 3..at + 3 + sign);
        }
    }
    found
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// The octets with a visible mark in the place of each secret.
pub(crate) fn replace(octets: &[u8], secrets: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut done = 0;
    for secret in secrets {
        out.extend_from_slice(&octets[done..secret.start]);
        out.extend_from_slice(format!("{MARK} {} bytes]", secret.len()).as_bytes());
        done = secret.end;
    }
    out.extend_from_slice(&octets[done..]);
    out
}

/// Overwrites each secret with `*`, so that lengths stay true. `octets` stand at `offset` of the head.
pub(crate) fn star(octets: &mut [u8], offset: usize, secrets: &[Range<usize>]) {
    for secret in secrets {
        let from = secret.start.max(offset);
        let to = secret.end.min(offset + octets.len());
        if from < to {
            octets[from - offset..to - offset].fill(b'*');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(redaction: &Redaction, head: &str) -> String {
        String::from_utf8(replace(head.as_bytes(), &redaction.in_head(head.as_bytes()))).unwrap()
    }

    #[test]
    fn secret_headers_and_query_values_are_replaced() {
        let head = "GET /ws?room=1&Token=abc&x=2 HTTP/1.1\r\nAuthorization:  Bearer 123\r\nX-Api: q\r\n\
                    cookie: a=b\r\nSec-WebSocket-Key: dGhl\r\n\r\n";
        assert_eq!(
            shown(&Redaction::default(), head),
            "GET /ws?room=1&Token=[redacted 3 bytes]&x=2 HTTP/1.1\r\nAuthorization:  [redacted 10 bytes]\r\n\
             X-Api: q\r\ncookie: [redacted 3 bytes]\r\nSec-WebSocket-Key: dGhl\r\n\r\n"
        );
        assert!(shown(&Redaction::default().header("X-API"), head).contains("X-Api: [redacted 1 bytes]"));
        assert_eq!(shown(&Redaction::none(), head), head);
    }

    #[test]
    fn addresses_lose_user_and_password_and_named_values() {
        let redaction = Redaction::default().value("s3cret");
        assert_eq!(redaction.text("wss://me:pw@host/a?b=c"), "wss://[redacted 5 bytes]@host/a?b=c");
        let once = redaction.text("ws://h/x?token=abcdef99&q=1");
        assert_eq!(once, "ws://h/x?token=[redacted 8 bytes]&q=1");
        assert_eq!(redaction.text(&once), once, "an address was redacted twice");
        assert_eq!(redaction.text("-H X: s3cret!"), "-H X: [redacted 6 bytes]!");
        assert_eq!(redaction.text("ws://host/@me"), "ws://host/@me");
    }

    #[test]
    fn an_address_with_a_misspelt_scheme_or_a_blank_kept_its_secrets() {
        for (address, shown) in [
            ("ws:/me:pw@h:1", "ws:/[redacted 5 bytes]@h:1"),
            ("ws//me:pw@h:1/a", "ws//[redacted 5 bytes]@h:1/a"),
            ("//me:pw@h", "//[redacted 5 bytes]@h"),
            ("ws:me:pw@h", "[redacted 8 bytes]@h"),
            ("me:pw@h:1", "[redacted 5 bytes]@h:1"),
            ("ws://me:p@w@h", "ws://[redacted 6 bytes]@h"),
            ("ws://me:p/w#@h", "ws://[redacted 7 bytes]@h"),
            ("ws://h:1/@me", "ws://h:1/@me"),
            ("ws://[::1]:1/@me", "ws://[::1]:1/@me"),
            ("ws/a@b", "ws/a@b"),
            ("ws://h/?token=a b#c&q=1", "ws://h/?token=[redacted 5 bytes]&q=1"),
        ] {
            assert_eq!(Redaction::default().address(address), shown);
            assert_eq!(Redaction::none().address(address), address);
        }
        let variables = |address| Redaction::default().query_as_variables(address);
        assert_eq!(variables("ws://h/?token=a b&q=1"), "ws://h/?token=env:TOKEN&q=1");
        assert_eq!(variables("ws://h/?token=a?key=b"), "ws://h/?token=env:TOKEN");
    }

    #[test]
    fn starring_keeps_lengths_and_works_across_pieces() {
        let secrets = Redaction::default().in_head(b"A: b\r\nCookie: 12345\r\n\r\n");
        let mut first = *b"A: b\r\nCookie: 12";
        let mut second = *b"345\r\n\r\n";
        star(&mut first, 0, &secrets);
        star(&mut second, first.len(), &secrets);
        assert_eq!((&first, &second), (b"A: b\r\nCookie: **", b"***\r\n\r\n"));
    }

    #[test]
    fn overlapping_secrets_are_one() {
        let redaction = Redaction::default().value("abc");
        assert_eq!(redaction.text("x?key=1abc2"), "x?key=[redacted 5 bytes]");
    }
}
