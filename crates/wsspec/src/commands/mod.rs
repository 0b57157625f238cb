//! One file for each command: what it means, step by step.

pub mod echo;
pub mod explain;
pub mod list;
pub mod run;
pub mod serve;
