//! The servers that are measured.

use std::process::Command;

use anyhow::Result;

use super::bench_peer;
use crate::install::Kits;

/// An echo server.
pub(super) struct Server {
    /// Its name on the command line and in tables; that of its program, too.
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Whether it has permessage-deflate.
    pub(super) deflate: bool,
}

/// wsspec and the peers. The versions are those of the manifest of `peers/bench` and of [`SOCKETIFY`].
pub(super) const SERVERS: &[Server] = &[
    Server { name: OURS, version: env!("CARGO_PKG_VERSION"), deflate: true },
    Server { name: "tokio-tungstenite", version: "0.30.0", deflate: false },
    Server { name: "fastwebsockets", version: "0.10.0", deflate: false },
    Server { name: "tokio-websockets", version: "0.13.3", deflate: false },
    Server { name: "sockudo-ws", version: "3.1.0", deflate: true },
    Server { name: "yawc", version: "0.5.0", deflate: true },
    Server { name: UWEBSOCKETS, version: "20 (socketify 0.0.31)", deflate: true },
    Server { name: RAW, version: "TCP", deflate: false },
];

/// Sends octets back and knows nothing of WebSocket: no peer, but what the best one could reach.
const RAW: &str = "raw";
const OURS: &str = "wsspec";
const UWEBSOCKETS: &str = "uwebsockets";

/// At most so many messages are answered with one write.
const BATCH: &str = "32";

/// The Python package with uWebSockets.
pub(crate) const SOCKETIFY: &str = "socketify==0.0.31";

impl Server {
    /// Whether it is the endpoint of this repository.
    pub(super) fn is_ours(&self) -> bool {
        self.name == OURS
    }

    /// Whether it is no WebSocket server, and shows what the system and the load generator allow.
    pub(super) fn is_limit(&self) -> bool {
        self.name == RAW
    }

    /// Whether wsspec is compared with it.
    pub(super) fn is_peer(&self) -> bool {
        !self.is_ours() && !self.is_limit()
    }

    /// Name and version.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The command that serves echo on a port, on one thread. With `batches`, replies to messages that are ready
    /// together are written together, where a library leaves that to its user: it costs where they come singly.
    pub(super) fn command(&self, kits: &Kits, port: u16, batches: bool) -> Result<Command> {
        if self.is_ours() {
            let mut command = Command::new(kits.wsspec());
            command.args(["echo", &format!("127.0.0.1:{port}"), "--threads", "1"]);
            return Ok(command);
        }
        let mut command = Command::new(bench_peer(kits, self.name));
        command.arg(port.to_string());
        if self.name == UWEBSOCKETS {
            command.arg(kits.socketify_library()?);
        } else if batches && self.is_peer() {
            command.arg(BATCH);
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository;

    #[test]
    fn versions_are_those_of_the_manifest() {
        let manifest = std::fs::read_to_string(repository().join("peers/bench/Cargo.toml")).unwrap();
        for server in SERVERS.iter().filter(|server| ![OURS, UWEBSOCKETS, RAW].contains(&server.name)) {
            let pinned = |line: &str| {
                line.starts_with(server.name) && line.contains(&format!("={}\"", server.version))
            };
            assert!(manifest.lines().any(pinned), "{}", server.label());
        }
        assert!(SERVERS.iter().any(|server| server.version.contains(&SOCKETIFY.replace("==", " "))));
    }
}
