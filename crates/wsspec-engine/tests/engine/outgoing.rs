//! What the tester sends, octet by octet.

use std::collections::BTreeSet;
use std::time::Duration;

use wsspec_cases::words::{binary, close, ping, repeat, secs, text};
use wsspec_cases::{Length, Masking, MessageSpec, Payload, Step};
use wsspec_engine::testing::{Pair, Peer, PeerTransmit};
use wsspec_engine::{CaseRun, Conduct, Direction, LogKind, Settings, Time, Transmit};
use wsspec_wire::{LengthForm, Opcode, RequestHead, apply_mask};

use crate::common::{Frame, Scripted, case, frame, mannered, observe_client, opening, request};

const NOW: Time = Duration::ZERO;

/// The transmissions of a server tester behind its 101: not masked, so that they can be read.
fn transmits(steps: impl Into<Vec<Step>>) -> (CaseRun<'static>, Vec<Transmit>) {
    let case = Box::leak(Box::new(case(steps)));
    let mut run = CaseRun::server(case, &request(None), Settings::default());
    let mut out = Vec::new();
    while let Some(transmit) = run.poll_transmit(NOW) {
        out.push(transmit);
    }
    let Some(Transmit::Octets { data, .. }) = out.first_mut() else { panic!("the response") };
    let head = RequestHead::parse(data);
    let length = data.len() - head_end(data);
    assert!(head.raw.starts_with(b"HTTP/1.1 101"));
    *data = data.slice(data.len() - length..);
    (run, out)
}

fn head_end(octets: &[u8]) -> usize {
    octets.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of the head") + 4
}

fn stream(steps: impl Into<Vec<Step>>) -> Vec<u8> {
    let octets = |transmit: &Transmit| match transmit {
        Transmit::Octets { data, .. } => data.to_vec(),
        _ => vec![],
    };
    transmits(steps).1.iter().flat_map(octets).collect()
}

#[test]
fn every_field_of_a_frame_goes_out_as_it_is_written() {
    let bits16 = wsspec_cases::FrameSpec { length: Length::Form(LengthForm::Bits16), ..text("ab") };
    assert_eq!(stream([Step::Send(bits16)]), b"\x81\x7E\x00\x02ab");
    let claimed =
        wsspec_cases::FrameSpec { length: Length::Claimed(LengthForm::Bits64, 1 << 63), ..binary("ab") };
    assert_eq!(stream([Step::Send(claimed)]), b"\x82\x7F\x80\0\0\0\0\0\0\0ab");
    let masked = wsspec_cases::FrameSpec { mask: Masking::Key([1, 2, 3, 4]), fin: false, ..text("ab") };
    assert_eq!(stream([Step::Send(masked.rsv(7))]), [0x71, 0x82, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2]);
    assert_eq!(stream([Step::Octets("raw".into()), Step::Send(ping("p"))]), b"raw\x89\x01p");
}

#[test]
fn a_frame_goes_out_whole_and_several_share_a_piece() {
    let (_, out) = transmits([Step::Send(text("a")), Step::Send(ping("b"))]);
    assert_eq!(out.len(), 1, "head and frames");
    assert_eq!(stream([Step::Send(text("a")), Step::Send(ping("b"))]), b"\x81\x01a\x89\x01b");
}

