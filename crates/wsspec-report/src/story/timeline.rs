use super::frame::FrameWords;
use super::inflated::{Compressed, compressed};
use super::telling::telling_frames;
use super::units::{duration, plural};
use crate::Untrusted;
use crate::record::{CaseRecord, Dir, Happening, LogLine};

/// Of the place at which frames are no longer recorded, if what is wrong came behind it.
const UNSEEN: &str = "recording pauses, the traffic is large: what is wrong came here and was not recorded";

/// One row of the sequence of a case.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The line of the log.
    pub line: &'a LogLine,
    /// Microseconds since the opening handshake was complete; negative before.
    pub us: i64,
    /// In which column it stands.
    pub side: Side,
    /// What happened, in a few words.
    pub text: Untrusted,
    /// The first check that failed points at it.
    pub is_deviation: bool,
    /// Its octets show what went wrong, see [`telling_frames`].
    pub is_telling: bool,
}

/// The column of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// wsspec sent it.
    Sent,
    /// The implementation under test sent it.
    Received,
    /// Neither: a timer, or the end of the connection.
    Note,
    /// The proxy sent it to the server behind it.
    ToOrigin,
    /// The server behind the proxy sent it.
    FromOrigin,
    /// The end of the connection between them.
    AtOrigin,
}

impl Side {
    /// The way of a frame in words; none of what neither side sent.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::ToOrigin => "proxy to origin",
            Self::FromOrigin => "origin to proxy",
            Self::Note | Self::AtOrigin => "",
        }
    }

    /// Whether it happened between the proxy and the server behind it.
    pub const fn is_behind(self) -> bool {
        matches!(self, Self::ToOrigin | Self::FromOrigin | Self::AtOrigin)
    }
}

/// The rows of a case in order; with the octets of every read and write if asked for, else of the one that is marked.
pub fn timeline(case: &CaseRecord, with_octets: bool, limit: usize) -> Vec<Row<'_>> {
    let deviation = case.deviation();
    let opened = case.opened_us() as i64;
    let is_told = |line: &&LogLine| {
        with_octets || deviation == Some(line.i) || !matches!(line.what, Happening::Octets { .. })
    };
    let compressed = compressed(case);
    let telling: Vec<usize> = telling_frames(case).iter().map(|line| line.i).collect();
    let lines = case.events.iter().filter(is_told);
    let mut rows: Vec<Row<'_>> = lines
        .map(|line| Row {
            line,
            us: line.us as i64 - opened,
            side: side(&line.what),
            text: match line.what {
                Happening::Recording { on: false } if deviation == Some(line.i) => UNSEEN.into(),
                _ => text(&line.what, limit, compressed.get(&line.i)),
            },
            is_deviation: deviation == Some(line.i),
            is_telling: telling.contains(&line.i),
        })
        .collect();
    rows.extend(behind(case, opened, with_octets, limit));
    // Stable: what stands in one log stays in its order.
    rows.sort_by_key(|row| row.us);
    causes_first(&mut rows);
    rows
}

/// That the tester fails the connection is noted while a frame is read: the frame is told first.
fn causes_first(rows: &mut [Row<'_>]) {
    for at in 1..rows.len() {
        let [before, row] = [&rows[at - 1], &rows[at]];
        let is_cause = matches!(row.line.what, Happening::Frame { dir: Dir::Rx, .. });
        if is_cause && before.us == row.us && matches!(before.line.what, Happening::Failed { .. }) {
            rows.swap(at - 1, at);
        }
    }
}

/// What went on behind a proxy.
fn behind(case: &CaseRecord, opened: i64, with_octets: bool, limit: usize) -> impl Iterator<Item = Row<'_>> {
    let lines = case.backend.iter().flat_map(|backend| &backend.events);
    lines.filter(move |line| with_octets || !matches!(line.what, Happening::Octets { .. })).map(move |line| {
        let (side, text) = match (side(&line.what), &line.what) {
            (Side::Sent, what) => (Side::FromOrigin, text(what, limit, None)),
            (Side::Received, what) => (Side::ToOrigin, text(what, limit, None)),
            (_, Happening::Tcp { end }) => (Side::AtOrigin, Untrusted::from(end_behind(end.as_str()))),
            (_, what) => (Side::AtOrigin, text(what, limit, None)),
        };
        Row { line, us: line.us as i64 - opened, side, text, is_deviation: false, is_telling: false }
    })
}

