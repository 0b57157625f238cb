//! The closed lists of words in the record, and how values of other crates are written as such.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use wsspec_cases::{CaseId, Grade, Level};
use wsspec_engine::{Behavior, BehaviorClose, Verdict};

use crate::record::flat::Text;

const VERDICTS: [Verdict; 10] = [
    Verdict::Pass,
    Verdict::NonStrict,
    Verdict::Fail,
    Verdict::Timeout,
    Verdict::Crash,
    Verdict::Info,
    Verdict::NotApplicable,
    Verdict::Error,
    Verdict::Skipped,
    Verdict::NotRun,
];

/// All verdicts in the order in which reports list them.
pub const fn verdict_order() -> [Verdict; 10] {
    VERDICTS
}

/// The verdict with this word; `None` if there is none.
pub fn verdict_from_word(word: &str) -> Option<Verdict> {
    VERDICTS.into_iter().find(|verdict| verdict.word() == word)
}

/// A value that is one of a closed list of words.
pub(crate) trait Word: Copy + Sized + 'static {
    /// All values.
    const ALL: &'static [Self];

    /// The word for the value.
    fn word(self) -> &'static str;
}

impl Word for Verdict {
    const ALL: &'static [Self] = &VERDICTS;

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

impl Word for Behavior {
    const ALL: &'static [Self] =
        &[Self::Ok, Self::NonStrict, Self::Informational, Self::Unimplemented, Self::Failed];

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

impl Word for BehaviorClose {
    const ALL: &'static [Self] =
        &[Self::Ok, Self::Informational, Self::Unclean, Self::WrongCode, Self::FailedByClient, Self::Failed];

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

impl Word for Level {
    const ALL: &'static [Self] = &[Self::Must, Self::Should, Self::May];

    fn word(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
        }
    }
}

impl Word for Grade {
    const ALL: &'static [Self] =
        &[Self::Ok, Self::NonStrict, Self::Informational, Self::Unimplemented, Self::Failed];

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NonStrict => "non-strict",
            Self::Informational => "informational",
            Self::Unimplemented => "unimplemented",
            Self::Failed => "failed",
        }
    }
}

/// `#[serde(with = "words::word")]` for a [`Word`].
pub(crate) mod word {
    use super::*;

    pub(crate) fn serialize<T: Word, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.word())
    }

    pub(crate) fn deserialize<'de, T: Word, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let text = Text::deserialize(deserializer)?;
        T::ALL
            .iter()
            .copied()
            .find(|value| value.word() == &*text)
            .ok_or_else(|| D::Error::custom(format!("{:?} is none of the words that can stand here", &*text)))
    }
}

/// `#[serde(with = "words::case_id")]`
pub(crate) mod case_id {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(id: &CaseId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CaseId, D::Error> {
        Text::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_verdict() {
        for verdict in verdict_order() {
            assert_eq!(verdict_from_word(verdict.word()), Some(verdict));
        }
        assert_eq!(verdict_from_word("passed"), None);
    }
}
