use wsspec_cases::Event;
use wsspec_wire::Opcode;

use super::{CaseRun, Phase};
use crate::Time;
use crate::observation::PeerFault;
use crate::observe::Incoming;

impl CaseRun {
    /// How many breaches are kept.
    const BREACHES: usize = 8;

    /// Takes octets behind the opening handshake. What comes behind the end of the connection is watched
    /// only.
    pub(super) fn receive(&mut self, octets: &mut [u8], now: Time) {
        self.recorder.traffic.rx_wire += octets.len() as u64;
        let mut rest = octets;
        while let (taken, Some(incoming)) = self.observer.next(rest) {
            rest = &mut rest[taken..];
            self.lookout.see(&incoming, self.recorder.sent_frames(Opcode::PING));
            if matches!(self.phase, Phase::Open | Phase::Closing) {
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
                self.recorder.traffic.rx_app += payload.len;
                self.recorder.traffic.rx_messages += 1;
                // A tester that failed the connection is done with messages (RFC 6455 7.1.7).
                if !self.close.failed_by_me {
                    self.event(&Event::Message { binary, payload }, now);
                }
            }
            Incoming::Pong(payload) => self.event(&Event::Pong(payload), now),
            Incoming::Ping(payload) => {
                if self.phase == Phase::Open {
                    self.outbox.pong(payload);
                }
            }
            Incoming::Close { code, reason, violation } => self.peer_closed(code, reason, violation, now),
            Incoming::Violation(violation) => self.fail_for(violation, now),
            Incoming::Breach(fault) => self.breach(fault),
            Incoming::Further(_) => {}
        }
    }

    fn breach(&mut self, fault: PeerFault) {
        let known = self.breaches.iter().any(|known| known.id == fault.id);
        if !known && self.breaches.len() < Self::BREACHES {
            self.breaches.push(fault);
        }
    }
}
