//! One file for each command: what it means, step by step.

pub mod baseline;
pub mod completions;
pub mod config;
pub mod demo;
pub mod diff;
pub mod echo;
pub mod explain;
pub mod list;
pub mod merge;
pub mod probe;
pub mod report;
pub mod repro;
pub mod run;
pub mod schema;
pub mod serve;
pub mod show;
