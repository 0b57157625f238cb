//! Groups of cases with a name.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::{Case, CaseId, Cost, suite};

/// A group of cases with a name.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its name, behind the `@`.
    pub name: &'static str,
    /// What is in it.
    pub what: &'static str,
    sections: std::ops::RangeInclusive<u16>,
    without: &'static [u16],
    costs: &'static [Cost],
}

const USUAL: &[Cost] = &[Cost::Usual];

/// The sets, in the order in which they are listed.
pub const SETS: [Set; 10] = [
    Set {
        name: "quick",
        what: "of @core one case a group and rule: a look",
        sections: 1..=10,
        without: &[9],
        costs: USUAL,
    },
    Set {
        name: "core",
        what: "every functional rule; the default",
        sections: 1..=10,
        without: &[9],
        costs: USUAL,
    },
    Set {
        name: "deflate",
        what: "permessage-deflate: what its frames and windows mean",
        sections: 19..=22,
        without: &[],
        costs: USUAL,
    },
    Set {
        name: "limits",
        what: "large messages, many fragments",
        sections: 9..=9,
        without: &[],
        costs: USUAL,
    },
    Set {
        name: "volume",
        what: "compressed traffic in volume",
        sections: 12..=13,
        without: &[],
        costs: USUAL,
    },
    Set {
        name: "autobahn",
        what: "exactly the cases of the reference suite",
        sections: 1..=13,
        without: &[],
        costs: USUAL,
    },
    Set {
        name: "frames",
        what: "what the reference suite lacks on the level of frames",
        sections: 14..=22,
        without: &[19, 20],
        costs: USUAL,
    },
    Set {
        name: "slow",
        what: "cases that wait for a minute or more",
        sections: 1..=u16::MAX,
        without: &[],
        costs: &[Cost::Slow],
    },
    Set {
        name: "many",
        what: "cases of hundreds of connections or more",
        sections: 1..=u16::MAX,
        without: &[],
        costs: &[Cost::Many],
    },
    Set {
        name: "all",
        what: "everything but @many",
        sections: 1..=u16::MAX,
        without: &[],
        costs: &[Cost::Usual, Cost::Slow],
    },
];

impl Set {
    /// Whether the case is in the set.
    pub fn contains(&self, case: &Case) -> bool {
        let section = case.id.section();
        let cost = self.costs.contains(&case.cost);
        let is_inside = cost && self.sections.contains(&section) && !self.without.contains(&section);
        is_inside && (self.name != "quick" || quick().contains(&case.id))
    }
}

/// The first case of each group for each rule.
fn quick() -> &'static BTreeSet<CaseId> {
    static QUICK: OnceLock<BTreeSet<CaseId>> = OnceLock::new();
    QUICK.get_or_init(|| {
        let mut seen = BTreeSet::new();
        let is_first = |case: &&Case| {
            let numbers = case.id.numbers();
            let group = numbers[..numbers.len() - 1].to_vec();
            let rule = case.rules.first().map(|rule| (rule.rfc.number(), rule.section));
            seen.insert((group, rule, case.expectation.clone()))
        };
        suite().cases().iter().filter(is_first).map(|case| case.id).collect()
    })
}
