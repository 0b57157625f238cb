use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use wsspec_cases::{CaseId, Grade, Level};
use wsspec_engine::{Found, Verdict, Wanted};

use crate::Untrusted;
use crate::record::rest::Rest;
use crate::record::{
    AgentLog, AutobahnRecord, BackendRecord, CloseRecord, CloseRuleRecord, HandshakeRecord, LogLine,
    MeasuresRecord, Payload, RoundTripsRecord, StatsRecord, TrafficRecord,
};
use crate::record::{flat, words};

/// The result of one case against one implementation: a line of `results.jsonl`.
///
/// It holds everything that the reports show, also the texts of the case, so that an old file can be
/// shown by a newer version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// The implementation under test.
    pub agent: Untrusted,
    /// The case.
    #[serde(with = "words::case_id")]
    pub id: CaseId,
    /// Its name for people.
    pub slug: String,
    /// The section of the suite.
    pub section: String,
    /// Its place in the list of all cases, from 1; 0 if it is in no list.
    #[serde(default)]
    pub number: u32,
    /// What the tester does.
    pub title: String,
    /// What a conforming implementation does.
    pub expectation: String,
    /// What is tested; the first rule is the main one.
    pub rules: Vec<RuleRecord>,
    /// The native verdict.
    #[serde(with = "words::word")]
    pub verdict: Verdict,
    /// How it stands against the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Standing>,
    /// Why the baseline accepts the verdict, or that of the first attempt, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Excuse>,
    /// The name of the group of failures that it belongs to; none if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// One sentence: what was found.
    pub summary: Untrusted,
    /// The role of the implementation under test.
    pub role: Role,
    /// When the case started: UTC, ISO 8601.
    pub started: String,
    /// Microseconds from the start of the run to the start of the case.
    #[serde(default)]
    pub started_us: u64,
    /// From the open connection until TCP was gone, in microseconds.
    pub duration_us: u64,
    /// 1, or more if the case was repeated.
    #[serde(default = "one")]
    pub attempt: u32,
    /// Every assertion, in order.
    pub checks: Vec<CheckRecord>,
    /// Assertions that were not made, as the case ended before: they say nothing about the implementation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<UnreachedRecord>,
    /// Accepted outcomes in order; empty for driven cases.
    pub accepts: Vec<AcceptRecord>,
    /// What came, in order.
    pub received: Vec<EventRecord>,
    /// How many more came.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub received_dropped: u64,
    /// How the connection had to end.
    pub close_rule: CloseRuleRecord,
    /// How it ended.
    pub close: CloseRecord,
    /// The opening handshake.
    pub handshake: HandshakeRecord,
    /// The wire log.
    pub events: Vec<LogLine>,
    /// Counts of reads, writes and frames.
    pub stats: StatsRecord,
    /// Octets by layer.
    pub traffic: TrafficRecord,
    /// How long echoes took, if the time of the case means something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trips: Option<RoundTripsRecord>,
    /// What the report shows beyond the verdict.
    #[serde(default)]
    pub measures: MeasuresRecord,
    /// What the implementation wrote to its log while the case ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<AgentLog>,
    /// The other leg, if the implementation is a proxy before the tester's own server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Box<BackendRecord>>,
    /// The verdicts of the reference suite.
    pub autobahn: AutobahnRecord,
    /// The command that runs the case again.
    #[serde(default)]
    pub repro: Vec<String>,
    /// Frames, what came and the log were left out, as the record had grown too long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub short: bool,
    /// Where the rest of it is, if it is not whole.
    #[serde(skip)]
    pub(crate) rest: Option<Box<Rest>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub(super) const fn one() -> u32 {
    1
}

impl CaseRecord {
    /// The most binding level of the case's rules.
    pub fn level(&self) -> Level {
        self.rules.iter().map(|rule| rule.level).min().unwrap_or(Level::Must)
    }

    /// The assertion that does not hold and weighs most: the first one of the most binding level.
    pub fn first_failed(&self) -> Option<&CheckRecord> {
        self.checks.iter().filter(|check| !check.ok).min_by_key(|check| check.level)
    }

    /// The line of the log at which a rule was broken. None where nothing was judged or all is well: what is not
    /// asked for cannot be broken.
    pub fn deviation(&self) -> Option<usize> {
        self.first_failed().filter(|_| self.is_accused()).and_then(CheckRecord::line)
    }

    /// Whether something was judged, and found wrong.
    pub fn is_accused(&self) -> bool {
        !matches!(self.verdict, Verdict::Pass | Verdict::Info | Verdict::NotApplicable)
    }

    /// Leaves out frames and octets; they are counted as not kept.
    pub fn leave_out_frames(&mut self) {
        self.events.clear();
        self.stats.dropped += std::mem::take(&mut self.stats.kept);
        if let Some(backend) = &mut self.backend {
            backend.dropped += backend.events.len() as u64;
            backend.events.clear();
        }
        self.checks.iter_mut().for_each(|check| check.event = None);
    }

    /// Leaves out all that may be much: verdict, checks, handshake and counts stay.
    pub fn shorten(&mut self) {
        self.leave_out_frames();
        self.received_dropped += self.received.len() as u64;
        self.received.clear();
        if let Some(log) = &mut self.log {
            log.text = Untrusted::default();
        }
        self.short = true;
    }

