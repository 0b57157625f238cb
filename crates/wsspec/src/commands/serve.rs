//! `wsspec serve`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use wsspec_cases::sets::CATALOG;
use wsspec_cases::{Case, Roles, suite};
use wsspec_engine::Settings;
use wsspec_report::record::{Line, Redaction, RunRecord, SCHEMA, set_names};
use wsspec_report::sanitise::shell::posix;
use wsspec_report::strictness::Strictness;
use wsspec_report::summary::RATING_RULE;

use crate::baseline::{self, BaselineFile};
use crate::cli::FailOn;
use crate::clock::Clocks;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::filter::Filter;
use crate::net::holder::holder;
use crate::net::tls::ServerTls;
use crate::outputs::wire::{self, Wire};
use crate::outputs::{self, Outputs, redaction};
use crate::run::argv;
use crate::run::attempt::now;
use crate::run::folder::unwritable;
use crate::run::plan::Rating;
use crate::serve::admission::Admission;
use crate::serve::args::{ServeArgs, USUAL_PORT};
use crate::serve::campaign::{Campaign, Ended};
use crate::serve::client::{CLIENT, Client, Started};
use crate::serve::end::End;
use crate::serve::expected::Expected;
use crate::serve::ledger::Ledger;
use crate::serve::limits::Limits;
use crate::serve::notice::Notice;
use crate::serve::queue::queue;
use crate::serve::stream::Stream;
use crate::serve::teller::{Teller, Telling};
use crate::serve::voice::Voice;
use crate::serve::{Plan, Server, Shared};
use crate::signals::Signals;
use crate::sut::log::{LOG, Log};
use crate::terminal::Console;
use crate::terminal::lines::cut;
use crate::terminal::opening::row_at;
use crate::text::{self, count};
use crate::wstest::AgentExclusions;
use crate::{results, select};

/// Between two looks at whether the server is done.
const TICK: Duration = Duration::from_millis(100);
/// After the end of a driver, for connections that still close.
const DRIVER_GRACE: Duration = Duration::from_secs(5);

/// Serves until the clients are through, or until Ctrl-C.
///
/// # Errors
/// A port is taken, a file cannot be read or written, a command cannot be started, or no client came.
pub async fn run(args: &ServeArgs, console: &'static Console) -> Result<ExitCode> {
    let signals = Signals::listen();
    let rating = Rating {
        fail_on: if args.strict { FailOn::Should } else { args.fail_on },
        exit_zero: args.exit_zero,
        strict_baseline: args.strict_baseline,
    };
    let Strictness { non_strict: strict, flaky, fixed } = rating.strictness();
    let outputs = Outputs::new(args.output.clone(), rating);
    console.set_format(args.output.stdout());
    outputs.probe(&args.out, console)?;
    let asked = asked(args);
    let offered: Vec<String> = asked.iter().chain(&args.filter).cloned().collect();
    let client = Client::new(args)?;
    let mut plan = plan(args, &asked)?;
    console.redact(&plan.redaction);
    let baseline = args.baseline.as_deref().map(BaselineFile::read).transpose()?;
    plan.expected = baseline.as_ref().map(|file| Expected {
        baseline: file.baseline.clone(),
        today: baseline::today(),
        strict,
    });
    let wire = Wire::new(&args.wire);
    plan.tls = plan.tls.map(|tls| tls.logging(wire.keys()));
    plan.capture = wire.open(&args.out, console)?;
    let (stream, tell) = Stream::new(console, rating.strictness());
    let ledger = Ledger::telling(&args.out, tell)?;
    plan.log = Arc::new(log(args, &plan.redaction)?);
    let name = baseline.as_ref().map(|file| file.path.display().to_string());
    ledger.write(Line::Run(RunRecord { baseline: name, strict, flaky, fixed, ..record(&offered, &plan) }));
    let (say, notices) = queue();
    let addresses = addresses(args);
    let selected = plan.cases.iter().map(|case| case.id).collect();
    let campaign = Arc::new(Mutex::new(Campaign::new(selected, args.idle_timeout, Instant::now())));
    let voice = {
        let campaign = campaign.clone();
        move |notice: &Notice| {
            lock(&campaign).note(notice, Instant::now());
            say.send(notice);
        }
    };
    let server = Server::bind(&addresses, plan, ledger, voice)
        .await
        .map_err(|error| cannot_listen(&addresses, &error))?;
    let listening = server.addresses()?;
    let shared = server.shared();
    announce(&offered, &shared, &listening, console);
    outputs::warn_of_secrets(&shared.plan.redaction, console);
    args.warnings.iter().for_each(|warning| console.note(warning));
    let (serving, clocks) = (tokio::spawn(server.serve()), Clocks::now());

    let once = args.once || !matches!(client, Client::None);
    let voice = Voice::new(console, !once);
    let teller = Teller::start(Telling { shared: shared.clone(), notices, stream, voice });
    let mut watch = Watch { shared: shared.clone(), campaign, once };
    let ended = watch.until_end(client, serving, &signals).await;
    let captured = wire.close(shared.plan.capture.as_deref());
    let campaign = lock(&watch.campaign).clone();
    let telling = async {
        teller.end().await;
        clocks.warning().into_iter().for_each(|warning| console.note(warning));
        wire::tell(captured, console)
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(problem) => {
            telling.await;
            return Err(problem.into());
        }
    };
    let end = End {
        shared: &shared,
        campaign: &campaign,
        ended: &ended,
        rating,
        baseline: baseline.as_ref(),
        outputs: &outputs,
        agent: args.agent.as_deref().unwrap_or(CLIENT),
        listened: &listening,
    };
    end.conclude(console, telling).await
}

