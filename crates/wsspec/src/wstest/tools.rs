//! The modes that test nothing: testees, echo, broadcast, many connections, test vectors.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wsspec_endpoint::{ClientRequest, Config, Connection, DeflateConfig};

use super::server::{addresses, cannot_listen, page_address, server_tls};
use super::spec::{self, MassConnectSpec};
use super::{Args, Mode, announce_spec, peer, shown};
use crate::commands::echo::echo_config;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::client::{Secure, dial, resolve};
use crate::net::echo::EchoServer;
use crate::net::socket::Address;
use crate::net::tls::ClientTls;
use crate::signals::Signals;
use crate::target::Target;
use crate::terminal::Console;
use crate::text;
use crate::tools::broadcast::{self, BroadcastServer};
use crate::tools::driver::{Driver, Progress};
use crate::tools::massconnect::{Crowd, Pace, Tally};
use crate::tools::serializer as vectors;
use crate::web::talk;

const LIMIT: Duration = Duration::from_secs(10);
/// More would take a machine of its own.
const CONNECTIONS: usize = 10_000;

/// `echoserver` and `testeeserver`.
pub(super) async fn echo_server(
    mode: Mode,
    args: &Args,
    console: &Console,
    signals: &Signals,
) -> Result<ExitCode> {
    let target = target(args)?;
    let tls = server_tls(&target, args.key.as_ref(), args.cert.as_ref())?;
    let all = addresses(&target).await?;
    let mut servers = Vec::new();
    let config = Config { commands: false, ..echo_config() };
    for address in &all {
        let server = EchoServer::bind(&address.to_string(), config.clone(), CONNECTIONS).await;
        servers.push(server.map_err(|error| cannot_listen(&all, &error))?.with_tls(tls.clone()));
    }
    console.say(0, format!("listening on {target}"));
    let page = match mode {
        Mode::EchoServer => page_address(args.webport, &all, console).await,
        _ => None,
    };
    let _page = talk::serve(page, &target).await;
    let serving = servers.into_iter().map(|server| server.serve(signals.stop()));
    serving.collect::<JoinSet<()>>().join_all().await;
    Ok(ExitCode::Ok)
}

/// `echoclient`: echoes what the server sends until it ends the connection.
pub(super) async fn echo_client(args: &Args, signals: &Signals) -> Result<ExitCode> {
    let mut driver = driver(args).await?;
    driver.visit(&target(args)?.resource, &signals.stop()).await?;
    Ok(ExitCode::Ok)
}

/// `testeeclient`: runs the cases of a fuzzing server.
pub(super) async fn testee_client(args: &Args, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let mut driver = driver(args).await?;
    let name = shown(&ident(args));
    let from = driver.addresses().iter().find_map(Address::tcp).map(peer).unwrap_or_default();
    let mut total = 0;
    let tell = |progress| match progress {
        Progress::Asking => console.say(0, "Getting case count .."),
        Progress::Cases(count) => {
            total = count;
            console.say(0, format!("Ok, will run {count} cases"));
        }
        Progress::Case(number) => {
            console.say(0, format!("Running test case {number}/{total} as user agent {name} on peer {from}"));
        }
        Progress::Reports => {}
    };
    driver.run(&signals.stop(), tell).await?;
    Ok(signals.exit_code().unwrap_or(ExitCode::Ok))
}

/// `broadcastserver`.
pub(super) async fn broadcast_server(args: &Args, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let target = target(args)?;
    let tls = server_tls(&target, args.key.as_ref(), args.cert.as_ref())?;
    let all = addresses(&target).await?;
    let mut listeners = Vec::new();
    for address in &all {
        listeners.push(TcpListener::bind(address).await.map_err(|error| cannot_listen(&all, &error))?);
    }
    console.say(0, format!("listening on {target}"));
    let _page = talk::serve(page_address(args.webport, &all, console).await, &target).await;
    BroadcastServer::new(listeners, tls).serve(signals.stop()).await;
    Ok(ExitCode::Ok)
}

