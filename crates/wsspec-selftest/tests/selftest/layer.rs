//! The layer of deviations alone changes nothing.

use std::ops::Deref;
use std::time::Duration;

use wsspec_cases::{COMMANDS, Case};
use wsspec_endpoint::{
    ClientRequest, Config, Connection, DeflateConfig, Deviation, End, NOTHING, Role, State, Transmit,
};
use wsspec_engine::testing::{Pair, Peer, PeerTransmit, TesterEnd};
use wsspec_engine::{CaseRun, ClientOpening, Settings, TcpEnd};
use wsspec_selftest::Player;
use wsspec_wire::{FrameDecoder, FrameHeader, RequestHead, Token};

/// The endpoint without the layer.
type Strict = <Connection as Deref>::Target;

/// With the layer or without.
enum Either {
    Strict(Box<Strict>),
    Layered(Box<Connection>),
}

/// The same of both.
macro_rules! of_both {
    ($either:expr, $connection:ident => $what:expr) => {
        match $either {
            Either::Strict($connection) => $what,
            Either::Layered($connection) => $what,
        }
    };
}

/// A connection, and what it did when.
struct Noting {
    connection: Either,
    sent: Vec<(Duration, Transmit)>,
}

impl Peer for Noting {
    fn handle_input(&mut self, octets: &mut [u8], now: Duration) {
        of_both!(&mut self.connection, connection => {
            connection.handle_input(octets, now);
            while connection.poll_event().is_some() {}
        });
    }

    fn handle_end(&mut self, how: TesterEnd, now: Duration) {
        let end = if how == TesterEnd::Reset { End::Reset } else { End::Fin };
        of_both!(&mut self.connection, connection => connection.handle_end(end, now));
    }

    fn handle_timeout(&mut self, now: Duration) {
        of_both!(&mut self.connection, connection => connection.handle_timeout(now));
    }

    fn poll_transmit(&mut self, now: Duration) -> Option<PeerTransmit> {
        let transmit = of_both!(&mut self.connection, connection => connection.poll_transmit())?;
        self.sent.push((now, transmit.clone()));
        Some(match transmit {
            Transmit::Octets(octets) => PeerTransmit::Octets(octets.into()),
            Transmit::CloseTcp => PeerTransmit::End(TcpEnd::PeerFin),
            Transmit::Abort => PeerTransmit::End(TcpEnd::PeerReset),
        })
    }

    fn poll_timeout(&self) -> Option<Duration> {
        of_both!(&self.connection, connection => connection.poll_timeout())
    }
}

fn config(case: &Case, role: Role, deviations: Vec<&'static Deviation>) -> Config {
    let (base, deflate) = match role {
        Role::Server => (Config::server([0; 32]), Some(DeflateConfig::default())),
        Role::Client => (Config::client([1; 32]), case.deflate.is_some().then(DeflateConfig::default)),
    };
    Config { echo: true, commands: true, deflate, deviations, ..base }
}

fn request(case: &Case) -> ClientRequest {
    let subprotocols = case.conduct.commands.then(|| COMMANDS.to_owned()).into_iter().collect();
    ClientRequest { subprotocols, ..ClientRequest::new("localhost", "/") }
}

/// Plays a case; what the connection sent, and when.
fn transcript(case: &Case, role: Role, connection: Either) -> Vec<(Duration, Transmit)> {
    let mut peer = Noting { connection, sent: Vec::new() };
    let settings = Settings { loop_count: Some(3), ..Settings::default() };
    let run = match role {
        Role::Server => {
            let base = ClientOpening::default();
            let opening = ClientOpening { host: "localhost".into(), target: "/".into(), ..base };
            CaseRun::client(case, &opening, settings)
        }
        Role::Client => {
            let mut head = Vec::new();
            while let Some(PeerTransmit::Octets(octets)) = peer.poll_transmit(Duration::ZERO) {
                head.extend(octets);
            }
            CaseRun::server(case, &RequestHead::parse(&head), settings)
        }
    };
    Pair::new(run, peer).finish().1.sent
}

