//! The strict endpoint over a stream, one event at a time: for the tools and for what the server tells clients.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use wsspec_endpoint::{Connection, End, Event, State, Time, Transmit};

use super::{Transport, tls};

const READ_SIZE: usize = 16 << 10;

/// An endpoint and its stream.
#[derive(Debug)]
pub struct Session<T> {
    stream: T,
    connection: Connection,
    started: Instant,
    unsent: VecDeque<Bytes>,
    unflushed: bool,
    ending: bool,
    /// The peer's side of TCP is over.
    ended: bool,
    timer: Pin<Box<Sleep>>,
    buffer: Vec<u8>,
}

impl<T: Transport> Session<T> {
    /// Joins them. `started` is the time 0 of the connection.
    pub fn new(stream: T, connection: Connection, started: Instant) -> Self {
        Self {
            stream,
            connection,
            started,
            unsent: VecDeque::new(),
            unflushed: false,
            ending: false,
            ended: false,
            timer: Box::pin(sleep_until(started)),
            buffer: vec![0; READ_SIZE],
        }
    }

    /// The endpoint, to send something. It goes out while the next event is waited for.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// The time of the connection.
    pub fn now(&self) -> Time {
        self.started.elapsed()
    }

    /// The next event; `None` when the connection is over. Nothing is lost if this is dropped half way.
    pub async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.connection.poll_event() {
                return Some(event);
            }
            self.take_transmits();
            if self.unsent.is_empty() && self.ending {
                self.ending = false;
                let _ = self.stream.shutdown().await;
            }
            if self.connection.state() == State::Closed && self.unsent.is_empty() {
                return None;
            }
            let deadline = self.connection.poll_timeout().map(|time| self.started + time);
            self.timer.as_mut().reset(deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600)));
            poll_fn(|context| self.poll(context)).await;
        }
    }

    /// Starts the closing handshake, with a code or an empty Close frame, and sees it through.
    pub async fn close(self, code: Option<u16>) {
        self.close_because(code, "").await;
    }

    /// The same with a reason of at most 123 octets (RFC 6455 5.5).
    pub async fn close_because(mut self, code: Option<u16>, reason: &str) {
        let now = self.now();
        // A connection that is not open, or closing already, ends by itself.
        let _ = self.connection.close(code, reason, now);
        while self.event().await.is_some() {}
    }

    fn take_transmits(&mut self) {
        while !self.ending {
            match self.connection.poll_transmit() {
                None => break,
                Some(Transmit::Octets(octets)) => self.unsent.push_back(octets),
                // The stream is dropped with the session; a reset instead of a FIN makes no difference here.
                Some(Transmit::CloseTcp | Transmit::Abort) => self.ending = true,
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let wrote = self.poll_write(context);
        let read = self.poll_read(context);
        let fired = self.timer.as_mut().poll(context).is_ready();
        if fired {
            self.connection.handle_timeout(self.started.elapsed());
        }
        if wrote || read || fired { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> bool {
        let Some(first) = self.unsent.front_mut() else { return self.poll_flush(context) };
        match Pin::new(&mut self.stream).poll_write(context, first) {
            Poll::Pending => return false,
            Poll::Ready(Ok(written)) if written > 0 => {
                first.advance(written);
                if first.is_empty() {
                    self.unsent.pop_front();
                }
                self.unflushed = true;
            }
            Poll::Ready(_) => self.end(End::Reset),
        }
        true
    }

    /// TLS keeps octets back until it is flushed. No progress in itself, so never a reason to go on.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> bool {
        if self.unflushed && Pin::new(&mut self.stream).poll_flush(context).is_ready() {
            self.unflushed = false;
        }
        false
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        if self.ended || self.connection.state() == State::Closed {
            return false;
        }
        let mut buffer = ReadBuf::new(&mut self.buffer);
        let result = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        let read = buffer.filled().len();
        match result {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) if read > 0 => {
                self.connection.handle_input(&self.buffer[..read], self.started.elapsed());
            }
            Poll::Ready(Err(error)) if !tls::ended_without_close_notify(&error) => self.end(End::Reset),
            Poll::Ready(_) => self.end(End::Fin),
        }
        true
    }

    fn end(&mut self, how: End) {
        self.ended = true;
        if how == End::Reset {
            self.unsent.clear();
            self.unflushed = false;
        }
        self.connection.handle_end(how, self.started.elapsed());
    }
}
