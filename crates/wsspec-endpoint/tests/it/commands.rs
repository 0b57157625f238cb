//! What a tester can ask an endpoint to do where the subprotocol `wst.cmd` is agreed on.

use std::time::Duration;

use wsspec_endpoint::{COMMANDS, ClientRequest, Closed, Config, Connection, End, Event, State, Transmit};
use wsspec_wire::{FrameDecoder, Token};

use crate::pair::{Alone, frame};

fn server(config: Config) -> Alone {
    let config = Config { echo: true, commands: true, ..config };
    Alone::server_with(config, "Sec-WebSocket-Protocol: wst.cmd\r\n")
}

/// What a server sends back for a text: opcode, FIN and payload of each frame.
fn answers(text: &str) -> Vec<(u8, bool, Vec<u8>)> {
    let mut server = server(Config::server([0; 32]));
    server.input(&frame(true, true, 0, 1, text.as_bytes()));
    frames(server.octets())
}

fn frames(mut octets: Vec<u8>) -> Vec<(u8, bool, Vec<u8>)> {
    let (mut decoder, mut rest, mut frames) = (FrameDecoder::new(), &mut octets[..], Vec::new());
    while let (taken, Some(token)) = decoder.next(rest) {
        let (octets, after) = rest.split_at_mut(taken);
        match token {
            Token::Header(header) => frames.push((header.opcode.bits(), header.fin, Vec::new())),
            Token::Payload { .. } => frames.last_mut().unwrap().2.extend_from_slice(octets),
            Token::FrameEnd => {}
        }
        rest = after;
    }
    frames
}

fn close(code: u16, reason: &str) -> (u8, bool, Vec<u8>) {
    (8, true, [&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

fn text(words: &str) -> (u8, bool, Vec<u8>) {
    (1, true, words.as_bytes().to_vec())
}

#[test]
fn closes_as_it_is_told() {
    assert_eq!(answers("!close"), [(8, true, vec![])]);
    assert_eq!(answers("!close 1000"), [close(1000, "")]);
    assert_eq!(answers("!close 3001 bye"), [close(3001, "bye")]);
    let long = "x".repeat(123);
    assert_eq!(answers(&format!("!close 1000 {long}")), [close(1000, &long)]);
    let cut = "é".repeat(61);
    assert_eq!(answers(&format!("!close 1000 {}", "é".repeat(62))), [close(1000, &cut)]);
}

#[test]
fn codes_that_must_not_be_sent_are_refused() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        let refused = text(&format!("!refused status code {code} must not be sent"));
        assert_eq!(answers(&format!("!close-api {code}")), [refused]);
    }
}

#[test]
fn sends_as_it_is_told() {
    assert_eq!(answers("!send text 3"), [text("abc")]);
    assert_eq!(answers("!send bin 3 254"), [(2, true, vec![254, 255, 0])]);
    assert_eq!(
        answers("!sendfrag 5 2"),
        [(2, false, vec![0, 1]), (0, false, vec![2, 3]), (0, true, vec![4])]
    );
    assert_eq!(answers("!sendfrag 0 2"), [(2, true, vec![])]);
    assert_eq!(answers("!ping 2"), [(9, true, b"1".to_vec()), (9, true, b"2".to_vec())]);
    assert_eq!(answers("!burst 2 1"), [(2, true, vec![0]), (2, true, vec![1])]);
}

#[test]
fn too_much_and_nonsense_are_refused() {
    for command in
        ["!send bin 99999999", "!burst 99999999 99999999", "!ping 99999999", "!sendfrag 16777216 1"]
    {
        assert_eq!(answers(command), [text("!refused that is too much")], "{command}");
    }
    assert_eq!(answers("!dance"), [text("!refused no such command")]);
}

#[test]
fn a_reset_is_one() {
    let mut server = server(Config::server([0; 32]));
    server.input(&frame(true, true, 0, 1, b"!reset"));
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::Abort));
    assert_eq!(server.endpoint.state(), State::Closed);
}

#[test]
fn a_quiet_endpoint_still_obeys() {
    let mut server = server(Config::server([0; 32]));
    for words in ["a", "!quiet", "b", "!send text 1"] {
        server.input(&frame(true, true, 0, 1, words.as_bytes()));
    }
    assert_eq!(frames(server.octets()), [text("a"), text("a")]);
}

#[test]
fn the_state_of_the_last_connection_is_told() {
    let last = |code, clean, reason: &str| Closed {
        clean,
        code,
        reason: reason.into(),
        sent_code: code,
        violation: None,
        timed_out: None,
    };
    for (last_closed, told) in [
        (None, "!state none"),
        (Some(last(3002, true, "r")), "!state 3002 clean r"),
        (Some(last(1005, true, "")), "!state 1005 clean"),
        (Some(last(1006, false, "")), "!state 1006 unclean"),
    ] {
        let mut server = server(Config { last_closed, ..Config::server([0; 32]) });
        server.input(&frame(true, true, 0, 1, b"!state"));
        assert_eq!(frames(server.octets()), [text(told)]);
    }
}

#[test]
fn commands_that_come_behind_the_handshake_or_in_pieces_are_obeyed() {
    let mut server = server(Config::server([0; 32]));
    let octets = [frame(true, false, 0, 1, b"!cl"), frame(true, true, 0, 0, b"ose 1001")].concat();
    for octet in octets {
        server.input(&[octet]);
    }
    assert_eq!(frames(server.octets()), [close(1001, "")]);
}

#[test]
fn without_the_subprotocol_a_command_is_a_text() {
    let mut plain = Alone::server(Config { echo: true, commands: true, ..Config::server([0; 32]) });
    plain.input(&frame(true, true, 0, 1, b"!close"));
    assert_eq!(frames(plain.octets()), [text("!close")]);
    let mut deaf = Alone::server_with(
        Config { echo: true, ..Config::server([0; 32]) },
        "Sec-WebSocket-Protocol: wst.cmd\r\n",
    );
    deaf.input(&frame(true, true, 0, 1, b"!close"));
    assert_eq!(frames(deaf.octets()), [text("!close")]);
}

#[test]
fn a_client_obeys_too() {
    let now = Duration::ZERO;
    let config = Config { echo: true, commands: true, ..Config::client([1; 32]) };
    let request = ClientRequest { subprotocols: vec![COMMANDS.into()], ..ClientRequest::new("h", "/") };
    let mut client = Connection::client(config, request, now);
    let mut server =
        Connection::server(Config { subprotocols: vec![COMMANDS.into()], ..Config::server([0; 32]) }, now);
    carry(&mut client, &mut server);
    carry(&mut server, &mut client);
    server.send_text("!close 3002 r").unwrap();
    carry(&mut server, &mut client);
    carry(&mut client, &mut server);
    let closed =
        std::iter::from_fn(|| server.poll_event()).find(|event| matches!(event, Event::CloseReceived { .. }));
    assert_eq!(closed, Some(Event::CloseReceived { code: Some(3002), reason: "r".into() }));
    server.handle_end(End::Fin, now);
}

fn carry(from: &mut Connection, to: &mut Connection) {
    while let Some(Transmit::Octets(octets)) = from.poll_transmit() {
        to.handle_input(&octets, Duration::ZERO);
    }
}
