use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::builder::GRACE;
use crate::case::{Case, Play, Text};
use crate::close_rule::{CloseRule, FirstToClose};
use crate::words::{message, secs, text, we_close};

/// The longest that the connections of a series take together.
const LONGEST: Duration = Duration::from_secs(1800);

/// Several connections. Each is played and judged as a case of its own; the worst verdict is that of the series.
#[derive(Clone)]
pub struct Series {
    /// How many connections.
    pub count: u32,
    /// Whether they are open at the same time, or one after the other.
    pub at_once: bool,
    /// What becomes of the process of the peer, where that can be seen.
    pub footprint: Option<Footprint>,
    /// What happens, in words.
    pub words: Text,
    part: Arc<Part>,
}

/// Says what happens on the connection of that number.
type Part = dyn Fn(u32, &mut Case) + Send + Sync;

/// What the process of the peer may take for a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footprint {
    /// Its memory grows by less than so many octets.
    GrowsBy(u64),
    /// Memory and file descriptors come back to what they were.
    ComesBack,
    /// What it takes for a connection is told.
    Told,
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Series").field(&self.count).field(&self.words).finish()
    }
}

impl Series {
    /// One connection after the other; `part` says what happens on each, counted from 0.
    pub fn new(
        count: u32,
        words: impl Into<Text>,
        part: impl Fn(u32, &mut Case) + Send + Sync + 'static,
    ) -> Self {
        Self { count, at_once: false, footprint: None, words: words.into(), part: Arc::new(part) }
    }

    /// The numbers of all connections, or of so many that lie evenly apart, the first and the last among them.
    pub fn numbers(&self, most: Option<u32>) -> Vec<u32> {
        let last = self.count.saturating_sub(1);
        let taken = most.map_or(self.count, |most| self.count.min(most.max(2)));
        let at = |n: u32| u64::from(n) * u64::from(last) / u64::from(taken.saturating_sub(1).max(1));
        (0..taken).map(|n| u32::try_from(at(n)).unwrap_or(last)).collect()
    }
}

impl Case {
    /// How many connections the case has.
    pub const fn connections(&self) -> u32 {
        match &self.play {
            Play::Script(_) | Play::Drive(..) => 1,
            Play::Passive(_) => 0,
            Play::Series(series) => series.count,
        }
    }

    /// The series, if the case has several connections.
    pub const fn series(&self) -> Option<&Series> {
        match &self.play {
            Play::Series(series) => Some(series),
            _ => None,
        }
    }

    /// What happens on this connection of the series, as a case: the same id, its own title, steps and outcomes.
    /// A case of one connection is its own and only part.
    pub fn part(&self, number: u32) -> Self {
        let Some(series) = self.series() else { return self.clone() };
        let mut part = Self {
            play: Play::Script(Vec::new()),
            close: CloseRule::new(FirstToClose::Tester, Vec::new()),
            time_limit: GRACE,
            ..self.clone()
        };
        (series.part)(number, &mut part);
        part
    }

    /// The connections one by one: all of them, or so many.
    pub fn parts(&self, most: Option<u32>) -> impl Iterator<Item = Self> {
        let numbers = self.series().map_or_else(|| vec![0], |series| series.numbers(most));
        numbers.into_iter().map(|number| self.part(number))
    }

    /// Several connections, one after the other; `part` says what happens on each, counted from 0.
    pub fn each_of(
        &mut self,
        count: u32,
        words: impl Into<Text>,
        part: impl Fn(u32, &mut Self) + Send + Sync + 'static,
    ) -> &mut Self {
        self.play = Play::Series(Series::new(count, words, part));
        let longest = [0, count - 1].map(|number| self.part(number).time_limit).into_iter().max();
        self.time_limit = (longest.unwrap_or(GRACE) * count).min(LONGEST);
        self
    }

    /// After `each_of`: the connections are open at the same time.
    pub fn at_once(&mut self) -> &mut Self {
        if let Play::Series(series) = &mut self.play {
            series.at_once = true;
            self.time_limit = self.parts(Some(3)).map(|part| part.time_limit).max().unwrap_or(GRACE);
        }
        self
    }

    /// After `each_of`: the process of the peer is looked at, where it can be seen.
    pub fn footprint(&mut self, footprint: Footprint) -> &mut Self {
        if let Play::Series(series) = &mut self.play {
            series.footprint = Some(footprint);
        }
        self
    }

    /// On one connection of a series: the peer serves it.
    pub fn is_served(&mut self) -> &mut Self {
        self.send(text("alive")).fail_after(secs(5)).ok([message("alive")]).close(we_close([1000]))
    }

    /// On one connection of a series: what the tester does on it.
    pub fn called(&mut self, title: impl Into<Text>) -> &mut Self {
        self.title = title.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::*;

    fn numbers(count: u32, most: Option<u32>) -> Vec<u32> {
        Series::new(count, "", |_, _| {}).numbers(most)
    }

    #[test]
    fn a_sample_has_both_ends() {
        assert_eq!(numbers(5, None), [0, 1, 2, 3, 4]);
        assert_eq!(numbers(2, Some(1)), [0, 1]);
        assert_eq!(numbers(101, Some(3)), [0, 50, 100]);
        assert_eq!(numbers(3, Some(9)), [0, 1, 2]);
    }

    #[test]
    fn a_part_has_its_own_steps_and_time() {
        let mut case = Case::new("20.1.1".parse().unwrap(), "sweep", "A sweep");
        case.each_of(4, "closes", |n, case| {
            case.called(format!("Close {n}")).send(close(n as u16)).fail_after(secs(2));
        });
        let part = case.part(3);
        assert_eq!((part.id, &*part.title), (case.id, "Close 3"));
        assert_eq!(part.time_limit, GRACE + secs(2));
        assert_eq!(case.time_limit, part.time_limit * 4);
        assert!(matches!(&part.play, Play::Script(steps) if steps.len() == 2));
        assert_eq!((case.connections(), part.connections()), (4, 1));
    }
}
