//! Peers for tests: a server or client of which each reaction is written down.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wsspec_cases::{COMMANDS, Case, CloseRule, DeflatePlan, FirstToClose, Roles, Step, suite};
use wsspec_endpoint::{ClientRequest, Closed, Config, Connection, DeflateConfig};
use wsspec_engine::testing::{Pair, Peer, PeerTransmit, TesterEnd};
use wsspec_engine::{
    CaseRun, ClientOpening, Observation, Outcome, Settings, TcpEnd, TesterRole, Time, judge,
};
use wsspec_wire::{
    FrameDecoder, FrameHeader, HeadBuffer, HeadProgress, Opcode, RequestHead, Token, accept_key,
    write_request, write_response,
};

/// A frame as the peer got it, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) header: FrameHeader,
    pub(crate) payload: Vec<u8>,
}

/// What a peer does about a frame.
pub(crate) type Reaction = Box<dyn FnMut(&Frame) -> Vec<PeerTransmit>>;

/// A peer that completes the opening handshake and then reacts frame by frame.
pub(crate) struct Scripted {
    head: HeadBuffer,
    open: bool,
    decoder: FrameDecoder,
    frame: Option<Frame>,
    /// Every frame that came.
    pub(crate) frames: Vec<Frame>,
    out: VecDeque<PeerTransmit>,
    react: Reaction,
    /// The `Sec-WebSocket-Extensions` header of the response.
    extensions: Option<String>,
    /// The `Sec-WebSocket-Protocol` header of the response.
    subprotocol: Option<&'static str>,
    /// The status of the response, if it refuses the request.
    refusal: Option<u16>,
    /// The tester ended TCP.
    pub(crate) ended: bool,
}

impl Scripted {
    /// A server.
    pub(crate) fn server(react: impl FnMut(&Frame) -> Vec<PeerTransmit> + 'static) -> Self {
        Self {
            head: HeadBuffer::new(64 * 1024),
            open: false,
            decoder: FrameDecoder::new(),
            frame: None,
            frames: Vec::new(),
            out: VecDeque::new(),
            react: Box::new(react),
            extensions: None,
            subprotocol: None,
            refusal: None,
            ended: false,
        }
    }

    /// The same, agreeing to an extension.
    pub(crate) fn extensions(mut self, header: impl Into<String>) -> Self {
        self.extensions = Some(header.into());
        self
    }

    /// The same, agreeing to a subprotocol if the client offers one.
    pub(crate) fn subprotocol(mut self, name: &'static str) -> Self {
        self.subprotocol = Some(name);
        self
    }

    /// A server that refuses all requests.
    pub(crate) fn refusing(status: u16) -> Self {
        Self { refusal: Some(status), ..Self::server(|_| vec![]) }
    }

    /// A client that has agreed to a response, and begins with this.
    pub(crate) fn client(
        begin: Vec<PeerTransmit>,
        react: impl FnMut(&Frame) -> Vec<PeerTransmit> + 'static,
    ) -> Self {
        Self { out: begin.into(), ..Self::server(react) }
    }

