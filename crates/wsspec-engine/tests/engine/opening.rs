//! The opening handshake, and permessage-deflate in it.

use std::time::Duration;

use wsspec_cases::words::{binary, secs};
use wsspec_cases::{
    Case, Conclusion, DeflateAnswer, DeflateOffer, DeflatePlan, Driver, Event, Grade, MessageSpec, Opened,
    Outbox, Step,
};
use wsspec_engine::testing::{Peer, PeerTransmit, TesterEnd};
use wsspec_engine::{
    Behavior, BehaviorClose, CaseRun, ClientOpening, Direction, LogKind, NeverOpened, Observation, Outcome,
    Settings, TcpEnd, Time, Transmit, Verdict, judge, unreachable,
};
use wsspec_wire::{Deflater, FrameHeader, Inspection, Opcode, RequestHead, Rsv, accept_key, write_request};

use crate::common::{
    Scripted, case, fin, mannered, observe_client, opening, request, run_client, with_header,
};

/// A server that answers the request with these octets, whatever it says.
struct Answers {
    response: Vec<u8>,
    then: Option<TcpEnd>,
    answered: bool,
}

impl Answers {
    fn with(response: impl Into<Vec<u8>>) -> Self {
        Self { response: response.into(), then: None, answered: false }
    }
}

impl Peer for Answers {
    fn handle_input(&mut self, _: &mut [u8], _: Time) {}

    fn handle_end(&mut self, _: TesterEnd, _: Time) {}

    fn poll_transmit(&mut self, _: Time) -> Option<PeerTransmit> {
        if !std::mem::replace(&mut self.answered, true) && !self.response.is_empty() {
            return Some(PeerTransmit::Octets(std::mem::take(&mut self.response)));
        }
        self.then.take().map(PeerTransmit::End)
    }
}

fn never_opened(peer: Answers) -> (NeverOpened, Observation) {
    let (observation, _) = observe_client(&case([]), peer);
    (observation.handshake.never_opened.clone().expect("no open connection"), observation)
}

