mod compressor;
mod shared;

pub(crate) use compressor::Compressor;
pub use shared::SharedWindows;
pub(crate) use wsspec_cases::{DeflateAgreement as Agreement, DeflateDirection as Direction};
use wsspec_wire::{DeflateInspector, InflateError, Inflater, Inspection, WindowBits};

/// Decompresses the peer's messages. What is agreed is checked on the whole message; where nothing inspects
/// it, a context that the peer promised to drop is not there.
pub(crate) struct Decompressor {
    inflater: Inflater,
    direction: Direction,
    /// Memory for the output, used again and again.
    inflated: Vec<u8>,
    /// Measures references: an inflater decodes also those that reach beyond the agreed window. It keeps a
    /// context that was to be dropped, and so shows that it was not.
    inspector: Option<DeflateInspector>,
    /// How many more messages are inspected, and octets of them.
    messages_left: u32,
    octets_left: u64,
    /// The compressed message, for the inspector.
    compressed: Vec<u8>,
    /// The peer sent what cannot be decompressed: nothing after it can be, either.
    lost: bool,
}

impl std::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decompressor").field("direction", &self.direction).finish_non_exhaustive()
    }
}

impl Decompressor {
    /// The most output made at once.
    const PIECE: usize = 64 * 1024;
    /// The longest message that is inspected, compressed and not.
    const INSPECTED: usize = 4 * 1024 * 1024;
    /// How much is inspected where there is very much, in messages and in octets of them: a compressor does not change
    /// its habits. So many octets are 128 smaller windows at least.
    const MESSAGES: u32 = 256;
    const OCTETS: u64 = 2 << 20;

    /// With `all`, all messages are inspected, also where there is no smaller window to keep.
    pub(crate) fn new(direction: Direction, all: bool) -> Result<Self, WindowBits> {
        let inflater = Inflater::new(direction.window_bits)?;
        let inspector = (all || direction.window_bits < 15).then(DeflateInspector::new);
        let (messages_left, octets_left) =
            if all { (u32::MAX, u64::MAX) } else { (Self::MESSAGES, Self::OCTETS) };
        let (inflated, compressed) = (Vec::new(), Vec::new());
        Ok(Self {
            inflater,
            direction,
            inflated,
            inspector,
            messages_left,
            octets_left,
            compressed,
            lost: false,
        })
    }

    /// Decompresses a part of a message and hands the output to `sink` in pieces. Fails once at most; then
    /// there is no output any more.
    pub(crate) fn feed(
        &mut self,
        mut octets: &[u8],
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), InflateError> {
        if self.inspector.is_some() && self.compressed.len() <= Self::INSPECTED {
            self.compressed.extend_from_slice(octets);
        }
        while !self.lost {
            let mut len = 0;
            let step = self.inflater.feed_over(octets, Self::PIECE, &mut self.inflated, &mut len);
            sink(&self.inflated[..len]);
            self.lost = step.is_err();
            let step = step?;
            octets = &octets[step.consumed..];
            if !step.limit_reached {
                break;
            }
        }
        Ok(())
    }

    /// Ends a message.
    pub(crate) fn finish_message(&mut self) -> Result<(), InflateError> {
        if self.lost {
            return Ok(());
        }
        self.inflated.clear();
        let result = self.inflater.finish_message(Self::PIECE, &mut self.inflated);
        self.lost = matches!(result, Err(InflateError::Invalid { .. } | InflateError::UnexpectedEnd));
        if self.direction.no_context_takeover && self.inspector.is_none() {
            self.inflater.reset();
        }
        result.map(drop)
    }

