//! The addresses of this machine that connections begin at, so that local ports are no limit.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::str::FromStr;

use crate::errors::{ErrorCode, Problem};
use crate::text::io_error;

/// Some addresses in a row, such as those of `127.0.0.0/28`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sources {
    first: IpAddr,
    count: u32,
}

/// At most so many, those of a /16.
const MOST: u32 = 1 << 16;

impl Sources {
    /// How many.
    pub fn count(self) -> u32 {
        self.count
    }

    /// The address for this connection; they take turns.
    pub fn of(self, connection: u32) -> IpAddr {
        let offset = connection % self.count;
        match self.first {
            IpAddr::V4(first) => IpAddr::V4((u32::from(first) + offset).into()),
            IpAddr::V6(first) => IpAddr::V6((u128::from(first) + u128::from(offset)).into()),
        }
    }

    /// Finds out whether this machine has them, and whether they can reach the peer.
    ///
    /// # Errors
    /// E27: it has not, or they are of the other family.
    pub fn check(self, peers: &[SocketAddr]) -> Result<(), Problem> {
        if let Some(other) = peers.iter().find(|peer| peer.is_ipv4() != self.first.is_ipv4()) {
            return Err(Problem::new(ErrorCode::E27, format!("no way from {} to {other}", self.first))
                .fact("why", "one is an address of IPv4, the other of IPv6")
                .advise("the peer by its address: ws://127.0.0.1:PORT or ws://[::1]:PORT"));
        }
        for address in [self.of(0), self.of(self.count - 1)] {
            TcpListener::bind((address, 0)).map_err(|error| {
                Problem::new(ErrorCode::E27, format!("no connection can begin at {address}"))
                    .fact("why", io_error(&error))
                    .fact(
                        "try",
                        "--source 127.0.0.0/28   for a peer on this machine, or an address of ip addr",
                    )
            })?;
        }
        Ok(())
    }
}

impl FromStr for Sources {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("an address or a network such as 127.0.0.0/28, at most {MOST} addresses");
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() { bits } else { prefix.parse().map_err(|_| wrong())? };
        let host: u32 = match bits.checked_sub(prefix) {
            Some(host) if host <= MOST.ilog2() => host,
            _ => return Err(wrong()),
        };
        let network = match address {
            IpAddr::V4(address) => IpAddr::V4((u32::from(address) >> host << host).into()),
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> host << host).into()),
        };
        let all = Self { first: if host == 0 { address } else { network }, count: 1 << host };
        // The first and the last address of a network of IPv4 are no host's.
        let hosts = Self { first: all.of(1), count: all.count.saturating_sub(2) };
        Ok(if address.is_ipv4() && host >= 2 { hosts } else { all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_its_hosts() {
        let sources: Sources = "127.0.0.9/28".parse().unwrap();
        assert_eq!(sources.count(), 14);
        let first: Vec<String> = (0..3).map(|n| sources.of(n).to_string()).collect();
        assert_eq!(first, ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
        assert_eq!((sources.of(13).to_string(), sources.of(14)), ("127.0.0.14".to_owned(), sources.of(0)));
        for (text, count) in [("10.0.0.7", 1), ("10.0.0.7/32", 1), ("10.0.0.6/31", 2), ("fd00::/112", 65536)]
        {
            assert_eq!(text.parse::<Sources>().unwrap().count(), count, "{text}");
        }
        for text in ["", "127.0.0.0/x", "127.0.0.0/8", "127.0.0.0/33", "a/28", "::/64"] {
            assert!(text.parse::<Sources>().is_err(), "{text}");
        }
    }
}
