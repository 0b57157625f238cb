//! Runs a case in memory against a peer that is a state machine too, with a virtual clock: waits cost nothing.

use std::time::Duration;

use wsspec_cases::Case;

use crate::{CaseRun, Observation, Outcome, TcpEnd, TesterRole, Time, Together, Transmit, judge};

/// The other side of the wire.
pub trait Peer {
    /// Octets came from the tester.
    fn handle_input(&mut self, octets: &mut [u8], now: Time);

    /// The tester ended TCP.
    fn handle_end(&mut self, how: TesterEnd, now: Time);

    /// Time passed.
    fn handle_timeout(&mut self, _now: Time) {}

    /// What the peer does next.
    fn poll_transmit(&mut self, now: Time) -> Option<PeerTransmit>;

    /// When to call [`handle_timeout`](Self::handle_timeout).
    fn poll_timeout(&self) -> Option<Time> {
        None
    }
}

/// How the tester ends TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TesterEnd {
    /// With FIN: it goes on reading.
    Fin,
    /// With FIN, and what still comes is thrown away.
    Drop,
    /// With RST.
    Reset,
}

/// What a peer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerTransmit {
    /// It writes octets.
    Octets(Vec<u8>),
    /// It ends TCP.
    End(TcpEnd),
}

/// Plays a case on all of its connections, or on so many, one after the other, and judges it.
pub fn play(
    case: &Case,
    role: TesterRole,
    most: Option<u32>,
    mut connection: impl FnMut(&Case) -> Observation,
) -> Outcome {
    let Some(series) = case.series() else { return judge(case, connection(case)) };
    let mut together = Together::new(case);
    for number in series.numbers(most) {
        let part = case.part(number);
        together.add(number, &part, judge(&part, connection(&part)));
        if together.is_decided() {
            break;
        }
    }
    together.conclude(role)
}

/// A tester and a peer with nothing but a clock between them.
#[derive(Debug)]
pub struct Pair<'c, P> {
    /// The tester.
    pub run: CaseRun<'c>,
    /// The peer.
    pub peer: P,
    /// The virtual clock.
    pub now: Time,
    /// How long each transmission of the peer takes. A peer that never pauses needs more than nothing.
    pub delay: Duration,
}

impl<'c, P: Peer> Pair<'c, P> {
    /// A pair at the start of the connection.
    pub fn new(run: CaseRun<'c>, peer: P) -> Self {
        Self { run, peer, now: Time::ZERO, delay: Duration::ZERO }
    }

    /// Runs to the end. The peer is handed back, too.
    ///
    /// # Panics
    ///
    /// If the tester waits for something without a timer, which it must never do.
    pub fn finish(mut self) -> (Observation, P) {
        while !self.run.is_finished() {
            let moved = self.tester_moves() | self.peer_moves();
            if !moved {
                self.time_passes();
            }
        }
        self.tester_moves();
        (self.run.finish(self.now), self.peer)
    }

    fn tester_moves(&mut self) -> bool {
        let mut moved = false;
        while let Some(transmit) = self.run.poll_transmit(self.now) {
            moved = true;
            match transmit {
                Transmit::Octets { data, .. } => {
                    self.peer.handle_input(&mut Vec::from(data), self.now);
                }
                Transmit::Fin => self.peer.handle_end(TesterEnd::Fin, self.now),
                Transmit::Drop => self.peer.handle_end(TesterEnd::Drop, self.now),
                Transmit::Reset => self.peer.handle_end(TesterEnd::Reset, self.now),
            }
        }
        moved
    }

    fn peer_moves(&mut self) -> bool {
        if self.run.is_finished() {
            return true;
        }
        if self.run.has_stopped_reading() {
            return false;
        }
        let Some(transmit) = self.peer.poll_transmit(self.now) else { return false };
        self.now += self.delay;
        match transmit {
            PeerTransmit::Octets(mut octets) => self.run.handle_input(&mut octets, self.now),
            PeerTransmit::End(how) => self.run.handle_end(how, self.now),
        }
        self.timers_run();
        true
    }

    fn time_passes(&mut self) {
        let tester = self.run.poll_timeout().expect("a tester that waits has a timer");
        let next = self.peer.poll_timeout().map_or(tester, |peer| peer.min(tester));
        self.now = self.now.max(next);
        self.timers_run();
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
