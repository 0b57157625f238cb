use std::sync::Arc;

use bytes::Bytes;
use wsspec_cases::data::Window;
use wsspec_cases::{DeflateEffort, MessageSpec};
use wsspec_wire::{Deflater, WindowBits};

use super::Direction;
use super::shared::{Compressed, SharedWindows};

/// No window of DEFLATE is larger, in octets.
const LARGEST_WINDOW: usize = 32 * 1024;

/// Compresses the tester's messages as agreed. Windows of data sets are compressed once for all runs that send
/// them with the same octets before.
pub(crate) struct Compressor {
    deflater: Deflater,
    direction: Direction,
    level: u8,
    shared: Arc<SharedWindows>,
    sent: Sent,
    /// The deflater has compressed all that was sent itself.
    in_step: bool,
    /// Memory for a message on its way to those who share it.
    out: Vec<u8>,
}

/// What the next message may refer to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    /// Consecutive windows of a data set, seen as one.
    Windows(Window),
    /// Anything else.
    Other,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").field("direction", &self.direction).finish_non_exhaustive()
    }
}

impl Compressor {
    /// Shorter messages are compressed faster than a deflater is brought into step again.
    const SHARED_FROM: usize = 8 * 1024;

    pub(crate) fn new(
        direction: Direction,
        effort: DeflateEffort,
        shared: Arc<SharedWindows>,
    ) -> Result<Self, WindowBits> {
        let level = match effort {
            DeflateEffort::Usual => 6,
            DeflateEffort::Least => 1,
        };
        let deflater = Deflater::new(direction.window_bits, level)?;
        Ok(Self { deflater, direction, level, shared, sent: Sent::Nothing, in_step: true, out: Vec::new() })
    }

    pub(crate) fn message(&mut self, message: &MessageSpec) -> Bytes {
        match message.window.and_then(|window| Some((window, self.before(&window)?))) {
            Some((window, before)) => self.share(window, before),
            None => {
                let mut octets = Vec::new();
                self.compress(&message.payload.to_bytes(), Sent::Other, None, &mut octets);
                octets.into()
            }
        }
    }

    /// What may be referred to from this window, if the messages so far led to it.
    fn before(&self, window: &Window) -> Option<Window> {
        match self.sent {
            _ if window.len < Self::SHARED_FROM => None,
            Sent::Nothing => Some(window.before(0)),
            Sent::Windows(sent) if sent.data == window.data && sent.end() == window.from => Some(sent),
            Sent::Windows(_) | Sent::Other => None,
        }
    }

    fn share(&mut self, window: Window, sent: Window) -> Bytes {
        let window_bits = self.direction.window_bits;
        let before = window.before(sent.len.min(1 << window_bits));
        let key = Compressed { window, before: before.len, window_bits, level: self.level };
        let end = Window { from: window.end(), len: 0, ..window };
        let sent = Sent::Windows(end.before((sent.len + window.len).min(LARGEST_WINDOW)));
        let (shared, mut made, mut out) = (self.shared.clone(), false, std::mem::take(&mut self.out));
        let octets = shared.get(key, || {
            made = true;
            out.clear();
            self.compress(&window.octets(), sent, Some(before), &mut out);
            &out
        });
        self.out = out;
        if !made && !self.direction.no_context_takeover {
            (self.sent, self.in_step) = (sent, false);
        }
        octets
    }

    /// Compresses a message here. If the deflater does not know what was sent before, it is told, or begins anew.
    fn compress(&mut self, payload: &[u8], sent: Sent, before: Option<Window>, out: &mut Vec<u8>) {
        if !self.in_step {
            self.deflater.reset_behind(&before.map(|before| before.octets()).unwrap_or_default());
            self.in_step = true;
        }
        self.deflater.message(payload, out);
        if self.direction.no_context_takeover {
            self.deflater.reset();
        } else {
            self.sent = sent;
        }
    }
}

#[cfg(test)]
mod tests {
    use wsspec_cases::data::DataSet;
    use wsspec_wire::{DeflateInspector, Inflater, Opcode};

    use super::*;

