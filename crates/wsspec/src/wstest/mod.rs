//! `wstest`: the command line of the reference suite, with its ten modes, its spec files, its lines on stdout, its
//! output files and its exit status, over the machinery of `wsspec run` and `wsspec serve`.

mod args;
mod as_run;
mod client;
mod fields;
pub(crate) mod json;
pub(crate) mod patterns;
mod server;
pub(crate) mod spec;
mod tools;

use std::ffi::OsString;

use anyhow::Result;
use clap::Parser as _;
use wsspec_engine::{Conduct, Settings};

pub use self::args::{Args, Mode};
pub(crate) use self::as_run::as_run;
pub use self::patterns::AgentExclusions;
use self::spec::Options;
use crate::cli::{Global, Progress, Theme, When};
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::fault;
use crate::outputs::args::Ci;
use crate::outputs::ci;
use crate::signals::Signals;
use crate::terminal::Console;

/// A wrong command line has the status 1, as in the reference.
const USAGE: ExitCode = ExitCode::Failed;

/// The process `wstest`.
pub fn main() -> std::process::ExitCode {
    fault::watch();
    start(std::env::args_os()).into()
}

/// Runs a command line; the first word is the name of the program.
pub fn start(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(message) => {
            let _ = message.print();
            return if message.use_stderr() { USAGE } else { ExitCode::Ok };
        }
    };
    let console = console(&args);
    if args.autobahnversion {
        console.say(0, format!("wsspec {}", env!("CARGO_PKG_VERSION")));
        return ExitCode::Ok;
    }
    let Some(mode) = args.mode else {
        console.warn("wstest: a mode must be given: -m MODE\n\nTry wstest --help");
        return USAGE;
    };
    let work = || crate::runtime()?.block_on(run(mode, &args, &console));
    let code = match fault::guard(work) {
        Ok(code) => code,
        Err(error) => {
            let code = crate::explain_error(&error, ci::service(Ci::Auto), &console);
            // What is wrong with the command line has the status of the reference.
            let usage = error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == ErrorCode::E27);
            if usage { USAGE } else { code }
        }
    };
    let code = fault::tell(code, ci::service(Ci::Auto), &console);
    if is_set("WSSPEC_WSTEST_BUGCOMPAT") { ExitCode::Ok } else { code }
}

async fn run(mode: Mode, args: &Args, console: &Console) -> Result<ExitCode> {
    let signals = Signals::listen();
    match mode {
        Mode::FuzzingClient => client::run(args, console, &signals).await,
        Mode::FuzzingServer => server::run(args, console, &signals).await,
        Mode::EchoServer | Mode::TesteeServer => tools::echo_server(mode, args, console, &signals).await,
        Mode::EchoClient => tools::echo_client(args, &signals).await,
        Mode::TesteeClient => tools::testee_client(args, console, &signals).await,
        Mode::BroadcastServer => tools::broadcast_server(args, console, &signals).await,
        Mode::BroadcastClient => tools::broadcast_client(args, console, &signals).await,
        Mode::MassConnect => tools::mass_connect(args, console, &signals).await,
        Mode::Serializer => tools::serializer(args, console),
    }
}

fn console(args: &Args) -> Console {
    Console::new(&Global {
        verbose: u8::from(args.debug),
        quiet: 0,
        color: When::Never,
        theme: Theme::Default,
        ascii: false,
        no_links: true,
        progress: Progress::None,
        ..Global::default()
    })
}

/// Whether an environment variable switches something on.
fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// The exit status of a finished run: failures count only if that was asked for.
fn lenient(code: ExitCode, args: &Args) -> ExitCode {
    let strict = args.strict_exit || is_set("WSSPEC_STRICT_EXIT");
    if code == ExitCode::Failed && !strict { ExitCode::Ok } else { code }
}

/// The options of a spec, for the engine.
fn settings(options: &Options) -> Settings {
    // A limit of 0 is none.
    let time = |asked: Option<std::time::Duration>, usual| match asked {
        None => usual,
        Some(time) if time.is_zero() => std::time::Duration::from_secs(3600),
        Some(time) => time,
    };
    let size = |asked: Option<u32>| asked.filter(|size| *size > 0).map(u64::from);
    let (usual, conduct) = (Settings::default(), Conduct::default());
    Settings {
        seed: rand::random(),
        commands: false,
        open_timeout: time(options.open_handshake_timeout, usual.open_timeout),
        close_timeout: time(options.close_handshake_timeout, usual.close_timeout),
        drop_timeout: time(options.server_connection_drop_timeout, usual.drop_timeout),
        conduct: Conduct {
            fail_by_drop: options.fail_by_drop.unwrap_or(conduct.fail_by_drop),
            echo_close: options.echo_close_code_reason.unwrap_or(conduct.echo_close),
            mask_client_frames: options.mask_client_frames.unwrap_or(conduct.mask_client_frames),
            mask_server_frames: options.mask_server_frames.unwrap_or(conduct.mask_server_frames),
            auto_fragment: options.auto_fragment_size.filter(|size| *size > 0).map(|size| size as usize),
            accept_masked_server_frames: options
                .accept_masked_server_frames
                .unwrap_or(conduct.accept_masked_server_frames),
            require_masked_client_frames: options
                .require_masked_client_frames
                .unwrap_or(conduct.require_masked_client_frames),
            validate_utf8: options.utf8_validate_incoming.unwrap_or(conduct.validate_utf8),
            largest_frame: size(options.max_frame_payload_size),
            largest_message: size(options.max_message_payload_size),
        },
        ..usual
    }
}

/// A peer as the reference prints it: `tcp4:127.0.0.1:9001`.
fn peer(address: std::net::SocketAddr) -> String {
    match address.ip().to_canonical() {
        std::net::IpAddr::V4(ip) => format!("tcp4:{ip}:{}", address.port()),
        std::net::IpAddr::V6(ip) => format!("tcp6:{ip}:{}", address.port()),
    }
}

/// A name that may come from the peer, for stdout.
fn shown(name: &str) -> String {
    wsspec_report::Untrusted::from(name).for_terminal(crate::serve::route::AGENT_LIMIT)
}

/// What is said of a spec file before anything else.
fn announce_spec<T>(loaded: &spec::Loaded<T>, given: bool, console: &Console) {
    let path = loaded.path.display();
    match (given, loaded.generated) {
        (true, _) => console.say(0, format!("Using explicit spec file '{path}'")),
        (false, true) => console.say(0, format!("Auto-generating spec file '{path}'")),
        (false, false) => console.say(0, format!("Using implicit spec file '{path}'")),
    }
    let whole = std::path::absolute(&loaded.path).unwrap_or_else(|_| loaded.path.clone());
    console.say(0, format!("Loading spec from {}\n", whole.display()));
    for warning in &loaded.warnings {
        console.warn(spec::warning(warning));
    }
}
