//! The peers: real WebSocket implementations, as echo servers and as echo clients.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::install::{Kit, Kits};

/// What a peer is in a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

impl Role {
    /// The word in tables and folder names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// A choice on the command line.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum RoleChoice {
    Server,
    Client,
    Both,
}

impl RoleChoice {
    /// The roles chosen.
    pub(crate) fn roles(self) -> impl Iterator<Item = Role> {
        let server = (self != Self::Client).then_some(Role::Server);
        let client = (self != Self::Server).then_some(Role::Client);
        server.into_iter().chain(client)
    }
}

/// An implementation that both suites are run against.
pub(crate) struct Peer {
    /// Name on the command line, in tables, and as agent in both suites.
    pub(crate) name: &'static str,
    /// The exact version that is installed; `None` for what comes with a program of the system.
    pub(crate) version: Option<&'static str>,
    /// What has to be installed to run it.
    pub(crate) kit: Kit,
    /// Its echo server: a file name or program in its kit.
    pub(crate) server: Option<&'static str>,
    /// Its echo client, which asks a fuzzing server for cases and echoes through them.
    pub(crate) client: Option<&'static str>,
}

/// All peers.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "wsspec",
        version: Some(env!("CARGO_PKG_VERSION")),
        kit: Kit::Wsspec,
        server: Some("echo"),
        client: Some("echo"),
    },
    Peer {
        name: "testee",
        version: Some("25.10.1"),
        kit: Kit::Reference,
        server: Some("testeeserver"),
        client: Some("testeeclient"),
    },
    Peer {
        name: "websockets",
        version: Some("17.4"),
        kit: Kit::Python,
        server: Some("server.py"),
        client: Some("client.py"),
    },
    Peer {
        name: "ws",
        version: Some("8.23.0"),
        kit: Kit::Node,
        server: Some("server.js"),
        client: Some("client.js"),
    },
    Peer {
        name: "tokio-tungstenite",
        version: Some("0.30.0"),
        kit: Kit::Rust,
        server: Some("tungstenite-server"),
        client: Some("tungstenite-client"),
    },
    Peer {
        name: "fastwebsockets",
        version: Some("0.10.0"),
        kit: Kit::Rust,
        server: Some("fastwebsockets-server"),
        client: None,
    },
    Peer {
        name: "node",
        version: None,
        kit: Kit::NodeItself,
        server: None,
        client: Some("builtin-client.js"),
    },
    Peer {
        name: "chromium",
        version: None,
        kit: Kit::Chromium,
        server: None,
        client: Some("chromium-client.js"),
    },
];

impl Peer {
    /// Name and version, as in tables and in the cache.
    pub(crate) fn label(&self) -> Result<String> {
        let version = match self.version {
            Some(version) => version.to_owned(),
            None => self.kit.system_version()?,
        };
        Ok(format!("{} {version}", self.name))
    }

    /// Whether it has a program for the role.
    pub(crate) fn plays(&self, role: Role) -> bool {
        match role {
            Role::Server => self.server.is_some(),
            Role::Client => self.client.is_some(),
        }
    }

    /// The command that serves echo on `address`.
    pub(crate) fn server_command(&self, kits: &Kits, address: SocketAddr) -> Option<Command> {
        let program = self.server?;
        let mut command = kits.program(self.kit, program);
        match self.kit {
            Kit::Reference => command.args(["-w", &format!("ws://{address}")]),
            Kit::Wsspec => command.arg(address.to_string()),
            _ => command.arg(address.port().to_string()),
        };
        Some(command)
    }

    /// The command that runs the client through all cases of the fuzzing server at `address`.
    pub(crate) fn client_command(&self, kits: &Kits, address: SocketAddr) -> Option<Command> {
        let program = self.client?;
        let mut command = kits.program(self.kit, program);
        let url = format!("ws://{address}");
        match self.kit {
            Kit::Reference => command.args(["-w", &url, "-i", self.name]),
            Kit::Wsspec => command.args(["--connect", &url, "--agent", self.name]),
            _ => command.args([&url, self.name]),
        };
        Some(command)
    }
}

/// The peers of these names; all if there are none.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Peer>> {
    if names.is_empty() {
        return Ok(PEERS.iter().collect());
    }
    let known = || PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| match PEERS.iter().find(|peer| peer.name == name) {
        Some(peer) => Ok(peer),
        None => bail!("no peer is called {name}; there are {}", known()),
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository;

    /// The versions in tables and in the cache are those that the manifests install.
    #[test]
    fn versions_are_those_of_the_manifests() {
        let manifests = ["python/requirements.txt", "node/package.json", "rust/Cargo.toml"];
        let read = |path: &str| std::fs::read_to_string(repository().join("peers").join(path)).unwrap();
        let manifests = manifests.map(read).concat();
        for peer in PEERS.iter().filter(|peer| !matches!(peer.kit, Kit::Reference | Kit::Wsspec)) {
            let Some(version) = peer.version else { continue };
            let pinned = |line: &str| line.contains(peer.name) && line.contains(version);
            assert!(manifests.lines().any(pinned), "{} {version}", peer.name);
        }
    }
}
