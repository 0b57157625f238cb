//! What a server makes of an opening request (RFC 6455 section 4.2).

use wsspec_wire::extension::parse_extensions;
use wsspec_wire::{Headers, RequestHead, accept_key, is_valid_key, write_response};

use super::grammar;
use crate::commands::COMMANDS;
use crate::deflate_negotiation;
use crate::{Config, DeflateAgreement, Opened, RequestViolation};

const VERSION: &str = "13";

/// An opening request that is accepted: what was agreed, and the response that says so.
pub(super) struct Acceptance {
    pub(super) opened: Opened,
    pub(super) response: Vec<u8>,
}

/// Accepts the request whose head these octets are, or says which rule it breaks.
pub(super) fn judge(octets: &[u8], config: &Config) -> Result<Acceptance, RequestViolation> {
    let octets = skip_empty_lines(octets);
    grammar::check_lines(octets).map_err(RequestViolation::Malformed)?;
    let head = RequestHead::parse(octets);
    if !head.headers.malformed.is_empty() {
        return Err(RequestViolation::Malformed("line that is not a header field"));
    }
    check_request_line(&head)?;
    check_http_fields(&head.headers)?;
    check_upgrade(&head.headers)?;
    check_version(&head.headers)?;
    let key = websocket_key(&head.headers)?;
    let target = check_resource(&head, config)?;
    let subprotocol = choose_subprotocol(&head.headers, config)?;
    let (deflate, extension) = choose_extension(&head.headers, config)?.unzip();
    let response = write_acceptance(key, subprotocol.as_deref(), extension.as_deref());
    Ok(Acceptance { opened: Opened { target, subprotocol, deflate }, response })
}

/// A server should ignore empty lines before the request line (RFC 9112 section 2.2).
fn skip_empty_lines(mut octets: &[u8]) -> &[u8] {
    while let [b'\r', b'\n', rest @ ..] = octets {
        octets = rest;
    }
    octets
}

fn check_request_line(head: &RequestHead) -> Result<(), RequestViolation> {
    if !grammar::is_token(&head.method) {
        return Err(RequestViolation::Malformed("request line"));
    }
    if head.method != b"GET" {
        return Err(RequestViolation::Method);
    }
    if !is_http_1_1(&head.version) {
        return Err(RequestViolation::HttpVersion);
    }
    Ok(())
}