/// How TCP ended behind a proxy.
fn end_behind(end: &str) -> &'static str {
    match end {
        "wsspec" => "TCP to the proxy closed by the origin",
        "peer-rst" => "TCP to the origin reset by the proxy",
        _ => "TCP to the origin closed by the proxy",
    }
}

const fn side(what: &Happening) -> Side {
    match what {
        Happening::Frame { dir: Dir::Tx, .. } | Happening::Octets { dir: Dir::Tx, .. } => Side::Sent,
        Happening::Frame { dir: Dir::Rx, .. } | Happening::Octets { dir: Dir::Rx, .. } => Side::Received,
        _ => Side::Note,
    }
}

fn text(what: &Happening, limit: usize, compressed: Option<&Compressed>) -> Untrusted {
    Untrusted::from(match what {
        Happening::Frame { .. } => {
            return FrameWords::of(what, limit, compressed).map(|words| words.line()).unwrap_or_default();
        }
        Happening::Octets { data, .. } => plural(data.len(), "octet"),
        Happening::Wait { delay_us, .. } => format!("wsspec waits {}", duration(*delay_us)),
        Happening::WaitEnd { .. } => "wsspec goes on".to_owned(),
        Happening::FailTimer { delay_us } => format!("wsspec gives up in {}", duration(*delay_us)),
        Happening::FailTimerFired => "time is up: wsspec fails the connection".to_owned(),
        Happening::CloseTimer { delay_us } => format!("wsspec closes in {}", duration(*delay_us)),
        Happening::CloseTimerFired => "time is up: wsspec closes".to_owned(),
        Happening::Recording { on: true } => "recording goes on".to_owned(),
        Happening::Recording { on: false } => "recording pauses, the traffic is large".to_owned(),
        Happening::Failed { why } => {
            return Untrusted::from(format!("wsspec fails the connection: {}", why.raw()));
        }
        Happening::Tcp { end } => match end.as_str() {
            "wsspec" => "TCP closed by wsspec".to_owned(),
            "peer-rst" => "TCP reset by the agent".to_owned(),
            _ => "TCP closed by the agent".to_owned(),
        },
        Happening::Unknown => "something that this version does not know".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn times_count_from_the_open_connection_and_the_deviation_is_marked() {
        let case = samples::failed("a", "5.15");
        let rows = timeline(&case, false, 40);
        let told: Vec<_> =
            rows.iter().map(|row| (row.us, row.side, row.text.raw(), row.is_deviation)).collect();
        assert_eq!(told[0], (0, Side::Sent, "Text fin=0 \"fragment1\"", false));
        assert_eq!(told[2], (10, Side::Sent, "Continuation fin=0 \"fragment3\"", true));
        assert_eq!(told[4], (20, Side::Note, "wsspec gives up in 1.00 s", false));
        assert_eq!(told.last().unwrap().2, "TCP closed by wsspec");
        assert_eq!(timeline(&case, true, 40).len(), rows.len() + 2);
    }

    #[test]
    fn what_was_not_recorded_is_said_to_be_wrong_where_recording_pauses() {
        let mut case = samples::failed("a", "12.1.5");
        case.events = samples::log(vec![(1, Happening::Recording { on: false })]);
        case.checks[0].event = Some(0);
        assert_eq!(timeline(&case, false, 40)[0].text.raw(), UNSEEN);
        case.checks[0].event = None;
        let usual = "recording pauses, the traffic is large";
        assert_eq!(timeline(&case, false, 40)[0].text.raw(), usual);
    }

    #[test]
    fn what_went_on_behind_a_proxy_stands_between_what_went_on_before_it() {
        let mut case = samples::passed("a", "1.1.1");
        case.backend = Some(Box::new(samples::backend()));
        let rows = timeline(&case, false, 40);
        assert!(rows.is_sorted_by_key(|row| row.us));
        let behind: Vec<_> = rows.iter().filter(|row| row.side.is_behind()).collect();
        let told: Vec<_> = behind.iter().map(|row| (row.side, row.text.raw())).collect();
        let expected = [
            (Side::ToOrigin, "Text fin=1 \"Hello\""),
            (Side::FromOrigin, "Text fin=1 \"Hello\""),
            (Side::AtOrigin, "TCP to the origin closed by the proxy"),
        ];
        assert_eq!(told, expected);
        assert!(!rows.last().unwrap().side.is_behind());
    }
}