    fn message(payload: &Bytes, window: Option<Window>) -> MessageSpec {
        MessageSpec {
            opcode: Opcode::BINARY,
            payload: payload.clone().into(),
            fragment: None,
            chop: None,
            compress: true,
            window,
        }
    }

    fn windows(len: usize, count: usize) -> Vec<MessageSpec> {
        let mut next = Window { data: DataSet::Html, from: 0, len };
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(message(&next.octets(), Some(next)));
            next.from = next.end();
        }
        all
    }

    /// Compresses the messages and shows that they inflate in their order; returns the octets on the wire.
    fn compressed(direction: Direction, shared: &Arc<SharedWindows>, messages: &[MessageSpec]) -> Vec<Bytes> {
        let mut compressor = Compressor::new(direction, DeflateEffort::Usual, shared.clone()).unwrap();
        let mut inflater = Inflater::new(direction.window_bits).unwrap();
        let mut sent = Vec::new();
        for message in messages {
            let octets = compressor.message(message);
            let mut out = Vec::new();
            inflater.feed(&octets, 1 << 24, &mut out).unwrap();
            inflater.finish_message(1 << 24, &mut out).unwrap();
            assert!(message.payload.equals(&out), "{direction:?}, message {}", sent.len());
            if direction.no_context_takeover {
                inflater.reset();
            }
            sent.push(octets);
        }
        sent
    }

    fn same(one: &Bytes, other: &Bytes) -> bool {
        one.as_ptr() == other.as_ptr() && one.len() == other.len()
    }

    #[test]
    fn windows_are_compressed_once_and_inflate_in_order_for_all_who_share_them() {
        for (window_bits, no_context_takeover) in [(15, false), (9, false), (15, true), (8, true)] {
            let direction = Direction { window_bits, no_context_takeover };
            let shared = Arc::new(SharedWindows::default());
            for len in [Compressor::SHARED_FROM, 50_000] {
                let messages = windows(len, 12);
                let first = compressed(direction, &shared, &messages);
                let second = compressed(direction, &shared, &messages);
                assert!(
                    first.iter().zip(&second).all(|(one, other)| same(one, other)),
                    "{direction:?} {len}"
                );
            }
        }
    }

    #[test]
    fn who_falls_out_of_what_is_shared_goes_on_alone_and_comes_back() {
        let shared = Arc::new(SharedWindows::default());
        let messages = windows(30_000, 20);
        let first = compressed(Direction::default(), &shared, &messages[..8]);
        let mut mixed = messages.clone();
        mixed.insert(4, message(&Bytes::from_static(b"something else"), None));
        compressed(Direction::default(), &shared, &mixed);
        let all = compressed(Direction::default(), &shared, &messages);
        assert!(first.iter().zip(&all).all(|(one, other)| same(one, other)));
    }

    #[test]
    fn what_may_be_referred_to_is_part_of_what_is_shared() {
        let shared = Arc::new(SharedWindows::default());
        let messages = windows(20_000, 4);
        let from_the_start = compressed(Direction::default(), &shared, &messages);
        let later = compressed(Direction::default(), &shared, &messages[1..]);
        assert!(!same(&from_the_start[1], &later[0]), "the first message refers to nothing");
    }

    #[test]
    fn the_effort_shows_in_the_blocks() {
        for (effort, [fixed, dynamic]) in [(DeflateEffort::Usual, [0, 1]), (DeflateEffort::Least, [1, 0])] {
            let mut compressor = Compressor::new(Direction::default(), effort, Arc::default()).unwrap();
            let message = compressor.message(&windows(20_000, 1)[0]);
            let inspection = DeflateInspector::new().message(&message, 1 << 20, &mut Vec::new()).unwrap();
            assert_eq!(inspection.blocks[1..], [fixed, dynamic], "{effort:?}");
        }
    }

    #[test]
    fn windows_that_are_short_are_not_shared() {
        let shared = Arc::new(SharedWindows::default());
        let messages = windows(Compressor::SHARED_FROM - 1, 3);
        let [first, second] = [(); 2].map(|()| compressed(Direction::default(), &shared, &messages));
        assert!(first.iter().zip(&second).all(|(one, other)| one == other && !same(one, other)));
    }
}
