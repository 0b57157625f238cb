//! What was typed. What it means is worked out by the commands.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use wsspec_cases::sets::CATALOG;
use wsspec_endpoint::Deviation;
use wsspec_report::strictness::Strictness;

use crate::deviations::{parse_defect, parse_quirk};
use crate::exit_code::ExitCode;
use crate::outputs::args::{OutputArgs, RecordArgs};
use crate::outputs::wire::WireArgs;
use crate::sut::plan::ExecArgs;
use crate::target::Fixed;
use crate::tls_args::TlsArgs;
use crate::wstest::AgentExclusions;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The commands by what they are for, which clap cannot group.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Test", &["run", "serve", "probe", "demo"]),
    ("Look", &["show", "list", "explain", "repro"]),
    ("Files", &["report", "diff", "merge", "baseline"]),
    ("Peers", &["echo", "load"]),
    ("Other", &["wstest", "config", "schema", "completions", "man"]),
];

/// The help of all commands, each in the words of its definition.
fn help() -> String {
    let commands = Command::augment_subcommands(clap::Command::new("wsspec"));
    let line = |name: &&str| {
        let about = commands.find_subcommand(name).and_then(clap::Command::get_about);
        format!("  {name:<12} {}\n", about.map(ToString::to_string).unwrap_or_default())
    };
    let group =
        |(title, names): &(&str, &[&str])| format!("{title}\n{}", names.iter().map(line).collect::<String>());
    let groups: String = GROUPS.iter().map(group).collect();
    format!(
        "{{about}}\n\nUsage: {{usage}}\n\n{groups}  help         All options of a command: wsspec help run\n\n\
         {{options}}{{after-help}}"
    )
}

/// `0.1.0 (catalogue 2026.11)`
fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (catalogue {CATALOG})", env!("CARGO_PKG_VERSION")));
    &VERSION
}

