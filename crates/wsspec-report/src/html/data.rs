//! The pages that are not written out: packed, for the script to unpack on demand.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use memchr::memmem;

/// What stands behind every text of a block.
const END: char = '\0';
/// What stands in the page of a case for its name, which is in most of its lines.
const NAME: &str = "\u{1}";
/// What stands for a line that occurs often: this, and a character that tells which.
const LINE: char = '\u{2}';
/// The characters from this one on, as many as there are before those that are no characters.
const FIRST: u32 = 0x100;
const LINES: usize = 0xd000;
/// Lines that are worth it: of so many octets, and so often in a block.
const LONG: usize = 16;
const OFTEN: u32 = 4;

/// About so many octets the page of a case has.
const A_PAGE: usize = 32 << 10;

/// Into so many parts the page of a case is cut, at the starts of its blocks.
pub(super) const PARTS: usize = 12;
/// A block of a page begins with one of these tags and this. That of the frames stays with the timeline: their octets are
/// the same.
const TAGS: [&str; 2] = ["<section", "<details"];
const BLOCK: &str = " class=\"block";
const FRAMES: &str = " class=\"block frames";

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
    /// of each: what is alike stands together, and packs well. In pages U+0001 stands for the name; everywhere U+0002
    /// and a character from U+0100 on for a line of the text before all of these. NUL after each; gzip, base64.
    pub(super) base64: String,
}

/// What a block holds of a case.
pub(super) struct Page {
    name: String,
    page: String,
    scripts: Vec<String>,
    record: String,
}

impl Page {
    /// Of a case by its name, which has no spaces; `print` appends the markup.
    pub(super) fn new(name: String, print: impl FnOnce(&mut String)) -> Self {
        let mut page = String::with_capacity(A_PAGE);
        print(&mut page);
        let page = with_mark(&without_marks(&page), &name);
        Self { name, page, scripts: Vec::new(), record: String::new() }
    }

    /// The same with its scripts and its record.
    pub(super) fn with(self, scripts: Vec<String>, record: String) -> Self {
        Self { scripts, record, ..self }
    }
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
    /// Adds a case.
    pub(super) fn add(&mut self, Page { name, page, scripts, record }: Page) {
        if !self.names.is_empty() {
            self.names.push(' ');
        }
        self.names.push_str(&name);
        let mut rest = page.as_str();
        for (place, part) in self.parts.iter_mut().enumerate() {
            let end = if place + 1 < PARTS { end_of_part(rest) } else { rest.len() };
            part.push_str(&rest[..end]);
            part.push(END);
            rest = &rest[end..];
        }
        for (place, of_form) in self.scripts.iter_mut().enumerate() {
            of_form.push_str(&without_marks(scripts.get(place).map_or("", String::as_str)));
            of_form.push(END);
        }
        self.records.push_str(&without_marks(&record));
        self.records.push(END);
    }

    /// Packs all, the tighter the higher the level.
    pub(super) fn pack(self, level: Compression) -> Block {
        let texts = || self.parts.iter().chain(&self.scripts).chain([&self.records]);
        let often = Often::of(texts().flat_map(|text| lines(text)));
        let mut all = String::with_capacity(texts().map(String::len).sum());
        all.push_str(&often.lines.join("\n"));
        all.push(END);
        often.write(texts().flat_map(|text| lines(text)), &mut all);
        let mut gzip = GzBuilder::new().write(Vec::with_capacity(all.len() / 8), level);
        let packed = gzip.write_all(all.as_bytes()).and_then(|()| gzip.finish());
        let base64 = STANDARD.encode(packed.expect("memory can be written to"));
        let octets = all.len();
        Block { names: self.names, octets, base64 }
    }
}

/// A text of a case without what marks something in a block.
fn without_marks(text: &str) -> Cow<'_, str> {
    match memchr::memchr3(0, 1, 2, text.as_bytes()) {
        Some(_) => text.replace([END, '\u{1}', LINE], "\u{fffd}").into(),
        None => text.into(),
    }
}

/// The lines of a text, each with what ends it.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr::memchr2(b'\n', END as u8, rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at(end);
        rest = behind;
        (!line.is_empty()).then_some(line)
    })
}

/// What a line says, without what ends it.
fn content(line: &str) -> &str {
    line.trim_end_matches(['\n', END])
}

/// Lines that stand in a block once, however often they occur.
struct Often<'a> {
    lines: Vec<&'a str>,
    /// What stands for each different line that is long enough, if it occurs often.
    marks: Vec<Option<char>>,
    /// Which of them each line that is long enough is: they are looked up once.
    order: Vec<u32>,
}

impl<'a> Often<'a> {
    fn of(all: impl Iterator<Item = &'a str>) -> Self {
        let mut counts = HashMap::new();
        let mut often = Self { lines: Vec::new(), marks: Vec::new(), order: Vec::new() };
        for line in all.map(content).filter(|line| line.len() >= LONG) {
            let next = often.marks.len() as u32;
            let (which, count) = counts.entry(line).or_insert((next, 0));
            if *which == next {
                often.marks.push(None);
            }
            often.order.push(*which);
            *count += 1;
            if *count == OFTEN && often.lines.len() < LINES {
                let place = FIRST + often.lines.len() as u32;
                often.marks[*which as usize] = char::from_u32(place);
                often.lines.push(line);
            }
        }
        often
    }

    /// Writes the same lines.
    fn write(&self, all: impl Iterator<Item = &'a str>, out: &mut String) {
        let mut order = self.order.iter();
        for line in all {
            let content = content(line);
            let which = if content.len() < LONG { None } else { order.next() };
            match which.and_then(|which| self.marks[*which as usize]) {
                Some(mark) => out.extend([LINE, mark]),
                None => out.push_str(content),
            }
            out.push_str(&line[content.len()..]);
        }
    }
}

/// The page with a mark in place of the name.
fn with_mark(page: &str, name: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut from = 0;
    for at in memmem::find_iter(page.as_bytes(), name) {
        out.push_str(&page[from..at]);
        out.push_str(NAME);
        from = at + name.len();
    }
    out.push_str(&page[from..]);
    out
}

/// Where the next block of a page begins.
fn end_of_part(page: &str) -> usize {
    let starts = memmem::find_iter(page.as_bytes(), BLOCK).filter_map(|at| {
        let tag = TAGS.iter().find(|tag| page[..at].ends_with(**tag))?;
        (!page[at..].starts_with(FRAMES)).then(|| at - tag.len())
    });
    starts.into_iter().find(|start| *start > 0).unwrap_or(page.len())
}
