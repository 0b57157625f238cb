use std::net::{IpAddr, SocketAddr};

use super::packet;

/// The most octets of one segment.
const SEGMENT: usize = 32 << 10;
/// The most segments for one read or write of which octets are missing.
const EMPTY_SEGMENTS: u64 = 1024;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;
const TCP: u8 = 6;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that connected.
    Client,
    /// The one that listened.
    Server,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A TCP connection as packets of a capture.
#[derive(Clone, Debug)]
pub struct Flow {
    client: SocketAddr,
    server: SocketAddr,
    /// The next sequence numbers, of the client and of the server.
    next: [u32; 2],
    /// Which of the two, in this order, has sent its last octet.
    silent: [bool; 2],
}

impl Flow {
    /// A connection, and the packets that open it. Times are microseconds since 1970.
    pub fn open(client: SocketAddr, server: SocketAddr, at_us: u64) -> (Self, Vec<u8>) {
        let mut flow = Self { client, server, next: [0; 2], silent: [false; 2] };
        let mut out = flow.packet(at_us, Side::Client, SYN, b"", 0);
        flow.next[0] = 1;
        out.extend(flow.packet(at_us, Side::Server, SYN | ACK, b"", 0));
        flow.next[1] = 1;
        out.extend(flow.packet(at_us, Side::Client, ACK, b"", 0));
        (flow, out)
    }

    /// The packets of a read or write: `octets` are the first of `len`.
    pub fn data(&mut self, at_us: u64, from: Side, octets: &[u8], len: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let (mut rest, mut left) = (octets, len.max(octets.len() as u64));
        left = left.min(octets.len() as u64 + EMPTY_SEGMENTS * SEGMENT as u64);
        while left > 0 {
            let size = left.min(SEGMENT as u64) as usize;
            let (part, behind) = rest.split_at(rest.len().min(size));
            out.extend(self.packet(at_us, from, PSH | ACK, part, size));
            self.advance(from, size as u32);
            (rest, left) = (behind, left - size as u64);
        }
        out
    }

    /// The packets with which this side says that it sends no more.
    pub fn fin(&mut self, at_us: u64, from: Side) -> Vec<u8> {
        let silent = &mut self.silent[usize::from(from == Side::Server)];
        if std::mem::replace(silent, true) {
            return Vec::new();
        }
        let mut out = self.packet(at_us, from, FIN | ACK, b"", 0);
        self.advance(from, 1);
        out.extend(self.packet(at_us, from.other(), ACK, b"", 0));
        out
    }

    /// The packet with which this side ends the connection at once, if it is not over.
    pub fn reset(&mut self, at_us: u64, from: Side) -> Vec<u8> {
        if self.silent == [true; 2] {
            return Vec::new();
        }
        self.silent = [true; 2];
        self.packet(at_us, from, RST | ACK, b"", 0)
    }

    fn advance(&mut self, from: Side, by: u32) {
        let next = &mut self.next[usize::from(from == Side::Server)];
        *next = next.wrapping_add(by);
    }

    /// A packet with a payload of `size` octets, the first of which are given.
    fn packet(&self, at_us: u64, from: Side, flags: u8, payload: &[u8], size: usize) -> Vec<u8> {
        let (source, destination) =
            if from == Side::Client { (self.client, self.server) } else { (self.server, self.client) };
        let [client, server] = self.next;
        let (sequence, acknowledged) = if from == Side::Client { (client, server) } else { (server, client) };
        let mut tcp = Vec::with_capacity(20 + payload.len());
        tcp.extend_from_slice(&source.port().to_be_bytes());
        tcp.extend_from_slice(&destination.port().to_be_bytes());
        tcp.extend_from_slice(&sequence.to_be_bytes());
        tcp.extend_from_slice(&(if flags & ACK == 0 { 0 } else { acknowledged }).to_be_bytes());
        tcp.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend_from_slice(payload);
        let length = (20 + size) as u16;
        if payload.len() == size {
            let sum = checksum(&[&pseudo_header(source.ip(), destination.ip(), length), &tcp]);
            tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        }
        let ip = ip_header(source.ip(), destination.ip(), length);
        packet(at_us, &[ip.as_slice(), &tcp].concat(), ip.len() as u32 + u32::from(length))
    }
}

/// An IPv4 header, or an IPv6 header if one of the addresses is such a one.
fn ip_header(source: IpAddr, destination: IpAddr, length: u16) -> Vec<u8> {
    if let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) {
        let mut header = vec![0x45, 0];
        header.extend_from_slice(&(20 + length).to_be_bytes());
        header.extend_from_slice(&[0, 0, 0x40, 0, 64, TCP, 0, 0]);
        header.extend_from_slice(&source.octets());
        header.extend_from_slice(&destination.octets());
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        return header;
    }
    let mut header = vec![0x60, 0, 0, 0];
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&[TCP, 64]);
    header.extend_from_slice(&sixteen(source));
    header.extend_from_slice(&sixteen(destination));
    header
}

fn pseudo_header(source: IpAddr, destination: IpAddr, length: u16) -> Vec<u8> {
    let mut out = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => [source.octets(), destination.octets()].concat(),
        _ => [sixteen(source), sixteen(destination)].concat(),
    };
    out.extend_from_slice(&u32::from(length).to_be_bytes());
    out.extend_from_slice(&u32::from(TCP).to_be_bytes());
    out
}

fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The Internet checksum (RFC 1071); every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u64 =
        words.map(|word| u64::from(word[0]) << 8 | word.get(1).copied().map_or(0, u64::from)).sum();
    let mut sum = sum;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> (SocketAddr, SocketAddr) {
        ("127.0.0.1:50000".parse().unwrap(), "127.0.0.1:9001".parse().unwrap())
    }

    #[test]
    fn sequence_numbers_count_the_octets() {
        let (client, server) = addresses();
        let (mut flow, _) = Flow::open(client, server, 0);
        flow.data(0, Side::Client, b"hello", 5);
        flow.data(0, Side::Server, b"", 70_000);
        assert_eq!(flow.next, [6, 70_001]);
        assert!(!flow.fin(0, Side::Server).is_empty() && flow.fin(0, Side::Server).is_empty());
        assert!(!flow.reset(0, Side::Client).is_empty());
        assert!(flow.reset(0, Side::Server).is_empty(), "a connection ends once");
    }

    #[test]
    fn checksums_are_those_of_the_rfc() {
        assert_eq!(checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
        let (client, server) = addresses();
        let header = ip_header(client.ip(), server.ip(), 20);
        assert_eq!(checksum(&[&header]), 0, "a header with its sum adds up to nothing");
        let v6 = "[::1]:1".parse::<SocketAddr>().unwrap();
        assert_eq!(ip_header(v6.ip(), client.ip(), 20).len(), 40);
    }

    #[test]
    fn what_was_not_kept_is_counted() {
        let (client, server) = addresses();
        let (mut flow, _) = Flow::open(client, server, 0);
        let block = flow.data(1, Side::Client, b"abc", 100);
        let field = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
        assert_eq!((field(20), field(24)), (43, 140), "captured and original length");
    }
}
