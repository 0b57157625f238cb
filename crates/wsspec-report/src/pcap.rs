//! pcapng (RFC draft-ietf-opsawg-pcapng): packets that carry the octets of a connection, for Wireshark.
//!
//! The packets are made up: one TCP segment per read or write, with the true octets and times.

mod flow;
mod replay;

pub use flow::{Flow, Side};
pub use replay::write;

/// The kinds of blocks.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SECRETS: u32 = 0x0a;
const PACKET: u32 = 6;
/// The link layer is missing: packets begin with the IP header.
const LINKTYPE_RAW: u16 = 101;
/// `TLSK`: the secrets are in the form of SSLKEYLOGFILE.
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// The blocks at the start of a file: its section, its one interface.
pub fn header() -> Vec<u8> {
    let mut section = Vec::new();
    section.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    section.extend_from_slice(&1_u16.to_le_bytes());
    section.extend_from_slice(&0_u16.to_le_bytes());
    section.extend_from_slice(&u64::MAX.to_le_bytes());
    option(&mut section, 4, concat!("wsspec ", env!("CARGO_PKG_VERSION")).as_bytes());
    option(&mut section, 0, b"");
    let mut interface = Vec::new();
    interface.extend_from_slice(&LINKTYPE_RAW.to_le_bytes());
    interface.extend_from_slice(&[0; 2]);
    interface.extend_from_slice(&0_u32.to_le_bytes());
    option(&mut interface, 2, b"wsspec");
    option(&mut interface, 0, b"");
    [block(SECTION, &section), block(INTERFACE, &interface)].concat()
}

/// The block that decrypts the TLS connections of the packets behind it.
pub fn secrets(key_log: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(key_log.len() + 8);
    body.extend_from_slice(&TLS_KEY_LOG.to_le_bytes());
    body.extend_from_slice(&(key_log.len() as u32).to_le_bytes());
    body.extend_from_slice(key_log);
    block(SECRETS, &body)
}

/// A packet at so many microseconds since 1970, of which `octets` are at hand and which was `len` octets long.
fn packet(at_us: u64, octets: &[u8], len: u32) -> Vec<u8> {
    let mut body = Vec::with_capacity(octets.len() + 20);
    body.extend_from_slice(&0_u32.to_le_bytes());
    body.extend_from_slice(&((at_us >> 32) as u32).to_le_bytes());
    body.extend_from_slice(&(at_us as u32).to_le_bytes());
    body.extend_from_slice(&(octets.len() as u32).to_le_bytes());
    body.extend_from_slice(&len.to_le_bytes());
    body.extend_from_slice(octets);
    block(PACKET, &body)
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The body, padded, with kind and length around it.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = (padded as u32 + 12).to_le_bytes();
    let mut out = Vec::with_capacity(padded + 12);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&len);
    out.extend_from_slice(body);
    out.resize(8 + padded, 0);
    out.extend_from_slice(&len);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_framed_by_their_length() {
        assert_eq!(block(5, b"abc"), b"\x05\0\0\0\x10\0\0\0abc\0\x10\0\0\0");
        let header = header();
        assert_eq!(&header[..4], &[0x0a, 0x0d, 0x0d, 0x0a]);
        assert_eq!(header.len() % 4, 0);
    }

    #[test]
    fn a_key_log_is_marked_as_such() {
        let block = secrets(b"CLIENT_RANDOM 00 11\n");
        assert_eq!(&block[8..12], b"KSLT", "little endian");
        assert_eq!(block[12], 20);
    }
}
