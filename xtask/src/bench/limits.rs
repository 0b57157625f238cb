//! `cargo xtask bench limits`: what a figure could be at best, beside what it is, from figures that were measured
//! together.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::micro::Line;
use super::suite::{self, Figures, Pair, SUM};
use super::table::Table;
use super::{Common, echo, machine, micro, page};
use crate::install::Kits;

/// Octets of the messages in one group of section 12 or 13: a thousand of each size, ten sizes whole and eight times in
/// fragments.
const GROUP: f64 = 1000.0 * (WHOLE + 8_192.0 + 16_384.0 + 32_768.0 + 65_536.0 + 4.0 * 131_072.0);
/// The ten sizes; messages of a size are compressed once for all cases that send the same.
const WHOLE: f64 =
    16.0 + 64.0 + 256.0 + 1_024.0 + 4_096.0 + 8_192.0 + 16_384.0 + 32_768.0 + 65_536.0 + 131_072.0;
/// Section 12 has one group with each data set, section 13 seven more with JSON.
const GROUPS_OF_JSON: f64 = 8.0;

/// What bounds the wall time of a run, and how much that is at least, in seconds.
fn bounds(wsspec: &Figures) -> [(&'static str, f64); 3] {
    [
        ("longest case", wsspec.longest),
        ("CPU of tester and server / cores", (wsspec.tester.cpu() + wsspec.server.cpu()) / cores()),
        ("busiest thread of the server", wsspec.server_thread),
    ]
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}

/// Of each set the least wall time.
pub(super) fn table(pairs: &[Pair]) -> Table {
    let mut table = Table::new(&[
        "cases",
        "longest case, s",
        "CPU of tester and server / cores, s",
        "busiest thread of the server, s",
        "wall of wsspec, s",
        "greatest of the three / wall",
    ]);
    for Pair { set, wsspec, .. } in pairs.iter().filter(|pair| pair.set != SUM) {
        let bounds = bounds(wsspec).map(|(_, seconds)| seconds);
        let least = bounds.into_iter().fold(0.0, f64::max);
        let told = bounds.map(|bound| format!("{bound:.2}")).into_iter();
        let last = [format!("{:.2}", wsspec.tester.wall), percent(least, wsspec.tester.wall)];
        table.row([set.clone()].into_iter().chain(told).chain(last));
    }
    table
}

fn percent(part: f64, whole: f64) -> String {
    format!("**{:.0} %**", 100.0 * part / whole)
}

/// Seconds that DEFLATE of the whole volume takes alone: what the tester does, and what the server does.
fn alone(lines: &[Line]) -> (f64, f64) {
    let groups = |line: &Line| if line.name.ends_with("JSON") { GROUPS_OF_JSON } else { 1.0 };
    let seconds = |what: &str, octets: &dyn Fn(&Line) -> f64| -> f64 {
        let lines = lines.iter().filter(|line| line.name.starts_with(what));
        lines.map(|line| octets(line) / line.speed() / 1e9).sum()
    };
    let all = |line: &Line| groups(line) * GROUP;
    let inflating = seconds("inflate", &all);
    (inflating + seconds("deflate", &|_| 1000.0 * WHOLE), inflating + seconds("deflate", &all))
}

/// What DEFLATE alone takes of the time for the volume, where both sides are wsspec. `lines` are the speeds of
/// compressing and inflating each data set.
pub(super) fn deflate(lines: &[Line], volume: &Figures) -> String {
    let (tester, server) = alone(lines);
    let mut text = String::from(
        "The volume, if DEFLATE were all that is done (zlib-rs on one core, measured right after these runs; the tester \
         inflates all 10.9 GB and compresses 1.3 GB, what the same cases share counting once; the server inflates and \
         compresses all):\n\n",
    );
    let mut table = Table::new(&["", "DEFLATE alone, s", "measured, s", "of it DEFLATE"]);
    for (what, floor, measured) in [
        ("CPU of the tester", tester, volume.tester.cpu()),
        ("CPU of the server", server, volume.server.cpu()),
        ("wall, if that kept all cores busy", (tester + server) / cores(), volume.tester.wall),
    ] {
        let told = [format!("{floor:.1}"), format!("{measured:.1}"), percent(floor, measured)];
        table.row([what.to_owned()].into_iter().chain(told));
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "{table}");
    text
}

/// Puts together what the last `suite` and `echo` have kept in the cache, prints, and writes the page if asked to.
pub(super) fn run(common: &Common) -> Result<()> {
    let kits = Kits::new(&common.install)?;
    kits.install_bench_peers()?;
    let mut table = Table::new(&["figure", "limit", "at the limit", "reached", "of the limit"]);
    let mut rows = Vec::new();
    for (server, set, figures) in suite::kept(&kits)? {
        let least = bounds(&figures).into_iter().max_by(|one, other| one.1.total_cmp(&other.1));
        let wall = figures.tester.wall;
        rows.extend(least.map(|(limit, least)| {
            let what = format!("{set} cases against {server}: wall");
            [what, limit.to_owned(), format!("{least:.2} s"), format!("{wall:.2} s"), percent(least, wall)]
        }));
        if (server, set) == ("endpoint", "volume") {
            let (tester, _) = alone(&micro::volume(&kits, common)?);
            let measured = figures.tester.cpu();
            let what = format!("{set} cases against {server}: CPU of the tester");
            let told = [format!("{tester:.1} s"), format!("{measured:.1} s"), percent(tester, measured)];
            let [limit, reached, part] = told;
            rows.push([what, "DEFLATE alone (zlib-rs)".to_owned(), limit, reached, part]);
        }
    }
    rows.extend(echo::limits(&kits)?);
    ensure!(!rows.is_empty(), "there is nothing yet: run bench suite, and bench echo --write-docs, first");
    rows.into_iter().for_each(|row| table.row(row));
    let text = format!("On {}, put together on {}.\n\n{table}", machine::machine(), machine::today());
    println!("{text}");
    if common.write_docs { page::write_block("limits", &text) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_volume_is_that_of_the_cases() {
        assert_eq!(GROUP, 906_576_000.0);
        assert_eq!(((GROUPS_OF_JSON + 4.0) * GROUP / 1e8).round(), 109.0);
    }
}
