//! `cargo xtask bench suite`: the reference suite and wsspec against the same servers.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum as _;
use serde::{Deserialize, Serialize};

use super::measure::{Cost, Measured, fresh_folder, remove_old};
use super::suite_table::{heading, reduced, table};
use super::{Common, limits, machine, micro, page};
use crate::case_sets::{self, CaseSet, SectionChoice};
use crate::install::{Kit, Kits};
use crate::parity::read_index;
use crate::peers;
use crate::process::free_address;
use crate::suite::Suite;

/// Options of `cargo xtask bench suite`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    choice: Choice,
    /// Only these sections
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["all"])]
    sections: Vec<SectionChoice>,
    /// Only these cases, to try the command: ids, or prefixes with a star such as `7.1.*` (repeatable)
    #[arg(long = "only", value_name = "PATTERN")]
    only: Vec<String>,
    /// Measure the reference again although its figures are in the cache (about half an hour in all)
    #[arg(long)]
    fresh: bool,
    /// Only fill the cache with the reference's figures
    #[arg(long)]
    reference_only: bool,
}

/// What `bench all` offers too.
#[derive(Clone, clap::Args)]
pub(crate) struct Choice {
    /// Only against this server (repeatable)
    #[arg(long = "server", value_enum, value_name = "NAME")]
    servers: Vec<Server>,
    /// So many messages in each case of sections 12 and 13 instead of a thousand, for both programs alike; with a
    /// name, only against that server (repeatable)
    #[arg(long, value_name = "[SERVER=]N", value_parser = Volume::parse)]
    volume_messages: Vec<Volume>,
    /// How often wsspec runs each set; the run with the median of the wall times counts. After three minutes no set is
    /// begun another time
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// Of wsspec, too, add up the sets to `all`, instead of a run of its own
    #[arg(long)]
    sum: bool,
}

/// The name of the row that adds up the others, for both programs.
pub(super) const SUM: &str = "the sum";
/// No set is begun another time after so long.
const ENOUGH: Duration = Duration::from_secs(180);

impl Choice {
    /// How many messages are sent to this server, if not all of them.
    fn messages(&self, server: Server) -> Option<u32> {
        let named = |volume: &&Volume| volume.server == Some(server);
        let chosen = self.volume_messages.iter().find(named);
        let general = || self.volume_messages.iter().find(|volume| volume.server.is_none());
        chosen.or_else(general).map(|volume| volume.messages)
    }
}

/// A number of messages, for one server or for all.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Volume {
    server: Option<Server>,
    messages: u32,
}

impl Volume {
    fn parse(text: &str) -> Result<Self, String> {
        let (server, number) = match text.split_once('=') {
            Some((name, number)) => (Some(Server::from_str(name, true)?), number),
            None => (None, text),
        };
        let messages = number.parse().map_err(|_| format!("{number:?} is no number of messages"))?;
        Ok(Self { server, messages })
    }
}

impl Args {
    /// Everything, as it is measured by default.
    pub(super) fn new(common: &Common, choice: &Choice) -> Self {
        Self {
            common: common.clone(),
            choice: choice.clone(),
            sections: vec![SectionChoice::All],
            only: Vec::new(),
            fresh: false,
            reference_only: false,
        }
    }
}

/// What both suites test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Server {
    /// The built-in endpoint: wsspec echo
    Endpoint,
    /// Node ws
    Ws,
}

impl Server {
    fn label(self) -> Result<String> {
        match self {
            Self::Endpoint => Ok(format!("wsspec echo {}", env!("CARGO_PKG_VERSION"))),
            Self::Ws => Ok(format!(
                "{} on Node {}",
                peers::named(&["ws".to_owned()])?[0].label()?,
                Kit::NodeItself.system_version()?
            )),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Ws => "ws",
        }
    }

    /// Where its table is in the page.
    fn block(self) -> &'static str {
        match self {
            Self::Endpoint => "suite --server endpoint",
            Self::Ws => "suite --server ws",
        }
    }

    fn command(self, kits: &Kits, address: SocketAddr) -> Result<Command> {
        match self {
            Self::Endpoint => {
                let mut command = Command::new(kits.wsspec());
                command.args(["echo", &address.to_string()]);
                Ok(command)
            }
            Self::Ws => {
                let peer = peers::named(&["ws".to_owned()])?[0];
                peer.server_command(kits, address).context("ws has no server")
            }
        }
    }
}

