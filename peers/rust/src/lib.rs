//! What the Rust peers share: their command lines.

use std::net::{Ipv4Addr, SocketAddr};

/// The loopback address to serve on: the port is the first argument.
pub fn bind_address() -> SocketAddr {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("usage: PROGRAM PORT");
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The fuzzing server's URL and our agent name: the first two arguments.
pub fn url_and_agent() -> (String, String) {
    let mut args = std::env::args().skip(1);
    args.next().zip(args.next()).expect("usage: PROGRAM URL AGENT")
}
