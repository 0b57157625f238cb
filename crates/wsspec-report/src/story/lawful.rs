use wsspec_engine::{Found, Wanted, fault};

use crate::Untrusted;
use crate::record::{CaseRecord, CheckRecord, Role};

/// What a check asks for, as a noun phrase: more than "lawful frames" where the rule is known.
pub fn asked_for(case: &CaseRecord, check: &CheckRecord) -> String {
    let is_general = matches!(check.wanted.as_deref(), Some(Wanted::LawfulFrames | Wanted::LawfulAnswer));
    let rule = rule(&check.id, case.role).filter(|_| is_general);
    rule.map_or_else(|| check.expected.for_terminal(400), str::to_owned)
}

/// What a check found. That something was due says more than that the connection stayed open.
pub fn observed(check: &CheckRecord) -> Untrusted {
    match (check.wanted.as_deref(), check.found.as_deref()) {
        (Some(wanted @ Wanted::Event { .. }), Some(found @ Found::StayedOpen { .. })) => {
            fault(wanted, found, true).into()
        }
        _ => check.observed.clone(),
    }
}

/// What a rule of the frame level asks for.
fn rule(check: &str, role: Role) -> Option<&'static str> {
    Some(match check {
        "frame.mask" if role == Role::Server => "frames of the server without a mask",
        "frame.mask" => "masked frames of the client",
        "frame.continuation" => "a continuation only while a message is open",
        "frame.interleaved" => "no other message between the fragments of one",
        "frame.opcode" => "opcodes that are defined",
        "frame.rsv" => "reserved bits 0, as nobody negotiated them",
        "frame.rsv1" => "RSV1 only on the first frame of a compressed message",
        "frame.control.fin" => "control frames in one piece",
        "frame.control.length" => "control frames of at most 125 octets",
        "frame.length" => "a length in its shortest form",
        "close.body" => "a Close frame that is empty or begins with a code of two octets",
        "close.code.unlawful" => "a close code that may be sent",
        "close.utf8" => "a close reason in UTF-8",
        "text.utf8" => "text in UTF-8",
        "deflate.data" => "compressed messages that inflate as was agreed",
        "deflate.takeover" => "compressed messages that do not refer to those before",
        "deflate.window" => "compressed messages that stay within the agreed window",
        "handshake.deflate" => "an answer that fits one of the offers",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use wsspec_engine::Sight;

    use super::*;
    use crate::samples::failed;

    #[test]
    fn what_did_not_come_is_named() {
        let mut check = failed("a", "5.15").checks[0].clone();
        assert_eq!(observed(&check), check.observed);
        let event = Sight::Pong { shown: "\"\"".to_owned() };
        check.wanted = Some(Box::new(Wanted::Event { event, place: 1 }));
        check.found = Some(Box::new(Found::StayedOpen { for_us: 1_000_000 }));
        assert!(observed(&check).raw().starts_with("no Pong"), "{:?}", observed(&check));
    }

    #[test]
    fn what_a_rule_of_frames_asks_for_is_named() {
        let case = failed("a", "5.15");
        let mut check = case.checks[0].clone();
        (check.id, check.wanted) = ("frame.mask".to_owned(), Some(Box::new(Wanted::LawfulFrames)));
        assert_eq!(asked_for(&case, &check), "frames of the server without a mask");
        let client = CaseRecord { role: Role::Client, ..case.clone() };
        assert_eq!(asked_for(&client, &check), "masked frames of the client");
        assert_eq!(asked_for(&case, &case.checks[1]), "1002");
    }
}
