//! Who closes, when, and how TCP ends: the steps, profiles and commands of section 18.

use wsspec_cases::words::{binary, counting, message, repeat, secs, text};
use wsspec_cases::{COMMANDS, Case, Fails, PeerCloses, Step, suite};
use wsspec_engine::testing::{Pair, Peer, PeerTransmit, TesterEnd};
use wsspec_engine::{CaseRun, Outcome, Settings, TcpEnd, TesterRole, Time, Verdict, judge};
use wsspec_wire::{LengthForm, Opcode};

use crate::common::{
    Endpoint, Frame, Scripted, case, connecting, fin, frame, mannered, opening, request, request_with,
    run_client,
};

fn known(id: &str) -> &'static Case {
    suite().get(id.parse().unwrap()).unwrap()
}

/// A server that agreed to commands, and reacts to them like this; all else with manners.
fn obeying(react: impl Fn(&str) -> Vec<PeerTransmit> + 'static) -> Scripted {
    let mut closed = false;
    let is_close =
        |transmit: &PeerTransmit| matches!(transmit, PeerTransmit::Octets(octets) if octets[0] == 0x88);
    let server = Scripted::server(move |frame| match frame.payload.strip_prefix(b"!") {
        Some(command) if frame.header.opcode == Opcode::TEXT => {
            let reaction = react(&String::from_utf8_lossy(command));
            closed |= reaction.iter().any(is_close);
            reaction
        }
        _ if closed && frame.header.opcode == Opcode::CLOSE => vec![fin()],
        _ if closed => vec![],
        _ => mannered(frame),
    });
    server.subprotocol(COMMANDS)
}

fn told(id: &str, react: impl Fn(&str) -> Vec<PeerTransmit> + 'static) -> (Verdict, String) {
    let outcome = run_client(&known(id).part(0), obeying(react)).0;
    (outcome.verdict, outcome.summary)
}

