//! What is compared, and how samples become one figure.

use super::cells::Cell;
use super::servers::{SERVERS, Server};
use super::{Measurement, Sample};

/// What is compared.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    /// The figure of a sample; a greater one is better.
    pub(super) of: fn(&Sample) -> Option<f64>,
    /// The figure as it is shown, of the one above.
    pub(super) shown: fn(f64) -> f64,
}

pub(super) const RATE: Figure =
    Figure { title: "Throughput", unit: "messages/s", of: |sample| Some(rate(sample)), shown: |rate| rate };
pub(super) const CPU: Figure = Figure {
    title: "Processor time of the server",
    unit: "µs per message",
    of: |sample| Some(sample.replies as f64 / sample.server_cpu),
    shown: |rate| 1e6 / rate,
};
pub(super) const MEDIAN: Figure = Figure {
    title: "Latency, median",
    unit: "µs",
    of: |sample| sample.p50.map(f64::recip),
    shown: f64::recip,
};
pub(super) const TAIL: Figure = Figure {
    title: "Latency, 99th percentile",
    unit: "µs",
    of: |sample| sample.p99.filter(|_| sample.replies >= ENOUGH).map(f64::recip),
    shown: f64::recip,
};
pub(super) const SIZE: Figure = Figure {
    title: "Size of a compressed reply",
    unit: "octets",
    of: |sample| Some(sample.replies as f64 / sample.octets as f64),
    shown: f64::recip,
};

/// With fewer replies in a round, the slowest hundredth of them is a handful.
pub(super) const ENOUGH: u64 = 1000;

impl Figure {
    /// Latency is that of a message that is alone; the size says something where it is compressed.
    pub(super) fn is_shown(self, cell: &Cell) -> bool {
        match self.title {
            title if title == MEDIAN.title || title == TAIL.title => cell.is_ping_pong(),
            title if title == SIZE.title => cell.deflate && cell.connections == 1 && cell.is_ping_pong(),
            _ => true,
        }
    }

    /// Whether there is something to see in what a server without WebSocket reaches. It never sleeps, so its processor
    /// time says nothing.
    pub(super) fn has_limit(self) -> bool {
        ![CPU.title, SIZE.title].contains(&self.title)
    }
}

fn rate(sample: &Sample) -> f64 {
    sample.replies as f64 / sample.seconds
}

impl Measurement {
    pub(super) fn of(&self, wanted: impl Fn(&Server) -> bool) -> Option<&[Sample]> {
        let found = self.samples.iter().find(|(server, _)| wanted(server));
        found.map(|(_, samples)| &samples[..])
    }

    /// The median of a figure of a server.
    pub(super) fn median(&self, figure: Figure, server: &Server) -> Option<f64> {
        median(self.of(|other| other.name == server.name)?.iter().filter_map(figure.of))
    }

    /// The best peer and the ratio to it: for each peer the median of the ratios of the rounds.
    pub(super) fn ratio(&self, figure: Figure) -> Option<(f64, &'static Server)> {
        let peers = self.samples.iter().filter(|(server, _)| server.is_peer());
        let ratios = peers.filter_map(|&(server, _)| Some((median(self.ratios(figure, server)?)?, server)));
        ratios.min_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// The ratio to another server in each round.
    pub(super) fn ratios(&self, figure: Figure, other: &Server) -> Option<impl Iterator<Item = f64>> {
        let (ours, theirs) = (self.of(Server::is_ours)?, self.of(|server| server.name == other.name)?);
        let rounds = ours.iter().zip(theirs);
        Some(rounds.filter_map(move |(our, their)| Some((figure.of)(our)? / (figure.of)(their)?)))
    }

    /// The ratio to what a server without WebSocket reaches.
    pub(super) fn of_limit(&self, figure: Figure) -> Option<f64> {
        let limit = SERVERS.iter().find(|server| server.is_limit())?;
        median(self.ratios(figure, limit)?)
    }

    /// The least and the greatest ratio of a round to a server.
    pub(super) fn spread(&self, figure: Figure, other: &Server) -> Option<(f64, f64)> {
        let (least, greatest) = (self.ratios(figure, other)?, self.ratios(figure, other)?);
        Some((least.reduce(f64::min)?, greatest.reduce(f64::max)?))
    }

    /// The median of something else of a server.
    pub(super) fn middle(&self, server: &Server, of: fn(&Sample) -> f64) -> Option<f64> {
        median(self.of(|other| other.name == server.name)?.iter().map(of))
    }
}

/// The middle of some values, if there are any.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::tests::{measurement, sample};
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_median_round() {
        // The second round was disturbed for both, the third only for the peer.
        let measurement = measurement([200, 20, 200], [100, 10, 20]);
        let ratio = |figure| measurement.ratio(figure).map(|(ratio, server)| (ratio, server.name));
        assert_eq!(ratio(RATE), Some((2.0, "tokio-tungstenite")));
        assert_eq!(ratio(MEDIAN), Some((1.0, "tokio-tungstenite")));
        assert_eq!(ratio(TAIL), None);
        assert_eq!(measurement.spread(RATE, &SERVERS[1]), Some((2.0, 10.0)));
    }

    #[test]
    fn a_server_without_websocket_is_no_peer_but_a_limit() {
        let mut measurement = measurement([200; 3], [100; 3]);
        assert_eq!(measurement.of_limit(RATE), None);
        let raw = SERVERS.iter().find(|server| server.is_limit()).unwrap();
        measurement.samples.push((raw, vec![sample(400); 3]));
        assert_eq!(measurement.of_limit(RATE), Some(0.5));
        assert_eq!(measurement.ratio(RATE).unwrap().1.name, "tokio-tungstenite");
    }

    #[test]
    fn a_tail_of_few_replies_is_none() {
        let tail = |replies| (TAIL.of)(&Sample { p99: Some(4.0), ..sample(replies) });
        assert_eq!((tail(999), tail(1000)), (None, Some(0.25)));
    }

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0].into_iter()), Some(2.5));
        assert_eq!(median([].into_iter()), None);
    }
}
