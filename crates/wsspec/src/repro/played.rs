//! A case against the built-in endpoint, in memory and with a virtual clock: all that the tester would send to a peer
//! that does not fail the connection.

use std::time::Duration;

use wsspec_cases::{COMMANDS, Case};
use wsspec_endpoint::{ClientRequest, Config, Connection, DeflateConfig, End as TcpOver, Transmit as Sent};
use wsspec_engine::{CaseRun, ClientOpening, Settings, TcpEnd, Transmit};
use wsspec_report::record::Role;
use wsspec_report::repro::{End, Move, add, pause};
use wsspec_wire::RequestHead;

use super::patient::Patient;
use crate::commands::echo::echo_config;

/// How long each transmission of the peer takes: a conversation without pauses comes to an end, too.
const TRANSIT: Duration = Duration::from_micros(10);
/// What no script can hold is not made.
const MOST: usize = 64 << 20;

/// What the tester sent.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Its writes.
    pub(crate) moves: Vec<Move>,
    /// What followed.
    pub(crate) end: End,
    /// The request of the client, if the tester was a server.
    pub(crate) request: Vec<u8>,
}

/// Plays a case against an implementation in this role.
pub(crate) fn play(case: &Case, role: Role, opening: &ClientOpening, seed: u64) -> Played {
    let settings = Settings { seed, ..Settings::default() };
    match role {
        Role::Server => {
            let peer = Patient::server(Connection::server(echo_config(), Duration::ZERO));
            Table::new(CaseRun::client(case, opening, settings), peer).play()
        }
        Role::Client => {
            let (peer, request) = client(case);
            let run = CaseRun::server(case, &RequestHead::parse(&request), settings);
            Played { request, ..Table::new(run, Patient::client(peer)).play() }
        }
    }
}

/// The endpoint as a client, and its request.
fn client(case: &Case) -> (Connection, Vec<u8>) {
    let deflate = case.deflate.as_ref().map(|plan| DeflateConfig {
        client_no_context_takeover: plan.answers.first().is_some_and(|a| a.client_no_context_takeover),
        client_max_window_bits: Some(15),
        ..DeflateConfig::default()
    });
    let commands = case.conduct.commands;
    let config = Config { echo: true, commands, deflate, ..Config::client([1; 32]) };
    let subprotocols = commands.then(|| COMMANDS.to_owned()).into_iter().collect();
    let request = ClientRequest { subprotocols, ..ClientRequest::new("localhost", "/") };
    let mut peer = Connection::client(config, request, Duration::ZERO);
    let mut request = Vec::new();
    while let Some(Sent::Octets(octets)) = peer.poll_transmit() {
        request.extend_from_slice(&octets);
    }
    (peer, request)
}

/// Both sides and the clock.
struct Table<'a> {
    run: CaseRun<'a>,
    peer: Patient,
    now: Duration,
    last: Duration,
    heard: bool,
    size: usize,
    played: Played,
}

impl<'a> Table<'a> {
    fn new(run: CaseRun<'a>, peer: Patient) -> Self {
        let (now, last) = (Duration::ZERO, Duration::ZERO);
        Self { run, peer, now, last, heard: false, size: 0, played: Played::default() }
    }

    fn play(mut self) -> Played {
        while !self.run.is_finished() && self.size < MOST {
            let moved = self.tester_moves() | self.peer_moves();
            if !moved && !self.time_passes() {
                break;
            }
        }
        self.tester_moves();
        self.played
    }

    fn tester_moves(&mut self) -> bool {
        let mut moved = false;
        while let Some(transmit) = self.run.poll_transmit(self.now) {
            moved = true;
            match transmit {
                Transmit::Octets { data, flush } => {
                    self.note(&data, flush);
                    self.peer.handle_input(&data, self.now);
                }
                Transmit::Fin => {
                    self.played.end = End::Fin;
                    self.peer.handle_end(TcpOver::Fin, self.now);
                }
                Transmit::Drop => self.peer.handle_end(TcpOver::Fin, self.now),
                Transmit::Reset => {
                    self.played.end = End::Reset;
                    self.peer.handle_end(TcpOver::Reset, self.now);
                }
            }
        }
        moved
    }

    fn note(&mut self, octets: &[u8], alone: bool) {
        self.size += octets.len();
        let first = self.played.moves.is_empty();
        let pause = if first { Duration::ZERO } else { pause(self.now - self.last, alone) };
        self.last = self.now;
        let step = Move { pause, listen: std::mem::take(&mut self.heard), octets: octets.to_vec() };
        add(&mut self.played.moves, step, alone);
    }

    fn peer_moves(&mut self) -> bool {
        if self.run.is_finished() {
            return true;
        }
        if self.run.has_stopped_reading() {
            return false;
        }
        let Some(sent) = self.peer.poll_transmit() else { return false };
        self.now += TRANSIT;
        match sent {
            Sent::Octets(octets) => {
                (self.heard, self.last) = (true, self.now);
                self.run.handle_input(&mut octets.to_vec(), self.now);
            }
            Sent::CloseTcp => self.run.handle_end(TcpEnd::PeerFin, self.now),
            Sent::Abort => self.run.handle_end(TcpEnd::PeerReset, self.now),
        }
        self.timers_run();
        true
    }

    fn time_passes(&mut self) -> bool {
        let timers = [self.run.poll_timeout(), self.peer.poll_timeout()];
        let Some(next) = timers.into_iter().flatten().min() else { return false };
        self.now = self.now.max(next);
        self.timers_run();
        true
    }

    fn timers_run(&mut self) {
        if self.run.poll_timeout().is_some_and(|at| at <= self.now) {
            self.run.handle_timeout(self.now);
        }
        if self.peer.poll_timeout().is_some_and(|at| at <= self.now) {
            self.peer.handle_timeout(self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use wsspec_cases::{Play, Roles, Step, suite};
    use wsspec_wire::{FrameDecoder, Token};

    use super::*;

    /// The length of a frame takes in the frames behind it.
    const SWALLOWED: [&str; 2] = ["15.2.4", "15.3.9"];

    /// How many frames stand in what is sent behind the head.
    fn frames(moves: &[Move]) -> usize {
        let mut octets: Vec<u8> = moves.iter().flat_map(|step| step.octets.clone()).collect();
        let head = octets.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let (mut rest, mut decoder, mut count) = (&mut octets[head..], FrameDecoder::new(), 0);
        while let (taken, Some(token)) = decoder.next(rest) {
            rest = &mut rest[taken..];
            count += usize::from(matches!(token, Token::Header(_)));
        }
        count
    }

    #[test]
    fn a_script_does_not_end_where_the_endpoint_fails_the_connection() {
        let opening =
            ClientOpening { host: "localhost".into(), target: "/".into(), ..ClientOpening::default() };
        let mut short = Vec::new();
        for case in suite().cases().iter().flat_map(|case| case.parts(Some(3))) {
            let Play::Script(steps) = &case.play else { continue };
            // Octets and data are no frames of their own.
            let counts = |step: &Step| matches!(step, Step::Send(_) | Step::SendMessage(_));
            let wanted = steps.iter().filter(|step| counts(step)).count();
            let roles = [(Role::Server, Roles::Server), (Role::Client, Roles::Client)];
            for (role, _) in roles.into_iter().filter(|(_, not)| case.roles != *not) {
                let played = play(&case, role, &opening, 0);
                let sent = frames(&played.moves);
                if sent < wanted && !SWALLOWED.contains(&&*case.id.to_string()) {
                    short.push(format!("{} {role:?}: {sent} of {wanted}", case.id));
                }
            }
        }
        assert_eq!(short, [""; 0]);
    }
}
