//! The closing handshake and its timers.

use std::time::Duration;

use wsspec_endpoint::{Closed, Config, End, Event, Message, SendError, State, Timer, Transmit};

use crate::pair::{Alone, Pair};

fn open() -> Pair {
    Pair::open(Config::client([1; 32]), Config::server([2; 32]))
}

fn closed(events: &[Event]) -> &Closed {
    match events.last() {
        Some(Event::Closed(closed)) => closed,
        other => panic!("not closed but {other:?}"),
    }
}

#[test]
fn client_closes() {
    let mut pair = open();
    pair.client.close(3001, "bye", pair.now).unwrap();
    pair.run();
    assert_eq!((pair.client.state(), pair.server.state()), (State::Closed, State::Closed));
    let (client, server) = (closed(&pair.client_events), closed(&pair.server_events));
    assert!(client.clean && server.clean);
    assert_eq!((client.code, client.sent_code, client.reason.as_str()), (3001, 3001, ""));
    assert_eq!((server.code, server.sent_code, server.reason.as_str()), (3001, 3001, "bye"));
}

#[test]
fn server_closes() {
    let mut pair = open();
    pair.server.close(None, "", pair.now).unwrap();
    pair.run();
    assert!(closed(&pair.client_events).clean);
    assert_eq!(closed(&pair.server_events).code, 1005);
}

#[test]
fn both_close_at_once() {
    let mut pair = open();
    pair.client.close(1000, "", pair.now).unwrap();
    pair.server.close(1001, "", pair.now).unwrap();
    pair.run();
    assert_eq!(closed(&pair.client_events).code, 1001);
    assert_eq!(closed(&pair.server_events).code, 1000);
    assert!(closed(&pair.client_events).clean && closed(&pair.server_events).clean);
}

#[test]
fn nothing_is_left_to_wait_for() {
    let mut pair = open();
    pair.client.close(1000, "", pair.now).unwrap();
    pair.run();
    pair.wait(Duration::from_secs(100));
    assert_eq!((pair.client.poll_timeout(), pair.server.poll_timeout()), (None, None));
}

#[test]
fn server_drops_tcp_first_and_client_waits_for_it() {
    let mut server = Alone::server(Config::server([0; 32]));
    let close = server.frame(true, 0, 8, b"\x03\xe8");
    server.input(&close);
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::Octets(b"\x88\x02\x03\xe8"[..].into())));
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::CloseTcp));

    let mut client = Alone::client(Config::client([0; 32]));
    let close = client.frame(true, 0, 8, b"\x03\xe8");
    client.input(&close);
    assert!(matches!(client.endpoint.poll_transmit(), Some(Transmit::Octets(_))));
    assert_eq!(client.endpoint.poll_transmit(), None);
    client.endpoint.handle_end(End::Fin, client.now);
    assert_eq!(client.endpoint.poll_transmit(), Some(Transmit::CloseTcp));
    assert!(closed(&client.events()).clean);
}

#[test]
fn client_drops_tcp_when_the_server_does_not() {
    let mut client = Alone::client(Config::client([0; 32]));
    let close = client.frame(true, 0, 8, b"");
    client.input(&close);
    client.octets();
    assert_eq!(client.endpoint.poll_timeout(), Some(client.now + Duration::from_secs(10)));
    client.wait(Duration::from_millis(9_999));
    assert_eq!(client.endpoint.poll_transmit(), None);
    client.wait(Duration::from_millis(1));
    assert_eq!(client.endpoint.poll_transmit(), Some(Transmit::CloseTcp));
    let events = client.events();
    let closed = closed(&events);
    assert_eq!((closed.clean, closed.timed_out), (true, Some(Timer::TcpClose)));
}

#[test]
fn peer_that_does_not_answer_a_close_frame() {
    for mut peer in [Alone::server(Config::server([0; 32])), Alone::client(Config::client([0; 32]))] {
        peer.endpoint.close(1001, "", peer.now).unwrap();
        peer.octets();
        peer.wait(Duration::from_millis(9_999));
        assert_eq!(peer.endpoint.state(), State::Closing);
        peer.wait(Duration::from_millis(1));
        assert_eq!(peer.endpoint.poll_transmit(), Some(Transmit::CloseTcp));
        let events = peer.events();
        let closed = closed(&events);
        assert_eq!((closed.clean, closed.code, closed.sent_code), (false, 1006, 1001));
        assert_eq!(closed.timed_out, Some(Timer::Close));
    }
}

#[test]
fn peer_that_keeps_tcp_after_the_server_dropped_it_is_reset() {
    let mut server = Alone::server(Config::server([0; 32]));
    let close = server.frame(true, 0, 8, b"");
    server.input(&close);
    while server.endpoint.poll_transmit().is_some() {}
    server.wait(Duration::from_secs(10));
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::Abort));
    assert_eq!(closed(&server.events()).timed_out, Some(Timer::TcpClose));
}

#[test]
fn slow_reader_gets_its_time() {
    let mut server = Alone::server(Config::server([0; 32]));
    for _ in 0..3 {
        server.endpoint.send(Message::binary(vec![0; 100_000])).unwrap();
    }
    let close = server.frame(true, 0, 8, b"");
    server.input(&close);
    for _ in 0..6 {
        assert!(matches!(server.endpoint.poll_transmit(), Some(Transmit::Octets(_))));
        server.wait(Duration::from_secs(10));
        assert_eq!(server.endpoint.state(), State::Closing);
    }
    server.wait(Duration::from_secs(10));
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::Abort));
}

