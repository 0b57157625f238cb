use std::collections::BTreeSet;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};
use wsspec_cases::suite;
use wsspec_report::baseline::{Entry, Findings, Tolerated};

use super::file::BaselineFile;
use crate::filter::Filter;
use crate::select;

/// What an update does.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Cases that no longer belong to an entry, by its place.
    pub drop: Vec<(usize, Vec<String>)>,
    /// What an entry says from now on, by its place.
    pub lower: Vec<(usize, Tolerated)>,
    /// Entries that are over.
    pub remove: Vec<usize>,
    /// New entries.
    pub add: Vec<Entry>,
}

/// What an update has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Entries that lost cases.
    pub narrowed: usize,
    /// Entries that accept less.
    pub lowered: usize,
    /// Entries that are gone.
    pub removed: usize,
    /// Entries that are new.
    pub added: usize,
}

impl Update {
    /// What follows from the findings: what is fixed goes, unless another implementation needs it, and what is better
    /// and not good enough gets an entry that accepts no more than it needs.
    pub fn only_fixed(findings: &Findings, file: &BaselineFile) -> Self {
        let mut update = Self { drop: findings.stale.clone(), ..Self::default() };
        for (at, verdict, ids) in &findings.lower {
            let entry = &file.baseline.entries[*at];
            let gone = update.drop.iter().find(|(other, _)| other == at).map(|(_, gone)| &gone[..]);
            let mut left = entry.cases.iter().filter(|id| !gone.unwrap_or_default().contains(id));
            if left.all(|id| ids.contains(id)) {
                update.lower.push((*at, *verdict));
            } else {
                update.take_out(*at, ids);
                update.add.push(Entry { cases: ids.clone(), verdict: *verdict, ..entry.clone() });
            }
        }
        update
    }

    /// What is fixed or expired goes.
    pub fn fixed_or_expired(findings: &Findings, file: &BaselineFile) -> Self {
        Self { remove: findings.expired.clone(), ..Self::only_fixed(findings, file) }
    }

    /// These cases no longer belong to the entry at this place.
    pub fn take_out(&mut self, at: usize, ids: &[String]) {
        match self.drop.iter_mut().find(|(place, _)| *place == at) {
            Some((_, gone)) => gone.extend_from_slice(ids),
            None => self.drop.push((at, ids.to_vec())),
        }
    }

    /// The text with the changes; comments and order stay.
    ///
    /// # Errors
    /// The text is no TOML.
    pub fn apply(&self, text: &str, file: &BaselineFile) -> Result<(String, Changes), toml_edit::TomlError> {
        let mut document: DocumentMut = text.parse()?;
        let mut changes = Changes::default();
        let mut gone: BTreeSet<usize> = self.remove.iter().copied().collect();
        if let Some(tables) = document.get_mut("expect").and_then(|item| item.as_array_of_tables_mut()) {
            for (at, verdict) in &self.lower {
                changes.lowered += usize::from(lower(tables, *at, *verdict));
            }
            for (at, ids) in self.drop.iter().filter(|(at, _)| !self.remove.contains(at)) {
                if narrow(tables, *at, ids, file) {
                    changes.narrowed += 1;
                } else {
                    gone.insert(*at);
                }
            }
            for at in gone.iter().rev() {
                tables.remove(*at);
            }
        }
        changes.removed = gone.len();
        changes.added = self.add.len();
        let mut text = document.to_string();
        for entry in &self.add {
            text.push_str(&to_toml(entry));
        }
        Ok((text, changes))
    }
}

/// Takes cases out of an entry; says whether any are left.
fn narrow(tables: &mut ArrayOfTables, at: usize, ids: &[String], file: &BaselineFile) -> bool {
    let left: Vec<&String> = file.baseline.entries[at].cases.iter().filter(|id| !ids.contains(id)).collect();
    let Some(table) = tables.get_mut(at).filter(|_| !left.is_empty()) else { return false };
    let filter =
        table.get("filter").and_then(Item::as_str).map(|text| Filter::text_without(text, ids, &left));
    if let Some(filter) = filter {
        return say(table, "filter", filter);
    }
    match table.get_mut("cases").and_then(|item| item.as_array_mut()) {
        Some(array) => narrow_list(array, ids),
        // A single name: the ids that are left stand in its place.
        None => {
            table.insert("cases", toml_edit::value(left.into_iter().collect::<Array>()));
        }
    }
    true
}

