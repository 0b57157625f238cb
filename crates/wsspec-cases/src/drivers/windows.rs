use std::sync::OnceLock;

use crate::data::{DataSet, Window};

/// Walks round a data set: each window begins where the one before ended, and the end is followed by the
/// beginning.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    data: DataSet,
    /// Of a text.
    characters: Option<&'static Characters>,
    /// Where the next window begins, in octets, and in characters of a text.
    at: usize,
    at_character: usize,
}

impl Windows {
    pub(super) fn over(data: DataSet) -> Self {
        Self { data, characters: Characters::of(data), at: 0, at_character: 0 }
    }

    pub(super) const fn data(&self) -> DataSet {
        self.data
    }

    /// The next window: that many characters of text, or octets of binary data.
    pub(super) fn next(&mut self, units: usize) -> Window {
        let len = match self.characters {
            Some(characters) => {
                let end = self.at_character + units;
                self.at_character = end % characters.count;
                characters.octets_before(end) - self.at
            }
            None => units,
        };
        let window = Window { data: self.data, from: self.at, len };
        self.at = window.end();
        window
    }
}

/// Where the characters of a text begin: to count them for every message takes longer than to compare the message.
#[derive(Debug)]
struct Characters {
    text: &'static str,
    count: usize,
    /// The first octet of every character whose number can be divided by [`Self::STEP`].
    starts: Vec<usize>,
}

impl Characters {
    const STEP: usize = 64;

    /// None of data that are no text.
    fn of(data: DataSet) -> Option<&'static Self> {
        static ALL: [OnceLock<Option<Characters>>; DataSet::ALL.len()] =
            [const { OnceLock::new() }; DataSet::ALL.len()];
        ALL[data as usize].get_or_init(|| data.text().map(Self::new)).as_ref()
    }

    fn new(text: &'static str) -> Self {
        let starts = text.char_indices().step_by(Self::STEP).map(|(at, _)| at).collect();
        Self { text, count: text.chars().count(), starts }
    }

    /// How many octets there are before a character, if the end of the text is followed by its beginning.
    fn octets_before(&self, character: usize) -> usize {
        let (rounds, character) = (character / self.count, character % self.count);
        let start = self.starts[character / Self::STEP];
        let mut rest = self.text[start..].char_indices();
        let (octets, _) = rest.nth(character % Self::STEP).expect("the text has more characters");
        rounds * self.text.len() + start + octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_each_other_round_the_data() {
        for data in DataSet::ALL {
            let mut windows = Windows::over(data);
            let mut walked = Vec::new();
            while walked.len() < data.octets().len() * 2 {
                let window = windows.next(10_007).octets();
                let units = match data.text() {
                    Some(_) => std::str::from_utf8(&window).expect("whole characters").chars().count(),
                    None => window.len(),
                };
                assert_eq!(units, 10_007, "{data:?}");
                walked.extend_from_slice(&window);
            }
            let round = data.octets().iter().cycle().take(walked.len());
            assert!(walked.iter().eq(round), "{data:?}");
        }
    }

    #[test]
    fn a_window_may_be_longer_than_the_data() {
        let data = DataSet::Bitmap;
        let len = data.octets().len();
        let window = Windows::over(data).next(2 * len + 5).octets();
        assert_eq!(window.len(), 2 * len + 5);
        assert_eq!(window[2 * len..], data.octets()[..5]);
    }
}
