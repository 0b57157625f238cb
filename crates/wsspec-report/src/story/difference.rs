use wsspec_cases::Grade;
use wsspec_engine::Sight;

use super::alignment;
use super::spans::{self, SpanKind, Spans, span};
use crate::Untrusted;
use crate::record::{CaseRecord, CheckRecord, Dir, EventRecord, Happening, Near, Payload};

/// Of a long run that is the same, so many are listed at each end.
const ENDS: usize = 4;

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
    pub expected: Option<Spans>,
    /// What came.
    pub observed: Option<Spans>,
    /// Where two messages differ, and how.
    pub note: String,
    /// The line of the log with which it came.
    pub line: Option<usize>,
    /// So many more follow that are the same, and are not listed.
    pub more: u64,
    /// The checks that fail by it, by their places.
    pub checks: Vec<usize>,
}

/// An accepted outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The verdict that it earns.
    pub grade: Grade,
    /// Its number of events.
    pub events: u64,
    /// Why it is accepted, if it is not ok.
    pub because: String,
    /// No other one is closer to what came.
    pub is_closest: bool,
    /// What it asks for against what came, the close at the end.
    pub differences: Vec<Difference>,
}

/// Expected against observed, for each accepted outcome in order, or for one without events if none is listed.
pub fn alternatives(case: &CaseRecord, limit: usize) -> Vec<Alternative> {
    let whole = |differences| Alternative {
        grade: Grade::Ok,
        events: 0,
        because: String::new(),
        is_closest: true,
        differences,
    };
    if let Some(why) = &case.handshake.never_opened {
        return vec![whole(vec![plain_row("an open connection".into(), why.text.clone())])];
    }
    // What came is not in a short record: it cannot be compared.
    let Some(closest) = closest(case).filter(|_| !case.short) else {
        let failed = case.checks.iter().enumerate().filter(|(_, check)| !check.ok);
        let failed = failed.map(|(place, check)| Difference { checks: vec![place], ..check_row(check) });
        let failed: Vec<Difference> = failed.collect();
        return vec![whole(if failed.is_empty() { vec![close_row(case)] } else { failed })];
    };
    let lines = event_lines(case);
    let all = case.accepts.iter().enumerate();
    all.map(|(at, accept)| Alternative {
        grade: accept.grade,
        events: accept.events.len() as u64,
        because: accept.because.clone(),
        is_closest: at == closest,
        differences: with_checks(case, compared(&accept.events, &case.received, &lines, limit)),
    })
    .collect()
}

/// The rows of the events and that of the close, with the checks that fail by each; a check that belongs to none has a
/// row of its own.
fn with_checks(case: &CaseRecord, mut rows: Vec<Difference>) -> Vec<Difference> {
    let events = rows.iter().position(|row| row.mark != Mark::Same);
    let close = rows.len();
    rows.push(close_row(case));
    for (place, check) in case.checks.iter().enumerate().filter(|(_, check)| !check.ok) {
        let row = match check.id.as_str() {
            DEATH => None,
            id if id.starts_with("close.") => Some(close),
            _ => events,
        };
        match row {
            Some(row) => rows[row].checks.push(place),
            None => rows.push(Difference { checks: vec![place], ..check_row(check) }),
        }
    }
    // What else is missing then follows from it.
    rows.sort_by_key(|row| !row.checks.iter().any(|place| case.checks[*place].id == DEATH));
    rows
}

/// The check that the process of the implementation runs on.
const DEATH: &str = "process.alive";

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
            EventRecord::Message { binary: b, data: got, differs_at, .. },
        ) => a == b && wanted == got && differs_at.is_none(),
        (EventRecord::Pong { data: wanted }, EventRecord::Pong { data: got }) => wanted == got,
        (EventRecord::Elapsed { tag: wanted, .. }, EventRecord::Elapsed { tag: got, .. }) => wanted == got,
        _ => false,
    }
}

/// Aligns the two lists along their longest common subsequence. The middle of a long run that is the same is
/// left out.
fn compared(
    wanted: &[EventRecord],
    got: &[EventRecord],
    lines: &[Option<usize>],
    limit: usize,
) -> Vec<Difference> {
    let pairs = alignment::aligned(wanted, got, is_same, true);
    let mut rows = Vec::new();
    for run in pairs.chunk_by(|(a, ..), (b, ..)| *a == Mark::Same && *b == Mark::Same) {
        let hidden = if run.len() > 2 * ENDS + 1 { ENDS..run.len() - ENDS } else { 0..0 };
        for (place, (mark, w, g)) in run.iter().enumerate().filter(|(place, _)| !hidden.contains(place)) {
            let (expected, observed, note) = told(w.map(|w| &wanted[w]), g.map(|g| &got[g]), limit);
            rows.push(Difference {
                mark: *mark,
                expected,
                observed,
                note,
                line: g.and_then(|g| lines.get(g).copied().flatten()),
                more: if place + 1 == hidden.start { hidden.len() as u64 } else { 0 },
                checks: Vec::new(),
            });
        }
    }
    rows
}

