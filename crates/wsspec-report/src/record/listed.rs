//! Records of which only what tables and lists show is read: what is left in the file anyway is passed over.

use serde::Deserialize;
use wsspec_cases::CaseId;
use wsspec_engine::{Behavior, BehaviorClose, Verdict};

use super::{line, words};
use crate::Untrusted;
use crate::record::{
    AutobahnRecord, CaseRecord, CloseRecord, CloseRuleRecord, Excuse, HandshakeRecord, MeasuresRecord, Role,
    RuleRecord, Standing, StatsRecord, TrafficRecord,
};

/// What stays of a case in which every check holds when it leaves the rest ([`CaseRecord::leave`]).
#[derive(Deserialize)]
struct Listed {
    agent: Untrusted,
    #[serde(with = "words::case_id")]
    id: CaseId,
    slug: String,
    section: String,
    #[serde(default)]
    number: u32,
    title: String,
    rules: Vec<RuleRecord>,
    #[serde(with = "words::word")]
    verdict: Verdict,
    outcome: Option<Standing>,
    known: Option<Excuse>,
    cause: Option<String>,
    summary: Untrusted,
    role: Role,
    #[serde(default)]
    started_us: u64,
    duration_us: u64,
    #[serde(default = "super::case::one")]
    attempt: u32,
    checks: Vec<Check>,
    #[serde(default)]
    received_dropped: u64,
    close: Close,
    handshake: Handshake,
    traffic: TrafficRecord,
    #[serde(default)]
    measures: MeasuresRecord,
    autobahn: Autobahn,
}

#[derive(Deserialize)]
struct Check {
    ok: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Close {
    remote: Option<u16>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Handshake {
    redacted: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Autobahn {
    #[serde(with = "words::word")]
    behavior: Behavior,
    #[serde(with = "words::word")]
    behavior_close: BehaviorClose,
}

/// The record of a case without its rest. None where a check does not hold: the name of its cause is made of the whole
/// record.
pub(super) fn read(json: &[u8]) -> Result<Option<CaseRecord>, serde_json::Error> {
    let listed: Listed = line::from_json(json)?;
    Ok(listed.checks.iter().all(|check| check.ok).then(|| listed.into()))
}

impl From<Listed> for CaseRecord {
    fn from(listed: Listed) -> Self {
        let Listed { close, handshake, autobahn, .. } = listed;
        Self {
            agent: listed.agent,
            id: listed.id,
            slug: listed.slug,
            section: listed.section,
            number: listed.number,
            title: listed.title,
            rules: listed.rules,
            verdict: listed.verdict,
            outcome: listed.outcome,
            known: listed.known,
            cause: listed.cause,
            summary: listed.summary,
            role: listed.role,
            started_us: listed.started_us,
            duration_us: listed.duration_us,
            attempt: listed.attempt,
            received_dropped: listed.received_dropped,
            close: CloseRecord { remote: close.remote, ..CloseRecord::default() },
            handshake: HandshakeRecord { redacted: handshake.redacted, ..HandshakeRecord::default() },
            traffic: listed.traffic,
            measures: listed.measures,
            autobahn: AutobahnRecord {
                behavior: autobahn.behavior,
                behavior_close: autobahn.behavior_close,
                result: Untrusted::default(),
                result_close: Untrusted::default(),
            },
            expectation: String::new(),
            started: String::new(),
            checks: Vec::new(),
            not_reached: Vec::new(),
            accepts: Vec::new(),
            received: Vec::new(),
            close_rule: CloseRuleRecord::default(),
            events: Vec::new(),
            stats: StatsRecord::default(),
            round_trips: None,
            log: None,
            backend: None,
            repro: Vec::new(),
            short: false,
            rest: None,
        }
    }
}