fn close(code: u16, reason: &str) -> PeerTransmit {
    frame(Opcode::CLOSE, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

#[test]
fn a_peer_without_commands_is_never_failed_for_it() {
    let all = connecting(TesterRole::Client).chain(connecting(TesterRole::Server));
    for case in all.filter(|case| case.conduct.commands) {
        if case.roles != wsspec_cases::Roles::Server {
            let silent = run_client(case, Scripted::server(mannered)).0;
            assert_eq!(silent.verdict, Verdict::NotApplicable, "{}: {}", case.id, silent.summary);
            assert!(silent.summary.contains(COMMANDS), "{}: {}", case.id, silent.summary);
            let refusing = run_client(case, Scripted::refusing(400)).0;
            assert_eq!(refusing.verdict, Verdict::NotApplicable, "{}: {}", case.id, refusing.summary);
            let deaf = obeying(|_| vec![frame(Opcode::TEXT, b"!refused not implemented")]);
            let deaf = run_client(case, deaf).0;
            let may_refuse = matches!(deaf.verdict, Verdict::NotApplicable | Verdict::Pass);
            assert!(may_refuse, "{}: {:?} {}", case.id, deaf.verdict, deaf.summary);
        }
        if case.roles != wsspec_cases::Roles::Client {
            let run = CaseRun::server(case, &request(None), Settings::default());
            let (observation, _) = Pair::new(run, Endpoint::client(known("1.1.1")).0).finish();
            assert_eq!(judge(case, observation).verdict, Verdict::NotApplicable, "{}", case.id);
        }
    }
}

/// A server that answers this Close frame like that.
fn answer_to_a_close(id: &str, answer: &'static [u8]) -> Verdict {
    let react = move |came: &Frame| match came.header.opcode {
        Opcode::CLOSE => vec![frame(Opcode::CLOSE, answer), fin()],
        _ => mannered(came),
    };
    run_client(known(id), Scripted::server(react)).0.verdict
}

#[test]
fn an_unlawful_close_that_is_answered_with_its_own_code_fails() {
    for (id, code) in [("18.1.4", b"\x03\xf7"), ("18.1.7", b"\0\0"), ("18.1.8", b"\x03\xed")] {
        assert_eq!(answer_to_a_close(id, code), Verdict::Fail, "{id}: its own code");
    }
    for id in ["18.2.4", "18.2.5", "18.2.9"] {
        assert_eq!(answer_to_a_close(id, b"\x03\xe8"), Verdict::Fail, "{id}: 1000, as it came");
    }
    for id in ["18.1.4", "18.1.7", "18.1.8", "18.2.1"] {
        assert_eq!(
            answer_to_a_close(id, b"\x03\xe8"),
            Verdict::NonStrict,
            "{id}: 1000 may be a failure, too"
        );
    }
    for id in ["18.1.4", "18.1.7", "18.2.1", "18.2.4", "18.2.5", "18.2.9"] {
        assert_eq!(answer_to_a_close(id, b"\x03\xea"), Verdict::Pass, "{id}: 1002");
        assert_eq!(answer_to_a_close(id, b"\x03\xf0"), Verdict::NonStrict, "{id}: 1008 is another failure");
        assert_eq!(answer_to_a_close(id, b""), Verdict::NonStrict, "{id}: perhaps a failure without a code");
    }
    for id in ["18.1.5", "18.1.6"] {
        assert_eq!(
            answer_to_a_close(id, b"\x03\xe8"),
            Verdict::NonStrict,
            "{id}: of 5000 and more nothing is said"
        );
    }
}

#[test]
fn commands_are_neither_offered_nor_agreed_to_if_that_is_not_wished() {
    let settings = Settings { commands: false, ..Settings::default() };
    let run = CaseRun::client(known("18.3.1"), &opening(), settings.clone());
    let (observation, _) = Pair::new(run, Endpoint::server()).finish();
    assert!(!String::from_utf8_lossy(&observation.handshake.request).contains(COMMANDS));
    assert_eq!(judge(known("18.3.1"), observation).verdict, Verdict::NotApplicable);
    let run = CaseRun::server(known("18.3.1"), &request_with(None, Some(COMMANDS)), settings);
    let (observation, _) = Pair::new(run, Endpoint::client(known("1.1.1")).0).finish();
    assert_eq!(observation.handshake.subprotocol, None);
}

#[test]
fn a_client_that_offers_commands_gets_them_in_every_case() {
    for (offered, agreed) in [("wst.cmd", "wst.cmd"), ("chat, wst.cmd", "chat"), ("x", "")] {
        let settings = Settings { subprotocols: vec!["chat".into()], ..Settings::default() };
        let run = CaseRun::server(known("1.1.1"), &request_with(None, Some(offered)), settings);
        let (observation, _) = Pair::new(run, Endpoint::client(known("1.1.1")).0).finish();
        assert_eq!(observation.handshake.subprotocol.unwrap_or_default(), agreed, "{offered}");
    }
    let settings = Settings { subprotocols: vec!["chat".into()], ..Settings::default() };
    let run = CaseRun::server(known("18.3.1"), &request_with(None, Some("chat, wst.cmd")), settings);
    let (observation, _) = Pair::new(run, Endpoint::client(known("1.1.1")).0).finish();
    assert_eq!(observation.handshake.subprotocol.as_deref(), Some(COMMANDS), "where they are needed");
}

#[test]
fn what_the_peer_closes_with_is_what_it_was_told() {
    let closes = |code, reason: &'static str| move |_: &str| vec![close(code, reason)];
    assert_eq!(told("18.3.2", closes(1000, "")).0, Verdict::Pass);
    assert_eq!(told("18.3.2", closes(1001, "")).0, Verdict::Fail);
    assert_eq!(told("18.3.2", closes(1000, "as you like")).0, Verdict::NonStrict);
    assert_eq!(told("18.3.3", closes(3001, "bye")).0, Verdict::Pass);
    assert_eq!(told("18.3.3", closes(3001, "")).0, Verdict::Fail);
    assert_eq!(told("18.3.1", |_| vec![frame(Opcode::CLOSE, b"")]).0, Verdict::Pass);
    assert_eq!(told("18.3.2", |_| vec![frame(Opcode::CLOSE, b"")]).0, Verdict::Fail);
    assert_eq!(told("18.3.2", |_| vec![]).0, Verdict::Fail);
}

#[test]
fn a_peer_that_agrees_to_anything_and_echoes_commands_does_not_obey() {
    let (verdict, summary) =
        told("18.3.2", |command| vec![frame(Opcode::TEXT, format!("!{command}").as_bytes())]);
    assert_eq!(verdict, Verdict::NotApplicable, "{summary}");
}

#[test]
fn a_reset_instead_of_a_close_frame_fails_the_connection_too() {
    let resets = |frame_in: &Frame| match frame_in.header.opcode {
        Opcode::CLOSE => vec![PeerTransmit::End(TcpEnd::PeerReset)],
        _ => vec![],
    };
    for id in ["18.1.1", "18.1.4", "18.2.1"] {
        let outcome = run_client(known(id), Scripted::server(resets)).0;
        assert_eq!(outcome.verdict, Verdict::NonStrict, "{id}: {}", outcome.summary);
    }
    assert_eq!(run_client(known("18.2.3"), Scripted::server(resets)).0.verdict, Verdict::Fail);
    assert_eq!(run_client(known("18.1.4"), Scripted::server(|_| vec![])).0.verdict, Verdict::Fail);
}

#[test]
fn whatever_a_server_does_about_frames_before_its_response_is_told() {
    for peer in [Scripted::refusing(400), Scripted::server(mannered), Scripted::server(|_| vec![])] {
        assert_eq!(run_client(known("16.5.10"), peer).0.verdict, Verdict::Info);
    }
}

#[test]
fn reasons_are_cut_at_a_character_or_refused() {
    let cut = |octets: usize| {
        move |command: &str| {
            let reason = command.strip_prefix("close 1000 ").unwrap();
            vec![frame(Opcode::CLOSE, &[&[0x03, 0xe8], &reason.as_bytes()[..octets]].concat())]
        }
    };
    assert_eq!(told("18.3.5", cut(122)).0, Verdict::Pass);
    assert_eq!(told("18.3.5", cut(123)).0, Verdict::Fail, "inside a character");
    assert_eq!(told("18.3.5", cut(124)).0, Verdict::Fail, "a control frame of 126 octets");
    assert_eq!(told("18.3.5", |_| vec![frame(Opcode::TEXT, b"!refused")]).0, Verdict::Pass);
    assert_eq!(told("18.3.5", |_| vec![]).0, Verdict::Info);
}

#[test]
fn codes_that_must_not_be_sent_fail_if_they_are() {
    for (id, code) in
        [("18.3.6", 1005), ("18.3.7", 1006), ("18.3.8", 1015), ("18.3.9", 999), ("18.3.10", 1004)]
    {
        assert_eq!(told(id, move |_| vec![close(code, "")]).0, Verdict::Fail, "{code}");
        assert_eq!(told(id, |_| vec![close(1000, "")]).0, Verdict::Pass, "{code}");
        assert_eq!(told(id, |_| vec![frame(Opcode::TEXT, b"!refused")]).0, Verdict::Pass, "{code}");
    }
    // Nothing is said of codes from 5000 on.
    let (verdict, summary) = told("18.3.11", |_| vec![close(5000, "")]);
    assert_eq!(verdict, Verdict::NonStrict, "{summary}");
}

#[test]
fn a_code_beyond_all_is_judged_milder_where_the_case_is_about_it() {
    let echo = |frame_in: &Frame| match frame_in.header.opcode {
        Opcode::CLOSE => vec![frame(Opcode::CLOSE, &frame_in.payload), fin()],
        _ => vec![],
    };
    assert_eq!(run_client(known("18.1.5"), Scripted::server(echo)).0.verdict, Verdict::NonStrict);
    assert_eq!(run_client(known("18.1.4"), Scripted::server(echo)).0.verdict, Verdict::Fail, "1015 is not");
}

#[test]
fn nothing_may_come_behind_a_close_frame() {
    for (id, more) in
        [("18.3.14", frame(Opcode::TEXT, b"a")), ("18.3.15", close(3000, "")), ("18.3.16", close(1000, ""))]
    {
        let react = move |_: &str| vec![close(1000, ""), more.clone()];
        assert_eq!(told(id, react).0, Verdict::Fail, "{id}");
        assert_eq!(told(id, |_| vec![close(1000, "")]).0, Verdict::Pass, "{id}");
    }
    let twice = |frame_in: &Frame| match frame_in.header.opcode {
        Opcode::CLOSE => vec![close(1000, "")],
        _ => mannered(frame_in),
    };
    let (outcome, peer) = run_client(known("18.5.8"), Scripted::server(twice));
    assert_eq!(peer.frames.len(), 2);
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", outcome.summary);
}

/// A server that ends TCP so long after its Close frame, or never.
struct Slow {
    server: Scripted,
    delay: Option<Time>,
    closed: Option<Time>,
    how: TcpEnd,
}

impl Slow {
    fn ending(how: TcpEnd, delay: Option<Time>) -> Self {
        let server = Scripted::server(|frame_in| match frame_in.header.opcode {
            Opcode::CLOSE => vec![close(1000, "")],
            _ => mannered(frame_in),
        });
        Self { server, delay, closed: None, how }
    }

    fn due(&self) -> Option<Time> {
        Some(self.closed? + self.delay?)
    }
}

impl Peer for Slow {
    fn handle_input(&mut self, octets: &mut [u8], now: Time) {
        self.server.handle_input(octets, now);
        if self.server.frames.iter().any(|frame| frame.header.opcode == Opcode::CLOSE) {
            self.closed.get_or_insert(now);
        }
    }

    fn handle_end(&mut self, how: TesterEnd, now: Time) {
        self.closed.get_or_insert(now);
        self.server.handle_end(how, now);
    }

    fn poll_transmit(&mut self, now: Time) -> Option<PeerTransmit> {
        let due = self.due().is_some_and(|due| due <= now);
        self.server.poll_transmit(now).or_else(|| {
            due.then(|| {
                self.delay = None;
                PeerTransmit::End(self.how)
            })
        })
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.due()
    }
}

fn ended(id: &str, how: TcpEnd, delay: Option<u64>) -> Verdict {
    let case = known(id);
    let run = CaseRun::client(case, &opening(), Settings::default());
    let peer = Slow::ending(how, delay.map(Time::from_millis));
    judge(case, Pair::new(run, peer).finish().0).verdict
}

#[test]
fn a_server_ends_tcp_in_time_and_with_fin() {
    for (id, how, delay, verdict) in [
        ("18.7.1", TcpEnd::PeerFin, Some(900), Verdict::Pass),
        ("18.7.1", TcpEnd::PeerFin, Some(2000), Verdict::NonStrict),
        ("18.7.1", TcpEnd::PeerFin, None, Verdict::Fail),
        ("18.7.2", TcpEnd::PeerFin, Some(2000), Verdict::Pass),
        ("18.7.2", TcpEnd::PeerReset, Some(10), Verdict::NonStrict),
        ("18.7.2", TcpEnd::PeerFin, None, Verdict::Fail),
        ("18.6.1", TcpEnd::PeerFin, Some(4000), Verdict::Pass),
        ("18.6.1", TcpEnd::PeerFin, Some(20_000), Verdict::NonStrict),
        ("18.6.1", TcpEnd::PeerFin, None, Verdict::Fail),
        ("18.6.6", TcpEnd::PeerFin, Some(4000), Verdict::Info),
    ] {
        assert_eq!(ended(id, how, delay), verdict, "{id} {how:?} {delay:?}");
    }
}

#[test]
fn times_of_the_verdict_are_stretched_as_the_waits_are() {
    let case = known("18.7.1");
    let settings = Settings { time_scale: 3.0, ..Settings::default() };
    let run = CaseRun::client(case, &opening(), settings);
    let peer = Slow::ending(TcpEnd::PeerFin, Some(secs(2)));
    assert_eq!(judge(case, Pair::new(run, peer).finish().0).verdict, Verdict::Pass);
}

#[test]
fn nothing_is_written_behind_a_fin() {
    let mut case = case([Step::Send(text("a")), Step::HalfClose, Step::FailAfter(secs(1))]);
    case.ends([]);
    let (_, peer) = run_client(&case, Scripted::server(|_| vec![close(1000, "")]));
    assert_eq!(peer.frames.len(), 1, "the text, and no answer to the Close frame");
}

#[test]
fn a_refused_command_ends_the_case() {
    let mut told = case([
        Step::Send(text("!dance")),
        Step::Await(wsspec_cases::Await {
            what: wsspec_cases::Awaited::Close,
            within: secs(2),
            perhaps: false,
        }),
    ]);
    told.peer_closes(PeerCloses::with(1000));
    told.conduct.commands = true;
    let refusing = || obeying(|_| vec![frame(Opcode::TEXT, b"!refused I cannot dance")]);
    let outcome = run_client(&told, refusing()).0;
    assert_eq!(outcome.verdict, Verdict::NotApplicable);
    assert!(outcome.summary.contains("I cannot dance"), "{}", outcome.summary);
    assert_eq!(outcome.observation.duration, Time::ZERO);
}

/// The outcome of 15.1.5 with a server that delivers what it should not have taken.
fn delivering(octet: u8) -> Outcome {
    let mut payload = counting(65535).to_bytes().to_vec();
    payload[65534] = octet;
    let server = Scripted::server(move |frame_in| match frame_in.header.length_form {
        LengthForm::Bits64 => vec![frame(Opcode::BINARY, &payload)],
        _ => mannered(frame_in),
    });
    run_client(known("15.1.5"), server).0
}

#[test]
fn a_large_message_that_is_tolerated_is_compared_whole() {
    let last = counting(65535).to_bytes()[65534];
    let outcome = delivering(last);
    assert_eq!(outcome.verdict, Verdict::NonStrict, "{}", outcome.summary);
    assert_eq!(delivering(last ^ 1).verdict, Verdict::Fail);
    let mut large = case([Step::Send(binary(repeat(b"*", 5000)).rsv(1)), Step::FailAfter(secs(1))]);
    large.fails(Fails::with([1002]).after([message(repeat(b"*", 5000))]));
    let (outcome, _) = run_client(
        &large,
        Scripted::server(|frame_in| match frame_in.header.opcode {
            Opcode::BINARY => vec![frame(Opcode::TEXT, &[b'*'; 5000]), close(1002, ""), fin()],
            _ => vec![],
        }),
    );
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
}

#[test]
fn a_pong_may_come_behind_the_message() {
    let late = |frame_in: &Frame| match frame_in.header.opcode {
        Opcode::CONTINUATION => vec![frame(Opcode::TEXT, b"ab"), frame(Opcode::PONG, b"p")],
        Opcode::PING | Opcode::TEXT => vec![],
        _ => mannered(frame_in),
    };
    let outcome = run_client(known("17.1.16"), Scripted::server(late)).0;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.summary);
    let missing = |frame_in: &Frame| match frame_in.header.opcode {
        Opcode::CONTINUATION => vec![frame(Opcode::TEXT, b"ab")],
        Opcode::PING | Opcode::TEXT => vec![],
        _ => mannered(frame_in),
    };
    assert!(run_client(known("17.1.16"), Scripted::server(missing)).0.verdict.is_failure());
}

/// A server whose answer to a Close frame, and all that is behind it, comes so much later.
struct LateAnswer {
    server: Scripted,
    delay: Time,
    closed: Option<Time>,
}

impl Peer for LateAnswer {
    fn handle_input(&mut self, octets: &mut [u8], now: Time) {
        self.server.handle_input(octets, now);
        if self.server.frames.iter().any(|frame| frame.header.opcode == Opcode::CLOSE) {
            self.closed.get_or_insert(now);
        }
    }

    fn handle_end(&mut self, how: TesterEnd, now: Time) {
        self.server.handle_end(how, now);
    }

    fn poll_transmit(&mut self, now: Time) -> Option<PeerTransmit> {
        let due = self.poll_timeout().is_none_or(|due| due <= now);
        if due { self.server.poll_transmit(now) } else { None }
    }

    fn poll_timeout(&self) -> Option<Time> {
        Some(self.closed? + self.delay)
    }
}

#[test]
fn an_answer_behind_a_burst_is_waited_for_as_long_as_the_case_allows() {
    let case = known("18.4.3");
    let verdict = |delay: u64| {
        let burst = |_: &str| (0..3).map(|_| frame(Opcode::BINARY, &[0; 65_536])).collect();
        let peer = LateAnswer { server: obeying(burst), delay: secs(delay), closed: None };
        let run = CaseRun::client(case, &opening(), Settings::default());
        let outcome = judge(case, Pair::new(run, peer).finish().0);
        (outcome.verdict, outcome.summary)
    };
    for delay in [0, 4, 9] {
        let (verdict, summary) = verdict(delay);
        assert_eq!(verdict, Verdict::Info, "{delay} s: {summary}");
        assert!(summary.contains(&format!("{delay}.0 s")), "{summary}");
    }
    let (verdict, summary) = verdict(60);
    assert!(verdict.is_failure(), "never in time: {summary}");
}

#[test]
fn a_limit_on_the_number_of_fragments_is_told() {
    // What the server does about the tenth fragment.
    let limited = |id: &str, code: Option<u16>| {
        let mut fragments = 0;
        let server = Scripted::server(move |frame_in| {
            fragments += u32::from(!frame_in.header.opcode.is_control());
            match (frame_in.header.opcode, code) {
                (Opcode::CLOSE, _) => vec![fin()],
                (_, Some(code)) if fragments == 10 => vec![close(code, "too many fragments"), fin()],
                (_, None) if fragments == 10 => vec![frame(Opcode::TEXT, b"*")],
                _ => vec![],
            }
        });
        run_client(known(id), server).0
    };
    for id in ["17.1.12", "17.1.13", "17.1.15"] {
        for (code, verdict) in [
            (Some(1008), Verdict::Info),
            (Some(1009), Verdict::Info),
            (Some(1007), Verdict::NonStrict),
            (None, Verdict::Fail),
        ] {
            let outcome = limited(id, code);
            assert_eq!(outcome.verdict, verdict, "{id} {code:?}: {}", outcome.summary);
        }
    }
}