/// Does your WebSocket code follow RFC 6455 and RFC 7692?
#[derive(Debug, Parser)]
#[command(
    name = "wsspec",
    version = version(),
    styles = STYLES,
    max_term_width = 80,
    disable_help_subcommand = false,
    help_template = help(),
    after_help = format!("Exit status:\n{}", ExitCode::table())
)]
pub struct Cli {
    /// The options of all commands.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The options of all commands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Terminal")]
pub struct Global {
    /// Print more: -v a line per case, -vv also the checks, -vvv every frame, -vvvv every octet
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Print less: -q only causes and the last line, -qq only errors
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub quiet: u8,
    /// Use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Choose the colours
    #[arg(long, global = true, value_name = "THEME", default_value = "default")]
    pub theme: Theme,
    /// Print ASCII only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// How progress is shown
    #[arg(long, global = true, value_name = "FORM", default_value = "auto")]
    pub progress: Progress,
    /// Do not make links of the paths of reports
    #[arg(long, global = true)]
    pub no_links: bool,
    /// Write down in this file what wsspec does, step by step, for the search of mistakes
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Read this file instead of the nearest wsspec.toml
    #[arg(short = 'C', long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Take the values of [profile.NAME] of that file too
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
}

/// What is printed when nothing was asked for.
impl Default for Global {
    fn default() -> Self {
        Self {
            verbose: 0,
            quiet: 0,
            color: When::Auto,
            theme: Theme::Default,
            ascii: false,
            progress: Progress::Auto,
            no_links: false,
            log: None,
            config: None,
            profile: None,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Test servers and proxies
    Run(Box<RunArgs>),
    /// Test clients and browsers
    Serve(Box<crate::serve::args::ServeArgs>),
    /// Tell what a peer is by a handshake, an echo, its limits; no cases
    Probe(crate::commands::probe::ProbeArgs),
    /// See what wsspec finds in a built-in peer with 3 bugs
    Demo(crate::commands::demo::DemoArgs),
    /// List cases, sections and sets
    List(ListArgs),
    /// Explain a case, set, code, verdict or clause of an RFC
    Explain(ExplainArgs),
    /// Show failures and cases of an earlier run
    Show(crate::commands::show::ShowArgs),
    /// Write the reports of an earlier run again
    Report(crate::commands::report::ReportArgs),
    /// Make a script that sends a case and needs no wsspec
    Repro(crate::commands::repro::ReproArgs),
    /// Print the JSON Schema of an output
    Schema(crate::commands::schema::SchemaArgs),
    /// Make one result of several: parts of a run, or implementations
    Merge(crate::commands::merge::MergeArgs),
    /// Keep the expected verdicts: create, update, check, explain
    Baseline(crate::commands::baseline::BaselineArgs),
    /// Compare two results
    Diff(crate::commands::diff::DiffArgs),
    /// Show what is set and where, check it, migrate a spec file
    Config(crate::commands::config::ConfigArgs),
    /// Print the script that completes commands in a shell
    Completions(crate::commands::completions::CompletionsArgs),
    /// Print the manual page
    Man(crate::commands::completions::ManArgs),
    /// Run a known-good echo server or client with permessage-deflate
    Echo(EchoArgs),
    /// Load a peer: connections, a steady rate, or as much as it echoes
    Load(Box<crate::load::args::LoadArgs>),
    /// The command line of the reference suite: wsspec wstest -m MODE
    #[command(disable_help_flag = true)]
    Wstest {
        /// What wstest takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
}

/// `wsspec run`
#[derive(Clone, Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    /// Addresses to test and cases to run, in any order: ws://HOST:PORT/PATH, 7.1.2, 7.*, a slug or @SET.
    /// Without an address the built-in endpoint is tested; without a case the set `core` is run, and
    /// the set `deflate` too if the server negotiates permessage-deflate
    #[arg(value_name = "URL|CASE")]
    pub words: Vec<String>,

    /// Leave these cases out (id, glob, slug or @SET)
    #[arg(short = 'x', long, value_name = "CASE", help_heading = "Which cases")]
    pub exclude: Vec<String>,
    /// Run the cases that this expression is true for, as in 'rfc(6455#5.4) and not time(>1s)'
    #[arg(short = 'E', long, value_name = "EXPR", help_heading = "Which cases")]
    pub filter: Option<String>,
    /// Run what failed in the last run, whose record is in the output folder
    #[arg(long, help_heading = "Which cases")]
    pub last_failed: bool,
    /// Take cases, servers and output folder from a spec file of the reference suite's fuzzingclient
    #[arg(long, value_name = "FILE", help_heading = "Which cases")]
    pub spec: Option<PathBuf>,
    /// Where status(), outcome(), agent() and differs() look [default: results.jsonl in the output folder]
    #[arg(long, value_name = "FILE", help_heading = "Which cases")]
    pub from: Option<PathBuf>,
    /// Run the Mth of N parts
    #[arg(long, value_name = "M/N", value_parser = parse_slice, help_heading = "Which cases")]
    pub slice: Option<Slice>,
    /// Choose among the cases of this set; without CASE all of them
    #[arg(long, value_name = "SET", help_heading = "Which cases")]
    pub set: Vec<String>,

    /// Cases at a time [default: 64 of those that mostly wait, of large messages one for each core, of loops with many
    /// messages four; timed ones run alone]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "How")]
    pub jobs: Option<u16>,
    /// Start with the cases that take longest, with the lowest id, or in random order
    #[arg(long, value_name = "ORDER", default_value = "slow-first", help_heading = "How")]
    pub order: Order,
    /// Make masking keys and other random octets repeatable
    #[arg(long, value_name = "HEX", value_parser = parse_seed, help_heading = "How")]
    pub seed: Option<u64>,
    /// Give a case no more time than this
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "How")]
    pub case_timeout: Option<Duration>,
    /// Give the opening handshake no more time than this
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "5s", help_heading = "How")]
    pub open_timeout: Duration,
    /// Multiply the waits and limits of all cases
    #[arg(long, value_name = "FACTOR", value_parser = parse_scale, default_value = "1", help_heading = "How")]
    pub timeout_scale: f64,
    /// Send N messages in each case that sends a thousand (9.7, 9.8, 12, 13): quicker, but no full run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "How")]
    pub volume_messages: Option<u32>,
    /// Start no case after this time; the rest is `not run`
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "How")]
    pub time_budget: Option<Duration>,
    /// Stop after so many cases in a row in which nothing came back
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "How")]
    pub max_hangs: u32,
    /// Stop after so many failures
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1", help_heading = "How")]
    pub fail_fast: Option<u32>,
    /// Try a failure again up to so many times, alone; if it passes then, it is flaky. Once 3 of a cause, or 20 in
    /// all, have failed again, the others are believed
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "How")]
    pub retries: u32,
    /// Report a failure at once, the same as --retries 0
    #[arg(long, help_heading = "How")]
    pub no_confirm: bool,

    /// Name the implementation: NAME, or KEY=NAME for several, where KEY is host, HOST:PORT, position, or name in a file
    #[arg(long, value_name = "NAME", help_heading = "Peer")]
    pub agent: Vec<String>,
    /// Add a header to the opening handshake; a word env:NAME is taken from the environment
    #[arg(short = 'H', long, value_name = "K: V", help_heading = "Peer")]
    pub header: Vec<String>,
    /// Offer this subprotocol
    #[arg(short, long, value_name = "NAME", help_heading = "Peer")]
    pub subprotocol: Vec<String>,
    /// Never offer wst.cmd, the subprotocol of commands: the cases that need it are n/a
    #[arg(long, help_heading = "Peer")]
    pub no_commands: bool,
    /// Send this Origin
    #[arg(long, value_name = "ORIGIN", help_heading = "Peer")]
    pub origin: Option<String>,
    /// Take this address for a host and port instead of looking the host up
    #[arg(long, value_name = "HOST:PORT:ADDR", help_heading = "Peer")]
    pub resolve: Vec<Fixed>,
    /// Use IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "Peer")]
    pub ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6', long, help_heading = "Peer")]
    pub ipv6: bool,
    /// Connect to this Unix socket, whatever the address says [default address: ws://localhost]; {unix} in --exec
    /// is its path
    #[arg(long, value_name = "PATH", conflicts_with_all = ["resolve", "ipv4", "ipv6"], help_heading = "Peer")]
    pub unix: Option<PathBuf>,
    /// Serve echoes here for the proxy that is tested [default: 127.0.0.1:9100]; --pcap captures both legs
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:9100", help_heading = "Peer")]
    pub backend: Option<String>,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// What the server does with messages: echo them, or discard them (only cases that need no echo are run)
    #[arg(long, value_name = "MODE", default_value = "echo", help_heading = "Peer")]
    pub mode: Mode,
    /// Do not try before the first case whether the peer echoes
    #[arg(long, help_heading = "Peer")]
    pub no_echo_check: bool,
    /// Stop if the peer does not have this
    #[arg(long, value_name = "FEATURE", help_heading = "Peer")]
    pub require: Vec<Feature>,

    /// The server under test, if it is to be started.
    #[command(flatten)]
    pub exec: ExecArgs,

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

    /// Write record and reports to this folder
    #[arg(short, long, value_name = "DIR", default_value = "wsspec-out", help_heading = "Output")]
    pub out: PathBuf,
    /// Keep the records of so many runs before this one, as results.1.jsonl and so on
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=99), help_heading = "Output")]
    pub keep: u8,
    /// Add to the record that is there, instead of beginning a new one
    #[arg(long, conflicts_with = "keep", help_heading = "Output")]
    pub append: bool,
    /// Reports.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The record.
    #[command(flatten)]
    pub record: RecordArgs,

    /// The file that values were taken from.
    #[arg(skip)]
    pub config: Option<String>,
    /// Its profile.
    #[arg(skip)]
    pub profile: Option<String>,
    /// Whether file or profile were named, not only found.
    #[arg(skip)]
    pub config_named: bool,
    /// What is odd about it.
    #[arg(skip)]
    pub warnings: Vec<String>,
    /// What was not typed, and where it comes from.
    #[arg(skip)]
    pub settings: Vec<crate::config::Setting>,
    /// The options that were typed.
    #[arg(skip)]
    pub typed: Vec<String>,
    /// The cases that it names, if none was typed.
    #[arg(skip)]
    pub cases: Vec<String>,
    /// The servers that it names, each as if it were typed.
    #[arg(skip)]
    pub targets: Vec<Self>,
    /// Which of the cases are not for which of the servers.
    #[arg(skip)]
    pub exclusions: AgentExclusions,
    /// The wire.
    #[command(flatten)]
    pub wire: WireArgs,
}

