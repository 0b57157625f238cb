//! What a peer does in passing is taken down in every case, changes nothing there, and is judged at the end.

use wsspec_cases::words::{message, secs, text};
use wsspec_cases::{Case, CaseId, DeflatePlan, Roles, Step, suite};
use wsspec_engine::{
    Behavior, BehaviorClose, Outcome, TesterRole, Verdict, Watched, judge, passive_outcomes,
};
use wsspec_wire::{FrameHeader, LengthForm, Opcode, Rsv};

use crate::common::{Frame, Scripted, case, mannered, observe_client, octets, with_header};
use wsspec_engine::testing::PeerTransmit;

fn passive() -> Vec<&'static Case> {
    suite().cases().iter().filter(|case| case.is_passive() && case.roles != Roles::Server).collect()
}

fn outcomes(seen: &[(&str, Watched)]) -> Vec<Outcome> {
    let seen: Vec<(CaseId, Watched)> = seen.iter().map(|(id, w)| (id.parse().unwrap(), w.clone())).collect();
    passive_outcomes(&passive(), TesterRole::Client, &seen)
}

/// The same for the cases that are not about compression.
fn plain_outcomes(seen: &[(&str, Watched)]) -> Vec<Outcome> {
    let mut outcomes = outcomes(seen);
    outcomes.retain(|outcome| outcome.id.section() < 21);
    outcomes
}

/// What is seen of a server that answers a text like this.
fn watched(answer: impl Fn() -> PeerTransmit + 'static) -> Watched {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    case.ok([message("Hello")]);
    let react = move |frame: &Frame| match frame.header.opcode {
        Opcode::TEXT => vec![answer()],
        _ => mannered(frame),
    };
    observe_client(&case, Scripted::server(react)).0.watched
}

/// The passive cases that this answer fails, and what is found.
fn failed(answer: impl Fn() -> PeerTransmit + 'static) -> Vec<(String, String)> {
    let outcomes = outcomes(&[("1.1.1", watched(answer))]);
    let failed = outcomes.into_iter().filter(|outcome| outcome.verdict == Verdict::Fail);
    failed.map(|outcome| (outcome.id.to_string(), outcome.summary)).collect()
}

fn header(opcode: Opcode, len: u64) -> FrameHeader {
    FrameHeader::new(opcode, len)
}

#[test]
fn a_lawful_peer_passes_all() {
    let seen = watched(|| with_header(header(Opcode::TEXT, 5), b"Hello"));
    assert_eq!((seen.frames, &seen.breaches[..]), (2, &[][..]));
    for outcome in plain_outcomes(&[("1.1.1", seen)]) {
        assert_eq!(outcome.verdict, Verdict::Pass, "{}: {}", outcome.id, outcome.summary);
    }
}

#[test]
fn a_run_without_a_frame_says_nothing() {
    for outcome in outcomes(&[("1.1.1", Watched::default())]).into_iter().chain(outcomes(&[])) {
        assert_eq!(outcome.verdict, Verdict::NotApplicable, "{}", outcome.id);
    }
}

#[test]
fn each_breach_fails_its_case_alone() {
    type Spoil = fn() -> PeerTransmit;
    let breaches: [(&str, Spoil); 10] = [
        ("14.4.1", || {
            let masked = FrameHeader { mask: Some([0; 4]), ..header(Opcode::TEXT, 5) };
            with_header(masked, b"Hello")
        }),
        ("15.5.1", || {
            let long = FrameHeader { length_form: LengthForm::Bits16, ..header(Opcode::TEXT, 5) };
            with_header(long, b"Hello")
        }),
        ("16.7.1", || with_header(FrameHeader { rsv: Rsv::RSV1, ..header(Opcode::TEXT, 0) }, b"")),
        ("16.7.1", || with_header(FrameHeader { rsv: Rsv::RSV2, ..header(Opcode::PING, 0) }, b"")),
        ("16.7.2", || with_header(FrameHeader { fin: false, ..header(Opcode::PING, 0) }, b"")),
        ("16.7.2", || with_header(header(Opcode::PING, 126), &[0; 126])),
        ("16.7.3", || with_header(header(Opcode::new(3), 0), b"")),
        ("16.7.4", || with_header(header(Opcode::CONTINUATION, 0), b"")),
        ("16.7.4", || octets([0x01, 0x00, 0x81, 0x00])),
        ("16.7.5", || with_header(header(Opcode::TEXT, 1), &[0xff])),
    ];
    for (id, answer) in breaches {
        let failed = failed(answer);
        let ids: Vec<&str> = failed.iter().map(|(id, _)| &id[..]).collect();
        assert_eq!(ids, [id], "{failed:?}");
        assert!(failed[0].1.contains("case 1.1.1"), "{failed:?}");
    }
}

