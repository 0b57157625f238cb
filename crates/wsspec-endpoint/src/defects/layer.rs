//! The layer around the strict endpoint.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use wsspec_wire::{HeadBuffer, HeadProgress};

use super::deflate::{Compressor, Decompressor, directions};
use super::head::Head;
use super::part::{Flaws, Part};
use super::reader::Reader;
use super::writer::Writer;
use crate::connection::Connection as Strict;
use crate::{Buffer, ClientRequest, Config, End, Event, State, Time, Transmit};

/// One end of a WebSocket connection: the strict one, or that with the deviations of its [`Config`] around it.
///
/// What is not here is the strict connection's.
#[derive(Debug)]
pub struct Connection {
    strict: Strict,
    layer: Option<Box<Layer>>,
}

#[derive(Debug)]
struct Layer {
    flaws: Flaws,
    /// What deviations have no hand in passes by.
    reads: bool,
    writes: bool,
    head_in: Option<HeadBuffer>,
    head_out: Option<Vec<u8>>,
    reader: Reader,
    writer: Writer,
    /// The connection is closed when nothing came for that long.
    idle: Option<Time>,
    now: Time,
    heard: Time,
    /// When the strict endpoint was seen to be closed.
    closed: Option<Time>,
}

/// What is left to be sent when the strict endpoint is closed is given up after this time: the peer may not read.
const LAST_WORDS: Time = Time::from_secs(5);

impl Connection {
    /// A server, which waits for the opening request.
    pub fn server(config: impl Into<Arc<Config>>, now: Time) -> Self {
        let (config, layer) = prepare(config.into(), now);
        Self { strict: Strict::server(config, now), layer }
    }

    /// A client, which begins with the opening request.
    ///
    /// A request that must not be sent ends the connection at once, with the violation
    /// [`InvalidRequest`](crate::InvalidRequest) and no octet sent.
    pub fn client(config: impl Into<Arc<Config>>, request: ClientRequest, now: Time) -> Self {
        let (config, layer) = prepare(config.into(), now);
        Self { strict: Strict::client(config, request, now), layer }
    }

    /// Where the connection is in its life.
    pub fn state(&self) -> State {
        match (self.strict.state(), &self.layer) {
            (State::Closed, Some(layer)) if layer.writer.due().is_some() => State::Closing,
            (state, _) => state,
        }
    }

    /// Octets that wait to be taken by [`poll_transmit`](Self::poll_transmit).
    pub fn buffered_amount(&self) -> usize {
        self.strict.buffered_amount() + self.layer.as_ref().map_or(0, |layer| layer.writer.queued)
    }

    /// Takes octets that were read.
    pub fn handle_input(&mut self, octets: &[u8], now: Time) {
        match &mut self.layer {
            None => self.strict.handle_input(octets, now),
            Some(layer) => {
                layer.handle_input(&mut self.strict, octets, now);
                layer.watch(&self.strict);
            }
        }
    }

    /// As the strict connection's: with deviations, nothing is kept of the buffer.
    pub fn handle_buffer(&mut self, buffer: &mut Buffer, now: Time) {
        match &mut self.layer {
            None => self.strict.handle_buffer(buffer, now),
            Some(layer) => {
                layer.handle_input(&mut self.strict, buffer.octets(), now);
                layer.watch(&self.strict);
            }
        }
    }

    /// As the strict connection's: with deviations, all octets pass by them.
    pub fn payload_room(&mut self) -> Option<&mut [u8]> {
        if self.layer.is_some() { None } else { self.strict.payload_room() }
    }

    /// As the strict connection's.
    pub fn handle_payload(&mut self, octets: usize, now: Time) {
        self.strict.handle_payload(octets, now);
    }

    /// Takes note that nothing more can be read.
    pub fn handle_end(&mut self, how: End, now: Time) {
        self.strict.handle_end(how, now);
        if let Some(layer) = &mut self.layer {
            layer.now = now;
            if how == End::Reset {
                layer.writer.clear();
            }
            layer.watch(&self.strict);
        }
    }

    /// Takes note of the time. It is not an error to call this too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        self.strict.handle_timeout(now);
        if let Some(layer) = &mut self.layer {
            layer.now = now;
            if layer.idle_until().is_some_and(|until| until <= now) {
                // A connection that is not open needs no closing.
                let _ = self.strict.close(1000, "", now);
            }
            layer.watch(&self.strict);
            if layer.silent_from().is_some_and(|until| until <= now) {
                layer.writer.clear();
            }
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.strict.poll_event()
    }

