use crate::deflate_codes::{DISTANCES, END_OF_BLOCK, LENGTHS};

/// Writes DEFLATE streams bit by bit, lawful or not: the block types, BFINAL, matches at chosen distances
/// (RFC 1951 3.2). What a compressor would choose, the caller chooses.
#[derive(Clone, Debug, Default)]
pub struct DeflateWriter {
    octets: Vec<u8>,
    bits: u64,
    count: u32,
}

/// The type of a block (RFC 1951 3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockType {
    /// Not compressed.
    Stored,
    /// Compressed with the fixed codes.
    Fixed,
    /// Compressed with codes of its own.
    Dynamic,
    /// Type 3, which no stream may have.
    Reserved,
}

impl BlockType {
    const fn bits(self) -> u64 {
        match self {
            Self::Stored => 0,
            Self::Fixed => 1,
            Self::Dynamic => 2,
            Self::Reserved => 3,
        }
    }
}

impl DeflateWriter {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// The header of a block.
    pub fn block(&mut self, kind: BlockType, last: bool) -> &mut Self {
        self.bits(u64::from(last), 1).bits(kind.bits(), 2)
    }

    /// A whole stored block.
    ///
    /// # Panics
    /// If there are more than 65,535 octets, which no stored block can hold.
    pub fn stored(&mut self, octets: &[u8], last: bool) -> &mut Self {
        let len = u16::try_from(octets.len()).expect("a stored block holds at most 65,535 octets");
        self.block(BlockType::Stored, last).align().bits(len.into(), 16).bits((!len).into(), 16);
        self.octets.extend_from_slice(octets);
        self
    }

    /// Literals of a block with the fixed codes.
    pub fn literals(&mut self, octets: &[u8]) -> &mut Self {
        for &octet in octets {
            self.fixed_symbol(octet.into());
        }
        self
    }

    /// A match of a block with the fixed codes: `length` 3 to 258, `distance` 1 to 32,768.
    ///
    /// # Panics
    /// If the length or the distance has no code.
    pub fn matched(&mut self, length: u16, distance: u16) -> &mut Self {
        assert!((3..=258).contains(&length) && (1..=32768).contains(&distance));
        let code = LENGTHS.iter().rposition(|&(base, _)| base <= length).expect("3 has a code");
        let (base, extra) = LENGTHS[code];
        self.fixed_symbol(257 + code as u16).bits((length - base).into(), extra.into());
        let code = DISTANCES.iter().rposition(|&(base, _)| base <= distance).expect("1 has a code");
        let (base, extra) = DISTANCES[code];
        self.code(code as u16, 5).bits((distance - base).into(), extra.into())
    }

    /// Any symbol of the fixed literal and length code, 0 to 287; 286 and 287 are unlawful.
    pub fn fixed_symbol(&mut self, symbol: u16) -> &mut Self {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    /// The end of a compressed block with the fixed codes.
    pub fn end_of_block(&mut self) -> &mut Self {
        self.fixed_symbol(END_OF_BLOCK)
    }

    /// What is left of an empty stored block when its `00 00 ff ff` is taken off (RFC 7692 7.2.1):
    /// the end of every message.
    pub fn flush(&mut self) -> &mut Self {
        self.block(BlockType::Stored, false).align()
    }

    /// A Huffman code: its bits go out from the highest.
    pub fn code(&mut self, code: u16, len: u32) -> &mut Self {
        let reversed = code.reverse_bits() >> (16 - len);
        self.bits(reversed.into(), len)
    }

    /// Bits from the lowest, at most 16.
    pub fn bits(&mut self, value: u64, count: u32) -> &mut Self {
        self.bits |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.octets.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
        self
    }

    /// Zero bits up to the end of the octet.
    pub fn align(&mut self) -> &mut Self {
        if self.count > 0 {
            let rest = 8 - self.count;
            self.bits(0, rest);
        }
        self
    }

    /// The stream so far, the last octet filled with zero bits.
    pub fn finish(&mut self) -> Vec<u8> {
        self.align();
        std::mem::take(&mut self.octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Inflater;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn writes_the_examples_of_rfc_7692() {
        let mut writer = DeflateWriter::new();
        let hello = writer.block(BlockType::Fixed, false).literals(b"Hello").end_of_block().flush().finish();
        assert_eq!(hex(&hello), "f248cdc9c90700");
        let again = writer.block(BlockType::Fixed, false).literals(b"H").matched(4, 5).end_of_block();
        assert_eq!(hex(&again.flush().finish()), "f200110000");
        assert_eq!(hex(&writer.stored(b"Hello", false).flush().finish()), "000500faff48656c6c6f00");
    }

    #[test]
    fn what_is_written_inflates() {
        for (length, distance) in [(3, 1), (10, 2), (11, 3), (257, 300), (258, 512), (227, 600)] {
            let start: Vec<u8> = (0..600u16).map(|n| (n % 251) as u8).collect();
            let mut writer = DeflateWriter::new();
            writer.stored(&start, false);
            writer.block(BlockType::Fixed, false).matched(length, distance).end_of_block();
            let mut out = Vec::new();
            let mut inflater = Inflater::new(15).unwrap();
            inflater.feed(&writer.flush().finish(), usize::MAX, &mut out).unwrap();
            inflater.finish_message(usize::MAX, &mut out).unwrap();
            let mut wanted = start;
            for _ in 0..length {
                wanted.push(wanted[wanted.len() - usize::from(distance)]);
            }
            assert_eq!(out, wanted, "length {length}, distance {distance}");
        }
    }
}
