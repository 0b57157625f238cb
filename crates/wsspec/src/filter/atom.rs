use std::time::Duration;

use globset::{Glob, GlobMatcher};
use regex::Regex;
use wsspec_cases::{Case, Level, Roles, tags};
use wsspec_engine::Verdict;
use wsspec_report::record::{CaseRecord, Standing, verdict_from_word};

use super::Seen;
use crate::cli::parse_duration;
use crate::run::order::expected_time;
use crate::select;
use crate::text::did_you_mean;

/// The names of all atoms.
pub(super) const NAMES: [&str; 15] = [
    "id", "slug", "section", "set", "tag", "rfc", "level", "needs", "time", "size", "since", "status",
    "outcome", "agent", "differs",
];

/// The version that brought all cases so far.
const FIRST: (u32, u32) = (0, 1);

/// One question about a case.
#[derive(Debug)]
pub(super) enum Atom {
    Id(Pattern),
    Slug(Pattern),
    Section(u16),
    Set(select::Set),
    Tag(String),
    /// Major and minor version.
    Since(u32, u32),
    Clause {
        rfc: u16,
        section: String,
    },
    Level(Level),
    Needs(Need),
    Time(Comparison<Duration>),
    Size(Comparison<u64>),
    Status(Verdict),
    Outcome(Standing),
    Agent(Pattern),
    Differs,
}

#[derive(Debug)]
pub(super) enum Pattern {
    Glob(GlobMatcher),
    Regex(Regex),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    Deflate,
    /// No case does so far.
    Tls,
    /// The implementation under test has to be a client.
    Client,
    /// It has to be a server.
    Server,
}

#[derive(Debug)]
pub(super) struct Comparison<T> {
    operator: &'static str,
    than: T,
}

impl Atom {
    pub(super) fn new(name: &str, argument: &str) -> Result<Self, String> {
        Ok(match name {
            "id" => Self::Id(Pattern::new(argument)?),
            "slug" => Self::Slug(Pattern::new(argument)?),
            "agent" => Self::Agent(Pattern::new(argument)?),
            "section" => {
                Self::Section(argument.parse().map_err(|_| "a section is a number, as in section(5)")?)
            }
            "set" => Self::Set(set(argument)?),
            "tag" => tag(argument)?,
            "since" => since(argument)?,
            "rfc" => clause(argument)?,
            "level" => Self::Level(level(argument)?),
            "needs" => Self::Needs(need(argument)?),
            "time" => Self::Time(Comparison::new(argument, parse_duration)?),
            "size" => Self::Size(Comparison::new(argument, size)?),
            "status" => Self::Status(status(argument)?),
            "outcome" => Self::Outcome(standing(argument)?),
            _ if argument.is_empty() => Self::Differs,
            _ => return Err("differs() has no argument".to_owned()),
        })
    }

    pub(super) const fn needs_results(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Outcome(_) | Self::Agent(_) | Self::Differs)
    }

    pub(super) fn matches(&self, case: &Case, seen: Option<Seen<'_>>) -> bool {
        let of_result = |is_it: &dyn Fn(&CaseRecord) -> bool| seen.is_some_and(|seen| is_it(seen.record));
        match self {
            Self::Id(pattern) => pattern.matches(&case.id.to_string()),
            Self::Slug(pattern) => pattern.matches(&case.slug),
            Self::Section(number) => case.id.section() == *number,
            Self::Set(set) => set.contains(case),
            Self::Tag(word) => tags::fits(word, case),
            Self::Since(major, minor) => FIRST >= (*major, *minor),
            Self::Clause { rfc, section } => case.rules.iter().any(|rule| {
                let rest = rule.section.strip_prefix(section.as_str());
                rule.rfc.number() == *rfc && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }),
            Self::Level(level) => case.rules.first().is_some_and(|rule| rule.level == *level),
            Self::Needs(need) => need.of(case),
            Self::Time(comparison) => comparison.holds(&expected_time(case)),
            Self::Size(comparison) => comparison.holds(&case.largest_message()),
            Self::Status(verdict) => of_result(&|record| record.verdict == *verdict),
            Self::Outcome(standing) => of_result(&|record| record.outcome == Some(*standing)),
            Self::Agent(pattern) => of_result(&|record| pattern.matches(record.agent.raw())),
            Self::Differs => seen.is_some_and(|seen| differs(seen.of_case)),
        }
    }
}

