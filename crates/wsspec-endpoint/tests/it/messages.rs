//! Messages and control frames between two endpoints.

use wsspec_endpoint::{Config, Event, Message};

use crate::pair::Pair;

fn open() -> Pair {
    Pair::open(Config::client([1; 32]), Config::server([2; 32]))
}

#[test]
fn messages_of_all_sizes_come_back() {
    let mut pair = open();
    for size in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20] {
        let payload: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
        let message = Message::binary(payload);
        pair.client.send(message.clone()).unwrap();
        pair.run();
        assert_eq!(pair.echoes(), [message], "{size}");
    }
}

#[test]
fn text_comes_back_as_text() {
    let mut pair = open();
    pair.client.send_text("κόσμε").unwrap();
    pair.run();
    assert_eq!(pair.echoes(), [Message::text("κόσμε")]);
}

#[test]
fn fragments_are_put_together() {
    let config = Config { auto_fragment: Some(3), ..Config::client([1; 32]) };
    let mut pair = Pair::open(config, Config { auto_fragment: Some(2), ..Config::server([2; 32]) });
    pair.client.send_text("Hello, wörld").unwrap();
    pair.run();
    assert_eq!(pair.echoes(), [Message::text("Hello, wörld")]);
}

#[test]
fn every_ping_is_answered_in_order() {
    let mut pair = open();
    for number in 0..10u8 {
        pair.client.ping(&[number]).unwrap();
    }
    pair.run();
    let pongs: Vec<Event> = (0..10u8).map(|number| Event::Pong(vec![number].into())).collect();
    assert_eq!(pair.client_events, pongs);
}
