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
    /// So many messages in each case of sections 12 and 13, instead of a thousand.
    pub(crate) messages: Option<u32>,
}

impl CaseSet {
    fn new(name: &str, patterns: &[&str], minutes: u64) -> Self {
        Self {
            name: name.to_owned(),
            patterns: patterns.iter().map(|&pattern| pattern.to_owned()).collect(),
            time_limit: Duration::from_secs(60 * minutes),
            messages: None,
        }
    }

    /// A set of these cases alone, for a repetition.
    pub(crate) fn only(&self, ids: impl Iterator<Item = String>) -> Self {
        Self { name: format!("{}-again", self.name), patterns: ids.collect(), ..*self }
    }

    /// The same with so many messages in each case of sections 12 and 13.
    fn with_messages(self, messages: Option<u32>) -> Self {
        let name = match messages {
            Some(messages) => format!("{}-{messages}", self.name),
            None => self.name,
        };
        Self { name, messages, ..self }
    }
}

/// The sets to run: `patterns` as one set if there are any, else one set for each of `sections`. `messages` cuts
/// the volume of sections 12 and 13.
pub(crate) fn selected(
    sections: &[SectionChoice],
    patterns: &[String],
    messages: Option<u32>,
) -> Vec<CaseSet> {
    if !patterns.is_empty() {
        let name = patterns.join("_").replace('*', "x");
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        return vec![CaseSet::new(&name, &patterns, 120).with_messages(messages)];
    }
    let functional = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];
    let sets = [
        (SectionChoice::Functional, CaseSet::new("functional", &functional, 20)),
        (SectionChoice::Limits, CaseSet::new("limits", &["9.*"], 30)),
        (SectionChoice::Volume, CaseSet::new("volume", &["12.*", "13.*"], 120).with_messages(messages)),
    ];
    let all = sections.contains(&SectionChoice::All);
    let chosen = sets.into_iter().filter(|(section, _)| all || sections.contains(section));
    chosen.map(|(_, set)| set).collect()
}

/// The cases of all `sets` as one.
pub(crate) fn union(name: &str, sets: &[CaseSet]) -> CaseSet {
    let all = CaseSet {
        name: name.to_owned(),
        patterns: sets.iter().flat_map(|set| set.patterns.clone()).collect(),
        messages: None,
        time_limit: sets.iter().map(|set| set.time_limit).sum(),
    };
    all.with_messages(sets.iter().find_map(|set| set.messages))
}

/// One case for each way in which sections 12 and 13 negotiate permessage-deflate.
pub(crate) fn deflate_parameters() -> CaseSet {
    let cases = ["12.1.1", "13.1.1", "13.2.1", "13.3.1", "13.4.1", "13.5.1", "13.6.1", "13.7.1"];
    CaseSet::new("parameters", &cases, 20)
}
