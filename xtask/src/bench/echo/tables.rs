//! Samples to tables: the ratio to the best peer first.

use std::cmp::Reverse;
use std::fmt::Write as _;

use anyhow::Result;

use super::cells::Cell;
use super::figures::{CPU, ENOUGH, Figure, MEDIAN, RATE, SIZE, TAIL, median};
use super::servers::{SERVERS, Server};
use super::{Idle, Measurement, Sample, machine};
use crate::bench::table::Table;

/// One line on a cell that was measured.
pub(super) fn line(measurement: &Measurement) -> String {
    let mut line: String = measurement.failures.iter().map(|failure| format!("{failure}\n")).collect();
    line += &measurement.cell.label();
    for figure in [RATE, MEDIAN, CPU] {
        if let Some((ratio, peer)) = measurement.ratio(figure) {
            // Writing to a string cannot fail.
            let _ = write!(line, "; {} {ratio:.2} of {}", figure.title.to_lowercase(), peer.name);
        }
    }
    line
}

/// All tables. `connections` were held open to measure their memory.
pub(super) fn text(connections: usize, measurements: &[Measurement], idle: &[Idle]) -> Result<String> {
    let mut text = heading(measurements);
    write!(text, "\n{}", summary(measurements))?;
    for deflate in [false, true] {
        for figure in [RATE, CPU, MEDIAN, TAIL, SIZE] {
            let of_figure = |measurement: &&Measurement| {
                let Cell { deflate: compressed, .. } = measurement.cell;
                compressed == deflate && figure.is_shown(&measurement.cell)
            };
            let rows: Vec<&Measurement> = measurements.iter().filter(of_figure).collect();
            if !rows.is_empty() {
                let extension = if deflate { ", permessage-deflate" } else { "" };
                let table = table(figure, &rows);
                write!(text, "\n### {}{extension} ({})\n\n{table}", figure.title, figure.unit)?;
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
        let name = full_name(cell);
        match runs.iter_mut().find(|(other, _)| other == how) {
            Some((_, cells)) => cells.push(name),
            None => runs.push((how, vec![name])),
        }
    }
    runs.sort_by_key(|(_, cells)| Reverse(cells.len()));
    let mut text = format!("Measured on {} with ", machine::machine());
    let others = runs.iter().skip(1).map(|(how, cells)| format!("\n{}: {how}.\n", cells.join(", ")));
    text += runs.first().map_or("nothing", |(how, _)| how);
    let zlib = machine::locked("Cargo.lock", "zlib-rs").unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "; DEFLATE of wsspec, sockudo-ws and yawc is zlib-rs {zlib}.");
    text.extend(others);
    text
}

/// A cell in a sentence.
pub(super) fn full_name(cell: &Cell) -> String {
    let extension = if cell.deflate { " with permessage-deflate" } else { "" };
    format!("{}{extension}", cell.name())
}

/// Whether a ratio is shown as less than 1.00.
pub(super) fn is_short(ratio: f64) -> bool {
    ratio < 0.995
}

/// How many cells are below 1.0, and which.
fn summary(measurements: &[Measurement]) -> String {
    let mut text = String::new();
    for figure in [RATE, MEDIAN, TAIL] {
        let shown = measurements.iter().filter(|measurement| figure.is_shown(&measurement.cell));
        let ratios = shown.filter_map(|measurement| Some((measurement, measurement.ratio(figure)?.0)));
        let ratios: Vec<(&Measurement, f64)> = ratios.collect();
        let short = ratios.iter().filter(|&&(_, ratio)| is_short(ratio));
        let names =
            short.map(|(measurement, ratio)| format!("{} ({ratio:.2})", full_name(&measurement.cell)));
        let names: Vec<String> = names.collect();
        let below = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "- {}: of {} cells {} are below 1.0: {below}.",
            figure.title,
            ratios.len(),
            names.len()
        );
    }
    text
}