#[test]
fn a_chopped_frame_goes_out_in_pieces_of_that_size() {
    let (run, out) = transmits([Step::Send(text("0123456789").chop(5)), Step::Send(ping(""))]);
    let sizes: Vec<_> = out[1..]
        .iter()
        .map(|transmit| match transmit {
            Transmit::Octets { data, flush } => (data.len(), *flush),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sizes, [(5, true), (5, true), (2, true), (2, false)]);
    let stats = run.finish(NOW).stats;
    assert_eq!((stats.tx_octets[&5], stats.tx_octets[&2]), (2, 2));
}

#[test]
fn a_pushed_frame_goes_out_alone() {
    let (_, out) = transmits([Step::Send(text("a")), Step::Send(ping("b").sync()), Step::Send(text("c"))]);
    let flushed: Vec<_> =
        out.iter().map(|transmit| matches!(transmit, Transmit::Octets { flush: true, .. })).collect();
    assert_eq!(flushed, [false, true, false]);
}

#[test]
fn a_large_message_goes_out_in_bounded_pieces() {
    let len = 16 << 20;
    let (run, out) = transmits([Step::Send(text(repeat(b"BAsd7&jh23", len)))]);
    let mut total = 0;
    let mut next = 0;
    for (index, transmit) in out.iter().enumerate() {
        let Transmit::Octets { data, .. } = transmit else { panic!() };
        assert!(data.len() <= Transmit::LARGEST);
        let header = if index == 0 { 10 } else { 0 };
        for &octet in &data[header..] {
            assert_eq!(octet, b"BAsd7&jh23"[next % 10], "octet {next}");
            next += 1;
        }
        total += data.len();
    }
    assert_eq!(total, len + 10);
    let observation = run.finish(NOW);
    assert_eq!(observation.stats.tx_octets[&(len as u64 + 10)], 1, "one write of the case");
    assert_eq!(observation.traffic.tx_app, len as u64);
}

#[test]
fn a_message_is_fragmented_as_asked_and_ends_with_an_empty_fragment_if_it_fills_them() {
    let fragments = |len: usize| {
        let message = MessageSpec {
            opcode: Opcode::TEXT,
            payload: Payload::Repeat { unit: "ab".into(), len },
            fragment: Some(3),
            chop: None,
            compress: true,
            window: None,
        };
        stream([Step::SendMessage(message)])
    };
    assert_eq!(fragments(0), b"\x81\x00");
    assert_eq!(fragments(3), b"\x81\x03aba", "it fits");
    assert_eq!(fragments(4), b"\x01\x03aba\x80\x01b");
    assert_eq!(fragments(6), b"\x01\x03aba\x00\x03bab\x80\x00");
    assert_eq!(fragments(7), b"\x01\x03aba\x00\x03bab\x80\x01a");
}

#[test]
fn more_payload_goes_on_with_the_masking_of_its_frame() {
    let steps = [Step::Send(text("").announcing(6)), Step::Data("abc".into()), Step::Data("def".into())];
    let (_, peer) = observe_client(&case(steps), Scripted::server(|_| vec![]));
    assert_eq!(peer.frames[0].payload, b"abcdef");
    assert!(peer.frames[0].header.mask.is_some());
}

#[test]
fn a_pong_waits_for_the_end_of_a_half_sent_frame_and_a_close_frame_does_not() {
    let wait = Step::Wait { duration: secs(1), tag: None };
    let steps =
        [Step::Send(text("").announcing(6)), Step::Data("abc".into()), wait, Step::Data("def".into())];
    let half_sent = case(steps);
    let mut run = CaseRun::server(&half_sent, &request(None), Settings::default());
    while run.poll_transmit(NOW).is_some() {}
    // A masked Ping with the payload `p`.
    run.handle_input(&mut [0x89, 0x81, 0, 0, 0, 0, b'p'], NOW);
    assert_eq!(run.poll_transmit(NOW), None, "not in the middle of the frame");
    run.handle_timeout(secs(1));
    let Some(Transmit::Octets { data, .. }) = run.poll_transmit(secs(1)) else { panic!() };
    assert_eq!(&data[..], b"def\x8A\x01p");

    let mut run = CaseRun::server(&half_sent, &request(None), Settings::default());
    while run.poll_transmit(NOW).is_some() {}
    run.handle_input(&mut [0x88, 0x80, 0, 0, 0, 0], NOW);
    let Some(Transmit::Octets { data, .. }) = run.poll_transmit(NOW) else { panic!() };
    assert_eq!(&data[..], b"\x88\x02\x03\xE8");
}

#[test]
fn steps_go_out_in_their_order_also_behind_the_answer_to_a_ping() {
    let mut first = true;
    let peer = Scripted::server(move |frame_in| {
        if std::mem::replace(&mut first, false) {
            vec![frame(Opcode::PING, b"x")]
        } else {
            mannered(frame_in)
        }
    });
    let wait = Step::Wait { duration: secs(1), tag: None };
    let steps = [Step::Send(text("1")), wait, Step::Send(text("2")), Step::Close(close(1000))];
    let (_, peer) = observe_client(&case(steps), peer);
    let opcodes: Vec<_> = peer.frames.iter().map(|frame| frame.header.opcode.bits()).collect();
    assert_eq!(opcodes, [1, 10, 1, 8]);
}

#[test]
fn masking_keys_come_from_the_seed_and_answers_do_not_shift_them() {
    let keys = |seed, pinged: bool| {
        let steps = [
            Step::Send(text("1")),
            Step::Wait { duration: secs(1), tag: None },
            Step::Send(text("2")),
            Step::Send(text("3")),
        ];
        let settings = Settings { seed, ..Settings::default() };
        let case = case(steps);
        let run = CaseRun::client(&case, &opening(), settings);
        let ping = move |in_frame: &Frame| match in_frame.header.opcode {
            Opcode::TEXT if pinged => vec![frame(Opcode::PING, b"")],
            _ => vec![],
        };
        let (_, peer) = Pair::new(run, Scripted::server(ping)).finish();
        assert_eq!(peer.frames.iter().any(|frame| frame.header.opcode == Opcode::PONG), pinged);
        let texts = peer.frames.iter().filter(|frame| frame.header.opcode == Opcode::TEXT);
        texts.map(|frame| frame.header.mask.expect("a client masks")).collect::<Vec<_>>()
    };
    assert_eq!(keys(1, false), keys(1, false));
    assert_eq!(keys(1, false), keys(1, true), "pongs have keys of their own");
    assert_ne!(keys(1, false), keys(2, false));
    assert_eq!(keys(3, false).into_iter().collect::<BTreeSet<_>>().len(), 3, "a fresh key for each frame");
}

#[test]
fn masking_a_large_frame_in_pieces_is_masking_it_at_once() {
    let len = 200_001;
    let case = case([Step::Send(binary(repeat(b"abc", len)))]);
    let mut run = CaseRun::client(&case, &opening(), Settings::default());
    let mut sent = Vec::new();
    let mut peer = Scripted::server(|_| vec![]);
    while let Some(Transmit::Octets { data, .. }) = run.poll_transmit(NOW) {
        peer.handle_input(&mut Vec::from(data), NOW);
    }
    let Some(PeerTransmit::Octets(mut response)) = peer.poll_transmit(NOW) else { panic!() };
    run.handle_input(&mut response, NOW);
    while let Some(Transmit::Octets { data, .. }) = run.poll_transmit(NOW) {
        sent.extend_from_slice(&data);
    }
    let (head, payload) = sent.split_at_mut(14);
    let key = [head[10], head[11], head[12], head[13]];
    apply_mask(key, 0, payload);
    assert_eq!(payload.len(), len);
    assert!(payload.iter().zip(b"abc".iter().cycle()).all(|(got, wanted)| got == wanted));
}

#[test]
fn half_closing_and_resetting_are_steps() {
    let (_, out) = transmits([Step::Send(text("a")), Step::HalfClose]);
    assert_eq!(out.last(), Some(&Transmit::Fin));
    let (run, out) = transmits([Step::Send(text("a")), Step::Reset, Step::Send(text("b"))]);
    assert_eq!(out.last(), Some(&Transmit::Reset));
    assert_eq!(out.len(), 2);
    assert!(run.is_finished());
}

/// Timers that a script arms behind its frames stand behind them in the log, as the reference has it.
#[test]
fn what_a_script_arms_is_logged_behind_the_frames_it_sent_before() {
    let steps =
        [Step::Send(text("a")), Step::FailAfter(secs(2)), Step::Send(text("b")), Step::CloseAfter(secs(1))];
    let (observation, _) = observe_client(&case(steps), Scripted::server(mannered));
    let names: Vec<_> = observation.log.entries.iter().filter_map(|entry| name(&entry.kind)).collect();
    assert_eq!(names, ["frame 1", "fail timer", "frame 1", "close timer", "close timer fired", "frame 8"]);
}

fn name(kind: &LogKind) -> Option<String> {
    match kind {
        LogKind::Frame { direction: Direction::Tx, header, .. } => {
            Some(format!("frame {}", header.opcode.bits()))
        }
        LogKind::FailTimerArmed(_) => Some("fail timer".to_owned()),
        LogKind::CloseTimerArmed(_) => Some("close timer".to_owned()),
        LogKind::CloseTimerFired => Some("close timer fired".to_owned()),
        _ => None,
    }
}

/// A peer that ends TCP while frames wait: they are counted apart, and timers armed behind them are in the log.
#[test]
fn frames_that_never_went_out_are_counted_apart() {
    let steps = [
        Step::Send(text("1").sync()),
        Step::Send(text("2").sync()),
        Step::SendMessage(binary("abcdef").in_fragments_of(2)),
        Step::FailAfter(secs(1)),
    ];
    let case = case(steps);
    let mut run = CaseRun::server(&case, &request(None), Settings::default());
    let _response = run.poll_transmit(NOW);
    let first = run.poll_transmit(NOW);
    assert!(matches!(first, Some(Transmit::Octets { flush: true, .. })), "{first:?}");
    run.handle_end(wsspec_engine::TcpEnd::PeerFin, NOW);
    let observation = run.finish(NOW);
    assert_eq!(observation.stats.tx_frames, [(1, 1)].into());
    // A message that fills its fragments ends with an empty one.
    assert_eq!(observation.stats.unsent_frames, [(0, 3), (1, 1), (2, 1)].into());
    let armed =
        observation.log.entries.iter().position(|entry| matches!(entry.kind, LogKind::FailTimerArmed(_)));
    let ended = observation.log.entries.iter().position(|entry| matches!(entry.kind, LogKind::TcpEnd(_)));
    assert!(armed.is_some() && armed < ended);
}

#[test]
fn messages_of_scripts_are_fragmented_on_request_and_single_frames_are_not() {
    let steps = [
        Step::Send(text("abc")),
        Step::SendMessage(text("abc").as_message()),
        Step::SendMessage(text("abcd").in_fragments_of(3)),
    ];
    let conduct = Conduct { auto_fragment: Some(2), ..Conduct::default() };
    let settings = Settings { conduct, ..Settings::default() };
    let case = case(steps);
    let mut run = CaseRun::server(&case, &request(None), settings);
    let mut sent = Vec::new();
    while let Some(Transmit::Octets { data, .. }) = run.poll_transmit(NOW) {
        sent.extend_from_slice(&data);
    }
    let frames = &sent[head_end(&sent)..];
    assert_eq!(frames, b"\x81\x03abc\x01\x02ab\x80\x01c\x01\x03abc\x80\x01d");
}

#[test]
fn a_server_masks_on_request() {
    let conduct = Conduct { mask_server_frames: true, ..Conduct::default() };
    let settings = Settings { conduct, ..Settings::default() };
    let case = case([Step::Send(text("a"))]);
    let mut run = CaseRun::server(&case, &request(None), settings);
    let Some(Transmit::Octets { data, .. }) = run.poll_transmit(NOW) else { panic!() };
    assert_eq!(data[head_end(&data)..][..2], [0x81, 0x81]);
}