/// The main loop of a server.
struct Watch {
    shared: Arc<Shared>,
    /// It hears of everything, also of what the terminal is too slow for.
    campaign: Arc<Mutex<Campaign>>,
    once: bool,
}

impl Watch {
    /// Starts the client, and ends it and the server when there is a reason to.
    async fn until_end(
        &mut self,
        client: Client,
        serving: JoinHandle<()>,
        signals: &Signals,
    ) -> Result<Ended, Problem> {
        let (started, ended) = match client.start(&self.shared) {
            Ok(mut started) => {
                let ended = self.follow(&mut started, signals).await;
                (started, ended)
            }
            Err(problem) => (Started::Nothing, Err(problem)),
        };
        self.shared.stop();
        let _ = serving.await;
        // Not before: a client that is ended in the middle of a case would be judged by that.
        started.end(&self.shared).await;
        self.shared.settle();
        ended
    }

    /// Waits until there is a reason to end. What is still open when `started` has ended has a moment to close.
    async fn follow(&mut self, started: &mut Started, signals: &Signals) -> Result<Ended, Problem> {
        lock(&self.campaign).driven = !matches!(started, Started::Nothing);
        let shared = self.shared.clone();
        let driver = started.ended(&shared);
        tokio::pin!(driver);
        let (mut interrupt, mut asked) = (signals.stop(), self.shared.stopped());
        let mut tick = tokio::time::interval(TICK);
        let mut gone: Option<(String, Instant)> = None;
        loop {
            tokio::select! {
                _ = interrupt.wait_for(|stop| *stop) => {
                    return Ok(Ended::Interrupted(signals.exit_code().unwrap_or(ExitCode::Interrupted)));
                }
                _ = asked.wait_for(|stop| *stop) => return Ok(Ended::Asked),
                why = &mut driver, if gone.is_none() => gone = Some((why?, Instant::now())),
                _ = tick.tick() => {
                    if let Some(ended) = self.check(gone.as_ref()) {
                        return Ok(ended);
                    }
                }
            }
        }
    }

    fn check(&self, gone: Option<&(String, Instant)>) -> Option<Ended> {
        let ended =
            self.once.then(|| lock(&self.campaign).check(&self.shared.book, Instant::now())).flatten();
        let Some((why, since)) = gone else { return ended };
        let quiet = !self.shared.book.is_busy() || since.elapsed() >= DRIVER_GRACE;
        match ended {
            Some(ended) => Some(ended),
            None if !quiet => None,
            None if self.shared.book.agents().is_empty() => Some(Ended::NoClient(Some(why.clone()))),
            None if lock(&self.campaign).is_complete(&self.shared.book) => Some(Ended::Through),
            None => Some(Ended::Stalled(why.clone())),
        }
    }
}

fn lock(campaign: &Mutex<Campaign>) -> MutexGuard<'_, Campaign> {
    campaign.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The log of the processes that are started; none is made if there are none.
fn log(args: &ServeArgs, redaction: &Redaction) -> Result<Log, Problem> {
    if args.exec.is_none() && args.exec_case.is_none() && args.browser.is_none() {
        return Ok(Log::nowhere());
    }
    Log::create(&args.out, LOG, redaction.clone(), false).map_err(|error| unwritable(&args.out, &error))
}

