//! The verdicts of one suite on one peer.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::compare::{Verdicts, read_index};
use crate::case_sets::CaseSet;
use crate::install::Kits;
use crate::peers::{Peer, Role};
use crate::process::{Running, free_address};
use crate::suite::Suite;

/// One peer in one role with one set of cases.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) kits: &'a Kits,
    pub(crate) peer: &'static Peer,
    pub(crate) role: Role,
    pub(crate) set: &'a CaseSet,
}

impl Subject<'_> {
    /// The verdicts of the reference's `number`th run (from 1), out of the cache unless `fresh`.
    pub(crate) fn reference(&self, number: usize, fresh: bool) -> Result<Verdicts> {
        let label = self.peer.label()?.replace(' ', "-");
        let folder = self.kits.cache().join("reference").join(self.role.name()).join(label);
        let folder = folder.join(&self.set.name).join(format!("run{number}"));
        if fresh || !folder.join(INDEX).exists() {
            self.run(Suite::Reference, &folder)?;
        }
        read_index(&folder.join(INDEX), self.peer.name)
    }

    /// The verdicts of one run of wsspec, out of the cache unless `fresh`.
    pub(crate) fn wsspec(&self, fresh: bool) -> Result<Verdicts> {
        let folder = self.kits.cache().join("wsspec").join(self.role.name()).join(self.peer.name);
        let folder = folder.join(&self.set.name);
        if fresh || !folder.join(INDEX).exists() {
            self.run(Suite::Wsspec, &folder)?;
        }
        read_index(&folder.join(INDEX), self.peer.name)
    }

    fn run(&self, suite: Suite, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let result = match self.role {
            Role::Server => self.test_server(suite, folder),
            Role::Client => self.test_client(suite, folder),
        };
        let context = || format!("{} against {}; logs in {}", suite.name(), self.peer.name, folder.display());
        result.with_context(context)?;
        ensure!(folder.join(INDEX).exists(), "{} wrote no index.json", context());
        Ok(())
    }

    fn test_server(&self, suite: Suite, folder: &Path) -> Result<()> {
        let address = free_address()?;
        let server = self.peer.server_command(self.kits, address).context("it has no server")?;
        let mut server = Running::start(server, &folder.join("peer.log"))?;
        server.wait_for_port(address)?;
        let command = suite.test_server(self.kits, address, self.peer.name, self.set, folder)?;
        self.finish(command, &folder.join("suite.log"))
    }

    fn test_client(&self, suite: Suite, folder: &Path) -> Result<()> {
        let address = free_address()?;
        let command = suite.serve(self.kits, address, self.set, folder)?;
        let mut serving = Running::start(command, &folder.join("suite.log"))?;
        serving.wait_for_port(address)?;
        let client = self.peer.client_command(self.kits, address).context("it has no client")?;
        self.finish(client, &folder.join("peer.log"))
    }

    /// Whatever exit status it has: a failed case is a result here, and only the written record counts.
    fn finish(&self, command: Command, log: &Path) -> Result<()> {
        Running::start(command, log)?.wait(self.set.time_limit)?;
        Ok(())
    }
}

const INDEX: &str = "reports/index.json";
