//! `cargo xtask bench short`: the cells of the last table that are below 1.0, measured once more, each beside the peer
//! that was better there, and where both spend their processor time.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::cells::Cell;
use super::figures::{CPU, Figure, MEDIAN, RATE, TAIL, median};
use super::kept::Kept;
use super::profile::{self, Profile};
use super::servers::{SERVERS, Server};
use super::tables::{full_name, is_short};
use super::{Args, Bench, Common, Measurement, Pace, machine, page};
use crate::bench::table::Table;
use crate::install::Kits;

/// Options of `cargo xtask bench short`.
#[derive(clap::Args)]
pub(crate) struct ShortArgs {
    #[command(flatten)]
    common: Common,
    /// How often both servers of a cell are measured, in turns
    #[arg(long, value_name = "N", default_value_t = ROUNDS)]
    rounds: usize,
    /// How long each measurement takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = TIME)]
    time: u64,
    /// Start no cell after so many minutes; those furthest below come first
    #[arg(long, value_name = "N", default_value_t = MINUTES)]
    minutes: u64,
}

const ROUNDS: usize = 9;
const TIME: u64 = 300;
const MINUTES: u64 = 8;

impl ShortArgs {
    /// As it is measured by default.
    pub(in crate::bench) fn new(common: &Common) -> Self {
        Self { common: common.clone(), rounds: ROUNDS, time: TIME, minutes: MINUTES }
    }
}

/// A cell begins no other round after so long.
const LONGEST_CELL: Duration = Duration::from_secs(20);

/// A cell, the peer that was better, and in what.
struct Short {
    cell: Cell,
    peer: &'static Server,
    below: Vec<(Figure, f64)>,
}

impl Short {
    /// Throughput first, then by how much is missing.
    fn rank(&self) -> (bool, f64) {
        let least = self.below.iter().map(|(_, ratio)| *ratio).fold(1.0, f64::min);
        (self.below.iter().all(|(figure, _)| figure.title != RATE.title), least)
    }

