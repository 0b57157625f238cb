use std::collections::BTreeMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Untrusted;
use crate::record::{CaseRecord, Role};

/// The name and version of the format.
pub const SCHEMA: &str = "wsspec/results/1";

/// One line of `results.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// What is going to run; the first line.
    Run(RunRecord),
    /// A finished case.
    Case(Box<CaseRecord>),
    /// How the run ended; the last line.
    End(EndRecord),
}

impl Line {
    /// The line as JSON, without a line break.
    pub fn to_json(&self) -> String {
        match self {
            Self::Run(run) => tagged("run", run),
            Self::Case(case) => case.to_json(),
            Self::End(end) => tagged("end", end),
        }
    }

    /// Most lines by far, told by how they begin: to look for the kind takes as long as to read the rest.
    pub(super) fn begins_as_case(json: &[u8]) -> bool {
        json.starts_with(br#"{"t":"case","#)
    }

    /// Whether a check of the case may have failed; a text of a record cannot look like that, as quotes in it are escaped.
    pub(super) fn may_have_failed(json: &[u8]) -> bool {
        static FAILED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""ok":false"#));
        FAILED.find(json).is_some()
    }

    /// Reads a line; `None` if it is of a kind that this version does not know.
    ///
    /// # Errors
    /// If it is no JSON object with the fields of its kind.
    pub fn from_json(json: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(borrow)]
            t: std::borrow::Cow<'a, str>,
        }
        if Self::begins_as_case(json) {
            return Ok(Some(Self::Case(from_json(json)?)));
        }
        let kind: Kind<'_> = from_json(json)?;
        Ok(match kind.t.as_ref() {
            "run" => Some(Self::Run(from_json(json)?)),
            "case" => Some(Self::Case(from_json(json)?)),
            "end" => Some(Self::End(from_json(json)?)),
            _ => None,
        })
    }
}

/// Reads a line. That it is UTF-8 is seen faster of all of it than of each of its texts.
pub(super) fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, serde_json::Error> {
    match simdutf8::basic::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        // This says where it is none.
        Err(_) => serde_json::from_slice(json),
    }
}

impl CaseRecord {
    /// The line of this case, which is whole, as JSON, without a line break.
    pub fn to_json(&self) -> String {
        tagged("case", self)
    }
}

fn tagged<T: Serialize>(t: &'static str, record: &T) -> String {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        t: &'static str,
        #[serde(flatten)]
        record: &'a T,
    }
    serde_json::to_string(&Tagged { t, record }).expect("records have string keys and no failing serialisers")
}

/// What is going to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of wsspec.
    pub tool: String,
    /// The version of the list of cases.
    pub catalog: String,
    /// A name of the run, unique.
    pub id: String,
    /// When it started: UTC, ISO 8601.
    pub started: String,
    /// The command line after the program's name, secrets replaced.
    pub argv: Vec<String>,
    /// What the masking keys and other random octets were made from.
    pub seed: String,
    /// What was asked for: sets by their names, cases as they were typed.
    #[serde(deserialize_with = "read_set_names")]
    pub set: Vec<String>,
    /// How many cases were selected for each target.
    pub selected: u64,
    /// How many cases were not selected, by set.
    pub not_selected: BTreeMap<String, u64>,
    /// Which rule the overall rating follows.
    pub rating_rule: u32,
    /// The file of expected verdicts, if one was used.
    pub baseline: Option<String>,
    /// Secrets were recorded as they are.
    pub unredacted: bool,
    /// What is not strict makes the run fail.
    pub strict: bool,
    /// So does what failed at first, and not when it was run again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// So does what is better than the baseline says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fixed: bool,
    /// The folder that the record went to, where the command line is another one: that of a part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
    /// The machine; no name of it or of its users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Box<HostRecord>>,
    /// What was not typed: options from a file or the environment, secrets replaced, the strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<SettingRecord>,
    /// What is tested.
    pub targets: Vec<Target>,
}

impl RunRecord {
    /// The folder that the record went to, if that was said on the command line or elsewhere.
    pub fn folder(&self) -> Option<&str> {
        let is_run = self.argv.first().is_some_and(|word| ["run", "serve"].contains(&word.as_str()));
        let mut typed = self.argv.iter().enumerate().filter_map(|(at, word)| match word.as_str() {
            "-o" | "--out" => self.argv.get(at + 1).map(String::as_str),
            word => word.strip_prefix("--out=").or_else(|| word.strip_prefix("-o")),
        });
        let set = || self.config.iter().find(|setting| setting.key == "out")?.values.first();
        let typed = typed.next_back().map(|folder| folder.trim_start_matches('='));
        let typed = typed.filter(|_| is_run).or_else(|| set().map(String::as_str));
        self.out.as_deref().or(typed)
    }
}

