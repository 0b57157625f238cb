mod write;

use std::collections::VecDeque;

use bytes::Bytes;
use wsspec_cases::{CaseId, FrameSpec, Length, Masking, MessageSpec, Payload};
use wsspec_wire::{MaskingKey, Opcode, Rsv, encode_close};

use crate::Time;
use crate::deflate::Compressor;
use crate::random::{Purpose, Random};
use crate::recorder::Recorder;
use crate::wire_log::LogKind;
use write::Write;

/// What the caller has to do next with the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Write these octets.
    Octets {
        /// Never empty, at most [`Transmit::LARGEST`] octets.
        data: Bytes,
        /// Hand them to the network on their own before the next ones.
        flush: bool,
    },
    /// Send FIN: nothing more is written, reading goes on.
    Fin,
    /// Close the connection: FIN, then read what is still under way, briefly.
    Drop,
    /// End the connection with a RST.
    Reset,
}

impl Transmit {
    /// The most octets that are handed over at once.
    pub const LARGEST: usize = 64 * 1024;
}

/// What is still to be sent, in order. Frames become octets piece by piece when they are asked for, so that
/// memory stays flat however large they are.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: VecDeque<Item>,
    writing: Option<Write>,
    /// Pongs that wait for the end of a frame whose payload the case has not given completely.
    held: VecDeque<Bytes>,
    /// How many octets of payload that frame lacks.
    half_sent: u64,
    /// Where the masking of the frame that went out last stands.
    masking: Option<(MaskingKey, usize)>,
    /// Frames are masked if the case does not say otherwise.
    masks: bool,
    keys: Random,
    pong_keys: Random,
    compressor: Option<Compressor>,
    /// A write failed, or FIN was sent: octets are not worth making any more.
    broken: bool,
}

#[derive(Debug)]
enum Item {
    Frame(FrameSpec),
    Message(MessageSpec),
    Fragments(Fragments),
    /// More payload of the last frame.
    Data(Payload),
    Octets(Bytes),
    Pong(Bytes),
    /// An entry for the log, which has its place behind what was queued before.
    Note(LogKind),
    End(Transmit),
}

/// The rest of a message that goes out in fragments.
#[derive(Debug)]
struct Fragments {
    spec: MessageSpec,
    rsv: Rsv,
    done: usize,
    size: usize,
}

impl Fragments {
    fn of(spec: MessageSpec, rsv: Rsv) -> Self {
        let size = spec.fragment.unwrap_or(usize::MAX).max(1);
        Self { spec, rsv, done: 0, size }
    }

    fn rest(&self) -> usize {
        self.spec.payload.len() - self.done
    }

    /// Whether the next frame is the last one. A message that fills all its fragments ends with an empty one, as
    /// cases with fragments always have.
    fn is_last(&self) -> bool {
        if self.done == 0 { self.rest() <= self.size } else { self.rest() < self.size }
    }

    fn count_unsent(&self, recorder: &mut Recorder) {
        let frames = if self.is_last() { 1 } else { self.rest() / self.size + 1 } as u64;
        let first = u64::from(self.done == 0);
        recorder.unsent_frames(self.spec.opcode, first);
        recorder.unsent_frames(Opcode::CONTINUATION, frames - first);
    }
}

impl Outbox {
    /// Answers to pings that wait at most. Only the latest ping has to be answered (RFC 6455 5.5.3), so older
    /// ones may go, and a flood of pings needs no memory.
    const PONGS: usize = 1024;

    pub(crate) fn new(masks: bool, seed: u64, case: CaseId) -> Self {
        Self {
            queue: VecDeque::new(),
            writing: None,
            held: VecDeque::new(),
            half_sent: 0,
            masking: None,
            masks,
            keys: Random::new(seed, case, Purpose::Frames),
            pong_keys: Random::new(seed, case, Purpose::Pongs),
            compressor: None,
            broken: false,
        }
    }

    /// Compress from here on what may be compressed.
    pub(crate) fn compress_with(&mut self, compressor: Compressor) {
        self.compressor = Some(compressor);
    }

    pub(crate) fn octets(&mut self, octets: impl Into<Bytes>) {
        self.queue.push_back(Item::Octets(octets.into()));
    }