/// One suite with one set of cases against one server.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) cases: usize,
    pub(super) tester: Cost,
    pub(super) server: Cost,
    pub(super) measured: String,
    /// Seconds of processor time of the server's busiest thread.
    #[serde(default)]
    pub(super) server_thread: f64,
    /// Seconds of the longest case.
    #[serde(default)]
    pub(super) longest: f64,
    /// How often it was measured.
    #[serde(default)]
    pub(super) runs: usize,
}

impl Figures {
    /// Two runs one after the other.
    fn then(self, next: &Self) -> Self {
        let measured = match self.measured == next.measured {
            true => self.measured,
            false => format!("{} to {}", self.measured, next.measured),
        };
        Self {
            cases: self.cases + next.cases,
            tester: self.tester.then(next.tester),
            server: self.server.then(next.server),
            measured,
            server_thread: self.server_thread + next.server_thread,
            longest: self.longest.max(next.longest),
            runs: self.runs.min(next.runs),
        }
    }
}

/// A row of the table.
pub(super) struct Pair {
    pub(super) set: String,
    pub(super) reference: Figures,
    pub(super) wsspec: Figures,
}

/// Measures, prints, and writes the page if asked to.
pub(super) fn run(args: &Args) -> Result<()> {
    let is_whole = args.only.is_empty() && args.sections == [SectionChoice::All];
    ensure!(is_whole || !args.common.write_docs, "the page has all sets: leave out --sections and --only");
    let kits = Kits::new(&args.common.install)?;
    kits.build_wsspec()?;
    let servers = match &args.choice.servers[..] {
        [] => &[Server::Endpoint, Server::Ws],
        chosen => chosen,
    };
    for &server in servers {
        kits.install(if server == Server::Ws { Kit::Node } else { Kit::Reference })?;
        let pairs = Bench { args, kits: &kits, server }.pairs()?;
        if !args.reference_only {
            let note = args.choice.messages(server).map_or_else(String::new, reduced);
            let text = format!(
                "### Against {}\n\n{}\n{note}{}\nHow near that is to the least time:\n\n{}\n{}",
                server.label()?,
                heading(),
                table(&pairs),
                limits::table(&pairs),
                deflate(args, &kits, server, &pairs)?
            );
            println!("{text}");
            if args.common.write_docs {
                page::write_block(server.block(), &text)?;
            }
        }
    }
    remove_old(&kits.cache().join("bench"))
}

/// Where the last figures of wsspec are, beside the folder of its run.
fn kept_file(folder: &Path) -> PathBuf {
    folder.with_extension("json")
}

/// The last figures of wsspec, by server and set, in full volume.
pub(super) fn kept(kits: &Kits) -> Result<Vec<(&'static str, &'static str, Figures)>> {
    let mut all = Vec::new();
    for server in [Server::Endpoint, Server::Ws] {
        for set in ["functional", "limits", "volume"] {
            let name = format!("{}-{}-{set}", Suite::Wsspec.name(), server.name());
            let file = kept_file(&kits.cache().join("bench").join(name));
            if file.exists() {
                all.push((server.name(), set, serde_json::from_str(&fs::read_to_string(file)?)?));
            }
        }
    }
    Ok(all)
}

/// What DEFLATE alone takes, where both sides compress like wsspec and the volume is full.
fn deflate(args: &Args, kits: &Kits, server: Server, pairs: &[Pair]) -> Result<String> {
    let volume = pairs.iter().find(|pair| pair.set == "volume");
    let Some(volume) = volume.filter(|_| server == Server::Endpoint) else { return Ok(String::new()) };
    kits.install_bench_peers()?;
    Ok(limits::deflate(&micro::volume(kits, &args.common)?, &volume.wsspec))
}

struct Bench<'a> {
    args: &'a Args,
    kits: &'a Kits,
    server: Server,
}