impl RunArgs {
    /// The verdicts that count.
    pub fn fails_on(&self) -> FailOn {
        if self.strict { FailOn::Should } else { self.fail_on }
    }

    /// Whether the value of this option was typed, and is not that of the file or of a variable.
    pub fn is_typed(&self, id: &str) -> bool {
        self.typed.iter().any(|typed| typed == id)
    }
}

/// The Mth of N parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// From 1.
    pub part: usize,
    /// How many parts.
    pub of: usize,
}

/// `wsspec list`
#[derive(Clone, Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
pub struct ListArgs {
    /// Cases: id, glob, section number, slug or @SET; all if none is given
    #[arg(value_name = "CASE")]
    pub cases: Vec<String>,
    /// List the cases that this expression is true for
    #[arg(short = 'E', long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// Where status(), outcome(), agent() and differs() look
    #[arg(long, value_name = "FILE", default_value = "wsspec-out/results.jsonl")]
    pub from: PathBuf,
    /// List the sets instead
    #[arg(long, conflicts_with = "cases")]
    pub sets: bool,
    /// List the defects that `wsspec echo` can have instead
    #[arg(long, conflicts_with_all = ["cases", "sets", "quirks"])]
    pub defects: bool,
    /// List the quirks that `wsspec echo` can have instead
    #[arg(long, conflicts_with_all = ["cases", "sets"])]
    pub quirks: bool,
    /// List the sections instead, of these cases
    #[arg(long, conflicts_with_all = ["sets", "defects", "quirks"])]
    pub sections: bool,
    /// List the tags instead, of these cases
    #[arg(long, conflicts_with_all = ["sets", "defects", "quirks", "sections"])]
    pub tags: bool,
    /// List the clauses of the RFCs instead that these cases test
    #[arg(long, conflicts_with_all = ["sets", "defects", "quirks", "sections", "tags"])]
    pub clauses: bool,
    /// Print for people or for programs
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub format: ListFormat,
}