fn plan(args: &ServeArgs, asked: &[String]) -> Result<Plan, Problem> {
    let tls = tls(args)?;
    let seed = args.seed.unwrap_or_else(|| rand::random::<u64>() >> 40);
    let (passive, cases) = choose(asked, args)?.into_iter().partition(|case| case.is_passive());
    Ok(Plan {
        cases,
        passive,
        exclusions: AgentExclusions::default(),
        settings: Settings {
            seed,
            time_scale: args.timeout_scale,
            commands: !args.no_commands,
            loop_count: args.volume_messages,
            subprotocols: args.subprotocol.clone(),
            response_headers: vec![(
                "Server".to_owned(),
                concat!("wsspec/", env!("CARGO_PKG_VERSION")).to_owned(),
            )],
            ..Settings::default()
        },
        as_reference: false,
        process_per_case: args.exec_case.is_some(),
        admission: Admission::default(),
        page: true,
        tls,
        no_delay: true,
        hosts: args.allow_host.clone(),
        token: format!("{:016x}", rand::random::<u64>()),
        repro: repro(args, seed),
        redaction: redaction(&args.record.redact),
        log: Arc::new(Log::nowhere()),
        trace: args.record.trace,
        expected: None,
        limits: Limits::default(),
        capture: None,
    })
}

/// The command that serves, and starts what was started, again; the cases follow.
fn repro(args: &ServeArgs, seed: u64) -> Vec<String> {
    let started = [("--exec", &args.exec), ("--exec-case", &args.exec_case), ("--browser", &args.browser)];
    let started =
        started.into_iter().filter_map(|(flag, command)| Some([flag, command.as_deref()?])).flatten();
    let flags = [("--tls", args.tls), ("--once", args.once), ("--no-commands", args.no_commands)];
    let flags = flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag);
    let words = ["wsspec", "serve"].into_iter().chain(started).chain(flags).map(str::to_owned);
    words.chain(conditions(args)).chain(["--seed".to_owned(), format!("{seed:x}")]).collect()
}

/// Where and how is listened, as far as that is not usual.
fn conditions(args: &ServeArgs) -> Vec<String> {
    let mut words = Vec::new();
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    let files = [("--cert", &args.cert), ("--key", &args.key), ("--client-ca", &args.client_ca)];
    for (name, path) in files {
        path.iter().for_each(|path| option(name, path.display().to_string()));
    }
    if args.port != USUAL_PORT {
        option("--port", args.port.to_string());
    }
    args.bind.iter().for_each(|address| option("--bind", address.to_string()));
    args.allow_host.iter().for_each(|host| option("--allow-host", host.clone()));
    args.subprotocol.iter().for_each(|protocol| option("--subprotocol", protocol.clone()));
    if args.timeout_scale != 1.0 {
        option("--timeout-scale", args.timeout_scale.to_string());
    }
    args.volume_messages.iter().for_each(|messages| option("--volume-messages", messages.to_string()));
    words
}

fn tls(args: &ServeArgs) -> Result<Option<ServerTls>, Problem> {
    let tls = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => ServerTls::from_files(cert, key)?,
        _ if args.tls || args.client_ca.is_some() => ServerTls::self_signed(&certificate_names(args))?,
        _ => return Ok(None),
    };
    tls.for_clients_of(args.client_ca.as_deref()).map(Some)
}

/// What was asked for, or the default.
fn asked(args: &ServeArgs) -> Vec<String> {
    let sets = args.set.iter().map(|set| format!("@{}", set.trim_start_matches('@')));
    let mut asked: Vec<String> = sets.chain(args.cases.iter().cloned()).collect();
    if asked.is_empty() && args.filter.is_none() {
        asked.push("@core".to_owned());
    }
    asked
}

fn choose(asked: &[String], args: &ServeArgs) -> Result<Vec<&'static Case>, Problem> {
    let mut cases: Vec<&Case> = suite().cases().iter().collect();
    if !asked.is_empty() {
        cases = select::cases(suite(), asked)?;
    }
    let excluded = select::cases(suite(), &args.exclude)?;
    cases.retain(|case| case.roles != Roles::Client && !excluded.iter().any(|other| other.id == case.id));
    if let Some(filter) = args.filter.as_deref().map(Filter::parse).transpose()? {
        let earlier = filter.needs_results().then(|| results::read(&args.out)).transpose()?;
        cases.retain(|case| filter.matches(case, earlier.as_ref()));
    }
    if cases.is_empty() {
        let filter = args.filter.as_deref().map(|filter| format!("-E {}", posix(&[filter.to_owned()])));
        let words: Vec<String> = asked.iter().cloned().chain(filter).collect();
        return Err(Problem::new(ErrorCode::E29, "no case is left to offer")
            .fact("asked", words.join(" "))
            .fact("note", "cases that need a server under test do not count")
            .fact("try", format!("wsspec list {}", words.join(" "))));
    }
    Ok(cases)
}