/// A lawful response to the request that `opening` and seed 0 make, with changes.
fn response(change: impl FnOnce(&mut Vec<(&'static str, String)>)) -> Vec<u8> {
    let mut headers = vec![
        ("Upgrade", "websocket".to_string()),
        ("Connection", "Upgrade".to_string()),
        ("Sec-WebSocket-Accept", accept_key(&sent_key())),
    ];
    change(&mut headers);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
    wsspec_wire::write_response(101, "Switching Protocols", &headers)
}

fn sent_key() -> Vec<u8> {
    let request = first_request(&case([]), &opening());
    request.headers.get("Sec-WebSocket-Key").expect("a key").to_vec()
}

fn first_request(case: &Case, opening: &ClientOpening) -> RequestHead {
    let mut run = CaseRun::client(case, opening, Settings::default());
    match run.poll_transmit(Duration::ZERO) {
        Some(Transmit::Octets { data, .. }) => RequestHead::parse(&data),
        other => panic!("not a request: {other:?}"),
    }
}

#[test]
fn the_request_says_what_it_was_told() {
    let opening = ClientOpening {
        host: "example.org:8080".into(),
        target: "/chat?room=1".into(),
        origin: Some("https://example.org".into()),
        subprotocols: vec!["a".into(), "b".into()],
        headers: vec![("X-Test".into(), "1".into())],
    };
    let request = first_request(&case([]), &opening);
    assert_eq!((&request.method[..], &request.version[..]), (&b"GET"[..], &b"HTTP/1.1"[..]));
    assert_eq!(request.target, b"/chat?room=1");
    let header = |name| request.headers.get(name).map(String::from_utf8_lossy).unwrap_or_default();
    assert_eq!(header("Host"), "example.org:8080");
    assert_eq!(header("Origin"), "https://example.org");
    assert_eq!(header("Sec-WebSocket-Protocol"), "a, b");
    assert_eq!(header("Sec-WebSocket-Version"), "13");
    assert_eq!(header("X-Test"), "1");
    assert!(wsspec_wire::is_valid_key(request.headers.get("Sec-WebSocket-Key").expect("a key")));
    assert_eq!(request.headers.get("Sec-WebSocket-Extensions"), None);
}

#[test]
fn a_server_that_says_nothing_has_five_seconds() {
    let (why, observation) = never_opened(Answers::with(""));
    assert_eq!(why, NeverOpened::TimedOut);
    assert!(observation.close.was_open_handshake_timeout && observation.close.dropped_by_me);
    assert_eq!(observation.duration, secs(5), "the time spent");
    let outcome = judge(&case([]), observation);
    assert_eq!(outcome.verdict, Verdict::Timeout);
    assert_eq!((outcome.behavior, outcome.behavior_close), (Behavior::Failed, BehaviorClose::Failed));
}

#[test]
fn half_a_response_is_waited_for_and_kept() {
    let (why, observation) = never_opened(Answers::with("HTTP/1.1 101 Sw"));
    assert_eq!(why, NeverOpened::TimedOut);
    assert_eq!(observation.handshake.response, b"HTTP/1.1 101 Sw");
}

#[test]
fn other_answers_never_open_the_connection() {
    let not_found = "HTTP/1.1 404 Not Found\r\nServer: gone\r\n\r\nbody";
    let (why, observation) = never_opened(Answers::with(not_found));
    assert_eq!(why, NeverOpened::Status(404));
    assert_eq!(observation.handshake.agent.as_deref(), Some("gone"));
    assert_eq!(never_opened(Answers::with("SSH-2.0-OpenSSH\r\n")).0, NeverOpened::NotHttp);
    assert_eq!(never_opened(Answers::with([0x15, 0x03, 0x01])).0, NeverOpened::NotHttp);
    let endless = format!("HTTP/1.1 101 X\r\nA: {}", "a".repeat(20_000));
    let (why, observation) = never_opened(Answers::with(endless));
    assert_eq!(why, NeverOpened::TooLarge);
    assert_eq!(observation.handshake.response.len(), 16 * 1024);
    for how in [TcpEnd::PeerFin, TcpEnd::PeerReset] {
        let peer = Answers { then: Some(how), ..Answers::with("HTTP/1.1 101") };
        let (why, observation) = never_opened(peer);
        assert_eq!(why, NeverOpened::Dropped(how));
        assert!(!observation.close.dropped_by_me);
        assert_eq!(judge(&case([]), observation).verdict, Verdict::Error);
    }
}

#[test]
fn a_server_that_refuses_breaks_no_rule_and_one_that_answers_wrongly_does() {
    let busy = b"HTTP/1.1 503 Service Unavailable\r\n\r\nbusy!".to_vec();
    let offered = wsspec_cases::suite().get("22.3.1".parse().unwrap()).unwrap();
    for (case, answer, verdict) in [
        (&case([]), busy.clone(), Verdict::Error),
        (offered, busy, Verdict::Fail),
        (&case([]), response(|headers| drop(headers.remove(0))), Verdict::Fail),
        (&case([]), b"SSH-2.0-OpenSSH\r\n".to_vec(), Verdict::Fail),
    ] {
        let outcome = judge(case, observe_client(case, Answers::with(answer)).0);
        assert_eq!(outcome.verdict, verdict, "{}", outcome.summary);
        assert_eq!(outcome.checks[0].section.is_empty(), verdict == Verdict::Error, "no rule is named");
        assert_eq!((outcome.behavior, outcome.behavior_close), (Behavior::Failed, BehaviorClose::Failed));
        if outcome.observation.handshake.status == Some(503) {
            assert_eq!(outcome.observation.handshake.body, b"busy!");
            let why = "The connection was not opened: the server answered 503 Service Unavailable.";
            assert_eq!(outcome.summary, why);
        }
    }
}

#[test]
fn a_101_that_is_not_lawful_never_opens_the_connection() {
    let open = observe_client(&case([]), Answers::with(response(|_| {}))).0;
    assert_eq!(open.handshake.never_opened, None, "without a change it opens");
    let changes: [(&str, &str); 6] = [
        ("Upgrade", "h2c"),
        ("Connection", "close"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Sec-WebSocket-Extensions", "a; =b"),
        ("Sec-WebSocket-Protocol", "chat"),
    ];
    for (name, value) in changes {
        let changed = response(|headers| {
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value.to_string()));
        });
        let (why, _) = never_opened(Answers::with(changed));
        assert!(matches!(why, NeverOpened::Invalid(_)), "{name}: {value}");
    }
    for at in 0..3 {
        let (why, _) = never_opened(Answers::with(response(|headers| drop(headers.remove(at)))));
        assert!(matches!(why, NeverOpened::Invalid(_)), "without header {at}");
    }
    let twice = response(|headers| headers.push(headers[2].clone()));
    assert!(matches!(never_opened(Answers::with(twice)).0, NeverOpened::Invalid(_)));
}

#[test]
fn frames_right_behind_the_response_count() {
    let mut octets = response(|_| {});
    octets.extend_from_slice(b"\x81\x02hi");
    let (observation, _) = observe_client(&case([]), Answers::with(octets));
    assert_eq!(observation.events.len(), 1);
}

#[test]
fn an_unreachable_server_is_an_error_and_never_green() {
    for case in wsspec_cases::suite().cases() {
        let outcome = unreachable(case, wsspec_engine::TesterRole::Client, "connection refused".into());
        assert_eq!(outcome.verdict, Verdict::Error);
        assert!(outcome.summary.contains("connection refused"));
        if case.informational.is_none() {
            assert_eq!((outcome.behavior, outcome.behavior_close), (Behavior::Failed, BehaviorClose::Failed));
        }
    }
}

#[test]
fn a_server_tester_refuses_what_is_no_websocket_request() {
    let requests = [
        write_request("/", &[("Host", "localhost")]),
        b"POST / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        String::from_utf8_lossy(&request(None).raw).replace(" 13", " 8").into_bytes(),
        String::from_utf8_lossy(&request(None).raw).replace("dGhl", "dG").into_bytes(),
        String::from_utf8_lossy(&request(Some("a; =")).raw).into_owned().into_bytes(),
    ];
    for head in requests {
        let case = case([]);
        let mut run = CaseRun::server(&case, &RequestHead::parse(&head), Settings::default());
        let Some(Transmit::Octets { data, .. }) = run.poll_transmit(Duration::ZERO) else { panic!() };
        assert!(data.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&head));
        assert_eq!(run.poll_transmit(Duration::ZERO), Some(Transmit::Drop));
        assert!(run.is_finished());
        let observation = run.finish(Duration::ZERO);
        assert!(matches!(observation.handshake.never_opened, Some(NeverOpened::Invalid(_))));
    }
}