/// `wsspec explain`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub struct ExplainArgs {
    /// A case (7.1.2), close code (1007), error code (E09), clause (rfc6455#5.4), verdict (non-strict), a word
    /// of the reference suite (UNCLEAN), a defect, a quirk, or exit-codes
    #[arg(value_name = "WHAT", required = true, num_args = 1..)]
    pub what: Vec<String>,
}

/// `wsspec echo`
#[derive(Clone, Debug, Args)]
#[command(after_help = ECHO_EXAMPLES)]
pub struct EchoArgs {
    /// Where to listen; port 0 takes any free port
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:9001")]
    pub address: String,
    /// Take no more connections than this at a time
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub max_connections: usize,
    /// Take no larger message than this many octets
    #[arg(long, value_name = "OCTETS", default_value_t = 64 << 20)]
    pub max_message: usize,
    /// Decline permessage-deflate
    #[arg(long)]
    pub no_deflate: bool,
    /// Do not speak wst.cmd, the subprotocol by which testers ask for closes, pings and more
    #[arg(long)]
    pub no_commands: bool,
    /// Serve with this many threads [default: one for each core]
    #[arg(long, value_name = "N", conflicts_with = "connect")]
    pub threads: Option<NonZeroUsize>,
    /// Have this defect, to see what a tester makes of it (wsspec list --defects); a CASE stands for the defect that
    /// it is there for; can be repeated
    #[arg(long = "defect", value_name = "ID|CASE", value_parser = parse_defect)]
    pub defects: Vec<&'static Deviation>,
    /// Behave in this lawful but unusual way (wsspec list --quirks); can be repeated
    #[arg(long = "quirk", value_name = "ID", value_parser = parse_quirk)]
    pub quirks: Vec<&'static Deviation>,
    /// Speak TLS, with a certificate made on the spot if --cert and --key give none
    #[arg(long, conflicts_with = "connect")]
    pub tls: bool,
    /// Take only clients with a certificate of the authorities in this PEM file
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub client_ca: Option<PathBuf>,
    /// Be a client instead: run all cases of the tester at ws://HOST:PORT, or echo on any other path until closed
    #[arg(long, value_name = "URL", conflicts_with_all = ["address", "max_connections", "max_message"])]
    pub connect: Option<String>,
    /// With --connect: the name in the tester's reports
    #[arg(long, value_name = "NAME", requires = "connect")]
    pub agent: Option<String>,
    /// Certificates.
    #[command(flatten)]
    pub certificates: TlsArgs,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum When {
    Auto,
    Always,
    Never,
}

/// Which colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Theme {
    /// Green and red
    Default,
    /// Blue and magenta, for the colour-blind
    Blue,
    /// Bold and underlined, no colour
    Mono,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// A bar on a terminal, lines elsewhere and in CI
    Auto,
    /// A bar
    Bar,
    /// A line per tenth
    Lines,
    /// A sign per case
    Dots,
    /// Nothing
    None,
}

