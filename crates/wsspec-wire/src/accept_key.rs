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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_comes_out() {
        assert_eq!(encode_key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_base64_of_sixteen_octets() {
        assert!(is_valid_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for wrong in [
            "",
            "dGhlIHNhbXBsZSBub25j",         // 15 octets
            "dGhlIHNhbXBsZSBub25jZSE=",     // 17 octets
            "dGhlIHNhbXBsZSBub25jZQ",       // no padding
            "dGhlIHNhbXBsZSBub25jZQ== ",    // white space
            "dGhl*HNhbXBsZSBub25jZQ==",     // not base64
            "dGhlIHNhbXBsZSBub25jZQ==dGhl", // more behind the padding
        ] {
            assert!(!is_valid_key(wrong.as_bytes()), "{wrong}");
        }
        assert!(!is_valid_key(&[b'A'; 4096]));
    }
}
