use wsspec_cases::suite;

use super::*;

fn choice(cases: &[&str], exclude: &[&str]) -> Choice {
    let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    Choice { cases: owned(cases), exclude_cases: owned(exclude), exclude_agent_cases: Vec::new() }
}

fn ids(cases: &[&str], exclude: &[&str]) -> Vec<String> {
    let selected =
        select(&choice(cases, exclude), suite().cases()).unwrap_or_else(|problem| panic!("{problem}"));
    selected.cases.iter().map(|case| case.id.to_string()).collect()
}

fn refused(cases: &[&str], exclude: &[&str]) -> Problem {
    select(&choice(cases, exclude), suite().cases()).expect_err("no selection")
}

#[test]
fn a_star_alone_means_the_reference_suite_in_numeric_order() {
    let all = ids(&["*"], &[]);
    assert_eq!(all.len(), 517);
    assert_eq!((all[0].as_str(), all[427].as_str(), all[516].as_str()), ("1.1.1", "13.3.1", "13.7.18"));
    let at = |id: &str| all.iter().position(|other| other == id);
    assert_eq!(at("2.10"), at("2.9").map(|at| at + 1));
}

#[test]
fn a_pattern_is_anchored_at_the_beginning_only() {
    assert!(!ids(&["1.*"], &[]).contains(&"10.1.1".to_owned()));
    assert_eq!(ids(&["1.1*"], &[]), ids(&["1.1.*"], &[]));
    assert_eq!(ids(&["12.*.1"], &[]).len(), 5 * 10, "12.N.1 and 12.N.10 to 12.N.18");
    assert_eq!(ids(&["1[23].*"], &[]).len(), 216);
    assert_eq!(ids(&["2.1*"], &[]), ["2.1", "2.10", "2.11"]);
}

#[test]
fn an_entry_without_a_star_is_an_id() {
    assert_eq!(ids(&["2.10", "1.1.1", "2.10"], &[]), ["1.1.1", "2.10"]);
    let problem = refused(&["7.1.22"], &[]);
    assert_eq!(problem.code, ErrorCode::E17);
    assert!(problem.to_string().contains("did you mean"), "{problem}");
    assert_eq!(refused(&["9.1"], &[]).code, ErrorCode::E17);
}

#[test]
fn exclusions_that_name_nothing_do_no_harm() {
    assert_eq!(ids(&["2.1*"], &["", "8.*", "11.*", "99.1.1", "2"]), ["2.1", "2.10", "2.11"]);
    let selected = select(&choice(&["*"], &["", "9", "99.1.1"]), suite().cases()).unwrap();
    assert_eq!(selected.cases.len(), 517);
    insta::assert_snapshot!(selected.warnings.join("\n"), @r#"
    exclude-cases: "9" is no case and excludes nothing: write "9.*" for all of it
    exclude-cases: "99.1.1" is no case and excludes nothing
    "#);
}

#[test]
fn patterns_that_match_nothing_are_an_error_only_together() {
    let problem = refused(&["99.*"], &[]);
    assert_eq!(problem.code, ErrorCode::E17);
    insta::assert_snapshot!(problem, @r#"
    error[E17]: no case matches "99.*"
      known    sections 1 2 3 4 5 6 7 9 10 12 13
      try      wsspec list
    "#);
    let selected = select(&choice(&["1.1.1", "8.*", "1*"], &[]), suite().cases()).unwrap();
    insta::assert_snapshot!(selected.warnings.join("\n"), @r#"
    "1*" also matches 10.*: write "1.*" for section 1 alone
    cases: "8.*" matches no case
    "#);
}

#[test]
fn nothing_left_is_an_error_of_its_own() {
    assert_eq!(refused(&[], &[]).code, ErrorCode::E29);
    assert_eq!(refused(&["1.*"], &["*"]).code, ErrorCode::E29);
}

#[test]
fn a_pattern_that_cannot_be_read_is_named() {
    let problem = refused(&["1.(*"], &[]);
    assert_eq!(problem.code, ErrorCode::E17);
    assert!(problem.to_string().contains("1.(*"), "{problem}");
}

#[test]
fn agents_are_matched_whole() {
    let entries = [("A*", vec!["1.*", "2.1"]), ("B", vec!["*.1"]), ("x|y", vec!["1.1.1"])];
    let entries: Vec<(String, Vec<String>)> = entries
        .iter()
        .map(|(name, ids)| (name.to_string(), ids.iter().map(ToString::to_string).collect()))
        .collect();
    let exclusions = AgentExclusions::new(&entries).unwrap();
    let excludes = |agent: &str, id: &str| exclusions.excludes(agent, id.parse().unwrap());
    assert!(excludes("A", "1.1.1") && excludes("Ab", "1.2.8") && excludes("Ab", "2.1"));
    assert!(!excludes("Ab", "2.10"), "ids are matched to the end");
    assert!(excludes("B", "1.1.1") && !excludes("Bb", "1.1.1") && !excludes("B", "1.1.2"));
    assert!(excludes("y", "1.1.1"));
}
