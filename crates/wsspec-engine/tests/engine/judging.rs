//! Verdicts: the reference's two words, the native one, and what is said to people.

use wsspec_cases::words::{binary_message, message, peer_fails, ponged, secs, text, we_close};
use wsspec_cases::{
    Case, CloseRule, Conclusion, Cost, Driver, Event, Grade, Opened, Outbox, Step, Tolerance, suite,
};
use wsspec_engine::testing::{Pair, PeerTransmit};
use wsspec_engine::{
    Behavior, BehaviorClose, CaseRun, LogKind, Outcome, Settings, TcpEnd, TesterRole, Verdict, Wanted, judge,
};
use wsspec_wire::Opcode;

use crate::common::{
    Frame, Scripted, case, fin, frame, mannered, masked, observe_client, playable, request, run_client,
};

fn hello() -> Case {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    case.ok([message("Hello")]).expect("The message comes back.");
    case
}

/// A server that answers text with this, and Close frames with this code.
fn answers(opcode: Opcode, payload: &'static [u8], code: u16) -> Scripted {
    Scripted::server(move |in_frame| match in_frame.header.opcode {
        Opcode::TEXT => vec![frame(opcode, payload)],
        Opcode::CLOSE => vec![frame(Opcode::CLOSE, &code.to_be_bytes()), fin()],
        _ => vec![],
    })
}

fn outcome(case: &Case, peer: Scripted) -> Outcome {
    run_client(case, peer).0
}

fn failed_checks(outcome: &Outcome) -> Vec<&'static str> {
    outcome.checks.iter().filter(|check| !check.ok).map(|check| check.id).collect()
}

#[test]
fn scripts_of_users_find_the_sentences_that_they_compare() {
    let good = outcome(&hello(), answers(Opcode::TEXT, b"Hello", 1000));
    assert_eq!(good.result, "Actual events match at least one expected.");
    let bad = outcome(&hello(), answers(Opcode::TEXT, b"Hullo", 1000));
    assert_eq!(bad.result, "Actual events differ from any expected.");
    let mut strict = hello();
    strict.close = we_close([1000, 1002]).wrong_code_fails();
    let wrong = outcome(&strict, answers(Opcode::TEXT, b"Hello", 1003));
    assert_eq!(wrong.result_close, "The close code should have been 1000,1002 or empty");
    assert_eq!(wrong.result, wrong.result_close);
}

#[test]
fn the_first_accepted_outcome_that_matches_counts_and_equality_is_exact() {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    case.ok([message("Hello")]).non_strict([], "because").non_strict([ponged("Hello")], "because");
    let silent = || {
        Scripted::server(|frame| if frame.header.opcode == Opcode::CLOSE { mannered(frame) } else { vec![] })
    };
    let graded = |peer| outcome(&case, peer).behavior;
    assert_eq!(graded(answers(Opcode::TEXT, b"Hello", 1000)), Behavior::Ok);
    assert_eq!(graded(silent()), Behavior::NonStrict);
    assert_eq!(graded(answers(Opcode::PONG, b"Hello", 1000)), Behavior::NonStrict);
    assert_eq!(graded(answers(Opcode::BINARY, b"Hello", 1000)), Behavior::Failed);
    assert_eq!(graded(answers(Opcode::TEXT, b"Hell", 1000)), Behavior::Failed);
    let twice = Scripted::server(|in_frame| match in_frame.header.opcode {
        Opcode::TEXT => [mannered(in_frame), mannered(in_frame)].concat(),
        _ => mannered(in_frame),
    });
    assert_eq!(graded(twice), Behavior::Failed, "nothing extra");
}

#[test]
fn a_wrong_code_fails_the_behaviour_only_where_the_case_says_so() {
    let with = |close: CloseRule| {
        let mut case = hello();
        case.close = close;
        outcome(&case, answers(Opcode::TEXT, b"Hello", 1003))
    };
    let lax = with(we_close([1000]));
    assert_eq!((lax.behavior, lax.behavior_close), (Behavior::Ok, BehaviorClose::WrongCode));
    assert_eq!(lax.verdict, Verdict::NonStrict);
    assert_eq!(failed_checks(&lax), ["close.code"]);
    let strict = with(we_close([1000]).wrong_code_fails());
    assert_eq!((strict.behavior, strict.behavior_close), (Behavior::Failed, BehaviorClose::WrongCode));
    assert_eq!(strict.verdict, Verdict::Fail);
}

