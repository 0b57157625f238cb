//! The rules, as what breaks them.

mod request;
mod response;

use thiserror::Error;
use wsspec_wire::{Opcode, Rsv, close_code};

pub use request::RequestViolation;
pub use response::{InvalidRequest, ResponseViolation};

/// A rule that the peer broke. Each knows the section it comes from and the status code it is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set that no negotiated extension gives a meaning to.
    #[error("reserved bits {0:?} set without an extension that defines them")]
    ReservedBits(Rsv),
    /// RSV1 on a control frame or a continuation, which says "compressed" where nothing can be.
    #[error("RSV1 set on a {0:?} frame, where permessage-deflate does not allow it")]
    CompressedBit(Opcode),
    /// An opcode without a meaning.
    #[error("reserved opcode {0:?}")]
    ReservedOpcode(Opcode),
    /// A frame from a client is not masked.
    #[error("frame from a client is not masked")]
    NotMasked,
    /// A frame from a server is masked.
    #[error("frame from a server is masked")]
    Masked,
    /// The length is not encoded in the shortest form.
    #[error("length {0} is not encoded in the shortest form")]
    LengthNotMinimal(u64),
    /// The most significant bit of a 64-bit length is set.
    #[error("length {0:#x} has its most significant bit set")]
    LengthTopBit(u64),
    /// A control frame has FIN clear.
    #[error("{0:?} frame is fragmented")]
    ControlFragmented(Opcode),
    /// A control frame announces more than 125 octets, or uses a length form that is there for such lengths.
    #[error("{0:?} frame whose length is not one of 0 to 125 in seven bits")]
    ControlTooLong(Opcode),
    /// A continuation frame without a message to continue.
    #[error("continuation frame without a message to continue")]
    OrphanContinuation,
    /// A new message before the last one ended.
    #[error("{0:?} frame before the end of a fragmented message")]
    MessageInterleaved(Opcode),
    /// A text message is not UTF-8.
    #[error("text is not valid UTF-8 at octet {offset}")]
    InvalidUtf8 {
        /// Index in the message of the octet at which it became invalid.
        offset: u64,
    },
    /// The payload of a compressed message is not DEFLATE data.
    #[error("compressed message is not valid DEFLATE data")]
    InvalidDeflate,
    /// A frame is longer than this endpoint takes.
    #[error("frame of {length} octets is longer than {limit}")]
    FrameTooBig {
        /// Its length.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// A message is longer than this endpoint takes.
    #[error("message is longer than {limit} octets")]
    MessageTooBig {
        /// The limit.
        limit: u64,
    },
    /// A message has more fragments than this endpoint takes.
    #[error("message has more than {limit} fragments")]
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// A Close frame has a body of one octet.
    #[error("Close frame with a body of one octet")]
    CloseBodyTooShort,
    /// A Close frame has a status code that must not be sent.
    #[error("Close frame with status code {0}")]
    CloseCode(u16),
    /// The reason in a Close frame is not UTF-8.
    #[error("reason in a Close frame is not valid UTF-8")]
    CloseReason,
    /// The server refuses the opening request.
    #[error(transparent)]
    Request(#[from] RequestViolation),
    /// The client refuses the server's response.
    #[error(transparent)]
    Response(#[from] ResponseViolation),
    /// The client refuses to send what the application asked for.
    #[error(transparent)]
    InvalidRequest(#[from] InvalidRequest),
}

impl Violation {
    /// Where the rule stands, as in "RFC 6455 5.2".
    pub fn section(&self) -> &'static str {
        match self {
            Self::ReservedBits(_)
            | Self::ReservedOpcode(_)
            | Self::LengthNotMinimal(_)
            | Self::LengthTopBit(_) => "RFC 6455 5.2",
            Self::CompressedBit(_) => "RFC 7692 6.1",
            Self::NotMasked | Self::Masked => "RFC 6455 5.1",
            Self::ControlFragmented(_) | Self::ControlTooLong(_) => "RFC 6455 5.5",
            Self::OrphanContinuation | Self::MessageInterleaved(_) => "RFC 6455 5.4",
            Self::InvalidUtf8 { .. } | Self::CloseReason => "RFC 6455 8.1",
            Self::InvalidDeflate => "RFC 7692 7.2.2",
            Self::FrameTooBig { .. } | Self::MessageTooBig { .. } | Self::TooManyFragments { .. } => {
                "RFC 6455 10.4"
            }
            Self::CloseBodyTooShort => "RFC 6455 5.5.1",
            Self::CloseCode(_) => "RFC 6455 7.4",
            Self::Request(violation) => violation.section(),
            Self::Response(violation) => violation.section(),
            Self::InvalidRequest(violation) => violation.section(),
        }
    }

    /// The status code that the connection is failed with (RFC 6455 section 7.4.1); 1006 for violations in
    /// the opening handshake, which no Close frame answers.
    pub fn close_code(&self) -> u16 {
        match self {
            Self::InvalidUtf8 { .. } | Self::InvalidDeflate | Self::CloseReason => {
                close_code::INVALID_PAYLOAD
            }
            Self::FrameTooBig { .. } | Self::MessageTooBig { .. } => close_code::MESSAGE_TOO_BIG,
            Self::TooManyFragments { .. } => close_code::POLICY_VIOLATION,
            Self::Request(_) | Self::Response(_) | Self::InvalidRequest(_) => close_code::ABNORMAL,
            _ => close_code::PROTOCOL_ERROR,
        }
    }

    /// What is wrong, in a sentence.
    pub fn message(&self) -> String {
        self.to_string()
    }
}