impl Bench<'_> {
    fn pairs(&self) -> Result<Vec<Pair>> {
        let sets =
            case_sets::selected(&self.args.sections, &self.args.only, self.args.choice.messages(self.server));
        let mut pairs = Vec::new();
        for set in &sets {
            let reference = self.reference(set)?;
            if !self.args.reference_only {
                let wsspec = self.wsspec(set)?;
                pairs.push(Pair { set: set.name.clone(), reference, wsspec });
            }
        }
        if pairs.len() == 3 {
            pairs.push(self.all(&sets, &pairs)?);
        }
        Ok(pairs)
    }

    /// All 517 cases: wsspec in one run, if wanted; else, as of the reference, the sum of the three and the largest of
    /// their memory.
    fn all(&self, sets: &[CaseSet], parts: &[Pair]) -> Result<Pair> {
        let reference = parts.iter().map(|pair| pair.reference.clone());
        let reference = reference.reduce(|sum, next| sum.then(&next)).context("there are parts")?;
        let set = case_sets::union("all", sets);
        let sum = parts.iter().map(|pair| pair.wsspec.clone()).reduce(|sum, next| sum.then(&next));
        let wsspec = match sum.filter(|_| self.args.choice.sum) {
            Some(sum) => sum,
            None => self.wsspec(&set)?,
        };
        let set = if self.args.choice.sum { SUM.to_owned() } else { set.name };
        Ok(Pair { set, reference, wsspec })
    }

    /// The figures of the reference, out of the cache if they are there.
    fn reference(&self, set: &CaseSet) -> Result<Figures> {
        let folder = self.folder(Suite::Reference, set);
        let kept = folder.join("figures.json");
        if !self.args.fresh && kept.exists() {
            return Ok(serde_json::from_str(&fs::read_to_string(&kept)?)?);
        }
        let figures = self.measure(Suite::Reference, set, &folder)?;
        fs::write(&kept, serde_json::to_string_pretty(&figures)?)?;
        Ok(figures)
    }

    /// The figures of wsspec: of several runs, the one with the median of the wall times.
    fn wsspec(&self, set: &CaseSet) -> Result<Figures> {
        let folder = self.folder(Suite::Wsspec, set);
        let (began, mut runs) = (Instant::now(), Vec::new());
        while runs.is_empty() || runs.len() < self.args.choice.runs && began.elapsed() < ENOUGH {
            runs.push(self.measure(Suite::Wsspec, set, &folder)?);
        }
        runs.sort_by(|one, other| one.tester.wall.total_cmp(&other.tester.wall));
        let number = runs.len();
        let figures = Figures { runs: number, ..runs.swap_remove((number - 1) / 2) };
        fs::write(kept_file(&folder), serde_json::to_string_pretty(&figures)?)?;
        Ok(figures)
    }

    fn folder(&self, suite: Suite, set: &CaseSet) -> PathBuf {
        let cache = self.kits.cache().join("bench");
        cache.join(format!("{}-{}-{}", suite.name(), self.server.name(), set.name))
    }

    fn measure(&self, suite: Suite, set: &CaseSet, folder: &Path) -> Result<Figures> {
        println!("{} against {}: {}", suite.name(), self.server.name(), set.name);
        fresh_folder(folder)?;
        let (address, nice) = (free_address()?, self.args.common.nice);
        let server = self.server.command(self.kits, address)?;
        let mut server = Measured::start(&server, nice, &folder.join("server.log"))?;
        server.wait_for_port(address)?;
        let agent = self.server.name();
        let command = suite.test_server(self.kits, address, agent, set, folder)?;
        let tester = Measured::start(&command, nice, &folder.join("suite.log"))?.wait(set.time_limit)?;
        let server_thread = server.busiest_thread()?;
        let server = server.stop()?;
        let index = folder.join("reports/index.json");
        let cases = read_index(&index, agent)?.len();
        let longest = longest(&index, agent)?;
        ensure!(cases > 0, "{} ran no case; see {}", suite.name(), folder.display());
        println!("  {cases} cases in {:.2} s, {:.2} s of CPU", tester.wall, tester.cpu());
        Ok(Figures { cases, tester, server, measured: machine::today(), server_thread, longest, runs: 1 })
    }
}

/// Seconds of the longest case of an agent.
fn longest(index: &Path, agent: &str) -> Result<f64> {
    let index: serde_json::Value = serde_json::from_str(&fs::read_to_string(index)?)?;
    let cases = index[agent].as_object().into_iter().flat_map(|cases| cases.values());
    let longest = cases.filter_map(|case| case["duration"].as_f64()).fold(0.0, f64::max);
    Ok(longest / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_messages_is_for_one_server_or_for_all() {
        let parse = |texts: &[&str]| Choice {
            servers: Vec::new(),
            volume_messages: texts.iter().map(|text| Volume::parse(text).unwrap()).collect(),
            runs: 1,
            sum: false,
        };
        let both =
            |texts: &[&str]| [Server::Endpoint, Server::Ws].map(|server| parse(texts).messages(server));
        assert_eq!(both(&[]), [None, None]);
        assert_eq!(both(&["ws=250"]), [None, Some(250)]);
        assert_eq!(both(&["20", "ws=250"]), [Some(20), Some(250)]);
        assert!(Volume::parse("nginx=3").is_err() && Volume::parse("many").is_err());
    }
}
