use crate::data::{DataSet, Window};

/// Walks round a data set: each window begins where the one before ended, and the end is followed by the
/// beginning.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    data: DataSet,
    text: Option<&'static str>,
    at: usize,
}

impl Windows {
    pub(super) fn over(data: DataSet) -> Self {
        Self { data, text: data.text(), at: 0 }
    }

    pub(super) const fn data(&self) -> DataSet {
        self.data
    }

    /// The next window: that many characters of text, or octets of binary data.
    pub(super) fn next(&mut self, units: usize) -> Window {
        let len = match self.text {
            Some(text) => octets_of(text, self.at, units),
            None => units,
        };
        let window = Window { data: self.data, from: self.at, len };
        self.at = window.end();
        window
    }
}

/// How many octets the next characters have.
fn octets_of(text: &str, from: usize, mut characters: usize) -> usize {
    let mut len = 0;
    let mut part = &text[from..];
    loop {
        let mut rest = part.chars();
        if characters == 0 || rest.nth(characters - 1).is_some() {
            return len + part.len() - rest.as_str().len();
        }
        characters -= part.chars().count();
        len += part.len();
        part = text;
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
