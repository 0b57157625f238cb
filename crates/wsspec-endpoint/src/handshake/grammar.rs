//! The grammar of HTTP heads (RFC 9110, RFC 9112) as far as the opening handshake needs it.

/// What is wrong with the lines of a head, if anything: it must consist of lines that end with CRLF, hold no
/// control characters, and are not folded.
pub(super) fn check_lines(head: &[u8]) -> Result<(), &'static str> {
    let mut previous = 0;
    for &octet in head {
        match (previous, octet) {
            (b'\r', b'\n') => {}
            (b'\r', _) | (_, b'\n') => return Err("line end that is not CRLF"),
            (b'\n', b' ' | b'\t') => return Err("folded header field"),
            (_, b'\r' | b'\t') => {}
            (_, control) if control.is_ascii_control() => return Err("control character"),
            _ => {}
        }
        previous = octet;
    }
    Ok(())
}

/// True if these octets cannot be part of any head, so that there is no point in waiting for its end.
pub(super) fn cannot_be_head(octets: &[u8]) -> bool {
    octets.iter().any(|octet| octet.is_ascii_control() && !matches!(octet, b'\r' | b'\n' | b'\t'))
}

/// A token of RFC 9110 section 5.6.2.
pub(super) fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty()
        && octets.iter().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet))
}

/// A header field value without control characters.
pub(super) fn is_field_value(octets: &[u8]) -> bool {
    octets.iter().all(|octet| !octet.is_ascii_control() || *octet == b'\t')
}

/// Path and query of a resource name: visible ASCII without fragment (RFC 6455 section 3).
pub(super) fn is_resource_name(octets: &[u8]) -> bool {
    octets.first() == Some(&b'/') && octets.iter().all(|octet| octet.is_ascii_graphic() && *octet != b'#')
}

/// The resource name in a request target, which is a path or an absolute URI (RFC 6455 section 4.2.1).
pub(super) fn resource_name(target: &[u8]) -> Option<&[u8]> {
    if is_resource_name(target) {
        return Some(target);
    }
    let after_scheme = ["http://", "https://", "ws://", "wss://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    })?;
    match after_scheme.iter().position(|octet| matches!(octet, b'/' | b'?')) {
        Some(end) if !is_host(&after_scheme[..end]) => None,
        Some(end) if is_resource_name(&after_scheme[end..]) => Some(&after_scheme[end..]),
        Some(_) => None,
        None => is_host(after_scheme).then_some(b"/"),
    }
}

/// A host and optional port (RFC 3986 section 3.2).
pub(super) fn is_host(octets: &[u8]) -> bool {
    let (host_ok, rest) = match octets {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|&octet| octet == b']') else { return false };
            let literal = &rest[..end];
            let allowed = |octet: &u8| octet.is_ascii_alphanumeric() || b":.".contains(octet);
            (!literal.is_empty() && literal.iter().all(allowed), &rest[end + 1..])
        }
        _ => {
            let end = octets.iter().position(|&octet| octet == b':').unwrap_or(octets.len());
            (is_registered_name(&octets[..end]), &octets[end..])
        }
    };
    host_ok && is_port_suffix(rest)
}

fn is_port_suffix(octets: &[u8]) -> bool {
    match octets {
        [] => true,
        [b':', digits @ ..] => {
            digits.iter().all(u8::is_ascii_digit)
                && (digits.is_empty()
                    || std::str::from_utf8(digits).is_ok_and(|port| port.parse::<u16>().is_ok()))
        }
        _ => false,
    }
}

fn is_registered_name(octets: &[u8]) -> bool {
    let mut rest = octets;
    while let [octet, after @ ..] = rest {
        rest = match (octet, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            _ if octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(octet) => after,
            _ => return false,
        };
    }
    !octets.is_empty()
}
