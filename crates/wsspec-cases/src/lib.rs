//! wsspec-cases.
