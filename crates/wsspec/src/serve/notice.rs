//! What the server tells: to the terminal, and to pages that listen.

use std::net::SocketAddr;

use wsspec_cases::CaseId;

use super::book::Brief;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An agent runs its first case.
    AgentCame {
        /// Its name.
        agent: String,
        /// Where it connects from.
        peer: SocketAddr,
    },
    /// A case starts.
    CaseStarted {
        /// Who.
        agent: String,
        /// What.
        case: CaseId,
        /// Where it connects from.
        peer: SocketAddr,
    },
    /// A case runs twice at once: there may be two clients of one name.
    Twin {
        /// Their name.
        agent: String,
        /// The case.
        case: CaseId,
    },
    /// A case was asked for that this agent does not run.
    CaseSkipped {
        /// Who.
        agent: String,
        /// What.
        case: CaseId,
    },
    /// A case has a verdict.
    CaseEnded {
        /// Who.
        agent: String,
        /// What.
        case: CaseId,
        /// The verdict.
        brief: Brief,
        /// What was found, in one sentence; it may hold text of the peer.
        summary: String,
    },
    /// The record has grown long: those of further cases are short.
    RecordLong,
    /// The record is full: no further case is run.
    RecordFull,
    /// An agent wants the reports written, which means that it is through.
    ReportsAsked {
        /// Who.
        agent: String,
        /// Where it connects from.
        peer: SocketAddr,
    },
    /// The reports are written.
    ReportsWritten,
    /// The reports could not be written, for this reason.
    ReportsFailed(String),
    /// A client asks how many cases there are, what one is, or how it went.
    Asked,
    /// A client sends commands of its own.
    Commands {
        /// Where it connects from.
        peer: SocketAddr,
    },
    /// A request was refused.
    Refused {
        /// Where it came from.
        peer: SocketAddr,
        /// Why; it may hold text of the peer.
        why: String,
    },
    /// A connection without a request, as health checks make them.
    NoRequest {
        /// Where it came from.
        peer: SocketAddr,
    },
    /// Something odd about a process that the tester has started.
    ProcessNote(String),
    /// A process that the tester has started did not end as it should, or left others behind.
    Leak(String),
    /// A page in a browser says that it is through.
    PageDone,
    /// The server ends because a client asked for it.
    StopAsked,
}
