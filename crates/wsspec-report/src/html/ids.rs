//! Lists of cases: the first ones, and a way to the others.

use wsspec_cases::CaseId;

/// Some ids in a row.
#[derive(Default)]
pub(super) struct Ids {
    pub(super) first: Vec<(CaseId, Option<String>)>,
    /// What is shown on demand.
    pub(super) rest: Vec<(CaseId, Option<String>)>,
    /// Instead of the rest: how many more there are, and the address that shows them.
    pub(super) elsewhere: Option<(usize, String)>,
}

impl Ids {
    /// Each with its address, if it has one.
    pub(super) fn new(all: impl IntoIterator<Item = (CaseId, Option<String>)>, most: usize) -> Self {
        let mut first: Vec<_> = all.into_iter().collect();
        // The last one takes no more room than its number.
        let most = if first.len() == most + 1 { first.len() } else { most };
        let rest = first.split_off(first.len().min(most));
        Self { first, rest, elsewhere: None }
    }

    /// With the rest at this address, which shows all.
    pub(super) fn elsewhere(mut self, href: String) -> Self {
        let more = std::mem::take(&mut self.rest).len();
        self.elsewhere = (more > 0).then_some((more, href));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_lost() {
        let ids = |number: usize| (1..=number).map(|n| (format!("1.1.{n}").parse().unwrap(), None));
        let lengths = |ids: Ids| (ids.first.len(), ids.rest.len(), ids.elsewhere);
        assert_eq!(lengths(Ids::new(ids(2), 3)), (2, 0, None));
        assert_eq!(lengths(Ids::new(ids(4), 3)), (4, 0, None));
        assert_eq!(lengths(Ids::new(ids(5), 3)), (3, 2, None));
        let all = "#?q=all".to_owned();
        assert_eq!(lengths(Ids::new(ids(5), 3).elsewhere(all.clone())), (3, 0, Some((2, all.clone()))));
        assert_eq!(lengths(Ids::new(ids(3), 3).elsewhere(all)), (3, 0, None));
    }
}
