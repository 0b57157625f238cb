use wsspec_cases::{Awaited, Event, Received};
use wsspec_wire::Opcode;

use super::{Broken, CaseRun, Phase};
use crate::Time;
use crate::invariants::Sent;
use crate::observation::PeerFault;
use crate::observe::Incoming;

/// The last section of the reference suite.
const LAST_OF_REFERENCE: u16 = 13;

impl CaseRun<'_> {
    /// How many breaches are kept.
    const BREACHES: usize = 8;

    /// Takes octets behind the opening handshake. What comes behind the end of the connection is watched
    /// only.
    pub(super) fn receive(&mut self, octets: &mut [u8], now: Time) {
        self.recorder.traffic.rx_wire += octets.len() as u64;
        if self.opened.is_none() {
            // The body of a refusal holds no frames.
            return;
        }
        self.observer.logs(!self.recorder.is_quiet());
        let mut rest = octets;
        while let (taken, Some(incoming)) = self.observer.next(rest) {
            rest = &mut rest[taken..];
            let sent = Sent {
                pings: self.recorder.sent_frames(Opcode::PING),
                close: (self.recorder.sent_frames(Opcode::CLOSE) > 0).then_some(self.close.local_code),
            };
            self.lookout.see(&incoming, &sent, self.place_of(&incoming));
            if matches!(self.phase, Phase::Open | Phase::Closing) {
                if matches!(incoming, Incoming::Violation(_)) && self.fails_by_ending_tcp() {
                    self.cut_frame(rest, now);
                }
                self.take(incoming, now);
            }
        }
    }

    fn take(&mut self, incoming: Incoming, now: Time) {
        match incoming {
            Incoming::Frame { header, payload } => {
                self.drive(now, |driver, out| driver.0.frame(&header, &payload.kept, out));
                self.recorder.received_frame(now, header, payload);
                self.do_steps(now);
            }
            Incoming::Inspected(inspection) => {
                self.drive(now, |driver, out| driver.0.inspected(&inspection, out));
            }
            Incoming::Message { binary, payload } => {
                self.recorder.received_message(now, payload.len);
                // A tester that failed the connection is done with messages (RFC 6455 7.1.7).
                if self.case.conduct.commands && !binary && is_refusal(&payload.kept) {
                    self.command_refused(&payload.kept, now);
                } else if !self.close.failed_by_me {
                    self.event(&Event::Message { binary, payload }, now);
                    self.came(Awaited::Messages(self.recorder.traffic.rx_messages), now);
                }
            }
            Incoming::Pong(payload) if self.counts(&payload) => self.event(&Event::Pong(payload), now),
            Incoming::Pong(_) => {}
            Incoming::Ping(payload) => {
                if self.phase == Phase::Open && !self.case.conduct.ignores_pings {
                    self.outbox.pong(payload.clone());
                }
                self.last_ping = payload;
                self.came(Awaited::Ping, now);
            }
            Incoming::Close { code, reason, violation } => self.peer_closed(code, reason, violation, now),
            Incoming::Violation(violation) => self.fail_for(violation, now),
            Incoming::Breach(fault) => self.breach(fault),
            Incoming::Further(_) => {}
        }
    }

    /// Whether a Pong is an event. Unsolicited ones are lawful at any time (RFC 6455 5.5.3); the reference suite
    /// blames them all the same.
    fn counts(&self, pong: &Received) -> bool {
        self.case.id.section() <= LAST_OF_REFERENCE || self.recorder.is_answer(pong)
    }

    fn breach(&mut self, fault: PeerFault) {
        let known = self.breaches.iter().any(|known| known.fault.id == fault.id);
        if !known && self.breaches.len() < Self::BREACHES {
            let from = Some(self.culprit());
            self.breaches.push(Broken { fault, from });
        }
    }

    /// Where in the log the frame is, or will be, that this was made of.
    fn place_of(&self, incoming: &Incoming) -> usize {
        let count = self.recorder.log.count();
        match incoming {
            Incoming::Further(_) => self.culprit(),
            // Behind the end nothing is recorded.
            _ if !self.counts_input() => count.saturating_sub(1),
            Incoming::Frame { .. } if !self.recorder.is_quiet() => count,
            _ => self.culprit(),
        }
    }

    /// The frame that is being read goes into the log as it is: no more of it will be taken than `rest`.
    pub(super) fn cut_frame(&mut self, rest: &[u8], now: Time) {
        if let Some((header, payload)) = self.observer.unfinished(rest).filter(|_| self.cut.is_none()) {
            self.recorder.cut_frame(now, header, payload);
            self.cut = Some(self.recorder.place());
        }
    }

    /// Where in the log the frame is that is being read, or will be when all of it has come.
    pub(super) fn culprit(&self) -> usize {
        match self.cut {
            None if self.observer.is_inside_frame() && !self.recorder.is_quiet() => self.recorder.log.count(),
            cut => cut.unwrap_or_else(|| self.recorder.place()),
        }
    }
}

/// What a peer says that does not obey a command: that it refuses it, or the command itself, if the peer agrees to
/// any subprotocol and echoes.
fn is_refusal(message: &[u8]) -> bool {
    message.starts_with(b"!") && !message.starts_with(b"!state ")
}
