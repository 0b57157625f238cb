//! What goes out: from the octets of the strict endpoint, past the deviations, to the octets that are sent.

use std::collections::VecDeque;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use wsspec_wire::{FrameHeader, MaskingKey, Opcode, Rsv, apply_mask};

use super::deflate::Compressor;
use super::frame::{Frame, Item, Mask, What};
use super::part::{Flaws, Part};
use crate::{Role, Time, Transmit};

/// Octets that are written at once.
const WRITE: usize = 64 << 10;

/// What is to be sent, and when.
#[derive(Debug)]
pub(super) struct Writer {
    /// Octets of the strict endpoint that are no whole frame yet.
    octets: Vec<u8>,
    queue: VecDeque<(Time, Transmit)>,
    /// When the last of the queue is due.
    last: Time,
    /// Octets in the queue.
    pub(super) queued: usize,
    /// Who compresses, if not the strict endpoint.
    pub(super) compressor: Option<Compressor>,
    keys: ChaCha12Rng,
    /// TCP was ended.
    ended: bool,
}

impl Writer {
    pub(super) fn new(mut seed: [u8; 32]) -> Self {
        // Not the keys of the strict endpoint again.
        seed[0] ^= 0xff;
        Self {
            octets: Vec::new(),
            queue: VecDeque::new(),
            last: Time::ZERO,
            queued: 0,
            compressor: None,
            keys: ChaCha12Rng::from_seed(seed),
            ended: false,
        }
    }

    /// Octets of frames from the strict endpoint. `types`: what its messages really are.
    pub(super) fn write(
        &mut self,
        octets: &[u8],
        types: &mut VecDeque<Opcode>,
        flaws: &mut Flaws,
        now: Time,
    ) {
        self.octets.extend_from_slice(octets);
        let whole = std::mem::take(&mut self.octets);
        let mut rest = &whole[..];
        while let Some((mut frame, len)) = decode(rest) {
            rest = &rest[len..];
            flaws.next = rest.first().map(|first| Opcode::new(*first));
            if frame.opcode.is_data()
                && let Some(opcode) = types.pop_front()
            {
                frame.opcode = opcode;
            }
            let said = flaws.say(frame);
            self.send(said, flaws, now);
        }
        self.octets = rest.to_vec();
    }

    /// What has passed the deviations of messages.
    pub(super) fn send(&mut self, said: Vec<Item>, flaws: &mut Flaws, now: Time) {
        let compressed = said.into_iter().map(|item| self.compress(item, flaws)).collect();
        for item in flaws.send(compressed) {
            self.push(item, flaws, now);
        }
    }

    fn compress(&mut self, mut item: Item, flaws: &Flaws) -> Item {
        if let (Some(compressor), What::Frame(frame)) = (&mut self.compressor, &mut item.what)
            && frame.opcode.is_data()
            && frame.fin
            && frame.rsv.is_none()
        {
            let deflates = flaws.parts().find_map(|part| match part {
                Part::Deflates(deflates) => Some(deflates),
                _ => None,
            });
            let compressed = match deflates {
                Some(deflates) => deflates(compressor, &frame.payload),
                None => Some(compressor.lawful(&frame.payload)),
            };
            compressor.count += 1;
            if let Some(octets) = compressed {
                frame.payload = octets;
                frame.rsv = Rsv::RSV1;
            }
        }
        item
    }

    /// The last step: octets, and the time.
    pub(super) fn push(&mut self, item: Item, flaws: &mut Flaws, now: Time) {
        if self.ended {
            return;
        }
        let transmit = match item.what {
            What::Pieces(frame, size, count) => {
                let mut octets = Vec::new();
                frame.encode(self.key(frame.mask, flaws), &mut octets);
                return self.push_pieces(octets, size, count, flaws, now);
            }
            What::Octets(octets) => Transmit::Octets(octets.into()),
            What::Frame(frame) => {
                let key = self.key(frame.mask, flaws);
                let mut octets = Vec::new();
                frame.encode(key, &mut octets);
                Transmit::Octets(octets.into())
            }
            What::End(end) => end,
        };
        self.enqueue(transmit, item.wait, now);
    }

    fn enqueue(&mut self, transmit: Transmit, wait: Time, now: Time) {
        let octets = match &transmit {
            Transmit::Octets(octets) => octets.len(),
            _ => 0,
        };
        match self.queue.back() {
            // TCP is ended once; while that waits, there is time for more octets.
            Some((due, last)) if !matches!(last, Transmit::Octets(_)) => {
                if *due <= now || octets == 0 {
                    return;
                }
                self.queue.insert(self.queue.len() - 1, (now, transmit));
            }
            _ => {
                self.last = self.last.max(now) + wait;
                self.queue.push_back((self.last, transmit));
            }
        }
        self.queued += octets;
    }

    fn push_pieces(&mut self, mut octets: Vec<u8>, size: usize, count: u32, flaws: &mut Flaws, now: Time) {
        for _ in 0..count {
            let rest = octets.split_off(size.min(octets.len()));
            let piece = std::mem::replace(&mut octets, rest);
            if !piece.is_empty() {
                self.push(Item::after(Time::from_millis(1), piece), flaws, now);
            }
        }
        if !octets.is_empty() {
            self.push(octets.into(), flaws, now);
        }
    }

    fn key(&mut self, mask: Mask, flaws: &mut Flaws) -> Option<MaskingKey> {
        match (mask, flaws.role) {
            (Mask::Key(key), _) => Some(key),
            (Mask::None, _) | (Mask::Lawful, Role::Server) => None,
            (Mask::Lawful, Role::Client) => Some(flaws.key(self.keys.next_u32().to_ne_bytes())),
        }
    }

    /// What is due: octets that are due together are written together.
    pub(super) fn next(&mut self, now: Time) -> Option<Transmit> {
        let mut octets = Vec::new();
        while let Some((due, transmit)) = self.queue.front()
            && *due <= now
        {
            match transmit {
                Transmit::Octets(more) if octets.is_empty() || octets.len() + more.len() <= WRITE => {
                    octets.extend_from_slice(more);
                    self.queued -= more.len();
                    self.queue.pop_front();
                }
                _ => break,
            }
        }
        if !octets.is_empty() {
            return Some(Transmit::Octets(octets.into()));
        }
        self.queue.front().filter(|(due, _)| *due <= now)?;
        self.ended = true;
        self.queue.pop_front().map(|(_, end)| end)
    }

    /// When the next is due.
    pub(super) fn due(&self) -> Option<Time> {
        self.queue.front().map(|(due, _)| *due)
    }

    /// The peer is gone.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.queued = 0;
    }
}

/// The frame at the start of `octets`, and how many of them it takes.
fn decode(octets: &[u8]) -> Option<(Frame, usize)> {
    let (header, start) = FrameHeader::decode(octets)?;
    let end = start + usize::try_from(header.length).ok()?;
    let mut payload = octets.get(start..end)?.to_vec();
    if let Some(key) = header.mask {
        apply_mask(key, 0, &mut payload);
    }
    Some((Frame::with_header(&header, payload), end))
}
