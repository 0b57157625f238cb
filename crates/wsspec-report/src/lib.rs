//! Outcomes to bytes: everything here is a pure function of the recorded results.
//!
//! A finished case becomes a [`record::CaseRecord`], one line of `results.jsonl`. Every other form
//! (the reference's JSON files, HTML, JUnit, Markdown, …) is made from such records, at once or later,
//! so that an old file of results can be shown again. No files, no clocks, no terminal in this crate.
//!
//! Text that the peer controls has its own type, [`Untrusted`], without `Display`: each place where it
//! can be written has its own escape in [`sanitise`].
#![forbid(unsafe_code)]

pub mod badge;
pub mod baseline;
pub mod compat;
pub mod diff;
pub mod explain;
pub mod github;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod merge;
pub mod pcap;
pub mod record;
pub mod repro;
pub mod sanitise;
pub mod story;
pub mod strictness;
pub mod summary;
pub mod tap;
pub mod verdict;

pub mod glob;
#[cfg(test)]
mod samples;
mod untrusted;

pub use untrusted::Untrusted;
