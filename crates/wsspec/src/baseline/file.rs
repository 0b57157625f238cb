use std::path::{Path, PathBuf};

use jiff::civil::Date;
use toml_edit::{Item, Table};
use wsspec_cases::suite;
use wsspec_report::baseline::{Baseline, Entry, Tolerated};

use super::file_option;
use crate::errors::Problem;
use crate::filter::Filter;
use crate::select;
use crate::text::did_you_mean;
use crate::toml_file::{TomlFile, text, texts};

/// A baseline file as it was read.
#[derive(Clone, Debug)]
pub struct BaselineFile {
    /// Where it is.
    pub path: PathBuf,
    /// The entries, with the ids of their cases.
    pub baseline: Baseline,
    /// The line of each entry.
    pub lines: Vec<usize>,
    /// What stands in the file for the cases of each entry.
    pub typed: Vec<Vec<String>>,
    /// Whether that is a filter.
    pub filters: Vec<bool>,
}

const KEYS: [&str; 7] = ["cases", "filter", "agent", "verdict", "reason", "issue", "until"];

impl BaselineFile {
    /// Reads a file.
    ///
    /// # Errors
    /// E18, with line and column: it is missing, no TOML, or says something that is not known.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let create = format!("wsspec baseline create --reason TEXT{}", file_option(path));
        Self::from_toml(&TomlFile::read(path, &format!("{create}   after a run without --baseline"))?)
    }

    /// What a file says.
    ///
    /// # Errors
    /// E18, with line and column.
    pub fn from_toml(file: &TomlFile) -> Result<Self, Problem> {
        let mut read = Self {
            path: file.path.clone(),
            baseline: Baseline::default(),
            lines: Vec::new(),
            typed: Vec::new(),
            filters: Vec::new(),
        };
        file.check_schema()?;
        for (name, item) in file.root().iter() {
            match name {
                "schema" => {}
                "expect" => read.entries(file, item)?,
                _ => {
                    let (key, _) = file.root().get_key_value(name).expect("it has just been named");
                    return Err(file.unknown_key(key, &["schema", "expect"]));
                }
            }
        }
        Ok(read)
    }

    fn entries(&mut self, file: &TomlFile, item: &Item) -> Result<(), Problem> {
        let Some(tables) = item.as_array_of_tables() else {
            let message = "entries are written [[expect]]";
            return Err(file
                .wrong(item.span(), "the entries cannot be read", message)
                .fact("try", "[[expect]]"));
        };
        for table in tables {
            let (entry, typed) = entry(file, table)?;
            self.baseline.entries.push(entry);
            self.typed.push(typed);
            self.filters.push(table.contains_key("filter"));
            self.lines.push(file.line(table.span()));
        }
        Ok(())
    }
}

fn entry(file: &TomlFile, table: &Table) -> Result<(Entry, Vec<String>), Problem> {
    for (name, _) in table {
        if !KEYS.contains(&name) {
            let (key, _) = table.get_key_value(name).expect("it has just been named");
            return Err(file.unknown_key(key, &KEYS));
        }
    }
    let missing = |key: &str, example: &str| {
        file.wrong(table.span(), &format!("the entry has no {key}"), "this one").fact("try", example)
    };
    let string = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(item) => match text(item).filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(Some(text)),
            None => Err(file.wrong_value(key, item, "a text, as in \"...\"")),
        },
    };
    let (cases, typed) = match (table.get("cases"), table.get("filter")) {
        (Some(item), None) => cases(file, item)?,
        (None, Some(item)) => filtered(file, item)?,
        (None, None) => {
            return Err(missing("cases", "cases = [\"6.4.*\"]   or   filter = \"rfc(6455#5.4)\""));
        }
        (Some(_), Some(item)) => {
            return Err(file
                .wrong(item.span(), "the entry has cases and a filter", "one of them, not both")
                .fact("try", "two entries"));
        }
    };
    let verdict = match table.get("verdict") {
        None => return Err(missing("verdict", "verdict = \"fail\"")),
        Some(item) => verdict(file, item)?,
    };
    let reason =
        string("reason")?.ok_or_else(|| missing("reason", "reason = \"UTF-8 is validated per message\""))?;
    let until = table.get("until").map(|item| date(file, item)).transpose()?;
    let entry = Entry { cases, agent: string("agent")?, verdict, reason, issue: string("issue")?, until };
    Ok((entry, typed))
}

/// Ids, globs, slugs and sets, and the ids that they mean.
fn cases(file: &TomlFile, item: &Item) -> Result<(Vec<String>, Vec<String>), Problem> {
    let Some(typed) = texts(item).filter(|names| !names.is_empty()) else {
        return Err(file.wrong_value("cases", item, "a list of ids or globs, as in [\"6.4.*\"]"));
    };
    let mut ids = Vec::new();
    for name in &typed {
        let meant = select::cases(suite(), std::slice::from_ref(name)).map_err(|_| {
            let known: Vec<String> = suite().cases().iter().map(|case| case.id.to_string()).collect();
            let near = did_you_mean(name, known.iter().map(String::as_str));
            let near = near.first().map(|id| format!("; did you mean {id:?}?")).unwrap_or_default();
            file.wrong(
                item.span(),
                &format!("no case matches {name:?}"),
                format!("none of these cases{near}"),
            )
            .fact("try", "wsspec list")
        })?;
        ids.extend(meant.iter().map(|case| case.id.to_string()));
    }
    Ok((ids, typed))
}

