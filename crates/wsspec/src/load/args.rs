//! What was typed after `wsspec load`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::source::Sources;
use super::threshold::Threshold;
use crate::cli::parse_duration;
use crate::filter::parse_size;
use crate::peer_args::PeerArgs;

/// `wsspec load`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LoadArgs {
    /// Which load.
    #[command(subcommand)]
    pub load: Load,
}

/// The kinds of load.
#[derive(Clone, Debug, Subcommand)]
pub enum Load {
    /// Open many connections at a steady rate, and hold them
    #[command(after_help = CONNECT)]
    Connect(ConnectArgs),
    /// Send messages at a steady rate and time each echo from when it was due to be sent
    #[command(after_help = RTT)]
    Rtt(RttArgs),
    /// Send as fast as the peer echoes, with so many messages in flight
    #[command(after_help = THROUGHPUT)]
    Throughput(ThroughputArgs),
}

/// `wsspec load connect`
#[derive(Clone, Debug, Args)]
pub struct ConnectArgs {
    /// How many connections
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// How many are begun in a second
    #[arg(long, value_name = "N", default_value_t = 500.0, value_parser = parse_rate)]
    pub rate: f64,
    /// Hold them so long once all are open
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub hold: Option<Duration>,
    /// What all kinds of load take.
    #[command(flatten)]
    pub common: Common,
}

/// `wsspec load rtt`
#[derive(Clone, Debug, Args)]
pub struct RttArgs {
    /// Messages a second, over all connections
    #[arg(long, value_name = "N", default_value_t = 1000.0, value_parser = parse_rate)]
    pub rate: f64,
    /// What is sent.
    #[command(flatten)]
    pub messages: Messages,
    /// What all kinds of load take.
    #[command(flatten)]
    pub common: Common,
}

/// `wsspec load throughput`
#[derive(Clone, Debug, Args)]
pub struct ThroughputArgs {
    /// Messages on each connection that wait for their echo
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub in_flight: u32,
    /// What is sent.
    #[command(flatten)]
    pub messages: Messages,
    /// What all kinds of load take.
    #[command(flatten)]
    pub common: Common,
}

/// What is sent, how long, and on how many connections.
#[derive(Clone, Debug, Args)]
pub struct Messages {
    /// The length of a message
    #[arg(long, value_name = "SIZE", default_value = "1KiB", value_parser = parse_message_size)]
    pub size: u64,
    /// How many connections
    #[arg(short = 'n', long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Send so long
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub time: Duration,
    /// Send text; binary otherwise
    #[arg(long)]
    pub text: bool,
    /// Offer permessage-deflate
    #[arg(long)]
    pub deflate: bool,
}

/// What all kinds of load take.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The peer.
    #[command(flatten)]
    pub peer: PeerArgs,
    /// Exit with 1 unless this holds; can be repeated [default: errors=0]
    #[arg(long = "threshold", value_name = "LIMIT")]
    pub thresholds: Vec<Threshold>,
    /// Begin connections at these addresses of this machine by turns: each has local ports of its own
    #[arg(long, value_name = "ADDR|CIDR", conflicts_with = "unix")]
    pub source: Option<Sources>,
    /// Load a host that is neither this one nor in a private network
    #[arg(long)]
    pub i_own_this_host: bool,
    /// Wait so long for a connection, an answer, and the last echoes
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub timeout: Duration,
    /// What stdout holds
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub format: LoadFormat,
}

/// What stdout holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoadFormat {
    /// Text for people
    Human,
    /// One JSON object: wsspec schema load
    Json,
}

const EXAMPLES: &str = "\
Examples:
  wsspec load connect ws://127.0.0.1:9001 -n 10000 --rate 500
  wsspec load rtt ws://127.0.0.1:9001 --rate 2000 --threshold 'p99<5ms'
  wsspec load throughput ws://127.0.0.1:9001 --size 64KiB --in-flight 4
Exit status:
  0 if all thresholds hold; 1 if not; 3 if the peer cannot be reached";

const CONNECT: &str = "\
Examples:
  wsspec load connect ws://127.0.0.1:9001 -n 10000 --rate 500
  wsspec load connect ws://127.0.0.1:9001 --for 1m --threshold 'p99<50ms'
  wsspec load connect ws://127.0.0.1:9001 -n 60000 --source 127.0.0.0/28
Thresholds are of the opening handshake (p50, p99.9, min, mean, max), errors,
open (connections in the end) and rate (opened a second).";

const RTT: &str = "\
Examples:
  wsspec load rtt ws://127.0.0.1:9001 --rate 2000 --size 1KiB --for 30s
  wsspec load rtt ws://127.0.0.1:9001 --threshold 'p99<5ms' --threshold errors=0
Thresholds are of the round trip (p50, p99.9, min, mean, max), errors, open
(connections in the end) and rate (echoes a second).";

const THROUGHPUT: &str = "\
Examples:
  wsspec load throughput ws://127.0.0.1:9001 --size 64KiB --in-flight 4 -n 8
  wsspec load throughput ws://127.0.0.1:9001 --threshold 'rate>50000'
Thresholds are of the round trip (p50, p99.9, min, mean, max), errors, open
(connections in the end) and rate (echoes a second).";

/// The longest message.
const MAX_SIZE: u64 = 64 << 20;

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.01..=1e7).contains(rate));
    rate.ok_or_else(|| "a number from 0.01 to 10000000 a second".to_owned())
}

fn parse_message_size(text: &str) -> Result<u64, String> {
    parse_size(text).and_then(|size| match size <= MAX_SIZE {
        true => Ok(size),
        false => Err("a message has at most 64MiB".to_owned()),
    })
}
