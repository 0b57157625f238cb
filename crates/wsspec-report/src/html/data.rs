//! The pages that are not written out: packed, for the script to unpack on demand.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

/// What stands behind every text of a block.
const END: char = '\0';

/// Into so many parts the page of a case is cut, at the starts of its blocks.
pub(super) const PARTS: usize = 12;
/// A block of a page begins with one of these. That of the frames stays with the timeline: their octets are the same.
const FRAMES: &str = "<section class=\"block frames";
const BLOCKS: [&str; 2] = ["<section class=\"block", "<details class=\"block"];

/// Forms of scripts that a failure may have.
pub(super) const SCRIPTS: usize = 5;

/// Some cases, unpacked together. The alphabet of base64 has no `<`.
pub(super) struct Block {
    /// Their names, with spaces between.
    pub(super) names: String,
    /// The size after unpacking.
    pub(super) octets: usize,
    /// The first part of the page of each case (empty if that is written out), then the second of each, and so on for
    /// all [`PARTS`], then the first script of each (markup; empty if there is none), and so on for all [`SCRIPTS`], then the record
    /// of each: what is alike stands together, and packs well. NUL after each; gzip, base64.
    pub(super) base64: String,
}

/// Pages and records on their way into a block.
#[derive(Default)]
pub(super) struct Pages {
    names: String,
    parts: [String; PARTS],
    scripts: [String; SCRIPTS],
    records: String,
}

impl Pages {
    /// Adds a case by its name, which has no spaces; `print` appends the markup of its page.
    pub(super) fn add(
        &mut self,
        name: &str,
        print: impl FnOnce(&mut String),
        scripts: &[String],
        record: &str,
    ) {
        if !self.names.is_empty() {
            self.names.push(' ');
        }
        self.names.push_str(name);
        let mut page = String::new();
        print(&mut page);
        if memchr::memchr(0, page.as_bytes()).is_some() {
            page = page.replace(END, "\u{fffd}");
        }
        let mut rest = page.as_str();
        for (place, part) in self.parts.iter_mut().enumerate() {
            let end = if place + 1 < PARTS { end_of_part(rest) } else { rest.len() };
            part.push_str(&rest[..end]);
            part.push(END);
            rest = &rest[end..];
        }
        for (place, of_form) in self.scripts.iter_mut().enumerate() {
            of_form.push_str(scripts.get(place).map_or("", String::as_str));
            of_form.push(END);
        }
        self.records.push_str(record);
        self.records.push(END);
    }

    /// Packs all, the tighter the higher the level.
    pub(super) fn pack(self, level: Compression) -> Block {
        let texts = || self.parts.iter().chain(&self.scripts).chain([&self.records]);
        let octets = texts().map(String::len).sum();
        let mut gzip = GzBuilder::new().write(Vec::with_capacity(octets / 8), level);
        let written = texts().try_for_each(|text| gzip.write_all(text.as_bytes()));
        let packed = written.and_then(|()| gzip.finish());
        let base64 = STANDARD.encode(packed.expect("memory can be written to"));
        Block { names: self.names, octets, base64 }
    }
}

/// Where the next block of a page begins.
fn end_of_part(page: &str) -> usize {
    let starts = memchr::memchr_iter(b'<', page.as_bytes()).skip_while(|at| *at == 0);
    let is_block = |at: &usize| {
        let rest = &page[*at..];
        BLOCKS.iter().any(|block| rest.starts_with(block)) && !rest.starts_with(FRAMES)
    };
    starts.into_iter().find(is_block).unwrap_or(page.len())
}
