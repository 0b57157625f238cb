//! `wsspec echo`: the strict endpoint as a known-good echo server or client.

use std::io;

use anyhow::Result;
use wsspec_endpoint::{Config, DeflateConfig, Deviation};

use crate::cli::EchoArgs;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::client::Secure;
use crate::net::echo::EchoServer;
use crate::net::holder::holder;
use crate::net::tls::ServerTls;
use crate::signals::Signals;
use crate::target::Target;
use crate::terminal::Console;
use crate::text;
use crate::tools::driver::{Driver, Progress};

/// The rule of all defects of text.
const UTF8: &str = "RFC 6455 8.1";

/// Serves until Ctrl-C, or is a client: runs all cases of a tester, or echoes on the path of its address.
///
/// # Errors
/// The address cannot be bound, the peer cannot be reached, or a certificate cannot be read.
pub async fn run(args: &EchoArgs, console: &Console) -> Result<ExitCode> {
    let signals = Signals::listen();
    match &args.connect {
        Some(url) => connect(url, args, console, &signals).await,
        None => serve(args, console, &signals).await,
    }
}

async fn connect(url: &str, args: &EchoArgs, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let target = Target::parse(url)?;
    let secure = match target.secure {
        true => {
            Some(Secure { connector: args.certificates.to_tls().connector()?, host: target.host.clone() })
        }
        false => None,
    };
    let name = format!("wsspec-endpoint/{}", env!("CARGO_PKG_VERSION"));
    let name = args.agent.clone().unwrap_or(name);
    let deflate = (!args.no_deflate).then(DeflateConfig::default);
    let is_tester = target.resource == "/";
    let driver = Driver::new(target, secure, &name, deflate).await?;
    let deviations = deviations(args);
    // Commands are text that is not echoed: with them, a defect of text could not be shown.
    let commands = !args.no_commands && deviations.iter().all(|deviation| deviation.rule != UTF8);
    let mut driver = driver.obeying(commands).deviating(&deviations);
    if !is_tester {
        driver.run_one(&signals.stop()).await?;
        console.say(0, format!("the connection to {url} is over"));
        return Ok(signals.exit_code().unwrap_or(ExitCode::Ok));
    }
    let mut total = 0;
    let tell = |progress| match progress {
        Progress::Cases(count) => {
            total = count;
            console.say(0, format!("{name}: {} to run", text::count(count as usize, "case")));
        }
        Progress::Case(number) => console.say(1, format!("{number}/{total}")),
        Progress::Asking | Progress::Reports => {}
    };
    let ran = driver.run(&signals.stop(), tell).await?;
    console.say(-1, format!("{} run; the verdicts are with the tester", text::count(ran as usize, "case")));
    Ok(signals.exit_code().unwrap_or(ExitCode::Ok))
}

async fn serve(args: &EchoArgs, console: &Console, signals: &Signals) -> Result<ExitCode> {
    let tls = tls(args)?;
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    let server = EchoServer::bind(&args.address, config(args), args.max_connections)
        .await
        .map_err(|error| cannot_listen(&args.address, &error))?
        .with_tls(tls);
    let address = server.local_addr()?;
    console.say(-1, format!("listening on {scheme}://{address}"));
    if !address.ip().is_loopback() {
        console.say(0, "other hosts can reach it");
    }
    server.serve(signals.stop()).await;
    Ok(ExitCode::Ok)
}

fn tls(args: &EchoArgs) -> Result<Option<ServerTls>, Problem> {
    let files = &args.certificates;
    let tls = match (&files.cert, &files.key) {
        (Some(cert), key) => ServerTls::from_files(cert, key.as_ref().unwrap_or(cert))?,
        _ if args.tls || args.client_ca.is_some() => {
            ServerTls::self_signed(&["localhost", "127.0.0.1", "::1"].map(str::to_owned))?
        }
        _ => return Ok(None),
    };
    Ok(Some(tls.for_clients_of(args.client_ca.as_deref())?.choosing(&files.alpn)))
}

/// The echo server that is tested when no address is given, and that `echo` serves.
pub fn config(args: &EchoArgs) -> Config {
    Config {
        deflate: (!args.no_deflate).then(DeflateConfig::default),
        commands: !args.no_commands,
        max_message_size: args.max_message as u64,
        max_frame_size: args.max_message as u64,
        deviations: deviations(args),
        ..echo_config()
    }
}

fn deviations(args: &EchoArgs) -> Vec<&'static Deviation> {
    args.defects.iter().chain(&args.quirks).copied().collect()
}

/// An echo server with permessage-deflate, commands and the default limits.
pub fn echo_config() -> Config {
    // A server draws no random numbers: the seed is for the masking keys of a client.
    let deflate = Some(DeflateConfig::default());
    Config { echo: true, commands: true, deflate, ..Config::server([0; 32]) }
}

/// Why an address cannot be bound.
pub fn cannot_listen(address: &str, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            in_use(address).fact("try", "wsspec echo 127.0.0.1:0   (any free port, printed)")
        }
        _ => Problem::new(ErrorCode::E16, format!("cannot listen on {address}"))
            .fact("why", error.to_string())
            .fact("try", "wsspec echo 127.0.0.1:0   (any free port, printed)"),
    }
}

/// E16, with who is there if the system tells.
fn in_use(address: &str) -> Problem {
    let problem = Problem::new(ErrorCode::E16, format!("{address} is already in use"));
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    match port.and_then(holder) {
        Some(holder) => problem.fact("by", holder),
        None => problem,
    }
}
