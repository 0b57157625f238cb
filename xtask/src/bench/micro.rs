//! `cargo xtask bench micro`: masking, UTF-8, frame headers and DEFLATE beside memcpy.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::measure::with_priority;
use super::table::Table;
use super::{Common, machine, page};
use crate::install::Kits;

/// The time of one call.
#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) name: String,
    size: usize,
    nanoseconds: f64,
}

impl Line {
    /// Octets in a nanosecond are gigaoctets in a second.
    pub(super) fn speed(&self) -> f64 {
        self.size as f64 / self.nanoseconds
    }

    fn is_copy(&self) -> bool {
        self.name.starts_with("memcpy")
    }

    fn is_of_header(&self) -> bool {
        self.name.ends_with("of a header")
    }
}

/// What a library makes of one message.
#[derive(Deserialize)]
struct Library {
    library: String,
    level: u8,
    size: usize,
    /// The size of the compressed message.
    compressed: usize,
    deflate_ns: f64,
    inflate_ns: f64,
}

/// Measures, prints, and writes the page if asked to.
pub(super) fn run(common: &Common) -> Result<()> {
    let kits = Kits::new(&common.install)?;
    kits.install_bench_peers()?;
    let lines: Vec<Line> = read(&micro(&kits, common, &[])?)?;
    let mut libraries: Vec<Library> = read(&micro(&kits, common, &["libraries"])?)?;
    libraries.extend(others(&kits, common, &libraries)?);
    let zlib = machine::locked("Cargo.lock", "zlib-rs").unwrap_or_default();
    let text = format!(
        "Measured on {} with wsspec {} and {} on {}; DEFLATE is zlib-rs {zlib}. The fastest of many short batches, all \
         in the cache as far as it reaches; DEFLATE with context takeover and the same message again and again, which \
         flatters it where messages are small.\n\n{}\n### DEFLATE libraries\n\nRaw DEFLATE of {} octets of the same \
         text on one core, each message from an empty window. Ratios: above 1 zlib-rs is better.\n\n{}",
        machine::machine(),
        machine::revision(),
        machine::compiler(),
        machine::today(),
        table(&lines),
        libraries.first().map_or(0, |library| library.size),
        library_table(&libraries, &zlib)
    );
    println!("{text}");
    if common.write_docs { page::write_block("micro", &text) } else { Ok(()) }
}

/// By size, the nanoseconds that DEFLATE of a message and its echo takes alone, with the least effort.
pub(super) fn alone(kits: &Kits, common: &Common) -> Result<Vec<(usize, f64)>> {
    let lines: Vec<Line> = read(&micro(kits, common, &["alone"])?)?;
    let mut sizes: Vec<(usize, f64)> = Vec::new();
    for line in lines {
        match sizes.iter_mut().find(|(size, _)| *size == line.size) {
            Some((_, sum)) => *sum += line.nanoseconds,
            None => sizes.push((line.size, line.nanoseconds)),
        }
    }
    Ok(sizes)
}

/// The speed of DEFLATE with what sections 12 and 13 send: of each data set, compressing and inflating.
pub(super) fn volume(kits: &Kits, common: &Common) -> Result<Vec<Line>> {
    read(&micro(kits, common, &["volume"])?)
}

/// What the program says.
fn micro(kits: &Kits, common: &Common, arguments: &[&str]) -> Result<String> {
    let mut program = Command::new(kits.bench_peers().join("release/micro"));
    program.args(arguments);
    output(&mut with_priority(&program, common.nice))
}

/// Other libraries with the text that was measured with ours.
fn others(kits: &Kits, common: &Common, ours: &[Library]) -> Result<Vec<Library>> {
    let size = ours.first().context("ours is measured first")?.size;
    let text = kits.cache().join("text");
    fs::write(&text, micro(kits, common, &["text", &size.to_string()])?)?;
    let mut program = with_priority(&kits.compression_libraries()?, common.nice);
    read(&output(program.stdin(fs::File::open(&text)?))?)
}

fn output(command: &mut Command) -> Result<String> {
    let out = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Ok(String::from_utf8(out.stdout)?)
}

fn read<T: for<'a> Deserialize<'a>>(lines: &str) -> Result<Vec<T>> {
    Ok(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Each library beside zlib-rs at the same level, or its first where it has another.
fn library_table(libraries: &[Library], version: &str) -> Table {
    let mut table = Table::new(&[
        "library",
        "level",
        "deflate: zlib-rs / this",
        "inflate: zlib-rs / this",
        "deflate, MB/s",
        "inflate, MB/s",
        "compressed to, octets",
    ]);
    let speed = |library: &Library, nanoseconds: f64| library.size as f64 * 1e3 / nanoseconds;
    for library in libraries {
        let is_ours = |other: &&Library| other.library == "zlib-rs";
        let same = |other: &&Library| is_ours(other) && (other.level == library.level);
        let ours = libraries.iter().find(same).or_else(|| libraries.iter().rfind(is_ours));
        let ratio = |of: fn(&Library) -> f64| {
            let ratio = ours.map(|ours| of(library) / of(ours));
            ratio.map_or("-".to_owned(), |ratio| format!("**{ratio:.2}**"))
        };
        let name = if is_ours(&library) { format!("zlib-rs {version}") } else { library.library.clone() };
        table.row([
            name,
            library.level.to_string(),
            ratio(|library| library.deflate_ns),
            ratio(|library| library.inflate_ns),
            format!("{:.0}", speed(library, library.deflate_ns)),
            format!("{:.0}", speed(library, library.inflate_ns)),
            library.compressed.to_string(),
        ]);
    }
    table
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

    #[test]
    fn a_library_stands_beside_ours_at_the_same_level() {
        let library = |name: &str, level, nanoseconds| Library {
            library: name.to_owned(),
            level,
            size: 1000,
            compressed: 100,
            deflate_ns: nanoseconds,
            inflate_ns: 10.0,
        };
        let all = [library("zlib-rs", 1, 100.0), library("zlib-rs", 6, 500.0), library("other 2", 6, 250.0)];
        let table = library_table(&all, "1.2").to_string();
        let row = table.lines().last().unwrap().replace(' ', "");
        assert_eq!(row, "|other2|6|**0.50**|**1.00**|4000|100000|100|");
        assert!(table.contains("zlib-rs 1.2"));
    }
}
