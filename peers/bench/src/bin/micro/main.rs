//! Micro-benchmarks of what every octet goes through, beside a plain copy; prints JSON.
//!
//! Usage: micro            everything
//!        micro alone      DEFLATE of what `load` sends: what no server with permessage-deflate gets around
//!        micro volume     DEFLATE of what sections 12 and 13 send
//!        micro libraries  DEFLATE of 1 MiB, each message from an empty window
//!        micro text SIZE  no benchmark: the text that is compressed, for benchmarks of other libraries
//!
//! The time of a call is that of the fastest of many short batches: whatever else the machine does only adds to it.

#[path = "../load/payload.rs"]
mod payload;

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use payload::{noise, text};
use wsspec_cases::data::{DataSet, Window};
use wsspec_wire::deflate::Deflater;
use wsspec_wire::inflate::Inflater;
use wsspec_wire::{FrameHeader, Opcode, Utf8Validator, apply_mask, copy_masked};

const SIZES: [usize; 4] = [16, 1 << 10, 64 << 10, 1 << 20];
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
const PAGE: usize = 4096;
const TIME: Duration = Duration::from_millis(400);
const BATCH: Duration = Duration::from_micros(300);

/// Messages of the volume that are compressed one after the other, and their size.
const MESSAGES: usize = 8;
const MESSAGE: usize = 128 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => everything(),
        ["alone"] => SIZES.into_iter().for_each(|size| compression(size, &[1])),
        ["volume"] => DataSet::ALL.into_iter().for_each(volume),
        ["libraries"] => libraries(1 << 20),
        ["text", size] => std::io::stdout().write_all(&text(size.parse()?))?,
        _ => return Err("usage: see the top of this program".into()),
    }
    Ok(())
}

fn everything() {
    for size in SIZES {
        copies(size);
        masks(size);
        texts(size);
        compression(size, &[1, 6]);
    }
    headers();
}

fn copies(size: usize) {
    let (source, mut target) = (Paged::new(&noise(size)), Paged::new(&vec![0; size]));
    report("memcpy", size, || black_box(target.octets()).copy_from_slice(black_box(source.as_slice())));
}

fn masks(size: usize) {
    let mut octets = Paged::new(&noise(size));
    report("unmask in place", size, || apply_mask(black_box(KEY), 0, black_box(octets.octets())));
    let mut out = Vec::with_capacity(size);
    report("copy and unmask", size, || {
        out.clear();
        copy_masked(black_box(KEY), 0, black_box(octets.as_slice()), &mut out);
        black_box(&out);
    });
}

fn texts(size: usize) {
    let greek: String = "κόσμε 世界 ".chars().cycle().take(size).collect();
    let mut end = size;
    while !greek.is_char_boundary(end) {
        end -= 1;
    }
    let texts =
        [("UTF-8, ASCII", text(size)), ("UTF-8, two and three octets", greek.as_bytes()[..end].to_vec())];
    for (name, text) in texts {
        let text = Paged::new(&text);
        let mut validator = Utf8Validator::new();
        report(name, size, || {
            let fed = validator.feed(black_box(text.as_slice()));
            assert!(fed.and_then(|()| validator.finish()).is_ok());
        });
    }
}

/// Whole messages, with context takeover.
fn compression(size: usize, levels: &[u8]) {
    let text = text(size);
    for &level in levels {
        let mut deflater = Deflater::new(15, level).expect("15 bits are allowed");
        let mut out = Vec::new();
        report(&format!("deflate, level {level}"), size, || {
            out.clear();
            deflater.message(black_box(&text), &mut out);
            black_box(&out);
        });
    }
    let mut compressed = Vec::new();
    Deflater::new(15, 6).expect("15 bits are allowed").message(&text, &mut compressed);
    let mut inflater = Inflater::new(15).expect("15 bits are allowed");
    let mut out = Vec::new();
    report("inflate", size, || {
        out.clear();
        let fed = inflater.feed(black_box(&compressed), usize::MAX - 1, &mut out);
        assert!(fed.and_then(|_| inflater.finish_message(usize::MAX - 1, &mut out)).is_ok());
    });
    assert_eq!(out, text);
}

