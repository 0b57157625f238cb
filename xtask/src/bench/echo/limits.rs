//! How much of what is possible the endpoint reaches, by the size of messages.

use anyhow::Result;

use super::Measurement;
use super::cells::size_words;
use super::figures::{CPU, Figure, MEDIAN, RATE, median};
use super::kept::Kept;
use super::servers::SERVERS;
use crate::install::Kits;

/// Rows for the table of all limits, from the cells of the last table.
pub(in crate::bench) fn rows(kits: &Kits) -> Result<Vec<[String; 5]>> {
    let kept = Kept::read(&kits.cache().join("echo-page.json"))?;
    let mut sizes: Vec<usize> = kept.measurements.iter().map(|one| one.cell.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut rows = Vec::new();
    for figure in [RATE, MEDIAN] {
        for &size in &sizes {
            let what = format!("echo of {}: {}", size_words(size), figure.title.to_lowercase());
            let cells = kept.measurements.iter().filter(|one| one.cell.size == size && !one.cell.deflate);
            let cells = cells.filter(|one| figure.is_shown(&one.cell));
            rows.extend(row(what, "raw TCP", cells.filter_map(|one| one.of_limit(figure))));
        }
    }
    for &size in &sizes {
        let what = format!("echo of {}, permessage-deflate: CPU of the server", size_words(size));
        let cells = kept.measurements.iter().filter(|one| one.cell.size == size && one.cell.deflate);
        rows.extend(row(what, "DEFLATE alone (zlib-rs)", cells.filter_map(|one| of_deflate(one, CPU))));
    }
    Ok(rows)
}

/// How much of the server's time for a message DEFLATE has.
fn of_deflate(one: &Measurement, figure: Figure) -> Option<f64> {
    Some(one.alone? / 1e3 / (figure.shown)(one.median(figure, &SERVERS[0])?))
}

fn row(what: String, limit: &str, parts: impl Iterator<Item = f64>) -> Option<[String; 5]> {
    let parts: Vec<f64> = parts.map(|part| 100.0 * part).collect();
    let middle = median(parts.iter().copied())?;
    let least = parts.iter().copied().fold(f64::INFINITY, f64::min);
    let most = parts.iter().copied().fold(0.0, f64::max);
    let cells = format!("{} cells", parts.len());
    let reached = format!("{least:.0} to {most:.0} %");
    Some([what, limit.to_owned(), cells, reached, format!("**{middle:.0} %**")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_the_middle_and_the_spread_of_its_cells() {
        let row = row("x".to_owned(), "raw TCP", [0.5, 0.9, 0.7].into_iter()).unwrap();
        assert_eq!(row, ["x", "raw TCP", "3 cells", "50 to 90 %", "**70 %**"]);
        assert!(super::row("x".to_owned(), "raw TCP", [].into_iter()).is_none());
    }
}
