//! What was typed behind `wsspec serve`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::{FailOn, parse_duration, parse_scale, parse_seed};
use crate::outputs::args::{OutputArgs, RecordArgs};
use crate::outputs::wire::WireArgs;

/// Where clients of the reference suite look.
pub const USUAL_PORT: u16 = 9001;

/// `wsspec serve`
#[derive(Clone, Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArgs {
    /// Cases to offer: id, glob, slug or @SET [default: @core]
    #[arg(value_name = "CASE")]
    pub cases: Vec<String>,

    /// Leave these cases out (id, glob, slug or @SET)
    #[arg(short = 'x', long, value_name = "CASE", help_heading = "Which cases")]
    pub exclude: Vec<String>,
    /// Offer only cases for which this expression is true, such as 'rfc(6455#5.4) and not time(>1s)'
    #[arg(short = 'E', long, value_name = "EXPR", help_heading = "Which cases")]
    pub filter: Option<String>,
    /// Offer this set; the same as @SET
    #[arg(long, value_name = "SET", help_heading = "Which cases")]
    pub set: Vec<String>,

    /// Listen on this port; 0 takes any free one
    #[arg(short, long, value_name = "PORT", default_value_t = USUAL_PORT, help_heading = "Where")]
    pub port: u16,
    /// Listen on this address instead of this machine's own; 0.0.0.0 is reachable from everywhere
    #[arg(long, value_name = "ADDR", help_heading = "Where")]
    pub bind: Vec<IpAddr>,
    /// Serve the pages under this host name too
    #[arg(long, value_name = "NAME", help_heading = "Where")]
    pub allow_host: Vec<String>,
    /// Speak TLS, with a certificate made on the spot if none is given
    #[arg(long, help_heading = "Where")]
    pub tls: bool,
    /// The certificate, with its chain, as PEM
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Where")]
    pub cert: Option<PathBuf>,
    /// The private key, as PEM
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Where")]
    pub key: Option<PathBuf>,
    /// Take only clients with a certificate of the authorities in this PEM file
    #[arg(long, value_name = "FILE", help_heading = "Where")]
    pub client_ca: Option<PathBuf>,
    /// Accept this subprotocol
    #[arg(short, long, value_name = "NAME", help_heading = "Where")]
    pub subprotocol: Vec<String>,
    /// Never agree to wst.cmd, the subprotocol of commands: the cases that need it are n/a
    #[arg(long, help_heading = "Where")]
    pub no_commands: bool,

    /// Start CMD for every case; it connects to {url} ($WSSPEC_URL), echoes until closed, and exits (127: not supported);
    /// {case} ($WSSPEC_CASE) is the case
    #[arg(long, value_name = "CMD", conflicts_with_all = ["exec", "browser"], help_heading = "Client under test")]
    pub exec_case: Option<String>,
    /// Start CMD once; it drives all cases at {url}, as drivers for the reference suite do
    #[arg(long, value_name = "CMD", conflicts_with = "browser", help_heading = "Client under test")]
    pub exec: Option<String>,
    /// Start this browser with the page that runs all cases, {page}
    #[arg(long, value_name = "CMD", help_heading = "Client under test")]
    pub browser: Option<String>,
    /// Name the client of --exec-case or --browser
    #[arg(long, value_name = "NAME", help_heading = "Client under test")]
    pub agent: Option<String>,
    /// Processes of --exec-case at a time [default: cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Client under test")]
    pub jobs: Option<u16>,
    /// End when the clients that came are through; --exec, --exec-case and --browser do so anyway
    #[arg(long, help_heading = "Client under test")]
    pub once: bool,
    /// With --once: how long a client may be silent
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "60s", help_heading = "Client under test")]
    pub idle_timeout: Duration,

    /// Make random octets repeatable
    #[arg(long, value_name = "HEX", value_parser = parse_seed, help_heading = "How")]
    pub seed: Option<u64>,
    /// Multiply the waits and limits of all cases
    #[arg(long, value_name = "FACTOR", value_parser = parse_scale, default_value = "1", help_heading = "How")]
    pub timeout_scale: f64,

    /// Send N messages in each case that sends a thousand (9.7, 9.8, 12, 13): quicker, but no full run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "How")]
    pub volume_messages: Option<u32>,

    /// Accept what this file lists, with reasons; what is worse makes the exit status 1
    #[arg(long, value_name = "FILE", help_heading = "Rating")]
    pub baseline: Option<PathBuf>,
    /// End with 5 if an entry of the baseline is better than it says, or has expired
    #[arg(long, help_heading = "Rating")]
    pub strict_baseline: bool,
    /// Which verdicts make the exit status 1
    #[arg(long, value_name = "LEVEL", default_value = "must", help_heading = "Rating")]
    pub fail_on: FailOn,
    /// The same as --fail-on should
    #[arg(long, conflicts_with = "fail_on", help_heading = "Rating")]
    pub strict: bool,
    /// End with 0 also if cases fail; never if they could not be run
    #[arg(long, help_heading = "Rating")]
    pub exit_zero: bool,

    /// Write record and reports to this folder; from 1 GiB on records of cases are short, from 2 GiB on none is run
    #[arg(short, long, value_name = "DIR", default_value = "wsspec-out", help_heading = "Output")]
    pub out: PathBuf,
    /// Reports.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The record.
    #[command(flatten)]
    pub record: RecordArgs,
    /// The wire.
    #[command(flatten)]
    pub wire: WireArgs,

    /// What is odd about what was set elsewhere.
    #[arg(skip)]
    pub warnings: Vec<String>,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  wsspec serve                                    then start the client, or open the page
  wsspec serve @autobahn --bind 0.0.0.0
  wsspec serve --exec-case './my_client {url}'    a process per case, no loop to write
  wsspec serve --exec './my_driver {url}'         a driver that asks for every case
  wsspec serve --browser 'chromium --headless=new {page}'
Exit status:
  see wsspec --help";