/// Consecutive large messages of a data set, compressed with the least effort, with context takeover.
fn volume(data: DataSet) {
    let size = data.octets().len();
    let messages: Vec<_> = (0..MESSAGES)
        .map(|number| Window { data, from: number * MESSAGE % size, len: MESSAGE }.octets())
        .collect();
    let mut deflater = Deflater::new(15, 1).expect("15 bits are allowed");
    let mut compressed = vec![Vec::new(); MESSAGES];
    report(&format!("deflate {}", data.name()), MESSAGES * MESSAGE, || {
        deflater.reset();
        for (message, out) in messages.iter().zip(&mut compressed) {
            out.clear();
            deflater.message(black_box(message), out);
        }
    });
    let mut inflater = Inflater::new(15).expect("15 bits are allowed");
    let mut out = Vec::new();
    report(&format!("inflate {}", data.name()), MESSAGES * MESSAGE, || {
        inflater.reset();
        for message in &compressed {
            out.clear();
            let fed = inflater.feed(black_box(message), usize::MAX - 1, &mut out);
            assert!(fed.and_then(|_| inflater.finish_message(usize::MAX - 1, &mut out)).is_ok());
        }
    });
    assert_eq!(out, messages[MESSAGES - 1]);
}

/// One message at a time, as `peers/python/compression.py` measures other libraries.
fn libraries(size: usize) {
    let text = text(size);
    for level in [1, 6] {
        let mut deflater = Deflater::new(15, level).expect("15 bits are allowed");
        let mut compressed = Vec::new();
        let deflate = fastest(|| {
            deflater.reset();
            compressed.clear();
            deflater.message(black_box(&text), &mut compressed);
        });
        let mut inflater = Inflater::new(15).expect("15 bits are allowed");
        let mut out = Vec::new();
        let inflate = fastest(|| {
            inflater.reset();
            out.clear();
            let fed = inflater.feed(black_box(&compressed), usize::MAX - 1, &mut out);
            assert!(fed.and_then(|_| inflater.finish_message(usize::MAX - 1, &mut out)).is_ok());
        });
        println!(
            "{{\"library\": \"zlib-rs\", \"level\": {level}, \"size\": {size}, \"compressed\": {}, \
             \"deflate_ns\": {deflate}, \"inflate_ns\": {inflate}}}",
            compressed.len()
        );
    }
}

/// The headers of masked frames, in each of the three forms of the length.
fn headers() {
    for length in [16, 1024, 1 << 20] {
        let (octets, len) =
            FrameHeader { mask: Some(KEY), ..FrameHeader::new(Opcode::TEXT, length) }.encode_array();
        let mut target = octets;
        report("memcpy of a header", len, || target[..len].copy_from_slice(black_box(&octets[..len])));
        report("decode of a header", len, || {
            black_box(FrameHeader::decode(black_box(&octets[..len])));
        });
        let mut out = Vec::with_capacity(16);
        report("encode of a header", len, || {
            out.clear();
            black_box(FrameHeader { mask: Some(KEY), ..FrameHeader::new(Opcode::TEXT, black_box(length)) })
                .encode(&mut out);
            black_box(&out);
        });
    }
}

fn report(name: &str, size: usize, call: impl FnMut()) {
    let nanoseconds = fastest(call);
    println!("{{\"name\": \"{name}\", \"size\": {size}, \"nanoseconds\": {nanoseconds}}}");
}

/// The time of a call in nanoseconds.
fn fastest(mut call: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut calls = 1_u32;
    let mut time = |calls: u32| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed()
    };
    while time(calls) < BATCH && calls < 1 << 20 {
        calls *= 2;
    }
    let mut best = time(calls);
    while began.elapsed() < TIME {
        best = best.min(time(calls));
    }
    best.as_secs_f64() * 1e9 / f64::from(calls)
}

/// Octets that begin with a page, as every buffer here, so that none is favoured.
struct Paged {
    memory: Vec<u8>,
    start: usize,
}

impl Paged {
    fn new(octets: &[u8]) -> Self {
        let mut memory: Vec<u8> = Vec::with_capacity(PAGE + octets.len());
        let start = memory.as_ptr().align_offset(PAGE);
        memory.resize(start, 0);
        memory.extend_from_slice(octets);
        Self { memory, start }
    }

    fn as_slice(&self) -> &[u8] {
        &self.memory[self.start..]
    }

    fn octets(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..]
    }
}
