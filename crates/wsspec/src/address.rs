//! Reads addresses: what is wrong with one, and which may be meant.

use std::net::Ipv6Addr;

use wsspec_report::record::user_in;

use crate::errors::{ErrorCode, Problem};
use crate::target::{Target, Via};
use crate::typed;

/// An address that cannot be read: what is said of it, and the one that may be meant.
struct Wrong {
    problem: Problem,
    meant: String,
}

/// A part of it: why, and what could stand in its place.
struct WrongPart {
    why: String,
    meant: String,
}

impl WrongPart {
    fn new(why: impl Into<String>, meant: impl Into<String>) -> Self {
        Self { why: why.into(), meant: meant.into() }
    }

    /// The whole address around it.
    fn within(self, text: &str, before: &str, after: &str) -> Wrong {
        let problem = typed::unreadable(text)
            .fact("why", self.why)
            .fact("form", "ws://HOST:PORT/PATH; an IPv6 address stands in brackets: ws://[::1]:9001");
        Wrong { problem, meant: format!("{before}{}{after}", self.meant) }
    }
}

/// Reads an address whose port is read so.
pub(crate) fn read(text: &str, port: impl Fn(&str) -> Option<u16>) -> Result<Target, Problem> {
    parts(text, &port).map_err(|Wrong { problem, meant }| {
        let meant = typed::without_user(&meant);
        match parts(&meant, &port) {
            Ok(_) => problem.fact("try", typed::instead(text, &meant, credentials(text))),
            Err(_) => problem.advise("an address of the form ws://HOST:PORT/PATH"),
        }
    })
}

/// The options that say what user and password of an address would.
fn credentials(text: &str) -> &'static [&'static str] {
    match user_in(text) {
        Some(_) => &["-H", "Authorization: Basic env:CREDENTIALS"],
        None => &[],
    }
}

fn parts(text: &str, read_port: &impl Fn(&str) -> Option<u16>) -> Result<Target, Wrong> {
    let (secure, rest, scheme_guessed) = scheme(text)?;
    if user_in(text).is_some() {
        return Err(with_user(text));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, resource) = rest.split_at(end);
    let scheme = &text[..text.len() - rest.len()];
    let (host, digits) =
        host_and_port(authority, read_port).map_err(|wrong| wrong.within(text, scheme, resource))?;
    let usual = if secure { 443 } else { 80 };
    let port = digits.map_or(Some(usual), read_port).ok_or_else(|| {
        let digits = digits.unwrap_or_default();
        let before = &text[..scheme.len() + authority.len() - digits.len()];
        let why = format!("the port is a number from 1 to 65535, not {digits:?}");
        WrongPart::new(why, "9001").within(text, before, resource)
    })?;
    let before = &text[..scheme.len() + authority.len()];
    let resource = read_resource(resource).map_err(|wrong| wrong.within(text, before, ""))?;
    Ok(Target { secure, host, port, resource, scheme_guessed, via: Via::default() })
}

/// Whether the scheme is that of TLS, what stands behind it, and whether there is none.
fn scheme(text: &str) -> Result<(bool, &str, bool), Wrong> {
    let is_scheme =
        |scheme: &str| !scheme.contains(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
    match text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => Ok((false, rest, false)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => Ok((true, rest, false)),
        Some((scheme, rest)) => Err(wrong_scheme(scheme, rest)),
        None => match misspelt_scheme(text) {
            Some((scheme, rest)) => Err(slashes(text, scheme, rest)),
            None => Ok((false, text, true)),
        },
    }
}

fn host_and_port<'a>(
    authority: &'a str,
    read_port: &impl Fn(&str) -> Option<u16>,
) -> Result<(String, Option<&'a str>), WrongPart> {
    if let Some(meant) = in_brackets(authority, read_port) {
        return Err(WrongPart::new("an IPv6 address stands in brackets", meant));
    }
    let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, rest))) => (host, behind_bracket(host, rest)?),
        Some(None) => {
            return Err(WrongPart::new("the bracket of the IPv6 address is not closed", "[::1]:9001"));
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let printable = host.bytes().all(|b| b.is_ascii_graphic());
    if host.is_empty() || !printable {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let meant = format!("127.0.0.1{port}");
        return Err(WrongPart::new("the host is missing, or not written in ASCII", meant));
    }
    if host.contains(['{', '}']) {
        let meant = authority.replace("{port}", "127.0.0.1:{port}");
        return Err(WrongPart::new("a host has no braces: {port} stands behind it and a colon", meant));
    }
    Ok((host.to_owned(), port))
}

/// An IPv6 address with the brackets that it lacks: its last group is the port, if it can be.
fn in_brackets(authority: &str, read_port: &impl Fn(&str) -> Option<u16>) -> Option<String> {
    let is_address = |host: &str| host.parse::<Ipv6Addr>().is_ok();
    match authority.rsplit_once(':')? {
        (host, port) if is_address(host) && read_port(port).is_some() => Some(format!("[{host}]:{port}")),
        _ => is_address(authority).then(|| format!("[{authority}]")),
    }
}

