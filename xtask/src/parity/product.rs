//! wsspec's verdicts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Role;
use super::case_sets::CaseSet;
use super::compare::{Verdicts, read_index};
use super::install::Kits;
use super::peers::Peer;
use crate::process::{Running, free_address, run};
use crate::target_folder;

/// Builds the program as it is released.
pub(crate) fn build() -> Result<()> {
    run(Command::new(env!("CARGO")).args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "wsspec",
        "--bin",
        "wsspec",
    ]))
}

/// The program that [`build`] makes.
pub(crate) fn program() -> PathBuf {
    target_folder().join("release/wsspec")
}

/// The verdicts of one run of `set` against `peer`.
pub(crate) fn verdicts(kits: &Kits, peer: &Peer, role: Role, set: &CaseSet) -> Result<Verdicts> {
    let folder = kits.cache().join("product").join(role.name()).join(peer.name).join(&set.name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    match role {
        Role::Server => test_server(kits, peer, set, &folder),
        Role::Client => test_client(kits, peer, set, &folder),
    }
    .with_context(|| format!("wsspec against {}; logs in {}", peer.name, folder.display()))?;
    read_index(&folder.join("reports/index.json"), peer.name)
}

fn test_server(kits: &Kits, peer: &Peer, set: &CaseSet, folder: &Path) -> Result<()> {
    let address = free_address()?;
    let server = peer.server_command(kits, address).context("it has no server")?;
    let mut server = Running::start(server, &folder.join("peer.log"))?;
    server.wait_for_port(address)?;
    let mut wsspec = Command::new(program());
    wsspec.arg("run").arg(format!("ws://{address}")).args(["--set", "autobahn", "--agent", peer.name]);
    wsspec.arg("-o").arg(folder.join("reports")).args(&set.patterns);
    // A failed case is a result here, not an error: only the record counts.
    Running::start(wsspec, &folder.join("wsspec.log"))?.wait(set.time_limit)?;
    Ok(())
}

fn test_client(kits: &Kits, peer: &Peer, set: &CaseSet, folder: &Path) -> Result<()> {
    let address = free_address()?;
    let mut wsspec = Command::new(program());
    wsspec.args(["serve", "--bind", "127.0.0.1", "--port", &address.port().to_string()]);
    wsspec.args(["--set", "autobahn"]).arg("-o").arg(folder.join("reports")).args(&set.patterns);
    let mut wsspec = Running::start(wsspec, &folder.join("wsspec.log"))?;
    wsspec.wait_for_port(address)?;
    let client = peer.client_command(kits, address).context("it has no client")?;
    Running::start(client, &folder.join("peer.log"))?.wait(set.time_limit)?;
    Ok(())
}
