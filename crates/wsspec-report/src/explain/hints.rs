//! What usually goes wrong where a case fails.

use wsspec_cases::CaseId;

/// The usual mistake behind failures of this section, if there is one.
pub(crate) fn usually(id: CaseId) -> Option<&'static str> {
    if let Some(hint) = of_group(id.numbers()) {
        return Some(hint);
    }
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

/// Where a group or a case has another usual mistake than its section.
fn of_group(numbers: &[u16]) -> Option<&'static str> {
    Some(match numbers {
        [16, 5, ..] => {
            "pings wait in a queue behind messages, are counted instead of read, or a pong is taken for what was asked"
        }
        [17, 1, 17] => "the end of TCP is not noticed while a message is open, and the socket stays",
        [18, 1 | 2, ..] => {
            "a list of codes that ends with RFC 6455, or a reason that is passed on without a look at its octets"
        }
        [18, 3 | 4, ..] => {
            "the closing handshake is taken for over when the own Close frame is sent, or nothing limits the wait for the answer"
        }
        [18, 5, ..] => "the reader goes on after Close, or frames that came with it are lost",
        [18, 6 | 7, ..] => {
            "the end of TCP is not noticed while nothing is read, or TCP is closed with unread octets, which resets it"
        }
        [18, 8, ..] => "the answer waits in a queue behind messages",
        [18, 9, ..] => "two tasks close without knowing of each other",
        [18, 10, ..] => "a timer for idle connections that cannot be set",
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

    #[test]
    fn a_hint_fits_the_group() {
        let of = |id: &str| usually(id.parse().unwrap()).unwrap();
        assert_ne!(of("16.5.1"), of("16.1.1"));
        assert_ne!(of("17.1.17"), of("17.1.1"));
        let closing = wsspec_cases::suite().cases().iter().filter(|case| case.id.section() == 18);
        assert!(closing.map(|case| usually(case.id)).all(|hint| hint.is_some()));
    }
}