    /// The next thing to do with the TCP connection.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        match &mut self.layer {
            None => self.strict.poll_transmit(),
            Some(layer) => {
                layer.collect(&mut self.strict);
                layer.watch(&self.strict);
                layer.writer.next(layer.now)
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Time> {
        let layer = self.layer.as_ref();
        // What is due already waits to be taken, not for the time.
        let due = layer.and_then(|layer| layer.writer.due().filter(|due| *due > layer.now));
        let silent = layer.and_then(|layer| layer.silent_from());
        let idle = layer.and_then(|layer| layer.idle_until()).filter(|_| self.strict.state() == State::Open);
        [self.strict.poll_timeout(), due, silent, idle].into_iter().flatten().min()
    }
}

impl Deref for Connection {
    type Target = Strict;

    fn deref(&self) -> &Strict {
        &self.strict
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Strict {
        &mut self.strict
    }
}

/// The configuration of the strict endpoint, and the layer if one is asked for.
fn prepare(config: Arc<Config>, now: Time) -> (Arc<Config>, Option<Box<Layer>>) {
    if config.deviations.is_empty() {
        return (config, None);
    }
    let flaws = Flaws::new(&config.deviations, config.role);
    let mut config = Config::clone(&config);
    let (mut reads, mut writes) = (false, false);
    let mut compresses = false;
    let mut idle = None;
    let mut reader = Reader::default();
    for part in flaws.parts() {
        match part {
            Part::Config(change) => change(&mut config),
            Part::Meets(_) | Part::Takes(_) | Part::Unmasks(_) | Part::Inflates(_) => reads = true,
            Part::Text(check) => {
                reader.sink.text = Some(check);
                (reads, writes) = (true, true);
            }
            Part::Says(_) | Part::Deflates(_) => (writes, compresses) = (true, true),
            Part::Sends(_) | Part::Keys(_) => writes = true,
            Part::Idle(time) => idle = Some(time),
            Part::HeadIn(_) | Part::HeadOut(_) | Part::Ends(_) => {}
        }
    }
    if let (true, Some(deflate)) = (compresses, &mut config.deflate) {
        deflate.min_size = usize::MAX;
    }
    let layer = Layer {
        flaws,
        reads,
        writes,
        head_in: Some(HeadBuffer::new(config.max_head_size)),
        head_out: Some(Vec::new()),
        reader,
        writer: Writer::new(config.seed),
        idle,
        now,
        heard: now,
        closed: None,
    };
    (Arc::new(config), Some(Box::new(layer)))
}

/// What comes in.
impl Layer {
    /// Takes note of the end of the strict endpoint.
    fn watch(&mut self, strict: &Strict) {
        if strict.state() == State::Closed {
            self.closed.get_or_insert(self.now);
        }
    }

    /// When what is left is given up.
    fn silent_from(&self) -> Option<Time> {
        self.closed.filter(|_| self.writer.due().is_some()).map(|closed| closed + LAST_WORDS)
    }

    fn idle_until(&self) -> Option<Time> {
        self.idle.map(|idle| self.heard + idle)
    }

    fn handle_input(&mut self, strict: &mut Strict, octets: &[u8], now: Time) {
        (self.now, self.heard) = (now, now);
        let frames = self.read_heads(strict, octets);
        if frames.is_empty() {
            return;
        }
        if !self.reads {
            return strict.handle_input(frames, now);
        }
        self.reader.begin(&mut self.flaws);
        let mut rest = frames;
        while !rest.is_empty() {
            let taken = self.read_frame(strict, rest);
            rest = &rest[taken..];
        }
    }

    /// Takes octets up to the end of a frame.
    fn read_frame(&mut self, strict: &mut Strict, octets: &[u8]) -> usize {
        self.flaws.state = strict.state();
        self.flaws.failed |= strict.has_failed();
        let (taken, read) = self.reader.read(octets, &mut self.flaws);
        strict.handle_input(&std::mem::take(&mut self.reader.sink.octets), self.now);
        if let Err(violation) = read
            && strict.phase.receives_frames()
        {
            strict.fail(violation, self.now);
        }
        self.say_extra(strict);
        taken
    }