/// The port behind the bracket of an IPv6 address.
fn behind_bracket<'a>(host: &str, rest: &'a str) -> Result<Option<&'a str>, WrongPart> {
    match rest.split_once(':') {
        None if rest.is_empty() => Ok(None),
        Some(("", port)) => Ok(Some(port)),
        other => {
            let port = other.map_or_else(String::new, |(_, port)| format!(":{port}"));
            Err(WrongPart::new(
                "behind the bracket of an IPv6 address stands a colon and the port",
                format!("[{host}]{port}"),
            ))
        }
    }
}

/// A port in decimal digits.
pub(crate) fn port(digits: &str) -> Option<u16> {
    let port = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    port.filter(|port| *port != 0)
}

fn read_resource(resource: &str) -> Result<String, WrongPart> {
    let (before, fragment) =
        resource.split_once('#').map_or((resource, None), |(before, rest)| (before, Some(rest)));
    let encode = |octet: u8| match octet.is_ascii_graphic() {
        true => char::from(octet).to_string(),
        false => format!("%{octet:02X}"),
    };
    let encoded: String = before.bytes().map(encode).collect();
    if fragment.is_some() {
        return Err(WrongPart::new("a WebSocket address has no fragment (#)", encoded));
    }
    if encoded != resource {
        return Err(WrongPart::new("the path has characters that need percent-encoding", encoded));
    }
    Ok(if resource.starts_with('/') { encoded } else { format!("/{encoded}") })
}

fn with_user(text: &str) -> Wrong {
    let problem =
        typed::unreadable(text).fact("why", "user and password do not belong into a WebSocket address");
    Wrong { problem, meant: text.to_owned() }
}

fn wrong_scheme(scheme: &str, rest: &str) -> Wrong {
    let meant = if scheme.eq_ignore_ascii_case("https") { "wss" } else { "ws" };
    let problem = Problem::new(ErrorCode::E27, format!("{scheme}:// is no WebSocket address"));
    Wrong { problem, meant: format!("{meant}://{rest}") }
}

/// `ws:/HOST`, `ws//HOST`: a scheme that lacks a sign.
pub(crate) fn misspelt_scheme(text: &str) -> Option<(&str, &str)> {
    ["ws", "wss", "http", "https"].into_iter().find_map(|scheme| {
        let rest =
            text.strip_prefix(scheme).filter(|rest| rest.starts_with(":/") || rest.starts_with("//"))?;
        Some((scheme, rest.trim_start_matches([':', '/'])))
    })
}

fn slashes(text: &str, scheme: &str, rest: &str) -> Wrong {
    let scheme = if scheme.ends_with('s') && scheme != "ws" { "wss" } else { "ws" };
    let problem = typed::unreadable(text).fact("why", "between scheme and host stands ://");
    Wrong { problem, meant: format!("{scheme}://{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_addresses_say_what_is_wrong() {
        for text in [
            "ws://",
            "ws://:9001",
            "ws://h:0",
            "ws://h:99999",
            "ws://h:+1",
            "ws://[::1",
            "ws://[::1]x:9/a",
            "ws://{port}/",
            "ws://h/#a",
            "ws://h/ä",
            "http://h",
            "ws://u:p@h/",
            "ws:/h:1",
            "ws//h",
        ] {
            let problem = Target::parse_any_port(text).unwrap_err();
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
    fn an_address_was_corrected_to_one_that_cannot_be_read() {
        for (text, again) in [
            ("ws://::1:9001/x", "wsspec run 'ws://[::1]:9001/x'"),
            ("::1", "wsspec run '[::1]'"),
            ("ws://2001:db8::1", "wsspec run 'ws://[2001:db8::1]'"),
            ("ws://::1:{port}", "wsspec run 'ws://[::1]:{port}'"),
            ("ws://[::1]x:9/a", "wsspec run 'ws://[::1]:9/a'"),
            ("ws://[::1]9", "wsspec run 'ws://[::1]'"),
            ("ws://{port}/", "wsspec run 'ws://127.0.0.1:{port}/'"),
            ("ws://h/ä#b", "wsspec run ws://h/%C3%A4"),
            ("ws://h/?token=env:MINE#b", "wsspec run 'ws://h/?token=env:MINE'"),
            ("ws://{host}:1", "an address of the form ws://HOST:PORT/PATH"),
            ("ws://:99999/a", "an address of the form ws://HOST:PORT/PATH"),
            ("ws://me:pw@", "an address of the form ws://HOST:PORT/PATH"),
            ("http://h:0", "an address of the form ws://HOST:PORT/PATH"),
        ] {
            let told = Target::parse_any_port(text).unwrap_err().to_string();
            assert!(told.ends_with(&format!("\n  try      {again}")), "{told}");
        }
    }
}
