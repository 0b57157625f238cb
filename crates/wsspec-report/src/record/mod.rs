//! `results.jsonl`: the record of a run, one JSON object per line.
//!
//! A `run` line first, a `case` line for every finished case, an `end` line last. A file without an
//! `end` line is incomplete by definition. Within a schema version fields are only added; readers
//! ignore what they do not know.

mod broken;
mod build;
mod case;
mod cause;
mod connection;
pub(crate) mod event;
mod flat;
mod line;
mod listed;
mod log;
mod payload;
mod read;
mod redact;
mod rest;
mod words;

#[cfg(test)]
mod tests;

pub use build::CaseMeta;
pub use case::{
    AcceptRecord, CaseRecord, CheckRecord, Clause, EventRecord, Excuse, Near, Role, RuleRecord, SeenIn,
    Standing, UnreachedRecord,
};
pub use connection::{
    AgentLog, AutobahnRecord, BackendRecord, CertificateRecord, CloseRecord, CloseRuleRecord,
    HandshakeRecord, MeasuresRecord, NeverOpenedRecord, RoundTripsRecord, StatsRecord, TlsRecord,
    TrafficRecord,
};
pub use event::{Dir, Happening, LogLine};
pub use line::{EndRecord, HostRecord, Line, NotRun, RunRecord, SCHEMA, SettingRecord, Target, set_names};
pub use payload::Payload;
pub use read::{RecordError, Report, read, read_file};
pub use redact::{Redaction, user_in};
pub use rest::Source;
pub use words::{verdict_from_word, verdict_order};