#[test]
fn a_server_tester_agrees_on_the_first_subprotocol_that_it_speaks() {
    let head = request(None);
    let text =
        String::from_utf8_lossy(&head.raw).replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x, b, a\r\n\r\n");
    let settings = Settings {
        subprotocols: vec!["a".into(), "b".into()],
        response_headers: vec![("Server".into(), "tester".into())],
        ..Settings::default()
    };
    let case = case([]);
    let run = CaseRun::server(&case, &RequestHead::parse(text.as_bytes()), settings);
    let observation = run.finish(Duration::ZERO);
    assert_eq!(observation.handshake.subprotocol.as_deref(), Some("b"));
    let response = String::from_utf8(observation.handshake.response).unwrap();
    assert!(response.contains("Sec-WebSocket-Protocol: b\r\n") && response.contains("Server: tester\r\n"));
    assert!(response.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "RFC 6455 1.3");
}

const ANY: DeflateOffer = DeflateOffer::OPEN;
const NO_LIMITS: DeflateAnswer = DeflateAnswer::PLAIN;

fn plan(offers: &[DeflateOffer], answers: &[DeflateAnswer]) -> DeflatePlan {
    DeflatePlan::of(offers.to_vec(), answers.to_vec())
}

fn deflate_case(plan: DeflatePlan, steps: impl Into<Vec<Step>>) -> Case {
    let mut case = case(steps);
    case.deflate(plan);
    case
}