/// The two events in words, and where their contents differ.
fn told(
    wanted: Option<&EventRecord>,
    got: Option<&EventRecord>,
    limit: usize,
) -> (Option<Spans>, Option<Spans>, String) {
    let (Some(a), Some(b)) = (wanted, got) else {
        return (
            wanted.map(|event| words(event, limit)),
            got.map(|event| words(event, limit)),
            String::new(),
        );
    };
    match (content(a), content(b)) {
        (Some((name, expected)), Some((other, observed))) if name == other && !is_same(a, b) => {
            let near = near(a, b);
            let both = spans::compare(expected, observed, name == "Text", near, limit);
            (Some(named(name, both.expected)), Some(named(name, both.observed)), both.note)
        }
        _ => (Some(words(a, limit)), Some(words(b, limit)), String::new()),
    }
}

/// What was recorded around a difference, if that is one between these two.
fn near<'a>(wanted: &EventRecord, got: &'a EventRecord) -> Option<&'a Near> {
    let (EventRecord::Message { data: expected, .. }, EventRecord::Message { data, near, .. }) =
        (wanted, got)
    else {
        return None;
    };
    let kept = expected.kept().len().min(data.kept().len());
    near.as_deref().filter(|_| expected.kept()[..kept] == data.kept()[..kept])
}

/// The kind of an event and its payload; none if it has none.
const fn content(event: &EventRecord) -> Option<(&'static str, &Payload)> {
    match event {
        EventRecord::Message { binary: true, data, .. } => Some(("Binary", data)),
        EventRecord::Message { data, .. } => Some(("Text", data)),
        EventRecord::Pong { data } => Some(("Pong", data)),
        EventRecord::Elapsed { .. } => None,
    }
}

fn words(event: &EventRecord, limit: usize) -> Spans {
    match (content(event), event) {
        (Some((name, data)), _) => named(name, spans::tell(data, name == "Text", limit)),
        (None, EventRecord::Elapsed { for_us, .. }) => {
            plain(Sight::StillOpen { for_us: *for_us }.to_string())
        }
        (None, _) => Vec::new(),
    }
}

fn named(name: &str, spans: Spans) -> Spans {
    [span(SpanKind::Plain, format!("{name} "))].into_iter().chain(spans).collect()
}

fn plain(text: impl Into<Untrusted>) -> Spans {
    vec![span(SpanKind::Plain, text)]
}

fn plain_row(expected: Untrusted, observed: Untrusted) -> Difference {
    let (expected, observed) = (Some(plain(expected)), Some(plain(observed)));
    Difference {
        mark: Mark::Differs,
        expected,
        observed,
        note: String::new(),
        line: None,
        more: 0,
        checks: Vec::new(),
    }
}

