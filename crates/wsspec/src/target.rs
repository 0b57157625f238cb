//! The address of an implementation under test.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::errors::{ErrorCode, Problem};
use crate::typed;

/// A `ws://` or `wss://` address, taken apart (RFC 6455 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// TLS.
    pub secure: bool,
    /// Name or address, an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, at least `/`.
    pub resource: String,
    /// Whether the scheme was missing, so that `ws://` was taken.
    pub scheme_guessed: bool,
    /// How it is found.
    pub via: Via,
}

/// How the host of an address is found, other than by looking it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via {
    /// IPv4 or IPv6 only.
    pub family: Option<Family>,
    /// Hosts and ports with addresses of their own.
    pub fixed: Vec<Fixed>,
    /// A Unix socket takes the connections of all hosts.
    pub unix: Option<PathBuf>,
    /// What would have to be typed for it, where it was not: its address, and the options that a file has for it.
    pub untyped: Vec<String>,
}

/// One of the two kinds of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Family {
    V4,
    V6,
}

/// `HOST:PORT:ADDR`: where this host and port are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    host: String,
    port: u16,
    address: IpAddr,
}

/// The address behind a Unix socket if none was given.
pub const OVER_SOCKET: &str = "ws://localhost";

impl Via {
    /// The address that was given for a host and port.
    pub fn fixed(&self, host: &str, port: u16) -> Option<IpAddr> {
        let meant = |fixed: &&Fixed| fixed.host.eq_ignore_ascii_case(host) && fixed.port == port;
        self.fixed.iter().find(meant).map(|fixed| fixed.address)
    }

    /// Whether an address is of the kind that is wanted.
    pub fn allows(&self, address: IpAddr) -> bool {
        match self.family {
            Some(Family::V4) => address.is_ipv4(),
            Some(Family::V6) => address.is_ipv6(),
            None => true,
        }
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{}:{}:{address}", self.host, self.port),
            IpAddr::V6(address) => write!(f, "{}:{}:[{address}]", self.host, self.port),
        }
    }
}

impl std::str::FromStr for Fixed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (host, rest) = text.split_once(':')?;
            let (port, address) = rest.split_once(':')?;
            let address = address.trim_start_matches('[').trim_end_matches(']');
            let fixed =
                Self { host: host.to_owned(), port: port.parse().ok()?, address: address.parse().ok()? };
            (!host.is_empty()).then_some(fixed)
        };
        read().ok_or_else(|| "a host, its port and an address, as in example.org:443:127.0.0.1".to_owned())
    }
}

