use bytes::{Bytes, BytesMut};
use wsspec_cases::{FrameSpec, Length, Payload};
use wsspec_wire::{FrameHeader, LengthForm, MaskingKey, Opcode, apply_mask};

use super::Transmit;
use crate::Time;
use crate::recorder::{Recorder, SentFrame};
use crate::wire_log::{Snippet, Snipping};

/// Octets that the case hands over as one: a frame, or more payload of a frame, or anything.
#[derive(Debug)]
pub(super) struct Write {
    header: Option<FrameHeader>,
    head: [u8; FrameHeader::MAX_LEN],
    head_len: usize,
    payload: Payload,
    /// The key, and how many octets of the frame's payload were masked before this write.
    mask: Option<(MaskingKey, usize)>,
    chop: Option<usize>,
    sync: bool,
    torn: bool,
    done: usize,
    /// The first octets as they went out, for the log.
    begun_with: Vec<u8>,
}

impl Write {
    pub(super) fn frame(spec: FrameSpec, mask: Option<MaskingKey>) -> Self {
        let len = spec.payload.len() as u64;
        let (length_form, length) = match spec.length {
            Length::Minimal => (LengthForm::minimal(len), len),
            Length::Form(form) => (form, len),
            Length::Claimed(form, claimed) => (form, claimed),
        };
        let FrameSpec { opcode, fin, rsv, payload, chop, sync, torn, .. } = spec;
        let header = FrameHeader { fin, rsv, opcode, mask, length, length_form };
        let (head, head_len) = header.encode_array();
        let header = Some(header);
        let mask = mask.map(|key| (key, 0));
        Self { header, head, head_len, payload, mask, chop, sync, torn, done: 0, begun_with: Vec::new() }
    }

    pub(super) fn octets(payload: Payload, mask: Option<(MaskingKey, usize)>) -> Self {
        Self {
            header: None,
            head: [0; FrameHeader::MAX_LEN],
            head_len: 0,
            payload,
            mask,
            chop: None,
            sync: false,
            torn: false,
            done: 0,
            begun_with: Vec::new(),
        }
    }

    /// Whether its octets share no piece with others.
    pub(super) const fn is_alone(&self) -> bool {
        self.sync || self.chop.is_some()
    }

    /// Whether a piece ends here.
    pub(super) fn is_cut_here(&self) -> bool {
        self.cuts().any(|cut| cut == self.done) && !self.is_done()
    }

    /// One octet before and one behind the end of the header, if the frame is cut there.
    fn cuts(&self) -> impl Iterator<Item = usize> {
        let head = self.torn.then_some(self.head_len);
        head.into_iter().flat_map(|len| [len - 1, len + 1])
    }

    pub(super) fn is_done(&self) -> bool {
        self.done == self.len()
    }

    fn len(&self) -> usize {
        self.head_len + self.payload.len()
    }

    pub(super) fn log_frame(&self, now: Time, recorder: &mut Recorder) {
        let Some(header) = self.header else { return };
        let unit = match &self.payload {
            Payload::Repeat { unit, .. } => Some(unit.len() as u64),
            Payload::Bytes(_) => None,
        };
        let (len, logged) = (self.payload.len() as u64, !recorder.is_quiet());
        let mut payload = Snipping::new(len, logged);
        // A Pong is compared with the Pings before it.
        if logged || header.opcode == Opcode::PING {
            pieces(&self.payload, |piece| payload.add(piece));
        }
        let payload = Snippet { len, ..payload.finish() };
        let (chop, sync) = (self.chop, self.sync);
        recorder.sent_frame(now, SentFrame { header, payload, unit, chop, sync });
    }

