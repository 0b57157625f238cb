use std::time::Duration;

use super::{Notes, SpecFile};
use crate::wstest::fields::{Fields, list};
use crate::wstest::json::{Fault, Node};

/// The spec of `massconnect`: many connections, opened in batches, and held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MassConnectSpec {
    /// How many connections per server.
    pub(crate) connections: u32,
    /// How many are started at a time.
    pub(crate) batch_size: u32,
    /// The pause between two batches.
    pub(crate) batch_delay: Duration,
    /// The pause before a failed connection is tried again.
    pub(crate) retry_delay: Duration,
    /// The servers, one after the other.
    pub(crate) servers: Vec<MassTarget>,
}

/// One server to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MassTarget {
    /// A name.
    pub(crate) name: String,
    /// The address.
    pub(crate) uri: String,
    /// Some words about it.
    pub(crate) desc: String,
}

impl SpecFile for MassConnectSpec {
    const MODE: &'static str = "massconnect";
    const DEFAULT: &'static str = include_str!("default/massconnect.json");

    fn read(root: &Node, notes: &mut Notes) -> Result<Self, Fault> {
        const MOST: u32 = 1_000_000;
        let mut fields = Fields::of(root)?;
        let servers = fields.node("servers").ok_or_else(|| fields.missing("servers"))?;
        let servers = list(servers)?.iter().map(|node| target(node, notes)).collect::<Result<_, _>>()?;
        let node = fields.node("options").ok_or_else(|| fields.missing("options"))?;
        let mut options = Fields::of(node)?;
        let spec = Self {
            connections: options.count("connections", MOST)?.ok_or_else(|| options.missing("connections"))?,
            batch_size: options.count("batchsize", MOST)?.unwrap_or(100).max(1),
            batch_delay: milliseconds(options.count("batchdelay", MOST)?.unwrap_or(10)),
            retry_delay: milliseconds(options.count("retrydelay", MOST)?.unwrap_or(10)),
            servers,
        };
        notes.unknown(options.unknown());
        notes.unknown(fields.unknown());
        Ok(spec)
    }
}

fn target(node: &Node, notes: &mut Notes) -> Result<MassTarget, Fault> {
    let mut fields = Fields::of(node)?;
    let uri = fields.text("uri")?.ok_or_else(|| fields.missing("uri"))?;
    let name = fields.text("name")?.unwrap_or_else(|| uri.clone());
    let desc = fields.text("desc")?.unwrap_or_default();
    notes.unknown(fields.unknown());
    Ok(MassTarget { name, uri, desc })
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}
