//! The life of a connection: who closes, when, and what the flags say.

use std::time::Duration;

use wsspec_cases::words::{close, close_frame, elapsed, message, millis, ping, secs, text};
use wsspec_cases::{Case, CloseRule, FirstToClose, Grade, Step};
use wsspec_engine::testing::{Pair, PeerTransmit};
use wsspec_engine::{
    Behavior, BehaviorClose, CaseRun, Conduct, Settings, TcpEnd, TesterRole, Transmit, Verdict, judge,
};
use wsspec_wire::{FrameHeader, Opcode};

use crate::common::{
    Endpoint, Frame, Scripted, case, fin, frame, mannered, observe_client, opening, request, run_client,
    with_header,
};

fn echo_case() -> Case {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(1))]);
    case.ok([message("Hello")]);
    case
}

/// The same, with a timer that is later than those of the closing handshake.
fn patient_echo_case() -> Case {
    let mut case = case([Step::Send(text("Hello")), Step::FailAfter(secs(10))]);
    case.ok([message("Hello")]);
    case
}

/// A case in which the peer has to fail the connection.
fn failing_case() -> Case {
    let mut case = case([Step::Send(text("Hello").rsv(1)), Step::FailAfter(secs(1))]);
    case.ok([]).close(CloseRule::new(FirstToClose::Peer, vec![1002]).need_not_be_clean());
    case
}

/// The peer sends this Close frame as its answer to any first frame.
fn closes_first(body: &'static [u8], then: &[PeerTransmit]) -> Scripted {
    let then = then.to_vec();
    let mut closed = false;
    Scripted::server(move |_| {
        if std::mem::replace(&mut closed, true) {
            return then.clone();
        }
        vec![frame(Opcode::CLOSE, body)]
    })
}

fn opcodes(peer: &Scripted) -> Vec<Opcode> {
    peer.frames.iter().map(|frame| frame.header.opcode).collect()
}

#[test]
fn an_echo_is_followed_by_a_clean_close() {
    let (outcome, peer) = run_client(&echo_case(), Scripted::server(mannered));
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
    assert_eq!((outcome.behavior, outcome.behavior_close), (Behavior::Ok, BehaviorClose::Ok));
    let close = &outcome.observation.close;
    assert!(close.was_clean && close.closed_by_me && !close.dropped_by_me && !close.failed_by_me);
    assert_eq!((close.local_code, close.remote_code), (Some(1000), Some(1000)));
    assert_eq!(close.tcp, Some(TcpEnd::PeerFin));
    assert_eq!(outcome.observation.duration, Duration::ZERO);
    assert_eq!(outcome.observation.handshake.agent.as_deref(), Some("scripted"));
    assert_eq!(opcodes(&peer), [Opcode::TEXT, Opcode::CLOSE]);
    assert!(peer.frames.iter().all(|frame| frame.header.mask.is_some()), "a client masks");
}

#[test]
fn a_close_frame_of_the_peer_is_answered_with_1000() {
    let (outcome, peer) = run_client(&failing_case(), closes_first(b"\x03\xEAno", &[fin()]));
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
    assert_eq!(opcodes(&peer), [Opcode::TEXT, Opcode::CLOSE]);
    assert_eq!(peer.frames[1].payload, 1000u16.to_be_bytes());
    let close = &outcome.observation.close;
    assert!(close.was_clean && !close.closed_by_me && !close.dropped_by_me);
    assert_eq!((close.remote_code, close.remote_reason.as_deref()), (Some(1002), Some(&b"no"[..])));
}

#[test]
fn a_server_that_closes_first_and_keeps_tcp_is_dropped_by_the_timer_of_the_case() {
    let (outcome, peer) = run_client(&failing_case(), closes_first(b"\x03\xEA", &[]));
    assert_eq!(outcome.behavior_close, BehaviorClose::FailedByClient);
    assert_eq!(outcome.behavior, Behavior::Ok);
    assert_eq!(outcome.verdict, Verdict::NonStrict, "the server SHOULD end TCP");
    assert_eq!(outcome.observation.duration, secs(1));
    assert!(outcome.observation.close.dropped_by_me && outcome.observation.close.was_clean);
    assert!(peer.ended);
}

#[test]
fn a_server_that_closes_first_and_keeps_tcp_is_dropped_also_without_such_a_timer() {
    let mut case = case([Step::Send(text("Hello"))]);
    case.close(CloseRule::new(FirstToClose::Peer, vec![1002]).need_not_be_clean());
    let (outcome, _) = run_client(&case, closes_first(b"\x03\xEA", &[]));
    assert_eq!(outcome.observation.duration, Settings::default().linger_timeout);
    assert!(outcome.observation.close.was_server_connection_drop_timeout);
}

