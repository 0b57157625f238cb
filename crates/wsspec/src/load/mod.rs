//! `wsspec load`: what a peer carries. Many connections, messages at a steady rate, as many as it can echo.

pub mod args;
mod measured;
mod meter;
mod pacer;
pub(crate) mod source;
mod threshold;
mod traffic;
mod view;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use wsspec_endpoint::ClientRequest;
use wsspec_report::story::grouped;

use self::args::{Common, ConnectArgs, Load, LoadArgs, LoadFormat, Messages, RttArgs, ThroughputArgs};
use self::measured::{Measured, Outcome, record};
use self::meter::Meter;
use self::pacer::{Pacer, Timetable};
use self::source::Sources;
use self::threshold::Threshold;
use self::traffic::{Kind, Pace, Traffic};
use crate::cli::Progress;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::Stream;
use crate::net::client::resolve;
use crate::net::session::Session;
use crate::net::socket::Address;
use crate::outputs::args::Format;
use crate::run::preflight::{Look, preflight};
use crate::signals::Signals;
use crate::target::Target;
use crate::terminal::Console;
use crate::tools::massconnect::{self, Crowd, Tally};

/// Connections that are opened at a time before messages are sent: listeners have short queues.
const OPENING: usize = 64;
/// Batches of connections are no nearer than this.
const TICK: Duration = Duration::from_millis(5);
/// How often progress is shown.
const REFRESH: Duration = Duration::from_millis(200);

/// Loads the peer, and says what it carried.
///
/// # Errors
/// E01 to E12: there is no peer to load. E25: too many connections. E33: the peer is a stranger's.
pub async fn run(args: &LoadArgs, console: &Console) -> Result<ExitCode> {
    let signals = Signals::listen();
    let outcome = match &args.load {
        Load::Connect(args) => connect(args, console, &signals).await?,
        Load::Rtt(args) => rtt(args, console, &signals).await?,
        Load::Throughput(args) => throughput(args, console, &signals).await?,
    };
    let code = if outcome.holds() { ExitCode::Ok } else { ExitCode::Failed };
    let code = signals.exit_code().map_or(code, |signal| code.worst(signal));
    console.say(-1, view::render(&outcome, code, &console.style));
    if console.format() == Format::Json {
        console.data_json(&outcome.to_json().to_string());
    }
    Ok(code)
}

async fn connect(args: &ConnectArgs, console: &Console, signals: &Signals) -> Result<Outcome> {
    let crowd = reach(&args.common, args.connections, false, false, console).await?;
    let (batch, batch_delay) = batches(args.rate);
    let pace = massconnect::Pace {
        connections: args.connections,
        batch,
        batch_delay,
        retry_delay: Duration::from_millis(100),
        hold: args.hold.unwrap_or_default(),
    };
    let timetable = Duration::from_secs_f64(f64::from(args.connections) / args.rate);
    let bar = bar(args.connections.into(), console);
    let (started, effort) = (Instant::now(), Effort::start());
    let tell = |tally: &Tally| {
        bar.set_position(tally.open.into());
        bar.set_message(view::opening(tally.open, tally.failed, started.elapsed()));
    };
    let tally = crowd.run(pace, signals.stop(), tell).await;
    clear(&bar, console);
    let mut measured = Measured {
        errors: vec![("attempts failed", tally.failed.into()), ("connections lost", tally.lost.into())],
        open: tally.open,
        // The last batch counts with the time until another one would begin: of connections at a steady rate the
        // number is not one more than the distances.
        took: if tally.open == args.connections { tally.took.max(timetable) } else { tally.took },
        done: tally.times.len() as u64,
        cpu_share: effort.share(),
        ..Measured::default()
    };
    tally.times.iter().for_each(|time| record(&mut measured.times, *time));
    if let Some(error) = tally.last_error {
        console.note(format!("last failure: {error}"));
    }
    Ok(Outcome {
        asked_rate: Some(args.rate),
        ..outcome("connect", &args.common, args.connections, measured)
    })
}

/// How many connections are begun together at this rate, and at which distance: a whole number of them, and the
/// distance that makes it exactly the rate.
fn batches(rate: f64) -> (u32, Duration) {
    let batch = (rate * TICK.as_secs_f64()).ceil().max(1.0);
    (batch as u32, Duration::from_secs_f64(batch / rate))
}

async fn rtt(args: &RttArgs, console: &Console, signals: &Signals) -> Result<Outcome> {
    let mut opened = open_all(&args.common, &args.messages, console, signals).await?;
    let connections = opened.sessions.len() as u64;
    let timetable = Timetable { started: Instant::now(), rate: args.rate, connections: connections.max(1) };
    let sleepers: Vec<_> = (0..connections).map(|_| Arc::new(Notify::new())).collect();
    let until = timetable.started + args.messages.time;
    let _pacer = (connections > 0).then(|| Pacer::start(timetable, until, sleepers.clone()));
    let paces = (0..connections).zip(sleepers);
    let paces = paces.map(|(connection, wake)| Pace::Timetable { table: timetable, connection, wake });
    let measured = opened
        .exchange(timetable.started, paces.collect(), &args.messages, &args.common, console, signals)
        .await;
    let outcome = outcome("rtt", &args.common, args.messages.connections, measured);
    Ok(Outcome { asked_rate: Some(args.rate), size: Some(args.messages.size), ..outcome })
}