/// The cases that a filter expression is true for.
fn filtered(file: &TomlFile, item: &Item) -> Result<(Vec<String>, Vec<String>), Problem> {
    let Some(expression) = text(item) else {
        return Err(file.wrong_value("filter", item, "an expression, as in \"rfc(6455#5.4)\""));
    };
    let filter = Filter::parse(&expression).map_err(|problem| {
        file.wrong(item.span(), problem.headline(), "this one").fact("try", "wsspec list -E ...")
    })?;
    if filter.needs_results() {
        let message = "what asks for earlier results cannot stand in a baseline";
        return Err(file
            .wrong(item.span(), "the filter cannot be used", message)
            .fact("try", "wsspec explain E20"));
    }
    let meant = suite().cases().iter().filter(|case| filter.matches(case, None));
    Ok((meant.map(|case| case.id.to_string()).collect(), vec![expression]))
}

fn verdict(file: &TomlFile, item: &Item) -> Result<Tolerated, Problem> {
    let word = text(item).unwrap_or_default();
    Tolerated::from_word(&word).ok_or_else(|| {
        let words = Tolerated::ALL.map(Tolerated::word);
        let near = did_you_mean(&word, words);
        let near = near.first().map(|word| format!("; did you mean {word:?}?")).unwrap_or_default();
        file.wrong(item.span(), "no such verdict", format!("one of {}{near}", words.join(", ")))
            .fact("try", "verdict = \"fail\"")
    })
}

/// A date, with quotes or without.
fn date(file: &TomlFile, item: &Item) -> Result<String, Problem> {
    let typed = text(item).or_else(|| item.as_datetime().map(ToString::to_string)).unwrap_or_default();
    let date: Result<Date, _> = typed.parse();
    match date {
        Ok(date) if date.to_string() == typed => Ok(typed),
        _ => Err(file.wrong_value("until", item, "a day, as in \"2026-12-31\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BaselineFile, Problem> {
        BaselineFile::from_toml(&TomlFile::parse(Path::new("b.toml"), text.to_owned())?)
    }

    #[test]
    fn entries_are_read_with_their_lines() {
        let file = read(
            "schema = 1\n\n# why\n[[expect]]\ncases = [\"6.4.*\"]\nagent = \"my*\"\nverdict = \"non-strict\"\n\
             reason = \"late\"\nissue = \"https://x/1\"\nuntil = 2026-12-31\n\n[[expect]]\n\
             filter = \"section(5) and level(must)\"\nverdict = \"any\"\nreason = \"r\"\n",
        )
        .unwrap();
        assert_eq!(file.lines, [4, 12]);
        assert_eq!(file.baseline.entries[0].cases, ["6.4.1", "6.4.2", "6.4.3", "6.4.4"]);
        assert_eq!(file.baseline.entries[0].until.as_deref(), Some("2026-12-31"));
        assert!(file.baseline.entries[1].cases.contains(&"5.15".to_owned()));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let entry = |line: &str| {
            let mut lines = vec!["cases = [\"5.15\"]", "verdict = \"fail\"", "reason = \"r\""];
            let key = line.split(' ').next().unwrap();
            lines.retain(|other| !other.starts_with(&format!("{key} ")));
            lines.push(line);
            format!("schema = 1\n[[expect]]\n{}\n", lines.join("\n"))
        };
        for (text, says) in [
            (entry("verdict = \"failed\""), "did you mean \"fail\""),
            (entry("cases = [\"99.*\"]"), "no case matches \"99.*\""),
            (entry("cases = []"), "a list of ids"),
            (entry("until = \"tomorrow\""), "2026-12-31"),
            (entry("until = \"2026-02-30\""), "2026-12-31"),
            (entry("reason = \"\""), "reason"),
            (entry("reson = \"x\""), "did you mean \"reason\""),
            (entry("filter = \"section(5)\""), "not both"),
            ("schema = 1\n[expect]\ncases = [\"1.*\"]\n".to_owned(), "[[expect]]"),
            ("schema = 1\n[[expects]]\n".to_owned(), "did you mean \"expect\""),
            ("schema = 1\n[[expect]]\nverdict = \"any\"\nreason = \"r\"\n".to_owned(), "has no cases"),
        ] {
            let message = read(&text).unwrap_err().to_string();
            assert!(
                message.contains(says) && message.contains("b.toml:") && message.contains('^'),
                "{message}"
            );
        }
    }
}