/// What stands between the name of a cell and the figures of the servers.
struct Column {
    heading: &'static str,
    cell: fn(Figure, &Measurement) -> Option<String>,
}

const RATIO: Column = Column {
    heading: "ratio",
    cell: |figure, row| Some(row.ratio(figure)?.0).map(|ratio| format!("**{ratio:.2}**")),
};
const SPREAD: Column = Column {
    heading: "in rounds",
    cell: |figure, row| {
        let (from, to) = row.spread(figure, row.ratio(figure)?.1)?;
        Some(format!("{from:.2}..{to:.2}"))
    },
};
const OF_LIMIT: Column =
    Column { heading: "of raw TCP", cell: |figure, row| Some(format!("{:.2}", row.of_limit(figure)?)) };
const CLIENT: Column = Column {
    heading: "load generator busy, %: wsspec, best peer",
    cell: |figure, row| Some(pair(row, figure, |sample| 100.0 * sample.own_cpu / sample.seconds)?.join(", ")),
};
const REPLIES: Column = Column {
    heading: "replies in a round: wsspec, best peer",
    cell: |figure, row| match pair(row, figure, |sample| sample.replies as f64) {
        Some(both) => Some(both.join(", ")),
        None => Some(format!("{:.0}, too few", row.middle(&SERVERS[0], |sample| sample.replies as f64)?)),
    },
};
const ALONE: Column = Column {
    heading: "DEFLATE alone, % of wsspec",
    cell: |figure, row| {
        let ours = (figure.shown)(row.median(figure, &SERVERS[0])?);
        Some(format!("{:.0}", row.alone? / 10.0 / ours))
    },
};

/// Something of wsspec and of the best peer, in whole numbers.
fn pair(row: &Measurement, figure: Figure, of: fn(&Sample) -> f64) -> Option<[String; 2]> {
    let (_, best) = row.ratio(figure)?;
    let shown = |server| Some(format!("{:.0}", row.middle(server, of)?));
    Some([shown(&SERVERS[0])?, shown(best)?])
}

fn columns(figure: Figure, rows: &[&Measurement]) -> Vec<Column> {
    let mut columns = vec![RATIO, SPREAD];
    if figure.has_limit() && rows.iter().any(|row| row.of_limit(figure).is_some()) {
        columns.push(OF_LIMIT);
    }
    match figure.title {
        title if title == RATE.title => columns.push(CLIENT),
        title if title == TAIL.title => columns.push(REPLIES),
        title if title == CPU.title && rows.iter().any(|row| row.alone.is_some()) => columns.push(ALONE),
        _ => {}
    }
    columns
}

