//! The only loop that drives a case over a stream.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};
use wsspec_engine::{CaseRun, Observation, TcpEnd, Time, Transmit};

use super::transport::{Drain, drain};
use super::{Transport, tls};

const READ_SIZE: usize = 64 << 10;
/// After the tester has dropped the connection.
const LINGER: Drain = Drain { time: Duration::from_millis(500), octets: 16 << 20 };

/// Between a short write that has to reach the network on its own and the next: the reference's event loop takes as
/// long, and verdicts hang on whether the peer's answer is there before the next octet.
const PAUSE: Duration = Duration::from_micros(200);
/// Octets that are written one by one. Whole frames follow each other without a pause, as the reference sends them.
const SHORT_WRITE: usize = 2;
/// How many pauses a case may have: more than any script needs, and no end of time.
const PAUSES: usize = 256;

/// Runs a case to its end over this stream, at most until `limit` after `started`.
///
/// `started` is when the connection was there. The peer may send or withhold whatever it likes: every wait has
/// a timer in the case, and `limit` is the net below.
pub async fn drive<T: Transport>(
    stream: T,
    run: CaseRun<'_>,
    started: Instant,
    limit: Duration,
) -> Observation {
    let deadline = started + limit;
    let pauses = Pauses { left: PAUSES, due: false, until: None };
    let mut pump =
        Pump { stream, run, started, deadline, unsent: None, pauses, unflushed: false, ended: false };
    let mut buffer = vec![0; READ_SIZE];
    let mut timer = Box::pin(sleep_until(pump.deadline));
    let end = loop {
        if let Some(end) = pump.hand_out().await {
            break end;
        }
        if pump.run.is_finished() || Instant::now() >= pump.deadline {
            break End::Drop;
        }
        pump.arm(timer.as_mut());
        let happened = pump.wait(&mut buffer, timer.as_mut()).await;
        pump.tell(happened, &mut buffer);
    };
    pump.end(end)
}

struct Pump<'c, T> {
    stream: T,
    run: CaseRun<'c>,
    started: Instant,
    deadline: Instant,
    unsent: Option<Bytes>,
    pauses: Pauses,
    /// TLS may keep octets back until it is flushed.
    unflushed: bool,
    /// The peer's side of TCP is over.
    ended: bool,
}

/// The pauses between short writes.
struct Pauses {
    left: usize,
    /// One follows what is being written.
    due: bool,
    /// One is on; only [`Self::lasts`] ends it.
    until: Option<Instant>,
}

impl Pauses {
    fn before(&mut self, octets: &Bytes, alone: bool) {
        self.due = alone && octets.len() < SHORT_WRITE && self.left > 0;
    }

    fn after_write(&mut self) {
        if std::mem::take(&mut self.due) {
            self.left -= 1;
            self.until = Some(Instant::now() + PAUSE);
        }
    }

    fn lasts(&mut self) -> bool {
        self.until.take_if(|until| *until <= Instant::now());
        self.until.is_some()
    }
}

/// What a round of waiting brought.
#[derive(Default)]
struct Happened {
    read: Option<io::Result<usize>>,
    written: Option<io::Result<usize>>,
}

/// How the tester ends the connection.
enum End {
    Drop,
    Reset,
}

