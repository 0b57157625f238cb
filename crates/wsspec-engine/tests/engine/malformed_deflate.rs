//! Compressed messages that are not lawful and need not be refused: rule, expectation and verdict say the same.

use wsspec_cases::suite;
use wsspec_engine::Verdict;
use wsspec_engine::testing::PeerTransmit;
use wsspec_wire::Opcode;

use crate::common::{Scripted, fin, frame, mannered, run_client};

/// What a server does about a text.
type Answer = &'static [(Opcode, &'static [u8])];

const HELLO: (Opcode, &[u8]) = (Opcode::TEXT, b"Hello");
const FAILS: (Opcode, &[u8]) = (Opcode::CLOSE, &1007u16.to_be_bytes());
const NOTHING: Answer = &[];

/// The verdict on a server that does this about the first text, and that about the second, and what is said of it.
fn judged(id: &str, answers: [Answer; 2]) -> (Verdict, String) {
    let case = suite().get(id.parse().unwrap()).unwrap();
    let mut texts = answers.into_iter();
    let peer = Scripted::server(move |received| match received.header.opcode {
        Opcode::TEXT => {
            let answer = texts.next().unwrap_or_default();
            let frames = answer.iter().map(|(opcode, payload)| frame(*opcode, payload));
            let ends = answer.contains(&FAILS).then(fin);
            frames.chain(ends).collect::<Vec<PeerTransmit>>()
        }
        _ => mannered(received),
    });
    let (outcome, _) = run_client(case, peer.extensions("permessage-deflate"));
    (outcome.verdict, outcome.summary)
}

/// Rule and expectation of a case.
fn asked(id: &str) -> (String, String) {
    let case = suite().get(id.parse().unwrap()).unwrap();
    (case.rules[0].summary.to_owned(), case.expectation.to_string())
}

#[test]
fn the_rule_of_a_message_that_is_cut_off_contradicted_its_verdicts() {
    let (rule, expectation) = asked("21.3.7");
    assert!(rule.ends_with("that it notices a missing end is asked for nowhere"), "{rule}");
    assert!(expectation.starts_with("The connection is failed"), "{expectation}");
    assert!(
        expectation.ends_with("To deliver \"Helh\", which is what it holds, is not strict."),
        "{expectation}"
    );
    assert_eq!(judged("21.3.7", [&[FAILS], NOTHING]).0, Verdict::Pass);
    let (verdict, words) = judged("21.3.7", [&[(Opcode::TEXT, b"Helh")], NOTHING]);
    assert_eq!(verdict, Verdict::NonStrict);
    let told = "It was taken, and what it holds was delivered (an inflater need not notice that the end is missing).";
    assert_eq!(words, told);
    for other in [&[HELLO][..], &[(Opcode::TEXT, b"Hel")]] {
        let (verdict, words) = judged("21.3.7", [other, NOTHING]);
        assert_eq!(verdict, Verdict::Fail, "the rule: nothing else is delivered");
        assert!(words.contains("Hel"), "{words}");
    }
}

#[test]
fn the_rule_of_a_payload_without_its_last_octet_contradicted_its_verdicts() {
    let (rule, expectation) = asked("21.3.8");
    assert!(rule.ends_with("that it notices a missing end is asked for nowhere"), "{rule}");
    assert!(expectation.ends_with("it comes back, or the connection is failed."), "{expectation}");
    let (verdict, words) = judged("21.3.8", [&[HELLO], &[HELLO]]);
    assert_eq!(verdict, Verdict::Info);
    assert_eq!(words, "What was sent was taken as it is meant.");
    let (verdict, words) = judged("21.3.8", [&[FAILS], NOTHING]);
    assert_eq!(verdict, Verdict::Info);
    assert_eq!(words, "What was sent was refused.");
    assert_eq!(judged("21.3.8", [NOTHING, &[HELLO]]).0, Verdict::Timeout, "one is missing");
}

#[test]
fn a_second_message_was_expected_also_where_the_first_is_refused() {
    let (_, expectation) = asked("21.2.10");
    assert!(expectation.ends_with("and then the second, or the connection is failed."), "{expectation}");
    assert_eq!(judged("21.2.10", [&[(Opcode::TEXT, b"")], &[HELLO]]).0, Verdict::Info);
    assert_eq!(judged("21.2.10", [&[FAILS], NOTHING]).0, Verdict::Info);
    assert_eq!(judged("21.2.10", [NOTHING, &[HELLO]]).0, Verdict::Fail);
}
