//! What the wall and processor time of a run of the suite could be at best, from figures of the same run.

use std::fmt::Write as _;

use super::micro::Line;
use super::suite::{Pair, SUM};
use super::table::Table;

/// Octets of the messages in one group of section 12 or 13: a thousand of each size, ten sizes whole and eight times in
/// fragments.
const GROUP: f64 = 1000.0 * (WHOLE + 8_192.0 + 16_384.0 + 32_768.0 + 65_536.0 + 4.0 * 131_072.0);
/// The ten sizes; messages of a size are compressed once for all cases that send the same.
const WHOLE: f64 =
    16.0 + 64.0 + 256.0 + 1_024.0 + 4_096.0 + 8_192.0 + 16_384.0 + 32_768.0 + 65_536.0 + 131_072.0;
/// Section 12 has one group with each data set, section 13 seven more with JSON.
const GROUPS_OF_JSON: f64 = 8.0;

/// Of each set the least wall time: that of its longest case, that of both programs' work on all cores, and that of
/// the server's busiest thread.
pub(super) fn table(pairs: &[Pair]) -> Table {
    let mut table = Table::new(&[
        "cases",
        "longest case, s",
        "CPU of tester and server / cores, s",
        "busiest thread of the server, s",
        "wall of wsspec, s",
        "greatest of the three / wall",
    ]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    for Pair { set, wsspec, .. } in pairs.iter().filter(|pair| pair.set != SUM) {
        let both = (wsspec.tester.cpu() + wsspec.server.cpu()) / cores;
        let bounds = [wsspec.longest, both, wsspec.server_thread];
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

/// What DEFLATE alone takes of the processor time for the volume, where both sides are wsspec. `lines` are the speeds
/// of compressing and inflating each data set.
pub(super) fn deflate(lines: &[Line], volume: &Pair) -> String {
    let groups = |line: &Line| if line.name.ends_with("JSON") { GROUPS_OF_JSON } else { 1.0 };
    let seconds = |what: &str, octets: &dyn Fn(&Line) -> f64| -> f64 {
        let lines = lines.iter().filter(|line| line.name.starts_with(what));
        lines.map(|line| octets(line) / line.speed() / 1e9).sum()
    };
    let all = |line: &Line| groups(line) * GROUP;
    let inflating = seconds("inflate", &all);
    let tester = inflating + seconds("deflate", &|_| 1000.0 * WHOLE);
    let server = inflating + seconds("deflate", &all);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let (used, wall) = (&volume.wsspec, volume.wsspec.tester.wall);
    let mut text = String::from(
        "The volume, if DEFLATE were all that is done (zlib-rs on one core, measured right after these runs; the tester \
         inflates all 10.9 GB and compresses 1.3 GB, what the same cases share counting once; the server inflates and \
         compresses all):\n\n",
    );
    let mut table = Table::new(&["", "DEFLATE alone, s", "measured, s", "of it DEFLATE"]);
    for (what, floor, measured) in [
        ("CPU of the tester", tester, used.tester.cpu()),
        ("CPU of the server", server, used.server.cpu()),
        ("wall, if that kept all cores busy", (tester + server) / cores, wall),
    ] {
        table.row([
            what.to_owned(),
            format!("{floor:.1}"),
            format!("{measured:.1}"),
            percent(floor, measured),
        ]);
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "{table}");
    text
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
