//! Cells that were measured before: a run of some of them fills in those of the last ones, and leaves the others.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::cells::Cell;
use super::servers::{SERVERS, Server};
use super::{Idle, Measurement, Sample};

/// What is known of a cell, as it is kept in a file.
#[derive(Serialize, Deserialize)]
struct KeptCell {
    cell: Cell,
    /// How it was measured: with which wsspec, and how often for how long.
    how: String,
    samples: Vec<(String, Vec<Sample>)>,
    failures: Vec<String>,
    /// Nanoseconds that DEFLATE of a message and its echo takes alone.
    #[serde(default)]
    alone: Option<f64>,
}

/// All that is kept.
#[derive(Default, Serialize, Deserialize)]
struct KeptRun {
    cells: Vec<KeptCell>,
    /// Octets of an idle connection, by server.
    idle: Vec<(String, u64)>,
}

/// What was measured, of one run or put together from several.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) measurements: Vec<Measurement>,
    pub(super) idle: Vec<Idle>,
}

impl Kept {
    /// What was written down, nothing if there is no such file. Servers that are not known any more are left out.
    pub(super) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(path)?;
        let kept: KeptRun = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; remove it", path.display()))?;
        let measurement = |KeptCell { cell, how, samples, failures, alone }| {
            let samples = samples.into_iter().filter_map(with_server).collect();
            Measurement { cell, how, samples, failures, alone }
        };
        Ok(Self {
            measurements: kept.cells.into_iter().map(measurement).collect(),
            idle: kept.idle.into_iter().filter_map(with_server).collect(),
        })
    }

    /// Puts what was measured now in the place of what was measured before.
    pub(super) fn update(&mut self, measurements: &[Measurement], idle: &[Idle]) {
        for new in measurements {
            match self.measurements.iter_mut().find(|old| old.cell == new.cell) {
                Some(_) if new.is_none() => {}
                Some(old) => *old = new.clone(),
                None => self.measurements.push(new.clone()),
            }
        }
        self.measurements.sort_by_key(|measurement| measurement.cell.place());
        if !idle.is_empty() {
            self.idle = idle.to_vec();
        }
    }

    /// Writes down what was measured.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let cell = |Measurement { cell, how, samples, failures, alone }: &Measurement| KeptCell {
            cell: *cell,
            how: how.clone(),
            samples: samples.iter().map(|(server, all)| (server.name.to_owned(), all.clone())).collect(),
            failures: failures.clone(),
            alone: *alone,
        };
        let measured = self.measurements.iter().filter(|measurement| !measurement.is_none());
        let idle = self.idle.iter().map(|(server, octets)| (server.name.to_owned(), *octets));
        let kept = KeptRun { cells: measured.map(cell).collect(), idle: idle.collect() };
        fs::write(path, serde_json::to_string(&kept)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn with_server<T>((name, value): (String, T)) -> Option<(&'static Server, T)> {
    Some((SERVERS.iter().find(|server| server.name == name)?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Cell = Cell { size: 16, connections: 64, window: 1, deflate: true };

    fn measured(cell: Cell, how: &str) -> Measurement {
        let (p50, p99) = (Some(1.5), None);
        let sample = Sample { replies: 7, octets: 8, seconds: 0.5, p50, p99, own_cpu: 0.25, server_cpu: 0.5 };
        Measurement {
            how: how.to_owned(),
            samples: vec![(&SERVERS[0], vec![sample; 2])],
            failures: vec!["yawc fails".to_owned()],
            alone: Some(9.5),
            ..Measurement::none(cell)
        }
    }

    #[test]
    fn cells_come_back_as_they_were_and_those_not_measured_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.json");
        assert!(Kept::read(&path).unwrap().measurements.is_empty());
        let mut kept = Kept::default();
        let missing = Measurement::none(Cell { size: 1024, ..CELL });
        kept.update(&[measured(CELL, "abc"), missing], &[(&SERVERS[1], 70)]);
        kept.write(&path).unwrap();
        let kept = Kept::read(&path).unwrap();
        let [cell] = &kept.measurements[..] else { panic!("one cell was measured") };
        assert_eq!((cell.cell, &cell.how[..], &cell.failures[0][..]), (CELL, "abc", "yawc fails"));
        assert_eq!(cell.alone, Some(9.5));
        let [(server, samples)] = &cell.samples[..] else { panic!("one server") };
        assert!(server.is_ours() && samples.len() == 2 && samples[1].p50 == Some(1.5));
        assert!(matches!(kept.idle[..], [(server, 70)] if server.name == SERVERS[1].name));
        fs::write(&path, "[").unwrap();
        assert!(Kept::read(&path).is_err());
    }

    #[test]
    fn a_run_of_some_cells_leaves_the_others() {
        let cells = [1, 64, 1000].map(|connections| Cell { connections, ..CELL });
        let mut kept = Kept::default();
        kept.update(&[measured(cells[2], "old"), measured(cells[0], "old")], &[(&SERVERS[1], 70)]);
        kept.update(
            &[Measurement::none(cells[2]), measured(cells[1], "new"), measured(cells[0], "new")],
            &[],
        );
        let all: Vec<_> = kept.measurements.iter().map(|one| (one.cell, &one.how[..])).collect();
        assert_eq!(all, [(cells[0], "new"), (cells[1], "new"), (cells[2], "old")]);
        assert_eq!(kept.idle.len(), 1);
    }
}
