//! Samples to tables: the ratio to the best peer first.

use std::cmp::Reverse;
use std::fmt::Write as _;

use anyhow::Result;

use super::cells::Cell;
use super::servers::{SERVERS, Server};
use super::{Idle, Measurement, Sample, machine};
use crate::bench::table::Table;

/// What is compared.
#[derive(Clone, Copy)]
struct Figure {
    title: &'static str,
    unit: &'static str,
    /// The figure of a sample; a greater one is better.
    of: fn(&Sample) -> Option<f64>,
    /// The figure as it is shown, of the one above.
    shown: fn(f64) -> f64,
}

const RATE: Figure =
    Figure { title: "Throughput", unit: "messages/s", of: |sample| Some(rate(sample)), shown: |rate| rate };
const CPU: Figure = Figure {
    title: "Processor time of the server",
    unit: "µs per message",
    of: |sample| Some(sample.replies as f64 / sample.server_cpu),
    shown: |rate| 1e6 / rate,
};
const MEDIAN: Figure = Figure {
    title: "Latency, median",
    unit: "µs",
    of: |sample| sample.p50.map(f64::recip),
    shown: f64::recip,
};
const SIZE: Figure = Figure {
    title: "Size of a compressed reply",
    unit: "octets",
    of: |sample| Some(sample.replies as f64 / sample.octets as f64),
    shown: f64::recip,
};
const TAIL: Figure = Figure {
    title: "Latency, 99th percentile",
    unit: "µs",
    of: |sample| sample.p99.map(f64::recip),
    shown: f64::recip,
};

impl Figure {
    /// Latency is that of a message that is alone; the size says something where it is compressed.
    fn is_shown(self, cell: &Cell) -> bool {
        match self.title {
            title if title == MEDIAN.title || title == TAIL.title => cell.is_ping_pong(),
            title if title == SIZE.title => cell.deflate && cell.connections == 1 && cell.is_ping_pong(),
            _ => true,
        }
    }
}

fn rate(sample: &Sample) -> f64 {
    sample.replies as f64 / sample.seconds
}

impl Measurement {
    fn of(&self, wanted: impl Fn(&Server) -> bool) -> Option<&[Sample]> {
        let found = self.samples.iter().find(|(server, _)| wanted(server));
        found.map(|(_, samples)| &samples[..])
    }

    /// The median of a figure of a server.
    fn median(&self, figure: Figure, server: &Server) -> Option<f64> {
        median(self.of(|other| other.name == server.name)?.iter().filter_map(figure.of))
    }