fn strict(case: &Case, role: Role) -> Vec<(Duration, Transmit)> {
    let config = config(case, role, vec![]);
    let connection = match role {
        Role::Server => Strict::server(config, Duration::ZERO),
        Role::Client => Strict::client(config, request(case), Duration::ZERO),
    };
    transcript(case, role, Either::Strict(Box::new(connection)))
}

fn layered(case: &Case, role: Role, deviations: Vec<&'static Deviation>) -> Vec<(Duration, Transmit)> {
    let config = config(case, role, deviations);
    let connection = match role {
        Role::Server => Connection::server(config, Duration::ZERO),
        Role::Client => Connection::client(config, request(case), Duration::ZERO),
    };
    transcript(case, role, Either::Layered(Box::new(connection)))
}

/// Each connection of each light case.
fn parts(role: Role) -> impl Iterator<Item = Case> {
    Player::of(role).light().flat_map(|case| case.parts(Some(3)))
}

#[test]
fn an_endpoint_without_deviations_sends_the_octets_of_the_strict_one() {
    for role in [Role::Server, Role::Client] {
        for case in parts(role) {
            assert_eq!(layered(&case, role, vec![]), strict(&case, role), "{} {role:?}", case.id);
        }
    }
}

/// The head, and then the frames with the key taken off, which is another one behind the layer; how TCP ended.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    head: Vec<u8>,
    frames: Vec<(FrameHeader, Vec<u8>)>,
    ends: Vec<(Duration, Transmit)>,
}

fn said(sent: Vec<(Duration, Transmit)>) -> Said {
    let (mut octets, mut ends) = (Vec::new(), Vec::new());
    for (at, transmit) in sent {
        match transmit {
            Transmit::Octets(more) => octets.extend_from_slice(&more),
            end => ends.push((at, end)),
        }
    }
    let end_of_head = octets.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    let mut rest = octets.split_off(end_of_head);
    let mut rest = rest.as_mut_slice();
    let (mut decoder, mut frames) = (FrameDecoder::new(), Vec::new());
    while let (taken, Some(token)) = decoder.next(rest) {
        let (part, behind) = rest.split_at_mut(taken);
        match token {
            Token::Header(header) => {
                let mask = header.mask.map(|_| [0; 4]);
                frames.push((FrameHeader { mask, ..header }, Vec::new()));
            }
            Token::Payload { .. } => frames.last_mut().expect("a header").1.extend_from_slice(part),
            Token::FrameEnd => {}
        }
        rest = behind;
    }
    Said { head: octets, frames, ends }
}

#[test]
fn the_layer_alone_changes_no_frame() {
    for role in [Role::Server, Role::Client] {
        for case in parts(role) {
            let (alone, strict) = (said(layered(&case, role, vec![&NOTHING])), said(strict(&case, role)));
            assert_eq!(alone, strict, "{} {role:?}", case.id);
        }
    }
}

/// Octets that the socket does not take wait for the socket. With a timer that had run out long ago the server asked
/// for the time again and again, and did nothing else.
#[test]
fn what_is_due_and_not_taken_asks_for_no_time_that_has_passed() {
    let second = Duration::from_secs(1);
    let unmasked = wsspec_endpoint::deviation("unmasked-accepted").unwrap();
    let config = Config { echo: true, deviations: vec![unmasked], ..Config::server([0; 32]) };
    let mut server = Connection::server(config, Duration::ZERO);
    let mut client =
        Connection::client(Config::client([1; 32]), ClientRequest::new("h", "/"), Duration::ZERO);
    let Some(Transmit::Octets(request)) = client.poll_transmit() else { panic!("no request") };
    server.handle_input(&request, Duration::ZERO);
    assert!(matches!(server.poll_transmit(), Some(Transmit::Octets(_))), "the response");
    server.handle_input(b"\x82\x01a\x89\x00\x82\x01b\x88\x00", second);
    assert!(matches!(server.poll_transmit(), Some(Transmit::Octets(_))), "the first of the answers");
    // The peer reads no more. Time passes.
    let mut now = second;
    for _ in 0..100 {
        let Some(due) = server.poll_timeout() else { break };
        assert!(due > now, "{due:?} is over at {now:?}");
        now = due;
        server.handle_timeout(now);
    }
    assert_eq!(server.state(), State::Closed, "nobody waits for ever");
}