async fn throughput(args: &ThroughputArgs, console: &Console, signals: &Signals) -> Result<Outcome> {
    let mut opened = open_all(&args.common, &args.messages, console, signals).await?;
    let paces = vec![Pace::InFlight(args.in_flight as usize); opened.sessions.len()];
    let measured =
        opened.exchange(Instant::now(), paces, &args.messages, &args.common, console, signals).await;
    let outcome = outcome("throughput", &args.common, args.messages.connections, measured);
    Ok(Outcome { in_flight: Some(args.in_flight), size: Some(args.messages.size), ..outcome })
}

fn outcome(load: &'static str, common: &Common, connections: u32, measured: Measured) -> Outcome {
    let mut thresholds = common.thresholds.clone();
    if thresholds.is_empty() {
        thresholds.push(Threshold::NO_ERRORS);
    }
    let url = common.peer.url().to_owned();
    Outcome { load, url, connections, asked_rate: None, size: None, in_flight: None, measured, thresholds }
}

/// Looks at the peer once, so that one mistake gives one message.
async fn reach(
    common: &Common,
    connections: u32,
    echo: bool,
    deflate: bool,
    console: &Console,
) -> Result<Crowd> {
    if common.format == LoadFormat::Json {
        console.set_format(Format::Json);
    }
    let peer = common.peer.plan(console)?;
    let Some(target) = peer.target.clone() else { unreachable!("a URL was given") };
    if !common.i_own_this_host {
        refuse_strangers(&target, common.timeout).await?;
    }
    let look = Look {
        target: &target,
        opening: &peer.opening,
        secure: peer.secure.as_ref(),
        limit: common.timeout,
        echo,
        lenient: false,
        started: false,
        others: &[],
    };
    let facts = preflight(&look).await?;
    if facts.one_at_a_time && connections > 1 {
        console.note(format!("warning[W01]: {} takes one connection at a time", target.authority()));
    }
    let files = Crowd::check_limit(connections)?;
    if let Some(sources) = common.source {
        let peers: Vec<_> = facts.addresses.iter().filter_map(Address::tcp).collect();
        sources.check(&peers)?;
    }
    let ports = local_ports().filter(|_| target.via.unix.is_none() && facts.addresses.len() == 1);
    let ports = ports.map(|ports| ports * u64::from(common.source.map_or(1, Sources::count)));
    if let Some(ports) = ports.filter(|ports| *ports < connections.into()) {
        return Err(too_few_ports(connections, ports).into());
    }
    if !echo {
        console.say(0, view::limits(files, ports));
    }
    let request = ClientRequest {
        origin: common.peer.origin.clone(),
        headers: peer.opening.headers.clone(),
        subprotocols: common.peer.subprotocol.clone(),
        ..ClientRequest::new(target.host_header(), &*target.resource)
    };
    let crowd = Crowd::new(target, peer.secure).await?;
    Ok(crowd.asking(request, deflate, common.timeout).beginning_at(common.source))
}

/// Load is only for those who asked for it. A name that cannot be resolved is left to what comes next.
async fn refuse_strangers(target: &Target, limit: Duration) -> Result<(), Problem> {
    let addresses = resolve(target, limit).await.unwrap_or_default();
    match addresses.iter().find(|address| !address.is_nearby()) {
        None => Ok(()),
        Some(address) => {
            Err(Problem::new(ErrorCode::E33, format!("{} is not in a private network", target.authority()))
                .fact("why", format!("{address} is a public address, and load may bring a host down"))
                .fact("try", "--i-own-this-host   if it is yours"))
        }
    }
}

fn too_few_ports(connections: u32, ports: u64) -> Problem {
    Problem::new(
        ErrorCode::E25,
        format!(
            "cannot open {} connections: there are {} local ports",
            grouped(connections.into()),
            grouped(ports)
        ),
    )
    .fact("why", "from one address to one port of another each connection needs a port of its own")
    .fact("try", "--source 127.0.0.0/28   for a peer on this machine: each address has ports of its own")
    .fact("or", "sysctl net.ipv4.ip_local_port_range='1024 65535'")
    .fact("or", format!("no more than {} connections", grouped(ports)))
}

/// How many ports connections can begin at, if the system tells.
pub(crate) fn local_ports() -> Option<u64> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some(last.saturating_sub(first) + 1)
}

/// Connections that are ready for messages.
struct Opened {
    sessions: Vec<Session<Stream>>,
    failed: u64,
}

