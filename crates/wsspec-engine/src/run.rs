//! Runs one case: octets and time go in, octets and timers come out.

mod awaiting;
mod closing;
mod events;
mod opening;
mod receiving;
mod script;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use wsspec_cases::{Await, Awaited, Case, Conclusion, Driver, Step};
use wsspec_wire::{Opcode, RequestHead};

use crate::Time;
use crate::invariants::Lookout;
use crate::observation::{
    CloseRecord, HandshakeRecord, NeverOpened, Observation, PeerFault, TcpEnd, TesterRole,
};
use crate::observe::Observer;
use crate::opening::ClientHandshake;
use crate::outbox::{Outbox, Transmit};
use crate::recorder::Recorder;
use crate::settings::{ClientOpening, Settings};
use crate::timers::{Timer, Timers};
use crate::wire_log::{LogKind, WireLog};
use events::Events;

/// One run of one case over one connection: the tester's side of the wire.
///
/// The caller owns socket and clock. After each `handle_*` it polls [`poll_transmit`](Self::poll_transmit)
/// until `None` and asks [`poll_timeout`](Self::poll_timeout) when to call
/// [`handle_timeout`](Self::handle_timeout); when [`is_finished`](Self::is_finished), it takes the
/// [`Observation`] with [`finish`](Self::finish). Time counts from the start of the connection and never goes
/// back. Whatever the peer does, a run ends within the time limit of its case and a few seconds.
#[derive(Debug)]
pub struct CaseRun<'c> {
    case: &'c Case,
    settings: Settings,
    role: TesterRole,
    phase: Phase,
    handshake: Option<ClientHandshake>,
    record: HandshakeRecord,
    observer: Observer,
    outbox: Outbox,
    recorder: Recorder,
    timers: Timers,
    steps: VecDeque<Step>,
    /// The tag of the step `Wait` that is under way.
    tag: Option<&'static str>,
    /// What the step `Await` waits for that is under way, and since when.
    awaiting: Option<(Await, Time)>,
    /// The payload of the last Ping that came.
    last_ping: Bytes,
    reading_stopped: bool,
    /// What the peer said when it refused a command.
    refused: Option<String>,
    /// What was waited for in vain.
    overdue: Option<Awaited>,
    end_delay: Option<Duration>,
    driver: Option<DriverBox>,
    conclusion: Option<Conclusion>,
    events: Events,
    close: CloseRecord,
    fault: Option<Broken>,
    breaches: Vec<Broken>,
    lookout: Lookout,
    /// The number in the log of the frame that was being read when no more of it was to be taken.
    cut: Option<usize>,
    ran_out: bool,
    opened: Option<Time>,
    ended: Option<Time>,
}

/// A rule that the peer broke.
#[derive(Debug)]
struct Broken {
    fault: PeerFault,
    /// The number of an entry of the log: the first frame that was received from there on broke it.
    from: Option<usize>,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The opening handshake is under way.
    Opening,
    /// Open, no Close frame sent.
    Open,
    /// The tester sent a Close frame.
    Closing,
    /// The tester ends TCP when what is left to send is gone; nothing that comes counts.
    Dropping,
    /// TCP is gone.
    Closed,
}

struct DriverBox(Box<dyn Driver>);

impl std::fmt::Debug for DriverBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Driver")
    }
}

/// Starting.
impl<'c> CaseRun<'c> {
    /// A run as a client: TCP is connected, and the request is the first thing to transmit.
    pub fn client(case: &'c Case, opening: &ClientOpening, settings: Settings) -> Self {
        let mut run = Self::new(case, TesterRole::Client, settings);
        run.start_client(opening);
        run
    }

    /// A run as a server: the head of the request has been read, and the response is the first thing to
    /// transmit. A request that asks for no WebSocket is refused.
    pub fn server(case: &'c Case, request: &RequestHead, settings: Settings) -> Self {
        let mut run = Self::new(case, TesterRole::Server, settings);
        run.start_server(request);
        run
    }

    fn new(case: &'c Case, role: TesterRole, settings: Settings) -> Self {
        let driver = script::driver_of(case);
        let masks = match role {
            TesterRole::Client => settings.conduct.mask_client_frames,
            TesterRole::Server => settings.conduct.mask_server_frames,
        };
        let times = case.measures.time || case.measures.compression;
        let events = Events::new(case, driver.as_ref().map(|driver| &*driver.0));
        Self {
            role,
            phase: Phase::Opening,
            handshake: None,
            record: HandshakeRecord::default(),
            observer: Observer::new(role, events.largest_payload(), settings.conduct.clone()),
            outbox: Outbox::new(masks, settings.seed, case.id),
            recorder: Recorder::new(times),
            timers: Timers::default(),
            steps: VecDeque::new(),
            tag: None,
            awaiting: None,
            last_ping: Bytes::new(),
            reading_stopped: false,
            refused: None,
            overdue: None,
            end_delay: None,
            driver,
            conclusion: None,
            events,
            close: CloseRecord::default(),
            fault: None,
            breaches: Vec::new(),
            lookout: Lookout::default(),
            cut: None,
            ran_out: false,
            opened: None,
            ended: None,
            case,
            settings,
        }
    }
}