#[test]
fn no_code_at_all_is_accepted() {
    let peer = Scripted::server(|in_frame| match in_frame.header.opcode {
        Opcode::CLOSE => vec![frame(Opcode::CLOSE, b""), fin()],
        _ => mannered(in_frame),
    });
    let outcome = outcome(&hello(), peer);
    assert_eq!((outcome.behavior_close, outcome.verdict), (BehaviorClose::Ok, Verdict::Pass));
}

#[test]
fn the_wrong_end_fails_the_behaviour_only_where_the_case_says_so() {
    let with = |close: CloseRule| {
        let mut case = case([Step::Send(text("bad")), Step::FailAfter(secs(1))]);
        case.ok([]).close(close);
        let lenient =
            Scripted::server(
                |frame| if frame.header.opcode == Opcode::CLOSE { mannered(frame) } else { vec![] },
            );
        outcome(&case, lenient)
    };
    let lax = with(peer_fails([1007]));
    assert_eq!((lax.behavior, lax.behavior_close), (Behavior::Ok, BehaviorClose::Failed));
    assert_eq!(lax.verdict, Verdict::Fail, "the peer had to fail the connection");
    let strict = with(peer_fails([1007]).wrong_end_fails());
    assert_eq!((strict.behavior, strict.behavior_close), (Behavior::Failed, BehaviorClose::Failed));
}

#[test]
fn an_informational_case_informs_whatever_happens_but_not_if_it_never_ran() {
    let mut case = hello();
    case.informational("left open by the RFC");
    for payload in [&b"Hello"[..], b"Hullo"] {
        let outcome = outcome(&case, answers(Opcode::TEXT, payload, 1003));
        let words = (outcome.behavior, outcome.behavior_close, outcome.verdict);
        assert_eq!(words, (Behavior::Informational, BehaviorClose::Informational, Verdict::Info));
    }
    let why = "no route".to_string();
    let outcome = wsspec_engine::unreachable(&case, TesterRole::Client, why);
    assert_eq!(outcome.verdict, Verdict::Error);
}

#[test]
fn the_summary_names_the_cause() {
    let cases: [(Scripted, &str); 4] = [
        (answers(Opcode::TEXT, b"Hullo", 1000), "What came back differs from octet 1 on: Text \"Hullo\"."),
        (answers(Opcode::PONG, b"\x00\xFF", 1000), "Pong 00 ff came instead of Text \"Hello\"."),
        (
            Scripted::server(|_| vec![fin()]),
            "The peer ended TCP without a Close frame before Text \"Hello\" came.",
        ),
        (
            Scripted::server(
                |frame| if frame.header.opcode == Opcode::CLOSE { mannered(frame) } else { vec![] },
            ),
            "Text \"Hello\" did not come back in 1 s.",
        ),
    ];
    for (peer, expected) in cases {
        assert_eq!(outcome(&hello(), peer).summary, expected);
    }
}

#[test]
fn what_the_peer_sends_is_escaped_and_cut_in_texts() {
    let mut case = hello();
    case.ok([binary_message("x")]);
    let outcome = outcome(
        &case,
        answers(Opcode::TEXT, b"\x1B[2Ja\"b\nabcdefghijklmnopqrstuvwxyz0123456789ABCDEF", 1000),
    );
    let told = format!("{} {}", outcome.summary, outcome.checks[0].observed);
    assert!(!told.contains(['\x1B', '\n']), "{told}");
    assert!(told.contains("\\x1b[2Ja\"b\\n") && told.contains("\"… (50 octets)"), "{told}");
}

#[test]
fn a_failed_check_points_at_what_shows_it() {
    let failed = outcome(&hello(), answers(Opcode::TEXT, b"Hullo", 1000));
    let check = failed.checks.iter().find(|check| !check.ok).unwrap();
    let entry = &failed.observation.log.entries[check.entry.expect("an entry")];
    assert!(matches!(&entry.kind, LogKind::Frame { payload, .. } if &payload.kept[..] == b"Hullo"));
}

