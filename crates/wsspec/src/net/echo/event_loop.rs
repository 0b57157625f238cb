//! A thread that serves many connections.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use tokio::sync::OwnedSemaphorePermit;
use wsspec_endpoint::{Config, Connection};

use super::super::endpoint::FAREWELL;
use super::session::{Session, Turn, Workshop};
use super::timers::Timers;
use super::vigil::{AWAKE, Vigil};
use super::workers::Order;

/// The token of the waker; those of the sessions are their keys.
const ORDERS: Token = Token(usize::MAX);

/// Sessions are read from, then written to, when so many octets or the first session have waited so long. Both in turns
/// for each session take longer: the system's code for one pushes that for the other out of the cache, and a peer that
/// falls asleep between two answers has to be woken for each.
const TOGETHER: usize = 64 << 10;
const LONGEST_TOGETHER: Duration = Duration::from_micros(50);

/// How many events are taken from the system at once.
const EVENTS: usize = 1024;

/// All connections of a thread, and what they wait for.
pub(super) struct EventLoop {
    poll: Poll,
    /// Shared with who gives orders: were it closed there, the system would forget that it has woken this thread.
    _waker: Arc<Waker>,
    orders: Receiver<Order>,
    config: Arc<Config>,
    started: Instant,
    sessions: Slab<Session>,
    timers: Timers,
    workshop: Workshop,
    /// Sessions that had to let others go first.
    again: Vec<usize>,
    vigil: Vigil,
    heard: Heard,
    /// When the thread ends, once it was told to.
    until: Option<Duration>,
}

/// Sessions that were read from and not yet written to.
#[derive(Default)]
struct Heard {
    keys: Vec<usize>,
    /// How many octets they have to write.
    octets: usize,
    /// Since when the first of them waits.
    since: Duration,
}

impl EventLoop {
    /// An event loop, and what wakes it to look at its orders.
    ///
    /// # Errors
    /// There are no file descriptors left.
    pub(super) fn new(config: Arc<Config>, orders: Receiver<Order>) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), ORDERS)?);
        let event_loop = Self {
            poll,
            _waker: waker.clone(),
            orders,
            config,
            started: Instant::now(),
            sessions: Slab::new(),
            timers: Timers::default(),
            workshop: Workshop::default(),
            again: Vec::new(),
            vigil: Vigil::default(),
            heard: Heard::default(),
            until: None,
        };
        Ok((event_loop, waker))
    }

    /// Serves until there is nobody left who could give orders, or all connections are closed as ordered.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.wait(&mut events) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Nothing can be served without events.
                Err(_) => return,
                Ok(()) => {}
            }
            for key in std::mem::take(&mut self.again) {
                self.turn(key, self.now());
            }
            for event in &events {
                if event.token() == ORDERS {
                    if self.obey().is_none() {
                        return;
                    }
                } else {
                    self.hear(event);
                }
            }
            self.answer(self.now());
            self.look_at_time();
            if self.until.is_some_and(|until| self.sessions.is_empty() || until <= self.now()) {
                return;
            }
        }
    }

    /// Waits for events: a short time awake, if that has been worth it, then asleep.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let patience = self.patience();
        if patience.is_none_or(|patience| patience > AWAKE) && self.vigil.is_worth_it() {
            let began = Instant::now();
            while began.elapsed() < AWAKE {
                self.poll.poll(events, Some(Duration::ZERO))?;
                if !events.is_empty() {
                    self.vigil.was_worth_it();
                    return Ok(());
                }
            }
            self.vigil.was_in_vain();
        }
        self.poll.poll(events, patience)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long to wait for events.
    fn patience(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.timers.next().into_iter().chain(self.until).min()?;
        Some(due.saturating_sub(self.now()))
    }

    /// Carries out the orders. `None`: nobody is there any more to give some.
    fn obey(&mut self) -> Option<()> {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Serve(stream, permit)) => self.serve(stream, permit),
                Ok(Order::Stop) => self.stop(),
                Err(TryRecvError::Empty) => return Some(()),
                Err(TryRecvError::Disconnected) => return self.until.map(|_| ()),
            }
        }
    }

    fn serve(&mut self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let now = self.now();
        let connection = Connection::server(self.config.clone(), now);
        let entry = self.sessions.vacant_entry();
        let key = entry.key();
        let session = entry.insert(Session::new(mio::net::TcpStream::from_std(stream), connection, permit));
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.poll.registry().register(session.stream(), Token(key), interest).is_err() {
            self.sessions.remove(key);
            return;
        }
        self.timers.ask(key, session.due(), &mut session.asked);
    }

    fn stop(&mut self) {
        let now = self.now();
        self.until = Some(now + FAREWELL);
        let keys: Vec<usize> = self.sessions.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.sessions[key].stop(now);
            self.turn(key, now);
        }
    }

    /// Reads what has come for a session. It is answered together with others whose answers are short.
    fn hear(&mut self, event: &Event) {
        let key = event.token().0;
        let before = self.now();
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.note(event);
        if self.heard.keys.is_empty() {
            (self.heard.octets, self.heard.since) = (0, before);
        }
        self.heard.octets += session.hear(&mut self.workshop, before);
        self.heard.keys.push(key);
        let now = self.now();
        if self.heard.octets >= TOGETHER || now - self.heard.since >= LONGEST_TOGETHER {
            self.answer(now);
        }
    }

    /// Lets the sessions that were heard answer.
    fn answer(&mut self, now: Duration) {
        let mut keys = std::mem::take(&mut self.heard.keys);
        for key in keys.drain(..) {
            self.turn(key, now);
        }
        self.heard.keys = keys;
    }

    /// Lets a session do what it can.
    fn turn(&mut self, key: usize, now: Duration) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        match session.turn(&mut self.workshop, now) {
            // Closing the socket also takes it out of the poll.
            Turn::Over => drop(self.sessions.remove(key)),
            turn => {
                self.timers.ask(key, session.due(), &mut session.asked);
                if turn == Turn::Again {
                    self.again.push(key);
                }
            }
        }
    }

    /// Looks at the sessions for which something is due.
    fn look_at_time(&mut self) {
        let now = self.now();
        while let Some((key, due)) = self.timers.expired(now) {
            // It may be another session by now, or have asked again.
            if let Some(session) = self.sessions.get_mut(key)
                && session.asked == Some(due)
            {
                session.asked = None;
                session.look_at_time(now);
                self.turn(key, now);
            }
        }
    }
}
