//! The pages that are not written out: packed, for the script to unpack on demand.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

use super::tree;

/// Some cases, unpacked together. The alphabet of base64 has no `<`.
pub(super) struct Block {
    /// Their names, with spaces between.
    pub(super) names: String,
    /// The size after unpacking.
    pub(super) octets: usize,
    /// A line for each case with the tree of its page (empty if that is written out), then a line for each with its
    /// record: what is alike stands together, and packs well. gzip, base64.
    pub(super) base64: String,
}

/// A case on its way into a block.
pub(super) struct Entry {
    /// The place where it is told; it has no spaces.
    pub(super) name: String,
    /// The markup of its page, as printed by a template.
    pub(super) page: Option<String>,
    /// The line of its record.
    pub(super) record: String,
}

/// Packs cases, the tighter the higher the level.
pub(super) fn pack(entries: impl Iterator<Item = Entry>, level: Compression) -> Block {
    let (mut names, mut text, mut records) = (String::new(), String::new(), String::new());
    for entry in entries {
        let separator = if names.is_empty() { "" } else { " " };
        names.extend([separator, &entry.name]);
        if let Some(page) = &entry.page {
            tree::write(page, &mut text).expect("templates print well-formed markup");
        }
        text.push('\n');
        records.extend([&entry.record, "\n"]);
    }
    text.push_str(&records);
    let mut gzip = GzBuilder::new().write(Vec::new(), level);
    let packed = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
    let base64 = STANDARD.encode(packed.expect("memory can be written to"));
    Block { names, octets: text.len(), base64 }
}