    /// Appends the next octets: one chop, or what the piece has room for.
    pub(super) fn append(&mut self, data: &mut Vec<u8>, now: Time, recorder: &mut Recorder) {
        let room = Transmit::LARGEST - data.len();
        let most = self.chop.map_or(room, |chop| chop.clamp(1, room));
        let next_cut = self.cuts().find(|cut| *cut > self.done);
        let most = next_cut.map_or(most, |cut| most.min(cut - self.done));
        let len = most.min(self.len() - self.done);
        let start = data.len();
        data.reserve(len);
        self.append_octets(len, data);
        let piece = &data[start..];
        if self.chop.is_some() {
            if len > 0 {
                recorder.sent(now, Snippet::of(piece), true);
            }
            return;
        }
        if !recorder.is_quiet() {
            let missing = Snippet::KEPT - self.begun_with.len();
            self.begun_with.extend_from_slice(&piece[..piece.len().min(missing)]);
        }
        if self.is_done() && self.len() > 0 {
            let kept = Bytes::from(std::mem::take(&mut self.begun_with));
            recorder.sent(now, Snippet { kept, len: self.len() as u64, sha256: None }, self.sync);
        }
    }

    fn append_octets(&mut self, len: usize, data: &mut Vec<u8>) {
        let end = self.done + len;
        if self.done < self.head_len {
            data.extend_from_slice(&self.head[self.done..end.min(self.head_len)]);
            self.done = end.min(self.head_len);
        }
        let from = self.done - self.head_len.min(self.done);
        if self.done < end {
            let start = data.len();
            copy_part(&self.payload, from, from + (end - self.done), data);
            if let Some((key, before)) = self.mask {
                apply_mask(key, before + from, &mut data[start..]);
            }
            self.done = end;
        }
    }
}

/// Appends the octets `from..to` of a payload.
fn copy_part(payload: &Payload, from: usize, to: usize, out: &mut Vec<u8>) {
    match payload {
        Payload::Bytes(bytes) => out.extend_from_slice(&bytes[from..to]),
        Payload::Repeat { unit, .. } => copy_repeated(unit, from, to - from, out),
    }
}

/// Shows all octets of a payload in order.
fn pieces(payload: &Payload, mut see: impl FnMut(&[u8])) {
    const PIECE: usize = 16 << 10;
    match payload {
        Payload::Bytes(bytes) => see(bytes),
        Payload::Repeat { unit, len } => {
            let (mut piece, mut left) = (Vec::new(), *len);
            let whole_units = unit.len() * (PIECE / unit.len().max(1)).max(1);
            copy_repeated(unit, 0, whole_units.min(left), &mut piece);
            while left > 0 && !piece.is_empty() {
                let next = left.min(piece.len());
                see(&piece[..next]);
                left -= next;
            }
        }
    }
}

/// Appends `len` octets of an endlessly repeated unit, from the octet `from` on.
fn copy_repeated(unit: &[u8], from: usize, len: usize, out: &mut Vec<u8>) {
    if unit.is_empty() || len == 0 {
        return;
    }
    let start = out.len();
    let shift = from % unit.len();
    out.extend_from_slice(&unit[shift..]);
    out.extend_from_slice(&unit[..shift]);
    // What is there is a whole number of units: doubling it keeps the phase.
    while out.len() - start < len {
        let have = out.len() - start;
        out.extend_from_within(start..start + have.min(len - have));
    }
    out.truncate(start + len);
}

/// The octets `from..to` as a payload of their own.
pub(super) fn part(payload: &Payload, from: usize, to: usize) -> Payload {
    match payload {
        Payload::Bytes(bytes) => Payload::Bytes(bytes.slice(from..to)),
        Payload::Repeat { unit, .. } if !unit.is_empty() && !from.is_multiple_of(unit.len()) => {
            let shift = from % unit.len();
            let mut turned = BytesMut::with_capacity(unit.len());
            turned.extend_from_slice(&unit[shift..]);
            turned.extend_from_slice(&unit[..shift]);
            Payload::Repeat { unit: turned.freeze(), len: to - from }
        }
        Payload::Repeat { unit, .. } => Payload::Repeat { unit: unit.clone(), len: to - from },
    }
}
