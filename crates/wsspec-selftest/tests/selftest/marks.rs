//! Who reads a verdict has to see in the log what it is about.

use wsspec_selftest::misplaced;

#[test]
fn every_failed_check_points_at_what_shows_it() {
    let (failed, misplaced) = misplaced();
    assert!(failed > 50_000, "only {failed} checks failed");
    assert_eq!(misplaced, [], "{} of {failed}", misplaced.len());
}
