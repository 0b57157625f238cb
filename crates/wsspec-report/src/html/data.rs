//! The pages that are not written out: packed, for the script to unpack on demand.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use serde::Serialize;

use super::tree;

/// From this size on packing tightly takes too long, in octets.
const LARGE: usize = 32 << 20;

/// Packed pages; the alphabet of base64 has no `<`.
pub(super) struct Packed {
    /// The size after unpacking.
    pub(super) octets: usize,
    /// JSON, gzip, base64.
    pub(super) base64: String,
}

/// What the script finds in the block. Trees and records are texts, so that each is read only when
/// it is looked at.
#[derive(Serialize)]
struct Block<'a> {
    pages: BTreeMap<&'a String, String>,
    records: &'a BTreeMap<String, String>,
}

/// Packs pages, given by name and markup as printed by a template, and the records of cases.
pub(super) fn pack(pages: &BTreeMap<String, String>, records: &BTreeMap<String, String>) -> Packed {
    let tree = |markup: &String| tree::parse(markup).expect("templates print well-formed markup").to_string();
    let pages = pages.iter().map(|(name, markup)| (name, tree(markup))).collect();
    let json = serde_json::to_vec(&Block { pages, records }).expect("strings can be written");
    let level = if json.len() < LARGE { 9 } else { 5 };
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::new(level));
    let packed = gzip.write_all(&json).and_then(|()| gzip.finish());
    Packed { octets: json.len(), base64: STANDARD.encode(packed.expect("memory can be written to")) }
}
