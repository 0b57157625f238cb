//! `cargo xtask bench echo`: the built-in endpoint beside the fastest libraries, as echo servers.

mod cells;
mod figures;
mod kept;
mod limits;
mod profile;
mod servers;
mod short;
mod tables;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::measure::Measured;
use super::{Common, machine, micro, page};
use crate::install::Kits;
use crate::process::free_address;
use cells::Cell;
use kept::Kept;
pub(super) use limits::rows as limits;
pub(crate) use servers::SOCKETIFY;
use servers::{SERVERS, Server};
pub(super) use short::{ShortArgs, run as run_short};

/// Options of `cargo xtask bench echo`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Only this server (repeatable); wsspec is always there
    #[arg(long = "server", value_name = "NAME")]
    servers: Vec<String>,
    /// Only messages of these sizes in octets
    #[arg(long, value_delimiter = ',', value_name = "OCTETS", default_values = ["16", "1024", "65536", "1048576"])]
    sizes: Vec<usize>,
    /// Only these numbers of connections
    #[arg(long, value_delimiter = ',', value_name = "N", default_values = ["1", "64", "1000"])]
    connections: Vec<usize>,
    /// Only with permessage-deflate (true), or only without (false)
    #[arg(long, value_name = "BOOL")]
    deflate: Option<bool>,
    /// How often every server is measured in every cell, in turns; medians count
    #[arg(long, value_name = "N", default_value_t = ROUNDS)]
    rounds: usize,
    /// How long each measurement takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = TIME)]
    time: u64,
    /// Start no cell after so many minutes
    #[arg(long, value_name = "N", default_value_t = MINUTES)]
    minutes: u64,
    /// Connections that are held open to measure their memory; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    idle: usize,
}

/// Many short rounds: what disturbs the machine for a second then disturbs one of them.
const ROUNDS: usize = 5;
const TIME: u64 = 300;
/// Cells whose round trips take long get no more rounds than these, and no cell begins another after so long.
const ROUNDS_IF_SLOW: usize = 3;
const LONGEST_CELL: Duration = Duration::from_secs(60);
const MINUTES: u64 = 60;

impl Args {
    /// Everything, as it is measured by default.
    pub(super) fn new(common: &Common) -> Self {
        Self {
            common: common.clone(),
            servers: Vec::new(),
            sizes: vec![16, 1024, 65_536, 1_048_576],
            connections: vec![1, 64, 1000],
            deflate: None,
            rounds: ROUNDS,
            time: TIME,
            minutes: MINUTES,
            idle: 10_000,
        }
    }

    fn servers(&self) -> Result<Vec<&'static Server>> {
        for name in &self.servers {
            let known = || SERVERS.iter().map(|server| server.name).collect::<Vec<_>>().join(", ");
            ensure!(SERVERS.iter().any(|server| server.name == name), "no {name}; there are {}", known());
        }
        let chosen = |server: &&Server| {
            self.servers.is_empty() || server.is_ours() || self.servers.iter().any(|name| name == server.name)
        };
        Ok(SERVERS.iter().filter(chosen).collect())
    }
}

/// What one run of the load generator tells. Times are in seconds, those of round trips in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sample {
    replies: u64,
    /// Octets of all replies.
    octets: u64,
    seconds: f64,
    p50: Option<f64>,
    p99: Option<f64>,
    own_cpu: f64,
    server_cpu: f64,
}

