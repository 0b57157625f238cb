use std::sync::OnceLock;

use crate::case::{Case, Text};
use crate::id::CaseId;
use crate::rule::Rule;
use crate::sections;

/// A group of cases: the first number of their ids.
#[derive(Clone, Debug)]
pub struct Section {
    /// The number.
    pub number: u16,
    /// What it is about.
    pub title: &'static str,
    /// The groups inside, in order; empty if the ids have two numbers only.
    pub groups: Vec<Group>,
}

/// A group inside a section: the second number of ids that have three.
#[derive(Clone, Debug)]
pub struct Group {
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

    /// The section that a case belongs to.
    pub fn section_of(&self, id: CaseId) -> Option<&Section> {
        self.sections.iter().find(|section| section.number == id.section())
    }

    /// The group inside its section that a case belongs to, if the section has groups.
    pub fn group_of(&self, id: CaseId) -> Option<&Group> {
        let &[_, number, _] = id.numbers() else { return None };
        self.section_of(id)?.groups.iter().find(|group| group.number == number)
    }

    /// Opens a section; cases are added to the end.
    pub fn section(&mut self, number: u16, title: &'static str) -> Declaration<'_> {
        self.sections.push(Section { number, title, groups: Vec::new() });
        Declaration { suite: self, rules: Vec::new() }
    }
}

/// A section that is being declared.
#[derive(Debug)]
pub struct Declaration<'s> {
    suite: &'s mut Suite,
    rules: Vec<Rule>,
}

impl Declaration<'_> {
    /// The number of the section.
    pub fn number(&self) -> u16 {
        self.suite.sections.last().expect("a declaration has its section").number
    }

    /// The rules of all cases that follow, the main one first.
    pub fn rules<const N: usize>(&mut self, rules: [Rule; N]) -> &mut Self {
        self.rules = rules.into();
        self
    }

    /// The title of the cases whose second number this is.
    pub fn group(&mut self, number: u16, title: &'static str) -> &mut Self {
        let section = self.suite.sections.last_mut();
        section.expect("a declaration has its section").groups.push(Group { number, title });
        self
    }

    /// Adds a case, to be told by the methods of [`Case`].
    ///
    /// # Panics
    /// If the id is none: ids are literals of the case files, built by every test.
    pub fn case(&mut self, id: impl AsRef<str>, slug: impl Into<Text>, title: impl Into<Text>) -> &mut Case {
        let id = id.as_ref().parse().expect("the id of a case");
        self.suite.cases.push(Case { rules: self.rules.clone(), ..Case::new(id, slug, title) });
        self.suite.cases.last_mut().expect("the case just added")
    }
}

/// Every case there is, built once.
pub fn suite() -> &'static Suite {
    static SUITE: OnceLock<Suite> = OnceLock::new();
    SUITE.get_or_init(|| {
        let mut suite = Suite::default();
        sections::declare(&mut suite);
        suite
    })
}
