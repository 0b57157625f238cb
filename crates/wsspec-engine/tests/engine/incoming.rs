//! What the tester makes of what comes: a strict endpoint in bounded memory.

use wsspec_cases::words::{message, pong, secs, text};
use wsspec_cases::{Case, Event, Step};
use wsspec_engine::testing::PeerTransmit;
use wsspec_engine::{
    BehaviorClose, CaseRun, Direction, LogKind, Observation, Settings, Transmit, Verdict, WireLog, judge,
};
use wsspec_wire::{FrameHeader, LengthForm, Opcode, Rsv};

use crate::common::{
    Frame, Scripted, case, fin, frame, mannered, observe_client, octets, request, run_client, with_header,
};

fn listening_case() -> Case {
    case([Step::Send(text("go")), Step::FailAfter(secs(3))])
}

/// A server that sends this as its answer to the first message, and answers Close frames.
fn sends(what: Vec<PeerTransmit>) -> Scripted {
    let mut what = Some(what);
    Scripted::server(move |frame| match frame.header.opcode {
        Opcode::TEXT => what.take().unwrap_or_default(),
        Opcode::CLOSE => mannered(frame),
        _ => vec![],
    })
}

fn observe(what: Vec<PeerTransmit>) -> (Observation, Vec<Frame>) {
    let (observation, peer) = observe_client(&listening_case(), sends(what));
    (observation, peer.frames)
}

fn header(opcode: Opcode, length: u64) -> FrameHeader {
    FrameHeader::new(opcode, length)
}

#[test]
fn every_breach_of_framing_is_named_and_answered_with_its_code() {
    let text = header(Opcode::TEXT, 2);
    let first = frame_of(FrameHeader { fin: false, ..text }, b"ab");
    let faults: Vec<(&str, u16, Vec<PeerTransmit>)> = vec![
        ("frame.rsv", 1002, vec![frame_of(FrameHeader { rsv: Rsv::RSV1, ..text }, b"ab")]),
        ("frame.rsv", 1002, vec![frame_of(FrameHeader { rsv: Rsv::RSV2, ..text }, b"ab")]),
        ("frame.mask", 1002, vec![frame_of(FrameHeader { mask: Some([1; 4]), ..text }, b"ab")]),
        ("frame.opcode", 1002, vec![frame(Opcode::new(3), b"ab")]),
        ("frame.opcode", 1002, vec![frame(Opcode::new(11), b"ab")]),
        ("frame.continuation", 1002, vec![frame(Opcode::CONTINUATION, b"ab")]),
        ("frame.interleaved", 1002, vec![first.clone(), frame(Opcode::TEXT, b"ab")]),
        (
            "frame.control.fin",
            1002,
            vec![frame_of(FrameHeader { fin: false, ..header(Opcode::PING, 2) }, b"ab")],
        ),
        ("frame.control.length", 1002, vec![frame(Opcode::PING, &[b'p'; 126])]),
        ("close.body", 1002, vec![frame(Opcode::CLOSE, b"x")]),
        ("close.code.unlawful", 1002, vec![frame(Opcode::CLOSE, &1005u16.to_be_bytes())]),
        ("close.code.unlawful", 1002, vec![frame(Opcode::CLOSE, &999u16.to_be_bytes())]),
        ("close.code.unlawful", 1002, vec![frame(Opcode::CLOSE, &5000u16.to_be_bytes())]),
        ("close.utf8", 1007, vec![frame(Opcode::CLOSE, b"\x03\xE8\xFF")]),
        ("text.utf8", 1007, vec![frame(Opcode::TEXT, b"a\xFF")]),
        ("text.utf8", 1007, vec![frame(Opcode::TEXT, b"a\xC3")]),
        ("text.utf8", 1007, vec![frame_of(FrameHeader { fin: false, ..text }, b"a\xFF")]),
        ("frame.length", 1002, vec![long(LengthForm::Bits16, 2)]),
        ("frame.length", 1002, vec![long(LengthForm::Bits64, 65_535)]),
        ("frame.length", 1002, vec![long(LengthForm::Bits64, 1 << 63)]),
    ];
    for (id, code, what) in faults {
        let (observation, frames) = observe(what);
        let fault = observation.fault.as_ref().unwrap_or_else(|| panic!("{id} was not seen"));
        assert_eq!(fault.id, id, "{}", fault.text);
        assert_eq!(observation.close.local_code, Some(code), "{id}");
        assert_eq!(frames[1].payload[..2], code.to_be_bytes(), "{id}");
        assert!(observation.close.failed_by_me && observation.close.closed_by_me, "{id}");
        assert_eq!(observation.events, [], "{id}");
        assert!(observation.log.entries.iter().any(|entry| matches!(entry.kind, LogKind::Failed(_))), "{id}");
        assert_eq!(judge(&listening_case(), observation).verdict, Verdict::Fail, "{id}");
    }
}

fn frame_of(header: FrameHeader, payload: &[u8]) -> PeerTransmit {
    with_header(header, payload)
}

