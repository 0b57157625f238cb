//! permessage-deflate between two endpoints.

use wsspec_endpoint::{Config, DeflateConfig, Event, Message};

use crate::pair::{Alone, Pair};

/// Text that repeats itself at short and long distances.
fn texts() -> Vec<String> {
    let mut state = 1u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("w{} ", state >> 20)
    };
    let long: String = (0..8000).map(|_| word()).collect();
    // Long ones are compressed without what came before, which short ones may refer to.
    let short = long[..200].to_owned();
    let twice = |text: &String| [text.clone(), text.clone()];
    [
        twice(&"Hello".into()),
        twice(&short),
        [String::new(), long.clone()],
        twice(&short),
        [long, short.clone()],
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn check(client: DeflateConfig, server: DeflateConfig) {
    let mut pair = Pair::open(
        Config { deflate: Some(client.clone()), ..Config::client([1; 32]) },
        Config { deflate: Some(server.clone()), ..Config::server([2; 32]) },
    );
    for text in texts() {
        pair.client.send_text(&text).unwrap();
        pair.run();
        assert_eq!(pair.echoes(), [Message::text(text)], "{client:?} {server:?}");
    }
}

#[test]
fn every_window_with_and_without_takeover() {
    for server_max_window_bits in 8..=15 {
        for client_max_window_bits in 8..=15 {
            for flags in 0..4 {
                let config = DeflateConfig {
                    server_no_context_takeover: flags & 1 != 0,
                    client_no_context_takeover: flags & 2 != 0,
                    server_max_window_bits,
                    client_max_window_bits: Some(client_max_window_bits),
                    ..DeflateConfig::default()
                };
                check(config.clone(), DeflateConfig::default());
                check(DeflateConfig::default(), config);
            }
        }
    }
}

#[test]
fn connections_that_share_a_compressor_are_not_mixed_up() {
    let config = |config: Config| Config { deflate: Some(DeflateConfig::default()), ..config };
    let pair = |_| Pair::open(config(Config::client([1; 32])), config(Config::server([2; 32])));
    let mut pairs: Vec<Pair> = (0..100).map(pair).collect();
    for round in 0..3 {
        for (number, pair) in pairs.iter_mut().enumerate() {
            // Some messages in a row, of which the later ones refer to the earlier ones.
            for text in
                [format!("{number}: {}", "the same text ".repeat(5 + round)), "the same text ".repeat(4)]
            {
                pair.client.send_text(&text).unwrap();
                pair.run();
                assert_eq!(pair.echoes(), [Message::text(text)], "{number}");
            }
        }
    }
}

#[test]
fn every_level() {
    for level in 0..=9 {
        let config = DeflateConfig { level, ..DeflateConfig::default() };
        check(config.clone(), config);
    }
}

#[test]
fn short_messages_can_stay_as_they_are() {
    let config = || DeflateConfig { min_size: 6, ..DeflateConfig::default() };
    let mut server = Alone::server_with(
        Config { deflate: Some(config()), ..Config::server([0; 32]) },
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    );
    server.endpoint.send_text("Hello").unwrap();
    assert_eq!(server.octets(), b"\x81\x05Hello");
    server.endpoint.send_text("Hello!").unwrap();
    assert_eq!(server.octets()[0], 0xc1);
}

fn echo_server() -> Alone {
    Alone::server_with(
        Config { deflate: Some(DeflateConfig::default()), ..Config::server([0; 32]) },
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    )
}

#[track_caller]
fn inflates(frames: &[(bool, u8, u8, &[u8])], expected: &[&str]) {
    let mut server = echo_server();
    for &(fin, rsv, opcode, payload) in frames {
        let octets = server.frame(fin, rsv, opcode, payload);
        for octet in octets {
            server.input(&[octet]);
        }
    }
    let messages: Vec<Event> = expected.iter().map(|text| Event::Message(Message::text(*text))).collect();
    assert_eq!(server.events(), messages);
}

#[test]
fn examples_of_the_rfc() {
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    inflates(&[(true, 4, 1, hello)], &["Hello"]);
    inflates(&[(true, 4, 1, hello), (true, 4, 1, b"\xf2\x00\x11\x00\x00")], &["Hello", "Hello"]);
    inflates(&[(false, 4, 1, &hello[..3]), (true, 0, 0, &hello[3..])], &["Hello"]);
    inflates(&[(true, 4, 1, b"\x00\x05\x00\xfa\xffHello\x00")], &["Hello"]);
    inflates(&[(true, 4, 1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")], &["Hello"]);
    inflates(&[(true, 4, 1, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")], &["Hello"]);
}

#[test]
fn unusual_but_lawful_data() {
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    inflates(&[(true, 4, 1, b"\x00")], &[""]);
    inflates(&[(true, 4, 1, b"\x02\x00")], &[""]);
    inflates(&[(true, 4, 1, b"\x03\x00\x00")], &[""]);
    inflates(&[(true, 4, 1, b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff")], &["Hello"]);
    inflates(&[(false, 4, 1, b""), (false, 0, 0, hello), (true, 0, 0, b"")], &["Hello"]);
    let after_final_block = [(true, 4, 1, &b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"[..]), (true, 4, 1, hello)];
    inflates(&after_final_block, &["Hello", "Hello"]);
    let mixed = [(true, 4, 1, &hello[..]), (true, 0, 1, b"plain"), (true, 4, 1, b"\xf2\x00\x11\x00\x00")];
    inflates(&mixed, &["Hello", "plain", "Hello"]);
}

#[test]
fn without_takeover_every_message_starts_afresh() {
    let mut server = Alone::server_with(
        Config { deflate: Some(DeflateConfig::default()), ..Config::server([0; 32]) },
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n",
    );
    server.endpoint.send_text("the same text").unwrap();
    let first = server.octets();
    server.endpoint.send_text("the same text").unwrap();
    assert_eq!(server.octets(), first);
}

#[test]
fn fragments_are_marked_only_on_the_first() {
    let deflate = Some(DeflateConfig { min_size: 0, ..DeflateConfig::default() });
    let config = Config { deflate, auto_fragment: Some(4), ..Config::server([0; 32]) };
    let mut server = Alone::server_with(config, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    server.endpoint.send_text("Hello").unwrap();
    assert_eq!(server.octets(), b"\x41\x04\xf2\x48\xcd\xc9\x80\x03\xc9\x07\x00");
}
