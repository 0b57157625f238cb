//! The rows of the timeline of a case.

use std::collections::HashMap;

use wsspec_engine::Verdict;
use wsspec_wire::Opcode;

use super::dissected::Dissected;
use crate::Untrusted;
use crate::record::{CaseRecord, Happening, Payload};
use crate::story::{self, Break, FrameMarks, Side, units};

/// Characters of a payload in the timeline.
const PREVIEW: usize = 80;
/// Longer than so many times the median is a gap, and what is shorter than this, in microseconds, never is.
const TIMES_MEDIAN: i64 = 10;
const SHORTEST_GAP: i64 = 1000;

/// The timeline.
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// The median of the times between rows, reads and writes left out, in microseconds.
    median_us: i64,
}

/// A row of the timeline.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) us: i64,
    /// Microseconds since the row before it.
    pub(super) since: i64,
    pub(super) side: Side,
    pub(super) text: Untrusted,
    /// The opcode of a frame.
    pub(super) name: String,
    pub(super) hex: Option<String>,
    /// The line of the frame, dissected on this page, that has exactly these octets.
    pub(super) frame: Option<usize>,
    pub(super) is_octets: bool,
    pub(super) is_deviation: bool,
    /// What is to be said of the deviation.
    pub(super) here: &'static str,
    /// What is to be said of another frame that was sent.
    pub(super) mark: Option<String>,
    pub(super) is_dissected: bool,
    /// What of its octets was not kept.
    pub(super) cut: Option<String>,
    /// Where its text stops being UTF-8.
    pub(super) flaw: Option<String>,
    /// What is not shown before this row.
    pub(super) gap: Option<String>,
}

impl Row {
    /// Its time in milliseconds.
    pub(super) fn ms(&self) -> String {
        units::milliseconds(self.us)
    }
}

impl Rows {
    pub(super) fn of(case: &CaseRecord, frames: &[Dissected<'_>]) -> Self {
        let broken = story::broken_texts(case);
        let told = story::timeline(case, true, PREVIEW);
        let marks = FrameMarks::of(case);
        let times = told.iter().filter(|row| !matches!(row.line.what, Happening::Octets { .. }));
        let mut all = Self { median_us: median(times.map(|row| row.us)), rows: Vec::new() };
        // The rows may be in another order than the lines of the log.
        let lines = case.events.windows(2);
        let missing_before: HashMap<usize, usize> =
            lines.map(|two| (two[1].i, two[1].i.saturating_sub(two[0].i + 1))).collect();
        let mut last_us = None;
        for row in told {
            let is_octets = matches!(row.line.what, Happening::Octets { .. }) && !row.is_deviation;
            let is_near = !row.side.is_behind();
            let missing = if is_near { missing_before.get(&row.line.i).copied().unwrap_or(0) } else { 0 };
            // Reads and writes are shown on demand: they do not end a gap.
            let passed = last_us.filter(|_| !is_octets).map_or(0, |last| row.us - last);
            let gap = all.gap(missing as u64, passed).map(|gap| where_kept(case, missing, gap));
            last_us = if is_octets { last_us } else { Some(row.us) };
            let head = head_of(case, &row.line.what).filter(|_| is_near);
            let since = row.us - all.rows.last().map_or(0, |last| last.us);
            let is_dissected = is_near && frames.iter().any(|frame| frame.number == row.line.i);
            all.rows.push(Row {
                number: row.line.i,
                us: row.us,
                since,
                side: row.side,
                name: name(&row.line.what),
                hex: if is_dissected || head.is_some() { None } else { hex(&row.line.what) },
                frame: frame_of(&row.line.what, row.line.i, frames).filter(|_| is_near),
                is_octets,
                is_deviation: row.is_deviation,
                here: here(case.verdict, row.side),
                mark: marks.of_row(&row).filter(|_| !row.is_deviation).map(str::to_owned),
                is_dissected,
                flaw: broken.get(&row.line.i).filter(|_| is_near).map(Break::words),
                gap,
                cut: data_of(&row.line.what).and_then(cut),
                text: head.map_or(row.text, Untrusted::from),
            });
        }
        all
    }

    pub(super) fn is_octets_only(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.is_octets)
    }

    /// Whether a time between two rows is far longer than most.
    pub(super) const fn is_long(&self, us: i64) -> bool {
        us >= SHORTEST_GAP && us > TIMES_MEDIAN * self.median_us
    }

    /// The time as a part of the median, for a picture.
    pub(super) fn in_medians(&self, us: i64) -> f64 {
        us.max(0) as f64 / self.median_us.max(1) as f64
    }

    /// What lies between two rows: entries that were not kept, or a long time.
    fn gap(&self, missing: u64, us: i64) -> Option<String> {
        if missing > 0 {
            return Some(format!("{} not kept", units::plural(missing, "line")));
        }
        self.is_long(us).then(|| format!("{} pass", units::duration(us.unsigned_abs())))
    }
}

fn median(times: impl Iterator<Item = i64>) -> i64 {
    let times: Vec<i64> = times.collect();
    let mut between: Vec<i64> = times.windows(2).map(|two| (two[1] - two[0]).max(0)).collect();
    between.sort_unstable();
    between.get(between.len() / 2).copied().unwrap_or(0)
}

/// Where lines are that are missing: cut for this page, or not recorded.
fn where_kept(case: &CaseRecord, missing: usize, gap: String) -> String {
    match missing {
        0 => gap,
        _ if case.stats.kept > case.events.len() as u64 => format!("{gap} here; results.jsonl has more"),
        _ => format!("{gap}; --trace all keeps them"),
    }
}

