//! A whole recording: a suite runs its cases against the recorder, in the place of a peer.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::conversation::{Manner, OFFERS, Recording, ask, offer, serve, visit};
use crate::case_sets::CaseSet;
use crate::install::Kits;
use crate::parity::{CaseId, read_index};
use crate::peers::Role;
use crate::process::{Running, free_address};
use crate::suite::Suite;

/// What a suite sent, case by case.
pub(super) type Recordings = BTreeMap<CaseId, Recording>;

/// The recorder's name in the suites' reports.
const AGENT: &str = "recorder";

/// One set of cases against the recorder in one role and manner.
#[derive(Clone, Copy)]
pub(super) struct Session<'a> {
    pub(super) kits: &'a Kits,
    /// What the recorder is.
    pub(super) role: Role,
    pub(super) manner: Manner,
    pub(super) set: &'a CaseSet,
}

impl fmt::Display for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} recorder as {}, {}", self.manner.name(), self.role.name(), self.set.name)
    }
}

impl Session<'_> {
    /// What the reference sends, out of the cache unless `fresh`.
    pub(super) fn reference(&self, fresh: bool) -> Result<Recordings> {
        let folder = self.folder(Suite::Reference);
        let path = folder.join("octets.json");
        if fresh || !path.exists() {
            let recordings = self.record(Suite::Reference)?;
            fs::write(&path, to_json(&recordings).to_string())?;
        }
        from_json(&fs::read_to_string(&path)?).with_context(|| format!("{} is damaged", path.display()))
    }

    /// What wsspec sends.
    pub(super) fn wsspec(&self) -> Result<Recordings> {
        self.record(Suite::Wsspec)
    }

    fn folder(&self, suite: Suite) -> std::path::PathBuf {
        let folder = self.kits.cache().join("octets").join(suite.name()).join(self.role.name());
        folder.join(self.manner.name()).join(&self.set.name)
    }

    fn record(&self, suite: Suite) -> Result<Recordings> {
        let folder = self.folder(suite);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let recordings = match self.role {
            Role::Server => self.record_as_server(suite, &folder),
            Role::Client => self.record_as_client(suite, &folder),
        }
        .with_context(|| format!("recording {}; logs in {}", suite.name(), folder.display()))?;
        // Cases run in the order of their ids, one connection for each; before the first, wsspec looks at the peer.
        let ids = read_index(&folder.join("reports/index.json"), AGENT)?.into_keys();
        let before = recordings.len().checked_sub(ids.len()).filter(|before| *before <= suite.looks());
        let (name, cases, made) = (suite.name(), ids.len(), recordings.len());
        let before =
            before.with_context(|| format!("{name} reports {cases} cases but made {made} connections"))?;
        Ok(ids.zip(recordings.into_iter().skip(before)).collect())
    }

    fn record_as_server(&self, suite: Suite, folder: &Path) -> Result<Vec<Recording>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let mut command = suite.test_server(self.kits, listener.local_addr()?, AGENT, self.set, folder)?;
        command.args(suite.one_by_one());
        let mut running = Running::start(command, &folder.join("suite.log"))?;
        let mut recordings = Vec::new();
        loop {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(false)?;
                recordings.extend(serve(&stream, self.manner)?);
            } else if running.has_ended()? {
                return Ok(recordings);
            } else {
                sleep(Duration::from_millis(2));
            }
        }
    }

    fn record_as_client(&self, suite: Suite, folder: &Path) -> Result<Vec<Recording>> {
        let address = free_address()?;
        let command = suite.serve(self.kits, address, self.set, folder)?;
        let mut running = Running::start(command, &folder.join("suite.log"))?;
        running.wait_for_port(address)?;
        let count = case_count(address)?;
        let case = |number| {
            let target = format!("/runCase?case={number}&agent={AGENT}");
            if self.manner == Manner::Offering {
                return OFFERS
                    .iter()
                    .map(|text| offer(&TcpStream::connect(address)?, &target, text))
                    .collect();
            }
            visit(&TcpStream::connect(address)?, &target, self.manner)
        };
        let recordings = (1..=count).map(case).collect::<Result<_>>()?;
        ask(&TcpStream::connect(address)?, &format!("/updateReports?agent={AGENT}"))?;
        Ok(recordings)
    }
}

fn case_count(address: SocketAddr) -> Result<usize> {
    let reply = ask(&TcpStream::connect(address)?, "/getCaseCount")?.context("no answer to getCaseCount")?;
    let count = String::from_utf8_lossy(&reply);
    count.parse().with_context(|| format!("getCaseCount is answered with {count:?}"))
}

fn to_json(recordings: &Recordings) -> Value {
    recordings.iter().map(|(id, lines)| (id.to_string(), json!(lines))).collect::<Map<_, _>>().into()
}

fn from_json(text: &str) -> Result<Recordings> {
    let cases: BTreeMap<String, Recording> = serde_json::from_str(text)?;
    cases.into_iter().map(|(id, lines)| Ok((id.parse()?, lines))).collect()
}
