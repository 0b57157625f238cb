use wsspec_cases::Grade;

use super::frame::payload_preview;
use super::units::count;
use crate::Untrusted;
use crate::record::{CaseRecord, Dir, EventRecord, Happening};

/// How an expected and an observed event stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The same.
    Same,
    /// Expected, and did not come.
    Missing,
    /// Came, and was not expected.
    Extra,
    /// Something else came in its place.
    Differs,
}

/// One line of expected against observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How the two stand to each other.
    pub mark: Mark,
    /// What had to come.
    pub expected: Option<Untrusted>,
    /// What came.
    pub observed: Option<Untrusted>,
    /// The line of the log with which it came.
    pub line: Option<usize>,
}

/// An accepted outcome other than the closest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The verdict that it would have earned.
    pub grade: Grade,
    /// Its events in words.
    pub events: Vec<Untrusted>,
    /// Why it is accepted, if it is not ok.
    pub because: String,
}

/// Expected against observed, for the accepted outcome that is closest to what came, the close at the end.
pub fn differences(case: &CaseRecord, limit: usize) -> Vec<Difference> {
    if let Some(why) = &case.handshake.never_opened {
        let (expected, observed) = (Some("an open connection".into()), Some(why.text.clone()));
        return vec![Difference { mark: Mark::Differs, expected, observed, line: None }];
    }
    let mut rows = Vec::new();
    if !case.accepts.is_empty() {
        let wanted = closest(case).map_or(&[][..], |at| &case.accepts[at].events);
        rows = aligned(wanted, &case.received, &event_lines(case), limit);
    }
    rows.push(close_row(case));
    rows
}

/// The accepted outcomes that [`differences`] does not show.
pub fn alternatives(case: &CaseRecord, limit: usize) -> Vec<Alternative> {
    let closest = closest(case);
    let others = case.accepts.iter().enumerate().filter(|(at, _)| Some(*at) != closest);
    others
        .map(|(_, accept)| Alternative {
            grade: accept.grade,
            events: accept.events.iter().map(|event| words(event, limit)).collect(),
            because: accept.because.clone(),
        })
        .collect()
}

/// The longest common beginning wins, then the strictest.
fn closest(case: &CaseRecord) -> Option<usize> {
    let score = |at: &usize| {
        let accept = &case.accepts[*at];
        let same = accept.events.iter().zip(&case.received).take_while(|(a, b)| is_same(a, b)).count();
        let whole = same == accept.events.len() && same == case.received.len();
        (whole, same, accept.grade == Grade::Ok, std::cmp::Reverse(*at))
    };
    (0..case.accepts.len()).max_by_key(score)
}

fn is_same(expected: &EventRecord, observed: &EventRecord) -> bool {
    match (expected, observed) {
        (
            EventRecord::Message { binary: a, data: wanted, .. },
            EventRecord::Message { binary: b, data: got, differs_at },
        ) => a == b && wanted == got && differs_at.is_none(),
        (EventRecord::Pong { data: wanted }, EventRecord::Pong { data: got }) => wanted == got,
        (EventRecord::Elapsed { tag: wanted }, EventRecord::Elapsed { tag: got }) => wanted == got,
        _ => false,
    }
}

/// Aligns the two lists along their longest common subsequence.
fn aligned(
    wanted: &[EventRecord],
    got: &[EventRecord],
    lines: &[Option<usize>],
    limit: usize,
) -> Vec<Difference> {
    let lengths = common_lengths(wanted, got);
    let (mut w, mut g) = (0, 0);
    let mut rows = Vec::new();
    while w < wanted.len() || g < got.len() {
        let line = lines.get(g).copied().flatten();
        let expected = wanted.get(w).map(|event| words(event, limit));
        let observed = got.get(g).map(|event| observed_words(event, limit));
        let same = w < wanted.len() && g < got.len() && is_same(&wanted[w], &got[g]);
        let both = w < wanted.len() && g < got.len() && lengths[w + 1][g + 1] == lengths[w][g];
        let (mark, takes_wanted, takes_got) = match () {
            () if same => (Mark::Same, true, true),
            () if both => (Mark::Differs, true, true),
            () if g == got.len() || (w < wanted.len() && lengths[w + 1][g] >= lengths[w][g + 1]) => {
                (Mark::Missing, true, false)
            }
            () => (Mark::Extra, false, true),
        };
        rows.push(Difference {
            mark,
            expected: expected.filter(|_| takes_wanted),
            observed: observed.filter(|_| takes_got),
            line: line.filter(|_| takes_got),
        });
        w += usize::from(takes_wanted);
        g += usize::from(takes_got);
    }
    rows
}

/// `[w][g]`: the length of the longest common subsequence of the two rests.
fn common_lengths(wanted: &[EventRecord], got: &[EventRecord]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; got.len() + 1]; wanted.len() + 1];
    for w in (0..wanted.len()).rev() {
        for g in (0..got.len()).rev() {
            lengths[w][g] = if is_same(&wanted[w], &got[g]) {
                lengths[w + 1][g + 1] + 1
            } else {
                lengths[w + 1][g].max(lengths[w][g + 1])
            };
        }
    }
    lengths
}