    /// When the opening handshake was complete, in microseconds since the start of the connection.
    pub fn opened_us(&self) -> u64 {
        self.handshake.took_us.unwrap_or(0)
    }
}

/// A rule that a case tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// Where it stands.
    pub rfc: Clause,
    /// How binding it is.
    #[serde(with = "words::word")]
    pub level: Level,
    /// What it asks, in our own words.
    pub summary: String,
}

/// A section of an RFC, written `6455#5.4`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clause {
    /// The number of the RFC.
    pub rfc: u16,
    /// The section, such as `5.4`.
    pub section: String,
}

impl Clause {
    /// Reads `6455#5.4` or `RFC 6455 section 5.4`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("RFC ").unwrap_or(text);
        let (rfc, section) = text.split_once('#').or_else(|| text.split_once(" section "))?;
        let plain = section.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        (plain && !section.is_empty()).then_some(())?;
        Some(Self { rfc: rfc.parse().ok()?, section: section.to_owned() })
    }

    /// The address of the section at the RFC editor's.
    pub fn url(&self) -> String {
        format!("https://www.rfc-editor.org/rfc/rfc{}#section-{}", self.rfc, self.section)
    }
}

/// `RFC 6455 section 5.4`
impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RFC {} section {}", self.rfc, self.section)
    }
}

impl Serialize for Clause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}#{}", self.rfc, self.section))
    }
}

impl<'de> Deserialize<'de> for Clause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = flat::Text::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("a clause is written like 6455#5.4"))
    }
}

/// How a verdict stands against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// As it should be.
    Expected,
    /// Worse than the baseline allows.
    Unexpected,
    /// As bad as the baseline says.
    Known,
    /// Better than the baseline says.
    Fixed,
    /// Differs between the run and its repetition.
    Flaky,
}

/// Why a verdict is accepted although it is not good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excuse {
    /// The reason, for people.
    pub reason: String,
    /// Where it is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
}

/// The role of the implementation under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It is the server, the tester the client.
    Server,
    /// It is the client, the tester the server.
    Client,
}

/// One assertion inside a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// A stable name, such as `close.code`.
    pub id: String,
    /// How binding it is.
    #[serde(with = "words::word")]
    pub level: Level,
    /// Where the rule stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rfc: Option<Clause>,
    /// Whether it holds.
    pub ok: bool,
    /// What had to be.
    pub expected: Untrusted,
    /// What was.
    pub observed: Untrusted,
    /// What had to be as data, if it does not hold. Its texts may hold words of the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Box<Wanted>>,
    /// What was as data, if it does not hold. Its texts may hold words of the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Box<Found>>,
    /// The number of the log line that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<usize>,
    /// The header of the opening handshake that shows it, wrong or missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The case whose log has that line, if it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<SeenIn>,
}

/// An assertion that was not made, as the case ended before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreachedRecord {
    /// A stable name, such as `close.code`.
    pub id: String,
    /// How binding it is.
    #[serde(with = "words::word")]
    pub level: Level,
    /// Where the rule stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rfc: Option<Clause>,
    /// What had to be.
    pub expected: Untrusted,
}

/// Another case, in which something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeenIn(#[serde(with = "words::case_id")] pub CaseId);

impl CheckRecord {
    /// The name of the check that the process of the implementation runs on.
    pub const ALIVE: &str = "process.alive";

    /// Whether it is that check.
    pub fn is_alive(&self) -> bool {
        self.id == Self::ALIVE
    }

    /// The line of the log of its own case that shows it.
    pub fn line(&self) -> Option<usize> {
        self.event.filter(|_| self.case.is_none())
    }
}

/// An accepted outcome: exactly these events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptRecord {
    /// The verdict that it earns.
    #[serde(with = "words::word")]
    pub grade: Grade,
    /// The events.
    pub events: Vec<EventRecord>,
    /// Why it is accepted, if it is not ok.
    #[serde(default)]
    pub because: String,
}

/// An event that a case is judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase", try_from = "flat::Event<'_>")]
pub enum EventRecord {
    /// A whole message.
    Message {
        /// Binary or text.
        binary: bool,
        /// The content.
        data: Payload,
        /// The first octet that differs from the expected message at this place.
        #[serde(skip_serializing_if = "Option::is_none")]
        differs_at: Option<u64>,
        /// What stands around that octet, if it lies behind what is kept of the content.
        #[serde(skip_serializing_if = "Option::is_none")]
        near: Option<Box<Near>>,
    },
    /// A Pong.
    Pong {
        /// Its payload.
        data: Payload,
    },
    /// A wait of the script ran out.
    Elapsed {
        /// Its name.
        tag: String,
        /// How long it is, in microseconds; 0 if that is not known.
        #[serde(skip_serializing_if = "is_zero")]
        for_us: u64,
    },
}

/// Octets of two messages around the first one that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// The offset of the first of them.
    pub from: u64,
    /// What was expected from there on.
    pub expected: Payload,
    /// What came.
    pub observed: Payload,
}