/// A server, and what it has in memory for an idle connection, in octets.
type Idle = (&'static Server, u64);

/// All samples of one cell: for each server, one of each round. Where a server failed, it is left out; a cell that
/// was not measured has none.
#[derive(Clone)]
struct Measurement {
    cell: Cell,
    /// With which wsspec, and how often for how long.
    how: String,
    samples: Vec<(&'static Server, Vec<Sample>)>,
    failures: Vec<String>,
    /// Nanoseconds that DEFLATE of a message and its echo takes alone, where that was measured.
    alone: Option<f64>,
}

/// Measures, prints, and writes the page if asked to.
pub(super) fn run(args: &Args) -> Result<()> {
    let kits = Kits::new(&args.common.install)?;
    kits.build_wsspec()?;
    kits.install_bench_peers()?;
    let servers = args.servers()?;
    let is_whole = servers.len() == SERVERS.len();
    ensure!(is_whole || !args.common.write_docs, "the page compares with all servers: leave out --server");
    let alone = if args.deflate == Some(false) { Vec::new() } else { micro::alone(&kits, &args.common)? };
    let bench = Bench { args, kits: &kits, alone };
    // Memory first: it takes little time, and the cells may take all there is.
    let idle = if args.idle > 0 { bench.idle(&servers) } else { Vec::new() };
    let measurements = bench.measurements(&servers, &idle)?;
    println!("{}", tables::text(args.idle, &measurements, &idle)?);
    println!("kept in {}", kits.cache().join("echo.md").display());
    Ok(())
}

impl Measurement {
    /// That of a cell which is not measured yet.
    fn none(cell: Cell) -> Self {
        Self { cell, how: String::new(), samples: Vec::new(), failures: Vec::new(), alone: None }
    }

    fn is_none(&self) -> bool {
        self.samples.is_empty() && self.failures.is_empty()
    }
}

struct Bench<'a> {
    args: &'a Args,
    kits: &'a Kits,
    /// By size, the nanoseconds that DEFLATE of a message and its echo takes alone.
    alone: Vec<(usize, f64)>,
}

/// How long a cell is measured at most.
struct Pace {
    rounds: usize,
    /// It begins no other round after so long.
    longest: Duration,
}

/// A server that runs, and where.
struct Serving {
    server: &'static Server,
    /// Whether it answers several messages with one write.
    batches: bool,
    process: Measured,
    port: u16,
}

impl Bench<'_> {
    /// Every cell, round after round, in each round every server after the other: what disturbs the machine
    /// disturbs all alike. What there is so far is in the cache after each cell, and in the page if that is asked
    /// for: a run that is interrupted has not been in vain. The page also has the cells of earlier runs.
    fn measurements(&self, servers: &[&'static Server], idle: &[Idle]) -> Result<Vec<Measurement>> {
        let all =
            |batches| servers.iter().map(|&server| self.start(server, batches)).collect::<Result<Vec<_>>>();
        let (mut single, mut batching) = (all(false)?, all(true)?);
        let until = Instant::now() + Duration::from_secs(60 * self.args.minutes);
        let cells = cells::all(self.args);
        let mut measurements: Vec<_> = cells.iter().map(|&cell| Measurement::none(cell)).collect();
        for (place, cell) in cells.into_iter().enumerate() {
            if Instant::now() >= until {
                println!("{}: not measured, the time is up", cell.label());
                continue;
            }
            let serving = if cell.is_ping_pong() { &mut single } else { &mut batching };
            let rounds = if cell.is_slow() { ROUNDS_IF_SLOW.min(self.args.rounds) } else { self.args.rounds };
            let measurement = self.measure(cell, serving, &Pace { rounds, longest: LONGEST_CELL })?;
            println!("{}", tables::line(&measurement));
            measurements[place] = measurement;
            self.keep(&measurements, idle)?;
        }
        Ok(measurements)
    }

    /// Writes what there is to the cache, and to the page with what earlier runs have left.
    fn keep(&self, measurements: &[Measurement], idle: &[Idle]) -> Result<()> {
        let cache = self.kits.cache();
        fs::write(cache.join("echo.md"), tables::text(self.args.idle, measurements, idle)?)?;
        if !self.args.common.write_docs {
            return Ok(());
        }
        let path = cache.join("echo-page.json");
        let mut kept = Kept::read(&path)?;
        kept.update(measurements, idle);
        kept.write(&path)?;
        page::write_block("echo", &tables::text(self.args.idle, &kept.measurements, &kept.idle)?)
    }

    /// With what, and how often for how long a cell is measured.
    fn how(&self) -> String {
        let Args { rounds, time, .. } = self.args;
        let (revision, compiler) = (machine::revision(), machine::compiler());
        let today = machine::today();
        format!("wsspec {revision} and {compiler} on {today}, {rounds} rounds of {time} ms")
    }

    /// One cell. A server that fails is started again for the next one.
    fn measure(&self, cell: Cell, serving: &mut [Serving], pace: &Pace) -> Result<Measurement> {
        let able = |serving: &&mut Serving| !cell.deflate || serving.server.deflate;
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); serving.len()];
        let mut failures = Vec::new();
        let mut failed = vec![false; serving.len()];
        let began = Instant::now();
        for round in 0..pace.rounds.max(1) {
            if round > 0 && began.elapsed() >= pace.longest {
                break;
            }
            for (index, serving) in serving.iter_mut().enumerate().filter(|(_, serving)| able(serving)) {
                if failed[index] {
                    continue;
                }
                match self.sample(serving, &cell) {
                    Ok(sample) => samples[index].push(sample),
                    Err(error) => {
                        failures.push(format!(
                            "{} fails with {}: {error:#}",
                            serving.server.name,
                            cell.label()
                        ));
                        failed[index] = true;
                        *serving = self.start(serving.server, serving.batches)?;
                    }
                }
            }
        }
        let measured = serving.iter().map(|serving| serving.server).zip(samples).zip(failed);
        let samples = measured.filter(|((_, samples), failed)| !samples.is_empty() && !failed);
        let samples = samples.map(|(measured, _)| measured).collect();
        let alone = self.alone.iter().find(|(size, _)| cell.deflate && *size == cell.size);
        let alone = alone.map(|&(_, nanoseconds)| nanoseconds);
        Ok(Measurement { cell, how: self.how(), samples, failures, alone })
    }

    /// Memory of an idle connection of each server, in octets, in processes that did nothing else. A server that
    /// fails is left out.
    fn idle(&self, servers: &[&'static Server]) -> Vec<Idle> {
        let measure = |&server: &&'static Server| {
            let serving = self.start(server, false)?;
            let count = self.args.idle.to_string();
            let idle: IdleSample = self.load(&serving, &["idle", &count])?;
            println!("{}: {} octets for an idle connection", server.name, idle.octets_per_connection);
            Ok::<_, anyhow::Error>((server, idle.octets_per_connection))
        };
        let tell =
            |server: &&&Server, error| println!("{} fails with idle connections: {error:#}", server.name);
        servers
            .iter()
            .filter(|server| !server.is_limit())
            .filter_map(|server| measure(server).map_err(|error| tell(&server, error)).ok())
            .collect()
    }

    fn start(&self, server: &'static Server, batches: bool) -> Result<Serving> {
        let address = free_address()?;
        let command = on_core(1, server.command(self.kits, address.port(), batches)?);
        let log = self.kits.cache().join(format!("echo-{}-{batches}.log", server.name));
        let mut process = Measured::start(&command, self.args.common.nice, &log)?;
        process.wait_for_port(address)?;
        Ok(Serving { server, batches, process, port: address.port() })
    }

    fn sample(&self, serving: &Serving, cell: &Cell) -> Result<Sample> {
        let time = self.args.time * if cell.is_slow() { 2 } else { 1 };
        self.load_cell(serving, cell, time)
    }

    /// Runs the load generator on a cell for so many milliseconds.
    fn load_cell<T: for<'a> Deserialize<'a>>(&self, serving: &Serving, cell: &Cell, time: u64) -> Result<T> {
        let numbers = [cell.size as u64, cell.connections as u64, cell.window as u64, time];
        let numbers = numbers.map(|number| number.to_string());
        let extension = if cell.deflate { "deflate" } else { "plain" };
        let arguments: Vec<&str> = numbers.iter().map(String::as_str).chain([extension]).collect();
        self.load(serving, &arguments)
    }

    /// Runs the load generator against a server.
    fn load<T: for<'a> Deserialize<'a>>(&self, serving: &Serving, arguments: &[&str]) -> Result<T> {
        let mut command = Command::new(bench_peer(self.kits, "load"));
        command.args([&serving.port.to_string(), &serving.process.id().to_string()]).args(arguments);
        let mut command = super::measure::with_priority(&on_core(0, command), self.args.common.nice);
        let out = command.output().context("cannot start the load generator")?;
        if !out.status.success() {
            bail!("the load generator says: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        Ok(serde_json::from_slice(&out.stdout)?)
    }
}

#[derive(Deserialize)]
struct IdleSample {
    octets_per_connection: u64,
}

/// A program of the bench peers.
fn bench_peer(kits: &Kits, name: &str) -> std::path::PathBuf {
    kits.bench_peers().join("release").join(name)
}

/// The same command on one core, so that servers and load generator are never in each other's way. Where
/// there is no taskset or no second core, as it is.
fn on_core(core: usize, command: Command) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || !Path::new("/usr/bin/taskset").exists() {
        return command;
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &core.to_string()]).arg(command.get_program()).args(command.get_args());
    pinned
}
