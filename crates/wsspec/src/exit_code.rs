//! The exit status of the process.

use std::fmt;

/// What the process says when it ends. Public: documented in `--help`, written into the record, never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Every selected case ran, and nothing is worse than allowed.
    Ok = 0,
    /// At least one unexpected fail, timeout or crash.
    Failed = 1,
    /// A bad flag, file, filter or case id; nothing was run.
    Usage = 2,
    /// The implementation under test could not be reached, or is no echo peer.
    Unreachable = 3,
    /// The selection left no case.
    Empty = 4,
    /// An expected failure passes now.
    Stale = 5,
    /// The run was cut short, or its report could not be written.
    Incomplete = 6,
    /// A defect of wsspec.
    Internal = 70,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl ExitCode {
    /// All codes in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Unreachable,
        Self::Empty,
        Self::Stale,
        Self::Incomplete,
        Self::Internal,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The word that the summary prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
            Self::Empty => "empty",
            Self::Stale => "stale",
            Self::Incomplete => "incomplete",
            Self::Internal => "internal",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// When it is given, in one line.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "every selected case ran, and nothing is worse than allowed",
            Self::Failed => "at least one unexpected fail, timeout or crash",
            Self::Usage => "a bad flag, file, filter or case id; nothing was run",
            Self::Unreachable => "no connection, no WebSocket, or no echo; nothing was run",
            Self::Empty => "the selection left no case",
            Self::Stale => "an expected failure passes now (--strict-baseline)",
            Self::Incomplete => "the run was cut short, or its report could not be written",
            Self::Internal => "a defect of wsspec",
            Self::Interrupted => "Ctrl-C; what was finished is kept",
            Self::Terminated => "SIGTERM; what was finished is kept",
        }
    }

    /// The graver one, if several apply.
    pub fn worst(self, other: Self) -> Self {
        if self.gravity() >= other.gravity() { self } else { other }
    }

    const fn gravity(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Empty => 1,
            Self::Stale => 2,
            Self::Failed => 3,
            Self::Incomplete => 4,
            Self::Unreachable => 5,
            Self::Usage => 6,
            Self::Interrupted | Self::Terminated => 7,
            Self::Internal => 8,
        }
    }

    /// The table of all codes, for `--help`.
    pub fn table() -> String {
        Self::ALL
            .iter()
            .map(|code| format!("  {:<4}{:<13}{}\n", code.number(), code.name(), code.meaning()))
            .collect()
    }
}

/// `exit 1 (failed)`
impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {} ({})", self.number(), self.name())
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        code.number().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graver_code_wins() {
        let order = [
            ExitCode::Empty,
            ExitCode::Stale,
            ExitCode::Failed,
            ExitCode::Incomplete,
            ExitCode::Unreachable,
            ExitCode::Usage,
            ExitCode::Interrupted,
            ExitCode::Internal,
        ];
        for pair in order.windows(2) {
            assert_eq!(pair[0].worst(pair[1]), pair[1]);
            assert_eq!(pair[1].worst(pair[0]), pair[1]);
        }
    }

    #[test]
    fn the_table_fits_a_terminal() {
        assert!(ExitCode::table().lines().all(|line| line.len() <= 80), "{}", ExitCode::table());
    }
}