#[test]
fn a_header_that_breaks_several_rules_breaks_them_all() {
    let ids: Vec<String> = failed(|| octets([0x33, 0xfe, 0, 0])).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["14.4.1", "15.5.1", "16.7.1", "16.7.3"]);
}

#[test]
fn what_follows_a_wrong_header_counts_no_more() {
    let seen = watched(|| octets([0x83, 0x00, 0xc1, 0x00, 0x8a, 0xff]));
    assert_eq!(seen.breaches.len(), 1, "{:?}", seen.breaches);
}

#[test]
fn an_unsolicited_pong_is_told() {
    let seen = watched(|| with_header(header(Opcode::PONG, 0), b""));
    let told: Vec<_> = plain_outcomes(&[("2.1", seen.clone()), ("2.2", seen)])
        .into_iter()
        .filter(|outcome| outcome.verdict != Verdict::Pass)
        .map(|outcome| (outcome.id.to_string(), outcome.verdict, outcome.summary))
        .collect();
    let [(id, Verdict::Info, summary)] = &told[..] else { panic!("{told:?}") };
    assert!(id == "16.7.5" && summary.contains("2 times in 2 cases"), "{id}: {summary}");
}

/// What is seen of a server that agreed to compress and answers a text like this.
fn watched_compressing(rsv: Rsv, opcode: Opcode, payload: &'static [u8]) -> Watched {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    case.deflate(DeflatePlan::plain()).ok([message("Hello")]);
    let react = move |frame: &Frame| match frame.header.opcode {
        Opcode::TEXT => {
            let header = FrameHeader { rsv, ..header(opcode, payload.len() as u64) };
            vec![with_header(header, payload)]
        }
        _ => mannered(frame),
    };
    observe_client(&case, Scripted::server(react).extensions("permessage-deflate")).0.watched
}

#[test]
fn compressed_messages_are_watched_where_there_are_any() {
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let with_tail = b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff";
    for (rsv, opcode, payload, failing) in [
        (Rsv::RSV1, Opcode::TEXT, &hello[..], None),
        (Rsv::RSV1, Opcode::PING, &hello[..], Some("21.5.1")),
        (Rsv::RSV1, Opcode::TEXT, &hello[..4], Some("21.5.2")),
        (Rsv::RSV1, Opcode::TEXT, b"\x06", Some("21.5.2")),
        (Rsv::RSV1, Opcode::TEXT, with_tail, Some("21.5.3")),
    ] {
        let outcomes = outcomes(&[("21.2.1", watched_compressing(rsv, opcode, payload))]);
        let failed = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail);
        let ids: Vec<String> = failed.map(|outcome| outcome.id.to_string()).collect();
        assert_eq!(ids, failing.map(str::to_string).as_slice(), "{payload:02x?}");
    }
    let plain = outcomes(&[("1.1.1", watched_compressing(Rsv::NONE, Opcode::TEXT, b"Hello"))]);
    let mut compressed = plain.iter().filter(|outcome| outcome.id.section() == 21);
    assert!(compressed.clone().count() > 0);
    assert!(compressed.all(|outcome| outcome.verdict == Verdict::NotApplicable && outcome.checks.is_empty()));
}

#[test]
fn breaches_take_bounded_memory() {
    let flood = || octets([0x81, 0x01, 0xff].repeat(100_000));
    let seen = watched(flood);
    assert_eq!(seen.breaches.len(), 1);
    assert_eq!(seen.breaches[0].times, 100_000);
}

