//! Messages on one connection, and their echoes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use wsspec_endpoint::Event;

use super::meter::{Meter, Sent};
use super::pacer::Timetable;
use crate::net::Stream;
use crate::net::session::Session;
use crate::signals::raised;

/// Hexadecimal digits of the number that each message begins with.
const DIGITS: usize = 16;
/// Payload that may wait for its echo on one connection.
const OCTETS_IN_FLIGHT: usize = 16 << 20;
/// Messages that may wait for their echo on one connection, where they follow a timetable.
const IN_FLIGHT: usize = 1024;

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) size: usize,
    pub(super) text: bool,
}

/// When it is sent.
#[derive(Clone, Debug)]
pub(super) enum Pace {
    /// When its time has come, whatever has become of those before.
    Timetable { table: Timetable, connection: u64, wake: Arc<Notify> },
    /// As soon as fewer than so many wait for their echo.
    InFlight(usize),
}

/// One connection of a load.
pub(super) struct Traffic {
    pub(super) session: Session<Stream>,
    pub(super) kind: Kind,
    pub(super) pace: Pace,
    /// Nothing is sent from then on.
    pub(super) until: Instant,
    /// And echoes are waited for so long.
    pub(super) patience: Duration,
    pub(super) meter: Arc<Mutex<Meter>>,
}

impl Traffic {
    /// Sends and receives until the time is over, and closes. False if the peer ended the connection.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) -> bool {
        let mut flow = Flow::new(&self.kind, &self.pace);
        let mut sending = true;
        let timer = tokio::time::sleep_until(self.until.into());
        tokio::pin!(timer);
        loop {
            if sending {
                self.send_due(&mut flow);
            } else if flow.in_flight.is_empty() {
                break;
            }
            // `None` when it is time to send no more, and then to wait no more.
            let event = tokio::select! {
                event = self.session.event() => Some(event),
                () = woken(&self.pace), if sending => continue,
                () = raised(&mut stop), if sending => None,
                () = &mut timer => None,
            };
            let Some(event) = event else {
                if !sending {
                    break;
                }
                // What was due before still goes out.
                self.send_due(&mut flow);
                sending = false;
                let now = Instant::now();
                self.meter().stopped(now.min(self.until));
                timer.as_mut().reset((now + self.patience).into());
                continue;
            };
            match event {
                Some(Event::Message(message)) => self.take(&mut flow, message.payload()),
                Some(Event::Closed(_) | Event::CloseReceived { .. }) | None => {
                    let mut meter = self.meter();
                    meter.given_up(flow.in_flight.len());
                    meter.lost += 1;
                    return false;
                }
                Some(_) => {}
            }
        }
        self.meter().given_up(flow.in_flight.len());
        let _ = tokio::time::timeout(self.patience, self.session.close(Some(1000))).await;
        true
    }

    fn send_due(&mut self, flow: &mut Flow) {
        while flow.in_flight.len() < flow.room {
            let now = Instant::now();
            let due = match &self.pace {
                Pace::Timetable { table, connection, .. } => table.due(*connection, flow.sent),
                Pace::InFlight(_) => now,
            };
            if due > now || due >= self.until {
                return;
            }
            flow.number(flow.sent);
            let connection = self.session.connection();
            let queued = match std::str::from_utf8(&flow.payload).ok().filter(|_| self.kind.text) {
                Some(text) => connection.send_text(text),
                None => connection.send_binary(&flow.payload),
            };
            // A connection that is not open any more says so as its next event.
            if queued.is_err() {
                return;
            }
            flow.sent += 1;
            flow.in_flight.push_back(Sent { due, at: now });
            self.meter().sent(now);
        }
    }

    fn take(&self, flow: &mut Flow, payload: &[u8]) {
        let now = Instant::now();
        // What nobody asked for is no echo, but no reason to stop either.
        let Some(message) = flow.in_flight.pop_front() else {
            self.meter().wrong += 1;
            return;
        };
        flow.number(flow.received);
        flow.received += 1;
        self.meter().echoed(message, payload.len(), payload == flow.payload, now);
    }

    fn meter(&self) -> std::sync::MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn woken(pace: &Pace) {
    match pace {
        Pace::Timetable { wake, .. } => wake.notified().await,
        Pace::InFlight(_) => std::future::pending().await,
    }
}

/// Where a connection stands.
struct Flow {
    payload: Vec<u8>,
    sent: u64,
    received: u64,
    in_flight: VecDeque<Sent>,
    room: usize,
}

impl Flow {
    fn new(kind: &Kind, pace: &Pace) -> Self {
        let letters = (b'a'..=b'z').cycle();
        let payload = letters.take(kind.size).collect();
        let wanted = match pace {
            Pace::Timetable { .. } => IN_FLIGHT,
            Pace::InFlight(messages) => *messages,
        };
        let room = wanted.min((OCTETS_IN_FLIGHT / kind.size.max(1)).max(1));
        Self { payload, sent: 0, received: 0, in_flight: VecDeque::new(), room }
    }

    /// Makes the payload that of this message: it begins with its number, as far as there is room.
    fn number(&mut self, number: u64) {
        let length = self.payload.len().min(DIGITS);
        for (place, octet) in self.payload[..length].iter_mut().rev().enumerate() {
            *octet = b"0123456789abcdef"[(number >> (4 * place) & 15) as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_by_their_number() {
        let mut flow = Flow::new(&Kind { size: 20, text: true }, &Pace::InFlight(4));
        flow.number(0x1234_5678_9abc_def0);
        assert_eq!(flow.payload, b"123456789abcdef0qrst");
        flow.number(1);
        assert_eq!(flow.payload, b"0000000000000001qrst");
        let mut short = Flow::new(&Kind { size: 2, text: true }, &Pace::InFlight(4));
        short.number(0xabc);
        assert_eq!(short.payload, b"bc");
        Flow::new(&Kind { size: 0, text: true }, &Pace::InFlight(4)).number(7);
    }

    #[test]
    fn large_messages_leave_room_for_few() {
        let room = |size, in_flight| Flow::new(&Kind { size, text: false }, &Pace::InFlight(in_flight)).room;
        assert_eq!((room(16, 64), room(1 << 20, 64), room(64 << 20, 64)), (64, 16, 1));
    }
}