async fn open_all(
    common: &Common,
    messages: &Messages,
    console: &Console,
    signals: &Signals,
) -> Result<Opened> {
    let crowd = reach(common, messages.connections, true, messages.deflate, console).await?;
    let mut opened = Opened { sessions: Vec::new(), failed: 0 };
    let mut opening = JoinSet::new();
    let mut last_error = None;
    for _ in 0..messages.connections {
        if signals.exit_code().is_some() {
            break;
        }
        if opening.len() == OPENING {
            opened.take(opening.join_next().await, &mut last_error);
        }
        let crowd = crowd.clone();
        opening.spawn(async move { crowd.open().await });
    }
    while !opening.is_empty() {
        opened.take(opening.join_next().await, &mut last_error);
    }
    if let Some(error) = last_error {
        console.note(format!("last failure: {error}"));
    }
    Ok(opened)
}

type Attempt = Result<Result<Session<Stream>, String>, tokio::task::JoinError>;

impl Opened {
    fn take(&mut self, attempt: Option<Attempt>, last_error: &mut Option<String>) {
        match attempt {
            None => {}
            Some(Ok(Ok(session))) => self.sessions.push(session),
            Some(Ok(Err(error))) => {
                self.failed += 1;
                *last_error = Some(error);
            }
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Sends and receives on all connections until the time is over that began with `started`.
    async fn exchange(
        &mut self,
        started: Instant,
        paces: Vec<Pace>,
        messages: &Messages,
        common: &Common,
        console: &Console,
        signals: &Signals,
    ) -> Measured {
        let effort = Effort::start();
        let meter = Arc::new(Mutex::new(Meter::new(started)));
        let mut running = JoinSet::new();
        for (session, pace) in self.sessions.drain(..).zip(paces) {
            let traffic = Traffic {
                session,
                kind: Kind { size: messages.size as usize, text: messages.text },
                pace,
                until: started + messages.time,
                patience: common.timeout,
                meter: meter.clone(),
            };
            running.spawn(traffic.run(signals.stop()));
        }
        let bar = bar(messages.time.as_millis() as u64, console);
        let mut open = 0;
        let mut tick = tokio::time::interval(REFRESH);
        loop {
            tokio::select! {
                ended = running.join_next() => match ended {
                    None => break,
                    Some(Ok(stayed)) => open += u32::from(stayed),
                    Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                },
                _ = tick.tick() => {
                    bar.set_position(started.elapsed().as_millis() as u64);
                    let echoes = meter.lock().unwrap_or_else(PoisonError::into_inner).echoes;
                    bar.set_message(format!("{} echoes", grouped(echoes)));
                }
            }
        }
        clear(&bar, console);
        let meter = std::mem::replace(
            &mut *meter.lock().unwrap_or_else(PoisonError::into_inner),
            Meter::new(started),
        );
        measured(meter, open, self.failed, &effort)
    }
}

fn measured(meter: Meter, open: u32, failed: u64, effort: &Effort) -> Measured {
    Measured {
        errors: vec![
            ("connections failed", failed),
            ("connections lost", meter.lost.into()),
            ("messages unanswered", meter.unanswered),
            ("wrong echoes", meter.wrong),
        ],
        took: meter.took(),
        times: meter.times,
        uncorrected: meter.uncorrected,
        open,
        done: meter.echoes,
        octets: meter.octets,
        pauses: meter.pauses,
        longest_pause: meter.longest_pause,
        cpu_share: effort.share(),
    }
}

/// Processor time and time since a moment.
struct Effort {
    since: Instant,
    cpu: Option<Duration>,
}

impl Effort {
    fn start() -> Self {
        Self { since: Instant::now(), cpu: cpu_time() }
    }

    /// The share of one core that this process took.
    fn share(&self) -> Option<f64> {
        let cpu = cpu_time()?.saturating_sub(self.cpu?);
        Some(cpu.as_secs_f64() / self.since.elapsed().as_secs_f64())
    }
}

/// Processor time of this process.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// Processor time of this process.
#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}

fn bar(length: u64, console: &Console) -> ProgressBar {
    if console.progress != Progress::Bar {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    let style = ProgressStyle::with_template(" [{bar:26}] {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.enable_steady_tick(REFRESH);
    console.set_bar(Some(bar.clone()));
    bar
}

fn clear(bar: &ProgressBar, console: &Console) {
    bar.finish_and_clear();
    console.set_bar(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_were_opened_faster_than_was_asked() {
        for rate in [0.5, 1.0, 37.0, 100.0, 333.0, 500.0, 1000.0, 12_345.0] {
            let (batch, distance) = batches(rate);
            let real = f64::from(batch) / distance.as_secs_f64();
            assert!((real - rate).abs() < rate * 1e-5, "{rate}: {real}");
            assert!(distance >= TICK - Duration::from_nanos(1), "{rate}: {distance:?}");
        }
    }
}
