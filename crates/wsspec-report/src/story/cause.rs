//! What went wrong in one sentence: what the tester did wrong on purpose, and what became of it; or what was seen.

use wsspec_cases::Level;
use wsspec_engine::{Found, Sight, Wanted, fault};

use super::breach::{SentBreach, sent_breach};
use crate::Untrusted;
use crate::record::{CaseRecord, CheckRecord};

/// The sentence that says of a case what went wrong.
pub fn cause_sentence(case: &CaseRecord) -> Untrusted {
    told(&case.whole(), true)
}

/// The same for all cases that went wrong like it: without what is of this one only.
pub fn cause_name(case: &CaseRecord) -> Untrusted {
    let known = case.rest.as_ref().and_then(|rest| rest.cause_name.clone());
    known.unwrap_or_else(|| told(case, false))
}

/// The same without what the tester did, which may be another thing in each of them.
pub fn cause_fault(case: &CaseRecord) -> Untrusted {
    let case = case.whole();
    let data = case.first_failed().and_then(|check| check.wanted.as_ref().zip(check.found.as_ref()));
    data.map_or_else(
        || case.summary.clone(),
        |(wanted, found)| Untrusted::from(sentence(&fault(wanted, found, false))),
    )
}

fn told(case: &CaseRecord, whole: bool) -> Untrusted {
    let Some(check) = case.first_failed() else { return case.summary.clone() };
    // Records of older versions have the words only.
    let (Some(wanted), Some(found)) = (&check.wanted, &check.found) else { return case.summary.clone() };
    let reaction = reaction(case, check, wanted, found);
    let text = reaction.map_or_else(|| fault(wanted, found, whole), |reaction| reaction.told(found, whole));
    // Behind a comma stands when a process died, which is of this case only.
    let common = text.split(", ").next().filter(|_| !whole && check.is_alive());
    Untrusted::from(sentence(common.unwrap_or(&text)))
}

/// Whether what the tester did wrong on purpose came back: [`cause_sentence`] says so, and what came.
pub fn came_back(case: &CaseRecord) -> bool {
    took(case) == Some(Kind::Echoed)
}

/// What the implementation made of what the tester did wrong on purpose, if that is what the first failed check is about.
pub(super) fn took(case: &CaseRecord) -> Option<Kind> {
    let check = case.first_failed()?;
    let (wanted, found) = (check.wanted.as_ref()?, check.found.as_ref()?);
    reaction(case, check, wanted, found).map(|reaction| reaction.kind)
}

/// What the implementation made of what the tester did wrong on purpose.
struct Reaction {
    breach: SentBreach,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Accepted,
    /// It did the same.
    Echoed,
    /// It was refused later than it could have been.
    Late,
    /// It was refused, but not as it should be.
    Refused,
}

impl Reaction {
    fn told(&self, found: &Found, whole: bool) -> String {
        let what = self.breach.noun();
        let seen = if whole { found.clause() } else { found.name() };
        match self.kind {
            Kind::Refused => format!("{what} was refused, but {seen}"),
            Kind::Echoed if whole => match no_utf8(&seen) {
                Some(place) => format!("{what} was accepted and came back as it was ({place})"),
                None => format!("{what} was accepted and came back: {seen}"),
            },
            Kind::Echoed => format!("{what} was accepted and came back"),
            Kind::Accepted if whole => format!("{what} was accepted: {seen}"),
            Kind::Accepted => format!("{what} was accepted"),
            Kind::Late if whole => format!("{what} was not refused at once: {seen}"),
            Kind::Late => format!("{what} was not refused at once"),
        }
    }
}

/// Where a text stops being UTF-8: that it does has been said.
fn no_utf8(seen: &str) -> Option<&str> {
    seen.find("no UTF-8 from").map(|at| &seen[at..])
}

/// Whether the implementation ended the connection by itself.
fn is_refused(case: &CaseRecord) -> bool {
    let by_peer = case.close.tcp.as_deref().is_some_and(|end| end.starts_with("peer"));
    !case.close.closed_by_wsspec && (case.close.remote.is_some() || by_peer)
}

/// Whether its Close frame is no echo of the tester's.
fn has_code_of_its_own(case: &CaseRecord) -> bool {
    case.close.remote.is_some() && case.close.remote != case.close.local
}