#[test]
fn a_peer_that_failed_the_connection_is_not_asked_to_do_so() {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    case.ok([message("Hello")]).close(peer_fails([1002]));
    let twice = Scripted::server(|in_frame| match in_frame.header.opcode {
        Opcode::TEXT => {
            let echo = || frame(Opcode::TEXT, &in_frame.payload);
            vec![echo(), echo(), frame(Opcode::CLOSE, &1002_u16.to_be_bytes()), fin()]
        }
        _ => vec![],
    });
    let told = |outcome: &Outcome| outcome.checks.iter().find(|check| !check.ok).unwrap().expected.clone();
    assert_eq!(told(&outcome(&case, twice)), Wanted::NothingAfter { count: 1 });
    let open = outcome(&case, answers(Opcode::TEXT, b"Hello", 1000));
    assert_eq!(told(&open), Wanted::failing());
}

#[test]
fn checks_behind_the_end_of_a_case_are_told_as_not_reached() {
    let unreached = |outcome: &Outcome| -> Vec<&'static str> {
        assert!(outcome.not_reached.iter().all(|check| check.ok && check.entry.is_none()));
        outcome.not_reached.iter().map(|check| check.id).collect()
    };
    let good = outcome(&hello(), answers(Opcode::TEXT, b"Hello", 1000));
    assert_eq!(unreached(&good), [""; 0]);
    let wrong_code = outcome(&hello(), answers(Opcode::TEXT, b"Hello", 1003));
    assert_eq!((failed_checks(&wrong_code), unreached(&wrong_code)), (vec!["close.code"], vec!["close.tcp"]));
    let silent = outcome(&hello(), Scripted::server(|_| vec![]));
    assert_eq!(unreached(&silent), ["close.code", "close.tcp"]);
    // Of what is judged by a profile, too.
    let open = outcome(suite().get("16.1.1".parse().unwrap()).unwrap(), Scripted::server(|_| vec![]));
    assert_eq!(unreached(&open), ["close.code", "close.tcp"]);
}

#[test]
fn the_fragments_that_the_tester_sent_are_counted() {
    let mut case = case([Step::SendMessage(text("0123456789").in_fragments_of(4)), Step::FailAfter(secs(1))]);
    case.ok([message("0123456789")]);
    let mut whole = Vec::new();
    let peer = Scripted::server(move |in_frame| match in_frame.header.opcode {
        Opcode::TEXT | Opcode::CONTINUATION => {
            whole.extend_from_slice(&in_frame.payload);
            if in_frame.header.fin { vec![frame(Opcode::TEXT, &whole)] } else { vec![] }
        }
        _ => mannered(in_frame),
    });
    let (mut observation, _) = observe_client(&case, peer);
    let good = judge(&case, observation.clone());
    assert_eq!((good.verdict, good.behavior), (Verdict::Pass, Behavior::Ok));
    assert!(good.checks.iter().any(|check| check.id == "frames.sent"));
    *observation.stats.tx_frames.get_mut(&0).unwrap() += 1;
    let bad = judge(&case, observation);
    assert_eq!((bad.verdict, bad.behavior), (Verdict::Fail, Behavior::Failed));
    assert_eq!(failed_checks(&bad), ["frames.sent"]);
}

/// Concludes with this when the first message comes.
struct Concludes(Conclusion);

impl Driver for Concludes {
    fn open(&mut self, _: &Opened, out: &mut Outbox) {
        out.push(Step::Send(text("Hello")));
        out.push(Step::CloseAfter(secs(10)));
    }

    fn event(&mut self, _: &Event, out: &mut Outbox) {
        out.conclude(self.0.clone());
        out.push(Step::Close(wsspec_cases::words::close(1000)));
    }

    fn unfinished(&self) -> Conclusion {
        Conclusion::new(Grade::Failed, "Did not receive message within 10 seconds.")
    }

    fn largest_message(&self) -> usize {
        5
    }
}

fn driven(conclusion: Conclusion) -> Outcome {
    let mut case = case([]);
    case.drive("echoes", move || Concludes(conclusion.clone()));
    outcome(&case, Scripted::server(mannered))
}

