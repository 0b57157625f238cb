//! However the input is cut, the same comes of it.

use proptest::collection::vec;
use proptest::prelude::*;
use wsspec_endpoint::{Config, DeflateConfig, Event};
use wsspec_wire::deflate::Deflater;
use wsspec_wire::inflate::Inflater;
use wsspec_wire::{FrameDecoder, FrameHeader, Opcode, Rsv, Token};

use crate::pair::{Alone, Pair};

/// A frame, lawful or not.
#[derive(Debug, Clone)]
enum Piece {
    Text(String, Vec<usize>),
    Binary(Vec<u8>, Vec<usize>),
    Compressed(String, Vec<usize>),
    Control(u8, Vec<u8>),
    Any { fin: bool, rsv: u8, opcode: u8, payload: Vec<u8> },
    Octets(Vec<u8>),
}

fn piece() -> impl Strategy<Value = Piece> {
    let cuts = || vec(0..40usize, 0..4);
    prop_oneof![
        8 => ("\\PC{0,40}", cuts()).prop_map(|(text, cuts)| Piece::Text(text, cuts)),
        4 => (vec(any::<u8>(), 0..300), cuts()).prop_map(|(octets, cuts)| Piece::Binary(octets, cuts)),
        8 => ("\\PC{0,40}", cuts()).prop_map(|(text, cuts)| Piece::Compressed(text, cuts)),
        6 => (9..11u8, vec(any::<u8>(), 0..126)).prop_map(|(opcode, octets)| Piece::Control(opcode, octets)),
        1 => (any::<bool>(), 0..8u8, 0..16u8, vec(any::<u8>(), 0..130))
            .prop_map(|(fin, rsv, opcode, payload)| Piece::Any { fin, rsv, opcode, payload }),
        1 => vec(any::<u8>(), 1..20).prop_map(Piece::Octets),
    ]
}

/// Cuts a payload into fragments.
fn fragments(peer: &Alone, rsv: u8, opcode: u8, payload: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut octets = Vec::new();
    let (mut rest, mut first) = (payload, true);
    for &cut in cuts {
        let (part, after) = rest.split_at(cut.min(rest.len()));
        octets.extend(peer.frame(false, if first { rsv } else { 0 }, if first { opcode } else { 0 }, part));
        (rest, first) = (after, false);
    }
    octets.extend(peer.frame(true, if first { rsv } else { 0 }, if first { opcode } else { 0 }, rest));
    octets
}

fn encode(peer: &Alone, pieces: &[Piece]) -> Vec<u8> {
    let mut deflater = Deflater::new(15, 6).unwrap();
    let mut octets = Vec::new();
    for piece in pieces {
        octets.extend(match piece {
            Piece::Text(text, cuts) => fragments(peer, 0, 1, text.as_bytes(), cuts),
            Piece::Binary(payload, cuts) => fragments(peer, 0, 2, payload, cuts),
            Piece::Compressed(text, cuts) => {
                let mut compressed = Vec::new();
                deflater.message(text.as_bytes(), &mut compressed);
                fragments(peer, 4, 1, &compressed, cuts)
            }
            Piece::Control(opcode, payload) => peer.frame(true, 0, *opcode, payload),
            Piece::Any { fin, rsv, opcode, payload } => peer.frame(*fin, *rsv, *opcode, payload),
            Piece::Octets(octets) => octets.clone(),
        });
    }
    octets
}

