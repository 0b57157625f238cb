//! The closing handshake and its timers.

use std::time::Duration;

use wsspec_endpoint::{Closed, Config, Event, State};

use crate::pair::Pair;

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
