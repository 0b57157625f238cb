//! Lines of pages, each kept once however often it occurs.

use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Different lines, by numbers in the order in which they came.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    places: Vec<Range<usize>>,
    numbers: HashTable<u32>,
    /// Its seed is random: peers choose what lines hold.
    hasher: DefaultHashBuilder,
}

impl Lines {
    /// The number of a line.
    pub(super) fn number(&mut self, line: &str) -> u32 {
        let Self { text, places, numbers, hasher } = self;
        let known = |number: &u32| &text[places[*number as usize].clone()];
        let hash = hasher.hash_one(line);
        match numbers.entry(hash, |number| known(number) == line, |number| hasher.hash_one(known(number))) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let number = places.len() as u32;
                entry.insert(number);
                places.push(text.len()..text.len() + line.len());
                text.push_str(line);
                number
            }
        }
    }

    /// The line with this number.
    pub(super) fn get(&self, number: u32) -> &str {
        &self.text[self.places[number as usize].clone()]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_comes_again_has_its_number() {
        let mut lines = Lines::default();
        let texts: Vec<String> =
            (0..1000).map(|n| format!("{}{n}", "-".repeat(n % 7))).chain([String::new()]).collect();
        let first: Vec<u32> = texts.iter().map(|text| lines.number(text)).collect();
        let again: Vec<u32> = texts.iter().map(|text| lines.number(text)).collect();
        assert_eq!((&first, lines.len()), (&again, texts.len()));
        assert!(first.iter().zip(&texts).all(|(number, text)| lines.get(*number) == text));
    }
}