#[test]
fn the_offer_names_what_the_plan_names() {
    let strict = DeflateOffer { server_no_context_takeover: true, server_max_window_bits: Some(9), ..ANY };
    let request = first_request(&deflate_case(plan(&[strict, ANY], &[]), []), &opening());
    assert_eq!(
        request.headers.get("Sec-WebSocket-Extensions").map(String::from_utf8_lossy).unwrap(),
        "permessage-deflate; client_no_context_takeover; client_max_window_bits; \
         server_no_context_takeover; server_max_window_bits=9, \
         permessage-deflate; client_no_context_takeover; client_max_window_bits"
    );
}

#[test]
fn an_offer_may_limit_the_window_of_the_client() {
    let limited = DeflateOffer { client_window_limit: Some(10), ..DeflateOffer::OPEN };
    let case = deflate_case(plan(&[limited], &[]), []);
    let request = first_request(&case, &opening());
    let offer = request.headers.get("Sec-WebSocket-Extensions").map(String::from_utf8_lossy).unwrap();
    assert_eq!(offer, "permessage-deflate; client_no_context_takeover; client_max_window_bits=10");
    for (bits, lawful) in [("10", true), ("9", true), ("11", false)] {
        let answer = format!("permessage-deflate; client_max_window_bits={bits}");
        let peer = Scripted::server(|_| vec![]).extensions(answer);
        let (observation, _) = observe_client(&case, peer);
        assert_eq!(observation.breaches.is_empty(), lawful, "{bits}");
    }
}

#[test]
fn a_server_tester_promises_what_its_answer_names() {
    let promise = DeflateAnswer {
        server_no_context_takeover: true,
        server_max_window_bits: Some(10),
        ..DeflateAnswer::PLAIN
    };
    let case = deflate_case(plan(&[], &[promise]), []);
    for (offer, bits) in [("", 10), ("; server_max_window_bits=9", 9), ("; server_max_window_bits=12", 10)] {
        let offer = format!("permessage-deflate{offer}");
        let run = CaseRun::server(&case, &request(Some(&offer)), Settings::default());
        let answer = run.finish(Duration::ZERO).handshake.extensions.unwrap();
        let expected =
            format!("permessage-deflate; server_no_context_takeover; server_max_window_bits={bits}");
        assert_eq!(answer, expected);
    }
}

#[test]
fn a_case_whose_needs_are_not_agreed_on_does_not_apply() {
    use wsspec_cases::DeflateNeed::*;
    let agreed = "permessage-deflate; client_no_context_takeover; client_max_window_bits=10";
    for (need, met) in [
        (Takeover, false),
        (NoTakeover, true),
        (Window(10), true),
        (Window(11), false),
        (ExactWindow(10), true),
        (ExactWindow(9), false),
        (PeerTakeover, true),
        (PeerNoTakeover, false),
    ] {
        let plan = DeflatePlan::with(DeflateOffer::OPEN, NO_LIMITS).needing(need);
        let (outcome, _) = run_client(
            &deflate_case(plan, [Step::FailAfter(Duration::from_secs(1))]),
            Scripted::server(|_| vec![]).extensions(agreed),
        );
        assert_eq!(outcome.verdict == Verdict::NotApplicable, !met, "{need}: {}", outcome.summary);
        assert_eq!(outcome.summary.ends_with(" was not agreed on."), !met, "{}", outcome.summary);
    }
}