    /// The best peer and the ratio to it: for each peer the median of the ratios of the rounds.
    fn ratio(&self, figure: Figure) -> Option<(f64, &'static str)> {
        let peers = self.samples.iter().filter(|(server, _)| !server.is_ours());
        let ratios =
            peers.filter_map(|(server, _)| Some((median(self.ratios(figure, server)?)?, server.name)));
        ratios.min_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// The ratio to a peer in each round.
    fn ratios(&self, figure: Figure, peer: &Server) -> Option<impl Iterator<Item = f64>> {
        let (ours, theirs) = (self.of(Server::is_ours)?, self.of(|other| other.name == peer.name)?);
        let rounds = ours.iter().zip(theirs);
        Some(rounds.filter_map(move |(our, their)| Some((figure.of)(our)? / (figure.of)(their)?)))
    }

    /// The least and the greatest ratio of a round to the best peer.
    fn spread(&self, figure: Figure) -> Option<(f64, f64)> {
        let (_, best) = self.ratio(figure)?;
        let peer = SERVERS.iter().find(|server| server.name == best)?;
        let (least, greatest) = (self.ratios(figure, peer)?, self.ratios(figure, peer)?);
        Some((least.reduce(f64::min)?, greatest.reduce(f64::max)?))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// One line on a cell that was measured.
pub(super) fn line(measurement: &Measurement) -> String {
    let mut line: String = measurement.failures.iter().map(|failure| format!("{failure}\n")).collect();
    line += &measurement.cell.label();
    for figure in [RATE, MEDIAN, CPU] {
        if let Some((ratio, peer)) = measurement.ratio(figure) {
            // Writing to a string cannot fail.
            let _ = write!(line, "; {} {ratio:.2} of {peer}", figure.title.to_lowercase());
        }
    }
    line
}

/// All tables. `connections` were held open to measure their memory.
pub(super) fn text(connections: usize, measurements: &[Measurement], idle: &[Idle]) -> Result<String> {
    let mut text = heading(measurements);
    for deflate in [false, true] {
        for figure in [RATE, CPU, MEDIAN, TAIL, SIZE] {
            let of_figure = |measurement: &&Measurement| {
                let Cell { deflate: compressed, .. } = measurement.cell;
                compressed == deflate && figure.is_shown(&measurement.cell)
            };
            let rows: Vec<&Measurement> = measurements.iter().filter(of_figure).collect();
            if !rows.is_empty() {
                let extension = if deflate { ", permessage-deflate" } else { "" };
                write!(
                    text,
                    "\n### {}{extension} ({})\n\n{}",
                    figure.title,
                    figure.unit,
                    table(figure, &rows)
                )?;
            }
        }
    }
    if !idle.is_empty() {
        write!(text, "\n### Memory of an idle connection\n\n{}", idle_table(connections, idle))?;
    }
    write!(text, "\n{}", shares(measurements))?;
    for failure in measurements.iter().flat_map(|measurement| &measurement.failures) {
        write!(text, "\n- {failure}\n")?;
    }
    Ok(text)
}

/// On what, with what and how all of it was measured. Cells of other runs than most are named.
fn heading(measurements: &[Measurement]) -> String {
    let mut runs: Vec<(&str, Vec<String>)> = Vec::new();
    for Measurement { cell, how, .. } in measurements.iter().filter(|measurement| !measurement.is_none()) {
        let extension = if cell.deflate { " with permessage-deflate" } else { "" };
        let name = format!("{}{extension}", cell.name());
        match runs.iter_mut().find(|(other, _)| other == how) {
            Some((_, cells)) => cells.push(name),
            None => runs.push((how, vec![name])),
        }
    }
    runs.sort_by_key(|(_, cells)| Reverse(cells.len()));
    let mut text = format!("Measured on {} with ", machine::machine());
    let others = runs.iter().skip(1).map(|(how, cells)| format!("\n{}: {how}.\n", cells.join(", ")));
    text += runs.first().map_or("nothing", |(how, _)| how);
    text += ".\n";
    text.extend(others);
    text
}

fn table(figure: Figure, rows: &[&Measurement]) -> Table {
    let measured =
        |server: &&Server| rows.iter().any(|row| row.of(|other| other.name == server.name).is_some());
    let servers: Vec<&Server> = SERVERS.iter().filter(measured).collect();
    let labels: Vec<String> = servers.iter().map(|server| server.label()).collect();
    let headings = ["message x connections x in flight", "ratio", "in rounds", "best peer"].into_iter();
    let mut table = Table::new(&headings.chain(labels.iter().map(String::as_str)).collect::<Vec<_>>());
    for row in rows {
        let none = if row.is_none() { "not measured" } else { "-" };
        let (ratio, best) =
            row.ratio(figure).map_or(("-".to_owned(), none), |(ratio, best)| (bold(ratio), best));
        let spread = row.spread(figure).map_or("-".to_owned(), |(from, to)| format!("{from:.2}..{to:.2}"));
        let cells = [row.cell.name(), ratio, spread, best.to_owned()];
        let figures = servers.iter().map(|server| {
            let value = row.median(figure, server).map(figure.shown);
            value.map_or("-".to_owned(), number)
        });
        table.row(cells.into_iter().chain(figures));
    }
    table
}

fn idle_table(connections: usize, idle: &[Idle]) -> Table {
    let heading = format!("octets for each of {connections} idle connections");
    let mut table = Table::new(&["server", "ratio", &heading]);
    let ours = idle.iter().find(|(server, _)| server.is_ours()).map_or(0, |&(_, octets)| octets);
    for (server, octets) in idle {
        let ratio =
            if server.is_ours() { "1".to_owned() } else { format!("{:.1}", *octets as f64 / ours as f64) };
        table.row([server.label(), ratio, octets.to_string()]);
    }
    table
}

/// How busy the load generator was: it must not be what is measured.
fn shares(measurements: &[Measurement]) -> String {
    let samples =
        || measurements.iter().flat_map(|measurement| measurement.of(Server::is_ours).unwrap_or(&[]));
    let share = |of: fn(&Sample) -> f64| median(samples().map(move |sample| of(sample) / sample.seconds));
    let most = samples().map(|sample| sample.own_cpu / sample.seconds).fold(0.0, f64::max);
    let percent =
        |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    format!(
        "While wsspec was measured the load generator used {} of its core (median of the cells; {} at most), and wsspec \
         {} of its own.\n",
        percent(share(|sample| sample.own_cpu)),
        percent(Some(most)),
        percent(share(|sample| sample.server_cpu)),
    )
}

fn bold(ratio: f64) -> String {
    format!("**{ratio:.2}**")
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(replies: u64) -> Sample {
        Sample { replies, octets: 0, seconds: 1.0, p50: Some(2.0), p99: None, own_cpu: 0.5, server_cpu: 1.0 }
    }

    fn measurement(ours: [u64; 3], theirs: [u64; 3]) -> Measurement {
        let cell = Cell { size: 16, connections: 1, window: 1, deflate: false };
        let samples = [(&SERVERS[0], ours), (&SERVERS[1], theirs)];
        let samples = samples.map(|(server, replies)| (server, replies.map(sample).to_vec()));
        Measurement { samples: samples.into(), ..Measurement::none(cell) }
    }

    #[test]
    fn the_ratio_is_that_of_the_median_round() {
        // The second round was disturbed for both, the third only for the peer.
        let measurement = measurement([200, 20, 200], [100, 10, 20]);
        assert_eq!(measurement.ratio(RATE), Some((2.0, "tokio-tungstenite")));
        assert_eq!(measurement.ratio(MEDIAN), Some((1.0, "tokio-tungstenite")));
        assert_eq!(measurement.ratio(TAIL), None);
        assert_eq!(measurement.spread(RATE), Some((2.0, 10.0)));
    }

    #[test]
    fn cells_of_other_runs_are_named() {
        let of = |window, how: &str| {
            let mut one = measurement([1; 3], [1; 3]);
            (one.cell.window, one.how) = (window, how.to_owned());
            one
        };
        let text = heading(&[of(1, "old"), of(2, "new"), of(4, "new"), Measurement::none(of(8, "").cell)]);
        assert!(text.ends_with("with new.\n\n16 B x 1 x 1: old.\n"), "{text}");
    }

    #[test]
    fn a_cell_that_was_not_measured_says_so() {
        let missing = Cell { size: 1024, connections: 64, window: 1, deflate: false };
        let rows = [measurement([200; 3], [100; 3]), Measurement::none(missing)];
        let table = table(RATE, &rows.iter().collect::<Vec<_>>()).to_string();
        let lines: Vec<String> = table.lines().skip(2).map(|line| line.replace(' ', "")).collect();
        assert_eq!(
            lines,
            ["|16Bx1x1|**2.00**|2.00..2.00|tokio-tungstenite|200|100|", "|1KiBx64x1|-|-|notmeasured|-|-|"]
        );
    }

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0].into_iter()), Some(2.5));
        assert_eq!(median([].into_iter()), None);
    }
}
