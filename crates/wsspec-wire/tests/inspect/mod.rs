//! A DEFLATE decoder (RFC 1951) independent of the one under test, which measures distances.

/// Length codes 257 to 285: base and extra bits.
const LENGTHS: [(usize, u32); 29] = {
    let mut table = [(3, 0); 29];
    let mut code = 1;
    while code < 28 {
        let extra = if code < 8 { 0 } else { code as u32 / 4 - 1 };
        table[code] = (table[code - 1].0 + (1 << table[code - 1].1), extra);
        code += 1;
    }
    table[28] = (258, 0);
    table
};

/// Distance codes 0 to 29: base and extra bits.
const DISTANCES: [(usize, u32); 30] = {
    let mut table = [(1, 0); 30];
    let mut code = 1;
    while code < 30 {
        let extra = if code < 4 { 0 } else { code as u32 / 2 - 1 };
        table[code] = (table[code - 1].0 + (1 << table[code - 1].1), extra);
        code += 1;
    }
    table
};

/// The order in which a dynamic block gives the lengths of the code length codes.
const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Decodes messages of one context and notes the greatest distance of each.
#[derive(Default)]
pub(crate) struct Inspector {
    /// Everything decoded so far.
    pub(crate) output: Vec<u8>,
}

impl Inspector {
    /// Decodes a message without its tail; returns the greatest distance used.
    pub(crate) fn message(&mut self, payload: &[u8]) -> usize {
        let octets = [payload, &[0x00, 0x00, 0xFF, 0xFF]].concat();
        let mut bits = Bits { octets: &octets, next: 0 };
        let mut greatest = 0;
        while bits.next < octets.len() * 8 {
            greatest = greatest.max(self.block(&mut bits));
        }
        greatest
    }

    fn block(&mut self, bits: &mut Bits<'_>) -> usize {
        let is_final = bits.take(1) == 1;
        let greatest = match bits.take(2) {
            0 => self.stored(bits),
            1 => self.coded(bits, &fixed_literals(), &Code::new(&[5; 30])),
            2 => {
                let (literals, distances) = dynamic_codes(bits);
                self.coded(bits, &literals, &distances)
            }
            _ => panic!("block type 3"),
        };
        if is_final {
            bits.align();
        }
        greatest
    }

    fn stored(&mut self, bits: &mut Bits<'_>) -> usize {
        bits.align();
        let (len, check) = (bits.take(16), bits.take(16));
        assert_eq!(len, !check & 0xFFFF);
        self.output.extend((0..len).map(|_| bits.take(8) as u8));
        0
    }

    fn coded(&mut self, bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> usize {
        let mut greatest = 0;
        loop {
            match literals.decode(bits) {
                literal @ 0..=255 => self.output.push(literal as u8),
                256 => return greatest,
                length => {
                    let length = bits.take_coded(LENGTHS[length - 257]);
                    let distance = distances.decode(bits);
                    let distance = bits.take_coded(DISTANCES[distance]);
                    greatest = greatest.max(distance);
                    for _ in 0..length {
                        self.output.push(self.output[self.output.len() - distance]);
                    }
                }
            }
        }
    }
}

struct Bits<'a> {
    octets: &'a [u8],
    next: usize,
}

impl Bits<'_> {
    /// The next `count` bits, lowest first.
    fn take(&mut self, count: u32) -> usize {
        (0..count).fold(0, |value, index| {
            let bit = self.octets[self.next / 8] >> (self.next % 8) & 1;
            self.next += 1;
            value | usize::from(bit) << index
        })
    }

    fn take_coded(&mut self, (base, extra): (usize, u32)) -> usize {
        base + self.take(extra)
    }

    fn align(&mut self) {
        self.next = self.next.next_multiple_of(8);
    }
}

/// A Huffman code: for each length the first code word and its symbols.
struct Code {
    by_length: Vec<(usize, Vec<usize>)>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut next_word = 0;
        let by_length = (1..16).map(|length| {
            let symbols: Vec<usize> =
                (0..lengths.len()).filter(|&symbol| lengths[symbol] == length).collect();
            let first = next_word * 2;
            next_word = first + symbols.len();
            (first, symbols)
        });
        Self { by_length: by_length.collect() }
    }

    fn decode(&self, bits: &mut Bits<'_>) -> usize {
        let mut word = 0;
        for (first, symbols) in &self.by_length {
            word = word << 1 | bits.take(1);
            if let Some(&symbol) = word.checked_sub(*first).and_then(|index| symbols.get(index)) {
                return symbol;
            }
        }
        panic!("no such code word");
    }
}

fn fixed_literals() -> Code {
    let runs = [(144, 8), (112, 9), (24, 7), (8, 8)];
    let lengths: Vec<usize> = runs.iter().flat_map(|&(count, length)| vec![length; count]).collect();
    Code::new(&lengths)
}

fn dynamic_codes(bits: &mut Bits<'_>) -> (Code, Code) {
    let (literals, distances, code_lengths) = (257 + bits.take(5), 1 + bits.take(5), 4 + bits.take(4));
    let mut lengths = [0; 19];
    for &symbol in &CODE_LENGTH_ORDER[..code_lengths] {
        lengths[symbol] = bits.take(3);
    }
    let code = Code::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.decode(bits) {
            16 => (*lengths.last().expect("a length to repeat"), 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length, 1),
        };
        lengths.extend(vec![length; times]);
    }
    (Code::new(&lengths[..literals]), Code::new(&lengths[literals..]))
}