#[test]
fn a_close_frame_that_is_not_answered_is_waited_for_one_second() {
    let peer =
        Scripted::server(|frame| if frame.header.opcode == Opcode::TEXT { mannered(frame) } else { vec![] });
    let (outcome, _) = run_client(&patient_echo_case(), peer);
    assert_eq!(outcome.behavior_close, BehaviorClose::Unclean);
    assert_eq!(outcome.behavior, Behavior::Ok);
    assert_eq!(outcome.verdict, Verdict::Fail, "a Close frame MUST be answered");
    let close = &outcome.observation.close;
    assert!(close.was_close_handshake_timeout && close.dropped_by_me && !close.was_clean);
    assert_eq!(outcome.observation.duration, secs(1));
}

#[test]
fn a_server_has_one_second_to_drop_tcp_after_its_answer() {
    let peer = Scripted::server(|frame| mannered(frame).into_iter().take(1).collect());
    let (outcome, _) = run_client(&patient_echo_case(), peer);
    assert_eq!(outcome.behavior_close, BehaviorClose::Unclean);
    assert_eq!(outcome.verdict, Verdict::NonStrict, "a server SHOULD end TCP: {}", outcome.summary);
    assert!(outcome.observation.close.was_server_connection_drop_timeout);
    assert_eq!(outcome.observation.close.remote_code, Some(1000));
    assert_eq!(outcome.observation.duration, secs(1));
}

#[test]
fn fail_after_sends_going_away_and_the_case_timed_out() {
    let peer = Scripted::server(|frame| match frame.header.opcode {
        Opcode::CLOSE => mannered(frame),
        _ => vec![],
    });
    let (outcome, peer) = run_client(&echo_case(), peer);
    assert_eq!(outcome.verdict, Verdict::Timeout);
    assert_eq!(outcome.behavior, Behavior::Failed);
    assert_eq!(outcome.behavior_close, BehaviorClose::WrongCode, "1001 comes back, 1000 is expected");
    assert_eq!(peer.frames[1].payload, b"\x03\xE9Going Away");
    assert!(outcome.observation.close.failed_by_me && outcome.observation.ran_out);
    assert_eq!(outcome.observation.duration, secs(1));
}

#[test]
fn close_after_sends_an_empty_close_frame() {
    let case = case([Step::CloseAfter(millis(300))]);
    let (outcome, peer) = run_client(&case, Scripted::server(mannered));
    assert_eq!(opcodes(&peer), [Opcode::CLOSE]);
    assert!(peer.frames[0].payload.is_empty());
    assert_eq!(outcome.observation.close.local_code, None);
    assert_eq!(outcome.observation.duration, millis(300));
}

#[test]
fn with_two_accepted_outcomes_the_tester_does_not_close_on_a_match() {
    let mut case = echo_case();
    case.non_strict([], "nothing may come, too");
    let (outcome, peer) = run_client(&case, Scripted::server(mannered));
    assert_eq!(outcome.observation.duration, secs(1), "it waits for its timer");
    assert_eq!(peer.frames[1].payload, b"\x03\xE9Going Away");
    assert_eq!(outcome.behavior, Behavior::Ok, "the first outcome that matches counts");
}

#[test]
fn a_case_that_stays_open_is_not_closed_on_a_match() {
    let mut case = echo_case();
    case.close = case.close.clone().stays_open();
    let (outcome, _) = run_client(&case, Scripted::server(mannered));
    assert_eq!(outcome.observation.close.local_code, Some(1001));
    assert_eq!(outcome.observation.duration, secs(1));
}

#[test]
fn frames_go_out_behind_a_close_frame_but_no_second_closing_handshake_starts() {
    let steps = [
        Step::Close(close(1000)),
        Step::Send(ping("late")),
        Step::Close(close(1001)),
        Step::Send(close_frame("")),
    ];
    let (_, peer) = run_client(&case(steps), Scripted::server(|_| vec![]));
    assert_eq!(opcodes(&peer), [Opcode::CLOSE, Opcode::PING, Opcode::CLOSE]);
    assert_eq!(peer.frames[2].payload, b"", "the raw frame, not the second handshake");
}