/// Which case is started first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Order {
    SlowFirst,
    Id,
    Random,
}

/// Which verdicts make the run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum FailOn {
    /// Never
    Never,
    /// A broken MUST
    Must,
    /// Also results that differ when repeated
    Flaky,
    /// Also a broken SHOULD
    Should,
}

impl FailOn {
    /// What counts besides a broken MUST.
    pub(crate) fn strictness(self) -> Strictness {
        Strictness { non_strict: self >= Self::Should, flaky: self >= Self::Flaky, ..Strictness::default() }
    }
}

/// What a peer may have to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Feature {
    /// permessage-deflate (RFC 7692)
    Deflate,
    /// TLS: the address is wss://
    Tls,
}

/// What the server under test does with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// It sends them back
    Echo,
    /// It reads them and says nothing
    Discard,
}

/// For whom the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table
    Human,
    /// One id a line
    Ids,
    /// JSON
    Json,
}

const LIST_EXAMPLES: &str = "\
Examples:
  wsspec list '7.*' -v
  wsspec list -E 'level(should) and not tag(timed)' --format json
  wsspec list -E 'status(fail)' --from old-out/results.jsonl --format ids
  wsspec list --sets          also --sections, --tags, --clauses";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  wsspec explain 7.1.2                a case
  wsspec explain 1007 E09             a close code, an error
  wsspec explain rfc6455#5.4          a clause, and which cases test it
  wsspec explain non-strict UNCLEAN   a verdict, a word of the reference suite";

const ECHO_EXAMPLES: &str = "\
Examples:
  wsspec echo 127.0.0.1:9001
  wsspec echo --tls --cert cert.pem --key key.pem
  wsspec echo --no-deflate --max-message 65536 --max-connections 100
  wsspec echo --connect ws://127.0.0.1:9001 --agent mine    be a client";

const RUN_EXAMPLES: &str = "\
Examples:
  wsspec run                                      the built-in endpoint
  wsspec run ws://127.0.0.1:9001
  wsspec run ws://127.0.0.1:9001 '7.*' 5.15 -x '7.13.*'
  wsspec run ws://a:9001 ws://b:9002 --agent a=libA --agent b=libB
  wsspec run wss://example.org/ws -H 'Authorization: Bearer env:TOKEN'
  wsspec run ws://127.0.0.1:9001 @all --seed 7f3a91 -o out
  wsspec run --exec './my_server --port {port}'
  wsspec run ws://localhost:9001 --exec 'node echo.js' --ready log:listening
  wsspec run ws://127.0.0.1:9001 --junit junit.xml --md summary.md
  wsspec run ws://127.0.0.1:9001 -E 'tag(close) and not time(>1s)'
  wsspec run wss://127.0.0.1:9001 -k 5.15 --pcap run.pcapng
  wsspec run --spec fuzzingclient.json --log debug.log
Exit status:
  see wsspec --help";

/// `500ms`, `2s`, `1.5s`, `20m`, `1h`
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds_per_unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("a time needs a unit: 500ms, 2s, 20m or 1h".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "a time is a number and a unit, such as 1.5s".to_owned())?;
    Duration::try_from_secs_f64(number * seconds_per_unit)
        .ok()
        .filter(|time| !time.is_zero() && *time <= Duration::from_secs(3_600_000))
        .ok_or_else(|| "a time is more than 0 and at most 1000h".to_owned())
}

/// `7f3a91`, the way the record writes it
pub(crate) fn parse_seed(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16)
        .map_err(|_| "a seed is a hexadecimal number of at most 16 digits".to_owned())
}

fn parse_slice(text: &str) -> Result<Slice, String> {
    let read = || {
        let (part, of) = text.split_once('/')?;
        Some(Slice { part: part.parse().ok()?, of: of.parse().ok()? })
    };
    let slice = read().filter(|slice| (1..=slice.of).contains(&slice.part));
    slice.ok_or_else(|| "a part is written M/N, as in 2/4".to_owned())
}

pub(crate) fn parse_scale(text: &str) -> Result<f64, String> {
    let scale = text.parse().ok().filter(|scale| (0.01..=1000.0).contains(scale));
    scale.ok_or_else(|| "a factor from 0.01 to 1000".to_owned())
}

#[cfg(test)]
mod tests;
