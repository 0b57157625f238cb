//! Records of earlier runs.

use std::fs;
use std::path::Path;

use wsspec_report::record::{self, Report};

use crate::errors::{ErrorCode, Problem};

/// Reads a record.
///
/// # Errors
/// E18: there is none, or it is none.
pub fn read(path: &Path) -> Result<Report, Problem> {
    let problem = |why: String| {
        Problem::new(ErrorCode::E18, format!("cannot read the results in {}", path.display()))
            .fact("why", why)
            .fact("try", "wsspec run ws://127.0.0.1:9001   (it writes wsspec-out/results.jsonl)")
    };
    let octets = fs::read(path).map_err(|error| problem(error.to_string()))?;
    record::read(octets).map_err(|error| problem(error.to_string()))
}
