//! Serves the strict endpoint: the known-good peer, over any stream.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use wsspec_endpoint::{Closed, Config, Connection, End, Event, State, Transmit};
use wsspec_wire::close_code;

use super::Transport;
use super::tls::{self, ServerTls};

/// A frame of 64 KiB fits with its header. Larger payloads are read straight into their message.
const READ_SIZE: usize = 68 << 10;
/// Where the read buffer begins. What the kernel copies often begins with a page, and copies to addresses that
/// differ little from those of the source modulo the page size are several times slower on some processors.
const PAGE: usize = 4 << 10;
/// No more is read while this much waits to be written.
const HIGH_WATER: usize = 256 << 10;
const SLICES: usize = 16;
/// For the last octets of a connection, and for all connections when the server stops.
const FAREWELL: Duration = Duration::from_secs(1);

thread_local! {
    /// One for all connections of a thread: an idle connection needs no buffer.
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// An echo server, bound and not yet serving.
pub struct EchoServer {
    listener: TcpListener,
    tls: Option<ServerTls>,
    config: Arc<Config>,
    connections: Arc<Semaphore>,
}

impl EchoServer {
    /// Listens on this address.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(address: &str, config: Config, max_connections: usize) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let connections = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
        Ok(Self { listener, tls: None, config: Arc::new(config), connections })
    }

    /// Speaks TLS on all connections.
    pub fn with_tls(self, tls: Option<ServerTls>) -> Self {
        Self { tls, ..self }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` becomes true, then closes what is open with 1001. Connections beyond the cap wait to
    /// be accepted.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                Some(_) = open.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Some((stream, permit)) = accepted else { continue };
            let (tls, config, stop) = (self.tls.clone(), self.config.clone(), stop.clone());
            open.spawn(async move {
                let _ = stream.set_nodelay(true);
                match tls {
                    None => drop(serve(stream, config, stop).await),
                    // The state of TLS is large; connections without it have no room for it.
                    Some(tls) => Box::pin(serve_secure(stream, tls, config, stop)).await,
                }
                drop(permit);
            });
        }
        let _ = timeout(FAREWELL, open.join_all()).await;
    }

    async fn accept(&self) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let permit = self.connections.clone().acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, _)) => Some((stream, permit)),
            Err(_) => {
                // Out of file descriptors, say: give the open connections time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}

fn serve<T: Transport>(
    stream: T,
    config: Arc<Config>,
    stop: watch::Receiver<bool>,
) -> impl Future<Output = Option<Closed>> + Send {
    run(stream, Connection::server(config, Duration::ZERO), Instant::now(), stop)
}

async fn serve_secure(stream: TcpStream, tls: ServerTls, config: Arc<Config>, stop: watch::Receiver<bool>) {
    if let Ok(Ok(stream)) = timeout(config.handshake_timeout, tls.acceptor.accept(stream)).await {
        drop(Box::pin(serve(stream, config, stop)).await);
    }
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
                Then::Fin => drop(link.stream.shutdown().await),
                Then::Abort => {
                    link.stream.abort();
                    return link.closed.map(|closed| *closed);
                }
                Then::Nothing => break,
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
    unsent: VecDeque<Bytes>,
    /// Octets in `unsent`.
    queued: usize,
    then: Option<Then>,
    /// What is due next, and when; only while something is.
    timer: Option<(Duration, Pin<Box<Sleep>>)>,
    /// How the connection ended.
    closed: Option<Box<Closed>>,
}

/// What follows once everything is written.
enum Then {
    Fin,
    Abort,
    Nothing,
}

impl<T: Transport> Link<T> {
    fn new(stream: T, connection: Connection, started: Instant) -> Self {
        Self {
            stream,
            connection,
            started,
            unsent: VecDeque::new(),
            queued: 0,
            then: None,
            timer: None,
            closed: None,
        }
    }

    /// Closes the connection, if the server was told to stop and not just forgotten.
    fn stop(&mut self, told: bool) {
        if told {
            // A connection that is not open, or is closing, ends by itself.
            let _ = self.connection.close(close_code::GOING_AWAY, "", self.started.elapsed());
        }
    }

    /// Reads and writes as long as something comes of it. Ready when the connection has ended, or an end of
    /// TCP is due.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Then> {
        loop {
            self.fill();
            let wrote = self.poll_write(context);
            if self.unsent.is_empty()
                && let Some(then) = self.then.take()
            {
                return Poll::Ready(then);
            }
            if self.connection.state() == State::Closed {
                return Poll::Ready(Then::Nothing);
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
        if let Some(Then::Fin) = self.then {
            let _ = self.stream.shutdown().await;
        }
    }

    fn fill(&mut self) {
        while self.then.is_none() && self.queued < HIGH_WATER {
            match self.connection.poll_transmit() {
                None => break,
                Some(Transmit::Octets(octets)) => {
                    self.queued += octets.len();
                    self.unsent.push_back(octets);
                }
                Some(Transmit::CloseTcp) => self.then = Some(Then::Fin),
                Some(Transmit::Abort) => self.then = Some(Then::Abort),
            }
        }
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
        for (slice, octets) in slices.iter_mut().zip(&self.unsent) {
            *slice = IoSlice::new(octets);
        }
        let stream = Pin::new(&mut self.stream);
        let wrote = match self.unsent.len() {
            // The system takes a single buffer faster.
            1 => stream.poll_write(context, &slices[0]),
            count => stream.poll_write_vectored(context, &slices[..count.min(SLICES)]),
        };
        match wrote {
            Poll::Pending => false,
            Poll::Ready(Ok(written)) if written > 0 => {
                self.advance(written);
                true
            }
            Poll::Ready(_) => {
                self.unsent.clear();
                self.queued = 0;
                self.connection.handle_end(End::Reset, self.started.elapsed());
                true
            }
        }
    }

    fn advance(&mut self, mut written: usize) {
        self.queued -= written;
        while let Some(first) = self.unsent.front_mut() {
            if first.len() > written {
                return first.advance(written);
            }
            written -= first.len();
            self.unsent.pop_front();
        }
        // An idle connection needs no queue.
        self.unsent = VecDeque::new();
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        if self.queued + self.connection.buffered_amount() >= HIGH_WATER {
            return false;
        }
        if let Some(mut payload) = self.connection.payload_buffer() {
            let read = pin!(self.stream.read_buf(&mut payload)).poll(context);
            return self.take(read, Connection::handle_payload);
        }
        BUFFER.with_borrow_mut(|buffer| {
            prepare(buffer);
            let mut room = (&mut *buffer).limit(READ_SIZE);
            let read = pin!(self.stream.read_buf(&mut room)).poll(context);
            self.take(read, |connection, _, now| connection.handle_buffer(buffer, now))
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

/// Makes a buffer ready to be read to: empty, and beginning with a page.
fn prepare(buffer: &mut BytesMut) {
    buffer.clear();
    if buffer.capacity() < READ_SIZE {
        // Its beginning was given away. If that has been written, the memory is used again.
        buffer.reserve(PAGE + READ_SIZE);
        let start = buffer.as_ptr().align_offset(PAGE);
        buffer.resize(start, 0);
        buffer.advance(start);
    }
}