fn server(echo: bool) -> Alone {
    let deflate = Some(DeflateConfig { min_size: 30, ..DeflateConfig::default() });
    let config = Config { deflate, echo, ..Config::server([0; 32]) };
    Alone::server_with(config, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
}

/// A frame that was sent, and its payload before it was compressed: how short that became depends on whether the
/// connection has a compressor of its own, and so on what the tests beside this one do.
type Sent = (FrameHeader, Vec<u8>);

/// What an endpoint makes of octets that arrive in parts of these sizes, used in turn.
fn outcome(mut peer: Alone, octets: &[u8], sizes: &[usize]) -> (Vec<Event>, Vec<Sent>) {
    let (mut rest, mut sizes) = (octets, sizes.iter().cycle());
    let (mut events, mut sent) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let (part, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        peer.input(part);
        events.extend(peer.events());
        sent.extend(peer.octets());
        rest = after;
    }
    peer.endpoint.handle_end(wsspec_endpoint::End::Fin, peer.now);
    events.extend(peer.events());
    (events, frames(sent))
}

fn frames(mut octets: Vec<u8>) -> Vec<Sent> {
    let (mut decoder, mut inflater) = (FrameDecoder::new(), Inflater::new(15).unwrap());
    let (mut frames, mut rest) = (Vec::<Sent>::new(), &mut octets[..]);
    while let (consumed, Some(token)) = decoder.next(rest) {
        let (taken, after) = std::mem::take(&mut rest).split_at_mut(consumed);
        match token {
            Token::Header(header) => frames.push((header, Vec::new())),
            Token::Payload { .. } => frames.last_mut().unwrap().1.extend_from_slice(taken),
            Token::FrameEnd => inflate(frames.last_mut().unwrap(), &mut inflater),
        }
        rest = after;
    }
    frames
}

/// Puts what a compressed message was made of into its frame; an endpoint sends each in one.
fn inflate((header, payload): &mut Sent, inflater: &mut Inflater) {
    if header.rsv.contains(Rsv::RSV1) {
        assert!(header.fin && header.is_minimal(), "{header:?}");
        let compressed = std::mem::take(payload);
        inflater.feed(&compressed, usize::MAX, payload).unwrap();
        inflater.finish_message(usize::MAX, payload).unwrap();
        *header = FrameHeader { rsv: header.rsv, ..FrameHeader::new(header.opcode, payload.len() as u64) };
    }
}

#[test]
fn a_compressor_that_becomes_free_between_two_messages_changes_nothing() {
    let text = "the same text ".repeat(4);
    let octets = encode(&server(true), &[Piece::Compressed(text.clone(), vec![])]);
    let others = compressing_pairs();
    let mut peer = server(true);
    peer.input(&octets);
    let mut sent = peer.octets();
    drop(others);
    peer.endpoint.send_text(&text).unwrap();
    sent.extend(peer.octets());
    let header = FrameHeader { rsv: Rsv::RSV1, ..FrameHeader::new(Opcode::TEXT, text.len() as u64) };
    assert_eq!(frames(sent), [(header, text.clone().into()), (header, text.into())]);
}

/// More connections than have a compressor of their own.
fn compressing_pairs() -> Vec<Pair> {
    let config = |config: Config| Config { deflate: Some(DeflateConfig::default()), ..config };
    let mut pairs = Vec::new();
    for _ in 0..100 {
        let mut pair = Pair::open(config(Config::client([1; 32])), config(Config::server([2; 32])));
        pair.client.send_text(&"the same text ".repeat(3)).unwrap();
        pair.run();
        pairs.push(pair);
    }
    pairs
}

proptest! {
    #[test]
    fn any_chopping_gives_the_same(
        pieces in vec(piece(), 0..12),
        sizes in vec(1..50usize, 1..10),
        echo in any::<bool>(),
    ) {
        let octets = encode(&server(echo), &pieces);
        let whole = outcome(server(echo), &octets, &[usize::MAX]);
        prop_assert_eq!(&outcome(server(echo), &octets, &sizes), &whole);
        prop_assert_eq!(&outcome(server(echo), &octets, &[1]), &whole);
    }

    #[test]
    fn any_chopping_of_anything_is_survived(octets in vec(any::<u8>(), 0..400), sizes in vec(1..50usize, 1..10)) {
        let client = || Alone::client(Config { echo: true, ..Config::client([0; 32]) });
        let whole = outcome(client(), &octets, &[usize::MAX]);
        prop_assert_eq!(&outcome(client(), &octets, &sizes), &whole);
    }
}
