use crate::deflate_codes::{DISTANCES, END_OF_BLOCK, LENGTHS, fixed_literal_lengths};
use crate::deflate_writer::BlockType;

/// The largest window that DEFLATE knows, in octets.
const WINDOW: usize = 32 * 1024;

/// Inflates messages and records what no inflater tells: block types, the distances of the matches, and how
/// far they reach back before the start of the message. It accepts every distance up to 32 KiB, so that a
/// breach of a smaller window is seen and not only refused (RFC 7692 7.1.2, 7.2).
#[derive(Clone, Debug, Default)]
pub struct DeflateInspector {
    /// At most the last 32 KiB of what was inflated before.
    window: Vec<u8>,
}

/// What the octets of one message say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// How many blocks of each type: stored, fixed, dynamic.
    pub blocks: [u32; 3],
    /// How many of them have BFINAL set.
    pub last_blocks: u32,
    /// The largest distance of a match, in octets; 0 if there is none.
    pub longest_distance: u32,
    /// How far matches reach back before the start of the message, in octets.
    pub reach_before_message: u32,
    /// How many octets came out.
    pub inflated: u64,
}

/// Why a message does not inflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// A block of type 3.
    #[error("a block has the reserved type 3")]
    ReservedBlock,
    /// The length of a stored block and its complement do not agree.
    #[error("the length of a stored block and its complement do not agree")]
    StoredLength,
    /// The code lengths of a dynamic block make no code.
    #[error("the code lengths of a dynamic block make no code")]
    CodeLengths,
    /// A symbol or code that has no meaning.
    #[error("a code that has no meaning")]
    Symbol,
    /// A match reaches back before everything that was inflated.
    #[error("a match reaches back {distance} octets, more than there are")]
    Distance {
        /// In octets.
        distance: u32,
    },
    /// The message ends inside a block.
    #[error("the message ends inside a block")]
    Truncated,
    /// More octets come out than the caller allows.
    #[error("more octets come out than are allowed")]
    TooLarge,
}

impl DeflateInspector {
    /// An inspector with an empty window.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forget the window: no context takeover.
    pub fn reset(&mut self) {
        self.window.clear();
    }

    /// Inspect the payload of a whole message, without the `00 00 ff ff` that the sender took off, and
    /// append what comes out to `out`, at most `limit` octets.
    ///
    /// # Errors
    /// Says why the payload does not inflate; the window is then unchanged.
    pub fn message(
        &mut self,
        payload: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<Inspection, InspectError> {
        let mut pass = Pass {
            bits: BitReader { octets: payload, tail: &[0, 0, 0xff, 0xff], bits: 0, count: 0 },
            start: self.window.len(),
            out: std::mem::take(&mut self.window),
            limit,
            seen: Inspection::default(),
        };
        let result = pass.run();
        let start = pass.start;
        let mut all = pass.out;
        let seen = pass.seen;
        if let Err(error) = result {
            all.truncate(start);
            self.window = all;
            return Err(error);
        }
        out.extend_from_slice(&all[start..]);
        all.drain(..all.len().saturating_sub(WINDOW));
        self.window = all;
        Ok(seen)
    }
}

/// One message on its way through.
struct Pass<'a> {
    bits: BitReader<'a>,
    /// The window, then what the message inflates to.
    out: Vec<u8>,
    /// Where the message begins in `out`.
    start: usize,
    limit: usize,
    seen: Inspection,
}

