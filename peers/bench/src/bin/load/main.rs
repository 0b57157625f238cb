//! Load generator of `cargo xtask bench echo`: keeps a number of messages in flight on every connection to an echo
//! server, and prints as JSON what came back in which time, and what it cost both processes.
//!
//! Usage: load PORT SERVER-PID SIZE CONNECTIONS WINDOW MILLISECONDS plain|deflate
//!        load PORT SERVER-PID idle CONNECTIONS
//!
//! It is made to cost less than any server: frames are masked once, all that are due on a connection go out with
//! one write, and the payload of large replies is skipped in the kernel.

mod connection;
mod frames;
mod payload;
mod process;

use std::io;
use std::time::{Duration, Instant};

use bench_peers::Failure;
use connection::Connection;
use frames::Frames;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

/// Replies that come before this are not counted.
const WARM_UP: Duration = Duration::from_millis(150);
/// So many round trips are waited for where they are measured, up to [`AT_MOST`] times as long as planned: fewer say
/// little of the slowest hundredth.
const ROUND_TRIPS: usize = 1000;
const AT_MOST: u32 = 2;
/// A server that sends nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Plan {
    port: u16,
    server: u32,
    size: usize,
    connections: usize,
    window: usize,
    time: Duration,
    deflate: bool,
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [port, server, "idle", connections] => idle(port.parse()?, server.parse()?, connections.parse()?),
        [port, server, size, connections, window, time, extension @ ("plain" | "deflate")] => load(&Plan {
            port: port.parse()?,
            server: server.parse()?,
            size: size.parse()?,
            connections: connections.parse()?,
            window: window.parse()?,
            time: Duration::from_millis(time.parse()?),
            deflate: extension == "deflate",
        }),
        _ => Err("usage: see the top of this program".into()),
    }
}

/// Opens connections, echoes one message on each, and looks at the server's memory while all are idle.
fn idle(port: u16, server: u32, count: usize) -> Result<(), Failure> {
    let frames = Frames::new(1024, 1, false);
    // What the first connection needs is not what each needs.
    Connection::open(port, false)?.verify(&frames)?;
    std::thread::sleep(Duration::from_millis(200));
    let before = process::resident(server)?;
    let mut connections = Vec::new();
    for _ in 0..count {
        let mut connection = Connection::open(port, false)?;
        connection.verify(&frames)?;
        connections.push(connection);
    }
    std::thread::sleep(Duration::from_millis(500));
    let after = process::resident(server)?;
    println!("{{\"octets_per_connection\": {}}}", after.saturating_sub(before) / count as u64);
    Ok(())
}

/// Measures for the time of the plan.
fn load(plan: &Plan) -> Result<(), Failure> {
    let frames = Frames::new(plan.size, plan.window, plan.deflate);
    let mut poll = Poll::new()?;
    let mut connections = Vec::new();
    for index in 0..plan.connections {
        let mut connection = Connection::open(plan.port, plan.deflate)?;
        if index == 0 {
            connection.verify(&frames)?;
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut SourceFd(&connection.start()?), Token(index), interest)?;
        connections.push(connection);
    }
    let lap = if plan.connections == 1 { u64::MAX } else { plan.window as u64 };
    let mut run = Run {
        frames,
        window: plan.window,
        lap,
        connections,
        in_lap: 0,
        replies_in_lap: 0,
        samples: Vec::new(),
        replies: 0,
        octets: 0,
        total: 0,
    };
    let began = Instant::now();
    run.begin_lap()?;
    run.drive(&mut poll, |run| {
        let served = run.replies >= plan.connections as u64;
        served && began.elapsed() >= WARM_UP && run.is_between_laps()
    })?;
    run.forget();
    let cpu = || Ok::<_, Failure>((process::own_cpu()?, process::cpu(plan.server)?));
    let (own_before, server_before) = cpu()?;
    let began = Instant::now();
    run.drive(&mut poll, |run| {
        let enough = plan.window > 1 || run.samples.len() >= ROUND_TRIPS;
        let time = if enough { plan.time } else { plan.time * AT_MOST };
        began.elapsed() >= time && run.is_between_laps()
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let (own, server) = cpu()?;
    run.print(seconds, own - own_before, server - server_before);
    drop(run);
    await_rest(plan.server)
}

/// Waits until the server does nothing more: what it still works on after its connections have ended would take
/// processor time from the server that is measured next.
fn await_rest(server: u32) -> Result<(), Failure> {
    const SLOWEST: Duration = Duration::from_secs(30);
    let began = Instant::now();
    let mut before = process::cpu(server)?;
    while began.elapsed() < SLOWEST {
        std::thread::sleep(Duration::from_millis(50));
        let now = process::cpu(server)?;
        if now - before < 0.001 {
            break;
        }
        before = now;
    }
    Ok(())
}

struct Run {
    frames: Frames,
    window: usize,
    /// So many messages are answered on every connection before any gets more: a server that stays with a few
    /// connections, whose state is in its cache, does not serve a thousand.
    lap: u64,
    connections: Vec<Connection>,
    /// How many connections have not finished the lap.
    in_lap: usize,
    replies_in_lap: u64,
    /// Round trips in nanoseconds, measured where a connection has one message in flight.
    samples: Vec<u64>,
    replies: u64,
    /// Octets of all replies.
    octets: u64,
    /// Replies since the beginning, those that are not counted included.
    total: u64,
}

impl Run {
    fn drive(&mut self, poll: &mut Poll, until: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let mut events = Events::with_capacity(1024);
        while !until(self) {
            match poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                done => done?,
            }
            if events.is_empty() {
                return Err("the server has stopped answering".into());
            }
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                let pumped = connection.pump(&self.frames, self.window, self.lap)?;
                self.in_lap -= usize::from(pumped.ends_lap);
                self.replies += pumped.replies;
                self.total += pumped.replies;
                self.replies_in_lap += pumped.replies;
                self.octets += pumped.octets;
                self.samples.extend(pumped.round_trip.map(|time| time.as_nanos() as u64));
            }
            if self.in_lap == 0 {
                self.begin_lap()?;
            }
        }
        Ok(())
    }

    /// Only whole laps are measured: a server that answers all connections at the end of a lap would otherwise
    /// seem slower than one that answers them one after the other in the same time.
    fn is_between_laps(&self) -> bool {
        self.lap == u64::MAX || self.replies_in_lap == 0
    }

    fn begin_lap(&mut self) -> Result<(), Failure> {
        self.replies_in_lap = 0;
        self.in_lap = self.connections.len();
        self.connections.iter_mut().try_for_each(|connection| connection.begin_lap(&self.frames, self.window))
    }

    fn forget(&mut self) {
        self.samples.clear();
        self.replies = 0;
        self.octets = 0;
    }

    fn print(&mut self, seconds: f64, own_cpu: f64, server_cpu: f64) {
        self.samples.sort_unstable();
        let quantile = |share: f64| {
            let last = self.samples.len().checked_sub(1)?;
            Some(self.samples[(last as f64 * share) as usize] as f64 / 1e3)
        };
        let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| value.to_string());
        println!(
            "{{\"replies\": {}, \"octets\": {}, \"seconds\": {seconds}, \"p50\": {}, \"p99\": {}, \
             \"own_cpu\": {own_cpu}, \"server_cpu\": {server_cpu}, \"total\": {}}}",
            self.replies,
            self.octets,
            number(quantile(0.5)),
            number(quantile(0.99)),
            self.total,
        );
    }
}