fn table(figure: Figure, rows: &[&Measurement]) -> Table {
    let is_measured =
        |server: &&Server| rows.iter().any(|row| row.of(|other| other.name == server.name).is_some());
    let is_shown = |server: &&Server| is_measured(server) && (figure.has_limit() || !server.is_limit());
    let servers: Vec<&Server> = SERVERS.iter().filter(is_shown).collect();
    let labels: Vec<String> = servers.iter().map(|server| server.label()).collect();
    let columns = columns(figure, rows);
    let mut headings = vec!["message x connections x in flight"];
    headings.extend(columns.iter().map(|column| column.heading));
    headings.push("best peer");
    headings.extend(labels.iter().map(String::as_str));
    let mut table = Table::new(&headings);
    for row in rows {
        let none = if row.is_none() { "not measured" } else { "-" };
        let best = row.ratio(figure).map_or(none, |(_, best)| best.name);
        let dash = || "-".to_owned();
        let told = columns.iter().map(|column| (column.cell)(figure, row).unwrap_or_else(dash));
        let figures = servers.iter().map(|server| {
            let value = row.median(figure, server).map(figure.shown);
            value.map_or_else(dash, number)
        });
        let first = [row.cell.name()].into_iter().chain(told);
        table.row(first.chain([best.to_owned()]).chain(figures));
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

/// How busy the load generator was: where it is busy all the time, it is what is measured.
fn shares(measurements: &[Measurement]) -> String {
    const BUSY: f64 = 0.9;
    let own = |measurement: &Measurement| {
        measurement.middle(&SERVERS[0], |sample| sample.own_cpu / sample.seconds).unwrap_or_default()
    };
    let busy = measurements.iter().filter(|measurement| own(measurement) >= BUSY);
    let busy: Vec<String> = busy.map(|measurement| full_name(&measurement.cell)).collect();
    let all = || measurements.iter().filter(|measurement| !measurement.is_none());
    let server = |measurement: &Measurement| {
        measurement.middle(&SERVERS[0], |sample| sample.server_cpu / sample.seconds)
    };
    let percent =
        |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    format!(
        "While wsspec was measured the load generator used {} of its core (median of the cells), and wsspec {} of its \
         own. In cells where it uses {:.0} % and more, the load generator bounds what can be seen: {}. A 99th percentile \
         is that of rounds with at least {ENOUGH} replies.\n",
        percent(median(all().map(own))),
        percent(median(all().filter_map(server))),
        100.0 * BUSY,
        if busy.is_empty() { "none".to_owned() } else { busy.join(", ") },
    )
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
pub(super) mod tests {
    use super::*;

    pub(crate) fn sample(replies: u64) -> Sample {
        Sample { replies, octets: 0, seconds: 1.0, p50: Some(2.0), p99: None, own_cpu: 0.5, server_cpu: 1.0 }
    }

    pub(crate) fn measurement(ours: [u64; 3], theirs: [u64; 3]) -> Measurement {
        let cell = Cell { size: 16, connections: 1, window: 1, deflate: false };
        let samples = [(&SERVERS[0], ours), (&SERVERS[1], theirs)];
        let samples = samples.map(|(server, replies)| (server, replies.map(sample).to_vec()));
        Measurement { samples: samples.into(), ..Measurement::none(cell) }
    }

    #[test]
    fn cells_of_other_runs_are_named() {
        let of = |window, how: &str| {
            let mut one = measurement([1; 3], [1; 3]);
            (one.cell.window, one.how) = (window, how.to_owned());
            one
        };
        let text = heading(&[of(1, "old"), of(2, "new"), of(4, "new"), Measurement::none(of(8, "").cell)]);
        assert!(text.contains(" with new; DEFLATE of wsspec, sockudo-ws and yawc is zlib-rs 0."), "{text}");
        assert!(text.ends_with(".\n\n16 B x 1 x 1: old.\n"), "{text}");
    }

    #[test]
    fn a_cell_that_was_not_measured_says_so() {
        let missing = Cell { size: 1024, connections: 64, window: 1, deflate: false };
        let rows = [measurement([200; 3], [100; 3]), Measurement::none(missing)];
        let table = table(RATE, &rows.iter().collect::<Vec<_>>()).to_string();
        let lines: Vec<String> = table.lines().skip(2).map(|line| line.replace(' ', "")).collect();
        assert_eq!(
            lines,
            [
                "|16Bx1x1|**2.00**|2.00..2.00|50,50|tokio-tungstenite|200|100|",
                "|1KiBx64x1|-|-|-|notmeasured|-|-|"
            ]
        );
    }

    #[test]
    fn what_is_below_is_counted_and_named_and_so_is_where_the_client_is_the_limit() {
        let mut busy = measurement([99, 99, 100], [100; 3]);
        for sample in &mut busy.samples[0].1 {
            sample.own_cpu = 0.95;
        }
        let text = summary(&[busy.clone(), measurement([200; 3], [100; 3])]);
        assert!(
            text.starts_with("- Throughput: of 2 cells 1 are below 1.0: 16 B x 1 x 1 (0.99).\n"),
            "{text}"
        );
        assert!(text.ends_with("- Latency, 99th percentile: of 0 cells 0 are below 1.0: none.\n"), "{text}");
        assert!(shares(&[busy]).contains("what can be seen: 16 B x 1 x 1."));
    }
}
