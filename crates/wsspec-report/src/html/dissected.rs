//! Frames of which every octet is named.

use super::rows;
use crate::Untrusted;
use crate::record::{CaseRecord, Dir, Happening, LogLine};
use crate::story::{self, Compressed, Part, units};

/// A frame with every octet named.
pub(super) struct Dissected<'a> {
    what: &'a Happening,
    pub(super) number: usize,
    pub(super) heading: Untrusted,
    /// It shows what went wrong, see [`story::telling_frames`].
    pub(super) is_telling: bool,
    pub(super) parts: Vec<Part>,
    pub(super) size: u64,
    /// What of its payload was not kept.
    pub(super) cut: Option<String>,
    /// The payload without its mask, in hex.
    pub(super) unmasked: Option<String>,
    /// What the message that ends here inflates to.
    pub(super) inflated: Option<Untrusted>,
    /// How it was cut on the wire, if it did not go in one write or come in one read.
    pub(super) chunks: Option<Chunks>,
}

impl<'a> Dissected<'a> {
    /// Those that show what went wrong, and so many around the first of them, or around the place where a rule was
    /// broken, or the first ones.
    pub(super) fn all(case: &'a CaseRecord, most: usize) -> Vec<Self> {
        let telling = story::telling_frames(case);
        let is_frame = |line: &&LogLine| matches!(line.what, Happening::Frame { .. });
        let frames: Vec<&LogLine> = case.events.iter().filter(is_frame).collect();
        // As many before it as behind it.
        let middle = telling.first().map(|line| line.i).or_else(|| case.deviation());
        let at = middle.and_then(|i| frames.iter().position(|line| line.i >= i)).unwrap_or(0);
        let start = at.saturating_sub(most / 2).min(frames.len().saturating_sub(most));
        let is_telling = |line: &LogLine| telling.iter().any(|one| one.i == line.i);
        let chosen = frames.into_iter().enumerate();
        let chosen = chosen.filter(|(place, line)| (start..start + most).contains(place) || is_telling(line));
        let mut inflated = story::inflated(case);
        let compressed = story::compressed(case);
        let broken = story::broken_texts(case);
        chosen
            .map(|(_, line)| Self {
                what: &line.what,
                unmasked: unmasked(&line.what),
                inflated: inflated.remove(&line.i),
                chunks: Chunks::of(&line.what),
                number: line.i,
                heading: frame_heading(&line.what, compressed.get(&line.i)),
                is_telling: is_telling(line),
                parts: story::anatomy_in_case(&line.what, broken.get(&line.i), compressed.get(&line.i)),
                size: frame_size(&line.what),
                cut: cut_of(&line.what),
            })
            .collect()
    }

    /// What finds it in a capture.
    pub(super) fn filter(&self) -> String {
        story::display_filter(self.what).unwrap_or_default()
    }
}

/// Pieces in which a frame was written.
pub(super) struct Chunks {
    pub(super) words: String,
    /// The octets of each, as far as they were kept.
    pub(super) pieces: Vec<String>,
}

/// Pieces that are drawn.
const PIECES: usize = 64;

impl Chunks {
    fn of(what: &Happening) -> Option<Self> {
        let Happening::Frame { wire, chop: Some(size), .. } = what else { return None };
        let size = (*size).max(1);
        let all = frame_size(what).div_ceil(size as u64);
        let drawn = wire.chunks(size).take(PIECES).map(units::spaced_hex);
        let words = format!(
            "written in {} of at most {}",
            units::plural(all, "piece"),
            units::plural(size as u64, "octet")
        );
        Some(Self { words, pieces: drawn.collect() })
    }
}

fn unmasked(what: &Happening) -> Option<String> {
    let Happening::Frame { mask: Some(_), data, .. } = what else { return None };
    let more = if data.is_cut() { " …" } else { "" };
    (!data.is_empty()).then(|| format!("{}{more}", units::spaced_hex(data.kept())))
}

fn cut_of(what: &Happening) -> Option<String> {
    let Happening::Frame { data, .. } = what else { return None };
    rows::cut(data)
}

fn frame_heading(what: &Happening, compressed: Option<&Compressed>) -> Untrusted {
    let way = if matches!(what, Happening::Frame { dir: Dir::Tx, .. }) { "sent" } else { "received" };
    let words = story::FrameWords::of(what, 40, compressed).map(|words| words.line()).unwrap_or_default();
    Untrusted::from(format!("{way}: {}", words.raw()))
}

fn frame_size(what: &Happening) -> u64 {
    let Happening::Frame { wire, data, .. } = what else { return 0 };
    (wire.len() as u64).saturating_add(data.len()).saturating_sub(data.kept().len() as u64)
}