#[test]
fn messages_count_after_a_close_frame_but_not_after_a_failure() {
    let late_echo = |failed: bool| {
        let mut steps = vec![Step::Send(text("Hello"))];
        steps.push(if failed { Step::FailAfter(Duration::ZERO) } else { Step::Close(close(1000)) });
        let mut case = case(steps);
        case.ok([message("Hello")]);
        let peer = Scripted::server(|in_frame| match in_frame.header.opcode {
            Opcode::CLOSE => {
                let mut out = vec![frame(Opcode::TEXT, b"Hello"), frame(Opcode::PONG, b"x")];
                out.extend(mannered(in_frame));
                out
            }
            _ => vec![],
        });
        observe_client(&case, peer).0.events.len()
    };
    assert_eq!(late_echo(false), 2, "the message and the pong");
    assert_eq!(late_echo(true), 1, "the pong only");
}

#[test]
fn a_wait_records_its_tag_and_goes_on() {
    let wait = |tag| Step::Wait { duration: secs(1), tag };
    let mut case = case([wait(None), wait(Some("A")), Step::Send(text("B")), Step::CloseAfter(secs(1))]);
    case.ok([elapsed("A"), message("B")]);
    let (outcome, _) = run_client(&case, Scripted::server(mannered));
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
    let entry = outcome.observation.event_entries[0].unwrap();
    assert_eq!(outcome.observation.log.entries[entry].at, secs(2));
    assert_eq!(outcome.observation.duration, secs(2));
}

#[test]
fn a_wait_with_a_tag_ends_the_script_once_the_connection_is_being_closed() {
    let wait = |tag| Step::Wait { duration: millis(500), tag };
    let played = |tag| {
        let case = case([Step::Send(text("A")), wait(tag), Step::Send(text("B"))]);
        let (outcome, peer) = run_client(&case, closes_first(b"", &[]));
        (outcome.observation.events.len(), peer.frames.len())
    };
    assert_eq!(played(Some("A")), (0, 2), "the text and the answer to the Close frame");
    assert_eq!(played(None), (0, 3), "without a tag the steps go on while TCP is there");
}

#[test]
fn the_time_limit_ends_a_case_without_timers() {
    let (outcome, _) = run_client(&case([]), Scripted::server(mannered));
    assert_eq!(outcome.observation.close.local_code, Some(1001));
    assert_eq!(outcome.observation.duration, secs(10));
    assert!(outcome.observation.ran_out);
}

#[test]
fn times_of_the_case_are_scaled_and_those_of_the_handshakes_are_not() {
    let settings = Settings { time_scale: 2.5, ..Settings::default() };
    let case = echo_case();
    let run = CaseRun::client(&case, &opening(), settings);
    let (observation, _) = Pair::new(run, Scripted::server(|_| vec![])).finish();
    assert_eq!(observation.duration, secs(1).mul_f64(2.5) + secs(1));
}

#[test]
fn tcp_that_ends_without_a_close_frame_is_not_clean() {
    let peer = |how| Scripted::server(move |_: &Frame| vec![PeerTransmit::End(how)]);
    for how in [TcpEnd::PeerFin, TcpEnd::PeerReset] {
        let (outcome, _) = run_client(&echo_case(), peer(how));
        assert_eq!(outcome.behavior_close, BehaviorClose::Failed, "the wrong side ended the connection");
        assert_eq!(outcome.verdict, Verdict::Fail);
        assert_eq!(outcome.observation.close.tcp, Some(how));
        assert!(outcome.observation.close.was_not_clean_reason.is_some());
        let (outcome, _) = run_client(&failing_case(), peer(how));
        assert_eq!(outcome.verdict, Verdict::Pass, "a peer may fail the connection by ending TCP");
    }
}

#[test]
fn a_write_error_is_no_error_of_the_case() {
    let case = failing_case();
    let mut run = CaseRun::client(&case, &opening(), Settings::default());
    let mut peer = closes_first(b"\x03\xEA", &[]);
    let now = Duration::ZERO;
    exchange(&mut run, &mut peer);
    run.handle_write_error(now);
    assert_eq!(run.poll_transmit(now), None);
    let mut close = frame_octets(Opcode::CLOSE, b"\x03\xEA");
    run.handle_input(&mut close, now);
    assert_eq!(run.poll_transmit(now), None, "the answer cannot be written");
    run.handle_end(TcpEnd::PeerReset, now);
    assert!(run.is_finished());
    let outcome = judge(&failing_case(), run.finish(now));
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
}

/// The opening handshake only.
fn exchange(run: &mut CaseRun<'_>, peer: &mut Scripted) {
    use wsspec_engine::testing::Peer;
    let now = Duration::ZERO;
    while let Some(Transmit::Octets { data, .. }) = run.poll_transmit(now) {
        peer.handle_input(&mut Vec::from(data), now);
    }
    if let Some(PeerTransmit::Octets(mut response)) = peer.poll_transmit(now) {
        run.handle_input(&mut response, now);
    }
}