    /// What was below 1.0 in the table.
    fn words(&self) -> String {
        let words = self.below.iter().map(|(figure, ratio)| format!("{} {ratio:.2}", column(*figure)));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// What came out of measuring it again.
struct Again {
    short: Short,
    measurement: Measurement,
    /// Of wsspec and of the peer, where there is perf.
    profiles: Option<[Profile; 2]>,
}

/// Measures, prints, and writes the page if asked to.
pub(in crate::bench) fn run(args: &ShortArgs) -> Result<()> {
    let kits = Kits::new(&args.common.install)?;
    kits.build_wsspec()?;
    kits.install_bench_peers()?;
    let kept = Kept::read(&kits.cache().join("echo-page.json"))?;
    ensure!(!kept.measurements.is_empty(), "there is no table yet: run bench echo --write-docs first");
    let echo = Args { rounds: args.rounds, time: args.time, ..Args::new(&args.common) };
    let bench = Bench { args: &echo, kits: &kits, alone: Vec::new() };
    let until = Instant::now() + Duration::from_secs(60 * args.minutes);
    let (mut all, mut left) = (Vec::new(), Vec::new());
    for short in shorts(&kept.measurements) {
        if Instant::now() >= until {
            left.push(full_name(&short.cell));
            continue;
        }
        println!("{} beside {} (in the table: {})", short.cell.label(), short.peer.name, short.words());
        all.push(again(&bench, short)?);
        // What there is so far is in the page: a run that is interrupted has not been in vain.
        let text = text(&bench.how(), &all, &left);
        if args.common.write_docs {
            page::write_block("short", &text)?;
        }
    }
    let text = text(&bench.how(), &all, &left);
    println!("{text}");
    if args.common.write_docs { page::write_block("short", &text) } else { Ok(()) }
}

/// All cells that are below 1.0 in throughput or latency, with each peer that is better.
fn shorts(measurements: &[Measurement]) -> Vec<Short> {
    let mut shorts: Vec<Short> = Vec::new();
    for measurement in measurements {
        for figure in [RATE, MEDIAN, TAIL] {
            let found = measurement.ratio(figure).filter(|_| figure.is_shown(&measurement.cell));
            let Some((ratio, peer)) = found.filter(|(ratio, _)| is_short(*ratio)) else { continue };
            let cell = measurement.cell;
            match shorts.iter_mut().find(|short| short.cell == cell && short.peer.name == peer.name) {
                Some(short) => short.below.push((figure, ratio)),
                None => shorts.push(Short { cell, peer, below: vec![(figure, ratio)] }),
            }
        }
    }
    shorts.sort_by(|one, other| {
        let (one, other) = (one.rank(), other.rank());
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    shorts
}

/// Both servers as new processes, in turns.
fn again(bench: &Bench<'_>, short: Short) -> Result<Again> {
    let ours = SERVERS.iter().find(|server| server.is_ours()).context("wsspec is there")?;
    let batches = !short.cell.is_ping_pong();
    let mut serving = [bench.start(ours, batches)?, bench.start(short.peer, batches)?];
    let pace = Pace { rounds: bench.args.rounds, longest: LONGEST_CELL };
    let measurement = bench.measure(short.cell, &mut serving, &pace)?;
    let profiles = match profile::is_there() {
        true => {
            let [ours, theirs] = &serving;
            Some([profile::of(bench, ours, &short.cell)?, profile::of(bench, theirs, &short.cell)?])
        }
        false => None,
    };
    Ok(Again { short, measurement, profiles })
}

fn text(how: &str, all: &[Again], left: &[String]) -> String {
    let mut text = format!(
        "Measured on {} with {how}, wsspec and the peer in turns, as processes of their own for each cell. Ratios: \
         median of the rounds (least..greatest), above 1 wsspec is better.\n\n{}",
        machine::machine(),
        ratios(all)
    );
    // Writing to a string cannot fail.
    let _ = match all.iter().any(|again| again.profiles.is_some()) {
        true => write!(
            text,
            "\nWhere the processor time goes (% of a profile of about a second) and system calls for a message:\n\n{}",
            shares(all)
        ),
        false => write!(text, "\nNo profiles: there is no perf.\n"),
    };
    if !left.is_empty() {
        let _ = write!(text, "\nNot reached in the time: {}.\n", left.join(", "));
    }
    for failure in all.iter().flat_map(|again| &again.measurement.failures) {
        let _ = write!(text, "\n- {failure}\n");
    }
    text
}

/// The short name of a figure.
fn column(figure: Figure) -> &'static str {
    match figure.title {
        title if title == RATE.title => "throughput",
        title if title == MEDIAN.title => "median",
        title if title == TAIL.title => "99th",
        _ => "processor time",
    }
}

fn ratios(all: &[Again]) -> Table {
    let mut table = Table::new(&[
        "message x connections x in flight",
        "peer",
        "in the table",
        "rounds",
        "throughput",
        "latency, median",
        "latency, 99th percentile",
        "processor time of the server",
        "load generator busy, %: wsspec, peer",
    ]);
    for Again { short, measurement, .. } in all {
        let ratio = |figure: Figure| {
            let shown = figure.is_shown(&short.cell).then(|| measurement.ratios(figure, short.peer))??;
            let (from, to) = measurement.spread(figure, short.peer)?;
            Some(format!("**{:.2}** ({from:.2}..{to:.2})", median(shown)?))
        };
        let busy = |server: &Server| {
            measurement.middle(server, |sample| 100.0 * sample.own_cpu / sample.seconds).unwrap_or_default()
        };
        let told = [RATE, MEDIAN, TAIL, CPU].map(|figure| ratio(figure).unwrap_or_else(|| "-".to_owned()));
        let rounds = measurement.of(Server::is_ours).map_or(0, <[_]>::len);
        let first = [full_name(&short.cell), short.peer.name.to_owned(), short.words(), rounds.to_string()];
        let busy = format!("{:.0}, {:.0}", busy(&SERVERS[0]), busy(short.peer));
        table.row(first.into_iter().chain(told).chain([busy]));
    }
    table
}

fn shares(all: &[Again]) -> Table {
    let mut headings = vec!["message x connections x in flight", "server"];
    headings.extend(profile::Group::ALL.map(profile::Group::name));
    headings.extend(profile::CALLS.map(|(name, _)| name));
    let mut table = Table::new(&headings);
    for Again { short, profiles, .. } in all {
        let Some(profiles) = profiles else { continue };
        for (place, (profile, server)) in profiles.iter().zip(["wsspec", short.peer.name]).enumerate() {
            let name = if place == 0 { full_name(&short.cell) } else { String::new() };
            let shares = profile.shares.iter().map(|share| format!("{share:.0}"));
            let calls = profile.calls.iter().map(|calls| match calls {
                Some(calls) => format!("{calls:.2}"),
                None => "-".to_owned(),
            });
            table.row([name, server.to_owned()].into_iter().chain(shares).chain(calls));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::tables::tests::measurement;
    use super::*;

    #[test]
    fn a_short_cell_stands_beside_the_peer_of_the_table_and_the_furthest_below_comes_first() {
        let good = measurement([200; 3], [100; 3]);
        let mut bad = measurement([90; 3], [100; 3]);
        let mut worse = measurement([100; 3], [200; 3]);
        bad.cell.size = 1024;
        worse.cell.size = 65_536;
        // The best of two peers is the one that counts.
        bad.samples.push((&SERVERS[2], measurement([0; 3], [95; 3]).samples.remove(1).1));
        let shorts = shorts(&[good, bad, worse]);
        let told: Vec<_> =
            shorts.iter().map(|short| (short.cell.size, short.peer.name, short.words())).collect();
        let expected = [(65_536, "0.50"), (1024, "0.90")];
        let expected =
            expected.map(|(size, ratio)| (size, "tokio-tungstenite", format!("throughput {ratio}")));
        assert_eq!(told, expected);
    }
}