/// What happened outside.
impl CaseRun<'_> {
    /// Octets came. They are unmasked in place.
    pub fn handle_input(&mut self, octets: &mut [u8], now: Time) {
        if !self.counts_input() {
            return;
        }
        self.recorder.received(now, octets);
        let taken = if self.phase == Phase::Opening { self.read_response(octets, now) } else { 0 };
        self.receive(&mut octets[taken..], now);
    }

    /// The peer ended TCP.
    pub fn handle_end(&mut self, how: TcpEnd, now: Time) {
        // What the case did before belongs before the end in the log.
        self.outbox.discard_octets(now, &mut self.recorder);
        match self.phase {
            Phase::Opening => self.never_open(NeverOpened::Dropped(how), now),
            Phase::Open | Phase::Closing => self.peer_ended(how, now),
            Phase::Dropping | Phase::Closed => {}
        }
        self.gone(now);
    }

    /// A write failed. Reading goes on: a peer that resets may have said why before.
    pub fn handle_write_error(&mut self, now: Time) {
        self.outbox.write_failed(now, &mut self.recorder);
    }

    /// Time passed: to be called at [`poll_timeout`](Self::poll_timeout).
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Open => self.open_timed_out(now),
                Timer::Wait => self.wait_ended(now),
                Timer::Await => self.await_timed_out(now),
                Timer::Fail => self.fail_timer_fired(now),
                Timer::CloseAfter => self.close_timer_fired(now),
                Timer::Close => self.close_timed_out(now),
                Timer::Drop | Timer::Linger => self.drop_timed_out(now),
                Timer::Flush => self.stop_sending(now),
                Timer::Limit => self.limit_reached(now),
            }
        }
    }
}

/// What to do next.
impl CaseRun<'_> {
    /// The next octets to write, or how to end the connection. To be called until `None`; a call says that
    /// the caller is done with the previous octets, or has room for more.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Transmit> {
        let transmit = self.outbox.poll(now, &mut self.recorder);
        if let Some(Transmit::Drop | Transmit::Reset) = transmit {
            self.gone(now);
        }
        transmit
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Whether to read: octets that come still count, and the case lets them come.
    pub fn wants_input(&self) -> bool {
        self.counts_input() && !self.reading_stopped
    }

    /// Whether the case leaves unread what comes, for now.
    pub fn has_stopped_reading(&self) -> bool {
        self.counts_input() && self.reading_stopped
    }

    fn counts_input(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Open | Phase::Closing)
    }

    /// Whether the run is over: the caller ends TCP, whatever is still unwritten.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Ends the run and hands out what was seen. A run that is not finished is broken off.
    pub fn finish(self, now: Time) -> Observation {
        let ended = self.ended.unwrap_or(now);
        let by_peer = self.ended_by_peer();
        let conclusion = match (&self.driver, self.conclusion) {
            (Some(driver), None) if by_peer => Some(driver.0.ended_by_peer(self.close.remote_code)),
            (Some(driver), None) => Some(driver.0.unfinished()),
            (_, conclusion) => conclusion,
        };
        let mut handshake = self.record;
        if self.opened.is_none() && handshake.never_opened.is_none() {
            handshake.never_opened = Some(NeverOpened::TimedOut);
        }
        let log = WireLog::from(self.recorder.log);
        let mut watched = self.lookout.watched;
        watched.settle(&log);
        let entry = |from: Option<usize>| from.and_then(|from| log.received_from(from));
        let (breaches, breach_entries) =
            self.breaches.into_iter().map(|broken| (broken.fault, entry(broken.from))).unzip();
        let fault_entry = self.fault.as_ref().and_then(|broken| entry(broken.from));
        Observation {
            role: self.role,
            handshake,
            event_entries: self.events.entries(&log),
            events: self.events.list,
            events_dropped: self.events.dropped,
            conclusion,
            close: self.close,
            fault: self.fault.map(|broken| broken.fault),
            fault_entry,
            breaches,
            breach_entries,
            watched,
            seen_in: None,
            refused: self.refused,
            overdue: self.overdue,
            end_delay: self.end_delay,
            time_scale: self.settings.time_scale,
            ran_out: self.ran_out,
            log,
            stats: self.recorder.stats,
            traffic: self.recorder.traffic,
            round_trips: self.recorder.round_trips.filter(|trips| trips.count() > 0),
            duration: ended.saturating_sub(self.opened.unwrap_or_default()),
        }
    }

    /// Whether the peer began to end the connection, lawfully.
    fn ended_by_peer(&self) -> bool {
        let ended = matches!(self.close.tcp, Some(TcpEnd::PeerFin | TcpEnd::PeerReset));
        let closed = self.recorder.received_frames(Opcode::CLOSE) > 0;
        !self.close.closed_by_me && self.fault.is_none() && (ended || closed)
    }

    /// TCP is gone, or the caller has been told to end it.
    fn gone(&mut self, now: Time) {
        self.phase = Phase::Closed;
        self.timers.clear();
        self.outbox.clear(now, &mut self.recorder);
    }

    fn end(&mut self, how: TcpEnd, now: Time) {
        self.cut_frame(&[], now);
        self.close.tcp = Some(how);
        self.ended = Some(now);
        self.steps.clear();
        self.timers.clear();
        self.recorder.note(now, LogKind::TcpEnd(how));
    }
}
