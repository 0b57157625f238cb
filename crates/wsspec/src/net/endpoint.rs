//! Drives one connection of the strict endpoint over any stream.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use wsspec_endpoint::{Buffer, Closed, Connection, End, Event, State};
use wsspec_wire::close_code;

use super::outflow::{HIGH_WATER, Outflow, SLICES, Then};
use super::{Transport, tls};

/// A frame of 64 KiB fits with its header. Larger payloads are read straight into their message.
pub(super) const READ_SIZE: usize = 68 << 10;
/// For the last octets of a connection, and for all connections when the server stops.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

thread_local! {
    /// One for all connections of a thread: an idle connection needs no buffer.
    static BUFFER: RefCell<Buffer> = RefCell::default();
}

/// Drives one connection to its end, or closes it once `stop` becomes true. Returns how it ended.
// Not an async function: that would keep the connection twice, as an argument and as a variable.
pub fn run<T: Transport>(
    stream: T,
    connection: Connection,
    started: Instant,
    mut stop: watch::Receiver<bool>,
) -> impl Future<Output = Option<Closed>> + Send {
    let mut link = Link::new(stream, connection, started);
    async move {
        let mut stopped = pin!(stop.wait_for(|stop| *stop));
        let mut stopping = false;
        loop {
            let step = poll_fn(|context| {
                if !stopping && let Poll::Ready(stop) = stopped.as_mut().poll(context) {
                    stopping = true;
                    link.stop(stop.is_ok());
                }
                link.poll(context)
            });
            match step.await {
                Some(Then::Fin) => drop(link.stream.shutdown().await),
                Some(Then::Abort) => {
                    link.stream.abort();
                    return link.closed.map(|closed| *closed);
                }
                None => break,
            }
        }
        let _ = timeout(FAREWELL, link.flush()).await;
        link.closed.map(|closed| *closed)
    }
}

struct Link<T> {
    stream: T,
    connection: Connection,
    started: Instant,
    unsent: Outflow,
    /// What is due next, and when; only while something is.
    timer: Option<(Duration, Pin<Box<Sleep>>)>,
    /// How the connection ended.
    closed: Option<Box<Closed>>,
}

impl<T: Transport> Link<T> {
    fn new(stream: T, connection: Connection, started: Instant) -> Self {
        Self { stream, connection, started, unsent: Outflow::default(), timer: None, closed: None }
    }

    /// Closes the connection, if the server was told to stop and not just forgotten.
    fn stop(&mut self, told: bool) {
        if told {
            // A connection that is not open, or is closing, ends by itself.
            let _ = self.connection.close(close_code::GOING_AWAY, "", self.started.elapsed());
        }
    }

    /// Reads and writes as long as something comes of it. Ready when an end of TCP is due, or with nothing when the
    /// connection has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Then>> {
        loop {
            self.fill();
            let wrote = self.poll_write(context);
            if let Some(then) = self.unsent.take_then() {
                return Poll::Ready(Some(then));
            }
            if self.connection.state() == State::Closed {
                return Poll::Ready(None);
            }
            let read = self.poll_read(context);
            if !wrote && !read && !self.poll_timer(context) {
                return Poll::Pending;
            }
        }
    }

    /// Writes what is left when the connection has ended.
    async fn flush(&mut self) {
        self.fill();
        while !self.unsent.is_empty() {
            poll_fn(|context| if self.poll_write(context) { Poll::Ready(()) } else { Poll::Pending }).await;
            self.fill();
        }
        if self.unsent.take_then() == Some(Then::Fin) {
            let _ = self.stream.shutdown().await;
        }
    }

    fn fill(&mut self) {
        self.unsent.fill(&mut self.connection);
        // Messages are echoed inside the endpoint; its events need no answer.
        while let Some(event) = self.connection.poll_event() {
            if let Event::Closed(closed) = event {
                self.closed = Some(closed);
            }
        }
    }

    /// Looks at the timer, which is set only if its time has changed: that costs more than to look.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        let Some(due) = self.connection.poll_timeout() else {
            self.timer = None;
            return false;
        };
        let at = self.started + due;
        let (set_to, timer) = self.timer.get_or_insert_with(|| (due, Box::pin(sleep_until(at))));
        if *set_to != due {
            *set_to = due;
            timer.as_mut().reset(at);
        }
        if timer.as_mut().poll(context).is_pending() {
            return false;
        }
        self.timer = None;
        self.connection.handle_timeout(self.started.elapsed());
        true
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> bool {
        if self.unsent.is_empty() {
            // TLS may keep octets back until it is flushed.
            let _ = Pin::new(&mut self.stream).poll_flush(context);
            return false;
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let stream = Pin::new(&mut self.stream);
        let wrote = match self.unsent.slices(&mut slices) {
            1 => stream.poll_write(context, &slices[0]),
            count => stream.poll_write_vectored(context, &slices[..count]),
        };
        match wrote {
            Poll::Pending => false,
            Poll::Ready(Ok(written)) if written > 0 => {
                self.unsent.advance(written);
                // An idle connection needs no queue.
                self.unsent.release();
                true
            }
            Poll::Ready(_) => {
                self.unsent.clear();
                self.connection.handle_end(End::Reset, self.started.elapsed());
                true
            }
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        if self.unsent.len() + self.connection.buffered_amount() >= HIGH_WATER {
            return false;
        }
        if let Some(room) = self.connection.payload_room() {
            let read = pin!(self.stream.read(room)).poll(context);
            return self.take(read, Connection::handle_payload);
        }
        BUFFER.with_borrow_mut(|buffer| {
            let read = pin!(self.stream.read(buffer.room(READ_SIZE))).poll(context);
            self.take(read, |connection, octets, now| {
                buffer.fill(octets);
                connection.handle_buffer(buffer, now);
            })
        })
    }

    /// Takes note of what came of reading; whether anything did.
    fn take(
        &mut self,
        read: Poll<io::Result<usize>>,
        handle: impl FnOnce(&mut Connection, usize, Duration),
    ) -> bool {
        let now = self.started.elapsed();
        match read {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.connection.handle_end(End::Fin, now),
            Poll::Ready(Ok(octets)) => handle(&mut self.connection, octets, now),
            Poll::Ready(Err(error)) if tls::ended_without_close_notify(&error) => {
                self.connection.handle_end(End::Fin, now);
            }
            Poll::Ready(Err(_)) => self.connection.handle_end(End::Reset, now),
        }
        // The timer is only looked at when there is nothing to read: a peer that never stops must not stop it.
        if self.connection.poll_timeout().is_some_and(|due| due <= now) {
            self.connection.handle_timeout(now);
        }
        true
    }
}
