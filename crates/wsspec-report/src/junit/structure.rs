//! What Jenkins, GitLab and Azure have in common, checked by a reader of our own: which elements stand where, with which
//! attributes, and that every count is what it counts.

use std::collections::{BTreeMap, BTreeSet};

/// An element of a document without comments, CDATA and processing instructions but the declaration.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Self>,
    /// Still escaped.
    pub(crate) text: String,
}

impl Element {
    /// # Panics
    /// If the document is not well-formed.
    pub(crate) fn of(xml: &str) -> Self {
        let rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
        let mut open = vec![Self::default()];
        for part in rest.split('<').skip(1) {
            let (tag, text) = part.split_once('>').expect("a tag ends");
            if let Some(name) = tag.strip_prefix('/') {
                let done = open.pop().expect("an element is open");
                assert_eq!(done.name, name);
                open.last_mut().expect("one root").children.push(done);
            } else {
                let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
                let element = Self::opening(tag);
                match is_empty {
                    true => open.last_mut().expect("one root").children.push(element),
                    false => open.push(element),
                }
            }
            open.last_mut().expect("one root").text.push_str(text);
        }
        let mut document = open.pop().expect("a document");
        assert!(open.is_empty() && document.children.len() == 1, "one root, and it is closed");
        document.children.remove(0)
    }

    fn opening(tag: &str) -> Self {
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = BTreeMap::new();
        while let Some((key, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').expect("a value ends");
            let earlier = attributes.insert(key.trim().to_owned(), value.to_owned());
            assert!(earlier.is_none(), "{key} twice: {tag}");
            rest = after;
        }
        assert!(rest.trim().is_empty(), "{tag}");
        Self { name: name.to_owned(), attributes, ..Self::default() }
    }

    fn number(&self, attribute: &str) -> usize {
        self.attributes[attribute].parse().unwrap_or_else(|_| panic!("{attribute} of {self:?}"))
    }

    fn has_exactly(&self, attributes: &[&str]) {
        let present: BTreeSet<&str> = self.attributes.keys().map(String::as_str).collect();
        assert_eq!(present, attributes.iter().copied().collect(), "{self:?}");
        assert!(self.attributes.values().all(|value| !value.is_empty()), "{self:?}");
    }

    /// Children of this name in this element and all below.
    fn count(&self, name: &str) -> usize {
        let below: usize = self.children.iter().map(|child| child.count(name)).sum();
        below + usize::from(self.name == name)
    }

    /// Asserts the whole form of a report.
    #[track_caller]
    pub(crate) fn is_a_report(&self) {
        const COUNTS: [(&str, &str); 4] =
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")];
        assert_eq!(self.name, "testsuites");
        let counts = COUNTS.map(|(attribute, _)| attribute);
        self.has_exactly(&[&["name", "time"], &counts[..]].concat());
        let mut names = BTreeSet::new();
        for suite in &self.children {
            assert_eq!(suite.name, "testsuite", "nothing else stands below the root");
            suite.has_exactly(&[&["name", "time"], &counts[..]].concat());
            for (attribute, element) in COUNTS {
                assert_eq!(suite.number(attribute), suite.count(element), "{attribute} of {suite:?}");
            }
            assert!(suite.number("tests") > 0, "an empty suite says nothing: {suite:?}");
            for case in &suite.children {
                case.is_a_case();
                let name = (&case.attributes["classname"], &case.attributes["name"]);
                assert!(names.insert(name), "{name:?} twice");
            }
        }
        for (attribute, element) in COUNTS {
            let sum: usize = self.children.iter().map(|suite| suite.number(attribute)).sum();
            assert_eq!(
                (self.number(attribute), self.number(attribute)),
                (sum, self.count(element)),
                "{attribute}"
            );
        }
    }

    fn is_a_case(&self) {
        const ORDER: [&str; 6] = ["properties", "skipped", "error", "failure", "flakyFailure", "system-out"];
        assert_eq!(self.name, "testcase");
        let timed = self.attributes.contains_key("time");
        self.has_exactly(if timed { &["name", "classname", "time"] } else { &["name", "classname"] });
        let names: Vec<&str> = self.children.iter().map(|child| child.name.as_str()).collect();
        let places: Vec<usize> = names
            .iter()
            .map(|name| ORDER.iter().position(|known| known == name).unwrap_or_else(|| panic!("{name}")))
            .collect();
        assert!(places.is_sorted_by(|a, b| a < b), "each once and in order: {names:?}");
        let results = names.iter().filter(|name| ["skipped", "error", "failure"].contains(name)).count();
        assert!(results <= 1, "one result: {names:?}");
        for child in &self.children {
            match child.name.as_str() {
                "failure" | "error" | "flakyFailure" => child.has_exactly(&["message", "type"]),
                "skipped" => child.has_exactly(&["message"]),
                "properties" => {
                    child.children.iter().for_each(|property| property.has_exactly(&["name", "value"]));
                }
                _ => child.has_exactly(&[]),
            }
        }
    }
}
