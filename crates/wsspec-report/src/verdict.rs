//! How verdicts are shown on pages: a sign and a word.

use wsspec_engine::Verdict;

/// The forms of a verdict that people see.
pub trait Shown {
    /// One character.
    fn sign(self) -> &'static str;

    /// The word; what counts as a failure is in capitals.
    fn label(self) -> &'static str;

    /// The name in style sheets: `v-fail`.
    fn class(self) -> &'static str;
}

impl Shown for Verdict {
    fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::NonStrict => "~",
            Self::Fail => "✗",
            Self::Info => "i",
            Self::NotApplicable => "–",
            Self::Timeout => "⧗",
            Self::Crash => "☠",
            Self::Error => "!",
            Self::Skipped => "·",
            Self::NotRun => "?",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Pass => "ok",
            Self::Fail => "FAIL",
            Self::Timeout => "TIME",
            Self::Crash => "DIED",
            Self::Error => "ERR",
            other => other.word(),
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Pass => "v-pass",
            Self::NonStrict => "v-non-strict",
            Self::Fail | Self::Crash => "v-fail",
            // Few fonts have its sign: the style sheet draws it.
            Self::Timeout => "v-fail v-time",
            Self::Info => "v-info",
            Self::NotApplicable => "v-na",
            Self::Error => "v-error",
            Self::Skipped | Self::NotRun => "v-skipped",
        }
    }
}
