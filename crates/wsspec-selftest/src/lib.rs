//! The suite on the built-in endpoint, in memory and virtual time: strict, with defects, with quirks.
//!
//! A suite is worth the defects that it catches, and loses trust with each lawful peer that it blames. So every
//! defect of the endpoint has to be caught by a case, every case has to catch a defect, and no quirk may be
//! blamed. [`Matrix`] plays everything against everything.
#![forbid(unsafe_code)]

mod marks;
mod matrix;
mod peer;
mod play;
mod proof;

pub use marks::{Misplaced, misplaced};
pub use matrix::{Matrix, Row};
pub use play::{Change, Player, only_tells};
pub use proof::{
    Blame, Heavy, OldVerdict, blamed, blamed_in_heavy_cases, cases_that_cannot_fail, heavy_cases, least,
    least_of, old_samples, old_verdicts, survivors,
};
