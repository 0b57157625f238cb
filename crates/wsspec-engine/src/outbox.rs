mod write;

use std::collections::VecDeque;

use bytes::Bytes;
use wsspec_cases::{CaseId, FrameSpec, Length, Masking, MessageSpec, Payload};
use wsspec_wire::{MaskingKey, Opcode, Rsv, encode_close};

use crate::Time;
use crate::deflate::Compressor;
use crate::random::{Purpose, Random};
use crate::recorder::Recorder;
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

    /// Nothing is sent any more, but for the end of the connection.
    pub(crate) fn write_failed(&mut self) {
        self.broken = true;
        self.discard_octets();
    }

    pub(crate) fn discard_octets(&mut self) {
        self.writing = None;
        self.held.clear();
        self.queue.retain(|item| matches!(item, Item::End(_)));
    }

    pub(crate) fn clear(&mut self) {
        self.discard_octets();
        self.queue.clear();
    }

    /// Makes the next octets. Whole frames share a piece; what is chopped or pushed goes out alone.
    pub(crate) fn poll(&mut self, now: Time, recorder: &mut Recorder) -> Option<Transmit> {
        if self.broken {
            self.discard_octets();
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
            let alone = write.is_alone();
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
        let size = spec.fragment.unwrap_or(usize::MAX).max(1);
        self.queue.push_front(Item::Fragments(Fragments { spec, rsv, done: 0, size }));
    }

    /// The next frame of a message. One that fills all its fragments ends with an empty one, as cases with
    /// fragments always have.
    fn next_fragment(&mut self, fragments: Fragments) -> Write {
        let Fragments { spec, rsv, done, size } = fragments;
        let rest = spec.payload.len() - done;
        let first = done == 0;
        let fin = if first { rest <= size } else { rest < size };
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