const fn data_of(what: &Happening) -> Option<&Payload> {
    match what {
        Happening::Frame { data, .. } | Happening::Octets { data, .. } => Some(data),
        _ => None,
    }
}

/// What was not kept of some octets, and the hash of all.
pub(super) fn cut(data: &Payload) -> Option<String> {
    let missing = data.is_cut().then(|| data.len() - data.kept().len() as u64)?;
    let hash = data.sha256().map_or_else(String::new, |hash| format!(", SHA-256 {hash}"));
    let all = units::plural(data.len(), "octet");
    Some(format!("{} of {all} not kept here{hash}", units::count(missing)))
}

/// What is said at the place that the first check that failed points at. What wsspec sent breaks no rule by itself.
const fn here(verdict: Verdict, side: Side) -> &'static str {
    match (verdict, side) {
        (Verdict::Crash, Side::Sent) => "sent last before it died",
        (Verdict::Crash, _) => "it died here",
        (Verdict::Timeout, Side::Sent | Side::Note) => "not answered as it had to be",
        _ => "rule broken here",
    }
}

/// Words for octets that the block of the opening handshake shows as text.
fn head_of(case: &CaseRecord, what: &Happening) -> Option<&'static str> {
    let Happening::Octets { data, .. } = what else { return None };
    let is = |head: &Payload| !head.is_empty() && head.kept() == data.kept();
    match (is(&case.handshake.request), is(&case.handshake.response)) {
        (true, _) => Some("the request of the opening handshake, see below"),
        (_, true) => Some("the response of the opening handshake, see below"),
        _ => None,
    }
}

fn name(what: &Happening) -> String {
    match what {
        Happening::Frame { op, .. } => story::opcode_name(Opcode::new(*op)),
        _ => String::new(),
    }
}

/// The frame before or after some octets that is the same octets.
fn frame_of(what: &Happening, number: usize, frames: &[Dissected<'_>]) -> Option<usize> {
    let Happening::Octets { data, .. } = what else { return None };
    let near = frames.iter().filter(|frame| frame.number.abs_diff(number) == 1);
    let is_same = |frame: &&Dissected<'_>| frame.parts.iter().flat_map(|part| &part.octets).eq(data.kept());
    near.filter(|_| !data.is_cut()).find(is_same).map(|frame| frame.number)
}

/// The octets of a chunk or a frame.
fn hex(what: &Happening) -> Option<String> {
    let (octets, cut) = match what {
        Happening::Octets { data, .. } => (data.kept(), data.is_cut()),
        Happening::Frame { wire, data, .. } => (wire.as_slice(), data.is_cut()),
        _ => return None,
    };
    Some(format!("{}{}", units::spaced_hex(octets), if cut { " …" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::drawing;
    use crate::record::LogLine;
    use crate::samples::failed;

    #[test]
    fn a_gap_is_longer_than_ten_times_the_median_and_no_less_than_a_millisecond() {
        let mut case = failed("a", "5.15");
        let rows = Rows::of(&case, &[]);
        assert!(rows.median_us > 0 && !rows.is_long(10 * rows.median_us));
        let gaps: Vec<_> = rows.rows.iter().filter_map(|row| row.gap.as_deref()).collect();
        assert_eq!(gaps, ["999 ms pass", "1.00 s pass"]);
        for line in &mut case.events {
            line.us *= 1000;
        }
        assert!(Rows::of(&case, &[]).is_long(10 * 1000 * rows.median_us + 1));
        assert!(!Rows::of(&case, &[]).is_long(10 * 1000 * rows.median_us));
    }

    #[test]
    fn lines_that_are_shown_in_another_order_were_said_to_be_missing() {
        let mut case = failed("a", "6.3.1");
        let us = case.events[8].us;
        let failed = Happening::Failed { why: "no UTF-8".into() };
        case.events.insert(8, LogLine { i: 8, us, what: failed });
        case.events.iter_mut().enumerate().for_each(|(i, line)| line.i = i);
        let numbers = |rows: &Rows| rows.rows.iter().map(|row| row.number).collect::<Vec<_>>();
        let gaps = |rows: &Rows| rows.rows.iter().filter_map(|row| row.gap.clone()).collect::<Vec<_>>();
        let rows = Rows::of(&case, &[]);
        assert_eq!(numbers(&rows)[7..11], [7, 9, 8, 10], "the frame comes first");
        assert!(gaps(&rows).iter().all(|gap| gap.ends_with(" pass")), "{:?}", gaps(&rows));
        case.events.remove(5);
        assert_eq!(gaps(&Rows::of(&case, &[]))[0], "1 line not kept; --trace all keeps them");
    }

    #[test]
    fn the_picture_marks_the_deviation_and_holds_nothing_of_the_peer() {
        let mut case = failed("<b>peer</b>", "5.15");
        let svg = drawing::svg(&Rows::of(&case, &[])).unwrap();
        assert!(svg.contains("<path class=\"broken\"") && svg.contains(">! 4 Continuation</tspan>"), "{svg}");
        assert!(svg.contains("class=\"gap-name\"") && svg.contains(">999 ms</tspan>"), "{svg}");
        assert!(!svg.contains("peer") && !svg.contains("fragment"));
        case.events.truncate(1);
        assert_eq!(drawing::svg(&Rows::of(&case, &[])), None);
    }
}
