//! wsspec-report.
