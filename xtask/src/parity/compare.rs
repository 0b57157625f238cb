//! Verdicts, and how those of the two suites compare.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A case id that sorts by its numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CaseId(Vec<u32>);

impl FromStr for CaseId {
    type Err = anyhow::Error;

    fn from_str(id: &str) -> Result<Self> {
        let numbers: Result<_, _> = id.split('.').map(str::parse).collect();
        Ok(Self(numbers.with_context(|| format!("{id} is no case id"))?))
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// What is compared of one case.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    behavior: String,
    behavior_close: String,
    remote_close_code: Option<u64>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {} / ", self.behavior, self.behavior_close)?;
        match self.remote_close_code {
            Some(code) => write!(f, "{code}"),
            None => f.write_str("no code"),
        }
    }
}

impl Verdict {
    /// Whether nothing is wrong with it.
    fn is_pass(&self) -> bool {
        [&self.behavior, &self.behavior_close]
            .iter()
            .all(|word| matches!(word.as_str(), "OK" | "INFORMATIONAL"))
    }
}

/// The verdicts of one run.
pub(crate) type Verdicts = BTreeMap<CaseId, Verdict>;

/// Reads the verdicts of `agent` from an index.json, which both suites write alike.
pub(crate) fn read_index(path: &Path, agent: &str) -> Result<Verdicts> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let index: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    let Some(cases) = index.get(agent).and_then(Value::as_object) else {
        bail!("{} has nothing on the agent {agent}", path.display());
    };
    cases.iter().map(|(id, case)| Ok((id.parse()?, verdict(case)?))).collect()
}

fn verdict(case: &Value) -> Result<Verdict> {
    let text = |key: &str| {
        let value = case.get(key).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("a case without {key}"))
    };
    Ok(Verdict {
        behavior: text("behavior")?,
        behavior_close: text("behaviorClose")?,
        remote_close_code: case.get("remoteCloseCode").and_then(Value::as_u64),
    })
}

/// A case that the suites do not agree on, or one of them not with itself.
pub(crate) struct Deviation {
    /// The case.
    pub(crate) id: CaseId,
    /// The verdict in each run of the reference; `None` where the case is missing.
    pub(crate) reference: Vec<Option<Verdict>>,
    /// The same of wsspec.
    pub(crate) product: Vec<Option<Verdict>>,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reference, product) = (in_turn(&self.reference), in_turn(&self.product));
        write!(f, "{}: reference {reference}; wsspec {product}", self.id)
    }
}

/// The verdicts of several runs, those that repeat the one before left out.
fn in_turn(verdicts: &[Option<Verdict>]) -> String {
    let show = |verdict: &Option<Verdict>| verdict.as_ref().map_or("missing".to_owned(), Verdict::to_string);
    let mut all: Vec<String> = verdicts.iter().map(show).collect();
    all.dedup();
    all.join(", then ")
}

/// Case by case, wsspec beside the reference.
#[derive(Default)]
pub(crate) struct Comparison {
    /// How many cases have the same verdict everywhere.
    pub(crate) same: usize,
    /// How many of these are a pass: OK or INFORMATIONAL, and the close as well.
    pub(crate) passed: usize,
    /// Cases on which the runs of one suite differ: races inside the peer.
    pub(crate) races: Vec<Deviation>,
    /// Everything else.
    pub(crate) differences: Vec<Deviation>,
}

impl Comparison {
    /// Compares the runs of wsspec with those of the reference: there is at least one of each.
    pub(crate) fn new(reference: &[Verdicts], product: &[Verdicts]) -> Self {
        let mut ids: Vec<&CaseId> = reference.iter().chain(product).flat_map(BTreeMap::keys).collect();
        ids.sort();
        ids.dedup();
        let mut comparison = Self::default();
        for id in ids {
            let of = |runs: &[Verdicts]| runs.iter().map(|run| run.get(id).cloned()).collect::<Vec<_>>();
            let (theirs, ours) = (of(reference), of(product));
            let flips = |runs: &[Option<Verdict>]| runs.iter().any(|run| *run != runs[0]);
            let race = flips(&theirs) || flips(&ours);
            if !race && ours[0] == theirs[0] {
                comparison.same += 1;
                comparison.passed += usize::from(ours[0].as_ref().is_some_and(Verdict::is_pass));
                continue;
            }
            let deviation = Deviation { id: id.clone(), reference: theirs, product: ours };
            if race { &mut comparison.races } else { &mut comparison.differences }.push(deviation);
        }
        comparison
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for race in &self.races {
            writeln!(f, "  race       {race}")?;
        }
        for difference in &self.differences {
            writeln!(f, "  DIFFERENCE {difference}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(cases: &[(&str, &str, Option<u64>)]) -> Verdicts {
        let verdict = |behavior: &str, code| Verdict {
            behavior: behavior.to_owned(),
            behavior_close: "OK".to_owned(),
            remote_close_code: code,
        };
        let entry = |&(id, behavior, code): &(&str, &str, _)| (id.parse().unwrap(), verdict(behavior, code));
        cases.iter().map(entry).collect()
    }

    #[test]
    fn a_flip_of_the_reference_is_a_race_and_anything_else_a_difference() {
        let first = verdicts(&[("1.1.1", "OK", Some(1000)), ("2.10", "OK", None), ("3.2", "OK", None)]);
        let second =
            verdicts(&[("1.1.1", "OK", Some(1000)), ("2.10", "OK", None), ("3.2", "NON-STRICT", None)]);
        let product =
            verdicts(&[("1.1.1", "OK", Some(1000)), ("2.10", "OK", Some(1002)), ("3.2", "OK", None)]);
        let comparison = Comparison::new(&[first, second], &[product]);
        assert_eq!((comparison.same, comparison.passed), (1, 1));
        assert_eq!(comparison.races.len(), 1);
        assert_eq!(comparison.races[0].id.to_string(), "3.2");
        let difference = comparison.differences[0].to_string();
        assert_eq!(difference, "2.10: reference OK / OK / no code; wsspec OK / OK / 1002");
    }

    #[test]
    fn a_flip_of_wsspec_is_told_as_a_race_with_all_its_verdicts() {
        let ok = verdicts(&[("3.2", "OK", None)]);
        let other = verdicts(&[("3.2", "NON-STRICT", None)]);
        let comparison = Comparison::new(&[ok.clone(), ok.clone()], &[other, ok]);
        let race = comparison.races[0].to_string();
        assert_eq!(
            race,
            "3.2: reference OK / OK / no code; wsspec NON-STRICT / OK / no code, then OK / OK / no code"
        );
    }

    #[test]
    fn a_missing_case_is_a_difference() {
        let both = verdicts(&[("9.1.1", "OK", None)]);
        let nothing = Verdicts::new();
        let nothing = [nothing];
        let both = [both];
        assert_eq!(Comparison::new(&both, &nothing).differences.len(), 1);
        assert_eq!(Comparison::new(&nothing, &both).differences.len(), 1);
    }

    #[test]
    fn ids_sort_by_number() {
        let two: CaseId = "9.2.1".parse().unwrap();
        assert!(two < "10.1.1".parse().unwrap());
    }
}
