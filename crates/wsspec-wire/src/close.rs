//! The body of a Close frame, RFC 6455 sections 5.5.1 and 7.4.

/// The decoded body of a Close frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CloseBody<'a> {
    /// The status code, if there is one; any number.
    pub code: Option<u16>,
    /// The octets behind the status code; UTF-8 in a lawful frame.
    pub reason: &'a [u8],
    /// Whether the body is a single octet, which is neither empty nor a status code.
    pub malformed: bool,
}

impl CloseBody<'_> {
    /// Decodes the payload of a Close frame.
    #[must_use]
    pub fn decode(payload: &[u8]) -> CloseBody<'_> {
        match payload.split_first_chunk() {
            Some((code, reason)) => {
                CloseBody { code: Some(u16::from_be_bytes(*code)), reason, malformed: false }
            }
            None => CloseBody { code: None, reason: &[], malformed: !payload.is_empty() },
        }
    }
}

/// The payload of a Close frame. Without a code the reason stands alone, which is not lawful if it is not
/// empty.
#[must_use]
pub fn encode_close(code: Option<u16>, reason: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(2 + reason.len());
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
    }
    payload.extend_from_slice(reason);
    payload
}

/// The status codes of RFC 6455 section 7.4.1 and of its IANA registry.
pub mod close_code {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The endpoint goes away: a server stops, a page is left.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer violated the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// The endpoint cannot accept this type of data.
    pub const UNSUPPORTED_DATA: u16 = 1003;
    /// Stands for a Close frame without status code; never sent.
    pub const NO_STATUS: u16 = 1005;
    /// Stands for a connection that ended without a Close frame; never sent.
    pub const ABNORMAL: u16 = 1006;
    /// The content of a message does not fit its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// A message violates the policy of the endpoint.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A message is too big to process.
    pub const MESSAGE_TOO_BIG: u16 = 1009;
    /// The client misses an extension in the server's handshake.
    pub const MANDATORY_EXTENSION: u16 = 1010;
    /// The server met a condition that it did not expect.
    pub const INTERNAL_ERROR: u16 = 1011;
    /// The service restarts.
    pub const SERVICE_RESTART: u16 = 1012;
    /// The service is overloaded.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// A gateway got an invalid answer from the server behind it.
    pub const BAD_GATEWAY: u16 = 1014;
    /// Stands for a failed TLS handshake; never sent.
    pub const TLS_HANDSHAKE: u16 = 1015;

    /// The registered name of a code, in lower case.
    #[must_use]
    pub const fn name(code: u16) -> Option<&'static str> {
        Some(match code {
            NORMAL => "normal closure",
            GOING_AWAY => "going away",
            PROTOCOL_ERROR => "protocol error",
            UNSUPPORTED_DATA => "unsupported data",
            NO_STATUS => "no status received",
            ABNORMAL => "abnormal closure",
            INVALID_PAYLOAD => "invalid payload data",
            POLICY_VIOLATION => "policy violation",
            MESSAGE_TOO_BIG => "message too big",
            MANDATORY_EXTENSION => "mandatory extension",
            INTERNAL_ERROR => "internal error",
            SERVICE_RESTART => "service restart",
            TRY_AGAIN_LATER => "try again later",
            BAD_GATEWAY => "bad gateway",
            TLS_HANDSHAKE => "TLS handshake",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_code_and_reason() {
        let payload = encode_close(Some(close_code::GOING_AWAY), b"bye");
        assert_eq!(payload, b"\x03\xE9bye");
        let body = CloseBody { code: Some(1001), reason: b"bye", malformed: false };
        assert_eq!(CloseBody::decode(&payload), body);
    }

    #[test]
    fn a_body_may_be_empty_or_torn() {
        assert_eq!(CloseBody::decode(b""), CloseBody { code: None, reason: b"", malformed: false });
        assert_eq!(CloseBody::decode(b"\x03"), CloseBody { code: None, reason: b"", malformed: true });
        assert_eq!(encode_close(None, b"\x03"), b"\x03");
    }

    #[test]
    fn codes_have_names_where_registered() {
        let named: Vec<u16> = (0..=u16::MAX).filter(|&code| close_code::name(code).is_some()).collect();
        let registered: Vec<u16> = (1000..=1015).filter(|&code| code != 1004).collect();
        assert_eq!(named, registered);
    }
}