impl Pass<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        while !self.bits.at_end() {
            let last = self.bits.take(1)? == 1;
            match self.bits.take(2)? {
                0 => self.stored()?,
                1 => {
                    self.seen.blocks[BlockType::Fixed as usize] += 1;
                    self.codes(&Huffman::new(&fixed_literal_lengths())?, &Huffman::new(&[5; 30])?)?;
                }
                2 => self.dynamic()?,
                _ => return Err(InspectError::ReservedBlock),
            }
            if last {
                self.seen.last_blocks += 1;
                self.bits.align();
            }
        }
        self.seen.inflated = (self.out.len() - self.start) as u64;
        Ok(())
    }

    fn stored(&mut self) -> Result<(), InspectError> {
        self.seen.blocks[BlockType::Stored as usize] += 1;
        self.bits.align();
        let len = self.bits.take(16)?;
        if len != !self.bits.take(16)? & 0xffff {
            return Err(InspectError::StoredLength);
        }
        for _ in 0..len {
            let octet = self.bits.take(8)? as u8;
            self.push(octet)?;
        }
        Ok(())
    }

    fn dynamic(&mut self) -> Result<(), InspectError> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        self.seen.blocks[BlockType::Dynamic as usize] += 1;
        let literals = self.bits.take(5)? as usize + 257;
        let distances = self.bits.take(5)? as usize + 1;
        let codes = self.bits.take(4)? as usize + 4;
        let mut lengths = [0; 19];
        for &place in &ORDER[..codes] {
            lengths[place] = self.bits.take(3)? as u8;
        }
        let code = Huffman::new(&lengths)?;
        let mut lengths = [0; 320];
        let mut at = 0;
        while at < literals + distances {
            let (length, times) = match self.bits.symbol(&code)? {
                16 if at > 0 => (lengths[at - 1], self.bits.take(2)? + 3),
                17 => (0, self.bits.take(3)? + 3),
                18 => (0, self.bits.take(7)? + 11),
                symbol @ 0..=15 => (symbol as u8, 1),
                _ => return Err(InspectError::CodeLengths),
            };
            let end = at + times as usize;
            if end > literals + distances {
                return Err(InspectError::CodeLengths);
            }
            lengths[at..end].fill(length);
            at = end;
        }
        if literals > 286 || lengths[usize::from(END_OF_BLOCK)] == 0 {
            return Err(InspectError::CodeLengths);
        }
        let distance_code = Huffman::new(&lengths[literals..literals + distances])?;
        self.codes(&Huffman::new(&lengths[..literals])?, &distance_code)
    }

    fn codes(&mut self, literals: &Huffman, distances: &Huffman) -> Result<(), InspectError> {
        loop {
            // Enough for everything in this round: twice a code of 15 bits, 5 and 13 bits more.
            self.bits.refill();
            match self.bits.symbol(literals)? {
                END_OF_BLOCK => return Ok(()),
                symbol if symbol < END_OF_BLOCK => self.push(symbol as u8)?,
                symbol => {
                    let &(base, extra) =
                        LENGTHS.get(usize::from(symbol) - 257).ok_or(InspectError::Symbol)?;
                    let length = u32::from(base) + self.bits.take(extra.into())?;
                    let symbol = self.bits.symbol(distances)?;
                    let &(base, extra) = DISTANCES.get(usize::from(symbol)).ok_or(InspectError::Symbol)?;
                    let distance = u32::from(base) + self.bits.take(extra.into())?;
                    self.copy(length as usize, distance)?;
                }
            }
        }
    }

    fn copy(&mut self, length: usize, distance: u32) -> Result<(), InspectError> {
        let from =
            (self.out.len().checked_sub(distance as usize)).ok_or(InspectError::Distance { distance })?;
        self.seen.longest_distance = self.seen.longest_distance.max(distance);
        let reach = self.start.saturating_sub(from) as u32;
        self.seen.reach_before_message = self.seen.reach_before_message.max(reach);
        if self.out.len() + length - self.start > self.limit {
            return Err(InspectError::TooLarge);
        }
        // What is copied may begin within what it makes: it then repeats itself.
        let mut left = length;
        while left > 0 {
            let ready = left.min(self.out.len() - from);
            self.out.extend_from_within(from..from + ready);
            left -= ready;
        }
        Ok(())
    }

    #[inline]
    fn push(&mut self, octet: u8) -> Result<(), InspectError> {
        if self.out.len() - self.start >= self.limit {
            return Err(InspectError::TooLarge);
        }
        self.out.push(octet);
        Ok(())
    }
}

/// Bits from the lowest, first of the payload, then of the tail.
struct BitReader<'a> {
    octets: &'a [u8],
    tail: &'a [u8],
    bits: u64,
    count: u32,
}

