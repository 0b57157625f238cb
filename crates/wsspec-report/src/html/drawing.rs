//! The sequence of a case as a picture beside its table: two lanes, an arrow for each frame, time downwards.
//!
//! It tells nothing that the table does not tell, and holds no text of the peer.

use std::fmt::Write as _;

use super::rows::{Row, Rows};
use crate::story::{Side, units};

/// Rows that are drawn.
const MOST: usize = 40;
/// The first lane, from one to the next, and what the picture is wider than its last one, in pixels.
const FIRST: u32 = 34;
const LANE: u32 = 170;
const MARGIN: u32 = 34;
/// From one row to the next, and what is added for a gap as long as the median.
const STEP: u32 = 17;
const MEDIAN: u32 = 2;
/// Times up to so many medians are told apart.
const MOST_MEDIANS: f64 = 10.0;
/// The space of a gap that is compressed.
const COMPRESSED: u32 = 34;
const TOP: u32 = 30;

/// The picture; none if there is too little or too much to see.
pub(super) fn svg(rows: &Rows) -> Option<String> {
    let drawn: Vec<&Row> = rows.rows.iter().filter(|row| !row.is_octets).collect();
    if !(2..=MOST).contains(&drawn.len()) {
        return None;
    }
    let is_proxy = drawn.iter().any(|row| row.side.is_behind());
    let names: &[&str] = if is_proxy { &["wsspec", "proxy", "origin"] } else { &["wsspec", "agent"] };
    let mut picture = Picture { y: TOP, ..Picture::default() };
    let mut last = drawn[0].us;
    for row in drawn {
        let passed = row.us - last;
        last = row.us;
        if rows.is_long(passed) {
            picture.compressed(passed.unsigned_abs());
        } else {
            picture.step(MEDIAN * (rows.in_medians(passed).min(MOST_MEDIANS) as u32));
        }
        picture.draw(row);
        picture.step(STEP);
    }
    Some(picture.finish(names))
}

/// Everything but what is broken is one path and one text, from row to row: such pictures pack well.
#[derive(Default)]
struct Picture {
    y: u32,
    /// How far the pen and the words have come.
    pen: u32,
    words: u32,
    path: String,
    text: String,
    broken: String,
}

impl Picture {
    const fn step(&mut self, by: u32) {
        self.y += by;
    }

    /// A long time in which nothing happened.
    fn compressed(&mut self, us: u64) {
        self.step((COMPRESSED - STEP) / 2);
        self.move_to_row();
        let _ = write!(self.path, "m-6 0l4 -4l4 8l4 -4m{LANE} 0m-12 0l4 -4l4 8l4 -4m-{LANE} 0m-6 0");
        self.word("gap-name", FIRST + LANE / 2, 4, &units::duration(us));
        self.step((COMPRESSED - STEP) / 2);
    }

    fn draw(&mut self, row: &Row) {
        let behind = if row.side.is_behind() { LANE } else { 0 };
        let (left, right) = (FIRST + behind, FIRST + behind + LANE);
        if row.is_deviation {
            let y = self.y;
            self.broken = match row.side {
                Side::Sent | Side::ToOrigin => format!("M{left} {y}h{LANE}m-6 -4l6 4l-6 4"),
                Side::Received | Side::FromOrigin => format!("M{right} {y}h-{LANE}m6 -4l-6 4l6 4"),
                Side::Note | Side::AtOrigin => format!("M{} {}l8 8m0 -8l-8 8", left - 4, y - 4),
            };
        } else {
            self.move_to_row();
            let (there, back) =
                if behind > 0 { (format!("m{LANE} 0"), format!("m-{LANE} 0")) } else { Default::default() };
            let arrow = match row.side {
                Side::Sent | Side::ToOrigin => format!("h{LANE}m-6 -4l6 4l-6 4m-{} -4", LANE - 6),
                Side::Received | Side::FromOrigin => format!("m{LANE} 0h-{LANE}m6 -4l-6 4l6 4m-6 -4"),
                Side::Note | Side::AtOrigin => "m-4 -4l8 8m0 -8l-8 8m4 -4".to_owned(),
            };
            let _ = write!(self.path, "{there}{arrow}{back}");
        }
        if !matches!(row.side, Side::Note | Side::AtOrigin) {
            let (class, mark) = if row.is_deviation { ("broken", "! ") } else { ("", "") };
            self.word(class, u32::midpoint(left, right), -3, &format!("{mark}{} {}", row.number, row.name));
        }
    }

    fn move_to_row(&mut self) {
        let _ = write!(self.path, "m0 {}", self.y - self.pen);
        self.pen = self.y;
    }

    fn word(&mut self, class: &str, x: u32, above: i32, content: &str) {
        let y = self.y.saturating_add_signed(above);
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = write!(self.text, "<tspan{class} x=\"{x}\" dy=\"{}\">{content}</tspan>", y - self.words);
        self.words = y;
    }

    fn finish(self, names: &[&str]) -> String {
        let height = self.y + STEP / 2;
        let width = FIRST + LANE * (names.len() as u32 - 1) + MARGIN;
        let mut out =
            format!("<svg class=\"drawing\" aria-hidden=\"true\" width=\"{width}\" height=\"{height}\">");
        for (lane, name) in (FIRST..).step_by(LANE as usize).zip(names) {
            let _ = write!(out, "<text class=\"lane-name\" x=\"{lane}\" y=\"12\">{name}</text>");
            let _ = write!(out, "<path class=\"lane\" d=\"M{lane} 18V{}\"></path>", self.y);
        }
        let _ = write!(out, "<path d=\"M{FIRST} 0{}\"></path>", self.path);
        if !self.broken.is_empty() {
            let _ = write!(out, "<path class=\"broken\" d=\"{}\"></path>", self.broken);
        }
        let _ = write!(out, "<text y=\"0\">{}</text></svg>", self.text);
        out
    }
}
