//! A client and a server that are connected in memory, and raw peers of each.

use std::time::Duration;

use wsspec_endpoint::{ClientRequest, Config, Connection, End, Event, Message, State, Transmit};
use wsspec_wire::{FrameHeader, Opcode, Rsv, apply_mask};

/// One direction of the connection.
#[derive(Debug, Default)]
struct Pipe {
    fin: bool,
}

/// A client and a server, the clock, and what they reported.
pub(crate) struct Pair {
    pub(crate) client: Connection,
    pub(crate) server: Connection,
    pub(crate) now: Duration,
    pub(crate) client_events: Vec<Event>,
    pub(crate) server_events: Vec<Event>,
    to_server: Pipe,
    to_client: Pipe,
}

pub(crate) fn request() -> ClientRequest {
    ClientRequest::new("localhost:9001", "/")
}

impl Pair {
    /// A pair with these configurations, before anything was sent.
    pub(crate) fn new(client: Config, server: Config) -> Self {
        let now = Duration::from_secs(1000);
        Self {
            client: Connection::client(client, request(), now),
            server: Connection::server(server, now),
            now,
            client_events: Vec::new(),
            server_events: Vec::new(),
            to_server: Pipe::default(),
            to_client: Pipe::default(),
        }
    }

    /// A pair whose server echoes, after the opening handshake.
    pub(crate) fn open(client: Config, server: Config) -> Self {
        let mut pair = Self::new(client, Config { echo: true, ..server });
        pair.run();
        assert_eq!(pair.client.state(), State::Open, "{:?}", pair.client_events);
        assert_eq!(pair.server.state(), State::Open, "{:?}", pair.server_events);
        pair.client_events.clear();
        pair.server_events.clear();
        pair
    }

    /// Carries octets to and fro until both are silent.
    pub(crate) fn run(&mut self) {
        for _ in 0..10_000 {
            let sent = carry(&mut self.client, &mut self.server, &mut self.to_server, self.now);
            let answered = carry(&mut self.server, &mut self.client, &mut self.to_client, self.now);
            self.client_events.extend(std::iter::from_fn(|| self.client.poll_event()));
            self.server_events.extend(std::iter::from_fn(|| self.server.poll_event()));
            if !sent && !answered {
                return;
            }
        }
        panic!("the endpoints do not come to rest");
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        self.run();
    }

    /// The messages that the client received.
    pub(crate) fn echoes(&mut self) -> Vec<Message> {
        self.client_events
            .drain(..)
            .filter_map(|event| match event {
                Event::Message(message) => Some(message),
                _ => None,
            })
            .collect()
    }
}

/// Carries what `from` sends; says whether it sent anything.
fn carry(from: &mut Connection, to: &mut Connection, pipe: &mut Pipe, now: Duration) -> bool {
    let mut any = false;
    while let Some(transmit) = from.poll_transmit() {
        any = true;
        match transmit {
            Transmit::Octets(octets) => {
                assert!(!pipe.fin, "octets after FIN");
                to.handle_input(&octets, now);
            }
            Transmit::CloseTcp => {
                assert!(!pipe.fin, "a second FIN");
                pipe.fin = true;
                to.handle_end(End::Fin, now);
            }
            Transmit::Abort => to.handle_end(End::Reset, now),
        }
    }
    any
}

/// An endpoint whose peer is the test itself.
pub(crate) struct Alone {
    pub(crate) endpoint: Connection,
    pub(crate) now: Duration,
    masks: bool,
}

pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

impl Alone {
    /// A server that has accepted [`REQUEST`].
    pub(crate) fn server(config: Config) -> Self {
        Self::server_with(config, "")
    }

    /// The same, with further header fields in the request.
    pub(crate) fn server_with(config: Config, fields: &str) -> Self {
        let now = Duration::from_secs(1000);
        let mut server = Self { endpoint: Connection::server(config, now), now, masks: true };
        let request = format!("{}{fields}\r\n", REQUEST.trim_end_matches("\r\n").to_owned() + "\r\n");
        server.endpoint.handle_input(request.as_bytes(), now);
        assert!(server.octets().starts_with(b"HTTP/1.1 101 "));
        assert!(matches!(server.endpoint.poll_event(), Some(Event::Open(_))));
        server
    }

    /// A client whose request was accepted.
    pub(crate) fn client(config: Config) -> Self {
        let now = Duration::from_secs(1000);
        let mut client = Self { endpoint: Connection::client(config, request(), now), now, masks: false };
        let sent = String::from_utf8(client.octets()).unwrap();
        let key = sent.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            wsspec_wire::accept_key(key.as_bytes())
        );
        client.endpoint.handle_input(response.as_bytes(), now);
        assert!(matches!(client.endpoint.poll_event(), Some(Event::Open(_))));
        client
    }

    /// Octets sent since the last call; what is to be done with TCP is ignored.
    pub(crate) fn octets(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(Transmit::Octets(octets)) = self.endpoint.poll_transmit() {
            all.extend_from_slice(&octets);
        }
        all
    }

    /// Gives the endpoint octets.
    pub(crate) fn input(&mut self, octets: &[u8]) {
        self.endpoint.handle_input(octets, self.now);
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.endpoint.handle_timeout(self.now);
    }

    /// A frame as the peer of this endpoint sends it.
    pub(crate) fn frame(&self, fin: bool, rsv: u8, opcode: u8, payload: &[u8]) -> Vec<u8> {
        frame(self.masks, fin, rsv, opcode, payload)
    }

    /// The events since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.endpoint.poll_event()).collect()
    }
}

/// The octets of a frame.
pub(crate) fn frame(masked: bool, fin: bool, rsv: u8, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let header = FrameHeader::new(Opcode::new(opcode), payload.len() as u64);
    let header = FrameHeader { fin, rsv: Rsv::new(rsv), mask: masked.then_some(key), ..header };
    let mut octets = Vec::new();
    header.encode(&mut octets);
    let start = octets.len();
    octets.extend_from_slice(payload);
    if masked {
        apply_mask(key, 0, &mut octets[start..]);
    }
    octets
}