#[test]
fn what_comes_after_the_end_is_drained_up_to_a_limit() {
    let mut server = Alone::server(Config { drain_limit: 1000, ..Config::server([0; 32]) });
    let broken = server.frame(true, 0, 3, b"");
    server.input(&broken);
    while server.endpoint.poll_transmit().is_some() {}
    server.input(&[0; 1000]);
    assert_eq!(server.endpoint.poll_transmit(), None);
    server.input(&[0]);
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::Abort));
    assert_eq!(server.endpoint.state(), State::Closed);
}

#[test]
fn client_that_fails_leaves_the_server_a_second_to_drop_tcp() {
    let mut client = Alone::client(Config::client([0; 32]));
    let broken = client.frame(true, 0, 3, b"");
    client.input(&broken);
    assert!(matches!(client.endpoint.poll_transmit(), Some(Transmit::Octets(_))));
    assert_eq!(client.endpoint.poll_transmit(), None);
    client.wait(Duration::from_secs(1));
    assert_eq!(client.endpoint.poll_transmit(), Some(Transmit::CloseTcp));
}

#[test]
fn end_of_tcp_without_a_close_frame() {
    for how in [End::Fin, End::Reset] {
        for mut peer in [Alone::server(Config::server([0; 32])), Alone::client(Config::client([0; 32]))] {
            let half = peer.frame(false, 0, 1, b"partial");
            peer.input(&half[..half.len() - 1]);
            peer.endpoint.handle_end(how, peer.now);
            let expected = (how == End::Fin).then_some(Transmit::CloseTcp);
            assert_eq!(peer.endpoint.poll_transmit(), expected);
            let events = peer.events();
            let closed = closed(&events);
            assert_eq!((closed.clean, closed.code, closed.sent_code), (false, 1006, 1006));
            assert_eq!(events.len(), 1);
        }
    }
}

#[test]
fn answers_are_written_before_the_end_of_tcp_is_answered() {
    let mut server = Alone::server(Config { echo: true, ..Config::server([0; 32]) });
    let message = server.frame(true, 0, 1, b"x");
    server.input(&message);
    server.endpoint.handle_end(End::Fin, server.now);
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::Octets(b"\x81\x01x"[..].into())));
    assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::CloseTcp));
}

#[test]
fn nothing_is_sent_after_a_close_frame() {
    let mut server = Alone::server(Config { echo: true, ..Config::server([0; 32]) });
    server.endpoint.close(1000, "", server.now).unwrap();
    assert_eq!(server.octets(), b"\x88\x02\x03\xe8");
    let late = [server.frame(true, 0, 1, b"x"), server.frame(true, 0, 9, b"y")].concat();
    server.input(&late);
    assert_eq!(server.octets(), b"");
    let refused = Err(SendError::NotOpen(State::Closing));
    assert_eq!(server.endpoint.send_text("z"), refused);
    assert_eq!(server.endpoint.ping(b""), refused);
    assert_eq!(server.endpoint.close(1000, "", server.now), refused);
}

#[test]
fn nothing_after_the_peers_close_frame_counts() {
    let mut server = Alone::server(Config { echo: true, ..Config::server([0; 32]) });
    let close = server.frame(true, 0, 8, b"\x03\xe8");
    let more = server.frame(true, 0, 3, b"");
    server.input(&[&close[..], &close, &more].concat());
    assert_eq!(server.octets(), b"\x88\x02\x03\xe8");
    server.endpoint.handle_end(End::Fin, server.now);
    assert!(closed(&server.events()).clean);
}

#[test]
fn broken_answer_to_a_close_frame_is_not_answered() {
    for body in [&b"\x03"[..], b"\x03\xed", b"\x03\xe8\xff"] {
        let mut server = Alone::server(Config::server([0; 32]));
        server.endpoint.close(1000, "", server.now).unwrap();
        assert_eq!(server.octets(), b"\x88\x02\x03\xe8");
        let answer = server.frame(true, 0, 8, body);
        server.input(&answer);
        assert_eq!(server.endpoint.poll_transmit(), Some(Transmit::CloseTcp));
        server.endpoint.handle_end(End::Fin, server.now);
        assert!(!closed(&server.events()).clean);
    }
}

#[test]
fn reasons_are_cut_between_characters() {
    let mut server = Alone::server(Config::server([0; 32]));
    server.endpoint.close(1000, &"é".repeat(62), server.now).unwrap();
    let sent = server.octets();
    assert_eq!(sent.len(), 2 + 2 + 122);
    assert!(std::str::from_utf8(&sent[4..]).is_ok());
}

#[test]
fn what_must_not_be_sent_is_refused() {
    let mut server = Alone::server(Config::server([0; 32]));
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        assert_eq!(server.endpoint.close(code, "", server.now), Err(SendError::CloseCode(code)));
    }
    assert_eq!(server.endpoint.close(None, "x", server.now), Err(SendError::ReasonWithoutCode));
    assert_eq!(server.endpoint.ping(&[0; 126]), Err(SendError::ControlTooLong(126)));
    assert_eq!(server.octets(), b"");
}

#[test]
fn silent_peer_is_pinged_and_given_up() {
    let config = Config { ping_interval: Some(Duration::from_secs(30)), ..Config::server([0; 32]) };
    let mut server = Alone::server(config);
    server.wait(Duration::from_secs(29));
    assert_eq!(server.octets(), b"");
    server.wait(Duration::from_secs(1));
    assert_eq!(server.octets(), b"\x89\x00");
    let pong = server.frame(true, 0, 10, b"");
    server.input(&pong);
    server.wait(Duration::from_secs(30));
    assert_eq!(server.octets(), b"\x89\x00");
    server.wait(Duration::from_secs(20));
    assert!(server.octets().starts_with(b"\x88"));
    server.endpoint.handle_end(End::Fin, server.now);
    let events = server.events();
    assert_eq!(closed(&events).timed_out, Some(Timer::Pong));
    assert_eq!(closed(&events).sent_code, 1008);
}
