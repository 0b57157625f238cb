//! What usually goes wrong where a case fails.

use wsspec_cases::CaseId;

/// The usual mistake behind failures of this section, if there is one.
pub(crate) fn usually(id: CaseId) -> Option<&'static str> {
    Some(match id.section() {
        1 => {
            "the length is taken for 7 bits only, or its 16- and 64-bit forms are read in the wrong octet order"
        }
        2 => {
            "the payload of the ping is not copied into the pong, a ping waits behind a message, or one of more than 125 octets is answered"
        }
        3 | 16 => {
            "the first two octets are masked down to what is known, so that nobody sees what has to be refused"
        }
        4 => "an opcode that is not known falls through to the handler of messages",
        5 => {
            "nothing remembers that a message is open, or a control frame in between makes the reader forget it"
        }
        6 => "text is decoded with replacement characters, or each fragment on its own",
        7 => "the reader goes on after Close, or sends the code back without a look at it",
        9 => {
            "a limit on messages below the size of the case, or time that grows with the square of the fragments"
        }
        10 => "fragments are echoed as they come instead of the message that they make",
        12 | 13 => {
            "what was negotiated and what is done differ, most often about the context between messages"
        }
        14 => "the mask bit is read, but nobody checks that it has to be there (or must not be)",
        15 => {
            "the length goes through a signed or 32-bit number, or a longer form than needed is let through"
        }
        17 => "text is checked per fragment, or not at all where it is passed on as octets",
        21 => {
            "the inflater stops at the first block or at the end of its buffer, or the reserved bit is not looked at"
        }
        22 => "the window is kept where it has to be dropped, or dropped where it has to be kept",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_of_the_reference_suite_has_one() {
        for case in wsspec_cases::suite().cases().iter().filter(|case| case.id.section() <= 13) {
            assert!(usually(case.id).is_some(), "{}", case.id);
        }
    }
}