/// HTTP/1.1 or a later version of the same family.
pub(super) fn is_http_1_1(version: &[u8]) -> bool {
    matches!(version, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'])
}

/// Rules of HTTP itself: one Host, no body.
fn check_http_fields(headers: &Headers) -> Result<(), RequestViolation> {
    let mut hosts = headers.get_all("Host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if grammar::is_host(host) => {}
        _ => return Err(RequestViolation::Host),
    }
    let announces_body = headers.get("Transfer-Encoding").is_some()
        || headers.get_all("Content-Length").any(|length| length != b"0");
    if announces_body { Err(RequestViolation::Body) } else { Ok(()) }
}

fn check_upgrade(headers: &Headers) -> Result<(), RequestViolation> {
    if !headers.has_token("Upgrade", "websocket") {
        return Err(RequestViolation::Upgrade);
    }
    if !headers.has_token("Connection", "Upgrade") {
        return Err(RequestViolation::Connection);
    }
    Ok(())
}

fn check_version(headers: &Headers) -> Result<(), RequestViolation> {
    let mut versions = headers.get_all("Sec-WebSocket-Version");
    match (versions.next(), versions.next()) {
        (None, _) => Err(RequestViolation::VersionMissing),
        (_, Some(_)) => Err(RequestViolation::VersionRepeated),
        (Some(version), None) if version == VERSION.as_bytes() => Ok(()),
        _ => Err(RequestViolation::VersionUnsupported),
    }
}

fn websocket_key(headers: &Headers) -> Result<&[u8], RequestViolation> {
    let mut keys = headers.get_all("Sec-WebSocket-Key");
    match (keys.next(), keys.next()) {
        (None, _) => Err(RequestViolation::KeyMissing),
        (_, Some(_)) => Err(RequestViolation::KeyRepeated),
        (Some(key), None) if is_valid_key(key) => Ok(key),
        _ => Err(RequestViolation::KeyInvalid),
    }
}

/// The resource name asked for, if this server knows it and lets the origin in.
fn check_resource(head: &RequestHead, config: &Config) -> Result<String, RequestViolation> {
    let target = grammar::resource_name(&head.target).ok_or(RequestViolation::Target)?;
    let target = String::from_utf8_lossy(target).into_owned();
    let path = target.split('?').next().unwrap_or_default();
    if let Some(known) = &config.resources
        && !known.iter().any(|resource| resource == path)
    {
        return Err(RequestViolation::Resource);
    }
    if let Some(allowed) = &config.origins {
        let mut origins = head.headers.get_all("Origin");
        let is_allowed = |origin: &[u8]| allowed.iter().any(|allowed| allowed.as_bytes() == origin);
        if !origins.all(is_allowed) {
            return Err(RequestViolation::Origin);
        }
    }
    Ok(target)
}

/// The first subprotocol of the client's list that this server speaks (RFC 6455 section 4.2.2).
fn choose_subprotocol(headers: &Headers, config: &Config) -> Result<Option<String>, RequestViolation> {
    let offered = offered_subprotocols(headers)?;
    let commands = config.commands.then_some(COMMANDS);
    let spoken =
        |name: &&str| config.subprotocols.iter().any(|spoken| spoken == name) || commands == Some(*name);
    Ok(offered.into_iter().find(spoken).map(str::to_owned))
}

/// What is agreed about permessage-deflate, and the header value that says so.
fn choose_extension(
    headers: &Headers,
    config: &Config,
) -> Result<Option<(DeflateAgreement, String)>, RequestViolation> {
    let offers = parse_extensions(headers.get_all("Sec-WebSocket-Extensions"))
        .map_err(|_| RequestViolation::Extensions)?;
    Ok(config.deflate.as_ref().and_then(|deflate| deflate_negotiation::answer(&offers, deflate)))
}

/// The subprotocols offered, in order: unique tokens, from any number of header fields.
fn offered_subprotocols(headers: &Headers) -> Result<Vec<&str>, RequestViolation> {
    let mut offered = Vec::new();
    for value in headers.get_all("Sec-WebSocket-Protocol") {
        let before = offered.len();
        let elements = value.split(|&octet| octet == b',').map(<[u8]>::trim_ascii);
        for element in elements.filter(|element| !element.is_empty()) {
            let name = std::str::from_utf8(element).map_err(|_| RequestViolation::Subprotocols)?;
            if !grammar::is_token(element) || offered.contains(&name) {
                return Err(RequestViolation::Subprotocols);
            }
            offered.push(name);
        }
        if offered.len() == before {
            return Err(RequestViolation::Subprotocols);
        }
    }
    Ok(offered)
}

fn write_acceptance(key: &[u8], subprotocol: Option<&str>, extension: Option<&str>) -> Vec<u8> {
    let accept = accept_key(key);
    let mut fields =
        vec![("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept.as_str())];
    if let Some(subprotocol) = subprotocol {
        fields.push(("Sec-WebSocket-Protocol", subprotocol));
    }
    if let Some(extension) = extension {
        fields.push(("Sec-WebSocket-Extensions", extension));
    }
    write_response(101, "Switching Protocols", &fields)
}

/// The complete HTTP response that refuses a request (RFC 6455 sections 4.2.1 and 4.4).
pub(super) fn write_refusal(violation: &RequestViolation, request: &[u8]) -> Vec<u8> {
    let (status, reason) = violation.status();
    let body = format!("{violation} ({})\n", violation.section());
    let length = body.len().to_string();
    let mut fields = vec![
        ("Connection", "close"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", length.as_str()),
    ];
    match violation {
        RequestViolation::Method => fields.push(("Allow", "GET")),
        RequestViolation::Upgrade => {
            fields[0].1 = "Upgrade, close";
            fields.push(("Upgrade", "websocket"));
        }
        RequestViolation::VersionUnsupported => {
            fields[0].1 = "Upgrade, close";
            fields.extend([("Upgrade", "websocket"), ("Sec-WebSocket-Version", VERSION)]);
        }
        RequestViolation::VersionMissing | RequestViolation::VersionRepeated => {
            fields.push(("Sec-WebSocket-Version", VERSION));
        }
        _ => {}
    }
    let mut response = write_response(status, reason, &fields);
    if !request.starts_with(b"HEAD ") {
        response.extend_from_slice(body.as_bytes());
    }
    response
}