/// What the reference suite's verdict pair and ours are on the old case 7.1.1 with a server that answers the Close
/// frame like this, and which passive cases fail, or tell something.
fn old_case(
    answer: impl Fn() -> Vec<PeerTransmit> + 'static,
) -> ((Behavior, BehaviorClose), Verdict, Vec<String>) {
    let case = suite().get("7.1.1".parse().unwrap()).unwrap();
    let react = move |frame: &Frame| match frame.header.opcode {
        Opcode::CLOSE => answer(),
        _ => mannered(frame),
    };
    let observation = observe_client(case, Scripted::server(react)).0;
    let outcome = judge(case, observation);
    let passive = plain_outcomes(&[("7.1.1", outcome.observation.watched.clone())]);
    let found = passive.into_iter().filter(|outcome| outcome.verdict != Verdict::Pass);
    let ids = found.map(|outcome| outcome.id.to_string()).collect();
    ((outcome.behavior, outcome.behavior_close), outcome.verdict, ids)
}

#[test]
fn what_is_watched_changes_no_verdict_of_an_old_case() {
    let close = || crate::common::frame(Opcode::CLOSE, &1000u16.to_be_bytes());
    let text = || crate::common::frame(Opcode::TEXT, b"late");
    let pong = || crate::common::frame(Opcode::PONG, b"late");
    let end = crate::common::fin;
    let clean = old_case(move || vec![close(), end()]);
    assert_eq!(clean, ((Behavior::Ok, BehaviorClose::Ok), Verdict::Pass, vec![]));
    let (pair, verdict, found) = old_case(move || vec![close(), close(), end()]);
    assert_eq!((pair, verdict), (clean.0, clean.1));
    assert_eq!(found, ["18.9.1"]);
    // Messages and Pongs are events that the old case does not expect, here and in the reference.
    assert_eq!(old_case(move || vec![close(), text(), end()]).2, ["18.9.2"]);
    assert_eq!(old_case(move || vec![pong(), close(), end()]).2, ["16.7.5"]);
}

#[test]
fn breaches_of_the_closing_handshake_are_watched() {
    let close = |code: u16| crate::common::frame(Opcode::CLOSE, &code.to_be_bytes());
    let pong = || crate::common::frame(Opcode::PONG, b"");
    for (answers, id) in [
        (vec![close(1000), close(1000)], "18.9.1"),
        (vec![close(1000), crate::common::frame(Opcode::TEXT, b"x")], "18.9.2"),
        (vec![crate::common::frame(Opcode::CLOSE, b"\x03")], "18.9.3"),
        (vec![crate::common::frame(Opcode::CLOSE, b"\x03\xe8ab\xe2\x82")], "18.9.3"),
        (vec![close(1005)], "18.9.4"),
        (vec![close(1002), pong()], "18.9.5"),
    ] {
        let octets: Vec<u8> = answers
            .into_iter()
            .flat_map(|answer| match answer {
                PeerTransmit::Octets(octets) => octets,
                PeerTransmit::End(_) => vec![],
            })
            .collect();
        let ids: Vec<String> =
            failed(move || crate::common::octets(octets.clone())).into_iter().map(|(id, _)| id).collect();
        assert!(ids.contains(&id.to_string()), "{id}: {ids:?}");
    }
    for (code, id) in [(5000, "18.9.4"), (1010, "18.9.6")] {
        let seen = watched(move || close(code));
        let told = plain_outcomes(&[("1.1.1", seen)]);
        let told = told.iter().find(|outcome| outcome.id.to_string() == id).unwrap();
        assert_eq!(told.verdict, Verdict::Info, "{}", told.summary);
    }
}

#[test]
fn the_body_of_a_refusal_holds_no_frames() {
    let case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    let seen = observe_client(&case, Scripted::refusing(500)).0.watched;
    let failed: Vec<_> =
        outcomes(&[("1.1.1", seen)]).into_iter().filter(|outcome| outcome.verdict == Verdict::Fail).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
