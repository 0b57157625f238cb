//! Ids are forever: `golden/ids.txt` pins which case an id names.
#![expect(clippy::disallowed_methods, reason = "a golden file is a file")]

use std::fmt::Write;
use std::path::Path;

use wsspec_cases::sets::{CATALOG, SETS};
use wsspec_cases::suite;

const UPDATE: &str = "WSSPEC_UPDATE_GOLDEN=1 cargo test -p wsspec-cases --test golden";

#[test]
fn no_id_changes_its_meaning() {
    let mut table = String::new();
    for case in suite().cases() {
        writeln!(table, "{:<8} {:<44} {}", case.id.to_string(), case.slug, case.title).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ids.txt");
    if std::env::var_os("WSSPEC_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differing: Vec<_> =
        table.lines().filter(|line| !golden.lines().any(|known| known == *line)).collect();
    let missing: Vec<_> = golden.lines().filter(|line| !table.lines().any(|now| now == *line)).collect();
    assert!(
        table == golden,
        "The table of cases differs from tests/golden/ids.txt.\n\
         now:\n  {}\nbefore:\n  {}\n\
         An id is never given to another case and never reused, and people know cases by their slugs.\n\
         If cases were added or a title was reworded on purpose, write the file anew and look at its diff:\n  {UPDATE}",
        differing.join("\n  "),
        missing.join("\n  "),
    );
}

/// What a record means by `"set":["core"]` depends on the version of the catalogue that it names.
#[test]
fn no_set_changes_without_a_new_version_of_the_catalogue() {
    let mut table = format!("catalogue {CATALOG}\n");
    for set in SETS {
        let cases = suite().cases().iter().filter(|case| set.contains(case));
        let ids: Vec<String> = cases.map(|case| case.id.to_string()).collect();
        writeln!(table, "{} {}", set.name, ids.join(" ")).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sets.txt");
    if std::env::var_os("WSSPEC_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        table == golden,
        "The sets differ from tests/golden/sets.txt. If that version of the catalogue is released, raise \
         sets::CATALOG; then write the file anew and look at its diff:\n  {UPDATE}"
    );
}

/// `catalogue.txt` lists what was designed; an id that is no case has its reason behind it.
#[test]
fn every_id_of_the_catalogue_is_a_case_or_says_why_not() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogue.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let catalogue: Vec<(&str, &str)> =
        lines.map(|line| line.split_once("  ").unwrap_or((line, ""))).collect();
    let is_case = |id: &str| suite().get(id.parse().unwrap()).is_some();
    for &(id, why_not) in &catalogue {
        assert_eq!(is_case(id), why_not.is_empty(), "{id} {why_not}");
    }
    for case in suite().cases().iter().filter(|case| case.id.section() > 13) {
        let id = case.id.to_string();
        let listed = catalogue.iter().any(|(known, _)| *known == id);
        assert!(listed, "{id} is not in the catalogue");
    }
    let verdicts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verdicts.md");
    let verdicts = std::fs::read_to_string(verdicts).unwrap();
    for (id, _) in catalogue.iter().filter(|(_, why_not)| !why_not.is_empty()) {
        assert!(
            verdicts.contains(&format!("| {id} |")),
            "docs/verdicts.md does not say that {id} is missing"
        );
    }
}
