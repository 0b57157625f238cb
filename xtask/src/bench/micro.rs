//! `cargo xtask bench micro`: masking, UTF-8, frame headers and DEFLATE beside memcpy.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::measure::with_priority;
use super::table::Table;
use super::{Common, machine, page};
use crate::install::Kits;

/// The time of one call.
#[derive(Deserialize)]
struct Line {
    name: String,
    size: usize,
    nanoseconds: f64,
}

impl Line {
    /// Octets in a nanosecond are gigaoctets in a second.
    fn speed(&self) -> f64 {
        self.size as f64 / self.nanoseconds
    }

    fn is_copy(&self) -> bool {
        self.name.starts_with("memcpy")
    }

    fn is_of_header(&self) -> bool {
        self.name.ends_with("of a header")
    }
}

/// Measures, prints, and writes the page if asked to.
pub(super) fn run(common: &Common) -> Result<()> {
    let kits = Kits::new(&common.install)?;
    kits.install_bench_peers()?;
    let program = Command::new(kits.bench_peers().join("release/micro"));
    let out = with_priority(&program, common.nice).output().context("cannot start the benchmarks")?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines = String::from_utf8(out.stdout)?;
    let lines = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Line>, _>>()?;
    let text = format!(
        "Measured on {} with wsspec {} and {}. The fastest of many short batches, all in the cache \
         as far as it reaches; DEFLATE with context takeover and the same message again and again, which flatters \
         it.\n\n{}",
        machine::machine(),
        machine::revision(),
        machine::compiler(),
        table(&lines)
    );
    println!("{text}");
    if common.write_docs { page::write_block("micro", &text) } else { Ok(()) }
}

fn table(lines: &[Line]) -> Table {
    let mut table =
        Table::new(&["what", "octets", "of memcpy's speed", "GB/s", "memcpy of as many, GB/s", "ns a call"]);
    for line in lines.iter().filter(|line| !line.is_copy()) {
        let is_copy_of_this = |copy: &&Line| {
            copy.is_copy() && copy.size == line.size && copy.is_of_header() == line.is_of_header()
        };
        let copy = lines.iter().find(is_copy_of_this).map(Line::speed);
        table.row([
            line.name.clone(),
            line.size.to_string(),
            copy.map_or("-".to_owned(), |copy| format!("**{:.3}**", line.speed() / copy)),
            format!("{:.2}", line.speed()),
            copy.map_or("-".to_owned(), |copy| format!("{copy:.1}")),
            format!("{:.1}", line.nanoseconds),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_beside_the_copy_of_as_many_octets() {
        let line = |name: &str, size, nanoseconds| Line { name: name.to_owned(), size, nanoseconds };
        let lines = [line("memcpy", 16, 1.0), line("memcpy", 1024, 16.0), line("inflate", 1024, 1024.0)];
        let table = table(&lines).to_string();
        let row = table.lines().last().unwrap();
        assert_eq!(
            row,
            "| inflate |   1024 |         **0.016** | 1.00 |                    64.0 |    1024.0 |"
        );
    }
}
