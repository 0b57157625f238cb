//! wsspec.