fn frame_octets(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    FrameHeader::new(opcode, payload.len() as u64).encode(&mut out);
    out.extend_from_slice(payload);
    out
}

#[test]
fn a_server_tester_drops_tcp_first() {
    let case = echo_case();
    let (endpoint, request) = Endpoint::client(&echo_case());
    let run = CaseRun::server(&case, &request, Settings::default());
    let outcome = judge(&case, Pair::new(run, endpoint).finish().0);
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
    assert_eq!(outcome.observation.role, TesterRole::Server);
    let close = &outcome.observation.close;
    assert!(close.dropped_by_me && close.was_clean);
    assert_eq!(close.tcp, Some(TcpEnd::Tester));
}

#[test]
fn a_write_that_is_blocked_when_the_tester_drops_ends_with_a_timer() {
    let case = echo_case();
    let mut run = CaseRun::server(&case, &request(None), Settings::default());
    let now = Duration::ZERO;
    while run.poll_transmit(now).is_some() {}
    // A masked Close frame without a body.
    run.handle_input(&mut [0x88, 0x80, 1, 2, 3, 4], now);
    assert!(!run.is_finished(), "the answer is to be written");
    let at = run.poll_timeout().expect("a timer");
    run.handle_timeout(at);
    assert!(run.is_finished());
    assert_eq!(run.finish(at).close.remote_code, None);
}

#[test]
fn a_driver_that_never_concludes_gives_its_own_verdict() {
    let mut case = case([]);
    case.drive("waits", || Silent).within(secs(2));
    let (outcome, _) = run_client(&case, Scripted::server(mannered));
    assert_eq!(outcome.behavior, Behavior::Failed);
    assert_eq!(outcome.result, "Nothing came.");
    assert_eq!(outcome.verdict, Verdict::Timeout);
}

struct Silent;

impl wsspec_cases::Driver for Silent {
    fn open(&mut self, _: &wsspec_cases::Opened, out: &mut wsspec_cases::Outbox) {
        out.push(Step::CloseAfter(secs(2)));
    }

    fn event(&mut self, _: &wsspec_cases::Event, _: &mut wsspec_cases::Outbox) {}

    fn unfinished(&self) -> wsspec_cases::Conclusion {
        wsspec_cases::Conclusion::new(Grade::Failed, "Nothing came.")
    }

    fn largest_message(&self) -> usize {
        0
    }
}

#[test]
fn the_conduct_of_the_tester_can_be_set() {
    let run_with = |conduct: Conduct, case: &Case, peer: Scripted| {
        let run = CaseRun::client(case, &opening(), Settings { conduct, ..Settings::default() });
        Pair::new(run, peer).finish()
    };
    let (_, peer) = run_with(
        Conduct { echo_close: true, ..Conduct::default() },
        &failing_case(),
        closes_first(b"\x03\xEAno", &[fin()]),
    );
    assert_eq!(peer.frames[1].payload, b"\x03\xEAno");

    let drops = Conduct { fail_by_drop: true, ..Conduct::default() };
    let (observation, peer) = run_with(drops, &echo_case(), Scripted::server(|_| vec![]));
    assert_eq!(opcodes(&peer), [Opcode::TEXT], "no Close frame");
    assert!(
        observation.close.failed_by_me && observation.close.dropped_by_me && !observation.close.was_clean
    );
    assert_eq!(observation.duration, secs(1));

    let unmasked = Conduct { mask_client_frames: false, ..Conduct::default() };
    let (_, peer) = run_with(unmasked, &echo_case(), Scripted::server(mannered));
    assert!(peer.frames.iter().all(|frame| frame.header.mask.is_none()));

    let lenient = Conduct { accept_masked_server_frames: true, validate_utf8: false, ..Conduct::default() };
    let masked = FrameHeader { mask: Some([0; 4]), ..FrameHeader::new(Opcode::TEXT, 1) };
    let sends = move |in_frame: &Frame| match in_frame.header.opcode {
        Opcode::TEXT => vec![with_header(masked, b"\xFF")],
        _ => mannered(in_frame),
    };
    let (observation, _) = run_with(lenient, &echo_case(), Scripted::server(sends));
    assert_eq!((observation.fault, observation.events.len()), (None, 1));

    for (conduct, code) in [
        (Conduct { largest_frame: Some(4), ..Conduct::default() }, 1008),
        (Conduct { largest_message: Some(4), ..Conduct::default() }, 1009),
        (Conduct { largest_frame: Some(5), largest_message: Some(5), ..Conduct::default() }, 1000),
    ] {
        let (observation, _) = run_with(conduct, &echo_case(), Scripted::server(mannered));
        assert_eq!(observation.close.local_code, Some(code));
    }
}
