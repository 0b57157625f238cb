//! Filter expressions: which cases, by what they test and by how they ended earlier.
//!
//! ```text
//! EXPR := TERM { ("or" | "|") TERM }        TERM := FACT { ("and" | "&") FACT }
//! FACT := ["not" | "!"] ATOM | "(" EXPR ")"
//! ```

mod atom;
mod parse;

pub(crate) use atom::size as parse_size;

use wsspec_cases::Case;
use wsspec_report::record::{CaseRecord, Report};

use self::atom::Atom;
use crate::errors::Problem;

/// A filter, ready to be asked.
#[derive(Debug)]
pub struct Filter(Expr);

#[derive(Debug)]
enum Expr {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    Atom(Atom),
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    /// E20, with the place.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        parse::parse(text).map(Self)
    }

    /// The text of an expression that leaves out `ids`, and still means `left`: names those of them that are fewer.
    pub fn text_without(text: &str, ids: &[String], left: &[&String]) -> String {
        let is_choice = |filter: Self| matches!(filter.0, Expr::Any(parts) if parts.len() > 1);
        let text = text.trim();
        let kept = if Self::parse(text).is_ok_and(is_choice) { format!("({text})") } else { text.to_owned() };
        if left.len() >= ids.len() {
            return ids.iter().fold(kept, |text, id| format!("{text} and not id({id})"));
        }
        let left: Vec<String> = left.iter().map(|id| format!("id({id})")).collect();
        format!("{kept} and ({})", left.join(" or "))
    }

    /// Whether the expression asks for earlier results.
    pub fn needs_results(&self) -> bool {
        self.0.needs_results()
    }

    /// Whether the case is meant: with earlier results, whether one of those of the case is; without, what asks for them
    /// is false.
    pub fn matches(&self, case: &Case, earlier: Option<&Report>) -> bool {
        let earlier = earlier.filter(|_| self.needs_results()).into_iter();
        let of_case = earlier.flat_map(|report| &report.cases).filter(|record| record.id == case.id);
        let of_case: Vec<&CaseRecord> = of_case.collect();
        if of_case.is_empty() {
            return self.0.matches(case, None);
        }
        of_case.iter().any(|record| self.matches_result(case, record, &of_case))
    }

    /// Whether a result is meant, one of `of_case`, which are those of all implementations.
    pub fn matches_result(&self, case: &Case, record: &CaseRecord, of_case: &[&CaseRecord]) -> bool {
        self.0.matches(case, Some(Seen { record, of_case }))
    }
}

/// What is asked about besides the case: one result, and all of the case.
#[derive(Clone, Copy)]
struct Seen<'a> {
    record: &'a CaseRecord,
    of_case: &'a [&'a CaseRecord],
}

impl Expr {
    fn needs_results(&self) -> bool {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().any(Self::needs_results),
            Self::Not(part) => part.needs_results(),
            Self::Atom(atom) => atom.needs_results(),
        }
    }

    fn matches(&self, case: &Case, seen: Option<Seen<'_>>) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.matches(case, seen)),
            Self::All(parts) => parts.iter().all(|part| part.matches(case, seen)),
            Self::Not(part) => !part.matches(case, seen),
            Self::Atom(atom) => atom.matches(case, seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use wsspec_cases::suite;

    use super::*;

    fn ids(text: &str) -> Vec<String> {
        let filter = Filter::parse(text).unwrap();
        let chosen = suite().cases().iter().filter(|case| filter.matches(case, None));
        chosen.map(|case| case.id.to_string()).collect()
    }

    #[test]
    fn and_binds_closer_than_or() {
        assert_eq!(ids("id(1.1.1) or id(1.1.2) and id(1.1.3)"), ["1.1.1"]);
        assert_eq!(ids("(id(1.1.1) | id(1.1.2)) & !id(1.1.1)"), ["1.1.2"]);
        assert_eq!(ids("not not id(2.1)"), ["2.1"]);
    }

    #[test]
    fn an_expression_is_left_as_it_is_but_for_some_cases() {
        let [gone, left] = [["2.1", "2.2"], ["2.3", "2.4"]].map(|ids| ids.map(str::to_owned));
        let without = |text: &str| Filter::text_without(text, &gone, &[&left[0], &left[1]]);
        assert_eq!(without("section(2)"), "section(2) and not id(2.1) and not id(2.2)");
        assert_eq!(without("id(1.*) or id(2.*)"), "(id(1.*) or id(2.*)) and not id(2.1) and not id(2.2)");
        assert_eq!(without("(id(1.1) or id(2.*))"), "(id(1.1) or id(2.*)) and not id(2.1) and not id(2.2)");
        assert_eq!(ids(&without("id(2.1) | id(2.3)")), ["2.3"]);
        let one_left = Filter::text_without("section(2) or section(3)", &gone, &[&left[0]]);
        assert_eq!(
            one_left, "(section(2) or section(3)) and (id(2.3))",
            "it grew with each case that left it"
        );
    }

    #[test]
    fn atoms_look_at_what_a_case_tests() {
        assert!(ids("section(5)").iter().all(|id| id.starts_with("5.")));
        assert_eq!(ids("section(5) and not rfc(6455#5)").len(), 0);
        assert_eq!(ids("needs(deflate) and section(12)").len(), 90);
        assert!(ids("needs(deflate) and section(1)").is_empty());
        assert!(ids("slug(/^orphan/)").contains(&"5.15".to_owned()));
        assert_eq!(ids("slug(/(?i)^Orphan/)"), ids("slug(/^orphan/)"), "it was no regular expression");
        assert_eq!(ids("set(core) and section(9)"), Vec::<String>::new());
        assert!(ids("time(>=1s) and section(6)").contains(&"6.4.1".to_owned()));
        assert!(
            ids("tag(close)").contains(&"7.1.1".to_owned()) && ids("tag(utf8) and section(1)").is_empty()
        );
        assert!(ids("tag(timed)").contains(&"6.4.1".to_owned()) || !ids("tag(timed)").is_empty());
        assert_eq!(ids("since(0.1)").len(), suite().cases().len());
        assert!(ids("since(0.2)").is_empty() && ids("needs(tls)").is_empty());
        assert!(ids("size(>=16MiB)").contains(&"9.1.6".to_owned()));
        assert_eq!(ids("status(fail)"), Vec::<String>::new());
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        for (text, says) in [
            ("rfc(6455#5.4) and nto status(fail)", "did you mean \"not\""),
            ("id(1.1.1", "\")\""),
            ("", "expected"),
            ("id(1.1.1) id(1.1.2)", "expected \"and\", \"or\" or the end"),
            ("level(maybe)", "must, should or may"),
            ("slug(/(/)", "regular expression"),
            ("time(1s)", "<"),
            ("colour(red)", "expected"),
            ("tag(clsoe)", "close"),
            ("since(new)", "0.1"),
            ("since(9)", "two numbers"),
            ("set(cor)", "did you mean \"core\""),
            ("5.9", "did you mean id(5.9)?"),
            ("not 7.* and level(must)", "did you mean id(7.*)?"),
        ] {
            let error = Filter::parse(text).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("^"), "{text}: {error}");
            assert!(error.lines().all(|line| line.chars().count() <= 80), "{text}: {error}");
        }
    }

    #[test]
    fn expressions_cannot_exhaust_the_stack() {
        assert!(Filter::parse(&"(".repeat(100_000)).is_err());
        assert!(Filter::parse(&"!".repeat(100_000)).is_err());
    }
}
