use wsspec_cases::{CaseId, Level};

use crate::found::{self, Found, Wanted};
use crate::observation::Observation;

/// The result of one case against one implementation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case.
    pub id: CaseId,
    /// The native verdict: behaviour and close together.
    pub verdict: Verdict,
    /// One sentence: what was found.
    pub summary: String,
    /// Every assertion of the case, in order; the first one that failed is the cause.
    pub checks: Vec<Check>,
    /// Assertions that were not made, as the case ended before: they say nothing about the implementation.
    pub not_reached: Vec<Check>,
    /// The reference's verdict on the behaviour.
    pub behavior: Behavior,
    /// The reference's verdict on the close.
    pub behavior_close: BehaviorClose,
    /// The reference's sentence on the behaviour.
    pub result: String,
    /// The reference's sentence on the close.
    pub result_close: String,
    /// What was seen.
    pub observation: Observation,
}

/// The native verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// All checks hold.
    Pass,
    /// A SHOULD broken, every MUST kept.
    NonStrict,
    /// A MUST broken.
    Fail,
    /// Recorded, not judged.
    Info,
    /// The feature was not offered or not negotiated.
    NotApplicable,
    /// The implementation went silent; counts as a failure.
    Timeout,
    /// The implementation died; counts as a failure.
    Crash,
    /// The case could not be run; never counts as a pass.
    Error,
    /// Deselected.
    Skipped,
    /// Selected, but the run ended first.
    NotRun,
}

impl Verdict {
    /// The word that every surface uses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NonStrict => "non-strict",
            Self::Fail => "fail",
            Self::Info => "info",
            Self::NotApplicable => "n/a",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::NotRun => "not run",
        }
    }

    /// Whether it counts as a failure of the implementation.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Timeout | Self::Crash)
    }

    /// Whether it keeps a run from being green: a failure, or a case that could not be run.
    pub const fn is_red(self) -> bool {
        self.is_failure() || matches!(self, Self::Error)
    }
}

/// One assertion inside a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable name, such as `events`, `close.code`, `close.clean`, `close.initiator`, `close.tcp`.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// The section, such as `RFC 6455 section 5.4`.
    pub section: String,
    /// Whether the case came so far.
    pub reached: bool,
    /// Whether it holds.
    pub ok: bool,
    /// What had to be.
    pub expected: Wanted,
    /// What was.
    pub observed: Found,
    /// The index of the log entry that shows it.
    pub entry: Option<usize>,
    /// The header that shows it, of the head that begins in or before that entry.
    pub header: Option<&'static str>,
    /// The case that it was seen in, if that is another one.
    pub seen_in: Option<SeenIn>,
}

/// Where in another case something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenIn {
    /// The case.
    pub case: CaseId,
    /// The number of the entry in its log, those that were dropped counted; none if that connection is not in the log.
    pub number: Option<usize>,
}

impl Check {
    /// A check without a place.
    pub(crate) fn new(id: &'static str, level: Level, section: impl Into<String>, ok: bool) -> Self {
        let (expected, observed) = (Wanted::other(""), Found::other(""));
        let section = section.into();
        let reached = true;
        Self { id, level, section, reached, ok, expected, observed, entry: None, header: None, seen_in: None }
    }

    /// The same, if the case had come so far.
    pub(crate) fn unreached(self) -> Self {
        Self { reached: false, ok: true, observed: Found::other(""), entry: None, ..self }
    }

    /// What went wrong, as a clause.
    pub(crate) fn sentence(&self) -> String {
        found::fault(&self.expected, &self.observed, true)
    }

    /// The same, with what had to be and what was.
    pub(crate) fn of(self, expected: Wanted, observed: Found) -> Self {
        Self { expected, observed, ..self }
    }

    /// The same; if it failed, this entry of the log shows it.
    pub(crate) fn at(self, entry: Option<usize>) -> Self {
        Self { entry: entry.filter(|_| !self.ok), ..self }
    }
}

/// The reference's words for the behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behavior {
    /// `OK`
    Ok,
    /// `NON-STRICT`
    NonStrict,
    /// `INFORMATIONAL`
    Informational,
    /// `UNIMPLEMENTED`
    Unimplemented,
    /// `FAILED`
    Failed,
}

/// The reference's words for the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BehaviorClose {
    /// `OK`
    Ok,
    /// `INFORMATIONAL`
    Informational,
    /// `UNCLEAN`
    Unclean,
    /// `WRONG CODE`
    WrongCode,
    /// `FAILED BY CLIENT`
    FailedByClient,
    /// `FAILED`
    Failed,
}

impl Behavior {
    /// The word in the reference's files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NonStrict => "NON-STRICT",
            Self::Informational => "INFORMATIONAL",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Failed => "FAILED",
        }
    }
}

impl BehaviorClose {
    /// The word in the reference's files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Informational => "INFORMATIONAL",
            Self::Unclean => "UNCLEAN",
            Self::WrongCode => "WRONG CODE",
            Self::FailedByClient => "FAILED BY CLIENT",
            Self::Failed => "FAILED",
        }
    }
}
