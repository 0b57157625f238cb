//! Every defect is caught, every case can fail, no quirk is blamed.

mod layer;
mod marks;
mod passive;

use wsspec_endpoint::quirks;
use wsspec_selftest::{blamed, cases_that_cannot_fail, survivors};

/// Up to here the cases are those of the reference suite.
const LAST_OLD_SECTION: u16 = 13;

#[test]
fn every_defect_is_caught() {
    assert_eq!(survivors(), [], "defects that no case catches: add a case, or the defect is none");
}

#[test]
fn every_case_can_fail() {
    let never: Vec<_> = cases_that_cannot_fail().iter().map(|(role, id)| format!("{id} {role:?}")).collect();
    assert_eq!(never, [""; 0], "cases that no defect makes fail: add the defect that they are there for");
}

#[test]
fn no_quirk_fails_a_case_that_is_not_the_reference_suites() {
    let blamed = blamed(quirks(), |id| id.section() > LAST_OLD_SECTION);
    let blamed: Vec<_> =
        blamed.iter().map(|(quirk, role, id)| format!("{id}: {} {role:?}", quirk.id)).collect();
    assert_eq!(blamed, [""; 0], "lawful behaviour that a case takes for a fault");
}
