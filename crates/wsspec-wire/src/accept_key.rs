//! The keys of the opening handshake, RFC 6455 sections 4.1 and 4.2.2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// The identifier that RFC 6455 section 1.3 appends to the client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` value for a `Sec-WebSocket-Key` value, which may be any octets.
#[must_use]
pub fn accept_key(key: &[u8]) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// The `Sec-WebSocket-Key` value for a nonce.
#[must_use]
pub fn encode_key(nonce: [u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// Whether a `Sec-WebSocket-Key` value is base64 of 16 octets, as RFC 6455 section 4.1 demands.
#[must_use]
pub fn is_valid_key(key: &[u8]) -> bool {
    // One octet more than a key decodes to, so that longer ones are seen to be longer.
    let mut nonce = [0; 18];
    STANDARD.decode_slice(key, &mut nonce) == Ok(16)
}
