//! The program as its users run it: over real TCP on loopback, with an exit status.
#![expect(clippy::disallowed_methods, reason = "tests start programs, servers and clocks")]

mod acceptance;
mod advice;
mod baseline;
#[cfg(unix)]
mod bounded;
mod browsers;
mod config;
mod contract;
mod control;
mod debug_log;
mod deviations;
mod dying;
mod errors;
#[cfg(unix)]
mod exec;
mod facts;
mod faults;
mod feeds;
#[cfg(target_os = "linux")]
mod foreign;
mod from_spec;
mod harnesses;
mod hostile_handshake;
mod hostile_peer;
mod hostile_text;
mod image;
mod junit;
#[cfg(unix)]
mod kept;
mod led_astray;
mod levels;
mod load;
mod looking;
mod mock_ups;
mod modes;
mod new_sections;
mod options;
mod outputs;
mod packets;
mod peer;
mod probe;
mod program;
mod proxies;
#[cfg(unix)]
mod readiness;
mod recipes;
#[cfg(unix)]
mod released;
mod schemas;
mod scripts;
mod secure;
mod selecting;
#[cfg(unix)]
mod server;
mod started;
mod terminal;
mod tester;
#[cfg(unix)]
mod unix;
mod usage;
mod visitor;
mod walkthrough;
mod warnings;
mod whole_run;
mod wording;
#[cfg(unix)]
mod workflow;
