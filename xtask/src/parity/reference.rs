//! The reference suite's verdicts, from the cache or from a run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::Role;
use super::case_sets::CaseSet;
use super::compare::{Verdicts, read_index};
use super::install::Kits;
use super::peers::Peer;
use crate::process::{Running, free_address};

/// The verdicts of the reference's `run`th run (from 1) of `set` against `peer`.
pub(crate) fn verdicts(
    kits: &Kits,
    peer: &Peer,
    role: Role,
    set: &CaseSet,
    run: usize,
    fresh: bool,
) -> Result<Verdicts> {
    let folder = result_folder(kits, peer, role, set, run);
    let index = folder.join("reports/index.json");
    if fresh || !index.exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        match role {
            Role::Server => test_server(kits, peer, set, &folder),
            Role::Client => test_client(kits, peer, set, &folder),
        }
        .with_context(|| format!("the reference against {}; logs in {}", peer.name, folder.display()))?;
    }
    read_index(&index, peer.name)
}

fn result_folder(kits: &Kits, peer: &Peer, role: Role, set: &CaseSet, run: usize) -> PathBuf {
    let peer = format!("{}-{}", peer.name, peer.version);
    kits.cache().join("reference").join(role.name()).join(peer).join(&set.name).join(format!("run{run}"))
}

fn test_server(kits: &Kits, peer: &Peer, set: &CaseSet, folder: &Path) -> Result<()> {
    let address = free_address()?;
    let server = peer.server_command(kits, address).context("it has no server")?;
    let mut server = Running::start(server, &folder.join("peer.log"))?;
    server.wait_for_port(address)?;
    let spec = json!({
        "outdir": "./reports",
        "servers": [{"agent": peer.name, "url": format!("ws://{address}")}],
        "cases": set.patterns,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    fs::write(folder.join("spec.json"), spec.to_string())?;
    let mut wstest = kits.wstest("fuzzingclient");
    wstest.args(["-s", "spec.json"]).current_dir(folder);
    Running::start(wstest, &folder.join("wstest.log"))?.wait(set.time_limit)?;
    Ok(())
}

fn test_client(kits: &Kits, peer: &Peer, set: &CaseSet, folder: &Path) -> Result<()> {
    let address = free_address()?;
    let spec = json!({
        "url": format!("ws://{address}"),
        "outdir": "./reports",
        "cases": set.patterns,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    fs::write(folder.join("spec.json"), spec.to_string())?;
    let mut wstest = kits.wstest("fuzzingserver");
    wstest.args(["-s", "spec.json", "-u", "0"]).current_dir(folder);
    let mut wstest = Running::start(wstest, &folder.join("wstest.log"))?;
    wstest.wait_for_port(address)?;
    let client = peer.client_command(kits, address).context("it has no client")?;
    Running::start(client, &folder.join("peer.log"))?.wait(set.time_limit)?;
    Ok(())
}
