//! Why a server refuses an opening request.

use thiserror::Error;

/// A rule of RFC 6455 section 4.2.1 that an opening request breaks, answered with an HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestViolation {
    /// The head is longer than this endpoint takes.
    #[error("request head is longer than {limit} octets")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A line is not HTTP.
    #[error("request is malformed: {0}")]
    Malformed(&'static str),
    /// The method is not GET.
    #[error("method is not GET")]
    Method,
    /// The version is below HTTP/1.1, or not of the 1.x family.
    #[error("HTTP version is not 1.1")]
    HttpVersion,
    /// The target is neither a path nor an absolute URI, or has a fragment.
    #[error("request target is not a resource name")]
    Target,
    /// No Host, several, or one that is not a host.
    #[error("Host header field is missing, repeated or invalid")]
    Host,
    /// A body is announced.
    #[error("request announces a body")]
    Body,
    /// Upgrade does not name websocket.
    #[error("Upgrade header field does not name websocket")]
    Upgrade,
    /// Connection does not have the token Upgrade.
    #[error("Connection header field does not have the token Upgrade")]
    Connection,
    /// No Sec-WebSocket-Key.
    #[error("Sec-WebSocket-Key header field is missing")]
    KeyMissing,
    /// More than one Sec-WebSocket-Key.
    #[error("Sec-WebSocket-Key header field is repeated")]
    KeyRepeated,
    /// The key is not the base64 form of 16 octets.
    #[error("Sec-WebSocket-Key is not the base64 form of 16 octets")]
    KeyInvalid,
    /// No Sec-WebSocket-Version.
    #[error("Sec-WebSocket-Version header field is missing")]
    VersionMissing,
    /// More than one Sec-WebSocket-Version.
    #[error("Sec-WebSocket-Version header field is repeated")]
    VersionRepeated,
    /// The version is not 13.
    #[error("Sec-WebSocket-Version is not 13")]
    VersionUnsupported,
    /// Sec-WebSocket-Protocol is not a list of tokens.
    #[error("Sec-WebSocket-Protocol is not a list of tokens")]
    Subprotocols,
    /// Sec-WebSocket-Extensions does not follow its grammar.
    #[error("Sec-WebSocket-Extensions does not follow its grammar")]
    Extensions,
    /// The resource is not known here.
    #[error("resource name is not known")]
    Resource,
    /// The origin is not let in.
    #[error("origin is not allowed")]
    Origin,
    /// The request did not arrive in time.
    #[error("request did not arrive in time")]
    TimedOut,
}

impl RequestViolation {
    /// Where the rule stands.
    pub fn section(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "RFC 6455 10.4",
            Self::Malformed(_) | Self::TimedOut => "RFC 6455 4.2.1",
            Self::Method | Self::HttpVersion | Self::Target => "RFC 6455 4.2.1 (1)",
            Self::Host => "RFC 6455 4.2.1 (2)",
            Self::Body => "RFC 9112 6",
            Self::Upgrade => "RFC 6455 4.2.1 (3)",
            Self::Connection => "RFC 6455 4.2.1 (4)",
            Self::KeyMissing | Self::KeyInvalid => "RFC 6455 4.2.1 (5)",
            Self::KeyRepeated => "RFC 6455 11.3.1",
            Self::VersionMissing => "RFC 6455 4.2.1 (6)",
            Self::VersionRepeated => "RFC 6455 11.3.5",
            Self::VersionUnsupported => "RFC 6455 4.4",
            Self::Subprotocols => "RFC 6455 4.1 (10)",
            Self::Extensions => "RFC 6455 9.1",
            Self::Resource | Self::Origin => "RFC 6455 4.2.2 (4)",
        }
    }

    /// The HTTP status code and reason phrase it is answered with.
    pub fn status(&self) -> (u16, &'static str) {
        match self {
            Self::TooLarge { .. } => (431, "Request Header Fields Too Large"),
            Self::Method => (405, "Method Not Allowed"),
            Self::HttpVersion => (505, "HTTP Version Not Supported"),
            Self::Upgrade | Self::VersionUnsupported => (426, "Upgrade Required"),
            Self::Resource => (404, "Not Found"),
            Self::Origin => (403, "Forbidden"),
            Self::TimedOut => (408, "Request Timeout"),
            _ => (400, "Bad Request"),
        }
    }
}
