//! What a client sends first, and what it makes of the response (RFC 6455 section 4.1).

use wsspec_wire::extension::parse_extensions;
use wsspec_wire::{Headers, ResponseHead, accept_key, write_request};

use super::grammar;
use super::server::is_http_1_1;
use crate::deflate_negotiation::{self, PERMESSAGE_DEFLATE};
use crate::{ClientRequest, Config, DeflateAgreement, InvalidRequest, Opened, ResponseViolation};

/// Header fields of the opening request itself, which the application cannot set.
const OWN_FIELDS: [&str; 11] = [
    "Host",
    "Upgrade",
    "Connection",
    "Origin",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Accept",
    "Content-Length",
    "Transfer-Encoding",
];

/// What a client remembers of its request until the response comes.
#[derive(Debug)]
pub(super) struct Asked {
    accept: String,
    target: String,
    subprotocols: Vec<String>,
}

impl Asked {
    pub(super) fn new(key: &str, request: ClientRequest) -> Self {
        Self {
            accept: accept_key(key.as_bytes()),
            target: request.target,
            subprotocols: request.subprotocols,
        }
    }
}

/// The octets of the opening request.
pub(super) fn write(request: &ClientRequest, key: &str, config: &Config) -> Result<Vec<u8>, InvalidRequest> {
    check(request)?;
    let subprotocols = request.subprotocols.join(", ");
    let extension = config.deflate.as_ref().map(deflate_negotiation::offer);
    let mut fields = vec![
        ("Host", request.host.as_str()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ];
    if let Some(origin) = &request.origin {
        fields.push(("Origin", origin));
    }
    if !subprotocols.is_empty() {
        fields.push(("Sec-WebSocket-Protocol", &subprotocols));
    }
    if let Some(extension) = &extension {
        fields.push(("Sec-WebSocket-Extensions", extension));
    }
    fields.extend(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(write_request(&request.target, &fields))
}

/// What the application asks for must not be able to break out of its place in the request.
fn check(request: &ClientRequest) -> Result<(), InvalidRequest> {
    let subprotocols = &request.subprotocols;
    let is_repeated = |(index, name): (usize, &String)| subprotocols[..index].contains(name);
    let is_own = |name: &String| OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(name));
    let fields = &request.headers;
    let problems = [
        (!grammar::is_host(request.host.as_bytes()), "host is invalid"),
        (!grammar::is_resource_name(request.target.as_bytes()), "target is not a resource name"),
        (!grammar::is_field_value(request.origin.as_deref().unwrap_or("").as_bytes()), "origin is invalid"),
        (!subprotocols.iter().all(|name| grammar::is_token(name.as_bytes())), "subprotocol is not a token"),
        (subprotocols.iter().enumerate().any(is_repeated), "subprotocol is repeated"),
        (!fields.iter().all(|(name, _)| grammar::is_token(name.as_bytes())), "header field name is no token"),
        (fields.iter().any(|(name, _)| is_own(name)), "header field belongs to the handshake"),
        (
            !fields.iter().all(|(_, value)| grammar::is_field_value(value.as_bytes())),
            "header field value has control characters",
        ),
    ];
    match problems.into_iter().find(|(found, _)| *found) {
        Some((_, what)) => Err(InvalidRequest { what }),
        None => Ok(()),
    }
}

/// What a response says.
pub(super) enum Verdict {
    /// An interim response (RFC 9110 section 15.2): the final one is still to come.
    Interim,
    /// The connection is open.
    Opened(Opened),
}

/// Judges the response whose head these octets are.
pub(super) fn judge(octets: &[u8], asked: &Asked, config: &Config) -> Result<Verdict, ResponseViolation> {
    grammar::check_lines(octets).map_err(ResponseViolation::Malformed)?;
    let head = ResponseHead::parse(octets);
    if !head.headers.malformed.is_empty() {
        return Err(ResponseViolation::Malformed("line that is not a header field"));
    }
    if !is_http_1_1(&head.version) {
        return Err(ResponseViolation::HttpVersion);
    }
    match head.status {
        None => return Err(ResponseViolation::Malformed("status code")),
        Some(101) => {}
        Some(100..=199) => return Ok(Verdict::Interim),
        Some(status) => return Err(ResponseViolation::Status(status)),
    }
    check_upgrade(&head.headers)?;
    check_accept(&head.headers, asked)?;
    Ok(Verdict::Opened(Opened {
        target: asked.target.clone(),
        deflate: agreed_extension(&head.headers, config)?,
        subprotocol: agreed_subprotocol(&head.headers, asked)?,
    }))
}

fn check_upgrade(headers: &Headers) -> Result<(), ResponseViolation> {
    let mut upgrades = headers.get_all("Upgrade");
    match (upgrades.next(), upgrades.next()) {
        (Some(value), None) if value.eq_ignore_ascii_case(b"websocket") => {}
        _ => return Err(ResponseViolation::Upgrade),
    }
    if !headers.has_token("Connection", "Upgrade") {
        return Err(ResponseViolation::Connection);
    }
    Ok(())
}

fn check_accept(headers: &Headers, asked: &Asked) -> Result<(), ResponseViolation> {
    let mut accepts = headers.get_all("Sec-WebSocket-Accept");
    match (accepts.next(), accepts.next()) {
        (None, _) => Err(ResponseViolation::AcceptMissing),
        (_, Some(_)) => Err(ResponseViolation::AcceptRepeated),
        (Some(accept), None) if accept == asked.accept.as_bytes() => Ok(()),
        _ => Err(ResponseViolation::AcceptWrong),
    }
}

fn agreed_extension(
    headers: &Headers,
    config: &Config,
) -> Result<Option<DeflateAgreement>, ResponseViolation> {
    let extensions = parse_extensions(headers.get_all("Sec-WebSocket-Extensions"))
        .map_err(|_| ResponseViolation::Extensions)?;
    let Some(offered) = &config.deflate else {
        return if extensions.is_empty() { Ok(None) } else { Err(ResponseViolation::ExtensionNotOffered) };
    };
    if extensions.iter().any(|extension| extension.name != PERMESSAGE_DEFLATE) {
        return Err(ResponseViolation::ExtensionNotOffered);
    }
    match &extensions[..] {
        [] => Ok(None),
        [extension] => deflate_negotiation::conclude(extension, offered).map(Some),
        _ => Err(ResponseViolation::DeflateRepeated),
    }
}

fn agreed_subprotocol(headers: &Headers, asked: &Asked) -> Result<Option<String>, ResponseViolation> {
    let mut chosen = headers.get_all("Sec-WebSocket-Protocol");
    match (chosen.next(), chosen.next()) {
        (None, _) => Ok(None),
        (_, Some(_)) => Err(ResponseViolation::SubprotocolRepeated),
        (Some(chosen), None) => asked
            .subprotocols
            .iter()
            .find(|offered| offered.as_bytes() == chosen)
            .map(|offered| Some(offered.clone()))
            .ok_or(ResponseViolation::SubprotocolNotOffered),
    }
}
