//! The sequence of a case as a picture beside its table: two lanes, an arrow for each frame, time downwards.
//!
//! It tells nothing that the table does not tell, and holds no text of the peer.

use std::fmt::Write as _;

use super::rows::{Row, Rows};
use crate::story::{Side, units};

/// Rows that are drawn.
const MOST: usize = 40;
/// The two lanes and the one behind a proxy, and what the picture is wider than its last lane, in pixels.
const LANES: [f64; 3] = [62.0, 214.0, 366.0];
const MARGIN: f64 = 26.0;
/// From one row to the next, and what is added for a gap as long as the median.
const STEP: f64 = 17.0;
const MEDIAN: f64 = 2.0;
/// Times up to so many medians are told apart.
const MOST_MEDIANS: f64 = 10.0;
/// The space of a gap that is compressed.
const COMPRESSED: f64 = 34.0;
const TOP: f64 = 30.0;

/// The picture; none if there is too little or too much to see.
pub(super) fn svg(rows: &Rows) -> Option<String> {
    let drawn: Vec<&Row> = rows.rows.iter().filter(|row| !row.is_octets).collect();
    if !(2..=MOST).contains(&drawn.len()) {
        return None;
    }
    let is_proxy = drawn.iter().any(|row| row.side.is_behind());
    let names: &[&str] = if is_proxy { &["wsspec", "proxy", "origin"] } else { &["wsspec", "agent"] };
    let mut inner = String::new();
    let (mut y, mut last) = (TOP, drawn[0].us);
    for row in drawn {
        let passed = row.us - last;
        last = row.us;
        if rows.is_long(passed) {
            compressed(&mut inner, y + (COMPRESSED - STEP) / 2.0, passed.unsigned_abs());
            y += COMPRESSED;
        } else {
            y += MEDIAN * rows.in_medians(passed).min(MOST_MEDIANS);
        }
        draw(&mut inner, row, y);
        y += STEP;
    }
    let mut out = format!(
        "<svg class=\"drawing\" aria-hidden=\"true\" width=\"{:.0}\" height=\"{:.0}\">",
        LANES[names.len() - 1] + MARGIN,
        y + STEP / 2.0
    );
    for (lane, name) in LANES.into_iter().zip(names.iter().copied()) {
        text(&mut out, "lane-name", lane, 12.0, name);
        path(&mut out, "lane", &format!("M{lane} 18V{y:.0}"));
    }
    Some(out + &inner + "</svg>")
}

fn compressed(out: &mut String, y: f64, us: u64) {
    let [left, right, _] = LANES;
    let wave = |lane: f64| format!("M{} {y:.0}l4 -4l4 8l4 -4", lane - 6.0);
    path(out, "gap-mark", &(wave(left) + &wave(right)));
    text(out, "gap-name", f64::midpoint(left, right), y + 4.0, &units::duration(us));
}

fn draw(out: &mut String, row: &Row, y: f64) {
    let class = if row.is_deviation { "arrow broken" } else { "arrow" };
    text(out, "time", LANES[0] - 8.0, y + 4.0, &row.ms);
    let [left, right] = if row.side.is_behind() { [LANES[1], LANES[2]] } else { [LANES[0], LANES[1]] };
    match row.side {
        Side::Sent | Side::ToOrigin => path(out, class, &format!("M{left} {y:.0}H{right}m-6 -4l6 4l-6 4")),
        Side::Received | Side::FromOrigin => {
            path(out, class, &format!("M{right} {y:.0}H{left}m6 -4l-6 4l6 4"))
        }
        Side::Note | Side::AtOrigin => {
            path(out, "event", &format!("M{} {:.0}l8 8m0 -8l-8 8", left - 4.0, y - 4.0))
        }
    }
    if !matches!(row.side, Side::Note | Side::AtOrigin) {
        let mark = if row.is_deviation { "! " } else { "" };
        text(out, class, f64::midpoint(left, right), y - 3.0, &format!("{mark}{} {}", row.number, row.name));
    }
}

fn path(out: &mut String, class: &str, d: &str) {
    let _ = write!(out, "<path class=\"{class}\" d=\"{d}\"></path>");
}

fn text(out: &mut String, class: &str, x: f64, y: f64, content: &str) {
    let _ = write!(out, "<text class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\">{content}</text>");
}