#[test]
fn a_server_tester_takes_the_first_answer_that_an_offer_allows() {
    let answer = |takeover, bits| DeflateAnswer {
        client_no_context_takeover: takeover,
        client_max_window_bits: bits,
        ..NO_LIMITS
    };
    let answers = [answer(true, Some(9)), answer(true, None), answer(false, None)];
    let agreed = |offer: &str, answers: &[DeflateAnswer]| {
        let case = deflate_case(plan(&[], answers), []);
        let run = CaseRun::server(&case, &request(Some(offer)), Settings::default());
        run.finish(Duration::ZERO).handshake.extensions
    };
    let cases = [
        // Whatever a client offers, it may be asked to keep no context.
        ("permessage-deflate", "permessage-deflate; client_no_context_takeover"),
        ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits",
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
        ),
        (
            "x, permessage-deflate; server_max_window_bits=10; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
             client_no_context_takeover",
        ),
        // The second offer allows the answer that is preferred.
        (
            "permessage-deflate, permessage-deflate; client_no_context_takeover; client_max_window_bits=12",
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
        ),
    ];
    for (offer, expected) in cases {
        assert_eq!(agreed(offer, &answers).as_deref(), Some(expected), "{offer}");
    }
    let declined = [
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "x-webkit-deflate-frame",
    ];
    for offer in declined {
        assert_eq!(agreed(offer, &answers), None, "{offer}");
    }
    assert_eq!(agreed("permessage-deflate", &[answer(false, Some(9))]), None, "not offered");
    let small = "permessage-deflate; client_max_window_bits=10";
    assert_eq!(agreed(small, &[answer(false, Some(15))]), None, "more than offered");
    assert_eq!(agreed("permessage-deflate", &[]), None);
}

#[test]
fn an_answer_that_fits_no_offer_is_a_breach_and_a_broken_one_opens_nothing() {
    let strict = DeflateOffer { server_no_context_takeover: true, server_max_window_bits: Some(10), ..ANY };
    let case = deflate_case(plan(&[strict], &[]), [Step::CloseAfter(secs(1))]);
    let answered = |header| observe_client(&case, Scripted::server(mannered).extensions(header)).0;
    let lawful = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9";
    assert_eq!(answered(lawful).breaches, []);
    let unfit = [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
        "permessage-deflate; server_max_window_bits=10",
    ];
    for header in unfit {
        let observation = answered(header);
        assert_eq!(observation.handshake.never_opened, None, "{header}");
        assert_eq!(observation.breaches.first().map(|fault| fault.id), Some("handshake.deflate"), "{header}");
        let outcome = judge(&case, observation);
        assert_eq!(outcome.verdict, Verdict::Fail, "{header}");
        assert_eq!(shown(&outcome), Some(("Sec-WebSocket-Extensions", true)), "{header}");
    }
    let broken = [
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; x",
        "permessage-deflate, permessage-deflate",
        "x-other",
    ];
    for header in broken {
        let observation = answered(header);
        assert!(matches!(observation.handshake.never_opened, Some(NeverOpened::Invalid(_))), "{header}");
        assert_eq!(shown(&judge(&case, observation)), Some(("Sec-WebSocket-Extensions", true)), "{header}");
    }
}

/// The header at which the first failed check points, and whether the octets there have it.
fn shown(outcome: &Outcome) -> Option<(&'static str, bool)> {
    let check = outcome.checks.iter().find(|check| !check.ok)?;
    let (entry, header) = (&outcome.observation.log.entries[check.entry?], check.header?);
    let LogKind::Octets { direction: Direction::Rx, data, .. } = &entry.kind else { return None };
    Some((header, data.kept.windows(header.len()).any(|octets| octets == header.as_bytes())))
}

#[test]
fn a_window_of_15_bits_that_the_answer_leaves_out_is_milder() {
    let offer = DeflateOffer { server_max_window_bits: Some(15), ..ANY };
    let mut case = deflate_case(plan(&[offer], &[]), [Step::CloseAfter(secs(1))]);
    case.ok([]);
    let verdict = |header| {
        let outcome = judge(&case, observe_client(&case, Scripted::server(mannered).extensions(header)).0);
        let broken: Vec<_> = outcome.checks.iter().filter(|check| !check.ok).map(|check| check.id).collect();
        (outcome.verdict, broken)
    };
    let (said, unsaid) =
        (verdict("permessage-deflate; server_max_window_bits=15"), verdict("permessage-deflate"));
    assert!(!said.1.contains(&"handshake.deflate.unsaid"), "{said:?}");
    assert_eq!(unsaid.0, Verdict::NonStrict, "{unsaid:?}");
    assert!(unsaid.1.contains(&"handshake.deflate.unsaid"), "{unsaid:?}");
}

