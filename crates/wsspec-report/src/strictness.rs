//! What makes a run fail: the rule of the exit status, by which every output says what did.

use wsspec_engine::Verdict;

use crate::record::{CaseRecord, RunRecord, Standing};

/// What counts as a failure besides fail, timeout and crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strictness {
    /// What is not strict.
    pub non_strict: bool,
    /// What failed at first, and not when it was run again.
    pub flaky: bool,
    /// What is better than the baseline says.
    pub fixed: bool,
}

impl Strictness {
    /// That of a run, as far as its record tells.
    pub fn of(run: &RunRecord) -> Self {
        Self { non_strict: run.strict, flaky: run.strict || run.flaky, fixed: run.fixed }
    }

    /// Whether a verdict that stands like this against the baseline is a failure. What the baseline lists is none.
    pub fn fails(self, verdict: Verdict, standing: Option<Standing>) -> bool {
        match standing {
            Some(Standing::Known) => false,
            Some(Standing::Fixed) => self.fixed,
            Some(Standing::Flaky) if self.flaky => true,
            _ => verdict.is_failure() || self.non_strict && verdict == Verdict::NonStrict,
        }
    }

    /// The same of a result; what the baseline knows of its first attempt is no failure of the second.
    pub fn fails_for(self, case: &CaseRecord) -> bool {
        let is_known = case.outcome == Some(Standing::Flaky) && case.known.is_some();
        !is_known && self.fails(case.verdict, case.outcome)
    }

    /// Whether a result is told with the others of its cause: it is a failure, or could not be run.
    pub(crate) fn is_told(self, case: &CaseRecord) -> bool {
        let is_red = case.verdict.is_red();
        match case.outcome {
            Some(Standing::Known | Standing::Flaky) => false,
            Some(Standing::Fixed) => is_red,
            _ => is_red || self.fails_for(case),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_follows_from_verdict_and_standing() {
        use Standing::{Fixed, Flaky, Known, Unexpected};
        let lax = Strictness::default();
        let strict = Strictness { non_strict: true, flaky: true, fixed: true };
        for (verdict, standing, fails) in [
            (Verdict::Fail, None, [true, true]),
            (Verdict::Timeout, Some(Unexpected), [true, true]),
            (Verdict::Fail, Some(Known), [false, false]),
            (Verdict::NonStrict, None, [false, true]),
            (Verdict::NonStrict, Some(Known), [false, false]),
            (Verdict::Pass, Some(Flaky), [false, true]),
            (Verdict::Pass, Some(Fixed), [false, true]),
            (Verdict::Pass, None, [false, false]),
            // It could not be run, which is no failure.
            (Verdict::Error, None, [false, false]),
        ] {
            assert_eq!(
                [lax, strict].map(|one| one.fails(verdict, standing)),
                fails,
                "{verdict:?} {standing:?}"
            );
        }
    }
}
