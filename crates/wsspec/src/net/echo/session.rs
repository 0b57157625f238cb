//! One connection of an event loop.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use wsspec_endpoint::{Buffer, Connection, End, State};
use wsspec_wire::close_code;

use super::super::endpoint::{FAREWELL, READ_SIZE};
use super::super::outflow::{HIGH_WATER, Outflow, SLICES, Then};
use super::super::transport::reset_on_close;

/// How often a connection reads and writes before others have their turn.
const STEPS: usize = 8;

/// Whether a read that got less than there was room for has got everything: epoll then tells of what comes later.
const SHORT_READ_IS_LAST: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A connection, with next to nothing beside its state: there may be many that are idle.
pub(super) struct Session {
    stream: TcpStream,
    connection: Connection,
    readable: bool,
    writable: bool,
    /// Whether the peer has ended its side: reading goes on until the end shows.
    ended: bool,
    /// What the socket did not take yet.
    unsent: Option<Box<Unsent>>,
    /// When this session is going to be looked at.
    pub(super) asked: Option<Duration>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Unsent {
    outflow: Outflow,
    /// When the last octets of a connection that has ended are given up.
    until: Option<Duration>,
}

/// What all sessions of a thread use in turn, so that none that is idle needs its own.
#[derive(Default)]
pub(super) struct Workshop {
    buffer: Buffer,
    unsent: Option<Box<Unsent>>,
}

/// How a turn of a session ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something has to happen first.
    Wait,
    /// There is more to do.
    Again,
    /// The session is over.
    Over,
}

impl Session {
    pub(super) fn new(stream: TcpStream, connection: Connection, permit: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            connection,
            readable: false,
            writable: true,
            ended: false,
            unsent: None,
            asked: None,
            _permit: permit,
        }
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// When the session wants to be looked at.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.connection.state() {
            State::Closed => self.unsent.as_ref().and_then(|unsent| unsent.until),
            _ => self.connection.poll_timeout(),
        }
    }

    /// Takes note of what the socket is ready for.
    pub(super) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_error();
        self.ended |= event.is_read_closed() || event.is_error();
    }

    /// Closes the connection because the server stops.
    pub(super) fn stop(&mut self, now: Duration) {
        // A connection that is not open, or is closing, ends by itself.
        let _ = self.connection.close(close_code::GOING_AWAY, "", now);
    }

    /// Takes note of the time.
    pub(super) fn look_at_time(&mut self, now: Duration) {
        if self.due().is_some_and(|due| due <= now) {
            match self.connection.state() {
                State::Closed => self.unsent = None,
                _ => self.connection.handle_timeout(now),
            }
        }
    }

    /// Reads what is there, unless something is left to write. Returns how many octets are to be written then.
    pub(super) fn hear(&mut self, workshop: &mut Workshop, now: Duration) -> usize {
        if self.unsent.is_none() {
            let open = |session: &Self| session.connection.state() != State::Closed;
            (0..STEPS).take_while(|_| open(self) && self.read(workshop, now)).count();
        }
        self.connection.buffered_amount()
    }

    /// Reads and writes as long as something comes of it.
    pub(super) fn turn(&mut self, workshop: &mut Workshop, now: Duration) -> Turn {
        for _ in 0..STEPS {
            let then = self.write(workshop, now);
            match then {
                Some(Then::Abort) => {
                    reset_on_close(&self.stream);
                    return Turn::Over;
                }
                // It fails where the connection is gone, which reading will tell.
                Some(Then::Fin) => drop(self.stream.shutdown(Shutdown::Write)),
                None => {}
            }
            if self.connection.state() == State::Closed {
                return self.farewell(now);
            }
            if !self.read(workshop, now) && then.is_none() {
                return Turn::Wait;
            }
        }
        Turn::Again
    }

    /// What is left when the connection has ended: the last octets.
    fn farewell(&mut self, now: Duration) -> Turn {
        match &mut self.unsent {
            None => Turn::Over,
            Some(unsent) => {
                unsent.until.get_or_insert(now + FAREWELL);
                Turn::Wait
            }
        }
    }

    /// Writes until nothing is left or the socket is full, and tells what follows.
    fn write(&mut self, workshop: &mut Workshop, now: Duration) -> Option<Then> {
        if !self.writable {
            return None;
        }
        let mut unsent = self.unsent.take().or_else(|| workshop.unsent.take()).unwrap_or_default();
        loop {
            unsent.outflow.fill(&mut self.connection);
            // Messages are echoed inside the endpoint; its events need no answer.
            while self.connection.poll_event().is_some() {}
            if unsent.outflow.is_empty() {
                break;
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let written = match unsent.outflow.slices(&mut slices) {
                1 => self.stream.write(&slices[0]),
                count => self.stream.write_vectored(&slices[..count]),
            };
            match written {
                Ok(written) if written > 0 => unsent.outflow.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    self.unsent = Some(unsent);
                    return None;
                }
                _ => {
                    unsent.outflow.clear();
                    self.connection.handle_end(End::Reset, now);
                }
            }
        }
        let then = unsent.outflow.take_then();
        unsent.until = None;
        workshop.unsent = Some(unsent);
        then
    }

    /// Reads once; whether anything came of it.
    fn read(&mut self, workshop: &mut Workshop, now: Duration) -> bool {
        let unsent = self.unsent.as_ref().map_or(0, |unsent| unsent.outflow.len());
        if !self.readable || unsent + self.connection.buffered_amount() >= HIGH_WATER {
            return false;
        }
        let (read, room) = match self.connection.payload_room() {
            Some(room) => {
                let read = self.stream.read(room);
                let room = room.len();
                if let Ok(octets @ 1..) = read {
                    self.connection.handle_payload(octets, now);
                }
                (read, room)
            }
            None => {
                let read = self.stream.read(workshop.buffer.room(READ_SIZE));
                if let Ok(octets @ 1..) = read {
                    workshop.buffer.fill(octets);
                    self.connection.handle_buffer(&mut workshop.buffer, now);
                }
                (read, READ_SIZE)
            }
        };
        self.conclude(read, room, now);
        self.look_at_time(now);
        true
    }

    /// Takes note of how reading ended.
    fn conclude(&mut self, read: io::Result<usize>, room: usize, now: Duration) {
        match read {
            Ok(0) => {
                self.readable = false;
                self.connection.handle_end(End::Fin, now);
            }
            // More of a compressed message has come meanwhile: to finish what has been begun leaves fewer messages in
            // memory, and the first answers do not wait for all others.
            Ok(octets) => {
                let more = octets == room || self.ended || !SHORT_READ_IS_LAST;
                self.readable = more || self.connection.is_inflating();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(_) => {
                self.readable = false;
                self.connection.handle_end(End::Reset, now);
            }
        }
    }
}
