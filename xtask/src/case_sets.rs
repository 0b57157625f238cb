//! The cases of one run: they share a time limit and a place in the cache.

use std::time::Duration;

use clap::ValueEnum;

/// A choice on the command line.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum SectionChoice {
    Functional,
    Limits,
    Volume,
    All,
}

/// A selection of the reference's cases.
pub(crate) struct CaseSet {
    /// Name in tables and in the cache.
    pub(crate) name: String,
    /// Case ids, or prefixes that end in a star; both suites read them alike.
    pub(crate) patterns: Vec<String>,
    /// The longest that one run of it may take.
    pub(crate) time_limit: Duration,
}

impl CaseSet {
    fn new(name: &str, patterns: &[&str], minutes: u64) -> Self {
        Self {
            name: name.to_owned(),
            patterns: patterns.iter().map(|&pattern| pattern.to_owned()).collect(),
            time_limit: Duration::from_secs(60 * minutes),
        }
    }

    fn section(choice: SectionChoice) -> Self {
        match choice {
            SectionChoice::Functional => {
                Self::new("functional", &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"], 20)
            }
            SectionChoice::Limits => Self::new("limits", &["9.*"], 30),
            SectionChoice::Volume => Self::new("volume", &["12.*", "13.*"], 120),
            SectionChoice::All => Self::new("all", &["*"], 180),
        }
    }
}

/// The sets to run: `patterns` as one set if there are any, else one set for each of `sections`.
pub(crate) fn selected(sections: &[SectionChoice], patterns: &[String]) -> Vec<CaseSet> {
    if !patterns.is_empty() {
        let name = patterns.join("_").replace('*', "x");
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        return vec![CaseSet::new(&name, &patterns, 120)];
    }
    let all = sections.contains(&SectionChoice::All);
    [SectionChoice::Functional, SectionChoice::Limits, SectionChoice::Volume]
        .into_iter()
        .filter(|section| all || sections.contains(section))
        .map(CaseSet::section)
        .collect()
}