/// `broadcastclient`.
pub(super) async fn broadcast_client(args: &Args, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let target = target(args)?;
    let found = resolve(&target, LIMIT).await.map_err(|error| no_connection(&target, &error.to_string()))?;
    let stream = dial(&found, secure(&target)?.as_ref(), LIMIT)
        .await
        .map_err(|error| no_connection(&target, &error.to_string()))?;
    let request = ClientRequest::new(target.host_header(), &*target.resource);
    let config = Config { deflate: Some(DeflateConfig::default()), ..Config::client(rand::random()) };
    let connection = Connection::client(config, request, Duration::ZERO);
    let greeting = format!("hello from {}", ident(args));
    let tell = |text: &str| console.say(0, format!("received:  {}", shown(text)));
    broadcast::listen(stream, connection, &greeting, signals.stop(), tell).await;
    Ok(ExitCode::Ok)
}

/// `massconnect`.
pub(super) async fn mass_connect(args: &Args, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let loaded = spec::load::<MassConnectSpec>(args.spec.as_deref())?;
    announce_spec(&loaded, args.spec.is_some(), console);
    let spec = loaded.spec;
    let pace = Pace {
        connections: spec.connections,
        batch: spec.batch_size,
        batch_delay: spec.batch_delay,
        retry_delay: spec.retry_delay,
        hold: Duration::ZERO,
    };
    Crowd::check_limit(pace.connections)?;
    let mut complete = !spec.servers.is_empty();
    for server in &spec.servers {
        let target = Target::parse(&server.uri)?;
        console.say(0, format!("{}   {target}   {}", shown(&server.name), shown(&server.desc)));
        let crowd = Crowd::new(target.clone(), secure(&target)?).await;
        let crowd = crowd.map_err(|error| no_connection(&target, &error.to_string()))?;
        let tenth = (pace.connections / 10).max(1);
        let mut told = 0;
        let tell = |tally: &Tally| {
            if tally.open >= told + tenth {
                told = tally.open;
                console.say(0, format!("  {told} of {} open", pace.connections));
            }
        };
        let tally = crowd.run(pace, signals.stop(), tell).await;
        let took = text::duration(tally.took);
        console.say(0, format!("  {} open in {took}, {} attempts failed", tally.open, tally.failed));
        if !tally.times.is_empty() {
            let times = [0.0, 0.5, 0.99, 1.0].map(|share| text::duration(tally.quantile(share)));
            let [shortest, half, most, longest] = times;
            console.say(0, format!("  handshake  min {shortest}   p50 {half}   p99 {most}   max {longest}"));
        }
        if let Some(error) = tally.last_error.as_ref().filter(|_| tally.open < pace.connections) {
            console.warn(format!("warning: {} of {} connections: {error}", tally.open, pace.connections));
        }
        complete &= tally.open == pace.connections;
    }
    let code = if complete { ExitCode::Ok } else { ExitCode::Incomplete };
    Ok(signals.exit_code().map_or(code, |signal| code.worst(signal)))
}

/// `serializer`.
pub(super) fn serializer(args: &Args, console: &Console) -> Result<ExitCode> {
    let document = vectors::document();
    let Some(path) = &args.outfile else {
        console.say(0, document);
        return Ok(ExitCode::Ok);
    };
    let written = std::fs::File::create(path).and_then(|mut file| file.write_all(document.as_bytes()));
    written.map_err(|error| {
        Problem::new(ErrorCode::E21, format!("cannot write to {}", path.display()))
            .fact("why", text::io_error(&error))
    })?;
    console.say(0, format!("{} messages written to {}", vectors::vectors().len(), path.display()));
    Ok(ExitCode::Ok)
}

async fn driver(args: &Args) -> Result<Driver, Problem> {
    let target = target(args)?;
    let secure = secure(&target)?;
    Driver::new(target, secure, &ident(args), Some(DeflateConfig::default())).await
}

fn target(args: &Args) -> Result<Target, Problem> {
    let uri = args.wsuri.as_deref().ok_or_else(|| {
        Problem::new(ErrorCode::E27, "this mode needs an address").fact("try", "-w ws://127.0.0.1:9001")
    })?;
    Target::parse(uri)
}

/// Testees take any certificate: testers seldom have real ones.
fn secure(target: &Target) -> Result<Option<Secure>, Problem> {
    if !target.secure {
        return Ok(None);
    }
    let connector = ClientTls { insecure: true, ..ClientTls::default() }.connector()?;
    Ok(Some(Secure { connector, host: target.host.clone() }))
}

fn ident(args: &Args) -> String {
    args.ident.clone().unwrap_or_else(|| format!("wsspec-endpoint/{}", env!("CARGO_PKG_VERSION")))
}

fn no_connection(target: &Target, why: &str) -> Problem {
    Problem::new(ErrorCode::E01, format!("Connection to {target} failed ({why})"))
}
