//! Large payloads: what is echoed in place or read straight into its message is the same as what is copied.

use proptest::collection::vec;
use proptest::prelude::*;
use wsspec_endpoint::{Buffer, Config, End, Event, Message, Violation};

use crate::pair::Alone;

/// A message of one or two frames. Text may be made invalid somewhere.
#[derive(Debug, Clone)]
struct Sent {
    text: bool,
    len: usize,
    broken_at: Option<prop::sample::Index>,
    cut_at: Option<prop::sample::Index>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let len = prop_oneof![0..200usize, 8_000..40_000usize, 60_000..300_000usize];
    let index = any::<prop::sample::Index>;
    let broken_at = prop::option::weighted(0.1, index());
    (any::<bool>(), len, broken_at, prop::option::weighted(0.3, index()))
        .prop_map(|(text, len, broken_at, cut_at)| Sent { text, len, broken_at, cut_at })
}

impl Sent {
    fn payload(&self) -> Vec<u8> {
        let mut payload = "κόσμε".bytes().cycle().take(self.len / 10 * 10).collect::<Vec<_>>();
        if let Some(at) = self.broken_at
            && !payload.is_empty()
        {
            let at = at.index(payload.len());
            payload[at] = 0xFF;
        }
        payload
    }

    fn frames(&self, peer: &Alone) -> Vec<u8> {
        let (opcode, payload) = (if self.text { 1 } else { 2 }, self.payload());
        match self.cut_at {
            None => peer.frame(true, 0, opcode, &payload),
            Some(at) => {
                let (first, rest) = payload.split_at(at.index(payload.len() + 1));
                [peer.frame(false, 0, opcode, first), peer.frame(true, 0, 0, rest)].concat()
            }
        }
    }
}

/// Gives octets to an endpoint in parts of these sizes, as a caller does that reads without copies.
fn deliver(peer: &mut Alone, octets: &[u8], sizes: &[usize]) {
    let (mut rest, mut sizes) = (octets, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap()).min(rest.len());
        let size = match peer.endpoint.payload_room() {
            Some(room) => {
                let size = size.min(room.len());
                room[..size].copy_from_slice(&rest[..size]);
                peer.endpoint.handle_payload(size, peer.now);
                size
            }
            None => {
                peer.endpoint.handle_buffer(&mut Buffer::from(&rest[..size]), peer.now);
                size
            }
        };
        rest = &rest[size..];
    }
}

fn outcome(mut peer: Alone, deliver: impl Fn(&mut Alone)) -> (Vec<Event>, Vec<u8>) {
    deliver(&mut peer);
    peer.endpoint.handle_end(End::Fin, peer.now);
    (peer.events(), peer.octets())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn without_copies_the_same_comes_of_it(
        messages in vec(sent(), 1..6),
        sizes in vec(1..200_000usize, 1..5),
        echo in any::<bool>(),
        as_server in any::<bool>(),
    ) {
        let peer = || match as_server {
            true => Alone::server(Config { echo, ..Config::server([0; 32]) }),
            false => Alone::client(Config { echo, ..Config::client([0; 32]) }),
        };
        let octets = messages.iter().flat_map(|sent| sent.frames(&peer())).collect::<Vec<_>>();
        let copied = outcome(peer(), |peer| peer.input(&octets));
        prop_assert_eq!(&outcome(peer(), |peer| deliver(peer, &octets, &sizes)), &copied);
        prop_assert_eq!(&outcome(peer(), |peer| deliver(peer, &octets, &[usize::MAX])), &copied);
    }
}

#[test]
fn a_large_frame_is_echoed_in_the_buffer_that_it_came_in() {
    let mut server = Alone::server(Config { echo: true, ..Config::server([0; 32]) });
    let payload = vec![7; 64 << 10];
    let mut buffer = Buffer::from(&server.frame(true, 0, 2, &payload)[..]);
    let memory = buffer.octets().as_ptr_range();
    server.endpoint.handle_buffer(&mut buffer, server.now);
    let Some(wsspec_endpoint::Transmit::Octets(echo)) = server.endpoint.poll_transmit() else { panic!() };
    assert!(memory.contains(&echo.as_ptr()));
    assert_eq!(echo[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(echo[10..], payload);
}

#[test]
fn the_rest_of_a_large_frame_is_read_to_its_message() {
    let mut server = Alone::server(Config::server([0; 32]));
    let payload: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let frame = server.frame(true, 0, 2, &payload);
    assert!(server.endpoint.payload_room().is_none(), "a header comes first");
    deliver(&mut server, &frame, &[100_000]);
    assert_eq!(server.events(), [Event::Message(Message::binary(payload))]);
    assert!(server.endpoint.payload_room().is_none());
}

#[test]
fn no_more_than_a_chunk_of_a_large_frame_is_read_at_once() {
    let mut server = Alone::server(Config::server([0; 32]));
    // A frame of 64 MiB is announced.
    server.input(b"\x82\xff\0\0\0\0\x04\0\0\0\0\0\0\0");
    for _ in 0..4_000 {
        let room = server.endpoint.payload_room().unwrap();
        assert!(room.len() <= 256 << 10);
        room[..1000].fill(0);
        server.endpoint.handle_payload(1000, server.now);
    }
}

#[test]
fn invalid_text_fails_with_the_part_that_holds_it() {
    let mut server = Alone::server(Config { echo: true, ..Config::server([0; 32]) });
    let mut payload = vec![b'a'; 100_000];
    payload[50_000] = 0xFF;
    let frame = server.frame(true, 0, 1, &payload);
    deliver(&mut server, &frame[..60_000], &[20_000]);
    server.endpoint.handle_end(End::Fin, server.now);
    let closed = server.events().into_iter().find_map(|event| match event {
        Event::Closed(closed) => closed.violation,
        _ => None,
    });
    assert_eq!(closed, Some(Violation::InvalidUtf8 { offset: 50_000 }));
}
