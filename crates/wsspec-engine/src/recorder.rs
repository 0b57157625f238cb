use bytes::Bytes;
use wsspec_cases::Received;
use wsspec_wire::{FrameHeader, Opcode};

use crate::Time;
use crate::observation::{Traffic, WireStats};
use crate::round_trips::RoundTrips;
use crate::wire_log::{Direction, LogBook, LogKind, Snippet};

/// Notes what goes over the wire while a case runs: log, counts, traffic.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) log: LogBook,
    pub(crate) stats: WireStats,
    pub(crate) traffic: Traffic,
    /// Only of cases whose time means something.
    pub(crate) round_trips: Option<RoundTrips>,
    /// The number in the log of the frame that came last, unless it is not in the log.
    pub(crate) last_frame: Option<usize>,
    /// The payloads of the Pings that were sent.
    pings: Vec<Bytes>,
    /// Octets and frames go into the counts only, not into the log.
    quiet: bool,
    /// The opening handshake is over: octets count as traffic.
    open: bool,
}

/// A frame as it goes out.
pub(crate) struct SentFrame {
    pub(crate) header: FrameHeader,
    pub(crate) payload: Snippet,
    pub(crate) unit: Option<u64>,
    pub(crate) chop: Option<usize>,
    pub(crate) sync: bool,
}

impl Recorder {
    /// One that measures how long echoes take, or not.
    pub(crate) fn new(times: bool) -> Self {
        Self { round_trips: times.then(RoundTrips::default), ..Self::default() }
    }

    pub(crate) fn note(&mut self, now: Time, kind: LogKind) {
        self.log.push(now, kind);
    }

    /// The number in the log of what shows best what came last: its frame, or where frames are not recorded the
    /// entry that says so.
    pub(crate) fn place(&self) -> usize {
        self.last_frame.unwrap_or_else(|| self.log.count().saturating_sub(1))
    }

    /// How many frames with this opcode were sent.
    pub(crate) fn sent_frames(&self, opcode: Opcode) -> u64 {
        self.stats.tx_frames.get(&opcode.bits()).copied().unwrap_or(0)
    }

    /// How many frames with this opcode came.
    pub(crate) fn received_frames(&self, opcode: Opcode) -> u64 {
        self.stats.rx_frames.get(&opcode.bits()).copied().unwrap_or(0)
    }

    /// Whether octets and frames go into the counts only: their beginnings need not be kept.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a Pong with this payload answers a Ping.
    pub(crate) fn is_answer(&self, pong: &Received) -> bool {
        self.pings.contains(&pong.kept)
    }

    pub(crate) fn opened(&mut self) {
        self.open = true;
    }

    /// Switches the log of octets and frames on or off.
    pub(crate) fn record(&mut self, now: Time, on: bool) {
        if self.quiet == on {
            self.quiet = !on;
            self.log.push(now, LogKind::Recording(on));
        }
    }

    /// A write: `data` may be the beginning of `len` octets that were handed over as one.
    pub(crate) fn sent(&mut self, now: Time, data: Snippet, sync: bool) {
        *self.stats.tx_octets.entry(data.len).or_default() += 1;
        if self.open {
            self.traffic.tx_wire += data.len;
        }
        if !self.quiet {
            self.log.push(now, LogKind::Octets { direction: Direction::Tx, data, sync });
        }
    }

    pub(crate) fn received(&mut self, now: Time, octets: &[u8]) {
        *self.stats.rx_octets.entry(octets.len() as u64).or_default() += 1;
        if !self.quiet {
            let kind = LogKind::Octets { direction: Direction::Rx, data: Snippet::of(octets), sync: false };
            self.log.push(now, kind);
        }
    }

    pub(crate) fn sent_frame(&mut self, now: Time, frame: SentFrame) {
        let SentFrame { header, payload, unit, chop, sync } = frame;
        *self.stats.tx_frames.entry(header.opcode.bits()).or_default() += 1;
        if header.opcode == Opcode::PING {
            self.pings.push(payload.kept.clone());
        }
        if !header.opcode.is_control() {
            self.traffic.tx_frames += 1;
            self.traffic.tx_ws += payload.len;
            self.traffic.tx_messages += u64::from(header.fin);
            self.round_trips.iter_mut().for_each(|trips| trips.sent(now));
        }
        if !self.quiet {
            let direction = Direction::Tx;
            self.log.push(now, LogKind::Frame { direction, header, payload, unit, chop, sync });
        }
    }

    /// A whole message came.
    pub(crate) fn received_message(&mut self, now: Time, len: u64) {
        self.traffic.rx_app += len;
        self.traffic.rx_messages += 1;
        self.round_trips.iter_mut().for_each(|trips| trips.came(now));
    }

    /// So many frames with this opcode that the case asked for never went out.
    pub(crate) fn unsent_frames(&mut self, opcode: Opcode, count: u64) {
        if count > 0 {
            *self.stats.unsent_frames.entry(opcode.bits()).or_default() += count;
        }
    }

    /// A frame of which no more will be taken: its header says how long it should have been. It is counted nowhere.
    pub(crate) fn cut_frame(&mut self, now: Time, header: FrameHeader, payload: Snippet) {
        if !self.quiet {
            self.last_frame = Some(self.log.count());
            let (direction, unit, chop, sync) = (Direction::Rx, None, None, false);
            self.log.push(now, LogKind::Frame { direction, header, payload, unit, chop, sync });
        }
    }

    pub(crate) fn received_frame(&mut self, now: Time, header: FrameHeader, payload: Snippet) {
        *self.stats.rx_frames.entry(header.opcode.bits()).or_default() += 1;
        if !header.opcode.is_control() {
            self.traffic.rx_frames += 1;
            self.traffic.rx_ws += payload.len;
        }
        // How the peer closes is told in quiet cases, too.
        let is_told = !self.quiet || header.opcode == Opcode::CLOSE;
        self.last_frame = is_told.then(|| self.log.count());
        if is_told {
            let (direction, unit, chop, sync) = (Direction::Rx, None, None, false);
            self.log.push(now, LogKind::Frame { direction, header, payload, unit, chop, sync });
        }
    }
}
