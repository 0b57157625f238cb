use crate::case::Case;
use crate::id::CaseId;

/// A group of cases: the first number of their ids.
#[derive(Clone, Debug)]
pub struct Section {
    /// The number.
    pub number: u16,
    /// What it is about.
    pub title: &'static str,
}

/// All cases, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    sections: Vec<Section>,
    cases: Vec<Case>,
}

impl Suite {
    /// The sections in order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The cases in the order of their ids.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The case with this id.
    pub fn get(&self, id: CaseId) -> Option<&Case> {
        self.cases.binary_search_by_key(&id, |case| case.id).ok().map(|at| &self.cases[at])
    }
}

/// Builds the suite.
pub fn suite() -> Suite {
    Suite::default()
}
