use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wsspec_engine::{Behavior, BehaviorClose, Seen};

use crate::Untrusted;
use crate::record::{LogLine, Payload, Redaction, build, log, words};

/// How the connection had to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloseRuleRecord {
    /// The tester starts the closing handshake; else the implementation fails the connection.
    pub by_tester: bool,
    /// The codes that the peer may send.
    pub codes: Vec<u16>,
    /// Close frames both ways, and TCP dropped by the side that should.
    pub clean: bool,
    /// A wrong code fails the case.
    pub wrong_code_fails: bool,
    /// The wrong side closing fails the case.
    pub wrong_end_fails: bool,
}

/// How the connection ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloseRecord {
    /// Who sent the first Close frame: `wsspec`, `peer` or `none`.
    pub first: String,
    /// The code that the tester sent.
    pub local: Option<u16>,
    /// The reason that the tester sent.
    pub local_reason: Option<Payload>,
    /// The code that the peer sent.
    pub remote: Option<u16>,
    /// The reason that the peer sent.
    pub remote_reason: Option<Payload>,
    /// Close frames both ways, and TCP dropped by the side that should.
    pub clean: bool,
    /// Why it was not clean.
    pub not_clean_reason: Option<Untrusted>,
    /// Who ended TCP: `wsspec`, `peer-fin` or `peer-rst`.
    pub tcp: Option<String>,
    /// The tester sent the first Close frame.
    pub closed_by_wsspec: bool,
    /// The tester failed the connection.
    pub failed_by_wsspec: bool,
    /// The tester dropped TCP.
    pub dropped_by_wsspec: bool,
    /// The opening handshake was not complete in time.
    pub open_timeout: bool,
    /// The peer's Close frame did not come in time.
    pub close_timeout: bool,
    /// The server did not drop TCP in time.
    pub drop_timeout: bool,
}

/// The opening handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandshakeRecord {
    /// The request head.
    pub request: Payload,
    /// The response head.
    pub response: Payload,
    /// What came with the head of a response other than 101: the beginning of its body.
    #[serde(skip_serializing_if = "Payload::is_empty")]
    pub body: Payload,
    /// The status code of the response.
    pub status: Option<u16>,
    /// The agreed extensions.
    pub extensions: Option<Untrusted>,
    /// The agreed subprotocol.
    pub subprotocol: Option<Untrusted>,
    /// The `Server` or `User-Agent` header of the peer.
    pub agent: Option<Untrusted>,
    /// Why the connection never opened.
    pub never_opened: Option<NeverOpenedRecord>,
    /// Until the handshake was complete, in microseconds.
    pub took_us: Option<u64>,
    /// How many secrets were replaced in the heads.
    pub redacted: usize,
    /// What TLS came to, if the connection goes through it and wsspec is the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsRecord>,
}

/// What the TLS handshake came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsRecord {
    /// `1.2` or `1.3`.
    pub version: String,
    /// The cipher suite, by its registered name.
    pub cipher: String,
    /// The protocol that was chosen by ALPN.
    #[serde(default)]
    pub alpn: Option<Untrusted>,
    /// The SHA-256 of the server's certificate, in hexadecimal.
    #[serde(default)]
    pub certificate: Option<String>,
    /// What the server's certificate says, if it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<CertificateRecord>,
}

/// What a certificate says. The server chose all of it; texts are cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateRecord {
    /// Whom it was given to: `CN=example.org`.
    pub subject: Untrusted,
    /// Who gave it.
    pub issuer: Untrusted,
    /// The names and addresses that it is for; the first ones.
    pub names: Vec<Untrusted>,
    /// From when on it holds: UTC, ISO 8601.
    pub not_before: String,
    /// Until when: UTC, ISO 8601.
    pub not_after: String,
}

/// Why a connection never opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeverOpenedRecord {
    /// `timeout`, `dropped`, `status`, `invalid`, `not-http`, `too-large` or `unreachable`.
    pub kind: String,
    /// In words.
    pub text: Untrusted,
}