    /// What the blocks of the message that just ended say.
    pub(crate) fn inspect(&mut self) -> Option<Inspection> {
        let message = std::mem::take(&mut self.compressed);
        let inspector = self.inspector.as_mut()?;
        self.inflated.clear();
        let inspection = inspector.message(&message, Self::INSPECTED, &mut self.inflated);
        self.messages_left -= 1;
        self.octets_left = self.octets_left.saturating_sub(self.inflated.len() as u64);
        let is_enough = self.messages_left == 0 || self.octets_left == 0;
        // A message that was not inspected leaves a gap before the next one.
        if inspection.is_err() || is_enough {
            self.inspector = None;
        }
        if is_enough && self.direction.no_context_takeover {
            self.inflater.reset();
        }
        inspection.ok()
    }

    /// How far back the message referred, if that is further than the agreed window (RFC 7692 7.1.2).
    pub(crate) fn beyond_window(&self, inspection: &Inspection) -> Option<u32> {
        let window = 1 << self.direction.window_bits;
        Some(inspection.longest_distance).filter(|&distance| distance > window)
    }

    /// How far back before its beginning the message referred, if the context was to be dropped (RFC 7692
    /// 7.1.1).
    pub(crate) fn beyond_beginning(&self, inspection: &Inspection) -> Option<u32> {
        let reach = inspection.reach_before_message;
        (self.direction.no_context_takeover && reach > 0).then_some(reach)
    }
}

#[cfg(test)]
mod tests {
    use wsspec_wire::Deflater;

    use super::*;

    /// A peer that compresses with the largest window although 512 octets were agreed on.
    struct Peer(Deflater, Decompressor);

    impl Peer {
        fn new(no_context_takeover: bool, all: bool) -> Self {
            let direction = Direction { window_bits: 9, no_context_takeover };
            Self(Deflater::new(15, 6).unwrap(), Decompressor::new(direction, all).unwrap())
        }

        /// Sends a message, and tells what its inspection finds.
        fn send(&mut self, message: &[u8]) -> Option<Inspection> {
            let Self(deflater, decompressor) = self;
            let (mut octets, mut inflated) = (Vec::new(), Vec::new());
            deflater.message(message, &mut octets);
            if decompressor.direction.no_context_takeover {
                deflater.reset();
            }
            decompressor.feed(&octets, |part| inflated.extend_from_slice(part)).unwrap();
            decompressor.finish_message().unwrap();
            assert_eq!(inflated, message, "also what is not inspected is inflated");
            decompressor.inspect()
        }
    }

    /// Text that refers to its own beginning, 600 octets back.
    fn far() -> Vec<u8> {
        let text: Vec<u8> = (0..600_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        [&text[..], &text[..100]].concat()
    }

    #[test]
    fn of_very_many_messages_the_first_256_are_inspected() {
        for no_context_takeover in [false, true] {
            for (before, is_found) in [(0, true), (255, true), (256, false), (300, false)] {
                let mut peer = Peer::new(no_context_takeover, false);
                for number in 0..before {
                    let inspected = peer.send(b"short").is_some();
                    assert_eq!(inspected, number < 256, "message {number}");
                }
                let found = peer.send(&far()).and_then(|found| peer.1.beyond_window(&found));
                assert_eq!(found.is_some(), is_found, "after {before} messages");
            }
        }
    }

    #[test]
    fn of_large_messages_as_many_are_inspected_as_have_so_many_octets() {
        let large = vec![7; Decompressor::OCTETS as usize / 8];
        for no_context_takeover in [false, true] {
            let mut peer = Peer::new(no_context_takeover, false);
            assert!((0..8).all(|_| peer.send(&large).is_some()));
            assert!((0..8).all(|_| peer.send(&large).is_none()));
        }
        let mut peer = Peer::new(false, true);
        assert!((0..16).all(|_| peer.send(&large).is_some()));
    }

    #[test]
    fn where_all_are_asked_for_all_messages_are_inspected() {
        let mut peer = Peer::new(false, true);
        assert!((0..300).all(|_| peer.send(b"short").is_some()));
        let found = peer.send(&far()).unwrap();
        assert_eq!(peer.1.beyond_window(&found), Some(600));
    }
}