/// With which line of the log each received event came: the last frame of a message, or the Pong.
/// Empty if lines are missing in the log or frames do not tell the events.
fn event_lines(case: &CaseRecord) -> Vec<Option<usize>> {
    if case.stats.dropped > 0 || case.measures.quiet {
        return Vec::new();
    }
    let mut ends = case.events.iter().filter_map(|line| match &line.what {
        what if what.is_begun_only() => None,
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

/// What a check asks for against what it found, of a case without lists of events.
fn check_row(check: &CheckRecord) -> Difference {
    let observed =
        check.found.as_deref().map_or_else(|| check.observed.clone(), |found| found.clause().into());
    Difference { line: check.line(), ..plain_row(check.expected.clone(), observed) }
}

fn close_row(case: &CaseRecord) -> Difference {
    let check = case.checks.iter().find(|check| check.id.starts_with("close.") && !check.ok);
    let line =
        case.events.iter().find(|line| matches!(line.what, Happening::Frame { dir: Dir::Rx, op: 8, .. }));
    // No check of the close fails then: the tester did not close as planned.
    let consequence = check.is_none() && case.close.failed_by_wsspec && case.verdict.is_failure();
    let note = if consequence { "follows from what came before" } else { "" };
    Difference {
        mark: if check.is_some() || consequence { Mark::Differs } else { Mark::Same },
        note: note.to_owned(),
        line: line.map(|line| line.i),
        ..plain_row(expected_close(case).into(), observed_close(case))
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
    // A Close frame without a code is an answer, too.
    let answer = if rule.codes.is_empty() { codes.clone() } else { format!("{codes} or without a code") };
    match (rule.by_tester, rule.clean) {
        (true, true) => format!("wsspec closes, the agent answers {answer}, TCP ends cleanly"),
        (true, false) => format!("wsspec closes, the agent answers {answer}, or drops TCP"),
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

    fn differences(case: &CaseRecord) -> Vec<Difference> {
        let closest = alternatives(case, 40).into_iter().find(|other| other.is_closest);
        closest.expect("one is the closest").differences
    }

    fn marks(case: &CaseRecord) -> Vec<(Mark, Option<usize>)> {
        differences(case).iter().map(|row| (row.mark, row.line)).collect()
    }

    #[test]
    fn a_connection_that_the_tester_failed_was_called_closed_as_expected() {
        let mut case = samples::failed("a", "5.15");
        case.checks.retain(|check| !check.id.starts_with("close."));
        case.close.failed_by_wsspec = true;
        assert_eq!(differences(&case).last().map(|row| row.mark), Some(Mark::Differs));
    }

    #[test]
    fn an_answer_without_a_code_was_the_same_as_one_with_a_code() {
        let mut case = samples::passed("a", "2.4");
        case.close.remote = None;
        let row = differences(&case).pop().unwrap();
        let told =
            |spans: Option<Spans>| spans.unwrap().iter().map(|span| span.text.raw()).collect::<String>();
        assert_eq!(row.mark, Mark::Same);
        let expected = "wsspec closes, the agent answers Close 1000 or without a code, TCP ends cleanly";
        assert_eq!(told(row.expected), expected);
        assert_eq!(told(row.observed), "wsspec closed, no close code from the agent, clean");
    }

    #[test]
    fn what_came_too_much_is_marked_and_points_at_its_frame() {
        let case = samples::failed("a", "5.15");
        assert_eq!(marks(&case), [(Mark::Same, Some(7)), (Mark::Extra, Some(8)), (Mark::Differs, None)]);
        let rows = differences(&case);
        assert_eq!((&rows[1].checks, &rows[2].checks), (&vec![0], &vec![1]), "events, close.code");
        let other = alternatives(&case, 40);
        assert_eq!((other.len(), other[1].grade, other[1].events), (2, Grade::NonStrict, 0));
        let marks: Vec<Mark> = other[1].differences.iter().map(|row| row.mark).collect();
        assert_eq!((other[1].is_closest, marks), (false, vec![Mark::Extra, Mark::Extra, Mark::Differs]));
    }

    #[test]
    fn without_lists_of_events_the_failed_checks_are_told() {
        let mut case = samples::failed("a", "5.15");
        case.accepts.clear();
        let rows = differences(&case);
        let failed = case.checks.iter().filter(|check| !check.ok).count();
        assert_eq!((rows.len(), rows[0].mark, rows[0].line), (failed, Mark::Differs, Some(4)));
    }

    #[test]
    fn the_middle_of_a_long_run_that_is_the_same_is_left_out() {
        let mut case = samples::passed("a", "12.1.1");
        let event = |n: usize| samples::text_event(&format!("message {n}"));
        case.received = (0..100).map(event).collect();
        case.accepts[0].events.clone_from(&case.received);
        case.received.insert(50, samples::text_event("one too many"));
        let rows = differences(&case);
        let listed: Vec<(Mark, u64)> = rows.iter().map(|row| (row.mark, row.more)).collect();
        assert_eq!(listed.len(), 2 * 2 * ENDS + 2);
        assert_eq!(listed[ENDS - 1], (Mark::Same, 42), "the first half without its ends");
        assert_eq!(listed[2 * ENDS], (Mark::Extra, 0));
        let told: String = rows[ENDS].expected.iter().flatten().map(|span| span.text.raw()).collect();
        assert_eq!(told, "Text \"message 46\"");
    }

    #[test]
    fn missing_and_different_events_are_told_apart() {
        let mut case = samples::failed("a", "5.15");
        case.received = vec![samples::text_event("else")];
        assert_eq!(marks(&case)[0].0, Mark::Differs);
        assert_eq!(differences(&case)[0].note, "differs at offset 0 of 4: expected 66, got 65");
        case.received = vec![];
        case.accepts.truncate(1);
        assert_eq!(marks(&case)[0], (Mark::Missing, None));
        assert_eq!(marks(&samples::never_opened("a", "1.1.1")), [(Mark::Differs, None)]);
        case.accepts[0].events = vec![samples::text_event("a"), samples::text_event("b")];
        case.received = vec![samples::text_event("b")];
        assert_eq!(marks(&case)[..2], [(Mark::Missing, None), (Mark::Same, Some(7))]);
    }
}
