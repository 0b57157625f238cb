use std::path::PathBuf;

use super::{Notes, Options, SpecFile};
use crate::wstest::fields::{Fields, list, text, texts};
use crate::wstest::json::{Fault, Node, Value};

/// Which cases run against whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Patterns of what runs.
    pub(crate) cases: Vec<String>,
    /// Patterns of what does not.
    pub(crate) exclude_cases: Vec<String>,
    /// Patterns of agents, each with patterns of what does not run against them.
    pub(crate) exclude_agent_cases: Vec<(String, Vec<String>)>,
}

/// The spec of `fuzzingclient`: which servers are tested.
#[derive(Clone, Debug)]
pub(crate) struct FuzzingClientSpec {
    /// Where reports go.
    pub(crate) outdir: PathBuf,
    /// The servers under test; none if `-w` is to name one.
    pub(crate) servers: Vec<ServerEntry>,
    /// Options for all servers.
    pub(crate) options: Options,
    /// The cases.
    pub(crate) choice: Choice,
}

/// One server under test.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerEntry {
    /// Its name in the reports; without one, its `Server` header is taken.
    pub(crate) agent: Option<String>,
    /// Its address.
    pub(crate) url: String,
    /// The name for SNI, where it differs from the host of the address.
    pub(crate) hostname: Option<String>,
    /// The Origin header.
    pub(crate) origin: Option<String>,
    /// Subprotocols to offer.
    pub(crate) protocols: Vec<String>,
    /// Options for this server, over those for all.
    pub(crate) options: Options,
}

/// The spec of `fuzzingserver`: where clients under test connect to.
#[derive(Clone, Debug)]
pub(crate) struct FuzzingServerSpec {
    /// The address to listen on.
    pub(crate) url: String,
    /// Where reports go.
    pub(crate) outdir: PathBuf,
    /// Subprotocols to accept.
    pub(crate) protocols: Vec<String>,
    /// Options of the tester.
    pub(crate) options: Options,
    /// File with the private key, for wss.
    pub(crate) key: Option<PathBuf>,
    /// File with the certificate, for wss.
    pub(crate) cert: Option<PathBuf>,
    /// The cases.
    pub(crate) choice: Choice,
}

impl SpecFile for FuzzingClientSpec {
    const MODE: &'static str = "fuzzingclient";
    const DEFAULT: &'static str = include_str!("default/fuzzingclient.json");

    fn read(root: &Node, notes: &mut Notes) -> Result<Self, Fault> {
        let mut fields = Fields::of(root)?;
        let options =
            fields.node("options").map(|node| Options::read(node, notes)).transpose()?.unwrap_or_default();
        let servers = match fields.node("servers") {
            Some(node) => {
                list(node)?.iter().map(|node| server(node, &options, notes)).collect::<Result<_, _>>()?
            }
            None => Vec::new(),
        };
        let outdir = outdir(&mut fields, "./reports/servers")?;
        let choice = choice(&mut fields)?;
        notes.unknown(fields.unknown());
        Ok(Self { outdir, servers, options, choice })
    }
}

impl SpecFile for FuzzingServerSpec {
    const MODE: &'static str = "fuzzingserver";
    const DEFAULT: &'static str = include_str!("default/fuzzingserver.json");

    fn read(root: &Node, notes: &mut Notes) -> Result<Self, Fault> {
        let mut fields = Fields::of(root)?;
        let spec = Self {
            url: fields.text("url")?.ok_or_else(|| fields.missing("url"))?,
            outdir: outdir(&mut fields, "./reports/clients")?,
            protocols: fields.texts("protocols")?.unwrap_or_default(),
            options: fields
                .node("options")
                .map(|node| Options::read(node, notes))
                .transpose()?
                .unwrap_or_default(),
            key: fields.text("key")?.map(PathBuf::from),
            cert: fields.text("cert")?.map(PathBuf::from),
            choice: choice(&mut fields)?,
        };
        notes.unknown(fields.unknown());
        Ok(spec)
    }
}

fn server(node: &Node, shared: &Options, notes: &mut Notes) -> Result<ServerEntry, Fault> {
    let mut fields = Fields::of(node)?;
    let own = fields.node("options").map(|node| Options::read(node, notes)).transpose()?.unwrap_or_default();
    let entry = ServerEntry {
        agent: fields.text("agent")?,
        url: fields.text("url")?.ok_or_else(|| fields.missing("url"))?,
        hostname: fields.text("hostname")?,
        origin: fields.text("origin")?,
        protocols: fields.texts("protocols")?.unwrap_or_default(),
        options: own.over(shared),
    };
    notes.unknown(fields.unknown());
    Ok(entry)
}

fn outdir(fields: &mut Fields<'_>, usual: &str) -> Result<PathBuf, Fault> {
    Ok(fields.text("outdir")?.unwrap_or_else(|| usual.to_owned()).into())
}

fn choice(fields: &mut Fields<'_>) -> Result<Choice, Fault> {
    let exclude_cases = fields.texts("exclude-cases")?.unwrap_or_default();
    let exclude_agent_cases = match fields.node("exclude-agent-cases") {
        Some(node) => by_agent(node)?,
        None => Vec::new(),
    };
    let cases = fields.node("cases").ok_or_else(|| fields.missing("cases"))?;
    Ok(Choice { cases: texts(cases)?, exclude_cases, exclude_agent_cases })
}

fn by_agent(node: &Node) -> Result<Vec<(String, Vec<String>)>, Fault> {
    let Value::Object(members) = &node.value else { return Fields::of(node).map(|_| Vec::new()) };
    let patterns = |node: &Node| match node.value {
        Value::Text(_) => text(node).map(|one| vec![one]),
        _ => texts(node),
    };
    members.iter().map(|member| Ok((member.name.clone(), patterns(&member.node)?))).collect()
}