#[test]
fn a_driver_gives_both_verdicts() {
    let passed = driven(Conclusion::new(Grade::Ok, "Good."));
    assert_eq!((passed.verdict, passed.behavior), (Verdict::Pass, Behavior::Ok));
    assert_eq!((&passed.result[..], &passed.summary[..]), ("Good.", "Good."));
    let altered =
        driven(Conclusion { reference_grade: Some(Grade::Ok), ..Conclusion::new(Grade::Failed, "Bad.") });
    assert_eq!((altered.verdict, altered.behavior), (Verdict::Fail, Behavior::Ok));
    assert_eq!(failed_checks(&altered), ["events"]);
    let skipped = driven(Conclusion::new(Grade::Unimplemented, "No such extension."));
    assert_eq!((skipped.verdict, skipped.behavior), (Verdict::NotApplicable, Behavior::Unimplemented));
    assert_eq!(skipped.summary, "No such extension.");
}

#[test]
fn a_case_that_is_driven_and_never_concluded_keeps_the_sentence_of_its_driver() {
    let mut case = case([]);
    case.drive("echoes", || Concludes(Conclusion::new(Grade::Ok, "Good.")));
    let (outcome, _) = run_client(&case, Scripted::server(|_| vec![fin()]));
    assert_eq!(outcome.result, "Did not receive message within 10 seconds.");
    assert_eq!(outcome.verdict, Verdict::Fail);
}

#[test]
fn a_stimulus_that_may_be_refused_is_graded_as_the_case_says() {
    use Tolerance::{BetterNotRefuse, Either, MayRefuse};
    use Verdict::{Fail, Info, NonStrict, Pass};
    let takes = || answers(Opcode::TEXT, b"Hello", 1000);
    let refuses = |code: u16| {
        Scripted::server(move |in_frame| match in_frame.header.opcode {
            Opcode::TEXT => vec![frame(Opcode::CLOSE, &code.to_be_bytes()), fin()],
            _ => vec![],
        })
    };
    for (grades, taken, refused) in
        [(Either, Info, Info), (MayRefuse, Pass, Info), (BetterNotRefuse("because".into()), Pass, NonStrict)]
    {
        let mut case = hello();
        case.accepts.clear();
        case.tolerates([message("Hello")], [1007]).grading(grades.clone());
        let verdict = |peer| outcome(&case, peer).verdict;
        assert_eq!(verdict(takes()), taken, "{grades:?}");
        assert_eq!(verdict(refuses(1007)), refused, "{grades:?}");
        assert_eq!(verdict(refuses(1011)), NonStrict, "{grades:?}: another code");
        let silently = verdict(Scripted::server(|frame| match frame.header.opcode {
            Opcode::TEXT => vec![fin()],
            _ => vec![],
        }));
        assert_eq!(silently, if grades == Either { Info } else { NonStrict }, "{grades:?}: no Close frame");
        assert_eq!(verdict(answers(Opcode::TEXT, b"Hel", 1000)), Fail, "{grades:?}: another text");
    }
}

#[test]
fn the_echo_of_the_code_that_the_tester_gave_up_with_is_no_second_fault() {
    let silent = || {
        Scripted::server(|frame| if frame.header.opcode == Opcode::CLOSE { mannered(frame) } else { vec![] })
    };
    let lax = outcome(&hello(), silent());
    assert_eq!(lax.observation.close.remote_code, Some(1001));
    assert_eq!((lax.verdict, failed_checks(&lax)), (Verdict::Timeout, vec!["events"]), "{}", lax.summary);
    // Where nothing else is wrong the code is judged as ever.
    let mut tolerant = hello();
    tolerant.ok([]);
    let ran_out = outcome(&tolerant, silent());
    assert_eq!((ran_out.verdict, failed_checks(&ran_out)), (Verdict::NonStrict, vec!["close.code"]));
    let other = outcome(&hello(), answers(Opcode::PONG, b"no", 1003));
    assert_eq!(failed_checks(&other), ["events", "close.code"], "a code of the peer's own");
}