    pub(crate) fn frame(&mut self, spec: FrameSpec) {
        self.half_sent = match spec.length {
            Length::Claimed(_, length) => length.saturating_sub(spec.payload.len() as u64),
            Length::Minimal | Length::Form(_) => 0,
        };
        self.queue.push_back(Item::Frame(spec));
    }

    pub(crate) fn message(&mut self, spec: MessageSpec) {
        self.queue.push_back(Item::Message(spec));
    }

    pub(crate) fn data(&mut self, payload: Payload) {
        self.half_sent = self.half_sent.saturating_sub(payload.len() as u64);
        self.queue.push_back(Item::Data(payload));
        if self.half_sent == 0 {
            self.queue.extend(self.held.drain(..).map(Item::Pong));
        }
    }

    /// Answers a ping, but not in the middle of a frame.
    pub(crate) fn pong(&mut self, payload: Bytes) {
        if self.half_sent > 0 {
            if self.held.len() == Self::PONGS {
                self.held.pop_front();
            }
            self.held.push_back(payload);
        } else {
            self.drop_oldest_pong();
            self.queue.push_back(Item::Pong(payload));
        }
    }

    /// A Close frame goes out at once even in the middle of a frame: the connection is over for both sides.
    pub(crate) fn close(&mut self, code: Option<u16>, reason: &[u8]) {
        self.queue.push_back(Item::Frame(FrameSpec::new(Opcode::CLOSE, encode_close(code, reason))));
    }

    /// End the connection, or this direction of it, when all that was queued before is gone.
    pub(crate) fn end(&mut self, how: Transmit) {
        self.queue.push_back(Item::End(how));
    }

    /// Notes what happened when all that was queued before has gone out, or at once if nothing waits.
    pub(crate) fn note(&mut self, kind: LogKind, now: Time, recorder: &mut Recorder) {
        if self.queue.is_empty() {
            recorder.note(now, kind);
        } else {
            self.queue.push_back(Item::Note(kind));
        }
    }

    /// Nothing is sent any more, but for the end of the connection.
    pub(crate) fn write_failed(&mut self, now: Time, recorder: &mut Recorder) {
        self.broken = true;
        self.discard_octets(now, recorder);
    }

    /// Gives up what waits, and counts the frames that will never go out.
    pub(crate) fn discard_octets(&mut self, now: Time, recorder: &mut Recorder) {
        self.writing = None;
        for item in std::mem::take(&mut self.queue) {
            match item {
                Item::Frame(spec) => recorder.unsent_frames(spec.opcode, 1),
                Item::Message(spec) => Fragments::of(spec, Rsv::NONE).count_unsent(recorder),
                Item::Fragments(fragments) => fragments.count_unsent(recorder),
                Item::Pong(_) => recorder.unsent_frames(Opcode::PONG, 1),
                Item::Note(kind) => recorder.note(now, kind),
                Item::Data(_) | Item::Octets(_) => {}
                end @ Item::End(_) => self.queue.push_back(end),
            }
        }
        recorder.unsent_frames(Opcode::PONG, self.held.len() as u64);
        self.held.clear();
    }

    pub(crate) fn clear(&mut self, now: Time, recorder: &mut Recorder) {
        self.discard_octets(now, recorder);
        self.queue.clear();
    }

    /// Makes the next octets. Whole frames share a piece; what is chopped or pushed goes out alone.
    pub(crate) fn poll(&mut self, now: Time, recorder: &mut Recorder) -> Option<Transmit> {
        if self.broken {
            self.discard_octets(now, recorder);
        }
        let mut data = Vec::new();
        while data.len() < Transmit::LARGEST {
            if self.writing.is_none() {
                if let Some(Item::End(_)) = self.queue.front() {
                    if data.is_empty() {
                        return self.pop_end();
                    }
                    break;
                }
                let Some(item) = self.queue.pop_front() else { break };
                self.begin(item, now, recorder);
            }
            let Some(write) = &mut self.writing else { continue };
            if write.is_alone() && !data.is_empty() {
                break;
            }
            write.append(&mut data, now, recorder);
            let alone = write.is_alone() || write.is_cut_here();
            if write.is_done() {
                self.writing = None;
            }
            if alone && !data.is_empty() {
                return Some(Transmit::Octets { data: data.into(), flush: true });
            }
        }
        (!data.is_empty()).then(|| Transmit::Octets { data: data.into(), flush: false })
    }

