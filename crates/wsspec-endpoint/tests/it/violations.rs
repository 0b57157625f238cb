//! Every rule for frames: what breaks it fails the connection with the right code, and nothing after it is
//! processed.

use bytes::Bytes;
use wsspec_endpoint::{Config, DeflateConfig, End, Event, State, Violation};
use wsspec_wire::{FrameHeader, Opcode, Rsv, copy_masked};

use crate::pair::{Alone, frame};

const CLOSE: u8 = 8;
const PING: u8 = 9;

fn both_roles() -> [Alone; 2] {
    [Alone::server(Config::server([0; 32])), Alone::client(Config::client([0; 32]))]
}

/// Sends `octets` and then a Ping; the connection must have failed with `violation`.
fn fails(peer: &mut Alone, octets: &[u8], violation: &Violation) {
    peer.input(octets);
    let ping = peer.frame(true, 0, PING, b"late");
    peer.input(&ping);
    let expected_code = violation.close_code().to_be_bytes();
    let sent = last_frame(&peer.octets());
    assert_eq!(sent[0], 0x88, "{violation}");
    assert_eq!(sent[2..4], expected_code, "{violation}");
    assert_eq!(peer.endpoint.state(), State::Closing);
    peer.endpoint.handle_end(End::Fin, peer.now);
    let events = peer.events();
    assert!(!events.contains(&Event::Ping(Bytes::from("late"))));
    let Some(Event::Closed(closed)) = events.last() else { panic!("not closed: {events:?}") };
    assert_eq!(closed.violation.as_ref(), Some(violation));
    assert!(!closed.clean);
}

/// The last frame in these octets, without its masking key.
fn last_frame(octets: &[u8]) -> Vec<u8> {
    let (mut rest, mut last) = (octets, Vec::new());
    while let Some((header, len)) = FrameHeader::decode(rest) {
        let (payload, after) = rest[len..].split_at(header.length as usize);
        last.clear();
        FrameHeader { mask: None, ..header }.encode(&mut last);
        copy_masked(header.mask.unwrap_or_default(), 0, payload, &mut last);
        rest = after;
    }
    last
}

fn check(fin: bool, rsv: u8, opcode: u8, payload: &[u8], violation: &Violation) {
    for mut peer in both_roles() {
        let octets = peer.frame(fin, rsv, opcode, payload);
        fails(&mut peer, &octets, violation);
    }
}

/// The same after the first fragment of a text message.
fn check_after_fragment(fin: bool, rsv: u8, opcode: u8, payload: &[u8], violation: &Violation) {
    for mut peer in both_roles() {
        let mut octets = peer.frame(false, 0, 1, b"a");
        octets.extend(peer.frame(fin, rsv, opcode, payload));
        fails(&mut peer, &octets, violation);
    }
}

#[test]
fn reserved_bits() {
    for rsv in 1..8 {
        for opcode in [1, 2, CLOSE, PING, 10] {
            check(true, rsv, opcode, b"", &Violation::ReservedBits(Rsv::new(rsv)));
        }
        check_after_fragment(true, rsv, 0, b"", &Violation::ReservedBits(Rsv::new(rsv)));
    }
}

#[test]
fn reserved_opcodes() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for fin in [false, true] {
            check(fin, 0, opcode, b"x", &Violation::ReservedOpcode(Opcode::new(opcode)));
            check_after_fragment(fin, 0, opcode, b"x", &Violation::ReservedOpcode(Opcode::new(opcode)));
        }
    }
}

#[test]
fn masking() {
    for opcode in [1, 2, CLOSE, PING, 10] {
        let mut server = Alone::server(Config::server([0; 32]));
        fails(&mut server, &frame(false, true, 0, opcode, b""), &Violation::NotMasked);
        let mut client = Alone::client(Config::client([0; 32]));
        fails(&mut client, &frame(true, true, 0, opcode, b""), &Violation::Masked);
    }
}

