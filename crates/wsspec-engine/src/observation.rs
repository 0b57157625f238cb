use std::collections::BTreeMap;
use std::time::Duration;

use wsspec_cases::{Awaited, Conclusion, Event};

use crate::invariants::Watched;
use crate::outcome::SeenIn;
use crate::round_trips::RoundTrips;
use crate::wire_log::WireLog;

/// Everything that was seen while a case ran: what judging and reporting need, bounded in size.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Which side the tester played.
    pub role: TesterRole,
    /// The opening handshake.
    pub handshake: HandshakeRecord,
    /// What came, in order (the list that accepted outcomes are compared with). Of driven cases the first
    /// ones only, and the beginnings of their payloads.
    pub events: Vec<Event>,
    /// The entry of the log with which each of them came; none where it is not in the log.
    pub event_entries: Vec<Option<usize>>,
    /// How many more came.
    pub events_dropped: u64,
    /// The driver's verdict, for cases that are driven.
    pub conclusion: Option<Conclusion>,
    /// How the connection ended.
    pub close: CloseRecord,
    /// A rule that the peer broke on the frame level, if the tester had to fail the connection for it.
    pub fault: Option<PeerFault>,
    /// The entry of the log with the frame that broke it.
    pub fault_entry: Option<usize>,
    /// Rules that the peer broke while what it sent could still be read; the first ones.
    pub breaches: Vec<PeerFault>,
    /// The entries of the log with the frames, or the head, that broke them.
    pub breach_entries: Vec<Option<usize>>,
    /// What the peer did in passing that the passive cases are about.
    pub watched: Watched,
    /// Of a passive case: where it was seen.
    pub seen_in: Option<SeenIn>,
    /// What the peer said when it refused a command; the beginning.
    pub refused: Option<String>,
    /// What a step waited for in vain.
    pub overdue: Option<Awaited>,
    /// How long the peer took to end TCP from when a step began to wait for it.
    pub end_delay: Option<Duration>,
    /// The factor that the times of the case were stretched by.
    pub time_scale: f64,
    /// A timer of the case ran out while the connection was open.
    pub ran_out: bool,
    /// Frames, chunks and timers with their times.
    pub log: WireLog,
    /// Counts by size and opcode.
    pub stats: WireStats,
    /// Payload and wire octets by direction.
    pub traffic: Traffic,
    /// How long echoes took, for cases whose time means something.
    pub round_trips: Option<RoundTrips>,
    /// From the open connection until TCP was gone (from the start if it never opened).
    pub duration: Duration,
}

impl Observation {
    /// Of a case without a connection.
    pub(crate) fn of_nothing(role: TesterRole) -> Self {
        Self {
            role,
            handshake: HandshakeRecord::default(),
            events: Vec::new(),
            event_entries: Vec::new(),
            events_dropped: 0,
            conclusion: None,
            close: CloseRecord::default(),
            fault: None,
            fault_entry: None,
            breaches: Vec::new(),
            breach_entries: Vec::new(),
            watched: Watched::default(),
            seen_in: None,
            refused: None,
            overdue: None,
            end_delay: None,
            time_scale: 1.0,
            ran_out: false,
            log: WireLog::default(),
            stats: WireStats::default(),
            traffic: Traffic::default(),
            round_trips: None,
            duration: Duration::ZERO,
        }
    }
}

/// Which side of the wire the tester plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TesterRole {
    /// A server is under test.
    Client,
    /// A client is under test.
    Server,
}

/// The opening handshake as it was on the wire.
#[derive(Clone, Debug, Default)]
pub struct HandshakeRecord {
    /// The octets of the request head.
    pub request: Vec<u8>,
    /// The octets of the response head, cut at 16 KiB.
    pub response: Vec<u8>,
    /// What came with the head of a response other than 101: the beginning of its body.
    pub body: Vec<u8>,
    /// The status code, if there was a status line.
    pub status: Option<u16>,
    /// The agreed extensions, as the response names them.
    pub extensions: Option<String>,
    /// The agreed subprotocol.
    pub subprotocol: Option<String>,
    /// The `Server` or `User-Agent` header of the peer.
    pub agent: Option<String>,
    /// Why the connection never opened; `None` if it did.
    pub never_opened: Option<NeverOpened>,
    /// From the start of the connection until the handshake was complete.
    pub took: Option<Duration>,
}

