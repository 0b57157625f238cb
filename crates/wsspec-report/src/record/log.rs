//! From the engine's wire log to the lines of the record.

use std::ops::Range;

use wsspec_engine::{Direction, LogEntry, LogKind, Observation, Snippet, TesterRole, WireLog};
use wsspec_wire::{FrameHeader, copy_masked};

use crate::record::build::{micros, tcp_end};
use crate::record::event::{Dir, Happening, LogLine};
use crate::record::{Payload, Redaction, redact};

/// The lines, with secrets of the opening handshake and named values starred out.
pub(super) fn lines(mut heads: Heads<'_>, log: &WireLog) -> Vec<LogLine> {
    let lines = log.entries.iter().enumerate();
    lines
        .map(|(at, entry)| LogLine {
            i: log.number(at),
            us: micros(entry.at),
            what: happening(entry, &mut heads),
        })
        .collect()
}

/// Where the secrets of the two heads are, and how far each direction has come.
pub(super) struct Heads<'a> {
    request: Vec<Range<usize>>,
    response: Vec<Range<usize>>,
    client_sends: Dir,
    tx: usize,
    rx: usize,
    redaction: &'a Redaction,
}

impl<'a> Heads<'a> {
    /// Those of a case.
    pub(super) fn of_case(seen: &Observation, redaction: &'a Redaction) -> Self {
        let (request, response) = (&seen.handshake.request, &seen.handshake.response);
        let of_server = Self::of_server(request, response, redaction);
        match seen.role {
            TesterRole::Server => of_server,
            TesterRole::Client => Self { client_sends: Dir::Tx, ..of_server },
        }
    }

    /// Those of a connection whose log is that of the server.
    pub(super) fn of_server(request: &[u8], response: &[u8], redaction: &'a Redaction) -> Self {
        let (request, response) = (redaction.in_head(request), redaction.in_head(response));
        Self { request, response, client_sends: Dir::Rx, tx: 0, rx: 0, redaction }
    }

    /// The kept octets of a chunk without secrets.
    fn clean(&mut self, dir: Dir, data: &Snippet) -> Payload {
        let at = if dir == Dir::Tx { &mut self.tx } else { &mut self.rx };
        let offset = *at;
        *at = at.saturating_add(usize::try_from(data.len).unwrap_or(usize::MAX));
        let secrets = if dir == self.client_sends { &self.request } else { &self.response };
        let mut octets = data.kept.to_vec();
        redact::star(&mut octets, offset, secrets);
        self.clean_values(&mut octets);
        Payload::beginning(&octets, data.len, Snippet::KEPT)
    }

    fn clean_values(&self, octets: &mut [u8]) {
        let found = self.redaction.in_octets(octets);
        redact::star(octets, 0, &found);
    }
}

fn happening(entry: &LogEntry, heads: &mut Heads<'_>) -> Happening {
    let tag = |tag: &Option<&'static str>| tag.map(str::to_owned);
    match &entry.kind {
        LogKind::Octets { direction, data, sync } => {
            Happening::Octets { dir: dir(*direction), data: heads.clean(dir(*direction), data), sync: *sync }
        }
        LogKind::Frame { direction, header, payload, unit, chop, sync } => {
            let mut kept = payload.kept.to_vec();
            heads.clean_values(&mut kept);
            // The hash of a secret would tell whether a guess is right.
            let hash = payload.sha256.as_ref().filter(|_| kept == payload.kept);
            Happening::Frame {
                dir: dir(*direction),
                op: header.opcode.bits(),
                fin: header.fin,
                rsv: header.rsv.bits(),
                mask: header.mask,
                data: Payload::beginning(&kept, payload.len, Snippet::KEPT).hashed(hash),
                wire: wire(header, &kept),
                unit: *unit,
                chop: *chop,
                sync: *sync,
            }
        }
        LogKind::WaitStarted { delay, tag: name } => {
            Happening::Wait { delay_us: micros(*delay), tag: tag(name) }
        }
        LogKind::WaitEnded { tag: name } => Happening::WaitEnd { tag: tag(name) },
        LogKind::FailTimerArmed(delay) => Happening::FailTimer { delay_us: micros(*delay) },
        LogKind::FailTimerFired => Happening::FailTimerFired,
        LogKind::CloseTimerArmed(delay) => Happening::CloseTimer { delay_us: micros(*delay) },
        LogKind::CloseTimerFired => Happening::CloseTimerFired,
        LogKind::Recording(on) => Happening::Recording { on: *on },
        LogKind::Failed(why) => Happening::Failed { why: why.as_str().into() },
        LogKind::TcpEnd(end) => Happening::Tcp { end: tcp_end(*end) },
    }
}

const fn dir(direction: Direction) -> Dir {
    match direction {
        Direction::Tx => Dir::Tx,
        Direction::Rx => Dir::Rx,
    }
}

/// The frame as it was on the wire, as far as its payload was kept.
fn wire(header: &FrameHeader, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(FrameHeader::MAX_LEN + payload.len());
    header.encode(&mut out);
    match header.mask {
        Some(key) => copy_masked(key, 0, payload, &mut out),
        None => out.extend_from_slice(payload),
    }
    out
}
