//! The data that sections 12 and 13 send: five kinds of files, generated from small seeds and word lists, of
//! the sizes that the field's suite uses, and compressing like real files of their kind.
//!
//! What a data set contains is pinned by a test: it is the same on every machine and in every version.

mod bitmap;
mod dice;
mod document;
mod html;
mod json;
mod prose;
mod words;

use std::sync::OnceLock;

use bytes::Bytes;

pub(crate) use dice::Dice;

/// A kind of data, generated once when it is first asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataSet {
    /// A JSON document, UTF-8 with characters of up to four octets. Sent as text.
    Json,
    /// A picture of 512 by 512 grey pixels, uncompressed.
    Bitmap,
    /// German prose in UTF-8, sent as binary.
    Prose,
    /// An HTML page. Sent as text.
    Html,
    /// A paged document whose streams are compressed already.
    Document,
}

impl DataSet {
    /// All of them, in the order of the groups of section 12.
    pub const ALL: [Self; 5] = [Self::Json, Self::Bitmap, Self::Prose, Self::Html, Self::Document];

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Bitmap => "bitmap",
            Self::Prose => "prose",
            Self::Html => "HTML",
            Self::Document => "document",
        }
    }

    /// What it is, as the title of a group of cases.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Json => "A JSON document, as text",
            Self::Bitmap => "A grey bitmap of 512 by 512 pixels, as binary",
            Self::Prose => "German prose, as binary",
            Self::Html => "An HTML page, as text",
            Self::Document => "A paged document with compressed streams, as binary",
        }
    }

    /// Whether it is sent in text messages. Its units are characters then, and octets otherwise.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::Html)
    }

    /// The content.
    pub fn octets(self) -> &'static [u8] {
        static CONTENTS: [OnceLock<Vec<u8>>; 5] = [const { OnceLock::new() }; 5];
        CONTENTS[self as usize].get_or_init(|| match self {
            Self::Json => json::generate(194_056),
            Self::Bitmap => bitmap::generate(512, 512),
            Self::Prose => prose::generate(222_218),
            Self::Html => html::generate(263_647),
            Self::Document => document::generate(1_042_328),
        })
    }

    /// The content as text, if it is sent as text.
    pub fn text(self) -> Option<&'static str> {
        self.is_text().then(|| std::str::from_utf8(self.octets()).expect("text is generated as UTF-8"))
    }
}

/// Consecutive octets of a data set, whose end is followed by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The data set.
    pub data: DataSet,
    /// The place of the first octet, less than the size of the data set.
    pub from: usize,
    /// How many octets.
    pub len: usize,
}

impl Window {
    /// The octets.
    pub fn octets(&self) -> Bytes {
        let all = self.data.octets();
        if let Some(octets) = all[self.from..].get(..self.len) {
            return Bytes::from_static(octets);
        }
        let mut octets = Vec::with_capacity(self.len);
        octets.extend_from_slice(&all[self.from..]);
        while octets.len() < self.len {
            octets.extend_from_slice(&all[..all.len().min(self.len - octets.len())]);
        }
        octets.into()
    }

    /// The window that ends where this one begins.
    pub fn before(&self, len: usize) -> Self {
        let size = self.data.octets().len();
        Self { from: (self.from + size - len % size) % size, len, ..*self }
    }

    /// Where the next window begins.
    pub fn end(&self) -> usize {
        (self.from + self.len) % self.data.octets().len()
    }
}

/// The beginning of the JSON document: that many octets, or a few less so that no character is cut.
pub(crate) fn json(octets: usize) -> &'static str {
    let text = DataSet::Json.text().expect("JSON is text");
    let end = (0..=octets).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsspec_wire::Deflater;

    /// FNV-1a: a change of a single octet of any data set shows here.
    fn fingerprint(octets: &[u8]) -> u64 {
        let step = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
        octets.iter().fold(0xcbf2_9ce4_8422_2325, step)
    }

    #[test]
    fn the_data_never_change() {
        let found = DataSet::ALL.map(|data| (data.octets().len(), fingerprint(data.octets())));
        let pinned = [
            (194_056, 0xebcd_8bd4_1798_401d),
            (263_222, 0x0516_60a1_8cd2_16ca),
            (222_218, 0x9fd9_6bab_0bd7_ab24),
            (263_647, 0x817d_057f_723e_d955),
            (1_042_328, 0x0472_c16e_2d45_1fab),
        ];
        assert_eq!(found, pinned, "messages of sections 12 and 13 are no longer those of earlier reports");
    }

    /// The bounds are around what real files of these kinds do; docs/data-sets.md has both.
    #[test]
    fn the_data_compress_like_real_files() {
        let bounds = [18.0..25.0, 1.1..1.25, 2.4..3.0, 14.0..19.0, 1.2..1.4];
        for (data, bound) in DataSet::ALL.into_iter().zip(bounds) {
            let mut compressed = Vec::new();
            Deflater::new(15, 6).expect("a window of 15 bits").message(data.octets(), &mut compressed);
            let ratio = data.octets().len() as f64 / compressed.len() as f64;
            assert!(bound.contains(&ratio), "{}: {ratio:.2}", data.name());
        }
    }

    #[test]
    fn the_texts_have_characters_of_every_length() {
        let json = DataSet::Json.text().expect("JSON is text");
        for len in 1..=4 {
            assert!(json.chars().any(|character| character.len_utf8() == len), "{len} octets");
        }
        assert!(DataSet::Html.text().is_some_and(|html| !html.is_ascii()));
        assert!(std::str::from_utf8(DataSet::Prose.octets()).is_ok_and(|prose| prose.contains('ü')));
        assert_eq!(DataSet::Bitmap.text(), None);
    }

    #[test]
    fn a_window_goes_on_at_the_beginning() {
        let (data, size) = (DataSet::Bitmap, DataSet::Bitmap.octets().len());
        let window = Window { data, from: size - 2, len: size + 5 };
        let octets = window.octets();
        assert_eq!(octets.len(), size + 5);
        assert_eq!(octets[..2], data.octets()[size - 2..]);
        assert_eq!(octets[2..size + 2], *data.octets());
        assert_eq!((&octets[size + 2..], window.end()), (&data.octets()[..3], 3));
        let before = Window { data, from: 3, len: 1 }.before(5);
        assert_eq!((before.from, before.len, before.end()), (size - 2, 5, 3));
        assert_eq!(Window { data, from: 3, len: 1 }.before(2 * size).from, 3);
    }

    #[test]
    fn the_json_document_is_one() {
        let json: serde_json::Value = serde_json::from_slice(DataSet::Json.octets()).expect("JSON");
        assert!(json["readings"].as_array().is_some_and(|readings| readings.len() > 200));
    }
}
