//! Serves the strict endpoint: the known-good peer, over any stream.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use wsspec_endpoint::{Closed, Config, Connection, End, Event, State, Transmit};
use wsspec_wire::close_code;

use super::Transport;
use super::tls::{self, ServerTls};

const READ_SIZE: usize = 128 << 10;
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
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; PAGE + READ_SIZE]);
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
                    None => serve(stream, config, stop).await,
                    Some(tls) => serve_secure(stream, tls, config, stop).await,
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

async fn serve<T: Transport>(stream: T, config: Arc<Config>, stop: watch::Receiver<bool>) {
    run(stream, Connection::server(config, Duration::ZERO), Instant::now(), stop).await;
}

async fn serve_secure(stream: TcpStream, tls: ServerTls, config: Arc<Config>, stop: watch::Receiver<bool>) {
    if let Ok(Ok(stream)) = timeout(config.handshake_timeout, tls.acceptor.accept(stream)).await {
        // The state of TLS is large; it lives on the heap beside that of the endpoint.
        Box::pin(serve(stream, config, stop)).await;
    }
}

/// Drives one connection to its end, or closes it once `stop` becomes true. Returns how it ended.
pub async fn run<T: Transport>(
    stream: T,
    connection: Connection,
    started: Instant,
    mut stop: watch::Receiver<bool>,
) -> Option<Closed> {
    let mut link = Link {
        stream,
        connection,
        started,
        unsent: VecDeque::new(),
        queued: 0,
        then: None,
        armed: None,
        closed: None,
    };
    let mut timer = Box::pin(sleep_until(started));
    let mut stopping = false;
    while link.connection.state() != State::Closed {
        link.fill();
        match link.take_end() {
            Some(Then::Fin) => drop(link.stream.shutdown().await),
            Some(Then::Abort) => {
                link.stream.abort();
                return link.closed;
            }
            None => {}
        }
        link.arm(timer.as_mut());
        tokio::select! {
            () = poll_fn(|context| link.poll(context, timer.as_mut())) => {}
            Ok(_) = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                // A connection that is not open, or is closing, ends by itself.
                let _ = link.connection.close(close_code::GOING_AWAY, "", started.elapsed());
            }
        }
    }
    let _ = timeout(FAREWELL, link.flush()).await;
    link.closed
}

struct Link<T> {
    stream: T,
    connection: Connection,
    started: Instant,
    unsent: VecDeque<Bytes>,
    /// Octets in `unsent`.
    queued: usize,
    then: Option<Then>,
    /// What the timer is set to: some time, or none.
    armed: Option<Option<Duration>>,
    /// How the connection ended.
    closed: Option<Closed>,
}

/// What follows once everything is written.
enum Then {
    Fin,
    Abort,
}

impl<T: Transport> Link<T> {
    /// The end of the connection, if it is time for it.
    fn take_end(&mut self) -> Option<Then> {
        if self.unsent.is_empty() { self.then.take() } else { None }
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
                self.closed = Some(*closed);
            }
        }
    }

    /// Sets the timer, if the time it is set to has changed: that costs more than to look.
    fn arm(&mut self, timer: Pin<&mut Sleep>) {
        let due = self.connection.poll_timeout();
        if self.armed != Some(due) {
            self.armed = Some(due);
            let at = due.map(|time| self.started + time);
            timer.reset(at.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600)));
        }
    }

    /// Ready when something happened: octets came or went, or the timer fired.
    fn poll(&mut self, context: &mut Context<'_>, timer: Pin<&mut Sleep>) -> Poll<()> {
        let wrote = self.poll_write(context);
        let read = self.poll_read(context);
        let fired = timer.poll(context).is_ready();
        if fired {
            self.armed = None;
            self.connection.handle_timeout(self.started.elapsed());
        }
        if wrote || read || fired { Poll::Ready(()) } else { Poll::Pending }
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
        let count = self.unsent.len().min(SLICES);
        match Pin::new(&mut self.stream).poll_write_vectored(context, &slices[..count]) {
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
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        if self.connection.state() == State::Closed
            || self.queued + self.connection.buffered_amount() >= HIGH_WATER
        {
            return false;
        }
        BUFFER.with_borrow_mut(|buffer| {
            let page = buffer.as_ptr().align_offset(PAGE);
            let mut buffer = ReadBuf::new(&mut buffer[page..][..READ_SIZE]);
            let result = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
            let now = self.started.elapsed();
            match (result, buffer.filled()) {
                (Poll::Pending, _) => return false,
                (Poll::Ready(Ok(())), []) => self.connection.handle_end(End::Fin, now),
                (Poll::Ready(Ok(())), octets) => self.connection.handle_input(octets, now),
                (Poll::Ready(Err(error)), _) if tls::ended_without_close_notify(&error) => {
                    self.connection.handle_end(End::Fin, now);
                }
                (Poll::Ready(Err(_)), _) => self.connection.handle_end(End::Reset, now),
            }
            true
        })
    }
}