    fn pop_end(&mut self) -> Option<Transmit> {
        match self.queue.pop_front() {
            Some(Item::End(how)) => {
                self.broken |= how == Transmit::Fin;
                Some(how)
            }
            _ => None,
        }
    }

    fn drop_oldest_pong(&mut self) {
        // Nearly always far fewer: only a flood of pings pays for the search.
        if self.queue.len() >= Self::PONGS {
            let pongs = self.queue.iter().filter(|item| matches!(item, Item::Pong(_))).count();
            let oldest = self.queue.iter().position(|item| matches!(item, Item::Pong(_)));
            if let Some(oldest) = oldest.filter(|_| pongs >= Self::PONGS) {
                self.queue.remove(oldest);
            }
        }
    }

    /// Turns an item into octets to write, or into simpler items.
    fn begin(&mut self, item: Item, now: Time, recorder: &mut Recorder) {
        let write = match item {
            Item::Frame(spec) => {
                if !spec.opcode.is_control() {
                    recorder.traffic.tx_app += spec.payload.len() as u64;
                }
                self.begin_frame(spec)
            }
            Item::Message(spec) => return self.begin_message(spec, recorder),
            Item::Fragments(fragments) => self.next_fragment(fragments),
            Item::Data(payload) => self.continue_frame(payload),
            Item::Octets(octets) => Write::octets(octets.into(), None),
            Item::Pong(payload) => self.begin_pong(payload),
            Item::Note(kind) => return recorder.note(now, kind),
            Item::End(_) => return,
        };
        write.log_frame(now, recorder);
        self.writing = Some(write);
    }

    fn begin_frame(&mut self, spec: FrameSpec) -> Write {
        let mask = match spec.mask {
            Masking::ByRole if self.masks => Some(self.keys.masking_key()),
            Masking::ByRole | Masking::None => None,
            Masking::Key(key) => Some(key),
        };
        self.masking = mask.map(|key| (key, spec.payload.len()));
        Write::frame(spec, mask)
    }

    fn begin_pong(&mut self, payload: Bytes) -> Write {
        let mask = self.masks.then(|| self.pong_keys.masking_key());
        Write::frame(FrameSpec::new(Opcode::PONG, payload), mask)
    }

    fn continue_frame(&mut self, payload: Payload) -> Write {
        let mask = self.masking;
        if let Some((_, offset)) = &mut self.masking {
            *offset += payload.len();
        }
        Write::octets(payload, mask)
    }

    /// Compresses a message, if it is to be, and turns it into frames.
    fn begin_message(&mut self, mut spec: MessageSpec, recorder: &mut Recorder) {
        recorder.traffic.tx_app += spec.payload.len() as u64;
        let mut rsv = Rsv::NONE;
        if let Some(compressor) = self.compressor.as_mut().filter(|_| spec.compress) {
            spec.payload = Payload::Bytes(compressor.message(&spec));
            rsv = Rsv::RSV1;
        }
        self.queue.push_front(Item::Fragments(Fragments::of(spec, rsv)));
    }

    /// The next frame of a message.
    fn next_fragment(&mut self, fragments: Fragments) -> Write {
        let (fin, rest) = (fragments.is_last(), fragments.rest());
        let Fragments { spec, rsv, done, size } = fragments;
        let first = done == 0;
        let end = done + rest.min(size);
        let frame = FrameSpec {
            opcode: if first { spec.opcode } else { Opcode::CONTINUATION },
            fin,
            rsv: if first { rsv } else { Rsv::NONE },
            chop: spec.chop,
            ..FrameSpec::new(spec.opcode, write::part(&spec.payload, done, end))
        };
        if !fin {
            self.queue.push_front(Item::Fragments(Fragments { spec, rsv, done: end, size }));
        }
        self.begin_frame(frame)
    }
}