/// Lets an entry accept this; says whether it is there.
fn lower(tables: &mut ArrayOfTables, at: usize, verdict: Tolerated) -> bool {
    tables.get_mut(at).is_some_and(|table| say(table, "verdict", verdict.word()))
}

/// Gives a key another value, with the comment that stands beside it; says whether it is there.
fn say(table: &mut Table, key: &str, value: impl Into<Value>) -> bool {
    let Some(said) = table.get_mut(key).and_then(Item::as_value_mut) else { return false };
    let decor = said.decor().clone();
    *said = value.into();
    *said.decor_mut() = decor;
    true
}

/// What means none of the cases stays as it is; what means some is replaced by the ids of the others.
fn narrow_list(array: &mut Array, ids: &[String]) {
    for at in (0..array.len()).rev() {
        let Some(name) = array.get(at).and_then(Value::as_str) else { continue };
        let meant = select::cases(suite(), &[name.to_owned()]).unwrap_or_default();
        let meant: Vec<String> = meant.iter().map(|case| case.id.to_string()).collect();
        if !meant.iter().any(|id| ids.contains(id)) {
            continue;
        }
        let decor = array.get(at).map(|value| value.decor().clone()).unwrap_or_default();
        array.remove(at);
        for (n, id) in meant.into_iter().filter(|id| !ids.contains(id)).enumerate() {
            let mut value = Value::from(id);
            if n == 0 {
                *value.decor_mut() = decor.clone();
            } else {
                value.decor_mut().set_prefix(" ");
            }
            array.insert_formatted(at + n, value);
        }
    }
    // The first of a list in one line has no space before it.
    if let Some(first) = array.get_mut(0) {
        let prefix = first.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
        if prefix == " " {
            first.decor_mut().set_prefix("");
        }
    }
}

