//! The built-in endpoint as the other side of the wire.

use wsspec_cases::{COMMANDS, Case, DeflatePlan};
use wsspec_endpoint::{ClientRequest, Config, Connection, DeflateConfig, Deviation, End, Role, Transmit};
use wsspec_engine::testing::{Peer, PeerTransmit};
use wsspec_engine::{TcpEnd, Time};
use wsspec_wire::RequestHead;

/// An echoing endpoint.
pub(crate) struct Endpoint {
    connection: Connection,
}

impl Endpoint {
    pub(crate) fn server(deviations: &[&'static Deviation]) -> Self {
        let config = config(Role::Server, Some(DeflateConfig::default()), deviations);
        Self { connection: Connection::server(config, Time::ZERO) }
    }

    /// A client that offers what the case needs, and its request.
    pub(crate) fn client(case: &Case, deviations: &[&'static Deviation]) -> (Self, RequestHead) {
        let config = config(Role::Client, case.deflate.as_ref().map(offer), deviations);
        let subprotocols = case.conduct.commands.then(|| COMMANDS.to_owned()).into_iter().collect();
        let request = ClientRequest { subprotocols, ..ClientRequest::new("localhost", "/") };
        let mut connection = Connection::client(config, request, Time::ZERO);
        let mut head = Vec::new();
        while let Some(Transmit::Octets(octets)) = connection.poll_transmit() {
            head.extend_from_slice(&octets);
        }
        (Self { connection }, RequestHead::parse(&head))
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
        while self.connection.poll_event().is_some() {}
    }

    fn handle_end(&mut self, now: Time) {
        self.connection.handle_end(End::Fin, now);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.connection.handle_timeout(now);
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
