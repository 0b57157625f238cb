//! WebSocket octets to structures and back.
//!
//! Every function here accepts whatever a peer may send and whatever a test may want to send: reserved
//! bits, unknown opcodes, over-long length forms, torn heads. Nothing is refused because a rule forbids it;
//! rules belong to the crates above. What cannot be decoded at all is reported as a fact.
//!
//! | module | octets of |
//! |---|---|
//! | [`opcode`], [`frame`], [`decoder`], [`mask`] | frames, RFC 6455 section 5 |
//! | [`close`] | the body of a Close frame, RFC 6455 sections 5.5.1 and 7.4 |
//! | [`utf8`] | text, validated as it arrives, RFC 6455 section 8.1 |
//! | [`http`], [`accept_key`](mod@accept_key), [`extension`] | the opening handshake, RFC 6455 sections 4 and 9.1 |
//! | [`deflate`], [`inflate`] | compressed messages, RFC 7692 section 7.2 |
//! | [`DeflateWriter`], [`DeflateInspector`] | compressed messages bit by bit, RFC 1951 |
//!
//! No function performs I/O, reads a clock or draws random numbers.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod accept_key;
pub mod close;
pub mod decoder;
pub mod deflate;
mod deflate_codes;
mod deflate_inspector;
mod deflate_writer;
pub mod extension;
pub mod frame;
pub mod http;
pub mod inflate;
pub mod mask;
pub mod opcode;
pub mod utf8;

pub use accept_key::{accept_key, encode_key, is_valid_key};
pub use close::{CloseBody, close_code, encode_close};
pub use decoder::{FrameDecoder, Token};
pub use deflate::{Deflater, WindowBits};
pub use deflate_inspector::{DeflateInspector, InspectError, Inspection};
pub use deflate_writer::{BlockType, DeflateWriter};
pub use extension::{Extension, ExtensionSyntax, Param, ParamValue, parse_extensions};
pub use frame::{FrameHeader, LengthForm, Rsv};
pub use http::{
    HeadBuffer, HeadProgress, Header, Headers, RequestHead, ResponseHead, write_request, write_response,
};
pub use inflate::{InflateError, Inflated, Inflater};
pub use mask::{MaskingKey, apply_mask, copy_masked};
pub use opcode::Opcode;
pub use utf8::{InvalidUtf8, Utf8Validator};