/// Counts of what went over the wire, the opening handshake included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatsRecord {
    /// Octets sent.
    pub tx_octets: u64,
    /// Octets received.
    pub rx_octets: u64,
    /// Size of a write, and how often.
    pub tx_chunks: BTreeMap<u64, u64>,
    /// Size of a read, and how often.
    pub rx_chunks: BTreeMap<u64, u64>,
    /// Frames sent by opcode.
    pub tx_frames: BTreeMap<u8, u64>,
    /// Frames received by opcode.
    pub rx_frames: BTreeMap<u8, u64>,
    /// Frames by opcode that were to be sent when the connection ended.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unsent_frames: BTreeMap<u8, u64>,
    /// How many lines of the wire log were kept.
    pub kept: u64,
    /// How many were not.
    pub dropped: u64,
}

/// Octets by layer, the opening handshake not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrafficRecord {
    /// Application payload sent, before compression.
    pub tx_app: u64,
    /// Payload of data frames sent, after compression.
    pub tx_ws: u64,
    /// Octets sent, headers included.
    pub tx_wire: u64,
    /// Messages sent.
    pub tx_messages: u64,
    /// Data frames sent.
    pub tx_frames: u64,
    /// Application payload received, after inflation.
    pub rx_app: u64,
    /// Payload of data frames received, before inflation.
    pub rx_ws: u64,
    /// Octets received, headers included.
    pub rx_wire: u64,
    /// Messages received.
    pub rx_messages: u64,
    /// Data frames received.
    pub rx_frames: u64,
}

/// How long echoes took, in microseconds: from the first frame of a message to the end of its echo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoundTripsRecord {
    /// How many were measured.
    pub count: u64,
    /// The shortest.
    pub min_us: u64,
    /// The mean.
    pub mean_us: u64,
    /// Half of them took no longer.
    pub p50_us: u64,
    /// 90 % of them took no longer.
    pub p90_us: u64,
    /// 99 % of them took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
    /// Upper bounds, and how many took longer than the bound before and no longer than this one.
    pub histogram: Vec<(u64, u64)>,
}

/// What the report shows beyond the verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeasuresRecord {
    /// The time that the case took means something.
    pub time: bool,
    /// The compression ratio both ways.
    pub compression: bool,
    /// Octets were not recorded, the traffic is large.
    pub quiet: bool,
}

/// The part of the implementation's log that was written while the case ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentLog {
    /// Where it starts in `agent.log`, in octets.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// The text, cut.
    pub text: Untrusted,
    /// Where the system put the memory of the process, if it died of a signal that leaves a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<Untrusted>,
}

/// What went over the connection of a proxy to the server behind it, from that server's side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendRecord {
    /// How it was found: `key`, by the same `Sec-WebSocket-Key`, or `time`, as the only connection meanwhile.
    pub by: String,
    /// The request head as it arrived there.
    pub request: Payload,
    /// The response head.
    pub response: Payload,
    /// How many values were replaced as secrets.
    #[serde(default)]
    pub redacted: usize,
    /// What happened there; times count from the start of the case's own connection.
    pub events: Vec<LogLine>,
    /// How many events were dropped.
    #[serde(default)]
    pub dropped: u64,
}

impl BackendRecord {
    /// Of what was seen on a connection that was opened so many microseconds after that of the case began; less than 0 if
    /// the proxy was faster. What was seen before stands at 0.
    pub fn of(seen: &Seen, by: &str, after_us: i64, redaction: &Redaction) -> Self {
        let mut redacted = 0;
        let mut head = |octets: &[u8]| build::head(octets, redaction, &mut redacted);
        let (request, response) = (head(&seen.request), head(&seen.response));
        let mut events =
            log::lines(log::Heads::of_server(&seen.request, &seen.response, redaction), &seen.log);
        events.iter_mut().for_each(|line| line.us = line.us.saturating_add_signed(after_us));
        Self { by: by.to_owned(), request, response, redacted, events, dropped: seen.log.dropped }
    }
}

/// The verdicts of the reference suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutobahnRecord {
    /// On the behaviour.
    #[serde(with = "words::word")]
    pub behavior: Behavior,
    /// On the close.
    #[serde(with = "words::word")]
    pub behavior_close: BehaviorClose,
    /// The sentence on the behaviour.
    pub result: Untrusted,
    /// The sentence on the close.
    pub result_close: Untrusted,
}