/// What becomes of a client that agreed to `client_max_window_bits` and then does this about each frame that it gets.
fn agrees_then(id: &str, begin: Vec<PeerTransmit>, react: fn(&Frame) -> Vec<PeerTransmit>) -> Outcome {
    let case = suite().get(id.parse().unwrap()).unwrap();
    let request = request(Some("permessage-deflate; client_max_window_bits"));
    let run = CaseRun::server(case, &request, Settings::default());
    let (observation, _) = Pair::new(run, Scripted::client(begin, react)).finish();
    judge(case, observation)
}

#[test]
fn a_client_that_refuses_a_window_is_not_failed_for_it() {
    let code = |code: u16| vec![masked(Opcode::CLOSE, &code.to_be_bytes()), fin()];
    let reset = vec![PeerTransmit::End(TcpEnd::PeerReset)];
    for refusal in [vec![fin()], reset, code(1010), code(1002)] {
        for id in ["22.4.1", "22.2.5", "22.2.7"] {
            let refused = agrees_then(id, refusal.clone(), |_| vec![]);
            assert_eq!(refused.verdict, Verdict::NotApplicable, "{id}, {refusal:?}: {}", refused.summary);
            assert_eq!(refused.summary, "The client fails the connection at what the response asks for.");
        }
        let largest = agrees_then("22.4.8", refusal, |_| vec![]);
        assert_eq!(largest.verdict, Verdict::Fail, "15 bits is what it uses anyway: {}", largest.summary);
    }
}

#[test]
fn a_client_that_accepts_a_window_and_then_gives_up_fails() {
    let outcome = agrees_then("22.4.1", vec![], |frame| match frame.header.opcode {
        Opcode::PING => vec![masked(Opcode::PONG, &frame.payload)],
        _ => vec![fin()],
    });
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", outcome.summary);
    assert!(outcome.summary.contains("the peer ended the connection"), "{}", outcome.summary);
    let silent = agrees_then("22.4.1", vec![], |_| vec![]);
    assert!(silent.verdict.is_failure(), "{}", silent.summary);
    let unlawful = agrees_then("22.4.1", vec![frame(Opcode::CLOSE, b"\x03\xe8"), fin()], |_| vec![]);
    assert_eq!(unlawful.verdict, Verdict::Fail, "an unmasked frame: {}", unlawful.summary);
}

/// A case with a server that answers the nth frame like this, and says nothing else.
fn at_frame(id: &str, nth: usize, answer: Vec<PeerTransmit>) -> Outcome {
    let (mut count, mut answer) = (0, Some(answer));
    let server = Scripted::server(move |_| {
        count += 1;
        if count == nth { answer.take().unwrap_or_default() } else { vec![] }
    });
    outcome(suite().get(id.parse().unwrap()).unwrap(), server)
}

#[test]
fn a_peer_that_waits_for_a_length_that_cannot_be_is_non_strict() {
    for id in ["15.2.1", "15.2.2", "15.2.3", "15.2.4", "15.2.5", "15.2.6", "15.2.8"] {
        let waits = at_frame(id, 1, vec![frame(Opcode::TEXT, b"alive")]);
        assert_eq!(waits.verdict, Verdict::NonStrict, "{id}: {}", waits.summary);
        assert!(waits.summary.contains("waits for more (RFC 6455 5.2 binds the sender"), "{}", waits.summary);
        let dead = at_frame(id, usize::MAX, vec![]);
        assert_eq!(dead.verdict, Verdict::Fail, "{id}: {}", dead.summary);
    }
}

#[test]
fn a_peer_that_limits_pings_is_not_failed_for_it() {
    let closes = |code: u16| vec![frame(Opcode::CLOSE, &code.to_be_bytes()), fin()];
    for id in ["16.5.1", "16.5.2"] {
        for (answer, verdict) in [
            (closes(1008), Verdict::Info),
            (closes(1000), Verdict::NonStrict),
            (vec![fin()], Verdict::NonStrict),
            (vec![frame(Opcode::BINARY, b"never sent")], Verdict::Fail),
            (vec![], Verdict::Timeout),
        ] {
            let outcome = at_frame(id, 60, answer.clone());
            assert_eq!(outcome.verdict, verdict, "{id} {answer:?}: {}", outcome.summary);
        }
    }
    let few = at_frame("16.5.3", 2, vec![fin()]);
    assert_eq!(few.verdict, Verdict::Fail, "three are no flood: {}", few.summary);
}