impl BitReader<'_> {
    #[inline]
    fn refill(&mut self) {
        if let Some(octets) = self.octets.first_chunk() {
            self.bits |= u64::from_le_bytes(*octets) << self.count;
            let taken = (63 - self.count) / 8;
            self.octets = &self.octets[taken as usize..];
            self.count += 8 * taken;
            // What was read of the octet that is not taken comes again.
            self.bits &= u64::MAX >> (64 - self.count);
            return;
        }
        while self.count <= 56 {
            let source = if self.octets.is_empty() { &mut self.tail } else { &mut self.octets };
            let Some((&octet, rest)) = source.split_first() else { return };
            *source = rest;
            self.bits |= u64::from(octet) << self.count;
            self.count += 8;
        }
    }

    /// Whether all octets are used up; a message that was taken apart rightly ends at a block.
    fn at_end(&mut self) -> bool {
        self.refill();
        self.count == 0
    }

    #[inline]
    fn take(&mut self, count: u32) -> Result<u32, InspectError> {
        if self.count < count {
            self.refill();
        }
        if self.count < count {
            return Err(InspectError::Truncated);
        }
        let value = self.bits & ((1 << count) - 1);
        self.bits >>= count;
        self.count -= count;
        Ok(value as u32)
    }

    #[inline]
    fn symbol(&mut self, code: &Huffman) -> Result<u16, InspectError> {
        if self.count < 15 {
            self.refill();
        }
        let (symbol, len) = code.decode(self.bits)?;
        if self.count < len {
            return Err(InspectError::Truncated);
        }
        self.bits >>= len;
        self.count -= len;
        Ok(symbol)
    }

    fn align(&mut self) {
        let odd = self.count % 8;
        self.bits >>= odd;
        self.count -= odd;
    }
}

/// A canonical Huffman code (RFC 1951 3.2.2): codes of up to nine bits are looked up, longer ones walked.
struct Huffman {
    /// Symbol and length by the next nine bits; length 0: the code is longer.
    short: [(u16, u8); 1 << Self::SHORT],
    /// How many codes of each length.
    counts: [u16; 16],
    /// The symbols in the order of their codes.
    symbols: [u16; 320],
}

impl Huffman {
    const SHORT: usize = 9;

    fn new(lengths: &[u8]) -> Result<Self, InspectError> {
        let mut code = Self { short: [(0, 0); 1 << Self::SHORT], counts: [0; 16], symbols: [0; 320] };
        for &len in lengths {
            code.counts[usize::from(len)] += 1;
        }
        code.counts[0] = 0;
        let mut left = 1i32;
        let mut firsts = [0usize; 17];
        for len in 1..16 {
            left = (left << 1) - i32::from(code.counts[len]);
            if left < 0 {
                return Err(InspectError::CodeLengths);
            }
            firsts[len + 1] = firsts[len] + usize::from(code.counts[len]);
        }
        for (symbol, &len) in lengths.iter().enumerate().filter(|&(_, &len)| len > 0) {
            code.symbols[firsts[usize::from(len)]] = symbol as u16;
            firsts[usize::from(len)] += 1;
        }
        code.fill_short();
        Ok(code)
    }

    fn fill_short(&mut self) {
        let (mut code, mut index) = (0usize, 0usize);
        for len in 1..=Self::SHORT {
            for _ in 0..self.counts[len] {
                let reversed = (code as u16).reverse_bits() as usize >> (16 - len);
                for entry in self.short[reversed..].iter_mut().step_by(1 << len) {
                    *entry = (self.symbols[index], len as u8);
                }
                code += 1;
                index += 1;
            }
            code <<= 1;
        }
    }

    fn decode(&self, bits: u64) -> Result<(u16, u32), InspectError> {
        let (symbol, len) = self.short[bits as usize & ((1 << Self::SHORT) - 1)];
        if len > 0 { Ok((symbol, len.into())) } else { self.walk(bits) }
    }

