//! Two endpoints talk to each other, whatever was agreed and however the octets are cut.

use proptest::collection::vec;
use proptest::prelude::*;
use wsspec_endpoint::{Config, Connection, DeflateConfig, Event, Message, Role, State, Transmit};

use crate::pair::Pair;

fn deflate() -> impl Strategy<Value = Option<DeflateConfig>> {
    let config = (any::<[bool; 2]>(), 8..16u8, proptest::option::of(8..16u8), 0..10u8, 0..100usize);
    proptest::option::of(config.prop_map(|(no_takeover, server, client, level, min_size)| DeflateConfig {
        server_no_context_takeover: no_takeover[0],
        client_no_context_takeover: no_takeover[1],
        server_max_window_bits: server,
        client_max_window_bits: client,
        level,
        min_size,
    }))
}

fn config(role: Role) -> impl Strategy<Value = Config> {
    (deflate(), proptest::option::of(1..200usize), any::<[u8; 32]>()).prop_map(
        move |(deflate, auto_fragment, seed)| Config { role, deflate, auto_fragment, ..Config::server(seed) },
    )
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        "\\PC{0,60}".prop_map(Message::text),
        ("[a-c]{1,9}", 1..3000usize).prop_map(|(unit, times)| Message::text(unit.repeat(times))),
        vec(any::<u8>(), 0..400).prop_map(Message::binary),
        (any::<u8>(), 0..100_000usize).prop_map(|(octet, len)| Message::binary(vec![octet; len])),
    ]
}

/// Carries what one endpoint sends to the other, in pieces of this size.
fn carry(from: &mut Connection, to: &mut Connection, piece: usize) -> Vec<Message> {
    while let Some(Transmit::Octets(octets)) = from.poll_transmit() {
        octets.chunks(piece).for_each(|piece| to.handle_input(piece, std::time::Duration::ZERO));
    }
    let events = std::iter::from_fn(|| to.poll_event());
    events
        .map(|event| match event {
            Event::Message(message) => message,
            event => panic!("{event:?}"),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_message_arrives(
        client in config(Role::Client),
        server in config(Role::Server),
        rounds in vec((vec(message(), 0..4), vec(message(), 0..4), 1..100_000usize), 1..6),
    ) {
        let mut pair = Pair::new(client, server);
        pair.run();
        prop_assert_eq!((pair.client.state(), pair.server.state()), (State::Open, State::Open));
        for (up, down, piece) in rounds {
            up.iter().for_each(|message| pair.client.send(message.clone()).unwrap());
            down.iter().for_each(|message| pair.server.send(message.clone()).unwrap());
            // Not prop_assert_eq, which would print megabytes.
            prop_assert!(carry(&mut pair.client, &mut pair.server, piece) == up, "to the server");
            prop_assert!(carry(&mut pair.server, &mut pair.client, piece) == down, "to the client");
        }
    }
}