#[test]
fn without_permessage_deflate_the_case_does_not_apply() {
    let case = deflate_case(plan(&[ANY], &[NO_LIMITS]), [Step::Send(binary("x"))]);
    let (outcome, peer) = run_client(&case, Scripted::server(mannered));
    assert_eq!(outcome.behavior, Behavior::Unimplemented);
    assert_eq!(outcome.behavior_close, BehaviorClose::Ok);
    assert_eq!(outcome.verdict, Verdict::NotApplicable);
    assert_eq!(peer.frames.len(), 1, "nothing but the Close frame");
    assert_eq!(peer.frames[0].payload, 1000u16.to_be_bytes());
}

/// Repeats at a distance of 1,000 octets.
fn far_repeat() -> Vec<u8> {
    let mut state = 1u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    let noise: Vec<u8> = (0..1000).map(|_| noise()).collect();
    [noise.clone(), noise].concat()
}

fn compressed_frame(deflater: &mut Deflater, payload: &[u8]) -> PeerTransmit {
    let mut out = Vec::new();
    deflater.message(payload, &mut out);
    let header = FrameHeader { rsv: Rsv::RSV1, ..FrameHeader::new(Opcode::BINARY, out.len() as u64) };
    with_header(header, &out)
}

/// A server that answers the first message with two compressed ones, made with that window.
fn compressing(window_bits: u8) -> Scripted {
    Scripted::server(move |frame| {
        if frame.header.opcode == Opcode::CLOSE {
            return mannered(frame);
        }
        let mut deflater = Deflater::new(window_bits, 6).unwrap();
        vec![compressed_frame(&mut deflater, &far_repeat()), compressed_frame(&mut deflater, &far_repeat())]
    })
}

fn compressed_step() -> Step {
    Step::SendMessage(MessageSpec {
        opcode: Opcode::BINARY,
        payload: "Hello".into(),
        fragment: None,
        chop: None,
        compress: true,
        window: None,
    })
}

#[test]
fn compressed_messages_are_decompressed_and_a_window_that_is_kept_is_no_breach() {
    let offer = DeflateOffer { server_max_window_bits: Some(9), ..ANY };
    let case = deflate_case(plan(&[offer], &[]), [compressed_step(), Step::CloseAfter(secs(1))]);
    let agreed = "permessage-deflate; server_max_window_bits=9";
    let (observation, peer) = observe_client(&case, compressing(9).extensions(agreed));
    let message = |event: &Event| matches!(event, Event::Message { payload, .. } if payload.len == 2000);
    assert_eq!(observation.events.len(), 2);
    assert!(observation.events.iter().all(message));
    assert_eq!((observation.breaches, observation.fault), (vec![], None));
    assert_eq!(peer.frames[0].header.rsv, Rsv::RSV1);
    assert_eq!(observation.traffic.rx_app, 4000);
    assert_eq!(observation.traffic.tx_app, 5);
    assert_eq!(observation.traffic.tx_ws, 7, "RFC 7692 7.2.3.1");
}

#[test]
fn a_peer_that_exceeds_its_window_fails() {
    let offer = DeflateOffer { server_max_window_bits: Some(9), ..ANY };
    let case = deflate_case(plan(&[offer], &[]), [compressed_step(), Step::CloseAfter(secs(1))]);
    let agreed = "permessage-deflate; server_max_window_bits=9";
    let (observation, _) = observe_client(&case, compressing(15).extensions(agreed));
    assert_eq!(observation.events.len(), 2, "it can be read all the same");
    assert_eq!(observation.breaches.iter().map(|fault| fault.id).collect::<Vec<_>>(), ["deflate.window"]);
    assert_eq!(judge(&case, observation).verdict, Verdict::Fail);
}

#[test]
fn a_peer_that_keeps_the_context_it_promised_to_drop_fails() {
    let offer = DeflateOffer { server_no_context_takeover: true, ..ANY };
    let case = deflate_case(plan(&[offer], &[]), [compressed_step(), Step::CloseAfter(secs(1))]);
    let agreed = "permessage-deflate; server_no_context_takeover";
    let (observation, _) = observe_client(&case, compressing(15).extensions(agreed));
    assert_eq!(observation.events.len(), 2, "it can be read all the same");
    assert_eq!(observation.breaches.iter().map(|fault| fault.id).collect::<Vec<_>>(), ["deflate.takeover"]);
    assert_eq!(judge(&case, observation).verdict, Verdict::Fail);
}