/// What was asked for, without the sign that marks a set on the command line.
pub fn set_names(asked: &[String]) -> Vec<String> {
    asked.iter().map(|word| word.strip_prefix('@').unwrap_or(word).to_owned()).collect()
}

/// Earlier records have the sign.
fn read_set_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Vec::deserialize(deserializer).map(|asked: Vec<String>| set_names(&asked))
}

/// The machine on which wsspec ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Its operating system, such as `linux`.
    pub os: String,
    /// The kind of its processor, such as `x86_64`.
    pub arch: String,
    /// How many threads it runs at once.
    pub cores: usize,
}

/// An option that was not typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingRecord {
    /// The long name of the option.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
    /// Where they come from: file and line, profile, variable.
    pub origin: String,
}

/// One implementation under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub agent: Untrusted,
    /// Where it was reached, secrets replaced; none for clients.
    #[serde(default)]
    pub url: Option<String>,
    /// Its role.
    pub role: Role,
    /// Whether it negotiates permessage-deflate, if that is known.
    #[serde(default)]
    pub deflate: Option<bool>,
}

/// How the run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndRecord {
    /// When: UTC, ISO 8601.
    pub finished: String,
    /// From start to end in microseconds.
    pub duration_us: u64,
    /// Every selected case ran.
    pub complete: bool,
    /// The exit code.
    pub exit: i32,
    /// How many cases had which verdict.
    pub totals: BTreeMap<String, u64>,
    /// `strict`, `conformant`, `not-conformant` or `incomplete`.
    pub rating: String,
    /// Selected cases that did not run, by agent.
    pub not_run: Vec<NotRun>,
    /// Why the run ended early, if it did.
    pub reason: Option<Untrusted>,
    /// What wsspec started and did not end as it should, and what that left behind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<Untrusted>,
}

/// Cases of one agent that were selected and did not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// The implementation under test.
    pub agent: Untrusted,
    /// The ids of the cases.
    pub cases: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_their_kind_and_come_back() {
        let end = Line::End(EndRecord {
            complete: true,
            totals: [("pass".to_owned(), 3)].into(),
            rating: "strict".to_owned(),
            ..EndRecord::default()
        });
        let json = end.to_json();
        assert!(json.starts_with(r#"{"t":"end","#), "{json}");
        assert_eq!(Line::from_json(json.as_bytes()).unwrap(), Some(end));
    }

    #[test]
    fn the_folder_of_a_run_is_the_one_that_was_typed_or_set() {
        let run = |argv: &[&str]| RunRecord {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            ..RunRecord::default()
        };
        assert_eq!(run(&["run", "ws://a"]).folder(), None);
        for argv in
            [&["run", "-o", "my out"][..], &["serve", "--out", "my out"], &["run", "--out=my out", "1.*"]]
        {
            assert_eq!(run(argv).folder(), Some("my out"), "{argv:?}");
        }
        assert_eq!(run(&["run", "-oout", "--order", "id"]).folder(), Some("out"));
        assert_eq!(run(&["wstest", "-o", "http://origin"]).folder(), None);
        let values = vec!["ci".to_owned()];
        let set = SettingRecord { key: "out".to_owned(), values, origin: "wsspec.toml:3".to_owned() };
        assert_eq!(RunRecord { config: vec![set], ..run(&["run"]) }.folder(), Some("ci"));
    }

    #[test]
    fn sets_of_earlier_records_lose_their_sign() {
        let line = Line::from_json(br#"{"t":"run","set":["@core","deflate","5.*"]}"#).unwrap();
        let Some(Line::Run(run)) = line else { panic!("{line:?}") };
        assert_eq!(run.set, ["core", "deflate", "5.*"]);
    }

    #[test]
    fn unknown_kinds_and_fields_are_no_errors() {
        assert_eq!(Line::from_json(br#"{"t":"weather","rain":true}"#).unwrap(), None);
        let run = Line::from_json(br#"{"t":"run","tool":"9","colour":"red"}"#).unwrap();
        assert_eq!(run, Some(Line::Run(RunRecord { tool: "9".to_owned(), ..RunRecord::default() })));
        assert!(Line::from_json(b"{\"t\":\"case\"").is_err());
    }
}
