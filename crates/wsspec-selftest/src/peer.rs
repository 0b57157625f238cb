//! The built-in endpoint as the other side of the wire.

use wsspec_cases::{COMMANDS, Case, DeflatePlan};
use wsspec_endpoint::{
    ClientRequest, Closed, Config, Connection, DeflateConfig, Deviation, End, Event, Role, Transmit,
};
use wsspec_engine::testing::{Peer, PeerTransmit, TesterEnd};
use wsspec_engine::{TcpEnd, Time};
use wsspec_wire::RequestHead;

/// An echoing endpoint.
pub(crate) struct Endpoint {
    connection: Connection,
    /// How it ended.
    pub(crate) closed: Option<Closed>,
}

impl Endpoint {
    pub(crate) fn server(deviations: &[&'static Deviation]) -> Self {
        let config = config(Role::Server, Some(DeflateConfig::default()), deviations);
        Self { connection: Connection::server(config, Time::ZERO), closed: None }
    }

    /// A client that offers what the case needs, after a connection that ended like this, and its request. `number`
    /// tells it from other clients: each has a seed of its own.
    pub(crate) fn client(
        case: &Case,
        deviations: &[&'static Deviation],
        last_closed: Option<Closed>,
        number: u32,
    ) -> (Self, RequestHead) {
        let mut seed = [1; 32];
        for (at, octets) in [(0, case.id.numbers()), (8, &[number as u16, (number >> 16) as u16][..])] {
            for (pair, number) in seed[at..].chunks_exact_mut(2).zip(octets) {
                pair.copy_from_slice(&number.to_be_bytes());
            }
        }
        let base = config(Role::Client, case.deflate.as_ref().map(offer), deviations);
        let config = Config { seed, last_closed, ..base };
        let subprotocols = case.conduct.commands.then(|| COMMANDS.to_owned()).into_iter().collect();
        let request = ClientRequest { subprotocols, ..ClientRequest::new("localhost", "/") };
        let mut connection = Connection::client(config, request, Time::ZERO);
        let mut head = Vec::new();
        while let Some(Transmit::Octets(octets)) = connection.poll_transmit() {
            head.extend_from_slice(&octets);
        }
        (Self { connection, closed: None }, RequestHead::parse(&head))
    }
}

impl Endpoint {
    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            if let Event::Closed(closed) = event {
                self.closed = Some(*closed);
            }
        }
    }
}

fn config(role: Role, deflate: Option<DeflateConfig>, deviations: &[&'static Deviation]) -> Config {
    let base = match role {
        Role::Server => Config::server([0; 32]),
        Role::Client => Config::client([1; 32]),
    };
    Config { echo: true, commands: true, deflate, deviations: deviations.to_vec(), ..base }
}

/// An offer that lets the tester ask for the first answer it prefers.
fn offer(plan: &DeflatePlan) -> DeflateConfig {
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
        let end = if how == TesterEnd::Reset { End::Reset } else { End::Fin };
        self.connection.handle_end(end, now);
        self.take_events();
    }

    fn handle_timeout(&mut self, now: Time) {
        self.connection.handle_timeout(now);
        self.take_events();
    }

    fn poll_transmit(&mut self, _now: Time) -> Option<PeerTransmit> {
        Some(match self.connection.poll_transmit()? {
            Transmit::Octets(octets) => PeerTransmit::Octets(octets.into()),
            Transmit::CloseTcp => PeerTransmit::End(TcpEnd::PeerFin),
            Transmit::Abort => PeerTransmit::End(TcpEnd::PeerReset),
        })
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.connection.poll_timeout()
    }
}