/// Where the traffic is too much to be inspected.
#[test]
fn a_dropped_context_is_gone_where_nothing_is_inspected() {
    let offer = DeflateOffer { server_no_context_takeover: true, ..ANY };
    let mut case = deflate_case(plan(&[offer], &[]), [compressed_step(), Step::CloseAfter(secs(1))]);
    case.quiet();
    let agreed = "permessage-deflate; server_no_context_takeover";
    let (observation, _) = observe_client(&case, compressing(15).extensions(agreed));
    assert_eq!(observation.events.len(), 1, "the second message refers to the first");
    assert_eq!(observation.fault.as_ref().map(|fault| fault.id), Some("deflate.data"));
    assert_eq!(observation.close.local_code, Some(1007));
    assert_eq!(judge(&case, observation).verdict, Verdict::Fail);
}

#[test]
fn the_tester_keeps_the_window_and_the_takeover_it_agreed_to() {
    let steps = [far_message(), far_message(), Step::CloseAfter(secs(1))];
    let case = deflate_case(plan(&[ANY], &[]), steps);
    let sizes = |header| {
        let peer = Scripted::server(|frame| match frame.header.opcode {
            Opcode::CLOSE => vec![fin()],
            _ => vec![],
        });
        let (_, peer) = observe_client(&case, peer.extensions(header));
        (peer.frames[0].payload.len(), peer.frames[1].payload.len())
    };
    let (first, second) = sizes("permessage-deflate");
    assert!(first < 1500 && second < 100, "the window holds the first message: {first}, {second}");
    let (first, second) = sizes("permessage-deflate; client_no_context_takeover");
    assert_eq!(first, second, "each message stands alone");
    let (first, second) = sizes("permessage-deflate; client_max_window_bits=9");
    assert!(first > 1900 && second > 1900, "1,000 octets back is out of reach: {first}, {second}");
}

fn far_message() -> Step {
    Step::SendMessage(MessageSpec {
        opcode: Opcode::BINARY,
        payload: far_repeat().into(),
        fragment: None,
        chop: None,
        compress: true,
        window: None,
    })
}

#[test]
fn a_server_tester_compresses_as_agreed_too() {
    let case = deflate_case(plan(&[], &[NO_LIMITS]), [compressed_step(), Step::CloseAfter(secs(1))]);
    let mut run = CaseRun::server(&case, &request(Some("permessage-deflate")), Settings::default());
    let Some(Transmit::Octets { data, .. }) = run.poll_transmit(Duration::ZERO) else { panic!() };
    assert!(data.ends_with(b"\xC2\x07\xF2\x48\xCD\xC9\xC9\x07\x00"), "RFC 7692 7.2.3.1");
}

/// Tells how far back the last message referred.
struct Distances(u32);

impl Driver for Distances {
    fn open(&mut self, _: &Opened, out: &mut Outbox) {
        out.push(compressed_step());
        out.push(Step::CloseAfter(secs(1)));
    }

    fn event(&mut self, _: &Event, out: &mut Outbox) {
        out.conclude(Conclusion::new(Grade::Informational, format!("{} octets back", self.0)));
    }

    fn inspected(&mut self, inspection: &Inspection, _: &mut Outbox) {
        self.0 = inspection.longest_distance;
    }

    fn unfinished(&self) -> Conclusion {
        Conclusion::new(Grade::Failed, "no message came")
    }

    fn largest_message(&self) -> usize {
        0
    }
}

#[test]
fn a_driver_is_told_of_the_blocks_before_the_message_comes() {
    for (quiet, text) in [(false, "1000 octets back"), (true, "0 octets back")] {
        let mut case = deflate_case(plan(&[ANY], &[]), []);
        case.drive("send a message", || Distances(0));
        case.measures.quiet = quiet;
        let (observation, _) = observe_client(&case, compressing(15).extensions("permessage-deflate"));
        assert_eq!(
            observation.conclusion.unwrap().text,
            text,
            "where the traffic is large, nothing is inspected"
        );
    }
}
