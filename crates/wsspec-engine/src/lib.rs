//! How a case runs and how it is judged, without sockets, clocks or files.
//!
//! [`CaseRun`] plays the other side of the wire: octets and time go in, octets and timers come out.
//! What happened is an [`Observation`]; [`judge`] makes an [`Outcome`] of a case and an observation,
//! and can be repeated on an old one.
//!
//! | to see | look in |
//! |---|---|
//! | the life of a connection | `run`: `opening`, `script`, `receiving`, `closing` |
//! | the opening handshake | `opening`, `negotiation` |
//! | how steps become octets | `outbox` |
//! | what is checked in what comes | `observe`, `observe::faults` |
//! | verdicts | `judge`: `reference` for the old ones, `checks` and `profile` for ours |
//! | the verdict on several connections | `together` |
//! | what is recorded | `recorder`, `observation`, `wire_log` |
#![forbid(unsafe_code)]

mod deflate;
mod found;
mod invariants;
mod judge;
mod negotiation;
mod observation;
mod observe;
mod onlooker;
mod opening;
mod outbox;
mod outcome;
mod random;
mod recorder;
mod round_trips;
mod run;
mod settings;
pub mod testing;
mod timers;
mod together;
mod wire_log;
mod words;

pub use deflate::SharedWindows;
pub use found::{Found, Sight, Wanted, fault};
pub use invariants::{Breach, Opening, Watched, passive_outcomes};
pub use judge::{judge, unreachable};
pub use observation::{
    CloseRecord, HandshakeRecord, NeverOpened, Observation, PeerFault, TcpEnd, TesterRole, Traffic, Unlawful,
    WireStats,
};
pub use onlooker::{Onlooker, Seen};
pub use outbox::Transmit;
pub use outcome::{Behavior, BehaviorClose, Check, Outcome, SeenIn, Verdict};
pub use round_trips::RoundTrips;
pub use run::CaseRun;
pub use settings::{ClientOpening, Conduct, Settings};
pub use together::{Resources, Taken, Together};
pub use wire_log::{Direction, LogEntry, LogKind, Snippet, WireLog};

/// Time since the connection of the case was asked for. The caller supplies it.
pub type Time = std::time::Duration;
