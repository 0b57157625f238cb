//! What messages of each size cost the tester, without what a run costs that has next to none.

use super::measure::Cost;
use super::table::Table;

/// Cases that send many messages of a size, or the same case with one message to many agents.
pub(super) struct Loops {
    what: &'static str,
    /// What the same number of cases costs that send one small message.
    pub(super) base: &'static str,
    /// Cases, and the octets of their messages.
    pub(super) cases: &'static [(&'static str, usize)],
    pub(super) agents: usize,
    /// So many messages in each case, where it sends more than one.
    pub(super) messages: usize,
}

pub(super) const LOOPS: [Loops; 3] = [
    Loops {
        what: "uncompressed",
        base: "9.8.1",
        cases: &[("9.8.2", 16), ("9.8.4", 256), ("9.8.5", 1024), ("9.8.6", 4096)],
        agents: 1,
        messages: 20_000,
    },
    Loops {
        what: "uncompressed, one for each agent",
        base: "9.8.1",
        cases: &[
            ("9.2.1", 64 << 10),
            ("9.2.2", 256 << 10),
            ("9.2.3", 1 << 20),
            ("9.2.4", 4 << 20),
            ("9.2.6", 16 << 20),
        ],
        agents: 16,
        messages: 1,
    },
    Loops {
        what: "permessage-deflate, prose",
        base: "12.3.1",
        cases: &[
            ("12.3.1", 16),
            ("12.3.4", 1024),
            ("12.3.6", 8 << 10),
            ("12.3.8", 32 << 10),
            ("12.3.10", 128 << 10),
        ],
        agents: 1,
        messages: 2000,
    },
];

/// What messages of a size cost, and what next to none cost.
pub(super) struct Net {
    pub(super) loops: &'static Loops,
    pub(super) octets: usize,
    pub(super) cost: Cost,
    pub(super) base: Cost,
}

/// A row for each size.
pub(super) fn table(nets: &[Net]) -> Table {
    let mut table = Table::new(&[
        "message",
        "messages",
        "wall, s",
        "CPU, s",
        "peak memory, MiB",
        "net: wall, µs a message",
        "net: CPU, µs a message",
        "net: CPU, ms a MiB",
    ]);
    for Net { loops, octets, cost, base } in nets {
        let messages = (loops.messages * loops.agents) as f64;
        let mebibytes = messages * *octets as f64 / f64::from(1 << 20);
        let (wall, cpu) = (cost.wall - base.wall, cost.cpu() - base.cpu());
        table.row([
            format!("{} ({})", words(*octets), loops.what),
            messages.to_string(),
            format!("{:.2}", cost.wall),
            format!("{:.2}", cost.cpu()),
            format!("{:.0}", cost.memory as f64 / f64::from(1 << 20)),
            format!("{:.1}", 1e6 * wall / messages),
            format!("**{:.1}**", 1e6 * cpu / messages),
            format!("**{:.2}**", 1e3 * cpu / mebibytes),
        ]);
    }
    table
}

fn words(octets: usize) -> String {
    match octets {
        0..1024 => format!("{octets} B"),
        1024..1_048_576 => format!("{} KiB", octets >> 10),
        _ => format!("{} MiB", octets >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_message_is_without_the_rest_of_the_run() {
        let cost = |wall, user| Cost { wall, user, ..Cost::default() };
        let net = Net { loops: &LOOPS[0], octets: 1024, cost: cost(2.5, 1.1), base: cost(0.5, 0.1) };
        let table = table(&[net]).to_string();
        let row = table.lines().last().unwrap().replace(' ', "");
        assert_eq!(row, "|1KiB(uncompressed)|20000|2.50|1.10|0|100.0|**50.0**|**51.20**|");
    }
}
