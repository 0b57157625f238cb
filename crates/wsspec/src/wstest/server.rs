//! `fuzzingserver`: tests clients, on the addresses that they know.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use tokio::net::TcpListener;
use wsspec_cases::sets::CATALOG;
use wsspec_cases::suite;
use wsspec_engine::Settings;
use wsspec_report::Untrusted;
use wsspec_report::record::{Line, NotRun, Redaction, RunRecord, SCHEMA};
use wsspec_report::summary::RATING_RULE;

use super::patterns::{self, Selected};
use super::spec::{self, FuzzingServerSpec};
use super::{Args, announce_spec, lenient, peer, settings, shown};
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::client::lookup;
use crate::net::holder::holder;
use crate::net::tls::ServerTls;
use crate::outputs::args::Trace;
use crate::run::attempt::now;
use crate::serve::admission::Admission;
use crate::serve::ledger::Ledger;
use crate::serve::limits::Limits;
use crate::serve::notice::Notice;
use crate::serve::queue::queue;
use crate::serve::{Plan, Server, Shared, end};
use crate::signals::{Signals, raised};
use crate::sut::log::Log;
use crate::target::Target;
use crate::terminal::Console;

/// Serves until a client asks it to stop, or until Ctrl-C.
///
/// # Errors
/// The spec cannot be read, a port is taken, or the output folder cannot be written to.
pub(super) async fn run(args: &Args, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let loaded = spec::load::<FuzzingServerSpec>(args.spec.as_deref())?;
    announce_spec(&loaded, args.spec.is_some(), console);
    let selected = patterns::select(&loaded.spec.choice, suite().cases())?;
    for warning in &selected.warnings {
        console.warn(spec::warning(warning));
    }
    let target = Target::parse(&loaded.spec.url)?;
    let plan = plan(&loaded.spec, &target, &selected, args)?;
    let ledger = Ledger::create(&loaded.spec.outdir)?;
    ledger.write(Line::Run(record(&selected)));
    let (tell, mut notices) = queue();
    let mut addresses = addresses(&target).await?;
    addresses.extend(page_address(args.webport, &addresses, console).await);
    let voice = move |notice: &Notice| tell.send(notice);
    let server = Server::bind(&addresses, plan, ledger, voice)
        .await
        .map_err(|error| cannot_listen(&addresses, &error))?;
    let shared = server.shared();
    // What an earlier run has left must not be taken for the result of this one.
    shared.ledger.begin();
    let port = server.addresses()?[0].port();
    let version = env!("CARGO_PKG_VERSION");
    console.say(0, format!("Autobahn WebSocket wsspec/{version} Fuzzing Server (Port {port})"));
    console.say(0, format!("Ok, will run {} test cases for any clients connecting", selected.cases.len()));

    let serving = tokio::spawn(server.serve());
    let (mut interrupt, mut asked) = (signals.stop(), shared.stopped());
    loop {
        tokio::select! {
            Some(notice) = notices.recv() => tell_notice(&notice, console),
            () = raised(&mut interrupt) => break,
            () = raised(&mut asked) => break,
        }
    }
    shared.stop();
    let _ = serving.await;
    while let Some(notice) = notices.try_recv() {
        tell_notice(&notice, console);
    }
    if let Some(count) = notices.left_out() {
        console.say(
            0,
            format!("{} left out: this is read too slowly", crate::text::count(count as usize, "event")),
        );
    }
    Ok(lenient(conclude(&shared, &selected, console).await?, args))
}