impl<T: Transport> Pump<'_, T> {
    fn now(&self) -> Time {
        self.started.elapsed()
    }

    /// Takes the next octets from the case if all earlier ones are written. Returns the end if there is one.
    async fn hand_out(&mut self) -> Option<End> {
        while self.unsent.is_none() && !self.pauses.lasts() {
            match self.run.poll_transmit(self.now())? {
                Transmit::Octets { data, flush } => {
                    self.pauses.before(&data, flush);
                    self.unsent = Some(data).filter(|data| !data.is_empty());
                }
                Transmit::Fin => drop(self.stream.shutdown().await),
                Transmit::Drop => return Some(End::Drop),
                Transmit::Reset => return Some(End::Reset),
            }
        }
        None
    }

    fn arm(&self, timer: Pin<&mut Sleep>) {
        let next = self.run.poll_timeout().map_or(self.deadline, |time| self.started + time);
        timer.reset(next.min(self.deadline));
    }

    /// Waits until the stream can be read or written, or the timer fires. Reads and writes go on side by
    /// side: a peer that stops reading until it has been read from must not stop the case.
    async fn wait(&mut self, buffer: &mut [u8], mut timer: Pin<&mut Sleep>) -> Happened {
        let reading = !self.ended && self.run.wants_input();
        // Timers are of whole milliseconds: a pause goes round by round through the runtime's other work.
        let pausing = self.pauses.until.is_some();
        if pausing {
            yield_now().await;
        }
        poll_fn(|context| {
            let happened = Happened {
                written: self.poll_write(context),
                read: self.poll_read(context, buffer, reading),
            };
            let idle = happened.read.is_none() && happened.written.is_none();
            if idle && !pausing && timer.as_mut().poll(context).is_pending() {
                Poll::Pending
            } else {
                Poll::Ready(happened)
            }
        })
        .await
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Option<io::Result<usize>> {
        let Some(octets) = &self.unsent else {
            self.unflushed = self.unflushed && Pin::new(&mut self.stream).poll_flush(context).is_pending();
            return None;
        };
        self.unflushed = true;
        ready(Pin::new(&mut self.stream).poll_write(context, octets))
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
        reading: bool,
    ) -> Option<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let done = reading.then(|| Pin::new(&mut self.stream).poll_read(context, &mut buffer));
        ready(done?).map(|result| result.map(|()| buffer.filled().len()))
    }

    /// Tells the case what happened.
    fn tell(&mut self, happened: Happened, buffer: &mut [u8]) {
        let now = self.now();
        match happened.written {
            None => {}
            Some(Ok(written)) if written > 0 => self.advance(written),
            Some(_) => {
                self.unsent = None;
                self.run.handle_write_error(now);
            }
        }
        match happened.read {
            None => {}
            Some(Ok(0)) => self.peer_ended(TcpEnd::PeerFin, now),
            Some(Ok(read)) => self.run.handle_input(&mut buffer[..read], now),
            Some(Err(error)) if tls::ended_without_close_notify(&error) => {
                self.peer_ended(TcpEnd::PeerFin, now)
            }
            Some(Err(_)) => self.peer_ended(TcpEnd::PeerReset, now),
        }
        if self.run.poll_timeout().is_some_and(|time| time <= now) {
            self.run.handle_timeout(now);
        }
    }

    fn peer_ended(&mut self, how: TcpEnd, now: Time) {
        self.ended = true;
        self.run.handle_end(how, now);
    }

    fn advance(&mut self, written: usize) {
        if let Some(octets) = &mut self.unsent {
            octets.advance(written);
            if self.unsent.take_if(|octets| octets.is_empty()).is_some() {
                self.pauses.after_write();
            }
        }
    }

    fn end(self, end: End) -> Observation {
        let now = self.now();
        match end {
            End::Reset => self.stream.abort(),
            End::Drop => {
                let mut stream = self.stream;
                tokio::spawn(async move {
                    if stream.shutdown().await.is_ok() {
                        drain(stream, LINGER).await;
                    }
                });
            }
        }
        self.run.finish(now)
    }
}

fn ready<R>(poll: Poll<R>) -> Option<R> {
    match poll {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_follows_a_short_write_on_its_own_and_nothing_else() {
        let (short, long) =
            (Bytes::from_static(&[0; SHORT_WRITE - 1]), Bytes::from_static(&[0; SHORT_WRITE]));
        for (octets, alone, left, paused) in [
            (&short, true, 1, true),
            (&short, true, 0, false),
            (&short, false, 1, false),
            (&long, true, 1, false),
        ] {
            let mut pauses = Pauses { left, due: false, until: None };
            pauses.before(octets, alone);
            assert!(!pauses.lasts(), "not before the write");
            pauses.after_write();
            assert_eq!(
                pauses.until.is_some(),
                paused,
                "{} octets, alone: {alone}, left: {left}",
                octets.len()
            );
            pauses.after_write();
            assert_eq!(pauses.left, left - usize::from(paused), "one pause for one write");
        }
    }
}
