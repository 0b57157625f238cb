//! What a case is about, in one word: for filters.

use crate::{Case, Conduct, Cost, Play};

/// The sections that a word stands for.
const SECTIONS: [(&str, &[u16]); 12] = [
    ("framing", &[1, 14, 15, 16]),
    ("ping", &[2]),
    ("reserved", &[3, 4, 16]),
    ("opcode", &[4, 16]),
    ("fragmentation", &[5, 10, 17]),
    ("utf8", &[6, 17]),
    ("close", &[7, 18]),
    ("limits", &[9]),
    ("deflate", &[12, 13, 19, 20, 21, 22]),
    ("volume", &[12, 13]),
    ("masking", &[14]),
    ("length", &[15]),
];

type Manner = fn(&Case) -> bool;

/// Words for what is special about how a case runs.
const MANNERS: [(&str, Manner); 6] = [
    ("timed", |case| case.measures.time),
    ("passive", |case| matches!(case.play, Play::Passive(_))),
    ("informational", |case| case.informational.is_some()),
    ("slow", |case| case.cost == Cost::Slow),
    ("many", |case| case.cost == Cost::Many),
    ("commands", |case| Conduct { commands: true, ..case.conduct } == case.conduct),
];

/// All words.
pub fn all() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().map(|(word, _)| *word).chain(MANNERS.iter().map(|(word, _)| *word))
}

/// Whether the word says something about the case.
pub fn fits(word: &str, case: &Case) -> bool {
    let sections = SECTIONS.iter().filter(|(known, _)| *known == word);
    let manners = MANNERS.iter().filter(|(known, _)| *known == word);
    sections.into_iter().any(|(_, sections)| sections.contains(&case.id.section()))
        || manners.into_iter().any(|(_, fits)| fits(case))
}