impl Target {
    /// Whether a word of the command line is an address rather than the name of a case.
    pub fn looks_like(word: &str) -> bool {
        if word.contains("://")
            || misspelt_scheme(word).is_some()
            || word.starts_with('[')
            || word == "localhost"
            || word.parse::<IpAddr>().is_ok()
        {
            return true;
        }
        let authority = word.split('/').next().unwrap_or(word);
        authority.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && !port.is_empty())
    }

    /// Reads an address.
    ///
    /// # Errors
    /// E27, with the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::read(text, read_port)
    }

    /// The same of one whose port may be `{port}`, which is told by 1.
    ///
    /// # Errors
    /// E27.
    pub fn parse_any_port(text: &str) -> Result<Self, Problem> {
        Self::read(text, |digits| if digits == "{port}" { Ok(1) } else { read_port(digits) })
    }

    fn read(text: &str, read_port: impl Fn(&str) -> Result<u16, Wrong>) -> Result<Self, Problem> {
        let (secure, rest, scheme_guessed) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => (false, rest, false),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => (true, rest, false),
            Some((scheme, rest)) => return Err(wrong_scheme(text, scheme, rest)),
            None => match misspelt_scheme(text) {
                Some((scheme, rest)) => return Err(slashes(text, scheme, rest)),
                None => (false, text, true),
            },
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, resource) = rest.split_at(end);
        let scheme = &text[..text.len() - rest.len()];
        if let Some((_, host)) = authority.rsplit_once('@') {
            return Err(with_user(text, &format!("{scheme}{host}{resource}")));
        }
        let with_place =
            |wrong: Wrong| unreadable(text, &wrong, &format!("{scheme}{}{resource}", wrong.meant));
        let (host, port) = host_and_port(authority).map_err(with_place)?;
        let number = match port {
            Some(digits) => read_port(digits),
            None if secure => Ok(443),
            None => Ok(80),
        };
        let host_only = &authority[..authority.len() - port.map_or(0, str::len)];
        let port = number
            .map_err(|wrong| with_place(Wrong { meant: format!("{host_only}{}", wrong.meant), ..wrong }))?;
        let resource = read_resource(resource)
            .map_err(|wrong| unreadable(text, &wrong, &format!("{scheme}{authority}{}", wrong.meant)))?;
        Ok(Self { secure, host, port, resource, scheme_guessed, via: Via::default() })
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    /// The value of the Host header: without the port if it is the scheme's own (RFC 6455 4.1).
    pub fn host_header(&self) -> String {
        let default = if self.secure { 443 } else { 80 };
        if self.port == default { self.bracketed_host() } else { self.authority() }
    }

    /// A name for a server of which nothing else is known.
    pub fn fallback_name(&self) -> String {
        let socket = self.via.unix.as_deref().and_then(std::path::Path::file_name);
        socket.map_or_else(|| self.authority(), |name| name.to_string_lossy().into_owned())
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        let resource = if self.resource == "/" { "" } else { &self.resource };
        write!(f, "{scheme}://{}{resource}", self.host_header())
    }
}

/// A part of an address that cannot be read: why, and what could stand in its place.
struct Wrong {
    why: String,
    meant: String,
}

impl Wrong {
    fn new(why: impl Into<String>, meant: impl Into<String>) -> Self {
        Self { why: why.into(), meant: meant.into() }
    }
}

fn host_and_port(authority: &str) -> Result<(String, Option<&str>), Wrong> {
    let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, ""))) => (host, None),
        Some(Some((host, rest))) => (host, rest.strip_prefix(':')),
        Some(None) => {
            return Err(Wrong::new("the bracket of the IPv6 address is not closed", "[::1]:9001"));
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let printable = host.bytes().all(|b| b.is_ascii_graphic());
    if host.is_empty() || !printable {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let meant = format!("127.0.0.1{port}");
        return Err(Wrong::new("the host is missing, or not written in ASCII", meant));
    }
    Ok((host.to_owned(), port))
}

fn read_port(digits: &str) -> Result<u16, Wrong> {
    let port = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    port.filter(|port| *port != 0)
        .ok_or_else(|| Wrong::new(format!("the port is a number from 1 to 65535, not {digits:?}"), "9001"))
}

fn read_resource(resource: &str) -> Result<String, Wrong> {
    if let Some((before, _)) = resource.split_once('#') {
        return Err(Wrong::new("a WebSocket address has no fragment (#)", before));
    }
    if !resource.bytes().all(|b| b.is_ascii_graphic()) {
        let encode = |octet: u8| match octet.is_ascii_graphic() {
            true => char::from(octet).to_string(),
            false => format!("%{octet:02X}"),
        };
        let encoded: String = resource.bytes().map(encode).collect();
        return Err(Wrong::new("the path has characters that need percent-encoding", encoded));
    }
    Ok(if resource.starts_with('/') { resource.to_owned() } else { format!("/{resource}") })
}

fn with_user(text: &str, other: &str) -> Problem {
    typed::unreadable(text)
        .fact("why", "user and password do not belong into a WebSocket address")
        .fact("try", typed::instead(text, other, &["-H", "Authorization: Basic env:CREDENTIALS"]))
}

fn wrong_scheme(text: &str, scheme: &str, rest: &str) -> Problem {
    let meant = if scheme.eq_ignore_ascii_case("https") { "wss" } else { "ws" };
    Problem::new(ErrorCode::E27, format!("{scheme}:// is no WebSocket address"))
        .fact("try", typed::instead(text, &format!("{meant}://{rest}"), &[]))
}

