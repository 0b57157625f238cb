//! Groups of cases with a name.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::{Case, CaseId, Cost, suite};

/// The version of the list of cases and of the sets: year and month of its last change. Two records with the same
/// version name the same cases and mean the same by a set.
///
/// It is raised by the first change after a release to the list of cases, to what they send or accept, or to what is in
/// a set; not with texts.
pub const CATALOG: &str = "2026.11";

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
    /// What else must hold.
    only: fn(&Case) -> bool,
}

const USUAL: &[Cost] = &[Cost::Usual];

/// The sets, in the order in which they are listed.
pub const SETS: [Set; 11] = [
    Set {
        name: "quick",
        what: "of @core one case a group and rule: a look",
        sections: 1..=10,
        without: &[9],
        costs: USUAL,
        only: is_quick,
    },
    Set {
        name: "core",
        what: "every functional rule of RFC 6455; the default",
        sections: 1..=10,
        without: &[9],
        costs: USUAL,
        only: any,
    },
    Set {
        name: "handshake",
        what: "first of all a rule of handshake or negotiation",
        sections: 14..=22,
        without: &[],
        costs: USUAL,
        only: Case::is_of_handshake,
    },
    Set {
        name: "deflate",
        what: "RFC 7692, small messages; runs too if negotiated",
        sections: 19..=22,
        without: &[],
        costs: USUAL,
        only: any,
    },
    Set {
        name: "limits",
        what: "large messages and many fragments",
        sections: 9..=9,
        without: &[],
        costs: USUAL,
        only: any,
    },
    Set {
        name: "volume",
        what: "compressed traffic in volume",
        sections: 12..=13,
        without: &[],
        costs: USUAL,
        only: any,
    },
    Set {
        name: "autobahn",
        what: "exactly the cases of the reference suite",
        sections: 1..=13,
        without: &[],
        costs: USUAL,
        only: any,
    },
    Set {
        name: "frames",
        what: "what the reference suite lacks on the level of frames",
        sections: 14..=22,
        without: &[19, 20],
        costs: USUAL,
        only: any,
    },
    Set {
        name: "slow",
        what: "cases that wait for a minute or more",
        sections: 1..=u16::MAX,
        without: &[],
        costs: &[Cost::Slow],
        only: any,
    },
    Set {
        name: "many",
        what: "cases of hundreds of connections or more",
        sections: 1..=u16::MAX,
        without: &[],
        costs: &[Cost::Many],
        only: any,
    },
    Set {
        name: "all",
        what: "everything but @many",
        sections: 1..=u16::MAX,
        without: &[],
        costs: &[Cost::Usual, Cost::Slow],
        only: any,
    },
];

impl Set {
    /// Whether the case is in the set.
    pub fn contains(&self, case: &Case) -> bool {
        let section = case.id.section();
        let cost = self.costs.contains(&case.cost);
        cost && self.sections.contains(&section) && !self.without.contains(&section) && (self.only)(case)
    }
}

fn any(_: &Case) -> bool {
    true
}

fn is_quick(case: &Case) -> bool {
    quick().contains(&case.id)
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
