//! Looks at the references of a raw DEFLATE stream (RFC 1951). Inflaters are no window check: they keep 32 KiB
//! whatever was agreed, and decode references that reach beyond the agreed window.

/// The largest distance of all references of a message, 0 if there are none; `None` if it is no DEFLATE.
pub(crate) fn farthest_reference(message: &[u8]) -> Option<u32> {
    let mut bits = Bits { octets: message, position: 0 };
    let mut farthest = 0;
    while !bits.is_at_end() {
        let is_final = bits.take(1)? == 1;
        match bits.take(2)? {
            // A block that is cut off is the one whose end the sender leaves out (RFC 7692 7.2.1).
            0 => match skip_stored(&mut bits) {
                Some(()) => {}
                None => return Some(farthest),
            },
            1 => farthest = farthest.max(block(&mut bits, &fixed_literals(), &fixed_distances())?),
            2 => {
                let (literals, distances) = dynamic_codes(&mut bits)?;
                farthest = farthest.max(block(&mut bits, &literals, &distances)?);
            }
            _ => return None,
        }
        if is_final {
            bits.align();
        }
    }
    Some(farthest)
}

fn skip_stored(bits: &mut Bits<'_>) -> Option<()> {
    bits.align();
    let len = bits.take(16)?;
    bits.take(16)?;
    bits.skip(8 * len as usize)
}

/// Reads a compressed block up to its end.
fn block(bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> Option<u32> {
    let mut farthest = 0;
    loop {
        match literals.symbol(bits)? {
            0..256 => {}
            256 => return Some(farthest),
            length @ 257..286 => {
                bits.take(length_extra_bits(length))?;
                let symbol = distances.symbol(bits)?;
                farthest = farthest.max(distance(symbol, bits)?);
            }
            _ => return None,
        }
    }
}

fn length_extra_bits(symbol: u16) -> u32 {
    match symbol {
        265..285 => u32::from(symbol - 261) / 4,
        _ => 0,
    }
}

fn distance(symbol: u16, bits: &mut Bits<'_>) -> Option<u32> {
    let symbol = u32::from(symbol);
    match symbol {
        0..4 => Some(symbol + 1),
        4..30 => {
            let extra = symbol / 2 - 1;
            let base = (2 + symbol % 2) << extra;
            Some(base + bits.take(extra)? + 1)
        }
        _ => None,
    }
}

fn fixed_literals() -> Code {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Code::new(&lengths)
}

fn fixed_distances() -> Code {
    Code::new(&[5; 30])
}

/// The order in which the lengths of the code length code stand (RFC 1951 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

fn dynamic_codes(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let count = bits.take(4)? as usize + 4;
    let mut lengths = [0; ORDER.len()];
    for &place in &ORDER[..count] {
        lengths[place] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths);
    let mut lengths: Vec<u8> = Vec::with_capacity(literals + distances);
    while lengths.len() < literals + distances {
        let (value, times) = match code.symbol(bits)? {
            length @ 0..16 => (length as u8, 1),
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            _ => (0, 11 + bits.take(7)?),
        };
        lengths.extend(std::iter::repeat_n(value, times as usize));
    }
    let distances = lengths.get(literals..literals + distances)?;
    Some((Code::new(&lengths[..literals]), Code::new(distances)))
}

/// A canonical prefix code (RFC 1951 3.2.2).
struct Code {
    /// How many symbols have a code of each length.
    counts: [u16; 16],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16 {
            let of_length =
                (0u16..).zip(lengths).filter(|&(_, &len)| len == length).map(|(symbol, _)| symbol);
            let before = symbols.len();
            symbols.extend(of_length);
            counts[usize::from(length)] = (symbols.len() - before) as u16;
        }
        Self { counts, symbols }
    }

    /// Reads bit by bit: a code of each length follows the last one of the length before.
    fn symbol(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &self.counts[1..] {
            let count = u32::from(count);
            code = code << 1 | bits.take(1)?;
            if code < first + count {
                return self.symbols.get((index + code - first) as usize).copied();
            }
            index += count;
            first = (first + count) << 1;
        }
        None
    }
}

/// Bits from the least significant one of each octet on.
struct Bits<'a> {
    octets: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for bit in 0..count {
            let octet = self.octets.get(self.position / 8)?;
            value |= u32::from(octet >> (self.position % 8) & 1) << bit;
            self.position += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.position = self.position.checked_add(count)?;
        (self.position <= 8 * self.octets.len()).then_some(())
    }

    fn align(&mut self) {
        self.position = self.position.next_multiple_of(8);
    }

    /// Whether only padding is left, or nothing.
    fn is_at_end(&self) -> bool {
        self.position >= 8 * self.octets.len()
    }
}

#[cfg(test)]
mod tests {
    use wsspec_wire::Deflater;

    use super::*;

    fn compressed(window_bits: u8, level: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Deflater::new(window_bits, level).unwrap().message(payload, &mut out);
        out
    }

    /// Text that repeats at a distance of exactly 1,000 octets and nowhere nearer.
    fn repeating_at_1000() -> Vec<u8> {
        let mut state = 1u32;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        };
        let noise: Vec<u8> = (0..1000).map(|_| noise()).collect();
        [noise.clone(), noise].concat()
    }

    #[test]
    fn references_are_measured_in_every_kind_of_block() {
        assert_eq!(farthest_reference(&compressed(15, 6, &repeating_at_1000())), Some(1000));
        assert_eq!(farthest_reference(&compressed(15, 6, b"Hello")), Some(0));
        assert_eq!(farthest_reference(&compressed(15, 0, &repeating_at_1000())), Some(0), "stored");
        // The second message of RFC 7692 section 7.2.3.2 refers to the first.
        assert_eq!(farthest_reference(&[0xF2, 0x00, 0x11, 0x00, 0x00]), Some(5));
        // RFC 7692 section 7.2.3.4: a final block, then the empty block that is cut off.
        assert_eq!(farthest_reference(&[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]), Some(0));
    }

    #[test]
    fn a_small_window_is_kept_by_the_deflater_and_an_overrun_is_seen() {
        let text = repeating_at_1000();
        assert!(farthest_reference(&compressed(9, 6, &text)).unwrap() <= 512);
        assert!(farthest_reference(&compressed(12, 6, &text)).unwrap() > 512);
    }

    #[test]
    fn octets_that_are_no_deflate_give_nothing() {
        assert_eq!(farthest_reference(&[0x07, 0xFF, 0xFF]), None, "block type 3");
        assert_eq!(farthest_reference(&[0x05, 0xFF, 0xFF, 0xFF]), None, "broken code lengths");
        assert_eq!(farthest_reference(&[]), Some(0));
    }
}
