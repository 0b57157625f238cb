//! One file for each command: what it means, step by step.

pub mod echo;
pub mod explain;
pub mod list;
pub mod report;
pub mod run;
pub mod serve;
pub mod show;
