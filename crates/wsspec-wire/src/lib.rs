//! wsspec-wire.
