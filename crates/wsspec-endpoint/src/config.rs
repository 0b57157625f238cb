//! What an endpoint is told before it starts.

use std::time::Duration;

use crate::{Closed, Time};

/// Which end of the connection this endpoint is (RFC 6455 section 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends the opening request and masks its frames.
    Client,
    /// Answers the opening request and drops TCP first.
    Server,
}

/// Limits, timers and offers of an endpoint.
///
/// Start from [`Config::server`] or [`Config::client`] and change fields. Many server connections can share
/// one configuration behind an [`Arc`](std::sync::Arc).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Client or server.
    pub role: Role,
    /// The longest message that is taken, in octets after inflation; longer ones fail the connection with
    /// status code 1009 (RFC 6455 section 10.4).
    pub max_message_size: u64,
    /// The longest frame payload that is taken, in octets on the wire; longer ones fail with 1009.
    pub max_frame_size: u64,
    /// The most frames one message may be cut into; more fail with 1008.
    pub max_fragments: u32,
    /// The longest opening request or response head that is taken, in octets.
    pub max_head_size: usize,
    /// How long the opening handshake may take.
    pub handshake_timeout: Time,
    /// How long the peer may take to answer a Close frame with its own.
    pub close_timeout: Time,
    /// How long to wait for the peer's end of TCP: as a client for the server to drop TCP after the closing
    /// handshake (RFC 6455 section 7.1.1), as a server for the client to follow.
    pub tcp_close_timeout: Time,
    /// How long a client that failed the connection leaves the server time to drop TCP first.
    pub fail_timeout: Time,
    /// How many octets are read and thrown away after this endpoint has sent its TCP FIN; a peer that sends
    /// more is reset.
    pub drain_limit: u64,
    /// Send a Ping when nothing was received for this long.
    pub ping_interval: Option<Time>,
    /// How long after such a Ping something must be received.
    pub pong_timeout: Time,
    /// permessage-deflate: what a client offers and a server accepts. `None`: not used.
    pub deflate: Option<DeflateConfig>,
    /// Subprotocols that a server speaks. (A client's are in its [`ClientRequest`].)
    pub subprotocols: Vec<String>,
    /// Resource names that a server knows, without query; others are answered with 404. `None`: all.
    pub resources: Option<Vec<String>>,
    /// Values of Origin that a server lets in; others are answered with 403. Requests without Origin do not
    /// come from a browser and are let in. `None`: all.
    pub origins: Option<Vec<String>>,
    /// Send messages as fragments of at most this many payload octets.
    pub auto_fragment: Option<usize>,
    /// Send every message back to its sender. Messages are then not reported as events, and are copied only
    /// once.
    pub echo: bool,
    /// Obey the commands of the subprotocol [`COMMANDS`](crate::COMMANDS) where it is agreed on, which a server
    /// then speaks. Only for endpoints that echo.
    pub commands: bool,
    /// What the command `!state` tells: how the connection before this one ended.
    pub last_closed: Option<Closed>,
    /// Seed of the handshake nonce and the masking keys. It must be unpredictable and used only once
    /// (RFC 6455 sections 4.1 and 10.3); a server does not use it.
    pub seed: [u8; 32],
    /// How the endpoint deviates from the strict one, to try test suites on it. Empty: not at all.
    #[cfg(feature = "defects")]
    pub deviations: Vec<&'static crate::Deviation>,
}

impl Config {
    /// A server with the default limits.
    pub fn server(seed: [u8; 32]) -> Self {
        Self::new(Role::Server, seed)
    }

    /// A client with the default limits.
    pub fn client(seed: [u8; 32]) -> Self {
        Self::new(Role::Client, seed)
    }

    fn new(role: Role, seed: [u8; 32]) -> Self {
        Self {
            role,
            max_message_size: 64 << 20,
            max_frame_size: 64 << 20,
            max_fragments: 128 << 10,
            max_head_size: 16 << 10,
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(10),
            tcp_close_timeout: Duration::from_secs(10),
            fail_timeout: Duration::from_secs(1),
            drain_limit: 64 << 20,
            ping_interval: None,
            pong_timeout: Duration::from_secs(20),
            deflate: None,
            subprotocols: Vec::new(),
            resources: None,
            origins: None,
            auto_fragment: None,
            echo: false,
            commands: false,
            last_closed: None,
            seed,
            #[cfg(feature = "defects")]
            deviations: Vec::new(),
        }
    }
}

/// How permessage-deflate (RFC 7692 section 7) is offered or accepted, and how messages are compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeflateConfig {
    /// Server: compress every message from an empty window. Client: ask the server to.
    pub server_no_context_takeover: bool,
    /// Server: ask the client to compress every message from an empty window. Client: announce it.
    pub client_no_context_takeover: bool,
    /// The base-2 logarithm of the largest window the server may compress with, 8 to 15.
    pub server_max_window_bits: u8,
    /// The same for the client, 8 to 15. Client: `None` offers no such parameter, 15 offers it without a
    /// value. Server: the limit set to clients that offer the parameter; `None` sets none.
    pub client_max_window_bits: Option<u8>,
    /// Effort of the compressor: 0 (stored) and 1 (fast) to 9 (small).
    pub level: u8,
    /// Messages shorter than this many octets are sent uncompressed: there is next to nothing to gain.
    pub min_size: usize,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: Some(15),
            level: 1,
            min_size: 32,
        }
    }
}

/// What a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientRequest {
    /// Value of the Host header field: name or address, and the port when it is not the default.
    pub host: String,
    /// Resource name: path and query, as in `/chat?room=1` (RFC 6455 section 3).
    pub target: String,
    /// Value of the Origin header field, which browsers send.
    pub origin: Option<String>,
    /// Further header fields, sent after those of the handshake.
    pub headers: Vec<(String, String)>,
    /// Subprotocols offered, the preferred one first.
    pub subprotocols: Vec<String>,
}

impl ClientRequest {
    /// A request for `target` at `host`, offering no subprotocol.
    pub fn new(host: impl Into<String>, target: impl Into<String>) -> Self {
        Self { host: host.into(), target: target.into(), ..Self::default() }
    }
}