/// The lines that scripts look for.
fn tell_notice(notice: &Notice, console: &Console) {
    match notice {
        Notice::CaseStarted { agent, case, peer: from } => {
            let from = peer(*from);
            console
                .say(0, format!("Running test case ID {case} for agent {} from peer {from}", shown(agent)));
        }
        Notice::CaseSkipped { agent, case } => {
            let agent = shown(agent);
            console.say(0, format!("Skipping test case {case} for agent {agent} by test configuration!"));
        }
        Notice::ReportsAsked { peer: from, .. } => {
            console.say(0, format!("Updating reports, requested by peer {}", peer(*from)));
        }
        Notice::ReportsWritten => console.say(0, "Report generation complete."),
        Notice::ReportsFailed(why) => console.warn(format!("warning: the reports cannot be written: {why}")),
        Notice::Commands { peer: from } => {
            console.say(0, format!("Entering direct command mode for peer {}", peer(*from)));
        }
        Notice::StopAsked => console.say(0, "Shutting down server."),
        Notice::Refused { peer: from, why } => {
            let why = Untrusted::from(why.as_str()).for_terminal(160);
            console.warn(format!("wsspec: refused {}: {why}", peer(*from)));
        }
        Notice::RecordLong => console.warn(crate::serve::voice::RECORD_LONG),
        Notice::RecordFull => console.warn(crate::serve::voice::RECORD_FULL),
        Notice::Twin { agent, case } => console.warn(crate::serve::voice::twin(agent, *case)),
        Notice::ProcessNote(note) => console.warn(format!("note: {note}")),
        Notice::AgentCame { .. }
        | Notice::CaseEnded { .. }
        | Notice::Leak(_)
        | Notice::Asked
        | Notice::NoRequest { .. }
        | Notice::PageDone => {}
    }
}

fn plan(
    spec: &FuzzingServerSpec,
    target: &Target,
    selected: &Selected,
    args: &Args,
) -> Result<Plan, Problem> {
    let settings = settings(&spec.options);
    Ok(Plan {
        cases: selected.cases.clone(),
        passive: Vec::new(),
        exclusions: selected.by_agent.clone(),
        settings: Settings {
            subprotocols: spec.protocols.clone(),
            response_headers: vec![(
                "Server".to_owned(),
                concat!("wsspec/", env!("CARGO_PKG_VERSION")).to_owned(),
            )],
            ..settings
        },
        as_reference: true,
        process_per_case: false,
        admission: Admission::new(
            spec.options.allowed_origins.clone(),
            spec.options.max_connections.filter(|most| *most > 0).map(|most| most as usize),
        ),
        page: spec.options.web_status.unwrap_or(true),
        tls: server_tls(
            target,
            spec.key.as_ref().or(args.key.as_ref()),
            spec.cert.as_ref().or(args.cert.as_ref()),
        )?,
        no_delay: spec.options.tcp_no_delay.unwrap_or(true),
        hosts: Vec::new(),
        token: format!("{:016x}", rand::random::<u64>()),
        repro: Vec::new(),
        redaction: Redaction::default(),
        log: Arc::new(Log::nowhere()),
        trace: Trace::All,
        expected: None,
        limits: Limits::default(),
        capture: None,
    })
}

/// TLS for an address that asks for it: with these files, or with a certificate made on the spot.
pub(super) fn server_tls(
    target: &Target,
    key: Option<&std::path::PathBuf>,
    cert: Option<&std::path::PathBuf>,
) -> Result<Option<ServerTls>, Problem> {
    match (target.secure, key, cert) {
        (false, ..) => Ok(None),
        (true, Some(key), Some(cert)) => ServerTls::from_files(cert, key).map(Some),
        (true, Some(one), None) | (true, None, Some(one)) => {
            Err(Problem::new(ErrorCode::E18, format!("{} is not enough for TLS", one.display()))
                .fact("why", "a private key and a certificate are needed, or neither"))
        }
        (true, None, None) => {
            let names = ["localhost", "127.0.0.1", "::1", target.host.as_str()].map(str::to_owned);
            ServerTls::self_signed(&names).map(Some)
        }
    }
}