#[test]
fn a_close_frame_that_ends_with_tcp_need_not_be_answered() {
    let ended = at_frame("18.6.7", 1, vec![fin()]);
    assert_eq!(ended.verdict, Verdict::NonStrict, "{}", ended.summary);
    let silent = at_frame("18.6.7", 1, vec![]);
    assert_eq!(silent.verdict, Verdict::Fail, "{}", silent.summary);
}

#[test]
fn of_two_messages_in_one_read_the_wrong_one_is_marked() {
    let peer = Scripted::server(|in_frame| match in_frame.header.opcode {
        Opcode::TEXT => {
            let texts = [frame(Opcode::TEXT, b"Hullo"), frame(Opcode::TEXT, b"Hello")];
            let both = texts.into_iter().flat_map(|text| match text {
                PeerTransmit::Octets(octets) => octets,
                PeerTransmit::End(_) => vec![],
            });
            vec![PeerTransmit::Octets(both.collect())]
        }
        _ => mannered(in_frame),
    });
    let outcome = outcome(&hello(), peer);
    assert_eq!(marked(&outcome), Some(b"Hullo".to_vec()));
}

/// The payload of the frame that the first failed check points at.
fn marked(outcome: &Outcome) -> Option<Vec<u8>> {
    let check = outcome.checks.iter().find(|check| !check.ok)?;
    match &outcome.observation.log.entries[check.entry?].kind {
        LogKind::Frame { payload, .. } => Some(payload.kept.to_vec()),
        _ => None,
    }
}

/// Servers of which each is wrong in another way.
fn wrong_servers() -> [fn(&Frame) -> Vec<PeerTransmit>; 6] {
    [
        |_| vec![],
        |_| vec![fin()],
        |_| vec![frame(Opcode::CLOSE, &1003_u16.to_be_bytes())],
        |_| vec![frame(Opcode::TEXT, b"no")],
        |in_frame| [mannered(in_frame), mannered(in_frame)].concat(),
        |in_frame| match in_frame.header.opcode {
            Opcode::CLOSE => vec![frame(Opcode::CLOSE, b""), frame(Opcode::TEXT, b"more")],
            _ => mannered(in_frame),
        },
    ]
}

#[test]
fn the_checks_of_cases_with_profiles_that_failed_pointed_nowhere() {
    let single = |case: &&Case| case.profile.is_some() && case.connections() == 1 && case.cost == Cost::Usual;
    let mut failed = 0;
    for case in playable(TesterRole::Client).filter(single) {
        for server in wrong_servers() {
            let (outcome, _) = run_client(case, Scripted::server(server));
            let is_frame = |kind: &LogKind| matches!(kind, LogKind::Frame { .. });
            let log = &outcome.observation.log;
            if !log.entries.iter().any(|entry| is_frame(&entry.kind)) {
                continue;
            }
            for check in outcome.checks.iter().filter(|check| !check.ok) {
                failed += 1;
                assert!(check.entry.is_some(), "{}: {check:?}", case.id);
            }
        }
    }
    assert!(failed > 100, "only {failed} checks failed");
}

#[test]
fn a_message_that_is_not_answered_is_marked() {
    let silent = Scripted::server(|in_frame| match in_frame.header.opcode {
        Opcode::CLOSE => mannered(in_frame),
        _ => vec![],
    });
    assert_eq!(marked(&outcome(&hello(), silent)), Some(b"Hello".to_vec()));
}

/// What the first failed check points at.
fn marked_entry(outcome: &Outcome) -> Option<&LogKind> {
    let check = outcome.checks.iter().find(|check| !check.ok)?;
    Some(&outcome.observation.log.entries[check.entry?].kind)
}