/// Why a connection never opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeverOpened {
    /// No complete response in time.
    TimedOut,
    /// TCP ended before the response was complete.
    Dropped(TcpEnd),
    /// A response other than 101.
    Status(u16),
    /// A request or a 101 that breaks a rule.
    Invalid(Unlawful),
    /// The first octets are no HTTP.
    NotHttp,
    /// The head is larger than the limit.
    TooLarge,
    /// No TCP or TLS connection; the text says why.
    Unreachable(String),
}

impl NeverOpened {
    /// Whether the peer turned the connection away, which it may do whenever it likes (RFC 6455 section 4.2.2), and
    /// broke no rule that could be told from it.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Dropped(_))
    }
}

/// What is not lawful in a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlawful {
    /// What is wrong, for people.
    pub text: String,
    /// The header that is wrong or missing; none if it is the first line.
    pub header: Option<&'static str>,
}

impl Unlawful {
    /// The first line is wrong.
    pub(crate) fn line(text: impl Into<String>) -> Self {
        Self { text: text.into(), header: None }
    }

    /// This header is wrong or missing.
    pub(crate) fn header(name: &'static str, text: impl Into<String>) -> Self {
        Self { text: text.into(), header: Some(name) }
    }
}

/// Who ended TCP, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpEnd {
    /// The peer sent FIN.
    PeerFin,
    /// The peer sent RST.
    PeerReset,
    /// The tester ended it.
    Tester,
}

/// How the connection ended. The names are those of the reference's report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseRecord {
    /// The tester sent the first Close frame.
    pub closed_by_me: bool,
    /// The tester failed the connection.
    pub failed_by_me: bool,
    /// The tester dropped TCP.
    pub dropped_by_me: bool,
    /// Close frames both ways, and TCP dropped by the side that should.
    pub was_clean: bool,
    /// Why it was not clean.
    pub was_not_clean_reason: Option<String>,
    /// The server did not drop TCP in time.
    pub was_server_connection_drop_timeout: bool,
    /// The opening handshake was not complete in time.
    pub was_open_handshake_timeout: bool,
    /// The peer's Close frame did not come in time.
    pub was_close_handshake_timeout: bool,
    /// The code that the tester sent.
    pub local_code: Option<u16>,
    /// The reason that the tester sent.
    pub local_reason: Option<Vec<u8>>,
    /// The code that the peer sent.
    pub remote_code: Option<u16>,
    /// The reason that the peer sent.
    pub remote_reason: Option<Vec<u8>>,
    /// Who ended TCP, and how.
    pub tcp: Option<TcpEnd>,
}

/// A rule of the frame level that the peer broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFault {
    /// A stable name, such as `frame.rsv`.
    pub id: &'static str,
    /// The section, such as `RFC 6455 section 5.2`.
    pub section: &'static str,
    /// What was seen.
    pub text: String,
}

impl PeerFault {
    /// Whether it was broken in the opening handshake, by what was agreed on.
    pub(crate) fn is_of_handshake(&self) -> bool {
        self.id.starts_with("handshake.")
    }
}

/// Counts of what went over the wire, the opening handshake included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireStats {
    /// Size of a read in octets, and how often.
    pub rx_octets: BTreeMap<u64, u64>,
    /// Size of a write in octets, and how often.
    pub tx_octets: BTreeMap<u64, u64>,
    /// Frames received by opcode.
    pub rx_frames: BTreeMap<u8, u64>,
    /// Frames sent by opcode.
    pub tx_frames: BTreeMap<u8, u64>,
    /// Frames by opcode that were to be sent when the connection ended.
    pub unsent_frames: BTreeMap<u8, u64>,
}

/// How many octets of messages became how many on the wire (frame level, after the handshake).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Application payload sent, before compression.
    pub tx_app: u64,
    /// Payload of data frames sent, after compression.
    pub tx_ws: u64,
    /// Octets sent after the handshake, headers included.
    pub tx_wire: u64,
    /// Messages sent.
    pub tx_messages: u64,
    /// Data frames sent.
    pub tx_frames: u64,
    /// Application payload received, after inflation.
    pub rx_app: u64,
    /// Payload of data frames received, before inflation.
    pub rx_ws: u64,
    /// Octets received after the handshake.
    pub rx_wire: u64,
    /// Messages received.
    pub rx_messages: u64,
    /// Data frames received.
    pub rx_frames: u64,
}
