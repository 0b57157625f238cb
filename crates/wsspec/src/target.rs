//! The address of an implementation under test.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::address;
use crate::errors::Problem;

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
            || address::misspelt_scheme(word).is_some()
            || has_scheme(word)
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
        address::read(text, address::port)
    }

    /// The same of one whose port may be `{port}`, which is told by 1.
    ///
    /// # Errors
    /// E27.
    pub fn parse_any_port(text: &str) -> Result<Self, Problem> {
        address::read(text, |digits| if digits == "{port}" { Some(1) } else { address::port(digits) })
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

/// `htp:/HOST`; one letter is the drive of a path.
fn has_scheme(word: &str) -> bool {
    word.split_once(":/")
        .is_some_and(|(scheme, _)| scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphabetic()))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        let resource = if self.resource == "/" { "" } else { &self.resource };
        write!(f, "{scheme}://{}{resource}", self.host_header())
    }
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
            ("h:7/?to=http://x", "h", 7, "/?to=http://x", "ws://h:7/?to=http://x"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.host.as_str(), target.port, target.resource.as_str()), (host, port, resource));
            assert_eq!(target.to_string(), written);
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
            "htp:/h",
        ] {
            assert!(Target::looks_like(word), "{word}");
        }
        for word in ["5.15", "7.*", "@core", "orphan-continuation", "C:/cases"] {
            assert!(!Target::looks_like(word), "{word}");
        }
    }
}
