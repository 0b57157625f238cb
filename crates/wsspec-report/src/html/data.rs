//! The pages that are not written out: packed, for the script to unpack on demand.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

use super::tree;

/// Packed pages; the alphabet of base64 has no `<`.
pub(super) struct Packed {
    /// The size after unpacking.
    pub(super) octets: usize,
    /// JSON, gzip, base64.
    pub(super) base64: String,
}

/// Packs pages: their names, and their markup as printed by a template.
pub(super) fn pack(pages: &BTreeMap<String, String>) -> Packed {
    let trees: BTreeMap<&String, String> = pages
        .iter()
        .map(|(name, markup)| {
            (name, tree::parse(markup).expect("templates print well-formed markup").to_string())
        })
        .collect();
    let json = serde_json::to_vec(&trees).expect("strings can be written");
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::new(9));
    let packed = gzip.write_all(&json).and_then(|()| gzip.finish());
    Packed { octets: json.len(), base64: STANDARD.encode(packed.expect("memory can be written to")) }
}
