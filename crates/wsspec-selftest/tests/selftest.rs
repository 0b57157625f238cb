//! Every defect is caught, every case can fail, no quirk is blamed.

use std::collections::BTreeSet;

use wsspec_endpoint::{defects, quirks};
use wsspec_selftest::{Change, Matrix};

/// Up to here the cases are those of the reference suite.
const LAST_OLD_SECTION: u16 = 13;

#[test]
fn every_defect_is_caught_and_every_case_can_fail() {
    let matrix = Matrix::play(defects());
    let survivors: Vec<_> =
        matrix.rows.iter().filter(|row| !row.is_caught()).map(|row| (row.deviation.id, row.role)).collect();
    assert_eq!(survivors, [], "defects that no case caught");

    let failed: BTreeSet<_> = matrix
        .rows
        .iter()
        .flat_map(|row| row.with(Change::Fails).map(|id| (row.role == wsspec_endpoint::Role::Server, id)))
        .collect();
    let never: Vec<_> = matrix
        .cases
        .iter()
        .filter(|(role, id, _)| !failed.contains(&(*role == wsspec_endpoint::Role::Server, *id)))
        .map(|(role, id, _)| (role, id.to_string()))
        .collect();
    assert_eq!(never, [], "cases that no defect makes fail");
}

#[test]
fn no_quirk_fails_a_case_that_is_not_the_reference_suites() {
    let matrix = Matrix::play(quirks());
    let blamed: Vec<_> = matrix
        .rows
        .iter()
        .map(|row| {
            let cases: Vec<_> = row
                .with(Change::Fails)
                .filter(|id| id.section() > LAST_OLD_SECTION)
                .map(|id| id.to_string())
                .collect();
            (row.deviation.id, row.role, cases)
        })
        .filter(|(_, _, cases)| !cases.is_empty())
        .collect();
    assert_eq!(blamed, [], "lawful behaviour that a case takes for a fault");
}
