//! The pages that are not written out: packed, for the script to unpack on demand.

use std::borrow::Cow;
use std::io::Write;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use memchr::memmem::{self, Finder};

use super::lines::Lines;

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

/// The lines of texts, by their numbers; [`LAST`] behind those of each.
type Texts = Vec<u32>;
const LAST: u32 = u32::MAX;

/// Pages and records on their way into a block.
#[derive(Default)]
pub(super) struct Pages {
    names: String,
    lines: Lines,
    parts: [Texts; PARTS],
    scripts: [Texts; SCRIPTS],
    records: Texts,
}

impl Pages {
    /// Adds a case.
    pub(super) fn add(&mut self, Page { name, page, scripts, record }: Page) {
        if !self.names.is_empty() {
            self.names.push(' ');
        }
        self.names.push_str(&name);
        let lines = &mut self.lines;
        let mut rest = page.as_str();
        for (place, part) in self.parts.iter_mut().enumerate() {
            let end = if place + 1 < PARTS { end_of_part(rest) } else { rest.len() };
            add(&rest[..end], lines, part);
            rest = &rest[end..];
        }
        for (place, of_form) in self.scripts.iter_mut().enumerate() {
            add(&without_marks(scripts.get(place).map_or("", String::as_str)), lines, of_form);
        }
        add(&without_marks(&record), lines, &mut self.records);
    }

    /// Packs all, the tighter the higher the level.
    pub(super) fn pack(self, level: Compression) -> Block {
        let texts = self.parts.iter().chain(&self.scripts).chain([&self.records]);
        let all = written(&self.lines, texts.flatten().copied());
        let mut gzip = GzBuilder::new().write(Vec::with_capacity(all.len() / 8), level);
        let packed = gzip.write_all(all.as_bytes()).and_then(|()| gzip.finish());
        let base64 = STANDARD.encode(packed.expect("memory can be written to"));
        let octets = all.len();
        Block { names: self.names, octets, base64 }
    }
}

/// Adds a text.
fn add(text: &str, lines: &mut Lines, to: &mut Texts) {
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', text.as_bytes()) {
        to.push(lines.number(&text[from..at]));
        from = at + 1;
    }
    to.extend([lines.number(&text[from..]), LAST]);
}

/// All texts, before them the lines that stand in a block once, however often they occur.
fn written(lines: &Lines, order: impl Iterator<Item = u32> + Clone) -> String {
    let (often, marks) = often(lines, order.clone());
    let mut all = often.join("\n");
    all.push(END);
    for number in order {
        if number == LAST {
            // Nothing else ends the last line.
            all.pop();
            all.push(END);
            continue;
        }
        match marks[number as usize] {
            Some(mark) => all.extend([LINE, mark]),
            None => all.push_str(lines.get(number)),
        }
        all.push('\n');
    }
    all
}

/// The lines that are long and occur often, and for each line what stands for it, if it is one of them.
fn often(lines: &Lines, order: impl Iterator<Item = u32>) -> (Vec<&str>, Vec<Option<char>>) {
    let mut counts = vec![0; lines.len()];
    let mut marks = vec![None; lines.len()];
    let mut often = Vec::new();
    for number in order.filter(|number| *number != LAST) {
        let (place, line) = (number as usize, lines.get(number));
        counts[place] += 1;
        if counts[place] == OFTEN && line.len() >= LONG && often.len() < LINES {
            marks[place] = char::from_u32(FIRST + often.len() as u32);
            often.push(line);
        }
    }
    (often, marks)
}

/// A text of a case without what marks something in a block.
fn without_marks(text: &str) -> Cow<'_, str> {
    match memchr::memchr3(0, 1, 2, text.as_bytes()) {
        Some(_) => text.replace([END, '\u{1}', LINE], "\u{fffd}").into(),
        None => text.into(),
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
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BLOCK));
    let starts = FINDER.find_iter(page.as_bytes()).filter_map(|at| {
        let tag = TAGS.iter().find(|tag| page[..at].ends_with(**tag))?;
        (!page[at..].starts_with(FRAMES)).then(|| at - tag.len())
    });
    starts.into_iter().find(|start| *start > 0).unwrap_or(page.len())
}
