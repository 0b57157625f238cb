//! The pages that are not written out: packed, for the script to unpack on demand.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

/// What stands behind every text of a block.
const END: char = '\0';

/// Some cases, unpacked together. The alphabet of base64 has no `<`.
pub(super) struct Block {
    /// Their names, with spaces between.
    pub(super) names: String,
    /// The size after unpacking.
    pub(super) octets: usize,
    /// The page of each case (empty if that is written out), then the record of each: what is alike stands together,
    /// and packs well. NUL after each; gzip, base64.
    pub(super) base64: String,
}

/// Pages and records on their way into a block.
#[derive(Default)]
pub(super) struct Pages {
    names: String,
    text: String,
    records: String,
}

impl Pages {
    /// Adds a case by its name, which has no spaces; `print` appends the markup of its page.
    pub(super) fn add(&mut self, name: &str, print: impl FnOnce(&mut String), record: &str) {
        if !self.names.is_empty() {
            self.names.push(' ');
        }
        self.names.push_str(name);
        let start = self.text.len();
        print(&mut self.text);
        if memchr::memchr(0, &self.text.as_bytes()[start..]).is_some() {
            let clean = self.text[start..].replace(END, "\u{fffd}");
            self.text.replace_range(start.., &clean);
        }
        self.text.push(END);
        self.records.push_str(record);
        self.records.push(END);
    }

    /// Packs all, the tighter the higher the level.
    pub(super) fn pack(self, level: Compression) -> Block {
        let octets = self.text.len() + self.records.len();
        let mut gzip = GzBuilder::new().write(Vec::with_capacity(octets / 8), level);
        let parts = [&self.text, &self.records];
        let written = parts.into_iter().try_for_each(|part| gzip.write_all(part.as_bytes()));
        let base64 = STANDARD.encode(written.and_then(|()| gzip.finish()).expect("memory can be written to"));
        Block { names: self.names, octets, base64 }
    }
}
