//! Any cutting of the input gives the same events and the same octets in return, and these are lawful: an
//! endpoint never answers nonsense with nonsense.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use wsspec_endpoint::{ClientRequest, Config, Connection, DeflateConfig, End, Event, State, Transmit};
use wsspec_fuzz::pieces;
use wsspec_wire::{FrameHeader, Opcode, accept_key};

const NOW: Duration = Duration::ZERO;

/// Where the fuzzed octets begin.
#[derive(Clone, Copy)]
struct Start {
    client: bool,
    open: bool,
    deflate: bool,
    echo: bool,
}

impl Start {
    fn config(self) -> Config {
        let config = if self.client { Config::client([7; 32]) } else { Config::server([7; 32]) };
        Config {
            deflate: self.deflate.then(DeflateConfig::default),
            echo: self.echo,
            max_message_size: 100_000,
            max_fragments: 50,
            ..config
        }
    }

    fn connection(self) -> Connection {
        let mut connection = if self.client {
            Connection::client(self.config(), ClientRequest::new("h", "/"), NOW)
        } else {
            Connection::server(self.config(), NOW)
        };
        let request = sent(&mut connection);
        if self.open {
            let peer = if self.client { self.response(&request) } else { self.request() };
            connection.handle_input(peer.as_bytes(), NOW);
            assert_eq!(connection.state(), State::Open);
            assert!(matches!(connection.poll_event(), Some(Event::Open(_))));
            sent(&mut connection);
        }
        connection
    }

    fn extension(self) -> &'static str {
        if self.deflate { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" }
    }

    fn request(self) -> String {
        format!(
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            self.extension()
        )
    }

    fn response(self, request: &[u8]) -> String {
        let request = String::from_utf8_lossy(request);
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        format!(
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}Sec-WebSocket-Accept: {}\r\n\r\n",
            self.extension(),
            accept_key(key.unwrap_or_default().as_bytes())
        )
    }
}

fn sent(connection: &mut Connection) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(transmit) = connection.poll_transmit() {
        if let Transmit::Octets(octets) = transmit {
            all.extend_from_slice(&octets);
        }
    }
    all
}

fn outcome<'a>(start: Start, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let mut connection = start.connection();
    let (mut events, mut octets) = (Vec::new(), Vec::new());
    for piece in pieces {
        connection.handle_input(piece, NOW);
        events.extend(std::iter::from_fn(|| connection.poll_event()));
        octets.extend(sent(&mut connection));
    }
    connection.handle_end(End::Fin, NOW);
    events.extend(std::iter::from_fn(|| connection.poll_event()));
    assert!(matches!(events.last(), Some(Event::Closed(_))));
    (events, octets)
}

/// Whole frames, masked as the role demands, in the shortest form, and nothing after a Close frame.
fn check_frames(start: Start, octets: &[u8]) {
    let mut rest = octets;
    while let Some((header, len)) = FrameHeader::decode(rest) {
        assert_eq!(header.mask.is_some(), start.client);
        assert!(header.is_minimal() && !header.opcode.is_reserved());
        assert!(start.deflate || header.rsv.is_none());
        assert!(!header.opcode.is_control() || (header.fin && header.length <= 125 && header.rsv.is_none()));
        rest = &rest[len + header.length as usize..];
        assert!(header.opcode != Opcode::CLOSE || rest.is_empty());
    }
    assert!(rest.is_empty());
}

fuzz_target!(|input: ([bool; 4], &[u8], &[u8])| {
    let ([client, open, deflate, echo], sizes, octets) = input;
    let start = Start { client, open, deflate, echo };
    let whole = outcome(start, [octets].into_iter());
    assert_eq!(outcome(start, pieces(octets, sizes)), whole);
    if open {
        check_frames(start, &whole.1);
    }
});