    fn answer(&mut self) {
        if let Some(status) = self.refusal {
            let mut response = write_response(status, "No", &[("Content-Length", "14")]);
            response.extend_from_slice(b"<html></html>\n");
            return self.out.push_back(PeerTransmit::Octets(response));
        }
        let request = RequestHead::parse(self.head.octets());
        let Some(key) = request.headers.get("Sec-WebSocket-Key") else { return };
        let accept = accept_key(key);
        let mut headers =
            vec![("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept[..])];
        headers.extend(self.extensions.as_deref().map(|value| ("Sec-WebSocket-Extensions", value)));
        let offers = request.headers.get("Sec-WebSocket-Protocol").is_some();
        headers.extend(self.subprotocol.filter(|_| offers).map(|value| ("Sec-WebSocket-Protocol", value)));
        headers.push(("Server", "scripted"));
        let response = write_response(101, "Switching Protocols", &headers);
        self.out.push_back(PeerTransmit::Octets(response));
    }

    fn take(&mut self, token: Token, octets: &[u8]) {
        match token {
            Token::Header(header) => self.frame = Some(Frame { header, payload: Vec::new() }),
            Token::Payload { .. } => {
                self.frame.iter_mut().for_each(|frame| frame.payload.extend_from_slice(octets));
            }
            Token::FrameEnd => {
                if let Some(frame) = self.frame.take() {
                    self.out.extend((self.react)(&frame));
                    self.frames.push(frame);
                }
            }
        }
    }
}

impl Peer for Scripted {
    fn handle_input(&mut self, octets: &mut [u8], _now: Time) {
        let mut rest = octets;
        if !self.open {
            let HeadProgress::Complete { consumed } = self.head.feed(rest) else { return };
            self.open = true;
            self.answer();
            rest = &mut rest[consumed..];
        }
        while let (consumed, Some(token)) = self.decoder.next(rest) {
            let (taken, after) = rest.split_at_mut(consumed);
            self.take(token, taken);
            rest = after;
        }
    }

    fn handle_end(&mut self, _how: TesterEnd, _now: Time) {
        self.ended = true;
    }

    fn poll_transmit(&mut self, _now: Time) -> Option<PeerTransmit> {
        self.out.pop_front()
    }
}

/// The peer writes octets.
pub(crate) fn octets(octets: impl Into<Vec<u8>>) -> PeerTransmit {
    PeerTransmit::Octets(octets.into())
}

/// The peer ends TCP.
pub(crate) const fn fin() -> PeerTransmit {
    PeerTransmit::End(TcpEnd::PeerFin)
}

/// A frame as a server sends it.
pub(crate) fn frame(opcode: Opcode, payload: &[u8]) -> PeerTransmit {
    with_header(FrameHeader::new(opcode, payload.len() as u64), payload)
}

/// A frame with any header.
pub(crate) fn with_header(header: FrameHeader, payload: &[u8]) -> PeerTransmit {
    let mut out = Vec::new();
    header.encode(&mut out);
    out.extend_from_slice(payload);
    octets(out)
}

/// A frame as a client sends it, with the key 0.
pub(crate) fn masked(opcode: Opcode, payload: &[u8]) -> PeerTransmit {
    let header = FrameHeader::new(opcode, payload.len() as u64);
    with_header(FrameHeader { mask: Some([0; 4]), ..header }, payload)
}

/// What a server with manners does: echo, answer, close.
pub(crate) fn mannered(frame_in: &Frame) -> Vec<PeerTransmit> {
    match frame_in.header.opcode {
        Opcode::TEXT | Opcode::BINARY => vec![frame(frame_in.header.opcode, &frame_in.payload)],
        Opcode::PING => vec![frame(Opcode::PONG, &frame_in.payload)],
        Opcode::CLOSE => vec![frame(Opcode::CLOSE, &frame_in.payload), fin()],
        _ => vec![],
    }
}

/// A case with these steps, closed by the tester with 1000.
pub(crate) fn case(steps: impl Into<Vec<Step>>) -> Case {
    let mut case = Case::new("1.1.1".parse().unwrap(), "test", "A test");
    case.play = wsspec_cases::Play::Script(steps.into());
    case.close = CloseRule::new(FirstToClose::Tester, vec![1000]);
    case.time_limit = Duration::from_secs(10);
    case
}

/// Runs the case as a client against the peer.
pub(crate) fn run_client(case: &Case, peer: Scripted) -> (Outcome, Scripted) {
    let (observation, peer) = observe_client(case, peer);
    (judge(case, observation), peer)
}

/// The same, without judgement.
pub(crate) fn observe_client<P: Peer>(case: &Case, peer: P) -> (Observation, P) {
    let run = CaseRun::client(case, &opening(), Settings::default());
    let (observation, peer) = Pair::new(run, peer).finish();
    assert_eq!(observation.role, TesterRole::Client);
    (observation, peer)
}

/// Of the connections of a series three are tried, in which each kind of connection is.
pub(crate) const CONNECTIONS: u32 = 3;

/// The connections that the tester can play in this role: the case itself, or some of those of a series.
pub(crate) fn connecting(role: TesterRole) -> impl Iterator<Item = &'static Case> {
    let connections = |case: &'static Case| -> Vec<&'static Case> {
        let leak = |part| &*Box::leak(Box::new(part));
        if case.series().is_some() { case.parts(Some(CONNECTIONS)).map(leak).collect() } else { vec![case] }
    };
    playable(role).flat_map(connections)
}

/// The cases that have a connection, or several, and that the tester can play in this role.
pub(crate) fn playable(role: TesterRole) -> impl Iterator<Item = &'static Case> {
    let roles = if role == TesterRole::Client { Roles::Client } else { Roles::Server };
    let played = move |case: &&Case| !case.is_passive() && (case.roles == Roles::Both || case.roles == roles);
    suite().cases().iter().filter(played)
}

