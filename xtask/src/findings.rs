//! Runs the cases that the reference suite lacks against servers of others: what docs/findings.md is made from.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::install::{InstallArgs, Kit, Kits};
use crate::peers::{self, Role};
use crate::process::{Running, free_address};

/// `cargo xtask findings`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these servers: a name of a peer, or of a script such as tornado_server.py
    #[arg(long, value_name = "NAME")]
    peer: Vec<String>,
    /// Cases, as for wsspec run
    #[arg(value_name = "CASE", default_value = "@frames")]
    cases: Vec<String>,
    /// Write record and reports to this folder
    #[arg(long, value_name = "DIR", default_value = "target/findings")]
    out: PathBuf,
    #[command(flatten)]
    install: InstallArgs,
}

/// Servers that take no part in the comparison with the reference.
const MORE: [(Kit, &str); 5] = [
    (Kit::Python, "aiohttp_server.py"),
    (Kit::Python, "tornado_server.py"),
    (Kit::Python, "wsproto_server.py"),
    (Kit::Node, "websocket-server.js"),
    (Kit::Node, "faye-server.js"),
];

/// Installs the servers, starts them, and runs the cases against all of them.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let kits = Kits::new(&args.install)?;
    kits.build_wsspec()?;
    let mut running = Vec::new();
    let mut command = Command::new(kits.wsspec());
    command.arg("run").args(&args.cases).arg("--exit-zero").arg("--out").arg(&args.out);
    for (name, kit) in servers(&args.peer)? {
        kits.install(kit)?;
        let address = free_address()?;
        let server = match peers::PEERS.iter().find(|peer| peer.name == name) {
            Some(peer) => peer.server_command(&kits, address).context("the peer is no server")?,
            None => {
                let mut server = kits.program(kit, name);
                server.arg(address.port().to_string());
                server
            }
        };
        let log = kits.cache().join(format!("findings-{name}.log"));
        let mut server = Running::start(server, &log)?;
        server.wait_for_port(address)?;
        running.push(server);
        command.arg(format!("ws://{address}")).args(["--agent", name]);
    }
    let status = command.status().context("cannot start wsspec")?;
    if status.success() { Ok(ExitCode::SUCCESS) } else { bail!("wsspec ended with {status}") }
}

/// The servers of these names; all if there are none.
fn servers(names: &[String]) -> Result<Vec<(&'static str, Kit)>> {
    let peers = peers::PEERS.iter().filter(|peer| peer.plays(Role::Server));
    let all: Vec<(&str, Kit)> =
        peers.map(|peer| (peer.name, peer.kit)).chain(MORE.iter().map(|(kit, name)| (*name, *kit))).collect();
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| all.iter().find(|(known, _)| known == name).copied();
    let known = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    names
        .iter()
        .map(|name| find(name).with_context(|| format!("no server is called {name}; there are {}", known())))
        .collect()
}