fn words(event: &EventRecord, limit: usize) -> Untrusted {
    let (name, data) = match event {
        EventRecord::Message { binary: true, data, .. } => ("Binary", data),
        EventRecord::Message { data, .. } => ("Text", data),
        EventRecord::Pong { data } => ("Pong", data),
        EventRecord::Elapsed { tag } => return Untrusted::from(format!("nothing until wait {tag} is over")),
    };
    Untrusted::from(format!("{name} {}", payload_preview(data, limit).raw()))
}

fn observed_words(event: &EventRecord, limit: usize) -> Untrusted {
    let text = words(event, limit);
    let EventRecord::Message { data, differs_at: Some(at), .. } = event else { return text };
    let octet = usize::try_from(*at).ok().and_then(|at| data.kept().get(at));
    let octet = octet.map_or_else(String::new, |octet| format!(", got {octet:02x}"));
    Untrusted::from(format!(
        "{}, differs at octet {} of {}{octet}",
        text.raw(),
        count(*at),
        count(data.len())
    ))
}

/// With which line of the log each received event came: the last frame of a message, or the Pong.
/// Empty if lines are missing in the log or frames do not tell the events.
fn event_lines(case: &CaseRecord) -> Vec<Option<usize>> {
    if case.stats.dropped > 0 || case.measures.quiet {
        return Vec::new();
    }
    let mut ends = case.events.iter().filter_map(|line| match &line.what {
        Happening::Frame { dir: Dir::Rx, op: 0..=2, fin: true, .. } => Some((false, line.i)),
        Happening::Frame { dir: Dir::Rx, op: 10, .. } => Some((true, line.i)),
        _ => None,
    });
    let place = |event: &EventRecord| match event {
        EventRecord::Elapsed { .. } => None,
        EventRecord::Pong { .. } => ends.find(|(is_pong, _)| *is_pong).map(|(_, line)| line),
        EventRecord::Message { .. } => ends.find(|(is_pong, _)| !is_pong).map(|(_, line)| line),
    };
    case.received.iter().map(place).collect()
}

fn close_row(case: &CaseRecord) -> Difference {
    let check = case.checks.iter().find(|check| check.id.starts_with("close.") && !check.ok);
    let line =
        case.events.iter().find(|line| matches!(line.what, Happening::Frame { dir: Dir::Rx, op: 8, .. }));
    Difference {
        mark: if check.is_some() { Mark::Differs } else { Mark::Same },
        expected: Some(expected_close(case).into()),
        observed: Some(observed_close(case)),
        line: line.map(|line| line.i),
    }
}

fn expected_close(case: &CaseRecord) -> String {
    let rule = &case.close_rule;
    let codes: Vec<String> = rule.codes.iter().map(u16::to_string).collect();
    let codes = match codes.as_slice() {
        [] => "Close".to_owned(),
        [one] => format!("Close {one}"),
        many => format!("Close {}", many.join(" or ")),
    };
    match (rule.by_tester, rule.clean) {
        (true, true) => format!("wsspec closes, the agent answers {codes}, TCP ends cleanly"),
        (true, false) => format!("wsspec closes, the agent answers {codes} or drops TCP"),
        (false, _) => format!("the agent fails the connection: {codes} or TCP close"),
    }
}

fn observed_close(case: &CaseRecord) -> Untrusted {
    let close = &case.close;
    let code = close.remote.map_or_else(|| "no close code".to_owned(), |code| format!("Close {code}"));
    let who = match close.first.as_str() {
        "wsspec" if close.failed_by_wsspec => "wsspec failed the connection",
        "wsspec" => "wsspec closed",
        "peer" => "the agent closed",
        _ => "no Close frame",
    };
    let clean = if close.clean { "clean" } else { "not clean" };
    Untrusted::from(format!("{who}, {code} from the agent, {clean}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn marks(case: &CaseRecord) -> Vec<(Mark, Option<usize>)> {
        differences(case, 40).iter().map(|row| (row.mark, row.line)).collect()
    }

    #[test]
    fn what_came_too_much_is_marked_and_points_at_its_frame() {
        let case = samples::failed("a", "5.15");
        assert_eq!(marks(&case), [(Mark::Same, Some(7)), (Mark::Extra, Some(8)), (Mark::Differs, None)]);
        let other = alternatives(&case, 40);
        assert_eq!((other.len(), other[0].grade, other[0].events.len()), (1, Grade::NonStrict, 0));
    }

    #[test]
    fn missing_and_different_events_are_told_apart() {
        let mut case = samples::failed("a", "5.15");
        case.received = vec![samples::text_event("else")];
        assert_eq!(marks(&case)[0].0, Mark::Differs);
        case.received = vec![];
        case.accepts.truncate(1);
        assert_eq!(marks(&case)[0], (Mark::Missing, None));
        assert_eq!(marks(&samples::never_opened("a", "1.1.1")), [(Mark::Differs, None)]);
        case.accepts[0].events = vec![samples::text_event("a"), samples::text_event("b")];
        case.received = vec![samples::text_event("b")];
        assert_eq!(marks(&case)[..2], [(Mark::Missing, None), (Mark::Same, Some(7))]);
    }
}
