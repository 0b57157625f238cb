use bytes::Bytes;

use crate::data::DataSet;

/// Walks round a data set: each window begins where the one before ended, and the end is followed by the
/// beginning.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    octets: &'static [u8],
    text: Option<&'static str>,
    at: usize,
}

impl Windows {
    pub(super) fn over(data: DataSet) -> Self {
        Self { octets: data.octets(), text: data.text(), at: 0 }
    }

    /// The next window: that many characters of text, or octets of binary data.
    pub(super) fn next(&mut self, units: usize) -> Bytes {
        let from = self.at;
        match self.skip(units) {
            0 => Bytes::from_static(&self.octets[from..self.at]),
            mut missing => {
                let mut window = self.octets[from..].to_vec();
                while missing > 0 {
                    self.at = 0;
                    missing = self.skip(missing);
                    window.extend_from_slice(&self.octets[..self.at]);
                }
                window.into()
            }
        }
    }

    /// Goes on by that many units, up to the end of the data; returns how many are missing there.
    fn skip(&mut self, units: usize) -> usize {
        let Some(text) = self.text else {
            let rest = self.octets.len() - self.at;
            self.at += rest.min(units);
            return units.saturating_sub(rest);
        };
        let rest = &text[self.at..];
        let mut characters = rest.chars();
        if units == 0 || characters.nth(units - 1).is_some() {
            self.at = text.len() - characters.as_str().len();
            return 0;
        }
        self.at = text.len();
        units - rest.chars().count()
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
                let window = windows.next(10_007);
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
        let window = Windows::over(data).next(2 * len + 5);
        assert_eq!(window.len(), 2 * len + 5);
        assert_eq!(window[2 * len..], data.octets()[..5]);
    }
}