/// `ws:/HOST`, `ws//HOST`: a scheme that lacks a sign.
fn misspelt_scheme(text: &str) -> Option<(&str, &str)> {
    ["ws", "wss", "http", "https"].into_iter().find_map(|scheme| {
        let rest =
            text.strip_prefix(scheme).filter(|rest| rest.starts_with(":/") || rest.starts_with("//"))?;
        Some((scheme, rest.trim_start_matches([':', '/'])))
    })
}

fn slashes(text: &str, scheme: &str, rest: &str) -> Problem {
    let scheme = if scheme.ends_with('s') && scheme != "ws" { "wss" } else { "ws" };
    typed::unreadable(text)
        .fact("why", "between scheme and host stands ://")
        .fact("try", typed::instead(text, &format!("{scheme}://{rest}"), &[]))
}

fn unreadable(text: &str, wrong: &Wrong, meant: &str) -> Problem {
    typed::unreadable(text)
        .fact("why", &*wrong.why)
        .fact("form", "ws://HOST:PORT/PATH; an IPv6 address stands in brackets: ws://[::1]:9001")
        .fact("try", typed::instead(text, meant, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, host, port, resource, written) in [
            ("ws://localhost:9001", "localhost", 9001, "/", "ws://localhost:9001"),
            ("WS://h/a?b=c", "h", 80, "/a?b=c", "ws://h/a?b=c"),
            ("wss://h?x", "h", 443, "/?x", "wss://h/?x"),
            ("wss://[::1]:443/", "::1", 443, "/", "wss://[::1]"),
            ("127.0.0.1:7/", "127.0.0.1", 7, "/", "ws://127.0.0.1:7"),
            ("[::1]:9001", "::1", 9001, "/", "ws://[::1]:9001"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.host.as_str(), target.port, target.resource.as_str()), (host, port, resource));
            assert_eq!(target.to_string(), written);
        }
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong() {
        for text in [
            "ws://",
            "ws://:9001",
            "ws://h:0",
            "ws://h:99999",
            "ws://h:+1",
            "ws://[::1",
            "ws://h/#a",
            "ws://h/ä",
            "http://h",
            "ws://u:p@h/",
            "ws:/h:1",
            "ws//h",
        ] {
            let problem = Target::parse(text).unwrap_err();
            assert_eq!(problem.code, ErrorCode::E27, "{text}");
        }
    }

    #[test]
    fn a_scheme_without_a_slash_was_looked_for_among_the_cases() {
        for (text, meant) in [("ws:/h:1/a", "ws://h:1/a"), ("wss//h", "wss://h"), ("https:/h", "wss://h")] {
            let told = Target::parse(text).unwrap_err().to_string();
            assert!(told.contains(&format!("wsspec run {meant}")), "{told}");
        }
    }

    #[test]
    fn hosts_can_be_given_an_address() {
        let fixed = |text: &str| text.parse::<Fixed>();
        let via =
            Via { family: Some(Family::V6), fixed: vec![fixed("h:443:[::1]").unwrap()], ..Via::default() };
        assert_eq!(via.fixed("H", 443), Some("::1".parse().unwrap()));
        assert_eq!(via.fixed("h", 80), None);
        assert_eq!(via.fixed[0].to_string(), "h:443:[::1]");
        assert!(via.allows("::1".parse().unwrap()) && !via.allows("127.0.0.1".parse().unwrap()));
        for text in ["h:443", ":1:127.0.0.1", "h:x:127.0.0.1", "h:1:localhost"] {
            assert!(fixed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_of_the_command_line_are_told_apart() {
        for word in [
            "127.0.0.1",
            "ws://h",
            "localhost:9001",
            "h:1/path",
            "[::1]:9001",
            "localhost",
            "127.0.0.1:{port}",
            "ws:/h",
            "wss//h",
        ] {
            assert!(Target::looks_like(word), "{word}");
        }
        for word in ["5.15", "7.*", "@core", "orphan-continuation"] {
            assert!(!Target::looks_like(word), "{word}");
        }
    }
}
