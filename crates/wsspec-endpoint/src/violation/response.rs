//! Why a client refuses a server's response, or its own application's request.

use thiserror::Error;

/// A rule of RFC 6455 section 4.1 that a server's response breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResponseViolation {
    /// The head is longer than this endpoint takes.
    #[error("response head is longer than {limit} octets")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A line is not HTTP.
    #[error("response is malformed: {0}")]
    Malformed(&'static str),
    /// Too many responses of the 1xx class before the final one.
    #[error("too many interim responses")]
    TooManyInterim,
    /// The version is not HTTP/1.1.
    #[error("HTTP version of the response is not 1.1")]
    HttpVersion,
    /// The server did not upgrade.
    #[error("server answered with status {0} instead of 101")]
    Status(u16),
    /// Upgrade is not websocket.
    #[error("Upgrade header field of the response is not websocket")]
    Upgrade,
    /// Connection does not have the token Upgrade.
    #[error("Connection header field of the response does not have the token Upgrade")]
    Connection,
    /// No Sec-WebSocket-Accept.
    #[error("Sec-WebSocket-Accept header field is missing")]
    AcceptMissing,
    /// More than one Sec-WebSocket-Accept.
    #[error("Sec-WebSocket-Accept header field is repeated")]
    AcceptRepeated,
    /// The accept value does not answer the key sent.
    #[error("Sec-WebSocket-Accept does not answer the key that was sent")]
    AcceptWrong,
    /// More than one Sec-WebSocket-Protocol.
    #[error("Sec-WebSocket-Protocol header field is repeated")]
    SubprotocolRepeated,
    /// The subprotocol was not offered.
    #[error("server chose a subprotocol that was not offered")]
    SubprotocolNotOffered,
    /// Sec-WebSocket-Extensions does not follow its grammar.
    #[error("Sec-WebSocket-Extensions does not follow its grammar")]
    Extensions,
    /// An extension was not offered.
    #[error("server chose an extension that was not offered")]
    ExtensionNotOffered,
    /// permessage-deflate is named twice.
    #[error("server chose permessage-deflate twice")]
    DeflateRepeated,
    /// A parameter of permessage-deflate is not defined, repeated, or has a value it cannot have.
    #[error("parameter of permessage-deflate is invalid: {0}")]
    DeflateParameter(&'static str),
    /// A parameter of permessage-deflate does not keep to what was offered.
    #[error("parameter of permessage-deflate does not keep to the offer: {0}")]
    DeflateBeyondOffer(&'static str),
}

impl ResponseViolation {
    /// Where the rule stands.
    pub fn section(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "RFC 6455 10.4",
            Self::Malformed(_) | Self::HttpVersion => "RFC 6455 4.2.2 (5)",
            Self::TooManyInterim | Self::Status(_) => "RFC 6455 4.1 (1)",
            Self::Upgrade => "RFC 6455 4.1 (2)",
            Self::Connection => "RFC 6455 4.1 (3)",
            Self::AcceptMissing | Self::AcceptWrong => "RFC 6455 4.1 (4)",
            Self::AcceptRepeated => "RFC 6455 11.3.3",
            Self::SubprotocolRepeated => "RFC 6455 11.3.4",
            Self::SubprotocolNotOffered => "RFC 6455 4.1 (6)",
            Self::Extensions => "RFC 6455 9.1",
            Self::ExtensionNotOffered => "RFC 6455 4.1 (5)",
            Self::DeflateRepeated | Self::DeflateParameter(_) | Self::DeflateBeyondOffer(_) => "RFC 7692 7",
        }
    }
}

/// A request that a client does not send, because it would not be a valid opening request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("cannot send this opening request: {what}")]
pub struct InvalidRequest {
    /// What is wrong with it.
    pub what: &'static str,
}

impl InvalidRequest {
    /// Where the rule stands.
    pub fn section(&self) -> &'static str {
        "RFC 6455 4.1"
    }
}
