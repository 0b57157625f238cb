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
    /// Three lines for each case: its name, the tree of its page (empty if that is written out), its record.
    /// gzip, base64.
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
    let (mut names, mut text) = (String::new(), String::new());
    for entry in entries {
        let separator = if names.is_empty() { "" } else { " " };
        names.extend([separator, &entry.name]);
        text.extend([&entry.name, "\n"]);
        if let Some(page) = &entry.page {
            tree::write(page, &mut text).expect("templates print well-formed markup");
        }
        text.extend(["\n", &entry.record, "\n"]);
    }
    let mut gzip = GzBuilder::new().write(Vec::new(), level);
    let packed = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
    let base64 = STANDARD.encode(packed.expect("memory can be written to"));
    Block { names, octets: text.len(), base64 }
}