    /// Passes heads on; what is left are frames.
    fn read_heads<'a>(&mut self, strict: &mut Strict, mut octets: &'a [u8]) -> &'a [u8] {
        while let Some(head) = &mut self.head_in {
            match head.feed(octets) {
                HeadProgress::Incomplete => return &[],
                HeadProgress::TooLarge => {
                    strict.handle_input(octets, self.now);
                    return &[];
                }
                HeadProgress::Complete { consumed } => {
                    octets = &octets[consumed..];
                    let head = self.head_in.take().map(|head| head.octets().to_vec()).unwrap_or_default();
                    strict.handle_input(&self.alter(head, true), self.now);
                    if strict.state() == State::Connecting {
                        self.head_in = Some(HeadBuffer::new(64 << 10));
                    } else {
                        self.opened(strict);
                    }
                }
            }
        }
        octets
    }

    fn alter(&self, octets: Vec<u8>, comes_in: bool) -> Vec<u8> {
        let changes = self.flaws.parts().filter_map(|part| match part {
            Part::HeadIn(change) if comes_in => Some(change),
            Part::HeadOut(change) if !comes_in => Some(change),
            _ => None,
        });
        let changes: Vec<fn(&mut Head)> = changes.collect();
        if changes.is_empty() {
            return octets;
        }
        let mut head = Head::parse(&octets);
        changes.iter().for_each(|change| change(&mut head));
        head.encode()
    }

    /// The opening handshake is done: takes over what the strict endpoint is not to do.
    fn opened(&mut self, strict: &Strict) {
        if strict.commander.is_some() {
            // Commands are text, and not echoed: types cannot be told by their order.
            self.reader.sink.text = None;
        }
        let Some(agreed) = strict.agreed_deflate() else { return };
        self.flaws.deflate = true;
        let (sending, receiving) = directions(self.flaws.role, &agreed);
        let any = |is: fn(&Part) -> bool| self.flaws.parts().any(|part| is(&part));
        if any(|part| matches!(part, Part::Says(_) | Part::Deflates(_))) {
            self.writer.compressor = Some(Compressor::new(sending));
        }
        if any(|part| matches!(part, Part::Text(_) | Part::Inflates(_))) {
            let limit = strict.config.max_message_size;
            self.reader.sink.decompressor = Some(Decompressor::new(receiving, limit));
        }
    }
}

/// What goes out.
impl Layer {
    /// Takes everything that the strict endpoint has to send.
    fn collect(&mut self, strict: &mut Strict) {
        while let Some(transmit) = strict.poll_transmit() {
            self.flaws.state = strict.state();
            self.flaws.failed |= strict.has_failed();
            match transmit {
                Transmit::Octets(octets) => self.write(&octets),
                end => {
                    for item in self.flaws.end(end) {
                        self.writer.push(item, &mut self.flaws, self.now);
                    }
                }
            }
        }
    }

    fn write(&mut self, octets: &[u8]) {
        let frames = match self.write_head(octets) {
            Some(at) => &octets[at..],
            None => return,
        };
        if frames.is_empty() {
            return;
        }
        if self.writes {
            self.writer.write(frames, &mut self.reader.sink.types, &mut self.flaws, self.now);
        } else {
            self.writer.push(frames.to_vec().into(), &mut self.flaws, self.now);
        }
    }

    /// Passes a head on: where the frames begin, if it is complete.
    fn write_head(&mut self, octets: &[u8]) -> Option<usize> {
        let Some(head) = &mut self.head_out else { return Some(0) };
        let before = head.len();
        head.extend_from_slice(octets);
        let end = head.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let mut head = self.head_out.take().unwrap_or_default();
        head.truncate(end);
        let is_refusal = head.starts_with(b"HTTP/1.1 ") && !head.starts_with(b"HTTP/1.1 101");
        self.writes &= !is_refusal;
        let head = self.alter(head, false);
        self.writer.push(head.into(), &mut self.flaws, self.now);
        Some(end - before)
    }

    fn say_extra(&mut self, strict: &mut Strict) {
        let extra = std::mem::take(&mut self.flaws.extra);
        if !extra.is_empty() {
            // What the strict endpoint has said comes before.
            self.collect(strict);
            for item in extra {
                self.writer.push(item, &mut self.flaws, self.now);
            }
        }
    }
}
