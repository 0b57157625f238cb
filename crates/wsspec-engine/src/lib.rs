//! How a case runs and how it is judged, without sockets, clocks or files.
//!
//! [`CaseRun`](run) plays the other side of the wire: octets and time go in, octets and timers come out.
//! What happened is an [`Observation`]; [`judge`](judge) makes an [`Outcome`] of a case and an observation,
//! and can be repeated on an old one.
#![forbid(unsafe_code)]

mod observation;
mod outcome;
mod wire_log;

pub use observation::{
    CloseRecord, HandshakeRecord, NeverOpened, Observation, PeerFault, TcpEnd, TesterRole, Traffic, WireStats,
};
pub use outcome::{Behavior, BehaviorClose, Check, Outcome, Verdict};
pub use wire_log::{Direction, LogEntry, LogKind, Snippet, WireLog};

/// Time since the connection of the case was asked for. The caller supplies it.
pub type Time = std::time::Duration;