#[test]
fn control_frames() {
    for opcode in [CLOSE, PING, 10] {
        check(false, 0, opcode, b"", &Violation::ControlFragmented(Opcode::new(opcode)));
        check_after_fragment(false, 0, opcode, b"", &Violation::ControlFragmented(Opcode::new(opcode)));
        for size in [126, 127, 65_536] {
            check(true, 0, opcode, &vec![0; size], &Violation::ControlTooLong(Opcode::new(opcode)));
        }
    }
}

#[test]
fn fragments() {
    for fin in [false, true] {
        check(fin, 0, 0, b"x", &Violation::OrphanContinuation);
        for opcode in [1, 2] {
            let violation = Violation::MessageInterleaved(Opcode::new(opcode));
            check_after_fragment(fin, 0, opcode, b"x", &violation);
        }
    }
}

#[test]
fn lengths() {
    for mut peer in both_roles() {
        let mask = if peer.frame(true, 0, 1, b"").len() == 6 { 0x80 } else { 0 };
        fails(&mut peer, &[0x81, mask | 126, 0, 125], &Violation::LengthNotMinimal(125));
    }
    for mut peer in both_roles() {
        let mask = if peer.frame(true, 0, 1, b"").len() == 6 { 0x80 } else { 0 };
        let octets = [0x82, mask | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        fails(&mut peer, &octets, &Violation::LengthNotMinimal(65_535));
    }
    for mut peer in both_roles() {
        let mask = if peer.frame(true, 0, 1, b"").len() == 6 { 0x80 } else { 0 };
        let octets = [0x82, mask | 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
        fails(&mut peer, &octets, &Violation::LengthTopBit(1 << 63));
    }
}

#[test]
fn limits() {
    let limited =
        |config: Config| Config { max_message_size: 8, max_frame_size: 6, max_fragments: 3, ..config };
    let both =
        || [Alone::server(limited(Config::server([0; 32]))), Alone::client(limited(Config::client([0; 32])))];
    for mut peer in both() {
        let octets = peer.frame(true, 0, 2, &[0; 7]);
        fails(&mut peer, &octets[..2], &Violation::FrameTooBig { length: 7, limit: 6 });
    }
    for mut peer in both() {
        let octets = [peer.frame(false, 0, 2, &[0; 6]), peer.frame(true, 0, 0, &[0; 3])].concat();
        fails(&mut peer, &octets, &Violation::MessageTooBig { limit: 8 });
    }
    for mut peer in both() {
        let empty = peer.frame(false, 0, 0, &[]);
        let octets = [&peer.frame(false, 0, 2, &[])[..], &empty, &empty, &empty].concat();
        fails(&mut peer, &octets, &Violation::TooManyFragments { limit: 3 });
    }
}

#[test]
fn text_fails_with_the_octet_that_makes_it_invalid() {
    for mut peer in both_roles() {
        let octets = peer.frame(true, 0, 1, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited");
        let header = octets.len() - 16;
        peer.input(&octets[..header + 8]);
        assert_eq!(peer.endpoint.state(), State::Open);
        fails(&mut peer, &octets[header + 8..header + 9], &Violation::InvalidUtf8 { offset: 8 });
    }
}

#[test]
fn text_must_not_end_inside_a_character() {
    check(true, 0, 1, b"ab\xe2\x82", &Violation::InvalidUtf8 { offset: 4 });
    check_after_fragment(true, 0, 0, b"\xe2\x82", &Violation::InvalidUtf8 { offset: 3 });
}

#[test]
fn close_bodies() {
    check(true, 0, CLOSE, b"\x03", &Violation::CloseBodyTooShort);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535u16] {
        check(true, 0, CLOSE, &code.to_be_bytes(), &Violation::CloseCode(code));
    }
    check(true, 0, CLOSE, b"\x03\xe8\xff", &Violation::CloseReason);
    check(true, 0, CLOSE, b"\x03\xe8ab\xe2\x82", &Violation::CloseReason);
}

#[test]
fn every_code_that_may_be_sent_is_answered_with_itself() {
    let allowed = (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]);
    for code in allowed {
        for mut peer in both_roles() {
            let octets = peer.frame(true, 0, CLOSE, &u16::to_be_bytes(code));
            peer.input(&octets);
            let sent = last_frame(&peer.octets());
            assert_eq!(sent, [&[0x88, 2], &u16::to_be_bytes(code)[..]].concat());
        }
    }
}

#[test]
fn headers_fail_before_they_are_complete() {
    let cases: [(&[u8], Violation); 5] = [
        (&[0x83], Violation::ReservedOpcode(Opcode::new(3))),
        (&[0x91], Violation::ReservedBits(Rsv::RSV3)),
        (&[0x80], Violation::OrphanContinuation),
        (&[0x09], Violation::ControlFragmented(Opcode::PING)),
        (&[0x89, 0xfe], Violation::ControlTooLong(Opcode::PING)),
    ];
    for (octets, violation) in &cases {
        let mut peer = Alone::server(Config::server([0; 32]));
        fails(&mut peer, octets, violation);
    }
    let mut peer = Alone::server(Config::server([0; 32]));
    fails(&mut peer, &[0x82, 0x7e], &Violation::NotMasked);
}

#[test]
fn text_from_violations_is_told_apart() {
    let violation = Violation::CloseCode(1005);
    assert_eq!(violation.section(), "RFC 6455 7.4");
    assert_eq!(violation.message(), "Close frame with status code 1005");
}

fn deflate_server(config: Config) -> Alone {
    let config = Config { deflate: Some(DeflateConfig::default()), ..config };
    Alone::server_with(config, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
}

#[test]
fn compressed_bit_belongs_to_first_data_frames() {
    for opcode in [CLOSE, PING, 10] {
        let mut peer = deflate_server(Config::server([0; 32]));
        let octets = peer.frame(true, 4, opcode, b"");
        fails(&mut peer, &octets, &Violation::CompressedBit(Opcode::new(opcode)));
    }
    let mut peer = deflate_server(Config::server([0; 32]));
    let octets = [peer.frame(false, 4, 1, b"\xf2\x48"), peer.frame(true, 4, 0, b"\xcd\xc9\xc9\x07\x00")];
    fails(&mut peer, &octets.concat(), &Violation::CompressedBit(Opcode::CONTINUATION));
}

#[test]
fn broken_deflate_data() {
    let broken: [&[u8]; 5] = [
        b"\x06",
        b"\x00\x05\x00\x34\x12Hello",
        b"\x4a\x04\x42\x00\x00",
        b"\xf2\x48\xcd\xc9",
        b"\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00",
    ];
    for payload in broken {
        let mut peer = deflate_server(Config::server([0; 32]));
        let octets = peer.frame(true, 4, 1, payload);
        fails(&mut peer, &octets, &Violation::InvalidDeflate);
    }
}

#[test]
fn inflated_text_is_checked() {
    let mut peer = deflate_server(Config::server([0; 32]));
    let octets = peer.frame(true, 4, 1, b"\x3a\xb7\xeb\xed\x82\x06\x00\x00");
    fails(&mut peer, &octets, &Violation::InvalidUtf8 { offset: 3 });
}

#[test]
fn inflation_is_bounded() {
    let mut zeros = Vec::new();
    wsspec_wire::deflate::Deflater::new(15, 9).unwrap().message(&vec![0; 100_000], &mut zeros);
    let limit = 99_999;
    let mut peer = deflate_server(Config { max_message_size: limit, ..Config::server([0; 32]) });
    let octets = peer.frame(true, 4, 2, &zeros);
    fails(&mut peer, &octets, &Violation::MessageTooBig { limit });
    let mut peer = deflate_server(Config { max_message_size: 100_000, ..Config::server([0; 32]) });
    let octets = peer.frame(true, 4, 2, &zeros);
    peer.input(&octets);
    assert!(matches!(&peer.events()[..], [Event::Message(message)] if message.payload().len() == 100_000));
}