#[test]
fn the_lawful_answer_to_the_close_frame_of_a_tester_that_had_waited_in_vain_was_marked() {
    let mut unknown = case([Step::Send(text("a")), Step::FailAfter(secs(1))]);
    unknown.ok([]).close(peer_fails([1002]));
    let closes = |in_frame: &Frame| match in_frame.header.opcode {
        Opcode::CLOSE => mannered(in_frame),
        _ => vec![],
    };
    let outcome = outcome(&unknown, Scripted::server(closes));
    assert_eq!(failed_checks(&outcome)[0], "close.initiator");
    assert!(matches!(marked_entry(&outcome), Some(LogKind::FailTimerFired)), "{outcome:?}");
    let mut silent = case([]);
    silent.drive("echoes", || Concludes(Conclusion::new(Grade::Ok, "Good.")));
    let (outcome, _) = run_client(&silent, Scripted::server(closes));
    assert!(matches!(marked_entry(&outcome), Some(LogKind::CloseTimerFired)), "{outcome:?}");
}

#[test]
fn of_traffic_that_is_not_recorded_the_end_was_marked() {
    let mut loud = case([]);
    loud.drive("echoes", || Concludes(Conclusion::new(Grade::Failed, "Echo 1 is not the message.")));
    loud.measures.quiet = true;
    let (outcome, _) = run_client(&loud, Scripted::server(mannered));
    assert!(matches!(marked_entry(&outcome), Some(LogKind::Recording(false))), "{outcome:?}");
    let (outcome, _) = run_client(&loud, Scripted::server(|_| vec![fin()]));
    assert!(matches!(marked_entry(&outcome), Some(LogKind::TcpEnd(TcpEnd::PeerFin))), "{outcome:?}");
}

#[test]
fn a_fault_found_while_closing_was_marked_where_the_tester_gave_up() {
    let peer = Scripted::server(|in_frame| match in_frame.header.opcode {
        Opcode::CLOSE => vec![PeerTransmit::Octets(b"\x83\x0anew".to_vec())],
        _ => mannered(in_frame),
    });
    let outcome = outcome(&hello(), peer);
    assert_eq!(marked(&outcome), Some(b"new".to_vec()));
    let is_begun = |kind: &LogKind| matches!(kind, LogKind::Frame { header, payload, .. } if header.length > payload.len);
    let log = &outcome.observation.log.entries;
    assert_eq!(log.iter().filter(|entry| is_begun(&entry.kind)).count(), 1, "{log:?}");
    let frames = &outcome.observation.stats.rx_frames;
    assert_eq!(frames.get(&3), None, "a frame that did not come is not counted");
}

#[test]
fn a_frame_that_never_comes_to_its_end_is_in_the_log() {
    let peer = Scripted::server(|_| vec![PeerTransmit::Octets(b"\x81\x0anew".to_vec()), fin()]);
    let outcome = outcome(&hello(), peer);
    let kinds: Vec<_> =
        outcome.observation.log.entries.iter().rev().take(2).map(|entry| &entry.kind).collect();
    let [LogKind::TcpEnd(TcpEnd::PeerFin), LogKind::Frame { header, payload, .. }] = kinds[..] else {
        panic!("{kinds:?}")
    };
    assert_eq!((header.length, payload.len, &payload.kept[..]), (10, 3, &b"new"[..]));
}

#[test]
fn a_breach_is_marked_at_its_frame_and_not_where_the_tester_gives_up() {
    let breaks = |payload: &'static [u8], opcode| {
        let peer = Scripted::server(move |in_frame| match in_frame.header.opcode {
            Opcode::TEXT => {
                let (PeerTransmit::Octets(mut good), PeerTransmit::Octets(bad)) =
                    (frame(Opcode::PONG, b"unasked"), frame(opcode, payload))
                else {
                    return vec![];
                };
                good.extend(bad);
                vec![PeerTransmit::Octets(good)]
            }
            _ => mannered(in_frame),
        });
        marked(&outcome(&hello(), peer))
    };
    assert_eq!(breaks(b"a\xFFb", Opcode::TEXT), Some(b"a\xFFb".to_vec()), "in the middle");
    assert_eq!(breaks(b"ab\xC3", Opcode::TEXT), Some(b"ab\xC3".to_vec()), "at the end");
    assert_eq!(breaks(b"no such", Opcode::new(3)), Some(b"no such".to_vec()), "in the header");
    assert_eq!(breaks(b"\x03\xED", Opcode::CLOSE), Some(b"\x03\xED".to_vec()), "in the Close frame");
}