    fn walk(&self, bits: u64) -> Result<(u16, u32), InspectError> {
        let (mut code, mut first, mut index) = (0usize, 0usize, 0usize);
        for len in 1..16 {
            code |= (bits >> (len - 1)) as usize & 1;
            let count = usize::from(self.counts[len]);
            if code < first + count {
                return Ok((self.symbols[index + code - first], len as u32));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(InspectError::Symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeflateWriter, Deflater};

    fn unhex(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn inspect(hex: &str) -> Result<(Inspection, Vec<u8>), InspectError> {
        let mut out = Vec::new();
        let seen = DeflateInspector::new().message(&unhex(hex), usize::MAX, &mut out)?;
        Ok((seen, out))
    }

    #[test]
    fn lawful_vectors_inflate_and_their_blocks_are_counted() {
        // Each ends with the empty stored block that the tail completes.
        for (hex, text, blocks, last) in [
            ("f248cdc9c90700", "Hello", [1, 1, 0], 0),
            ("000500faff48656c6c6f00", "Hello", [2, 0, 0], 0),
            ("f348cdc9c9070000", "Hello", [1, 1, 0], 1),
            ("f24805000000ffffcac9c90700", "Hello", [2, 2, 0], 0),
            ("00", "", [1, 0, 0], 0),
            ("0200", "", [1, 1, 0], 0),
            ("f348cd0100cbc9070000", "Hello", [1, 2, 0], 2),
        ] {
            let (seen, out) = inspect(hex).unwrap_or_else(|error| panic!("{hex}: {error}"));
            assert_eq!((out.as_slice(), seen.last_blocks), (text.as_bytes(), last), "{hex}");
            assert_eq!(seen.blocks, blocks, "{hex}");
        }
    }

    #[test]
    fn unlawful_vectors_are_named() {
        use InspectError::{CodeLengths, Distance, ReservedBlock, StoredLength, Symbol, Truncated};
        for (hex, error) in [
            ("06", ReservedBlock),
            ("000500341248656c6c6f", StoredLength),
            ("4a04420000", Distance { distance: 2 }),
            ("4a1c0300", Symbol),
            ("04e09324499224499200", CodeLengths),
            // The tail was not taken off: the one that the receiver appends then begins a block of its own.
            ("f248cdc9c907000000ffff", Truncated),
        ] {
            assert_eq!(inspect(hex).unwrap_err(), error, "{hex}");
        }
        let mut out = Vec::new();
        let cut = DeflateInspector::new().message(&unhex("0005"), 10, &mut out);
        assert!(matches!(cut, Err(Truncated | StoredLength)), "{cut:?}");
    }

    #[test]
    fn distances_and_reach_are_recorded() {
        let mut writer = DeflateWriter::new();
        let first = writer.stored(&[7; 600], false).flush().finish();
        let second = writer
            .block(BlockType::Fixed, false)
            .literals(b"ab")
            .matched(5, 602)
            .end_of_block()
            .flush()
            .finish();
        let (mut inspector, mut out) = (DeflateInspector::new(), Vec::new());
        assert_eq!(inspector.message(&first, usize::MAX, &mut out).unwrap().longest_distance, 0);
        let seen = inspector.message(&second, usize::MAX, &mut out).unwrap();
        assert_eq!((seen.longest_distance, seen.reach_before_message), (602, 600));
        inspector.reset();
        let error = inspector.message(&second, usize::MAX, &mut out).unwrap_err();
        assert_eq!(error, InspectError::Distance { distance: 602 });
    }

    #[test]
    fn what_the_deflater_writes_is_read_back_at_every_level_and_window() {
        let text: Vec<u8> = (0..200_000u32).map(|n| (n.wrapping_mul(n) / 7 % 61) as u8 + b'0').collect();
        for level in [0, 1, 6, 9] {
            for bits in [8, 9, 12, 15] {
                let mut deflater = Deflater::new(bits, level).unwrap();
                let (mut inspector, mut got) = (DeflateInspector::new(), Vec::new());
                for part in text.chunks(50_001) {
                    let mut wire = Vec::new();
                    deflater.message(part, &mut wire);
                    let seen = inspector.message(&wire, usize::MAX, &mut got).unwrap();
                    assert!(seen.longest_distance <= 1 << bits, "level {level}, window {bits}: {seen:?}");
                }
                assert_eq!(got, text, "level {level}, window {bits}");
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit_and_leaves_the_window_alone() {
        let mut wire = Vec::new();
        Deflater::new(15, 9).unwrap().message(&vec![0; 1 << 20], &mut wire);
        let (mut inspector, mut out) = (DeflateInspector::new(), Vec::new());
        assert_eq!(inspector.message(&wire, 1000, &mut out), Err(InspectError::TooLarge));
        assert!(out.is_empty());
        assert!(inspector.message(&wire, 1 << 20, &mut out).is_ok());
    }
}