fn certificate_names(args: &ServeArgs) -> Vec<String> {
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter();
    let bound = args.bind.iter().filter(|address| !address.is_unspecified()).map(ToString::to_string);
    own.chain(bound).chain(args.allow_host.iter().cloned()).collect()
}

/// Both loopback addresses if nothing else is asked for; a free port can be found for one of them only.
fn addresses(args: &ServeArgs) -> Vec<SocketAddr> {
    let own = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let hosts = match args.bind.as_slice() {
        [] if args.port == 0 || !has_ipv6() => &own[..1],
        [] => &own[..],
        given => given,
    };
    hosts.iter().map(|host| SocketAddr::new(*host, args.port)).collect()
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

fn announce(asked: &[String], shared: &Shared, listening: &[SocketAddr], console: &Console) {
    let base = shared.address();
    let http = base.replacen("ws", "http", 1);
    let cases = count(shared.selected(), "case");
    let version = env!("CARGO_PKG_VERSION");
    let row = |label: &str, parts: &[&str]| {
        console.say_own(0, &row_at(12, &format!("  {label}"), parts, console.style))
    };
    let asked: Vec<&str> = asked.iter().map(|word| word.trim_start_matches('@')).collect();
    let opening = format!("wsspec {version}   waiting for clients, {cases} (");
    let room = console.style.width.saturating_sub(opening.len() + 1).max(8);
    console.say(-1, format!("{opening}{})", cut(&asked.join(" "), room)));
    row("browser", &[&format!("{http}/"), "open it and press Start"]);
    let library = format!("{base:<width$}", width = http.len() + 1);
    row("library", &[&library, "/getCaseCount /runCase /updateReports"]);
    if let Some(messages) = shared.plan.settings.loop_count {
        console.note(crate::run::reduced_volume(messages));
    }
    row("one shot", &["wsspec serve --exec-case './my_client {url}'", "no loop to write"]);
    if let Some(tls) = &shared.plan.tls {
        let (first, second) = tls.fingerprint.split_at(tls.fingerprint.len() / 2 + 1);
        row("TLS", &["SHA-256", first, second]);
    }
    if listening.iter().all(|address| address.ip().is_loopback()) {
        row("listening", &["on this machine only", "other hosts: --bind 0.0.0.0"]);
    } else {
        let all: Vec<String> = listening.iter().map(ToString::to_string).collect();
        row("listening", &[&format!("on {}", all.join(" and ")), "other hosts can reach it"]);
    }
    let stop = format!("{http}/api/stop?token={}", shared.plan.token);
    if 12 + "POST ".len() + stop.len() <= console.style.width {
        row("stop", &["Ctrl-C, or", &format!("POST {stop}")]);
    } else {
        console.say_own(0, &format!("  stop      Ctrl-C, or POST\n  {stop}"));
    }
}

fn record(asked: &[String], plan: &Plan) -> RunRecord {
    RunRecord {
        schema: SCHEMA.to_owned(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        catalog: CATALOG.to_owned(),
        id: format!("{:016x}", rand::random::<u64>()),
        started: now(),
        argv: argv(&plan.redaction),
        seed: format!("{:x}", plan.settings.seed),
        set: set_names(asked),
        selected: (plan.cases.len() + plan.passive.len()) as u64,
        rating_rule: RATING_RULE,
        unredacted: plan.redaction.is_off(),
        host: Some(Box::new(crate::run::host())),
        ..RunRecord::default()
    }
}

fn cannot_listen(addresses: &[SocketAddr], error: &io::Error) -> Problem {
    let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {} is already in use", addresses[0].port()),
        _ => format!("cannot listen on {}", all.join(" and ")),
    };
    let problem = Problem::new(ErrorCode::E16, what)
        .fact("tried", all.join(" and "))
        .fact("why", text::io_error(error));
    let problem = match holder(addresses[0].port()) {
        Some(holder) => problem.fact("by", holder),
        None => problem,
    };
    problem.fact("try", "wsspec serve --port 0        any free port, printed, also in {url}")
}