/// The breach of the tester that the check is about, and what became of it.
fn reaction(case: &CaseRecord, check: &CheckRecord, wanted: &Wanted, found: &Found) -> Option<Reaction> {
    let (_, breach) = sent_breach(case)?;
    let had_to_fail = match wanted {
        Wanted::Failing { .. } => true,
        Wanted::Events { count, .. } => *count == 0 && !is_refused(case),
        _ => false,
    };
    let is_milder = check.level != Level::Must;
    let kind = match found {
        Found::Breach { .. } if breach.is_of_close() && has_code_of_its_own(case) => None,
        Found::Breach { .. } => (breach.check() == check.id).then_some(Kind::Echoed),
        Found::Code { .. }
            if breach.is_of_close() && matches!(wanted, Wanted::Codes { .. }) && !is_milder =>
        {
            Some(Kind::Accepted)
        }
        Found::Tolerated { found, .. } => match &**found {
            Found::Event { event: Sight::StillOpen { .. }, .. } => Some(Kind::Late),
            Found::Other { .. } => had_to_fail.then_some(Kind::Accepted),
            _ => None,
        },
        Found::Code { .. } | Found::CodelessClose | Found::NoCloseFrame => {
            (had_to_fail && is_milder).then_some(Kind::Refused)
        }
        Found::Event { .. }
        | Found::Events { .. }
        | Found::StayedOpen { .. }
        | Found::TesterClosed { .. }
        | Found::NoAnswer
        | Found::Other { .. } => had_to_fail.then_some(Kind::Accepted),
        _ => None,
    };
    kind.map(|kind| Reaction { breach, kind })
}

fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next();
    first.map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(".".chars()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsspec_wire::Opcode;

    use crate::record::Dir;
    use crate::samples::{failed, frame, log, passed};

    fn case(id: &str, wanted: Wanted, found: Found) -> CaseRecord {
        let mut case = failed("a", "5.15");
        let check = case.checks.iter_mut().find(|check| !check.ok).unwrap();
        check.id = id.to_owned();
        (check.wanted, check.found) = (Some(Box::new(wanted)), Some(Box::new(found)));
        case
    }

    /// A case in which the tester breaks no rule.
    fn lawful(id: &str, wanted: Wanted, found: Found) -> String {
        let mut case = case(id, wanted, found);
        case.events.clear();
        cause_sentence(&case).raw().to_owned()
    }

    fn text() -> Sight {
        Sight::Text { shown: "\"a\"".to_owned() }
    }

    fn failing() -> Wanted {
        Wanted::Failing { codes: vec![] }
    }

    #[test]
    fn what_was_due_and_what_came_are_one_sentence() {
        let nothing = Wanted::Events { first: vec![], count: 0 };
        let codes = Wanted::Codes { codes: vec![1002] };
        let breach = || Found::Breach { text: "a text message is no UTF-8".to_owned() };
        let never = Found::NeverOpened { text: "no answer".to_owned() };
        for (id, wanted, found, sentence) in [
            ("events", nothing.clone(), Found::event(text()), "Text \"a\" came, and nothing was due."),
            ("text.utf8", Wanted::LawfulFrames, breach(), "A text message is no UTF-8."),
            (
                "close.code",
                codes,
                Found::Code { code: Some(1000) },
                "The peer closed with close code 1000 (normal closure); close code 1002 or none was due.",
            ),
            ("handshake", Wanted::OpenConnection, never, "The connection was not opened: no answer."),
            (
                CheckRecord::ALIVE,
                Wanted::other("it runs"),
                Found::other("the process exited: signal 6"),
                "The process exited: signal 6.",
            ),
        ] {
            assert_eq!(lawful(id, wanted, found), sentence);
        }
        assert_eq!(cause_sentence(&passed("a", "1.1.1")), passed("a", "1.1.1").summary);
    }

    #[test]
    fn a_breach_of_the_tester_gives_the_cause_its_name() {
        let open = Found::StayedOpen { for_us: 1_000_000 };
        let late = Found::event(Sight::StillOpen { for_us: 1_000_000 }).because("no moment is set");
        let orphan = "A continuation with no message open";
        for (wanted, found, rest, name) in [
            (failing(), Found::event(text()), "was accepted: Text \"a\" came.", "was accepted."),
            (failing(), open, "was accepted: the connection stayed open for 1 s.", "was accepted."),
            (
                failing(),
                late,
                "was not refused at once: the connection was still open 1 s later (no moment is set).",
                "was not refused at once.",
            ),
        ] {
            let case = case("events", wanted, found);
            assert_eq!(cause_sentence(&case).raw(), format!("{orphan} {rest}"));
            assert_eq!(cause_name(&case).raw(), format!("{orphan} {name}"));
        }
        let mut milder = case("close.code", failing(), Found::Code { code: Some(1000) });
        milder.checks.iter_mut().filter(|check| !check.ok).for_each(|check| check.level = Level::Should);
        let refused = "was refused, but the connection was closed with close code 1000 (normal closure).";
        assert_eq!(cause_sentence(&milder).raw(), format!("{orphan} {refused}"));
    }

    #[test]
    fn a_rule_that_has_nothing_to_do_with_the_breach_of_the_tester_is_told_by_itself() {
        let masked = Found::Breach { text: "the server masks a frame".to_owned() };
        let case = case("frame.mask", Wanted::LawfulFrames, masked);
        assert_eq!(cause_sentence(&case).raw(), "The server masks a frame.");
    }

    #[test]
    fn what_was_refused_was_not_accepted() {
        let nothing = || Wanted::Events { first: vec![], count: 0 };
        let mut refused = case("events", nothing(), Found::event(text()));
        (refused.close.closed_by_wsspec, refused.close.remote) = (false, Some(1002));
        assert_eq!(cause_sentence(&refused).raw(), "Text \"a\" came, and nothing was due.");
        let more = Wanted::NothingAfter { count: 1 };
        let twice = case("events", more, Found::event(text()));
        assert_eq!(cause_sentence(&twice).raw(), "Text \"a\" came, and nothing more was due.");
    }

    #[test]
    fn a_close_frame_with_a_code_of_its_own_is_no_echo() {
        let frame = frame(Dir::Tx, Opcode::CLOSE, true, b"\x03\xe8\xff");
        let wrong = "the reason of a Close frame is no UTF-8 from octet 0 on".to_owned();
        let breach = || Found::Breach { text: wrong.clone() };
        let mut case = case("close.utf8", Wanted::LawfulFrames, breach());
        case.events = log(vec![(1, frame)]);
        (case.close.local, case.close.remote) = (Some(1000), Some(1002));
        let sentence = "The reason of a Close frame is no UTF-8 from octet 0 on.";
        assert_eq!((cause_sentence(&case).raw(), came_back(&case)), (sentence, false));
        case.close.remote = Some(1000);
        let sentence = "A close reason that is no UTF-8 was accepted and came back as it was \
                        (no UTF-8 from octet 0 on).";
        assert_eq!((cause_sentence(&case).raw(), came_back(&case)), (sentence, true));
        let check = case.checks.iter_mut().find(|check| !check.ok).unwrap();
        check.wanted = Some(Box::new(Wanted::Codes { codes: vec![1002, 1007] }));
        check.found = Some(Box::new(Found::Code { code: Some(1000) }));
        let sentence = "A close reason that is no UTF-8 was accepted: the connection was closed with close code \
                        1000 (normal closure).";
        assert_eq!(cause_sentence(&case).raw(), sentence);
    }

    #[test]
    fn the_name_of_deaths_had_the_moment_of_each() {
        let at = |moment: &str| {
            let found = Found::other(format!("the process exited: signal 11 (SIGSEGV), {moment}"));
            case(CheckRecord::ALIVE, Wanted::other("it runs"), found)
        };
        let cases = [at("7 ms after octet 30 was sent"), at("10 ms after octet 30 was sent")];
        for case in &cases {
            assert_eq!(cause_name(case).raw(), "The process exited: signal 11 (SIGSEGV).");
        }
        let sentence = "The process exited: signal 11 (SIGSEGV), 7 ms after octet 30 was sent.";
        assert_eq!(cause_sentence(&cases[0]).raw(), sentence);
    }

    #[test]
    fn a_record_without_data_tells_its_summary() {
        let mut old = failed("a", "5.15");
        old.checks.iter_mut().for_each(|check| (check.wanted, check.found) = (None, None));
        assert_eq!(cause_sentence(&old), old.summary);
    }
}
