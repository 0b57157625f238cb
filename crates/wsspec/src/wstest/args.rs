//! What was typed behind `wstest`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// The modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Mode {
    /// Connects to a broadcast server and prints what comes
    BroadcastClient,
    /// Sends every message to all clients
    BroadcastServer,
    /// Echoes what a server sends
    EchoClient,
    /// Echoes what clients send
    EchoServer,
    /// Tests servers
    FuzzingClient,
    /// Tests clients
    FuzzingServer,
    /// Opens many connections
    MassConnect,
    /// Writes test vectors of WAMP messages
    Serializer,
    /// A client under test, for a fuzzing server
    TesteeClient,
    /// A server under test, for a fuzzing client
    TesteeServer,
}

/// The command line of the reference suite
#[derive(Clone, Debug, Parser)]
#[command(name = "wstest", version, infer_long_args = true, max_term_width = 80, after_help = NOTES)]
pub struct Args {
    /// What to do
    #[arg(short, long, value_name = "MODE")]
    pub mode: Option<Mode>,
    /// Read this spec file [default: MODE.json, written if it is not there]
    #[arg(short, long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Connect to, or listen on, this address
    #[arg(short, long, value_name = "URI")]
    pub wsuri: Option<String>,
    /// Serve the page on this port as well; 0: do not
    #[arg(short = 'u', long, value_name = "PORT", default_value_t = 8080)]
    pub webport: u16,
    /// Name of a testee
    #[arg(short, long, value_name = "NAME")]
    pub ident: Option<String>,
    /// Private key for wss, as PEM
    #[arg(short, long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Certificate for wss, as PEM
    #[arg(short, long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Write the output of `serializer` to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub outfile: Option<PathBuf>,
    /// Print more
    #[arg(short, long)]
    pub debug: bool,
    /// Print the version and end
    #[arg(short, long)]
    pub autobahnversion: bool,
    /// End with the status of `wsspec run`: not 0 if a case failed
    #[arg(long)]
    pub strict_exit: bool,
    /// Accepted for old scripts, without effect
    #[arg(short, long, value_name = "NAME", hide = true)]
    pub testset: Option<String>,
}

const NOTES: &str = "\
Exit status: 0 after a finished run, whatever the verdicts; not 0 if nothing
could be run, or not all of it. --strict-exit, or WSSPEC_STRICT_EXIT=1, makes it
1 if a case failed. WSSPEC_WSTEST_BUGCOMPAT=1 makes it 0 always.
WSSPEC_BIND=ADDR listens on that address instead of the one in the spec.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(line: &str) -> Args {
        Args::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn old_command_lines_are_understood() {
        Args::command().debug_assert();
        for line in [
            "wstest -m fuzzingclient -s spec.json",
            "wstest --mode fuzzingclient --spec spec.json",
            "wstest --mode=fuzzingclient --spec=spec.json",
            "wstest -mfuzzingclient -sspec.json",
            "wstest --mod fuzzingclient --sp spec.json -d",
        ] {
            let args = parsed(line);
            assert_eq!(
                (args.mode, args.spec),
                (Some(Mode::FuzzingClient), Some("spec.json".into())),
                "{line}"
            );
            assert_eq!(args.webport, 8080);
        }
        let args = parsed("wstest -m fuzzingserver -u 0 -w ws://h -i id -k k.pem -c c.pem -o out -t all -a");
        assert_eq!(
            (args.webport, args.wsuri.as_deref(), args.ident.as_deref()),
            (0, Some("ws://h"), Some("id"))
        );
        assert_eq!(
            (args.key, args.cert, args.outfile),
            (Some("k.pem".into()), Some("c.pem".into()), Some("out".into()))
        );
        assert!(args.autobahnversion);
    }

    #[test]
    fn all_ten_modes_have_their_old_names() {
        let names: Vec<String> = Mode::value_variants()
            .iter()
            .map(|mode| mode.to_possible_value().unwrap().get_name().to_owned())
            .collect();
        let old = [
            "broadcastclient",
            "broadcastserver",
            "echoclient",
            "echoserver",
            "fuzzingclient",
            "fuzzingserver",
            "massconnect",
            "serializer",
            "testeeclient",
            "testeeserver",
        ];
        assert_eq!(names, old);
    }
}