fn long(length_form: LengthForm, length: u64) -> PeerTransmit {
    frame_of(FrameHeader { length_form, ..header(Opcode::TEXT, length) }, &[b'a'; 2])
}

#[test]
fn lawful_traffic_is_no_fault() {
    let begin = frame_of(FrameHeader { fin: false, ..header(Opcode::TEXT, 1) }, b"\xC3");
    let (observation, frames) = observe(vec![
        begin,
        frame(Opcode::PING, b"between"),
        frame(Opcode::CONTINUATION, b"\xA9"),
        frame(Opcode::PONG, b"unasked"),
        frame(Opcode::BINARY, &[0xFF; 200]),
        frame(Opcode::CLOSE, b"\x0F\xA0bye"),
        fin(),
    ]);
    assert_eq!(observation.fault, None);
    assert_eq!(observation.events.len(), 3, "the Ping is answered, not recorded");
    assert!(
        matches!(&observation.events[0], Event::Message { binary: false, payload } if &payload.kept[..] == "é".as_bytes())
    );
    assert!(matches!(&observation.events[1], Event::Pong(payload) if &payload.kept[..] == b"unasked"));
    assert!(matches!(&observation.events[2], Event::Message { binary: true, payload } if payload.len == 200));
    assert_eq!((frames[1].header.opcode, &frames[1].payload[..]), (Opcode::PONG, &b"between"[..]));
    assert_eq!(observation.close.remote_code, Some(4000));
    assert_eq!(observation.traffic.rx_messages, 2);
    assert_eq!(observation.traffic.rx_app, 202);
    assert_eq!(observation.stats.rx_frames[&9], 1);
}

#[test]
fn reading_goes_on_behind_a_bad_frame_until_the_answer_to_the_close_frame() {
    let bad = frame_of(FrameHeader { rsv: Rsv::RSV3, ..header(Opcode::TEXT, 2) }, b"ab");
    let (observation, _) = observe(vec![bad, frame(Opcode::TEXT, b"fine"), frame(Opcode::PONG, b"p")]);
    assert_eq!(observation.events.len(), 1, "the Pong; messages no longer count");
    assert!(observation.close.was_clean);
    assert_eq!(observation.close.remote_code, Some(1002));
}

#[test]
fn a_second_fault_ends_tcp() {
    let bad = frame_of(FrameHeader { rsv: Rsv::RSV3, ..header(Opcode::TEXT, 2) }, b"ab");
    let (observation, frames) = observe(vec![bad.clone(), bad, frame(Opcode::PONG, b"late")]);
    assert_eq!(frames.len(), 2, "one text and one Close frame");
    assert_eq!(observation.events, [], "nothing counts any more");
    assert!(observation.close.dropped_by_me && !observation.close.was_clean);
}

#[test]
fn the_code_of_an_unlawful_answer_is_recorded() {
    let mut case = case([Step::Close(wsspec_cases::CloseSpec { code: Some(1005), ..Default::default() })]);
    case.close = case.close.clone().need_not_be_clean().wrong_code_fails();
    case.ok([]);
    let (outcome, _) = run_client(&case, Scripted::server(mannered));
    assert_eq!(outcome.observation.close.remote_code, Some(1005));
    assert_eq!(outcome.behavior_close, BehaviorClose::WrongCode);
    assert!(outcome.observation.close.dropped_by_me && !outcome.observation.close.was_clean);
}

#[test]
fn a_client_has_to_mask() {
    let case = case([]);
    let mut run = CaseRun::server(&case, &request(None), Settings::default());
    let now = std::time::Duration::ZERO;
    while run.poll_transmit(now).is_some() {}
    run.handle_input(&mut [0x81, 0x01, b'a'], now);
    let Some(Transmit::Octets { data, .. }) = run.poll_transmit(now) else { panic!("a Close frame") };
    assert_eq!(data[..4], [0x88, data.len() as u8 - 2, 0x03, 0xEA], "unmasked, 1002");
    assert_eq!(run.finish(now).fault.map(|fault| fault.id), Some("frame.mask"));
}

#[test]
fn any_splitting_of_the_input_gives_the_same_observation() {
    let mut stream = Vec::new();
    let parts = [
        frame_of(FrameHeader { fin: false, ..header(Opcode::TEXT, 3) }, "aé".as_bytes()),
        frame(Opcode::PONG, b"p"),
        frame(Opcode::CONTINUATION, &[b'x'; 300]),
        frame(Opcode::CLOSE, b"\x03\xE8"),
    ];
    for part in parts {
        let PeerTransmit::Octets(octets) = part else { panic!() };
        stream.extend(octets);
    }
    let (whole, _) = observe(vec![octets(stream.clone()), fin()]);
    assert_eq!(whole.events.len(), 2);
    for size in [1, 2, 3, 7, 64, 299] {
        let pieces = stream.chunks(size).map(octets).chain([fin()]).collect();
        let (split, _) = observe(pieces);
        assert_eq!(split.events, whole.events, "in pieces of {size}");
        assert_eq!(split.close, whole.close, "in pieces of {size}");
        assert_eq!(split.traffic, whole.traffic, "in pieces of {size}");
    }
}

