//! Runs the cases that the reference suite lacks against servers and clients of others: what docs/findings.md is
//! made from.

use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::install::{InstallArgs, Kit, Kits};
use crate::peers::{self, Peer, Role, RoleChoice};
use crate::process::{Running, free_address};

/// `cargo xtask findings`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these: a name of a peer, or of a script such as tornado_server.py
    #[arg(long, value_name = "NAME")]
    peer: Vec<String>,
    /// Test servers, clients, or both
    #[arg(long, value_enum, default_value = "both")]
    role: RoleChoice,
    /// Cases, as for wsspec run
    #[arg(value_name = "CASE", default_value = "@frames")]
    cases: Vec<String>,
    /// Write records and reports to folders in this one: servers, and one for each client
    #[arg(long, value_name = "DIR", default_value = "target/findings")]
    out: PathBuf,
    #[command(flatten)]
    install: InstallArgs,
}

/// For one client to run all cases.
const CLIENT_LIMIT: Duration = Duration::from_secs(1800);

/// Servers that take no part in the comparison with the reference.
const MORE: [(Kit, &str); 5] = [
    (Kit::Python, "aiohttp_server.py"),
    (Kit::Python, "tornado_server.py"),
    (Kit::Python, "wsproto_server.py"),
    (Kit::Node, "websocket-server.js"),
    (Kit::Node, "faye-server.js"),
];

/// Installs the implementations and runs the cases against all of them.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let kits = Kits::new(&args.install)?;
    kits.build_wsspec()?;
    let servers = if args.role == RoleChoice::Client { Vec::new() } else { servers(&args.peer) };
    let clients = if args.role == RoleChoice::Server { Vec::new() } else { clients(&args.peer) };
    if servers.is_empty() && clients.is_empty() {
        bail!("nothing is called that; there are {}", known());
    }
    if !servers.is_empty() {
        run_servers(args, &kits, &servers)?;
    }
    let mut stuck = 0;
    for client in clients {
        if let Err(error) = run_client(args, &kits, client) {
            println!("{} as a client: {error:#}", client.name);
            stuck += 1;
        }
    }
    Ok(ExitCode::from(u8::from(stuck > 0)))
}

/// All servers in one run.
fn run_servers(args: &Args, kits: &Kits, servers: &[(&'static str, Kit)]) -> Result<()> {
    let mut running = Vec::new();
    let mut command = Command::new(kits.wsspec());
    command.arg("run").args(&args.cases).arg("--exit-zero").arg("--out").arg(args.out.join("servers"));
    for &(name, kit) in servers {
        kits.install(kit)?;
        let address = free_address()?;
        let server = match peers::PEERS.iter().find(|peer| peer.name == name) {
            Some(peer) => peer.server_command(kits, address).context("the peer is no server")?,
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
    succeeds(command.status().context("cannot start wsspec")?)
}

/// One client, which asks for the cases one by one.
fn run_client(args: &Args, kits: &Kits, client: &Peer) -> Result<()> {
    kits.install(client.kit)?;
    let address = free_address()?;
    let folder = args.out.join(format!("client-{}", client.name));
    let mut command = Command::new(kits.wsspec());
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    command.args(["serve", "--once", "--exit-zero", "--bind", &host, "--port", &port]).args(&args.cases);
    command.arg("--out").arg(&folder);
    let log = |what: &str| kits.cache().join(format!("findings-{what}-{}.log", client.name));
    let mut tester = Running::start(command, &log("tester"))?;
    tester.wait_for_port(address)?;
    let program = client.client_command(kits, address).context("the peer is no client")?;
    let _program = Running::start(program, &log("client"))?;
    let status = tester.wait(CLIENT_LIMIT)?;
    println!("{} as a client: {status}, {}", client.name, folder.join("report.html").display());
    succeeds(status)
}

fn succeeds(status: ExitStatus) -> Result<()> {
    if status.success() { Ok(()) } else { bail!("wsspec ended with {status}") }
}

/// The servers of these names; all if there are none.
fn servers(names: &[String]) -> Vec<(&'static str, Kit)> {
    let is_meant = |name: &str| names.is_empty() || names.iter().any(|known| known == name);
    let peers = others().filter(|peer| peer.plays(Role::Server)).map(|peer| (peer.name, peer.kit));
    peers.chain(MORE.iter().map(|(kit, name)| (*name, *kit))).filter(|(name, _)| is_meant(name)).collect()
}

/// The clients of these names. If there are none, all that are libraries; browsers and what behaves like them are
/// asked for by name.
fn clients(names: &[String]) -> Vec<&'static Peer> {
    let is_meant = |peer: &&Peer| match names {
        [] => !matches!(peer.kit, Kit::NodeItself | Kit::Chromium),
        names => names.iter().any(|known| known == peer.name),
    };
    others().filter(|peer| peer.plays(Role::Client)).filter(is_meant).collect()
}

/// The built-in endpoint is none of the others.
fn others() -> impl Iterator<Item = &'static Peer> {
    peers::PEERS.iter().filter(|peer| peer.kit != Kit::Wsspec)
}

fn known() -> String {
    let more = MORE.iter().map(|(_, name)| *name);
    others().map(|peer| peer.name).chain(more).collect::<Vec<_>>().join(", ")
}
