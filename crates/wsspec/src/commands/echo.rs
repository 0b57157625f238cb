//! `wsspec echo`: the strict endpoint as a known-good echo server.

use std::io;

use anyhow::Result;
use wsspec_endpoint::{Config, DeflateConfig};

use crate::cli::EchoArgs;
use crate::errors::{ErrorCode, Problem};
use crate::exit_code::ExitCode;
use crate::net::endpoint::EchoServer;
use crate::signals::Signals;
use crate::terminal::Console;

/// Serves until Ctrl-C.
///
/// # Errors
/// The address cannot be bound.
pub async fn run(args: &EchoArgs, console: &Console) -> Result<ExitCode> {
    let signals = Signals::listen();
    let server = EchoServer::bind(&args.address, config(args), args.max_connections)
        .await
        .map_err(|error| cannot_listen(&args.address, &error))?;
    let address = server.local_addr()?;
    console.say(-1, format!("listening on ws://{address}"));
    if !address.ip().is_loopback() {
        console.say(0, "other hosts can reach it");
    }
    server.serve(signals.stop()).await;
    Ok(ExitCode::Ok)
}

/// The echo server that is tested when no address is given, and that `echo` serves.
pub fn config(args: &EchoArgs) -> Config {
    Config {
        deflate: (!args.no_deflate).then(DeflateConfig::default),
        max_message_size: args.max_message as u64,
        max_frame_size: args.max_message as u64,
        ..echo_config()
    }
}

/// An echo server with permessage-deflate and the default limits.
pub fn echo_config() -> Config {
    // A server draws no random numbers: the seed is for the masking keys of a client.
    Config { echo: true, deflate: Some(DeflateConfig::default()), ..Config::server([0; 32]) }
}

/// Why an address cannot be bound.
pub fn cannot_listen(address: &str, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::AddrInUse => Problem::new(ErrorCode::E16, format!("{address} is already in use"))
            .fact("try", "wsspec echo 127.0.0.1:0   (any free port, printed)"),
        _ => Problem::new(ErrorCode::E16, format!("cannot listen on {address}"))
            .fact("why", error.to_string())
            .fact("try", "wsspec echo 127.0.0.1:0   (any free port, printed)"),
    }
}
