//! Every defect is caught, every case can fail, no quirk is blamed.

use wsspec_cases::{CaseId, suite};
use wsspec_endpoint::{Role, defects, quirks};
use wsspec_selftest::{Change, Matrix, only_tells};

/// Up to here the cases are those of the reference suite.
const LAST_OLD_SECTION: u16 = 13;

#[test]
fn every_defect_is_caught_and_every_case_can_fail() {
    let matrix = Matrix::play(defects());
    let survivors: Vec<_> =
        matrix.rows.iter().filter(|row| !row.is_caught()).map(|row| (row.deviation.id, row.role)).collect();
    assert_eq!(survivors, [], "defects that no case caught");

    let never: Vec<_> = matrix
        .cases
        .iter()
        .filter(|(role, id, _)| !can_fail(&matrix, *role, *id))
        .map(|(role, id, _)| (role, id.to_string()))
        .collect();
    assert_eq!(never, [], "cases that no defect makes fail");
}

/// Whether a defect makes the case fail, or tell something if it can do no more.
fn can_fail(matrix: &Matrix, role: Role, id: CaseId) -> bool {
    let least = if suite().get(id).is_some_and(only_tells) { Change::Told } else { Change::Fails };
    matrix
        .rows
        .iter()
        .any(|row| row.role == role && row.changes.get(&id).is_some_and(|change| *change >= least))
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