/// Where to listen: on the address of the spec, or on that of the environment.
pub(super) async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, Problem> {
    let wrong = |why: String| {
        Problem::new(ErrorCode::E16, format!("cannot listen on {}", target.authority()))
            .fact("why", why)
            .fact("try", "WSSPEC_BIND=0.0.0.0 wstest …   or an address of this machine in the spec")
    };
    if let Ok(bind) = std::env::var("WSSPEC_BIND") {
        let host: IpAddr = bind.parse().map_err(|_| wrong(format!("WSSPEC_BIND={bind} is no IP address")))?;
        return Ok(vec![SocketAddr::new(host, target.port)]);
    }
    let limit = std::time::Duration::from_secs(5);
    let mut found = lookup(target, limit).await.map_err(|error| wrong(error.to_string()))?;
    let loopback = found.iter().all(|address| address.ip().is_loopback());
    // A client may know this machine by the other of its two addresses.
    let other: IpAddr = match found[0] {
        SocketAddr::V4(_) => Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
    };
    found.truncate(1);
    let other = SocketAddr::new(other, target.port);
    if loopback && target.port != 0 && TcpListener::bind(other).await.is_ok() {
        found.push(other);
    }
    Ok(found)
}

/// The second port, for the page; 0 is none. A port that is taken is no reason not to test.
pub(super) async fn page_address(port: u16, main: &[SocketAddr], console: &Console) -> Option<SocketAddr> {
    let address = SocketAddr::new(main[0].ip(), port);
    if port == 0 || main.contains(&address) {
        return None;
    }
    match TcpListener::bind(address).await {
        Ok(_) => Some(address),
        Err(error) => {
            let why = crate::text::io_error(&error);
            console
                .warn(format!("warning: no page on port {port} ({why}); -u PORT takes another, -u 0 none"));
            None
        }
    }
}

pub(super) fn cannot_listen(addresses: &[SocketAddr], error: &io::Error) -> Problem {
    let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {} is already in use", addresses[0].port()),
        _ => format!("cannot listen on {}", all.join(" and ")),
    };
    let problem = Problem::new(ErrorCode::E16, what)
        .fact("tried", all.join(" and "))
        .fact("why", crate::text::io_error(error));
    let problem = match holder(addresses[0].port()) {
        Some(holder) => problem.fact("by", holder),
        None => problem,
    };
    problem.advise("end the program that holds the port, or write another one into the address")
}

fn record(selected: &Selected) -> RunRecord {
    RunRecord {
        schema: SCHEMA.to_owned(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        catalog: CATALOG.to_owned(),
        id: format!("{:016x}", rand::random::<u64>()),
        started: now(),
        argv: crate::run::argv(&Redaction::default()),
        selected: selected.cases.len() as u64,
        rating_rule: RATING_RULE,
        ..RunRecord::default()
    }
}

/// The end of the record and the reports. How the server was ended says nothing about the clients.
///
/// A client may run as few cases as it likes: what it left out is told and no failure, as long as it ran one.
async fn conclude(shared: &Shared, selected: &Selected, console: &Console) -> Result<ExitCode> {
    let agents = shared.book.agents();
    let verdicts: Vec<_> =
        agents.iter().flat_map(|(_, page)| page.values().map(|brief| brief.verdict)).collect();
    let missing = agents.iter().map(|(agent, page)| NotRun {
        agent: agent.as_str().into(),
        cases: selected
            .cases
            .iter()
            .map(|case| case.id)
            .filter(|id| !page.contains_key(id))
            .map(|id| id.to_string())
            .collect(),
    });
    let not_run: Vec<NotRun> = missing.filter(|agent| !agent.cases.is_empty()).collect();
    let failed = verdicts.iter().any(|verdict| verdict.is_failure());
    for agent in &not_run {
        let (cases, name) = (crate::text::count(agent.cases.len(), "case"), agent.agent.for_terminal(160));
        console.warn(format!("warning: {cases} not run for {name}"));
    }
    let code = match (verdicts.is_empty(), failed) {
        (true, _) => ExitCode::Empty,
        (_, true) => ExitCode::Failed,
        _ => ExitCode::Ok,
    };
    if verdicts.is_empty() {
        console.warn("warning: no client has run a case");
    }
    let (_, unwritten) = end::finish(&shared.ledger, not_run, code, shared.started, None, &[]).await?;
    unwritten.map_or(Ok(code), |problem| Err(problem.into()))
}