fn to_toml(entry: &Entry) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let cases: Vec<String> = entry.cases.iter().map(|id| quoted(id)).collect();
    let mut out = format!("\n[[expect]]\ncases   = [{}]\n", cases.join(", "));
    let agent = entry.agent.as_deref().map(|agent| ("agent  ", agent));
    let reason = [("verdict", entry.verdict.word()), ("reason ", entry.reason.as_str())];
    let issue = entry.issue.as_deref().map(|issue| ("issue  ", issue));
    let until = entry.until.as_deref().map(|until| ("until  ", until));
    for (key, value) in agent.into_iter().chain(reason).chain(issue).chain(until) {
        out.push_str(&format!("{key} = {}\n", quoted(value)));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::toml_file::TomlFile;

    const TEXT: &str = "schema = 1\n# about UTF-8\n[[expect]]\n# all four\ncases   = [\"6.4.*\", \"5.15\"] # kept\n\
                        verdict = \"fail\"\nreason  = \"late\"   # see #97\n\n# the second\n[[expect]]\n\
                        cases = [\"7.1.1\"]\nverdict = \"any\"\nreason = \"r\"\n";

    fn updated(update: &Update) -> (String, Changes) {
        updated_in(TEXT, update)
    }

    fn updated_in(text: &str, update: &Update) -> (String, Changes) {
        let file = TomlFile::parse(Path::new("b.toml"), text.to_owned()).unwrap();
        let (text, changes) = update.apply(text, &BaselineFile::from_toml(&file).unwrap()).unwrap();
        let again = TomlFile::parse(Path::new("b.toml"), text.clone()).unwrap();
        BaselineFile::from_toml(&again).expect("what was written can be read");
        (text, changes)
    }

    #[test]
    fn fixed_cases_go_and_comments_stay() {
        let drop = vec![(0, vec!["6.4.2".to_owned()]), (1, vec!["7.1.1".to_owned()])];
        let (text, changes) = updated(&Update { drop, ..Update::default() });
        assert_eq!(changes, Changes { narrowed: 1, removed: 1, ..Changes::default() });
        assert!(
            text.contains("# all four\ncases   = [\"6.4.1\", \"6.4.3\", \"6.4.4\", \"5.15\"] # kept\n"),
            "{text}"
        );
        assert!(
            text.contains("# about UTF-8\n") && text.contains("# see #97") && !text.contains("7.1.1"),
            "{text}"
        );
    }

    #[test]
    fn a_whole_pattern_goes_and_what_is_new_comes_last() {
        let ids = ["6.4.1", "6.4.2", "6.4.3", "6.4.4"].map(str::to_owned).to_vec();
        let add = Entry {
            cases: vec!["5.16".to_owned()],
            agent: Some("my\"lib".to_owned()),
            verdict: Tolerated::Fail,
            reason: "new".to_owned(),
            issue: None,
            until: None,
        };
        let (text, changes) =
            updated(&Update { drop: vec![(0, ids)], remove: vec![1], add: vec![add], ..Update::default() });
        assert_eq!(changes, Changes { narrowed: 1, removed: 1, added: 1, ..Changes::default() });
        assert!(text.contains("cases   = [\"5.15\"] # kept"), "{text}");
        assert!(
            text.ends_with("verdict = \"fail\"\nreason  = \"new\"\n")
                && text.contains("cases   = [\"5.16\"]"),
            "{text}"
        );
    }

    #[test]
    fn what_is_better_and_not_good_enough_keeps_an_entry() {
        let file = TomlFile::parse(Path::new("b.toml"), TEXT.to_owned()).unwrap();
        let file = BaselineFile::from_toml(&file).unwrap();
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let stale = vec![(0, ids(&["6.4.1", "6.4.2"]))];
        let lower = vec![(0, Tolerated::NonStrict, ids(&["6.4.3", "6.4.4", "5.15"]))];
        let whole = Findings { stale: stale.clone(), lower, ..Findings::default() };
        let (text, changes) = updated(&Update::only_fixed(&whole, &file));
        assert_eq!(changes, Changes { narrowed: 1, lowered: 1, ..Changes::default() });
        let entry = "cases   = [\"6.4.3\", \"6.4.4\", \"5.15\"] # kept\nverdict = \"non-strict\"\nreason  = \"late\"   # see #97\n";
        assert!(text.contains(entry), "{text}");

        let lower = vec![(0, Tolerated::NonStrict, ids(&["5.15"]))];
        let part = Findings { stale, lower, ..Findings::default() };
        let (text, changes) = updated(&Update::only_fixed(&part, &file));
        assert_eq!(changes, Changes { narrowed: 1, added: 1, ..Changes::default() });
        assert!(text.contains("cases   = [\"6.4.3\", \"6.4.4\"] # kept\nverdict = \"fail\""), "{text}");
        assert!(
            text.ends_with("cases   = [\"5.15\"]\nverdict = \"non-strict\"\nreason  = \"late\"\n"),
            "{text}"
        );
    }

    #[test]
    fn a_filter_that_was_reviewed_became_a_list_of_ids() {
        let text = |filter: &str| {
            format!(
                "schema = 1\n[[expect]]\nfilter  = \"{filter}\"   # reviewed\nverdict = \"fail\"\nreason = \"r\"\n"
            )
        };
        let drop = vec![(0, vec!["5.1".to_owned(), "5.15".to_owned()])];
        let update = Update { drop, ..Update::default() };
        for (filter, narrowed) in [
            ("section(5)", "section(5) and not id(5.1) and not id(5.15)"),
            ("id(5.*) or id(2.1)", "(id(5.*) or id(2.1)) and not id(5.1) and not id(5.15)"),
        ] {
            let (after, changes) = updated_in(&text(filter), &update);
            assert_eq!(changes, Changes { narrowed: 1, ..Changes::default() });
            assert_eq!(after, text(narrowed));
        }
        let (after, changes) = updated_in(&text("id(5.1) or id(5.15)"), &update);
        assert_eq!((after.as_str(), changes.removed), ("schema = 1\n", 1), "nothing is left of it");
    }

    #[test]
    fn nothing_to_do_changes_nothing() {
        assert_eq!(updated(&Update::default()).0, TEXT);
    }
}
