//! The two test suites, started alike: the reference, and wsspec.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use crate::case_sets::CaseSet;
use crate::install::Kits;

/// A test suite that writes its results to `reports/index.json` in the folder of its run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    Reference,
    Wsspec,
}

impl Suite {
    /// The word in messages and folder names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Wsspec => "wsspec",
        }
    }

    /// How many connections it may open to look at a server before the first case.
    pub(crate) fn looks(self) -> usize {
        match self {
            Self::Reference => 0,
            Self::Wsspec => 3,
        }
    }

    /// What makes it run one case after the other, in the order of their ids, each once, and nothing else.
    pub(crate) fn one_by_one(self) -> &'static [&'static str] {
        match self {
            Self::Reference => &[], // it knows no other way
            Self::Wsspec => {
                &["--jobs=1", "--order=id", "--no-echo-check", "--no-confirm", "--max-hangs=1000"]
            }
        }
    }

    /// The command that runs the cases of `set` against the server at `address`.
    pub(crate) fn test_server(
        self,
        kits: &Kits,
        address: SocketAddr,
        agent: &str,
        set: &CaseSet,
        folder: &Path,
    ) -> Result<Command> {
        let url = format!("ws://{address}");
        match self {
            Self::Reference => {
                let servers = json!([{"agent": agent, "url": url}]);
                reference(kits, "fuzzingclient", "servers", servers, set, folder)
            }
            Self::Wsspec => {
                let mut command = Command::new(kits.wsspec());
                command.arg("run").arg(url).args(["--agent", agent]);
                Ok(with_selection(command, set, folder))
            }
        }
    }

    /// The command that serves the cases of `set` on `address`, for clients that ask for them.
    pub(crate) fn serve(
        self,
        kits: &Kits,
        address: SocketAddr,
        set: &CaseSet,
        folder: &Path,
    ) -> Result<Command> {
        match self {
            Self::Reference => {
                let url = json!(format!("ws://{address}"));
                let mut command = reference(kits, "fuzzingserver", "url", url, set, folder)?;
                command.args(["-u", "0"]);
                Ok(command)
            }
            Self::Wsspec => {
                let mut command = Command::new(kits.wsspec());
                let (host, port) = (address.ip().to_string(), address.port().to_string());
                command.args(["serve", "--bind", &host, "--port", &port]);
                Ok(with_selection(command, set, folder))
            }
        }
    }
}

fn reference(
    kits: &Kits,
    mode: &str,
    key: &str,
    value: serde_json::Value,
    set: &CaseSet,
    folder: &Path,
) -> Result<Command> {
    let mut spec = json!({
        "outdir": "./reports",
        "cases": set.patterns,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    spec[key] = value;
    fs::write(folder.join("spec.json"), spec.to_string())?;
    let mut command = kits.wstest(mode, set.messages);
    command.args(["-s", "spec.json"]).current_dir(folder);
    Ok(command)
}

fn with_selection(mut command: Command, set: &CaseSet, folder: &Path) -> Command {
    command.arg("-o").arg(folder.join("reports"));
    if let Some(messages) = set.messages {
        command.args(["--volume-messages", &messages.to_string()]);
    }
    command.args(&set.patterns);
    command
}