fn differs(records: &[&CaseRecord]) -> bool {
    records.windows(2).any(|two| two[0].verdict != two[1].verdict)
}

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        if let Some(regex) = text.strip_prefix('/').and_then(|text| text.strip_suffix('/')) {
            let regex = Regex::new(regex).map_err(|error| format!("no regular expression: {error}"))?;
            return Ok(Self::Regex(regex));
        }
        Glob::new(text).map(|glob| Self::Glob(glob.compile_matcher())).map_err(|error| error.to_string())
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl Need {
    fn of(self, case: &Case) -> bool {
        match self {
            Self::Deflate => case.deflate.is_some(),
            Self::Tls => false,
            Self::Client => case.roles == Roles::Server,
            Self::Server => case.roles == Roles::Client,
        }
    }
}

impl<T: PartialOrd> Comparison<T> {
    fn new(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Self, String> {
        let operator = ["<=", ">=", "<", ">"].into_iter().find(|operator| text.starts_with(operator));
        let operator = operator.ok_or("expected a comparison, as in <1s: one of < > <= >=")?;
        Ok(Self { operator, than: read(text[operator.len()..].trim())? })
    }

    fn holds(&self, value: &T) -> bool {
        match self.operator {
            "<" => *value < self.than,
            ">" => *value > self.than,
            "<=" => *value <= self.than,
            _ => *value >= self.than,
        }
    }
}

fn set(name: &str) -> Result<select::Set, String> {
    let name = name.trim_start_matches('@');
    let found = select::SETS.into_iter().find(|set| set.name == name);
    found.ok_or_else(|| one_of("set", name, select::SETS.iter().map(|set| set.name)))
}

/// That there is no such thing, what may have been meant, and what there is.
fn one_of<'a>(what: &str, typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let meant = match did_you_mean(typed, known.clone()).first() {
        Some(near) => format!("; did you mean {near:?}?"),
        None => String::new(),
    };
    format!("no such {what}{meant}\na {what} is one of {}", known.collect::<Vec<_>>().join(" "))
}

fn tag(word: &str) -> Result<Atom, String> {
    if tags::all().any(|known| known == word) {
        return Ok(Atom::Tag(word.to_owned()));
    }
    Err(one_of("tag", word, tags::all().collect::<Vec<_>>().into_iter()))
}

/// `0.2`: cases that this version or a later one brought.
fn since(text: &str) -> Result<Atom, String> {
    let read = || {
        let (major, minor) = text.split_once('.')?;
        Some(Atom::Since(major.parse().ok()?, minor.parse().ok()?))
    };
    read().ok_or_else(|| "a version has two numbers, as in since(0.1)".to_owned())
}

fn clause(text: &str) -> Result<Atom, String> {
    let read = || {
        let (rfc, section) = text.split_once('#')?;
        Some(Atom::Clause { rfc: rfc.trim().parse().ok()?, section: section.trim().to_owned() })
    };
    read().ok_or_else(|| "a clause is written rfc(6455#5.4)".to_owned())
}

fn level(name: &str) -> Result<Level, String> {
    let levels = [Level::Must, Level::Should, Level::May];
    let found = levels.into_iter().find(|level| level.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| "a level is must, should or may".to_owned())
}

fn need(name: &str) -> Result<Need, String> {
    match name {
        "deflate" => Ok(Need::Deflate),
        "tls" => Ok(Need::Tls),
        "client" => Ok(Need::Client),
        "server" => Ok(Need::Server),
        _ => Err("needs(deflate), needs(tls), needs(client) or needs(server)".to_owned()),
    }
}

fn status(word: &str) -> Result<Verdict, String> {
    verdict_from_word(word)
        .ok_or_else(|| "a verdict, such as fail, pass, non-strict, n/a or timeout".to_owned())
}

fn standing(word: &str) -> Result<Standing, String> {
    let read = serde_json::from_value(serde_json::Value::from(word));
    read.map_err(|_| "expected, unexpected, known, fixed or flaky".to_owned())
}

/// `64KiB`, `1MiB`, `100B`
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit.trim() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        _ => None,
    };
    let product =
        number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    product.ok_or_else(|| "a size is a number of octets, as in 100B, 64KiB or 1MiB".to_owned())
}