#[test]
fn a_message_larger_than_the_case_can_need_is_counted_and_not_kept() {
    let mut case = listening_case();
    case.ok([message("short")]);
    let large = vec![b'a'; 1 << 20];
    let (observation, _) = observe_client(&case, sends(vec![frame(Opcode::TEXT, &large)]));
    let Event::Message { payload, .. } = &observation.events[0] else { panic!() };
    assert_eq!(payload.len, 1 << 20);
    assert!(payload.kept.len() < 4096, "{} octets were kept", payload.kept.len());
    let outcome = judge(&case, observation);
    assert_eq!(outcome.verdict, Verdict::Fail);
}

#[test]
fn a_payload_that_begins_as_expected_does_not_match() {
    let mut case = listening_case();
    case.ok([message("abc")]);
    let longer = [b"abc".to_vec(), vec![b'x'; 5000]].concat();
    let (outcome, _) = run_client(&case, sends(vec![frame(Opcode::TEXT, &longer)]));
    assert_eq!(outcome.verdict, Verdict::Fail);
    assert!(outcome.summary.contains("5003 octets"), "{}", outcome.summary);
}

#[test]
fn the_log_keeps_the_first_and_the_last_entries() {
    let pongs: Vec<_> = (0..1000u32).map(|n| frame(Opcode::PONG, n.to_string().as_bytes())).collect();
    let (observation, _) = observe(pongs);
    let log = &observation.log;
    assert_eq!(log.entries.len(), 2 * WireLog::KEPT);
    assert!(log.dropped > 1000);
    assert!(matches!(log.entries[0].kind, LogKind::Octets { direction: Direction::Tx, .. }), "the request");
    assert!(matches!(log.entries.last().unwrap().kind, LogKind::TcpEnd(_)));
    assert!(log.entries.is_sorted_by_key(|entry| entry.at));
    assert_eq!(observation.events.len() as u64 + observation.events_dropped, 1000);
    assert!(observation.events.len() < 100);
    assert_eq!(observation.stats.rx_frames[&10], 1000, "counts know all of them");
}

#[test]
fn a_quiet_case_logs_no_octets_until_it_is_judged() {
    let mut quiet = case([Step::Send(pong("x")), Step::CloseAfter(secs(1))]);
    quiet.measures.quiet = true;
    let (observation, _) = observe_client(&quiet, Scripted::server(mannered));
    let frames = observation.log.entries.iter().filter_map(|entry| match &entry.kind {
        LogKind::Frame { direction, header, .. } => Some((*direction, header.opcode)),
        _ => None,
    });
    let frames: Vec<_> = frames.collect();
    assert_eq!(frames, [(Direction::Rx, Opcode::CLOSE)], "only how the peer closes");
    assert_eq!(observation.stats.tx_frames[&10], 1, "counted all the same");
}

#[test]
fn frames_that_are_not_kept_whole_have_the_hash_of_all_of_their_payload() {
    use sha2::{Digest, Sha256};
    let sent = wsspec_cases::words::repeat(b"abc", 100_000);
    let whole = sent.to_bytes();
    let (first, second) = (vec![b'x'; 70_000], vec![b'y'; 256]);
    let steps = [Step::Send(text(sent)), Step::FailAfter(secs(3))];
    let two = [
        frame_of(FrameHeader { fin: false, ..header(Opcode::TEXT, 70_000) }, &first),
        frame(Opcode::CONTINUATION, &second),
    ];
    let (observation, _) = observe_client(&case(steps.clone()), sends(two.to_vec()));
    let hashes = |observation: &Observation| -> Vec<_> {
        let hash = |kind: &LogKind| match kind {
            LogKind::Frame { header, payload, .. } if header.opcode != Opcode::CLOSE => {
                Some((payload.len, payload.kept.len(), payload.sha256))
            }
            _ => None,
        };
        observation.log.entries.iter().filter_map(|entry| hash(&entry.kind)).collect()
    };
    let hash = |octets: &[u8]| Some(<[u8; 32]>::from(Sha256::digest(octets)));
    let expected = [(100_000, 256, hash(&whole)), (70_000, 256, hash(&first)), (256, 256, None)];
    assert_eq!(hashes(&observation), expected);

    let mut quiet = case(steps);
    quiet.measures.quiet = true;
    let (observation, _) = observe_client(&quiet, sends(two.to_vec()));
    assert_eq!(hashes(&observation), [], "cases with much traffic record and hash no frames");
}

#[test]
fn a_frame_that_never_ends_has_the_hash_of_what_came() {
    use sha2::{Digest, Sha256};
    let mut begun = vec![0x82, 126, 0xFF, 0xFF];
    begun.extend([7; 1000]);
    let (observation, _) = observe(vec![octets(begun), fin()]);
    let cut = observation.log.entries.iter().find_map(|entry| match &entry.kind {
        LogKind::Frame { direction: Direction::Rx, payload, .. } => Some(payload.clone()),
        _ => None,
    });
    let cut = cut.expect("the frame as far as it came");
    assert_eq!((cut.len, cut.sha256), (1000, Some(Sha256::digest([7; 1000]).into())));
}
