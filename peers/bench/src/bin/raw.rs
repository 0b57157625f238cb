//! Sends every octet back as it came, on one thread that never sleeps while there is traffic: what loopback, the system
//! and the load generator allow without WebSocket. Usage: raw PORT

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bench_peers::{Failure, port, send_unpaced};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
const READ_SIZE: usize = 256 << 10;
/// It stays awake for so long after an event.
const AWAKE: Duration = Duration::from_millis(1);
/// The load generator does not look at the key.
const RESPONSE: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

struct Connection {
    stream: TcpStream,
    /// The request so far, until it has been answered.
    request: Option<Vec<u8>>,
    /// What the socket did not take; while there is some, nothing is read.
    waiting: Vec<u8>,
}

impl Connection {
    /// Reads and sends back until there is nothing left, or until the socket takes no more. Says whether it goes on.
    fn pump(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            let waiting = std::mem::take(&mut self.waiting);
            self.send(&waiting)?;
            if !self.waiting.is_empty() {
                return Ok(true);
            }
            let read = match self.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            match &mut self.request {
                None => self.send(&buffer[..read])?,
                Some(request) => {
                    request.extend_from_slice(&buffer[..read]);
                    if request.ends_with(b"\r\n\r\n") {
                        self.request = None;
                        self.send(RESPONSE)?;
                    }
                }
            }
            if read < buffer.len() && self.waiting.is_empty() {
                return Ok(true);
            }
        }
    }

    fn send(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            match self.stream.write(octets) {
                Ok(written) => octets = &octets[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.waiting.extend_from_slice(octets);
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port())))?;
    send_unpaced(&listener)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; READ_SIZE]);
    let mut last = Instant::now();
    loop {
        let timeout = (last.elapsed() < AWAKE).then_some(Duration::ZERO);
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            done => done?,
        }
        for event in &events {
            last = Instant::now();
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let place = &mut connections[event.token().0];
            if place.as_mut().is_some_and(|connection| !connection.pump(&mut buffer).unwrap_or(false)) {
                *place = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut Vec<Option<Connection>>,
) -> Result<(), Failure> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        stream.set_nodelay(true)?;
        let free = connections.iter().position(Option::is_none).unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
        });
        poll.registry().register(&mut stream, Token(free), Interest::READABLE | Interest::WRITABLE)?;
        connections[free] = Some(Connection { stream, request: Some(Vec::new()), waiting: Vec::new() });
    }
}
