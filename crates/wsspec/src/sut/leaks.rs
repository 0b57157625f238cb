//! What did not end as it should, of all processes that were started.

/// So many are named: where each case leaves something behind, the first ones tell what.
const NAMED: usize = 8;

/// Lines for people; of many the first ones, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaks {
    named: Vec<String>,
    more: usize,
}

impl Leaks {
    /// Takes note of one. Says whether it is one of those that are named.
    pub fn add(&mut self, line: String) -> bool {
        let is_named = self.named.len() < NAMED;
        if is_named {
            self.named.push(line);
        } else {
            self.more += 1;
        }
        is_named
    }

    /// How many are not named, in words.
    pub fn more(&self) -> Option<String> {
        (self.more > 0).then(|| format!("{} more did not end as they should", self.more))
    }

    /// All that is said of them.
    pub fn into_lines(self) -> Vec<String> {
        let more = self.more();
        self.named.into_iter().chain(more).collect()
    }
}

impl Extend<String> for Leaks {
    fn extend<T: IntoIterator<Item = String>>(&mut self, lines: T) {
        for line in lines {
            self.add(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_of_hundreds_of_processes_was_kept() {
        let mut leaks = Leaks::default();
        leaks.extend((1..=NAMED).map(|n| n.to_string()));
        assert_eq!(leaks.more(), None);
        assert!(!leaks.add("one more".to_owned()), "it is counted");
        leaks.extend(["another".to_owned()]);
        let lines = leaks.into_lines();
        assert_eq!((lines.len(), lines[0].as_str()), (NAMED + 1, "1"));
        assert_eq!(lines[NAMED], "2 more did not end as they should");
    }
}
