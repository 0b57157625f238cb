//! What is known not to pass: every verdict is compared with it before it is told.

use wsspec_report::baseline::Baseline;
use wsspec_report::record::CaseRecord;

/// What the verdicts are compared with.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The entries.
    pub baseline: Baseline,
    /// The current day.
    pub today: String,
    /// A verdict that is not strict is unexpected too.
    pub strict: bool,
}

impl Expected {
    /// Notes in a record how it stands.
    pub fn compare(&self, record: &mut CaseRecord) {
        self.baseline.compare(record, &self.today, self.strict);
    }
}