pub(crate) fn opening() -> ClientOpening {
    ClientOpening { host: "localhost".into(), target: "/".into(), ..ClientOpening::default() }
}

/// The request of a client with manners.
pub(crate) fn request(extensions: Option<&str>) -> RequestHead {
    request_with(extensions, None)
}

/// The same, offering subprotocols.
pub(crate) fn request_with(extensions: Option<&str>, subprotocols: Option<&str>) -> RequestHead {
    let mut headers = vec![
        ("Host", "localhost"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    headers.extend(extensions.map(|value| ("Sec-WebSocket-Extensions", value)));
    headers.extend(subprotocols.map(|value| ("Sec-WebSocket-Protocol", value)));
    RequestHead::parse(&write_request("/", &headers))
}

/// The built-in endpoint, echoing.
pub(crate) struct Endpoint {
    connection: Connection,
    /// How the connection ended.
    pub(crate) closed: Option<Closed>,
}

impl Endpoint {
    pub(crate) fn server() -> Self {
        let deflate = Some(DeflateConfig::default());
        let config = Config { echo: true, commands: true, deflate, ..Config::server([0; 32]) };
        Self { connection: Connection::server(config, Time::ZERO), closed: None }
    }

    /// A client, and its request: it offers what the case needs.
    pub(crate) fn client(case: &Case) -> (Self, RequestHead) {
        Self::client_after(case, None)
    }

    /// The same, after a connection that ended like this. No two clients have the same seed.
    pub(crate) fn client_after(case: &Case, last_closed: Option<Closed>) -> (Self, RequestHead) {
        static SEED: AtomicU64 = AtomicU64::new(0);
        let mut seed = [1; 32];
        seed[..8].copy_from_slice(&SEED.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let deflate = case.deflate.as_ref().map(client_offer);
        let config = Config { echo: true, commands: true, deflate, last_closed, ..Config::client(seed) };
        let subprotocols = case.conduct.commands.then(|| COMMANDS.to_owned()).into_iter().collect();
        let request = ClientRequest { subprotocols, ..ClientRequest::new("localhost", "/") };
        let mut connection = Connection::client(config, request, Time::ZERO);
        let mut head = Vec::new();
        while let Some(wsspec_endpoint::Transmit::Octets(octets)) = connection.poll_transmit() {
            head.extend_from_slice(&octets);
        }
        (Self { connection, closed: None }, RequestHead::parse(&head))
    }
}

impl Endpoint {
    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            if let wsspec_endpoint::Event::Closed(closed) = event {
                self.closed = Some(*closed);
            }
        }
    }
}

/// An offer that lets the tester ask for the first answer it prefers.
fn client_offer(plan: &DeflatePlan) -> DeflateConfig {
    let answer = &plan.answers[0];
    DeflateConfig {
        client_no_context_takeover: answer.client_no_context_takeover,
        client_max_window_bits: Some(15),
        ..DeflateConfig::default()
    }
}

impl Peer for Endpoint {
    fn handle_input(&mut self, octets: &mut [u8], now: Time) {
        self.connection.handle_input(octets, now);
        self.take_events();
    }

    fn handle_end(&mut self, how: TesterEnd, now: Time) {
        let end = match how {
            TesterEnd::Reset => wsspec_endpoint::End::Reset,
            TesterEnd::Fin | TesterEnd::Drop => wsspec_endpoint::End::Fin,
        };
        self.connection.handle_end(end, now);
        self.take_events();
    }

    fn handle_timeout(&mut self, now: Time) {
        self.connection.handle_timeout(now);
        self.take_events();
    }

    fn poll_transmit(&mut self, _now: Time) -> Option<PeerTransmit> {
        Some(match self.connection.poll_transmit()? {
            wsspec_endpoint::Transmit::Octets(octets) => PeerTransmit::Octets(octets.into()),
            wsspec_endpoint::Transmit::CloseTcp => PeerTransmit::End(TcpEnd::PeerFin),
            wsspec_endpoint::Transmit::Abort => PeerTransmit::End(TcpEnd::PeerReset),
        })
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.connection.poll_timeout()
    }
}
