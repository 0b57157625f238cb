//! wsspec-engine.
