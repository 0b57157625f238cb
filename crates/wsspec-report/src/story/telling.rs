//! The frames whose octets show what went wrong.

use wsspec_wire::Opcode;

use super::breach::sent_breach;
use super::cause::{Kind, took};
use crate::record::{CaseRecord, Dir, Happening, LogLine};

/// At most two frames of the log: what was sent that had to be refused or answered, then what came instead. None where
/// no frame shows it: in the opening handshake, in the log of another case, or where frames were not recorded.
pub fn telling_frames(case: &CaseRecord) -> Vec<&LogLine> {
    let Some(check) = case.first_failed().filter(|_| case.is_accused()) else { return Vec::new() };
    if check.case.is_some() || check.header.is_some() {
        return Vec::new();
    }
    let marked = check.line().and_then(|line| case.events.iter().position(|event| event.i == line));
    if marked.is_some_and(|at| matches!(case.events[at].what, Happening::Recording { on: false })) {
        return Vec::new();
    }
    let shown = marked.and_then(|at| frame_at(&case.events, at));
    let breach = || sent_breach(case).and_then(|(i, _)| case.events.iter().find(|line| line.i == i));
    match took(case) {
        Some(Kind::Echoed) => breach().into_iter().chain(shown).collect(),
        Some(Kind::Accepted | Kind::Late) => breach().or(shown).into_iter().collect(),
        // What came says more than what it was for.
        Some(Kind::Refused) | None => {
            let end = marked.unwrap_or(case.events.len());
            shown.or_else(|| last_before(&case.events[..end])).into_iter().collect()
        }
    }
}

/// The frame in this place. Earlier versions pointed at the note that the connection was failed for it, which stands
/// before it.
fn frame_at(events: &[LogLine], at: usize) -> Option<&LogLine> {
    let line = &events[at];
    if is_frame(line, None) {
        return Some(line);
    }
    let next = events.get(at + 1).filter(|next| next.us == line.us && is_frame(next, Some(Dir::Rx)));
    next.filter(|_| matches!(line.what, Happening::Failed { .. }))
}

/// What was sent last that asks for something; or else what came last.
fn last_before(events: &[LogLine]) -> Option<&LogLine> {
    let asks = |line: &&LogLine| is_frame(line, Some(Dir::Tx)) && opcode(line) != Some(Opcode::PONG);
    let sent = events.iter().rev().find(asks);
    sent.or_else(|| events.iter().rev().find(|line| is_frame(line, None)))
}

fn is_frame(line: &LogLine, way: Option<Dir>) -> bool {
    matches!(&line.what, Happening::Frame { dir, .. } if way.is_none_or(|way| *dir == way))
}

fn opcode(line: &LogLine) -> Option<Opcode> {
    line.what.header().map(|header| header.opcode)
}

#[cfg(test)]
mod tests {
    use wsspec_engine::{Found, Sight, Verdict, Wanted};

    use super::*;
    use crate::record::{CheckRecord, SeenIn};
    use crate::samples::{failed, frame, log, passed};

    /// A case with these lines, of which the check points at one.
    fn case(lines: Vec<Happening>, event: Option<usize>, wanted: Wanted, found: Found) -> CaseRecord {
        let mut case = failed("a", "5.15");
        case.events = log(lines.into_iter().map(|what| (7, what)).collect());
        let check = case.checks.iter_mut().find(|check| !check.ok).unwrap();
        check.event = event;
        (check.wanted, check.found) = (Some(Box::new(wanted)), Some(Box::new(found)));
        case
    }

    fn told(case: &CaseRecord) -> Vec<usize> {
        telling_frames(case).iter().map(|line| line.i).collect()
    }

    fn sent(opcode: Opcode) -> Happening {
        frame(Dir::Tx, opcode, true, b"a")
    }

    fn came(opcode: Opcode) -> Happening {
        frame(Dir::Rx, opcode, true, b"a")
    }

    fn ended() -> Happening {
        Happening::Tcp { end: "peer-fin".to_owned() }
    }

    fn echoed() -> Found {
        Found::event(Sight::Text { shown: "\"a\"".to_owned() })
    }

    #[test]
    fn what_had_to_be_refused_and_was_taken_in_is_the_sent_frame() {
        let orphan = vec![sent(Opcode::TEXT), sent(Opcode::CONTINUATION), came(Opcode::TEXT)];
        assert_eq!(told(&case(orphan, Some(2), Wanted::failing(), echoed())), [1]);
    }

    #[test]
    fn what_had_to_be_refused_and_came_back_is_shown_both_ways() {
        let long = |dir| frame(dir, Opcode::PING, true, &[b'*'; 126]);
        let failed = Happening::Failed { why: "a ping has 126 octets".into() };
        let breach = Found::Breach { text: "a ping has 126 octets".to_owned() };
        for (lines, marked, at) in [
            (vec![long(Dir::Tx), long(Dir::Rx), failed.clone()], 1, 1),
            // As earlier versions recorded it.
            (vec![long(Dir::Tx), failed, long(Dir::Rx)], 1, 2),
        ] {
            let mut case = case(lines, Some(marked), Wanted::LawfulFrames, breach.clone());
            case.checks.iter_mut().find(|check| !check.ok).unwrap().id = "frame.control.length".to_owned();
            assert_eq!(told(&case), [0, at]);
        }
    }

    #[test]
    fn where_nothing_came_it_is_what_was_sent_last_before_the_end() {
        let lines =
            vec![sent(Opcode::TEXT), sent(Opcode::PING), sent(Opcode::PONG), ended(), sent(Opcode::CLOSE)];
        let ended = Found::TcpEnded { reset: false };
        let wanted = Wanted::other("an echo");
        assert_eq!(told(&case(lines.clone(), Some(3), wanted.clone(), ended.clone())), [1]);
        assert_eq!(told(&case(lines, None, wanted.clone(), ended.clone())), [4]);
        assert_eq!(told(&case(vec![came(Opcode::PING)], None, wanted, ended)), [0]);
    }

    #[test]
    fn no_frame_tells_of_what_was_not_recorded() {
        let quiet = Happening::Recording { on: false };
        let lines = vec![sent(Opcode::TEXT), quiet, sent(Opcode::CLOSE), came(Opcode::CLOSE)];
        let unseen = Found::other("echo 1 is not the message");
        assert_eq!(told(&case(lines, Some(1), Wanted::other("the same message"), unseen)), [0_usize; 0]);
    }

    #[test]
    fn no_frame_tells_of_what_is_seen_elsewhere_or_is_no_fault() {
        let lines = || vec![sent(Opcode::TEXT), came(Opcode::TEXT)];
        let usual = || case(lines(), Some(1), Wanted::other("another echo"), echoed());
        assert_eq!(told(&usual()), [1]);
        let changed = |change: fn(&mut CheckRecord)| {
            let mut case = usual();
            case.checks.iter_mut().filter(|check| !check.ok).for_each(change);
            case
        };
        assert_eq!(told(&changed(|check| check.header = Some("Upgrade".to_owned()))), [0_usize; 0]);
        assert_eq!(told(&changed(|check| check.case = Some(SeenIn("1.1.1".parse().unwrap())))), [0_usize; 0]);
        assert_eq!(told(&CaseRecord { verdict: Verdict::Info, ..usual() }), [0_usize; 0]);
        assert_eq!(told(&passed("a", "1.1.1")), [0_usize; 0]);
    }
}
