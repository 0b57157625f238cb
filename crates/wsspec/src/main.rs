//! wsspec.
fn main() {}
